#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The MCP server with clients that mean it no good, by HTTP: each trick gets a
# clear answer, memory stays bounded, and a client that behaves well is served
# meanwhile.  What each does is in mcp_words.py and mcp_http.py.

load ../lib
load mcp-hostile

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	serve "$BUILD/external/mcp-fixture"
}

@test 'mcp hostile: every trick by HTTP has its test' {
	trick --list | awk '$1 == "http" { print $2 }' |
		sort >"$BATS_TEST_TMPDIR/listed"
	sed -nE 's/^\tby_http ([a-z0-9-]+)$/\1/p' \
		"$BATS_TEST_FILENAME" | sort >"$BATS_TEST_TMPDIR/tested"
	is "$(diff "$BATS_TEST_TMPDIR"/{listed,tested})" ''
}

@test 'mcp hostile, by HTTP: not json' {
	by_http not-json
}

@test 'mcp hostile, by HTTP: invalid utf8' {
	by_http invalid-utf8
}

@test 'mcp hostile, by HTTP: byte order mark' {
	by_http byte-order-mark
}

@test 'mcp hostile, by HTTP: nul bytes' {
	by_http nul-bytes
}

@test 'mcp hostile, by HTTP: lone surrogates' {
	by_http lone-surrogates
}

@test 'mcp hostile, by HTTP: deep' {
	by_http deep
}

@test 'mcp hostile, by HTTP: wide' {
	by_http wide
}

@test 'mcp hostile, by HTTP: oversized' {
	by_http oversized
}

@test 'mcp hostile, by HTTP: large numbers' {
	by_http large-numbers
}

@test 'mcp hostile, by HTTP: duplicate keys' {
	by_http duplicate-keys
}

@test 'mcp hostile, by HTTP: scalars' {
	by_http scalars
}

@test 'mcp hostile, by HTTP: id null' {
	by_http id-null
}

@test 'mcp hostile, by HTTP: id fraction' {
	by_http id-fraction
}

@test 'mcp hostile, by HTTP: id huge' {
	by_http id-huge
}

@test 'mcp hostile, by HTTP: id object' {
	by_http id-object
}

@test 'mcp hostile, by HTTP: id odd' {
	by_http id-odd
}

@test 'mcp hostile, by HTTP: id long' {
	by_http id-long
}

@test 'mcp hostile, by HTTP: no version' {
	by_http no-version
}

@test 'mcp hostile, by HTTP: method no text' {
	by_http method-no-text
}

@test 'mcp hostile, by HTTP: methods unknown' {
	by_http methods-unknown
}

@test 'mcp hostile, by HTTP: params no object' {
	by_http params-no-object
}

@test 'mcp hostile, by HTTP: both and neither' {
	by_http both-and-neither
}

@test 'mcp hostile, by HTTP: unasked answers' {
	by_http unasked-answers
}

@test 'mcp hostile, by HTTP: batches' {
	by_http batches
}

@test 'mcp hostile, by HTTP: notifications strange' {
	by_http notifications-strange
}

@test 'mcp hostile, by HTTP: revisions unknown' {
	by_http revisions-unknown
}

@test 'mcp hostile, by HTTP: revision no text' {
	by_http revision-no-text
}

@test 'mcp hostile, by HTTP: metadata missing' {
	by_http metadata-missing
}

@test 'mcp hostile, by HTTP: metadata strange' {
	by_http metadata-strange
}

@test 'mcp hostile, by HTTP: tools unknown' {
	by_http tools-unknown
}

@test 'mcp hostile, by HTTP: prompts unknown' {
	by_http prompts-unknown
}

@test 'mcp hostile, by HTTP: paths' {
	by_http paths
}

@test 'mcp hostile, by HTTP: arguments strange' {
	by_http arguments-strange
}

@test 'mcp hostile, by HTTP: cursors forged' {
	by_http cursors-forged
}

@test 'mcp hostile, by HTTP: state forged' {
	by_http state-forged
}

@test 'mcp hostile, by HTTP: answers forged' {
	by_http answers-forged
}

@test 'mcp hostile, by HTTP: handles forged' {
	by_http handles-forged
}

@test 'mcp hostile, by HTTP: completions strange' {
	by_http completions-strange
}

