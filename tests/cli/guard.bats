#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guards of a deployment, where no sched_ext is needed: their words, and
# knobs that are taken off.

load ../lib
load ../knobs

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_RUN=$PWD/run
	victims=()
}

teardown() {
	for p in "${victims[@]}"; do
		kill "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
}

# knobs NICE: a policy of knobs and its verdict in `in`.
knobs() {
	knobs_story "$(knobs_policy t "[{\"match\": \"*\", \"nice\": $1}]")" \
		w >in
}

# hogs N: that share one CPU.
hogs() {
	local i cpu
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	for ((i = 0; i < $1; i++)); do
		taskset -c "$cpu" sh -c 'while :; do :; done' 3>&- &
		victims+=($!)
	done
}

# last FILTER: of the last deployment in $output.
last() {
	jq -c 'select(.kind == "deployment")' <<<"$output" |
		jq -rs ".[-1].body | $1"
}

# later: as if a pause were over.
later() {
	jq -c 'map_values(.last = 1e-3)' run/trips.json >t && mv t run/trips.json
}

@test 'guard: what is no guard' {
	local g
	for g in '' wait_p99 wait_p99: :5s wait_p99:x wait_p99:5% wait_p99:1x \
		wait_p99:0.5x 'wait_p99:5 ms' wait_p99:5ms:x wait_p99:5ms:2h \
		stall:2x stall:5 events:5 throughput:2x 'rps:>5' moon:2x; do
		exits 2 sched-deploy --guard "$g" </dev/null
		# shellcheck disable=SC2154
		has "$stderr" 'option --guard:'
	done
	exits 2 sched-deploy --guard 'rps:>5' </dev/null
	has "$stderr" "no guard 'rps' (wait_p99, stall,"
	exits 3 sched-deploy --guard stall:2s --guard wait_p99:2x:500ms </dev/null
}

@test 'guard: a guest is not guarded' {
	knobs 5
	exits 1 sched-deploy --target vm --guard stall:2s -- true <in
	has "$stderr" '--guard is for the host'
}

@test 'guard: what this policy cannot have' {
	knobs 5
	exits 3 sched-deploy --guard policy_cpu:5% --pid $$ <in
	has "$stderr" 'this policy is none in the kernel'
	is "$(last .state)" refused
	exits 3 sched-deploy --guard SCX_EV_X:5/s --pid $$ <in
}

@test 'guard: it trips, all is set back, and it is not put back so soon' {
	knobs 5
	hogs 3
	before=$(nice_of "${victims[0]}")
	bad=(--pid "${victims[0]}" --guard wait_p99:1us:1s --for 20)
	exits 1 sched-deploy "${bad[@]}" <in
	has "$stderr" 'wait_p99 was '
	is "$(nice_of "${victims[0]}")" "$before"
	is "$(last .state)" tripped
	is "$(last '.trip | .guard, .unit, .allowed, .bound, .window_s, .trips' |
		paste -sd ' ')" 'wait_p99 us at-most 1 1 1'
	is "$(last '.trip | .value > 1 and (.samples | length) > 1 and
		.revert_us < 1000000 and .after_s >= 1')" true
	has "$(last '.guards | join(", ")')" 'wait_p99 at most 1 us (for 1 s)'
	has "$(last '.guards | join(", ")')" 'stall at most 5 s'
	# So it is in the history.
	is "$(sched-history log | jq -r '.body.state // empty' | head -n 1)" \
		tripped
	# Not so soon …
	exits 1 sched-deploy "${bad[@]}" <in
	has "$stderr" 'may be tried again in'
	is "$(last .state)" refused
	# … then once more, and then longer; another one at once.
	later
	exits 1 sched-deploy "${bad[@]}" <in
	is "$(last .trip.trips)" 2
	knobs 6
	exits 0 sched-deploy --pid "${victims[0]}" --for 0.3 <in
	is "$(last .state)" detached
	knobs 5
	exits 1 sched-deploy "${bad[@]}" <in
	has "$stderr" '2 times'
	later
	exits 1 sched-deploy "${bad[@]}" <in
	later
	exits 1 sched-deploy "${bad[@]}" <in
	has "$stderr" 'when a person says so, with --again'
	exits 0 sched-deploy --pid "${victims[0]}" --for 0.3 --again <in
	is "$(last .again)" true
	exits 0 sched-deploy --pid "${victims[0]}" --for 0.3 <in
}

@test 'guard: a command runs on without what was taken off' {
	knobs 5
	hogs 3
	exits 1 sched-deploy --guard wait_p99:1us:1s -- \
		sh -c 'nice; sleep 4; nice; echo whole' <in
	has "$stderr" whole
	is "$(grep -E '^[0-9-]+$' <<<"$stderr" | head -n 2 | paste -sd ' ')" \
		"5 $(nice)"
	is "$(last .state)" tripped
}

@test 'guard: a number of the user' {
	exits 2 sched-deploy --metric load </dev/null
	has "$stderr" 'option --metric:'
	exits 2 sched-deploy --metric 'load=echo 7' </dev/null
	has "$stderr" "nothing guards the metric 'load': add --guard load:"
	knobs 5
	exits 1 sched-deploy --pid $$ --metric 'load,lower=echo 7' \
		--guard 'load:<9' --guard 'load:<5:500ms' --for 20 <in
	has "$stderr" 'load was 7 for 0.5 s, and at most 5 is allowed'
	is "$(last '.trip | .guard, .value, .bound' | paste -sd ' ')" 'load 7 5'
}

@test 'guard: compared with the time before' {
	knobs 5
	hogs 2
	exits 0 sched-deploy --pid "${victims[0]}" --guard wait_p99:1000x \
		--guard throughput:0.01x --for 1 <in
	has "$(last '.guards | join(", ")')" 'throughput at least'
	is "$(last '.watcher.cpu_pct < 50')" true
}

@test 'guard: notes that are damaged are no leave' {
	knobs 5
	mkdir -p run
	echo '{' >run/trips.json
	exits 3 sched-deploy --pid $$ --for 0.3 <in
	has "$stderr" trips.json
}
