#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast the simulator is on one core: BPF instructions, scheduling events
# under the template on 8 CPUs, simulated time on the recorded request
# workload, candidates in a search.
#
#   simulator.sh [ROUNDS]     medians of 9 rounds
#
# All of it in CPU time, so that what else the machine does matters little,
# and of whole commands: starting and reading the policy are part of it.
# Instructions have the running kernel's compiler as a peer, which takes root;
# for the rest there is none: nothing else runs sched_ext policies in a model.
# requests.profile is what sched-observe wrote about the request workload (2
# dispatchers, 3 workers each) in a guest.

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}"
rounds=${1:-9}
repeat=10 # what is timed together: one run is too short for the clock
sim=$BUILD/bin/sched-sim synth=$BUILD/bin/sched-synth
profile=tests/bench/requests.profile
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

middle() {
	sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'
}

# simulate WORKLOAD POLICY: a document; findings are no matter here
simulate() {
	"$sim" run --json --alone --machine 8 "$2" "$1" || [ $? = 1 ]
}

search() {
	"$synth" -n 4 --json <"$profile" 2>/dev/null
}

many() {
	for ((n = 0; n < $1; n++)); do
		"${@:2}" >"$dir/out"
	done
}

# seconds TIMES COMMAND...: CPU time of one; what it wrote is left in out
seconds() {
	local TIMEFORMAT='%U %S' n=$1

	for ((i = 0; i < rounds; i++)); do
		{ time many "$@" 2>/dev/null; } 2>&1
	done | awk -v n="$n" '{ print ($1 + $2) / n }' | middle
}

# row WHAT COUNT SECONDS UNIT
row() {
	awk -v what="$1" -v count="$2" -v s="$3" -v unit="$4" 'BEGIN {
		printf "%-42s %12.0f %s\n", what, count / s, unit }'
}

"$BUILD/bench/vm" "$rounds" | while IFS=$'\t' read -r who rate; do
	row "BPF instructions, $who" "$rate" 1 1/s
done
for policy in template eevdf; do
	s=$(seconds "$repeat" simulate hostile:wake_chain "$policy")
	row "scheduling events, $policy, 8 CPUs" \
		"$(jq .body.simulation.events "$dir/out")" "$s" 1/s
	s=$(seconds "$repeat" simulate "$profile" "$policy")
	row "requests on 8 CPUs, $policy" \
		"$(jq .body.simulation.end_s "$dir/out")" "$s" 'times real time'
done
s=$(seconds 1 search)
row 'candidates in a search' "$(jq 'select(.kind == "plan") | .body.text
	| capture("among (?<n>[0-9]+) points").n | tonumber * 60' \
	"$dir/out")" "$s" 1/min
