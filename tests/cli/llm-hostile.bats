#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Endpoints that hang, flood, lie about lengths or send garbage.

# shellcheck disable=SC2034 # what llm.bash uses

load ../lib
load ../llm

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

# ends OUTCOME FAULT [OPTION...]: in every mode, after one attempt.
ends() {
	local end=$1 fault=$2
	shift 2
	both 1 "$end" '[{"answer":{"text":"done"},"fault":'"$fault"'}]' \
		--attempts 1 "$@"
}

# ---- time -------------------------------------------------------------

@test "hangs before it accepts" {
	endpoint_start --deaf
	local mode
	for mode in openai anthropic; do
		place "$mode" '[]'
		seconds=5 ask "$mode" "$HELLO" --attempts 1 --connect 0.3
		is "$(outcome)" ETIMEDOUT
		is "$(wc -l <"$ledger")" 1
	done
}

@test "nobody listens" {
	local mode
	PORT=1
	for mode in openai anthropic; do
		place "$mode" '[]'
		ask "$mode" "$HELLO" --attempts 1
		is "$(outcome)" EAGAIN
	done
}

@test "hangs before the first byte" {
	seconds=5 ends ETIMEDOUT '{"hang":"first_byte"}' --first-byte 0.3
}

@test "hangs after the headers" {
	seconds=5 ends ETIMEDOUT '{"hang":"headers"}' --first-byte 0.3
}

@test "hangs in the middle" {
	seconds=5 ends ETIMEDOUT '{"cut":{"bytes":100,"how":"hang"}}' \
		--idle 0.3
}

@test "drips beyond all time" {
	seconds=5 ends ETIMEDOUT '{"drip":0.02}' --total 0.6
}

@test "slow, but never idle: an answer" {
	streams 1 ok '[{"answer":{"text":"done"},"fault":{"split":60,
		"pause":0.1}}]' --first-byte 0.8 --idle 0.8
}

@test "asked to end, it ends at once" {
	place openai '[{"fault":{"hang":"first_byte"}}]'
	seconds=20 ask openai "$HELLO" --first-byte 30 --total 30 &
	local job=$! start=$SECONDS
	until [ "$(requests)" = 1 ]; do sleep 0.02; done
	kill -TERM "$(cat "$at/pid")"
	wait $job || true
	[ $((SECONDS - start)) -lt 5 ]
}

# ---- size -------------------------------------------------------------

# floods OUTCOME FAULT: ends so, and most of it is never taken.
floods() {
	local sent n
	seconds=10 both 1 "$1" '[{"answer":{"text":"{fill}","usage":null},
		"fault":'"$2"'}]' --attempts 1
	for _ in {1..200}; do
		sent=$(cat "$SCRIPTS/$BATS_TEST_NUMBER"-*.log |
			jq 'select(.sent).sent')
		[ "$(wc -w <<<"$sent")" -lt 4 ] || break
		sleep 0.02
	done
	is "$(wc -w <<<"$sent")" 4
	for n in $sent; do
		[ "$n" -lt 20000000 ]
	done
}

@test "an answer of 100 MB" {
	floods EMSGSIZE '{"fill":["all work and no play ",5000000]}'
}

@test "100 MB that are 100 kB on the wire: nobody unpacks them" {
	seconds=5 ends EBADMSG '{"fill":["all work and no play ",5000000],
		"gzip":true}'
}

@test "headers without end: libcurl has had enough at 300 kB" {
	floods EBADMSG '{"endless":"headers"}'
}

@test "an error of 100 MB" {
	wholes 1 EINVAL '[{"fault":{"status":400,"body":"no {fill}",
		"fill":["never ",20000000]}}]' --attempts 1
}

@test "memory stays bounded through all that" {
	# ASan takes terabytes of addresses.
	needs_plain_build
	place openai-stream '[{"answer":{"text":"{fill}"},
		"fault":{"fill":["a",100000000]}}]'
	ulimit -v 400000
	ask openai "$HELLO" --attempts 1
	is "$(outcome)" EMSGSIZE
}

# ---- what is no HTTP, no JSON, no answer ------------------------------

@test "no HTTP" {
	ends EBADMSG '{"raw":"hello, this is not HTTP\r\n"}'
	ends EBADMSG '{"raw":"SSH-2.0-OpenSSH_9.2\r\n"}'
	ends EBADMSG '{"raw":"HTTP/1.1 OK fine\r\n\r\n"}'
}

@test "closed without a byte" {
	ends EAGAIN '{"raw":""}'
}

@test "chunks without a length" {
	ends EBADMSG '{"chunks":"broken"}'
}

@test "less than promised" {
	wholes 1 EBADMSG '[{"answer":{"text":"done"},"fault":{
		"cut":{"bytes":50}}}]' --attempts 1
}

@test "reset in the middle" {
	ends EBADMSG '{"cut":{"bytes":60,"how":"reset"}}'
}

@test "no JSON" {
	local body
	for body in 'not JSON' '{"choices":[' '' 'null' '[]' '"done"' '{}' \
		'{"choices":"done","content":7}' \
		'{"choices":null,"content":null}'; do
		ends EBADMSG "$(jq -cn --arg b "$body" '{body: $b}')"
	done
}

