#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The MCP server with clients that mean it no good, by stdio, each with a server
# of its own: each trick gets a clear answer, memory stays bounded, and what is
# asked afterwards is answered.  See mcp_words.py and mcp_stdio.py.

load ../lib
load mcp-hostile

setup_file() {
	bound_memory
}

by_stdio() {
	trick stdio "$BUILD/external/mcp-fixture" "$1"
}

@test 'mcp hostile: every trick by stdio has its test' {
	trick --list | awk '$1 == "stdio" { print $2 }' |
		sort >"$BATS_TEST_TMPDIR/listed"
	sed -nE 's/^\tby_stdio ([a-z0-9-]+)$/\1/p' \
		"$BATS_TEST_FILENAME" | sort >"$BATS_TEST_TMPDIR/tested"
	is "$(diff "$BATS_TEST_TMPDIR"/{listed,tested})" ''
}

@test 'mcp hostile, by stdio: not json' {
	by_stdio not-json
}

@test 'mcp hostile, by stdio: invalid utf8' {
	by_stdio invalid-utf8
}

@test 'mcp hostile, by stdio: byte order mark' {
	by_stdio byte-order-mark
}

@test 'mcp hostile, by stdio: nul bytes' {
	by_stdio nul-bytes
}

@test 'mcp hostile, by stdio: lone surrogates' {
	by_stdio lone-surrogates
}

@test 'mcp hostile, by stdio: deep' {
	by_stdio deep
}

@test 'mcp hostile, by stdio: wide' {
	by_stdio wide
}

@test 'mcp hostile, by stdio: oversized' {
	by_stdio oversized
}

@test 'mcp hostile, by stdio: large numbers' {
	by_stdio large-numbers
}

@test 'mcp hostile, by stdio: duplicate keys' {
	by_stdio duplicate-keys
}

@test 'mcp hostile, by stdio: scalars' {
	by_stdio scalars
}

@test 'mcp hostile, by stdio: id null' {
	by_stdio id-null
}

@test 'mcp hostile, by stdio: id fraction' {
	by_stdio id-fraction
}

@test 'mcp hostile, by stdio: id huge' {
	by_stdio id-huge
}

@test 'mcp hostile, by stdio: id object' {
	by_stdio id-object
}

@test 'mcp hostile, by stdio: id odd' {
	by_stdio id-odd
}

@test 'mcp hostile, by stdio: id long' {
	by_stdio id-long
}

@test 'mcp hostile, by stdio: no version' {
	by_stdio no-version
}

@test 'mcp hostile, by stdio: method no text' {
	by_stdio method-no-text
}

@test 'mcp hostile, by stdio: methods unknown' {
	by_stdio methods-unknown
}

@test 'mcp hostile, by stdio: params no object' {
	by_stdio params-no-object
}

@test 'mcp hostile, by stdio: both and neither' {
	by_stdio both-and-neither
}

@test 'mcp hostile, by stdio: unasked answers' {
	by_stdio unasked-answers
}

@test 'mcp hostile, by stdio: batches' {
	by_stdio batches
}

@test 'mcp hostile, by stdio: notifications strange' {
	by_stdio notifications-strange
}

@test 'mcp hostile, by stdio: revisions unknown' {
	by_stdio revisions-unknown
}

@test 'mcp hostile, by stdio: revision no text' {
	by_stdio revision-no-text
}

@test 'mcp hostile, by stdio: metadata missing' {
	by_stdio metadata-missing
}

@test 'mcp hostile, by stdio: metadata strange' {
	by_stdio metadata-strange
}

@test 'mcp hostile, by stdio: tools unknown' {
	by_stdio tools-unknown
}

@test 'mcp hostile, by stdio: prompts unknown' {
	by_stdio prompts-unknown
}

@test 'mcp hostile, by stdio: paths' {
	by_stdio paths
}

@test 'mcp hostile, by stdio: arguments strange' {
	by_stdio arguments-strange
}

@test 'mcp hostile, by stdio: cursors forged' {
	by_stdio cursors-forged
}

@test 'mcp hostile, by stdio: state forged' {
	by_stdio state-forged
}

@test 'mcp hostile, by stdio: answers forged' {
	by_stdio answers-forged
}

@test 'mcp hostile, by stdio: handles forged' {
	by_stdio handles-forged
}

@test 'mcp hostile, by stdio: completions strange' {
	by_stdio completions-strange
}

@test 'mcp hostile, by stdio: subscriptions strange' {
	by_stdio subscriptions-strange
}

@test 'mcp hostile, by stdio: split anywhere' {
	by_stdio split-anywhere
}

@test 'mcp hostile, by stdio: lines ended otherwise' {
	by_stdio lines-ended-otherwise
}

@test 'mcp hostile, by stdio: endless line' {
	by_stdio endless-line
}

@test 'mcp hostile, by stdio: endless message' {
	by_stdio endless-message
}

@test 'mcp hostile, by stdio: garbage' {
	by_stdio garbage
}

@test 'mcp hostile, by stdio: another framing' {
	by_stdio another-framing
}

@test 'mcp hostile, by stdio: ends in a message' {
	by_stdio ends-in-a-message
}

@test 'mcp hostile, by stdio: ends without newline' {
	by_stdio ends-without-newline
}

@test 'mcp hostile, by stdio: ends in a call' {
	by_stdio ends-in-a-call
}

@test 'mcp hostile, by stdio: output closed' {
	by_stdio output-closed
}

@test 'mcp hostile, by stdio: deaf' {
	by_stdio deaf
}

@test 'mcp hostile, by stdio: flood' {
	by_stdio flood
}

@test 'mcp hostile, by stdio: id reused' {
	by_stdio id-reused
}

@test 'mcp hostile, by stdio: calls too many' {
	by_stdio calls-too-many
}

@test 'mcp hostile, by stdio: cancels' {
	by_stdio cancels
}

@test 'mcp hostile, by stdio: watches too many' {
	by_stdio watches-too-many
}

@test 'mcp hostile, by stdio: eras mixed' {
	by_stdio eras-mixed
}

@test 'mcp hostile, by stdio: old before initialize' {
	by_stdio old-before-initialize
}

@test 'mcp hostile, by stdio: old twice' {
	by_stdio old-twice
}

@test 'mcp hostile, by stdio: old revisions' {
	by_stdio old-revisions
}

@test 'mcp hostile, by stdio: old initialize strange' {
	by_stdio old-initialize-strange
}

@test 'mcp hostile, by stdio: old levels' {
	by_stdio old-levels
}

@test 'mcp hostile, by stdio: old batch of many' {
	by_stdio old-batch-of-many
}

@test 'mcp hostile, by stdio: old answers of others' {
	by_stdio old-answers-of-others
}

@test 'mcp hostile, by stdio: old answers strange' {
	by_stdio old-answers-strange
}

@test 'mcp hostile, by stdio: stopped' {
	by_stdio stopped
}
