/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel functions about tasks and cgroups, and those that end it all. */
#include "sim/ext.h"

#include <errno.h>
#include <string.h>

#define CALL(name) static uint64_t name(struct vm *vm, const uint64_t r[5])

/* ---- tasks ------------------------------------------------------------ */

CALL(task_running)
{
	const struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);

	return x && ext_of(vm)->cpus[x->k.thread_info.cpu].curr == x;
}

CALL(task_cpu)
{
	const struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);

	return x ? x->k.thread_info.cpu : 0;
}

CALL(task_set_slice)
{
	struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);

	if (x)
		x->k.scx.slice = r[1];
	return x != NULL;
}

CALL(task_set_dsq_vtime)
{
	struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);

	if (x)
		x->k.scx.dsq_vtime = r[1];
	return x != NULL;
}

static uint64_t lend(struct vm *vm, struct ext_task *x)
{
	if (!x)
		return 0;
	x->refs++;
	vm_ref_acquire(vm, ext_addr(x));
	return ext_addr(x);
}

CALL(task_acquire)
{
	return lend(vm, vm_object(vm, r[0], &ext_kind_task));
}

CALL(task_from_pid)
{
	return lend(vm, task_view_by_pid(ext_of(vm), (int32_t)r[0]));
}

CALL(task_release)
{
	struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);

	if (!x)
		return 0;
	if (!vm_ref_release(vm, r[0]) || !x->refs)
		return vm_fault_set(vm, VM_FAULT_CALL, "this task is not held");
	x->refs--;
	task_view_put(ext_of(vm), x);
	return 0;
}

/* ---- cgroups ---------------------------------------------------------- */

/* They last as long as the run: references are only counted by the VM. */
static uint64_t lend_group(struct vm *vm, const struct ext_cgroup *g)
{
	if (!g)
		return 0;
	vm_ref_acquire(vm, vm_addr(g->region));
	return vm_addr(g->region);
}

CALL(task_cgroup)
{
	struct ext *e = ext_of(vm);
	struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);

	if (!x)
		return 0;
	if ((e->arg[0] != x && e->arg[1] != x) ||
	    !(e->context &
	      (CTX_ENQUEUE | CTX_DISPATCH | CTX_REST | CTX_CPU_RELEASE))) {
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "called on a task not being operated on");
		return lend_group(vm, &e->cgroups[0]);
	}
	return lend_group(vm, &e->cgroups[x->t ? x->t->cgroup : 0]);
}

CALL(cgroup_acquire)
{
	return lend_group(vm, vm_object(vm, r[0], &ext_kind_cgroup));
}

CALL(cgroup_release)
{
	if (vm_object(vm, r[0], &ext_kind_cgroup) && !vm_ref_release(vm, r[0]))
		vm_fault_set(vm, VM_FAULT_CALL, "this cgroup is not held");
	return 0;
}

CALL(cgroup_ancestor)
{
	const struct ext_cgroup *g = vm_object(vm, r[0], &ext_kind_cgroup);
	int32_t level = (int32_t)r[1];

	if (!g || level < 0 || level > g->k.level ||
	    level >= KERNEL_CGROUP_DEPTH)
		return 0;
	return lend_group(
		vm, vm_object(vm, g->k.ancestors[level], &ext_kind_cgroup));
}

CALL(cgroup_from_id)
{
	return lend_group(vm, ext_cgroup_by_id(ext_of(vm), r[0]));
}

static bool is_below(const struct ext_cgroup *g, uint64_t ancestor)
{
	for (int i = 0; i < KERNEL_CGROUP_DEPTH; i++)
		if (g->k.ancestors[i] == ancestor)
			return true;
	return false;
}

CALL(task_under_cgroup)
{
	struct ext *e = ext_of(vm);
	const struct ext_task *x = vm_object(vm, r[0], &ext_kind_task);
	const struct ext_cgroup *g =
		x ? vm_object(vm, r[1], &ext_kind_cgroup) : NULL;

	return g && is_below(&e->cgroups[x->t ? x->t->cgroup : 0], r[1]);
}

/* ---- the end, in the policy's words ----------------------------------- */

static bool words(struct vm *vm, const uint64_t r[3], char *text, size_t size)
{
	struct ext *e = ext_of(vm);
	int64_t rc = vm_format(vm, r[0], r[1], (uint32_t)r[2], text, size);

	if (rc >= 0)
		return true;
	if (!vm_fault(vm)->kind)
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "format preparation failed (%d)", (int)rc);
	return false;
}

static void say(struct vm *vm, const char *text)
{
	struct ext *e = ext_of(vm);
	const char *file = NULL;
	uint32_t line = 0;

	ext_line(e, vm_insn(vm), &file, &line);
	if (!e->dead)
		sim_find(e->s, SIM_ERROR, file, line, "%s", text);
}

CALL(exit_bstr)
{
	char text[SCX_EXIT_MSG_LEN];

	if (!words(vm, r + 1, text, sizeof(text)))
		return 0;
	say(vm, text);
	ext_exit(ext_of(vm), SCX_EXIT_UNREG_BPF, (int64_t)r[0], "%s", text);
	return 0;
}

CALL(error_bstr)
{
	char text[SCX_EXIT_MSG_LEN];

	if (!words(vm, r, text, sizeof(text)))
		return 0;
	say(vm, text);
	ext_exit(ext_of(vm), SCX_EXIT_ERROR_BPF, 0, "%s", text);
	return 0;
}

/* Nobody reads the dump here; a bad format is found all the same. */
CALL(dump_bstr)
{
	char text[SCX_EXIT_MSG_LEN];

	words(vm, r, text, sizeof(text));
	return 0;
}

const struct vm_call ext_calls_task[] = {
	{"scx_bpf_task_running", task_running, 0, 0, 0},
	{"scx_bpf_task_cpu", task_cpu, 0, 0, 0},
	{"scx_bpf_task_set_slice", task_set_slice, 0, 60019, 0},
	{"scx_bpf_task_set_dsq_vtime", task_set_dsq_vtime, 0, 60019, 0},
	{"scx_bpf_task_cgroup", task_cgroup, 0, 0, 0},
	{"bpf_task_acquire", task_acquire, 0, 0, 0},
	{"bpf_task_release", task_release, 0, 0, 0},
	{"bpf_task_from_pid", task_from_pid, 0, 0, 0},
	{"bpf_task_from_vpid", task_from_pid, 0, 60013, 0},
	{"bpf_task_under_cgroup", task_under_cgroup, 0, 0, 0},
	{"bpf_cgroup_acquire", cgroup_acquire, 0, 0, 0},
	{"bpf_cgroup_release", cgroup_release, 0, 0, 0},
	{"bpf_cgroup_ancestor", cgroup_ancestor, 0, 0, 0},
	{"bpf_cgroup_from_id", cgroup_from_id, 0, 0, 0},
	{"scx_bpf_exit_bstr", exit_bstr, 0, 0, 0},
	{"scx_bpf_error_bstr", error_bstr, 0, 0, 0},
	{"scx_bpf_dump_bstr", dump_bstr, 0, 0, 0},
	{"__preempt_count", NULL, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
