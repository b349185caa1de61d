#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The policy template on a real kernel: what it promises whatever its
# parameters say.  One boot for most of it: sched-guest runs a script under
# each policy in turn, which knows by the policy's name what to do.

load ../lib

BURN=$BUILD/workloads/burn

# choose PARAMS [USES]
choose() {
	doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\": \"w\",
		\"uses\": ${2:-[]}, \"params\": $1}"
}

# named FILE: what the kernel calls the policy in it.
named() {
	echo "schedkit_$(doc_id <"$1" | cut -c 1-12)"
}

# row NAME POLICY: runs what is on standard input under it.
row() {
	printf '%s\n' "$2" >"$1"
	policies+=(-p "$1")
	{
		echo "$(named "$1")*)"
		echo "echo '== $1'"
		cat
		echo ';;'
	} >>script
}

# What each of two commands gets of two seconds on one CPU, in nanoseconds,
# once both have started.
shares() {
	cat <<-'END'
		taskset -c 1 nice -n 0 $BURN --idle & a=$!
		taskset -c 1 nice -n 5 $BURN --idle & b=$!
		sleep 1
		read a0 x </proc/$a/schedstat; read b0 x </proc/$b/schedstat
		sleep 2
		read a1 x </proc/$a/schedstat; read b1 x </proc/$b/schedstat
		echo $((a1 - a0)); echo $((b1 - b0))
		kill -9 $a $b
	END
}

moves() {
	cat <<-'END'
		for i in 1 2 3 4 5; do $BURN --idle & p="$p $!"; done
		n=0 wrong=0
		while [ $n -lt 40 ]; do
			for q in $p; do
				c=$((n % 2))
				taskset -cp $c $q >/dev/null
				n=$((n + 1))
				read -r line </proc/$q/stat
				set -- $line
				[ "${39}" = $c ] || wrong=$((wrong + 1))
			done
		done
		kill -9 $p
		echo $wrong
	END
}

waits() {
	cat <<-'END'
		ran() {
			for q in $p; do
				read -r ns x </proc/$q/schedstat
				echo $ns
			done
		}
		for i in 1 2 3 4 5 6; do $BURN --idle & p="$p $!"; done
		sleep 1
		before=$(ran)
		sleep 3
		echo "$before"
		ran
		kill -9 $p
	END
}

# Until it is dropped.
stalls() {
	cat <<-'END'
		for i in 1 2 3 4 5 6 7 8 9 10; do $BURN --idle & p="$p $!"; done
		n=0
		while grep -q enabled /sys/kernel/sched_ext/state &&
				[ $n -lt 80 ]; do
			sleep 0.1
			n=$((n + 1))
		done
		kill -9 $p
	END
}

# The policy that is made for a batch whose jobs have been seen.
known() {
	timeout 120 sched-observe --target vm --cpus 2 --goal makespan --json \
		-- sh -c "SCHEDKIT_UNIT=30 exec $BUILD/workloads/longtail" |
		sched-synth -n 1 | jq -c 'select(.kind == "policy")'
}

# One that was trained on short and long bursts by turns.
learned() {
	python3 "$TREE/tests/cli/bursts_make.py" alternating >bursts
	sched-train --json --policy -t burst bursts </dev/null |
		jq -c 'select(.kind == "policy")'
}

# How many times something was executed.
executes() {
	cat <<-'END'
		n=0
		while [ $n -lt 20 ]; do
			n=$((n + 1))
			/bin/true
		done
		echo $n
	END
}

setup_file() {
	local policies=()
	[ -z "$(guest_lacks)" ] || return 0
	cd "$BATS_FILE_TMPDIR" || return
	{
		echo "BURN=$BURN"
		# shellcheck disable=SC2016
		echo 'case $(cat /sys/kernel/sched_ext/root/ops) in'
	} >script
	row quiet "$(choose '{"order": "deadline", "queue": "cpu",
		"preempt": "key", "classify": "behaviour",
		"slice": "class"}')" <<<dmesg
	row vruntime "$(choose '{"order": "vruntime", "slice_us": 5000}')" \
		< <(shares)
	row fifo "$(choose '{"order": "fifo", "slice_us": 10000}')" < <(shares)
	row moves "$(choose '{"order": "deadline", "preempt": "key",
		"queue": "global"}')" < <(moves)
	row waits "$(choose '{"order": "shortest", "starve_us": 1000000,
		"slice_us": 50000}')" < <(waits)
	row known "$(known)" <<<"SCHEDKIT_UNIT=30 exec $BUILD/workloads/longtail"
	row learned "$(learned)" < <(executes)
	row stalls "$(choose '{"order": "fifo", "slice_us": 1000000,
		"starve_us": 0, "timeout_ms": 1000}')" < <(stalls)
	echo esac >>script
	timeout 300 sched-guest --quiet --cpus 2 --timeout 60 --report reports \
		"${policies[@]}" -- sh script >out 2>err || echo $? >status
}

