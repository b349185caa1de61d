#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-synth with a language model: what it proposes, and what becomes of it.

load ../lib

setup() {
	dir=$BATS_TEST_TMPDIR
	profile=$TREE/tests/bench/requests.profile
	export XDG_CACHE_HOME=$dir/cache XDG_CONFIG_HOME=$dir/config
	unset SCHED_LLM SCHED_LLM_MODEL SCHED_LLM_KEY SCHED_LLM_KEY_FILE
	# Answers N.out to the Nth question, which is kept in N.in.
	printf '%s\n' '#!/bin/sh' "cd '$dir' || exit" \
		'n=$(($(ls ./*.in 2>/dev/null | wc -l) + 1))' \
		'cat >$n.in; cat $n.out' >"$dir/model"
	chmod +x "$dir/model"
}

teardown() {
	[ -z "${server:-}" ] || kill "$server"
}

# ---- what models say --------------------------------------------------

# say N JSON: the Nth answer.
say() {
	jq -c . <<<"$2" >"$dir/$1.out"
}

# experiment FORM JSON: one of the planner's, some keys set to others.
experiment() {
	jq -nc --arg form "$1" --argjson more "$2" '{form: $form, title: "one",
		why: "it waits", uses: [], hypothesis: {metric: "rate",
		effect_pct: 10, text: "less waiting"}, params: null,
		knobs: null, external: null, task: null} + $more'
}

# plan EXPERIMENT...
plan() {
	printf '%s\n' "$@" |
		jq -sc '{summary: "They wait for a lock.", experiments: .}'
}

# fix JSON: a fixer's answer.
fix() {
	jq -nc --argjson more "$1" '{diagnosis: "it was wrong", code: null,
		params: null, knobs: null, give_up: false} + $more'
}

param() {
	jq -nc --arg n "$1" --argjson v "$2" '{name: $n, value: $v}'
}

FIFO='{"params": [{"name": "order", "value": "fifo"},
	{"name": "slice_us", "value": 20000}]}'
# Safe, and worse than EEVDF.
USELESS='{"params": [{"name": "slice_us", "value": 50},
	{"name": "preempt", "value": "key"}]}'

# synth STATUS ARGUMENT...: asks the program; documents in $output.
synth() {
	local want=$1
	shift
	exits "$want" sched-synth --json --backend "command:$dir/model" "$@" \
		<"${in:-$profile}"
}

body() {
	jq -c "select(.kind == \"$1\").body" <<<"$output"
}

asked() {
	find "$dir" -maxdepth 1 -name '*.in' | wc -l
}

# ---- what comes of it -------------------------------------------------

@test "a proposal that passes: plan, policy and notes, after the profile" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	synth 0 -n 1
	is "$(jq -r .kind <<<"$output" | tr '\n' ' ')" \
		'profile plan policy note note '
	is "$(head -n 1 <<<"$output")" "$(cat "$profile")"
	is "$(body plan | jq -c .proposals)" \
		"$(jq -c 'select(.kind == "policy") | [.id]' <<<"$output")"
	is "$(body plan | jq -c '.predictions[0] | .ratio > 1 and
		.metric == "request_rate"')" true
	is "$(body policy | jq -c '[.form, .params, .hypothesis.effect_pct]')" \
		'["params",{"order":"fifo","slice_us":20000},10]'
	is "$(jq -c 'select(.kind == "policy").provenance.transcript' \
		<<<"$output")" \
		"$(jq -c 'select(.body.transcript?).id' <<<"$output")"
	is "$(jq -r 'select(.kind == "policy").parent[1]' <<<"$output")" \
		"$(jq -r 'select(.kind == "plan").id' <<<"$output")"
	is "$stderr" ''
}

@test "the whole pipe, and the hypothesis in the verdict" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	synth 0 -n 1
	output=$(sched-verify --json --stages lint,build,prove,sim \
		<<<"$output") || [ $? = 1 ]
	is "$(body verdict | jq -c '[.stages[:4][].status]')" \
		'["passed","passed","passed","passed"]'
	is "$(body verdict | jq -c '.hypothesis | [.metric, .expected_pct,
		.simulated_pct > 10, .holds, has("measured_pct")]')" \
		'["rate",10,true,true,false]'
}

