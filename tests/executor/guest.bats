#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs in real guests, handed out by GNU parallel: looks first, each in a guest
# of its own, then the finalist.

load ../lib
load ../executor
load ../hogs

setup() {
	needs_guest
	needs_plain_build
	needs parallel
	cd "$BATS_TEST_TMPDIR" || return
}

@test 'executor guest: the winner is that of this machine' {
	local rc=0 id profile
	profile=$(hogs_profile bash -c "$hogs")
	id=$(doc_id <<<"$profile")
	{
		echo "$profile"
		doc policy '{"form": "params", "title": "tiny", "why": "w",
			"params": {"slice_us": 500, "order": "fifo"},
			"uses": []}' "$id"
		doc policy '{"form": "params", "title": "long", "why": "w",
			"params": {"slice_us": 200000}, "uses": []}' "$id"
		doc policy '{"form": "params", "title": "wrong", "why": "w",
			"params": {"slice_us": 7}, "uses": []}' "$id"
	} >in
	sched-verify --target vm --cpus 2 --min-effect 100 --finalists 1 \
		--executor "parallel,hosts=:,dir=$PWD/jobs" <in >out 2>err ||
		rc=$?
	cat err
	needs_quiet
	is "$(jq -r 'select(.kind == "verdict").body.decision' out | xargs)" \
		'rejected accepted rejected'
	is "$rc" 0
	verdict_so 1 '.target == "vm" and (.evidence.node | length) > 0 and
		.evidence.screening_pairs == 1 and .evidence.confirmed and
		.metrics[0].pairs >= 8'
	verdict_so 0 '.why | contains("not among the 1 finalists")'
	# It is signed here, and by nobody else, and so can be deployed.
	has "$(cat err)" 'made the key'
	exits 0 sched-deploy --target vm --cpus 2 --dry-run --no-history <out
	is "$(ls jobs)" ''
}
