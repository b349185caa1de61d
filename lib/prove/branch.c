/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditional jumps: both ways are followed, each with what it tells. */
#include "prove/analysis.h"

struct link {
	uint32_t id;
	struct num n;
	bool null, ok;
};

static void link_number(struct val *v, void *arg)
{
	struct link *l = arg;

	if (v->id != l->id)
		return;
	if (v->kind == VAL_NUM)
		l->ok &= num_meet(&v->n, &l->n);
	/* A CPU that is no error is below the most there can be. */
	if (v->kind == VAL_NUM && v->sym.sort == SORT_CPU && !v->sym.base &&
	    v->n.umax > MAX_CPU && v->n.umax <= INT32_MAX) {
		struct num cpus = num_range(0, MAX_CPU);

		l->ok &= num_meet(&v->n, &cpus);
	}
}

void branch_link(struct state *s, uint32_t id, const struct num *n)
{
	struct link l = {.id = id, .n = *n, .ok = true};

	if (id)
		state_each(s, link_number, &l);
}

static void link_null(struct val *v, void *arg)
{
	const struct link *l = arg;

	if (v->id != l->id || (v->kind != VAL_ANY && !val_is_pointer(v)))
		return;
	/* What is not NULL stays so if no second reference of it was had. */
	if (l->null && (v->kind == VAL_ANY || v->flags & VAL_NULLABLE))
		*v = val_const(0);
	else if (!l->null)
		v->flags &= (uint8_t) ~(VAL_NULLABLE | VAL_UNTRUSTED);
}

static void know_symbol(struct analysis *a, struct state *s, uint32_t which,
			bool absent)
{
	uint32_t order = a->weak[which];

	if (!order || order > 64)
		return;
	if (absent)
		s->facts.absent |= 1ULL << (order - 1);
	else
		s->facts.present |= 1ULL << (order - 1);
}

bool branch_has_symbol(const struct analysis *a, const struct state *s,
		       uint32_t which)
{
	uint32_t order = a->weak[which];

	return order && order <= 64 && s->facts.present >> (order - 1) & 1;
}

void branch_null(struct analysis *a, struct state *s, const struct val *v,
		 bool null)
{
	struct link l = {.id = v->id, .null = null};

	if (v->kind == VAL_SYMBOL)
		know_symbol(a, s, v->which, null);
	if (l.id)
		state_each(s, link_null, &l);
}

/* What the test of a CPU against a task's mask said. */
static void learn_allowed(struct state *s, const struct val *v)
{
	if (v->kind == VAL_NUM && v->test_cpu)
		state_allow(s, v->test_cpu, v->test_task);
}

struct jump {
	uint8_t op;
	bool is32;
	int dst, src; /* registers; -1: none */
	struct val x, y;
};

/* 1: always, 0: never, -1: both */
static int decide_pointer(const struct analysis *a, const struct state *s,
			  const struct jump *j)
{
	bool zero = val_is_const(&j->y) && !j->y.n.umin;
	int null = -1;

	if (!zero || (j->op != BPF_JEQ && j->op != BPF_JNE))
		return -1;
	if (j->x.kind == VAL_SYMBOL && j->x.flags & VAL_NULLABLE) {
		uint32_t order = a->weak[j->x.which];
		uint64_t bit = order && order <= 64 ? 1ULL << (order - 1) : 0;

		if (branch_has_symbol(a, s, j->x.which))
			null = 0;
		else if (s->facts.absent & bit)
			null = 1;
	} else if (val_is_pointer(&j->x) && !(j->x.flags & VAL_NULLABLE)) {
		null = 0;
	}
	return null < 0 ? -1 : (j->op == BPF_JEQ) == null;
}

