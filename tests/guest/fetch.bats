#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happens when parts of a guest are missing.  No network is used: the
# mirror is a place that does not exist.

load ../lib

setup() {
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	real=${XDG_CACHE_HOME:-$HOME/.cache}/schedkit
	fetch=$BUILD/libexec/schedkit/fetch-guest
	export XDG_CACHE_HOME=$PWD/cache SCHEDKIT_MIRROR=file:///nonexistent/debian
}

# The real cache's parts, without one of them.
cache_without() {
	mkdir -p cache/schedkit
	for p in kernels qemu virtiofsd; do
		[ "$p" = "$1" ] || [ ! -e "$real/$p" ] ||
			ln -s "$real/$p" cache/schedkit/
	done
}

@test "--print says what is there, needs no network and makes nothing" {
	exits 0 "$fetch" --print 6.18
	is "$(cut -f 1 <<<"$output" | paste -sd ' ')" \
		'qemu qemu-version qemu-lib qemu-share virtiofsd virtiofsd-lib kernel release overlay'
	has "$output" $'kernel\t\n'
	[ ! -e cache ]
}

@test "a series is a number with a dot" {
	exits 2 "$fetch" latest
	exits 2 "$fetch" '6.18;x'
	exits 2 "$fetch" ../../etc
	exits 2 "$fetch" --list 6.18
}

# A mirror's index would be needed; what was fetched is no answer, even where it
# is all that a guest needs.
@test "a list without a network is said to be none" {
	cache_without none
	exits 3 "$fetch" --list
	is "$output" ''
	has "$stderr" 'cannot fetch the list of guest kernels'
	mkdir -p cache/schedkit/fetch/deb
	exits 3 "$fetch" --list
	has "$stderr" 'cannot fetch the list of guest kernels'
	[ -d cache/schedkit/fetch/deb ]
}

@test "a missing kernel without a network is said in words" {
	cache_without kernels
	exits 3 sched-guest -- true
	has "$stderr" 'cannot fetch'
	has "$stderr" 6.18
	has "$stderr" SCHEDKIT_MIRROR
}

# What a system's package sources are is in files of two kinds; either may lack.
from_sources() {
	local line=$2
	rm -rf apt && mkdir -p apt/sources.list.d
	printf '%s\n' "$line" >"apt/$1"
	exits 3 env -u SCHEDKIT_MIRROR unshare -m sh -c '
		mount --bind apt /etc/apt && exec "$@"' sh "$fetch"
	has "$stderr" 'reading the package lists of file:///nonexistent/debian'
}

@test "the mirror is the system's own, in whichever form it is named" {
	needs_root
	from_sources sources.list 'deb file:///nonexistent/debian bookworm main'
	from_sources sources.list.d/a.list \
		'deb [arch=amd64] file:///nonexistent/debian bookworm main'
	from_sources sources.list.d/debian.sources \
		'URIs: file:///nonexistent/debian'
}

@test "a missing virtiofsd is named" {
	[ ! -x /usr/libexec/virtiofsd ] && [ ! -x /usr/lib/qemu/virtiofsd ] ||
		skip 'the system has one'
	cache_without virtiofsd
	exits 3 sched-guest -- true
	has "$stderr" 'cannot fetch virtiofsd'
}

@test "a missing QEMU is named" {
	[ ! -x /usr/bin/qemu-system-x86_64 ] || skip 'the system has one'
	cache_without qemu
	exits 3 sched-guest -- true
	has "$stderr" 'cannot fetch QEMU'
}

@test "a kernel of one's own that cannot be read" {
	exits 3 sched-guest -k ./vmlinuz -- true
	has "$stderr" "cannot read guest kernel './vmlinuz'"
}

@test "a kernel that is none, and a guest that says nothing" {
	needs_guest_of_the_real_cache
	cache_without none
	echo none >vmlinuz
	exits 3 sched-guest -k ./vmlinuz -- true
	has "$stderr" 'cannot boot a guest: the guest died'
}

needs_guest_of_the_real_cache() {
	XDG_CACHE_HOME=${real%/schedkit} needs_guest
}

@test "two at once wait for each other; the second sees what the first did" {
	mkdir -p cache/schedkit
	exec 8>cache/schedkit/fetch.lock
	flock 8
	"$fetch" 2>err 8>&- 3>&- &
	for _ in $(seq 50); do
		grep -q waiting err && break
		sleep 0.1
	done
	has "$(cat err)" 'waiting for another'
	exec 8>&-
	status=0
	wait $! || status=$?
	is "$status" 3
	has "$(cat err)" 'cannot fetch'
}

# here COMMAND...: where the cache cannot be written, by root neither.
here() {
	unshare -m sh -c 'mount --bind cache cache
		mount -o remount,bind,ro cache && exec "$@"' sh "$@"
}

@test "a cache that cannot be written will do if everything is there" {
	needs_root
	needs_guest_of_the_real_cache
	cache_without none
	exits 0 here "$fetch"
	is "$stderr" ''
	exits 3 here "$fetch" 6.17.99
	has "$stderr" "$PWD/cache/schedkit cannot be written"
	has "$stderr" XDG_CACHE_HOME
}

@test "a cache that cannot be made is named" {
	XDG_CACHE_HOME=/proc/none exits 3 "$fetch"
	has "$stderr" '/proc/none/schedkit cannot be written'
}

@test "without HOME the cache is where the programs look for it" {
	local home
	home=$(getent passwd "$(id -u)" | cut -d : -f 6)
	exits 0 env -u XDG_CACHE_HOME -u HOME "$fetch" --print
	is "$output" "$(env -u XDG_CACHE_HOME HOME="$home" "$fetch" --print)"
}

@test "usage" {
	exits 2 sched-guest
	exits 2 sched-guest --probe -- true
	exits 2 sched-guest --cpus 0 -- true
	exits 3 sched-guest -c 3 -t cores=2 -- true
	has "$stderr" "makes 2 CPUs, not 3"
	exits 3 sched-guest -p nowhere -- true
	has "$stderr" "'nowhere'"
}
