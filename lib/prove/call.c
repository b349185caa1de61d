/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls: of the object's own functions, of helpers and of kfuncs. */
#include <string.h>

#include "prove/analysis.h"
#include "prove/table.h"

/* ---- into and out of functions ------------------------------------------- */

static enum step too_deep(struct analysis *a, struct state *s)
{
	report(a, s, PROVE_BOUND, PROVE_UNKNOWN, s->pc,
	       "more than %d calls deep", MAX_FRAMES);
	a->tally.incomplete = true;
	return STEP_END;
}

static enum step call_func(struct analysis *a, struct state *s, uint32_t func)
{
	struct val args[5];

	for (int i = 0; i < 5; i++)
		args[i] = state_top(s)->r[i + 1];
	if (!state_push(s, func, s->pc))
		return too_deep(a, s);
	for (int i = 0; i < 5; i++)
		state_top(s)->r[i + 1] = args[i];
	s->pc = a->o->funcs[func].first;
	return STEP_ON;
}

static void clobber(struct state *s)
{
	struct frame *f = state_own(s, s->frames - 1);

	for (int r = 0; r < 6; r++)
		f->r[r] = (struct val){0};
}

/* A callback's arguments at the begin of a round. */
static void callback_args(struct analysis *a, struct state *s)
{
	struct frame *f = state_own(s, s->frames - 1);
	struct val v = val_num(f->count);

	for (int r = 0; r < FP; r++)
		f->r[r] = (struct val){0};
	f->slot_count = 0;
	if (f->callback == CALLBACK_LOOP) {
		v.id = new_id(a);
		v.sym = (struct sym){.sort = SORT_COUNT, .id = v.id};
		f->r[1] = v;
		f->r[2] = f->carry;
		return;
	}
	f->r[1] = (struct val){
		.kind = VAL_MAP, .which = f->carry.which, .n = num_const(0)};
	f->r[2] = (struct val){.kind = VAL_MEM, .n = num_const(0)};
	f->r[3] = (struct val){.kind = VAL_VALUE,
			       .which = f->map,
			       .n = num_const(0),
			       .id = new_id(a)};
	if (f->map == UINT16_MAX)
		f->r[3].kind = VAL_ANY;
	f->r[4] = f->carry;
}

/*
 * The function runs any number of times: on the way in, and again at the end
 * of each round, there is the path on which that was the last.
 */
static enum step callback_round(struct analysis *a, struct state *s)
{
	struct state done;
	uint32_t site = state_top(s)->site;

	state_copy(&done, s);
	state_pop(&done);
	clobber(&done);
	state_set(&done, 0, val_num(num_any(8)));
	done.pc = site + 1;
	explore_later(a, &done);
	s->pc = a->o->funcs[state_top(s)->func].first;
	callback_args(a, s);
	if (!explore_seen(a, s, true))
		return STEP_END;
	s->begun = true;
	state_own(s, s->frames - 1)->round++;
	return STEP_ON;
}

static enum step callback_begin(struct analysis *a, struct state *s,
				const struct call_row *row,
				const struct val args[5])
{
	const struct val *fn = &args[1];
	struct frame *f;

	if (fn->kind != VAL_FUNC) {
		report(a, s, PROVE_BOUND, PROVE_UNKNOWN, s->pc,
		       "%s is given a function that cannot be told here",
		       row->name);
		a->tally.incomplete = true;
		clobber(s);
		state_set(s, 0, val_num(num_any(8)));
		s->pc++;
		return STEP_ON;
	}
	if (!state_push(s, fn->which, s->pc))
		return too_deep(a, s);
	f = state_top(s);
	f->carry = args[2];
	f->callback = row->act == ACT_LOOP ? CALLBACK_LOOP : CALLBACK_EACH;
	f->map = args[0].kind == VAL_MAP ? args[0].which : UINT16_MAX;
	f->count = num_any(4);
	if (args[0].kind == VAL_NUM && args[0].n.umax)
		f->count = num_range(0, args[0].n.umax - 1);
	return callback_round(a, s);
}

enum step call_exit(struct analysis *a, struct state *s)
{
	struct frame *f = state_top(s);
	struct val r0 = f->r[0];
	uint32_t site = f->site;

