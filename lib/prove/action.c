/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the calls of a scheduler do to tasks and queues. */
#include <linux/bpf.h>

#include "prove/analysis.h"
#include "prove/table.h"

#define DSQ_LOCAL_ON  (3ULL << 62)
#define KICK_PREEMPT  2
#define LONGEST_SLICE 1000000000ULL

/* ---- slices ------------------------------------------------------------ */

static void slice_endless(struct analysis *a, const struct state *s,
			  uint64_t ns)
{
	const size_t max = sizeof(a->endless) / sizeof(a->endless[0]);

	for (size_t i = 0; i < a->endless_count; i++)
		if (a->endless[i].insn == s->pc)
			return;
	if (s->facts.flags & PATH_VAGUE || a->endless_count == max) {
		report(a, s, PROVE_SLICE, PROVE_UNKNOWN, s->pc,
		       "this slice may be 0 or endless");
		return;
	}
	a->endless[a->endless_count].insn = s->pc;
	a->endless[a->endless_count++].ns = ns;
}

void action_slice(struct analysis *a, struct state *s, const struct val *v,
		  bool store)
{
	const struct num any = num_any(8),
			 *n = v->kind == VAL_NUM ? &v->n : &any;

	if (n->umin == UINT64_MAX) {
		slice_endless(a, s, n->umin);
	} else if (n->umin > LONGEST_SLICE) {
		report(a, s, PROVE_SLICE, PROVE_VIOLATED, s->pc,
		       "a slice of at least %.3g s: nobody else runs on that "
		       "CPU meanwhile; 20 ms is usual",
		       (double)n->umin / 1e9);
	} else if (!n->umax) {
		/* Taking the rest of a slice away is a way to preempt. */
		if (!store || a->root->begins)
			slice_endless(a, s, 0);
	} else if (!n->umin || n->umax == UINT64_MAX) {
		report(a, s, PROVE_SLICE, PROVE_UNKNOWN, s->pc,
		       "this slice may be 0 or endless as far as can be told; "
		       "bound it on both sides");
	}
}

/* ---- affinity ---------------------------------------------------------- */

static uint32_t cpu_id(const struct val *v)
{
	if (val_is_const(v))
		return ID_CONST | (uint32_t)(v->n.umin);
	if (v->sym.sort && !v->sym.base)
		return v->sym.id;
	return v->id;
}

static void affinity(struct analysis *a, struct state *s, const struct val *p,
		     const struct val *dsq)
{
	const struct num *n = &dsq->n;
	enum prove_answer answer = PROVE_VIOLATED;
	uint32_t id;

	if (dsq->kind != VAL_NUM || n->mask >> 62 || n->value >> 62 != 3) {
		if (dsq->kind != VAL_NUM || (n->value | n->mask) >> 62 == 3)
			report_open(a, PROVE_AFFINITY);
		return;
	}
	id = num_is_const(n) ? ID_CONST | (uint32_t)(n->umin & ~DSQ_LOCAL_ON)
	     : dsq->sym.sort && dsq->sym.base == DSQ_LOCAL_ON ? dsq->sym.id
							      : 0;
	if (id && p->kind == VAL_TASK && state_allows(s, id, p->id))
		return;
	if (!id || p->kind != VAL_TASK || dsq->sym.sort == SORT_LOAD ||
	    dsq->flags & VAL_DOUBTED)
		answer = PROVE_UNKNOWN;
	report(a, s, PROVE_AFFINITY, answer, s->pc,
	       "%s: inserting a task where it may not run drops the policy; "
	       "test bpf_cpumask_test_cpu(cpu, p->cpus_ptr) before",
	       num_is_const(n) ? "this CPU is chosen whether or not the task "
				 "may run there"
	       : answer == PROVE_VIOLATED
		       ? "nothing says that the task may run on this CPU"
		       : "whether the task may run on this CPU cannot be told");
}

/* ---- inserting --------------------------------------------------------- */

static void custody(struct analysis *a, struct state *s, const struct val *p)
{
	struct facts *f = &s->facts;

	if (!(a->root->place & (PLACE_SELECT | PLACE_ENQUEUE)))
		return;
	if (p->kind != VAL_TASK) {
		f->flags |= PATH_MAYBE_INSERTED;
		return;
	}
	if (!(p->flags & VAL_IS_P))
		return;
	if (f->inserted)
		report(a, s, PROVE_CUSTODY, PROVE_VIOLATED, s->pc,
		       "the task was inserted already, at line %u; insert it "
		       "once on every path",
		       line_of(a, f->inserted_at));
	else
		f->inserted_at = s->pc;
	f->inserted = f->inserted ? 2 : 1;
}

