/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter: threaded code, one label for each enum vm_op_code.
 *
 * Instructions that jump or call do the counting, see struct vm.slack.  What
 * can go wrong is left to functions that are not inlined, so that the common
 * path stays short.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "bpfvm/vm_ops.h"
#include "bpfvm/vm_state.h"

#define NOINLINE __attribute__((noinline, cold))

/* A copy would have labels of its own. */
#ifdef __clang__
#define ONLY_ONE __attribute__((noinline))
#else
#define ONLY_ONE __attribute__((noinline, noclone))
#endif

static inline unsigned char *reach(const struct vm *vm, uint64_t addr,
				   uint32_t len, uint32_t perm)
{
	const struct vm_memory *m = &vm->memory;
	const struct vm_region *r = &m->regions[vm_region_of(addr)];

	if (vm_region_of(addr) < m->count &&
	    (uint64_t)(uint32_t)addr + len <= r->len && r->perm & perm)
		return r->base + (uint32_t)addr;
	return NULL;
}

/* ---- the less common path --------------------------------------------- */

/* The arena and regions that are partly writable end up here, too. */
static NOINLINE unsigned char *reach_slowly(struct vm *vm,
					    const struct vm_op *pc,
					    uint64_t addr, uint32_t len,
					    uint32_t perm)
{
	vm->pc = pc;
	return perm == VM_WRITE ? vm_write(vm, addr, len)
				: vm_read(vm, addr, len);
}

static NOINLINE void fault_insn(struct vm *vm, const struct vm_op *pc,
				const char *why)
{
	vm->pc = pc;
	vm_fault_set(vm, VM_FAULT_INSN, "%s", why);
}

static NOINLINE void fault_budget(struct vm *vm, const struct vm_op *pc)
{
	vm->pc = pc;
	vm_fault_set(vm, VM_FAULT_BUDGET, "more than %llu instructions",
		     (unsigned long long)vm->limits.insns);
}

/* For atomic operations, whose operands the kernel wants aligned. */
static unsigned char *aligned(struct vm *vm, const struct vm_op *pc,
			      uint64_t addr, uint32_t len, uint32_t perm)
{
	if (!(addr & (len - 1)))
		return reach_slowly(vm, pc, addr, len, perm);
	vm->pc = pc;
	vm_fault_set(vm, VM_FAULT_MEMORY,
		     "atomic access of %u bytes at an address that is not "
		     "a multiple of it",
		     len);
	return NULL;
}

