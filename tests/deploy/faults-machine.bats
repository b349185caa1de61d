#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: the machine below fails, or has nothing left to give.
# make check-faults.

load ../lib
load ../faults

setup_file() {
	faults_in_guest --memory 1024 <<-'END'
		cpu1=/sys/devices/system/cpu/cpu1/online
		enabled_again() {
			local seq
			read -r seq <$sysfs/enable_seq
			[ "$seq" -ge "$1" ] && state_is enabled
		}
		enabled_so_far() {
			cat $sysfs/enable_seq
		}

		fault cpu-gone
		deploy
		n=$(enabled_so_far)
		clock
		echo 0 >$cpu1
		until_so 40 enabled_again $((n + 1))
		end attached 'loaded anew'

		fault cpu-back
		deploy
		n=$(enabled_so_far)
		clock
		echo 1 >$cpu1
		until_so 40 enabled_again $((n + 1))
		end attached 'loaded anew'

		fault cpu-to-and-fro
		deploy
		clock
		for i in 1 2 3 4 5; do
			echo 0 >$cpu1
			nap 0.3
			echo 1 >$cpu1
			nap 0.3
		done
		# Each time is later than the one before.
		quiet() {
			state_is enabled || return
			nap 3
			state_is enabled
		}
		until_so 60 quiet
		end attached 'loaded anew'

		fault memory-hog
		deploy
		tail /dev/zero >/dev/null 2>&1
		said="the hog ended with status $?"
		stop_clock
		end attached "$said"

		g=/sys/fs/cgroup/small
		fault no-memory-to-begin
		mkdir $g
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control
		echo 2M >$g/memory.max
		bash -c "echo \$\$ >$g/cgroup.procs
			exec sched-deploy -t host --for 5" <$in >out 2>err &
		pid=$!
		finished
		end refused "status $rc"

		fault no-memory-any-more
		echo max >$g/memory.max
		deploy
		echo $pid >$g/cgroup.procs
		echo $(loader) >$g/cgroup.procs
		clock
		# All of it is taken by somebody beside them.
		bash -c "echo \$\$ >$g/cgroup.procs
			exec tail /dev/zero" >/dev/null 2>&1 &
		hog=$!
		nap 0.2
		echo 24M >$g/memory.max
		wait $hog
		said="the hog ended with status $?"
		stop_clock
		end attached "$said"
		rmdir $g

		# full FOLDER: there is no room in it.
		full() {
			mkdir -p $1
			mount -t tmpfs -o size=64k none $1
			cat /dev/zero >$1/fill 2>/dev/null
		}

		fault no-room-for-history
		mv $history $history.away
		full $history
		deploy --for 1
		finished
		last=detached
		said+=" ($(grep -o 'recorded.*' err | head -n 1))"
		umount $history
		rmdir $history
		mv $history.away $history
		end own "$said"

		fault history-runs-full
		mkdir $here/small
		mount -t tmpfs -o size=1m none $here/small
		cp -a $history/. $here/small
		mount --bind $here/small $history
		cat /dev/zero >$here/small/fill 2>/dev/null
		deploy --for 1
		finished
		last=detached
		rm $here/small/fill
		git -C $history fsck --strict --no-dangling >fsck 2>&1 ||
			wrong "git fsck, full: $(xargs <fsck)"
		umount $history
		umount $here/small
		end own "$said"

		fault no-room-in-run-folder
		mount -t tmpfs -o size=8k none $run
		cat /dev/zero >$run/fill 2>/dev/null
		refusal
		umount $run
		end refused "$said"

		fault no-room-for-temporary-files
		full $here/tmp
		TMPDIR=$here/tmp deploy --for 1
		finished
		last=detached
		umount $here/tmp
		end own "$said"

		fault history-read-only
		mount --bind $history $history
		mount -o remount,bind,ro $history
		deploy --for 1
		finished
		last=detached
		said+=" ($(grep -o 'recorded.*' err | head -n 1))"
		umount $history
		end own "$said"

		fault run-folder-read-only
		mkdir -p $run
		mount --bind $run $run
		mount -o remount,bind,ro $run
		refusal
		umount $run
		end refused "$said"

		fault run-folder-gone
		deploy
		rm -rf $run
		nap 1
		sched-deploy status | jq -r .body.text >text
		clock
		kill -TERM $pid
		finished
		last=stopped
		end own "$said"

		fault record-damaged
		deploy
		echo '{"pid": "x' >$record
		nap 1
		sched-deploy status >/dev/null || wrong 'status fails'
		clock
		kill -TERM $pid
		finished
		last=stopped
		end own "$said"

		fault record-left-over
		mkdir -p $run
		head -c 3000 /dev/urandom >$record
		head -c 3000 /dev/urandom >$run/ended.json
		head -c 3000 /dev/urandom >$run/knobs.journal
		deploy --for 1
		finished
		last=detached
		end own "$said"

		fault pid-reused
		$here/victim 100 &
		v=$!
		printf '{"pid": %d, "start": %d, "policy": "%s", "ops": "x"}' $v \
			"$(cut -d ' ' -f 22 /proc/$v/stat)" \
			"$(head -n 1 $in | jq -r .id)" >$record
		clock
		sched-deploy stop >/dev/null 2>stop
		said="status $?: $(cat stop)"
		stop_clock
		kill -0 $v || wrong 'an innocent process was ended'
		kill $v
		end refused "$said"

		for step in '+2 days' '-2 days'; do
			fault clock$step
			name=${name% days}d
			deploy --for 4
			date -s "$step" >/dev/null
			# Time of day is for people: this is counted otherwise.
			from=$SECONDS
			read -r before _ </proc/uptime
			finished
			read -r after _ </proc/uptime
			took=$(echo "($after - $before) * 1000 / 1" | bc)
			date -s "$(tr '+-' '-+' <<<"$step")" >/dev/null
			end own "$said"
		done

		fault realtime-hog
		# The guard would be rid of it first.
		deploy --guard stall:60s
		chrt -f 60 bash -c '
			for c in 0 1; do
				timeout 8 taskset -c $c chrt -f 10 \
					sh -c "while :; do :; done" &
			done
			s=enabled t0=${EPOCHREALTIME/./}
			for ((i = 0; i < 2000; i++)); do
				read -r s </sys/kernel/sched_ext/state
				[ "$s" = enabled ] || break
				read -rt 0.01 -u '$nap'
			done
			echo $(((${EPOCHREALTIME/./} - t0) / 1000))
			wait' >hog
		finished
		took=$(cat hog) last=ejected
		end own "$said"

		fault suspended
		deploy
		if timeout 30 rtcwake -m freeze -s 4 >wake 2>&1; then
			stop_clock
			end attached 'it was asleep'
		else
			skipped "no suspend: $(tail -n 1 wake)"
			kill -TERM $pid
			finished
		fi

		# limited ULIMIT: a deployer with that limit.
		limited() {
			bash -c "ulimit $*; exec sched-deploy -t host --for 1" \
				<$in >out 2>err &
			pid=$!
			clock
			finished
			said="status $rc: $(word) $(head -n 1 err)"
		}

		fault few-files
		limited -n 4
		end refused "$said"

		fault no-locked-memory
		limited -l 0
		last=detached
		end own "$said"

		fault no-file-may-grow
		limited -f 0
		end own "$said"
	END
}

