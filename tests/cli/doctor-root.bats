#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# sched-doctor --root: kernels and cgroups that this machine has not, and
# folders that somebody made to do harm.

load ../lib
load ../doctor

FUNCS='scx_bpf_create_dsq scx_bpf_dsq_insert scx_bpf_dsq_insert_vtime
	scx_bpf_dsq_move scx_bpf_dsq_move_to_local scx_bpf_dsq_nr_queued
	scx_bpf_kick_cpu scx_bpf_now scx_bpf_pick_idle_cpu
	scx_bpf_select_cpu_dfl scx_bpf_task_cpu scx_bpf_test_and_clear_cpu_idle
	bpf_iter_scx_dsq_new bpf_iter_scx_dsq_next bpf_iter_scx_dsq_destroy
	bpf_cpumask_first bpf_cpumask_test_cpu'
OPS='select_cpu enqueue dispatch running stopping runnable enable init_task
	init exit timeout_ms exit_dump_len hotplug_seq name'
OPTIONS='SCHED_CLASS_EXT EXT_GROUP_SCHED BPF_SYSCALL BPF_JIT DEBUG_INFO_BTF
	BPF_EVENTS CGROUPS CGROUP_SCHED CFS_BANDWIDTH CPUSETS PSI'

# put PATH LINE...: a file of the tree.
put() {
	local path=$R/$1
	shift
	mkdir -p "${path%/*}"
	printf '%s\n' "$@" >"$path"
}

# A kernel on which everything is as it should be.
setup() {
	R=$BATS_TEST_TMPDIR/root
	put proc/sys/kernel/osrelease 6.18.15+deb13-cloud-amd64
	put proc/sys/net/core/bpf_jit_enable 1
	put proc/stat 'cpu 1 2 3' 'btime 1767225600' 'processes 9'
	put proc/self/status $'Name:\tcat' $'CapEff:\t000001ffffffffff'
	put sys/kernel/sched_ext/state disabled
	put sys/fs/cgroup/cgroup.controllers 'cpuset cpu io'
	# shellcheck disable=SC2046,SC2086
	put boot/config-6.18.15+deb13-cloud-amd64 \
		$(printf 'CONFIG_%s=y\n' $OPTIONS)
	btf "$FUNCS" "$OPS"
}

# btf FUNCTIONS MEMBERS
btf() {
	mkdir -p "$R/sys/kernel/btf"
	# shellcheck disable=SC2086
	python3 "$TREE/tests/cli/btf.py" $1 -- $2 >"$R/sys/kernel/btf/vmlinux"
}

# look STATUS: at the tree; whatever is not well has a way out.
look() {
	exits "$1" timeout 60 sched-doctor --json --root "$R"
	jq -e '.body.checks | length > 5 and all(.[]; .status == "ok" or
		(.way_out | length > 0))' <<<"$output" >/dev/null
}

@test 'root: a kernel that is as it should be is ready' {
	look 0
	is "$(jq -r '[.body.checks[] | select(.status != "ok")] | length' \
		<<<"$output")" 0
	has "$(field sched_ext text)" 6.18.15+deb13-cloud-amd64
	has "$(field kfuncs text)" '12, with all'
	has "$(field callbacks text)" '14, with all'
	has "$(field 'kernel options' text)" '11 of 11'
	has "$(field 'kernel options' text)" /boot/config-6.18.15
	has "$(field scheduler text)" 'no policy is attached'
	has "$(field privileges text)" CAP_SYS_ADMIN
	is "$(field kvm text)" ''
	exits 0 sched-doctor --root "$R"
	has "$output" 'ready: policies can be attached to that kernel'
}

@test 'root: a kernel without sched_ext, by each of its signs' {
	rm -r "$R/sys/kernel/sched_ext"
	btf 'bpf_cpumask_first' ''
	put boot/config-6.18.15+deb13-cloud-amd64 CONFIG_BPF_SYSCALL=y \
		'# CONFIG_SCHED_CLASS_EXT is not set' CONFIG_BPF_JIT=y
	put proc/sys/net/core/bpf_jit_enable 0
	look 3
	has "$(field sched_ext text)" 'built without sched_ext'
	has "$(field kfuncs text)" 'nothing of sched_ext'
	has "$(field CONFIG_SCHED_CLASS_EXT text)" 'not set'
	is "$(field CONFIG_BPF_JIT text)" ''
	has "$(field 'kernel options' text)" '2 of 11'
	has "$(field 'bpf jit' way_out)" sysctl
	has "$(jq -r .body.text <<<"$output")" 'not ready'
}

