#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# User namespaces are forbidden, as they are for whoever lives in a chroot: no
# guest for a user, and everything else.

load inside

setup() {
	needs_foreign
}

# The tree at another place, and there as its root.
shut() {
	sudo -n unshare --mount --propagation private sh -c '
		mount --rbind / /media
		exec chroot /media setpriv --reuid=stranger --regid=stranger \
			--init-groups env -C "$0" "$@"' "$PWD" \
		PATH="$PATH" HOME="$HOME" XDG_STATE_HOME="$XDG_STATE_HOME" \
		XDG_CONFIG_HOME="$XDG_CONFIG_HOME" "$@"
}

@test "it is so" {
	exits 1 shut unshare --user true
}

@test "a guest cannot be had, and the way to one" {
	exits 3 shut sched-guest -q -- true
	has "$stderr" 'user namespaces'
	has "$stderr" root
}

@test "a measurement says so in its verdict, and loses nothing" {
	exits 0 sh -c "sched-observe --json -- '$BUILD/workloads/known' spin 300 |
		sched-synth --json --runs 8 -n 1"
	printf '%s\n' "$output" >stream
	run --separate-stderr shut sched-verify --json --target vm <stream
	is "$status" 3
	has "$output$stderr" namespaces
	is "$(head -n "$(wc -l <stream)" <<<"$output")" "$(cat stream)"
}

@test "the doctor is not ready, and says what to allow" {
	exits 3 shut sched-doctor --json
	is "$(field namespaces status)" missing
	has "$(field namespaces way_out)" sysctl
}

@test "the simulator and the proof do without" {
	run --separate-stderr shut sched-verify --json \
		--stages lint,build,prove,sim \
		--object "$BUILD/policies/good/dice.bpf.o" </dev/null
	[ "$status" = 0 ] || [ "$status" = 1 ]
	is "$(jq -r 'select(.kind == "verdict").body.stages[] |
		select(.status == "passed").name' <<<"$output" |
		paste -sd ' ')" 'lint build prove sim'
}
