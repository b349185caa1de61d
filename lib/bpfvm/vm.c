/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making, running, freeing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/vm_state.h"

/* More than this cannot be counted in bytes of struct vm_op. */
#define MAX_INSNS   (1ull << 48)
#define MAX_CONTEXT 16

static const struct vm_kind stack_kind = {.name = "stack"};
static const struct vm_kind context_kind = {.name = "context"};

/* ---- making ----------------------------------------------------------- */

static void set_region(struct vm *vm, uint32_t region, const void *base,
		       uint32_t len)
{
	vm->memory.regions[region].base = (unsigned char *)base;
	vm->memory.regions[region].len = len;
}

/* Stacks and contexts have their numbers from the beginning. */
static void make_frames(struct vm *vm)
{
	vm->stacks = mem_zalloc(VM_MAX_FRAMES, VM_STACK_SIZE);
	vm->context = vm_region_rows(vm, vm->stacks, 0, 0, VM_MAX_FRAMES,
				     VM_READ, &context_kind, NULL);
	vm->stack = vm_region_rows(vm, vm->stacks, VM_STACK_SIZE, VM_STACK_SIZE,
				   VM_MAX_FRAMES, VM_READ | VM_WRITE,
				   &stack_kind, NULL);
	for (uint32_t i = 0; i < VM_MAX_FRAMES; i++) {
		set_region(vm, vm->stack + i, NULL, 0);
		set_region(vm, vm->context + i, NULL, 0);
	}
}

static int make_maps(struct vm *vm)
{
	const struct object *o = vm->object;
	int rc = 0;

	vm->maps = mem_zalloc(o->map_count, sizeof(*vm->maps));
	for (size_t i = 0; i < o->map_count; i++) {
		vm->maps[i].def = &o->maps[i];
		vm->maps[i].index = (int)i;
		vm->maps[i].slot = -1;
	}
	for (size_t i = 0; i < o->map_count && !rc; i++)
		if (!o->maps[i].is_struct_ops)
			rc = vm_map_new(vm, (int)i);
	if (vm->arena)
		vm->memory.regions[vm->arena].perm = 0;
	return rc;
}

int vm_new(const struct object *o, const struct vm_calls *calls,
	   const struct vm_host *host, const struct vm_limits *limits,
	   struct vm **out)
{
	struct vm *vm = mem_zalloc(1, sizeof(*vm));
	int rc;

	vm->object = o;
	vm->calls = calls;
	vm->host = host;
	vm->entry = -1;
	if (limits)
		vm->limits = *limits;
	if (!vm->limits.insns)
		vm->limits.insns = VM_INSNS;
	if (vm->limits.insns > MAX_INSNS)
		vm->limits.insns = MAX_INSNS;
	if (!vm->limits.depth)
		vm->limits.depth = VM_DEPTH;
	make_frames(vm);
	rc = make_maps(vm);
	if (!rc)
		rc = vm_decode(vm);
	if (rc) {
		vm_free(vm);
		return rc;
	}
	*out = vm;
	return 0;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	vm_own_free(vm);
	for (size_t i = 0; vm->maps && i < vm->object->map_count; i++)
		if (vm->maps[i].ops)
			vm_map_free(vm, &vm->maps[i]);
	for (uint32_t i = 0; i < vm->memory.count; i++)
		free(vm->memory.regions[i].slots);
	free(vm->memory.regions);
	free(vm->maps);
	free(vm->slot_maps);
	free(vm->code);
	free(vm->stacks);
	free(vm->held);
	free(vm);
}

const struct vm_host *vm_host(const struct vm *vm)
{
	return vm->host;
}

/* ---- running ---------------------------------------------------------- */

static const char *const held_names[] = {
	[HELD_REF] = "a reference is never released",
	[HELD_ITER] = "an iterator is never destroyed",
	[HELD_LOCK] = "a lock is never released",
	[HELD_RCU] = "an RCU read-side section is never left",
	[HELD_PREEMPT] = "preemption is never enabled again",
	[HELD_IRQ] = "interrupts are never enabled again",
};

