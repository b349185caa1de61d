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

# remade CHANGE: the policy with another body, without figures, which jq does
# not write as ids want them.
remade() {
	doc policy "$(jq -c ".body | del(.model.targets) | $1")"
}

# However busy the machine is: each of so many sleeps is a process with two
# bursts at least.
many_bursts() {
	sched-observe --json --bursts real.bursts -- sh -c '
		n=0
		while [ $((n += 1)) -le 600 ]; do sleep 0.005; done'
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

# ---- policies -----------------------------------------------------------

policies() {
	jq -c 'select(.kind == "policy")'
}

@test "a policy with the model inside, after all that came" {
	make_bursts alternating >a.bursts
	cp "$TREE/tests/bench/requests.profile" in
	profile=$(jq -r 'select(.kind == "profile").id' in)
	exits 0 sched-train --json -o model --policy a.bursts <in
	is "$(head -n "$(wc -l <in)" <<<"$output")" "$(cat in)"
	is "$(jq -r .kind <<<"$output" | tail -3 | paste -sd ' ')" \
		'profile note policy'
	policies <<<"$output" >p
	jq -e --arg id "$profile" '.parent == [$id] and (.body |
		.form == "params" and .params.order == "predicted" and
		.params.slice == "fixed" and .params.preempt == "none" and
		(.why | test("% of its error")))' p
	is "$(jq -r .body.model.data p | base64 -d | sha256sum)" \
		"$(sha256sum <model)"
	is "$(jq -r .body.model.sha256 p)" "$(tail -c 65 model)"
	is "$(jq -r '.body.model.trained_on[]' p)" \
		"$(sha256sum <a.bursts | cut -d ' ' -f 1)"
	jq -e '.body.model.targets.burst | .kind == "trees" and .rows > 800 and
		.ratio < 0.5 and .error < .average_error and
		.ci95[1] < 0.5' p
	jq -e '.body.uses | index("behaviour") != null' p
}

@test "more policies, always the same" {
	make_bursts alternating >a.bursts
	export SCHEDKIT_TIME=1790000000
	exits 0 sched-train --json --policy -n 4 a.bursts </dev/null
	policies <<<"$output" >four
	is "$(jq -s '[.[].id] | unique | length' four)" 4
	is "$(jq -s '[.[].body.title] | unique | length' four)" 4
	is "$(jq -s 'map(.parent) | unique | length' four)" 1
	is "$(jq -r '[.body.params | .slice, .preempt] | join(" ")' four |
		sort | uniq -c | xargs)" '1 fixed none 3 predicted key'
	exits 0 sched-train --json --policy -n 2 a.bursts </dev/null
	is "$(policies <<<"$output")" "$(head -2 four)"
}

@test "a bad line is passed on and told of, and the policy follows" {
	make_bursts alternating >a.bursts
	exits 3 sched-train --json --policy a.bursts <<<'{"half'
	is "$(head -1 <<<"$output")" '{"half'
	is "$(tail -n +2 <<<"$output" | jq -r .kind | paste -sd ' ')" \
		'error note policy'
}

@test "of noise there is no policy" {
	make_bursts noise >n.bursts
	exits 1 sched-train --json --policy n.bursts </dev/null
	is "$(jq -r .kind <<<"$output")" note
	jq -e '.body.text | test("no policy is proposed")' <<<"$output"
	has "$stderr" 'no policy is proposed'
	make_bursts alternating 100 >short.bursts
	exits 3 sched-train --json --policy short.bursts </dev/null
	is "$(jq -r .kind <<<"$output")" error
}

@test "the verifier takes such a policy, and no other's model" {
	make_bursts alternating >a.bursts
	sched-train --json --policy a.bursts </dev/null | policies >p
	judge 1 --stages lint,sim <p
	so '[.stages[] | select(.name == "lint" or .name == "sim").status] ==
		["passed", "passed"]'
	while IFS='@' read -r change words; do
		remade "$change" <p >bad
		judge 1 --stages lint <bad
		has "$body" "$words"
	done <<'END'
del(.model)@'predicted' needs a model
.params.order = "fifo" | .params.slice = "fixed"@no parameter goes by it
.model.data |= sub("^....."; "AAAAA")@model.data: it is no model
.model.data |= .[:4000]@model.data:
.model.sha256 = "00" * 32@model.sha256: it is not that of the data
.model.feature_version = 7@model.feature_version: 7 is not
.uses = []@uses: 'behaviour' is missing, but the model goes by it
.form = "hooks"@only a policy of form 'params'
.form = "knobs"@only a policy of form 'params'
END
}

@test "what nobody without a model can propose" {
	exits 2 sched-synth --sweep 'order=fifo,predicted' </dev/null
	has "$stderr" "params.order: 'predicted' needs a model"
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
	exits 2 sched-train --policy --check model a.bursts
	exits 2 sched-train --policy -t sleep a.bursts
	has "$stderr" 'a policy goes by bursts'
	exits 2 sched-train -n 2 a.bursts
	exits 2 sched-train --policy -n 5 a.bursts
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
	COLUMNS=120 script -qec "sched-train --policy $PWD/a.bursts </dev/null" \
		/dev/null >text
	grep -q 'burst: foretold better by' text
	grep -Eq '^policy [0-9a-f]{12}: short predicted bursts first, nobody is cut short \(order=' text
}

@test "what sched-observe records is understood" {
	needs_root
	many_bursts >observed || skip 'no BPF here'
	[ -s real.bursts ] || skip 'no BPF here'
	run --separate-stderr sched-train --json -t burst real.bursts
	# How good it is, is this machine's business.
	[ "$status" = 0 ] || [ "$status" = 1 ]
	jq -e '.body.training.targets[0].contenders | length == 7' <<<"$output"
}

@test "records, learns and proposes in one pipe" {
	needs_root
	many_bursts |
		sched-train --json --policy --holdout 50 real.bursts >all ||
		true
	grep -q '"bursts":{' all || skip 'no BPF here'
	is "$(jq -r .kind all | head -2 | paste -sd ' ')" 'profile note'
	jq -se '(map(select(.kind == "note"))[0].body.training.targets |
		map(select(.target == "burst"))[0].beats) ==
		(map(select(.kind == "policy")) | length == 1)' all
	jq -se '(.[0].id) as $id | .[1:] | all(.parent == [$id])' all
	jq -se '.[0].body.bursts.sha256 as $d | .[2:] |
		all(.body.model.trained_on == [$d])' all
}
