/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running in the virtual machine: regions, budgets, callbacks, what is held. */
#include <errno.h>
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

#define I(c, d, s, o, k)                            \
	((struct object_insn){.i = {.code = (c),    \
				    .dst_reg = (d), \
				    .src_reg = (s), \
				    .off = (o),     \
				    .imm = (k)}})
#define MOV(d, v)     I(BPF_ALU64 | BPF_MOV, d, 0, 0, v)
#define MOVX(d, s)    I(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, v)     I(BPF_ALU64 | BPF_ADD, d, 0, 0, v)
#define LOAD(d, s, o) I(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define PUT(d, o, v)  I(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, v)
#define JA(o)	      I(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define EXIT	      I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define RESOLVED(w, d, a)                                                   \
	((struct object_insn){                                              \
		.i = {.code = (w) < INSN_SECOND ? BPF_LD | BPF_IMM | BPF_DW \
						: BPF_JMP | BPF_CALL,       \
		      .dst_reg = (d)},                                      \
		.what = (w),                                                \
		.arg = (a)})
#define HELPER(n) RESOLVED(INSN_CALL_HELPER, 0, n)
#define KFUNC(n)  RESOLVED(INSN_CALL_KFUNC, 0, n)
#define SUB(n)	  RESOLVED(INSN_CALL_FUNC, 0, n)
#define FUNC(d, n) \
	RESOLVED(INSN_FUNC, d, n), ((struct object_insn){.what = INSN_SECOND})

/* ---- helpers of the test's own ---------------------------------------- */

enum { CALLBACK = 901, HOLD, UNHOLD, ADDRESS, REFUSE, WHERE, NESTED };

static uint64_t address;
static struct vm_fault seen;

/* As bpf_loop(): R1 times R2(i, R3). */
static uint64_t call_back(struct vm *vm, const uint64_t r[5])
{
	int func = vm_func(vm, r[1]);
	uint64_t i, answer;

	for (i = 0; func >= 0 && i < r[0]; i++) {
		uint64_t args[] = {i, r[2]};

		if (vm_run(vm, func, args, 2, &answer) || answer)
			break;
	}
	return i;
}

static uint64_t hold(struct vm *vm, const uint64_t r[5])
{
	vm_hold(vm, (enum vm_held_kind)r[0], r[1]);
	return 0;
}

static uint64_t unhold(struct vm *vm, const uint64_t r[5])
{
	return vm_unhold(vm, (enum vm_held_kind)r[0], r[1]);
}

static uint64_t give_address(struct vm *vm, const uint64_t r[5])
{
	(void)vm;
	(void)r;
	return address;
}

static uint64_t refuse(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return vm_fault_set(vm, VM_FAULT_CONTEXT, "not here");
}

static uint64_t where(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return vm_insn(vm) * 1000 + vm_insns(vm);
}

/* Another program, as a tracepoint that something here triggers. */
static uint64_t nested(struct vm *vm, const uint64_t r[5])
{
	uint64_t args[] = {7, 8}, answer = 0;

	vm_run_ctx(vm, (int)r[0], args, 2, &answer);
	return answer;
}

