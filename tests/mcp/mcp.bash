# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the programs here share, which print TAP:  . "$(dirname "$0")/mcp.bash"
#
# Without node or the protocol's packages they skip all, and say what is missing.

set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TREE=$(cd "$HERE/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in
/*) ;;
*) BUILD=$TREE/$BUILD ;;
esac
export HERE TREE BUILD
PATH=$BUILD/bin:$PATH

dir=$(mktemp -d)
export XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
# Of what was started here; killed at the end.
pids=()
cleanup() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap cleanup EXIT

if ! MCP_PACKAGES=$("$HERE/fetch" --print 2>"$dir/why"); then
	echo "1..0 # SKIP $(head -n 1 "$dir/why" | sed 's,^mcp/fetch: ,,')"
	exit 0
fi
export MCP_PACKAGES

# in_node FILE [ARG...]
in_node() {
	node --import "$HERE/resolve.mjs" "$@"
}

# fixture [OPTION...]: starts it with HTTP; $URL is where.
fixture() {
	local port='' i
	"$BUILD/external/mcp-fixture" --http 0 "$@" >"$dir/fixture" 2>&1 \
		</dev/null &
	pids+=($!)
	for ((i = 0; i < 600 && !${port:-0}; i++)); do
		port=$(sed -nE 's/.*\b([0-9]{4,5})\/?(mcp)?$/\1/p;T;q' \
			"$dir/fixture")
		kill -0 "${pids[-1]}" 2>/dev/null || break
		sleep 0.05
	done
	if [ -z "$port" ]; then
		echo 'Bail out! the fixture did not say its port:'
		sed 's/^/# /' "$dir/fixture"
		exit 1
	fi
	export URL=http://127.0.0.1:$port/mcp
}
