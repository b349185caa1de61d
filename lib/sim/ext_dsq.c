/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch queues.
 *
 * The tasks of a queue hang in a ring in the order they leave.  A queue
 * ordered by vtime has a treap over the same tasks, only to find the place of
 * a new one: comparing vtimes goes round at 2^63, so a policy can make an
 * order without a least one, and nothing here may depend on there being one.
 */
#include "sim/ext.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct vm_kind dsq_kind = {.name = "scx_dispatch_q"};

#define task_of_link(l) \
	((struct ext_task *)((char *)(l)-offsetof(struct ext_task, link)))

/* ---- rings ------------------------------------------------------------ */

void ext_link_init(struct ext_link *head)
{
	head->prev = head->next = head;
}

void ext_link_add(struct ext_link *after, struct ext_link *l)
{
	l->prev = after;
	l->next = after->next;
	after->next->prev = l;
	after->next = l;
}

void ext_link_del(struct ext_link *l)
{
	if (!l->prev)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->prev = l->next = NULL;
}

/* ---- the treap -------------------------------------------------------- */

static bool before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* splitmix64: spreads numbers that follow each other. */
static uint64_t spread(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void hang(struct ext_dsq *q, struct ext_task *up, struct ext_task *old,
		 struct ext_task *new)
{
	if (!up)
		q->root = new;
	else if (up->left == old)
		up->left = new;
	else
		up->right = new;
	if (new)
		new->up = up;
}

/* x and its parent change places. */
static void rotate(struct ext_dsq *q, struct ext_task *x)
{
	struct ext_task *up = x->up, *inner;

	hang(q, up->up, up, x);
	if (up->left == x) {
		inner = x->right;
		x->right = up;
		up->left = inner;
	} else {
		inner = x->left;
		x->left = up;
		up->right = inner;
	}
	up->up = x;
	if (inner)
		inner->up = up;
}

/* Returns the task that x is to stand behind; NULL: it is the first. */
static struct ext_task *treap_add(struct ext_dsq *q, struct ext_task *x)
{
	struct ext_task *at = q->root, *up = NULL, *behind = NULL;
	bool left = false;

	while (at) {
		up = at;
		left = before(x->k.scx.dsq_vtime, at->k.scx.dsq_vtime);
		if (!left)
			behind = at;
		at = left ? at->left : at->right;
	}
	x->left = x->right = NULL;
	x->up = up;
	x->heap = spread((uint64_t)x->region << 32 | q->k.seq);
	x->in_treap = true;
	if (!up)
		q->root = x;
	else if (left)
		up->left = x;
	else
		up->right = x;
	while (x->up && x->up->heap < x->heap)
		rotate(q, x);
	return behind;
}

static void treap_del(struct ext_dsq *q, struct ext_task *x)
{
	while (x->left && x->right)
		rotate(q, x->left->heap > x->right->heap ? x->left : x->right);
	hang(q, x->up, x, x->left ? x->left : x->right);
	x->left = x->right = x->up = NULL;
	x->in_treap = false;
}

/* ---- queues ----------------------------------------------------------- */

void dsq_init(struct ext *e, struct ext_dsq *q, uint64_t id, uint32_t cpu)
{
	q->k.id = id;
	q->cpu = cpu;
	ext_link_init(&q->list);
	q->region = vm_region_new(e->vm, &q->k, sizeof(q->k), VM_READ,
				  &dsq_kind, q);
}

static struct ext_dsq **bucket(const struct ext *e, uint64_t id)
{
	return &e->hash[id * 0x9e3779b97f4a7c15ULL >> (64 - e->hash_bits)];
}

struct ext_dsq *dsq_find(const struct ext *e, uint64_t id)
{
	struct ext_dsq *q;

	if (!e->hash)
		return NULL;
	for (q = *bucket(e, id); q; q = q->hash_next)
		if (q->k.id == id)
			return q;
	return NULL;
}

static void grow(struct ext *e)
{
	struct ext_dsq **old = e->hash, *q, *next;
	size_t n = old ? (size_t)1 << e->hash_bits : 0;

	e->hash_bits = old ? e->hash_bits + 1 : 6;
	e->hash =
		mem_zalloc((size_t)1 << e->hash_bits, sizeof(struct ext_dsq *));
	for (size_t i = 0; i < n; i++) {
		for (q = old[i]; q; q = next) {
			struct ext_dsq **b = bucket(e, q->k.id);

			next = q->hash_next;
			q->hash_next = *b;
			*b = q;
		}
	}
	free(old);
}

/* A policy that makes more has lost count. */
#define MAX_DSQS (1u << 20)

int dsq_create(struct ext *e, uint64_t id)
{
	struct ext_dsq *q, **b;

	if (id & SCX_DSQ_FLAG_BUILTIN)
		return -EINVAL;
	if (dsq_find(e, id))
		return -EEXIST;
	if (e->dsq_count >= MAX_DSQS)
		return -ENOMEM;
	if (!e->hash || e->dsq_count >> e->hash_bits)
		grow(e);
	q = mem_zalloc(1, sizeof(*q));
	dsq_init(e, q, id, EXT_NO_CPU);
	b = bucket(e, id);
	q->hash_next = *b;
	*b = q;
	e->dsq_count++;
	return 0;
}

void dsq_destroy(struct ext *e, uint64_t id)
{
	struct ext_dsq **at, *q;

	if (!dsq_find(e, id))
		return;
	for (at = bucket(e, id); (*at)->k.id != id; at = &(*at)->hash_next)
		;
	q = *at;
	if (q->k.nr) {
		ext_error(e, SIM_ERROR, vm_insn(e->vm),
			  "attempting to destroy in-use dsq 0x%016llx (nr=%u)",
			  (unsigned long long)id, q->k.nr);
		return;
	}
	for (int i = 0; i < EXT_MAX_ITERS; i++)
		if (e->iters[i].used && e->iters[i].dsq == q)
			dsq_iter_end(&e->iters[i]);
	*at = q->hash_next;
	e->dsq_count--;
	vm_region_free(e->vm, q->region);
	free(q);
}

void dsq_free_all(struct ext *e)
{
	struct ext_dsq *q, *next;

	for (size_t i = 0; e->hash && i < (size_t)1 << e->hash_bits; i++) {
		for (q = e->hash[i]; q; q = next) {
			next = q->hash_next;
			free(q);
		}
	}
	free(e->hash);
	e->hash = NULL;
}

static struct ext_task *walk(const struct ext_dsq *q,
			     const struct ext_link *from, bool reverse)
{
	const struct ext_link *l = from;

	do {
		l = reverse ? l->prev : l->next;
		if (l == &q->list)
			return NULL;
	} while (l->cursor);
	return task_of_link(l);
}

struct ext_task *dsq_next(const struct ext_dsq *q, const struct ext_task *x,
			  bool reverse)
{
	return walk(q, x ? &x->link : &q->list, reverse);
}

void dsq_insert(struct ext *e, struct ext_dsq *q, struct ext_task *x,
		uint64_t enq_flags)
{
	struct ext_link *after;

	if ((enq_flags & SCX_ENQ_DSQ_PRIQ) && q->k.id & SCX_DSQ_FLAG_BUILTIN) {
		ext_error(e, SIM_ERROR, x->insn,
			  "cannot use vtime ordering for built-in DSQs");
		enq_flags &= ~SCX_ENQ_DSQ_PRIQ;
	}
	if (enq_flags & SCX_ENQ_DSQ_PRIQ) {
		struct ext_task *behind;

		if (!q->root && q->k.nr)
			ext_error(e, SIM_ERROR, x->insn,
				  "DSQ ID 0x%016llx already had FIFO-enqueued "
				  "tasks",
				  (unsigned long long)q->k.id);
		behind = treap_add(q, x);
		after = behind ? &behind->link : &q->list;
		x->k.scx.dsq_flags |= SCX_TASK_DSQ_ON_PRIQ;
	} else {
		if (q->root)
			ext_error(e, SIM_ERROR, x->insn,
				  "DSQ ID 0x%016llx already had PRIQ-enqueued "
				  "tasks",
				  (unsigned long long)q->k.id);
		after = enq_flags & (e->enq_head | SCX_ENQ_PREEMPT)
				? &q->list
				: q->list.prev;
	}
	ext_link_add(after, &x->link);
	x->k.scx.dsq_seq = ++q->k.seq;
	x->k.scx.dsq = vm_addr(q->region);
	x->dsq = q;
	q->k.nr++;
}

void dsq_remove(struct ext_dsq *q, struct ext_task *x)
{
	if (x->in_treap)
		treap_del(q, x);
	x->k.scx.dsq_flags &= ~(uint32_t)SCX_TASK_DSQ_ON_PRIQ;
	ext_link_del(&x->link);
	x->k.scx.dsq = 0;
	x->dsq = NULL;
	q->k.nr--;
}

/* ---- iterators -------------------------------------------------------- */

int dsq_iter_new(struct ext *e, uint64_t addr, uint64_t id, uint64_t flags)
{
	struct ext_iter *it = NULL;

	if (flags & ~(uint64_t)SCX_DSQ_ITER_REV)
		return -EINVAL;
	if (!dsq_find(e, id))
		return -ENOENT;
	for (int i = 0; i < EXT_MAX_ITERS && !it; i++)
		if (!e->iters[i].used)
			it = &e->iters[i];
	if (!it)
		return -ENOMEM;
	memset(it, 0, sizeof(*it));
	it->used = e->iters_open = true;
	it->cursor.cursor = true;
	it->dsq = dsq_find(e, id);
	it->addr = addr;
	it->seq = it->dsq->k.seq;
	it->reverse = flags & SCX_DSQ_ITER_REV;
	return 0;
}

struct ext_iter *dsq_iter_of(struct ext *e, uint64_t addr)
{
	for (int i = 0; i < EXT_MAX_ITERS; i++)
		if (e->iters[i].used && e->iters[i].addr == addr)
			return &e->iters[i];
	return NULL;
}

/* Only those who stood there when the iteration began. */
struct ext_task *dsq_iter_next(struct ext_iter *it)
{
	const struct ext_link *at =
		it->cursor.prev ? &it->cursor : &it->dsq->list;
	struct ext_task *x;

	do {
		x = walk(it->dsq, at, it->reverse);
		at = x ? &x->link : NULL;
	} while (x && (int32_t)(it->seq - x->k.scx.dsq_seq) < 0);
	ext_link_del(&it->cursor);
	if (x)
		ext_link_add(it->reverse ? x->link.prev : &x->link,
			     &it->cursor);
	return x;
}

void dsq_iter_end(struct ext_iter *it)
{
	ext_link_del(&it->cursor);
	it->used = false;
}
