#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: who holds a policy is killed, stopped, frozen, or loses
# those it talks to.  make check-faults.

load ../lib
load ../faults

setup_file() {
	faults_in_guest <<-'END'
		fault deployer-killed
		deploy
		kill -9 $pid
		becomes disabled
		last=lost
		end own 'the kernel took it off'

		fault deployer-stopped
		deploy
		kill -STOP $pid
		becomes disabled
		t=$took
		kill -CONT $pid
		finished
		took=$t last=ejected
		end own "$said"

		fault loader-killed
		deploy
		kill -9 $(loader)
		becomes disabled
		t=$took
		finished
		took=$t last=ejected
		end own "$said"

		fault loader-stopped
		deploy
		l=$(loader)
		kill -STOP $l
		becomes disabled
		t=$took
		kill -CONT $l
		finished
		took=$t last=ejected
		end own "$said"

		fault loader-stopped-for-good
		deploy
		kill -STOP $(loader)
		finished
		last=ejected
		end own "$said"

		fault stop-with-loader-stopped
		deploy
		kill -STOP $(loader)
		sched-deploy stop >/dev/null 2>stop || wrong "stop: $(cat stop)"
		stop_clock
		t=$took
		finished
		took=$t last=stopped
		end own "$said"

		# The one that loads takes its time; those that are asked do not.
		still_loading() {
			local was=$l
			l=$(loader)
			[ -n "$l" ] && [ "$l" = "$was" ]
		}
		fault loader-stopped-while-loading
		use real
		for i in 1 2 3 4 5; do
			l=''
			begin
			until nap 1 || still_loading; do
				:
			done
			kill -STOP $l
			state_is disabled && break
			# It was quicker.
			kill -CONT $l
			kill -TERM $pid
			finished
		done
		clock
		kill -TERM $pid
		finished
		end refused "status $rc: $(head -n 1 err)"

		fault both-killed
		deploy
		kill -9 $pid $(loader)
		becomes disabled
		last=lost
		end own 'the kernel took it off'

		fault both-stopped
		deploy
		l=$(loader)
		kill -STOP $pid $l
		becomes disabled
		t=$took
		kill -9 $pid $l
		took=$t last=lost
		end own 'it took itself off'

		fault frozen
		g=/sys/fs/cgroup/frozen
		mkdir -p $g
		deploy
		echo $pid >$g/cgroup.procs
		echo $(loader) >$g/cgroup.procs
		clock
		echo 1 >$g/cgroup.freeze
		becomes disabled
		t=$took
		echo 0 >$g/cgroup.freeze
		finished
		took=$t last=ejected
		end own "$said"
		rmdir $g

		for sig in TERM INT HUP; do
			fault asked-by-$sig
			# A shell's children in the background ignore it.
			deploy_by() {
				env --default-signal=INT sched-deploy -t host \
					<$in >out 2>err &
				pid=$!
				until_so 60 attached_or_over
				clock
			}
			deploy_by
			kill -$sig $pid
			finished
			last=stopped
			end own "$said"
		done

		fault command-killed
		deploy -- sleep 100
		pkill -9 -P $pid -x sleep
		finished
		last=detached
		end own "$said"

		fault no-reader
		mkfifo pipe
		sched-deploy -t host <$in 2>err >pipe &
		pid=$!
		exec 5<pipe
		until_so 60 test -e $record
		exec 5<&-
		clock
		kill -TERM $pid
		finished
		rm pipe
		end own "status $rc: $(head -n 1 err)"

		fault full-reader
		clock
		sched-deploy -t host --for 1 <$in >/dev/full 2>err &
		pid=$!
		finished
		end own "status $rc: $(head -n 1 err)"

		fault no-streams
		clock
		sched-deploy -t host --for 1 <$in >&- 2>&- &
		pid=$!
		finished
		end own "status $rc"

		fault history-stuck
		cat >stuck <<-'STUCK'
			#!/bin/sh
			[ "$1" != add ] || kill -STOP $$
			exec ${0}-real "$@"
		STUCK
		mv $BUILD/bin/sched-history{,-real}
		install -m 755 stuck $BUILD/bin/sched-history
		deploy --for 2
		becomes disabled
		t=$took
		until_so 90 gone $pid || wrong 'it waits for ever'
		mv $BUILD/bin/sched-history{-real,}
		wait $pid
		rc=$?
		took=$t last=detached
		end own "status $rc, $(word); $(tail -n 1 err)"

		fault pinned
		clock
		sched-deploy -t host --pin <$in >out 2>err
		nap 1
		end_ours
		stop_clock
		end attached "$(word)"
	END
}

@test 'fault: deployer-killed' {
	shown deployer-killed
}

@test 'fault: deployer-stopped' {
	shown deployer-stopped
}

@test 'fault: loader-killed' {
	shown loader-killed
}

@test 'fault: loader-stopped' {
	shown loader-stopped
}

@test 'fault: loader-stopped-for-good' {
	shown loader-stopped-for-good
}

@test 'fault: stop-with-loader-stopped' {
	shown stop-with-loader-stopped
}

@test 'fault: loader-stopped-while-loading' {
	shown loader-stopped-while-loading
}

@test 'fault: both-killed' {
	shown both-killed
}

@test 'fault: both-stopped' {
	shown both-stopped
}

@test 'fault: frozen' {
	shown frozen
}

@test 'fault: asked-by-TERM' {
	shown asked-by-TERM
}

@test 'fault: asked-by-INT' {
	shown asked-by-INT
}

@test 'fault: asked-by-HUP' {
	shown asked-by-HUP
}

@test 'fault: command-killed' {
	shown command-killed
}

@test 'fault: no-reader' {
	shown no-reader
}

@test 'fault: full-reader' {
	shown full-reader
}

@test 'fault: no-streams' {
	shown no-streams
}

@test 'fault: history-stuck' {
	shown history-stuck
}

@test 'fault: pinned' {
	shown pinned
}
