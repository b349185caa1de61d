#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What models answer: text, values under a schema, calls, and what is none.

# shellcheck disable=SC2034 # what llm.bash uses

load ../lib
load ../llm

setup_file() {
	endpoint_start --key "$KEY" "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

SCHEMA=$(jq -c '.schema = {"type": "object", "properties": {"n":
	{"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["n"],
	"additionalProperties": false}' <<<"$HELLO")
TWICE='{"cached":6,"in":22,"out":14}'

@test "a text" {
	want='.text == "done" and .finish == "stop" and .value == null and
		.calls == [] and .attempts == 1 and .model == "a-model"' \
		both 1 ok "[$DONE]"
}

@test "the name that the endpoint gives its model" {
	want='.model == "a-model-2026"' both 1 ok \
		'[{"answer":{"text":"done","model":"a-model-2026"}}]'
}

@test "an endpoint that is not told its model: the only one, or any name" {
	model='' both 2 ok "[$DONE]"
	is "$(jq -r 'select(.method == "POST").body.model' "$log")" test-model
	endpoint_start --no-list "$SCRIPTS"
	model='' both 2 ok "[$DONE]"
	is "$(jq -r 'select(.method == "POST").body.model' "$log")" default
}

@test "a value under a schema" {
	request=$SCHEMA want='.value == {"n": 5}' both 1 ok \
		'[{"answer":{"value":{"n":5}}}]'
}

@test "a value in a fence, in prose, after thinking aloud" {
	local text
	for text in '```json\n{\"n\": 5}\n```' 'Sure! {\"n\": 5} Anything else?' \
		'<think>{\"n\": 99}?</think>\n{\"n\": 5}' \
		'Like {this}:\n\n```\n{\"n\":5}\n```\nDone.'; do
		request=$SCHEMA want='.value == {"n": 5}' wholes 1 ok \
			'[{"answer":{"text":"'"$text"'"}}]'
	done
}

@test "a value against the schema: asked once to repair it" {
	request=$SCHEMA want='.value == {"n": 5}' usage=$TWICE lines=2 both 2 ok \
		'[{"answer":{"value":{"n":50}}},{"answer":{"value":{"n":5}}}]'
}

@test "the turn of repair says what is wrong" {
	request=$SCHEMA want='.value == {"n": 5}' usage=$TWICE lines=2 wholes 2 ok \
		'[{"answer":{"value":{"m":1}}},
		{"match":{"contains":"\\\"m\\\""},"answer":{"value":{"n":5}}}]'
}

@test "against the schema twice: no answer, and both turns are billed" {
	request=$SCHEMA usage=$TWICE lines=2 both 2 EBADMSG \
		'[{"repeat":9,"answer":{"value":{"n":50}}}]'
}

@test "prose instead of a value twice: no answer" {
	request=$SCHEMA usage=$TWICE lines=2 both 2 EBADMSG \
		'[{"repeat":9,"answer":{"text":"I would rather not."}}]'
}

@test "a value that is cut off: no answer" {
	request=$SCHEMA usage=$USAGE both 1 EBADMSG \
		'[{"answer":{"text":"{\"n\":","finish":"length"}},
		{"answer":{"value":{"n":5}}}]'
}

@test "a text that is cut off says so" {
	want='.text == "do" and .finish == "length"' both 1 ok \
		'[{"answer":{"text":"do","finish":"length"}}]'
}

@test "a refusal" {
	usage=$USAGE want='.finish == "refused"' both 1 EBADMSG \
		'[{"answer":{"text":"I must not.","finish":"refused"}}]'
}

@test "a refusal under a schema: no answer, and no second turn" {
	request=$SCHEMA usage=$USAGE both 1 EBADMSG \
		'[{"answer":{"text":"I must not.","finish":"refused"}}]'
}

@test "a content filter" {
	usage=$USAGE want='.finish == "refused"' both 1 EBADMSG \
		'[{"answer":{"text":"do","finish":"filtered"}}]'
}

@test "calls, their results and the end, in one process" {
	local mode tools
	tools='[{"name":"look","description":"looks","parameters":{"type":
		"object","properties":{"at":{"type":"string"}}}}]'
	for mode in openai anthropic; do
		place "$mode" '[{"answer":{"text":"I look.","calls":[
			{"name":"look","arguments":{"at":"a"},"id":"c1"},
			{"name":"look","arguments":{"at":"b"},"id":"c2"}]}},
			{"match":{"contains":"a cloud"},"answer":{"text":"done"}}]'
		ask "$mode" "$(jq -c --argjson t "$tools" '.tools = $t, (.tools = $t |
			.messages += [{role: "assistant", text: "I look.", calls: [
			{id: "c1", name: "look", arguments: {at: "a"}},
			{id: "c2", name: "look", arguments: {at: "b"}}]},
			{role: "tool", results: [
			{id: "c1", name: "look", text: "a cloud", error: false},
			{id: "c2", name: "look", text: "", error: true}]}])' \
			<<<"$HELLO")"
		is "$(jq -sc '[.[] | .finish]' "$at/out")" '["calls","stop"]'
		is "$(jq -c 'select(.complaint).complaint' "$log")" ''
		is "$(wc -l <"$ledger")" 2
	done
}

@test "a wrong key" {
	settings=(SCHED_LLM_KEY=sk-another)
	complaint='incorrect API key provided' both 1 EACCES "[$DONE]"
}
