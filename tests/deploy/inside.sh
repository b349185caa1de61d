# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced inside a guest by the scripts of the matrix of faults (tests/faults.bash):
# their words, and what must hold after each case.
# shellcheck disable=SC2034 # of what is theirs

# What is below /tmp is the host's.
here=/run/faults
export PATH=$BUILD/bin:$PATH XDG_STATE_HOME=$here/state LC_ALL=C.UTF-8
export XDG_CONFIG_HOME=$here/config
work=$PWD
sysfs=/sys/kernel/sched_ext
run=/run/schedkit
record=$run/deployment.json
history=$XDG_STATE_HOME/schedkit/history
keys=$XDG_CONFIG_HOME/schedkit/keys
mkdir -p $keys $here/at
cp signing.pub $keys
cp "$BUILD/lib/schedkit/policy.bpf.o" $here/real.bpf.o
cp "$(command -v sleep)" $here/victim
cd $here/at || exit
# To wait without starting a process.
exec {nap}<> <(:)
: >$here/promised

# ---- waiting -----------------------------------------------------------

nap() {
	read -rt "$1" -u "$nap"
}

clock() {
	t0=${EPOCHREALTIME/./}
}

# $took: milliseconds since clock.
stop_clock() {
	took=$(((${EPOCHREALTIME/./} - t0) / 1000))
}

# until_so SECONDS COMMAND...: it succeeds, and $took says after how long.
until_so() {
	local limit=$1 from=$SECONDS
	shift
	until "$@"; do
		[ $((SECONDS - from)) -le "$limit" ] || {
			took=never
			return 1
		}
		nap 0.01
	done
	stop_clock
}

state_is() {
	local s
	read -r s <$sysfs/state
	[ "$s" = "$1" ]
}

# becomes STATE: since clock.
becomes() {
	until_so 40 state_is "$1"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# ours: processes of ours, but the one whose number is given.
ours() {
	ps -eo pid=,comm= | awk -v but="${1:-0}" '$1 != but &&
		$2 ~ /^(sched-|load-policy|set-knobs|hold-external|strace)/'
}

end_ours() {
	local p
	while read -r p _; do
		kill -9 "$p"
	done < <(ours)
}

none_left() {
	[ -z "$(ours "${spared:-}")" ]
}

# ---- deploying ---------------------------------------------------------

# use NAME: that object is the template here, and its policy is in $in.
use() {
	local o=$BUILD/policies/faults/$1.bpf.o
	[ "$1" != real ] || o=$here/real.bpf.o
	cp "$o" "$BUILD/lib/schedkit/policy.bpf.o"
	in=$work/$1.in
}

# begin OPTION...: a deployer, $pid, at its work.
begin() {
	sched-deploy -t host "$@" <"$in" >out 2>err &
	pid=$!
}

has_said() {
	grep -q "\"state\":\"$1\"" out
}

attached_or_over() {
	has_said attached || gone $pid
}

# deploy OPTION...: and the policy is attached.
deploy() {
	begin "$@"
	until_so 60 attached_or_over
	has_said attached || cat err
	clock
}

loader() {
	pgrep -P "$pid" -x load-policy
}

# The last word of a deployer: its state, and why.
word() {
	tail -n 1 "${1:-out}" | jq -r '.body | "\(.state): \(.why // .text)"' \
		2>/dev/null
}

# finished: $rc and $said of $pid, which is over soon.
finished() {
	until_so 40 gone $pid || {
		wrong "not over: $(ps -o pid=,stat=,wchan=,args= -p $pid)"
		kill -9 $pid
	}
	wait $pid
	rc=$?
	said="status $rc, $(word)"
	promise
}

# refusal OPTION...: $rc and $said of a deployer that is to say no.
refusal() {
	begin --for 20 "$@"
	clock
	finished
	said="status $rc: $(grep -v recorded err | head -n 1)"
}

# ---- between two system calls ------------------------------------------

# traced FILE: a program of ours that tells $here/calls.PID its system calls from
# now on, or is killed at the one that $here/nth names, or neither.
traced() {
	mkdir -p $here/whole
	cp "$1" $here/whole
	cat >traced <<-TRACED
		#!/bin/bash
		read -r n <$here/nth
		w=$here/whole/${1##*/}
		case \$n in
		none) exec \$w "\$@" ;;
		count) exec strace -D -qqq -o $here/calls.\$\$ \$w "\$@" ;;
		*) exec strace -D -q -o $here/ended.\$\$ -e trace=\${n%%:*} \\
			-e inject=\$n \$w "\$@" ;;
		esac
	TRACED
	echo none >$here/nth
	install -m 755 traced "$1"
}

