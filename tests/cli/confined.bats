#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What needs no network does without, and nobody looks into what has it.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export XDG_CACHE_HOME=$PWD/cache XDG_CONFIG_HOME=$PWD/config
	export SCHEDKIT_HISTORY=$PWD/history
	unset SCHED_LLM SCHED_LLM_KEY SCHED_LLM_KEY_FILE
	pid=
}

teardown() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
}

# The command in a network name space that has no interface but a dead lo.
without_network() {
	if [ "$(id -u)" = 0 ]; then
		unshare -n -- "$@"
	else
		unshare -rn -- "$@"
	fi
}

@test "confined: builtin proposes the same without any network" {
	needs unshare
	without_network true 2>/dev/null || skip 'needs root or user name spaces'
	is "$(without_network awk 'NR > 2 { print $1 }' /proc/net/dev)" lo:
	profile=$TREE/tests/bench/requests.profile
	ladder() {
		sched-synth --backend builtin -n 2 --runs 40 <"$profile" |
			sched-verify --json --stages lint,build,prove,sim |
			jq -c 'select(.kind == "policy" or .kind == "verdict") |
			[.kind, .body.params, .body.decision, .body.simulation]'
	}
	export -f ladder
	export profile
	ladder >with
	without_network bash -c ladder >without
	is "$(wc -l <with)" 4
	cmp with without
}

# Starts ask-model with a key: it has said hello and waits; $pid.
start() {
	mkfifo requests
	exec 7<>requests
	SCHED_LLM_KEY=planted-0123456789 "$BUILD/libexec/schedkit/ask-model" \
		--backend "openai" <requests >hello 2>err 3>&- 7>&- &
	pid=$!
	for ((i = 0; i < 300; i++)); do
		grep -q name hello && return
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	cat hello err
	grep -q Landlock hello && skip 'needs Landlock'
	return 1
}

@test "confined: ask-model leaves no core and no key, and has no privilege" {
	export SCHED_LLM=openai:http://127.0.0.1:9/v1#m
	start
	has "$(grep 'core file' "/proc/$pid/limits" | tr -s ' ')" \
		'core file size 0 0'
	status=$(cat "/proc/$pid/status")
	for set in CapInh CapPrm CapEff CapAmb; do
		has "$status" "$set:"$'\t0000000000000000'
	done
	has "$status" $'NoNewPrivs:\t1'
	has "$status" $'Seccomp:\t2'
}

# Tries to read what the process holds, as the options of setpriv say.
spy() {
	local file
	for file in environ mem maps; do
		! setpriv "$@" -- head -c 1 "/proc/$pid/$file" \
			2>>refusals || return
	done
}

@test "confined: nobody reads the memory of ask-model, not even its user" {
	needs setpriv
	export SCHED_LLM=openai:http://127.0.0.1:9/v1#m
	start
	# The same way one reads a process that does not forbid it.
	setpriv --no-new-privs -- head -c 1 "/proc/$$/environ" >/dev/null
	if [ "$(id -u)" = 0 ]; then
		spy --bounding-set=-all --inh-caps=-all
		spy --reuid=65534 --regid=65534 --clear-groups
	else
		spy --no-new-privs
	fi
	is "$(grep -c 'Permission denied\|Operation not permitted' refusals)" \
		"$(wc -l <refusals)"
}
