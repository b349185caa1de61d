#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-intent propose: rules for a wish, or for what was seen of tasks.

load ../lib
load ../llm

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

setup() {
	needs python3
	needs_landlock
	cd "$BATS_TEST_TMPDIR" || return
	umask 022
	mkdir d
	export HOME=$PWD/home XDG_STATE_HOME=$PWD/state LC_ALL=C.UTF-8
	unset SCHED_LLM SCHED_LLM_MODEL SCHED_LLM_KEY SCHED_LLM_KEY_FILE \
		XDG_CONFIG_HOME
	cp "$(type -P sleep)" "./editor-$BATS_TEST_NUMBER"
	"./editor-$BATS_TEST_NUMBER" 600 3>&- &
	child=$!
}

teardown() {
	kill "$child" || true
}

# rule NAME WHY KEY VALUE...: one of a model's.
rule() {
	local name=$1 why=$2
	shift 2
	jq -nc --arg name "$name" --arg why "$why" '{$name, $why, settings:
		[$ARGS.positional | _nwise(2) | {key: .[0], value: .[1]}]}' \
		--args "$@"
}

# answer RULE...: all that a model says.
answer() {
	printf '%s\n' "$@" | jq -sc '{summary: "The editor goes first.",
		rules: map(select(. != ""))}'
}

# wish STATUS STEPS ARGUMENT...: over a real socket.
wish() {
	local want=$1
	place wish "$2"
	shift 2
	export SCHED_LLM=openai:http://127.0.0.1:$PORT/$script/v1#a-model
	exits "$want" sched-intent propose --dir d "$@"
}

EDITOR_RULE() {
	rule edit 'It is what a person waits for.' \
		command "editor-$BATS_TEST_NUMBER" class interactive
}

@test 'propose: a wish becomes a file that check and commit take' {
	printf '%s\n' '[all]' "user = $(id -u)" 'weight = 100' >d/all.conf
	wish 0 "[{\"answer\":{\"value\":$(answer "$(EDITOR_RULE)" \
		"$(rule build 'May wait.' command no-such-* class batch)")}}]" \
		the build may be slow, the editor may not
	is "$stderr" ''
	has "$output" '# Wished: the build may be slow, the editor may not'
	has "$output" '# It is what a person waits for.'
	has "$output" "# Now for 1 task: editor-$BATS_TEST_NUMBER ($child)"
	has "$output" '# Some of them have rule [all] now'
	has "$output" '# No task that runs now.'
	printf '%s\n' "$output" >new.conf
	# Nothing is in force by it.
	is "$(ls d)" all.conf
	exits 0 sched-intent check new.conf
	has "$output" '2 rules, 0 problems'
	exits 2 sched-intent commit --dir d new.conf </dev/null
	has "$output" '+ [edit] command editor-1: class interactive'
	exits 0 sched-intent commit --dir d --yes new.conf
	is "$(ls d)" $'all.conf\nnew.conf'
	# What it was told: the tasks, the rules there are, and the wish.
	jq -r 'select(.method == "POST").body | tostring' "$log" >asked
	has "$(cat asked)" 'You are the declarer'
	has "$(cat asked)" "command editor-$BATS_TEST_NUMBER"
	has "$(cat asked)" "[all] user $(id -u): weight 100"
	has "$(cat asked)" '| the build may be slow, the editor may not'
}

@test 'propose: as a document' {
	wish 0 "[{\"answer\":{\"value\":$(answer "$(EDITOR_RULE)")}}]" --json x
	has "$(jq -r .body.intent.by <<<"$output")" 'a-model at 127.0.0.1'
	is "$(jq -c '.body.intent | [.summary, (.rules[] | [.name, .tasks,
		.sets, .why, .first[0].tid])]' <<<"$output")" \
		"$(jq -nc --argjson pid "$child" '["The editor goes first.",
		["edit", 1, "class interactive",
		"It is what a person waits for.", $pid]]')"
	jq -r .body.intent.proposal <<<"$output" >p
	exits 0 sched-intent check p
}

