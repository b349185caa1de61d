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

@test "a guest's bursts go to the end of the caller's file" {
	needs python3
	local records first
	exits 0 sched-observe --target vm --cpus 2 --bursts f -- \
		"$KNOWN" sleeps 50 1
	records=$(jq .body.bursts.records <<<"$output")
	[ "$records" -ge 50 ]
	is "$(jq -c '.body.bursts | [.path, .left_out]' <<<"$output")" \
		"[\"$PWD/f\",0]"
	is "$(jq -r .body.bursts.sha256 <<<"$output")" \
		"$(sha256sum f | cut -d ' ' -f 1)"
	is "$(python3 "$TREE/tests/cli/bursts.py" f | wc -l)" "$records"
	first=$(python3 "$TREE/tests/cli/bursts.py" f | md5sum)
	exits 0 sched-observe --target vm --cpus 2 --bursts f -- \
		"$KNOWN" sleeps 50 1
	is "$(python3 "$TREE/tests/cli/bursts.py" f | head -n "$records" |
		md5sum)" "$first"
	is "$(python3 "$TREE/tests/cli/bursts.py" f | wc -l)" \
		$((records + $(jq .body.bursts.records <<<"$output")))
	# Nothing is changed that is no file of bursts.
	echo mine >g
	exits 3 sched-observe --target vm --cpus 2 --bursts g -- true
	is "$(cat g)" mine
}
