#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests of clients of the Model Context Protocol; and the whole job by an
# official client, in a guest that stands for a host: no step is made but by a
# tool of sched-mcp.

load ../lib

setup() {
	needs_guest
	needs_plain_build
	cd "$BATS_TEST_TMPDIR" || return
}

@test 'guest mcp: a call that is cancelled ends its guest' {
	timeout 300 python3 "$TREE/tests/cli/mcp.py" guest
}

@test 'guest mcp: observed, proposed, verified, agreed to, deployed, taken off' {
	MCP_PACKAGES=$("$TREE/tests/mcp/fetch" --print 2>why) ||
		skip "$(sed 's,^mcp/fetch: ,,' why)"
	cat >inside <<-END
		export PATH=$BUILD/bin:\$PATH XDG_STATE_HOME=/tmp/state
		export XDG_CONFIG_HOME=/tmp/config
		export MCP_PACKAGES=$MCP_PACKAGES
		mkdir -p /tmp/config/schedkit
		echo '{"clients":{"stdio":{"class":"deploy","approval":"elicit",
			"commands":"host"}}}' >/tmp/config/schedkit/mcp.json
		node --import $TREE/tests/mcp/resolve.mjs \\
			$TREE/tests/mcp/end-to-end.mjs \\
			'rate,higher,1/s=re:([0-9.]+) requests/s' \\
			$BUILD/workloads/requests --seconds 1.5
		echo "ended \$? \$(cat /sys/kernel/sched_ext/state)"
		sched-agents audit --verify /tmp/state/schedkit/mcp/audit.jsonl
		echo "audit \$?"
	END
	# Its workers share locks: what a policy gains there is far above noise.
	exits 0 timeout 850 sched-guest -q --cpus 2 --memory 2048 \
		--timeout 840 -- bash inside
	has "$output" 'end to end'
	has "$output" 'ended 0 disabled'
	has "$output" 'audit 0'
}
