#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The home cannot be written: what is in it is used, what would be written there
# is missed in words, and goes elsewhere when that is said.

load inside

setup() {
	needs_foreign
	unset XDG_STATE_HOME XDG_CONFIG_HOME
	! touch "$HOME/mark" 2>/dev/null || skip 'the home can be written'
}

@test "make deps: all is there, and nothing is to be written" {
	exits 0 env -u BUILD make -C "$TREE" deps
	exits 0 "$BUILD/libexec/schedkit/fetch-guest"
	is "$stderr" ''
}

@test "what is not there cannot be kept: where, and what to do" {
	exits 3 "$BUILD/libexec/schedkit/fetch-guest" 6.17
	has "$stderr" "$HOME/.cache/schedkit"
	has "$stderr" XDG_CACHE_HOME
}

@test "a guest boots from the cache" {
	exits 0 sched-guest -q -- echo there
	is "$output" there
}

@test "a stream that cannot be recorded goes on" {
	exits 0 sched-observe --json -- true
	printf '%s\n' "$output" >stream
	exits 3 sched-history add --json <stream
	has "$output" "$(cat stream)"
	has "$output" '"kind":"error"'
	has "$stderr" "$HOME/.local"
	has "$stderr" 'Read-only'
}

@test "elsewhere it is recorded" {
	exits 0 sched-observe --json -- true
	printf '%s\n' "$output" >stream
	export XDG_STATE_HOME=$PWD/state
	exits 0 sched-history add --json <stream
	is "$(sched-history log --json)" "$(cat stream)"
}

@test "no key can be made: where" {
	exits 3 sched-verify --new-key mine
	has "$stderr" "$HOME/.config"
	has "$stderr" 'Read-only'
	XDG_CONFIG_HOME=$PWD/config exits 0 sched-verify --new-key mine
}

@test "candidates are developed and judged without a runtime of one's own" {
	judged 2 spin 300
}

@test "the daemon has nowhere to be, and says where" {
	exits 3 sched-agents start
	has "$stderr" "$HOME/.local"
	has "$stderr" 'Read-only'
}

@test "the prompt works, and forgets" {
	run script -qec 'sched' /dev/null <<<'help'
	is "$status" 0
	has "$output" 'are not kept'
	has "$output" observe
}

@test "the loop measures; that nothing is kept is said first or in the end" {
	run --separate-stderr sched-loop --target vm --cpus 1 --rounds 1 \
		--pairs 5 --json -- true
	is "$status" 3
	has "$stderr" 'Read-only'
}
