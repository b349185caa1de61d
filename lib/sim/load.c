/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/load_make.h"

#define MAX_NOTES 64

/* Room for one more of n: arrays here double when n is a power of two. */
static void *more(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	return mem_realloc(array, n ? 2 * n : 1, size);
}

struct load *load_new(const char *name)
{
	struct load *l = mem_zalloc(1, sizeof(*l));

	l->name = mem_strdup(name);
	l->notes = json_array();
	load_add_cgroup(l, "", 0, 100);
	return l;
}

void load_free(struct load *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->task_count; i++) {
		struct load_task *t = &l->tasks[i];

		for (size_t j = 0; j < t->op_count; j++)
			free(t->ops[j].dist.table);
		free(t->ops);
		free(t->name);
	}
	for (size_t i = 0; i < l->group_count; i++)
		free(l->groups[i].name);
	for (size_t i = 0; i < l->metric_count; i++)
		free(l->metrics[i].name);
	for (size_t i = 0; i < l->cgroup_count; i++)
		free(l->cgroups[i].name);
	free(l->tasks);
	free(l->groups);
	free(l->metrics);
	free(l->sems);
	free(l->cgroups);
	free(l->masks);
	free(l->events);
	json_free(l->identities);
	json_free(l->costs);
	json_free(l->notes);
	free(l->name);
	free(l);
}

uint32_t load_add_group(struct load *l, const char *name)
{
	l->groups = more(l->groups, l->group_count, sizeof(*l->groups));
	l->groups[l->group_count].name = mem_strdup(name);
	return (uint32_t)l->group_count++;
}

uint32_t load_add_task(struct load *l, const char *name, uint32_t group)
{
	l->tasks = more(l->tasks, l->task_count, sizeof(*l->tasks));
	l->tasks[l->task_count] = (struct load_task){
		.name = mem_strdup(name),
		.group = group,
		.mask = -1,
		.instances = 1,
	};
	return (uint32_t)l->task_count++;
}

struct load_op *load_add_op(struct load *l, uint32_t task, enum load_what what)
{
	struct load_task *t = &l->tasks[task];

	t->ops = more(t->ops, t->op_count, sizeof(*t->ops));
	t->ops[t->op_count] = (struct load_op){.what = what};
	return &t->ops[t->op_count++];
}

uint32_t load_add_sem(struct load *l, uint32_t initial, bool lossy)
{
	l->sems = more(l->sems, l->sem_count, sizeof(*l->sems));
	l->sems[l->sem_count] = (struct load_sem){initial, lossy};
	return (uint32_t)l->sem_count++;
}

uint32_t load_add_metric(struct load *l, const char *name)
{
	l->metrics = more(l->metrics, l->metric_count, sizeof(*l->metrics));
	l->metrics[l->metric_count].name = mem_strdup(name);
	return (uint32_t)l->metric_count++;
}

uint32_t load_add_mask(struct load *l, const struct load_mask *m)
{
	l->masks = more(l->masks, l->mask_count, sizeof(*l->masks));
	l->masks[l->mask_count] = *m;
	return (uint32_t)l->mask_count++;
}

uint32_t load_add_cgroup(struct load *l, const char *name, uint32_t parent,
			 uint32_t weight)
{
	l->cgroups = more(l->cgroups, l->cgroup_count, sizeof(*l->cgroups));
	l->cgroups[l->cgroup_count] = (struct load_cgroup){
		.name = mem_strdup(name),
		.parent = parent,
		.weight = weight,
	};
	return (uint32_t)l->cgroup_count++;
}

void load_add_event(struct load *l, uint64_t at_ns, enum load_event_what what,
		    uint32_t cpu)
{
	l->events = more(l->events, l->event_count, sizeof(*l->events));
	l->events[l->event_count++] = (struct load_event){at_ns, what, cpu};
}

uint64_t load_ns(double ns)
{
	if (!(ns > 0))
		return 0;
	return ns < (double)LOAD_MAX_NS ? (uint64_t)ns : LOAD_MAX_NS;
}

void load_op_ns(struct load *l, uint32_t task, enum load_what what, uint64_t ns)
{
	load_add_op(l, task, what)->dist.ns = ns;
}

void load_op_obj(struct load *l, uint32_t task, enum load_what what,
		 uint32_t obj)
{
	struct load_op *op = load_add_op(l, task, what);

	op->obj = obj;
	if (what == LOAD_POST)
		op->n = 1;
}

void load_op_loop(struct load *l, uint32_t task, size_t to, int32_t n)
{
	struct load_op *op = load_add_op(l, task, LOAD_LOOP);

	op->obj = (uint32_t)to;
	op->n = n;
}

void load_note(struct load *l, const char *fmt, ...)
{
	unsigned room = MAX_NOTES;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_each (note, l->notes) {
		if (!strcmp(json_as_string(note, ""), text) || !--room)
			return;
	}
	json_add(l->notes, json_string(text));
}

/* ---- durations --------------------------------------------------------- */

/* In integers only: floating point may be contracted, and differ. */
static uint64_t scale(uint64_t ns, uint64_t by, unsigned shift)
{
	return (uint64_t)((unsigned __int128)ns * by >> shift);
}

#define LN2_Q32	  2977044472ull /* ln(2) * 2^32 */
#define LOG2_BITS 24

/* -log2(y / 2^32) with LOG2_BITS of fraction, 1 <= y <= 2^32. */
static uint64_t minus_log2(uint64_t y)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(y);
	uint64_t m = whole >= 31 ? y >> (whole - 31) : y << (31 - whole);
	uint64_t log = (uint64_t)whole << LOG2_BITS;

	for (unsigned bit = LOG2_BITS; bit-- > 0;) {
		m = m * m >> 31;
		if (m >> 32) {
			m >>= 1;
			log |= 1ull << bit;
		}
	}
	return (32ull << LOG2_BITS) - log;
}

static uint64_t from_table(const uint64_t *table, uint64_t x)
{
	uint64_t at = x * (LOAD_QUANTILES - 1);
	uint64_t i = at >> 32, low = table[i];

	return low + scale(table[i + 1] - low, at & 0xffffffff, 32);
}

uint64_t load_draw(const struct load_dist *d, double u)
{
	uint64_t x = (uint64_t)(u * 0x1p32);

	switch (d->kind) {
	case DIST_EXP:
		x = scale(minus_log2((1ull << 32) - x), LN2_Q32, 32);
		return scale(d->ns, x, LOG2_BITS);
	case DIST_UNIFORM:
		return d->ns + scale(d->max_ns - d->ns, x, 32);
	case DIST_QUANTILE:
		return from_table(d->table, x);
	default:
		return d->ns;
	}
}
