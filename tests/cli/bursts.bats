#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-observe --bursts: what is in the file, read by a reader of its own, is
# what the workload did.

# shellcheck disable=SC2154
load ../lib

KNOWN=$BUILD/workloads/known

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

needs_bpf() {
	needs_root
	needs python3
	[ -r /sys/kernel/btf/vmlinux ] || skip 'needs BTF'
}

# body FILTER: true of the body of the profile in $output.
body() {
	jq -e ".body | $1" <<<"$output" >/dev/null && return
	printf 'not so: %s\n' "$1"
	jq -c '.body | {bursts, overhead, user_us, sys_us, notes}' <<<"$output"
	return 1
}

records() {
	python3 "$TREE/tests/cli/bursts.py" "$1"
}

# bursts FILTER: true of the list of records in the file f.
bursts() {
	records f >f.json
	jq -s -e "$1" f.json >/dev/null && return
	printf 'not so: %s\n' "$1"
	head -n 20 f.json
	return 1
}

# record [OPTION...] -- COMMAND: until every event was seen; in $taken what was
# taken from the CPUs meanwhile.
record() {
	local tries before
	for tries in 1 2 3 4 5; do
		rm -f f
		before=$(taken_us)
		exits 0 sched-observe --bursts f "$@"
		taken=$(($(taken_us) - before))
		jq -e '.body | .overhead.drops + .bursts.drops > 0' \
			<<<"$output" >/dev/null || break
		echo "dropped something ($tries)"
	done
}

# ---- what is in it ----------------------------------------------------

@test "the bursts add up to the command's CPU time" {
	needs_bpf
	record -- sh -c "'$KNOWN' spin 300; '$KNOWN' spin 200; '$KNOWN' forks 20"
	body '(.user_us + .sys_us) as $used | .groups | map(.run_us) | add |
		. > 0.95 * $used - 10000'
	bursts "$(jq '.body | .user_us + .sys_us' <<<"$output") as \$used |
		map(.run_ns) | add / 1000 |
		. > 0.95 * \$used - 10000 and
		. < 1.03 * \$used + 20000 + $taken"
}

@test "the profile names the file, its hash and its figures" {
	needs_bpf
	exits 0 sched-observe --bursts f -- "$KNOWN" sleeps 50 1
	body ".bursts == {path: \"$PWD/f\", drops: 0, left_out: 0,
		sha256: \"$(sha256sum <f | cut -d ' ' -f 1)\",
		bytes: $(stat -c %s f), records: $(records f | wc -l)}"
}