@test "an experiment that lint refuses is mended" {
	say 1 "$(plan "$(experiment params \
		'{"params": [{"name": "order", "value": "lifo"}]}')")"
	say 2 "$(fix "$FIFO")"
	synth 0 -n 1
	is "$(body policy | jq -r .params.order)" fifo
	has "$(cat "$dir/2.in")" "'lifo' is not one of"
	is "$(jq -c 'select(.kind == "policy").provenance.calls' \
		<<<"$output")" 1
	is "$(body note | jq -c 'select(.accounts.fixer).accounts.fixer.calls')" 1
}

@test "another idea is another experiment: refused, and counted as a turn" {
	say 1 "$(plan "$(experiment params "$(jq -c '.params +=
		[{"name": "queue", "value": "cpu"},
		{"name": "steal", "value": 3}]' <<<"$FIFO")")")"
	say 2 "$(fix '{"params": [{"name": "order", "value": "longest"}]}')"
	say 3 "$(fix '{"code": "int x;"}')"
	synth 1 -n 1 --turns 2
	has "$(cat "$dir/3.in")" 'would be another experiment'
	has "$(body plan | jq -r .text)" 'after 2 turns'
	is "$(asked)" 3
}

@test "an edit without effect is told, and counted as a turn" {
	say 1 "$(plan "$(experiment params "$USELESS")")"
	say 2 "$(fix "$(jq -c '.params += [{"name": "batch_us", "value": 20000}]' \
		<<<"$USELESS")")"
	say 3 "$(fix "$USELESS")"
	synth 1 -n 1 --turns 2
	has "$(cat "$dir/2.in")" 'no-gain'
	has "$(cat "$dir/3.in")" 'no-effect'
	is "$(asked)" 3
}

@test "giving up is a dead end, which is remembered and not tried again" {
	say 1 "$(plan "$(experiment params "$USELESS")")"
	say 2 "$(fix '{"give_up": true, "diagnosis": "it cannot work"}')"
	synth 1 -n 1
	has "$stderr" 'nothing that the model proposed passed'
	is "$(jq -r .kind <<<"$output" | tr '\n' ' ')" 'profile plan note note '
	is "$(body note | jq -c 'select(.antipattern) | [.antipattern.form,
		.antipattern.workload, .antipattern.why]')" \
		'["params","requests","given up: it cannot work"]'
	is "$(body plan | jq -c .proposals)" '[]'

	# The stream remembers …
	local story=$output
	rm "$dir"/*.in
	in=$dir/story
	printf '%s\n' "$story" >"$in"
	synth 1 -n 1
	has "$(cat "$dir/1.in")" 'it cannot work'
	has "$(body plan | jq -r .text)" 'a known dead end'
	is "$(asked)" 1

	# … and so does the history.
	sched-history add <"$in" >/dev/null
	rm "$dir"/*.in
	in=
	synth 1 -n 1
	has "$(cat "$dir/1.in")" 'Dead ends'
	has "$(cat "$dir/1.in")" 'it cannot work'
	has "$(body plan | jq -r .text)" 'a known dead end'
	is "$(asked)" 1
}

@test "a policy that a verdict rejected is not proposed again" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	synth 0 -n 1
	in=$dir/story
	printf '%s\n' "$output" >"$in"
	doc verdict "$(jq -c 'select(.kind == "policy") | {policy: .id,
		decision: "rejected", why: "worse", target: "vm", kernel: "6.18",
		workload: "requests", stages: [], metrics: []}' <<<"$output")" \
		>>"$in"
	rm "$dir"/*.in
	synth 1 -n 1
	has "$(body plan | tail -n 1 | jq -r .text)" 'a known dead end: worse'
}

@test "two experiments that are one are proposed once" {
	say 1 "$(plan "$(experiment params "$FIFO")" \
		"$(experiment params "$(jq -c '.title = "two"' <<<"$FIFO")")")"
	synth 0 -n 2
	is "$(body policy | wc -l)" 1
	has "$(body plan | jq -r .text)" "it does the same as 'one'"
}

@test "no more experiments than asked for, and only of the form asked for" {
	say 1 "$(plan "$(experiment params "$FIFO")" \
		"$(experiment params "$USELESS")")"
	synth 0 -n 1
	is "$(asked)" 1
	rm "$dir"/*.in
	synth 1 -n 1 --form knobs
	has "$(cat "$dir/1.in")" 'All of the form "knobs"'
	has "$(body plan | jq -r .text)" 'only knobs is wanted'
}

@test "an answer that is none: status 1, and no plan" {
	echo 'I would rather not.' | tee "$dir/1.out" >"$dir/2.out"
	synth 1 -n 1
	is "$(jq -r .kind <<<"$output" | tr '\n' ' ')" 'profile error '
	has "$stderr" planner
}

@test "tools are run in bounded rounds" {
	for n in 1 2 3 4 5 6; do
		say $n '{"calls": [{"name": "profile",
			"arguments": {"section": "groups"}}]}'
	done
	say 7 "$(plan "$(experiment params "$FIFO")")"
	synth 0 -n 1
	has "$(cat "$dir/2.in")" requests
	has "$(cat "$dir/7.in")" 'give your answer now'
	is "$(jq -c 'select(.kind == "plan").provenance.calls' <<<"$output")" 7
}

# ---- every form -------------------------------------------------------

# climbed: what sched-verify says of the stream in $output.
climbed() {
	output=$(sched-verify --json --stages lint,build,prove,sim \
		<<<"$output") || [ $? = 1 ]
	body verdict | jq -r '[.stages[:4][].status] | join(" ")'
}

@test "knobs: refused by lint, mended, proposed" {
	say 1 "$(plan "$(experiment knobs '{"knobs": [{"match": "*", "nice": 20,
		"policy": null, "slice_us": null, "cpus": null,
		"cpu_weight": null, "cpu_max_pct": null}]}')")"
	say 2 "$(fix '{"knobs": [{"match": "*", "nice": null,
		"policy": "batch", "slice_us": null, "cpus": null,
		"cpu_weight": null, "cpu_max_pct": null}]}')"
	synth 0 -n 1
	has "$(cat "$dir/2.in")" '20 is above 19'
	is "$(body policy | jq -c .knobs)" \
		'[{"match":"*","policy":"batch"}]'
	is "$(climbed)" 'passed passed passed passed'
}

@test "external: what is installed is proposed, what is not is a dead end" {
	needs_root
	say 1 "$(plan "$(experiment external '{"external":
		{"program": "scx_testfifo", "flags": ["--slice-us", "5000"]}}')" \
		"$(experiment external '{"external":
		{"program": "scx_no_such_thing", "flags": []}}')")"
	PATH=$BUILD/external:$PATH synth 0 -n 2
	is "$(body policy | jq -c .external.program)" '"scx_testfifo"'
	is "$(body note | jq -c 'select(.antipattern).antipattern.form')" \
		'"external"'
	is "$(asked)" 1
}

# ---- budgets ----------------------------------------------------------

@test "a budget ends it with the best so far and status 4" {
	say 1 "$(plan "$(experiment params "$FIFO")" \
		"$(experiment params "$USELESS")")"
	say 2 "$(fix '{"give_up": true}')"
	synth 4 -n 2 --budget calls=1
	has "$stderr" calls
	is "$(body policy | wc -l)" 1
	has "$(body plan | jq -r .text)" 'Ended early'
	is "$(asked)" 1
}

@test "a budget that allows nothing asks nobody" {
	synth 4 -n 1 --budget tokens=1
	is "$(asked)" 0
	exits 2 sched-synth -b "command:$dir/model" --budget gold=1 <"$profile"
	exits 2 sched-synth --turns 21
	exits 2 sched-synth --form nothing
}

# ---- prompts ----------------------------------------------------------

@test "--show-prompt has no use for a model, and knows its roles" {
	exits 0 sched-synth --show-prompt planner <"$profile"
	is "$(jq -r .role <<<"$output")" planner
	has "$(jq -r .system <<<"$output")" 'You are the planner'
	exits 2 sched-synth --show-prompt poet <"$profile"
	exits 3 sched-synth --show-prompt coder <"$profile"
	has "$stderr" 'no policy'
}

@test "SCHED_LLM is asked where --backend does not say otherwise" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	SCHED_LLM=command:$dir/model exits 0 sched-synth --json -n 1 <"$profile"
	is "$(asked)" 1
	SCHED_LLM=command:$dir/model exits 0 sched-synth --json -n 1 \
		--backend rules <"$profile"
	is "$(asked)" 1
}

# ---- endpoints --------------------------------------------------------

# serve N.out...: a test endpoint that gives these answers, whoever asks.
serve() {
	local n
	for n in "$@"; do
		jq -c '{answer: {value: .}}' "$dir/$n.out"
	done | jq -sc . >"$dir/script.json"
	"$TREE/tests/endpoint/endpoint" --port "$dir/port" \
		"$dir/script.json" 3>&- &
	server=$!
	for _ in $(seq 100); do
		[ -e "$dir/port" ] && break
		sleep 0.1
	done
}

# over BACKEND STATUS ARGUMENT...: the proposals of that endpoint.
over() {
	local backend=$1 want=$2
	shift 2
	SCHED_LLM=http://127.0.0.1:$(cat "$dir/port")/v1#test-1 \
		SCHED_LLM_KEY=sk-test-0123456789abcdef \
		exits "$want" sched-synth --json -b "$backend" "$@" \
		<"${in:-$profile}"
}

# What the endpoint was sent in the Nth request, as --show-prompt has it.
sent() {
	jq -sc --argjson n "$1" '[.[] | select(.body)][$n - 1].body |
		if type == "string" then fromjson else . end |
		{system: (.system // .messages[0].content |
		if type == "string" then . else map(.text) | join("") end),
		text: (.messages | map(select(.role == "user"))[0].content |
		if type == "string" then . else map(.text) | join("") end)}' \
		"$dir/script.log"
}

shown() {
	jq -c '{system, text: .messages[0].text}'
}

@test "what --show-prompt prints is what is sent, in both dialects" {
	local backend want
	say 1 "$(plan "$(experiment params "$USELESS")")"
	say 2 "$(fix '{"give_up": true, "diagnosis": "no use"}')"
	for backend in openai anthropic; do
		want=$(sched-synth -n 1 --show-prompt planner <"$profile" | shown)
		serve 1 2
		over $backend 1 -n 1
		is "$(sent 1)" "$want"
		has "$(sent 2)" 'no-gain'
		kill "$server"
		rm "$dir/port" "$dir/script.log"
	done
	server=
}

@test "the same answers give the same policy in both dialects" {
	local backend
	say 1 "$(plan "$(experiment params "$FIFO")")"
	for backend in openai anthropic; do
		serve 1
		over $backend 0 -n 1
		body policy >"$dir/$backend"
		is "$(jq -c 'select(.kind == "plan").provenance |
			[.model, .calls, .tokens_in, .tokens_cached, .tokens_out]' \
			<<<"$output")" '["test-1",1,11,3,7]'
		kill "$server"
		rm "$dir/port"
	done
	server=
	cmp "$dir/openai" "$dir/anthropic"
}

@test "an endpoint that is down: status 4, nothing proposed" {
	echo 1 >"$dir/port"
	over openai 4 -n 1 --budget time=5
	is "$(jq -r .kind <<<"$output" | tr '\n' ' ')" 'profile error '
}

@test "what was recorded is replayed without an endpoint" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	serve 1
	over openai 0 -n 1 --record "$dir/record"
	body policy >"$dir/first"
	kill "$server"
	server=
	exits 0 sched-synth --json -n 1 -b "replay:$dir/record" <"$profile"
	body policy | cmp - "$dir/first"
}

@test "the key is in nothing that comes out" {
	say 1 "$(plan "$(experiment params "$(jq -c \
		'.why = "sk-test-0123456789abcdef"' <<<"$FIFO")")")"
	serve 1
	over openai 0 -n 1 --record "$dir/record"
	lacks "$output$stderr" sk-test-0123456789abcdef
	run ! grep -rq sk-test-0123456789abcdef "$dir/record" \
		"$XDG_STATE_HOME" "$XDG_CACHE_HOME"
}
