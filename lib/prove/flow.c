/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about the text alone: where ways meet, what is in a loop, which
 * registers and stack slots are still read after an instruction, from where
 * an insert can be reached.
 */
#include <bpf/btf.h>
#include <stdlib.h>

#include "base/mem.h"
#include "prove/analysis.h"
#include "prove/table.h"

#define MAX_ROUNDS 64 /* of the fixpoints; past that everything is live */

static int64_t jump_target(const struct object_insn *in, uint32_t at)
{
	uint8_t class = BPF_CLASS(in->i.code), op = BPF_OP(in->i.code);

	if (class != BPF_JMP && class != BPF_JMP32)
		return -1;
	if (op == BPF_CALL || op == BPF_EXIT)
		return -1;
	if (class == BPF_JMP32 && op == BPF_JA)
		return (int64_t)at + 1 + in->i.imm;
	return (int64_t)at + 1 + in->i.off;
}

static bool falls_through(const struct object_insn *in)
{
	uint8_t class = BPF_CLASS(in->i.code), op = BPF_OP(in->i.code);

	if (class == BPF_JMP32 && op == BPF_JA)
		return false;
	return class != BPF_JMP || (op != BPF_JA && op != BPF_EXIT);
}

static unsigned proto_args(const struct analysis *a, uint32_t type)
{
	const struct btf_type *t = btf__type_by_id(a->o->btf, type);

	if (t && btf_is_func(t))
		t = btf__type_by_id(a->o->btf, t->type);
	return t && btf_is_func_proto(t) && btf_vlen(t) < 5 ? btf_vlen(t) : 5;
}

unsigned flow_args(const struct analysis *a, const struct object_insn *in)
{
	if (in->what == INSN_CALL_FUNC && a->o->funcs[in->arg].type)
		return proto_args(a, a->o->funcs[in->arg].type);
	if (in->what == INSN_CALL_KFUNC && a->o->externs[in->arg].type)
		return proto_args(a, a->o->externs[in->arg].type);
	return 5;
}

/* The slots at and above an offset from the frame pointer. */
static uint64_t slots_from(int64_t off)
{
	int64_t slot = (-off + 7) / 8; /* -8: 1 */

	if (off >= 0)
		return 0;
	return slot >= 64 ? UINT64_MAX : (1ULL << slot) - 1;
}

static uint64_t slot_bit(int64_t off)
{
	return off < 0 && off >= -STACK_BYTES ? 1ULL << ((-off - 1) / 8) : 0;
}

struct effect {
	uint16_t use, def;
	uint64_t reads, kills;
};

static void effect_memory(const struct object_insn *in, struct effect *e)
{
	const struct bpf_insn *i = &in->i;
	uint16_t dst = (uint16_t)(1u << i->dst_reg);
	uint16_t src = (uint16_t)(1u << i->src_reg);

	if (BPF_CLASS(i->code) == BPF_LDX || is_load_acquire(i)) {
		e->use = src;
		e->def = dst;
		if (i->src_reg == FP)
			e->reads = slot_bit(i->off);
		return;
	}
	switch (BPF_CLASS(i->code)) {
	case BPF_STX:
		e->use = dst | src;
		if (BPF_MODE(i->code) == BPF_ATOMIC &&
		    i->imm != STORE_RELEASE) {
			e->use |= 1;
			e->reads = i->dst_reg == FP ? slot_bit(i->off) : 0;
			return;
		}
		/* fall through */
	case BPF_ST:
		e->use |= dst;
		if (i->dst_reg == FP && BPF_SIZE(i->code) == BPF_DW)
			e->kills = slot_bit(i->off);
		return;
	}
}

static struct effect effect_of(const struct analysis *a, uint32_t at)
{
	const struct object_insn *in = &a->o->insns[at];
	const struct bpf_insn *i = &in->i;
	uint8_t class = BPF_CLASS(i->code), op = BPF_OP(i->code);
	uint16_t dst = (uint16_t)(1u << i->dst_reg);
	uint16_t src = (uint16_t)(1u << i->src_reg);
	struct effect e = {0};

