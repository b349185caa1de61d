#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The MCP server: what a client may do, and what it may not.

load ../lib

client() {
	timeout 600 python3 "$TREE/tests/cli/mcp.py" "$@"
}

@test 'mcp: usage, and settings that are none' {
	exits 2 sched-mcp operand
	exits 2 sched-mcp --origin http://x
	exits 2 sched-mcp approve
	exits 2 sched-mcp token
	exits 3 sched-mcp token 'a b'
	has "$stderr" 'names are of letters'
	exits 3 sched-mcp approve AAAA-AAAA
	has "$stderr" "nothing waits under 'AAAA-AAAA'"
	exits 3 sched-mcp --http nonsense
	has "$stderr" "'nonsense' is not [ADDRESS:]PORT"
	mkdir -p "$XDG_CONFIG_HOME/schedkit"
	echo '{"clients":{"stdio":{"class":"root"}}}' \
		>"$XDG_CONFIG_HOME/schedkit/mcp.json"
	exits 3 sched-mcp </dev/null
	has "$stderr" 'clients.stdio.class: one of observe propose verify deploy'
	rm "$XDG_CONFIG_HOME/schedkit/mcp.json"
	exits 0 sched-mcp </dev/null
	exits 0 sched-mcp jobs
	is "$output" ''
}

@test 'mcp: a session finds, shows, plans and simulates' {
	sched-observe -d 0.2 --json | sched-synth -b rules -n 2 |
		sched-history add >/dev/null
	client session
	exits 0 sched-mcp jobs --json
	is "$(jq -r .tool <<<"$output" | sort -u | head -1)" doctor
	exits 0 sched-agents audit --verify \
		"$XDG_STATE_HOME/schedkit/mcp/audit.jsonl"
}

@test 'mcp: every call is in the log' {
	client logged
	exits 0 sched-agents audit --verify \
		"$XDG_STATE_HOME/schedkit/mcp/audit.jsonl"
}

@test 'mcp: who talks to the client is shut in' {
	needs_landlock
	client shut_in
}

@test 'mcp: what may read the words of a model has no privilege' {
	needs_root
	sched-observe -d 0.2 --json | sched-history add >/dev/null
	client bare
}

@test 'mcp: a call that is cancelled ends all that it started' {
	client cancelled
}

@test 'mcp: a job outlives kill -9 of its server' {
	client killed
}

@test 'mcp: what takes long is a task for who follows tasks' {
	client tasks
}

@test 'mcp: a client has only so many jobs at once' {
	client bounded
}

@test 'mcp: nothing is deployed unless a person agrees on a terminal' {
	client deploys
}

@test 'mcp: a person is asked through the client where that will do' {
	client elicits
}

@test 'mcp: over HTTP a client needs its token' {
	client http
}
