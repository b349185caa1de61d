# SPDX-License-Identifier: GPL-2.0-or-later
#
# jq -s --argjson names NAMES -f judge.jq REPORT
#
# What became of each policy, from a report of sched-guest: an array of
# {policy, outcome, why, kernel_log}; outcome is ran, lost or failed.

def usual:
	test("BPF scheduler \".*\" (enabled|disabled \\(unregistered from user space\\))$");

# Of the kernel's words those that nobody wants to read.
def bad:
	(test("sched_ext") and (usual | not))
	or test("WARNING:|BUG|Oops|stall|lockup|hung task|general protection");

def why:
	if . == null then "there is no report of it"
	elif .outcome != "done" then
		"\(.outcome): \(.message // "no reason is told")"
	elif .exit_status != 0 then
		"the workload ended with status \(.exit_status)"
	elif .policy.alive != false then "it was not detached"
	elif .policy.state_after != "disabled" then
		"afterwards sched_ext is \(.policy.state_after)"
	elif [.policy.kernel_log[]? | select(usual)] | length != 2 then
		"the kernel does not say that it was enabled and disabled"
	else [.policy.kernel_log[]? | select(bad)][0] // null
		| if . then "the kernel says: \(.)" else null end
	end;

[., $names] | transpose | map(
	.[0] as $run | {policy: .[1]}
	+ ($run | why | if . == null then {outcome: "ran"}
		else {outcome: (if $run.outcome == "lost" then "lost"
			else "failed" end), why: .} end)
	+ ($run.policy.kernel_log // [] | map(select(usual | not))
		| if . == [] then {} else {kernel_log: .} end))