@test "bursts say what the rules declare of their tasks" {
	needs_bpf
	mkdir d
	printf '[one]\ncommand = known\nclass = interactive\n' >d/1.conf
	printf '[two]\ncommand = sh\nweight = 50\n' >d/2.conf
	printf '[three]\nuser = %s\nclass = batch\n' "$(id -un)" >d/3.conf
	chmod go-w d d/*
	record --intents d -- sh -c "'$KNOWN' sleeps 20 1; sleep 0.01; :"
	# The first rule for sh, which says nothing of a class, is the only one.
	bursts 'map(.features[19]) | unique == [0, 1, 3]'
	bursts 'map(select(.features[19] == 1)) | length >= 18'
	record --intents none -- "$KNOWN" sleeps 20 1
	bursts 'map(.features[19]) | unique == [0]'
}

@test "sleeps: as many bursts, each with its sleep and its waker" {
	needs_bpf
	record -- "$KNOWN" sleeps 200 1
	bursts 'map(select(.flags == 0 and .features[9] == 1 and
		.sleep_ns > 9e5)) | length >= 180 and length < 215'
	bursts '.[-1].flags == 4 and .[-1].sleep_ns == 0'
	bursts 'map(select(.flags >= 16)) | length == 0'
	bursts 'map(.tid) | unique | length == 1'
}

# By their numbers in schedkit-bursts(5), and in floating point.
@test "features are those of the bursts and sleeps before" {
	needs_bpf
	record -- "$KNOWN" sleeps 200 1
	bursts 'def near($x; $by): . - $x | . <= $by and . >= -$by;
		def log: if . == 0 then 0 else log2 * 256 end;
		.[1:] | [., .[1:]] | transpose | map(select(.[1])) |
		all(. as [$a, $b] | ($b.features | length) == 24 and
		($b.features[0] | near($a.run_ns | log; 1)) and
		($b.features[5] | near($a.sleep_ns | log; 1)) and
		($b.at - ($a.at + $a.run_ns + $a.wait_ns + $a.sleep_ns) |
			near(0; 20000)) and
		$b.features[13] >= $a.features[13] and
		$b.features[12] > $a.features[12] - 1 and
		$b.features[16] == 0 and $b.features[17] == 0 and
		$b.features[23] < 24)'
	# By then the averages have settled.
	bursts '.[-10:] | map(.features[6]) | length == 10 and
		all(. > 5050 and . < 5500)'
}

@test "ping-pong: one wakes the other" {
	needs_bpf
	record -- "$KNOWN" pingpong 2000
	bursts 'map(select(.features[9] == 3 and .features[10] > 0)) |
		length > 1000'
}

@test "forks and ends" {
	needs_bpf
	record -- "$KNOWN" forks 50
	bursts 'map(select(.flags % 2 == 1)) | length == 51'
	bursts 'map(select(.flags % 8 >= 4)) | length == 51'
	bursts 'map(select(.flags % 4 >= 2)) | length == 1'
	bursts 'map(.tid) | unique | length == 51'
}

@test "nice is seen, and what was executed" {
	needs_bpf
	record -- nice -n 7 "$KNOWN" sleeps 20 1
	bursts 'map(select(.features[17] == 7)) | length >= 18'
	bursts '.[-1].identity != 0 and (map(.identity) | unique | length == 2)'
}

@test "what still runs when it ends is open, what sleeps asleep" {
	needs_bpf
	sh -c "'$KNOWN' spin 20000 & sleep 20; wait" 3>&- &
	local mine=$!
	sleep 0.5
	exits 0 sched-observe --bursts f -d 1 -a --json
	pkill -P "$mine" || true
	wait "$mine" || true
	bursts 'map(select(.flags >= 32)) | length > 0'
	bursts 'map(select(.flags >= 16 and .flags < 32)) |
		all(.sleep_ns == 0)'
}

@test "load, pressure and the hour" {
	needs_bpf
	needs taskset
	local before
	before=$(date +%-H)
	record -- sh -c "taskset -c 0 '$KNOWN' spin 1500 &
		taskset -c 0 '$KNOWN' spin 1500 &
		'$KNOWN' sleeps 250 10; wait"
	# Two of them run or wait all the time.
	bursts "map(.features[20]) | max > 256 / $(nproc)"
	bursts ".[-1].features[23] | . == $before or . == $(date +%-H)"
	[ -r /proc/pressure/cpu ] || skip 'needs PSI'
	bursts 'map(.features[21]) | max > 2000 and max <= 10000'
}

# ---- how much of it ---------------------------------------------------

@test "one of so many, by chance" {
	needs_bpf
	record --bursts-every 10 -- "$KNOWN" pingpong 5000
	bursts 'length > 300 and length < 2500 and all(.every == 10)'
}

@test "the file is bounded, and what is left out is counted" {
	needs_bpf
	exits 0 sched-observe --bursts f --bursts-max 1 -- \
		"$KNOWN" pingpong 30000
	body '.bursts | .left_out > 0 and .bytes <= 1048576 and
		.bytes > 500000 and .records > 1000'
	body '.notes | any(test("full"))'
	is "$(stat -c %s f)" "$(jq .body.bursts.bytes <<<"$output")"
	bursts 'length > 1000'
}

@test "what nobody takes from the kernel in time is counted" {
	needs_bpf
	sched-observe --json --bursts f -- sh -c \
		"'$KNOWN' pingpong 600000; : >done" >out 3>&- &
	local observer=$!
	sleep 0.5
	kill -STOP "$observer"
	# The command goes on.
	for _ in $(seq 3000); do
		[ ! -e done ] || break
		sleep 0.1
	done
	kill -CONT "$observer"
	wait "$observer"
	output=$(cat out)
	body '.bursts.drops > 0 and .bursts.records > 1000'
	is "$(python3 "$TREE/tests/cli/bursts.py" --lost f)" \
		"$(jq .body.bursts.drops <<<"$output")"
}

# ---- the file ---------------------------------------------------------

@test "a file is gone on with" {
	needs_bpf
	exits 0 sched-observe --bursts f -- "$KNOWN" sleeps 20 1
	local first
	first=$(records f | wc -l)
	cp f before
	exits 0 sched-observe --bursts f -- "$KNOWN" sleeps 20 1
	is "$(records f | wc -l)" \
		$((first + $(jq .body.bursts.records <<<"$output")))
	cmp -n "$(stat -c %s before)" before f
}

@test "what a killed writer left does not matter to the next" {
	needs_bpf
	exits 0 sched-observe --bursts f -- "$KNOWN" sleeps 20 1
	local first
	first=$(records f | wc -l)
	head -c 100 <(tail -c +65 f) >>f
	exits 0 sched-observe --bursts f -- "$KNOWN" sleeps 20 1
	is "$(records f | wc -l)" \
		$((first + $(jq .body.bursts.records <<<"$output")))
	sched-observe --bursts g -a -d 60 --json >out 3>&- &
	local observer=$!
	for _ in $(seq 100); do
		[ -s g ] && break
		sleep 0.1
	done
	kill -KILL "$observer"
	wait "$observer" || true
	exits 0 sched-observe --bursts g -- "$KNOWN" sleeps 20 1
	body '.bursts.records > 15'
}

@test "another's file is left alone: status 3" {
	needs_bpf
	echo 'something of value' >f
	exits 3 sched-observe --bursts f -- true
	has "$stderr" "'f'"
	is "$(cat f)" 'something of value'
	exits 3 sched-observe --bursts /no/such/folder/f -- true
	has "$stderr" /no/such/folder/f
}

@test "two do not write one file: status 4" {
	needs_bpf
	sched-observe --bursts f -a -d 60 --json >out 3>&- &
	local observer=$!
	for _ in $(seq 100); do
		[ -s f ] && break
		sleep 0.1
	done
	exits 4 sched-observe --bursts f -- true
	kill -INT "$observer"
	wait "$observer" || true
}

@test "not without privilege: status 3, and nothing instead" {
	needs_open_tree
	cd / || return
	exits 3 setpriv --reuid 65534 --regid 65534 --clear-groups \
		sched-observe --bursts /tmp/no-bursts.$$ -- true
	has "$stderr" 'no bursts: BPF is not allowed'
	is "$output" ''
	[ ! -e /tmp/no-bursts.$$ ]
}

@test "usage errors" {
	exits 2 sched-observe --target vm --bursts f --trace g -- true
	exits 2 sched-observe --bursts f --bursts-every 0 -- true
	exits 2 sched-observe --bursts f --bursts-max 0 -- true
}
