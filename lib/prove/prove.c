/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prove/prove.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "prove/analysis.h"
#include "prove/table.h"

#define MAX_TIMEOUT_MS 30000

const char *const prove_rule_names[PROVE_RULES] = {
	"custody", "drain",   "affinity", "bound",  "null", "weak",
	"slice",   "timeout", "context",  "memory", "order"};

/*
 * The members of the ops: their arguments, a letter each (see memory.c):
 * p the task it is about, t another one, T another or NULL, c a CPU, v the
 * previous one, m a mask, k another kernel object, s a number.
 */
static const struct {
	const char *name, *args;
	uint16_t place;
	bool regular;
} ops[] = {
	{"select_cpu", "pvs", PLACE_SELECT, true},
	{"enqueue", "ps", PLACE_ENQUEUE, true},
	{"dequeue", "ps", PLACE_OP, true},
	{"dispatch", "cT", PLACE_DISPATCH, true},
	{"tick", "p", PLACE_OP, true},
	{"runnable", "ps", PLACE_OP, true},
	{"running", "p", PLACE_OP, true},
	{"stopping", "ps", PLACE_OP, true},
	{"quiescent", "ps", PLACE_OP, true},
	{"yield", "pT", PLACE_OP, true},
	{"core_sched_before", "tt", PLACE_OP, true},
	{"set_weight", "ps", PLACE_OP, true},
	{"set_cpumask", "pm", PLACE_OP, true},
	{"update_idle", "cs", PLACE_OP, true},
	{"cpu_acquire", "ck", PLACE_OP, true},
	{"cpu_release", "ck", PLACE_RELEASE, true},
	{"init_task", "pk", PLACE_UNLOCKED, false},
	{"exit_task", "pk", PLACE_OP, false},
	{"enable", "p", PLACE_OP, false},
	{"disable", "p", PLACE_OP, false},
	{"dump", "k", PLACE_UNLOCKED, false},
	{"dump_cpu", "kcs", PLACE_UNLOCKED, false},
	{"dump_task", "kp", PLACE_UNLOCKED, false},
	{"cgroup_init", "kk", PLACE_UNLOCKED, false},
	{"cgroup_exit", "k", PLACE_UNLOCKED, false},
	{"cgroup_prep_move", "pkk", PLACE_UNLOCKED, false},
	{"cgroup_move", "pkk", PLACE_OP, false},
	{"cgroup_cancel_move", "pkk", PLACE_UNLOCKED, false},
	{"cgroup_set_weight", "ks", PLACE_UNLOCKED, false},
	{"cgroup_set_bandwidth", "ksss", PLACE_UNLOCKED, false},
	{"cgroup_set_idle", "ks", PLACE_UNLOCKED, false},
	{"cpu_online", "c", PLACE_UNLOCKED, false},
	{"cpu_offline", "c", PLACE_UNLOCKED, false},
	{"init", "", PLACE_UNLOCKED, false},
	{"exit", "k", PLACE_UNLOCKED, false},
};

/* ---- the kernel's types ------------------------------------------------ */

static const struct btf_type *skip(const struct btf *b, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(b, id);

	for (int i = 0; i < 32 && t && (btf_is_mod(t) || btf_is_typedef(t));
	     i++)
		t = btf__type_by_id(b, t->type);
	return t;
}

/* Offset in bytes of a member; *type is its type.  -1: none. */
static int64_t member(const struct btf *b, const struct btf_type *t,
		      const char *name, uint32_t *type)
{
	const struct btf_member *m;

	if (!t || !btf_is_composite(t))
		return -1;
	m = btf_members(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *n = btf__name_by_offset(b, m[i].name_off);

		if (!n || strcmp(n, name))
			continue;
		if (type)
			*type = m[i].type;
		return btf_member_bit_offset(t, i) / 8;
	}
	return -1;
}

static uint64_t enumerator(const struct btf *b, const char *name)
{
	for (uint32_t id = 1; id < btf__type_cnt(b); id++) {
		const struct btf_type *t = btf__type_by_id(b, id);

		for (uint32_t i = 0; i < btf_vlen(t); i++) {
			uint32_t off;
			uint64_t value;

			if (btf_is_enum(t)) {
				off = btf_enum(t)[i].name_off;
				value = (uint32_t)btf_enum(t)[i].val;
			} else if (btf_is_enum64(t)) {
				off = btf_enum64(t)[i].name_off;
				value = btf_enum64_value(&btf_enum64(t)[i]);
			} else {
				break;
			}
			if (!strcmp(btf__name_by_offset(b, off), name))
				return value;
		}
	}
	return 0;
}

