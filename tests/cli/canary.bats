#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The canary without a guest: what its options mean, and what opens it.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export SCHEDKIT_HISTORY=$PWD/h SCHEDKIT_RUN=$PWD/run
	object=$(sha256sum "$BUILD/lib/schedkit/policy.bpf.o" | cut -d ' ' -f 1)
}

# stream FORM KERNEL: measured in a guest, accepted and signed.
stream() {
	local p v what='"params": {}'
	[ "$1" = params ] || what='"knobs": [{"match": "x", "nice": 1}]'
	p=$(doc policy "{\"form\": \"$1\", \"title\": \"t\", \"why\": \"w\",
		\"uses\": [], $what}")
	v=$(doc verdict "{\"policy\": \"$(doc_id <<<"$p")\", \"workload\": \"w\",
		\"decision\": \"accepted\", \"why\": \"w\",
		\"target\": \"vm\", \"kernel\": \"$2\",
		\"object_sha256\": \"$object\", \"stages\": [],
		\"metrics\": []}")
	vouched "$p" "$v"
}

@test 'canary: usage' {
	local o
	for o in '--canary most' '--canary 0%' '--canary 5% --widen 3%' \
		'--canary pid:1 --widen 5%' '--widen all' '--canary-for 60' \
		'--metric a=echo' '--canary 5% --metric a' \
		'--canary 5% --canary-for 1' '-t vm --canary 5%'; do
		# shellcheck disable=SC2086
		exits 2 sched-deploy $o </dev/null
		# shellcheck disable=SC2154
		[ -n "$stderr" ]
	done
	exits 2 sched-deploy --canary 5% -- true </dev/null
	has "$stderr" 'pid:N'
}

@test 'canary: it opens a host to what was measured in a guest' {
	stream params "$(uname -r)" >in
	exits 1 sched-deploy -t host --no-history <in
	has "$stderr" "measured on 'vm'"
	has "$stderr" --canary
	# With it there is nothing against it but this kernel, as the case is.
	run --separate-stderr sched-deploy -t host --canary pid:4194303 \
		--no-history <in
	[ "$status" != 0 ]
	lacks "$stderr" "measured on 'vm'"
	lacks "$stderr" series
}

@test 'canary: another series of kernels, and knobs' {
	stream params 5.4.1 >in
	exits 1 sched-deploy -t host --canary 5% --no-history <in
	has "$stderr" 'a kernel of the series 5.4, this host runs'
	stream knobs "$(uname -r)" >in
	exits 1 sched-deploy -t host --canary 5% --no-history <in
	has "$stderr" 'for knobs there are --pid and --cgroup'
}
