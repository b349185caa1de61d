#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Without /dev/kvm guests are emulated, at once and with a word about it.

load inside

setup() {
	needs_foreign
	[ ! -e /dev/kvm ] || skip 'there is KVM'
}

@test "a guest is emulated, and says why" {
	exits 0 sched-guest -q --probe
	is "$(jq -r .accelerator <<<"$output")" tcg
	has "$(jq -r .accelerator_why <<<"$output")" /dev/kvm
}

@test "root's, too" {
	exits 0 root sched-guest -q --probe
	is "$(jq -r .accelerator <<<"$output")" tcg
	has "$(jq -r .accelerator_why <<<"$output")" /dev/kvm
}

@test "the doctor is ready, and tells what would be faster" {
	exits 0 sched-doctor --json
	is "$(field kvm status)" warn
	has "$(field kvm text)" 'software emulation'
	[ -n "$(field kvm way_out)" ]
}

@test "a policy runs in it" {
	policy
	exits 0 sched-guest -q -p policy.json -r rep -- \
		"$BUILD/workloads/known" spin 100
	is "$(jq -r .outcome rep)" done
}
