#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who has the tasks of a canary, and gives them back.

load ../lib
load ../canary

@test 'guest canary: killed, stopped, crowded out, and a share' {
	stream '{}' >in
	inside <<-'END'
		becomes() {
			for i in {1..200}; do
				[ "$(ext)" -"$1" 0 ] && return
				sleep 0.1
			done
		}
		# Whoever of them dies; and both that would put it back, which
		# is for the next one to do.
		for who in sched-deploy set-knobs load-policy \
			'sched-deploy|set-knobs'; do
			canary cgroup:/work --canary-for 60 <in >out 2>err &
			becomes gt
			pkill -9 -x "$who"
			wait $! 2>/dev/null
			[ "$who" = "${who/|/}" ] || sched-deploy stop
			cleared "killed $who"
		done

		canary cgroup:/work --canary-for 60 <in >out &
		becomes gt
		sched-deploy stop >/dev/null
		wait $!
		echo "status $?"
		told

		# What others leave is nothing.
		canary pid:1$$ <in >out 2>err || cat err
		sleep 1000 &
		canary pid:$! <in >out 2>err || cat err
		told

		canary 50% --widen none --canary-for 12 <in >out
		tail -n 1 out | jq -r '.body.canary | "\(.scope) \(.key |
			length) \(.steps[0].against) \(.steps[0].tasks > 0)"'
		told
	END
	is "$(grep -c '^killed .*: 0 disabled' <<<"$output")" 4
	has "$output" 'stopped unfinished: asked to stop'
	has "$output" 'there is no process'
	has "$output" 'it was not tried: others take'
	has "$output" '50% 16 others'
	is "$(grep -c 'left 0 disabled' <<<"$output")" 3
}
