#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything was fetched; now there is no network, not even to itself.

load inside

setup() {
	needs_foreign
	[ "$(awk 'NR > 2' /proc/net/dev | grep -cv ' lo:')" = 0 ] &&
		[ "$(tail -n +2 /proc/net/route | wc -l)" = 0 ] ||
		skip 'there is a network'
}

@test "make deps asks for nothing" {
	exits 0 timeout 60 env -u BUILD make -C "$TREE" deps
	lacks "$output$stderr" 'cannot'
}

@test "what was never fetched is said in words, soon" {
	exits 3 timeout 120 "$BUILD/libexec/schedkit/fetch-guest" 6.17
	has "$stderr" 'cannot fetch guest kernel 6.17'
	has "$stderr" 'Failed to fetch'
	exits 3 timeout 120 sched-guest -q -k 6.17 -- true
	has "$stderr" 'cannot fetch guest kernel 6.17'
}

@test "a model that cannot be reached: later, and the endpoint's name" {
	exits 0 sched-observe --json -- true
	printf '%s\n' "$output" >profile
	exits 4 timeout 300 env SCHED_LLM=http://127.0.0.1:9/v1#mine \
		sched-synth --json -n 1 <profile
	has "$stderr" 127.0.0.1
	# The stream goes on.
	body profile '.exit_status == 0'
}

@test "the doctor is ready" {
	exits 0 sched-doctor --json
}

@test "make demo" {
	run --separate-stderr env -u BUILD -u XDG_STATE_HOME -u XDG_CONFIG_HOME \
		make -C "$TREE" demo
	printf '%s\n' "$output" "$stderr"
	is "$status" 0
	has "$output" "the kernel's own scheduler (EEVDF) against"
}
