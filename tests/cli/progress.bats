#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What another program is told of how far a long work is: SCHEDKIT_PROGRESS.

# shellcheck disable=SC2016,SC2154
load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_PROGRESS
}

# told COMMAND...: its standard output is in `out`, what it told of its progress
# in $told, how it ended in $status.
told() {
	told=$({ SCHEDKIT_PROGRESS=9 "$@" 9>&1 >out 2>err && echo 0 >status ||
		echo $? >status; } | cat)
	status=$(<status)
}

# steps: every line of $told is "DONE TOTAL WORDS", and DONE never falls.
steps() {
	awk 'NF < 3 || $1 !~ /^[0-9]+$/ || $2 !~ /^[0-9]+$/ || $1 < last {
		print "not so: " $0; bad = 1 }
		{ last = $1 } END { exit bad || !NR }' <<<"$told"
}

@test 'progress: an observation of some seconds' {
	told sched-observe --seconds 2
	is "$status" 0
	steps
	has "$told" '0 2 observing'
	has "$told" '1 2 observing'
	jq -e '.kind == "profile"' out
}

@test 'progress: it is not a matter of what is observed' {
	told sched-observe -- sh -c 'echo "<${SCHEDKIT_PROGRESS-none}>" >&2
		! echo "1 1 a lie" >&9; :'
	is "$status" 0
	has "$(<err)" '<none>'
	has "$told" 'observing the command'
	lacks "$told" 'a lie'
}

@test 'progress: by way of sched' {
	told sched observe --seconds 1
	is "$status" 0
	has "$told" '0 1 observing'
}

@test 'progress: nobody is told who did not ask' {
	SCHEDKIT_PROGRESS=1 sched-observe --seconds 0.2 | jq -e .kind
	SCHEDKIT_PROGRESS=77 sched-observe --seconds 0.2 | jq -e .kind
	: >file
	SCHEDKIT_PROGRESS=9 sched-observe --seconds 0.2 9>file | jq -e .kind
	[ ! -s file ]
}

@test 'progress: who stops reading stops nothing' {
	SCHEDKIT_PROGRESS=9 sched-observe --seconds 2 9> >(head -n 1 >first) |
		jq -e '.kind == "profile"'
	has "$(<first)" observing
}

@test 'progress: a search, and the ladder' {
	sched-observe -- true >profile.jsonl 2>/dev/null
	told sched-synth -n 2 --runs 40 <profile.jsonl
	is "$status" 0
	steps
	has "$told" 'simulated '
	cp out policies.jsonl
	told sched-verify --stages lint,build,prove,sim <policies.jsonl
	steps
	has "$told" 'reading and building policy 1/2'
	has "$told" 'proving and simulating policy 2/2'
	# Four stages of two policies, but for what one lost on the way.
	has "$told" ' 8 proving'
}

@test 'progress: a simulation' {
	told sched-sim run --json template hostile:one_cpu
	is "$status" 0
	is "$told" "0 2 simulating the kernel's own scheduler
1 2 simulating the policy"
}
