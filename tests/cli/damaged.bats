#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The simulator on what is damaged, absurd or endless.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

PROFILE=$TREE/tests/bench/requests.profile

# answers COMMAND...: 0, 1 or 3 within a minute, never a crash; what cannot be
# is said.
answers() {
	run --separate-stderr -- timeout -k 1 60 "$@"
	# shellcheck disable=SC2154
	case $status in
	0 | 1) return ;;
	3) [ -z "$stderr" ] || return 0 ;;
	esac
	printf 'exit status %s: %s\n%s\n' "$status" "$*" "$stderr"
	return 1
}

@test "objects that are cut short are refused" {
	local object=$BUILD/policies/good/dice.bpf.o size at
	size=$(stat -c %s "$object")
	for at in 0 1 63 64 65 $((size / 2)) $((size - 1)); do
		head -c "$at" "$object" >cut.o
		exits 3 sched-sim run cut.o hostile:one_cpu
		has "$stderr" "'cut.o': "
	done
}

# flipped FILE SEED: 8 bytes of it replaced, in ./flipped.
flipped() {
	cat "$1" >flipped
	awk -v seed="$2" -v size="$(stat -c %s "$1")" 'BEGIN {
		srand(seed)
		for (i = 0; i < 8; i++)
			printf "%d %03o\n", rand() * size, rand() * 256
	}' | while read -r at value; do
		printf '%b' "\\0$value" |
			dd of=flipped bs=1 seek="$at" conv=notrunc status=none
	done
}

@test "objects with bytes replaced: an answer, and never a crash" {
	local name seed
	for name in cgroups dice; do
		for seed in 1 2 3 4 5 6 7 8 9 10; do
			flipped "$BUILD/policies/good/$name.bpf.o" "$seed"
			answers sched-verify --json --object flipped \
				--stages lint,build,prove,sim </dev/null
			has "$output" '"kind":"verdict"'
		done
	done
}

@test "traces that are cut short or damaged" {
	local trace=$TREE/tests/fuzz/corpus/trace/trace size at seed
	size=$(stat -c %s "$trace")
	for at in 8 20 63 64 65; do
		head -c "$at" "$trace" >short
		exits 3 sched-sim run template short
		has "$stderr" trace
	done
	# Good up to the last whole record.
	head -c $((size - 1)) "$trace" >short
	exits 0 sched-sim run --json template short
	exits 0 sched-sim export short
	has "$stderr" 'the last record is cut off'
	for seed in 1 2 3 4 5 6; do
		flipped "$trace" "$seed"
		answers sched-sim run --limit 2 template flipped
	done
}

@test "rt-app's JSON with nonsense in it" {
	local n=0 text
	while IFS= read -r text; do
		n=$((n + 1))
		echo "$text" >in.json
		exits 3 sched-sim run template in.json
		has "$stderr" "'in.json'"
	done <<-'END'
	{
	[[[[[
	{"tasks":7}
	{"tasks":{}}
	{"tasks":{"a":{}}}
	{"tasks":{"a":{"run":-1}}}
	{"tasks":{"a":{"run":1e300}}}
	{"tasks":{"a":{"run":"long"}}}
	{"tasks":{"a":{"instance":0,"run":10}}}
	{"tasks":{"a":{"instance":1000000000,"run":10}}}
	{"tasks":{"a":{"loop":-1,"run":0}}}
	{"tasks":{"a":{"loop":1e300,"run":10}}}
	{"tasks":{"a":{"cpus":[],"run":10}}}
	{"tasks":{"a":{"cpus":[512],"run":10}}}
	{"tasks":{"a":{"priority":99,"run":10}}}
	{"tasks":{"a":{"wait":"q","run":10}}}
	{"tasks":{"a":{"timer":7}}}
	{"tasks":{"a":{"fork":"nobody","run":10}}}
	{"tasks":{"a":{"run":10}},"global":{"duration":-7}}
	END
	[ $n = 19 ]
}

@test "profiles with absurd numbers" {
	local change
	while IFS= read -r change; do
		jq -c ".body | $change" "$PROFILE" >in.json
		answers sched-sim run --json --limit 1 template in.json
	done <<-'END'
	(.. | numbers) |= 1e300
	(.. | numbers) |= -1
	(.. | numbers) |= 0
	(.. | numbers) |= 1e-300
	.groups[0].run_us = 1e300
	.groups[].tasks = 0
	.groups[0].tasks = 1e9
	.groups[].wakeups = 1e300
	.groups[0] = 7
	.groups[0].burst_us = {}
	.groups[0].burst_us.buckets = [[1e300, 1e300], [-1, -1]]
	.system.cpus = 0
	.system.cpus = 1e300
	.system = {"cpus": 1, "cores": 0.5, "llcs": 512, "nodes": 512}
	.duration_us = 1e300
	(.. | strings) |= "\u001b[31m"
	END
	for change in '.groups = []' '.groups = {}' '.duration_us = 0' \
		'.groups[].run_us = -5'; do
		jq -c ".body | $change" "$PROFILE" >in.json
		exits 3 sched-sim run template in.json
		has "$stderr" profile
	done
}

@test "hostile loads on one CPU and on very many come to their end" {
	needs_plain_build # minutes with sanitizers
	local load loads cpus arm
	# No fork storm: on 512 CPUs it is 300000 tasks.
	loads='all_pinned hog_beside_sleepers affinity_changing exit_storm
		hotplug one_cpu many_cpus wake_chain weights
		migration_disabled idle_then_burst late_hogs'
	for cpus in 1 512; do
		for load in $loads; do
			for arm in template eevdf; do
				answers sched-sim run --json --alone \
					--machine $cpus $arm "hostile:$load"
				has "$output" '"kind":"note"'
				lacks "$output" '"outcome":"stuck"'
				lacks "$output" '"outcome":"limit"'
			done
		done
	done
}

@test "half a core is no machine" {
	exits 3 sched-sim run --machine 1,threads=2 template hostile:one_cpu
	exits 3 sched-sim run --machine 513 template hostile:one_cpu
	exits 3 sched-sim run --machine 4,llcs=8 template hostile:one_cpu
	exits 0 sched-sim run --json --alone --machine 4,threads=2 template \
		hostile:one_cpu
}

@test "interrupted: status 4 and not half a document" {
	echo '{"tasks":{"a":{"instance":2000,"loop":-1,"run":50,"sleep":50}}}' \
		>endless.json
	local signal pid rc
	for signal in INT TERM; do
		# A shell's background jobs do not heed SIGINT by themselves.
		env --default-signal=INT sched-sim run --json --limit 80000 \
			eevdf endless.json >out 2>err &
		pid=$!
		sleep 1
		kill -$signal $pid
		rc=0
		wait $pid || rc=$?
		is "$rc" 4
		is "$(cat out)" ''
		has "$(cat err)" interrupted
	done
}

@test "a full disk is status 3 and said" {
	local command
	while IFS= read -r command; do
		run --separate-stderr -- sh -c "$command >/dev/full"
		is "$status" 3
		has "$stderr" 'No space left'
	done <<-END
	sched-sim run --json eevdf hostile:one_cpu
	sched-sim export $PROFILE
	echo b7000000070000009500000000000000 | sched-sim exec
	sched-verify --json --stages lint --object $BUILD/policies/good/dice.bpf.o </dev/null
	END
}
