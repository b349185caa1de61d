#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What asking models costs: the ledger, whatever dies, and budgets.

load ../lib
load ../llm

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

LOTS='[{"repeat":99,"answer":{"text":"done"}}]'

# questions N: as many lines.
questions() {
	local i
	for ((i = 0; i < $1; i++)); do
		jq -c . <<<"$HELLO"
	done
}

# Every line is whole and no call is in two of them.
sound() {
	[ ! -e "$ledger" ] ||
		is "$(jq -s '(map(.id) | unique | length) == length' "$ledger")" true
}

# ---- accounts ---------------------------------------------------------

@test "a line says who asked whom, and what it took" {
	place openai "[$DONE]"
	ask openai "$HELLO"
	is "$(jq -c '[.role, .model, .tokens_in, .tokens_cached, .tokens_out]' \
		"$ledger")" '["coder","a-model",11,3,7]'
	is "$(jq -r '.id | length > 7' "$ledger")" true
}

@test "attempts of one call are one line with the tokens of all of them" {
	usage='{"cached":6,"in":22,"out":14}' one openai-stream 2 ok \
		'[{"answer":{"text":"do"},"fault":{"cut":{"events":-1,
		"how":"end"}}},'"$DONE]"
}

@test "several questions in one process: a line for each" {
	place openai "$LOTS"
	ask openai "$(questions 5)"
	is "$(billed)" '5 {"cached":15,"in":55,"out":35}'
	sound
}

@test "several processes at once: no line is lost or torn" {
	local i jobs=() place_at
	place openai "$LOTS"
	place_at=$at
	for i in 1 2 3 4; do
		mkdir -p "$place_at/$i/home"
		ln -s "$place_at/state" "$place_at/$i/state"
		at=$place_at/$i
		ask openai "$(questions 5)" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i"
	done
	is "$(wc -l <"$ledger")" 20
	sound
}

@test "killed in the middle of a call: nothing is billed for it twice" {
	local mode job
	for mode in openai anthropic; do
		place "$mode" '[{"answer":{"text":"done"},"fault":{"cut":{
			"bytes":100,"how":"hang"}}},'"$DONE]"
		ask "$mode" "$HELLO" &
		job=$!
		until [ "$(requests)" = 1 ]; do sleep 0.02; done
		kill -KILL "$(cat "$at/pid")"
		wait $job || true
		sound
		ask "$mode" "$HELLO"
		is "$(outcome)" ok
		is "$(billed)" "1 $USAGE"
	done
}

@test "killed at any moment: never more lines than answers, all of them whole" {
	local i job
	place openai "$LOTS"
	for i in {1..12}; do
		ask openai "$(questions 6)" &
		job=$!
		sleep "0.0$((i * 5 + 10))"
		kill -KILL "$(cat "$at/pid")" 2>/dev/null || true
		wait $job || true
		sound
		# What was given to the asker had been written down before.
		[ "$(wc -l <"$at/out")" -le "$(lines)" ]
		[ "$(lines)" -le "$(requests)" ]
	done
	ask openai "$HELLO"
	is "$(outcome)" ok
	sound
}

lines() {
	[ ! -e "$ledger" ] && echo 0 || wc -l <"$ledger"
}

# ---- budgets ----------------------------------------------------------

@test "a limit of calls: the next is not sent" {
	place openai "$LOTS"
	ask openai "$(questions 3)" --budget calls=2
	is "$(jq -r '.error.errno // "ok"' "$at/out" | tr '\n' ' ')" \
		'ok ok EDQUOT '
	is "$(requests)" 2
	has "$(cat "$at/out")" calls
}

@test "a limit of a day holds over several processes" {
	place openai "$LOTS"
	ask openai "$(questions 1)" --budget calls_day=2
	is "$(outcome)" ok
	ask openai "$(questions 2)" --budget calls_day=2
	is "$(jq -r '.error.errno // "ok"' "$at/out" | tr '\n' ' ')" \
		'ok EDQUOT '
	is "$(requests)" 2
}

@test "a limit of tokens counts what the call may use" {
	place openai "$LOTS"
	ask openai "$HELLO" --budget tokens=50
	is "$(outcome)" EDQUOT
	is "$(requests)" 0
}

@test "a limit of money, and no price known: nothing is sent" {
	place openai "$LOTS"
	ask openai "$HELLO" --budget usd=1
	is "$(outcome)" ENODATA
	is "$(requests)" 0
}