	if (s->frames == 1) {
		explore_end(a, s);
		return STEP_END;
	}
	if (f->callback) {
		/* It may ask for an end: then this was the last round, and
		 * that path was begun with it. */
		if (r0.kind == VAL_NUM && r0.n.umin > 0) {
			state_pop(s);
			clobber(s);
			state_set(s, 0, val_num(num_any(8)));
			s->pc = site + 1;
			return STEP_ON;
		}
		return callback_round(a, s);
	}
	/* Addresses in this frame end with it. */
	if (r0.kind == VAL_STACK && r0.which + 1u == s->frames)
		r0 = (struct val){.kind = VAL_ANY};
	state_pop(s);
	clobber(s);
	state_set(s, 0, r0);
	s->pc = site + 1;
	return STEP_ON;
}

/* ---- iterators --------------------------------------------------------- */

static struct val *iter_slot(struct state *s, const struct val *p)
{
	struct frame *f;

	if (p->kind != VAL_STACK || p->which >= s->frames ||
	    !num_is_const(&p->n))
		return NULL;
	f = state_own(s, p->which);
	for (uint32_t i = 0; i < f->slot_count; i++)
		if (f->slots[i].off == p->off && f->slots[i].v.kind == VAL_ITER)
			return &f->slots[i].v;
	return NULL;
}

static bool is_kind(const struct analysis *a, const struct object_insn *in,
		    const char *kind)
{
	return !strncmp(a->o->externs[in->arg].name + 9, kind, strlen(kind));
}

static void iter_new(struct analysis *a, struct state *s,
		     const struct object_insn *in, const struct val args[5])
{
	struct val it = args[1];

	if (args[0].kind != VAL_STACK || args[0].which >= s->frames)
		return;
	if (is_kind(a, in, "num_")) {
		int64_t from = 0, to = INT32_MAX;
		struct num x = num_any(4), y = x;

		if (args[1].kind == VAL_NUM)
			x = num_sign_extend(&args[1].n, 4);
		if (args[2].kind == VAL_NUM)
			y = num_sign_extend(&args[2].n, 4);
		from = x.smin;
		to = y.smax > from ? y.smax - 1 : from;
		it = val_num(from < 0
				     ? num_any(4)
				     : num_range((uint64_t)from, (uint64_t)to));
	} else if (!is_kind(a, in, "scx_dsq_") || it.kind != VAL_NUM) {
		it = val_num(num_any(8));
	}
	it.kind = VAL_ITER;
	it.flags = 0;
	it.id = 0;
	stack_write(state_own(s, args[0].which), args[0].off, 8, it);
}

static enum step iter_next(struct analysis *a, struct state *s,
			   const struct object_insn *in,
			   const struct val args[5])
{
	struct val *it, v = {.kind = VAL_ANY, .n = num_const(0)};
	struct state done;

	if (!explore_seen(a, s, true))
		return STEP_END;
	state_copy(&done, s);
	clobber(&done);
	state_set(&done, 0, val_const(0));
	done.pc++;
	explore_later(a, &done);

	v.id = new_id(a);
	it = iter_slot(s, &args[0]);
	if (it) {
		it->depth++;
		if (is_kind(a, in, "num_")) {
			v.kind = VAL_COUNT;
			v.n = it->n;
		}
	}
	if (is_kind(a, in, "scx_dsq_") || is_kind(a, in, "task_"))
		v.kind = VAL_TASK;
	else if (is_kind(a, in, "css_"))
		v.kind = VAL_OBJECT;
	clobber(s);
	state_set(s, 0, v);
	s->pc++;
	return STEP_ON;
}

/* ---- helpers and kfuncs ------------------------------------------------ */

static void check_place(struct analysis *a, struct state *s,
			const struct call_row *row)
{
	const struct root *r = a->root;

	if (r->place == PLACE_UNSURE) {
		if (row->sleeps || row->places)
			report_open(a, PROVE_CONTEXT);
		return;
	}
	if (row->sleeps && !r->sleepable) {
		report(a, s, PROVE_CONTEXT, PROVE_VIOLATED, s->pc,
		       "%s may sleep and %s must not; call it in ops.init or "
		       "another program that may (SEC with .s)",
		       row->name, r->name);
		return;
	}
	if (row->places && !(row->places & r->place))
		report(a, s, PROVE_CONTEXT, PROVE_VIOLATED, s->pc,
		       "%s is not for %s; the kernel drops a policy that "
		       "calls it there",
		       row->name, r->name);
}

