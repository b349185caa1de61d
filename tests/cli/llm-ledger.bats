#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What models cost and what they must not learn: the ledger, budgets and keys.

# shellcheck disable=SC2034 # what llm.bash uses

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

# ---- keys -------------------------------------------------------------

# Each of these echoes the key as an endpoint might.
ECHOES='[
	{"fault":{"status":401,"error":{"message":"wrong key: {key}"}}},
	{"fault":{"status":400,"error":{"message":"{key}"}}},
	{"fault":{"status":400,"body":"your key was {key}"}},
	{"fault":{"status":429,"headers":{"retry-after-ms":"1"},
		"error":{"message":"slow down, {key}"}}},
	{"fault":{"status":529,"headers":{"retry-after-ms":"1","x-key":"{key}"}}},
	{"fault":{"status":302,"headers":{"location":"http://localhost/{key}"}}},
	{"fault":{"raw":"{key}\r\n\r\n"}},
	{"fault":{"body":"{\"choices\": {key}"}},
	{"fault":{"type":"{key}","body":"{key}"}},
	{"answer":{"text":"the key is {key}."}},
	{"answer":{"text":"{key}","model":"{key}"}},
	{"answer":{"text":"{\"n\": \"{key}\"}"}},
	{"answer":{"thinking":"{key}","text":"{key}"}},
	{"answer":{"calls":[{"name":"{key}","arguments":{"{key}":"{key}"},
		"id":"{key}"}]}},
	{"answer":{"text":"done"},"fault":{"error_after":1,
		"error":{"message":"{key}","type":"overloaded_error"}}},
	{"answer":{"text":"{key}"},"fault":{"cut":{"events":-1,"how":"reset"}}},
	{"fault":{"hang":"first_byte"}}]'

# hunt FOLDER: the key, in any of its spellings, in no file and no name.
hunt() {
	local spelling bad=0
	for spelling in "$KEY" "$(printf %s "$KEY" | base64 -w 0)" \
		"$(printf ':%s' "$KEY" | base64 -w 0)" \
		"$(printf %s "$KEY" | od -An -tx1 -v | tr -d " \n")" "${KEY:0:16}"; do
		if grep -rlaF -e "$spelling" "$1"; then bad=1; fi
		if find "$1" | grep -F -e "$spelling"; then bad=1; fi
	done
	[ $bad = 0 ] || echo "the key is in the files above"
	return $bad
}

# try_all: every echo in every mode.
try_all() {
	local mode stream i n tools
	tools=$(jq -c '.tools = [{"name": "run", "description": "runs",
		"parameters": {"type": "object"}}]' <<<"$HELLO")
	n=$(jq length <<<"$ECHOES")
	for mode in openai openai-stream anthropic anthropic-stream; do
		stream=(--no-stream)
		[[ $mode != *-stream ]] || stream=()
		place "$mode" "$ECHOES"
		for ((i = 0; i < n; i++)); do
			ask "${mode%-stream}" "$tools" "${stream[@]}" \
				--first-byte 0.3 --attempts 1 \
				--record "$at/record"
			cat "$at/hello" "$at/out" "$at/err" >>"$at/said"
		done
		is "$mode $(requests)" "$mode $n"
		is "$(grep -c "$KEY" "$log")" "$n"
	done
}

@test "a key that endpoints echo is found nowhere" {
	try_all
	hunt "$BATS_TEST_TMPDIR"
	# It has looked where something is to be found.
	[ -s "$at/record" ] && [ -s "$ledger" ] && [ -s "$at/said" ]
}

@test "a key from a file is found nowhere else" {
	local mode
	keys=$BATS_FILE_TMPDIR/keys
	(umask 077 && mkdir -p "$keys" && printf '%s\n' "$KEY" >"$keys/key")
	key=("SCHED_LLM_KEY_FILE=$keys/key")
	try_all
	hunt "$BATS_TEST_TMPDIR"
}

@test "a key file that others may read is refused" {
	place openai "[$DONE]"
	printf %s "$KEY" >"$at/key"
	chmod 644 "$at/key"
	key=("SCHED_LLM_KEY_FILE=$at/key")
	run ! ask openai "$HELLO"
	is "$(requests)" 0
	has "$(cat "$at/hello")" "$at/key"
	rm "$at/key"
	hunt "$BATS_TEST_TMPDIR"
}

@test "a key is in no command line and in no core" {
	local job pid
	place openai '[{"fault":{"hang":"first_byte"}}]'
	ask openai "$HELLO" &
	job=$!
	until [ "$(requests)" = 1 ]; do sleep 0.02; done
	pid=$(cat "$at/pid")
	lacks "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "$KEY"
	is "$(awk '/^Max core/ { print $5 }' "/proc/$pid/limits")" 0
	kill -KILL "$pid"
	wait $job || true
}

@test "a command that answers instead does not learn the key" {
	place command '[]'
	settings=("SCHED_LLM=command:env; tr '\\0' ' ' </proc/\$PPID/environ" \
		OPENAI_API_KEY="$KEY" ANTHROPIC_API_KEY="$KEY")
	ask openai "$HELLO" || true
	hunt "$at"
}