/* The line that took it is the one to look at. */
static int check_leak(struct vm *vm)
{
	const struct vm_held *h = vm->held;

	if (!vm->held_count)
		return 0;
	vm->pc = vm->code + h->insn;
	vm_fault_set(vm, VM_FAULT_LEAK, "%s", held_names[h->kind]);
	return -EFAULT;
}

static void begin(struct vm *vm, int func)
{
	vm->entry = func;
	vm->fault.kind = VM_FAULT_NONE;
	vm->held_count = 0;
	vm->left = (int64_t)vm->limits.insns * VM_OP_BYTES;
}

/* A nested run takes its instructions from those of the one around it, and its
 * frames, unless it is a program of its own. */
static int run(struct vm *vm, int func, const uint64_t args[5], bool program,
	       uint64_t *r0)
{
	const struct vm_op *pc = vm->pc;
	uint32_t depth_limit = vm->depth_limit;
	bool outermost = !vm->runs++;
	int64_t before;
	int rc;

	if (outermost)
		begin(vm, func);
	else
		vm->left = vm->slack - (intptr_t)pc;
	before = vm->left;
	if (outermost || program)
		vm->depth_limit = vm->depth + vm->limits.depth;
	if (vm->depth_limit > VM_MAX_FRAMES)
		vm->depth_limit = VM_MAX_FRAMES;
	rc = vm_exec(vm, vm->object->funcs[func].first, args, r0);
	vm->insns_last = (uint64_t)(before - vm->left) / VM_OP_BYTES;
	if (outermost) {
		vm->insns += vm->insns_last;
		vm_run_ended(vm);
		if (!rc)
			rc = check_leak(vm);
		vm->held_count = 0;
		vm->entry = -1;
	} else {
		vm->slack = (intptr_t)pc + vm->left;
	}
	vm->pc = pc;
	vm->depth_limit = depth_limit;
	vm->runs--;
	return rc;
}

static int check_func(const struct vm *vm, int func)
{
	if (func >= 0 && (size_t)func < vm->object->func_count)
		return 0;
	return err_set(EINVAL, "the object has no function %d", func);
}

int vm_run(struct vm *vm, int func, const uint64_t *args, int nargs,
	   uint64_t *r0)
{
	uint64_t regs[5] = {0};
	int rc = check_func(vm, func);

	if (rc)
		return rc;
	if (nargs < 0 || nargs > 5)
		return err_set(EINVAL, "a function has at most 5 arguments");
	for (int i = 0; i < nargs; i++)
		regs[i] = args[i];
	return run(vm, func, regs, false, r0);
}

int vm_run_ctx(struct vm *vm, int func, const uint64_t *args, int nargs,
	       uint64_t *r0)
{
	uint32_t region = vm->context + vm->runs;
	uint64_t regs[5] = {vm_addr(region)};
	int rc = check_func(vm, func);

	if (rc)
		return rc;
	if (nargs < 0 || nargs > MAX_CONTEXT)
		return err_set(EINVAL, "a context has at most %d arguments",
			       MAX_CONTEXT);
	if (vm->runs >= VM_MAX_FRAMES) {
		vm_fault_set(vm, VM_FAULT_STACK,
			     "more than %d programs inside each other",
			     VM_MAX_FRAMES);
		return -EFAULT;
	}
	set_region(vm, region, args ? (const void *)args : regs,
		   (uint32_t)nargs * 8);
	rc = run(vm, func, regs, true, r0);
	set_region(vm, region, NULL, 0);
	return rc;
}

uint64_t vm_insns(const struct vm *vm)
{
	uint64_t now = 0;

	if (vm->pc)
		now = vm->limits.insns -
		      (uint64_t)(vm->slack - (intptr_t)vm->pc) / VM_OP_BYTES;
	return vm->insns + now;
}

uint64_t vm_insns_last(const struct vm *vm)
{
	return vm->insns_last;
}

uint32_t vm_insn(const struct vm *vm)
{
	return vm->pc ? (uint32_t)(vm->pc - vm->code) : 0;
}
