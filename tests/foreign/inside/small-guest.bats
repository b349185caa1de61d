#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine of 512 MiB does all there is to do in it; of less than 256 there is
# none.

load inside

setup() {
	needs_foreign
}

@test "512 MiB: a policy, and a workload under it" {
	policy
	exits 0 sched-guest -q -m 512 -c 2 -p policy.json -r rep -- \
		"$BUILD/workloads/longtail"
	is "$(jq -r .outcome rep)" done
	is "$(jq -r .target.memory_mib rep)" 512
}

@test "512 MiB: the tools themselves, from profile to verdict" {
	cat >all <<-END
		set -e
		PATH=$PATH
		sched-observe --json -- $BUILD/workloads/known spin 300 >p
		sched-synth --json --runs 8 -n 2 <p >s
		rc=0
		sched-verify --json --stages lint,build,prove,sim <s >v || rc=\$?
		[ \$rc -le 1 ]
		sched-history --history h add --json <v >h.out
		cmp v h.out
		sched-report -o page.html v
		jq -c 'select(.kind == "verdict").body.stages[] |
			select(.status == "passed").name' v | sort -u
	END
	exits 0 sched-guest -q -m 512 -c 1 -T 1200 -- bash all
	has "$output" '"sim"'
	has "$output" '"prove"'
}

@test "the least: 256 MiB boot, and run a policy" {
	policy
	exits 0 sched-guest -q -m 256 -c 1 -p policy.json -r rep -- \
		"$BUILD/workloads/known" spin 100
	is "$(jq -r .outcome rep)" done
}

@test "less is a usage error that names the least" {
	exits 2 sched-guest -m 255 -- true
	has "$stderr" 256
}

@test "what does not fit is said, and to give more" {
	exits 4 sched-guest -q -m 256 -c 1 -- tail /dev/zero
	has "$stderr" 'ran out of memory'
}
