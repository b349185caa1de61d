#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long the kernel goes on with a policy whose holders are dead or stopped:
# TRIALS (100) of them, in turn.  make check-deploy.

load ../lib
load ../holder

setup() {
	holder_setup
}

@test 'guest revert: within 3 s of the end of its holders, at the 99th percentile' {
	inside_trials "${TRIALS:-100}" <<-'END'
		for ((n = first; n < end; n++)); do
			deploy
			h=$(holder)
			case $((n % 4)) in
			0) what=deployer-killed; kill -9 $pid ;;
			1) what=deployer-stopped; kill -STOP $pid ;;
			2) what=holder-killed; kill -9 $h ;;
			3) what=holder-stopped; kill -STOP $h ;;
			esac
			becomes disabled || took=never
			echo "trial $what $took"
			kill -9 $h $pid 2>/dev/null
			wait $pid 2>/dev/null
			becomes disabled
		done
	END
	lacks "$(cat trials)" never
	tell_percentiles 1
	[ "$(percentile 99 1 .)" -lt 3000 ]
}
