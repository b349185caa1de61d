#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a proposal costs in each form, from nothing to a policy that passes
# lint, build, prove and sim: calls, tokens and money, as the provenance of the
# documents has them.  The model is scripted, its tokens are estimated from
# real bytes (four are one token), its prices those of the row named here.
# "external" needs a scheduler that belongs to root.

set -euo pipefail
TREE=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in
/*) ;;
*) BUILD=$TREE/$BUILD ;;
esac
PRICE=claude-sonnet-4-5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. "$TREE/tests/proposals.bash"
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
export XDG_CACHE_HOME=$dir/cache
PATH=$BUILD/bin:$BUILD/external:$PATH

# The price of a named model for the scripted one.
prices() {
	mkdir -p "$XDG_CONFIG_HOME/schedkit"
	jq --arg name "$PRICE" '[.models[] | . as $row | select($name |
		test("^" + ($row.match | gsub("[*]"; ".*")) + "$"))][:1] |
		{as_of: "", source: "", models: map(.match = "*model")}' \
		"$TREE/lib/llm/prices.json" >"$XDG_CONFIG_HOME/schedkit/prices.json"
}

scripted_model
prices
printf '%-9s %6s %7s %7s %7s %7s %9s\n' form drafts calls in cached out USD
for form in knobs external params hooks source; do
	rm -f "$dir"/*.in "$dir"/*.out
	script_of $form
	sched-synth --json -n 1 --form $form --backend "command:$dir/model" \
		<"$TREE/tests/bench/requests.profile" >"$dir/story"
	jq -rs --arg form $form 'map(.provenance // empty) as $p |
		def sum(k): $p | map(.[k] // 0) | add;
		[$form, (map(.body.text? // "" | scan("with draft ([0-9]+)")[0])[0]),
		sum("calls"), sum("tokens_in"), sum("tokens_cached"),
		sum("tokens_out"), sum("cost_usd")] | @tsv' "$dir/story" |
		xargs printf '%-9s %6d %7d %7d %7d %7d %9.4f\n'
done