static const struct vm_call table[] = {
	{"call_back", call_back, CALLBACK, 0, 0},
	{"hold", hold, HOLD, 0, 0},
	{"unhold", unhold, UNHOLD, 0, 0},
	{"give_address", give_address, ADDRESS, 0, 0},
	{"refuse", refuse, REFUSE, 0, 0},
	{"where", where, WHERE, 0, 0},
	{"nested", nested, NESTED, 0, 0},
	{"old", where, 0, 0, 60011},
	{"young", where, 0, 60018, 0},
	{"always", where, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};

static const struct vm_call other_table[] = {
	{"always", refuse, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};

static const struct vm_call *const tables[] = {table, other_table};

/* ---- an object by hand ------------------------------------------------ */

struct fixture {
	struct object o;
	struct object_func funcs[4];
	struct vm_calls *calls;
	struct vm *vm;
};

static const struct vm_host host = {.nr_cpus = 1};

static int make(struct fixture *f, const struct object_insn *in, size_t n,
		uint32_t second, const struct vm_limits *limits)
{
	memset(f, 0, sizeof(*f));
	f->funcs[0] = (struct object_func){
		.name = "first", .section = "", .attach = "", .count = second};
	f->funcs[1] = (struct object_func){.name = "second",
					   .section = "",
					   .attach = "",
					   .first = second,
					   .count = (uint32_t)n - second};
	f->o.insns = mem_zalloc(n, sizeof(*in));
	memcpy(f->o.insns, in, n * sizeof(*in));
	f->o.insn_count = n;
	f->o.funcs = f->funcs;
	f->o.func_count = second < n ? 2 : 1;
	f->calls = vm_calls_new(tables, 1, 60018);
	return vm_new(&f->o, f->calls, &host, limits, &f->vm);
}

static void done(struct fixture *f)
{
	vm_free(f->vm);
	vm_calls_free(f->calls);
	free(f->o.insns);
}

#define MAKE(f, second, limits, ...)                                         \
	make(f, (const struct object_insn[]){__VA_ARGS__},                   \
	     ARRAY_LEN(((const struct object_insn[]){__VA_ARGS__})), second, \
	     limits)

static uint64_t run(struct fixture *f)
{
	uint64_t r0 = 0xbad;

	if (vm_run(f->vm, 0, NULL, 0, &r0))
		fail_msg("%s", vm_fault(f->vm)->text);
	return r0;
}

static const struct vm_fault *fault_of(struct fixture *f)
{
	uint64_t r0;

	assert_int_equal(vm_run(f->vm, 0, NULL, 0, &r0), -EFAULT);
	seen = *vm_fault(f->vm);
	return &seen;
}

/* ---- regions ---------------------------------------------------------- */

static const struct vm_kind box = {.name = "box"};

static bool may_write_second(uint32_t offset, uint32_t size)
{
	return offset >= 8 && offset + size <= 16;
}

static const struct vm_kind half_open = {.name = "half",
					 .may_write = may_write_second};

static void freed_regions_stay_dead(void **state)
{
	struct fixture f;
	uint64_t bytes = 5;
	uint32_t first, r;

	(void)state;
	assert_int_equal(
		MAKE(&f, 3, NULL, HELPER(ADDRESS), LOAD(0, 0, 0), EXIT), 0);
	first = vm_region_new(f.vm, &bytes, 8, VM_READ, &box, NULL);
	address = vm_addr(first);
	assert_int_equal(run(&f), 5);
	vm_region_free(f.vm, first);
	vm_region_free(f.vm, first); /* nothing to free */
	assert_null(vm_region(f.vm, first));
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_MEMORY);
	assert_string_equal(seen.text, "read of 8 bytes at byte 0 of a freed "
				       "box");
	assert_int_equal(seen.insn, 1);
	for (int i = 0; i < 1000; i++) {
		r = vm_region_new(f.vm, &bytes, 8, VM_READ, &box, NULL);
		assert_int_not_equal(r, first);
		vm_region_free(f.vm, r);
	}
	/* In the end it is used again: memory does not grow for ever. */
	for (int i = 0; i < 100000; i++) {
		r = vm_region_new(f.vm, &bytes, 8, VM_READ, &box, NULL);
		vm_region_free(f.vm, r);
	}
	assert_true(vm_memory(f.vm)->count < 4096);
	done(&f);
}

static void rows_of_regions(void **state)
{
	struct fixture f;
	uint64_t bytes[6] = {1, 2, 3, 4, 5, 6};
	uint32_t r;

	(void)state;
	MAKE(&f, 1, NULL, EXIT);
	r = vm_region_rows(f.vm, bytes, 8, 16, 3, VM_READ, &box, &f);
	for (uint32_t i = 0; i < 3; i++) {
		assert_ptr_equal(vm_read(f.vm, vm_addr(r + i), 8),
				 &bytes[2 * i]);
		assert_null(vm_read(f.vm, vm_addr(r + i) + 1, 8));
	}
	assert_null(vm_write(f.vm, vm_addr(r), 1));
	assert_non_null(vm_read(f.vm, 0, 0));
	assert_non_null(vm_write(f.vm, 0, 0));
	done(&f);
}

static void objects(void **state)
{
	struct fixture f;
	uint64_t bytes = 0;
	uint32_t r;

	(void)state;
	MAKE(&f, 3, NULL, HELPER(REFUSE), EXIT, EXIT);
	r = vm_region_new(f.vm, &bytes, 8, 0, &box, &f);
	assert_ptr_equal(vm_object(f.vm, vm_addr(r), &box), &f);
	assert_null(vm_object(f.vm, vm_addr(r), &half_open));
	assert_string_equal(vm_fault(f.vm)->text, "box where a half is wanted");
	/* The first fault stays until the next run. */
	assert_null(vm_object(f.vm, 0, &box));
	assert_int_equal(vm_fault(f.vm)->kind, VM_FAULT_MEMORY);
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_CONTEXT);
	assert_null(vm_read(f.vm, vm_addr(r), 1));
	done(&f);
}

