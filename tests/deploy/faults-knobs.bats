#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: knobs, which no kernel takes back by itself.
# make check-faults.

load ../lib
load ../faults

# knobs NAME RULES: a policy of these, signed, in NAME.in.
knobs() {
	local p
	p=$(doc policy "{\"form\": \"knobs\", \"title\": \"$1\", \"why\": \"w\",
		\"uses\": [\"declared_intent\"], \"knobs\": $2}")
	{
		echo "$p"
		verdict_of "$(doc_id <<<"$p")" - "$release" "$configuration" |
			edited 'del(.object_sha256)'
	} | signed >"$1.in"
}

setup_file() {
	[ -z "$(faults_lack)" ] || return 0
	faults_setup
	knobs tasks '[{"match": "kvictim", "nice": 7, "policy": "batch",
		"slice_us": 20000, "cpus": "0"}]'
	knobs group '[{"match": "*", "cpu_weight": 50, "cpu_max_pct": 150,
		"nice": 3}]'
	knobs nowhere '[{"match": "kvictim", "cpus": "1"}]'
	faults_in_guest <<-'END'
		mkdir $here/k
		cp "$(command -v sleep)" $here/k/kvictim
		victims=()
		for i in 1 2 3 4 5; do
			$here/k/kvictim 100000 &
			victims+=($!)
		done
		renice -n 2 ${victims[3]} >/dev/null

		# Everything of a task that a policy may change.
		attributes() {
			local p
			for p in ${victims[@]}; do
				[ -e /proc/$p ] || continue
				cut -d ' ' -f 18,19,41 /proc/$p/stat
				grep Cpus_allowed_list /proc/$p/status
				chrt -p $p | sed 's/^pid [0-9]*//'
				cat /proc/$p/cgroup
				grep slice /proc/$p/sched
			done
		}
		as_before() {
			[ "$(attributes)" = "$before" ]
		}
		knob() {
			fault $1
			in=$work/${2:-tasks}.in
			before=$(attributes)
		}
		# set: deployed, and in force.
		set_on() {
			begin "$@"
			until_so 60 attached_or_over
			as_before && wrong "nothing was set: $(cat err)"
			clock
		}
		setter() {
			pgrep -P $pid -x set-knobs
		}
		back() {
			until_so 20 as_before ||
				wrong "not as before: $(attributes | diff - <(echo "$before") | xargs)"
		}

		knob knobs-deployer-killed
		set_on
		kill -9 $pid
		back
		end own 'set back by the one that had set them'

		knob knobs-setter-killed
		set_on
		kill -9 $(setter)
		back
		t=$took
		finished
		took=$t last=ejected
		end own "$said"

		knob knobs-both-killed
		set_on
		s=$(setter)
		kill -9 $pid $s
		nap 0.3
		as_before && wrong 'it was set back by nobody'
		sched-deploy status | jq -r .body.text >text
		clock
		sched-deploy stop >/dev/null 2>&1
		back
		end own "$(cat text)"

		knob knobs-both-killed-and-deployed-anew
		set_on
		s=$(setter)
		kill -9 $pid $s
		nap 0.3
		clock
		sched-deploy -t host --for 0.3 <$in >out 2>err
		back
		end own "$(word)"

		knob knobs-setter-stopped
		set_on
		s=$(setter)
		kill -STOP $s
		kill -TERM $pid
		nap 1
		kill -CONT $s
		back
		finished
		last=stopped
		end own "$said"

		knob knobs-cut
		if ! command -v strace >/dev/null; then
			skipped 'needs strace'
		else
			p=$BUILD/libexec/schedkit/set-knobs
			traced $p
			echo count >$here/nth
			sched-deploy -t host --for 0.3 <$in >out 2>err
			total=$(calls) worst=0 n=0 hits=0
			for i in $(steps $total); do
				nth_call $i >$here/nth
				sched-deploy -t host --for 0.3 --no-history <$in >out 2>err
				was_hit && hits=$((hits + 1))
				echo none >$here/nth
				clock
				# Another one is started for that, if the asker lives.
				as_before || sched-deploy stop >/dev/null 2>&1
				as_before || wrong "call $i: $(attributes |
					diff - <(echo "$before") | xargs)"
				stop_clock
				[ $took -le $worst ] || worst=$took
				n=$((n + 1))
			done
			whole $p
			took=$worst
			[ $((2 * hits)) -ge $n ] || wrong "hit $hits of $n"
			end own "hit at $hits of $total system calls"
		fi

		dies=${victims[0]}
		victims=(${victims[@]:1})
		knob knobs-target-gone
		set_on
		kill -9 $dies
		wait $dies 2>/dev/null
		clock
		kill -TERM $pid
		finished
		as_before || wrong "$(attributes | diff - <(echo "$before") | xargs)"
		last=stopped
		end own "$said"

		knob knobs-cpu-gone nowhere
		set_on
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo 1 >/sys/devices/system/cpu/cpu1/online
		clock
		kill -TERM $pid
		finished
		back
		last=stopped
		end own "$said"

		cg=/sys/fs/cgroup/kgroup
		echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
		knob knobs-cgroup-gone group
		mkdir $cg
		echo ${victims[1]} >$cg/cgroup.procs
		begin --cgroup /kgroup
		until_so 60 attached_or_over
		[ "$(cat $cg/cpu.weight)" = 50 ] || wrong "$(cat err)"
		echo ${victims[1]} >/sys/fs/cgroup/cgroup.procs
		rmdir $cg
		clock
		kill -TERM $pid
		finished
		back
		last=stopped
		end own "$said"

		knob knobs-cgroup-both-killed group
		mkdir $cg
		echo ${victims[1]} >$cg/cgroup.procs
		files=$(cat $cg/cpu.weight $cg/cpu.max)
		before=$(attributes)
		begin --cgroup /kgroup
		until_so 60 attached_or_over
		kill -9 $pid $(setter)
		clock
		sched-deploy stop >/dev/null 2>&1
		back
		[ "$(cat $cg/cpu.weight $cg/cpu.max)" = "$files" ] ||
			wrong "the cgroup: $(cat $cg/cpu.weight $cg/cpu.max | xargs)"
		echo ${victims[1]} >/sys/fs/cgroup/cgroup.procs
		rmdir $cg
		end own 'set back by stop'

		knob knobs-journal-cut
		set_on
		kill -9 $pid $(setter)
		nap 0.3
		printf 't 1 2 3' >>$run/knobs.journal
		clock
		sched-deploy stop >/dev/null 2>stop
		back
		end own "set back by stop $(cat stop)"

		knob knobs-no-room
		mount -t tmpfs -o size=8k none $run
		cat /dev/zero >$run/fill 2>/dev/null
		refusal
		as_before || wrong "$(attributes | diff - <(echo "$before") | xargs)"
		umount $run
		end refused "$said"
	END
}

@test 'fault: knobs-deployer-killed' {
	shown knobs-deployer-killed
}

@test 'fault: knobs-setter-killed' {
	shown knobs-setter-killed
}

@test 'fault: knobs-both-killed' {
	shown knobs-both-killed
}

@test 'fault: knobs-both-killed-and-deployed-anew' {
	shown knobs-both-killed-and-deployed-anew
}

@test 'fault: knobs-setter-stopped' {
	shown knobs-setter-stopped
}

@test 'fault: knobs-cut' {
	shown knobs-cut
}

@test 'fault: knobs-target-gone' {
	shown knobs-target-gone
}

@test 'fault: knobs-cpu-gone' {
	shown knobs-cpu-gone
}

@test 'fault: knobs-cgroup-gone' {
	shown knobs-cgroup-gone
}

@test 'fault: knobs-cgroup-both-killed' {
	shown knobs-cgroup-both-killed
}

@test 'fault: knobs-journal-cut' {
	shown knobs-journal-cut
}

@test 'fault: knobs-no-room' {
	shown knobs-no-room
}
