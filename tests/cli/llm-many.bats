#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many questions at once, of several endpoints.

load ../lib
load ../llm
load ../many

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

@test '200 streams at once, with faults, on one thread' {
	address many '{"delay":0.004,"start":0.05,"seed":7,"faults":{
		"reset":0.03,"torn":0.03,"429":0.03,"500":0.03,"stall":0.01}}'
	asks "$address" --count 200 --kinds "$KINDS" -- \
		--idle 1 --attempts 8 --retry-wait 60 --total 60
	holds '.right == 200 and .wrong == 0 and .unanswered == 0'
	holds '.threads == 1 and .attempts > 205'
	[[ $BUILD == *san* ]] || holds '.rss_kib < 65536'
	# One of them is over 0.2 s.
	holds '.seconds < 20'
	is "$(jq -s 'length' "$ledger")" 200
	is "$(jq -s "[.[].tokens_out] | add" "$ledger")" "$(jq .out <<<"$said")"
}

@test 'cancelled ones do not hold up the others' {
	address cancel '{"delay":0.003}'
	asks "$address" --count 60 --cancel 3 --
	holds '.right == 60 and .cancelled == 20 and .unanswered == 0'
	is "$(jq -s '[.[] | select(.outcome == "ok")] | length' "$ledger")" 40
}

# waits HOW: a call whose endpoint always fails, between two attempts.
waits() {
	address wait '{"faults":{"500":1}}'
	{
		echo '{"id":5,"messages":[{"role":"user","text":"q"}]}'
		for _ in {1..100}; do
			[ ! -s "$log" ] || break
			sleep 0.02
		done
		sleep 0.1
		"$@"
	} | env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		SCHED_LLM="$address" ASAN_OPTIONS="$ASAN_OPTIONS" \
		timeout 20 sh -c 'echo $$ >"$0"; exec "$@"' "$at/pid" \
		"$BUILD/libexec/schedkit/ask-model" --attempts 100 >"$at/out"
}

# Done within 2 s of having been told.
told() {
	date +%s.%N >"$at/told"
	"$@"
}

@test 'a call that waits for another attempt is stopped at once' {
	waits told echo '{"cancel":5}'
	is "$(sed 1d "$at/out" | jq -r '"\(.id) \(.error.errno)"')" \
		'5 ECANCELED'
	jq -ne "now - $(cat "$at/told") < 2" >/dev/null
	stop() { kill "$(cat "$at/pid")"; }
	waits told stop
	is "$(sed 1d "$at/out" | jq -r '"\(.id) \(.error.errno)"')" '5 EINTR'
	jq -ne "now - $(cat "$at/told") < 2" >/dev/null
}

# alone COMMAND...: what it writes is read by ask-model, whose answers it gives,
# for at most PATIENCE seconds.
alone() {
	"$@" | env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		SCHED_LLM="$address" ASAN_OPTIONS="$ASAN_OPTIONS" \
		timeout "${PATIENCE:-20}" \
		"$BUILD/libexec/schedkit/ask-model" "${LIMITS[@]}"
}

@test 'what was under way is accounted for when nobody listens any more' {
	address deaf '{"delay":0.01}'
	env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		SCHED_LLM="$address" ASAN_OPTIONS="$ASAN_OPTIONS" timeout 20 \
		"$BUILD/libexec/schedkit/ask-model" < <(
		for i in 1 2 3; do
			echo "{\"id\":$i,\"progress_tokens\":1,\"messages\":[
				{\"role\":\"user\",\"text\":\"tokens=400\"}]}" |
				tr -d '\n'
			echo
		done
		sleep 5
	) | sed 5q >/dev/null || :
	is "$(jq -r .outcome "$ledger" | xargs)" 'ECANCELED ECANCELED ECANCELED'
	is "$(jq -s 'all(.tokens_out > 0)' "$ledger")" true
}

@test 'answers wait for whoever reads them slowly' {
	place slow ''
	jq -nc '[{answer: {text: ("y" * 3900000)}, repeat: 40}]' \
		>"$SCRIPTS/$script.json"
	address=http://127.0.0.1:$PORT/$script/v1#m
	lines() {
		jq -nc 'range(40) | {id: ., messages: [
			{role: "user", text: "q"}]}'
	}
	# 156 MB, more than are kept for a reader, and as many for jq.
	LIMITS=(--connect 60 --first-byte 60 --idle 60 --total 300)
	is "$(PATIENCE=300 alone lines 2>&1 | {
		for _ in {1..600}; do
			[ "$(wc -l <"$ledger")" != 40 ] || break
			sleep 0.1
		done
		jq -c 'select(.text | length == 3900000).id'
	} 2>/dev/null | wc -l)" 40
}

@test 'an id is a number, and what has none is not cancelled by another' {
	address ids '{"delay":0.01}'
	lines() {
		jq -nc '{id: (-1, "a", [], null),
			messages: [{role: "user", text: "tokens=5"}]}'
		sleep 0.02
		jq -nc '{cancel: ("a", [], null, {}, 7)},
			{suspend: ("a", [], null, {}, 7)}'
	}
	is "$(alone lines | sed 1d |
		jq -r '"\(.id) \(.error.errno // .finish)"' | sort | xargs)" \
		'-1 stop null EINVAL null EINVAL null EINVAL'
}

