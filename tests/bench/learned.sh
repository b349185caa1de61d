#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a decision of a learned model costs in the running kernel; takes root.
# How many instructions it is says tests/unit/test_learn_forecast.c, which holds
# them to their limit.
#
#   learned.sh [ROUNDS]     medians of 9 rounds of a million decisions

set -euo pipefail
cd "$(dirname "$0")/../.." || exit 3
: "${BUILD:=build}"

"$BUILD/bench/decision" "$BUILD/policies/vm/forecast.bpf.o" "${1:-9}" |
	while IFS=$'\t' read -r model ns; do
		printf '%-42s %12.0f ns\n' "a decision, $model" "$ns"
	done
