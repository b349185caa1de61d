/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ordered trees.
 *
 * The kernel balances by colours, this one by priorities that are as good as
 * random and always the same: a treap.  A program that looks at left and right
 * sees another shape in the same order.
 */
#include <errno.h>
#include <string.h>

#include "bpfvm/box.h"
#include "bpfvm/helper.h"

/* splitmix64 (Vigna, public domain) */
static uint64_t next_priority(struct own *own)
{
	uint64_t z = own->priority += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Where the tree points to l. */
static struct link **down(struct link *l)
{
	if (!l->up)
		return &l->head->end[0];
	return &l->up->to[l->up->to[1] == l];
}

/* l takes its parent's place. */
static void rotate_up(struct link *l)
{
	struct link *p = l->up, *inner;
	int side = p->to[1] == l;

	*down(p) = l;
	l->up = p->up;
	inner = l->to[!side];
	p->to[side] = inner;
	if (inner)
		inner->up = p;
	l->to[!side] = p;
	p->up = l;
}

void tree_unlink(struct link *l)
{
	for (;;) {
		struct link *a = l->to[0], *b = l->to[1];

		if (!a && !b)
			break;
		rotate_up(!b || (a && a->priority > b->priority) ? a : b);
	}
	*down(l) = NULL;
	l->up = NULL;
	l->head = NULL;
}

/* Where l belongs, by the program's own comparison; false: a fault. */
static bool descend(struct vm *vm, struct head *h, int less, struct link *l,
		    struct link **parent, int *side)
{
	struct own *own = own_of(vm);
	struct link *at = h->end[0];
	uint32_t id = h->id;
	uint64_t r0;

	*parent = NULL;
	while (at) {
		uint64_t args[2] = {link_addr(l), link_addr(at)};
		int rc;

		own->in_less = true;
		rc = vm_run(vm, less, args, 2, &r0);
		own->in_less = false;
		if (rc)
			return false;
		/* It may have deleted what holds the tree. */
		if (own->heads[id] != h || at->head != h) {
			vm_fault_set(vm, VM_FAULT_CALL,
				     "a tree is gone while it compares");
			return false;
		}
		*parent = at;
		*side = !(r0 & 1);
		at = at->to[*side];
	}
	return true;
}

uint64_t call_rbtree_add(struct vm *vm, const uint64_t r[5])
{
	struct head *h = head_arg(vm, r[0], true);
	struct link *l = h ? link_arg(vm, r[1]) : NULL, *parent;
	int less = l ? vm_func(vm, r[2]) : -1, side = 0, rc;

	if (less < 0)
		return 0;
	rc = link_take(vm, l);
	if (rc)
		return answer(rc);
	if (!descend(vm, h, less, l, &parent, &side)) {
		box_put(vm, l->box);
		return 0;
	}
	l->head = h;
	l->up = parent;
	l->to[0] = l->to[1] = NULL;
	l->priority = next_priority(own_of(vm));
	*(parent ? &parent->to[side] : &h->end[0]) = l;
	while (l->up && l->up->priority < l->priority)
		rotate_up(l);
	return 0;
}

/* The node, if it is in that tree. */
static struct link *member(struct vm *vm, const uint64_t r[5])
{
	struct head *h = head_arg(vm, r[0], true);
	struct link *l = h ? link_arg(vm, r[1]) : NULL;

	return l && l->head == h ? l : NULL;
}

uint64_t call_rbtree_remove(struct vm *vm, const uint64_t r[5])
{
	struct link *l = member(vm, r);

	if (!l)
		return 0;
	tree_unlink(l);
	return link_give(vm, l);
}

uint64_t call_rbtree_first(struct vm *vm, const uint64_t r[5])
{
	struct head *h = head_arg(vm, r[0], true);
	struct link *l = h ? h->end[0] : NULL;

	while (l && l->to[0])
		l = l->to[0];
	return link_addr(l);
}

uint64_t call_rbtree_root(struct vm *vm, const uint64_t r[5])
{
	struct head *h = head_arg(vm, r[0], true);

	return h ? link_addr(h->end[0]) : 0;
}

uint64_t call_rbtree_left(struct vm *vm, const uint64_t r[5])
{
	struct link *l = member(vm, r);

	return l ? link_addr(l->to[0]) : 0;
}

uint64_t call_rbtree_right(struct vm *vm, const uint64_t r[5])
{
	struct link *l = member(vm, r);

	return l ? link_addr(l->to[1]) : 0;
}