@test 'a suspended call says where it was, without the key' {
	address key '{"resume":["continue"],"delay":0.02}'
	{
		echo '{"id":5,"messages":[{"role":"user","text":"tokens=60"}],
			"progress_tokens":4}' | tr -d '\n'
		echo
		sleep 0.5
		echo '{"suspend":5}'
	} | env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		SCHED_LLM="$address" SCHED_LLM_KEY="$KEY" ASAN_OPTIONS="$ASAN_OPTIONS" \
		timeout 10 "$BUILD/libexec/schedkit/ask-model" >"$at/out"
	is "$(jq -s '[.[] | select(.progress)] | length >= 2' "$at/out")" true
	is "$(jq -r 'select(.suspended) | "\(.id) \(.suspended.tokens > 5)
		\(.usage.out == .suspended.tokens) \(.slices)"' "$at/out" | xargs)" \
		'5 true true 1'
	is "$(jq -r .outcome "$ledger")" ERESTART
	lacks "$(cat "$at/out")" "$KEY"
	# It belongs to this request and no other.
	jq -c 'select(.suspended) | {id: 1, resume: .suspended,
		messages: [{role: "user", text: "another"}]}' "$at/out" >"$at/in"
	env -i PATH="$PATH" HOME="$at/home" XDG_STATE_HOME="$at/state" \
		SCHED_LLM="$address" ASAN_OPTIONS="$ASAN_OPTIONS" \
		timeout 10 "$BUILD/libexec/schedkit/ask-model" <"$at/in" \
		>"$at/out"
	is "$(sed 1d "$at/out" | jq -r .error.errno)" EINVAL
}

@test 'several endpoints: the first that is well, and the one that is named' {
	address two '{"delay":0.003,"limits":{
		"x-ratelimit-limit-requests":"60",
		"x-ratelimit-remaining-requests":"59",
		"x-ratelimit-reset-requests":"1m0.5s",
		"anthropic-ratelimit-output-tokens-limit":"8000",
		"anthropic-ratelimit-output-tokens-remaining":"7000"}}'
	asks "http://127.0.0.1:1/v1#x;name=down  $address;name=up;slots=7;rpm=60
		$address;name=third;key=K" --count 10 -- --attempts 1
	holds '.hello.error.errno == "ENOKEY"'
	# shellcheck disable=SC2034 # what asks() uses
	settings=(K=planted-key-4711)
	asks "http://127.0.0.1:1/v1#x;name=down  $address;name=up;slots=7;rpm=60
		$address;name=third;key=K" --count 10 -- --attempts 1
	holds '.right == 10 and .endpoints == {"up": 10} and .attempts == 20'
	holds '[.hello.endpoints[] | .name] == ["down", "up", "third"]'
	holds '.hello.endpoints[1] | .slots == 7 and .requests_min == 60'
	unset settings
	asks "$address;name=up" --count 1 --
	holds '.limits == {"requests_limit": 60, "requests_left": 59,
		"requests_reset_s": 60.5, "out_limit": 8000, "out_left": 7000}'
}

@test 'keys go to the endpoint that names them, and to no other' {
	address none '[]'
	place a "[$DONE]"
	local a=http://127.0.0.1:$PORT/$script/v1#m first=$log
	place b "[$DONE]"
	local b=http://127.0.0.1:$PORT/$script/v1#m
	jq -c '(. + {endpoint: "a"}), (. + {endpoint: "b"})' <<<"$HELLO" |
		env -i PATH="$PATH" HOME="$at/home" \
			XDG_STATE_HOME="$at/state" A_KEY=planted-a-key \
			ASAN_OPTIONS="$ASAN_OPTIONS" \
			SCHED_LLM_KEY="$KEY" SCHED_LLM="$a;name=a;key=A_KEY $b;name=b" \
			timeout 10 "$BUILD/libexec/schedkit/ask-model" >"$at/out"
	is "$(sed 1d "$at/out" | jq -r .text | xargs)" 'done done'
	is "$(jq -r 'select(.headers) | .headers.authorization' "$first")" \
		'Bearer planted-a-key'
	is "$(jq -r 'select(.headers) | .headers.authorization' "$log")" null
}

@test 'a budget holds over calls that are under way together' {
	address budget '{"delay":0.002}'
	asks "$address" --count 30 --most 50 -- --budget tokens=600
	# 41 each; what one has left over is for another.
	holds '.right >= 8 and .right <= 14'
	is "$(jq -s '[.[] | .tokens_in + .tokens_out] | add <= 600' \
		"$ledger")" true
}

@test 'a budget holds over attempts that broke off' {
	address torn '{"delay":0.001,"seed":3,"faults":{"torn":0.6}}'
	asks "$address" --count 24 --most 50 -- --budget tokens=1800 \
		--attempts 9 --retry-wait 9
	is "$(jq -s '[.[] | .tokens_in + .tokens_out] | add <= 1800' \
		"$ledger")" true
	is "$(jq -s 'any(.attempts > 1)' "$ledger")" true
}
