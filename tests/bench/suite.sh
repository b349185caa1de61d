#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The workload suite in a guest, by four ways of choosing a policy: the
# kernel's own scheduler, each built-in rule, random search, and the loop
# without a model.  Search and loop try equally many policies, by the same
# ladder.
#
#   suite.sh         makes $BUILD/bench/suite.jsonl for sched-report, prints
#                    the table; status 1 where a target is missed
#
# See suite.bash for what the environment may say; BENCH_WAYS="rules random
# loop" is which of them.  A workload takes 8 to 15 minutes in an emulated guest,
# the loop alone 2 to 4.

set -euo pipefail
. "$(dirname "$0")/suite.bash"
ways=${BENCH_WAYS:-rules random loop}

declare -A says=([rules]="each built-in rule" [random]="random search"
	[loop]="the loop")

by_rules() {
	local guards
	mapfile -t guards < <(guards_of "$1")
	"$bin/sched-synth" --backend rules -n 12 --seed 1 <"$2/profile.jsonl" |
		"$bin/sched-verify" --target vm --cpus "$(cpus_of "$1")" \
			--screen 0 --finalists 12 --pairs 5 --no-confirm \
			--json ${guards[@]+"${guards[@]}"}
}

by_random() {
	local guards
	mapfile -t guards < <(guards_of "$1")
	"$bin/sched-synth" --sources random -n $((rounds * candidates)) \
		--seed 1 <"$2/profile.jsonl" |
		"$bin/sched-verify" --target vm --cpus "$(cpus_of "$1")" \
			--halving --sequential --pairs 9 \
			--json ${guards[@]+"${guards[@]}"}
}

by_loop() {
	SCHEDKIT_HISTORY=$2/history XDG_STATE_HOME=$2/history-state \
		loop "$1" "$2/workload.json" --seed 1
}

one() {
	local name=$1 dir=$bench/suite/$1
	mkdir -p "$dir"
	say "$name: observe"
	step "$dir/profile.jsonl" "$recipe" observe "$name" --json || return
	"$recipe" workload "$name" >"$dir/workload.json"
	for way in $ways; do
		say "$name: ${says[$way]:?is no way}"
		[ "$way" != loop ] || [ -e "$dir/loop.jsonl" ] ||
			rm -rf "$dir/history" "$dir/history-state"
		step "$dir/$way.jsonl" "by_$way" "$name" "$dir" || return
	done
	row "$name" >"$dir/row.json"
}

# Null where this way was not gone.
way() {
	[ -e "$1.jsonl" ] || {
		echo null
		return
	}
	jq -s --argjson seconds "$(cat "$1.jsonl.seconds")" \
		'{documents: ., seconds: $seconds}' "$1.jsonl"
}

row() {
	local dir=$bench/suite/$1
	jq -n --slurpfile entry <(entry "$1") \
		--slurpfile rules <(way "$dir/rules") \
		--slurpfile random <(way "$dir/random") \
		--slurpfile loop <(way "$dir/loop") \
		'{entry: $entry[0], rules: $rules[0], random: $random[0],
			loop: $loop[0]}' | jq -f tests/bench/suite.jq
}

# Each document once; the table is a note about the first profile.
collect() {
	local out=$bench/suite.jsonl history
	history=$(mktemp -d)
	jq -cs 'reduce .[] as $d ({seen: {}, all: []};
		if .seen[$d.id] then . else .seen[$d.id] = true | .all += [$d]
		end) | .all[]' "$@" >"$out.part"
	SCHEDKIT_HISTORY=$history "$bin/sched-history" add <"$out.part" \
		>"$out.added"
	SCHEDKIT_HISTORY=$history "$bin/sched-history" note --json --tag bench \
		--tag suite --about "$(jq -rs 'map(select(.kind == "profile"))
			[0].id' "$out.part")" "$text" >>"$out.added"
	rm -rf "$history" "$out.part"
	mv "$out.added" "$out"
}

failed=()
names=${SUITE:-$("$recipe" list)}
for name in $names; do
	one "$name" || failed+=("$name")
done
rows=()
files=()
for name in $("$recipe" list); do
	dir=$bench/suite/$name
	[ -e "$dir/row.json" ] || continue
	rows+=("$dir/row.json")
	for way in profile "${!says[@]}"; do
		[ ! -e "$dir/$way.jsonl" ] || files+=("$dir/$way.jsonl")
	done
done
[ ${#rows[@]} -gt 0 ] || {
	say "nothing was measured"
	exit 3
}
summary=$(jq -s -f tests/bench/suite-table.jq "${rows[@]}")
text=$(jq -r .text <<<"$summary")
collect "${files[@]}"
echo "$text"
echo
echo "documents: $bench/suite.jsonl"
[ ${#failed[@]} -eq 0 ] || {
	say "not measured: ${failed[*]}"
	exit 3
}
jq -e .holds <<<"$summary" >/dev/null
