# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A runtime of the test's own, and clients of it:  load ../lib; load ../agentd
#
# shellcheck disable=SC2154 # bats sets them

setup() {
	needs python3
	export SCHEDKIT_RUNTIME=$BATS_TEST_TMPDIR/r/sock
	unset XDG_RUNTIME_DIR
	mkdir -p "$XDG_CONFIG_HOME/schedkit"
	echo '{"policy":"fair","workers":[{"name":"host","kinds":["tool",
		"guest","sim"],"capacity":{"cores":2,"guest_slots":1}}]}' \
		>"$XDG_CONFIG_HOME/schedkit/runtime.json"
}

teardown() {
	[ -z "${daemon:-}" ] || kill "$daemon" 2>/dev/null || true
	wait
	[ -z "${open:-}" ] || rm -rf "$open"
}

# up [OPTION...]: $daemon answers.
up() {
	local i
	sched-agentd "$@" 2>>"$BATS_TEST_TMPDIR/log" 3>&- &
	daemon=$!
	for ((i = 0; i < 500; i++)); do
		! sched-agents policy >/dev/null 2>&1 || return 0
		sleep 0.01
	done
	cat "$BATS_TEST_TMPDIR/log"
	return 1
}

client() {
	timeout 60 python3 "$TREE/tests/cli/agentd.py" "$SCHEDKIT_RUNTIME" "$@"
}

# Until it has ended by itself.
gone() {
	local i
	for ((i = 0; i < 500; i++)); do
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.01
	done
	wait "$daemon"
}