static uint64_t fetch(const void *p, bool wide)
{
	uint64_t v64;
	uint32_t v32;

	if (wide) {
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
	memcpy(&v32, p, sizeof(v32));
	return v32;
}

static bool atomic(struct vm *vm, const struct vm_op *pc, uint64_t *reg,
		   bool wide)
{
	uint64_t addr = reg[pc->dst] + (uint64_t)(int64_t)pc->off, old, new;
	unsigned char *p = aligned(vm, pc, addr, wide ? 8 : 4, VM_WRITE);
	uint64_t operand = wide ? reg[pc->src] : (uint32_t)reg[pc->src];
	uint64_t expected = wide ? reg[0] : (uint32_t)reg[0];

	if (!p)
		return false;
	new = old = fetch(p, wide);
	switch (pc->imm & ~BPF_FETCH) {
	case BPF_ADD:
		new += operand;
		break;
	case BPF_OR:
		new |= operand;
		break;
	case BPF_AND:
		new &= operand;
		break;
	case BPF_XOR:
		new ^= operand;
		break;
	case BPF_XCHG & ~BPF_FETCH:
		new = operand;
		break;
	default: /* BPF_CMPXCHG */
		if (old == expected)
			new = operand;
		break;
	}
	memcpy(p, &new, wide ? 8 : 4); /* little endian */
	if (pc->imm == BPF_CMPXCHG)
		reg[0] = old;
	else if (pc->imm & BPF_FETCH)
		reg[pc->src] = old;
	return true;
}

/* ---- frames ----------------------------------------------------------- */

/* A new frame's stack becomes accessible; NULL: a fault. */
static struct vm_frame *enter(struct vm *vm, const struct vm_op *pc)
{
	struct vm_region *stack;
	uint32_t depth = vm->depth;

	if (depth >= vm->depth_limit) {
		vm->pc = pc;
		vm_fault_set(vm, VM_FAULT_STACK, "calls more than %u deep",
			     vm->limits.depth);
		return NULL;
	}
	vm->depth++;
	stack = &vm->memory.regions[vm->stack + depth];
	stack->base = vm->stacks + (size_t)depth * VM_STACK_SIZE;
	stack->len = VM_STACK_SIZE;
	vm->frames[depth].may_goto = VM_MAY_GOTO;
	return &vm->frames[depth];
}

static struct vm_frame *leave(struct vm *vm)
{
	struct vm_region *stack;

	vm->depth--;
	stack = &vm->memory.regions[vm->stack + vm->depth];
	stack->base = NULL;
	stack->len = 0;
	return &vm->frames[vm->depth];
}

static unsigned char *stack_top(const struct vm *vm)
{
	return vm->stacks + (size_t)vm->depth * VM_STACK_SIZE;
}

static uint64_t frame_pointer(const struct vm *vm)
{
	return vm_addr(vm->stack + vm->depth - 1) + VM_STACK_SIZE;
}

/* ---- instructions ----------------------------------------------------- */

#define D    reg[pc->dst]
#define S    reg[pc->src]
#define OFF  (uint64_t)(int64_t) pc->off
#define IMM  (uint64_t)(int64_t) pc->imm
#define NEXT goto *(++pc)->go
#define MASK (sizeof(a) * 8 - 1)

#define SIGNED(x) \
	_Generic((x), uint64_t : (int64_t)(x), uint32_t : (int32_t)(x))

/* To the instruction `skip` instructions after the next one. */
#define JUMP(skip)                            \
	do {                                  \
		int64_t by = (int64_t)(skip); \
                                              \
		if (slack <= (intptr_t)pc)    \
			goto budget;          \
		slack += by * VM_OP_BYTES;    \
		pc += by + 1;                 \
		goto * pc->go;                \
	} while (0)

#define ALU_ONE(label, type, operand, e)               \
	label : {                                      \
		type a = (type)D, b = (type)(operand); \
                                                       \
		D = (type)(e);                         \
		NEXT;                                  \
	}
#define ALU(name, e)                          \
	ALU_ONE(name##64_K, uint64_t, IMM, e) \
	ALU_ONE(name##64_X, uint64_t, S, e)   \
	ALU_ONE(name##32_K, uint32_t, IMM, e) \
	ALU_ONE(name##32_X, uint32_t, S, e)

#define JUMP_ONE(label, type, operand, e)              \
	label : {                                      \
		type a = (type)D, b = (type)(operand); \
                                                       \
		if (e)                                 \
			JUMP(pc->off);                 \
		NEXT;                                  \
	}
#define COMPARE(name, e)                       \
	JUMP_ONE(name##64_K, uint64_t, IMM, e) \
	JUMP_ONE(name##64_X, uint64_t, S, e)   \
	JUMP_ONE(name##32_K, uint32_t, IMM, e) \
	JUMP_ONE(name##32_X, uint32_t, S, e)

#define CONVERT(label, e) \
	label:            \
	D = (e);          \
	NEXT;

#define LOAD(label, type, as)                                                  \
	label : {                                                              \
		uint64_t addr = S + OFF;                                       \
		const unsigned char *p =                                       \
			reach(vm, addr, sizeof(type), VM_READ);                \
		type v;                                                        \
                                                                               \
		if (!p)                                                        \
			p = reach_slowly(vm, pc, addr, sizeof(type), VM_READ); \
		if (!p)                                                        \
			goto fault;                                            \
		memcpy(&v, p, sizeof(v));                                      \
		D = (as)v;                                                     \
		NEXT;                                                          \
	}

#define STORE(label, type, value)                                           \
	label : {                                                           \
		uint64_t addr = D + OFF;                                    \
		unsigned char *p = reach(vm, addr, sizeof(type), VM_WRITE); \
		type v = (type)(value);                                     \
                                                                            \
		if (!p)                                                     \
			p = reach_slowly(vm, pc, addr, sizeof(type),        \
					 VM_WRITE);                         \
		if (!p)                                                     \
			goto fault;                                         \
		memcpy(p, &v, sizeof(v));                                   \
		NEXT;                                                       \
	}

#define FRAME_LOAD(label, type)                       \
	label : {                                     \
		type v;                               \
                                                      \
		memcpy(&v, top + pc->off, sizeof(v)); \
		D = v;                                \
		NEXT;                                 \
	}

#define FRAME_STORE(label, type, value)               \
	label : {                                     \
		type v = (type)(value);               \
                                                      \
		memcpy(top + pc->off, &v, sizeof(v)); \
		NEXT;                                 \
	}

#define ORDERED_LOAD(label, type)                                        \
	label : {                                                        \
		const void *p =                                          \
			aligned(vm, pc, S + OFF, sizeof(type), VM_READ); \
		type v;                                                  \
                                                                         \
		if (!p)                                                  \
			goto fault;                                      \
		memcpy(&v, p, sizeof(v));                                \
		D = v;                                                   \
		NEXT;                                                    \
	}

#define ORDERED_STORE(label, type)                                          \
	label : {                                                           \
		void *p = aligned(vm, pc, D + OFF, sizeof(type), VM_WRITE); \
		type v = (type)S;                                           \
                                                                            \
		if (!p)                                                     \
			goto fault;                                         \
		memcpy(p, &v, sizeof(v));                                   \
		NEXT;                                                       \
	}

#define SIZE(n, type)                       \
	LOAD(LDX##n, type, type)            \
	STORE(ST##n, type, IMM)             \
	STORE(STX##n, type, S)              \
	FRAME_LOAD(FRAME_LDX##n, type)      \
	FRAME_STORE(FRAME_ST##n, type, IMM) \
	FRAME_STORE(FRAME_STX##n, type, S)  \
	ORDERED_LOAD(ACQUIRE##n, type)      \
	ORDERED_STORE(RELEASE##n, type)

#define SIGN_EXTEND(to, from) (uint64_t)(to)(int64_t)(from)S

/* Signed division by -1 apart: the least number has no positive counterpart. */
#define ARITHMETIC                                                            \
	ALU(ADD, a + b)                                                       \
	ALU(SUB, a - b)                                                       \
	ALU(MUL, a *b)                                                        \
	ALU(DIV, b ? a / b : 0)                                               \
	ALU(MOD, b ? a % b : a)                                               \
	ALU(SDIV, !b ? 0 : !~b ? -a : (__typeof__(a))(SIGNED(a) / SIGNED(b))) \
	ALU(SMOD, !b ? a : !~b ? 0 : (__typeof__(a))(SIGNED(a) % SIGNED(b)))  \
	ALU(OR, a | b)                                                        \
	ALU(AND, a &b)                                                        \
	ALU(XOR, a ^ b)                                                       \
	ALU(LSH, a << (b & MASK))                                             \
	ALU(RSH, a >> (b & MASK))                                             \
	ALU(ARSH, SIGNED(a) >> (b & MASK))                                    \
	ALU(MOV, ((void)a, b))

#define CONVERSIONS                                         \
	CONVERT(NEG64, -D)                                  \
	CONVERT(NEG32, (uint32_t)-D)                        \
	CONVERT(MOVSX64_8, SIGN_EXTEND(int64_t, int8_t))    \
	CONVERT(MOVSX64_16, SIGN_EXTEND(int64_t, int16_t))  \
	CONVERT(MOVSX64_32, SIGN_EXTEND(int64_t, int32_t))  \
	CONVERT(MOVSX32_8, SIGN_EXTEND(uint32_t, int8_t))   \
	CONVERT(MOVSX32_16, SIGN_EXTEND(uint32_t, int16_t)) \
	CONVERT(LE16, htole16((uint16_t)D))                 \
	CONVERT(LE32, htole32((uint32_t)D))                 \
	CONVERT(LE64, htole64(D))                           \
	CONVERT(BE16, htobe16((uint16_t)D))                 \
	CONVERT(BE32, htobe32((uint32_t)D))                 \
	CONVERT(BE64, htobe64(D))                           \
	CONVERT(SWAP16, __builtin_bswap16((uint16_t)D))     \
	CONVERT(SWAP32, __builtin_bswap32((uint32_t)D))     \
	CONVERT(SWAP64, __builtin_bswap64(D))

#define COMPARISONS                           \
	COMPARE(JEQ, a == b)                  \
	COMPARE(JNE, a != b)                  \
	COMPARE(JGT, a > b)                   \
	COMPARE(JGE, a >= b)                  \
	COMPARE(JLT, a < b)                   \
	COMPARE(JLE, a <= b)                  \
	COMPARE(JSGT, SIGNED(a) > SIGNED(b))  \
	COMPARE(JSGE, SIGNED(a) >= SIGNED(b)) \
	COMPARE(JSLT, SIGNED(a) < SIGNED(b))  \
	COMPARE(JSLE, SIGNED(a) <= SIGNED(b)) \
	COMPARE(JSET, a &b)

#define MEMORY                         \
	SIZE(8, uint8_t)               \
	SIZE(16, uint16_t)             \
	SIZE(32, uint32_t)             \
	SIZE(64, uint64_t)             \
	LOAD(LDXS8, int8_t, int64_t)   \
	LOAD(LDXS16, int16_t, int64_t) \
	LOAD(LDXS32, int32_t, int64_t)

/*
 * first == NULL: only gives the labels' addresses.  One function with computed
 * goto cannot be split; the macros above keep it a list.
 */
static ONLY_ONE int interpret(struct vm *vm, const struct vm_op *first,
			      const uint64_t *args, uint64_t *r0,
			      const void *const **table)
{
#define LABEL(name, code) &&name,
	/* cppcheck-suppress syntaxError ; it does not know &&label */
	static const void *const labels[] = {VM_OPS_PLAIN(LABEL)
						     VM_OPS_OTHER(LABEL)};
#undef LABEL
	uint64_t reg[11] = {0};
	const struct vm_op *pc = first;
	struct vm_frame *frame;
	unsigned char *top;
	intptr_t slack;
	uint32_t base;

	if (!first) {
		*table = labels;
		return 0;
	}

	base = vm->depth;
	slack = (intptr_t)pc + vm->left;
	if (!enter(vm, pc))
		goto fault;
	memcpy(reg + 1, args, 5 * sizeof(*reg));
	reg[10] = frame_pointer(vm);
	top = stack_top(vm);
	goto * pc->go;

	ARITHMETIC
	CONVERSIONS
	COMPARISONS
	MEMORY

JA:
	JUMP(pc->off);
JA_LONG:
	JUMP(pc->imm);
MAY_GOTO:
	frame = &vm->frames[vm->depth - 1];
	if (!frame->may_goto)
		JUMP(pc->off);
	frame->may_goto--;
	NEXT;
LD_IMM64:
	D = pc[1].wide;
	pc += 2;
	goto * pc->go;
ATOMIC32:
	if (!atomic(vm, pc, reg, false))
		goto fault;
	NEXT;
ATOMIC64:
	if (!atomic(vm, pc, reg, true))
		goto fault;
	NEXT;
ARENA_CAST:
	D = (uint32_t)S ? vm_addr(vm->arena) | (uint32_t)S : 0;
	NEXT;
CALL:
	vm->pc = pc;
	vm->slack = slack;
	reg[0] = pc->fn(vm, reg + 1);
	slack = vm->slack;
	if (vm->fault.kind)
		goto fault;
	NEXT;
CALL_LOCAL:
	frame = enter(vm, pc);
	if (!frame)
		goto fault;
	frame->ret = pc + 1;
	memcpy(frame->saved, reg + 6, sizeof(frame->saved));
	reg[10] = frame_pointer(vm);
	top = stack_top(vm);
	JUMP(vm->code + pc->imm - (pc + 1));
EXIT:
	frame = leave(vm);
	if (vm->depth > base) {
		memcpy(reg + 6, frame->saved, sizeof(frame->saved));
		reg[10] = frame_pointer(vm);
		top = stack_top(vm);
		JUMP(frame->ret - (pc + 1));
	}
	vm->left = slack - (intptr_t)(pc + 1);
	*r0 = reg[0];
	return 0;
HALF:
	fault_insn(vm, pc, "half an instruction");
	goto fault;
BAD:
	fault_insn(vm, pc, pc->why);
	goto fault;
budget:
	fault_budget(vm, pc);
fault:
	while (vm->depth > base)
		leave(vm);
	vm->left = slack - (intptr_t)(pc + 1);
	return -EFAULT;
}

const void *vm_exec_label(int op)
{
	static const void *const *labels;

	if (!labels)
		interpret(NULL, NULL, NULL, NULL, &labels);
	return labels[op];
}

int vm_exec(struct vm *vm, uint32_t first, const uint64_t args[5], uint64_t *r0)
{
	return interpret(vm, vm->code + first, args, r0, NULL);
}
