#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs in real guests, handed out by GNU parallel: looks first, each in a guest
# of its own, then the finalist.  The command is that of tests/guest/verify.bats:
# how often a CPU-bound task is taken off its CPU.

load ../lib
load ../executor

hogs='for i in 1 2 3 4 5; do (
		n=0
		while ((n++ < 6000)); do :; done
		while read -r key value; do
			[ "$key" = nonvoluntary_ctxt_switches: ] &&
				echo "switches: $((value + 1))"
		done </proc/$BASHPID/status
	) & done; wait'

setup() {
	needs_guest
	needs_plain_build
	needs parallel
	cd "$BATS_TEST_TMPDIR" || return
}

@test 'executor guest: the winner is that of this machine' {
	local rc=0 id
	profile=$(doc profile "$(jq -n --arg hogs "$hogs" '{scope: "command",
		goal: "throughput", source: "bpf", target: "vm", duration_us: 1,
		workload: {name: "hogs", command: ["bash", "-c", $hogs],
			metrics: [{name: "switches", unit: "1",
			better: "lower", regex: "switches: ([0-9]+)"}]},
		system: {cpus: 2, kernel: "6"}, groups: [],
		overhead: {drops: 0}}')")
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
	[ "$(jq -s 'map(select(.kind == "verdict").body.evidence.host_wait_pct
		// 0) | max | floor' out)" -le 33 ] || skip 'this machine is busy'
	is "$(jq -r 'select(.kind == "verdict").body.decision' out | xargs)" \
		'rejected accepted rejected'
	is "$rc" 0
	body=$(jq -c 'select(.kind == "verdict").body' out | sed -n 2p)
	so '.target == "vm" and (.evidence.node | length) > 0 and
		.evidence.screening_pairs == 1 and .evidence.confirmed and
		.metrics[0].pairs >= 8'
	# shellcheck disable=SC2034 # so reads it
	body=$(jq -c 'select(.kind == "verdict").body' out | sed -n 1p)
	so '.why | contains("not among the 1 finalists")'
	# It is signed here, and by nobody else, and so can be deployed.
	has "$(cat err)" 'made the key'
	exits 0 sched-deploy --target vm --cpus 2 --dry-run --no-history <out
	is "$(ls jobs)" ''
}
