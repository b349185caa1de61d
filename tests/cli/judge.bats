#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-sim on recorded bursts: as a workload, and to judge a model.

# shellcheck disable=SC2154
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

make_bursts() {
	python3 "$TREE/tests/cli/bursts_make.py" "$@"
}

# Eight tasks on two CPUs, and what is to be learned of them.
crowd() {
	make_bursts crowd 200 >day.bursts
	sched-train -o day.model day.bursts >/dev/null
}

# said FILTER: true of the judgement in $output.
said() {
	jq -e ".body.judgement | $1" <<<"$output" >/dev/null && return
	printf 'not so: %s\n' "$1"
	jq -c '.body.judgement.arms[] | del(.groups)' <<<"$output"
	return 1
}

@test "a recording of bursts is a workload" {
	make_bursts crowd 100 >day.bursts
	exits 0 sched-sim run --json template day.bursts
	jq -e '.body.simulation | .outcome == "done" and
		.machine.cpus == 2 and .units[0].count == 800 and
		.groups[0].tasks == 8 and
		.units[0].slowdown.p50 >= 1 and .costs.fork_ns == 0 and
		(.notes | any(test("of 792 sleeps 0 end")))' <<<"$output"
	# Not from a pipe: it is read where it is.
	exits 3 sched-sim run template - <day.bursts
	has "$stderr" 'not from a pipe'
	exits 0 sched-sim export day.bursts
}

@test "usage of judge" {
	crowd
	exits 0 sched-sim judge --help
	has "$output" 'usage: sched-sim judge'
	exits 2 sched-sim judge day.bursts
	exits 2 sched-sim judge --model day.model
	exits 2 sched-sim judge --model day.model day.bursts day.bursts
	exits 2 sched-sim judge --model day.model --holdout 0 day.bursts
	exits 3 sched-sim judge --model day.model -p order=fifo day.bursts
	has "$stderr" 'the order is what is compared'
	exits 3 sched-sim judge --model day.model -p slice_us=1 day.bursts
	has "$stderr" 'params.slice_us'
}

@test "a model that knows goes most of the way to the oracle" {
	crowd
	exits 0 sched-sim judge --json --model day.model day.bursts
	said '.beats and .way_slowdown_pct > 40 and .way_response_pct > 80'
	said '[.arms[].name] == ["EEVDF", "vruntime", "average", "model",
		"oracle"]'
	said '.arms | map(.bursts) | unique == [.[0]] and .[0] > 300 and
		.[0] < 700'
	# The oracle is right, and both are followed.
	said '.arms[4] | .error < 0.1 and .average_error > 1'
	said '.arms[3:] | all(.followed > 1000)'
	said '.arms[3].slowdown < .arms[2].slowdown'
	said '.arms[:3] | all(has("followed") | not)'
	jq -e '.kind == "note" and (.time | startswith("1970"))' <<<"$output"
}

@test "turns that are foretold are for who foretells" {
	crowd
	exits 0 sched-sim judge --json --model day.model -p preempt=key \
		-p slice=predicted day.bursts
	said '.way_slowdown_pct > 90 and
		.arms[3].slowdown < .arms[2].slowdown / 1.5'
}

@test "the same recording is judged the same, for people too" {
	crowd
	sched-sim judge --json --model day.model day.bursts >one
	sched-sim judge --json --model day.model day.bursts >two
	cmp one two
	run script -qec 'sched-sim judge --model day.model day.bursts' /dev/null
	is "$status" 0
	has "$output" 'oracle'
	has "$output" 'of the way to who knows their lengths'
}

@test "all of the time counts if one wants" {
	crowd
	exits 0 sched-sim judge --json --model day.model --holdout 100 \
		day.bursts
	said '.arms | all(.bursts == 1600)'
}

@test "a model that is no better than the average says no" {
	crowd
	# Alone on its CPUs a task is served at once, whatever is foretold.
	make_bursts alternating 600 >alone.bursts
	exits 1 sched-sim judge --json --model day.model alone.bursts
	said '.beats == false and (has("way_slowdown_pct") | not)'
}

@test "what cannot be judged is named" {
	crowd
	echo hello >text
	exits 3 sched-sim judge --model text day.bursts
	has "$stderr" "'text'"
	exits 3 sched-sim judge --model day.model text
	has "$stderr" 'not a file of sched-observe --bursts'
	exits 3 sched-sim judge --model day.model none
	has "$stderr" 'none'
	head -c 64 day.bursts >empty
	exits 3 sched-sim judge --model day.model empty
	has "$stderr" 'no burst in it'
	# Its one block is torn; what is torn behind it is left out, and said so.
	head -c -1000 day.bursts >torn
	exits 3 sched-sim run --json -a eevdf torn
	has "$stderr" 'no burst in it'
	exits 3 sched-sim judge --model day.model torn
	has "$stderr" 'no burst in it'
	printf x >>day.bursts
	exits 0 sched-sim judge --json --model day.model day.bursts
	said '.assumed | any(test("1 bytes at its end"))'
}

@test "what sched-observe records can be judged" {
	needs_root
	[ -r /sys/kernel/btf/vmlinux ] || skip 'needs BTF'
	cat >work <<-'EOF'
		#!/bin/bash
		for i in 1 2 3 4 5 6; do
			for k in 1 2 3 4 5 6 7 8 9 10; do
				(i=0; while ((i < k * 500)); do ((i++)); done)
				sleep 0.002
			done &
		done
		wait
	EOF
	chmod +x work
	exits 0 sched-observe --json --bursts real.bursts -- ./work
	recorded=$(jq .body.bursts.records <<<"$output")
	[ "$recorded" -gt 100 ]
	exits 0 sched-sim run --json -a eevdf real.bursts
	jq -e --argjson n "$recorded" '.body.simulation |
		.outcome == "done" and .unfinished == 0 and
		([.units[].count] | add) == $n and
		(.notes | any(test("end when another task comes")))' \
		<<<"$output"
	crowd
	run -0 --separate-stderr bash -c \
		'sched-sim judge --json --model day.model real.bursts || [ $? = 1 ]'
	said '.arms | length == 5 and all(.bursts > 20)'
}
