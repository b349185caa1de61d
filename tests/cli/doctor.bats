#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-doctor against this machine, and against machines that lack something.

load ../lib
load ../doctor

@test 'doctor: a table for people, also in a pipe' {
	run --separate-stderr sched-doctor
	[ "$status" = 0 ] || [ "$status" = 3 ]
	has "$output" 'policy object'
	has "$output" ready
	is "$stderr" ''
}

@test 'doctor: a note that says the same as the exit status' {
	run --separate-stderr sched-doctor --json
	is "$(jq -r .kind <<<"$output")" note
	is "$(jq -r .body.ready <<<"$output")" \
		"$([ "$status" = 0 ] && echo true || echo false)"
	jq -e '.body.checks | length > 10 and all(.[];
		(.status | IN("ok", "warn", "missing")) and (.text | length > 0)
		and (.status == "ok" or (.way_out | length > 0)))' \
		<<<"$output"
}

@test 'doctor: what is there agrees with the machine' {
	run --separate-stderr sched-doctor --json
	has "$(field machine text)" "$(getconf _NPROCESSORS_ONLN) CPUs"
	has "$(field git text)" "$(git --version)"
	if [ -r /sys/kernel/btf/vmlinux ]; then
		is "$(field btf status)" ok
	else
		is "$(field btf status)" warn
	fi
	if [ -d /sys/kernel/sched_ext ]; then
		lacks "$(field sched_ext text)" 'without sched_ext'
	else
		has "$(field sched_ext text)" 'without sched_ext'
	fi
}

@test 'doctor: an empty cache and no QEMU is not ready, and says how' {
	[ ! -x /usr/bin/qemu-system-x86_64 ] || skip 'QEMU is installed'
	[ ! -d /sys/kernel/sched_ext ] || skip 'this kernel has sched_ext'
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR exits 3 sched-doctor --json
	is "$(field qemu status)" missing
	is "$(field 'guest kernels' status)" missing
	has "$(field qemu way_out)" 'make deps'
	has "$(jq -r .body.text <<<"$output")" 'not ready'
}

@test 'doctor: a missing policy object is not ready' {
	copy_tree
	rm "$BATS_TEST_TMPDIR/tree/lib/schedkit/policy.bpf.o"
	exits 3 sched-doctor --json
	is "$(field 'policy object' status)" missing
}

@test 'doctor: policies without a model need no object that follows one' {
	copy_tree
	rm "$BATS_TEST_TMPDIR/tree/lib/schedkit/learned.bpf.o"
	run --separate-stderr sched-doctor --json
	is "$(field 'learned object' status)" missing
	is "$(field 'policy object' status)" ok
	lacks "$(jq -r .body.text <<<"$output")" 'object is missing'
}

@test 'doctor: a missing fetch-guest is said, not passed over' {
	copy_tree
	rm "$BATS_TEST_TMPDIR/tree/libexec/schedkit/fetch-guest"
	run --separate-stderr sched-doctor --json
	is "$(field fetch-guest status)" missing
}

@test 'doctor: without privilege BPF is a warning with a way out' {
	needs_root
	needs setpriv
	run --separate-stderr setpriv --bounding-set=-all --inh-caps=-all \
		--ambient-caps=-all --reuid=0 "$BUILD/bin/sched-doctor" --json
	is "$(field bpf status)" warn
	has "$(field bpf text)" CAP_BPF
	has "$(field bpf way_out)" root
}

@test 'doctor: the model that SCHED_LLM names, without its key' {
	needs_landlock
	SCHED_LLM=http://127.0.0.1:9/v1#mine SCHED_LLM_KEY=sk-12345678 \
		run --separate-stderr sched-doctor --json
	is "$(field model status)" ok
	has "$(field model text)" mine
	lacks "$output" 12345678
	SCHED_LLM=http://example.org/v1 run --separate-stderr \
		sched-doctor --json
	is "$(field model status)" warn
	has "$(field model text)" https
	unset SCHED_LLM
	run --separate-stderr sched-doctor --json
	has "$(field model text)" 'not set'
}

@test 'doctor: takes no operands' {
	exits 2 sched-doctor now
}

@test 'doctor: settings of the runtime that are none are named' {
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR
	mkdir "$BATS_TEST_TMPDIR/schedkit"
	echo '{"policy":"sometimes"}' >"$BATS_TEST_TMPDIR/schedkit/runtime.json"
	run --separate-stderr sched-doctor --json
	is "$(field runtime status)" warn
	has "$(field runtime text)" "$BATS_TEST_TMPDIR/schedkit/runtime.json"
	has "$(field runtime text)" sometimes
	echo '{"policy":"mlfq"}' >"$BATS_TEST_TMPDIR/schedkit/runtime.json"
	run --separate-stderr sched-doctor --json
	is "$(field runtime status)" ok
	has "$(field runtime text)" mlfq
}
