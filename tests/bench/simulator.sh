#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast the simulator is, on one core: BPF instructions, scheduling events
# under the template on 8 CPUs, simulated time on the recorded request
# workload, candidates in a search.
#
#   simulator.sh [ROUNDS]     medians of 5 rounds
#
# tests/bench/requests.profile is what sched-observe wrote about the request
# workload (2 dispatchers, 3 workers each) in a guest.

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}"
rounds=${1:-5}
bin=$PWD/$BUILD/bin profile=tests/bench/requests.profile
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Seconds of CPU time that a command used.
seconds() {
	local TIMEFORMAT='%U %S'
	{ time "$@" >"$dir/out" 2>/dev/null || [ $? = 1 ]; } 2>&1 |
		awk '{ print $1 + $2 }'
}

# median COMMAND...: of its CPU time over the rounds
median() {
	for ((i = 0; i < rounds; i++)); do
		seconds "$@"
	done | sort -n | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'
}

row() {
	awk -v what="$1" -v n="$2" -v s="$3" -v unit="$4" 'BEGIN {
		x = n / s
		printf "%-44s %14s %s\n", what, sprintf(x < 1000 ? "%.1f" : "%.0f",
			x), unit }'
}

# Counts r1's memory word down: 5 instructions each round of the loop.
loop() {
	local word=
	# r0 = 200000; loop: r2 = r0; r2 *= 3; r3 ^= r2; r0 -= 1; if r0 goto loop
	word+=b700000040420f00
	word+=bf02000000000000
	word+=2702000003000000
	word+=af23000000000000
	word+=1700000001000000
	word+=5500fbff00000000
	word+=9500000000000000
	echo "$word"
}

loop >"$dir/loop"
sed -i 's/40420f00/00000300/' "$dir/loop" # 196608 rounds: within the budget
empty=$(echo b7000000000000009500000000000000 >"$dir/empty"
	median "$bin/sched-sim" exec "$dir/empty")
many=$(median bash -c "for i in 1 2 3 4 5 6 7 8 9 10; do
	$bin/sched-sim exec $dir/loop; done")
none=$(median bash -c "for i in 1 2 3 4 5 6 7 8 9 10; do
	$bin/sched-sim exec $dir/empty; done")
row 'instructions (ALU and jumps)' 9830410 \
	"$(awk "BEGIN { print $many - $none }")" '1/s'
: "$empty"

for policy in template eevdf; do
	run=("$bin/sched-sim" run --json --alone --machine 8 --limit 20
		"$policy" hostile:busy)
	s=$(median "${run[@]}")
	events=$(jq .body.simulation.events "$dir/out")
	row "scheduling events, $policy, 8 CPUs" "$events" "$s" '1/s'
	run=("$bin/sched-sim" run --json --alone --machine 8 "$policy"
		"$profile")
	s=$(median "${run[@]}")
	end=$(jq .body.simulation.end_s "$dir/out")
	row "simulated time, requests, $policy, 8 CPUs" "$end" "$s" 's/s'
done

s=$(median "$bin/sched-synth" -n 4 --runs 280 --json <"$profile")
row 'candidates in a search' "$(jq -r 'select(.kind == "plan") | .body.text
	| capture("among (?<n>[0-9]+) points").n' "$dir/out")" \
	"$(awk "BEGIN { print $s / 60 }")" '1/min'
