#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a poisoned model costs: requests that share nothing, in a guest, under a
# policy that goes by a model as good as the exponential average, and under the
# same with models that are wrong.  The policy brakes these, and tries them again
# after one second, two, four.
#
#   learned-poison.sh [ROUNDS]     medians of 7 rounds

set -euo pipefail
. "$(dirname "$0")/suite.bash"
rounds=${1:-7}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# body NAME BIAS [FEATURE WEIGHT]...: a policy with a linear model.
body() {
	local name=$1
	shift
	python3 tests/model_make.py "$@" >"$dir/model"
	base64 -w 0 "$dir/model" | jq -Rc --arg sha "$(tail -c 65 "$dir/model")" '{
		form: "params", uses: ["behaviour"], title: "poisoned",
		why: "to see what it costs",
		params: {order: "predicted", slice: "predicted",
			preempt: "key", starve_us: 2000000},
		model: {sha256: $sha, feature_version: 1, data: .}}' \
		>"$dir/$name.json"
}

names=(average zero forever random opposite)
body average 0 1 1
body zero 0
body forever 63
body random 21 0 7 4 -3 7 9 11 -2.5
body opposite 45 0 -1
options=()
for name in "${names[@]}"; do options+=(-p "$dir/$name.json"); done
for ((i = 0; i < rounds; i++)); do
	echo "$BUILD/workloads/requests --no-lock --seconds 2.5"
done | "$bin/sched-guest" -q -c 2 --each "${options[@]}" |
	awk -v names="${names[*]}" '
	/requests\/s/ { rate[NR0++] = $1 }
	END {
		n = split(names, name, " ")
		for (p = 2; p <= n; p++) {
			c = 0
			for (i = 0; i + n <= NR0; i += n)
				r[c++] = rate[i + p - 1] / rate[i]
			for (a = 1; a < c; a++)
				for (b = a; b > 0 && r[b - 1] > r[b]; b--) {
					t = r[b]; r[b] = r[b - 1]; r[b - 1] = t
				}
			printf "throughput, %-30s %11.3f of a good one\n", \
				"poisoned model: " name[p], r[int(c / 2)]
		}
	}'
