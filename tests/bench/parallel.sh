#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What developing drafts side by side is worth: sched-synth -n 8 with two test
# endpoints of four slots each, beside the same one after the other.
#
#   parallel.sh [REPEATS [PAUSE]]   3 of each; 0.25 s for 200 bytes of an answer
#
# Every draft is written wrong, reviewed, mended wrongly and mended: 33 answers
# and 24 climbs, real but for the text.  200 bytes are about 50 tokens, so 0.25 s
# are 200 tokens a second: what is slower gains more, since the climbs take this
# machine's CPUs, and no gain reaches 8, since the plan comes first.  Medians
# are printed, and the gain; the results have to be the same.  It takes about
# nine minutes.

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}"
export TREE=$PWD
dir=$(mktemp -d) servers=()
repeats=${1:-3} pause=${2:-0.25}
# shellcheck source=tests/parallel.bash
. tests/parallel.bash
export XDG_CACHE_HOME=$dir/cache XDG_CONFIG_HOME=$dir/config
export XDG_STATE_HOME=$dir/state SCHEDKIT_RUNTIME=off
export SCHED_LLM_KEY=sk-test-0123456789abcdef
# Nothing is asked twice to be sooner: both ask the same.
mkdir -p "$XDG_CONFIG_HOME/schedkit"
echo '{"hedge_pct": 0}' >"$XDG_CONFIG_HOME/schedkit/runtime.json"
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$dir"' EXIT

median() {
	sort -n | awk '{ v[NR] = $1 } END {
		print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# timed FILE ARGUMENT...: seconds; what both have in common goes to FILE.
timed() {
	local file=$1 start=$EPOCHREALTIME
	shift
	"$BUILD/bin/sched-synth" --json -n 8 "$@" \
		<tests/bench/requests.profile >"$dir/out"
	awk -v us=$((${EPOCHREALTIME/./} - ${start/./})) \
		'BEGIN { print us / 1e6 }'
	same "$dir/out" >"$file"
}

script_many 8 "$pause"
endpoints 2 3600
SCHED_LLM=$(address 4)
export SCHED_LLM
for _ in $(seq "$repeats"); do
	timed "$dir/serial" --jobs 1 >>"$dir/serial.s"
	timed "$dir/parallel" >>"$dir/parallel.s"
	cmp "$dir/serial" "$dir/parallel"
done
awk -v one="$(median <"$dir/serial.s")" -v all="$(median <"$dir/parallel.s")" \
	'BEGIN { printf "8 drafts one after the other: %.2f s\n", one
	printf "8 drafts, 2 endpoints of 4 slots: %.2f s\n", all
	printf "times faster: %.2f\n", one / all }'
