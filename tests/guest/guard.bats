#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guards on a real kernel: policies made bad on purpose are taken off, others
# are put in their place, and what tripped is not put back.

load ../lib
load ../holder
load ../guard

setup() {
	guard_setup
}

# of NAME FILTER: true of some deployment of it.
of() {
	grep '^{' <<<"$output" | jq -es --arg n "$1" \
		"map(select(.n == \$n)) | any(.[]; $2)" >/dev/null && return
	printf 'not so of %s: %s\n%s\n' "$1" "$2" "$output"
	return 1
}

@test 'guest guard: long waits and a stall trip, and it is not tried so soon' {
	inside <<-'END'
		hogs 6
		guarded slow --guard wait_p99:100ms:2s --for 60
		just_now
		guarded slow --guard stall:800ms --for 60
		later
		guarded slow --guard stall:800ms --for 60
		just_now
		guarded slow --guard stall:800ms --for 60
	END
	of slow '.state == "tripped" and .trip.guard == "wait_p99" and
		.trip.value > 100000 and .watcher.above and .trip.trips == 1 and
		(.trip.no_other | test("trusted"))'
	of slow '.state == "tripped" and .trip.guard == "stall" and
		.trip.trips == 2 and .trip.tid > 0'
	of slow '.state == "refused" and (.why | test("1 times.*tried again in"))'
	of slow '.state == "refused" and (.why | test("2 times.*tried again in"))'
	is "$(grep -c '^slow 1 disabled' <<<"$output")" 4
}

@test 'guest guard: what does no harm is left alone' {
	inside <<-'END'
		guarded good --guard wait_p99:5s:3s --guard stall:5s \
			--guard policy_cpu:90% --for 4
		guarded good --guard SCX_EV_NO_SUCH:5/s --for 4
	END
	of good '.state == "detached" and .watcher.tasks > 10'
	has "$output" 'good 0 disabled'
	has "$output" 'good 3 disabled'
}

@test 'guest guard: the last known good is put in its place' {
	sched-history add <good >/dev/null
	id=$(head -n 1 good | doc_id)
	for state in candidate canary trusted; do
		sched-history promote -w w "$state" "$id" >/dev/null
	done
	echo "known=$id" >>common
	inside <<-'END'
		hogs 6
		guarded slow --guard wait_p99:100ms:2s --for 120 &
		# As soon as it holds the other one, that is ended.  Nobody who may
		# starve meanwhile looks at what the kernel shows.
		for ((i = 0; i < 1200; i++)); do
			grep -qs "$known" /run/schedkit/deployment.json && break
			read -rt 0.1 -u "$nap"
		done
		sleep 1
		sched-deploy stop
		wait %%
		sched-history log | jq -r '.body.state // empty' |
			paste -sd ' ' | sed 's/^/history /'
	END
	of slow ".state == \"tripped\" and .trip.instead == \"$id\""
	of slow ".state == \"attached\" and .policy == \"$id\" and
		(.why | test(\"known to be good\"))"
	of slow ".policy == \"$id\" and (.state == \"stopped\" or
		.state == \"tripped\")"
	has "$output" 'slow 1 disabled'
	has "$output" 'attached tripped attached'
}