static void partly_writable(void **state)
{
	struct fixture f;
	uint64_t bytes[3] = {0};

	(void)state;
	MAKE(&f, 4, NULL, HELPER(ADDRESS), PUT(0, 8, 5), PUT(0, 16, 5), EXIT);
	address = vm_addr(vm_region_new(f.vm, bytes, sizeof(bytes), VM_READ,
					&half_open, NULL));
	assert_int_equal(fault_of(&f)->insn, 2);
	assert_int_equal(bytes[1], 5);
	assert_int_equal(bytes[2], 0);
	done(&f);
}

static int gone;

static void slot_gone(struct vm *vm, struct vm_map *m, uint32_t value)
{
	(void)m;
	assert_non_null(vm_region(vm, value));
	gone++;
}

static void slots_go_with_their_owner(void **state)
{
	static const struct vm_map_ops ops = {.slot_gone = slot_gone};
	struct vm_map maps[2] = {{.ops = &ops}, {.ops = &ops}};
	uint64_t bytes = 0;
	struct fixture f;
	uint32_t owner, value;
	int slot;

	(void)state;
	MAKE(&f, 1, NULL, EXIT);
	vm_slot_new(f.vm, &maps[0]);
	slot = vm_slot_new(f.vm, &maps[1]);
	owner = vm_region_new(f.vm, &bytes, 8, VM_READ, &box, NULL);
	value = vm_region_new(f.vm, &bytes, 8, VM_READ, &box, NULL);
	assert_null(vm_region(f.vm, owner)->slots);
	vm_slot_set(f.vm, owner, slot, value);
	assert_int_equal(vm_region(f.vm, owner)->slots[slot], value);
	gone = 0;
	vm_region_free(f.vm, owner);
	assert_int_equal(gone, 1);
	assert_null(vm_region(f.vm, value));
	assert_null(vm_region(f.vm, owner));
	done(&f);
}

/* ---- counting --------------------------------------------------------- */

static void instructions_are_counted(void **state)
{
	struct fixture f;

	(void)state;
	/* 1 + 3 rounds of 2 + 1 for the call, 2 there, 1 at the end. */
	MAKE(&f, 5, NULL, MOV(6, 3), ADD(6, -1),
	     I(BPF_JMP | BPF_JNE, 6, 0, -2, 0), SUB(1), EXIT, MOV(0, 9), EXIT);
	assert_int_equal(run(&f), 9);
	assert_int_equal(vm_insns_last(f.vm), 11);
	run(&f);
	assert_int_equal(vm_insns_last(f.vm), 11);
	assert_int_equal(vm_insns(f.vm), 22);
	done(&f);
	/* Helpers see where they are called, and how many there were. */
	MAKE(&f, 5, NULL, JA(1), EXIT, MOV(0, 0), HELPER(WHERE), EXIT);
	assert_int_equal(run(&f), 3002);
	done(&f);
}

static void budget(void **state)
{
	struct fixture f;
	struct vm_limits limits = {.insns = 1000};

	(void)state;
	MAKE(&f, 3, &limits, MOV(0, 0), JA(-2), EXIT);
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_BUDGET);
	assert_string_equal(seen.text, "more than 1000 instructions");
	assert_int_equal(seen.insn, 1);
	assert_in_range(vm_insns_last(f.vm), 1000, 1002);
	done(&f);
	/* Exactly enough. */
	for (limits.insns = 4; limits.insns <= 5; limits.insns++) {
		MAKE(&f, 5, &limits, JA(0), JA(0), JA(0), JA(0), EXIT);
		run(&f);
		done(&f);
	}
	limits.insns = 3;
	MAKE(&f, 5, &limits, JA(0), JA(0), JA(0), JA(0), EXIT);
	assert_int_equal(fault_of(&f)->insn, 3);
	done(&f);
}

