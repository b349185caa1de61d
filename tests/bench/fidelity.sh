#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How well the simulator foretells a kernel: seven workloads, each observed
# once in a guest under EEVDF and then run there under six policies, beside
# what the simulator says from the profile alone (medians of five seeds).
#
#   fidelity.sh [PAIRS [FOLDER]]     2 pairs; documents are kept in FOLDER
#
# hackbench stands apart: how often its tasks wait depends on how long they are
# left to run, and a profile does not say so.  Its rows are printed, and the
# summary is given with and without it.
#
# Ratios are improvements over EEVDF.  Kendall's tau is over all pairs of
# policies (EEVDF among them) of one workload whose measured ratios differ by
# more than NOISE percent (10): what is closer is not told apart by so few pairs
# of runs in an emulated guest.

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}" "${NOISE:=10}"
seeds=5
pairs=${1:-2}
dir=${2:-$(mktemp -d)}
[ $# -gt 1 ] || trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"
bin=$PWD/$BUILD/bin work=$PWD/$BUILD/workloads

# NAME GOAL METRIC-IN-THE-SIMULATOR OBSERVE-OPTIONS -- COMMAND
workloads() {
	cat <<-END
	longtail makespan wall -- $work/longtail
	requests throughput request_rate --metric rate,higher,1/s=re:([0-9.]+).requests/s -- $work/requests --seconds 3
	no-lock throughput request_rate --metric rate,higher,1/s=re:([0-9.]+).requests/s -- $work/requests --no-lock --seconds 3
	steps makespan wall -- $work/steps
	ticks throughput ticker_rate --metric ticks,higher,1/s=re:([0-9.]+).ticks/s -- $work/mix
	batch throughput batch_cpus --metric units,higher,1/s=re:([0-9.]+).units/s -- $work/mix 3 3
	hackbench makespan wall -- $(command -v hackbench) -g 2 -l 200
	END
}

policies() {
	cat <<-'END'
	finish-turns {"order":"fifo","slice_us":100000}
	fair {"order":"vruntime","slice_us":20000}
	short-first {"classify":"behaviour","order":"deadline","preempt":"class","slice":"class","slice_us":5000,"slice_interactive_us":5000,"slice_batch_us":20000,"ahead_us":20000,"preempt_min_us":0}
	per-cpu {"queue":"cpu","slice_us":10000}
	short-turns {"order":"deadline","slice":"depth","slice_us":10000,"preempt":"key"}
	longest-first {"classify":"identity","order":"longest","ahead_us":20000000,"unknown_us":200000,"starve_us":10000000}
	END
}

# Policies for a profile, as documents behind it.
candidates() {
	local profile=$1 name params body
	cat "$profile"
	while read -r name params; do
		body=$(jq -cS --arg name "$name" --argjson params "$params" '
			.body as $p
			| {form: "params", title: $name, why: "bench",
				uses: ["behaviour", "learned_identity"],
				params: $params}
			+ if $params.classify == "identity" then
				{identities: [$p.identities[]?
					| select(.run_us / .execs >= 1000)
					| {hash, expect_us:
						(.run_us / .execs | floor)}]}
				else {} end' <"$profile")
		jq -cn --argjson body "$body" \
			--arg id "$(printf %s "$body" | sha256sum | cut -c1-64)" \
			--arg parent "$(jq -r .id <"$profile")" '
			{v: 1, kind: "policy", id: $id, parent: [$parent],
				by: "bench", time: "2026-01-01T00:00:00Z",
				$body}'
	done < <(policies)
}

# One workload: lines of WORKLOAD POLICY MEASURED FORETOLD
measure() {
	local name=$1 goal=$2 metric=$3 d=$dir/$1 id title
	shift 3
	mkdir -p "$d"
	[ -s "$d/profile" ] ||
		"$bin/sched-observe" --target vm --cpus 2 --name "$name" \
			--goal "$goal" --json "$@" >"$d/profile" 2>/dev/null
	candidates "$d/profile" >"$d/policies"
	[ -s "$d/verdicts" ] || "$bin/sched-verify" --target vm --cpus 2 \
		--stages lint,build,kernel,run --pairs "$pairs" --screen 0 \
		--finalists 6 --no-confirm --json <"$d/policies" \
		>"$d/verdicts" || [ $? = 1 ]
	while IFS=$'\t' read -r id title; do
		grep -F "\"id\":\"$id\"" "$d/policies" >"$d/$title.policy"
		for ((seed = 1; seed <= seeds; seed++)); do
			"$bin/sched-sim" run --json --seed "$seed" \
				"$d/$title.policy" "$d/profile" || [ $? = 1 ]
		done >"$d/$title.sim"
		jq -rn --arg w "$name" --arg t "$title" --arg id "$id" \
			--arg m "$metric" --slurpfile v "$d/verdicts" \
			--slurpfile s "$d/$title.sim" '
			[$w, $t,
			([$v[] | select(.kind == "verdict" and
				.body.policy == $id)][0].body.metrics
				| map(select(.guard | not))[0].ratio // "-"),
			([$s[].body.compared[]? | select(.name == $m).ratio]
				| sort | .[length / 2 | floor] // "-")]
			| @tsv'
	done < <(jq -r 'select(.kind == "policy")
		| [.id, .body.title] | @tsv' "$d/policies")
}

report() {
	awk -F '\t' -v noise="$NOISE" '
	function abs(x) { return x < 0 ? -x : x }
	{
		printf "%-10s %-14s", $1, $2
		if ($3 == "-" || $4 == "-") {
			printf " %9s %9s %9s\n", $3, $4, "no figure"
			next
		}
		e = 100 * ($4 / $3 - 1)
		printf " %8.2fx %8.2fx %+8.1f %%\n", $3, $4, e
		error[++n] = abs(e)
		w[n] = $1; m[n] = $3; s[n] = $4
		if (!($1 in seen)) { # EEVDF itself
			seen[$1] = 1
			k++
			w[-k] = $1; m[-k] = 1; s[-k] = 1
		}
	}
	# Of all workloads but `without`.
	function summary(what, without,   i, j, d, f, total, sum, e, t, count) {
		for (i = -k; i <= n; i++)
			for (j = i + 1; j <= n; j++) {
				if (!i || !j || w[i] != w[j] || w[i] == without)
					continue
				d = log(m[i] / m[j]); f = log(s[i] / s[j])
				if (abs(d) * 100 < noise)
					continue
				total++
				sum += d * f > 0 ? 1 : f == 0 ? 0 : -1
			}
		for (i = 1; i <= n; i++)
			if (w[i] != without)
				e[++count] = error[i]
		for (i = 1; i <= count; i++)
			for (j = i + 1; j <= count; j++)
				if (e[j] < e[i]) {
					t = e[i]
					e[i] = e[j]
					e[j] = t
				}
		printf "%s: Kendall tau %.2f over %d pairs, median error " \
			"%.1f %%, worst %.1f %% of %d\n", what, sum / total,
			total, count % 2 ? e[(count + 1) / 2] \
			: (e[count / 2] + e[count / 2 + 1]) / 2, e[count], count
	}
	END {
		summary("all", "")
		summary("without hackbench", "hackbench")
		}'
}

printf '%-10s %-14s %9s %9s %10s\n' workload policy measured foretold error
while read -r line; do
	# shellcheck disable=SC2086 # words of a table
	measure $line
done < <(workloads) | tee "$dir/table" | report
