#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sched-observe on this machine.  What the workload does is known, so the
# profile can be wrong.

# shellcheck disable=SC2016,SC2154
load ../lib

KNOWN=$BUILD/workloads/known

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# body FILTER: true of the body of the profile in $output.
body() {
	jq -e ".body | $1" <<<"$output" >/dev/null && return
	printf 'not so: %s\n' "$1"
	jq -c '.body | del(.groups[].burst_us, .groups[].delay_us,
		.groups[].sleep_us, .groups[].block_us)' <<<"$output"
	return 1
}

# group NAME FILTER: true of that group of it.
group() {
	[ -z "${bpf:-}" ] || body '.source == "bpf"'
	body ".groups[] | select(.name == \"$1\") | $2"
}

# whole COMMAND: observes it until nothing was dropped; what a profile says it
# dropped may be milliseconds of a task.
whole() {
	local tries
	for tries in 1 2 3 4 5; do
		exits 0 sched-observe -- "$@"
		jq -e '.body.overhead.drops > 0' <<<"$output" >/dev/null || break
		echo "dropped something ($tries)"
	done
}

# Falling back to /proc would then be a failure.
needs_bpf() {
	bpf=1
	needs_root
	[ -r /sys/kernel/btf/vmlinux ] || skip 'needs BTF'
}

# ---- the command ------------------------------------------------------

@test "a command that fails is a finding, not a failure" {
	exits 0 sched-observe -- false
	body '.exit_status == 1 and .scope == "command"'
}

@test "a command killed by a signal has the shell's status" {
	exits 0 sched-observe -- sh -c 'kill -9 $$'
	body '.exit_status == 137'
}

@test "a command that cannot be started: status 3, and its name" {
	exits 3 sched-observe -- ./no-such-program
	has "$stderr" "no-such-program"
	is "$output" ""
}

@test "standard output carries the document only" {
	exits 0 sched-observe -- sh -c 'echo to-out; echo to-err >&2'
	is "$(wc -l <<<"$output")" 1
	has "$stderr" to-out
	has "$stderr" to-err
	body '.output_tail == "to-out\n"'
}

@test "the command reads the tool's standard input" {
	exits 0 sh -c 'echo 42 | sched-observe -m "n=re:(.*)" -- cat'
	body '.metrics[0].value == 42'
}

@test "the workload is told so that it can run again" {
	exits 0 sched-observe --name w --bound "sh -c 'exit 0'" \
		--short 'sh -c :' -- sh -c true
	body '.workload == {"name": "w", "command": ["sh", "-c", "true"],
		"bound": ["sh", "-c", "exit 0"], "short": ["sh", "-c", ":"],
		"cwd": "'"$PWD"'",
		"metrics": [{"name": "wall", "unit": "s", "better": "lower"}]}'
	body '.goal == "makespan"'
}

@test "-d ends a command" {
	exits 0 sched-observe -d 0.5 -- sleep 30
	body '.exit_status == 143 and .wall_us < 5e6'
	body '.notes | any(test("time limit"))'
}

@test "--timeout ends it too, with status 4" {
	exits 4 sched-observe --timeout 0.5 -- sleep 30
	has "$stderr" "0.5 s"
}

# ---- metrics ----------------------------------------------------------

@test "a metric by regular expression" {
	exits 0 sched-observe -m 'rps=re:rate ([0-9.]+)' \
		-m 'p99,us=re:p99 ([0-9]+)' -- \
		"$KNOWN" say 'rate 1' 'rate 12.5 p99 7'
	body '.metrics == [
		{"name": "rps", "unit": "", "better": "higher", "value": 12.5},
		{"name": "p99", "unit": "us", "better": "lower", "value": 7}]'
	body '.goal == "throughput"'
}

@test "a metric by JSON path" {
	exits 0 sched-observe -m 'p99,us=json:lat.p99' -- \
		"$KNOWN" say 'hello' '{"lat":{"p99":33}}' 'bye'
	body '.metrics[0].value == 33 and .goal == "latency"'
}

@test "a metric that is not there: status 3, its expression, the profile" {
	exits 3 sched-observe -m 'rps=re:([0-9]+) req/s' -- true
	has "$stderr" '([0-9]+) req/s'
	body '.metrics[0] | has("value") | not'
	body '.notes | any(test("req/s"))'
}

