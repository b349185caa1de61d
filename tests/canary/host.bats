#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the canary of sched-deploy says, and what comes of it; for check-canary.

load ../lib
load ../canary

@test 'guest canary: a cgroup passes, and is handed back' {
	stream '{"slice_us": 5000}' >in
	inside <<-'END'
		(
			for i in {1..400}; do
				n=$(ext)
				if [ "$n" = 5 ]; then
					echo "seen $(cat /sys/kernel/sched_ext/state
						) $(cat /sys/kernel/sched_ext/switch_all
						) $(grep -l '^policy *: *7' \
							/proc/[0-9]*/sched | wc -l)"
					break
				fi
				sleep 0.1
			done
		) &
		canary cgroup:/work --canary-for 24 --for 1 \
			--metric 'tasks=ls /proc | wc -w; id -u >/tmp/uid; echo 7' \
			<in >out
		echo "status $?"
		told
		jq -c 'select(.kind == "deployment").body | [.state,
			.canary.decision, .canary.steps[0].mode]' out
		tail -n 1 out | jq -r .body.canary.why
		tail -n 1 out | jq -c '.body.canary.steps[0].metrics[] |
			[.metric, .baseline, .candidate, .ratio, .ci95]' >&2
	END
	has "$output" 'status 0'
	# Partial: no other task is the policy's.
	has "$output" 'seen enabled 0 5'
	has "$output" '["attached","unfinished","partial"]'
	has "$output" '["attached","passed","partial"]'
	has "$output" 'detached passed'
	has "$output" 'left 0 disabled'
	# All of a host is not for a guest's verdict.
	has "$output" 'stays with its canary'
}

@test 'guest canary: a verdict of a guest, and the host agrees' {
	stream '{"slice_us": 5000}' >in
	cp -r "$XDG_CONFIG_HOME/schedkit/keys" keys
	inside <<-'END'
		cp -r keys /tmp/config/schedkit
		chmod 700 /tmp/config/schedkit/keys
		canary cgroup:/work --widen all --canary-for 24 --for 1 <in >out
		echo "status $?"
		told
		# The guest's, and then the host's.
		jq -r 'select(.kind == "verdict").id' out | tail -n 1 >made
		tail -n 1 out | jq -r '"goes on with it: \(.body.verdict ==
			"'"$(cat made)"'")"'
		sed -n "/$(cat made)/p" out | head -n 1 | jq -c '.body |
			[.target, .decision, .signature.statement.target,
			(.metrics | length > 4)]'
		tail -n 1 out | jq -c '[.body.canary.steps[] |
			[.mode, .decision]]'
		jq -r 'select(.kind == "deployment").body.why' out
	END
	has "$output" 'status 0'
	has "$output" 'goes on with it: true'
	has "$output" '["host","accepted","host",true]'
	has "$output" '[["partial","passed"],["full","passed"]]'
	has "$output" 'left 0 disabled'
}

@test 'guest canary: who starves others is caught: a tree, and all' {
	local configuration
	configuration=$(guest_configuration)
	stream '{"slice_us": 1000000}' host \
		", \"configuration\": \"$configuration\"" >in
	inside <<-'END'
		canary pid:$$ --widen none --canary-for 48 <in >out 2>err
		echo "status $?"
		cat err
		told
		canary all --canary-for 48 <in >out 2>err
		echo "status $?"
		told
		tail -n 1 out | jq -c .body.canary >&2
	END
	has "$output" 'status 1'
	has "$output" 'detached worse: on pid:'
	has "$output" 'detached worse: on all: '
	lacks "$output" 'passed'
	is "$(grep -c 'left 0 disabled' <<<"$output")" 2
}
