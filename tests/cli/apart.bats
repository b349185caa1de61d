#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prove and sim happen in confined processes, one for each policy.

load ../lib

setup() {
	needs_landlock
	cd "$BATS_TEST_TMPDIR" || return
	pid=
}

teardown() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
}

# policies N: a profile and so many policies that differ.
policies() {
	cat "$TREE/tests/bench/requests.profile"
	for ((i = 1; i <= $1; i++)); do
		doc policy "{\"form\": \"params\", \"title\": \"t\", \"why\":
			\"w\", \"params\": {\"slice_us\": ${i}000}, \"uses\": []}"
	done
}

# Starts the tool on 24 policies and waits for a process of one of them that
# is in its sandbox: $child.
start() {
	policies 24 >in
	sched-verify --json --stages prove,sim <in >out 2>err 3>&- &
	pid=$!
	for ((i = 0; i < 3000; i++)); do
		child=$(pgrep -P "$pid" | head -n 1)
		if [ -n "$child" ] && kill -STOP "$child" 2>/dev/null; then
			grep -qs '^Seccomp:.*[12]$' "/proc/$child/status" &&
				return
			kill -CONT "$child" 2>/dev/null || :
		fi
		kill -0 "$pid" || break
	done
	echo 'no process of it was seen in a sandbox'
	return 1
}

# The findings of this rule in what was given out.
found() {
	jq -r --arg rule "$1" 'select(.kind == "verdict").body.stages[] |
		.name as $name | .findings[] | select(.rule == $rule) |
		"\($name): \(.text)"' out
}

verdicts() {
	jq -r 'select(.kind == "verdict").body.policy' out
}

@test "apart: the process has no capability, and nothing open but its way back" {
	start
	status=$(cat "/proc/$child/status")
	has "$status" $'NoNewPrivs:\t1'
	for set in CapInh CapPrm CapEff CapAmb; do
		has "$status" "$set:"$'\t0000000000000000'
	done
	for fd in "/proc/$child/fd"/*; do
		case $(readlink "$fd") in
		/dev/null | pipe:* | "$PWD/err" | *.bpf.o) ;;
		*) false "$(ls -l "/proc/$child/fd")" ;;
		esac
	done
	[ ! -e "/proc/$child/fd/9" ]
}

@test "apart: one that dies fails its policy's stage, the others go on" {
	start
	kill -ABRT "$child"
	kill -CONT "$child"
	wait "$pid" || code=$?
	pid=
	is "$code" 1
	is "$(verdicts | wc -l)" 24
	is "$(found crash | wc -l)" 1
	has "$(found crash)" 'its process died: Aborted'
	is "$(jq -r 'select(.kind == "verdict").body.decision' out |
		sort | uniq -c | xargs)" '23 inconclusive 1 rejected'
}

@test "apart: a cancellation ends them all and still gives the verdicts" {
	start
	kill -TERM "$pid"
	wait "$pid" || code=$?
	pid=
	is "$code" 4
	is "$(verdicts | wc -l)" 24
	is "$(found crash)" ''
	[ ! -e "/proc/$child" ]
}

@test "apart: many at once are judged as each alone, in their order" {
	policies 5 >in
	sched-verify --json --stages prove,sim <in >out || [ $? = 1 ]
	is "$(verdicts)" "$(jq -r 'select(.kind == "policy").id' in)"
	strip='select(.kind == "verdict").body | [.policy, .decision,
		.simulation, (.stages[] | [.status, .findings])]'
	jq -c "$strip" out >together
	for i in 1 2 3 4 5; do
		sed -n "1p;$((i + 1))p" in |
			sched-verify --json --stages prove,sim || [ $? = 1 ]
	done | jq -c "$strip" >alone
	cmp together alone
	# One figure of the kernel's own scheduler for all of them.
	is "$(jq -s '[.[][2].metrics[0].baseline] | unique | length' \
		together)" 1
}
