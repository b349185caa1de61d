#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policies without an object of ours, knobs and external schedulers, as far as
# they get without a kernel.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# policy FORM KEY VALUE [USES]
policy() {
	doc policy "{\"form\": \"$1\", \"title\": \"t\", \"why\": \"w\",
		\"$2\": $3, \"uses\": ${4:-[]}}"
}

knobs() {
	policy knobs knobs "$@"
}

# external PROGRAM FLAG...
external() {
	local program=$1
	shift
	policy external external "$(jq -cn --arg program "$program" \
		'{$program, flags: $ARGS.positional}' --args -- "$@")"
}

stages() {
	jq -r '[.stages[].status] | join(" ")' <<<"$body"
}

# found STAGE: what it says last.
found() {
	jq -r --arg name "$1" '.stages[] | select(.name == $name) |
		.findings[-1].text' <<<"$body"
}

unproved=lint,build,prove,sim

@test 'forms: knobs need no code, and are simulated' {
	{
		cat "$TREE/tests/bench/requests.profile"
		knobs '[{"match": "*", "policy": "batch", "slice_us": 20000}]'
	} >in
	judge 1 --stages $unproved <in
	is "$(stages)" 'passed passed passed passed skipped skipped'
	has "$(found build)" 'no code'
	has "$(found prove)" 'no code'
	so '.decision == "inconclusive" and (has("object_sha256") | not)'
	so '.simulation.metrics | map(select(.name == "request_rate"))[0] |
		.baseline > 0 and .candidate > 0 and .ratio != 1'
	so '.simulation.callbacks == []'
}

@test 'forms: a rule for a name is a declared intent' {
	knobs '[{"match": "cc1*", "nice": 5}]' >in
	judge 1 --stages $unproved <in
	so '.decision == "rejected"'
	has "$(found lint)" "'declared_intent' is missing"
	knobs '[{"match": "*", "identity": "00000000000000ab", "nice": 5}]' \
		'["declared_intent"]' >in
	judge 1 --stages lint <in
	has "$(found lint)" "'learned_identity' is missing"
	knobs '[{"match": "cc1*", "nice": 5}]' '["declared_intent"]' >in
	judge 1 --stages $unproved <in
	is "$(stages)" 'passed passed passed passed skipped skipped'
}

@test 'forms: bad knobs are named' {

	knobs '[{"match": "*", "nice": 20}]' >in
	judge 1 --stages lint <in
	is "$(found lint)" 'knobs.0.nice: 20 is above 19'
	knobs '[{"match": "*", "slice_us": 50}]' >in
	judge 1 --stages lint <in
	is "$(found lint)" 'knobs.0.slice_us: 50 is below 100'
	knobs '[{"match": "*"}]' >in
	judge 1 --stages lint <in
	is "$(found lint)" "knobs.0: the rule '*' sets nothing"
	doc policy '{"form": "knobs", "title": "t", "why": "w", "uses": []}' >in
	judge 1 --stages lint <in
	has "$(found lint)" 'needs a list of rules'
	{
		cat "$TREE/tests/bench/requests.profile"
		knobs '[{"match": "*", "cpus": "0-511"}]'
	} >in
	judge 1 --stages lint <in
	has "$(found lint)" 'knobs.0.cpus: CPU 511 is not among'
}

@test 'forms: what the model lacks is unknown, not passed' {
	knobs '[{"match": "*", "cpu_max_pct": 50}]' >in
	judge 1 --stages $unproved <in
	is "$(stages)" 'passed passed passed unknown skipped skipped'
	has "$(found sim)" 'cpu_max_pct'
}

@test 'forms: on one CPU of four the workload is foretold to be slow' {
	{
		cat "$TREE/tests/bench/requests.profile"
		knobs '[{"match": "*", "cpus": "0"}]'
	} >in
	judge 1 --stages $unproved <in
	so '.simulation.metrics | map(select(.name == "request_rate"))[0] |
		.ratio < 0.5'
}

@test 'forms: sched-sim runs knobs beside the plain scheduler' {
	knobs '[{"match": "*", "cpus": "0"}]' >in
	exits 0 sched-sim run --json -m 4 in hostile:weights
	jq -e '.body.compared | map(select(.name == "nice-0_cpus"))[0].ratio |
		. > 0.2 and . < 0.3' <<<"$output"
	external scx_none >in
	exits 3 sched-sim run --json in hostile:weights
	has "$stderr" 'cannot be simulated'
}

@test 'forms: an external scheduler has to be installed' {
	external scx_no_such_thing >in
	judge 1 --stages $unproved <in
	so '.decision == "rejected"'
	has "$(found lint)" "'scx_no_such_thing' is not installed"
}

@test 'forms: only plain names and safe flags' {
	external /usr/bin/scx_a >in
	judge 1 --stages lint <in
	has "$(found lint)" "'/usr/bin/scx_a' is not the plain name"
	external sh -c id >in
	judge 1 --stages lint <in
	has "$(found lint)" "'sh' is not the plain name"
	external scx_a -o /etc/shadow >in
	judge 1 --stages lint <in
	has "$(found lint)" "external.flags.1: '/etc/shadow' is not of the"
}

