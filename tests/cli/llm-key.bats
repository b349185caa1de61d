#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A key is known to ask-model and the endpoint, and found nowhere else.

# shellcheck disable=SC2034 # what llm.bash uses

load ../lib
load ../llm

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

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
	# Itself, and who has started it.
	printf '%s\n' '#!/bin/sh' 'cat >/dev/null; env' \
		'tr "\\0" "\\n" </proc/$PPID/environ' 'exit 0' >"$at/program"
	chmod +x "$at/program"
	settings=("SCHED_LLM=command:$at/program" \
		OPENAI_API_KEY="$KEY" ANTHROPIC_API_KEY="$KEY")
	ask openai "$HELLO"
	has "$(jq -r .text "$at/out")" 'PATH='
	hunt "$at"
}

# ---- the whole pipe ---------------------------------------------------

PROFILE=$TREE/tests/bench/requests.profile
# Every text of it that a model may choose.
PLAN='{"summary":"{key}","experiments":[{"form":"params","title":"{key}",
	"why":"the key is {key}","uses":[],"hypothesis":{"metric":"rate",
	"effect_pct":10,"text":"{key}"},"params":[{"name":"order",
	"value":"fifo"},{"name":"slice_us","value":20000}],"knobs":null,
	"external":null,"task":null}]}'
SLOW='{"fault":{"status":429,"headers":{"retry-after-ms":"1"},
	"error":{"message":"slow down, {key}"}}}'

# synth MODE OPTION...: sched-synth with the key in its environment.
synth() {
	local backend=$1
	shift
	env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		XDG_CACHE_HOME="$at/cache" SCHED_LLM_KEY="$KEY" \
		ASAN_OPTIONS="$ASAN_OPTIONS" UBSAN_OPTIONS="$UBSAN_OPTIONS" \
		GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
		SCHED_LLM="http://127.0.0.1:$PORT/$script/v1#a-model" \
		timeout 60 sched-synth --json -n 1 -b "$backend" "$@" \
		<"$PROFILE"
}

@test "from a profile to the history: the key is in no document and no object" {
	local mode
	for mode in openai anthropic; do
		place $mode "[$SLOW, $(jq -cn --argjson p "$PLAN" \
			'{answer: {value: $p}}')]"
		synth $mode --record "$at/record" >"$at/said" 2>"$at/err"
		is "$(grep -c "$KEY" "$log")" 2
		sched-verify --json --stages lint,build,prove,sim <"$at/said" \
			>"$at/verified" 2>>"$at/err" || [ $? = 1 ]
		is "$(jq -r 'select(.kind == "verdict").body.stages[:4][].status' \
			"$at/verified" | sort -u)" passed
		XDG_STATE_HOME=$at/state sched-history add <"$at/verified" \
			>"$at/added" 2>>"$at/err"
		objects "$at/state" >"$at/objects"
		[ -s "$at/objects" ]
		has "$(cat "$at/objects")" '"order":"fifo"'
	done
	hunt "$BATS_TEST_TMPDIR"
}

# objects FOLDER: what stands in the git repositories below it.
objects() {
	local git
	find "$1" -type d -name objects | while read -r git; do
		git --git-dir="${git%/objects}" cat-file \
			--batch-all-objects --batch
	done
}

@test "a run that the endpoint refuses leaves no key behind" {
	local mode status
	for mode in openai anthropic; do
		for status in 400 401 429 503; do
			place $mode-$status '[{"repeat":9,"fault":{
				"status":'$status',"headers":{
				"x-should-retry":"false"},
				"error":{"message":"{key}"}}}]'
			run ! synth $mode --record "$at/record"
			printf '%s\n' "$output" >"$at/said"
			[ "$(requests)" -ge 1 ]
		done
	done
	hunt "$BATS_TEST_TMPDIR"
}

# family PID: it and all that come from it.
family() {
	local child
	echo "$1"
	for child in $(pgrep -P "$1"); do
		family "$child"
	done
}

@test "no process of the pipe shows the key while it runs" {
	local job pid n=0
	place openai '[{"fault":{"hang":"first_byte"}}]'
	synth openai >"$at/said" 2>&1 &
	job=$!
	until [ "$(requests)" = 1 ]; do sleep 0.05; done
	for pid in $(family $job); do
		case $(tr '\0' ' ' <"/proc/$pid/cmdline") in
		timeout* | *bats*) continue ;; # ours
		esac
		lacks "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "$KEY"
		lacks "$(tr '\0' ' ' <"/proc/$pid/environ")" "$KEY"
		n=$((n + 1))
	done
	kill $(pgrep -P $job) || true
	wait $job || true
	[ $n -ge 2 ]
	hunt "$at"
}
