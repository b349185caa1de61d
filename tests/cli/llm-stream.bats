#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Streams of events from models: in any pieces, with anything between them,
# broken off anywhere.

load ../lib
load ../llm

# What two attempts take of which the first said what goes in, only.
AGAIN='{"cached":6,"in":22,"out":8}'
TWICE='{"cached":6,"in":22,"out":14}'
TEXT='Grüße, 字 and 🙂: done'

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

# whole FAULT: the answer arrives as it was said.
arrives() {
	want=".text == \"$TEXT\"" streams 1 ok '[{"answer":{"text":"'"$TEXT"'"},
		"fault":'"$1"'}]'
}

@test "nothing wrong" {
	arrives '{}'
}

@test "split at every byte" {
	arrives '{"split":1}'
}

@test "split anywhere" {
	arrives '{"split":"random","pause":0.0005}'
}

@test "lines end in CR LF, split at every byte" {
	arrives '{"eol":"\r\n","split":1}'
}

@test "lines end in CR" {
	arrives '{"eol":"\r"}'
}

@test "comments and pings between the events" {
	arrives '{"comments":true}'
	want=".text == \"$TEXT\"" one anthropic-stream 1 ok \
		'[{"answer":{"text":"'"$TEXT"'"},"fault":{"pings":true}}]'
}

@test "events and fields nobody knows, an id with a NUL" {
	arrives '{"unknown":true}'
}

@test "data in several lines" {
	arrives '{"lines":true}'
}

@test "a byte order mark at the beginning" {
	arrives '{"bom":true,"split":1}'
}

@test "no space after the colon" {
	arrives '{"tight":true}'
}

@test "no empty line after the last event" {
	arrives '{"open_end":true}'
}

@test "the thinking is no part of the answer" {
	streams 1 ok '[{"answer":{"thinking":"hm, a secret","text":"done"}}]'
}

@test "overloaded after status 200: asked again" {
	usage_anthropic=$AGAIN streams 2 ok \
		'[{"answer":{"text":"done"},"fault":{"error_after":1,
		"error":{"type":"overloaded_error","message":"busy"}}},'"$DONE]"
}

@test "overloaded after status 200 for ever: try later" {
	usage_anthropic='{"cached":6,"in":22,"out":2}' streams 2 EAGAIN '[{"repeat":9,"answer":{"text":"done"},
		"fault":{"error_after":1,"error":{"type":"overloaded_error"}}}]' \
		--attempts 2
}

@test "refused after status 200: not asked again" {
	usage_anthropic='{"cached":3,"in":11,"out":1}' streams 1 EINVAL '[{"answer":{"text":"done"},"fault":{"error_after":1,
		"error":{"type":"invalid_request_error","message":"no"}}}]'
}

@test "the end before [DONE] or message_stop is no answer: asked again" {
	usage=$TWICE streams 2 ok '[{"answer":{"text":"do"},"fault":{
		"cut":{"events":-1,
		"how":"end"}}},'"$DONE]"
}

@test "closed in the middle: asked again, what it took is estimated" {
	usage='{"cached":3,"in":68,"out":8}' usage_anthropic=$AGAIN \
		want='.estimated == (.usage.in == 68)' streams 2 ok \
		'[{"answer":{"text":"do"},"fault":{"cut":{"events":3,
		"how":"close"}}},'"$DONE]"
}

@test "reset in the middle: asked again" {
	usage_anthropic=$AGAIN streams 2 ok \
		'[{"answer":{"text":"do"},"fault":{"cut":{"events":1,
		"how":"reset"}}},'"$DONE]"
}

@test "never an end, however often: no answer" {
	usage=$TWICE streams 2 EBADMSG '[{"repeat":9,"answer":{"text":"done"},"fault":{
		"cut":{"events":-1,"how":"end"}}}]' --attempts 2
}

@test "the chunk with the usage: choices [], null or missing" {
	local choices
	for choices in '[]' null '"missing"'; do
		one openai-stream 1 ok '[{"answer":{"text":"done"},
			"fault":{"choices":'"$choices"'}}]'
	done
}

@test "no usage is said: it is estimated, a budget holds all the same" {
	usage='{"cached":0,"in":57,"out":1}' \
		usage_anthropic='{"cached":0,"in":71,"out":1}' \
		want='.text == "done" and .estimated' streams 1 ok \
		'[{"answer":{"text":"done","usage":null}}]'
}

@test "usage below 0 or beyond all bounds is none" {
	local n
	for n in -5 1e300 0.5; do
		usage='{"cached":0,"in":57,"out":1}' want=.estimated \
			one openai-stream 1 ok '[{"answer":{"text":"done",
			"usage":{"in":'$n',"cached":'$n',"out":'$n'}}}]'
	done
}

@test "the name of a model that an endpoint says is one short line" {
	local name
	name=$(printf '%9000s' x | tr ' ' m)
	place openai '[{"answer":{"text":"done",
		"model":"a\u001b]0;x\u0007\n\u009b'"$name"'"}}]'
	ask openai "$HELLO"
	is "$(jq -r .outcome "$ledger")" ok
	is "$(jq -r '.model | length > 100 and length < 130 and
		(test("[\u0000-\u001f]|\u009b") | not)' "$ledger")" true
}

# calls FAULT: two calls arrive as they were made.
calls() {
	want='.finish == "calls" and ([.calls[] | .name, .arguments] ==
		["look", {"at": "the \"sky\"", "n": 1}, "run", {}]) and
		([.calls[].id | length > 0] | all) and .calls[0].id != .calls[1].id' \
		request=$TOOLS streams 1 ok '[{"answer":{"calls":[
		{"name":"look","arguments":{"at":"the \"sky\"","n":1}},
		{"name":"run","arguments":{}}]},"fault":'"$1"'}]'
}
TOOLS=$(jq -c '.tools = [{"name": "look", "description": "looks",
	"parameters": {"type": "object"}}, {"name": "run",
	"description": "runs", "parameters": {"type": "object"}}]' <<<"$HELLO")

@test "calls of tools in fragments" {
	calls '{}'
	calls '{"split":1}'
}

@test "calls in one piece" {
	calls '{"calls":"whole"}'
}

@test "calls whose arguments are an object" {
	calls '{"calls":"object"}'
}

@test "calls without an id" {
	calls '{"calls":"no_id"}'
}

@test "calls in tags in the text" {
	calls '{"calls":"text"}'
}

@test "a call without an index" {
	want='.calls[0].arguments == {"a": 1}' request=$TOOLS streams 1 ok \
		'[{"answer":{"calls":[{"name":"run","arguments":{"a":1}}]},
		"fault":{"calls":"no_index"}}]'
}
