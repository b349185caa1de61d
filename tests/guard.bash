# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What tests of guards in guests share, beside those of holders:
#     load ../holder
#     load ../guard

# In each test's own folder: a policy whose turns last a second, so that whoever
# waits waits for several of them, and one that does no harm.
guard_setup() {
	holder_setup
	stream "$release" "$configuration" '{"queue": "global",
		"slice_us": 1000000, "order": "fifo"}' >slow
	stream "$release" "$configuration" '{"queue": "global",
		"slice_us": 3000}' >good
	cat >>common <<-'END'
		export SCHEDKIT_HISTORY=$PWD/state/schedkit/history
		# hogs N: processes that never sleep.
		hogs() {
			local i
			for i in $(seq "$1"); do
				sh -c 'while :; do :; done' &
			done
		}
		# guarded NAME OPTION...: what it says of each deployment.
		guarded() {
			sched-deploy -t host --json "${@:2}" <"$1" >out 2>>err
			echo "$1 $? $(cat $sysfs/state)"
			jq -c --arg n "$1" 'select(.kind == "deployment") |
				{n: $n} + .body' out
		}
		# As if the last trip had been then, in seconds since boot: before
		# it, if that was not long ago.
		tripped_at() {
			jq -c --argjson t "$1" 'map_values(.last = $t)' \
				/run/schedkit/trips.json >t
			cp t /run/schedkit/trips.json
		}
		later() { tripped_at -7200; }
		# A slow guest's pauses are over otherwise before it comes to it.
		just_now() { tripped_at "$(cut -d ' ' -f 1 /proc/uptime)"; }
	END
}
