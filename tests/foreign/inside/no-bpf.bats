#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody may load BPF here: observation falls back to /proc and says so, and
# all that comes after goes on with that.

load inside

setup() {
	needs_foreign
}

refused() {
	root python3 "$TREE/tests/foreign/deny.py" bpf perf_event_open -- "$@"
}

@test "a user observes from /proc, in words" {
	exits 0 sched-observe --json -- "$BUILD/workloads/known" spin 600
	body profile '.source == "proc" and .exit_status == 0'
	body profile '.notes | any(test("no BPF"))'
	body profile '.groups[] | select(.name == "known") |
		.run_us > 300000 and .run_us < 900000'
}

@test "root whose bpf(2) is refused, too" {
	exits 0 refused sched-observe --json -- "$BUILD/workloads/known" spin 600
	body profile '.source == "proc" and .exit_status == 0'
	body profile '.notes | any(test("no BPF"))'
}

@test "root without a capability, too" {
	# It may then no more than others read what is not its own.
	chmod a+x "$HOME"
	cd / || return
	exits 0 root setpriv --bounding-set=-all --inh-caps=-all \
		"$BUILD/bin/sched-observe" --json -- sleep 0.3
	body profile '.source == "proc"'
	body profile '.notes | any(test("no BPF"))'
}

@test "what needs every event is refused, and says why" {
	exits 3 refused sched-observe --bursts bursts -- true
	has "$stderr" 'no bursts'
	has "$stderr" BPF
	[ ! -s bursts ]
}

@test "the doctor names it, and what to do" {
	run --separate-stderr sched-doctor --json
	is "$(field bpf status)" warn
	has "$(field bpf text)" '/proc'
	run --separate-stderr refused sched-doctor --json
	is "$(field bpf status)" warn
	has "$(field bpf text)" 'the kernel refuses'
	has "$(field bpf way_out)" 'system calls'
}

@test "the pipe goes on with what /proc told" {
	judged 1 spin 300
	lacks "$output" '"kind":"error"'
}

@test "a host's policy cannot be deployed, and nothing is half done" {
	policy
	run --separate-stderr sh -c 'sched-deploy --target host --json <policy.json'
	[ "$status" = 3 ] || [ "$status" = 1 ]
	[ -n "$stderr" ]
}

@test "a guest observes by BPF all the same" {
	exits 0 sched-observe --target vm --json -- \
		"$BUILD/workloads/known" spin 300
	body profile '.source == "bpf"'
}