@test "an answer without anything in it" {
	local body
	for body in '{"choices":[]}' '{"choices":[{"message":7}]}'; do
		one openai 1 EBADMSG "$(jq -cn --arg b "$body" \
			'[{fault: {body: $b}}]')" --attempts 1
	done
	# This looks like one: what it took is estimated.
	for body in '{"content":[]}' '{"content":[7]}'; do
		usage='{"cached":0,"in":67,"out":0}' want=.estimated \
			one anthropic 1 EBADMSG "$(jq -cn --arg b "$body" \
			'[{fault: {body: $b}}]')" --attempts 1
	done
}

@test "an event that is no JSON" {
	streams 1 EBADMSG '[{"fault":{"type":"text/event-stream",
		"body":"event: message_start\ndata: {\"oops\n\n"}}]' --attempts 1
}

@test "keys twice, NULs, bytes that are no UTF-8" {
	local text
	for text in '"done","content":"twice"' '"do\u0000ne"' \
		$'"do\xc3\xbfne"'; do
		ends EBADMSG "$(jq -cn --arg t "$text" '{body: ("{\"choices\":" +
			"[{\"index\":0,\"finish_reason\":\"stop\",\"message\":" +
			"{\"role\":\"assistant\",\"content\":" + $t +
			"}}],\"type\":\"message\",\"role\":\"assistant\"," +
			"\"stop_reason\":\"end_turn\",\"model\":\"m\"," +
			"\"content\":[{\"type\":\"text\",\"text\":1,\"content\":" +
			$t + "}]}")}')"
	done
}

@test "JSON that is 100000 levels deep" {
	ends EBADMSG '{"body":"{fill}","fill":["[",100000]}'
	ends EBADMSG '{"body":"{fill}","fill":["{\"a\":",100000]}'
}

@test "arguments of a call that are 100000 levels deep" {
	usage=$USAGE both 1 EBADMSG '[{"answer":{"calls":[{"name":"run","arguments":
		"{fill}"}]},"fault":{"calls":"object","fill":["[",100000]}}]' \
		--attempts 1
}

@test "a page of HTML with status 200" {
	ends EBADMSG '{"type":"text/html","body":"<html>Sign in</html>"}'
}

@test "an answer under another content type" {
	wholes 1 ok '[{"answer":{"text":"done"},"fault":{"type":"text/plain"}}]'
}

@test "no stream although asked for one" {
	local body
	body='{"id":"1","model":"m","choices":[{"index":0,"message":{"role":
		"assistant","content":"done"},"finish_reason":"stop"}],
		"usage":{"prompt_tokens":11,"completion_tokens":7,
		"prompt_tokens_details":{"cached_tokens":3}}}'
	one openai-stream 1 ok "$(jq -cn --arg b "$body" \
		'[{fault: {body: $b}}]')"
}

# ---- TLS and proxies --------------------------------------------------

@test "TLS: a certificate nobody vouches for" {
	needs openssl
	endpoint_start --tls "$BATS_TEST_TMPDIR" "$SCRIPTS"
	local mode
	for mode in openai anthropic; do
		place "$mode" "[$DONE]"
		settings=(SCHED_LLM="$mode:https://127.0.0.1:$PORT/$script/v1#m")
		ask "$mode" "$HELLO" --attempts 1
		is "$(outcome)" EINVAL
		has "$(cat "$at/out")" SSL_CERT_FILE
		is "$(requests)" 0
	done
}

@test "TLS: one that SSL_CERT_FILE vouches for" {
	needs openssl
	endpoint_start --tls "$BATS_TEST_TMPDIR" "$SCRIPTS"
	local mode
	for mode in openai anthropic; do
		place "$mode" "[$DONE]"
		settings=(SCHED_LLM="$mode:https://localhost:$PORT/$script/v1#m"
			SSL_CERT_FILE="$BATS_TEST_TMPDIR/cert.pem")
		ask "$mode" "$HELLO" --attempts 1
		is "$(outcome)" ok
	done
}

@test "no TLS and not this machine: nothing is sent" {
	place openai '[]'
	settings=(SCHED_LLM=openai:http://192.0.2.1/v1#m)
	run ! ask openai "$HELLO" --attempts 1
	is "$(jq -r .error.errno "$at/hello")" EINVAL
	[ ! -s "$at/out" ]
}

@test "a proxy is used for what is elsewhere, with CONNECT" {
	needs openssl
	endpoint_start --tls "$BATS_TEST_TMPDIR" "$SCRIPTS"
	local there=$PORT mode
	endpoint_start --proxy --log "$BATS_TEST_TMPDIR/proxy.log"
	for mode in openai anthropic; do
		place "$mode" "[$DONE]"
		settings=(SCHED_LLM="$mode:https://localhost:$there/$script/v1#m"
			SSL_CERT_FILE="$BATS_TEST_TMPDIR/cert.pem"
			https_proxy="http://127.0.0.1:$PORT")
		ask "$mode" "$HELLO" --attempts 1
		is "$(outcome)" ok
	done
	is "$(jq -r .target "$BATS_TEST_TMPDIR/proxy.log" | sort -u)" \
		"localhost:$there"
	lacks "$(cat "$BATS_TEST_TMPDIR/proxy.log")" "$KEY"
}
