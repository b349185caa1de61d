# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of hostile clients share.

# How much a server may take up at most.
bound_memory() {
	# Sanitizers keep what was freed for a while.
	case $BUILD in
	*/san) export MCP_PEAK_KIB=2000000 ;;
	*) export MCP_PEAK_KIB=131072 ;;
	esac
}

# serve COMMAND...: one server has to stand all tricks of a file.
serve() {
	local i
	"$@" --http 0 >server 2>&1 3>&- </dev/null &
	export SERVER=$!
	for ((i = 0; i < 600; i++)); do
		AT=$(sed -nE 's/.*[^0-9]([0-9]{4,5})(\/.*)?$/\1/p;T;q' server)
		[ -z "$AT" ] || break
		sleep 0.05
	done
	export AT=127.0.0.1:$AT
	bound_memory
}

teardown_file() {
	[ -z "${SERVER:-}" ] || kill "$SERVER"
}

trick() {
	python3 "$BATS_TEST_DIRNAME/mcp_hostile.py" "$@"
}

by_http() {
	kill -0 "$SERVER"
	trick http "$AT" "$1"
	kill -0 "$SERVER"
	trick peak "$SERVER" "$MCP_PEAK_KIB"
}
