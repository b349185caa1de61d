# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A command whose figure depends on the scheduler and on nothing else: how often
# a CPU-bound task is taken off its CPU while others wait.
#   load ../lib; load ../hogs
#
# shellcheck disable=SC2034 # what the files use

# Five shells on two CPUs; each says how often it had to wait, the last counts.
# One more than that, so that never having to has a ratio too.
hogs='for i in 1 2 3 4 5; do (
		n=0
		while ((n++ < 6000)); do :; done
		while read -r key value; do
			[ "$key" = nonvoluntary_ctxt_switches: ] &&
				echo "switches: $((value + 1))"
		done </proc/$BASHPID/status
	) & done; wait'

# hogs_profile COMMAND...: of one that says so, observed in a guest.
hogs_profile() {
	doc profile "{\"scope\": \"command\", \"goal\": \"throughput\",
		\"source\": \"bpf\", \"target\": \"vm\", \"duration_us\": 1,
		\"workload\": {\"name\": \"hogs\", \"command\": $(
		jq -cn '$ARGS.positional' --args -- "$@"),
			\"metrics\": [{\"name\": \"switches\", \"unit\": \"1\",
			\"better\": \"lower\",
			\"regex\": \"switches: ([0-9]+)\"}]},
		\"system\": {\"cpus\": 2, \"kernel\": \"6\"}, \"groups\": [],
		\"overhead\": {\"drops\": 0}}"
}

# Skips what rests on the figures in out if the guest had to wait too often.
needs_quiet() {
	local pct
	pct=$(host_wait_pct <out)
	[ "$pct" -le 33 ] ||
		skip "this machine is busy: the guest waited $pct % of its time"
}