static void check_weak(struct analysis *a, struct state *s,
		       const struct object_insn *in)
{
	const struct object_extern *e = &a->o->externs[in->arg];
	const struct call_row *row = a->rows[in->arg];
	uint32_t order = a->weak[in->arg];

	if (row && !row->guard)
		return; /* weak, but there */
	if (!row && e->index >= 0) {
		/* Headers made from a kernel's types call all of them weak. */
		report_open(a, PROVE_WEAK);
		return;
	}
	if (!order || order > 64) {
		if (order)
			report_open(a, PROVE_WEAK);
		return;
	}
	if (branch_has_symbol(a, s, in->arg))
		return;
	/* Another test may stand for it, such as one of a type. */
	report(a, s, PROVE_WEAK,
	       s->facts.flags & PATH_CORE_GUARD ? PROVE_UNKNOWN
						: PROVE_VIOLATED,
	       s->pc,
	       "not every kernel has %s; call it only where "
	       "bpf_ksym_exists() says that it is there",
	       e->name);
}

static void check_args(struct analysis *a, struct state *s,
		       const struct call_row *row, const struct val args[5])
{
	for (int i = 0; i < 5; i++) {
		const struct val *v = &args[i];
		const struct object_insn *in;

		if (!(row->needs >> i & 1))
			continue;
		if (val_is_const(v) && !v->n.umin) {
			report(a, s, PROVE_NULL, PROVE_VIOLATED, s->pc,
			       "argument %d of %s is NULL here; test it first",
			       i + 1, row->name);
			continue;
		}
		if (!(v->flags & VAL_NULLABLE) || v->kind == VAL_NUM)
			continue;
		in = v->site ? &a->o->insns[v->site - 1] : NULL;
		if (in && BPF_CLASS(in->i.code) != BPF_LDX)
			report(a, s, PROVE_NULL, PROVE_VIOLATED, s->pc,
			       "argument %d of %s may be NULL: the call at "
			       "line %u may find nothing; test it first",
			       i + 1, row->name, line_of(a, v->site - 1));
		else
			report(a, s, PROVE_NULL, PROVE_VIOLATED, s->pc,
			       "argument %d of %s may be NULL; test it first",
			       i + 1, row->name);
		branch_null(a, s, v, false);
	}
}

