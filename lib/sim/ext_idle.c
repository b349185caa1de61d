/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs are idle, and the core's own choice among them. */
#include "sim/ext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef struct kernel_cpumask mask;

static bool mask_empty(const struct ext *e, const mask *m)
{
	for (uint32_t w = 0; w < e->words; w++)
		if (m->bits[w])
			return false;
	return true;
}

static uint32_t mask_weight(const struct ext *e, const mask *m)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < e->words; w++)
		n += (uint32_t)__builtin_popcountll(m->bits[w]);
	return n;
}

/* false: they have nothing in common. */
static bool mask_and(const struct ext *e, mask *to, const mask *a,
		     const mask *b)
{
	uint64_t any = 0;

	for (uint32_t w = 0; w < e->words; w++)
		any |= to->bits[w] = a->bits[w] & b->bits[w];
	return any;
}

/* The next CPU in both from `from` on; EXT_NO_CPU: none. */
static uint32_t next_and(const struct ext *e, const mask *a, const mask *b,
			 uint32_t from)
{
	uint64_t keep = ~0ULL << (from % 64);

	for (uint32_t w = from / 64; w < e->words; w++, keep = ~0ULL) {
		uint64_t both = a->bits[w] & b->bits[w] & keep;

		if (both)
			return w * 64 + (uint32_t)__builtin_ctzll(both);
	}
	return EXT_NO_CPU;
}

/* Takes turns, per CPU that asks, as the kernel does. */
static uint32_t any_and(struct ext *e, const mask *a, const mask *b)
{
	uint32_t *last = &e->cpus[e->cpu].distribute, cpu;

	cpu = *last + 1 < e->s->nr_cpus ? next_and(e, a, b, *last + 1)
					: EXT_NO_CPU;
	if (cpu == EXT_NO_CPU)
		cpu = next_and(e, a, b, 0);
	if (cpu != EXT_NO_CPU)
		*last = cpu;
	return cpu;
}

/* ---- keeping track ---------------------------------------------------- */

int ext_idle_node(const struct ext *e, uint32_t cpu)
{
	return e->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE
		       ? (int)e->s->cpus[cpu].node
		       : EXT_NO_NODE;
}

struct ext_idle_masks *ext_idle_masks(struct ext *e, int node)
{
	return &e->idle[node == EXT_NO_NODE ? 0 : node];
}

static void mask_region(struct ext *e, struct ext_mask *m)
{
	m->region = vm_region_new(e->vm, &m->k, sizeof(m->k), VM_READ,
				  &ext_kind_cpumask, m);
}

void ext_idle_start(struct ext *e)
{
	const struct sim *s = e->s;

	e->idle_enabled = !ext_has(e, OP_update_idle) ||
			  e->flags & SCX_OPS_KEEP_BUILTIN_IDLE;
	e->smt = s->o->machine.threads > 1;
	e->idle_count = e->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE ? e->nodes : 1;
	e->idle = mem_zalloc(e->idle_count, sizeof(*e->idle));
	e->llc = mem_zalloc(s->o->machine.llcs, sizeof(*e->llc));
	e->node = mem_zalloc(e->nodes, sizeof(*e->node));
	mask_region(e, &e->possible);
	mask_region(e, &e->online);
	mask_region(e, &e->none);
	for (uint32_t i = 0; i < e->idle_count; i++) {
		mask_region(e, &e->idle[i].cpu);
		mask_region(e, &e->idle[i].smt);
	}
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		struct ext_idle_masks *m =
			ext_idle_masks(e, ext_idle_node(e, cpu));

		mask_set(&e->possible.k, cpu);
		if (!s->cpus[cpu].online)
			continue;
		mask_set(&e->online.k, cpu);
		mask_set(&m->cpu.k, cpu);
		mask_set(&m->smt.k, cpu);
	}
	ext_idle_topology(e);
}

void ext_idle_stop(struct ext *e)
{
	free(e->idle);
	free(e->llc);
	free(e->node);
}