/* The state with the comparison true or false.  false: cannot be. */
static bool assume(struct analysis *a, struct state *s, const struct jump *j,
		   uint8_t op)
{
	struct num x = j->x.n, y = j->y.n;
	bool zero = val_is_const(&j->y) && !j->y.n.umin;

	if (j->x.kind != VAL_NUM || j->y.kind != VAL_NUM) {
		if (zero && j->x.kind != VAL_NUM &&
		    (op == BPF_JEQ || op == BPF_JNE))
			branch_null(a, s, &j->x, op == BPF_JEQ);
		return true;
	}
	if (!num_refine(op, &x, &y, j->is32))
		return false;
	if (j->dst >= 0 && j->dst < FP) {
		struct val *v = &state_own(s, s->frames - 1)->r[j->dst];

		v->n = x;
		branch_link(s, j->x.id, &x);
		if (v->sym.sort == SORT_CPU && !v->sym.base &&
		    v->n.umax > MAX_CPU && v->n.smin >= 0)
			v->n = num_range(v->n.umin, MAX_CPU);
	}
	if (j->src >= 0 && j->src < FP) {
		state_own(s, s->frames - 1)->r[j->src].n = y;
		branch_link(s, j->y.id, &y);
	}
	if (x.umin)
		learn_allowed(s, &j->x);
	return true;
}

/* Which lookup's NULL does this side of the jump stand for? */
static uint32_t lookup_of(const struct jump *j, uint8_t op)
{
	if (op != BPF_JEQ || !(j->x.flags & VAL_NULLABLE) ||
	    j->x.kind == VAL_SYMBOL)
		return 0;
	return j->x.site;
}

static void compare_origins(struct analysis *a, const struct state *s,
			    const struct jump *j)
{
	bool plain = j->op == BPF_JGT || j->op == BPF_JGE || j->op == BPF_JLT ||
		     j->op == BPF_JLE;

	if (plain && !j->is32 && j->x.kind == VAL_NUM && j->y.kind == VAL_NUM &&
	    j->x.origin && j->y.origin)
		origins_add(&a->compares, j->x.origin, j->y.origin, s->pc);
}

static enum step both_ways(struct analysis *a, struct state *s,
			   const struct jump *j, uint32_t to)
{
	uint8_t not_op = num_negated(j->op);
	int known = decide_pointer(a, s, j);
	struct state other;
	bool yes, no;

	state_copy(&other, s);
	yes = known != 0 && assume(a, &other, j, j->op);
	no = known != 1 && assume(a, s, j, not_op);
	if (yes && no) {
		struct trail *up = s->trail;

		other.trail =
			explore_trail(a, up, s->pc, true, lookup_of(j, j->op));
		s->trail = explore_trail(a, up, s->pc, false,
					 lookup_of(j, not_op));
	} else if (j->x.flags & VAL_LITERAL && j->x.kind == VAL_NUM) {
		other.facts.flags |= PATH_CORE_GUARD;
		s->facts.flags |= PATH_CORE_GUARD;
	}
	other.pc = to;
	s->pc++;
	if (yes && no) {
		explore_later(a, &other);
		return STEP_ON;
	}
	if (no) {
		state_release(&other);
		return STEP_ON;
	}
	if (!yes) {
		state_release(&other);
		return STEP_END; /* no such path */
	}
	state_release(s);
	*s = other;
	return STEP_ON;
}

static enum step may_goto(struct analysis *a, struct state *s, uint32_t to)
{
	struct state out;

	if (!explore_seen(a, s, true))
		return STEP_END;
	state_copy(&out, s);
	out.pc = to;
	explore_later(a, &out);
	s->facts.may_goto++;
	s->pc++;
	return STEP_ON;
}

enum step branch_step(struct analysis *a, struct state *s)
{
	const struct object_insn *in = &a->o->insns[s->pc];
	uint8_t class = BPF_CLASS(in->i.code), op = BPF_OP(in->i.code);
	uint32_t to = (uint32_t)((int64_t)s->pc + 1 + in->i.off);
	struct jump j = {
		.op = op, .is32 = class == BPF_JMP32, .dst = in->i.dst_reg};

	if (op == BPF_JA) {
		s->pc = class == BPF_JMP32
				? (uint32_t)((int64_t)s->pc + 1 + in->i.imm)
				: to;
		return STEP_ON;
	}
	if (is_may_goto(&in->i))
		return may_goto(a, s, to);
	j.x = *state_reg(a, s, in->i.dst_reg);
	j.src = -1;
	if (BPF_SRC(in->i.code) == BPF_X) {
		j.src = in->i.src_reg;
		j.y = *state_reg(a, s, in->i.src_reg);
	} else {
		j.y = val_const((uint64_t)(int64_t)in->i.imm);
	}
	if (j.x.kind == VAL_NONE)
		j.x.kind = VAL_ANY;
	compare_origins(a, s, &j);
	return both_ways(a, s, &j, to);
}
