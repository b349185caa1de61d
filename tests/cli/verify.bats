#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-verify without a guest: what it refuses, what it says, what it keeps.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

profile() {
	doc profile '{"scope": "command", "goal": "makespan",
		"source": "bpf", "target": "vm", "duration_us": 1,
		"workload": {"name": "w", "command": ["true"]},
		"system": {"cpus": 2, "kernel": "6"}, "groups": [],
		"overhead": {"drops": 0}}'
}

# policy PARAMS [USES [MORE]]
policy() {
	doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\": \"w\",
		\"params\": $1, \"uses\": ${2:-[]}${3:-}}"
}

# verdict FILTER: true of the body of the first verdict in $output.
verdict() {
	jq -es "map(select(.kind == \"verdict\"))[0].body | $1" \
		<<<"$output" >/dev/null && return
	printf 'not so: %s\n%s\n' "$1" "$output"
	return 1
}

# lint_says PART: the policy on standard input is rejected at lint.
lint_says() {
	cat >in.jsonl
	exits 1 sched-verify --stages lint --json <in.jsonl
	verdict '.decision == "rejected" and
		.stages[0].name == "lint" and .stages[0].status == "failed" and
		([.stages[1:][].status] | all(. == "skipped"))'
	has "$(jq -r 'select(.kind == "verdict") | .body.why' <<<"$output")" \
		"$1"
}

@test 'verify: help and version' {
	exits 0 sched-verify --help
	has "$output" --finalists
	exits 0 sched-verify --version
	has "$output" sched-verify
}

@test 'verify: usage errors' {
	exits 2 sched-verify --stages lint,fun </dev/null
	has "$stderr" "'fun'"
	exits 2 sched-verify --target moon </dev/null
	exits 2 sched-verify --guard tail:much </dev/null
	exits 2 sched-verify --guard :10 </dev/null
	exits 2 sched-verify --pairs 0 </dev/null
	exits 2 sched-verify --confirm --no-confirm </dev/null
	exits 2 sched-verify file.jsonl </dev/null
}

@test 'verify: no policy in the input' {
	exits 3 sched-verify --json </dev/null
	has "$stderr" 'no policy'
	profile >in.jsonl
	doc note '{"text": "a wrong kind"}' >>in.jsonl
	exits 3 sched-verify --json <in.jsonl
	has "$stderr" 'no policy'
	# Everything passed on, then the reason.
	is "$(head -n 2 <<<"$output")" "$(cat in.jsonl)"
	is "$(tail -n 1 <<<"$output" | jq -r .kind)" error
}

@test 'verify: an error from upstream is repeated' {
	doc error '{"code": "EIO", "text": "the probe broke"}' >in.jsonl
	exits 3 sched-verify <in.jsonl
	has "$stderr" 'the probe broke'
}

# bad_line PART: standard input has a bad line 2.
bad_line() {
	cat >in.jsonl
	exits 3 sched-verify --stages lint --json <in.jsonl
	has "$stderr" 'line 2'
	has "$stderr" "$1"
	# Nothing lost, nothing measured.
	is "$(head -n 1 <<<"$output")" "$(head -n 1 in.jsonl)"
	is "$(grep -c '"kind":"error"' <<<"$output")" 1
	lacks "$output" '"kind":"verdict"'
}

@test 'verify: a truncated line' {
	{
		profile
		policy '{}' | head -c 100
	} | bad_line truncated
}

@test 'verify: a line of 100 MB' {
	{
		profile
		head -c 100000000 /dev/zero | tr '\0' a
		echo
	} >in.jsonl
	local rc=0
	sched-verify --json <in.jsonl 2>err >out || rc=$?
	is "$rc" 3
	has "$(cat err)" 'line 2'
	has "$(cat err)" 'longer than'
	cmp <(head -c "$(stat -c %s in.jsonl)" out) in.jsonl
}

@test 'verify: invalid UTF-8' {
	{
		profile
		policy '{}' | sed 's/"title":"t"/"title":"\xff"/'
	} | bad_line UTF-8
}

@test 'verify: a body that is not a policy' {
	{
		profile
		doc policy '{"form": "params"}'
	} | bad_line body.title
}

@test 'verify: a cyclic parent' {
	local a b
	a=$(policy '{"slice_us": 1000}' | doc_id)
	b=$(policy '{"slice_us": 2000}' | doc_id)
	{
		policy '{"slice_us": 1000}' | jq -c --arg p "$b" '.parent = [$p]'
		policy '{"slice_us": 2000}' | jq -c --arg p "$a" '.parent = [$p]'
	} | bad_line "$a"
}

@test 'verify: lint names the parameter' {
	policy '{"slice_us": 7}' | lint_says 'params.slice_us: 7'
	policy '{"slice_us": "long"}' | lint_says params.slice_us
	policy '{"slcie_us": 7000}' | lint_says params.slcie_us
	policy '{"order": "random"}' | lint_says params.order
}

