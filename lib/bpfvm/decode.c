/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an object's instructions to struct vm_op.
 *
 * What the kernel's verifier refuses in a single instruction (reserved fields,
 * writes to the frame pointer, jumps to nowhere) becomes VM_OP_BAD, which
 * faults when it is run: dead code may hold anything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/vm_ops.h"
#include "bpfvm/vm_state.h"

#define FRAME_POINTER BPF_REG_10

static const char reserved[] = "a reserved field is not zero";
static const char unknown[] = "no such instruction";

/* Opcode byte to enum vm_op_code + 1. */
#define ROW(name, code) [code] = VM_OP_##name + 1,
static const uint16_t plain[256] = {VM_OPS_PLAIN(ROW)};
#undef ROW

static void bad(struct vm_op *op, const char *why)
{
	op->go = vm_exec_label(VM_OP_BAD);
	op->why = why;
}

/* Returns why not, or NULL and *code. */
static const char *decode_mov(const struct bpf_insn *i, int *code)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;

	if (BPF_SRC(i->code) == BPF_K)
		return i->off || i->src_reg ? reserved : NULL;
	if (wide && i->off == 1 && (i->imm == 1 || i->imm == 1 << 16)) {
		*code = VM_OP_ARENA_CAST;
		return NULL;
	}
	if (i->imm)
		return reserved;
	if (i->off == 8)
		*code = wide ? VM_OP_MOVSX64_8 : VM_OP_MOVSX32_8;
	else if (i->off == 16)
		*code = wide ? VM_OP_MOVSX64_16 : VM_OP_MOVSX32_16;
	else if (i->off == 32 && wide)
		*code = VM_OP_MOVSX64_32;
	else if (i->off)
		return reserved;
	return NULL;
}

static const char *decode_end(const struct bpf_insn *i, int *code)
{
	int first = BPF_SRC(i->code) == BPF_TO_BE ? VM_OP_BE16 : VM_OP_LE16;

	if (i->off || i->src_reg)
		return reserved;
	if (BPF_CLASS(i->code) == BPF_ALU64) {
		if (BPF_SRC(i->code))
			return unknown;
		first = VM_OP_SWAP16;
	}
	switch (i->imm) {
	case 16:
		*code = first;
		return NULL;
	case 32:
		*code = first + 1;
		return NULL;
	case 64:
		*code = first + 2;
		return NULL;
	default:
		return "a byte swap of neither 16, 32 nor 64 bits";
	}
}

static const char *decode_alu(const struct bpf_insn *i, int *code)
{
	int op = BPF_OP(i->code);

	if (i->dst_reg >= FRAME_POINTER)
		return "a write to the frame pointer";
	if (op == BPF_MOV)
		return decode_mov(i, code);
	if (op == BPF_END)
		return decode_end(i, code);
	if (op == BPF_NEG)
		return i->off || i->imm || i->src_reg ? reserved : NULL;
	if (BPF_SRC(i->code) == BPF_X ? i->imm : i->src_reg)
		return reserved;
	if ((op == BPF_DIV || op == BPF_MOD) && i->off == 1)
		*code += op == BPF_DIV ? VM_OP_SDIV64_K - VM_OP_DIV64_K
				       : VM_OP_SMOD64_K - VM_OP_MOD64_K;
	else if (i->off)
		return reserved;
	return NULL;
}

static const char *decode_jump(const struct vm *vm, uint32_t at,
			       const struct bpf_insn *i, int *code)
{
	int op = BPF_OP(i->code);
	int64_t to = (int64_t)at + 1 + i->off;

	if (op == BPF_CALL)
		return "a call that leads nowhere";
	if (i->code == (BPF_JMP | VM_JCOND)) {
		if (i->dst_reg || i->src_reg || i->imm)
			return reserved;
		*code = VM_OP_MAY_GOTO;
	} else if (op == BPF_EXIT) {
		return i->dst_reg || i->src_reg || i->off || i->imm ? reserved
								    : NULL;
	} else if (op == BPF_JA) {
		bool far = BPF_CLASS(i->code) == BPF_JMP32;

		if (i->dst_reg || i->src_reg || (far ? i->off : i->imm))
			return reserved;
		if (far)
			to = (int64_t)at + 1 + i->imm;
	} else if (BPF_SRC(i->code) == BPF_X ? i->imm : i->src_reg) {
		return reserved;
	}
	if (to < 0 || to >= (int64_t)vm->object->insn_count)
		return "a jump out of the program";
	return NULL;
}

/* In the running frame for certain: needs no check when it is run. */
static bool in_frame(int reg, const struct bpf_insn *i, int size)
{
	return reg == FRAME_POINTER && i->off >= -VM_STACK_SIZE &&
	       i->off + size <= 0;
}

