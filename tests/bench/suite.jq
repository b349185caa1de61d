# SPDX-License-Identifier: GPL-2.0-or-later
# Of one workload: what each way of choosing a policy came to.
#
# Input: {entry, rules, random, loop}; each way has its documents and seconds,
# or is null.
def verdicts: .documents[] | select(.kind == "verdict") | .body;

def titles: [.documents[] | select(.kind == "policy")
	| {key: .id, value: (.body.title // .body.form)}] | from_entries;

# Runs on the target: a loop's as it counted them; each verdict of a call has
# the figure of all of it.
def runs: ([.documents[] | select(.kind == "note") | .body.loop.spent.guest_runs
		| values] | last)
	// ([verdicts | .evidence.target_runs // 0] | max) // 0;

# A verdict as a row.
def row($titles): (.metrics // [])[0] as $m
	| {title: ($titles[.policy] // "?"), policy, decision,
	   ratio: $m.ratio, ci95: $m.ci95, pairs: $m.pairs,
	   baseline: $m.baseline, candidate: $m.candidate, unit: $m.unit,
	   shuffled: $m.shuffled_ratio, gap: .bound.gap_closed_pct,
	   bound: .bound.value,
	   others: [(.metrics // [])[1:][] | {name, ratio}]};

# The kernel's own scheduler stays where nothing was accepted.
def kept: {title: "the kernel's own", ratio: 1, ci95: [1, 1],
	decision: "none", others: []};

def rows: titles as $t | [verdicts | row($t) | select(.ratio)];

# Of a search: what it accepted.
def found: if . == null then null else
	{runs: runs, seconds: .seconds,
	tried: ([.documents[] | select(.kind == "policy")] | length),
	best: ([rows[] | select(.decision == "accepted")]
		| max_by(.ratio) // kept)} end;

# Every rule by itself, all measured to the end.
def each_rule: if . == null then null else
	{runs: runs, seconds: .seconds, tried: (rows | length),
	best: ([rows[] | select(.decision != "rejected")]
		| max_by(.ratio) // kept), all: rows} end;

.entry as $e
| {name: $e.name, kind: $e.kind, control: ($e.control // false), targets: ($e.targets // []),
   rules: (.rules | each_rule), random: (.random | found),
   loop: (.loop | found)}
# The best point that is known is the best that anyone measured.
| ([.rules.best, .random.best, .loop.best, kept] | map(values) | max_by(.ratio))
	as $best
| .best_known = ($best | {title, ratio})
| (.rules, .random, .loop | values) |= (.regret_pct =
	(100 * (1 - .best.ratio / $best.ratio)))
| (.loop.best // kept) as $l
| .never_worse = ($l.ci95[1] >= 1)
| .better = ($l.decision == "accepted" and $l.ci95[0] > 1)
| .missed = [.targets[] | . as $t
	| if .gap_closed_pct then
		select(($l.gap // 0) < .gap_closed_pct)
		| "closes \($l.gap // 0 | round) % of the gap, not \($t
			.gap_closed_pct)"
	  else
		([{name: "", ratio: $l.ratio}] + $l.others
			| map(select(.name == $t.metric or .name == ""))
			| last.ratio) as $r
		| select($r < $t.ratio)
		| "\($t.metric) is \($r * 100 | round / 100) times as good, not \($t
			.ratio)"
	  end]
