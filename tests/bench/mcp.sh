#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How many calls of a tool that does nothing a server takes a second on one
# connection, one after the other, and what its memory is before and after them:
# lib/mcp, and beside it a server made with the official TypeScript SDK, in turns
# by the same client.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
CALLS=${CALLS:-100000}
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

# row NAME ERA WHERE...
row() {
	local name=$1
	shift
	printf '%s\t' "$name"
	"$BUILD/bench/mcp" "$1" "$CALLS" "${@:2}"
}

# Starts a server that prints its port; $port and $pid are set.
serve() {
	local i
	"$@" >"$dir/out" 2>&1 </dev/null &
	pid=$!
	pids+=("$pid")
	for ((i = 0; i < 200; i++)); do
		port=$(sed -nE 's/.*\b([0-9]{4,5})(\/.*)?$/\1/p;T;q' "$dir/out")
		[ -z "$port" ] || return 0
		sleep 0.1
	done
	echo "bench mcp: $1 did not start:" >&2
	cat "$dir/out" >&2
	exit 3
}

fixture=$BUILD/external/mcp-fixture
here=$PWD/tests/mcp
peer=()
if MCP_PACKAGES=$("$here/fetch" --print 2>"$dir/why"); then
	export MCP_PACKAGES
	peer=(node --import "$here/resolve.mjs" "$PWD/tests/bench/mcp-peer.mjs")
fi

printf 'server\tcalls/s\tp50 us\tp99 us\tMiB before\tMiB after %s calls\n' \
	"$CALLS"
row 'lib/mcp, stdio, 2026-07-28' newer stdio "$fixture"
row 'lib/mcp, stdio, 2025-11-25' older stdio "$fixture"
[ ${#peer[@]} = 0 ] ||
	row 'TypeScript SDK, stdio, 2025-11-25' older stdio "${peer[@]}"
# By default it gives one client 2,000 a second at most.
serve "$fixture" --http 0 --rate 0
row 'lib/mcp, HTTP, 2026-07-28' newer http "$port" "$pid"
row 'lib/mcp, HTTP, 2025-11-25' older http "$port" "$pid"
if [ ${#peer[@]} != 0 ]; then
	serve "${peer[@]}" --http
	row 'TypeScript SDK, HTTP, 2025-11-25' older http "$port" "$pid"
else
	echo "no peer: $(head -n 1 "$dir/why")"
fi