static int size_of(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static const char *decode_atomic(const struct bpf_insn *i, int *code)
{
	static const int acquire[] = {[1] = VM_OP_ACQUIRE8,
				      [2] = VM_OP_ACQUIRE16,
				      [4] = VM_OP_ACQUIRE32,
				      [8] = VM_OP_ACQUIRE64};
	int size = size_of(i->code);

	if (i->imm == VM_LOAD_ACQUIRE || i->imm == VM_STORE_RELEASE) {
		*code = acquire[size];
		if (i->imm == VM_STORE_RELEASE)
			*code += VM_OP_RELEASE8 - VM_OP_ACQUIRE8;
		else if (i->dst_reg >= FRAME_POINTER)
			return "a write to the frame pointer";
		return NULL;
	}
	if (size < 4)
		return unknown;
	*code = size == 4 ? VM_OP_ATOMIC32 : VM_OP_ATOMIC64;
	switch (i->imm) {
	case BPF_ADD | BPF_FETCH:
	case BPF_OR | BPF_FETCH:
	case BPF_AND | BPF_FETCH:
	case BPF_XOR | BPF_FETCH:
	case BPF_XCHG:
		return i->src_reg >= FRAME_POINTER
			       ? "a write to the frame pointer"
			       : NULL;
	case BPF_ADD:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
	case BPF_CMPXCHG:
		return NULL;
	default:
		return "no such atomic operation";
	}
}

static const char *decode_memory(const struct bpf_insn *i, int *code)
{
	int size = size_of(i->code), class = BPF_CLASS(i->code);

	if (BPF_MODE(i->code) == BPF_ATOMIC && class == BPF_STX)
		return decode_atomic(i, code);
	if (class == BPF_ST ? i->src_reg : i->imm)
		return reserved;
	if (class == BPF_LDX && i->dst_reg >= FRAME_POINTER)
		return "a write to the frame pointer";
	if (*code < 0 || BPF_MODE(i->code) != BPF_MEM)
		return NULL;
	if (class == BPF_LDX && in_frame(i->src_reg, i, size))
		*code += VM_OP_FRAME_LDX8 - VM_OP_LDX8;
	else if (class == BPF_ST && in_frame(i->dst_reg, i, size))
		*code += VM_OP_FRAME_ST8 - VM_OP_ST8;
	else if (class == BPF_STX && in_frame(i->dst_reg, i, size))
		*code += VM_OP_FRAME_STX8 - VM_OP_STX8;
	return NULL;
}

static const char *decode_any(const struct vm *vm, uint32_t at,
			      const struct bpf_insn *i, int *code)
{
	if (i->dst_reg > FRAME_POINTER || i->src_reg > FRAME_POINTER)
		return "no such register";
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return decode_alu(i, code);
	case BPF_JMP:
	case BPF_JMP32:
		return decode_jump(vm, at, i, code);
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return decode_memory(i, code);
	default:
		return unknown;
	}
}

static void decode_plain(struct vm *vm, uint32_t at, struct vm_op *op)
{
	const struct bpf_insn *i = &vm->object->insns[at].i;
	int code = plain[i->code] - 1;
	const char *why = decode_any(vm, at, i, &code);

	if (!why && code < 0)
		why = unknown;
	if (code == VM_OP_ARENA_CAST && !vm->arena)
		why = "an arena's pointer without an arena";
	if (why) {
		bad(op, why);
		return;
	}
	*op = (struct vm_op){
		.go = vm_exec_label(code),
		.dst = i->dst_reg,
		.src = i->src_reg,
		.off = i->off,
		.imm = i->imm,
	};
}

/* ---- what was resolved ------------------------------------------------ */

static uint64_t wide_value(const struct vm *vm, const struct object_insn *o)
{
	switch (o->what) {
	case INSN_MAP:
		return vm_addr(vm->maps[o->arg].handle);
	case INSN_MAP_VALUE:
		return vm_addr(vm->maps[o->arg].values) + o->value;
	case INSN_FUNC:
		return vm_func_addr((int)o->arg);
	case INSN_KSYM:
		/* Only whether it is there can be asked, for now. */
		return vm->object->externs[o->arg].index < 0
			       ? 0
			       : 1ull << 63 | 1ull << 32 | o->arg;
	default:
		return o->value;
	}
}

