#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched agents sim: traces on a virtual clock.

load ../lib

T=$TREE/tests/traces

# makespan OPTION...
makespan() {
	sched agents sim --json --policy priority "$@" "$T/seed002.jsonl" |
		jq '.policies[0].makespan_s'
}

@test 'sim: the seed in 15 s, and in 30, 25 and 20 its other ways' {
	needs jq
	is "$(makespan --fit best)" 15
	is "$(makespan --fit first --order lowest)" 30
	is "$(makespan --fit first --exclusive)" 25
	is "$(makespan --fit best --exclusive)" 20
}

@test 'sim: a table, a row for each policy' {
	exits 0 sched agents sim "$T/seed002.jsonl"
	has "${lines[1]}" 'makespan'
	is "$(awk 'NR > 2 { printf "%s ", $1 }' <<<"$output")" \
		'fifo rr priority sjf mlfq fair '
	exits 0 sched agents sim --policy sjf "$T/seed002.jsonl"
	is "$(sched agents sim "$T/seed002.jsonl" --policy sjf)" "$output"
	is "${#lines[@]}" 3
	has "${lines[2]}" 'sjf'
}

@test 'sim: every policy wins where its trace says that it must' {
	local t
	for t in llm-bound tool-bound mixed heavy-tailed bursty; do
		exits 0 sched agents sim --check "$T/$t.jsonl"
		is "$stderr" ''
	done
}

@test 'sim: what a trace expects and does not get is an answer of no' {
	sed 's/"has":"zero"/"has":"most"/' "$T/tool-bound.jsonl" \
		>"$BATS_TEST_TMPDIR/wrong.jsonl"
	exits 1 sched agents sim --check "$BATS_TEST_TMPDIR/wrong.jsonl"
	has "$stderr" 'fifo has not most preemptions: it stops nobody'
	exits 0 sched agents sim "$BATS_TEST_TMPDIR/wrong.jsonl"
}

@test 'sim: backfill ends sooner, and what is wide waits no longer' {
	needs jq
	local figures='.policies[0] | [.makespan_s, .wait_wide_p99_s]'
	exits 0 jq -sn --argjson with "$(sched agents sim --json \
		--policy fifo "$T/wide.jsonl" | jq "$figures")" \
		--argjson without "$(sched agents sim --json --no-backfill \
		--policy fifo "$T/wide.jsonl" | jq "$figures")" \
		'$with[0] < $without[0] and $with[1] <= $without[1]'
	is "$output" true
}

@test 'sim: the same again is the same again' {
	exits 0 sched agents sim --json "$T/bursty.jsonl"
	is "$(sched agents sim --json "$T/bursty.jsonl")" "$output"
}

@test 'sim: the traces are what their generator writes' {
	needs python3
	mkdir "$BATS_TEST_TMPDIR/traces"
	cp "$T/generate" "$BATS_TEST_TMPDIR/traces/"
	"$BATS_TEST_TMPDIR/traces/generate"
	local t
	for t in "$T"/*.jsonl; do
		cmp "$t" "$BATS_TEST_TMPDIR/traces/${t##*/}"
	done
}

@test 'sim: what cannot be read is told with its line' {
	exits 2 sched agents sim
	exits 2 sched agents sim --policy lottery "$T/seed002.jsonl"
	has "$stderr" "no policy 'lottery'"
	exits 2 sched agents sim --fit worst "$T/seed002.jsonl"
	exits 3 sched agents sim "$BATS_TEST_TMPDIR/none.jsonl"
	printf '%s\n' '{"trace":1,"workers":[{"name":"a","kinds":["llm"]}]}' \
		'{"kind":"llm"}' >"$BATS_TEST_TMPDIR/bad.jsonl"
	exits 3 sched agents sim "$BATS_TEST_TMPDIR/bad.jsonl"
	has "$stderr" 'line 2'
	# What the runtime would not take is told as it would tell it.
	printf '%s\n' '{"trace":1,"workers":[{"name":"h","kinds":["tool"],
		"capacity":{"cores":1}}]}' '{"kind":"tool","service_s":1}' |
		tr -d '\n\t' | sed 's/}{"kind"/}\n{"kind"/' \
		>"$BATS_TEST_TMPDIR/wide.jsonl"
	echo >>"$BATS_TEST_TMPDIR/wide.jsonl"
	echo '{"kind":"tool","service_s":1,"need":{"cores":9}}' \
		>>"$BATS_TEST_TMPDIR/wide.jsonl"
	exits 0 sched agents sim --json "$BATS_TEST_TMPDIR/wide.jsonl"
	has "$stderr" "wide.jsonl: line 3 is refused: "
	has "$stderr" 'cores'
	is "$(jq -c '.policies[0] | [.done, .refused]' <<<"$output")" '[1,1]'
}
