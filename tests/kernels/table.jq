# SPDX-License-Identifier: GPL-2.0-or-later
#
# jq -rs --argjson machines NAMES --argjson headings WORDS -f table.jq RESULTS
#
# The rows of the table, tabs between columns, from what matrix wrote: of each
# kernel and machine the last result, of each series the kernel tried last.

def cell:
	([.policies[] | select(.outcome == "ran")] | length) as $ran
	| ([.policies[] | select(.outcome == "again")] | length) as $again
	| (.policies | length) as $all
	| if .outcome == "refused" then "refused"
	elif $all == 0 then "failed"
	elif $ran + $again < $all then "\($ran + $again) of \($all)"
	elif $again > 0 then "\($ran)+\($again)"
	else "\($ran)" end;

(["Kernel", "Version"] + $headings),
(group_by(.series) | sort_by(.[0].series | split(".") | map(tonumber))
	| .[] | .[-1].kernel as $kernel
	| [.[0].series, ($kernel | sub("-cloud-amd64.*"; ""))]
	+ [$machines[] as $m | [.[] | select(.kernel == $kernel
		and .machine == $m)] | if . == [] then "-" else last | cell end])
| @tsv
