#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-history promote, demote, states.

load ../lib
load ../history

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_TIME=1767323046
	p=$(policy a 1000)
	q=$(policy b 2000)
	r=$(policy c 3000)
	P=$(doc_id <<<"$p") Q=$(doc_id <<<"$q") R=$(doc_id <<<"$r")
	{
		printf '%s\n' "$p" "$q" "$r"
		verdict "$P" w accepted 2
		verdict "$Q" w accepted 3
		verdict "$R" w rejected 1
	} | sched-history add >/dev/null
}

# What is in a state of w; the references say the same.
in_state() {
	local got at
	got=$(sched-history states -w w |
		jq -r --arg s "$1" 'select(.state == $s) | .policy')
	at=$(git -C h log -1 --format='%(trailers:key=Id,valueonly)' \
		"refs/schedkit/state/$1/w" 2>/dev/null)
	is "$(tr -d '\n' <<<"$at")" "$got" >&2 && echo "$got"
}

@test 'history: states only upwards, with evidence' {
	exits 1 sched-history states
	exits 1 sched-history promote candidate "$R" -w w
	has "$stderr" 'does not accept it'
	exits 1 sched-history promote canary "$P"
	has "$stderr" 'not the candidate'
	exits 1 sched-history promote trusted "$P"
	exits 2 sched-history promote best "$P"
	# It was accepted for nothing: which workload?
	exits 2 sched-history promote candidate "$R"
	is "$(sched-history log -k note)" ''

	exits 0 sched-history promote candidate "$P"
	is "$(jq -r '.body.state.workload, .body.tags[0]' <<<"$output")" \
		$'w\npromoted'
	is "$(in_state candidate)" "$P"
	exits 0 sched-history promote candidate "$P"
	has "$stderr" 'candidate already'
	exits 0 sched-history promote canary "$P" --why 'quiet hour'
	is "$(in_state canary)" "$P"
	is "$(in_state candidate)" ''
	exits 0 sched-history promote trusted "$P"
	is "$(in_state trusted)" "$P"
	is "$(in_state canary)" ''
	exits 1 sched-history promote canary "$P"
	has "$stderr" 'demote it first'
	is "$(sched-history log -k note | jq -r .body.text)" \
		$'trusted for w\nquiet hour\ncandidate for w'
	is "$(git -C h reflog refs/schedkit/state/trusted/w | wc -l)" 1
	sound
}

@test 'history: demote returns to the last known good' {
	local x
	for x in "$P" "$Q"; do
		sched-history promote candidate "$x"
		sched-history promote canary "$x"
		sched-history promote trusted "$x"
	done
	sched-history promote trusted "$R" -w w --force >forced
	is "$(jq .body.state.forced forced)" true
	is "$(in_state trusted)" "$R"
	is "$(in_state previous)" "$Q"
	is "$(sched-history states | jq -c 'select(.forced) | .policy')" "\"$R\""
	exits 0 sched-history demote --why worse
	is "$(in_state trusted)" "$Q"
	is "$(in_state previous)" "$P"
	sched-history demote
	is "$(in_state trusted)" "$P"
	is "$(in_state previous)" ''
	sched-history demote
	exits 1 sched-history states
	exits 1 sched-history demote
	exits 1 sched-history demote "$P"
	is "$(git -C h for-each-ref refs/schedkit/state)" ''
	sound
}

@test 'history: best of those in a state' {
	local x
	exits 1 sched-history best --state trusted
	has "$stderr" 'no policy is trusted'
	for x in "$P" "$Q"; do
		sched-history promote candidate "$x"
		sched-history promote canary "$x"
		sched-history promote trusted "$x"
	done
	# Both are accepted, Q is the better one.
	sched-history demote >/dev/null
	is "$(sched-history best | head -n 1)" "$q"
	is "$(sched-history best --state trusted -w w | head -n 1)" "$p"
	exits 1 sched-history best --state trusted -w other
	exits 1 sched-history best --state canary
	exits 2 sched-history best --state good
	has "$stderr" 'is no state'
	# What was trusted in spite of its verdict is not for deployment.
	sched-history promote trusted "$R" -w w --force >/dev/null
	exits 1 sched-history best --state trusted
	has "$stderr" 'latest verdict does not accept it'
	is "$(sched-history best --state previous | head -n 1)" "$p"
}

@test 'history: workloads of any name have references of their own' {
	local w
	for w in 'a b' a-b 'a/../b' 'ä' A-B '@{-1}' '.lock'; do
		verdict "$P" "$w" accepted 2 | sched-history add >/dev/null
		sched-history promote candidate "$P" -w "$w" >/dev/null
	done
	is "$(git -C h for-each-ref refs/schedkit/state | wc -l)" 7
	is "$(sched-history states | jq -r .workload | sort -u | wc -l)" 7
	has "$(git -C h for-each-ref)" refs/schedkit/state/candidate/a-b$'\n'
	sound
}

@test "history: an agent's note puts nothing in a state" {
	doc note "{\"text\": \"x\", \"agent\": \"model\", \"about\": \"$P\",
		\"tags\": [\"promoted\"], \"state\": {\"name\": \"trusted\",
		\"workload\": \"w\"}}" "$P" | sched-history add >/dev/null
	exits 1 sched-history states
}