static void find_layout(struct analysis *a)
{
	const struct btf *b = a->opts ? a->opts->types : NULL;
	struct layout *l = &a->layout;
	const struct btf_type *task, *scx;
	uint32_t type = 0;
	int64_t at;
	int id;

	*l = (struct layout){false, -1, -1, -1, -1, -1, -1, -1, -1, 0};
	id = b ? btf__find_by_name_kind(b, "task_struct", BTF_KIND_STRUCT) : -1;
	if (id < 0)
		return;
	task = btf__type_by_id(b, (uint32_t)id);
	l->known = true;
	l->cpus_ptr = member(b, task, "cpus_ptr", NULL);
	l->pid = member(b, task, "pid", NULL);
	l->tgid = member(b, task, "tgid", NULL);
	l->real_parent = member(b, task, "real_parent", NULL);
	l->group_leader = member(b, task, "group_leader", NULL);
	l->enq_head = enumerator(b, "SCX_ENQ_HEAD");
	at = member(b, task, "scx", &type);
	if (at < 0)
		return;
	scx = skip(b, type);
	l->slice = member(b, scx, "slice", NULL);
	l->dsq_vtime = member(b, scx, "dsq_vtime", NULL);
	l->weight = member(b, scx, "weight", NULL);
	l->slice += l->slice < 0 ? 0 : at;
	l->dsq_vtime += l->dsq_vtime < 0 ? 0 : at;
	l->weight += l->weight < 0 ? 0 : at;
}

/* ---- preparing --------------------------------------------------------- */

static void find_externs(struct analysis *a)
{
	const struct object *o = a->o;
	uint32_t order = 0;

	a->weak = mem_zalloc(o->extern_count + 1, sizeof(*a->weak));
	a->rows = mem_zalloc(o->extern_count + 1, sizeof(*a->rows));
	for (size_t i = 0; i < o->extern_count; i++) {
		if (o->externs[i].weak)
			a->weak[i] = ++order;
		if (o->externs[i].is_func)
			a->rows[i] = call_kfunc(o->externs[i].name);
	}
}

/* The variables that the caller is going to set; const only in name. */
static void find_later(struct analysis *a)
{
	const char *const *names = a->opts ? a->opts->later : NULL;
	const struct btf *b = a->o->btf;
	size_t n = 0;

	while (names && names[n])
		n++;
	a->later = mem_zalloc(n + 1, sizeof(*a->later));
	for (uint32_t id = 1; n && id < btf__type_cnt(b); id++) {
		const struct btf_type *t = btf__type_by_id(b, id);
		const struct btf_var_secinfo *v;
		int map;

		if (!btf_is_datasec(t))
			continue;
		map = object_map(a->o, btf__name_by_offset(b, t->name_off));
		v = btf_var_secinfos(t);
		for (uint32_t i = 0; map >= 0 && i < btf_vlen(t); i++) {
			const struct btf_type *var =
				btf__type_by_id(b, v[i].type);
			const char *name =
				var ? btf__name_by_offset(b, var->name_off)
				    : NULL;

			for (size_t k = 0; name && k < n; k++)
				if (!strcmp(names[k], name) &&
				    a->later_count < n)
					a->later[a->later_count++] =
						(struct later){
							map, v[i].offset,
							(int64_t)v[i].offset +
								v[i].size};
		}
	}
}

static bool begins(const char *op)
{
	return !strcmp(op, "running") || !strcmp(op, "enqueue") ||
	       !strcmp(op, "select_cpu");
}

