#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The corpus on a real kernel: the same objects that the simulator runs.

load ../lib

setup() {
	needs_guest
	report=$BATS_TEST_TMPDIR/report
}

BURN=$BUILD/workloads/burn

# Hogs of two weights, one of them pinned, beside one that sleeps and forks.
LOAD=BURN=$BURN'
	$BURN --idle & p=$!
	nice -n 5 $BURN --idle & p="$p $!"
	taskset -c 1 $BURN --idle & p="$p $!"
	end=$(($(date +%s) + 2))
	while [ "$(date +%s)" -lt $end ]; do sleep 0.01; done
	kill -9 $p'

# under NAME...: the load under each of these policies, in one boot.
under() {
	local objects=() name
	for name; do
		objects+=(--object "$BUILD/policies/$name.bpf.o")
	done
	run timeout 600 sched-guest --quiet --cpus 2 --timeout 60 \
		--report "$report" "${objects[@]}" -- sh -c "$LOAD"
}

# listed KIND: the names of the manifest.
listed() {
	awk -F ' *[|] *' -v kind="$1" '!/^#/ && $2 == kind { print $1 }' \
		"$TREE/tests/policies/manifest.txt"
}

# simulated NAME...: each runs in the simulator, from the same file.
simulated() {
	local name
	for name; do
		exits 0 sched-sim run --json --alone --machine 2 \
			"$BUILD/policies/$name.bpf.o" hostile:hog_beside_sleepers
		is "$name $(jq -r .body.simulation.outcome <<<"$output")" \
			"$name done"
	done
}

@test "every good policy loads, runs a load and detaches" {
	local want
	want=$(listed good)
	# shellcheck disable=SC2046
	simulated ../lib/schedkit/policy $(sed 's,^,good/,' <<<"$want")
	[ "$(wc -w <<<"$want")" -ge 20 ]
	# shellcheck disable=SC2046
	under $(sed 's,^,good/,' <<<"$want")
	is "$(jq -r 'select(.outcome != "done") | tojson' "$report")" ''
	is "$(jq -r .policy.name "$report")" "$want"
	is "$(jq -r 'select(.policy.alive or .exit_status != 0)' "$report")" ''
}

# The other may be gone before or after anybody saw that it was enabled.
@test "the kernel refuses one and drops another, however soon" {
	under bad/null_map vm/dropped_at_once
	is "$(jq -r .outcome "$report" | tr '\n' ' ')" 'refused ejected '
	has "$(jq -r .policy.verifier_log "$report")" null_map.bpf.c
	has "$(jq -r .policy.exit_message "$report")" 'nobody is served'
}
