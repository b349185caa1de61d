#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-verify --executor without an engine: what it refuses, and how it deals
# with one that says what a real one says (tests/executor has the real ones).

load ../lib
load ../executor

STAGES=lint,build,prove

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
	jobs=$XDG_CACHE_HOME/schedkit/jobs
}

# sbatch, squeue and scancel in ./fake: each job is a process here, that stays
# when sbatch has ended.  A file
# fake/away: nobody answers.  fake/dies: the first time its node dies under it.
fake_slurm() {
	mkdir fake
	cat >fake/sbatch <<-'EOF'
	#!/bin/bash
	at=${0%/*}
	[ ! -e "$at/away" ] || {
		echo 'sbatch: error: Batch job submission failed: Unable to' \
			'contact slurm controller (connect failure)' >&2
		exit 1
	}
	echo "$@" >>"$at/log"
	env >"$at/env"
	while [[ $1 == --* ]]; do
		case $1 in
		--array=*) array=${1#*=} array=${array%\%*} ;;
		--partition=none)
			echo 'sbatch: error: invalid partition specified:' \
				'none' >&2
			exit 1
			;;
		esac
		shift
	done
	for i in ${array//,/ }; do
		for n in $(seq "${i%-*}" "${i#*-}"); do
			if [ -e "$at/dies" ] && [ ! -e "$at/$n.died" ]; then
				touch "$at/$n.died"
				SLURM_ARRAY_TASK_ID=$n SLURMD_NODENAME=n1 \
					setsid timeout -s KILL 0.1 sh "$@" &
			else
				SLURM_ARRAY_TASK_ID=$n SLURMD_NODENAME=n1 \
					setsid sh "$@" &
			fi >/dev/null 2>&1
			echo $! >"$at/$n.pid"
			# What is still in our group ends with us.
			while [ "$(ps -o pgid= $!)" = "$(ps -o pgid= $$)" ]; do
				sleep 0.05
			done
		done
	done
	echo 1
	EOF
	cat >fake/squeue <<-'EOF'
	#!/bin/bash
	at=${0%/*}
	[ ! -e "$at/away" ] || {
		echo 'slurm_load_jobs error: Unable to contact slurm' \
			'controller (connect failure)' >&2
		exit 1
	}
	for f in "$at"/*.pid; do
		[ -e "$f" ] || exit 0
		n=${f##*/}
		if kill -0 "$(cat "$f")" 2>/dev/null; then
			echo "${n%.pid}|RUNNING|n1|None"
		else
			echo "${n%.pid}|NODE_FAIL|n1|NodeDown"
		fi
	done
	EOF
	cat >fake/scancel <<-'EOF'
	#!/bin/bash
	at=${0%/*}
	[ ! -e "$at/away" ] || exit 1
	echo "$@" >>"$at/cancelled"
	for f in "$at"/*.pid; do
		! kill "$(cat "$f")" 2>/dev/null || :
	done
	EOF
	chmod +x fake/*
	PATH=$PWD/fake:$PATH
}

# stand_in LINE...: a script, $program, for what the nodes are to run.
stand_in() {
	mkdir -p tree/bin tree/libexec
	ln -sfn "$BUILD/libexec/schedkit" tree/libexec/schedkit
	program=$PWD/tree/bin/sched-verify
	printf '%s\n' '#!/bin/sh' "$@" >"$program"
	chmod +x "$program"
}

# Two policies, and nobody knows anything of them.
two_inconclusive() {
	is "$(jq -r 'select(.kind == "verdict").body.decision' <<<"$output" |
		sort | uniq -c | xargs)" '2 inconclusive'
}

@test 'executor: usage errors' {
	exits 2 sched-verify --executor moon </dev/null
	has "$stderr" "'moon' is neither slurm nor parallel"
	exits 2 sched-verify --executor slurm,nodes=3 </dev/null
	has "$stderr" "no key 'nodes'"
	exits 2 sched-verify --executor 'slurm,dir=/tmp/$(id)' </dev/null
	has "$stderr" dir
	exits 2 sched-verify --executor parallel </dev/null
	has "$stderr" hosts
	exits 2 sched-verify --executor slurm --halving </dev/null
	has "$stderr" contradicts
	exits 2 sched-verify --executor slurm --new </dev/null
	exits 2 sched-verify --finalists 0 --halving </dev/null
	exits 2 sched-verify --finalists 0 --screen 0 </dev/null
	exits 2 sched-loop --executor moon -- true
	has "$stderr" "'moon'"
}

@test 'executor: without the engine nothing is measured, and what to install is said' {
	policies 2 >in
	exits 3 env PATH="$BUILD/bin" sched-verify --json --stages lint \
		--executor slurm <in
	has "$stderr" slurm-client
	two_inconclusive
	exits 3 env PATH="$BUILD/bin" sched-verify --json --stages lint \
		--executor parallel,hosts=: <in
	has "$stderr" 'Debian: parallel'
}

@test 'executor: the answer is that of this machine' {
	fake_slurm
	policies 6 >in
	here in $STAGES >want
	export OPENAI_API_KEY=planted-secret
	exits 1 sched-verify --json --stages $STAGES \
		--executor slurm,partition=p,time=5,cpus=2,at_once=3 <in
	diff <(verdicts <<<"$output") want
	# All that was read is passed on, in its place.
	is "$(head -n 7 <<<"$output")" "$(cat in)"
	has "$(cat fake/log)" '--array=0-5%3'
	has "$(cat fake/log)" '--partition=p'
	has "$(cat fake/log)" '--cpus-per-task=2'
	lacks "$(cat fake/log)" 'number'
	lacks "$(cat fake/env)" planted
	# Nothing stays.
	is "$(ls "$jobs")" ''
}

@test 'executor: a controller that is away for a while' {
	fake_slurm
	policies 6 >in
	here in $STAGES >want
	touch fake/away
	(sleep 3 && rm fake/away) 3>&- &
	exits 1 sched-verify --json --stages $STAGES --executor slurm <in
	diff <(verdicts <<<"$output") want
}

@test 'executor: one that never comes is for later, and what is done is kept' {
	fake_slurm
	policies 2 >in
	touch fake/away
	exits 4 sched-verify --json --stages lint \
		--executor slurm,patience=2 <in
	has "$stderr" 'cannot be reached'
	two_inconclusive
	is "$(find "$jobs" -name '*.job' | wc -l)" 2
	rm fake/away
	exits 1 sched-verify --json --stages lint \
		--executor slurm,patience=2 <in
	is "$(ls "$jobs")" ''
}

@test 'executor: an engine that refuses' {
	fake_slurm
	policies 2 >in
	exits 3 sched-verify --json --stages lint \
		--executor slurm,partition=none <in
	has "$stderr" 'invalid partition'
}

@test 'executor: nodes that die once' {
	fake_slurm
	policies 6 >in
	here in $STAGES >want
	touch fake/dies
	exits 1 sched-verify --json --stages $STAGES --executor slurm <in
	diff <(verdicts <<<"$output") want
	is "$(ls fake/*.died | wc -l)" 6
}

@test 'executor: a job that kills its node every time is given up' {
	fake_slurm
	policies 2 >in
	stand_in 'kill -9 $$'
	exits 4 sched-verify --json --stages lint \
		--executor "slurm,program=$program" <in
	has "$stderr" '2 of 2 policies have no answer'
	# shellcheck disable=SC2034 # so reads it
	body=$(jq -c 'select(.kind == "verdict").body' <<<"$output" | head -n 1)
	so '.decision == "inconclusive" and (.why | contains("3 times"))'
	so '.stages[0] | .name == "lint" and .status == "unknown" and
		.findings[0].rule == "lost"'
	# Those that nobody asked for are not blamed.
	so '.stages[3].status == "skipped"'
}

# answers_with TEXT: every node writes this.
answers_with() {
	printf '%s\n' "$1" >text
	stand_in "cat $PWD/text" 'exit 1'
	exits 3 sched-verify --json --stages lint \
		--executor "slurm,program=$program" <in
	two_inconclusive
}

@test 'executor: what is no answer is none' {
	fake_slurm
	policies 2 >in
	answers_with ''
	has "$stderr" 'gave no verdict'
	answers_with "$(head -c 3000 /dev/urandom | base64 -w 0)"
	has "$stderr" 'gave no verdict'
	# Of a policy that nobody asked about.
	answers_with "$(doc verdict '{"policy":
		"0000000000000000000000000000000000000000000000000000000000000000",
		"decision": "accepted", "why": "w", "target": "vm",
		"kernel": "6", "stages": [], "metrics": []}')"
	has "$stderr" 'gave no verdict'
	# Of one that was, without what was asked.
	id=$(sed -n 2p in | doc_id)
	answers_with "$(doc verdict "{\"policy\": \"$id\",
		\"decision\": \"accepted\", \"why\": \"w\", \"target\": \"vm\",
		\"kernel\": \"6\", \"stages\": [], \"metrics\": []}")"
	has "$stderr" 'lacks the stage'
}

@test 'executor: who is interrupted ends the jobs' {
	fake_slurm
	policies 2 >in
	stand_in "echo \$\$ >>$PWD/pids" 'exec sleep 100'
	sched-verify --json --stages lint \
		--executor "slurm,program=$program" <in >out 2>err 3>&- &
	local pid=$! rc=0 p
	until_so 30 test -s pids
	kill -TERM $pid
	wait $pid || rc=$?
	is $rc 4
	has "$(cat err)" interrupted
	is "$(grep -c '"inconclusive"' out)" 2
	[ -s fake/cancelled ]
	is "$(ls "$jobs")" ''
	for p in $(cat pids); do
		until_so 10 eval "! kill -0 $p"
	done
}

@test 'executor: who was killed finds what was done' {
	fake_slurm
	policies 4 >in
	stand_in "echo x >>$PWD/begun" "exec $BUILD/bin/sched-verify \"\$@\""
	local how=(--json --stages lint --executor "slurm,program=$program")
	sched-verify "${how[@]}" <in >out 2>&1 3>&- &
	local pid=$!
	until_so 30 test -s begun
	kill -9 $pid
	wait $pid || :
	until_so 90 answers "$jobs" 4
	exits 1 sched-verify "${how[@]}" <in
	is "$(jq -r .kind <<<"$output" | grep -c verdict)" 4
	# Nobody did anything twice.
	is "$(wc -l <begun)" 4
	is "$(ls "$jobs")" ''
}
