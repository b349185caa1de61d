#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Answers that are suspended and go on are those that were not.

load ../lib
load ../llm
load ../many

setup_file() {
	endpoint_start "$BATS_FILE_TMPDIR/scripts"
}

teardown_file() {
	endpoint_stop
}

# slices DIALECT RESUME GENERATOR [ASKER'S OPTION...]: answers that were cut at
# random places are those that were not.
slices() {
	local dialect=$1 resume=$2
	address "$dialect-$resume" "$3"
	shift 3
	asks "$dialect:$address;resume=$resume" --count 16 --cuts 3 \
		--kinds "$KINDS" "$@" --
	holds '.right == 16 and .wrong == 0 and .status == 0'
	holds '.suspended >= 3 and .slices == 16 + .suspended'
}

@test 'suspended: the turn of the assistant goes on' {
	slices openai continue '{"resume":["continue"],"delay":0.003}'
	holds '.restarts == 0 and .attempts == .slices'
	# At once, not when a clock next ticks.
	holds '.stopping_s < 0.04'
	slices anthropic continue '{"resume":["prefill"],"delay":0.003}'
	holds '.restarts == 0 and .attempts == .slices'
}

@test 'suspended: a slot is saved and restored' {
	slices openai slot '{"resume":["slot"],"slots":48,"delay":0.003}'
	holds '.restarts == 0 and .cached > 0'
	is "$(jq -s '[.[] | select(.action == "save")] | length' "$log")" \
		"$(jq -s '[.[] | select(.action == "restore")] | length' "$log")"
	# Fewer slots than calls: who has none goes on without.
	slices openai slot '{"resume":["slot"],"slots":4,"delay":0.002}'
}

@test 'suspended: a new turn repeats its end and goes on' {
	slices openai turn '{"delay":0.003}'
	holds '.restarts == 0'
	slices anthropic turn '{"delay":0.003}'
	slices openai turn '{"delay":0.003,"turn":"more"}'
	holds '.restarts == 0'
}

@test 'suspended: a turn that does not go on exactly is begun anew' {
	slices openai turn '{"delay":0.003,"turn":"straight"}'
	holds '.restarts > 0'
	slices anthropic turn '{"delay":0.003,"turn":"anew"}'
}

@test 'suspended: what an endpoint refuses is not asked of it again' {
	slices openai continue '{"delay":0.003}'
	holds '.restarts == 0'
	slices anthropic continue '{"delay":0.003}'
	slices openai slot '{"resume":["continue"],"delay":0.003}'
	slices openai continue '{"delay":0.003,"turn":"refused"}'
	holds '.restarts > 0'
	slices anthropic none '{"delay":0.003}'
	holds '.restarts > 0'
}

@test 'suspended: the limit on tokens is that of the whole answer' {
	KINDS=text
	for means in continue turn; do
		slices openai $means '{"resume":["continue"],"delay":0.003}' \
			--most 30
		slices anthropic $means '{"resume":["prefill"],"delay":0.003}' \
			--most 30
	done
}

@test 'suspended: an answer as a forced call of a tool is begun anew' {
	address forced '{"resume":["continue"],"formats":false,"delay":0.002}'
	asks "$address" --count 20 --cuts 3 --kinds json --
	holds '.right == 20 and .restarts > 0'
}