/* It leads out after as many rounds as the kernel gives it, in each frame. */
static void may_goto(void **state)
{
	struct fixture f;
	const struct vm_limits limits = {.insns = 1 << 27};

	(void)state;
	MAKE(&f, 5, &limits, MOV(0, 0), I(BPF_JMP | 0xe0, 0, 0, 2, 0),
	     ADD(0, 1), JA(-3), EXIT);
	assert_int_equal(run(&f), VM_MAY_GOTO);
	assert_int_equal(run(&f), VM_MAY_GOTO);
	done(&f);
}

/* ---- runs in runs ----------------------------------------------------- */

static void callbacks(void **state)
{
	struct fixture f;

	(void)state;
	/* Adds i to what R2 points to, and ends at i = 5. */
	MAKE(&f, 10, NULL, PUT(10, -8, 0), MOV(6, 66), MOV(1, 100), FUNC(2, 1),
	     MOVX(3, 10), ADD(3, -8), HELPER(CALLBACK), LOAD(0, 10, -8), EXIT,
	     /* second */
	     LOAD(3, 2, 0), I(BPF_ALU64 | BPF_ADD | BPF_X, 3, 1, 0, 0),
	     I(BPF_STX | BPF_MEM | BPF_DW, 2, 3, 0, 0), MOV(6, 0), MOV(0, 0),
	     I(BPF_JMP | BPF_JLT, 1, 0, 1, 5), MOV(0, 1), EXIT);
	assert_int_equal(run(&f), 15);
	/* 10 here, of which 2 for the function's address; 7 or 8 there. */
	assert_int_equal(vm_insns_last(f.vm), 10 + 5 * 7 + 8);
	done(&f);
}

static void callbacks_share_budget_and_depth(void **state)
{
	struct fixture f;
	const struct vm_limits limits = {.insns = 500};

	(void)state;
	MAKE(&f, 5, &limits, MOV(1, 10000), FUNC(2, 1), HELPER(CALLBACK), EXIT,
	     MOV(0, 0), JA(0), EXIT);
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_BUDGET);
	assert_string_equal(seen.func, "second");
	done(&f);
	/* A callback that calls itself back. */
	MAKE(&f, 5, NULL, MOV(1, 1), FUNC(2, 1), HELPER(CALLBACK), EXIT,
	     MOV(1, 1), FUNC(2, 1), HELPER(CALLBACK), EXIT);
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_STACK);
	/* After a fault everything is as it was. */
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_STACK);
	done(&f);
}

static void callbacks_that_are_none(void **state)
{
	struct fixture f;

	(void)state;
	MAKE(&f, 4, NULL, MOV(1, 1), MOV(2, 1), HELPER(CALLBACK), EXIT);
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_CALL);
	assert_int_equal(seen.insn, 2);
	done(&f);
}

static void contexts(void **state)
{
	struct fixture f;
	const uint64_t args[] = {11, 22};
	uint64_t r0;

	(void)state;
	MAKE(&f, 2, NULL, LOAD(0, 1, 8), EXIT, PUT(1, 0, 5), EXIT);
	assert_int_equal(vm_run_ctx(f.vm, 0, args, 2, &r0), 0);
	assert_int_equal(r0, 22);
	assert_int_equal(vm_run_ctx(f.vm, 0, args, 1, &r0), -EFAULT);
	assert_string_equal(vm_fault(f.vm)->text, "read of 8 bytes at byte 8 "
						  "of a context of 8");
	assert_int_equal(vm_run_ctx(f.vm, 0, NULL, 0, &r0), -EFAULT);
	assert_int_equal(vm_run_ctx(f.vm, 1, args, 2, &r0), -EFAULT);
	assert_int_equal(vm_run(f.vm, 2, NULL, 0, &r0), -EINVAL);
	assert_int_equal(vm_run(f.vm, -1, NULL, 0, &r0), -EINVAL);
	done(&f);
}