/* Keys and flags that make the order a strange one. */
static void order(struct analysis *a, const struct state *s,
		  const struct val *key, const struct val *flags)
{
	struct tally *t = &a->tally;

	t->inserts++;
	if (flags && flags->kind == VAL_NUM &&
	    flags->n.value & a->layout.enq_head) {
		t->heads++;
		t->head_at = s->pc;
	}
	if (!key || key->kind != VAL_NUM)
		return;
	t->keyed++;
	t->keyed_at = s->pc;
	t->keyed_const += num_is_const(&key->n);
	if (key->origin)
		origins_add(&a->keys, key->origin, 0, s->pc);
	if (key->time < 0)
		report(a, s, PROVE_ORDER, PROVE_VIOLATED, s->pc,
		       "this key gets smaller as time goes by: the newest is "
		       "always first and the oldest may wait for ever; use "
		       "the time itself");
}

static void insert(struct analysis *a, struct state *s, const struct val *p,
		   const struct val *dsq, const struct val *slice,
		   const struct val *key, const struct val *flags)
{
	custody(a, s, p);
	affinity(a, s, p, dsq);
	action_slice(a, s, slice, false);
	order(a, s, key, flags);
	use_add(a, USE_INSERT, s->pc, dsq);
}

static void insert_args(struct analysis *a, struct state *s,
			const struct val args[5])
{
	struct val v[4];

	for (int i = 0; i < 4; i++)
		v[i] = memory_load(a, s, &args[1], 8 * i, 8);
	insert(a, s, &args[0], &v[0], &v[1], &v[2], &v[3]);
}

static void move(struct analysis *a, struct state *s, const struct val args[5])
{
	struct val it = {.kind = VAL_ANY};

	if (args[0].kind == VAL_STACK && args[0].which < s->frames &&
	    num_is_const(&args[0].n))
		it = stack_read(s->f[args[0].which], args[0].off, 8);
	if (it.kind == VAL_ITER)
		it.kind = VAL_NUM;
	use_add(a, USE_TAKE, s->pc, &it);
	custody(a, s, &args[1]);
	affinity(a, s, &args[1], &args[2]);
	use_add(a, USE_INSERT, s->pc, &args[2]);
}

/* ---- keeping ----------------------------------------------------------- */

static void kept(struct state *s)
{
	s->facts.flags |= PATH_KEPT;
}

/*
 * The task or its pid goes into a map, which may be full: a path on which it
 * is kept, and one on which it is not.
 */
static void park(struct analysis *a, struct state *s, const struct val args[5],
		 uint8_t flags, struct val *r0)
{
	struct state failed;

	if (a->root->place != PLACE_ENQUEUE || !(flags & VAL_OF_P))
		return;
	if (args[0].kind == VAL_MAP) {
		a->tally.pushed[args[0].which] = true;
		a->tally.pushed_at[args[0].which] = s->pc;
	}
	state_copy(&failed, s);
	failed.facts.lost_at = s->pc + 1;
	failed.trail = explore_trail(a, s->trail, s->pc, true, 0);
	for (int r = 0; r < 6; r++)
		state_set(&failed, (unsigned)r, (struct val){0});
	state_set(&failed, 0, val_num(num_srange(-4095, -1)));
	failed.pc++;
	explore_later(a, &failed);
	kept(s);
	*r0 = val_const(0);
}

static uint64_t value_size(const struct analysis *a, const struct val *map)
{
	return map->kind == VAL_MAP ? a->o->maps[map->which].value_size : 0;
}

static uint64_t key_size(const struct analysis *a, const struct val *map)
{
	return map->kind == VAL_MAP ? a->o->maps[map->which].key_size : 0;
}

static void keep(struct analysis *a, struct state *s,
		 const struct call_row *row, const struct val args[5],
		 struct val *r0)
{
	uint8_t flags = 0;

