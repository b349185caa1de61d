#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# All of it, tests and guests too, has one CPU.

load inside

setup() {
	needs_foreign
	[ "$(nproc)" = 1 ] || skip 'there are more CPUs'
}

@test "observing, planning, judging" {
	judged 2 pingpong 500
}

@test "root observes the machine by BPF, and a command here from /proc" {
	exits 0 root sched-observe --json -d 1 -a
	body profile '.source == "bpf" and (.groups | length > 0)'
	exits 0 root sched-observe --json -- "$BUILD/workloads/known" spin 600
	body profile '.source == "proc"'
	body profile '.notes | any(test("container"))'
	body profile '.groups[] | select(.name == "known") |
		.run_us > 300000 and .run_us < 900000'
}

@test "a guest has one CPU, or two if asked for, and a policy in each" {
	policy
	exits 0 sched-guest -q -- nproc
	is "$output" 1
	exits 0 sched-guest -q -c 2 -- nproc
	is "$output" 2
	exits 0 sched-guest -q -p policy.json -r rep -- \
		"$BUILD/workloads/known" pingpong 200
	is "$(jq -r .outcome rep)" done
	exits 0 sched-guest -q -c 2 -p policy.json -r rep -- \
		"$BUILD/workloads/known" pingpong 200
	is "$(jq -r .outcome rep)" done
}

@test "a machine with one CPU: observed in there" {
	exits 0 sched-guest -q -c 1 -- "$BUILD/bin/sched-observe" --json -- \
		"$BUILD/workloads/known" spin 300
	body profile '.system.cpus == 1'
}

@test "the unit tests" {
	run env -u BUILD make -C "$TREE" check-unit
	tail -n 20 <<<"$output"
	is "$status" 0
}