/* A program inside a helper of another one has a context and frames of its
 * own, and the outer one goes on. */
static void programs_in_programs(void **state)
{
	struct fixture f;
	const uint64_t args[] = {1, 2};
	uint64_t r0;

	(void)state;
	MAKE(&f, 6, NULL, MOVX(6, 1), MOV(1, 1), HELPER(NESTED), LOAD(1, 6, 0),
	     I(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 0), EXIT, LOAD(0, 1, 8),
	     EXIT);
	assert_int_equal(vm_run_ctx(f.vm, 0, args, 2, &r0), 0);
	assert_int_equal(r0, 9);
	assert_int_equal(vm_insns_last(f.vm), 8);
	done(&f);
	/* For ever: ends before frames do. */
	MAKE(&f, 3, NULL, MOV(1, 0), HELPER(NESTED), EXIT);
	assert_int_equal(fault_of(&f)->kind, VM_FAULT_STACK);
	done(&f);
}

/* ---- what is held ----------------------------------------------------- */

static void leaks(void **state)
{
	struct fixture f;

	(void)state;
	for (int kind = HELD_REF; kind <= HELD_IRQ; kind++) {
		MAKE(&f, 5, NULL, MOV(1, kind), MOV(2, 5), HELPER(HOLD),
		     MOV(0, 0), EXIT);
		assert_int_equal(fault_of(&f)->kind, VM_FAULT_LEAK);
		assert_int_equal(seen.insn, 2);
		assert_int_equal(vm_holds_any(f.vm, (enum vm_held_kind)kind),
				 0);
		done(&f);
	}
	MAKE(&f, 9, NULL, MOV(1, HELD_RCU), MOV(2, 0), HELPER(HOLD),
	     HELPER(HOLD), HELPER(UNHOLD), HELPER(UNHOLD), MOVX(6, 0),
	     HELPER(UNHOLD), EXIT);
	assert_int_equal(run(&f), 0);
	done(&f);
}

/* ---- calls ------------------------------------------------------------ */

static void call_tables(void **state)
{
	struct vm_calls *c = vm_calls_new(tables, 2, 60018);
	int i = vm_calls_resolve(c, "always", true);

	(void)state;
	assert_true(i >= 0);
	assert_ptr_equal(vm_calls_kfunc(c, i)->fn, refuse);
	assert_int_equal(vm_calls_resolve(c, "always___v2", true), i);
	assert_int_equal(vm_calls_resolve(c, "always", false), -1);
	assert_int_equal(vm_calls_resolve(c, "alway", true), -1);
	assert_int_equal(vm_calls_resolve(c, "alwayss", true), -1);
	assert_int_equal(vm_calls_resolve(c, "", true), -1);
	assert_int_equal(vm_calls_resolve(c, "old", true), -1);
	assert_true(vm_calls_resolve(c, "young", true) >= 0);
	assert_ptr_equal(vm_calls_helper(c, HOLD)->fn, hold);
	assert_null(vm_calls_helper(c, 1));
	assert_null(vm_calls_helper(c, -1));
	assert_null(vm_calls_kfunc(c, -1));
	assert_null(vm_calls_kfunc(c, 1000));
	vm_calls_free(c);
	vm_calls_free(NULL);
}

static void missing_calls(void **state)
{
	struct object_extern externs[] = {
		{.name = "nowhere", .is_func = true, .index = -1},
		{.name = "maybe", .is_func = true, .weak = true, .index = -1},
	};
	struct fixture f;

	(void)state;
	assert_int_equal(MAKE(&f, 2, NULL, HELPER(17), EXIT), -ENOTSUP);
	assert_non_null(strstr(err_text(), "in first()"));
	assert_non_null(strstr(err_text(), "helper 17"));
	done(&f);

	for (uint32_t i = 0; i < 2; i++) {
		const struct object_insn in[] = {KFUNC(i), EXIT};

		memset(&f, 0, sizeof(f));
		f.funcs[0].name = "first";
		f.funcs[0].count = 2;
		f.o = (struct object){.insns = (struct object_insn *)in,
				      .insn_count = 2,
				      .funcs = f.funcs,
				      .func_count = 1,
				      .externs = externs,
				      .extern_count = 2};
		f.calls = vm_calls_new(tables, 1, 60018);
		assert_int_equal(vm_new(&f.o, f.calls, &host, NULL, &f.vm),
				 i ? 0 : -ENOTSUP);
		if (i)
			assert_int_equal(fault_of(&f)->kind, VM_FAULT_INSN);
		else
			assert_non_null(strstr(err_text(), "nowhere()"));
		vm_free(f.vm);
		vm_calls_free(f.calls);
	}
}