/* Whether looking in a cache or node first can make a difference. */
void ext_idle_topology(struct ext *e)
{
	const struct sim *s = e->s;
	uint32_t online = mask_weight(e, &e->online.k);
	bool same = true;

	memset(e->llc, 0, s->o->machine.llcs * sizeof(*e->llc));
	memset(e->node, 0, e->nodes * sizeof(*e->node));
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		if (!mask_has(&e->online.k, cpu))
			continue;
		mask_set(&e->llc[s->cpus[cpu].llc], cpu);
		mask_set(&e->node[s->cpus[cpu].node], cpu);
	}
	e->by_llc = e->by_node = false;
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		uint32_t in_llc, in_node;

		if (!mask_has(&e->online.k, cpu))
			continue;
		in_llc = mask_weight(e, &e->llc[s->cpus[cpu].llc]);
		in_node = mask_weight(e, &e->node[s->cpus[cpu].node]);
		e->by_llc |= in_llc < online;
		e->by_node |= in_node < online;
		same &= in_llc == in_node;
	}
	if (same || e->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE)
		e->by_node = false;
}

static uint32_t sibling_of(const struct ext *e, uint32_t cpu)
{
	int32_t other = e->s->cpus[cpu].sibling;

	return other < 0 ? cpu : (uint32_t)other;
}

static void track(struct ext *e, uint32_t cpu, bool idle)
{
	struct ext_idle_masks *m = ext_idle_masks(e, ext_idle_node(e, cpu));
	uint32_t other = sibling_of(e, cpu);

	if (idle)
		mask_set(&m->cpu.k, cpu);
	else
		mask_clear(&m->cpu.k, cpu);
	if (!e->smt)
		return;
	if (!idle) {
		mask_clear(&m->smt.k, cpu);
		mask_clear(&m->smt.k, other);
	} else if (mask_has(&m->cpu.k, other) ||
		   !mask_has(&e->online.k, other)) {
		mask_set(&m->smt.k, cpu);
		if (mask_has(&e->online.k, other))
			mask_set(&m->smt.k, other);
	}
}

void ext_idle_update(struct ext *e, uint32_t cpu, bool idle, bool notify)
{
	uint64_t args[] = {cpu, idle};

	/* A CPU that was claimed and found nothing is idle again. */
	if (e->idle_enabled)
		track(e, cpu, idle);
	if (notify)
		ext_call(e, OP_update_idle, CTX_REST, cpu, args, 2);
}

bool ext_idle_test_and_clear(struct ext *e, uint32_t cpu)
{
	struct ext_idle_masks *m = ext_idle_masks(e, ext_idle_node(e, cpu));
	bool was = mask_has(&m->cpu.k, cpu);

	/* Its core is not wholly idle any more, whoever takes it. */
	if (e->smt) {
		mask_clear(&m->smt.k, cpu);
		mask_clear(&m->smt.k, sibling_of(e, cpu));
	}
	mask_clear(&m->cpu.k, cpu);
	return was;
}

/* ---- choosing --------------------------------------------------------- */

static int32_t pick_in_node(struct ext *e, const mask *allowed, int node,
			    uint64_t flags)
{
	struct ext_idle_masks *m = ext_idle_masks(e, node);
	uint32_t cpu = EXT_NO_CPU;

	do {
		if (e->smt)
			cpu = any_and(e, &m->smt.k, allowed);
		if (cpu == EXT_NO_CPU) {
			if (e->smt && flags & SCX_PICK_IDLE_CORE)
				return -EBUSY;
			cpu = any_and(e, &m->cpu.k, allowed);
		}
		if (cpu == EXT_NO_CPU)
			return -EBUSY;
	} while (!ext_idle_test_and_clear(e, cpu));
	return (int32_t)cpu;
}

int32_t ext_idle_pick(struct ext *e, const mask *allowed, int node,
		      uint64_t flags)
{
	int32_t cpu = pick_in_node(e, allowed, node, flags);

	if (cpu >= 0 || node == EXT_NO_NODE || flags & SCX_PICK_IDLE_IN_NODE)
		return cpu;
	/* All nodes are as far away as another. */
	for (uint32_t i = 1; i < e->nodes && cpu < 0; i++)
		cpu = pick_in_node(e, allowed,
				   (int)(((uint32_t)node + i) % e->nodes),
				   flags);
	return cpu;
}

/* Where a task may go, from near to far; those that are NULL are no place. */
struct places {
	const mask *allowed, *llc, *node;
	mask allowed_bits, llc_bits, node_bits;
	bool prev_allowed;
	int prev_node;
};

