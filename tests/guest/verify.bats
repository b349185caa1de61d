#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-verify in a real guest, on a command whose figure depends on the
# scheduler and on nothing else: how often a CPU-bound task is taken off its
# CPU while others wait.  A long slice has to win by far; a tiny one ends at
# the kernel's next tick, as a turn under EEVDF does, and gains nothing worth
# the name.

load ../lib
load ../hogs

setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
}

# policy TITLE PARAMS
policy() {
	doc policy "{\"form\": \"params\", \"title\": \"$1\", \"why\": \"w\",
		\"params\": $2, \"uses\": []}"
}

@test 'guest verify: the long slice is accepted, the tiny one is not' {
	local rc=0
	{
		hogs_profile bash -c "$hogs"
		policy 'long slices' '{"slice_us": 200000}'
		policy 'tiny slices' '{"slice_us": 500, "order": "fifo"}'
	} >in
	sched-verify --target vm --cpus 2 --min-effect 100 <in >out 2>err ||
		rc=$?
	cat err
	needs_quiet
	verdict_so 0 '.decision == "accepted" and .target == "vm" and
		(.kernel | startswith("6.18")) and .evidence.confirmed and
		.metrics[0].pairs >= 8 and .metrics[0].ci95[0] > 1 and
		.metrics[0].ratio >= 2 and .stages[4].status == "passed" and
		.stages[5].status == "passed" and
		(.metrics[0].samples.candidate | length) == .metrics[0].pairs'
	verdict_so 1 '.decision == "rejected" and .metrics[0].ratio < 2 and
		.stages[4].status == "passed" and .stages[5].status == "failed"'
	is "$rc" 0
	is "$(head -n 3 out)" "$(cat in)"
	# It is signed by a key that was made for it, and so can be deployed.
	has "$(cat err)" 'made the key'
	verdict_so 0 '(.configuration | length) == 64 and
		.signature.statement.configuration == .configuration'
	exits 0 sched-deploy --target vm --cpus 2 --dry-run --no-history <out
}

@test 'guest verify: nothing is accepted on a machine that is busy' {
	local rc=0 hog
	{
		hogs_profile bash -c "${hogs/6000/2000}"
		policy 'long slices' '{"slice_us": 200000}'
	} >in
	for ((hog = 0; hog < 2 * $(nproc); hog++)); do
		timeout 300 sh -c 'while :; do :; done' 3>&- &
	done
	sched-verify --target vm --cpus 2 --min-effect 100 --screen 0 \
		--pairs 5 <in >out 2>err || rc=$?
	# shellcheck disable=SC2046
	kill $(jobs -p)
	verdict_so 0 '.decision == "inconclusive" and
		.evidence.host_wait_pct > 33 and
		(.why | contains("busy with other things"))'
	is "$rc" 1
}

@test 'guest verify: a command that fails, and one that is not there' {
	local rc=0
	{
		hogs_profile bash -c 'echo no luck today >&2; exit 5'
		policy 'long slices' '{"slice_us": 200000}'
	} >in
	sched-verify --target vm --cpus 2 <in >out 2>err || rc=$?
	cat err
	is "$rc" 1
	verdict_so 0 '.decision == "inconclusive" and .invalid_runs == 2 and
		(.why | contains("status 5: no luck today"))'
	{
		hogs_profile "$PWD/not-there"
		policy 'long slices' '{"slice_us": 200000}'
	} >in
	rc=0
	sched-verify --target vm --cpus 2 <in >out 2>err || rc=$?
	is "$rc" 3
	has "$(cat err)" not-there
	verdict_so 0 '.decision == "inconclusive"'
}

@test 'guest verify: an interrupt leaves verdicts and no guest behind' {
	local rc=0 pid
	{
		hogs_profile sleep 30
		policy 'long slices' '{"slice_us": 200000}'
	} >in
	sched-verify --target vm --cpus 2 --progress <in >out 2>err 3>&- &
	pid=$!
	for _ in {1..300}; do
		grep -q 'loading policy' err && break
		sleep 0.1
	done
	sleep 2
	kill -INT "$pid"
	wait "$pid" || rc=$?
	cat err
	is "$rc" 4
	verdict_so 0 '.decision == "inconclusive" and
		(.why | contains("interrupted"))'
	[ -z "$(pgrep -P "$pid")" ]
}

