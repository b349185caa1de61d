#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check-kernels, beside tests/kernels/matrix: how kernels are fetched.
# Needs the network.

load ../lib

setup() {
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	fetch=$BUILD/libexec/schedkit/fetch-guest
}

@test "the series that there are, Debian's and our own" {
	export XDG_CACHE_HOME=$PWD/cache
	mkdir -p cache/schedkit/kernels/6.1
	exits 0 "$fetch" --list
	is "$(sort -V <<<"$output")" "$output"
	is "$(grep -cxE '6[.]1|6[.]18' <<<"$output")" 2
	is "$(grep -vxE '[0-9]+[.][0-9]+' <<<"$output")" ''
}

@test "a series that Debian does not have: those that it has" {
	exits 3 "$fetch" 5.1
	has "$stderr" 'no such series'
	has "$stderr" 6.18
}

@test "a killed fetch goes on where it was" {
	export XDG_CACHE_HOME=$PWD/cache
	setsid "$fetch" 6.18 2>err 3>&- &
	until grep -q 'fetching' err; do sleep 0.1; done
	sleep 1
	kill -9 -- "-$!"
	[ -d cache/schedkit/fetch ]
	exits 0 "$fetch" 6.18
	[ ! -d cache/schedkit/fetch ]
	exits 0 sched-guest -- uname -r
	has "$output" 6.18.
}
