/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One instruction: arithmetic here, the others by their class. */
#include "prove/analysis.h"
#include "prove/table.h"

/* Newer than some headers: a load that extends the sign. */
#define MODE_MEMSX 0x80

uint32_t new_id(struct analysis *a)
{
	return ++a->next_id;
}

/* ---- what arithmetic keeps besides the number ---------------------------- */

static bool is_pointer_value(const struct val *v)
{
	return val_is_pointer(v) || v->kind == VAL_ANY;
}

static struct num number_of(const struct val *v)
{
	return v->kind == VAL_NUM ? v->n : num_any(8);
}

/* The clock, a constant and the other of two. */
static int8_t time_of(uint8_t op, const struct val *x, const struct val *y)
{
	bool x_const = val_is_const(x), y_const = val_is_const(y);

	switch (op) {
	case BPF_ADD:
		if (!x->time || !y->time)
			return x->time ? x->time : y->time;
		return x->time == y->time ? x->time : 0;
	case BPF_SUB:
		/* Since something happened: a length, no point in time. */
		if (y_const)
			return x->time;
		return x_const ? (int8_t)-y->time : 0;
	case BPF_NEG:
		return (int8_t)-x->time;
	case BPF_XOR:
		return y_const && y->n.umin == UINT64_MAX ? (int8_t)-x->time
							  : 0;
	case BPF_MUL:
		if (y_const && (int64_t)y->n.umin < 0)
			return (int8_t)-x->time;
		return y_const ? x->time : 0;
	case BPF_DIV:
	case BPF_RSH:
	case BPF_LSH:
		return y_const ? x->time : 0;
	case BPF_OR:
		return y_const ? x->time : 0;
	}
	return 0;
}

static uint32_t origin_of(uint8_t op, const struct val *x, const struct val *y)
{
	if (op == BPF_ADD && (!x->origin || !y->origin))
		return x->origin ? x->origin : y->origin;
	/* What is left of two is a length. */
	if (op == BPF_SUB && !y->origin)
		return x->origin;
	return 0;
}

/* "The cluster of the CPU": what is made of one thing in one way. */
static struct sym made_of(uint8_t op, const struct sym *s, uint64_t by)
{
	uint64_t h = (uint64_t)s->sort << 56 | (uint64_t)s->which << 40 | s->at;

	h = (h ^ s->base ^ s->base >> 31) * 0x94d049bb133111ebULL;
	h = (h ^ h >> 32 ^ op) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 29 ^ by) * 0xbf58476d1ce4e5b9ULL;
	return (struct sym){.sort = SORT_MADE,
			    .which = (uint16_t)(h >> 48),
			    .at = (uint32_t)(h >> 16)};
}

/* An OR of these is a sum. */
static bool is_disjoint(const struct val *x, const struct val *y)
{
	return !((x->n.value | x->n.mask) & y->n.umin);
}

/* SCX_DSQ_LOCAL_ON, which goes with a CPU, checked or not. */
static bool names_cpu(const struct val *y)
{
	return y->n.umin >> 62 == 3;
}

/* base + thing, after adding or setting bits that were 0 */
static struct sym sym_of(uint8_t op, const struct val *x, const struct val *y)
{
	static const struct sym none;
	struct sym s = x->sym;

	if (op == BPF_ADD && !s.sort && val_is_const(x)) {
		s = y->sym;
		s.base += x->n.umin;
		return s.sort ? s : none;
	}
	if (!val_is_const(y))
		return none;
	if (!s.sort && x->id && op == BPF_OR && names_cpu(y))
		s = (struct sym){.sort = SORT_OTHER, .id = x->id};
	if (!s.sort)
		return none;
	if (s.sort == SORT_OTHER || s.sort == SORT_COUNT)
		;
	else if (op == BPF_DIV || op == BPF_MOD || op == BPF_RSH ||
		 op == BPF_LSH || op == BPF_MUL ||
		 (op == BPF_AND && x->n.umax > y->n.umin) ||
		 (op == BPF_OR && !is_disjoint(x, y) && !names_cpu(y)))
		return made_of(op, &s, y->n.umin);
	if (op == BPF_ADD)
		s.base += y->n.umin;
	else if (op == BPF_SUB)
		s.base -= y->n.umin;
	else if (op == BPF_OR && (is_disjoint(x, y) || names_cpu(y)))
		s.base += y->n.umin;
	else
		return none;
	return s;
}