@test "usage errors" {
	exits 2 sched-observe -m 'x=re:(' -- true
	has "$stderr" "x"
	exits 2 sched-observe -a -- true
	exits 2 sched-observe -a -p 1
	exits 2 sched-observe --metric wall
	exits 2 sched-observe --target moon -- true
	exits 2 sched-observe --target vm
	exits 2 sched-observe --target vm --bursts f --trace g -- true
	exits 2 sched-observe --as root -- true
	exits 2 sched-observe --bound "'" -- true
	exits 2 sched-observe --short '' -- true
	exits 2 sched-observe --short true
	exits 2 sched-observe -d x
}

# ---- the machine ------------------------------------------------------

@test "the whole machine" {
	exits 0 sched-observe -d 1 -a --json
	jq -e '.kind == "profile"' <<<"$output"
	body '.scope == "all" and .duration_us >= 1e6 and .duration_us < 3e6'
	body ".system.cpus == $(nproc) and .system.kernel == \"$(uname -r)\""
	body 'has("workload") | not'
}

@test "the document is a valid one, and can be planned with" {
	exits 0 sh -c 'sched-observe -d 0.2 | sched-synth -n 1'
	lacks "$output" '"kind":"error"'
	has "$output" '"kind":"plan"'
}

@test "no such process: status 3" {
	exits 3 sched-observe -d 0.1 -p 2147483646
	has "$stderr" 2147483646
}

@test "no such cgroup: status 3" {
	exits 3 sched-observe -d 0.1 -g /no/such/cgroup
	has "$stderr" /no/such/cgroup
}

@test "an ordinary user observes from /proc, and the profile says so" {
	needs_open_tree
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	cd / || return
	exits 0 "${nobody[@]}" sched-observe -- "$KNOWN" spin 600
	body '.source == "proc" and .exit_status == 0'
	body '.notes | any(test("BPF"))'
	group known '.run_us > 300000 and .run_us < 900000'
}

# ---- figures ----------------------------------------------------------

@test "sleeps: as many wakeups and bursts as sleeps" {
	needs_bpf
	exits 0 sched-observe -- "$KNOWN" sleeps 200 1
	body '.source == "bpf"'
	# One that came before the sleep had begun is none.
	group known '.wakeups >= 180 and .wakeups < 215'
	group known '.switches_voluntary >= 200 and .switches_voluntary < 225'
	group known '.burst_us.count >= 200 and .sleep_us.count >= 180'
	group known '.sleep_us.p50 > 900 and .sleep_us.p50 < 3000'
	group known '.wakers[0].group == "(interrupt)" and
		.wakers[0].count >= 180'
}

@test "ping-pong: who wakes whom" {
	needs_bpf
	exits 0 sched-observe -- "$KNOWN" pingpong 2000
	group ping '.wakers[0].group == "pong"'
	group pong '.wakers[0].group == "ping"'
	# Whoever lost its CPU meanwhile need not be woken.
	group ping '.wakeups > 100 and .wakeups < 2200'
	group pong '.wakeups > 100 and .wakeups < 2200'
}

@test "CPU time: what the kernel's own accounting says" {
	local taken
	needs_bpf
	taken=$(taken_us)
	whole "$KNOWN" spin 500
	taken=$(($(taken_us) - taken))
	group known ".run_us > 480000 and .run_us < 560000 + $taken"
	body "(.user_us + .sys_us) as \$used | .groups | map(.run_us) | add |
		. > 0.97 * \$used - 5000 and
		. < 1.03 * \$used + 5000 + $taken"
	body '.run_queue.busy_pct > 40'
}

# Some kernels keep a switch in a few hundred to themselves.
@test "CPU time: none is lost, time after time" {
	needs_bpf
	for _ in {1..30}; do
		exits 0 sched-observe -- "$KNOWN" spin 60
		body '.user_us + .sys_us < 1.1 * (.groups | map(.run_us) | add)'
	done
}

@test "two on one CPU: each waits while the other runs" {
	needs_bpf
	needs taskset
	exits 0 sched-observe -- taskset -c 0 sh -c \
		"'$KNOWN' spin 300 & '$KNOWN' spin 300; wait"
	group known '.tasks == 2 and .preemptions > 5'
	group known '.wait_us > 150000 and .delay_us.sum == .wait_us'
	body '.run_queue.waiting_pct > 40'
}

@test "forks are counted, and belong to the command" {
	needs_bpf
	exits 0 sched-observe -- "$KNOWN" forks 50
	group known '.forks == 50 and .tasks == 51'
}