	if (class == BPF_LD) {
		if (in->what != INSN_SECOND)
			e.def = dst;
	} else if (class == BPF_ALU || class == BPF_ALU64) {
		e.use = op == BPF_MOV ? 0 : dst;
		if (BPF_SRC(i->code) == BPF_X && op != BPF_NEG && op != BPF_END)
			e.use |= src;
		e.def = dst;
		if (class == BPF_ALU64 && op == BPF_MOV && i->src_reg == FP &&
		    BPF_SRC(i->code) == BPF_X) {
			const struct bpf_insn *n = &i[0];

			/* r = fp; r += off: the address of what is there */
			e.reads = UINT64_MAX;
			if (at + 1 < a->o->insn_count) {
				n = &a->o->insns[at + 1].i;
				if (n->code == (BPF_ALU64 | BPF_ADD | BPF_K) &&
				    n->dst_reg == i->dst_reg)
					e.reads = slots_from(n->imm);
			}
		}
	} else if (class == BPF_LDX || class == BPF_ST || class == BPF_STX) {
		effect_memory(in, &e);
	} else if (op == BPF_CALL && class == BPF_JMP) {
		e.use = (uint16_t)((1u << (flow_args(a, in) + 1)) - 2);
		e.def = 0x3f;
	} else if (op == BPF_EXIT) {
		e.use = 1;
	} else if (op != BPF_JA && op != 0xe0) {
		e.use = dst | (BPF_SRC(i->code) == BPF_X ? src : 0);
	}
	return e;
}

static bool merge(struct flow *into, const struct flow *next)
{
	uint16_t regs = into->regs | next->regs;
	uint64_t slots = into->slots | next->slots;
	uint8_t reach = next->flags & FLOW_REACHES;

	if (regs == into->regs && slots == into->slots &&
	    !(reach & ~into->flags))
		return false;
	into->regs = regs;
	into->slots = slots;
	into->flags |= reach;
	return true;
}

/* Backwards through one function once.  false: nothing new. */
static bool round_of(struct analysis *a, const struct object_func *f)
{
	bool changed = false;

	for (uint32_t at = f->first + f->count; at-- > f->first;) {
		const struct object_insn *in = &a->o->insns[at];
		struct effect e = effect_of(a, at);
		struct flow after = {0}, before = {0};
		int64_t to = jump_target(in, at);

		if (falls_through(in) && at + 1 < f->first + f->count)
			merge(&after, &a->flow[at + 1]);
		if (to >= f->first && to < f->first + f->count)
			merge(&after, &a->flow[to]);
		before.regs = (uint16_t)((after.regs & ~e.def) | e.use);
		before.slots = (after.slots & ~e.kills) | e.reads;
		before.flags = after.flags & FLOW_REACHES;
		if (a->flow[at].flags & FLOW_INSERTS)
			before.flags |= FLOW_REACHES;
		changed |= merge(&a->flow[at], &before);
	}
	return changed;
}

static void everything_lives(struct analysis *a, const struct object_func *f)
{
	for (uint32_t at = f->first; at < f->first + f->count; at++) {
		a->flow[at].regs = UINT16_MAX;
		a->flow[at].slots = UINT64_MAX;
	}
}

static void find_jumps(struct analysis *a)
{
	const struct object *o = a->o;

	for (uint32_t at = 0; at < o->insn_count; at++) {
		int64_t to = jump_target(&o->insns[at], at);

		if (to < 0 || (uint64_t)to >= o->insn_count)
			continue;
		a->flow[to].flags |= FLOW_JOIN;
		for (int64_t i = to; i <= at && at - to < 1 << 16; i++)
			a->flow[i].flags |= FLOW_LOOP;
	}
	for (size_t i = 0; i < o->func_count; i++)
		if (o->funcs[i].count)
			a->flow[o->funcs[i].first].flags |= FLOW_JOIN;
}

/* Calls that insert, and calls of functions that do. */
static bool find_inserts(struct analysis *a, bool *does)
{
	const struct object *o = a->o;
	bool changed = false;

	for (size_t i = 0; i < o->func_count; i++) {
		const struct object_func *f = &o->funcs[i];

		for (uint32_t at = f->first; at < f->first + f->count; at++) {
			const struct object_insn *in = &o->insns[at];
			const struct call_row *row = NULL;
			bool yes = false;

			if (in->what == INSN_CALL_KFUNC)
				row = a->rows[in->arg];
			else if (in->what == INSN_CALL_HELPER)
				row = call_helper(in->arg);
			else if (in->what == INSN_CALL_FUNC)
				yes = does[in->arg];
			if (!yes && (!row || !call_inserts(row)))
				continue;
			a->flow[at].flags |= FLOW_INSERTS;
			changed |= !does[i];
			does[i] = true;
		}
	}
	return changed;
}

void flow_find(struct analysis *a)
{
	const struct object *o = a->o;
	bool *does = mem_zalloc(o->func_count + 1, sizeof(*does));

	a->flow = mem_zalloc(o->insn_count + 1, sizeof(*a->flow));
	find_jumps(a);
	for (int i = 0; i < MAX_ROUNDS && find_inserts(a, does); i++)
		;
	free(does);
	for (size_t i = 0; i < o->func_count; i++) {
		int rounds = 0;

		while (round_of(a, &o->funcs[i]))
			if (++rounds == MAX_ROUNDS) {
				everything_lives(a, &o->funcs[i]);
				break;
			}
	}
}