@test 'root: a configuration inside the kernel comes first' {
	printf 'CONFIG_BPF_JIT=y\n' | gzip >"$R/proc/config.gz"
	look 0
	has "$(field 'kernel options' text)" '1 of 11'
	has "$(field 'kernel options' text)" /proc/config.gz
	rm "$R"/proc/config.gz "$R"/boot/*
	look 0
	has "$(field 'kernel options' text)" 'cannot be told'
}

@test 'root: BTF that lost a twin, a function, a callback, its half' {
	local whole
	btf "$FUNCS scx_bpf_dsq_insert_impl scx_bpf_create_dsq_impl
		scx_bpf_dsq_nr_queued_impl" "$OPS"
	look 3
	has "$(field sched_ext text)" 'scx_bpf_test_and_clear_cpu_idle_impl is missing'
	has "$(field kfuncs text)" 'twin scx_bpf_test_and_clear_cpu_idle_impl'
	btf "${FUNCS/scx_bpf_now/}" "$OPS"
	look 3
	has "$(field sched_ext text)" 'scx_bpf_now is missing'
	has "$(field kfuncs text)" scx_bpf_now
	btf "$FUNCS" "${OPS/hotplug_seq/}"
	look 3
	has "$(field callbacks text)" hotplug_seq
	btf "$FUNCS" "$OPS"
	whole=$R/sys/kernel/btf/vmlinux
	head -c 400 "$whole" >"$whole.half"
	mv "$whole.half" "$whole"
	look 3
	is "$(field btf status)" warn
	has "$(field btf text)" 'not all there'
	rm "$whole"
	look 3
	has "$(field sched_ext text)" 'no readable BTF'
	has "$(field btf way_out)" CONFIG_DEBUG_INFO_BTF
}

@test 'root: another scheduler, whose, and since when' {
	put sys/kernel/sched_ext/state enabled
	put sys/kernel/sched_ext/root/ops simple_1.0.17_g0123_x86
	put sys/kernel/sched_ext/nr_rejected 12
	put proc/77/comm scx_simple
	put proc/77/stat "77 (scx_simple) S 1 77 77 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 360000 4096 1"
	put proc/78/comm scx_loader
	put proc/79/comm scx_other
	look 3
	has "$(field scheduler text)" simple_1.0.17_g0123_x86
	has "$(field scheduler text)" 'of scx_simple[77], since 2026-01-01T01:00:00Z'
	has "$(field scheduler way_out)" 'systemctl stop scx'
	# Whose unit of systemd it is says more.
	put proc/77/cgroup 0::/system.slice/my-scx.service
	look 3
	is "$(field scheduler way_out)" \
		"stop it: 'systemctl stop my-scx.service'"
	has "$(field scx_loader text)" 'scx_loader[78]'
	has "$(field rejected text)" '12 tasks'
	has "$(field sched_ext text)" 'already attached'
}

@test 'root: cgroups that ask for what a policy ignores, some of many' {
	local i
	put sys/fs/cgroup/a.slice/cpu.weight 100
	put sys/fs/cgroup/a.slice/cpu.max 'max 100000'
	put sys/fs/cgroup/a.slice/cpuset.cpus 0-3
	put sys/fs/cgroup/a.slice/cpuset.cpus.partition member
	look 0
	is "$(field cgroups status)" ok
	has "$(field cgroups text)" '/a.slice (0-3)'
	put sys/fs/cgroup/a.slice/deep/er/cpu.weight 20
	put sys/fs/cgroup/b.slice/cpu.max '50000 100000'
	put sys/fs/cgroup/c.slice/cpuset.cpus.partition isolated
	put sys/fs/cgroup/d.slice/cpu.idle 1
	look 0
	has "$(field cpu.weight text)" '/a.slice/deep/er (weight 20)'
	has "$(field cpu.weight text)" '/d.slice (idle)'
	has "$(field cpu.max text)" '1 with a limit'
	has "$(field cpu.max text)" '/b.slice (50000 100000)'
	has "$(field cpu.max way_out)" knobs
	has "$(field cpuset text)" '/c.slice (isolated)'
	for ((i = 0; i < 40; i++)); do
		put "sys/fs/cgroup/many/$i/cpu.weight" 1
	done
	look 0
	has "$(field cpu.weight text)" '42 with a weight'
	has "$(field cpu.weight text)" 'and others'
	[ "${#output}" -lt 20000 ]
}

@test 'root: capabilities that are in effect, whoever the user is' {
	put proc/self/status $'Uid:\t0\t0\t0\t0' $'CapEff:\t0000000000800000'
	look 0
	has "$(field privileges text)" 'in effect: CAP_SYS_NICE; not: CAP_BPF'
	has "$(field privileges way_out)" root
}

@test 'root: names and contents of outsiders do no harm' {
	local name=$'x\033[31m\n"\xff\xe2\x80\xae'
	mkdir -p "$R/sys/fs/cgroup/$name"
	echo 7 >"$R/sys/fs/cgroup/$name/cpu.weight"
	printf '\0\1\2\377enabled' >"$R/sys/kernel/sched_ext/state"
	put sys/kernel/sched_ext/root/ops $'\033]0;x\a'
	head -c 100000 /dev/zero | tr '\0' 'A' >"$R/proc/sys/net/core/bpf_jit_enable"
	look 3
	jq -e . <<<"$output" >/dev/null
	exits 3 sched-doctor --root "$R"
	lacks "$output" $'\033'
	lacks "$output" $'\a'
	has "$output" 'weight 7'
}

@test 'root: files without end, pipes, links that lead out, bombs' {
	truncate -s 1T "$R/sys/kernel/btf/vmlinux"
	truncate -s 1T "$R/sys/kernel/sched_ext/state"
	truncate -s 1T "$R/boot/config-6.18.15+deb13-cloud-amd64"
	head -c 64M /dev/zero | gzip -1 >"$R/proc/config.gz"
	rm "$R/proc/stat" "$R/proc/self/status"
	mkfifo "$R/proc/stat" "$R/proc/self/status"
	mkdir "$R/proc/5"
	ln -s /etc/hostname "$R/proc/5/comm"
	ln -s ../../../../../../../../etc/passwd "$R/sys/fs/cgroup/cpu.weight"
	ln -s / "$R/sys/fs/cgroup/link"
	look 3
	has "$(field btf text)" 'larger than any'
	has "$(field 'kernel options' text)" 'cannot be told'
	lacks "$output" root:
}

@test 'root: a folder that is not there, options that do not go together' {
	exits 3 sched-doctor --root "$R/nowhere"
	has "$stderr" nowhere
	exits 2 sched-doctor --root "$R" --stall
	exits 2 sched-doctor --root "$R" file
	# Nothing in it: nothing is known, and nothing falls over.
	mkdir "$BATS_TEST_TMPDIR/empty"
	exits 3 sched-doctor --json --root "$BATS_TEST_TMPDIR/empty"
	has "$(field sched_ext text)" 'of unknown release'
}