static struct val alu_numbers(struct analysis *a, uint8_t op,
			      const struct val *x, const struct val *y,
			      bool is32, bool is_signed)
{
	struct num nx = number_of(x), ny = number_of(y);
	struct val r = val_num(num_alu(op, &nx, &ny, is32, is_signed));

	r.time = time_of(op, x, y);
	r.origin = origin_of(op, x, y);
	if (!is32 || (nx.umax <= INT32_MAX && r.n.umax <= INT32_MAX))
		r.sym = sym_of(op, x, y);
	r.flags = (x->flags | y->flags) & (VAL_OF_P | VAL_DOUBTED);
	if (x->kind == VAL_NUM && num_equal(&r.n, &nx) && !num_is_const(&nx) &&
	    val_is_const(y) && (op == BPF_AND || op == BPF_OR || op == BPF_ADD))
		return *x; /* the bits were so already */
	if (!num_is_const(&r.n))
		r.id = new_id(a);
	return r;
}

/* Nothing is that large: where such a pointer points is not followed. */
#define MAX_OFF (1LL << 30)

static void move_by(struct val *p, uint8_t op, int64_t by)
{
	int64_t off = 0;
	bool far = op == BPF_ADD ? __builtin_add_overflow(p->off, by, &off)
				 : __builtin_sub_overflow(p->off, by, &off);

	if (far || off > MAX_OFF || off < -MAX_OFF) {
		p->flags |= VAL_WILD;
		p->n = num_any(8);
		off = 0;
	}
	p->off = off;
}

static struct val alu_pointer(struct analysis *a, uint8_t op,
			      const struct val *x, const struct val *y,
			      bool is32)
{
	const struct val *p = is_pointer_value(x) ? x : y;
	const struct val *d = p == x ? y : x;
	struct num n = number_of(d);
	struct val r = *p;

	(void)a;
	if (is32 || (op != BPF_ADD && op != BPF_SUB) ||
	    (op == BPF_SUB && p != x) || is_pointer_value(d)) {
		r = val_num(num_any(is32 ? 4 : 8));
		r.flags = (x->flags | y->flags) & VAL_OF_P;
		return r;
	}
	if (p->kind == VAL_ANY) {
		/* A member's address is as good as the structure's. */
		if (!(r.flags & VAL_NULLABLE))
			r.id = 0;
		return r;
	}
	if (num_is_const(&n)) {
		move_by(&r, op, (int64_t)n.umin);
	} else {
		r.n = num_alu(op, &r.n, &n, false, false);
	}
	r.sym = (struct sym){0};
	return r;
}

/* Not the same number any more; a CPU is the same CPU, an error stays one. */
static struct val half(struct analysis *a, struct val r)
{
	if (r.sym.sort != SORT_CPU || r.sym.base)
		r.sym = (struct sym){.sort = r.id ? SORT_OTHER : SORT_NONE,
				     .id = r.id};
	r.id = num_is_const(&r.n) ? 0 : new_id(a);
	r.origin = 0;
	r.time = 0;
	return r;
}

/* A 32-bit copy keeps what it is if that fits. */
static struct val mov(struct analysis *a, const struct object_insn *in,
		      const struct val *y, bool is32)
{
	unsigned ext = in->i.off > 0 ? (unsigned)in->i.off / 8 : 0;
	struct val r = *y;

	if (y->kind == VAL_ANY && !is32 && !ext)
		return r;
	if (BPF_SRC(in->i.code) == BPF_X && !is32 && in->i.off == 1)
		return (struct val){.kind = VAL_ANY}; /* an arena's address */
	if (!is32 && !ext)
		return r;
	if (y->kind != VAL_NUM)
		return (struct val){.kind = VAL_NUM,
				    .n = num_any(is32 ? 4 : 8),
				    .flags = y->flags & VAL_OF_P};
	if (ext == 1 || ext == 2 || ext == 4)
		r.n = num_sign_extend(&r.n, ext);
	if (is32)
		r.n = num_trunc(&r.n, 4);
	if (num_equal(&r.n, &y->n))
		return r;
	return half(a, r);
}

