#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The policy template on a real kernel: what it promises whatever its
# parameters say.

load ../lib

setup() {
	needs_guest
	policy=$BATS_TEST_TMPDIR/policy
	report=$BATS_TEST_TMPDIR/report
}

# under PARAMS COMMAND...: the command in a guest under such a policy.
under() {
	printf '{"params":%s}' "$1" >"$policy"
	shift
	timeout 120 sched-guest --quiet --cpus 2 --policy "$policy" \
		--report "$report" -- "$@"
}

BURN=$BUILD/workloads/burn

# CPU seconds (in ticks) that each of two commands gets on one CPU.
SHARES=BURN=$BURN'
	taskset -c 1 nice -n 0 $BURN --idle & a=$!
	taskset -c 1 nice -n 5 $BURN --idle & b=$!
	sleep 4
	for p in $a $b; do cut -d " " -f 14 /proc/$p/stat; done
	kill -9 $a $b'

# Nice 5 weighs a third of nice 0 (sched_prio_to_weight: 335 to 1024).
weighs_a_third() {
	awk '{ t[NR] = $1 } END { r = t[1] / t[2]; print "ratio", r
		exit !(r > 2.2 && r < 4.2) }' <<<"$1"
}

# choose TITLE PARAMS USES
choose() {
	doc policy "{\"form\": \"params\", \"title\": \"$1\", \"why\": \"w\",
		\"uses\": $3, \"params\": $2}"
}

@test "every choice of every axis loads, attaches and detaches" {
	local n
	{
		choose a '{"queue":"global","order":"fifo","slice":"fixed",
			"place":"previous","classify":"none"}' '[]'
		choose b '{"queue":"llc","order":"vruntime","slice":"depth",
			"place":"llc","preempt":"key"}' '[]'
		choose c '{"queue":"cpu","order":"deadline","slice":"class",
			"place":"waker","classify":"behaviour",
			"preempt":"class"}' '["behaviour"]'
		choose d '{"queue":"cpu","order":"shortest","steal":false,
			"place":"idle_core","classify":"weight",
			"direct":false}' '["behaviour"]'
		choose e '{"queue":"llc","order":"longest","starve_us":0,
			"classify":"identity","preempt":"class"}' \
			'["learned_identity"]'
		choose f '{"queue":"llc","order":"fifo","steal":false,
			"classify":"behaviour","slice":"class",
			"preempt":"key"}' '["behaviour"]'
	} | sched-verify --target vm --cpus 2 --json \
		--stages lint,build,kernel >"$BATS_TEST_TMPDIR/out" || [ $? = 1 ]
	n=$(jq -r 'select(.kind == "verdict").body.stages[]
		| select(.name == "kernel").status' "$BATS_TEST_TMPDIR/out" |
		sort | uniq -c | tr -s ' ')
	is "$n" ' 6 passed' || {
		jq -c 'select(.kind == "verdict").body' "$BATS_TEST_TMPDIR/out"
		return 1
	}
}

@test "loading says nothing in the kernel's log" {
	out=$(under '{"order":"deadline","queue":"cpu","preempt":"key",
		"classify":"behaviour","slice":"class"}' dmesg)
	has "$out" 'sched_ext: BPF scheduler'
	lacks "$out" 'WARNING:'
	lacks "$out" 'BUG:'
}

@test "weights share a CPU: by vruntime" {
	out=$(under '{"order":"vruntime","slice_us":5000}' sh -c "$SHARES")
	weighs_a_third "$out"
}

@test "weights share a CPU: in order of arrival, by longer turns" {
	out=$(under '{"order":"fifo","slice_us":10000}' sh -c "$SHARES")
	weighs_a_third "$out"
}

@test "affinity that changes under load is honoured, nothing is lost" {
	out=$(under '{"order":"deadline","preempt":"key","queue":"global"}' \
		sh -c "BURN=$BURN"'
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
		echo $wrong')
	is "$out" 0
	is "$(jq -r .outcome "$report")" done
}

@test "who waits too long is served, whatever the order says" {
	# Shortest first: the jobs of known length would starve the one that
	# has run for long already, and each other.
	out=$(under '{"order":"shortest","starve_us":2000000,"slice_us":50000}' \
		sh -c "BURN=$BURN"'
		ticks() {
			for q in $p; do
				read -r line </proc/$q/stat
				set -- $line
				echo "${14}"
			done
		}
		for i in 1 2 3 4 5 6; do $BURN --idle & p="$p $!"; done
		sleep 2
		before=$(ticks)
		sleep 5
		echo "$before"
		ticks
		kill -9 $p')
	# Each of the six ran in those five seconds.
	is "$(awk 'NR <= 6 { was[NR] = $1 }
		NR > 6 && $1 > was[NR - 6] { n++ }
		END { print n }' <<<"$out")" 6
	is "$(jq -r .outcome "$report")" done
}

@test "the kernel's watchdog ends a policy that makes tasks wait" {
	run under '{"order":"fifo","slice_us":1000000,"starve_us":0,
		"timeout_ms":1000}' sh -c "BURN=$BURN"'
		for i in 1 2 3 4 5 6 7 8 9 10; do $BURN --idle & p="$p $!"; done
		sleep 8
		kill -9 $p'
	[ "$status" != 0 ]
	is "$(jq -r .policy.exit_kind "$report")" 1026
	has "$(jq -r .policy.exit_reason "$report")" stall
	has "$stderr$output" 'the kernel dropped the policy'
	# What it said of queues and CPUs is told, whoever it was.
	is "$(sched-doctor --stall --json "$report" |
		jq -r '.body.stall | .exit.kind, (.queue.name | length > 0),
			(.causes[0].evidence | length > 0)' | tr '\n' ' ')" \
		'1026 true true '
}

@test "a batch whose jobs are known starts its longest first" {
	local dir=$BUILD/workloads
	export SCHEDKIT_UNIT=60
	timeout 120 sched-observe --target vm --cpus 2 --goal makespan --json \
		-- "$dir/longtail" 2>/dev/null | sched-synth -n 1 >"$BATS_TEST_TMPDIR/p"
	is "$(jq -r 'select(.kind == "policy").body.params.order' \
		"$BATS_TEST_TMPDIR/p")" longest
	jq -c 'select(.kind == "policy")' "$BATS_TEST_TMPDIR/p" >"$policy"
	timeout 120 sched-guest --quiet --cpus 2 --policy "$policy" \
		--report "$report" -- "$dir/longtail"
	# The batch and its ten jobs were recognised.
	is "$(jq -r .policy.counters.known "$report")" 11
}
