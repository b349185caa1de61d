#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/kernels: what counts as a kernel that works, with guests that are played;
# and the table in the manual.

load ../lib

MATRIX=$TREE/tests/kernels/matrix
TABLE=$TREE/tests/kernels/table
PAGE=$TREE/man/schedkit-kernels.7

# A build folder whose guests do what $PLAY says, an expression of jq over the
# report of each policy; and what else the real one has.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p b/bin b/libexec/schedkit
	ln -s "$BUILD/policies" "$BUILD/lib" "$BUILD/workloads" b/
	program b/libexec/schedkit/fetch-guest <<-'END'
		# --print SERIES
		[ "$2" != 6.0 ] || exit 0
		printf 'release\t%s.%s+deb13-cloud-amd64\n' "$2" "${PATCH:-5}"
	END
	program b/bin/sched-train <<-'END'
		echo '{"kind": "policy", "body": {"title": "learned"}}'
	END
	program b/bin/sched-guest <<-'END'
		echo "$*" >>calls
		n=0
		while [ "$1" != -- ]; do
			case $1 in
			-r) report=$2 ;;
			-k) series=$2 ;;
			-p | -o) n=$((n + 1)) ;;
			esac
			shift
		done
		if [ -n "${REFUSE:-}" ]; then
			echo "sched-guest: ${REFUSE/RELEASE/$series.5+deb13-cloud-amd64}" >&2
			exit 3
		fi
		seq "$n" | jq -c --argjson boots "$(wc -l <calls)" '. as $n | {
			outcome: "done", exit_status: 0, policy: {alive: false,
			state_after: "disabled", kernel_log: [
			"sched_ext: BPF scheduler \"x\" enabled",
			"sched_ext: BPF scheduler \"x\" disabled (unregistered from user space)"]},
			target: {cpus: 2, accelerator: "tcg", boot_s: 3}}
			| '"${PLAY:-.}" >"$report"
	END
	export KERNELS=6.18 TOPOLOGIES=2
	all=$(($(grep -c '^[a-z].*| good$' "$TREE/tests/policies/manifest.txt") +
		$(wc -l <"$TREE/tests/kernels/template.jsonl") + 1))
}

# program PATH <TEXT
program() {
	{
		echo '#!/bin/bash'
		cat
	} >"$1"
	chmod +x "$1"
}

matrix() {
	exits "$1" env BUILD="$PWD/b" "$MATRIX"
}

boots() {
	wc -l <calls
}

@test "kernels: every policy runs on every kernel and machine" {
	KERNELS='6.18 7.3' TOPOLOGIES='1 numa' matrix 0
	is "$(grep -c ^ok <<<"$output")" 4
	has "$output" "6.18 on 1 (6.18.5+deb13-cloud-amd64): $all of $all policies"
	has "$output" '1..4'
	is "$(boots)" 4
	has "$(sed -n 3p calls)" '--topology nodes=2,cores=2'
	is "$(grep -o 'policies/good/[a-z_]*' calls | sort | uniq -c |
		grep -vc ' 4 ')" 0
	is "$(jq -s 'map(.good and (.policies | length) > 20) | all' \
		b/kernels/results.jsonl)" true
}

@test "kernels: what was good is not run again, what has changed is" {
	matrix 0
	matrix 0
	has "$output" ', as before'
	is "$(boots)" 1
	PATCH=6 matrix 0
	is "$(boots)" 2
	# Another workload, or policy.
	rm b/workloads
	mkdir b/workloads
	printf '#!/bin/sh\necho 7\n' >b/workloads/bustle
	chmod +x b/workloads/bustle
	matrix 0
	is "$(boots)" 3
	# What was bad is no answer.
	PATCH=7 PLAY='.exit_status = 1' matrix 1
	PATCH=7 matrix 0
	is "$(boots)" 5
}

# In the first boot the second one's guest dies.
@test "kernels: a guest that dies has one more try, which is counted" {
	export PLAY='if $n == 2 and $boots == 1 then
		.outcome = "lost" | .message = "the guest died" else . end'
	matrix 0
	has "$output" "$all of $all policies, 1 of them in a second guest"
	is "$(boots)" 2
	is "$(sed -n 2p calls | grep -oE -- ' -[po] ' | wc -l)" 1
	is "$(jq -c '[.policies[] | select(.outcome == "again")] | length' \
		b/kernels/results.jsonl)" 1
	is "$(BUILD=$PWD/b "$TABLE" | awk 'NR == 2 { print $4 }')" \
		"$((all - 1))+1"
	# Twice is too often.
	PATCH=6 PLAY='.outcome = "lost" | .message = "the guest died"' matrix 1
	has "$output" 'lost: the guest died; again: lost: the guest died'
	is "$(boots)" 4
}

