#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-synth: a profile in, a plan and policies out.

load ../lib

GROUP='"run_us":18000000,"wait_us":60000000,"wakeups":900,
	"burst_us":{"count":9,"sum":9,"max":9,"p50":900000,"p90":900000,"p99":9},
	"delay_us":{"count":9,"sum":9,"max":9,"p50":9,"p90":9,"p99":9}'
PROFILE='{"scope":"command","goal":"makespan","source":"bpf","target":"vm",
	"duration_us":10000000,"overhead":{"drops":0},
	"system":{"cpus":2,"kernel":"6.18"},
	"run_queue":{"busy_pct":99,"waiting_pct":90},
	"groups":[{"name":"job","tasks":4,'$GROUP'}]}'

setup() {
	profile=$BATS_TEST_TMPDIR/profile
	doc profile "$PROFILE" >"$profile"
	cd "$BATS_TEST_TMPDIR" || return
}

@test "a plan and as many policies as asked for, all after the profile" {
	exits 0 sched-synth -n 3 <"$profile"
	is "$(jq -r .kind <<<"$output" | tr '\n' ' ')" \
		'profile plan policy policy policy '
	is "$(head -n 1 <<<"$output")" "$(cat "$profile")"
}

@test "the same seed gives the same ids, another one does not" {
	sched-synth -n 40 --seed 7 <"$profile" | jq -r .id >"$BATS_TEST_TMPDIR/a"
	sched-synth -n 40 --seed 7 <"$profile" | jq -r .id >"$BATS_TEST_TMPDIR/b"
	sched-synth -n 40 --seed 8 <"$profile" | jq -r .id >"$BATS_TEST_TMPDIR/c"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	run ! cmp -s "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/c"
	is "$(sort -u "$BATS_TEST_TMPDIR/a" | wc -l)" 42
}

@test "the plan names the regime with its evidence and its policies" {
	exits 0 sched-synth -n 2 <"$profile"
	plan=$(jq -c 'select(.kind == "plan").body' <<<"$output")
	is "$(jq -r .regime.saturated <<<"$plan")" true
	is "$(jq -r .regime.bound <<<"$plan")" makespan
	is "$(jq -c '[.evidence[] | has("text", "value", "key")] | all' \
		<<<"$plan")" true
	is "$(jq -c .proposals <<<"$plan")" \
		"$(jq -c 'select(.kind == "policy").id' <<<"$output" | jq -sc .)"
	is "$(jq -r .profile <<<"$plan")" "$(doc_id <"$profile")"
}

@test "knobs: for a kernel without sched_ext, and they pass the lint" {
	exits 0 sched-synth --json -n 3 --form knobs \
		<"$TREE/tests/bench/requests.profile"
	is "$(jq -r 'select(.kind == "policy").body.form' <<<"$output" |
		sort | uniq -c | tr -s ' ')" ' 3 knobs'
	is "$(jq -c 'select(.kind == "plan") | [.body.predictions[].ratio > 0.9]
		| all' <<<"$output")" true
	sched-verify --stages lint --json <<<"$output" >v || [ $? = 1 ]
	is "$(jq -r 'select(.kind == "verdict").body.stages[0].status' v |
		sort | uniq -c | tr -s ' ')" ' 3 passed'
	exits 2 sched-synth --form hooks <"$profile"
	has "$stderr" 'only a model writes'
	exits 2 sched-synth --form knobs --sources rule <"$profile"
	exits 2 sched-synth --form knob <"$profile"
	has "$stderr" "'knob' is not knobs, external, params, hooks or source"
}

@test "every proposal passes the lint of sched-verify" {
	sched-synth -n 60 <"$profile" |
		sched-verify --stages lint,build --json >"$BATS_TEST_TMPDIR/v" ||
		[ $? = 1 ]
	is "$(jq -r 'select(.kind == "verdict").body.stages[0].status' \
		"$BATS_TEST_TMPDIR/v" | sort | uniq -c | tr -s ' ')" ' 60 passed'
}

@test "unknown kinds and keys go through untouched" {
	{
		cat "$profile"
		doc weather '{"rain": true}'
	} >"$BATS_TEST_TMPDIR/in"
	exits 0 sched-synth -n 1 <"$BATS_TEST_TMPDIR/in"
	is "$(head -n 2 <<<"$output")" "$(cat "$BATS_TEST_TMPDIR/in")"
}

