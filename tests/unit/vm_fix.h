/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM with maps of the test's own and a few callbacks, so that helpers can be
 * called as a program would call them.  Outside any run what is deleted dies
 * at once; fix_enter() and fix_leave() are the ends of a run.
 */
#ifndef SCHEDKIT_TESTS_VM_FIX_H
#define SCHEDKIT_TESTS_VM_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/vm_state.h"

#define FIX_CPUS 4
#define FIX_MAPS 8

/* Functions of the object. */
enum { FIX_SUM, FIX_EACH, FIX_TIMER, FIX_LESS, FIX_FUNCS };

struct fix {
	struct object o;
	struct object_map maps[FIX_MAPS];
	struct object_func funcs[FIX_FUNCS];
	struct vm_host host;
	struct vm_calls *calls;
	struct vm *vm;
	unsigned char scratch[4096]; /* the program's stack, as it were */
	uint64_t at;		     /* its address */
	uint64_t now, seed;
	uint32_t cpu;
	uint64_t timer_at[4]; /* 0: not armed */
	char printed[256];
};

#define FIX_I(c, d, s, o, k)          \
	{                             \
		.i = {.code = (c),    \
		      .dst_reg = (d), \
		      .src_reg = (s), \
		      .off = (o),     \
		      .imm = (k) }    \
	}
#define FIX_LDX(size, d, s, o) FIX_I(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define FIX_STX(size, d, s, o) FIX_I(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define FIX_ADD(d, s)	       FIX_I(BPF_ALU64 | BPF_ADD | BPF_X, d, s, 0, 0)
#define FIX_MOV(d, k)	       FIX_I(BPF_ALU64 | BPF_MOV, d, 0, 0, k)
#define FIX_EXIT	       FIX_I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static struct object_insn fix_insns[] = {
	/* FIX_SUM(i, ctx): *ctx += i; stop = *ctx > 99 */
	FIX_LDX(BPF_DW, 3, 2, 0), FIX_ADD(3, 1), FIX_STX(BPF_DW, 2, 3, 0),
	FIX_MOV(0, 0), FIX_I(BPF_JMP | BPF_JLT, 3, 0, 1, 100), FIX_MOV(0, 1),
	FIX_EXIT,
	/* FIX_EACH(map, key, value, ctx): ctx[0] = ctx[0] * 10 + key,
	 * ctx[1] += value */
	FIX_LDX(BPF_W, 1, 2, 0), FIX_LDX(BPF_DW, 2, 4, 0),
	FIX_I(BPF_ALU64 | BPF_MUL, 2, 0, 0, 10), FIX_ADD(2, 1),
	FIX_STX(BPF_DW, 4, 2, 0), FIX_LDX(BPF_DW, 1, 3, 0),
	FIX_LDX(BPF_DW, 2, 4, 8), FIX_ADD(2, 1), FIX_STX(BPF_DW, 4, 2, 8),
	FIX_MOV(0, 0), FIX_EXIT,
	/* FIX_TIMER(map, key, value): value[0] = value[0] * 10 + key */
	FIX_LDX(BPF_W, 1, 2, 0), FIX_LDX(BPF_DW, 2, 3, 0),
	FIX_I(BPF_ALU64 | BPF_MUL, 2, 0, 0, 10), FIX_ADD(2, 1),
	FIX_STX(BPF_DW, 3, 2, 0), FIX_MOV(0, 0), FIX_EXIT,
	/* FIX_LESS(a, b): a[-4] < b[-4] */
	FIX_LDX(BPF_DW, 1, 1, -32), FIX_LDX(BPF_DW, 2, 2, -32), FIX_MOV(0, 1),
	FIX_I(BPF_JMP | BPF_JLT | BPF_X, 1, 2, 1, 0), FIX_MOV(0, 0), FIX_EXIT};

static inline uint64_t fix_now(void *arg)
{
	return ((struct fix *)arg)->now;
}

static inline uint64_t fix_random(void *arg)
{
	return ((struct fix *)arg)->seed += 0x100000001ull;
}

static inline uint32_t fix_cpu(void *arg)
{
	return ((struct fix *)arg)->cpu;
}

static inline uint64_t fix_current(void *arg)
{
	return ((struct fix *)arg)->at;
}

static inline void fix_timer(void *arg, uint32_t id, uint64_t ns, bool absolute,
			     bool pinned)
{
	struct fix *f = arg;

	(void)pinned;
	f->timer_at[id] = !ns ? 0 : absolute ? ns : f->now + ns;
}

static inline void fix_print(void *arg, const char *text)
{
	strcpy(((struct fix *)arg)->printed, text);
}