@test 'fault: cpu-gone' {
	shown cpu-gone
}

@test 'fault: cpu-back' {
	shown cpu-back
}

@test 'fault: cpu-to-and-fro' {
	shown cpu-to-and-fro
}

@test 'fault: memory-hog' {
	shown memory-hog
}

@test 'fault: no-memory-to-begin' {
	shown no-memory-to-begin
}

@test 'fault: no-memory-any-more' {
	shown no-memory-any-more
}

@test 'fault: no-room-for-history' {
	shown no-room-for-history
}

@test 'fault: history-runs-full' {
	shown history-runs-full
}

@test 'fault: no-room-in-run-folder' {
	shown no-room-in-run-folder
}

@test 'fault: no-room-for-temporary-files' {
	shown no-room-for-temporary-files
}

@test 'fault: history-read-only' {
	shown history-read-only
}

@test 'fault: run-folder-read-only' {
	shown run-folder-read-only
}

@test 'fault: run-folder-gone' {
	shown run-folder-gone
}

@test 'fault: record-damaged' {
	shown record-damaged
}

@test 'fault: record-left-over' {
	shown record-left-over
}

@test 'fault: pid-reused' {
	shown pid-reused
}

@test 'fault: clock+2d' {
	shown clock+2d
}

@test 'fault: clock-2d' {
	shown clock-2d
}

@test 'fault: realtime-hog' {
	shown realtime-hog
}

@test 'fault: suspended' {
	shown suspended
}

@test 'fault: few-files' {
	shown few-files
}

@test 'fault: no-locked-memory' {
	shown no-locked-memory
}

@test 'fault: no-file-may-grow' {
	shown no-file-may-grow
}
