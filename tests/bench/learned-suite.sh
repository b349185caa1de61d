#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a learned policy is worth beside the best that can be set by hand: each
# workload of the suite in a guest, under the points of hand-set.jsonl, of which
# the first is plain vruntime, and under a policy with a model that was trained
# on the workload's own bursts.
#
#   learned-suite.sh   prints the table; status 1 where a target is missed
#
# See suite.bash for what the environment may say, and:
#   BENCH_LOOKS=3    runs of each point to find the best
#   BENCH_PAIRS=9    runs of plain, best and learned beside each other
#
# Each step writes a file below $BUILD/bench/learned, and is not run again where
# that is there.  A ratio is the median over rounds in which each had its turn,
# with a bootstrap interval of 95 %.

set -euo pipefail
. "$(dirname "$0")/suite.bash"
looks=${BENCH_LOOKS:-3}
pairs=${BENCH_PAIRS:-9}
out=$bench/learned
hand=$PWD/tests/bench/hand-set.jsonl

# The workload's first metric: its regex, or which way is better.
goal() {
	"$recipe" workload "$1" | jq -r ".metrics[0].$2"
}

words() {
	"$recipe" workload "$1" | jq -r '.command | map(@sh) | join(" ")'
}

# What it is trained on: the command, over and over for a minute.
record() {
	local line
	line=$(words "$1")
	"$bin/sched-observe" --target vm --cpus "$(cpus_of "$1")" --name "$1" \
		--bursts "$2.bursts" --json -- sh -c \
		"end=\$((\$(date +%s) + 60))
		until [ \$(date +%s) -ge \$end ]; do $line; done"
}

# A minute of a workload may have too few bursts to learn from: an answer, too.
learn() {
	local rc=0
	"$bin/sched-train" --policy -n 4 --json "$1" 2>"$out/why" || rc=$?
	cat "$out/why" >&2
	[ $rc != 3 ] || ! grep -q 'too few bursts' "$out/why" || rc=1
	return $rc
}

# Bodies of policies in folder $1.
bodies() {
	local i=0 line
	mkdir -p "$1"
	while read -r line; do
		jq -c '{form: "params", uses: [], why: "set by hand", title,
			params}' <<<"$line" >"$1/$(printf %02d $i).json"
		i=$((i + 1))
	done <"$hand"
}

# measure NAME ROUNDS POLICY...: a line for each round, the metric under each
# policy; "-" of a run that had none.
measure() {
	local name=$1 rounds=$2 line options=() policy i
	shift 2
	for policy; do options+=(-p "$policy"); done
	line=$(words "$name")
	for ((i = 0; i < rounds; i++)); do
		echo "echo; echo @; $line"
	done | "$bin/sched-guest" -q -c "$(cpus_of "$name")" --each \
		"${options[@]}" | jq -Rrs --arg re "$(goal "$name" regex)" \
		--argjson n $# '
		[split("\n@\n")[1:][] | [scan($re)] | last | .[0] // "-"]
		| [range(0; length; $n) as $i | .[$i:$i + $n]]
		| .[] | select(length == $n) | @tsv'
}

# Which column has the best median, from 0; the first of those within 3 % of it.
best_of() {
	jq -Rrs --arg better "$1" 'def median: sort | .[length / 2 | floor];
		split("\n") | map(select(. != "") | split("\t")
			| map(tonumber? // null))
		| transpose | map(map(select(.)) | median)
		| (map(select(.)) | if $better == "lower" then min
			else max end) as $m
		| map(. and (. / $m - 1 | fabs) <= 0.03) | index(true)'
}

# ratio BETTER A B: how much better column B is than A: median and interval.
ratio() {
	awk -v lower="$([ "$1" = lower ] && echo 1 || echo 0)" -v a="$2" \
		-v b="$3" '
	function median(v, n,   i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
				t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
			}
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	$a != "-" && $b != "-" { r[++n] = lower ? $a / $b : $b / $a }
	END {
		srand(1)
		for (k = 1; k <= 2000; k++) {
			for (i = 1; i <= n; i++) s[i] = r[int(rand() * n) + 1]
			m[k] = median(s, n)
		}
		for (i = 1; i <= n; i++) s[i] = r[i]
		median(m, 2000)
		printf "%.3f %.3f %.3f\n", median(s, n), m[50], m[1950]
	}'
}

one() {
	local name=$1 dir=$out/$1 better best learned
	mkdir -p "$dir"
	better=$(goal "$name" better)
	bodies "$dir/hand"
	say "$name: record bursts"
	step "$dir/profile.jsonl" record "$name" "$dir/train" || return
	step "$dir/learned.jsonl" learn "$dir/train.bursts" || return
	rm -rf "$dir/learned"
	mkdir "$dir/learned"
	jq -c 'select(.kind == "policy")' "$dir/learned.jsonl" |
		split -l 1 -d - "$dir/learned/"
	say "$name: find the best points"
	step "$dir/looks" measure "$name" "$looks" "$dir"/hand/*.json || return
	best=$(printf %02d "$(best_of "$better" <"$dir/looks")")
	say "$name: the best is '$(jq -r .title "$dir/hand/$best.json")'"
	if [ -e "$dir/learned/00" ]; then
		step "$dir/learned.looks" measure "$name" "$looks" \
			"$dir"/learned/* || return
		learned=$(printf %02d "$(best_of "$better" \
			<"$dir/learned.looks")")
		say "$name: of those with a model '$(jq -r .body.title \
			"$dir/learned/$learned")'"
		step "$dir/pairs" measure "$name" "$pairs" \
			"$dir/hand/00.json" "$dir/hand/$best.json" \
			"$dir/learned/$learned" || return
	else
		: >"$dir/pairs"
	fi
	{
		jq -r .title "$dir/hand/$best.json"
		if [ -s "$dir/pairs" ]; then
			ratio "$better" 1 3 <"$dir/pairs"
			ratio "$better" 2 3 <"$dir/pairs"
		else
			printf '%s\n' - -
		fi
	} >"$dir/row"
}

failed=()
names=${SUITE:-$("$recipe" list)}
for name in $names; do
	one "$name" || failed+=("$name")
done
better=0 worse=()
printf '%-14s %-38s %-21s %s\n' "" "best set by hand" "learned / plain" \
	"learned / best"
for name in $("$recipe" list); do
	[ -e "$out/$name/row" ] || continue
	{
		read -r title
		read -r plain low high
		read -r hand low2 high2
	} <"$out/$name/row"
	if [ "$plain" = - ]; then
		printf '%-14s %-38s %s\n' "$name" "$title" \
			"nothing to learn: no policy is proposed"
		continue
	fi
	printf '%-14s %-38s %s (%s-%s)   %s (%s-%s)\n' "$name" "$title" \
		"$plain" "$low" "$high" "$hand" "$low2" "$high2"
	awk "BEGIN { exit !($hand >= 1.1 && $low2 > 1) }" &&
		better=$((better + 1))
	awk "BEGIN { exit !($plain < 0.97) }" && worse+=("$name")
done
echo
echo "better than the best set by hand by 10 % or more: $better (3 asked for)"
echo "worse than plain vruntime by more than 3 %: ${worse[*]:-none}"
[ ${#failed[@]} -eq 0 ] || {
	say "not measured: ${failed[*]}"
	exit 3
}
[ "$better" -ge 3 ] && [ ${#worse[@]} -eq 0 ]
