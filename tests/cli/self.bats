#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-doctor --self: what our programs may do is what is declared, and it is
# told when one may do more.

load ../lib
load ../doctor

setup() {
	# The run time of the sanitizers needs what sandboxes take away.
	needs_plain_build
	needs_landlock
	cd "$BATS_TEST_TMPDIR" || return
	export XDG_CACHE_HOME=$PWD/cache
	unset SCHED_LLM SCHED_LLM_KEY
	begun=()
}

teardown() {
	[ ${#begun[@]} = 0 ] || kill "${begun[@]}" || :
}

# of NAME KEY: of a process in $output.
of() {
	jq -r --arg name "$1" --arg key "$2" '.body.processes[] |
		select(.name == $name)[$key] | if type == "array" then
		join(" ") else . end' <<<"$output"
}

traces() {
	! jq -e '.body.processes[] | select(.text |
		test("lets nobody be traced|x86-64 only"))' <<<"$output" ||
		skip 'nothing can be traced here'
}

@test 'self: all is as declared' {
	run --separate-stderr sched-doctor --self --json
	traces
	is "$(jq -c '.body.processes[] | select(.status == "more" or
		.status == "unknown") | [.name, .text]' <<<"$output")" ''
	is "$status" 0
	is "$stderr" ''
	is "$(jq -c '[.kind, .body.as_declared, .body.measured]' \
		<<<"$output")" '["note",true,true]'
	# It has found what is there, too.
	is "$(of 'prove and sim' has)" ''
	is "$(of ask-model has)" network
	is "$(of hold-external has)" "$(of hold-external may)"
	[ "$(of 'prove and sim' filters)" -ge 1 ]
	is "$(of sched-sim filters)" "$(awk '/^Seccomp_filters/ { print $2 }' \
		/proc/self/status)"
	# Nothing stays.
	is "$(find cache -name 'self.*')" ''
}

@test 'self: a table for people' {
	run --separate-stderr sched-doctor --self
	[ "$status" = 0 ] || [ "$status" = 3 ]
	has "$output" load-policy
	has "$output" 'as declared'
}

@test 'self: root is left with what is declared' {
	needs_root
	exits 0 sched-doctor --self --json
	is "$(of load-policy has_privilege)" 'PERFMON, BPF'
	is "$(of sched-deploy has_privilege)" 'KILL, SYS_NICE'
	is "$(of set-knobs has_privilege)" \
		'DAC_OVERRIDE, SYS_PTRACE, SYS_NICE'
	is "$(of agent-store has_privilege)" none
	is "$(of sched-agentd has_privilege)" none
	is "$(of 'the compiler' has_privilege)" none
	is "$(of 'sched-mcp, the front' has_privilege)" none
	is "$(of "a model's program" has_privilege)" none
}

@test 'self: an ordinary user measures, too' {
	needs_open_tree
	theirs=$(mktemp -d)
	chown 65534 "$theirs"
	cd "$theirs" || return
	XDG_CACHE_HOME=$theirs XDG_STATE_HOME=$theirs run --separate-stderr \
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all -- sched-doctor --self --json
	rm -rf "$theirs"
	traces
	is "$status" 0
	is "$(of ask-model has)" network
	is "$(of 'prove and sim' has)" ''
	is "$(of set-knobs has_privilege)" none
}

@test 'self: what is for others to start is left to them' {
	needs_open_tree
	theirs=$(mktemp -d)
	mkdir "$theirs/tree"
	cp -r "$BUILD/bin" "$BUILD/lib" "$BUILD/libexec" "$theirs/tree"
	chown 65534 "$theirs"
	chmod 700 "$theirs/tree/libexec/schedkit/load-policy"
	cd "$theirs" || return
	XDG_CACHE_HOME=$theirs XDG_STATE_HOME=$theirs run --separate-stderr \
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all -- "$theirs/tree/bin/sched-doctor" --self --json
	rm -rf "$theirs"
	traces
	is "$(of load-policy status)" skipped
	is "$status" 0
}

