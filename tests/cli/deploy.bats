#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-deploy without a guest: what it refuses, what it says of this kernel.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_RUN=$PWD/run
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
}

# policy TITLE [PARAMS]
policy() {
	doc policy "{\"form\": \"params\", \"title\": \"$1\", \"why\": \"w\",
		\"uses\": [], \"params\": ${2:-{\}}}" | jq -cS .
}

# verdict POLICY-ID DECISION LOW [OBJECT [TARGET [MORE]]]
verdict() {
	doc verdict "{\"policy\": \"$1\", \"workload\": \"w\",
		\"decision\": \"$2\", \"why\": \"so it is\",
		\"target\": \"${5:-vm}\", \"kernel\": \"6.18.15\",
		\"object_sha256\": \"${4:-$object}\", \"stages\": [],
		\"metrics\": [{\"name\": \"m\", \"unit\": \"s\",
		\"baseline\": 3, \"candidate\": 2, \"ratio\": 9,
		\"ci95\": [$3, 9], \"pairs\": 5, \"guard\": false}]${6:-}}" \
		"$1" | jq -cS .
}

# What this kernel is, as sched-verify --target host would have it.
configuration() {
	sched-deploy status | jq -r .body.configuration
}

# The stream on standard input, and its accepted verdicts signed.
signed() {
	local id
	cat >story
	for id in $(jq -r 'select(.body.decision? == "accepted").id' story); do
		sched-verify --json --sign "$id" <story >longer 2>/dev/null
		mv longer story
	done
	cat story
}

# refused STATUS WORDS OPTION...: with in as standard input.
refused() {
	exits "$1" sched-deploy --target vm --dry-run "${@:3}" <in
	# shellcheck disable=SC2154
	has "$stderr" "$2"
	is "$(head -n "$(wc -l <in)" <<<"$output")" "$(cat in)"
}

@test 'deploy: help, version, usage' {
	exits 0 sched-deploy --help
	exits 0 sched-deploy --version
	exits 2 sched-deploy --target moon </dev/null
	exits 2 sched-deploy --target vm </dev/null
	exits 2 sched-deploy --for 0 </dev/null
	exits 2 sched-deploy fly </dev/null
	exits 2 sched-deploy status now </dev/null
}

@test 'deploy: nothing to deploy' {
	: >in
	refused 3 'no verdict'
	policy a >in
	refused 3 'no verdict'
	doc error '{"code": "EIO", "text": "the guest is gone"}' >>in
	refused 3 'the guest is gone'
	verdict "$(policy a | doc_id)" rejected 1 >>in
	refused 1 "'rejected' (so it is)"
	is "$(sched-history log | jq -r .kind)" $'verdict\npolicy'
	# Accepted once, rejected since.
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 2
		verdict "$(policy a | doc_id)" rejected 1
	} >in
	refused 1 "'rejected'"
}

@test 'deploy: the policy is not in the stream' {
	verdict "$(policy a | doc_id)" accepted 1 >in
	refused 1 'not in the stream'
	has "$stderr" sched-history
}

@test 'deploy: another object than the one measured' {
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 1 \
			"$(printf '%064d' 7)"
	} | signed >in
	refused 1 'not the object that was measured'
	jq -es '.[3].kind == "deployment" and .[3].body.state == "refused" and
		.[3].parent == [.[2].id, .[0].id]' <<<"$output" >/dev/null
	# The short pipe leaves the whole story.
	is "$(sched-history log | jq -r .kind)" \
		$'deployment\nverdict\nverdict\npolicy'
	# … unless that is not wanted.
	rm -r h
	refused 1 'not the object' --no-history
	[ ! -e h ]
}

@test 'deploy: parameters are checked again' {
	{
		policy a '{"slice_us": 1}'
		verdict "$(policy a '{"slice_us": 1}' | doc_id)" accepted 1
	} >in
	refused 1 slice_us
}

@test 'deploy: only what is made of parameters' {
	local source
	source=$(doc policy '{"form": "source", "title": "t", "why": "w",
		"uses": [], "object": {"path": "/a.o", "sha256": "'"$(printf '%064d' 7)"'"}}')
	{
		echo "$source"
		verdict "$(doc_id <<<"$source")" accepted 1
	} >in
	refused 1 "of form 'source'"
}

@test 'deploy: the best one, or the one that is named' {
	local a b
	a=$(policy a | doc_id)
	b=$(policy b | doc_id)
	{
		policy a
		policy b
		verdict "$a" accepted 1 "$(printf '%064d' 1)"
		verdict "$b" accepted 2 "$(printf '%064d' 2)"
	} | signed >in
	refused 1 'not the object'
	is "$(tail -n 1 <<<"$output" | jq -r .body.policy)" "$b"
	refused 1 'not the object' --policy "${a:0:8}"
	is "$(tail -n 1 <<<"$output" | jq -r .body.policy)" "$a"
	refused 1 'no verdict about policy ffff' -p ffff
}

@test "deploy: a guest's figures do not vouch for the host" {
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 1
	} | signed >in
	exits 1 sched-deploy --target host <in
	has "$stderr" "measured on 'vm'"
}

@test 'deploy: a model to follow is for the host' {
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 1
	} | signed >in
	refused 1 '--model is for what is loaded on the host and held' --model m
	exits 2 sched-deploy --model
	exits 0 sched-deploy --help
	has "$output" '--model'
}

@test 'deploy: a bad line' {
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 1
		policy b | head -c 40
	} >in
	exits 3 sched-deploy --target vm --dry-run <in
	has "$stderr" 'line 3'
	lacks "$output" '"state"'
}

@test 'deploy: a history that cannot be written is said, no more' {
	echo letter >h
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 1 \
			"$(printf '%064d' 7)"
	} >in
	refused 1 'not everything was recorded'
}

@test 'deploy: a host without sched_ext' {
	[ ! -d /sys/kernel/sched_ext ] || skip 'this kernel has sched_ext'
	{
		policy a
		verdict "$(policy a | doc_id)" accepted 1 "" host \
			", \"configuration\": \"$(configuration)\"" |
			edited ".kernel = \"$(uname -r)\""
	} | signed >in
	exits 3 sched-deploy --target host <in
	has "$stderr" sched_ext
	exits 0 sched-deploy status
	is "$(jq -r .body.text <<<"$output")" 'this kernel has no sched_ext'
	is "$(jq -r .body.sched_ext.state <<<"$output")" absent
	exits 1 sched-deploy stop
	has "$stderr" 'nothing is deployed'
}

@test 'deploy: a record of a process that is gone, or is another' {
	mkdir run
	echo '{"pid": 999999999, "start": 5, "policy": "p"}' >run/deployment.json
	exits 1 sched-deploy stop
	echo "{\"pid\": $$, \"start\": $(cut -d ' ' -f 22 /proc/$$/stat)}" \
		>run/deployment.json
	exits 1 sched-deploy stop
	echo '{"pid": 1, "start": 0}' >run/deployment.json
	exits 1 sched-deploy stop
	echo 'no json' >run/deployment.json
	exits 1 sched-deploy stop
	lacks "$(sched-deploy status)" holder
}
