#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-observe --target vm: the same observer, inside a guest.

# shellcheck disable=SC2016,SC2154
load ../lib

KNOWN=$BUILD/workloads/known

setup() {
	needs_guest
	cd "$BATS_TEST_TMPDIR" || return
}

hashes() {
	jq -c '[.body.identities[] | select(.name == "known") | .hash]'
}

@test "a guest's profile: by BPF, the same identities, the caller's metric" {
	exits 0 sched-observe --target vm --cpus 2 -m 'n=re:^n (.*)' -- \
		sh -c '"$0" pingpong 200; echo "n 42"' "$KNOWN"
	jq -e '.body | .source == "bpf" and .target == "vm" and
		.exit_status == 0 and .metrics[0].value == 42 and
		.system.cpus == 2 and .system.sched_ext == "disabled" and
		(.groups | map(.name) | contains(["ping", "pong"]))' \
		<<<"$output"
	is "$(wc -l <<<"$output")" 1
	if [ "$(id -u)" = 0 ]; then
		is "$(hashes <<<"$output")" "$(sched-observe -- \
			sh -c '"$0" pingpong 200; echo "n 42"' "$KNOWN" \
			2>/dev/null | hashes)"
	fi
}

@test "a command that the guest cannot start: status 3" {
	exits 3 sched-observe --target vm --cpus 2 -- ./no-such-program
	has "$stderr" no-such-program
}