setup() {
	needs_guest
	cd "$BATS_FILE_TMPDIR" || return
}

# What was said under a policy.
said() {
	awk -v title="$1" '/^== / { on = $2 == title; next } on' out
}

# What became of it: the line of its report.
report() {
	jq -c --arg name "$(named "$1")" 'select(.policy.name == $name)' reports
}

# Nice 5 weighs a third of nice 0 (sched_prio_to_weight: 335 to 1024).
weighs_a_third() {
	awk '{ t[NR] = $1 } END { r = t[1] / t[2]; print "ratio", r
		exit !(r > 2.2 && r < 4.2) }' <<<"$1"
}

@test "every choice of every axis loads, attaches and detaches" {
	local n
	{
		choose '{"queue":"global","order":"fifo","slice":"fixed",
			"place":"previous","classify":"none"}'
		choose '{"queue":"llc","order":"vruntime","slice":"depth",
			"place":"llc","preempt":"key"}'
		choose '{"queue":"cpu","order":"deadline","slice":"class",
			"place":"waker","classify":"behaviour",
			"preempt":"class"}' '["behaviour"]'
		choose '{"queue":"cpu","order":"shortest","steal":false,
			"place":"idle_core","classify":"weight",
			"direct":false}' '["behaviour"]'
		choose '{"queue":"llc","order":"longest","starve_us":0,
			"classify":"identity","preempt":"class"}' \
			'["learned_identity"]'
		choose '{"queue":"llc","order":"fifo","steal":false,
			"classify":"behaviour","slice":"class",
			"preempt":"key"}' '["behaviour"]'
	} | sched-verify --target vm --cpus 2 --json \
		--stages lint,build,kernel >verdicts || [ $? = 1 ]
	n=$(jq -r 'select(.kind == "verdict").body.stages[]
		| select(.name == "kernel").status' verdicts |
		sort | uniq -c | tr -s ' ')
	is "$n" ' 6 passed' || {
		jq -c 'select(.kind == "verdict").body' verdicts
		return 1
	}
}

@test "loading says nothing in the kernel's log" {
	has "$(said quiet)" 'sched_ext: BPF scheduler'
	lacks "$(said quiet)" 'WARNING:'
	lacks "$(said quiet)" 'BUG:'
}

@test "weights share a CPU: by vruntime" {
	weighs_a_third "$(said vruntime)"
}

@test "weights share a CPU: in order of arrival, by longer turns" {
	weighs_a_third "$(said fifo)"
}

@test "affinity that changes under load is honoured, nothing is lost" {
	is "$(said moves)" 0
	is "$(report moves | jq -r .outcome)" done
}

# Shortest first: the jobs of known length would starve the one that has run for
# long already, and each other.
@test "who waits too long is served, whatever the order says" {
	# Each of the six ran in those three seconds.
	is "$(said waits | awk 'NR <= 6 { was[NR] = $1 }
		NR > 6 && $1 > was[NR - 6] { n++ }
		END { print n }')" 6
	is "$(report waits | jq -r .outcome)" done
}

@test "a batch whose jobs are known starts its longest first" {
	is "$(jq -r .body.params.order known)" longest
	is "$(report known | jq -r .outcome)" done
	# The batch and its ten jobs were recognised.
	is "$(report known | jq -r .policy.counters.known)" 11
}

@test "the kernel's watchdog ends a policy that makes tasks wait" {
	is "$(cat status)" 1
	report stalls >stalled
	is "$(jq -r .policy.exit_kind stalled)" 1026
	has "$(jq -r .policy.exit_reason stalled)" stall
	has "$(cat err)" 'the kernel dropped the policy'
	# What it said of queues and CPUs is told, whoever it was.
	is "$(sched-doctor --stall --json stalled |
		jq -r '.body.stall | .exit.kind, (.queue.name | length > 0),
			(.causes[0].evidence | length > 0)' | tr '\n' ' ')" \
		'1026 true true '
}

# What was executed is among what a model goes by.
@test "a policy is loaded with its model, and sees what is executed" {
	jq -e '.body.model.targets.burst.kind' learned
	is "$(said learned)" 20
	is "$(report learned | jq -r .outcome)" done
	[ "$(report learned | jq -r .policy.counters.unknown)" -ge 20 ]
}
