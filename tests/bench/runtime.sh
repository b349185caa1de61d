#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How many requests that do nothing the runtime takes a second, in this process
# and through a daemon's socket, with its journal and audit log; and how many
# records the journal alone.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
dir=$(mktemp -d)
trap 'kill "$daemon" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
export XDG_STATE_HOME=$dir XDG_CONFIG_HOME=$dir

echo '# in process'
"$BUILD/bench/runtime"
echo '# its journal'
"$BUILD/bench/journal" "$dir/journal"
echo '# through the socket'
mkdir -m 700 "$dir/s"
"$BUILD/bin/sched-agentd" -s "$dir/s/sock" &
daemon=$!
"$BUILD/bin/sched-agents" start -s "$dir/s/sock"
"$BUILD/bench/runtime-socket" "$dir/s/sock" "$@"
