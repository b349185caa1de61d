#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# From a guard's condition to the kernel's own scheduler, a hundred times by turns
# of six kinds of guard (TRIALS): make check-breaker.
#
# Who looks on is a real-time process and makes the condition itself: what it
# takes counts from when the guard's bound was exceeded for its window, not from
# when the guard knew, until all tasks are with the kernel's own scheduler.  The
# kernel says "disabled" once its readers of RCU are through as well; one of a
# low priority that others keep from a CPU takes seconds for that.

load ../lib
load ../holder
load ../guard

setup() {
	guard_setup
	cat >>common <<-'END'
		becomes() {
			local s
			while read -r s <$sysfs/state && [ "$s" != "$1" ]; do
				read -rt 0.005 -u "$nap"
			done
			at=${EPOCHREALTIME/./}
		}
		# Who was born last is switched last.
		is_back() {
			local s
			mapfile -t s </proc/$last/sched
			[[ ${s[*]} =~ ext.enabled\ *:\ *0 ]]
		}
		becomes_back() {
			until is_back; do
				read -rt 0.01 -u "$nap"
			done
			at=${EPOCHREALTIME/./}
		}
		busy=()
		work() {
			for ((i = 0; i < $1; i++)); do
				# Nothing of it has to come from a disk.
				while :; do :; done &
				busy+=($!)
			done
		}
		rest() {
			[ ${#busy[@]} = 0 ] && return
			kill -9 "${busy[@]}"
			wait "${busy[@]}" 2>/dev/null
			busy=()
		}
		# trial KIND MS POLICY ACT OPTION...: ACT makes it so, and MS later
		# it is what the guard is for.
		trial() {
			sched-deploy -t host --json --no-history --again \
				--for 60 "${@:5}" <$3 2>err >out &
			deployer=$!
			becomes enabled
			t0=${EPOCHREALTIME/./}
			if [ $4 != nothing ]; then
				read -rt 1 -u "$nap"
				t0=${EPOCHREALTIME/./}
				$4
			fi
			sleep 100 &
			last=$!
			becomes_back
			took=$((at - t0 - $2 * 1000))
			becomes disabled
			rest
			kill $last
			wait $last 2>/dev/null
			wait $deployer
			jq -r --arg t "$1 $took $((at - t0 - $2 * 1000))" '
				select(.body.state == "tripped").body |
				"trial \($t) \(.trip.revert_us) \(.watcher.cpu_pct)"
			' out
			cat err >&2
		}
		up() { echo 9 >/tmp/load; }
		many() { work 6; }
		declare -A kinds
		kinds[stall]='500 slow many --guard stall:500ms'
		kinds[wait_p99]='1050 slow many --guard wait_p99:50ms:1s'
		kinds[psi_cpu]='1000 good many --guard psi_cpu:50%:1s'
		kinds[throughput]='1000 good rest --guard throughput:>0.8:1s'
		kinds[policy_cpu]='1000 good nothing --guard policy_cpu:0.01%:1s'
		kinds[metric]='1000 good up --guard load:<5:1s'
		order=(stall wait_p99 psi_cpu throughput policy_cpu metric)
		chrt -f -R -p 2 $$
	END
}

@test 'guest breaker: within 1 s of its condition, at the 99th percentile' {
	inside_trials "${TRIALS:-100}" <<-'END'
		for ((n = first; n < end; n++)); do
			kind=${order[n % ${#order[@]}]}
			read -ra options <<<"${kinds[$kind]//[$'\n\t']/ }"
			[ $kind != throughput ] || work 2
			if [ $kind = metric ]; then
				echo 1 >/tmp/load
				options+=(--metric 'load,lower=cat /tmp/load')
			fi
			trial $kind "${options[@]}"
		done
	END
	tell_percentiles 1000
	cut -d ' ' -f 3 trials | sort -n | tail -n 2 |
		awk '{ printf "# \"disabled\" at the latest after %d ms\n", $1 / 1000 }' >&3
	[ "$(percentile 99 1000 .)" -lt 1000 ]
}