/* ---- the arena -------------------------------------------------------- */

/* Pointers into it are 32 bits wide until they are cast; only pages that were
 * allocated may be used. */
static void arena_pointers(void **state)
{
	static const struct vm_call *const core[] = {vm_calls_core};
	struct vm_calls *calls = vm_calls_new(core, 1, 60018);
	struct object_extern alloc = {
		.name = "bpf_arena_alloc_pages",
		.is_func = true,
		.index =
			vm_calls_resolve(calls, "bpf_arena_alloc_pages", true)};
	struct object_map map = {
		.name = "arena", .type = 33, .max_entries = 10, .inner = -1};
	struct object_func func = {.name = "first", .count = 14};
	struct object_insn in[] = {
		RESOLVED(INSN_MAP, 1, 0),
		{.what = INSN_SECOND},
		MOV(2, 0),
		MOV(3, 1),
		MOV(4, -1),
		MOV(5, 0),
		KFUNC(0),
		I(BPF_ALU | BPF_MOV | BPF_X, 6, 0, 0, 0),
		I(BPF_ALU64 | BPF_MOV | BPF_X, 7, 6, 1, 1),
		PUT(7, 4088, 5),
		LOAD(0, 7, 4088),
		PUT(7, 4089, 5),
		MOV(0, 0),
		EXIT,
	};
	struct object o = {.insns = in,
			   .insn_count = ARRAY_LEN(in),
			   .funcs = &func,
			   .func_count = 1,
			   .externs = &alloc,
			   .extern_count = 1,
			   .maps = &map,
			   .map_count = 1};
	struct vm *vm;
	uint64_t r0;

	(void)state;
	assert_int_equal(vm_new(&o, calls, &host, NULL, &vm), 0);
	assert_int_equal(vm_run(vm, 0, NULL, 0, &r0), -EFAULT);
	assert_int_equal(vm_fault(vm)->kind, VM_FAULT_ARENA);
	assert_int_equal(vm_fault(vm)->insn, 11);
	vm_free(vm);
	in[11] = EXIT;
	assert_int_equal(vm_new(&o, calls, &host, NULL, &vm), 0);
	assert_int_equal(vm_run(vm, 0, NULL, 0, &r0), 0);
	assert_int_equal(r0, 5);
	vm_free(vm);
	vm_calls_free(calls);
}

static void words(void **state)
{
	struct vm_fault fault = {.kind = VM_FAULT_NULL,
				 .insn = 4,
				 .func = "foo",
				 .file = "a.bpf.c",
				 .line = 31,
				 .text = "read"};
	char *text = vm_fault_text(&fault);

	(void)state;
	assert_string_equal(text, "a.bpf.c:31: in foo(): null pointer: read");
	free(text);
	fault.file = NULL;
	text = vm_fault_text(&fault);
	assert_string_equal(text,
			    "in foo(), instruction 4: null pointer: read");
	free(text);
	fault.func = NULL;
	text = vm_fault_text(&fault);
	assert_string_equal(text, "null pointer: read");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freed_regions_stay_dead),
		cmocka_unit_test(rows_of_regions),
		cmocka_unit_test(objects),
		cmocka_unit_test(partly_writable),
		cmocka_unit_test(slots_go_with_their_owner),
		cmocka_unit_test(instructions_are_counted),
		cmocka_unit_test(budget),
		cmocka_unit_test(may_goto),
		cmocka_unit_test(callbacks),
		cmocka_unit_test(callbacks_share_budget_and_depth),
		cmocka_unit_test(callbacks_that_are_none),
		cmocka_unit_test(contexts),
		cmocka_unit_test(programs_in_programs),
		cmocka_unit_test(leaks),
		cmocka_unit_test(call_tables),
		cmocka_unit_test(missing_calls),
		cmocka_unit_test(arena_pointers),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
