# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What a scripted model says, for tests of sched-synth:  load ../proposals
# $dir is a folder of the test's own, $TREE the source tree.

# A program "$dir/model" that answers N.out to the Nth question, which is kept
# in N.in.
scripted_model() {
	# shellcheck disable=SC2154,SC2016
	printf '%s\n' '#!/bin/sh' "cd '$dir' || exit" \
		'n=$(($(ls ./*.in 2>/dev/null | wc -l) + 1))' \
		'cat >$n.in; cat $n.out' >"$dir/model"
	chmod +x "$dir/model"
}

# say N JSON: the Nth answer.
say() {
	jq -c . <<<"$2" >"$dir/$1.out"
}

# experiment FORM JSON: one of the planner's, some keys set to others.
experiment() {
	jq -nc --arg form "$1" --argjson more "$2" '{form: $form, title: "one",
		why: "it waits", uses: [], hypothesis: {metric: "rate",
		effect_pct: 10, text: "less waiting"}, params: null,
		knobs: null, external: null, task: null} + $more'
}

# plan EXPERIMENT...
plan() {
	printf '%s\n' "$@" |
		jq -sc '{summary: "They wait for a lock.", experiments: .}'
}

# fix JSON: a fixer's answer.
fix() {
	jq -nc --argjson more "$1" '{diagnosis: "it was wrong", code: null,
		params: null, knobs: null, give_up: false} + $more'
}

param() {
	jq -nc --arg n "$1" --argjson v "$2" '{name: $n, value: $v}'
}

FIFO='{"params": [{"name": "order", "value": "fifo"},
	{"name": "slice_us", "value": 20000}]}'

# coder FILE: the coder's answer.
coder() {
	jq -nc --rawfile code "$1" \
		'{code: $code, uses: ["behaviour"], params: null}'
}

# mended FILE: the fixer's.
mended() {
	jq -nc --rawfile code "$1" '{diagnosis: "it was wrong", code: $code,
		params: null, knobs: null, give_up: false}'
}

critic='{"verdict": "fix", "findings": [{"line": 7, "text": "look here"}]}'

# A policy that gains on tests/bench/requests.profile.
good_source=$TREE/tests/policies/good/shortest.bpf.c

# One that is a scheduler for requests in three lines.
good_hooks() {
	printf '%s\n' 'u64 hook_slice(const struct hook_task *t) {' \
		'	return t->nice > 0 ? HOOK_MS(10) : HOOK_MS(40);' '}'
}

# script_of FORM: from nothing to an accepted policy.  The first source does
# not compile, the second lets a task starve.
script_of() {
	case $1 in
	knobs)
		say 1 "$(plan "$(experiment knobs '{"knobs": [{"match": "*",
			"nice": null, "policy": "batch", "slice_us": null,
			"cpus": null, "cpu_weight": null,
			"cpu_max_pct": null}]}')")"
		;;
	external)
		say 1 "$(plan "$(experiment external '{"external": {"program":
			"scx_testfifo", "flags": ["--slice-us", "5000"]}}')")"
		;;
	params) say 1 "$(plan "$(experiment params "$FIFO")")" ;;
	hooks)
		good_hooks >"$dir/hooks.c"
		say 1 "$(plan "$(experiment hooks "$(jq -c \
			'.task = "Long turns." | .params |= [.[0]]' \
			<<<"$FIFO")")")"
		say 2 "$(coder "$dir/hooks.c")"
		say 3 '{"verdict": "ship", "findings": []}'
		;;
	source)
		sed '/scx_bpf_kick_cpu/s/;//' "$good_source" >"$dir/broken.c"
		say 1 "$(plan "$(experiment source \
			'{"task": "One queue, whoever ran least is first."}')")"
		say 2 "$(coder "$dir/broken.c")"
		say 3 "$critic"
		say 4 "$(mended \
			"$TREE/tests/policies/bad/newcomers_first.bpf.c")"
		say 5 "$(mended "$good_source")"
		;;
	esac
}
