#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What cgroups will want, given to them before they want it: real cgroups on a
# real kernel, with others who want all of the machine.

load ../lib

setup() {
	needs_plain_build
	needs_guest
	cd "$BATS_TEST_TMPDIR" || return
	printf 'export PATH=%q:$PATH\n' "$BUILD/bin" >common
	cat >>common <<-'END'
		export SCHEDKIT_RUN=/run/schedkit
		cd /sys/fs/cgroup
		echo '+cpu +cpuset' >cgroup.subtree_control
		mkdir wave chance hogs
		# To wait without starting a process.
		exec {nap}<> <(:)
		rest() {
			read -rt "$1" -u "$nap"
		}
		now_us() {
			now=${EPOCHREALTIME/./}
		}
		# until US: rests until then.
		until_us() {
			local left
			now_us
			left=$(($1 - now))
			[ $left -le 0 ] || rest "$((left / 1000000)).$(printf %06d \
				$((left % 1000000)))"
		}
		# busy US: until then.
		busy() {
			while now_us && [ $now -lt $1 ]; do :; done
		}
		usage() {
			local name value
			while read -r name value; do
				[ $name != usage_usec ] || used=$value
			done <$1/cpu.stat
		}
		# hog N: so many who want all that they can get.
		hog() {
			local i
			for ((i = 0; i < $1; i++)); do
				(echo $BASHPID >hogs/cgroup.procs; while :; do :; done) &
			done
		}
		# wave PERIOD_MS ON_MS: two tasks that want all of two CPUs for the
		# first part of each period.  To the file waves: in which millisecond
		# since the start of the machine, and how much of a CPU they got, in
		# percent, in the first half of that part.
		wave() {
			local t0 i from half=$(($2 * 500))
			echo $BASHPID >wave/cgroup.procs
			now_us
			for ((i = 1, t0 = now; ; i++)); do
				until_us $((t0 + i * $1 * 1000))
				now_us
				[ $now -lt $((t0 + i * $1 * 1000 + half)) ] || continue
				start=$now
				usage wave
				from=$used
				busy $((start + 2 * half)) &
				busy $((start + half))
				usage wave
				read -r up _ </proc/uptime
				echo "$((${up/./} * 10)) $(((used - from) * 100 / (now - start)))"
				busy $((start + 2 * half))
				wait
			done >>/run/waves
		}
		# chance: bursts that come when they like.
		chance() {
			echo $BASHPID >chance/cgroup.procs
			while :; do
				rest $((RANDOM % 4)).$((RANDOM % 10))
				now_us
				busy $((now + RANDOM * 30))
			done
		}
		# demand OPTION...: in the background; its number is $pid.
		demand() {
			sched-demand run --json "$@" >/run/note 2>/run/err &
			pid=$!
		}
		# for_weight TENTHS OP N: waits until the wave has such a weight.
		for_weight() {
			local i w
			for ((i = 0; i < $1; i++)); do
				read -r w <wave/cpu.weight
				[ $w $2 $3 ] && return
				rest 0.1
			done
			echo "the weight is $w, not $2 $3"
			cat /run/err
			return 1
		}
		ended() {
			wait $pid
			echo "$1: $?"
		}
	END
}

# inside <SCRIPT: in a guest, after what is common.
inside() {
	cat common - >script
	exits 0 timeout "${LIMIT:-500}" sched-guest -q --cpus 2 -- \
		bash script </dev/null
	echo "$output"
}

# median FROM TO: of what the wave got in bursts between these milliseconds.
median() {
	sed -n 's/^wave //p' <<<"$output" |
		awk -v f="$1" -v t="$2" '$1 >= f && $1 < t { print $2 }' |
		sort -n | awk '{ v[NR] = $1 } END { print NR, v[int((NR + 1) / 2)] + 0 }'
}

@test 'guest demand: a burst finds more of the CPUs, and what has no period gets nothing' {
	inside <<-'END'
		hog 2
		wave 6000 1500 &
		chance &
		demand --every 0.5 --lead 1 --max 1.6 --linger 1 --pressure 40 /wave /chance
		for_weight 1200 -gt 100 && read -r up _ </proc/uptime &&
			echo "began ${up/./}0"
		rest 60
		read -r up _ </proc/uptime
		echo "ends ${up/./}0"
		kill $pid
		ended status
		read -r w <wave/cpu.weight
		echo "weight $w"
		rest 30
		read -r up _ </proc/uptime
		echo "over ${up/./}0"
		sed 's/^/wave /' /run/waves
		cat /run/err
		echo "note $(cat /run/note)"
	END
	has "$output" 'status: 0'
	has "$output" 'weight 100'
	note=$(sed -n 's/^note //p' <<<"$output")
	began=$(sed -n 's/^began //p' <<<"$output")
	ends=$(sed -n 's/^ends //p' <<<"$output")
	over=$(sed -n 's/^over //p' <<<"$output")
	read -r n before < <(median 0 "$((began - 1500))")
	read -r m with < <(median "$began" "$ends")
	read -r k after < <(median "$((ends + 1000))" "$over")
	echo "# in the first half of a burst, of 200 %: before $before % ($n)," \
		"with it $with % ($m), after it $after % ($k)" >&3
	echo "# $(jq -r .body.text <<<"$note")" >&3
	[ "$n" -ge 3 ]
	[ "$m" -ge 5 ]
	[ "$with" -gt $((before * 12 / 10)) ]
	[ "$after" -lt "$with" ]
	is "$(jq '.body.demand.cgroups[1] | .changes' <<<"$note")" 0
	jq -e '.body.demand.cgroups[0] | .cycles_held >= 2 and .changes > 0 and
		.cycles_better >= 2 and .period_s > 5.5 and .period_s < 6.5' <<<"$note"
}

