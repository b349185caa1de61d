#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# How the protocol's official clients are fetched, by an npm that is none.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export XDG_CACHE_HOME=$PWD/cache
	mkdir bin
	# All that it needs but node and npm.
	for p in sh cat sha256sum cut dirname grep sed head mkdir rm mv cp sync \
		flock sleep; do
		ln -s "$(command -v $p)" bin/
	done
	script node 'echo v20.1.0'
	script npm 'echo run >>../../../runs; mkdir -p node_modules/x'
}

script() {
	printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
	chmod +x "bin/$1"
}

# shellcheck disable=SC2120
fetch() {
	PATH=$PWD/bin "$TREE/tests/mcp/fetch" "$@"
}

@test 'mcp fetch: once, and then they are there' {
	exits 3 fetch --print
	has "$stderr" 'are not there'
	exits 0 fetch
	exits 0 fetch --print
	[ -d "$output/node_modules/x" ]
	cmp "$output/package-lock.json" "$TREE/tests/mcp/package-lock.json"
	exits 0 fetch
	is "$(wc -l <runs)" 1
	is "$stderr" ''
}

@test 'mcp fetch: without node, or with one that is too old' {
	script node 'echo v18.19.0'
	exits 3 fetch
	has "$stderr" 'needs node >= 20: there is v18.19.0'
	rm bin/node
	exits 3 fetch
	has "$stderr" 'needs node >= 20: there is none'
	script node 'echo v20.1.0'
	rm bin/npm
	exits 3 fetch
	has "$stderr" 'needs npm'
	[ ! -e runs ]
}

@test 'mcp fetch: without a network it says so, and leaves nothing' {
	script npm 'echo "npm error code ENOTFOUND" >&2
		echo "npm error request to https://registry.npmjs.org/ failed" >&2
		exit 1'
	exits 3 fetch
	has "$stderr" 'cannot fetch them: request to https://registry.npmjs.org/'
	is "$(ls -d cache/schedkit/mcp-* 2>/dev/null)" ''
}

@test 'mcp fetch: killed, it begins anew; two at once fetch once' {
	script npm 'echo run >>../../../runs; mkdir -p node_modules/half
		[ -e ../../../slow ] || { : >../../../slow; kill -9 $PPID; }
		mkdir -p node_modules/x; sleep 0.5'
	run fetch
	[ "$status" != 0 ]
	exits 3 fetch --print
	fetch 3>&- &
	fetch 3>&- &
	wait
	exits 0 fetch --print
	[ -d "$output/node_modules/x" ]
	is "$(wc -l <runs)" 2
}

@test 'mcp fetch: the lock file names the public registry alone' {
	is "$(jq -r '.packages[] | .resolved // empty' \
		"$TREE/tests/mcp/package-lock.json" |
		grep -cv '^https://registry\.npmjs\.org/')" 0
	is "$(jq -r '.packages | to_entries[] | select(.key != "") |
		select(.value.integrity == null or .value.resolved == null).key' \
		"$TREE/tests/mcp/package-lock.json")" ''
}
