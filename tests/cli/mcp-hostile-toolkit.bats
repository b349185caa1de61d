#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-mcp itself with some of the clients of mcp-hostile.bats: those that need
# no tools of the fixture's.

load ../lib
load mcp-hostile

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	export XDG_STATE_HOME=$PWD/state XDG_CONFIG_HOME=$PWD/config MCP_TOOLKIT=1
	serve sched-mcp
}

by_stdio() {
	trick stdio sched-mcp "$1"
}

@test 'mcp hostile, sched-mcp by HTTP: what is no message' {
	for t in not-json invalid-utf8 nul-bytes deep oversized \
		duplicate-keys scalars batches; do
		by_http "$t"
	done
}

@test 'mcp hostile, sched-mcp by stdio: what is no message' {
	for t in not-json invalid-utf8 nul-bytes deep oversized \
		duplicate-keys scalars batches; do
		by_stdio "$t"
	done
}

@test 'mcp hostile, sched-mcp by HTTP: requests that are none' {
	for t in id-null id-object id-odd no-version methods-unknown \
		params-no-object revisions-unknown metadata-missing; do
		by_http "$t"
	done
}

@test 'mcp hostile, sched-mcp by stdio: requests that are none' {
	for t in id-null id-object id-odd no-version methods-unknown \
		params-no-object revisions-unknown metadata-missing; do
		by_stdio "$t"
	done
}

@test 'mcp hostile, sched-mcp by HTTP: names and addresses' {
	for t in prompts-unknown paths cursors-forged handles-forged; do
		by_http "$t"
	done
}

@test 'mcp hostile, sched-mcp by stdio: names and addresses' {
	for t in prompts-unknown paths cursors-forged handles-forged; do
		by_stdio "$t"
	done
}

@test 'mcp hostile, sched-mcp by HTTP: where they say they come from' {
	for t in host-of-others host-none-or-two host-in-the-target \
		origins-of-others no-leave-for-browsers; do
		by_http "$t"
	done
}

@test 'mcp hostile, sched-mcp by HTTP: headers and lengths' {
	for t in headers-giant headers-broken two-lengths \
		lengths-strange compression-bomb content-types other-methods \
		other-paths other-protocols upgrades; do
		by_http "$t"
	done
}

@test 'mcp hostile, sched-mcp by HTTP: too much, or too slow' {
	for t in slow-headers many-large-bodies connections-flood \
		sessions-flood watches-flood messages-flood deaf; do
		by_http "$t"
	done
}

@test 'mcp hostile, sched-mcp by stdio: too much, or too slow' {
	for t in endless-line garbage lines-ended-otherwise flood \
		watches-too-many deaf; do
		by_stdio "$t"
	done
}