@test 'mcp hostile, by HTTP: subscriptions strange' {
	by_http subscriptions-strange
}

@test 'mcp hostile, by HTTP: host of others' {
	by_http host-of-others
}

@test 'mcp hostile, by HTTP: host none or two' {
	by_http host-none-or-two
}

@test 'mcp hostile, by HTTP: host in the target' {
	by_http host-in-the-target
}

@test 'mcp hostile, by HTTP: origins of others' {
	by_http origins-of-others
}

@test 'mcp hostile, by HTTP: no leave for browsers' {
	by_http no-leave-for-browsers
}

@test 'mcp hostile, by HTTP: headers that lie' {
	by_http headers-that-lie
}

@test 'mcp hostile, by HTTP: headers twice' {
	by_http headers-twice
}

@test 'mcp hostile, by HTTP: header names injected' {
	by_http header-names-injected
}

@test 'mcp hostile, by HTTP: content types' {
	by_http content-types
}

@test 'mcp hostile, by HTTP: accepts nothing' {
	by_http accepts-nothing
}

@test 'mcp hostile, by HTTP: compression bomb' {
	by_http compression-bomb
}

@test 'mcp hostile, by HTTP: headers giant' {
	by_http headers-giant
}

@test 'mcp hostile, by HTTP: headers broken' {
	by_http headers-broken
}

@test 'mcp hostile, by HTTP: old sessions forged' {
	by_http old-sessions-forged
}

@test 'mcp hostile, by HTTP: old sessions after their end' {
	by_http old-sessions-after-their-end
}

@test 'mcp hostile, by HTTP: old cancels of others' {
	by_http old-cancels-of-others
}

@test 'mcp hostile, by HTTP: old streams' {
	by_http old-streams
}

@test 'mcp hostile, by HTTP: two lengths' {
	by_http two-lengths
}

@test 'mcp hostile, by HTTP: lengths strange' {
	by_http lengths-strange
}

@test 'mcp hostile, by HTTP: chunks strange' {
	by_http chunks-strange
}

@test 'mcp hostile, by HTTP: chunks small and trailers' {
	by_http chunks-small-and-trailers
}

@test 'mcp hostile, by HTTP: trailers endless' {
	by_http trailers-endless
}

@test 'mcp hostile, by HTTP: continue expected' {
	by_http continue-expected
}

@test 'mcp hostile, by HTTP: pipelining' {
	by_http pipelining
}

@test 'mcp hostile, by HTTP: body short or long' {
	by_http body-short-or-long
}

@test 'mcp hostile, by HTTP: half closed' {
	by_http half-closed
}

@test 'mcp hostile, by HTTP: reset in the middle' {
	by_http reset-in-the-middle
}

@test 'mcp hostile, by HTTP: other protocols' {
	by_http other-protocols
}

@test 'mcp hostile, by HTTP: upgrades' {
	by_http upgrades
}

@test 'mcp hostile, by HTTP: other methods' {
	by_http other-methods
}

@test 'mcp hostile, by HTTP: other paths' {
	by_http other-paths
}

@test 'mcp hostile, by HTTP: slow headers' {
	by_http slow-headers
}

@test 'mcp hostile, by HTTP: slow bodies' {
	by_http slow-bodies
}

@test 'mcp hostile, by HTTP: many large bodies' {
	by_http many-large-bodies
	# They have gone: so has what they sent, before patience ends.
	for ((i = 0; i < 100; i++)); do
		n=$(find "/proc/$SERVER/fd" -mindepth 1 | wc -l)
		[ "$n" -gt 30 ] || break
		sleep 0.1
	done
	[ "$n" -le 30 ]
}

@test 'mcp hostile, by HTTP: connections flood' {
	by_http connections-flood
}

@test 'mcp hostile, by HTTP: sessions flood' {
	by_http sessions-flood
}

@test 'mcp hostile, by HTTP: watches flood' {
	by_http watches-flood
}

@test 'mcp hostile, by HTTP: tasks flood' {
	by_http tasks-flood
}

@test 'mcp hostile, by HTTP: messages flood' {
	by_http messages-flood
}

@test 'mcp hostile, by HTTP: deaf' {
	by_http deaf
}

@test 'mcp hostile, by HTTP: calls left alone' {
	by_http calls-left-alone
}