/* r <<= 32; r >>= 32: the low half, with or without its sign. */
static bool is_extension(const struct analysis *a, uint32_t at, bool *sign)
{
	const struct bpf_insn *i = &a->o->insns[at].i, *n = i;

	if (i->code != (BPF_ALU64 | BPF_LSH | BPF_K) || i->imm != 32 ||
	    at + 1 >= a->o->insn_count)
		return false;
	n = &a->o->insns[at + 1].i;
	*sign = n->code == (BPF_ALU64 | BPF_ARSH | BPF_K);
	return (*sign || n->code == (BPF_ALU64 | BPF_RSH | BPF_K)) &&
	       n->imm == 32 && n->dst_reg == i->dst_reg;
}

static struct val extend(struct analysis *a, const struct val *x, bool sign)
{
	struct val r = *x;

	if (x->kind != VAL_NUM)
		return (struct val){.kind = VAL_NUM,
				    .n = num_any(sign ? 8 : 4),
				    .flags = x->flags & VAL_OF_P};
	r.n = sign ? num_sign_extend(&x->n, 4) : num_trunc(&x->n, 4);
	if (num_equal(&r.n, &x->n))
		return r;
	return half(a, r);
}

static struct val byte_swap(const struct object_insn *in, const struct val *x)
{
	unsigned bytes = (unsigned)in->i.imm / 8;
	struct num n = number_of(x);

	/* To little endian on a little endian machine: cut off. */
	if (BPF_CLASS(in->i.code) == BPF_ALU &&
	    BPF_SRC(in->i.code) == BPF_TO_LE)
		return val_num(num_trunc(&n, bytes));
	return val_num(num_any(bytes));
}

static void alu(struct analysis *a, struct state *s,
		const struct object_insn *in)
{
	uint8_t op = BPF_OP(in->i.code);
	bool is32 = BPF_CLASS(in->i.code) == BPF_ALU, sign;
	bool is_signed = (op == BPF_DIV || op == BPF_MOD) && in->i.off == 1;
	struct val x = *state_reg(a, s, in->i.dst_reg), y, r;

	if (is_extension(a, s->pc, &sign)) {
		state_set(s, in->i.dst_reg, extend(a, &x, sign));
		s->pc += 2;
		return;
	}
	if (BPF_SRC(in->i.code) == BPF_X && op != BPF_END) {
		y = *state_reg(a, s, in->i.src_reg);
	} else {
		y = val_const((uint64_t)(int64_t)in->i.imm);
		if (is32)
			y = val_const((uint32_t)in->i.imm);
		if (op == BPF_MOV) {
			y.flags |= VAL_LITERAL;
			y.site = s->pc + 1;
		}
	}
	if (op == BPF_MOV)
		r = mov(a, in, &y, is32);
	else if (op == BPF_END)
		r = byte_swap(in, &x);
	else if (op == BPF_NEG)
		r = alu_numbers(a, op, &x, &x, is32, false);
	else if (is_pointer_value(&x) || is_pointer_value(&y))
		r = alu_pointer(a, op, &x, &y, is32);
	else
		r = alu_numbers(a, op, &x, &y, is32, is_signed);
	state_set(s, in->i.dst_reg, r);
	s->pc++;
}

/* ---- loading constants --------------------------------------------------- */

/* Weak for the sake of kernels that no policy is judged for. */
static bool may_be_absent(const struct analysis *a, uint32_t which)
{
	const struct call_row *row = a->rows[which];

	return a->weak[which] &&
	       (!row || row->guard || a->o->externs[which].index < 0);
}

