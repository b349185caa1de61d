#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-synth with a language model: what it proposes, and what becomes of it.

load ../lib
load ../proposals

setup() {
	needs_landlock
	dir=$BATS_TEST_TMPDIR
	profile=$TREE/tests/bench/requests.profile
	export XDG_CACHE_HOME=$dir/cache XDG_CONFIG_HOME=$dir/config
	unset SCHED_LLM SCHED_LLM_MODEL SCHED_LLM_KEY SCHED_LLM_KEY_FILE
	scripted_model
}

teardown() {
	[ -z "${server:-}" ] || kill "$server"
}

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

@test "no terminal obeys what a model's program says" {
	printf '%s\n' '#!/bin/sh' 'cat >/dev/null' \
		"printf '\\033]0;x\\007\\302\\233no' >&2" 'exit 3' >"$dir/model"
	synth 3 -n 1
	lacks "$stderr" $'\e'
	lacks "$stderr" $'\u9b'
	has "$stderr" ']0;x'
	exits 3 sched-synth --json --backend $'replay:/no/\e]0;x' <"$profile"
	has "$stderr" '/no/\x1b]0;x'
}

@test "of the user's cache nothing is written, nothing is left" {
	needs_clang
	script_of hooks
	synth 0 -n 1
	is "$(find "$dir/cache" -mindepth 1 | sed "s|^$dir/cache/||" |
		sort | tr '\n' ' ')" 'schedkit schedkit/tmp '
}