@test "no profile: status 3, and the way to one" {
	exits 3 sched-synth </dev/null
	has "$stderr" 'sched-observe'
	doc note '{"text": "only this"}' >"$BATS_TEST_TMPDIR/in"
	exits 3 sched-synth <"$BATS_TEST_TMPDIR/in"
	is "$(jq -r .kind <<<"$output" | tail -n 1)" error
}

@test "a bad line is named, the rest still counts, status 3" {
	{
		echo '{"v":1,"kind":'
		cat "$profile"
	} >"$BATS_TEST_TMPDIR/in"
	exits 3 sched-synth -n 1 <"$BATS_TEST_TMPDIR/in"
	has "$stderr" 'line 1'
	is "$(jq -rR 'fromjson? | .kind' <<<"$output" | tr '\n' ' ')" \
		'error profile plan policy '
}

@test "usage errors are status 2" {
	exits 2 sched-synth -n 0
	exits 2 sched-synth --backend oracle
	exits 2 sched-synth --no-such
	exits 2 sched-synth file
}

@test "the parameters are listed with range and default" {
	exits 0 sched-synth --list-params
	has "$output" 'starve_us'
	has "$output" 'fifo, vruntime, deadline, longest, shortest'
}

@test "a full disk is an error, not a short answer" {
	run --separate-stderr -- sh -c 'sched-synth <"$1" >/dev/full' - "$profile"
	is "$status" 3
	has "$stderr" 'No space left'
}

# ---- the search -------------------------------------------------------

# search ARGUMENT...: the plan's body in $plan.
search() {
	exits 0 sched-synth --json "$@" <"$TREE/tests/bench/requests.profile"
	plan=$(jq -c 'select(.kind == "plan").body' <<<"$output")
}

@test "search: the same seed and budget give the same ids" {
	search -n 3 --runs 16 --seed 5
	local ids
	ids=$(jq -r .id <<<"$output")
	search -n 3 --runs 16 --seed 5
	is "$(jq -r .id <<<"$output")" "$ids"
	search -n 3 --runs 16 --seed 6
	[ "$(jq -r .id <<<"$output")" != "$ids" ]
}

@test "search: the plan says what was simulated and what came out" {
	search -n 3 --runs 16
	is "$(jq -r '.predictions[].policy' <<<"$plan")" \
		"$(jq -r '.proposals[]' <<<"$plan")"
	is "$(jq -c '[.predictions[] | .ratio > 0 and .seeds >= 1 and
		.metric == "request_rate"] | all' <<<"$plan")" true
	has "$(jq -r .text <<<"$plan")" 'Chosen in the simulator among'
}

@test "search: what the first rule says is always there" {
	local rule
	exits 0 sched-synth --json --backend rules -n 1 \
		<"$TREE/tests/bench/requests.profile"
	rule=$(jq -c 'select(.kind == "policy").body.params' <<<"$output")
	for n in 1 4; do
		search -n $n --runs 16
		is "$(jq -c 'select(.kind == "policy").body.params' \
			<<<"$output" | grep -cxF "$rule")" 1
	done
}

@test "search: the rules alone predict nothing" {
	search -n 2 --backend rules
	is "$(jq -c 'has("predictions")' <<<"$plan")" false
	lacks "$(jq -r .text <<<"$plan")" simulat
}

@test "search: a profile that cannot be simulated is left to the rules" {
	doc profile "$(jq -c '.groups[0].burst_us = {"count": 9, "sum": 9,
		"max": 9, "p50": 9, "p90": 9, "p99": 9}' <<<"$PROFILE")" \
		>"$BATS_TEST_TMPDIR/in"
	exits 0 sched-synth --json -n 2 <"$BATS_TEST_TMPDIR/in"
	plan=$(jq -c 'select(.kind == "plan").body' <<<"$output")
	has "$(jq -r .text <<<"$plan")" 'Not simulated: '
	is "$(jq -c 'has("predictions")' <<<"$plan")" false
	is "$(jq -c '.proposals | length' <<<"$plan")" 2
}

@test "search: a budget has bounds" {
	exits 2 sched-synth --runs 7
	exits 2 sched-synth --runs 1000001
	exits 2 sched-synth --runs many
}

@test "without a model no network is needed" {
	needs unshare
	unshare -rn true || skip 'needs namespaces'
	for backend in builtin rules; do
		exits 0 unshare -rn sched-synth --json --runs 16 -n 1 \
			--backend $backend <"$TREE/tests/bench/requests.profile"
		is "$(jq -r .kind <<<"$output" | tr '\n' ' ')" \
			'profile plan policy '
	done
}
