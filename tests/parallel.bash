# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Models that answer many drafts at once, for tests and benchmarks of
# sched-synth:  load ../parallel  (after ../proposals)
# $dir is a folder of the caller's own, $TREE the source tree.

# script_many N PAUSE [PLANNED]: $dir/many.json, whose N drafts are each
# written wrong, reviewed, mended wrongly and mended: four questions and three
# climbs.  The answers are streamed, 200 bytes every PAUSE seconds.  PLANNED: so
# many drafts are planned (N).
script_many() {
	local good=$TREE/tests/policies/good/shortest.bpf.c
	# shellcheck disable=SC2154
	sed '/scx_bpf_kick_cpu/s/;//' "$good" >"$dir/broken.c"
	jq -n --argjson n "$1" --argjson pause "$2" \
		--argjson planned "${3:-$1}" --rawfile good "$good" \
		--rawfile broken "$dir/broken.c" --rawfile starving \
		"$TREE/tests/policies/bad/newcomers_first.bpf.c" '
	def step(role; match; value): {always: true, match: {
		role: ("You are the " + role), contains: match},
		answer: {value: value}, fault: {split: 200, pause: $pause}};
	def mark(i): "draft_\(i);";
	def code(text; i): text + "\nint draft_\(i);\n";
	def mended(i; text): {diagnosis: "it was wrong", code: code(text; i),
		params: null, knobs: null, give_up: false};
	[range($n) as $i |
	step("coder"; mark($i); {code: code($broken; $i), params: null,
		uses: ["behaviour"]}),
	step("critic"; mark($i); {verdict: "ship", findings: []}),
	step("fixer, turn 2"; mark($i); mended($i; $good)),
	step("fixer"; mark($i); mended($i; $starving))] +
	[step("planner"; "Propose"; {summary: "They wait for a lock.",
		experiments: [range($planned) | {form: "source",
		title: "idea \(.)", why: "it waits", uses: [],
		hypothesis: {metric: "rate", effect_pct: 10, text: "less"},
		params: null, knobs: null, external: null,
		task: "End it with: int \(mark(.))"}]})] |
	map(if .match.role == "You are the fixer, turn 2" then .match |=
		{role: "You are the fixer", turn: "turn 2 of",
		contains: .contains} else . end)' >"$dir/many.json"
}

# endpoints N [SECONDS]: N test endpoints of $dir/many.json, for each a folder
# $dir/eN; their processes in $servers.
endpoints() {
	local i
	servers=()
	for i in $(seq "$1"); do
		mkdir -p "$dir/e$i"
		cp "$dir/many.json" "$dir/e$i/many.json"
		rm -f "$dir/e$i/port" "$dir/e$i/many.log"
		"$TREE/tests/endpoint/endpoint" --seconds "${2:-60}" \
			--port "$dir/e$i/port" "$dir/e$i/many.json" 3>&- &
		servers+=($!)
	done
	for i in $(seq "$1"); do
		for _ in $(seq 300); do
			[ ! -e "$dir/e$i/port" ] || break
			sleep 0.1
		done
	done
}

# address SLOTS [N...]: SCHED_LLM for these endpoints (all).
address() {
	local slots=$1 i
	shift
	[ $# -gt 0 ] || set -- $(seq ${#servers[@]})
	for i; do
		printf 'http://127.0.0.1:%s/v1#test-1;slots=%s;name=e%s ' \
			"$(cat "$dir/e$i/port")" "$slots" "$i"
	done
}

# What two runs must have in common: all but when, where and how long.
same() {
	jq -cS 'def plain: walk(if type == "object" then del(.seconds,
		.first_token_s, .endpoint, .limits, .time) else . end);
		if .kind == "note" then {kind, body: (.body | del(.about) | plain)}
		elif .kind == "plan" or .kind == "policy" then
			{kind, id, provenance: (.provenance | del(.transcript))}
		else {kind} end' "$@"
}

# most_at_once N: the most questions that endpoint N had at once; what lasts a
# moment is an answer that had arrived before the endpoint knew.
most_at_once() {
	jq -s '[.[] | if .sent != null then {at: (.at - 0.1), by: -1}
		elif .body then {at, by: 1} else empty end] | sort_by(.at) |
		reduce .[] as $e ({now: 0, most: 0}; .now += $e.by |
		.most = ([.most, .now] | max)) | .most' "$dir/e$1/many.log"
}