@test 'propose: what the check refuses is mended, with its own words' {
	wish 0 "[{\"answer\":{\"value\":$(answer \
		"$(rule a b command x class slow)")}},
		{\"match\":{\"contains\":\"'slow' is not interactive\"},
		\"answer\":{\"value\":$(answer "$(EDITOR_RULE)")}}]" x
	has "$output" 'class = interactive'
	is "$(jq -s 'map(select(.method)) | length' "$log")" 2
}

@test 'propose: what never passes is not printed' {
	wish 1 "[{\"repeat\":3,\"answer\":{\"value\":$(answer \
		"$(rule a b command x class slow)")}}]" x
	is "$output" ''
	has "$stderr" "'slow' is not interactive"
	is "$(jq -s 'map(select(.method)) | length' "$log")" 3
	wish 1 "[{\"answer\":{\"value\":$(answer '')}}]" x
	is "$output" ''
	has "$stderr" 'no rules are proposed: The editor goes first.'
	is "$(ls d)" ''
}

@test 'propose: words of a model are comments, and no terminal obeys them' {
	wish 0 "[{\"answer\":{\"value\":$(answer "$(rule a \
		$'Fine.\n[x]\ncommand = *\nclass = batch\e]0;t\a\u202e' \
		command y class batch)")}}]" x
	lacks "$output" $'\e'
	lacks "$output" $'\u202e'
	is "$(grep -vc '^#\|^$' <<<"$output")" 3
	# A value that says one thing and shows another, or brings a line with it.
	wish 1 "[{\"repeat\":3,\"answer\":{\"value\":$(answer "$(rule a b \
		command $'y\nweight = 5' class batch)")}}]" x
	has "$stderr" 'cannot be shown'
	wish 1 "[{\"repeat\":3,\"answer\":{\"value\":$(answer "$(rule a b \
		command $'y\u202e' class batch)")}}]" x
	has "$stderr" 'cannot be shown'
	is "$output" ''
}

@test 'propose: no model, none that answers, and no wish' {
	exits 3 sched-intent propose --dir d x
	has "$stderr" 'no model is set'
	exits 3 sched-intent propose --dir d --backend builtin x
	exits 2 sched-intent propose --dir d --backend oracle x
	exits 2 sched-intent propose --dir d ' '
	exits 2 sched-intent propose --dir d "$(printf 'a\033b')"
	exits 3 sched-intent propose --dir d </dev/null
	has "$stderr" 'no profile'
	exits 3 sched-intent propose --dir d --backend command:false x
}

@test 'propose: who reads what a model says has no privilege and no network' {
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' "cd '$PWD' || exit" 'cat >asked' \
		'until [ -e go ]; do sleep 0.1; done' 'cat out' >model
	chmod +x model
	answer "$(EDITOR_RULE)" >out
	sched-intent propose --dir d --backend "command:$PWD/model" x \
		>text 3>&- &
	local pid=$! set
	for _ in {1..100}; do
		[ ! -s asked ] || break
		sleep 0.1
	done
	sleep 0.2
	for set in CapInh CapPrm CapEff CapAmb; do
		has "$(cat "/proc/$pid/status")" "$set:"$'\t0000000000000000'
	done
	has "$(cat "/proc/$pid/status")" $'NoNewPrivs:\t1'
	has "$(cat "/proc/$pid/status")" $'Seccomp:\t2'
	: >go
	wait "$pid"
	has "$(cat text)" 'class = interactive'
}

# group NAME TASKS RUN_MS BURSTS WAKEUPS [MORE]
group() {
	jq -nc --arg name "$1" --argjson more "${6:-{\}}" '{$name,
		tasks: '"$2"', run_us: ('"$3"' * 1000), wait_us: 0,
		wakeups: '"$5"', burst_us: {count: '"$4"', sum: 1, max: 1,
		p50: 1, p90: 1, p99: 1}, delay_us: {count: 1, sum: 1, max: 1,
		p50: 1, p90: 1, p99: 1}} + $more'
}

# seen STATUS GROUP...: of a profile with these groups.
seen() {
	local want=$1
	shift
	doc profile "$(printf '%s\n' "$@" | jq -sc '{scope: "all",
		goal: "latency", source: "bpf", target: "host",
		duration_us: 10000000, overhead: {drops: 0},
		system: {cpus: 2, kernel: "6.18"}, run_queue: {}, groups: .}')" \
		>profile
	exits "$want" sched-intent propose --dir d <profile
}

@test 'propose: from a profile, by what was seen' {
	seen 0 "$(group hog 1 9000 0 0)" "$(group "editor-$BATS_TEST_NUMBER" \
		2 100 500 500)" "$(group between 1 500 100 100)" \
		"$(group seldom 1 1 3 3)" "$(group kworker 1 9000 0 0 \
		'{"kernel": true}')" "$(group 'a b*' 1 9000 10 10)"
	has "$output" '# Proposed by profile '
	has "$output" '1 task ran 9000.0 ms in turns of 9000.00 ms'
	has "$output" '2 tasks ran 100.0 ms in turns of 0.20 ms'
	has "$output" "# Now for 1 task: editor-$BATS_TEST_NUMBER ($child)"
	printf '%s\n' "$output" >p.conf
	exits 0 sched-intent check --json p.conf
	is "$(jq -c '[.body.intent.rules[] | [.name, .match.command, .sets]]' \
		<<<"$output")" "$(jq -nc --arg e "editor-$BATS_TEST_NUMBER" \
		'[["hog", "hog", "class batch"], [$e, $e, "class interactive"],
		["a-b-", "a b?", "class batch"]]')"
	is "$(ls d)" ''
	seen 1 "$(group between 1 500 100 100)"
	has "$stderr" 'no rules are proposed'
}

@test 'propose: names of a profile that are alike, and many' {
	local groups=() i
	for i in 'a?' 'a!' a- a--2; do
		groups+=("$(group "$i" 1 9000 0 0)")
	done
	seen 0 "${groups[@]}"
	is "$(grep -c '^\[' <<<"$output")" 4
	for i in {1..30}; do
		groups+=("$(group "t$i" 1 9000 0 0)")
	done
	seen 0 "${groups[@]}"
	is "$(grep -c '^\[' <<<"$output")" 12
}
