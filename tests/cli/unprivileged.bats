#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The simulator and what stands on it need no privilege.

load ../lib

setup() {
	needs_open_tree
	cd "$BATS_TEST_TMPDIR" || return
}

as_nobody() {
	XDG_STATE_HOME=/nonexistent setpriv --reuid=65534 --regid=65534 \
		--clear-groups --bounding-set=-all --inh-caps=-all \
		--no-new-privs -- "$@"
}

# unprivileged STATUS COMMAND...
unprivileged() {
	local want=$1
	shift
	exits "$want" as_nobody "$@"
}

@test "it is an ordinary user without capabilities" {
	unprivileged 0 grep -E '^(Uid|CapPrm|CapEff|CapBnd):' /proc/self/status
	is "$(tr -s '\t' ' ' <<<"$output" | cut -d ' ' -f 2 | sort -u |
		tr '\n' ' ')" '0000000000000000 65534 '
}

@test "without privilege: exec, run, export" {
	is "$(echo b7000000070000009500000000000000 | as_nobody sched-sim exec)" \
		7
	unprivileged 0 sched-sim run --json "$BUILD/policies/good/dice.bpf.o" \
		hostile:one_cpu
	has "$output" '"outcome":"done"'
	unprivileged 0 sched-sim export "$TREE/tests/bench/requests.profile"
	has "$output" '"tasks"'
}

@test "without privilege: prove and sim" {
	unprivileged 1 sched-verify --json --stages lint,build,prove,sim \
		--object "$BUILD/policies/good/dice.bpf.o" </dev/null
	is "$(jq -r 'select(.kind == "verdict").body.stages[] |
		select(.status == "passed").name' <<<"$output" |
		tr '\n' ' ')" 'lint build prove sim '
}

@test "without privilege: the search" {
	unprivileged 0 sched-synth --json --runs 8 -n 1 \
		<"$TREE/tests/bench/requests.profile"
	is "$(jq -r 'select(.kind == "plan").body.predictions |
		length' <<<"$output")" 1
}