static void load_const(struct analysis *a, struct state *s,
		       const struct object_insn *in)
{
	struct val v = {.kind = VAL_ANY, .n = num_const(0), .site = s->pc + 1};

	v.which = (uint16_t)in->arg;
	switch (in->what) {
	case INSN_CONST:
		v = val_const(in->value);
		v.site = s->pc + 1;
		break;
	case INSN_MAP:
		v.kind = VAL_MAP;
		break;
	case INSN_MAP_VALUE:
		v.kind = VAL_VALUE;
		v.off = (int64_t)in->value;
		break;
	case INSN_FUNC:
		v.kind = VAL_FUNC;
		break;
	case INSN_KSYM:
		v.kind = VAL_SYMBOL;
		if (may_be_absent(a, in->arg) &&
		    !branch_has_symbol(a, s, in->arg)) {
			v.flags = VAL_NULLABLE;
			v.id = new_id(a);
		}
		break;
	default:
		break;
	}
	state_set(s, in->i.dst_reg, v);
	s->pc += 2;
}

static void load(struct analysis *a, struct state *s,
		 const struct object_insn *in)
{
	static const unsigned sizes[] = {4, 2, 1, 8};
	unsigned size = sizes[BPF_SIZE(in->i.code) >> 3];
	struct val p = *state_reg(a, s, in->i.src_reg), v;

	v = memory_load(a, s, &p, in->i.off, size);
	if (BPF_MODE(in->i.code) == MODE_MEMSX && v.kind == VAL_NUM) {
		v.n = num_sign_extend(&v.n, size);
		v.id = num_is_const(&v.n) ? 0 : new_id(a);
	}
	state_set(s, in->i.dst_reg, v);
	s->pc++;
}

static void store(struct analysis *a, struct state *s,
		  const struct object_insn *in)
{
	static const unsigned sizes[] = {4, 2, 1, 8};
	unsigned size = sizes[BPF_SIZE(in->i.code) >> 3];
	struct val p = *state_reg(a, s, in->i.dst_reg), v;

	if (BPF_CLASS(in->i.code) == BPF_ST)
		v = val_const((uint64_t)(int64_t)in->i.imm);
	else
		v = *state_reg(a, s, in->i.src_reg);
	if (BPF_MODE(in->i.code) == BPF_ATOMIC && in->i.imm != STORE_RELEASE) {
		struct val old = val_num(num_any(size));

		memory_check(a, s, &p, in->i.off, size, true);
		memory_clobber(s, &p, size);
		if (in->i.imm == BPF_CMPXCHG)
			state_set(s, 0, old);
		else if (in->i.imm & BPF_FETCH)
			state_set(s, in->i.src_reg, old);
	} else {
		memory_store(a, s, &p, in->i.off, size, &v);
	}
	s->pc++;
}

enum step step_insn(struct analysis *a, struct state *s)
{
	const struct object_insn *in = &a->o->insns[s->pc];

	if (in->what == INSN_POISON)
		return STEP_END; /* the kernel stops there */
	switch (BPF_CLASS(in->i.code)) {
	case BPF_ALU:
	case BPF_ALU64:
		alu(a, s, in);
		return STEP_ON;
	case BPF_LD:
		if (in->i.code == (BPF_LD | BPF_IMM | BPF_DW)) {
			load_const(a, s, in);
			return STEP_ON;
		}
		state_set(s, 0, (struct val){.kind = VAL_ANY});
		s->pc++;
		return STEP_ON;
	case BPF_LDX:
		load(a, s, in);
		return STEP_ON;
	case BPF_ST:
	case BPF_STX:
		if (is_load_acquire(&in->i))
			load(a, s, in);
		else
			store(a, s, in);
		return STEP_ON;
	}
	if (BPF_OP(in->i.code) == BPF_CALL)
		return call_step(a, s);
	if (BPF_OP(in->i.code) == BPF_EXIT)
		return call_exit(a, s);
	return branch_step(a, s);
}
