# SPDX-License-Identifier: GPL-2.0-or-later
# The rows of suite.jq, slurped, as a table and what must hold.
def n(d): if . == null then "-" else
	(. * pow(10; d) | round) / pow(10; d) | tostring end;
def pad(w): (" " * ([w - length, 0] | max)) + .;
def padr(w): . + (" " * ([w - length, 0] | max));
def line: .[0] as $w | ($w | padr(14))
	+ ([.[1:][] | pad(10)] | join(""));
def x: n(2);
def interval: if . == null then "-" else "\(.[0] | n(2))-\(.[1] | n(2))" end;
def yes: if . then "holds " else "FAILS " end;

. as $all
| [$all[] | select(.control | not)] as $w
| [$w[] | select(.better)] as $better
| [$all[] | select(.never_worse | not)] as $worse
| (if $w == [] then 1 else
	[$w[] | .loop.best.ratio // 1 | log] | add / length | exp end) as $mean
| ($w | length * 3 / 4 | ceil) as $enough
| [$w[] | select(.missed | length > 0)] as $missed
| [
  (["ratio to EEVDF", "rules", "random", "loop", "95 %", "regret", "runs",
    "seconds", "gap %", "shuffled"] | line),
  ($all[] | [.name, (.rules.best.ratio | x), (.random.best.ratio | x),
	(.loop.best.ratio | x), (.loop.best.ci95 | interval),
	(.loop.regret_pct | n(1)), (.loop.runs // 0 | tostring),
	(.loop.seconds // 0 | tostring), (.loop.best.gap | n(0)),
	(.loop.best.shuffled | x)] | line),
  "",
  ($all[] | "\(.name | padr(14)) rule: \(.rules.best.title // "-"); "
	+ "loop: \(.loop.best.title // "-")"
	+ if .rules then "; regret of the rules \(.rules.regret_pct | n(1)) %"
	  else "" end
	+ if .random then "; of random search \(.random.regret_pct | n(1)) % "
		+ "(\(.random.runs) runs)" else "" end),
  "",
  ($worse == [] | yes) + "never worse than the kernel's own beyond its interval"
	+ ([$worse[] | ": " + .name] | join("")),
  (if $w | length >= 12 then ($better | length >= $enough | yes) else "      " end)
	+ "better on \($better | length) of \($w | length) (\($enough) asked for)",
  (if $w | length >= 12 then ($mean >= 1.25 | yes) else "      " end)
	+ "geometric mean \($mean | x) (1.25 asked for)",
  ($missed == [] | yes) + "each workload's own targets",
  ($missed[] | "      \(.name): \(.missed | join("; "))"),
  "",
  "The rules' figure is the best of many, each of few pairs, and flattered by "
	+ "that;",
  "the loop's was confirmed by fresh ones."
] as $text
| {text: ($text | join("\n")),
   holds: ($worse == [] and $missed == []
	and (($w | length) < 12 or (($better | length) >= $enough and $mean >= 1.25)))}
