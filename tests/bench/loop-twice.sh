#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the loop learn?  Pairs of loops: one on a workload from nothing, one on
# a workload like it (other sizes, other names) with the history of the first.
# The second should need at most half the guest runs for as good a result.
# For comparison, the like workload from nothing, too.
#
#   loop-twice.sh [PAIRS]    10; 6 to 12 minutes each in an emulated guest

set -euo pipefail
. "$(dirname "$0")/suite.bash"
pairs=${1:-10}
dir=$bench/loop-twice
mkdir -p "$dir"
mapfile -t names < <(for name in ${SUITE:-$("$recipe" list)}; do
	entry "$name" | jq -r 'select(.like and .kind != "null") | .name'
done)
[ ${#names[@]} -gt 0 ] || {
	say "no workload has one like it"
	exit 3
}

# with HISTORY NAME FILE SEED
with() {
	SCHEDKIT_HISTORY=$1 XDG_STATE_HOME=$1.state loop "$2" "$3" --seed "$4"
}

# A history that a run was broken off in is not what a first run left.  Where
# the suite has run its loop on the workload, that is the first one.
pair() {
	local i=$1 name=$2 here=$dir/$1 suite=$bench/suite/$2
	"$recipe" workload "$name" >"$here.first.json"
	if [ -e "$suite/loop.jsonl" ] && [ ! -e "$here.first.jsonl" ]; then
		rm -rf "$here.history"
		cp -a "$suite/history" "$here.history"
		cp "$suite/loop.jsonl" "$here.first.jsonl"
	fi
	"$recipe" workload "$name" --like >"$here.like.json"
	[ -e "$here.first.jsonl" ] || rm -rf "$here.history" "$here".history.state
	step "$here.first.jsonl" with "$here.history" "$name" \
		"$here.first.json" "$i" || return
	if [ ! -e "$here.second.jsonl" ]; then
		rm -rf "$here.again"
		cp -a "$here.history" "$here.again"
	fi
	step "$here.second.jsonl" with "$here.again" "$name" \
		"$here.like.json" "$i" || return
	[ -e "$here.fresh.jsonl" ] || rm -rf "$here.none"
	step "$here.fresh.jsonl" with "$here.none" "$name" "$here.like.json" \
		"$i" || return
	jq -nc --arg name "$name" --slurpfile first <(outcome "$here.first.jsonl") \
		--slurpfile second <(outcome "$here.second.jsonl") \
		--slurpfile fresh <(outcome "$here.fresh.jsonl") '
		def of: {status, ratio: (.best_ratio // 1),
			runs: .spent.guest_runs};
		{name: $name, first: ($first[0] | of), second: ($second[0] | of),
			fresh: ($fresh[0] | of)}
		# As good: to within what a pair of runs can tell.
		| .as_good = (.second.ratio >= 0.95 * .fresh.ratio)
		| .half = (.second.runs * 2 <= .fresh.runs)' >"$here.pair"
}

for i in $(seq "$pairs"); do
	pair "$i" "${names[$(((i - 1) % ${#names[@]}))]}" || exit
done
for i in $(seq "$pairs"); do
	cat "$dir/$i.pair"
done | jq -rs 'def x: . * 100 | round / 100 | tostring;
	(.[] | "\(.name): first \(.first.runs) guest runs (\(.first.ratio | x)), "
		+ "a like one after it \(.second.runs) (\(.second.ratio | x)), "
		+ "without the history \(.fresh.runs) (\(.fresh.ratio | x))"
		+ (if .half and .as_good then "" else "  MISSED" end)),
	([.[].second.runs] | add) as $second | ([.[].fresh.runs] | add) as $fresh
	| "all: \($second) guest runs with the history, \($fresh) without: "
		+ "\($second / $fresh * 100 | round) % (50 % asked for); "
		+ "\([.[] | select(.half and .as_good)] | length) of \(length) "
		+ "pairs by themselves"'
for i in $(seq "$pairs"); do
	cat "$dir/$i.pair"
done | jq -es '([.[].second.runs] | add) * 2 <= ([.[].fresh.runs] | add)
	and ([.[] | select(.as_good)] | length) == length' >/dev/null
