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
	export TRIALS=${TRIALS:-100} LIMIT=3000
	inside <<-'END'
		for ((n = 0; n < TRIALS; n++)); do
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
	sed -n 's/^trial //p' <<<"$output" >trials
	is "$(wc -l <trials)" "$TRIALS"
	lacks "$output" never
	for what in . $(cut -d ' ' -f 1 trials | sort -u); do
		grep "$what" trials | cut -d ' ' -f 2 | sort -n | awk -v w="$what" '
			{ t[NR] = $1 }
			END { p = int(NR * 0.99 + 0.999999)
			printf "# %s: %d trials, median %d ms, p99 %d ms, most %d ms\n",
				w, NR, t[int((NR + 1) / 2)], t[p], t[NR] }' >&3
	done
	[ "$(cut -d ' ' -f 2 trials | sort -n |
		awk '{ t[NR] = $1 } END { print t[int(NR * 0.99 + 0.999999)] }')" \
		-lt 3000 ]
}
