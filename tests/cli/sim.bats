#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-sim: its commands, and exec.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# insn CODE DST SRC OFF IMM: an instruction in hexadecimal.
insn() {
	printf '%02x%x%x%02x%02x%02x%02x%02x%02x\n' "$1" "$3" "$2" \
		$(($4 & 255)) $(($4 >> 8 & 255)) $(($5 & 255)) \
		$(($5 >> 8 & 255)) $(($5 >> 16 & 255)) $(($5 >> 24 & 255))
}

exit_insn() {
	insn 0x95 0 0 0 0
}

@test "usage" {
	exits 0 sched-sim --help
	has "$output" exec
	exits 0 sched-sim exec --help
	has "$output" 'usage: sched-sim exec'
	exits 0 sched-sim --version
	exits 2 sched-sim
	exits 2 sched-sim fly
	exits 2 sched-sim --mem 0 exec
	exits 2 sched-sim exec --fly
	exits 2 sched-sim exec a b
	exits 2 sched-sim exec --mem 0
	exits 2 sched-sim exec --mem 0g
}

@test "exec prints R0 in hexadecimal" {
	{
		insn 0xb7 0 0 0 41
		insn 0x07 0 0 0 1
		exit_insn
	} >in
	is "$(sched-sim exec <in)" 2a
	is "$(sched-sim exec in)" 2a
	is "$(sched-sim exec - <in)" 2a
	is "$(tr -d '\n' <in | tr a-f A-F | sched-sim exec)" 2a
	{
		insn 0xb7 0 0 0 -1
		exit_insn
	} >in
	is "$(sched-sim exec in)" ffffffffffffffff
}

@test "exec gives the program its memory and the length of it" {
	{
		insn 0x69 0 1 2 0
		insn 0x0f 0 2 0 0
		exit_insn
	} >in
	is "$(sched-sim exec --mem '11 22 33 44  55' in)" 4438
	{
		insn 0xbf 0 1 0 0
		exit_insn
	} >in
	is "$(sched-sim exec --mem '' in)" 0
}

@test "exec says what a program did wrong, and where" {
	{
		insn 0x79 0 1 0 0
		exit_insn
	} >in
	exits 1 sched-sim exec in
	is "$output" ''
	has "$stderr" 'instruction 0: null pointer: read of 8 bytes'
	exits 1 sched-sim exec --mem 00112233445566 in
	has "$stderr" 'byte 0 of a memory of 7'
	insn 0x05 0 0 -1 0 >in
	exits 1 sched-sim exec in
	has "$stderr" budget
	insn 0xff 0 0 0 0 >in
	exits 1 sched-sim exec in
	has "$stderr" 'no such instruction'
	insn 0x85 0 0 0 12345 >in
	exits 1 sched-sim exec in
	has "$stderr" 'helper 12345'
}

@test "exec refuses what is no program" {
	exits 3 sched-sim exec nowhere
	has "$stderr" nowhere
	exits 3 sched-sim exec </dev/null
	echo 'b7 00 00' >in
	exits 3 sched-sim exec in
	echo 'zz' >in
	exits 3 sched-sim exec in
	has "$stderr" hexadecimal
	echo 'b7000' >in
	exits 3 sched-sim exec in
	has "$stderr" half
}

# ---- run --------------------------------------------------------------

profile() {
	echo "$TREE/tests/bench/requests.profile"
}

@test "run: the same input gives the same bytes, another seed does not" {
	local a b
	exits 0 sched-sim run --json template "$(profile)"
	a=$output
	exits 0 sched-sim run --json template "$(profile)"
	is "$output" "$a"
	exits 0 sched-sim run --json --seed 2 template "$(profile)"
	b=$output
	[ "$a" != "$b" ]
	is "$(jq -r .kind <<<"$a")" note
	is "$(jq -r .body.simulation.outcome <<<"$a")" done
}

