#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where no policy matters, how often does the loop believe that one does?
# Runs of the loop on the null workload, each from nothing and with a seed of
# its own; at most one in twenty may accept anything.
#
#   loop-null.sh [RUNS]      20; 2 to 4 minutes each in an emulated guest

set -euo pipefail
. "$(dirname "$0")/suite.bash"
runs=${1:-20}
dir=$bench/loop-null
mkdir -p "$dir"
name=$("$recipe" list null | head -n 1)
[ -n "$name" ] || {
	say "the suite has no null workload"
	exit 3
}
"$recipe" workload "$name" >"$dir/workload.json"

by_seed() {
	SCHEDKIT_HISTORY=$dir/$1.history XDG_STATE_HOME=$dir/$1.state \
		loop "$name" "$dir/workload.json" --seed "$1"
}

for i in $(seq "$runs"); do
	file=$dir/$i.jsonl
	[ -e "$file" ] || rm -rf "$dir/$i.history" "$dir/$i.state"
	step "$file" by_seed "$i" || exit
	rm -rf "$dir/$i.history" "$dir/$i.state"
	outcome "$file" | jq -r --arg i "$i" '"run \($i): \(.status), best ratio " +
		"\(.best_ratio // 1 | . * 100 | round / 100), " +
		"\(.spent.guest_runs) guest runs"'
done

accepted=0
for i in $(seq "$runs"); do
	[ "$(outcome "$dir/$i.jsonl" | jq -r .status)" != better ] ||
		accepted=$((accepted + 1))
done
echo "$name: $accepted of $runs runs accepted a policy; at most" \
	"$(((runs + 19) / 20)) may"
[ "$accepted" -le $(((runs + 19) / 20)) ]