static bool find_places(struct ext *e, const struct ext_task *x, uint32_t prev,
			const mask *allowed, struct places *p)
{
	const struct sim_cpu *c = &e->s->cpus[prev];

	p->prev_allowed = mask_has(allowed ? allowed : &x->k.cpus_mask, prev);
	if (x->t->migration_disabled)
		p->prev_allowed &= prev == x->t->cpu;
	p->allowed = &x->k.cpus_mask;
	if (allowed) {
		if (!mask_and(e, &p->allowed_bits, allowed, &x->k.cpus_mask))
			return false;
		p->allowed = &p->allowed_bits;
	}
	p->llc = p->node = NULL;
	if (e->by_llc && mask_and(e, &p->llc_bits, p->allowed, &e->llc[c->llc]))
		p->llc = &p->llc_bits;
	if (e->by_node &&
	    mask_and(e, &p->node_bits, p->allowed, &e->node[c->node]))
		p->node = &p->node_bits;
	p->prev_node = ext_idle_node(e, prev);
	return true;
}

static int32_t claim_prev(struct ext *e, const struct places *p, uint32_t prev)
{
	return p->prev_allowed && ext_idle_test_and_clear(e, prev)
		       ? (int32_t)prev
		       : -EBUSY;
}

/* The waker is about to sleep: near it, or right where it is. */
static int32_t select_sync(struct ext *e, const struct places *p, uint32_t prev,
			   uint64_t flags)
{
	uint32_t cpu = e->cpu;
	const struct sim_cpu *cpus = e->s->cpus;
	int node = ext_idle_node(e, cpu);
	const struct ext_task *waker = task_view_current(e);

	if (cpus[cpu].llc == cpus[prev].llc && claim_prev(e, p, prev) >= 0)
		return (int32_t)prev;
	if (!(waker->k.flags & KERNEL_PF_EXITING) && !e->cpus[cpu].local.k.nr &&
	    (!(flags & SCX_PICK_IDLE_IN_NODE) || node == p->prev_node) &&
	    !mask_empty(e, &ext_idle_masks(e, node)->cpu.k) &&
	    mask_has(p->allowed, cpu))
		return (int32_t)cpu;
	return -EBUSY;
}

static int32_t select_near(struct ext *e, const struct places *p,
			   uint64_t flags)
{
	int32_t cpu = -EBUSY;

	if (p->llc)
		cpu = pick_in_node(e, p->llc, p->prev_node, flags);
	if (cpu < 0 && p->node)
		cpu = pick_in_node(e, p->node, p->prev_node, flags);
	return cpu;
}

static int32_t select_core(struct ext *e, const struct places *p, uint32_t prev,
			   uint64_t flags)
{
	int32_t cpu;

	if (p->prev_allowed &&
	    mask_has(&ext_idle_masks(e, p->prev_node)->smt.k, prev) &&
	    ext_idle_test_and_clear(e, prev))
		return (int32_t)prev;
	cpu = select_near(e, p, SCX_PICK_IDLE_CORE);
	return cpu >= 0 ? cpu
			: ext_idle_pick(e, p->allowed, p->prev_node,
					flags | SCX_PICK_IDLE_CORE);
}

static int32_t select_sibling(struct ext *e, const struct places *p,
			      uint32_t prev)
{
	uint32_t other = sibling_of(e, prev);

	return e->kernel >= 70001 && e->smt && other != prev &&
			       mask_has(p->allowed, other) &&
			       ext_idle_test_and_clear(e, other)
		       ? (int32_t)other
		       : -EBUSY;
}

int32_t ext_idle_select(struct ext *e, struct ext_task *x, uint32_t prev,
			uint64_t wake_flags, const mask *allowed,
			uint64_t flags)
{
	struct places p;
	int32_t cpu = -EBUSY;

	if (!find_places(e, x, prev, allowed, &p))
		return -EBUSY;
	if (wake_flags & SCX_WAKE_SYNC)
		cpu = select_sync(e, &p, prev, flags);
	if (cpu < 0 && e->smt) {
		cpu = select_core(e, &p, prev, flags);
		if (cpu < 0 && flags & SCX_PICK_IDLE_CORE)
			return -EBUSY;
	}
	if (cpu < 0)
		cpu = claim_prev(e, &p, prev);
	if (cpu < 0)
		cpu = select_sibling(e, &p, prev);
	if (cpu < 0)
		cpu = select_near(e, &p, 0);
	if (cpu < 0)
		cpu = ext_idle_pick(e, p.allowed, p.prev_node, flags);
	return cpu;
}
