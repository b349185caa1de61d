#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Knobs and external schedulers in a real guest: the figures are ones that a
# knob must change by far, and the scheduler is a program that loads its own.
# They share one profile, and with it one guest.

load ../lib

setup() {
	needs_guest
	needs_plain_build
	needs_root
	PATH=$BUILD/external:$PATH
	cd "$BATS_TEST_TMPDIR" || return
}

# Two kinds of hogs share two CPUs for a while: how much more `favoured` had
# than `other`, which slice a task has, and whether the scheduler is one of the
# external ones.  A run with these 77 ms has one group of knobs, others none
# that an earlier one left.
load='cp /bin/sleep . 2>/dev/null
cp "$(command -v bash)" favoured && cp favoured other
for i in 1 2; do for kind in favoured other; do
	./$kind -c "while [ ! -e end ]; do :; done
		read -r a </proc/\$\$/schedstat; echo \${a%% *} >$kind.$i" &
done; done
sleep 1; : >end; wait
awk -v f="$(cat favoured.1)" -v g="$(cat favoured.2)" -v a="$(cat other.1)" \
	-v b="$(cat other.2)" "BEGIN { print \"ratio:\", (f + g) / (a + b) }"
us=$(($(sed -n "s/^se.slice *: *//p" /proc/self/sched) / 1000))
echo slice: $us
echo groups: $(find /sys/fs/cgroup -maxdepth 1 -name "schedkit-*" | wc -l)
echo ops: $(cat /sys/kernel/sched_ext/root/ops 2>/dev/null | grep -c fifo)'

profile() {
	local argv metrics
	argv=$(jq -cn '$ARGS.positional' --args -- bash -c "$load")
	metrics=$(jq -cn '[$ARGS.positional[] | {name: ., unit: "1",
		better: "higher", regex: "\(.): ([0-9.]+)"}]' --args \
		ratio slice groups ops)
	doc profile "{\"scope\": \"command\", \"goal\": \"throughput\",
		\"source\": \"bpf\", \"target\": \"vm\", \"duration_us\": 1,
		\"workload\": {\"name\": \"w\", \"command\": $argv,
			\"metrics\": $metrics},
		\"system\": {\"cpus\": 2, \"kernel\": \"6\"}, \"groups\": [],
		\"overhead\": {\"drops\": 0}}"
}

# policy FORM KEY VALUE
policy() {
	doc policy "{\"form\": \"$1\", \"title\": \"t\", \"why\": \"w\",
		\"$2\": $3, \"uses\": [\"declared_intent\"]}"
}

# metric N NAME: the N-th verdict's two figures, "BASELINE CANDIDATE".
metric() {
	jq -rs --arg name "$2" "map(select(.kind == \"verdict\"))[$1].body |
		.metrics[] | select(.name == \$name) |
		\"\(.baseline) \(.candidate)\"" out
}

@test 'guest forms: knobs and external schedulers do what they say' {
	local rc=0
	{
		profile
		policy knobs knobs '[{"match": "other", "nice": 19}]'
		policy knobs knobs '[{"match": "favoured", "cpu_weight": 1000},
			{"match": "*", "cpu_weight": 100}]'
		policy knobs knobs '[{"match": "other", "cpus": "0",
			"cpu_max_pct": 20}, {"match": "*", "cpus": "1"}]'
		policy knobs knobs '[{"match": "*", "slice_us": 77000,
			"cpu_weight": 200}]'
		policy external external '{"program": "scx_testfifo",
			"flags": ["-f", "--slice-us", "5000"]}'
		policy external external '{"program": "scx_testfifo",
			"flags": ["--quit-after", "800"]}'
	} >in
	sched-verify --json -t vm --cpus 2 --screen 0 --finalists 9 --pairs 1 \
		--no-confirm --stages lint,kernel,run <in >out || rc=$?
	[ "$rc" -le 1 ]
	# Each knob changes who gets the CPU.
	for i in 0 1 2; do
		verdict_so $i '.stages[4].status == "passed"'
		verdict_so $i '.stages[4].findings[0].text |
			test("knobs can be set")'
		verdict_so $i '.metrics[0].baseline < 1.5'
		verdict_so $i '.metrics[0].candidate > 2.5'
	done
	# Slices are set, and nothing is left of knobs.
	read -r base cand <<<"$(metric 3 slice)"
	is "$cand" 77000
	[ "$base" -lt 20000 ]
	is "$(metric 3 groups)" '0 1'
	# A scheduler runs; one that goes has failed.
	verdict_so 4 '.stages[4].findings[0].text | test("starts, attaches")'
	is "$(metric 4 ops)" '0 1'
	verdict_so 4 '.decision != "accepted"'
	verdict_so 5 '.decision == "rejected" and .stages[5].status == "failed"'
	verdict_so 5 '.stages[5].findings[0].text | test("had enough")'
}
