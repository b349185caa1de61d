#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-loop in real guests: from nothing to deployed, what the history is good
# for, and kill -9.

load ../lib

setup_file() {
	# What the tests do builds on each other: one history, one state.
	export XDG_STATE_HOME=$BATS_FILE_TMPDIR/state
	export SCHEDKIT_HISTORY=$BATS_FILE_TMPDIR/history
	export KEEP_STATE=$XDG_STATE_HOME
}

setup() {
	needs_guest
	needs_plain_build
	export XDG_STATE_HOME=$KEEP_STATE
	cd "$BATS_TEST_TMPDIR" || return
	unset SCHED_LLM
}

# loop STATUS ARGUMENT...: its documents are in $output.
loop() {
	local want=$1
	shift
	exits "$want" timeout 600 sched-loop --target vm --cpus 2 --json "$@"
}

# of FILTER: of the run's own note.
of() {
	tail -n 1 <<<"$output" | jq -r ".body.loop | $1"
}

@test 'guest loop: from nothing to accepted, recorded, deployed' {
	loop 0 --goal makespan --bound "$BUILD/workloads/longtail --bound" \
		-- "$BUILD/workloads/longtail"
	is "$(of .status)" better
	has "$(jq -r 'select(.kind == "deployment").body.state' \
		<<<"$output")" detached
	[ "$(of '.best_ratio > 1.03')" = true ]
	of .spent.guest_runs >"$BATS_FILE_TMPDIR/first"
	git -C "$SCHEDKIT_HISTORY" fsck --strict --no-dangling
	has "$(sched-history states --json)" "$(of .best)"
}

@test 'guest loop: the second one on a like workload needs half the runs' {
	[ -s "$BATS_FILE_TMPDIR/first" ] || skip 'the first one failed'
	# The same jobs from another place, under another name.
	cp "$BUILD/workloads/longtail" tail
	loop 0 --goal makespan --bound "./tail --bound" -- ./tail
	is "$(of .status)" better
	is "$(of '.rounds[0].candidates | length')" 1
	echo "# $(cat "$BATS_FILE_TMPDIR/first") runs, then $(of .spent.guest_runs)"
	[ $((2 * $(of .spent.guest_runs))) -le \
		"$(cat "$BATS_FILE_TMPDIR/first")" ]
}

@test 'guest loop: where nothing matters, nothing is found' {
	loop 1 --rounds 1 --candidates 2 --pairs 5 -- sleep 0.2
	is "$(of .status)" none
	is "$(of .best)" null
}

@test 'guest loop: kill -9 of its parts, and --resume' {
	BUILD=$BUILD timeout 600 "$TREE/tests/crash/loop" 3
}
