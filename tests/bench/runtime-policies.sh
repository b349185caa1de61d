#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The runtime's policies on its traces, on a virtual clock: seconds of waiting
# and turnaround, fairness, what was lost to suspending, and the price; then
# what backfill is worth.  The same everywhere; only the last line, how fast it
# goes, is this machine's.

set -euo pipefail
TREE=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in
/*) ;;
*) BUILD=$TREE/$BUILD ;;
esac
cd "$TREE/tests/traces"
sim=("$BUILD/bin/sched-agents" sim)
names=(llm-bound tool-bound mixed heavy-tailed bursty wide)
start=$(date +%s%N)

for t in "${names[@]}"; do
	jq -r 'select(.trace) | .about' "$t.jsonl" | fold -s -w 78
	"${sim[@]}" --check "$t.jsonl"
	echo
done
echo 'Without backfill: what does not fit holds up all behind it.'
"${sim[@]}" --no-backfill wide.jsonl
echo
echo "The LLMAgentOS text's three tasks on two agents, seconds:"
for how in '--fit first --order lowest' '--fit first --exclusive' \
	'--fit best --exclusive' '--fit best'; do
	# shellcheck disable=SC2086
	printf '%5s  %s\n' "$("${sim[@]}" --json --policy priority $how \
		seed002.jsonl | jq '.policies[0].makespan_s')" "$how"
done
echo
echo "all of it took $((($(date +%s%N) - start) / 1000000)) ms"
