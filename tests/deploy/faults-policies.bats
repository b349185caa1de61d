#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The matrix of faults: the policy itself fails, somebody takes it off, or there
# are two who want to be first.  make check-faults.

load ../lib
load ../faults

setup_file() {
	faults_in_guest <<-'END'
		# victim: what the policy makes of one; and of itself.
		victim() {
			$here/victim 0.2 &
			victim=$!
			becomes disabled
			t=$took
			finished
			took=$t last=ejected
			kill $victim 2>/dev/null
			wait $victim 2>/dev/null
			end own "$said"
		}

		for p in stalls errors no_queue no_cpu leaves; do
			fault policy-$p
			use $p
			# The guard would be rid of it first.
			deploy --guard stall:60s
			victim
		done

		for p in no_init unchecked; do
			fault policy-$p
			use $p
			refusal
			end refused "$said"
		done

		fault sysrq
		deploy
		echo S >/proc/sysrq-trigger
		becomes disabled
		t=$took
		finished
		took=$t last=ejected
		end own "$said"

		foreign() {
			$BUILD/external/scx_testfifo >foreign 2>&1 &
			foreign=$!
		}
		let_go() {
			kill $foreign
			wait $foreign
			state_is disabled || wrong 'the other one is still there'
		}

		fault foreign-first
		foreign
		becomes enabled
		refusal
		end foreign "$said"

		fault foreign-second
		deploy
		foreign
		until_so 40 gone $foreign
		wait $foreign
		end attached "status $?: $(grep -v '^libbpf: *$' foreign | head -n 1)"

		fault foreign-in-between
		use real
		begin
		until_so 40 pgrep -P $pid -x load-policy >/dev/null
		foreign
		clock
		finished
		end foreign "status $rc: $(head -n 1 err)"

		fault second-deployer
		deploy
		mv out first
		sched-deploy -t host --for 5 <$in >out 2>err
		said="status $?: $(head -n 1 err)"
		stop_clock
		end attached "$said"

		fault five-at-once
		pids=()
		for i in 1 2 3 4 5; do
			sched-deploy -t host --for 3 <$in >out.$i 2>err.$i &
			pids+=($!)
		done
		clock
		ended=''
		for i in ${pids[@]}; do
			wait $i
			ended+="$? "
		done
		stop_clock
		for i in 1 2 3 4 5; do
			promise out.$i err.$i
		done
		end own "$(tr ' ' '\n' <<<"$ended" | sort | xargs)"

		fault two-stops
		deploy
		sched-deploy stop >/dev/null 2>&1 &
		other=$!
		sched-deploy stop >/dev/null 2>&1
		wait $other
		finished
		last=stopped
		end own "$said"

		fault stop-too-early
		use real
		begin
		until_so 40 pgrep -P $pid -x load-policy >/dev/null
		clock
		sched-deploy stop 2>stop
		said="status $?: $(head -n 1 stop)"
		stop_clock
		t=$took
		until_so 60 attached_or_over
		took=$t
		end attached "$said"
	END
}

@test 'fault: policy-stalls' {
	shown policy-stalls
}

@test 'fault: policy-errors' {
	shown policy-errors
}

@test 'fault: policy-no_queue' {
	shown policy-no_queue
}

@test 'fault: policy-no_cpu' {
	shown policy-no_cpu
}

@test 'fault: policy-leaves' {
	shown policy-leaves
}

@test 'fault: policy-no_init' {
	shown policy-no_init
}

@test 'fault: policy-unchecked' {
	shown policy-unchecked
}

@test 'fault: sysrq' {
	shown sysrq
}

@test 'fault: foreign-first' {
	shown foreign-first
}

@test 'fault: foreign-second' {
	shown foreign-second
}

@test 'fault: foreign-in-between' {
	shown foreign-in-between
}

@test 'fault: second-deployer' {
	shown second-deployer
}

@test 'fault: five-at-once' {
	shown five-at-once
}

@test 'fault: two-stops' {
	shown two-stops
}

@test 'fault: stop-too-early' {
	shown stop-too-early
}