@test 'verify: lint of forms and uses' {
	policy '{"order": "longest"}' | lint_says behaviour
	policy '{"classify": "identity"}' | lint_says learned_identity
	policy '{}' '[]' ', "identities": [{"hash": "00112233445566ff",
		"expect_us": 5}]' | lint_says learned_identity
	doc policy '{"form": "hooks", "title": "t", "why": "w", "uses": [],
		"params": {}}' | lint_says 'code: it is missing'
}

@test 'verify: lint of identities' {
	policy '{"order": "longest"}' '["learned_identity"]' ', "identities": [
		{"hash": "00112233445566ff", "expect_us": 5},
		{"hash": "00112233445566ff", "expect_us": 6}]' |
		lint_says 'there twice'
	# Too long for a command line, which is where doc() puts it.
	jq -cSjn '{form: "params", title: "t", why: "w",
		uses: ["learned_identity"], params: {order: "longest"},
		identities: [range(4097) | {expect_us: 5, hash: (. + 1e15 |
			tostring)}]}' >body
	jq -c --arg id "$(sha256sum body | cut -d ' ' -f 1)" '{v: 1,
		kind: "policy", id: $id, parent: [], by: "tests 0",
		time: "2026-01-02T03:04:05Z", body: .}' body |
		lint_says '4097 are more'
}

@test 'verify: one verdict for each policy, in order, parents known' {
	local p
	p=$(profile | doc_id)
	{
		profile
		policy '{"slice_us": 7}'
		policy '{"slice_us": 9}'
		policy '{"slice_us": 7}'
	} >in.jsonl
	exits 1 sched-verify --stages lint --json <in.jsonl
	is "$(head -n 4 <<<"$output")" "$(cat in.jsonl)"
	is "$(tail -n +5 <<<"$output" | wc -l)" 2
	is "$(tail -n +5 <<<"$output" | jq -r .body.policy)" \
		"$(sed -n 2,3p in.jsonl | doc_id)"
	is "$(tail -n 1 <<<"$output" | jq -r '.parent[1]')" "$p"
}

# note WORDS PARENT...: a note whose line and id are kept.
note() {
	doc note "{\"text\": \"$1\"}" "${@:2}" >one
	cat one >>in.jsonl
	id=$(doc_id <one)
}

@test 'verify: the nearest profile of many forefathers' {
	local far near layer i
	profile >in.jsonl
	far=$(doc_id <in.jsonl)
	doc profile "$(profile | jq -c '.body | .duration_us = 2')" >>in.jsonl
	near=$(tail -n 1 in.jsonl | doc_id)
	# Its grandfather is far, its father near.
	note lesson "$far"
	doc policy "$(policy '{}' | jq -c .body)" "$id" "$near" >>in.jsonl
	exits 1 timeout 60 sched-verify --stages lint --json <in.jsonl
	is "$(jq -r 'select(.kind == "verdict") | .parent[1]' <<<"$output")" \
		"$near"
	# Ways up without number.
	profile >in.jsonl
	layer=$far
	for i in {1..12}; do
		ids=()
		for n in {1..8}; do
			# shellcheck disable=SC2086
			note "$i $n" $layer
			ids+=("$id")
		done
		layer=${ids[*]}
	done
	# shellcheck disable=SC2086
	doc policy "$(policy '{}' | jq -c .body)" $layer >>in.jsonl
	sed -i 1d in.jsonl
	exits 1 timeout 20 sched-verify --stages lint --json <in.jsonl
}

@test 'verify: a verdict reads back' {
	policy '{"slice_us": 7}' |
		sched-verify --stages lint --json >in.jsonl || [ $? = 1 ]
	exits 1 sched-verify --stages lint --json <in.jsonl
	has "$output" '"kind":"verdict"'
}

@test 'verify: without the run stage nothing is accepted' {
	{
		profile
		policy '{}'
	} >in.jsonl
	exits 1 sched-verify --stages lint,build --json <in.jsonl
	verdict '.decision == "inconclusive" and
		.stages[1].status == "passed" and
		(.object_sha256 | length == 64)'
	has "$output" 'was not asked for'
	is "$(jq -r 'select(.kind == "verdict") | .body.object_sha256' \
		<<<"$output")" \
		"$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -c -64)"
}

@test 'verify: the template is proved' {
	policy '{}' >in.jsonl
	exits 1 sched-verify --stages lint,build,prove --json <in.jsonl
	verdict '.stages[2].name == "prove" and
		.stages[2].status == "passed" and .stages[2].findings == []'
}

# source_policy KIND NAME: a document for a policy of the corpora.
source_policy() {
	local object=$BUILD/policies/$1/$2.bpf.o
	doc policy "$(jq -n --arg title "$2" --arg path "$object" --arg sha256 \
		"$(sha256sum "$object" | cut -c -64)" '{form: "source",
		title: $title, why: "w", uses: [],
		object: {path: $path, sha256: $sha256}}')"
}