# It was killed, since this was asked last.
was_hit() {
	nap 0.1
	grep -qs 'killed by' $here/ended.*
	set -- $?
	rm -f $here/ended.*
	return "$1"
}

whole() {
	cp $here/whole/"${1##*/}" "$1"
}

# The calls of that one of the processes which made most, by name; their number.
calls() {
	sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' \
		"$(find $here -name 'calls.*' -printf '%s %p\n' | sort -n |
			tail -n 1 | cut -d ' ' -f 2)" >$here/made
	rm $here/calls.*
	wc -l <$here/made
}

# nth_call N [SIGNAL]: as strace is told, which counts each kind by itself.
nth_call() {
	awk -v n="$1" -v s="${2:-KILL}" '{ c[$1]++ }
		NR == n { print $1 ":signal=" s ":when=" c[$1] }' $here/made
}

# steps TOTAL: some of so many, evenly.
steps() {
	local by=$(($1 / CUTS))
	[ -z "$EVERY" ] && [ $by -gt 0 ] || by=1
	seq $((1 + by / 2)) $by "$1"
}

# ---- a case ------------------------------------------------------------

fault() {
	name=$1 wrong=0 last='' spared='' took=never said=''
	use plain
	clock
}

skipped() {
	echo "skipped $name $*"
}

wrong() {
	echo "wrong $name $*"
	wrong=$((wrong + 1))
}

# end CLASS WORDS: and what must hold then.  own: the kernel's own scheduler;
# attached: ours; refused: nothing was changed; foreign: another's.
end() {
	echo "case $name $took $*"
	settled "$1"
	[ $wrong != 0 ] || echo "sound $name"
}

# What sched-deploy has recorded without complaint is promised.
promise() {
	! grep -q recorded "${2:-err}" || return
	jq -r 'select(.kind != "error").id' "${1:-out}" >>$here/promised
}

truthful() {
	local s
	s=$(sched-deploy status --json) || wrong "status fails: $s"
	[ "$(jq -r .body.sched_ext.state <<<"$s")" = "$(cat $sysfs/state)" ] ||
		wrong "status: another state than the kernel's"
	case $1 in
	attached)
		jq -e '.body.attached.ours' <<<"$s" >/dev/null ||
			wrong "status: not ours: $(jq -r .body.text <<<"$s")"
		;;
	foreign)
		jq -e '.body.attached.ours == false' <<<"$s" >/dev/null ||
			wrong "status: $(jq -r .body.text <<<"$s")"
		;;
	*)
		jq -e '.body | .attached == null and .holder == null and
			.knobs == null' <<<"$s" >/dev/null ||
			wrong "status: $(jq -r .body.text <<<"$s")"
		;;
	esac
	[ -z "$last" ] || [ "$(jq -r .body.last.state <<<"$s")" = "$last" ] ||
		wrong "status: the last was $(jq -c .body.last <<<"$s"), not $last"
}

nothing_lost() {
	local lost
	[ -d "$history" ] || return
	git -C "$history" fsck --strict --no-dangling >fsck 2>&1 ||
		wrong "git fsck: $(paste -sd ' ' fsck)"
	sched-history log --json 2>log.err | jq -r .id | sort -u >there
	lost=$(sort -u $here/promised | comm -23 - there | wc -l)
	[ "$lost" = 0 ] ||
		wrong "$lost documents are not in the history $(cat log.err)"
}

ordinary() {
	use plain
	sched-deploy -t host -- true <"$in" >next 2>next.err
	rc=$?
	[ $rc = 0 ] && [ "$(word next)" = \
		'detached: the command ended with status 0' ] &&
		state_is disabled ||
		wrong "the next deployment: $rc, $(word next) $(cat next.err)"
	promise next next.err
}

settled() {
	case $1 in
	own | refused)
		state_is disabled || wrong "the kernel is $(cat $sysfs/state)"
		until_so 20 none_left ||
			wrong "left: $(ours "${spared:-}" | paste -sd ' ')"
		;;
	attached | foreign)
		state_is enabled || wrong "the kernel is $(cat $sysfs/state)"
		;;
	esac
	truthful "$1"
	case $1 in
	attached)
		clock
		sched-deploy stop >/dev/null 2>stop.err ||
			wrong "stop: $? $(cat stop.err)"
		until_so 20 none_left ||
			wrong "left: $(ours "${spared:-}" | paste -sd ' ')"
		;;
	foreign)
		let_go
		;;
	esac
	# Without a number it would be for all that was ever started.
	[ -z "${pid:-}" ] || wait $pid 2>/dev/null
	nothing_lost
	ordinary
	[ $wrong = 0 ] || end_ours
}