@test "killed while a draft is compiled: no process is left" {
	script_of source
	mkdir "$dir/bin"
	printf '%s\n' '#!/bin/sh' 'exec sleep 567.25' >"$dir/bin/clang-16"
	chmod +x "$dir/bin/clang-16"
	BPF_CLANG=$dir/bin/clang-16 PATH=$dir/bin:$PATH sched-synth --json \
		--backend "command:$dir/model" \
		<"$profile" >"$dir/out" 2>&1 3>&- &
	local pid=$!
	for _ in {1..100}; do
		! pgrep -f 'sleep 567.25' >/dev/null || break
		sleep 0.1
	done
	pgrep -f 'sleep 567.25'
	# Another one at the same time lets its folder be.
	exits 3 sched-synth --json --backend command:false <"$profile"
	is "$(find "$dir/cache/schedkit/tmp" -mindepth 1 -maxdepth 1 | wc -l)" 1
	kill -KILL "$pid"
	for _ in {1..50}; do
		pgrep -f 'sleep 567.25' >/dev/null || break
		sleep 0.1
	done
	! pgrep -f 'sleep 567.25' || return 1
	# The next one clears up behind it.
	rm "$dir"/*.in
	say 1 "$(plan "$(experiment params "$FIFO")")"
	synth 0 -n 1
	is "$(ls "$dir/cache/schedkit/tmp")" ''
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

@test "of workloads without a name each has its own dead ends" {
	doc profile "$(jq -c '.body | del(.workload)' "$profile")" >"$dir/one"
	doc profile "$(jq -c '.body | del(.workload) | .duration_us += 1' \
		"$profile")" >"$dir/other"
	say 1 "$(plan "$(experiment params "$USELESS")")"
	say 2 "$(fix '{"give_up": true, "diagnosis": "it cannot work"}')"
	in=$dir/one
	synth 1 -n 1
	sched-history add <<<"$output" >/dev/null
	rm "$dir"/*.in
	synth 1 -n 1
	has "$(body plan | jq -r .text)" 'a known dead end'
	is "$(asked)" 1
	rm "$dir"/*.in
	in=$dir/other
	synth 1 -n 1
	lacks "$(body plan | jq -r .text)" 'a known dead end'
	is "$(asked)" 2
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

# ---- the past ---------------------------------------------------------

# Into $dir/story: the profile, and N policies tried on it, with verdicts.
tried() {
	local n line
	in=$dir/story
	cp "$profile" "$in"
	for n in $(seq "$1"); do
		line=$(doc policy "$(jq -nc --arg code "$(seq 1 2000)" \
			--arg t "idea $n" '{form: "source", title: $t,
			why: "w", uses: [], code: $code}')" "$(doc_id <"$profile")")
		printf '%s\n' "$line" >>"$in"
		doc verdict "$(jq -c '{policy: .id, decision: "rejected",
			why: "idea fell", target: "vm", kernel: "6.18",
			workload: "requests", stages: [], metrics: []}' \
			<<<"$line")" >>"$in"
	done
}

@test "the planner is told what was tried on like workloads" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	tried 1
	synth 0 -n 1
	has "$(cat "$dir/1.in")" 'Tried before on workloads like this one'
	has "$(cat "$dir/1.in")" 'idea 1'
	has "$(cat "$dir/1.in")" 'idea fell'

	# The history's, too; of other workloads nothing.
	sched-history add <"$in" >/dev/null
	rm "$dir"/*.in
	in=
	synth 0 -n 1
	has "$(cat "$dir/1.in")" 'idea 1'
	rm "$dir"/*.in
	in=$dir/other
	doc profile "$(jq -c '.body | .workload.name = "other" |
		.goal = "latency" | del(.metrics, .identities, .costs,
		.overhead.pct, .groups[0].burst_us.buckets) |
		walk(if type == "number" then floor else . end)' "$profile")" \
		>"$in"
	synth 0 -n 1
	lacks "$(cat "$dir/1.in")" 'idea 1'
	rm "$dir"/*.in
	in=
	synth 0 -n 1 --history "$dir/none"
	lacks "$(cat "$dir/1.in")" 'idea 1'
}

@test "a long past is shortened by the summariser, a short one is not" {
	say 1 '{"text": "Ideas 1 to 8 fell."}'
	say 2 "$(plan "$(experiment params "$FIFO")")"
	tried 8
	synth 0 -n 1
	has "$(cat "$dir/1.in")" 'You are the summariser'
	has "$(cat "$dir/1.in")" 'idea 8'
	has "$(cat "$dir/2.in")" 'Ideas 1 to 8 fell.'
	lacks "$(cat "$dir/2.in")" 'idea fell'
	is "$(body note | jq -c 'select(.accounts.planner).accounts |
		map_values(.calls)')" '{"planner":1,"summariser":1}'
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

# findings N: what the fixer was told in the Nth question.
findings() {
	sed -n '/^# Findings/,/end of data/p' "$dir/$1.in"
}

@test "source: one that does not compile, one that starves, one that passes" {
	needs_clang
	script_of source
	synth 0 -n 1
	is "$(asked)" 5
	has "$(cat "$dir/2.in")" 'whoever ran least'
	has "$(cat "$dir/2.in")" 'You are the coder'
	has "$(findings 4)" "expected ';'"
	has "$(cat "$dir/4.in")" 'line 7: look here'
	has "$(findings 5)" starvation
	is "$(body policy | jq -r '.code')" "$(cat "$good_source")"
	is "$(body note | jq -c 'select(.accounts.fixer).accounts |
		map_values(.calls)')" '{"coder":1,"critic":1,"fixer":2}'
	is "$(climbed)" 'passed passed passed passed'
}

@test "source: what the simulator cannot run is not proposed" {
	needs_clang
	local op='POLICY_OP("running") void BPF_PROG(r, struct task_struct *p)'
	printf '%s\n' '#include "scx.bpf.h"' \
		'char _license[] SEC("license") = "GPL";' "$op" \
		'{ ((long (*)(void *, void *, u32))36)((void *)8, p, 8); }' \
		'SEC(".struct_ops.link") struct sched_ext_ops ops = {' \
		'.running = (void *)r, .timeout_ms = 5000, .name = "x" };' \
		>"$dir/bad.c"
	say 1 "$(plan "$(experiment source '{"params": null, "task": "t"}')")"
	say 2 "$(coder "$dir/bad.c")"
	say 3 '{"verdict": "ship", "findings": []}'
	say 4 "$(fix '{"give_up": true}')"
	synth 1 -n 1
	is "$(body policy)" ''
	has "$(findings 4)" 'stage sim did not pass'
}

@test "hooks: refused by lint, mended, proposed" {
	needs_clang
	printf '%s\n' 'u64 hook_key(const struct hook_task *t) {' \
		'	return bpf_ktime_get_ns();' '}' >"$dir/bad.c"
	printf '%s\n' 'u64 hook_slice(const struct hook_task *t) {' \
		'	return t->nice > 0 ? HOOK_MS(10) : HOOK_MS(40);' '}' \
		>"$dir/good.c"
	say 1 "$(plan "$(experiment hooks "$(jq -c \
		'.task = "Long turns." | .params |= [.[0]]' <<<"$FIFO")")")"
	say 2 "$(coder "$dir/bad.c")"
	say 3 "$critic"
	say 4 "$(mended "$dir/good.c")"
	synth 0 -n 1
	has "$(findings 4)" bpf_ktime_get_ns
	is "$(body policy | jq -c '[.form, .params, .uses]')" \
		'["hooks",{"order":"fifo"},["behaviour"]]'
	is "$(climbed)" 'passed passed passed passed'
}

@test "code: other names, comments and spaces are no other policy" {
	needs_clang
	local bad=$TREE/tests/policies/bad/newest_first.bpf.c
	say 1 "$(plan "$(experiment source '{"task": "Newest first."}')")"
	say 2 "$(coder "$bad")"
	say 3 '{"verdict": "ship", "findings": []}'
	sed 's/WRONG/RIGHT/; s/\t/  /' "$bad" >"$dir/spaced.c"
	say 4 "$(mended "$dir/spaced.c")"
	say 5 "$(fix '{"give_up": true, "diagnosis": "no way"}')"
	synth 1 -n 1
	lacks "$(cat "$dir/4.in")" '# Advice'
	has "$(findings 5)" no-effect
	has "$(findings 5)" 'key gets smaller'
}

@test "--show-prompt of coder, critic and fixer is what they were sent" {
	needs_clang
	local role n
	say 1 "$(plan "$(experiment source '{"task": "First in, first out."}')")"
	say 2 "$(coder "$TREE/tests/policies/good/global_fifo.bpf.c")"
	say 3 "$critic"
	serve 1 2 3
	over openai 0 -n 1
	printf '%s\n' "$output" >"$dir/story"
	n=2
	for role in coder critic; do
		is "$(sent $n)" "$(sched-synth -n 1 --show-prompt $role \
			<"$dir/story" | shown)"
		n=$((n + 1))
	done
}

@test "params and hooks cost a tenth of the words that source does" {
	needs_clang
	needs_root
	BUILD=$BUILD run "$TREE/tests/bench/ledger.sh"
	printf '%s\n' "$output"
	is "$status" 0
	is "$(awk '$1 ~ /^(knobs|external|params|hooks|source)$/ &&
		$2 > 0 { n++ } END { print n }' <<<"$output")" 5
	awk '{ out[$1] = $6 } END { exit !(out["source"] >= 10 * out["params"] &&
		out["source"] >= 10 * out["hooks"]) }' <<<"$output"
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

@test "an interrupted run says what it has by then: status 4" {
	say 1 "$(plan "$(experiment params "$FIFO")" \
		"$(experiment params "$USELESS")")"
	sed -i 's/cat $n.out/[ $n = 1 ] || exec sleep 60; &/' "$dir/model"
	sched-synth --json -n 2 -b "command:$dir/model" <"$profile" \
		>"$dir/out" 2>"$dir/err" 3>&- &
	local pid=$! rc=0
	for _ in $(seq 200); do
		[ "$(asked)" = 2 ] && break
		sleep 0.1
	done
	kill -INT "$pid"
	wait "$pid" || rc=$?
	is "$rc" 4
	output=$(cat "$dir/out")
	is "$(body policy | wc -l)" 1
	has "$(body plan | jq -r .text)" 'Ended early'
}

@test "an ordinary user needs no privilege" {
	needs_open_tree
	say 1 "$(plan "$(experiment params "$FIFO")")"
	chmod 777 "$dir"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test 2>/dev/null || :
	setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$dir/1.out" ||
		skip 'the test folder is not open to others'
	exits 0 setpriv --reuid=65534 --regid=65534 --clear-groups \
		env HOME="$dir" XDG_STATE_HOME="$dir/theirs" \
		XDG_CACHE_HOME="$dir/cache" "$BUILD/bin/sched-synth" --json -n 1 \
		-b "command:$dir/model" <"$profile"
	is "$(body policy | wc -l)" 1
}

# ---- prompts ----------------------------------------------------------

@test "a wish reaches the planner as data, and nobody else, and the plan" {
	say 1 "$(plan "$(experiment params "$FIFO")")"
	synth 0 -n 1 --wish 'faster, but do not hurt "the editor"'
	is "$(body plan | jq -r .wish)" 'faster, but do not hurt "the editor"'
	has "$(cat "$dir/1.in")" "# Wish

What the user wants of it, in their own words:
--- data: wish of the user ---
| faster, but do not hurt \"the editor\"
--- end of data ---"
	is "$(grep -c 'the editor' "$dir/1.in")" 1
	# Without one all is as it was.
	exits 0 sched-synth --show-prompt planner <"$profile"
	lacks "$output" '# Wish'
}

@test "a wish that could act on something is refused, as is one for nobody" {
	local wish
	for wish in '' '  ' $'two\nlines' $'\e[2J' $'\xff' $'c1 \xc2\x9b' \
		"$(printf '%2001s' x)"; do
		exits 2 sched-synth --backend "command:$dir/model" \
			--wish "$wish" <"$profile"
		has "$stderr" 'option --wish: the wish'
	done
	is "$(asked)" 0
	exits 2 sched-synth --wish 'faster' <"$profile"
	has "$stderr" 'only a model reads plain words'
}

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
	needs python3
	for n in "$@"; do
		jq -c '{answer: {value: .}}' "$dir/$n.out"
	done | jq -sc . >"$dir/script.json"
	"$TREE/tests/endpoint/endpoint" --port "$dir/port" \
		"$dir/script.json" 3>&- &
	server=$!
	for _ in $(seq 300); do
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

@test "a wish goes to an endpoint in one message, in both dialects" {
	local backend
	say 1 "$(plan "$(experiment params "$FIFO")")"
	for backend in openai anthropic; do
		serve 1
		over $backend 0 -n 1 --wish 'keep the editor smooth'
		has "$(sent 1 | jq -r .text)" '| keep the editor smooth'
		lacks "$(sent 1 | jq -r .system)" 'the editor'
		kill "$server"
		rm "$dir/port" "$dir/script.log"
	done
	server=
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

@test "what a model's program says commands no terminal" {
	printf '#!/bin/sh\nprintf "\\033[2Jgone" >&2; exit 1\n' >"$dir/model"
	synth 3 -n 1
	has "$stderr" gone
	lacks "$stderr" $'\033'
}