@test 'forms: flags are those of its --help' {
	needs_root
	PATH=$BUILD/external:$PATH
	external scx_testfifo --slice-us 5000 -v >in
	judge 1 --stages $unproved <in
	is "$(stages)" 'passed unknown unknown unknown skipped skipped'
	so '.decision == "inconclusive"'
	is "$(jq -r .object_sha256 <<<"$body")" \
		"$(sha256sum "$BUILD/external/scx_testfifo" | cut -c -64)"
	has "$(found prove)" 'cannot be proved'
	external scx_testfifo --slice-ms 5 >in
	judge 1 --stages $unproved <in
	has "$(found lint)" "external.flags.0: the program's --help knows no '--slice-ms'"
	external scx_testfifo -v 5 >in
	judge 1 --stages $unproved <in
	has "$(found lint)" "'-v' takes no value"
	# Also where nobody asked for it: nothing unseen is ever started.
	external scx_testfifo --nonsense >in
	judge 1 --stages build <in
	so '.decision == "rejected"'
}

@test 'forms: a program that others can write is refused' {
	needs_root
	install -m 757 "$BUILD/external/scx_testfifo" scx_open
	external scx_open >in
	PATH=$PWD:$PATH judge 1 --stages lint <in
	has "$(found lint)" "not root's alone"
}

@test 'forms: a program that never says its flags is not waited for' {
	needs_root
	printf '#!/bin/sh\nsleep 60\n' >scx_slow
	chmod 755 scx_slow
	external scx_slow >in
	PATH=$PWD:$PATH judge 1 --stages lint <in
	has "$(found lint)" 'did not end within'
}

@test 'forms: people see what a policy sets' {
	knobs '[{"match": "*", "nice": 5, "cpus": "0-1"}]' >in
	exits 1 script -qec "sched-verify --stages lint <in" /dev/null
	has "$output" 'all: nice 5, CPUs 0-1'
}

# ---- on this very kernel ----------------------------------------------

# profile METRIC SCRIPT: the shell script prints METRIC: NUMBER.
profile() {
	local command
	command=$(jq -cn '$ARGS.positional' --args -- bash -c "$2")
	doc profile "{\"scope\": \"command\", \"goal\": \"throughput\",
		\"source\": \"proc\", \"target\": \"host\", \"duration_us\": 1,
		\"workload\": {\"name\": \"w\", \"command\": $command,
			\"metrics\": [{\"name\": \"$1\", \"unit\": \"1\",
			\"better\": \"higher\", \"regex\": \"$1: ([0-9]+)\"}]},
		\"system\": {\"cpus\": 1, \"kernel\": \"6\"}, \"groups\": [],
		\"overhead\": {\"drops\": 0}}"
}

# measured BASELINE CANDIDATE [ARGUMENT...]: of the documents in `in`.
measured() {
	local base=$1 cand=$2
	shift 2
	judge 1 -t host --screen 0 --pairs 1 --no-confirm \
		--stages kernel,run "$@" <in
	so ".metrics[0].baseline == $base and .metrics[0].candidate == $cand"
}

# nice + 100 policy + 1000 CPUs
what='read -r -a s </proc/self/stat
	echo v: $((s[18] + 100 * s[40] + 1000 * $(nproc)))'

@test 'forms: knobs are set on this kernel, and not on the baseline' {
	local plain
	plain=$(bash -c "$what")
	{
		profile v "$what"
		knobs '[{"match": "*", "nice": 7, "policy": "batch",
			"cpus": "0"}]'
	} >in
	measured "${plain#*: }" 1307
	is "$(jq -r .target <<<"$body")" host
	has "$(found kernel)" 'its knobs can be set'
}

@test 'forms: the first rule that matches a name follows it' {
	{
		profile v "cp \"\$(command -v bash)\" $PWD/later
			$PWD/later -c 'sleep 0.5; $what'; rm $PWD/later"
		knobs '[{"match": "late*", "nice": 4},
			{"match": "*", "policy": "idle", "nice": 9}]' \
			'["declared_intent"]'
	} >in
	judge 1 -t host --screen 0 --pairs 1 --no-confirm \
		--stages kernel,run <in
	so '.metrics[0].candidate % 1000 == 4'
}

@test 'forms: what knobs cannot set is said, and nothing is measured' {
	{
		profile v "$what"
		knobs '[{"match": "*", "cpus": "511"}]'
	} >in
	judge 1 -t host --screen 0 --pairs 1 --stages kernel,run <in
	so '.decision == "rejected"'
	has "$(found kernel)" 'the policy did not apply: cannot set the CPUs'
}

@test 'forms: nothing outlives a run with knobs' {
	local pid
	{
		profile v "setsid sleep 60 >/dev/null 2>&1 &
			sleep 0.1; echo \$! >>$PWD/left.\$(nice); $what"
		knobs '[{"match": "*", "nice": 11}]'
	} >in
	judge 1 -t host --screen 0 --pairs 1 --no-confirm \
		--stages kernel,run <in
	so '.metrics[0].pairs == 1'
	[ -s left.11 ]
	while read -r pid; do
		kill -0 "$pid" 2>/dev/null && return 1
	done <left.11
	# Those of the baseline are there: nobody followed them.
	rm left.11
	cat left.* | while read -r pid; do
		kill "$pid"
	done
}
