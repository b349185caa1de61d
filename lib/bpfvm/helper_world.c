/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers that ask for the time, the CPU, the task; loops. */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

#define MAX_LOOPS (8u << 20) /* the kernel's */

uint64_t call_ktime_get_ns(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return vm->host->now(vm->host->arg);
}

/* The simulated machine is never suspended. */
uint64_t call_ktime_get_boot_ns(struct vm *vm, const uint64_t r[5])
{
	return call_ktime_get_ns(vm, r);
}

uint64_t call_ktime_get_tai_ns(struct vm *vm, const uint64_t r[5])
{
	return call_ktime_get_ns(vm, r);
}

uint64_t call_jiffies64(struct vm *vm, const uint64_t r[5])
{
	uint64_t hz = vm->host->jiffies_hz ? vm->host->jiffies_hz : 1000;

	return (uint64_t)((unsigned __int128)call_ktime_get_ns(vm, r) * hz /
			  1000000000u);
}

/* As of the last tick. */
uint64_t call_ktime_get_coarse_ns(struct vm *vm, const uint64_t r[5])
{
	uint64_t hz = vm->host->jiffies_hz ? vm->host->jiffies_hz : 1000;
	uint64_t tick = 1000000000u / hz, now = call_ktime_get_ns(vm, r);

	return tick ? now - now % tick : now;
}

uint64_t call_get_prandom_u32(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return (uint32_t)vm->host->random(vm->host->arg);
}

uint64_t call_get_smp_processor_id(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return map_here(vm);
}

static struct vm_current describe(struct vm *vm)
{
	struct vm_current c = {0};

	if (vm->host->describe)
		vm->host->describe(vm->host->arg, &c);
	return c;
}

uint64_t call_get_numa_node_id(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return describe(vm).node;
}

uint64_t call_get_current_task(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return vm->host->current(vm->host->arg);
}

uint64_t call_get_current_task_btf(struct vm *vm, const uint64_t r[5])
{
	return call_get_current_task(vm, r);
}

uint64_t call_get_current_pid_tgid(struct vm *vm, const uint64_t r[5])
{
	struct vm_current c = describe(vm);

	(void)r;
	return (uint64_t)c.tgid << 32 | c.pid;
}

/* Everything in a simulation is root's. */
uint64_t call_get_current_uid_gid(struct vm *vm, const uint64_t r[5])
{
	(void)vm, (void)r;
	return 0;
}

uint64_t call_get_current_cgroup_id(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return describe(vm).cgroup;
}

uint64_t call_get_current_comm(struct vm *vm, const uint64_t r[5])
{
	struct vm_current c = describe(vm);
	uint32_t size = (uint32_t)r[1];
	char *to;

	if (!size)
		return answer(-EINVAL);
	to = vm_write(vm, r[0], size);
	if (!to)
		return 0;
	memset(to, 0, size);
	c.comm[sizeof(c.comm) - 1] = 0;
	memcpy(to, c.comm, strnlen(c.comm, size - 1));
	return 0;
}

uint64_t call_loop(struct vm *vm, const uint64_t r[5])
{
	uint64_t stop = 0, i;
	uint32_t count = (uint32_t)r[0];
	int func;

	if (r[3])
		return answer(-EINVAL);
	if (count > MAX_LOOPS)
		return answer(-E2BIG);
	func = vm_func(vm, r[1]);
	if (func < 0)
		return 0;
	for (i = 0; i < count && !stop; i++) {
		uint64_t args[2] = {i, r[2]};

		if (vm_run(vm, func, args, 2, &stop))
			break;
	}
	return i;
}
