#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-verify up to its simulator, and objects given as files.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# A policy of the corpora as a document, its digest as asked for.
source_policy() {
	local object=$BUILD/policies/$1.bpf.o
	doc policy "$(jq -n --arg title "${1#*/}" --arg path "$object" \
		--arg sha256 "${2:-$(sha256sum "$object" | cut -c -64)}" '{
		form: "source", title: $title, why: "w", uses: [],
		object: {path: $path, sha256: $sha256}}')"
}

stage() {
	jq -c --arg name "$1" '.stages[] | select(.name == $name)' <<<"$body"
}

object() {
	echo "$BUILD/policies/$1.bpf.o"
}

@test "sim: the workload is run as well, beside EEVDF" {
	{
		cat "$TREE/tests/bench/requests.profile"
		doc policy '{"form": "params", "title": "t", "why": "w",
			"params": {}, "uses": []}'
	} >in
	judge 1 --stages lint,build,prove,sim <in
	is "$(stage sim | jq -r .status)" passed
	so '.simulation.cpus >= 1 and .simulation.seeds >= 1'
	so '.simulation.metrics | map(select(.name == "request_rate"))[0] |
		.baseline > 0 and .candidate > 0 and .ratio > 0'
	so '.simulation.callbacks | map(.name) | index("enqueue") != null'
	# What was not measured is not accepted.
	so '.decision == "inconclusive"'
}

@test "sim: without a profile only the hostile loads are run" {
	judge 1 --stages sim --object "$(object good/dice)" </dev/null
	is "$(stage sim | jq -r .status)" passed
	so 'has("simulation") | not'
}

@test "sim: a finding has rule, file and line, and rejects" {
	judge 1 --stages sim --object "$(object bad/never_inserts)" </dev/null
	is "$(stage sim | jq -r .status)" failed
	has "$(stage sim | jq -r '.findings[] | select(.rule == "lost").file')" \
		never_inserts.bpf.c
	so '[.stages[].findings[].line | select(. != null)][0] > 0'
	so '.decision == "rejected"'
	is "$(stage run | jq -r .status)" skipped
}

@test "sim: to be loaded again when a CPU goes is said, and no failure" {
	judge 1 --stages sim --object "$BUILD/lib/schedkit/policy.bpf.o" \
		</dev/null
	is "$(stage sim | jq -r .status)" passed
	is "$(stage sim | jq -r '.findings[].rule' | sort -u)" restart
	has "$(stage sim | jq -r '.findings[0].text')" hotplug
}

@test "sim: what cannot be run is unknown, never passed" {
	head -n 1 "$TREE/tests/bench/requests.profile" |
		jq -c '.body | .duration_us = 0' >body
	{
		doc profile "$(jq -c '{scope, goal, source, target, workload,
			system: {cpus: 2, kernel: "6"}, groups: [],
			duration_us: 1, overhead: {drops: 0}}' body)"
		doc policy '{"form": "params", "title": "t", "why": "w",
			"params": {}, "uses": []}'
	} >in
	judge 1 --stages sim <in
	is "$(stage sim | jq -r .status)" unknown
	has "$(stage sim | jq -r '.findings[] | select(.rule == "not-run") |
		.text')" 'nothing ran'
}

@test "objects: each given one is judged, what is in the input too" {
	source_policy good/central >in
	exits 1 sched-verify --json --stages lint,build \
		--object "$(object good/dice)" --object "$(object good/waker)" \
		<in
	is "$(jq -r 'select(.kind == "verdict").body |
		.stages[1].status' <<<"$output" | tr '\n' ' ')" \
		'passed passed passed '
	is "$(jq -r 'select(.kind == "policy").body.form' <<<"$output" |
		sort -u)" source
}

@test "objects: a missing file, a folder, and what is no object" {
	exits 3 sched-verify --json --object missing.o </dev/null
	has "$stderr" missing.o
	exits 3 sched-verify --json --object "$PWD" </dev/null
	echo 'int main;' >text.o
	judge 1 --stages lint,build,prove --object text.o </dev/null
	so '.decision == "rejected"'
	has "$(jq -r .why <<<"$body")" 'not an ELF file'
}

@test "objects: another file than the document speaks of fails the build" {
	source_policy good/dice "$(printf '0%.0s' {1..64})" >in
	judge 1 --stages lint,build,prove,sim <in
	is "$(stage build | jq -r .status)" failed
	is "$(stage sim | jq -r .status)" skipped
	cp "$(object good/dice)" gone.o
	exits 1 sched-verify --json --stages lint --object gone.o </dev/null
	rm gone.o
	jq -c 'select(.kind == "policy")' <<<"$output" >in
	judge 1 --stages lint,build <in
	is "$(stage build | jq -r .status)" failed
}

@test "objects: lint wants the whole path of an object" {
	source_policy good/dice | jq -c '.body.object.path = "dice.bpf.o" |
		.body' >body
	doc policy "$(cat body)" >in
	judge 1 --stages lint <in
	is "$(stage lint | jq -r .status)" failed
	has "$(jq -r .why <<<"$body")" object.path
}