@test 'guest demand: whoever is killed, everything is as it was' {
	inside <<-'END'
		hog 2
		wave 2400 800 &
		quick() {
			demand --every 0.2 --lead 0.4 --pressure 90 --linger 2 "$@" /wave
		}
		quick
		for_weight 1200 -gt 100
		sched-demand run /wave; echo "second: $?"
		sched-deploy status -j | jq -r '.body.text'
		kill -9 $pid
		for_weight 100 -eq 100 && echo 'asker: back'
		quick
		for_weight 1200 -gt 100
		pkill -9 -x set-knobs
		ended setter
		for_weight 1 -eq 100 && echo 'setter: back'
		quick
		for_weight 1200 -gt 100
		pkill -STOP -x set-knobs
		kill -9 $pid
		pkill -9 -x set-knobs
		rest 1
		for_weight 1 -gt 100 && echo 'both: left'
		sched-deploy stop; echo "stop: $?"
		for_weight 1 -eq 100 && echo 'both: back'
		quick
		for_weight 1200 -gt 100
		sched-deploy stop; echo "stopped: $?"
		ended told
		for_weight 1 -eq 100 && echo 'stop: back'
	END
	has "$output" 'second: 4'
	has "$output" 'by sched-demand (process'
	has "$output" 'asker: back'
	has "$output" 'setter: 3'
	has "$output" 'setter: back'
	has "$output" 'both: left'
	has "$output" 'stop: 0'
	has "$output" 'both: back'
	has "$output" 'stopped: 0'
	has "$output" 'told: 0'
	has "$output" 'stop: back'
}

@test 'guest demand: other settings, other hands, and what cannot be' {
	inside <<-'END'
		hog 2
		wave 2400 800 &
		mkdir soon
		quick() {
			demand --every 0.2 --lead 0.4 --pressure 90 --linger 9 "$@"
		}
		# for_word TENTHS FILE WORD
		for_word() {
			local i w
			for ((i = 0; i < $1; i++)); do
				w=$(<wave/$2)
				[ "$w" = "$3" ] && return
				rest 0.1
			done
			echo "$2 is $w, not $3"
			cat /run/err
			return 1
		}
		quick --reserve cpuset --cap --max 1.9 /wave /soon
		for_word 900 cpuset.cpus 1 && echo 'cpuset: set'
		for_word 20 cpu.max '190000 100000' && echo 'cap: set'
		rmdir soon
		rest 1
		kill $pid
		ended cpuset
		for_word 1 cpuset.cpus 0-1 && for_word 1 cpu.max 'max 100000' &&
			echo 'cpuset: back'
		cat /run/err
		quick --reserve uclamp /wave
		for ((i = 0; i < 900; i++)); do
			w=$(<wave/cpu.uclamp.min)
			[ $w = 0.00 ] || break
			rest 0.1
		done
		echo "uclamp: $w"
		kill $pid
		ended hint
		for_word 1 cpu.uclamp.min 0.00 && echo 'uclamp: back'
		quick /wave
		for_weight 1200 -gt 100
		echo 77 >wave/cpu.weight
		rest 10
		kill $pid
		ended other
		for_weight 1 -eq 77 && echo 'other: left'
		cat /run/err
		mkdir soon
		quick /soon
		rest 2
		rmdir soon
		ended gone
		cat /run/err
		setpriv --reuid 65534 --clear-groups sched-demand run /wave 2>&1
		echo "nobody: $?"
		mount -o remount,ro /sys/fs/cgroup
		sched-demand run /wave 2>&1; echo "read-only: $?"
	END
	has "$output" 'cpuset: set'
	has "$output" 'cap: set'
	has "$output" 'cpuset: 0'
	has "$output" 'cpuset: back'
	has "$output" "cpuset.cpus' holds '0-1' now, all that there are"
	has "$output" "'/soon' is gone"
	[[ "$output" =~ uclamp:\ [1-9] ]]
	has "$output" 'hint: 0'
	has "$output" 'uclamp: back'
	has "$output" 'other: 0'
	has "$output" 'other: left'
	has "$output" "left as it is: '/sys/fs/cgroup/wave/cpu.weight' holds '77'"
	has "$output" 'gone: 0'
	has "$output" 'that needs root'
	has "$output" 'nobody: 3'
	has "$output" 'mounted read-only'
	has "$output" 'read-only: 3'
}
