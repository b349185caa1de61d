#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/foreign/run does without making a machine.

load ../lib

@test 'foreign: no such case' {
	exits 2 "$TREE/tests/foreign/run" moon
	has "$stderr" "no case 'moon'"
	exits 2 env CASES='no-kvm moon' "$TREE/tests/foreign/run"
	has "$stderr" "no case 'moon'"
}

@test 'foreign: an ordinary user is told what is missing, and nothing fails' {
	needs_open_tree
	exits 0 setpriv --reuid=65534 --regid=65534 --clear-groups \
		env FOREIGN_DIR="$BATS_TEST_TMPDIR" "$TREE/tests/foreign/run" no-kvm
	is "$output" '1..0 # skip needs root'
}

@test 'foreign: what looks around there is skipped here' {
	[ ! -e /mnt/schedkit.bundle ] || skip 'this is such a machine'
	exits 0 bats --tap "$TREE/tests/foreign/inside/small-guest.bats"
	lacks "$output" 'not ok'
	has "$output" 'skip needs a foreign machine'
}

@test 'foreign: a system call that is refused is refused' {
	local deny=$TREE/tests/foreign/deny.py
	exits 0 python3 "$deny" uname bpf -- true
	exits 1 python3 "$deny" uname -- uname
	exits 1 python3 "$deny" no_such_call -- true
	has "$stderr" no_such_call
}
