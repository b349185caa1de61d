# SPDX-License-Identifier: GPL-2.0-or-later
# What was accepted in a demo, the best of each workload, as a table for people.
def n(d): (. * pow(10; d) | round) / pow(10; d) | tostring;
def pad(w): (" " * ([w - length, 0] | max)) + .;
def padr(w): . + (" " * ([w - length, 0] | max));

def row: .[0] as $w | "  " + ($w | padr(10)) + (.[1] | padr(8))
	+ (.[2] | pad(14)) + (.[3] | pad(14)) + (.[4] | pad(10))
	+ ("   " + .[5]);

([.[] | select(.kind == "policy") | {(.id): .body.title}] | add) as $titles
| [.[] | select(.kind == "verdict" and .body.decision == "accepted") | .body]
| group_by(.workload) | map(max_by(.metrics[0].ci95[0])) as $v
| (["workload", "metric", "EEVDF", "policy", "better", "95 % interval"] | row),
  ($v[] | . as $b | .metrics[]
	| [$b.workload, .name, "\(.baseline | n(2)) \(.unit)",
	   "\(.candidate | n(2)) \(.unit)", "\(.ratio | n(2))x",
	   "\(.ci95[0] | n(2)) to \(.ci95[1] | n(2)), \(.pairs) pairs"
	   + (if .shuffled_ratio then
	       ", \(.shuffled_ratio | n(2))x with identities shuffled"
	     else "" end)]
	| row),
  ($v[] | "", "  \(.workload): '\($titles[.policy] // "?")', policy \(.policy[0:12])",
	"  \(.why)",
	(if .bound then
	  "  lower bound measured in the same run \(.bound.value | n(2)) s: "
	  + "\(.bound.gap_closed_pct | n(0)) % of the gap is closed "
	  + "(\(.bound.ci95[0] | n(0)) to \(.bound.ci95[1] | n(0)) %)"
	 else empty end),
	"  measured on \(.kernel), \(.target) (\(.accelerator)): it ranks the policy and shows that it is safe; "
	+ "a host's own figures come from the host")