# listed FILTER: name and rule of the manifest's rows.
listed() {
	awk -F ' *[|] *' "!/^#/ && $1 { print \$1, \$4 }" \
		"$TREE/tests/policies/manifest.txt"
}

@test 'verify: prove rejects what it must, and names rule and line' {
	local name rule line n=0
	# Nobody's objects are read as root without.
	needs_landlock
	listed '$2 == "bad" && $3 == "prove"' >rows
	while read -r name rule; do
		source_policy bad "$name"
	done <rows >in.jsonl
	exits 1 sched-verify --stages lint,build,prove --json <in.jsonl
	jq -c 'select(.kind == "verdict") | .body.stages[2]' <<<"$output" \
		>stages
	while read -r name rule; do
		n=$((n + 1))
		line=$(grep -n '/\* WRONG' \
			"$TREE/tests/policies/bad/$name.bpf.c" | cut -d: -f1)
		# The ops are data: no instruction has their line.
		[ "$rule" = timeout ] && line=null
		is "$name $(sed -n "${n}p" stages |
			jq --arg rule "$rule" --argjson line "$line" \
				'.status == "failed" and any(.findings[];
				.rule == $rule and .line == $line)')" \
			"$name true"
	done <rows
	[ $n -ge 10 ]
}

@test 'verify: prove rejects no good policy' {
	local name
	needs_landlock
	listed '$2 == "good"' | while read -r name _; do
		source_policy good "$name"
	done >in.jsonl
	exits 1 sched-verify --stages lint,build,prove --json <in.jsonl
	is "$(jq -r 'select(.kind == "verdict") | .body |
		select(.stages[2].status == "failed") | .why' <<<"$output")" ''
}

@test 'verify: a profile without a command cannot be measured' {
	{
		profile | jq -c .body >body
		doc profile "$(jq -c '.scope = "all" | del(.workload)' body)"
		policy '{}'
	} >in.jsonl
	exits 1 sched-verify --stages lint,build,run --json <in.jsonl
	verdict '.decision == "inconclusive" and .metrics == [] and
		.stages[5].status == "skipped" and
		(.stages[5].findings[0].text |
			startswith("the profile has no command"))'
}

@test 'verify: no guest kernel is a reason, not a crash' {
	{
		profile
		policy '{}'
	} >in.jsonl
	exits 3 sched-verify --target vm --kernel "$PWD/no-such-kernel" --json \
		<in.jsonl
	has "$stderr" no-such-kernel
	verdict '.decision == "inconclusive" and
		.stages[0].status == "passed" and
		.stages[4].status == "unknown"'
	is "$(tail -n 1 <<<"$output" | jq -r .kind)" error
}

@test 'verify: a table on a terminal, data kept from the terminal' {
	needs script
	policy '{"slice_us": 7}' | sed 's/"title":"t"/"title":"\\u001b[31mred"/' \
		>raw
	# The id has to be right for the new title.
	doc policy "$(jq -c .body raw)" >in.jsonl
	run script -qec "sched-verify --stages lint <in.jsonl" /dev/null
	is "$status" 1
	has "$output" rejected
	has "$output" lint
	lacks "$output" $'\e[31m'
	lacks "$output" '"kind"'
}

@test 'verify: pairs that are looked at are bounded, rungs are not' {
	exits 2 sched-verify --sequential --pairs 65 </dev/null
	has "$stderr" 'at most'
	exits 3 sched-verify --sequential --pairs 64 </dev/null
	exits 3 sched-verify --halving --pairs 65 --new </dev/null
}

@test 'verify: a guard of what the workload has not is named' {
	{
		profile
		policy '{}'
	} >in.jsonl
	exits 3 sched-verify --stages lint --guard tial:5 --json <in.jsonl
	has "$stderr" "'tial'"
	lacks "$output" '"kind":"verdict"'
	exits 1 sched-verify --stages lint --guard wall:5 --json <in.jsonl
}

@test 'verify: only what is new' {
	{
		profile
		policy '{"slice_us": 7}'
	} | sched-verify --stages lint --json >in.jsonl || [ $? = 1 ]
	exits 1 sched-verify --stages lint --new --json <in.jsonl
	is "$output" "$(cat in.jsonl)"
	policy '{"slice_us": 9}' >>in.jsonl
	exits 1 sched-verify --stages lint --new --json <in.jsonl
	is "$(jq -r 'select(.kind == "verdict") | .body.policy' <<<"$output")" \
		"$(jq -c 'select(.kind == "policy")' in.jsonl | doc_id)"
	# An answer to less than what is asked is none.
	{
		profile
		policy '{}'
	} | sched-verify --stages lint --json >in.jsonl || [ $? = 1 ]
	exits 1 sched-verify --stages lint --new --json <in.jsonl
	is "$(grep -c '"kind":"verdict"' <<<"$output")" 2
}