@test "run: a table for people, with EEVDF beside the policy" {
	exits 0 script -qec "sched-sim run template $(profile)" /dev/null
	has "$output" EEVDF
	has "$output" request_rate
	has "$output" 'the policy: done'
}

@test "run: what is known of a program does not hold up its lock holders" {
	local seed
	# With starve_us this long one holder may wait for seconds, in one seed
	# of five or so: in the middle it does not.
	for seed in 1 2 3 4 5; do
		sched-sim run --json --seed "$seed" -p classify=identity \
			-p order=longest -p ahead_us=20000000 \
			-p unknown_us=200000 -p starve_us=10000000 \
			template "$(profile)" >>runs || [ $? = 1 ]
	done
	jq -es '[.[].body.compared[] | select(.name == "request_rate").ratio]
		| sort | length == 5 and .[2] > 1.5' <runs
}

@test "run: parameters, machines and costs are checked" {
	exits 3 sched-sim run -p slice_us=1 template "$(profile)"
	has "$stderr" slice_us
	exits 3 sched-sim run -p speed=1 template "$(profile)"
	exits 3 sched-sim run --machine 0 template "$(profile)"
	exits 3 sched-sim run --machine 8,wings=2 template "$(profile)"
	echo '{"switch_ns":-1}' >costs
	exits 3 sched-sim run --costs costs template "$(profile)"
	has "$stderr" switch_ns
	exits 3 sched-sim run template hostile:weather
	exits 3 sched-sim run template no-such-file
	exits 3 sched-sim run no-such-object.o "$(profile)"
	exits 2 sched-sim run template
}

@test "run: findings are exit status 1 and name the line" {
	exits 1 sched-sim run --json "$BUILD/policies/bad/never_inserts.bpf.o" \
		hostile:fork_storm
	is "$(jq -r '.body.simulation.findings[0].rule' <<<"$output")" lost
	has "$(jq -r '.body.simulation.findings[0].file' <<<"$output")" \
		never_inserts.bpf.c
}

@test "run: who had a CPU alone shares it when company comes" {
	cat >hogs.json <<-'END'
	{"tasks":{"early":{"loop":1,"phases":{"p":{"loop":1,"run":6000000}}},
		"late":{"delay":3000000,"loop":1,
			"phases":{"p":{"loop":1,"run":6000000}}}},
	 "global":{"duration":6}}
	END
	local order
	for order in vruntime deadline; do
		exits 0 sched-sim run --json --machine 1 -p order=$order \
			template hogs.json
		jq -e '.body.simulation.groups[] | select(.name == "early")
			| .run_s > 4.4 and .run_s < 4.6' <<<"$output"
	done
}

@test "run: who computes for long and sleeps at times gets its share" {
	cat >bursts.json <<-'END'
	{"tasks":{"bursts":{"loop":6,"phases":{"p":{"loop":1,"run":1000000,
			"sleep":1000}}},
		"hog":{"loop":1,"phases":{"p":{"loop":1,"run":9000000}}}},
	 "global":{"duration":6}}
	END
	local order
	for order in vruntime deadline; do
		exits 0 sched-sim run --json --machine 1 -p order=$order \
			template bursts.json
		jq -e '.body.simulation.groups[] | select(.name == "bursts")
			| .run_s > 2.9 and .delay_us.max < 30000' <<<"$output"
	done
}

@test "run: constants and arrays are as the policy's own loader has them" {
	local object="$BUILD/policies/sim/loaded.bpf.o"
	exits 0 sched-sim run --alone --json "$object" \
		hostile:hog_beside_sleepers
	exits 1 sched-sim run --alone --json --set nr_cpu_ids=1 "$object" \
		hostile:hog_beside_sleepers
	exits 1 sched-sim run --alone --json --set fail=-1 "$object" \
		hostile:hog_beside_sleepers
	exits 3 sched-sim run --set fail=99999999999 "$object" \
		hostile:hog_beside_sleepers
	exits 3 sched-sim run --set none=1 "$object" \
		hostile:hog_beside_sleepers
}
