#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-train: models from recordings of bursts, and when there is none.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

make_bursts() {
	python3 "$TREE/tests/cli/bursts_make.py" "$@"
}

# Of the note: target(burst) is its object.
target() {
	jq -c --arg t "$1" '.body.training.targets[] | select(.target == $t)'
}

@test "what the last burst tells is learned, and written" {
	make_bursts alternating >a.bursts
	exits 0 sched-train --json -o model a.bursts
	burst=$(target burst <<<"$output")
	jq -e '.beats and .ratio_best < 0.5 and .ratio_best_ci95[1] < 0.5 and
		.learned > 1800 and .held_out > 800 and .bound < 1' <<<"$burst"
	jq -e '.contenders[] | select(.name == "trees") | .rank > 0.7 and
		.error < 0.5 and .ci95[1] < 0.5' <<<"$burst"
	# The sleeps are noise.
	target sleep <<<"$output" | jq -e '.beats == false'
	jq -e '.kind == "note" and (.body.text | test("burst: foretold better"))' \
		<<<"$output"
	is "$(jq -r .body.training.model.sha256 <<<"$output")" \
		"$(sha256sum <model | cut -d ' ' -f 1)"
	[ "$(jq .body.training.model.bytes <<<"$output")" -le 65536 ]
}

@test "the same recording gives the same bytes" {
	make_bursts alternating >a.bursts
	export SCHEDKIT_TIME=1790000000
	sched-train --json -o one a.bursts >one.json
	sched-train --json -o one a.bursts >two.json
	cp one two
	sched-train -o one a.bursts >/dev/null
	cmp one two
	cmp one.json two.json
}

@test "of noise there is no model, and it says so" {
	make_bursts noise >n.bursts
	exits 1 sched-train --json -o model n.bursts
	has "$stderr" 'nothing beats the exponential average'
	[ ! -e model ]
	jq -e '.body.training.model == null and
		([.body.training.targets[].beats] | any | not)' <<<"$output"
}

@test "only what is asked for is made and foretold" {
	make_bursts alternating >a.bursts
	exits 0 sched-train --json -t burst -m linear a.bursts
	jq -e '.body.training.targets | length == 1 and .[0].model == "linear"
		and ([.[0].contenders[].name] | contains(["linear"]) and
			(contains(["trees"]) | not))' <<<"$output"
	exits 0 sched-train --json -t class,burst -m trees --holdout 50 a.bursts
	jq -e '.body.training | .holdout_pct == 50 and
		[.targets[].model] == ["trees", "trees"]' <<<"$output"
	exits 1 sched-train --json -t sleep a.bursts
}

@test "several recordings, of clocks that do not agree" {
	make_bursts alternating >a.bursts
	make_bursts alternating 1500 >b.bursts
	exits 0 sched-train --json a.bursts b.bursts
	jq -e '.body.training | .bursts == 4500 and
		[.recordings[].bursts] == [3000, 1500] and
		(.targets[0] | .learned + .held_out > 4400)' <<<"$output"
}

@test "what was cut off is left out and counted" {
	make_bursts alternating 6000 | head -c -1000 >a.bursts
	exits 0 sched-train --json a.bursts
	jq -e '.body.training.recordings[0] |
		.bursts == 4096 and .torn_bytes > 1000' <<<"$output"
}

@test "no recording, or too short a one" {
	exits 3 sched-train nowhere.bursts
	has "$stderr" nowhere.bursts
	exits 3 sched-train "$BUILD/bin/sched-train"
	make_bursts alternating 100 >a.bursts
	exits 3 sched-train -o model a.bursts
	has "$stderr" 'too few bursts'
	make_bursts alternating >a.bursts
	exits 3 sched-train -o no/such/folder/model a.bursts
	[ ! -e model ]
}

@test "a model is checked on another recording" {
	make_bursts alternating >a.bursts
	make_bursts noise >n.bursts
	sched-train -t burst -o model a.bursts >/dev/null
	exits 0 sched-train --json --check model a.bursts
	jq -e '.body.training | .checked == "model" and
		(.targets | length == 1 and .[0].beats and
		.[0].held_out > 2900)' <<<"$output"
	exits 1 sched-train --json --check model n.bursts
	target burst <<<"$output" | jq -e '[.contenders[].name] ==
		["average", "smooth", "last", "trees"] and .ratio_best > 1'
	exits 3 sched-train --check model -t sleep a.bursts
	exits 3 sched-train --check a.bursts a.bursts
	has "$stderr" 'no model'
	exits 2 sched-train --check model -o other a.bursts
}

@test "usage" {
	exits 2 sched-train
	make_bursts noise 10 >a.bursts
	exits 2 sched-train --model forest a.bursts
	has "$stderr" 'forest'
	exits 2 sched-train --target burst,weight a.bursts
	has "$stderr" 'weight'
	exits 2 sched-train --target '' a.bursts
	exits 2 sched-train --holdout 99 a.bursts
	exits 0 sched-train --help
	exits 0 sched-train --version
}

@test "a terminal gets a table" {
	needs script
	make_bursts alternating >a.bursts
	COLUMNS=120 script -qec "sched-train $PWD/a.bursts" /dev/null >text
	grep -Eq '^burst +average +[0-9.]+ +[0-9.]+ ms +-?[0-9.]+' text
	grep -Eq '^ +trees \*? +0\.[0-9]+' text
	grep -q 'burst: foretold better by' text
}

@test "what sched-observe records is understood" {
	needs_root
	sched-observe --json --bursts real.bursts -- \
		"$BUILD/workloads/interactive" --seconds 4 >observed ||
		skip 'no BPF here'
	[ -s real.bursts ] || skip 'no BPF here'
	run --separate-stderr sched-train --json -t burst real.bursts
	# How good it is, is this machine's business.
	[ "$status" = 0 ] || [ "$status" = 1 ]
	jq -e '.body.training.targets[0].contenders | length == 7' <<<"$output"
}
