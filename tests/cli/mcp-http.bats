#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Streamable HTTP: its rules, and clients that do not keep to them.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
}

# Sets $url and $server, which has $few descriptors if that is set.
up() {
	rm -f url
	(
		[ -z "${few:-}" ] || ulimit -n "$few"
		exec "$BUILD/external/mcp-fixture" --http 0 "$@"
	) >url 2>err 3>&- &
	server=$!
	for ((i = 0; i < 1000; i++)); do
		[ ! -s url ] || break
		kill -0 "$server"
		sleep 0.01
	done
	url=$(cat url)
}

client() {
	python3 "$TREE/tests/cli/mcp_wire.py" "$1" "$url" "${@:2}"
}

# It has said nothing, and ends well: no leak, nothing undefined.
down() {
	[ ! -s err ] || { cat err; return 1; }
	kill "$server"
	wait "$server"
	[ ! -s err ] || { cat err; return 1; }
	server=
}

@test 'mcp http: what is refused, and by which status' {
	up
	client statuses
	client large
	client doubled
	client header
	client split
	down
}

@test 'mcp http: tokens name principals' {
	up --token a=secret-a --token b=secret-b
	client tokens
	down
}

@test 'mcp http: other than loopback only with a token' {
	run -3 "$BUILD/external/mcp-fixture" --http 0 --address 0.0.0.0
	[[ $output == *'no token is set'* ]]
	run -3 "$BUILD/external/mcp-fixture" --http 0 --address nowhere --token a=b
	[[ $output == *"'nowhere' is no address"* ]]
	up --address 0.0.0.0 --token a=secret-a --token b=secret-b
	client tokens
	down
}

@test 'mcp http: names and pages that are allowed' {
	up --host tools.example.org --origin https://app.example.org
	client names
	[ ! -e /proc/net/if_inet6 ] || (
		url=${url/127.0.0.1/[::1]}
		client names
	)
	down
	up --address 127.0.0.2
	url=${url/127.0.0.1/127.0.0.2}
	client split
	down
}

@test 'mcp http: so many requests a second of each principal' {
	up --rate 2 --burst 5 --token a=secret-a --token b=secret-b
	client rate
	down
}

@test 'mcp http: streams at once, and quiet ones' {
	up --quiet 1
	client streams
	client quiet
	down
}

@test 'mcp http: closing cancels in the new era alone' {
	up
	client closed
	client closed_old
	down
}

@test 'mcp http: who does not read is dropped, and nobody suffers' {
	up --patience 2
	client deaf
	down
}

@test 'mcp http: who is slow to ask is not waited for' {
	up --patience 1
	client slow
	down
}

@test 'mcp http: sessions of the older era' {
	up
	client session
	client get
	down
}

@test 'mcp http: sessions are bounded, and expire' {
	up --sessions 4 --session-idle 1
	client sessions_bound
	down
}

@test 'mcp http: 200 connections at once' {
	up
	client crowd
	down
}

@test 'mcp http: connections are bounded' {
	up --connections 20 --per-address 16
	client limit
	down
	up --connections 16 --per-address 20
	client limit
	down
}

@test 'mcp http: descriptors run out, and it does not spin' {
	few=40 up
	client descriptors "$server"
	down
}

@test 'mcp http: memory stays flat' {
	case $BUILD in
	*/san) skip 'freed memory is kept by the sanitizer' ;;
	esac
	up --rate 0
	client flat "$server" 10000 >&3
	down
}

@test 'mcp http: told to leave with streams open, it does' {
	up
	client leave "$server"
	wait "$server"
	server=
}