@test 'guest verify: rt-app plays a profile that has no command' {
	local hist='{"count":150,"sum":600000,"max":6000,"p50":4000,"p90":5000,
		"p99":6000,"buckets":[[3670,75],[4194,75]]}'
	needs rt-app
	{
		doc profile "{\"scope\": \"all\", \"goal\": \"throughput\",
			\"source\": \"bpf\", \"target\": \"host\",
			\"duration_us\": 1500000,
			\"system\": {\"cpus\": 2, \"kernel\": \"6\"},
			\"groups\": [{\"name\": \"worker\", \"tasks\": 3,
				\"run_us\": 600000, \"wait_us\": 1000,
				\"wakeups\": 150, \"burst_us\": $hist,
				\"sleep_us\": $hist, \"delay_us\": $hist,
				\"wakers\": [{\"group\": \"(interrupt)\",
					\"count\": 150}]}],
			\"overhead\": {\"drops\": 0}}"
		policy 'fair' '{}'
	} >in
	sched-verify --target vm --cpus 2 --pairs 1 --screen 0 --no-confirm \
		--json <in >out || [ $? = 1 ]
	verdict_so 0 '.workload == "rt-app" and .metrics[0].name == "rounds" and
		.metrics[0].baseline > 1 and .metrics[0].candidate > 1'
	verdict_so 0 '[.stages[5].findings[].rule] | index("model")'
}

# wall COMMAND...: a profile whose only metric is how long that takes.
wall() {
	hogs_profile "$@" | jq -c '.body | .workload.metrics =
		[{name: "wall", unit: "s", better: "lower"}]' >wall
	doc profile "$(cat wall)"
}

@test 'guest verify: rungs keep the winner, looks end early, new is new' {
	local rc=0 small=${hogs/6000/2000}
	{
		hogs_profile bash -c "${hogs/6000/4000}" |
			jq -c --arg hogs "$small" '.body |
				.workload.short = ["bash", "-c", $hogs]' >body
		doc profile "$(cat body)"
		policy 'tiny slices' '{"slice_us": 500, "order": "fifo"}'
		policy 'small slices' '{"slice_us": 700, "order": "fifo"}'
		policy 'long slices' '{"slice_us": 200000}'
		policy 'tiny turns' '{"slice_us": 600, "order": "fifo"}'
	} >in
	sched-verify --target vm --cpus 2 --min-effect 100 --halving \
		--sequential --pairs 10 <in >out 2>err || rc=$?
	cat err
	needs_quiet
	# The winner is decided by five pairs and three fresh ones; the other
	# finalist is given up before.
	verdict_so 2 '.decision == "accepted" and .evidence.stopped == "decided"
		and .evidence.confirmed and
		(.metrics[0].samples.candidate | length) == .metrics[0].pairs'
	is "$rc" 0
	is "$(jq -s '[.[] | select(.body.evidence.stopped? == "futile" and
		.body.metrics[0].pairs < 5)] | length' out)" 1
	is "$(jq -s '[.[] | select(.body.why? // "" |
		contains("of the short command"))] | length' out)" 2
	jq -es 'map(select(.kind == "verdict").body.evidence.target_runs) |
		unique | length == 1 and .[0] < 45' out
	# Twice is once: no guest is booted for what is known.
	sched-verify --target vm --cpus 2 --min-effect 100 --new --progress \
		<out >again 2>err
	cmp out again
	lacks "$(cat err)" booting
}

@test 'guest verify: a run that is lost is cut off' {
	{
		wall bash -c 'n=0; while ((n++ < 40000)); do :; done'
		doc policy '{"form": "knobs", "title": "a tenth", "why": "w",
			"knobs": [{"match": "*", "cpu_max_pct": 10}],
			"uses": []}'
		policy 'fair' '{}'
	} >in
	sched-verify --target vm --cpus 2 --halving --finalists 1 --pairs 1 \
		--no-confirm <in >out 2>err || [ $? = 1 ]
	cat err
	verdict_so 0 '.decision == "rejected" and
		(.stages[5].findings[0] | .rule == "cut-off" and
			(.text | test("^([0-9]+) of \\1 runs"))) and
		.metrics[0].candidate < 3 * .metrics[0].baseline + 2'
	verdict_so 1 '[.stages[5].findings[].rule] | index("cut-off") | not'
}
