#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check-kernels: the policy template on every kernel of $KERNELS, and
# what is said about kernels that can run none.  Fetches; needs the network.

load ../lib

: "${KERNELS:=6.18}"

setup() {
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
	fetch=$BUILD/libexec/schedkit/fetch-guest
	echo '{"form":"params","title":"t","why":"w","uses":[],"params":{}}' >pol
}

runs_policy() {
	exits 0 sched-guest -k "$1" -p pol -- sh -c \
		'uname -r; cat /sys/kernel/sched_ext/state; echo x > new; cat new'
	has "$output" "$1."
	has "$output" 'enabled
x'
	[ ! -e new ]
}

refuses() {
	exits 3 sched-guest -k "$1" -- true
	has "$stderr" "guest kernel $1."
	has "$stderr" "$2"
}

# one SERIES runs_policy|refuses...
one() {
	case " $KERNELS " in
	*" $1 "*) "$2" "$1" "${@:3}" ;;
	*) skip "not in KERNELS" ;;
	esac
}

@test "policies run on 6.16" {
	one 6.16 runs_policy
}

@test "policies run on 6.17" {
	one 6.17 runs_policy
}

@test "policies run on 6.18" {
	one 6.18 runs_policy
}

@test "policies run on 6.19" {
	one 6.19 runs_policy
}

@test "policies run on 7.0" {
	one 7.0 runs_policy
}

@test "7.1 is refused: its BTF is broken" {
	one 7.1 refuses 'BTF'
}

@test "7.2 is refused: its BTF is broken" {
	one 7.2 refuses 'BTF'
}

@test "policies run on 7.3" {
	one 7.3 runs_policy
}

@test "a kernel without sched_ext is refused with the reason" {
	"$fetch" 6.12
	refuses 6.12 'built without sched_ext'
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