@test 'self: one without a sandbox is found out' {
	copy_tree
	cat >tree/libexec/schedkit/agent-store <<-'END'
		#!/bin/sh
		read -r line
	END
	run --separate-stderr sched-doctor --self --json
	traces
	is "$status" 1
	is "$(of agent-store status)" more
	local word
	for word in 'reads files' 'writes files' 'lets others write' \
		'reaches the network' 'who listens' 'executes programs' \
		'gain privilege' 'no filter' 'look into' 'keys of models'; do
		has "$(of agent-store text)" "$word"
	done
	is "$(of load-policy status)" 'as declared'
	is "$(jq .body.as_declared <<<"$output")" false
	exits 1 sched-doctor --self
	has "$output" 'not as declared: 1 may do more'
}

@test 'self: a process that shuts nothing is found out where one is inside' {
	copy_tree
	# Its child ends without having given up anything.
	printf '#!/bin/sh\n(exit 0)\nexit 1\n' >tree/bin/sched-verify
	run --separate-stderr sched-doctor --self --json
	traces
	is "$status" 1
	is "$(of 'prove and sim' status)" more
	has "$(of 'prove and sim' text)" 'reads files'
}

@test 'self: root that gives nothing up is found out' {
	needs_root
	copy_tree
	cp "$(command -v cat)" tree/libexec/schedkit/load-policy
	run --separate-stderr sched-doctor --self --json
	traces
	is "$status" 1
	has "$(of load-policy text)" 'it has capabilities: '
	has "$(of load-policy text)" 'gain privilege'
}

@test 'self: a file that gives privilege is found out' {
	copy_tree
	chmod u+s tree/bin/sched-sim
	run --separate-stderr sched-doctor --self --json
	traces
	is "$status" 1
	has "$(of sched-sim text)" 'its file gives privilege'
}

@test 'self: what cannot be seen is not said to be as declared' {
	copy_tree
	rm tree/libexec/schedkit/agent-store
	printf '#!/bin/sh\necho away >&2\nexit 3\n' >tree/bin/sched-mcp
	run --separate-stderr sched-doctor --self --json
	traces
	is "$status" 3
	is "$(of agent-store status)" unknown
	has "$(of 'sched-mcp, the front' text)" 'there was anything to see: away'
	is "$(jq -c '[.body.as_declared, .body.measured]' <<<"$output")" \
		'[true,false]'
}

@test 'self: usage' {
	exits 2 sched-doctor --self --stall
	exits 2 sched-doctor --self --root .
	exits 2 sched-doctor --self operand
}

# ---- what it was found by ------------------------------------------------

# environment PID: what /proc shows, for root.
environment() {
	tr '\0' '\n' <"/proc/$1/environ"
}

@test 'self: who asks no model has no key' {
	needs_root
	export SCHED_LLM_KEY=planted-0123456789 SCHEDKIT_HISTORY=$PWD/history
	mkfifo in
	exec 7<>in
	"$BUILD/libexec/schedkit/agent-store" <in >/dev/null 3>&- 7>&- &
	store=$! begun+=($!)
	sched-agentd --socket "$PWD/s" --journal none --audit none 3>&- 7>&- &
	daemon=$! begun+=($!)
	sched-mcp <in >/dev/null 3>&- 7>&- &
	hand=$! begun+=($!)
	until grep -qs 'Seccomp:.*2' "/proc/$store/status" &&
		grep -qs 'Seccomp:.*2' "/proc/$daemon/status" &&
		front=$(pgrep -P "$hand") &&
		grep -qs 'Seccomp:.*2' "/proc/$front/status"; do
		sleep 0.05
	done
	for pid in $store $daemon $front; do
		lacks "$(environment "$pid")" planted
	done
	# It is the hand that starts who asks.
	has "$(environment "$hand")" planted
}
