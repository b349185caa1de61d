#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The runtime's journal over kill -9.  10,000 times: make crash.

load ../lib

@test "nothing is lost or done twice over 300 deaths of the runtime" {
	seed=$RANDOM
	echo "seed $seed"
	exits 0 "$BUILD/crash/journal" 300 "$seed"
	has "$output" 'none lost, none twice'
}