static void find_roots(struct analysis *a)
{
	const struct object *o = a->o;

	/* One for each function and place at most: see root_add(). */
	a->roots = mem_zalloc(o->func_count * PLACES, sizeof(*a->roots));
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		int func = object_op(o, ops[i].name);

		if (func >= 0)
			root_add(
				a,
				&(struct root){
					.func = func,
					.name = ops[i].name,
					.args = ops[i].args,
					.by_ctx = true,
					.regular = ops[i].regular,
					.sleepable = o->funcs[func].sleepable,
					.is_tick = !strcmp(ops[i].name, "tick"),
					.begins = begins(ops[i].name),
					.place = ops[i].place,
					.map = -1});
	}
	for (size_t i = 0; i < o->func_count; i++) {
		const struct object_func *f = &o->funcs[i];
		bool syscall = f->kind == FUNC_SYSCALL;

		if (f->kind == FUNC_SUBPROG || f->kind == FUNC_STRUCT_OPS)
			continue;
		root_add(a, &(struct root){.func = (int)i,
					   .name = f->name,
					   .args = "????????",
					   .by_ctx = !syscall,
					   .sleepable = syscall || f->sleepable,
					   .place = syscall ? PLACE_SYSCALL
							    : PLACE_TRACE,
					   .map = -1});
	}
}

/* ---- the whole --------------------------------------------------------- */

static void judge_timeout(struct analysis *a)
{
	uint32_t ms = a->o->ops.timeout_ms;

	if (!ms)
		report(a, NULL, PROVE_TIMEOUT, PROVE_VIOLATED, UINT32_MAX,
		       "timeout_ms is not set: a task may wait 30 s before "
		       "the kernel drops the policy; set .timeout_ms in %s",
		       a->o->ops.variable);
	else if (ms > MAX_TIMEOUT_MS)
		report(a, NULL, PROVE_TIMEOUT, PROVE_VIOLATED, UINT32_MAX,
		       "timeout_ms is %u, and the kernel takes at most %d; "
		       "set a smaller one",
		       ms, MAX_TIMEOUT_MS);
}

static int by_rule(const void *x, const void *y)
{
	const struct prove_finding *f = x, *g = y;

	if (f->answer != g->answer)
		return f->answer < g->answer ? -1 : 1;
	if (f->rule != g->rule)
		return f->rule < g->rule ? -1 : 1;
	return (f->line > g->line) - (f->line < g->line);
}

static void answer(const struct analysis *a)
{
	struct prove_result *out = a->out;

	for (int i = 0; i < PROVE_RULES; i++) {
		bool open = a->open[i] ||
			    (a->tally.incomplete && i != PROVE_TIMEOUT);

		out->answers[i] = a->violated[i] ? PROVE_VIOLATED
				  : open	 ? PROVE_UNKNOWN
						 : PROVE_PROVED;
	}
	if (out->count)
		qsort(out->findings, out->count, sizeof(*out->findings),
		      by_rule);
}

static void release(struct analysis *a)
{
	free(a->flow);
	free(a->weak);
	free(a->rows);
	free(a->later);
	free(a->roots);
	free(a->uses);
	free(a->stores.v);
	free(a->compares.v);
	free(a->keys.v);
	free(a->tally.pushed);
	free(a->tally.popped);
	free(a->tally.pushed_at);
}

int prove_object(const struct object *o, const struct prove_opts *opts,
		 struct prove_result *out)
{
	struct analysis a = {.o = o, .opts = opts, .out = out};
	size_t maps = o->map_count + 1;

	*out = (struct prove_result){0};
	if (!o->has_ops)
		return err_set(EINVAL, "there is no struct sched_ext_ops in "
				       "it: nothing to prove; put one into "
				       "SEC(\".struct_ops.link\")");
	if (o->map_count > UINT16_MAX || o->func_count > UINT16_MAX ||
	    o->extern_count > UINT16_MAX)
		return err_set(EINVAL, "too many maps or functions to prove "
				       "anything");
	a.tally.pushed = mem_zalloc(maps, sizeof(bool));
	a.tally.popped = mem_zalloc(maps, sizeof(bool));
	a.tally.pushed_at = mem_zalloc(maps, sizeof(uint32_t));
	find_layout(&a);
	find_externs(&a);
	find_later(&a);
	find_roots(&a);
	flow_find(&a);
	explore(&a);
	queue_judge(&a);
	judge_timeout(&a);
	answer(&a);
	release(&a);
	return 0;
}

void prove_result_release(struct prove_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->findings[i].text);
	free(r->findings);
	*r = (struct prove_result){0};
}
