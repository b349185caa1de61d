#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can be had on this very kernel, without sched_ext and without a guest:
# the long-tailed batch under knobs by learned identity, against the kernel's
# own defaults; then the best one is set on a running batch, its deployer is
# killed in the middle, and every task of the host is compared with before.
#
#   knobs.sh [PAIRS]
#
# The medians of interleaved pairs, with 95 % intervals; one that was given up
# early has none.

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}"
pairs=${1:-8}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export SCHEDKIT_HISTORY=$dir/h SCHEDKIT_RUN=$dir/run XDG_CONFIG_HOME=$dir
PATH=$PWD/$BUILD/bin:$PATH
batch=$PWD/$BUILD/workloads/longtail

# What a policy may change of any task: start time, nice, policy, CPUs, cgroup.
state() {
	local p
	for p in /proc/[0-9]*; do
		[ -e "$p/exe" ] || continue # the kernel's own
		echo "${p##*/} $(sed 's/.*) //' "$p/stat" |
			cut -d ' ' -f 16,17,20,39) $(
			sed -n 's/Cpus_allowed_list:\t//p' "$p/status") $(
			paste -sd , "$p/cgroup") $(grep -s slice "$p/sched")"
	done 2>"$dir/gone" | sort
}

sched-verify --new-key bench 2>"$dir/key"
sched-observe --target host --name longtail --goal makespan --json \
	-- "$batch" 2>"$dir/said" |
	sched-synth -n 4 --form knobs >"$dir/plan"
sched-verify --target host --pairs "$pairs" --json <"$dir/plan" \
	>"$dir/verdicts" || [ $? = 1 ]

jq -rs '([.[] | select(.kind == "policy") | {(.id): .body.title}] | add) as $t
	| .[] | select(.kind == "verdict") | .body | . as $b
	| .metrics[] | select(.name == "wall" and .ci95[0])
	| def r: . * 100 | round / 100;
	[$t[$b.policy], (.baseline | r), (.candidate | r), .unit,
		"\(.ratio | r)x", "\(.ci95[0] | r)–\(.ci95[1] | r)",
		$b.decision] | @tsv' "$dir/verdicts" |
	{
		printf 'policy\tkernel\tknobs\tunit\tbetter\t95 %%\tdecision\n'
		cat
	} | column -t -s "$(printf '\t')"

if ! grep -q '"decision":"accepted"' "$dir/verdicts"; then
	echo 'none was accepted: nothing is set'
	exit 0
fi
sh -c "sleep 2; $batch >$dir/out; exec sleep 20" &
shell=$!
state >"$dir/before"
setsid sched-deploy --target host --no-history --pid "$shell" \
	<"$dir/verdicts" >"$dir/deployment" 2>"$dir/said" &
deployer=$!
disown "$deployer"
# How many of the batch have other than the defaults.
changed() {
	ps -o ni=,cls= --ppid "$(pgrep -P "$shell" -x longtail)" |
		awk '$1 != 0 || $2 == "IDL" || $2 == "B"' | wc -l
}
sleep 3
tasks=$(changed)
kill -9 "$deployer"
sched-deploy stop >"$dir/stopped" 2>&1 || true
left=$(changed)
state >"$dir/after"
# Those that are there before and after.
join -j 1 <(cut -d ' ' -f 1 "$dir/before" | sort) \
	<(cut -d ' ' -f 1 "$dir/after" | sort) >"$dir/both"
differ=$(diff <(grep -wf "$dir/both" "$dir/before") \
	<(grep -wf "$dir/both" "$dir/after") | grep -c '^[<>]' || true)
kill "$shell"
echo "set on $tasks tasks of a running batch, deployer killed: on $left of them," \
	"and of $(wc -l <"$dir/both") other processes $differ differ from before"