	switch (row->act) {
	case ACT_PUSH:
		flags = memory_flags(s, &args[1], value_size(a, &args[0]));
		park(a, s, args, flags, r0);
		return;
	case ACT_UPDATE:
		flags = memory_flags(s, &args[1], key_size(a, &args[0])) |
			memory_flags(s, &args[2], value_size(a, &args[0]));
		park(a, s, args, flags, r0);
		return;
	case ACT_XCHG:
		r0->flags |= args[0].flags & VAL_OF_P;
		if (args[1].kind != VAL_NUM && args[1].flags & VAL_OF_P)
			kept(s);
		return;
	case ACT_NODE:
		if (args[1].flags & VAL_OF_P || s->facts.flags & PATH_P_WRITTEN)
			kept(s);
		else
			s->facts.flags |= PATH_MAYBE_KEPT;
		if (args[2].kind == VAL_FUNC)
			root_callback(a, args[2].which,
				      "the comparison of a tree", "kk", -1,
				      PLACE_UNSURE);
		return;
	case ACT_OUTPUT:
		flags = memory_flags(s, &args[row->helper == 130], 0);
		if (flags & VAL_OF_P || s->facts.flags & PATH_P_WRITTEN)
			kept(s);
		return;
	}
}

/* ---- all of them ------------------------------------------------------- */

static void cpus(struct analysis *a, struct state *s,
		 const struct call_row *row, const struct val args[5],
		 struct val *r0)
{
	const struct val *mask = &args[row->arg];

	(void)a;
	if (row->act == ACT_OF_TASK) {
		if (args[0].kind == VAL_TASK)
			state_allow(s, r0->id, args[0].id);
		memory_clobber(s, &args[3], 1);
	} else if (row->act == ACT_OF_MASK) {
		if (mask->kind == VAL_MASK && mask->flags & VAL_OF_P)
			state_allow(s, r0->id, mask->id);
	} else if (args[1].kind == VAL_MASK && args[1].flags & VAL_OF_P) {
		r0->test_cpu = cpu_id(&args[0]);
		r0->test_task = args[1].id;
	}
}

static void kick(struct analysis *a, const struct val args[5])
{
	bool preempts =
		args[1].kind == VAL_NUM && args[1].n.value & KICK_PREEMPT;

	if (preempts && (a->root->place == PLACE_TIMER || a->root->is_tick))
		a->tally.kicks = true;
}

static void forget(struct analysis *a, struct state *s,
		   const struct call_row *row, const struct val args[5])
{
	if (row->act == ACT_FILL) {
		memory_clobber(s, &args[0],
			       val_is_const(&args[1]) ? args[1].n.umin : 0);
		return;
	}
	memory_clobber(s, &args[1], value_size(a, &args[0]));
	if (row->act == ACT_PEEK)
		return;
	if (args[0].kind == VAL_MAP)
		a->tally.popped[args[0].which] = true;
	else
		a->tally.popped_unknown = true;
}

void action_do(struct analysis *a, struct state *s, const struct call_row *row,
	       const struct val args[5], struct val *r0)
{
	int map = args[0].kind == VAL_VALUE ? args[0].which : -1;

	switch (row->act) {
	case ACT_INSERT:
		insert(a, s, &args[0], &args[1], &args[2], NULL, &args[3]);
		return;
	case ACT_INSERT_VTIME:
		insert(a, s, &args[0], &args[1], &args[2], &args[3], &args[4]);
		return;
	case ACT_INSERT_ARGS:
		insert_args(a, s, args);
		return;
	case ACT_MOVE:
		move(a, s, args);
		return;
	case ACT_TAKE:
		use_add(a, USE_TAKE, s->pc, &args[0]);
		return;
	case ACT_CREATE:
		use_add(a, USE_CREATE, s->pc, &args[0]);
		return;
	case ACT_KICK:
		kick(a, args);
		return;
	case ACT_SET_SLICE:
		action_slice(a, s, &args[1], true);
		return;
	case ACT_SET_VTIME:
		origins_add(&a->stores, ORIGIN_FIELD(a->layout.dsq_vtime),
			    args[1].origin, s->pc);
		return;
	case ACT_TEST_CPU:
	case ACT_OF_MASK:
	case ACT_OF_TASK:
		cpus(a, s, row, args, r0);
		return;
	case ACT_POP:
	case ACT_PEEK:
	case ACT_FILL:
		forget(a, s, row, args);
		return;
	case ACT_TIMER:
	case ACT_WORK:
		if (args[1].kind == VAL_FUNC)
			root_callback(a, args[1].which,
				      row->act == ACT_TIMER ? "a timer"
							    : "a work queue",
				      "MKV", map,
				      row->act == ACT_TIMER ? PLACE_TIMER
							    : PLACE_SYSCALL);
		else
			a->tally.incomplete = true;
		return;
	case ACT_ERROR:
		kept(s); /* the policy ends, the kernel takes all tasks */
		return;
	default:
		keep(a, s, row, args, r0);
	}
}