/* Both halves. */
static void decode_wide(struct vm *vm, uint32_t at, struct vm_op *op)
{
	const struct object_insn *o = &vm->object->insns[at];

	if (at + 1 >= vm->object->insn_count || o[1].what != INSN_SECOND) {
		op->go = vm_exec_label(VM_OP_HALF);
		return;
	}
	if (o->i.dst_reg >= FRAME_POINTER) {
		bad(op, "a write to the frame pointer");
		return;
	}
	op[0] = (struct vm_op){
		.go = vm_exec_label(VM_OP_LD_IMM64),
		.dst = o->i.dst_reg,
	};
	op[1] = (struct vm_op){
		.go = vm_exec_label(VM_OP_HALF),
		.wide = wide_value(vm, o),
	};
}

static int refuse(const struct vm *vm, uint32_t at, const char *what)
{
	const struct object_line *line = object_line(vm->object, at);
	int func = object_func_of(vm->object, at);
	const char *name = func < 0 ? "?" : vm->object->funcs[func].name;

	if (line)
		return err_set(ENOTSUP, "%s:%u: in %s(): %s", line->file,
			       line->line, name, what);
	return err_set(ENOTSUP, "in %s(), instruction %u: %s", name, at, what);
}

static int decode_call(struct vm *vm, uint32_t at, struct vm_op *op)
{
	const struct object_insn *o = &vm->object->insns[at];
	const struct vm_call *call;
	char what[160];

	if (o->what == INSN_CALL_HELPER) {
		call = vm_calls_helper(vm->calls, (int)o->arg);
		snprintf(what, sizeof(what),
			 "helper %u is not known to the simulator", o->arg);
	} else {
		const struct object_extern *e = &vm->object->externs[o->arg];

		call = vm_calls_kfunc(vm->calls, e->index);
		snprintf(what, sizeof(what),
			 "%s() is not known to the simulator", e->name);
		if (!call && e->weak) {
			bad(op, "a call of a function that this kernel does "
				"not have");
			return 0;
		}
	}
	if (!call)
		return refuse(vm, at, what);
	*op = (struct vm_op){.go = vm_exec_label(VM_OP_CALL), .fn = call->fn};
	return 0;
}

static void decode_local(struct vm *vm, uint32_t at, struct vm_op *op)
{
	const struct object *o = vm->object;

	*op = (struct vm_op){
		.go = vm_exec_label(VM_OP_CALL_LOCAL),
		.imm = (int32_t)o->funcs[o->insns[at].arg].first,
	};
}

static const char *poison(const struct vm *vm, uint32_t at)
{
	for (size_t i = 0; i < vm->object->note_count; i++)
		if (vm->object->notes[i].insn == at)
			return vm->object->notes[i].text;
	return "a relocation that found nothing";
}

static int decode_one(struct vm *vm, uint32_t at)
{
	struct vm_op *op = &vm->code[at];

	switch ((enum insn_what)vm->object->insns[at].what) {
	case INSN_PLAIN:
		decode_plain(vm, at, op);
		return 0;
	case INSN_SECOND: /* with the first half, if there is one */
		if (!op->go)
			op->go = vm_exec_label(VM_OP_HALF);
		return 0;
	case INSN_CALL_FUNC:
		decode_local(vm, at, op);
		return 0;
	case INSN_CALL_HELPER:
	case INSN_CALL_KFUNC:
		return decode_call(vm, at, op);
	case INSN_POISON:
		bad(op, poison(vm, at));
		return 0;
	default:
		decode_wide(vm, at, op);
		return 0;
	}
}

int vm_decode(struct vm *vm)
{
	size_t n = vm->object->insn_count;
	int rc;

	vm->code = mem_zalloc(n + 1, sizeof(*vm->code));
	for (uint32_t at = 0; at < n; at++) {
		rc = decode_one(vm, at);
		if (rc)
			return rc;
	}
	bad(&vm->code[n], "control falls off the end");
	return 0;
}

void vm_variable(struct vm *vm, const char *name, uint64_t addr)
{
	const struct object *o = vm->object;

	for (size_t i = 0; i + 1 < o->insn_count; i++) {
		if (o->insns[i].what == INSN_KSYM &&
		    !strcmp(o->externs[o->insns[i].arg].name, name))
			vm->code[i + 1].wide = addr;
	}
}

int vm_override(struct vm *vm, const char *name, vm_fn fn)
{
	const struct object *o = vm->object;
	const struct object_func *f = o->funcs, *end = f + o->func_count;
	struct vm_op *op;

	while (f < end && strcmp(f->name, name) != 0)
		f++;
	if (f == end)
		return err_set(ENOENT, "the object has no function %s()", name);
	if (f->kind != FUNC_SUBPROG || f->count < 2)
		return err_set(EINVAL, "%s() cannot be answered from outside",
			       name);
	op = &vm->code[f->first];
	op[0] = (struct vm_op){.go = vm_exec_label(VM_OP_CALL), .fn = fn};
	op[1] = (struct vm_op){.go = vm_exec_label(VM_OP_EXIT)};
	return 0;
}
