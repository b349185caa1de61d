#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: one of the programs is killed between two system calls,
# any two.  CUTS (10) of them for each program, evenly over all that it makes;
# EVERY=1 tries them all, which takes hours.  make check-faults.

load ../lib
load ../faults

setup_file() {
	if ! command -v strace >/dev/null; then
		sed -n "s/^@test 'fault: \(.*\)' {/skipped \1 needs strace/p" \
			"$BATS_TEST_FILENAME" >"$BATS_FILE_TMPDIR/said"
		return
	fi
	export LIMIT=80000
	faults_in_guest <<-'END'
		cut='strace -D -qqq -o /dev/null -e inject='
		count='strace -qqq -o '$here/calls.0
		programs=$BUILD/libexec/schedkit

		# What must hold after each, at once; the rest is for the end.
		harmless() {
			until_so 10 state_is disabled ||
				wrong "call $1: the kernel is $(cat $sysfs/state)"
			[ "$took" = never ] || [ $took -le $worst ] || worst=$took
			until_so 20 none_left || {
				wrong "call $1: left: $(ours | xargs)"
				end_ours
			}
			[ "$(sched-deploy status --json | jq -c '.body |
				[.attached, .holder, .knobs]')" = '[null,null,null]' ] ||
				wrong "call $1: $(sched-deploy status --json |
					jq -c '.body | [.attached, .holder, .knobs]')"
			ended=$((ended + 1))
		}

		# hit COMMAND...: it succeeds if the signal came before the end.
		hit() {
			if "$@"; then
				hits=$((hits + 1))
			fi
		}

		# cuts TOTAL COMMAND...: called with each; then what must hold.
		cuts() {
			local n total=$1
			shift
			worst=0 ended=0 hits=0
			for n in $(steps $total); do
				"$@" $n
				harmless $n
			done
			took=$worst
			# How many there are is not the same each time.
			[ $((2 * hits)) -ge $ended ] || wrong "hit $hits of $ended"
			said="hit at $hits of $total system calls"
		}

		short() {
			sched-deploy -t host --for 0.3 <$in >out 2>err
		}

		fault deployer-cut
		$count sched-deploy -t host --for 0.3 <$in >out 2>err
		cut_deployer() {
			$cut$(nth_call $1) sched-deploy -t host --for 0.3 <$in >out 2>err &
			wait $!
			hit [ $? = 137 ]
			clock
		}
		cuts $(calls) cut_deployer
		end own "$said"

		fault deployer-asked-at-any-time
		ask_deployer() {
			$cut$(nth_call $1 TERM) sched-deploy -t host --for 0.3 <$in \
				>out 2>err &
			wait $!
			rc=$?
			hit true
			clock
			# Asked before it began, asked while it held, or it was over.
			[ $rc = 4 ] || [ $rc = 0 ] || [ $rc = 143 ] ||
				wrong "call $1: status $rc: $(cat err)"
		}
		$count sched-deploy -t host --for 0.3 <$in >out 2>err
		cuts $(calls) ask_deployer
		end own "$said"

		fault loader-cut
		traced $programs/load-policy
		echo count >$here/nth
		short
		# It is started three times, and each does more than the last.
		cut_loader() {
			nth_call $1 >$here/nth
			short
			clock
			hit was_hit
			echo none >$here/nth
		}
		cuts $(calls) cut_loader
		whole $programs/load-policy
		end own "$said"

		fault history-cut
		traced $BUILD/bin/sched-history
		echo count >$here/nth
		short
		cut_history() {
			nth_call $1 >$here/nth
			short
			clock
			hit was_hit
			echo none >$here/nth
			git -C $history fsck --strict --no-dangling >fsck 2>&1 ||
				wrong "call $1: git fsck: $(xargs <fsck)"
		}
		cuts $(calls) cut_history
		whole $BUILD/bin/sched-history
		end own "$said"

		fault stop-cut
		deploy
		$count sched-deploy stop >/dev/null 2>&1
		wait $pid
		cut_stop() {
			deploy --no-history
			$cut$(nth_call $1) sched-deploy stop >/dev/null 2>&1 &
			wait $!
			hit [ $? = 137 ]
			# Asked or not: the next one does it.
			sched-deploy stop >/dev/null 2>&1
			clock
			wait $pid
		}
		cuts $(calls) cut_stop
		end own "$said"

		fault pin-cut
		$count sched-deploy -t host --pin <$in >out 2>err
		sched-deploy stop >/dev/null
		cut_pin() {
			local s
			$cut$(nth_call $1) sched-deploy -t host --pin <$in >out 2>err &
			wait $!
			hit [ $? = 137 ]
			until_so 20 none_left || wrong "call $1: left $(ours | xargs)"
			# Pinned or not, and whichever, it is told.
			s=$(sched-deploy status --json)
			[ "$(jq -r .body.sched_ext.state <<<"$s")" = "$(cat $sysfs/state)" ] ||
				wrong "call $1: status"
			if state_is enabled; then
				pinned=$((pinned + 1))
				sched-deploy stop >/dev/null 2>stop.err ||
					wrong "call $1: stop: $(cat stop.err)"
			fi
			clock
		}
		pinned=0
		cuts $(calls) cut_pin
		end own "$said, $pinned had pinned it"
	END
}

@test 'fault: deployer-cut' {
	shown deployer-cut
}

@test 'fault: deployer-asked-at-any-time' {
	shown deployer-asked-at-any-time
}

@test 'fault: loader-cut' {
	shown loader-cut
}

@test 'fault: history-cut' {
	shown history-cut
}

@test 'fault: stop-cut' {
	shown stop-cut
}

@test 'fault: pin-cut' {
	shown pin-cut
}
