#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Knobs and external schedulers in a real guest: the figures are ones that a
# knob must change by far, and the scheduler is a program that loads its own.

load ../lib

setup() {
	needs_guest
	needs_plain_build
	needs_root
	PATH=$BUILD/external:$PATH
	cd "$BATS_TEST_TMPDIR" || return
}

# Two kinds of hogs share two CPUs for a while; the figure is how much more
# `favoured` had than `other`.
share='cp /bin/sleep . 2>/dev/null
cp "$(command -v bash)" favoured && cp favoured other
for i in 1 2; do for kind in favoured other; do
	./$kind -c "while [ ! -e end ]; do :; done
		read -r a </proc/\$\$/schedstat; echo \${a%% *} >$kind.$i" &
done; done
sleep 2; : >end; wait
awk -v f="$(cat favoured.1)" -v g="$(cat favoured.2)" -v a="$(cat other.1)" \
	-v b="$(cat other.2)" "BEGIN { print \"ratio:\", (f + g) / (a + b) }"'

# profile METRIC REGEX COMMAND...
profile() {
	local argv name=$1 regex=$2
	shift 2
	argv=$(jq -cn '$ARGS.positional' --args -- "$@")
	doc profile "{\"scope\": \"command\", \"goal\": \"throughput\",
		\"source\": \"bpf\", \"target\": \"vm\", \"duration_us\": 1,
		\"workload\": {\"name\": \"w\", \"command\": $argv,
			\"metrics\": [{\"name\": \"$name\", \"unit\": \"1\",
			\"better\": \"higher\", \"regex\": \"$regex\"}]},
		\"system\": {\"cpus\": 2, \"kernel\": \"6\"}, \"groups\": [],
		\"overhead\": {\"drops\": 0}}"
}

# policy FORM KEY VALUE
policy() {
	doc policy "{\"form\": \"$1\", \"title\": \"t\", \"why\": \"w\",
		\"$2\": $3, \"uses\": [\"declared_intent\"]}"
}

# verdict N FILTER: true of the body of the N-th verdict in out.
verdict() {
	jq -es "map(select(.kind == \"verdict\"))[$1].body | $2" out \
		>/dev/null && return
	printf 'not so: %s\n' "$2"
	jq -s "map(select(.kind == \"verdict\"))[$1].body" out
	return 1
}

# measure ARGUMENT...: of the documents in `in`, whatever the answer is.
measure() {
	local rc=0
	sched-verify --json -t vm --cpus 2 --screen 0 --finalists 9 \
		--no-confirm "$@" <in >out || rc=$?
	[ "$rc" -le 1 ]
}

@test 'guest forms: each knob changes who gets the CPU' {
	{
		profile ratio 'ratio: ([0-9.]+)' bash -c "$share"
		policy knobs knobs '[{"match": "other", "nice": 19}]'
		policy knobs knobs '[{"match": "favoured", "cpu_weight": 1000},
			{"match": "*", "cpu_weight": 100}]'
		policy knobs knobs '[{"match": "other", "cpus": "0",
			"cpu_max_pct": 20}, {"match": "*", "cpus": "1"}]'
	} >in
	measure --pairs 1 --stages kernel,run
	for i in 0 1 2; do
		verdict $i '.stages[4].status == "passed"'
		verdict $i '.stages[4].findings[0].text |
			test("knobs can be set")'
		verdict $i '.metrics[0].baseline < 1.5'
		verdict $i '.metrics[0].candidate > 2.5'
	done
}

@test 'guest forms: slices are set, and nothing is left of knobs' {
	profile us 'slice: ([0-9]+)' bash -c '
		ns=$(sed -n "s/^se.slice *: *//p" /proc/self/sched)
		echo slice: $((ns / 1000))
		left=$(find /sys/fs/cgroup -maxdepth 1 -name "schedkit-*" | wc -l)
		[ "$left" -le $((ns == 77000000)) ]' >in
	policy knobs knobs '[{"match": "*", "slice_us": 77000,
		"cpu_weight": 200}]' >>in
	measure --pairs 1 --stages kernel,run
	verdict 0 '.metrics[0].candidate == 77000'
	verdict 0 '.metrics[0].baseline < 20000'
}

@test 'guest forms: an external scheduler runs; one that goes has failed' {
	{
		profile ops 'ops: ([0-9])' bash -c 'sleep 2
			cd /sys/kernel/sched_ext
			echo ops: $(cat root/ops 2>/dev/null | grep -c fifo)'
		policy external external '{"program": "scx_testfifo",
			"flags": ["-f", "--slice-us", "5000"]}'
		policy external external '{"program": "scx_testfifo",
			"flags": ["--quit-after", "1500"]}'
	} >in
	measure --pairs 1 --stages lint,kernel,run
	verdict 0 '.stages[4].findings[0].text | test("starts, attaches")'
	verdict 0 '.metrics[0].baseline == 0 and .metrics[0].candidate == 1'
	verdict 0 '.decision == "inconclusive"'
	verdict 1 '.decision == "rejected" and .stages[5].status == "failed"'
	verdict 1 '.stages[5].findings[0].text | test("had enough")'
}
