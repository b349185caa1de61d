#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: the daemon that deploys what is trusted.
# make check-faults.

load ../lib
load ../faults

# What is trusted for a workload as this machine's, in a history of its own.
trusted_history() {
	local p v profile state
	export XDG_STATE_HOME=$PWD/trusted
	sched-observe --json -n w -- sleep 0.3 >seen
	profile=$(doc_id <seen)
	p=$(head -n 1 plain.in)
	v=$(verdict_of "$(doc_id <<<"$p")" \
		"$(digest "$BUILD/policies/faults/plain.bpf.o")" "$release" \
		"$configuration" "$profile")
	{
		cat seen
		printf '%s\n' "$p" "$v" | signed
	} | sched-history learn --json 2>/dev/null |
		sched-history add >/dev/null
	for state in candidate canary trusted; do
		sched-history promote "$state" -w w --force \
			"$(doc_id <<<"$p")" >/dev/null
	done
}

setup_file() {
	[ -z "$(faults_lack)" ] || return 0
	faults_setup
	(trusted_history)
	faults_in_guest <<-'END'
		mkdir -p ${history%/*}
		cp -a $work/trusted/schedkit/history ${history%/*}

		watch() {
			# What fell in the case before is nobody's fault here.
			rm -rf $history
			cp -a $work/trusted/schedkit/history ${history%/*}
			: >$here/promised
			sched-deploy watch -s 0.5 -i 0.5 --near 900 --far 1000 \
				--dwell 0 --lasts 1 --of 1 >out 2>err &
			pid=$!
			until_so 90 state_is enabled || cat err
			until_so 30 test -e $record
			clock
		}
		deployer() {
			pgrep -P $pid -x sched-deploy
		}

		fault watch-killed
		watch
		kill -9 $pid
		becomes disabled
		last=''
		end own 'the policy went with it'

		fault watch-stopped
		watch
		kill -STOP $pid
		nap 4
		stop_clock
		spared=$pid
		state_is enabled || wrong "it is $(cat $sysfs/state)"
		kill -CONT $pid
		kill -TERM $pid
		finished
		end own "status $rc"

		fault watched-deployer-killed
		watch
		kill -9 $(deployer)
		becomes disabled
		t=$took
		# It is not put in place again at once.
		nap 4
		state_is disabled || wrong 'it is back'
		kill -TERM $pid
		finished
		took=$t
		end own "status $rc: $(grep -v "^$" err | tail -n 1)"

		fault watch-asked
		watch
		kill -TERM $pid
		becomes disabled
		t=$took
		finished
		took=$t
		end own "status $rc"
	END
}

@test 'fault: watch-killed' {
	shown watch-killed
}

@test 'fault: watch-stopped' {
	shown watch-stopped
}

@test 'fault: watched-deployer-killed' {
	shown watched-deployer-killed
}

@test 'fault: watch-asked' {
	shown watch-asked
}