/* A constant index that an array has is always found. */
static bool always_found(const struct analysis *a, const struct state *s,
			 const struct val args[5])
{
	const struct object_map *m;
	struct val key;

	if (args[0].kind != VAL_MAP || args[1].kind != VAL_STACK ||
	    args[1].which >= s->frames || !num_is_const(&args[1].n))
		return false;
	m = &a->o->maps[args[0].which];
	if (m->type != BPF_MAP_TYPE_ARRAY &&
	    m->type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return false;
	key = stack_read(s->f[args[1].which], args[1].off, 4);
	return key.kind == VAL_NUM && key.n.umax < m->max_entries;
}

static struct val value_of(const struct analysis *a, const struct val args[5])
{
	struct val v = {.kind = VAL_ANY, .n = num_const(0)};
	const struct object_map *m;

	if (args[0].kind != VAL_MAP)
		return v;
	m = &a->o->maps[args[0].which];
	if (m->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    m->type == BPF_MAP_TYPE_HASH_OF_MAPS)
		return v;
	v.kind = VAL_VALUE;
	v.which = args[0].which;
	v.flags = args[1].flags & VAL_OF_P;
	return v;
}

static struct val result(struct analysis *a, const struct state *s,
			 const struct call_row *row, const struct val args[5])
{
	struct val v = val_num(num_any(8));

	switch (row->ret) {
	case RET_ANY:
		v.kind = VAL_ANY;
		break;
	case RET_BOOL:
		v.n = num_range(0, 1);
		break;
	case RET_STATUS:
		v.n = num_srange(-4095, 0);
		break;
	case RET_CPU:
		v.n = num_range(0, MAX_CPU);
		break;
	case RET_CPU_ERR: /* the upper half is anything */
		v.n = num_any(4);
		break;
	case RET_NOW:
		v.time = 1;
		v.origin = ORIGIN_NOW;
		break;
	case RET_TASK:
	case RET_TASK_NULL:
		v.kind = VAL_TASK;
		break;
	case RET_MASK:
		v.kind = VAL_MASK;
		break;
	case RET_OBJECT:
	case RET_OBJECT_NULL:
		v.kind = VAL_OBJECT;
		break;
	case RET_VALUE_NULL:
		v = value_of(a, args);
		if (!always_found(a, s, args))
			v.flags |= VAL_NULLABLE;
		break;
	case RET_MEM_NULL:
		v.kind = VAL_MEM;
		v.flags = VAL_NULLABLE;
		if (val_is_const(&args[1]) && args[1].n.umin < INT32_MAX)
			v.size = (uint32_t)args[1].n.umin;
		break;
	case RET_SAME_NULL:
		v = args[0];
		v.flags |= VAL_NULLABLE;
		break;
	}
	if (row->ret == RET_TASK_NULL || row->ret == RET_OBJECT_NULL)
		v.flags |= VAL_NULLABLE;
	if (v.kind != VAL_NUM && row->ret != RET_SAME_NULL)
		v.n = num_const(0);
	v.site = s->pc + 1;
	/* The same task by another reference is still the same. */
	if (row->ret != RET_SAME_NULL || v.kind != VAL_TASK)
		v.id = new_id(a);
	if (row->ret == RET_CPU || row->ret == RET_CPU_ERR)
		v.sym = (struct sym){.sort = SORT_CPU, .id = v.id};
	return v;
}

static enum step call_known(struct analysis *a, struct state *s,
			    const struct object_insn *in,
			    const struct call_row *row,
			    const struct val args[5])
{
	struct val r0;

	check_place(a, s, row);
	check_args(a, s, row, args);
	switch (row->act) {
	case ACT_LOOP:
	case ACT_EACH:
		return callback_begin(a, s, row, args);
	case ACT_ITER_NEXT:
		return iter_next(a, s, in, args);
	}
	r0 = result(a, s, row, args);
	if (row->act == ACT_ITER_NEW)
		iter_new(a, s, in, args);
	else if (row->act == ACT_ITER_END)
		memory_clobber(s, &args[0], 8);
	else
		action_do(a, s, row, args, &r0);
	clobber(s);
	state_set(s, 0, r0);
	s->pc++;
	return STEP_ON;
}

/* Anything that it was given a pointer to may have changed. */
static void call_unknown(struct analysis *a, struct state *s,
			 const struct object_insn *in, const struct val args[5])
{
	unsigned n = flow_args(a, in);
	struct val r0 = {.kind = VAL_ANY, .id = new_id(a)};

	for (unsigned i = 0; i < n; i++) {
		const struct val *v = &args[i];

		memory_clobber(s, v, 0);
		if (v->kind == VAL_FUNC)
			root_callback(a, v->which, "a callback", "?????", -1,
				      PLACE_UNSURE);
	}
	if (in->what == INSN_CALL_HELPER)
		r0 = val_num(num_any(8));
	clobber(s);
	state_set(s, 0, r0);
	s->pc++;
}

enum step call_step(struct analysis *a, struct state *s)
{
	const struct object_insn *in = &a->o->insns[s->pc];
	const struct call_row *row = NULL;
	struct val args[5];

	for (int i = 0; i < 5; i++)
		args[i] = state_top(s)->r[i + 1];
	if (in->what == INSN_CALL_FUNC)
		return call_func(a, s, in->arg);
	if (in->what == INSN_CALL_KFUNC) {
		row = a->rows[in->arg];
		check_weak(a, s, in);
	} else if (in->what == INSN_CALL_HELPER) {
		row = call_helper(in->arg);
	}
	if (row)
		return call_known(a, s, in, row, args);
	call_unknown(a, s, in, args);
	return STEP_ON;
}