static inline void fix_describe(void *arg, struct vm_current *out)
{
	(void)arg;
	*out = (struct vm_current){
		.pid = 7, .tgid = 6, .node = 1, .cgroup = 99, .comm = "worker"};
}

static inline void fix_host(struct fix *f)
{
	f->host = (struct vm_host){
		.arg = f,
		.now = fix_now,
		.random = fix_random,
		.cpu = fix_cpu,
		.current = fix_current,
		.timer = fix_timer,
		.print = fix_print,
		.describe = fix_describe,
		.nr_cpus = FIX_CPUS,
		.jiffies_hz = 250,
	};
}

/* vm_new() with f->maps as they are; its answer. */
static inline int fix_open(struct fix *f, size_t maps)
{
	static const uint32_t first[] = {0, 7, 18, 25, ARRAY_LEN(fix_insns)};
	static const struct vm_kind stack = {.name = "stack"};
	static const struct vm_call *const tables[] = {vm_calls_core};
	int rc;

	for (int i = 0; i < FIX_FUNCS; i++)
		f->funcs[i] = (struct object_func){
			.name = "callback",
			.first = first[i],
			.count = first[i + 1] - first[i],
		};
	f->o = (struct object){
		.insns = fix_insns,
		.insn_count = ARRAY_LEN(fix_insns),
		.funcs = f->funcs,
		.func_count = FIX_FUNCS,
		.maps = f->maps,
		.map_count = maps,
	};
	fix_host(f);
	f->calls = vm_calls_new(tables, 1, 60018);
	rc = vm_new(&f->o, f->calls, &f->host, NULL, &f->vm);
	if (rc) {
		vm_calls_free(f->calls);
		return rc;
	}
	f->at = vm_addr(vm_region_new(f->vm, f->scratch, sizeof(f->scratch),
				      VM_READ | VM_WRITE, &stack, NULL));
	return 0;
}

static inline void fix_close(struct fix *f)
{
	vm_free(f->vm);
	vm_calls_free(f->calls);
}

static inline uint64_t fix_map(const struct fix *f, int map)
{
	return vm_addr(f->vm->maps[map].handle);
}

static inline uint64_t fix_func(int func)
{
	return 1ull << 63 ^ (uint64_t)func;
}

/* Calls a helper by its number. */
static inline uint64_t fix_call(struct fix *f, int number, uint64_t a,
				uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t r[5] = {a, b, c, d};

	return vm_calls_helper(f->calls, number)->fn(f->vm, r);
}

static inline uint64_t fix_kfunc4(struct fix *f, const char *name, uint64_t a,
				  uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t r[5] = {a, b, c, d};
	int index = vm_calls_resolve(f->calls, name, true);

	assert_true(index >= 0);
	return vm_calls_kfunc(f->calls, index)->fn(f->vm, r);
}

static inline uint64_t fix_kfunc(struct fix *f, const char *name, uint64_t a,
				 uint64_t b, uint64_t c)
{
	return fix_kfunc4(f, name, a, b, c, 0);
}

/* The program's bytes at offset off; its address is the answer. */
static inline uint64_t fix_put(struct fix *f, uint32_t off, const void *from,
			       size_t len)
{
	memcpy(f->scratch + off, from, len);
	return f->at + off;
}

static inline uint64_t fix_u32(struct fix *f, uint32_t off, uint32_t value)
{
	return fix_put(f, off, &value, 4);
}

static inline uint64_t fix_u64(struct fix *f, uint32_t off, uint64_t value)
{
	return fix_put(f, off, &value, 8);
}

/* 8 bytes at an address. */
static inline uint64_t fix_get(struct fix *f, uint64_t addr)
{
	const void *p = vm_read(f->vm, addr, 8);
	uint64_t value;

	assert_non_null(p);
	memcpy(&value, p, 8);
	return value;
}

static inline void fix_set(struct fix *f, uint64_t addr, uint64_t value)
{
	void *p = vm_write(f->vm, addr, 8);

	assert_non_null(p);
	memcpy(p, &value, 8);
}

static inline void fix_enter(struct fix *f)
{
	f->vm->runs++;
	/* What callbacks may use up. */
	f->vm->slack = INTPTR_MAX / 4;
	f->vm->depth_limit = VM_DEPTH;
}

static inline void fix_leave(struct fix *f)
{
	vm_run_ended(f->vm);
	f->vm->runs--;
	f->vm->held_count = 0;
}

/* The fault since the last time, forgotten. */
static inline enum vm_fault_kind fix_fault(struct fix *f)
{
	enum vm_fault_kind kind = f->vm->fault.kind;

	f->vm->fault.kind = VM_FAULT_NONE;
	return kind;
}

#endif
