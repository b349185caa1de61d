# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Run in a guest that stands for a host: inside.sh SECONDS SEED.  sched-deploy
# watch lives there for so long, with two workloads that come and go and a policy
# trusted for each; now and then it, or the one that holds the policy, is killed
# or stopped.
#
# What it prints, a line each, T in seconds since it began:
#   sample T PID RSS ANON FDS THREADS CHILDREN     of the watch, KiB
#   state T OPS        what schedules now, "-": the kernel's own
#   fault T NAME MS    and how long until all was as it should be; "never"
#   wrong T WORDS
#   end KEY VALUE
# shellcheck disable=SC2154 # of story.bash

length=$1 RANDOM=$2
at=/tmp/soak
mkdir -p $at
# The words that tests have for stories; what they ask for first is there.
bats_require_minimum_version() { :; }
export BATS_TEST_TMPDIR=$at
. "$TREE/tests/lib.bash"
. "$TREE/tests/story.bash"
needs_guest() { :; }
needs_plain_build() { :; }
story_setup
. ./inside
export SCHEDKIT_HISTORY=$at/history SCHEDKIT_RUNTIME=off
# Of its own: /tmp shows what others have in the host's.
export TMPDIR=$at/tmp
mkdir -p $TMPDIR

now() {
	echo $((SECONDS - began))
}

wrong() {
	echo "wrong $(now) $*"
}

# ---- what comes and goes -----------------------------------------------

# One task that never sleeps; or several that hardly do anything else.
busy() {
	exec "$BUILD/workloads/burn" --idle
}

restless() {
	local i
	for i in 1 2 3 4; do
		while :; do sleep 0.05; done &
	done
	wait
}

begin_work() {
	# No leader of a group yet, so that it is not forked once more.
	setsid bash -c "$(declare -f "$1"); $1" </dev/null >/dev/null 2>&1 &
	work=$!
}

end_work() {
	[ -z "${work:-}" ] || pkill -KILL -s "$work"
	work=
}

# known WORKLOAD SLICE: seen once, and a policy is trusted for it.
known() {
	local state
	begin_work "$1"
	sleep 1
	sched-observe --json -d 4 >seen
	end_work
	profile=$(doc_id <seen)
	{
		cat seen
		story "$2" "$1"
	} | sched-history learn --json 2>/dev/null | sched-history add >/dev/null
	for state in candidate canary trusted; do
		sched-history promote $state -w "$1" --force \
			"$(policy "$2" | doc_id)" >/dev/null
	done
}

# ---- the watch ---------------------------------------------------------

start_watch() {
	sched-deploy watch -i 5 -s 2 --lasts 2 --of 2 --dwell 5 \
		--cool-down 5 --per-hour 120 --falls 1000 -o $at/figures \
		>/dev/null 2>>$at/said &
	watch=$!
}

looks() {
	sed -n 's/^schedkit_watch_windows_total //p' $at/figures 2>/dev/null
}

sample() {
	local rss anon threads
	read -r rss anon threads < <(awk '/^VmRSS/ { r = $2 }
		/^RssAnon/ { a = $2 } /^Threads/ { t = $2 }
		END { print r, a, t }' /proc/$watch/status 2>/dev/null)
	[ -z "$rss" ] || echo "sample $(now) $watch $rss $anon" \
		"$(find /proc/$watch/fd -mindepth 1 | wc -l) $threads" \
		"$(pgrep -cP $watch)"
	ops=$(cat $sysfs/root/ops 2>/dev/null)
	echo "state $(now) ${ops:--}"
}

# soon SECONDS COMMAND...: and $took is in ms.
soon() {
	local from=${EPOCHREALTIME/./} end=$((SECONDS + $1))
	shift
	took=never
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
	took=$(((${EPOCHREALTIME/./} - from) / 1000))
}

is_off() {
	[ "$(cat $sysfs/state)" = disabled ]
}

has_looked() {
	[ "$(looks)" -gt "${1:-0}" ] 2>/dev/null
}

holder() {
	pgrep -P $watch -x sched-deploy | head -n 1
}

fault() {
	local h from
	case $1 in
	watch-killed)
		kill -9 $watch
		wait $watch 2>/dev/null
		# The policy goes with it.
		soon 10 is_off || wrong "a policy without a watch"
		rm -f $at/figures
		start_watch
		soon 120 has_looked || wrong 'the new watch does not look'
		;;
	watch-stopped)
		kill -STOP $watch
		sleep 4
		kill -CONT $watch
		from=$(looks)
		soon 120 has_looked "$from" || wrong 'it does not look any more'
		;;
	holder-killed)
		h=$(holder)
		[ -n "$h" ] || return
		kill -9 "$h"
		soon 10 is_off || wrong "a policy without a holder"
		;;
	esac
	echo "fault $(now) $1 $took"
}

# ---- the run -----------------------------------------------------------

known busy 5000
known restless 7000
export profile=
began=$SECONDS
start_watch
soon 120 has_looked || wrong 'it never looks'
kinds=(busy idle restless idle)
faults=(holder-killed watch-stopped watch-killed)
phase=$((length / 12))
[ $phase -ge 30 ] || phase=30
[ $phase -le 75 ] || phase=75
next_phase=$SECONDS
next_fault=$((SECONDS + length / 8))
i=0 f=$RANDOM
while [ "$(now)" -lt "$length" ]; do
	if [ $SECONDS -ge $next_phase ]; then
		end_work
		[ "${kinds[i % 4]}" = idle ] || begin_work "${kinds[i % 4]}"
		i=$((i + 1)) next_phase=$((SECONDS + phase))
	fi
	sample
	[ -z "$ops" ] || seen+=" $ops"
	if [ $SECONDS -ge $next_fault ]; then
		fault "${faults[f++ % 3]}"
		next_fault=$((SECONDS + length / 4))
	fi
	kill -0 $watch 2>/dev/null || {
		wrong "the watch ended: $(tail -n 1 $at/said)"
		start_watch
	}
	sleep 5
done
end_work
sleep 1
sample
kill -TERM $watch
soon 20 is_off || wrong 'it ended, and a policy is left'
wait $watch
echo "end status $?"
left() {
	ps -eo comm= | grep -cE '^(sched-|load-policy|set-knobs)'
}
none_left() {
	[ "$(left)" = 0 ]
}
soon 20 none_left || wrong "left: $(ps -eo args= | grep -E 'sched-')"
echo "end looks $(looks)"
# shellcheck disable=SC2086 # names without spaces
echo "end policies $(printf '%s\n' $seen | sort -u | grep -c .)"
git -C $SCHEDKIT_HISTORY fsck --strict --no-dangling >fsck 2>&1 ||
	wrong "git fsck: $(paste -sd ' ' fsck)"
sched-history fsck >fsck 2>&1 || wrong "history fsck: $(tail -n 1 fsck)"
echo "end documents $(git -C $SCHEDKIT_HISTORY rev-list --count --no-merges \
	main)"
echo "end history $(du -sB 1 $SCHEDKIT_HISTORY | cut -f 1)"
echo "end temporary $(find $TMPDIR -mindepth 1 | wc -l)"