@test "one process and its children, not the others" {
	needs_bpf
	"$KNOWN" spin 20000 3>&- &
	local mine=$!
	timeout 20 sh -c 'while :; do :; done' 3>&- &
	local other=$!
	exits 0 sched-observe -d 0.5 -p "$mine"
	kill "$mine" "$other"
	body '[.groups[].name] == ["known"]'
	group known '.run_us > 50000 and .burst_us.count >= 1'
}

@test "where processes have other numbers, a command is observed from /proc" {
	needs_bpf
	needs unshare
	local there=(unshare --pid --fork --mount-proc)
	exits 0 "${there[@]}" sched-observe --json -- "$KNOWN" spin 600
	body '.source == "proc" and (.notes | any(test("container")))'
	bpf='' group known '.run_us > 300000 and .run_us < 900000'
	exits 3 "${there[@]}" sched-observe --bursts bursts -- true
	has "$stderr" container
	# Of the whole machine nothing is asked by number.
	exits 0 "${there[@]}" sched-observe --json -d 0.3 -a
	body '.source == "bpf" and (.groups | length > 0)'
}

@test "a cgroup and those below it" {
	needs_bpf
	local root cg
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || skip 'needs cgroup2'
	cg=$root/observe-test.$$
	mkdir -p "$cg/below" || skip 'needs a writable cgroup2'
	sh -c "echo \$\$ >'$cg/below/cgroup.procs'; exec '$KNOWN' spin 20000" \
		3>&- &
	local mine=$!
	sleep 0.3
	exits 0 sched-observe -d 0.5 -g "$cg"
	kill "$mine"
	wait "$mine" || true
	rmdir "$cg/below" "$cg"
	body '.scope == "cgroup" and [.groups[].name] == ["known"]'
	group known '.run_us > 50000'
}

# ---- identities -------------------------------------------------------

# The identity of the command, by its hash.
hash_of() {
	sched-observe -- "$@" 2>/dev/null | jq -r '.body.identities[] |
		select(.name == "known") | .hash'
}

@test "the same command has the same identity, another another" {
	needs_bpf
	local a b c
	a=$(hash_of "$KNOWN" spin 1)
	b=$(hash_of "$KNOWN" spin 1)
	c=$(hash_of "$KNOWN" spin 2)
	[[ $a =~ ^[0-9a-f]{16}$ ]]
	is "$a" "$b"
	[ "$a" != "$c" ]
	[ -n "$c" ]
}

@test "run time goes to what was executed" {
	needs_bpf
	whole sh -c "'$KNOWN' spin 50; '$KNOWN' spin 50; '$KNOWN' spin 200"
	body '[.identities[] | select(.name == "known")] | length == 2'
	body '.identities | map(select(.name == "known")) | sort_by(.execs) |
		.[0].execs == 1 and .[1].execs == 2 and
		.[0].run_us > 190000 and .[0].run_us < 260000 and
		.[1].run_us > 90000 and .[1].run_us < 160000 and
		.[1].max_us < .[1].run_us'
}

@test "what a script starts is its own work, too" {
	needs_bpf
	printf '#!/bin/sh\n%s spin "$1"; %s spin "$1"\n' "$KNOWN" "$KNOWN" \
		>steps
	chmod +x steps
	for _ in 1 2 3 4 5; do
		run --separate-stderr -0 sched-observe -- sh -c \
			'./steps 50; ./steps 150'
		jq -e '.body.overhead.drops > 0' <<<"$output" >/dev/null || break
	done
	body '.identities | map(select(.name == "steps")) | sort_by(.whole_us) |
		length == 2 and all(.run_us < 50000) and
		.[0].whole_us > 95000 and .[0].whole_us < 200000 and
		.[1].whole_us > 290000 and .[1].whole_us < 450000'
	body '.identities | (map(.run_us) | add) as $all |
		max_by(.whole_us) | .name == "sh" and .whole_us <= $all + 1'
	body '.identities | all(.whole_us >= .run_us)'
}

# ---- for people -------------------------------------------------------

@test "at a terminal: a page, and no control characters of others" {
	needs script
	cat >evil.c <<-'EOF'
	#include <sys/prctl.h>
	#include <time.h>
	int main(void)
	{
		struct timespec t = {0, 1000000};
		prctl(PR_SET_NAME, "\033[31mred\n");
		for (int i = 0; i < 100; i++)
			nanosleep(&t, 0);
		return 0;
	}
	EOF
	${CC:-cc} -O2 evil.c -o evil
	run script -qec "stty cols 100; sched-observe -- ./evil" /dev/null
	is "$status" 0
	has "$output" "How sure"
	lacks "$output" $'\033[31m'
}
