#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a model's endpoint refuses: what is asked again, when, and what is not.

load ../lib
load ../llm

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

# after FAULT [OPTION...]: asked a second time, and only then answered.
after() {
	local fault=$1
	shift
	want='.text == "done" and .attempts == 2' wholes 2 ok \
		'[{"fault":'"$fault"'},'"$DONE]" "$@"
}

# never OUTCOME FAULT: not asked again.
never() {
	both 1 "$1" '[{"fault":'"$2"'},'"$DONE]"
}

ms=$'{"retry-after-ms":"10"}'

# ---- status -----------------------------------------------------------

@test "408, 409, 500, 502, 503, 504 and 529: asked again" {
	local status
	for status in 408 409 500 502 503 504 529; do
		after '{"status":'$status',"headers":'"$ms"'}'
	done
}

@test "429: asked again, streaming, too" {
	both 2 ok '[{"fault":{"status":429,"headers":'"$ms"',
		"error":{"type":"rate_limit_error"}}},'"$DONE]"
}

@test "a page of HTML with status 502: asked again" {
	after '{"status":502,"headers":'"$ms"',"type":"text/html",
		"body":"<html>Bad gateway</html>"}'
}

@test "overloaded for ever: as many attempts as allowed, then try later" {
	want='.error.text | length > 0' both 3 EAGAIN '[{"repeat":99,
		"fault":{"status":529,"headers":'"$ms"'}}]' --attempts 3
}

@test "x-should-retry: false: not asked again" {
	never EAGAIN '{"status":503,"headers":{"x-should-retry":"false"}}'
}

@test "x-should-retry: true: asked again, whatever the status" {
	after '{"status":400,"headers":{"x-should-retry":"true",
		"retry-after-ms":"10"}}'
}

@test "400: the request is refused" {
	never EINVAL '{"status":400,"error":{"type":"invalid_request_error",
		"message":"no"}}'
}

@test "401, 402 and 403: the key or the account" {
	local status
	for status in 401 402 403; do
		never EACCES '{"status":'$status',"error":{"message":"no"}}'
	done
}

@test "404 and 413: the request is refused" {
	never EINVAL '{"status":404,"error":{"type":"not_found_error",
		"message":"no such model"}}'
	never EINVAL '{"status":413,"error":{"type":"request_too_large"}}'
}

@test "429 because nothing is left on the account: not asked again" {
	never EACCES '{"status":429,"headers":{"retry-after":"0.01"},
		"error":{"type":"insufficient_quota","code":"insufficient_quota",
		"message":"You exceeded your current quota"}}'
}

@test "429 because of a limit of spending: not asked again" {
	never EACCES '{"status":429,"error":{"type":"rate_limit_error",
		"code":"enforced_spend_limit_reached","message":"spend limit"}}'
}

# ---- how long it waits ------------------------------------------------

# waits MIN MAX HEADERS: seconds between the first request and the second.
waits() {
	want='.text == "done" and .seconds >= '"$1 and .seconds <= $2" \
		wholes 2 ok '[{"fault":{"status":429,"headers":'"$3"'}},
		'"$DONE]" --total 8 --retry-wait 4
}

@test "Retry-After in seconds" {
	waits 1 1.6 '{"retry-after":"1"}'
}

@test "Retry-After with a fraction" {
	waits 0.2 0.6 '{"retry-after":"0.2"}'
}

@test "Retry-After in milliseconds goes before the one in seconds" {
	waits 0.15 0.6 '{"retry-after-ms":"150","retry-after":"30"}'
}

@test "Retry-After as a date" {
	waits 0.2 2.6 '{"retry-after":{"date":2}}'
}

@test "Retry-After as a date that is over" {
	waits 0 1.2 '{"retry-after":{"date":-60}}'
}

@test "Retry-After negative, empty or nonsense: the usual time" {
	local value
	for value in -5 '' soon 1e999 nan 99999999999999999999999x; do
		waits 0 1.2 '{"retry-after":"'"$value"'"}'
	done
}

@test "Retry-After beyond the budget: try later, at once" {
	seconds=2 never EAGAIN '{"status":429,"headers":{"retry-after":"600"}}'
	seconds=2 never EAGAIN '{"status":503,"headers":{"retry-after":"2"}}'
}

@test "all waiting together stays within the budget" {
	seconds=4 wholes 3 EAGAIN '[{"repeat":99,"fault":{"status":429,
		"headers":{"retry-after":"0.4"}}}]' --attempts 9
}

# ---- what a server does not know --------------------------------------

@test "400 because of stream_options: asked again without" {
	# No usage is said then: it is estimated.
	usage='{"cached":0,"in":45,"out":1}' \
		want='.text == "done" and .estimated' one openai-stream 2 ok \
		'[{"fault":{"status":400,"error":{"message":
		"Unrecognized request argument supplied: stream_options"}}},
		'"$DONE]"
	is "$(jq -c 'select(.body) | .body | has("stream_options")' "$log" |
		tr '\n' ' ')" 'true false '
}

@test "400 because of max_tokens: asked again with its other name" {
	one openai 2 ok '[{"fault":{"status":400,"error":{
		"code":"unsupported_parameter","message":"Unsupported: max_tokens"
		}}},'"$DONE]"
	is "$(jq -c 'select(.body) | .body | [.max_tokens,
		.max_completion_tokens]' "$log" | tr '\n' ' ')" \
		'[100,null] [null,100] '
}

SCHEMA=$(jq -c '.schema = {"type": "object", "properties": {"n":
	{"type": "integer"}}, "required": ["n"],
	"additionalProperties": false}' <<<"$HELLO")

# rungs FAULT N: after N refusals of a form it has the answer.
rungs() {
	request=$SCHEMA want='.value == {"n": 5}' wholes $(($2 + 1)) ok \
		"$(jq -cn --argjson n "$2" --argjson f "$1" \
		'[{repeat: $n, fault: $f}, {answer: {value: {n: 5}}}]')"
}

@test "400 because of response_format: asked in the next form" {
	rungs '{"status":400,"error":{"type":"invalid_request_error","message":
		"response_format and output_config.format are not supported"}}' 1
}

@test "400 because of response_format and tool_choice: the form after it" {
	rungs '{"status":400,"error":{"type":"invalid_request_error","message":
	"response_format, output_config, tools and tool_choice: not supported"}}' 2
}

# ---- redirects --------------------------------------------------------

@test "a redirect is not followed: the key stays where it belongs" {
	local status
	for status in 301 302 303 307 308; do
		never EINVAL '{"status":'$status',"headers":{"location":
			"http://localhost:{port}/elsewhere/v1/messages"}}'
	done
}
