#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A real inference server: llama-server with the model SCHEDKIT_TEST_GGUF.

# shellcheck disable=SC2034 # what llm.bash uses

load ../lib
load ../llm

setup_file() {
	[ -r "${SCHEDKIT_TEST_GGUF:-}" ] && command -v llama-server >/dev/null &&
		command -v python3 >/dev/null || return 0
	PORT=$(python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	export PORT
	llama-server --model "$SCHEDKIT_TEST_GGUF" --host 127.0.0.1 \
		--port "$PORT" --ctx-size 4096 --jinja --seed 1 --temp 0 \
		>"$BATS_FILE_TMPDIR/server.log" 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/pids"
	for _ in {1..1200}; do
		curl -sf "http://127.0.0.1:$PORT/health" >/dev/null && break
		sleep 0.1
	done
}

teardown_file() {
	endpoint_stop
}

setup() {
	needs llama-server
	needs curl
	needs python3
	needs_landlock
	[ -r "${SCHEDKIT_TEST_GGUF:-}" ] || skip 'needs SCHEDKIT_TEST_GGUF'
	seconds=300
	LIMITS=(--first-byte 120 --idle 60 --total 240)
	SCRIPTS=$BATS_TEST_TMPDIR
	place real '[]'
	settings=(SCHED_LLM="openai:http://127.0.0.1:$PORT/v1")
	key=()
	HELLO=$(jq -c '.messages[0].text = "Say hello." | .max_tokens = 200' \
		<<<"$HELLO")
}

@test "llama-server: a text, with its tokens" {
	ask openai "$HELLO" --no-stream
	is "$(outcome)" ok
	is "$(jq '(.text | length > 0) and .usage.in > 0 and .usage.out > 0' \
		"$at/out")" true
}

@test "llama-server: a stream, with its tokens" {
	ask openai "$HELLO"
	is "$(outcome)" ok
	is "$(jq '(.text | length > 0) and .usage.in > 0 and .usage.out > 0' \
		"$at/out")" true
}

@test "llama-server: a value under a schema" {
	local stream
	for stream in '' --no-stream; do
		# shellcheck disable=SC2086
		ask openai "$(jq -c '.messages[0].text = "Three plus four is?" |
			.schema = {type: "object", properties: {n: {type: "integer"}},
			required: ["n"], additionalProperties: false}' <<<"$HELLO")" \
			$stream
		is "$(outcome)" ok
		is "$(jq '.value.n | type' "$at/out")" '"number"'
	done
}

@test "llama-server: the server is gone" {
	endpoint_stop
	for _ in {1..100}; do
		curl -sf "http://127.0.0.1:$PORT/health" >/dev/null || break
		sleep 0.1
	done
	ask openai "$HELLO" --attempts 1
	is "$(outcome)" EAGAIN
}