@test "kernels: one policy that is not as it should be is a failure" {
	local change
	for change in \
		'.outcome = "ejected" | .message = "the kernel dropped it"' \
		'.exit_status = 1' '.policy.alive = true' \
		'.policy.state_after = "disabling"' '.policy.kernel_log = []' \
		'.policy.kernel_log += ["sched_ext: x[1] stalls"]' \
		'.policy.kernel_log += ["WARNING: CPU: 0 PID: 1 at k.c:1"]' \
		'.policy.kernel_log[1] = "sched_ext: BPF scheduler \"x\" disabled (runtime error)"'; do
		PLAY="if \$n == 3 then $change else . end" matrix 1
		has "$output" "$((all - 1)) of $all policies"
		has "$output" '# template: queues of caches, by class: '
	done
	# What else the kernel has to say is kept, and fails nothing.
	PLAY='.policy.kernel_log += ["hrtimer: interrupt took 9 ns"]' matrix 0
	is "$(tail -n 1 b/kernels/results.jsonl |
		jq -r '.policies[0].kernel_log[]')" 'hrtimer: interrupt took 9 ns'
	# A report that is cut short.
	PATCH=6 PLAY='select($n != 4)' matrix 1
	has "$output" 'there is no report of it'
}

@test "kernels: those that are known to be broken refuse, and only those" {
	local words='guest kernel RELEASE: the BTF of kernel RELEASE is broken: function scx_bpf_x_impl is missing, so that no sched_ext policy can load there; use another'
	export REFUSE=$words
	KERNELS=7.1 matrix 0
	has "$output" 'refused: guest kernel 7.1.5'
	# One that should work, another reason, no reason, and one that works.
	matrix 1
	REFUSE='guest kernel RELEASE: no luck' KERNELS=7.2 matrix 1
	REFUSE='cannot boot a guest: the guest died' KERNELS=7.2 matrix 1
	has "$output" 'failed: cannot boot a guest'
	unset REFUSE
	KERNELS=7.2 matrix 1
	has "$output" 'broken.txt is out of date'
	KERNELS=6.0 matrix 0
	has "$output" '# skip not fetched'
	is "$(BUILD=$PWD/b "$TABLE" | awk 'NR > 1 { print $1, $4 }')" \
		"6.18 refused
7.1 refused
7.2 $all"
}

# result SERIES KERNEL MACHINE RAN AGAIN FAILED
result() {
	jq -nc --arg series "$1" --arg kernel "$2-cloud-amd64" --arg machine "$3" \
		--argjson ran "$4" --argjson again "$5" --argjson failed "$6" '{
		$series, $kernel, $machine, outcome: "ran", policies: (
		[range($ran) | {outcome: "ran"}] +
		[range($again) | {outcome: "again"}] +
		[range($failed) | {outcome: "failed"}])}'
}

@test "kernels: the table has the last results of the last kernel" {
	mkdir b/kernels
	{
		result 6.9 6.9.1 1 2 0 0
		result 6.18 6.18.1 1 3 0 0
		result 6.18 6.18.1 2 3 0 0
		result 6.18 6.18.2 2 1 0 2
		result 6.18 6.18.2 smt 0 0 3
		result 6.18 6.18.2 2 2 1 0
		result 6.18 6.18.2 8 0 0 0
	} >b/kernels/results.jsonl
	BUILD=$PWD/b exits 0 "$TABLE"
	is "$output" 'Kernel  Version  1 CPU  2    4  8       SMT     NUMA
6.9     6.9.1    2      -    -  -       -       -
6.18    6.18.2   -      2+1  -  failed  0 of 3  -'
	printf '%s\n' before '.\" table of kernels: begin' old \
		'.\" table of kernels: end' after >page
	BUILD=$PWD/b "$TABLE" --into page
	is "$(sed -n '1p;$p' page | paste -sd ' ')" 'before after'
	lacks "$(cat page)" old
	is "$(grep -c '^\.It ' page)" 3
	BUILD=$PWD/b "$TABLE" --into page
	is "$(wc -l <page)" 9
	is "$("$TABLE" --rows page | sed -n 3p)" $'6.18\t6.18.2\t-\t2+1\t-\tfailed\t0 of 3\t-'
	echo none >other
	BUILD=$PWD/b exits 3 "$TABLE" --into other
	is "$(cat other)" none
}

# It is made by the script, and its columns are the machines that there are.
@test "kernels: the page's table is one of the script's" {
	local rows
	rows=$("$TABLE" --rows "$PAGE")
	[ "$(wc -l <<<"$rows")" -ge 2 ]
	is "$("$TABLE" --mdoc <<<"$rows")" "$("$TABLE" --page "$PAGE")"
	is "$(head -n 1 <<<"$rows")" "$(
		{
			printf '%s\n' Kernel Version
			sed -nE 's/^[a-z0-9]+ .*\| *(.*)$/\1/p' \
				"$TREE/tests/kernels/topologies.txt"
		} | paste -s
	)"
	is "$(sed 1d <<<"$rows" | grep -vE \
		$'^[0-9]+[.][0-9]+\t[0-9][^\t]*(\t(-|refused|[0-9]+([+][0-9]+)?))+$')" ''
	# Who refuses is known to, and who is known to refuses.
	is "$(awk -F '\t' '/\trefused/ { print $1 }' <<<"$rows")" \
		"$(sed -nE 's/^([0-9.]+) .*/\1/p' "$TREE/tests/kernels/broken.txt" |
			grep -xF "$(cut -f 1 <<<"$rows")")"
}
