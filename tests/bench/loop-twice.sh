#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the loop learn?  Pairs of loops: one on a workload from nothing, one on
# a workload like it (other sizes, other names) with the history of the first.
# The second should need at most half the guest runs for as good a result.
#
#   loop-twice.sh [PAIRS]    10; 3 to 5 minutes each in an emulated guest
#
# BENCH_FRESH=yes: the like workload from nothing, too, and the second loop is
# held against that; 2 to 4 minutes more each.

set -euo pipefail
. "$(dirname "$0")/suite.bash"
pairs=${1:-10}
without=first
[ -z "${BENCH_FRESH:-}" ] || without=fresh
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
first() {
	local here=$1 name=$2 suite=$bench/suite/$2
	[ ! -e "$here.first.jsonl" ] || return 0
	rm -rf "$here.history" "$here.history.state"
	if [ -e "$suite/loop.jsonl" ]; then
		cp -a "$suite/history" "$here.history"
		cp "$suite/loop.jsonl" "$here.first.jsonl"
		return
	fi
	"$recipe" workload "$name" >"$here.first.json"
	step "$here.first.jsonl" with "$here.history" "$name" \
		"$here.first.json" "$3"
}

second() {
	local here=$1
	[ ! -e "$here.second.jsonl" ] || return 0
	rm -rf "$here.again" "$here.again.state"
	cp -a "$here.history" "$here.again"
	step "$here.second.jsonl" with "$here.again" "$2" "$here.like.json" "$3"
}

fresh() {
	local here=$1
	[ ! -e "$here.fresh.jsonl" ] || return 0
	rm -rf "$here.none" "$here.none.state"
	step "$here.fresh.jsonl" with "$here.none" "$2" "$here.like.json" "$3"
}

# As good: to within what a pair of runs can tell, and other sizes make.
pair() {
	local i=$1 name=$2 here=$dir/$1
	"$recipe" workload "$name" --like >"$here.like.json"
	say "$name: the first loop" && first "$here" "$name" "$i" || return
	say "$name: the second" && second "$here" "$name" "$i" || return
	[ "$without" = first ] || fresh "$here" "$name" "$i" || return
	jq -nc --arg name "$name" --slurpfile second <(outcome "$here.second.jsonl") \
		--slurpfile without <(outcome "$here.$without.jsonl") '
		def of: {status, ratio: (.best_ratio // 1),
			runs: .spent.guest_runs};
		{name: $name, without: ($without[0] | of), second: ($second[0] | of)}
		| .as_good = (.second.ratio >= 0.9 * .without.ratio)
		| .half = (.second.runs * 2 <= .without.runs)' >"$here.pair"
}

for i in $(seq "$pairs"); do
	pair "$i" "${names[$(((i - 1) % ${#names[@]}))]}" || exit
done
for i in $(seq "$pairs"); do
	cat "$dir/$i.pair"
done | jq -rs 'def x: . * 100 | round / 100 | tostring;
	(.[] | "\(.name): \(.without.runs) guest runs for "
		+ "\(.without.ratio | x)x without a history, \(.second.runs) for "
		+ "\(.second.ratio | x)x with one"
		+ (if .half and .as_good then "" else "  MISSED" end)),
	([.[].second.runs] | add) as $second | ([.[].without.runs] | add) as $all
	| "all: \($second) guest runs with a history, \($all) without: "
		+ "\($second / $all * 100 | round) % (50 % asked for); "
		+ "\([.[] | select(.half and .as_good)] | length) of \(length) "
		+ "pairs by themselves"'
for i in $(seq "$pairs"); do
	cat "$dir/$i.pair"
done | jq -es '([.[].second.runs] | add) * 2 <= ([.[].without.runs] | add)
	and ([.[] | select(.as_good)] | length) == length' >/dev/null
