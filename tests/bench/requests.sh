#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the gain of the request workload comes from: the same workload with
# and without the lock that its workers share, EEVDF against a plain shared
# queue and against turns that are left to finish, in one guest each.
#
#   requests.sh [PAIRS]
#
# The medians of interleaved pairs, with 95 % intervals.  Without the lock no
# row should differ from 1 in rate.

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}"
pairs=${1:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bin=$PWD/$BUILD/bin work=$PWD/$BUILD/workloads

# The verdicts of a stream as rows.
rows() {
	jq -rs --arg name "$1" '
		([.[] | select(.kind == "policy") | {(.id): .body.title}]
			| add) as $title
		| .[] | select(.kind == "verdict") | .body
		| . as $b | .metrics[]
		| [$name, $title[$b.policy], .name,
			(.baseline * 100 | round / 100),
			(.candidate * 100 | round / 100), .unit,
			"\(.ratio * 100 | round / 100)x",
			"\(.ci95[0] * 100 | round / 100)–\(.ci95[1] * 100
				| round / 100)"] | @tsv'
}

measure() {
	local name=$1
	shift
	"$bin/sched-observe" --target vm --cpus 2 --name "$name" \
		--goal throughput --json \
		--metric 'rate,higher,1/s=re:([0-9.]+) requests/s' \
		--metric 'p99,lower,ms=re:p99 ([0-9.]+) ms' \
		-- "$work/requests" "$@" 2>/dev/null |
		"$bin/sched-synth" -n 2 |
		{ "$bin/sched-verify" --target vm --cpus 2 --pairs "$pairs" \
			--screen 0 --no-confirm --json || [ $? = 1 ]; } |
		rows "$name"
}

{
	printf 'workload\tpolicy\tmetric\tEEVDF\tours\tunit\tbetter\t95 %%\n'
	measure 'with the lock'
	measure 'without the lock' --no-lock
} | column -t -s "$(printf '\t')"
