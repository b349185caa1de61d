#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What observing costs: hackbench alone, beside "sched-observe -a", the same
# with --bursts, and under "perf sched record", interleaved.  The aim is at most
# 3 % for ours.
#
#   observe-overhead.sh [ROUNDS]
#
# Prints the medians and the medians of the per-round ratios, of the time that
# hackbench reports and of the CPU time it used.  The latter says what
# observing adds even where others use the machine.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}" "${LOAD:=-g 4 -l 2000}"
rounds=${1:-9}
for tool in hackbench perf; do
	command -v $tool >/dev/null || { echo "needs $tool" >&2; exit 3; }
done
[ "$(id -u)" = 0 ] || { echo 'needs root' >&2; exit 3; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# "TIME CPU" of one hackbench, in seconds.
hackbench_once() {
	local TIMEFORMAT='%U %S'
	# shellcheck disable=SC2086
	{ time hackbench $LOAD >"$dir/out" 2>/dev/null; } 2>"$dir/cpu"
	awk '/^Time:/ { t = $2 }
		FILENAME ~ /cpu$/ { cpu = $1 + $2 }
		END { print t, cpu }' "$dir/out" "$dir/cpu"
}

alone() {
	hackbench_once
}

# beside COMMAND...: with it running in the background until interrupted.
beside() {
	"$@" >"$dir/observed" 2>/dev/null &
	local pid=$!
	sleep 1
	hackbench_once
	kill -INT $pid
	wait $pid
}

ours() {
	beside "$BUILD/bin/sched-observe" -a -d 600 --json
	jq -r '.body.overhead | "\(.events) \(.drops) \(.pct)"' \
		<"$dir/observed" >>"$dir/profile"
}

bursts() {
	beside "$BUILD/bin/sched-observe" -a -d 600 --json \
		--bursts "$dir/bursts" --bursts-max 4096
	jq -r '.body | "\(.bursts.records) \(.bursts.drops)",
		"\(.bursts.bytes) \(.overhead.pct) \(.duration_us)"' \
		<"$dir/observed" | paste -sd ' ' >>"$dir/records"
	rm -f "$dir/bursts"
}

perf_sched() {
	beside perf sched record -a -o "$dir/perf.data"
	rm -f "$dir/perf.data"
}

alone >/dev/null
for ((i = 0; i < rounds; i++)); do
	order=(alone ours bursts perf_sched)
	((i % 2)) && order=(perf_sched bursts ours alone)
	for arm in "${order[@]}"; do
		read -r t cpu <<<"$($arm)"
		echo "$i $arm $t $cpu"
	done
done >"$dir/runs"

awk '
function median(v, n,   i, j, x) {
	for (i = 2; i <= n; i++) {
		x = v[i]
		for (j = i - 1; j > 0 && v[j] > x; j--)
			v[j + 1] = v[j]
		v[j + 1] = x
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
{ t[$2, $1] = $3; cpu[$2, $1] = $4; if ($1 + 1 > n) n = $1 + 1 }
END {
	printf "%-23s %9s %10s %12s %12s\n", "hackbench", "time s", "CPU s",
		"time ratio", "CPU ratio"
	split("alone ours bursts perf_sched", arms, " ")
	title["alone"] = "alone"
	title["ours"] = "sched-observe -a"
	title["bursts"] = "the same with --bursts"
	title["perf_sched"] = "perf sched record"
	for (a = 1; a <= 4; a++) {
		arm = arms[a]
		for (i = 0; i < n; i++) {
			x[i + 1] = t[arm, i]
			y[i + 1] = cpu[arm, i]
			rx[i + 1] = t[arm, i] / t["alone", i]
			ry[i + 1] = cpu[arm, i] / cpu["alone", i]
		}
		printf "%-23s %9.3f %10.3f %12.3f %12.3f\n", title[arm],
			median(x, n), median(y, n), median(rx, n),
			median(ry, n)
	}
}' "$dir/runs"
awk '{ e += $1; d += $2; p += $3 } END { if (NR)
	printf "per run: %.0f events, %.0f missed, own estimate %.2f %%\n",
		e / NR, d / NR, p / NR }' "$dir/profile"
awk '{ n += $1; d += $2; b += $3; p += $4; s += $5 / 1e6 } END { if (n)
	printf "bursts per run: %.0f, %.0f a second, %.0f lost, " \
		"%.0f bytes each, own estimate %.2f %%\n",
		n / NR, n / s, d / NR, b / n, p / NR }' "$dir/records"
