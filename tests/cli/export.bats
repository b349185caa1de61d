#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Workloads that go round: a trace of every event, sched-sim export, rt-app.

# shellcheck disable=SC2016,SC2094,SC2154
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# export WORKLOAD: rt-app's JSON in $output.
export_json() {
	run --separate-stderr sched-sim export "$1"
	is "$status" 0
	jq -e '.tasks | length > 0' <<<"$output" >/dev/null
}

@test "a trace has every event, and is named in the profile" {
	needs_root
	sched-observe --json --trace trace -- \
		sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done; \
			sleep 0.05; /bin/true' >profile 2>/dev/null
	is "$(jq -r .body.source profile)" bpf
	is "$(jq -r .body.trace.sha256 profile)" \
		"$(sha256sum trace | cut -d ' ' -f 1)"
	is "$(jq .body.trace.drops profile)" 0
	is "$(stat -c %s trace)" \
		$((64 + 32 * (1 + $(jq .body.trace.events profile))))
	# The same CPU time, and no less wall time, in the simulator.
	sched-sim run --json eevdf trace >run
	is "$(jq -s '(.[0].body.groups | map(.run_us) | add) as $seen |
		(.[1].body.simulation.groups | map(.run_s * 1e6) | add) as $had |
		$had / $seen > 0.9 and $had / $seen < 1.2 + 2000 / $seen and
		.[1].body.simulation.end_s > 0.05' profile run)" true
}

@test "a trace that is cut off is good up to there" {
	needs_root
	sched-observe --json --trace trace -- sleep 0.05 >/dev/null 2>&1
	head -c -48 trace >part
	run --separate-stderr sched-sim run --json eevdf part
	is "$status" 0
	is "$(jq -r '.body.simulation.notes[]' <<<"$output" | grep -c 'cut off')" 1
}

@test "without BPF, or a file to write to, there is no trace" {
	needs_open_tree
	run sched-observe --trace /nowhere/trace -- true
	is "$status" 3
	[[ $output = *"cannot write the trace '/nowhere/trace'"* ]]
	run setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		sched-observe --trace trace -- true
	is "$status" 3
	[[ $output = *'no trace: BPF is not allowed'* ]]
	[ ! -e trace ]
}

@test "rt-app's JSON goes out as it came" {
	cat >in.json <<-'E'
	{"tasks":{"a":{"instance":2,"loop":3,"phases":{"p":{"loop":2,
	"run":500,"sleep":700},"q":{"runtime":300,"timer":{"ref":"unique",
	"period":5000}}}}},"global":{"duration":1}}
	E
	export_json in.json
	is "$stderr" ''
	is "$(jq -c '[.tasks.a | .instance, .loop, (.phases[] | to_entries[] |
		[.key, .value])]' <<<"$output")" \
		'[2,3,["loop",2],["run0",500],["sleep1",700],["loop",1],["runtime2",300],["timer3",{"ref":"unique","period":5000}]]'
	printf '%s\n' "$output" >out.json
	sched-sim run --json eevdf in.json | jq -c .body.simulation.busy_s >before
	sched-sim run --json eevdf out.json | jq -c .body.simulation.busy_s >after
	cmp before after
}

@test "what is no workload is named" {
	echo '{"tasks":{"a":{"iorun":5}}}' >in.json
	run sched-sim export in.json
	is "$status" 3
	[[ $output = *"'iorun'"* ]]
	echo '{}' >in.json
	run sched-sim export in.json
	is "$status" 3
	[[ $output = *'neither a profile'* ]]
}

@test "rt-app runs what is exported" {
	needs rt-app
	needs_plain_build
	export_json "$TREE/tests/fuzz/corpus/trace/profile-longtail"
	jq '.global += {"duration": 1, "calibration": 100} |
		(.tasks[].phases[] |= with_entries(
			if .key | startswith("run")
			then .value |= (. / 100 | floor) else . end))' <<<"$output" >short.json
	run timeout -k 1 20 rt-app short.json
	is "$status" 0
}
