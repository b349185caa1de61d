/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lists and trees have in common, and lists. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpfvm/box.h"
#include "bpfvm/helper.h"

#define HEAD_BYTES 16

/* ---- nodes ------------------------------------------------------------ */

static bool is_node(const struct box *b, uint32_t offset)
{
	const struct box_type *t = b->type;

	for (size_t i = 0; i < t->field_count; i++) {
		if (t->fields[i].offset == offset &&
		    (t->fields[i].kind == FIELD_LIST_NODE ||
		     t->fields[i].kind == FIELD_RB_NODE))
			return true;
	}
	return false;
}

struct link *link_arg(struct vm *vm, uint64_t node)
{
	uint32_t offset = (uint32_t)node;
	struct box *b = vm_object(vm, node - offset, &box_object_kind);
	struct link *l;

	if (!b)
		return NULL;
	for (l = b->links; l; l = l->more) {
		if (l->offset == offset)
			return l;
	}
	if (!is_node(b, offset)) {
		vm_fault_set(vm, VM_FAULT_CALL,
			     "byte %u of the object is no node of a list or "
			     "tree",
			     offset);
		return NULL;
	}
	l = mem_zalloc(1, sizeof(*l));
	l->box = b;
	l->offset = offset;
	l->more = b->links;
	b->links = l;
	return l;
}

uint64_t link_addr(const struct link *l)
{
	return l ? vm_addr(l->box->region) + l->offset : 0;
}

int link_take(struct vm *vm, struct link *l)
{
	if (!vm_ref_release(vm, vm_addr(l->box->region))) {
		vm_fault_set(vm, VM_FAULT_CALL,
			     "an object is added that is not held");
		return -EFAULT;
	}
	if (!l->head)
		return 0;
	box_put(vm, l->box);
	return -EINVAL;
}

uint64_t link_give(struct vm *vm, struct link *l)
{
	vm_ref_acquire(vm, vm_addr(l->box->region));
	return link_addr(l);
}

/* ---- heads ------------------------------------------------------------ */

static struct head *head_at(const struct own *own, const void *field,
			    uint64_t addr)
{
	struct head *h;
	uint64_t handle;

	memcpy(&handle, field, sizeof(handle));
	if (!handle || handle > own->head_count)
		return NULL;
	h = own->heads[handle - 1];
	return h && h->addr == addr ? h : NULL;
}

static struct head *head_new(struct own *own, void *field, uint64_t addr,
			     bool tree)
{
	struct head *h = mem_zalloc(1, sizeof(*h));
	uint64_t handle;

	while (own->head_free < own->head_count && own->heads[own->head_free])
		own->head_free++;
	h->id = own->head_free++;
	if (h->id == own->head_cap) {
		own->head_cap = own->head_cap ? 2 * own->head_cap : 16;
		own->heads = mem_realloc(own->heads, own->head_cap,
					 sizeof(struct head *));
	}
	if (h->id == own->head_count)
		own->head_count++;
	own->heads[h->id] = h;
	h->addr = addr;
	h->tree = tree;
	handle = h->id + 1ull;
	memcpy(field, &handle, sizeof(handle));
	return h;
}

struct head *head_arg(struct vm *vm, uint64_t addr, bool tree)
{
	void *field = vm_write(vm, addr, HEAD_BYTES);
	struct own *own = own_of(vm);
	struct head *h;

	if (!field)
		return NULL;
	if (own->in_less || !vm_holds_any(vm, HELD_LOCK)) {
		vm_fault_set(vm, VM_FAULT_CALL, "a %s is used %s",
			     tree ? "tree" : "list",
			     own->in_less ? "while a tree compares"
					  : "without its lock");
		return NULL;
	}
	h = head_at(own, field, addr);
	if (!h)
		return head_new(own, field, addr, tree);
	if (h->tree == tree)
		return h;
	vm_fault_set(vm, VM_FAULT_CALL, "a %s is used as a %s",
		     tree ? "list" : "tree", tree ? "tree" : "list");
	return NULL;
}

void head_forget(struct vm *vm, const void *field, uint64_t addr)
{
	struct own *own = own_of(vm);
	struct head *h = head_at(own, field, addr);
	struct link *l;

	if (!h)
		return;
	while ((l = h->end[0])) {
		(h->tree ? tree_unlink : list_unlink)(l);
		box_put(vm, l->box);
	}
	own->heads[h->id] = NULL;
	if (h->id < own->head_free)
		own->head_free = h->id;
	free(h);
}

/* ---- lists ------------------------------------------------------------ */

void list_unlink(struct link *l)
{
	struct head *h = l->head;

	*(l->to[0] ? &l->to[0]->to[1] : &h->end[0]) = l->to[1];
	*(l->to[1] ? &l->to[1]->to[0] : &h->end[1]) = l->to[0];
	l->to[0] = l->to[1] = NULL;
	l->head = NULL;
}

/* at: 0 for the front, 1 for the back. */
static uint64_t push(struct vm *vm, const uint64_t r[5], int at)
{
	struct head *h = head_arg(vm, r[0], false);
	struct link *l = h ? link_arg(vm, r[1]) : NULL, *end;
	int rc = l ? link_take(vm, l) : -EFAULT;

	if (rc)
		return answer(rc);
	end = h->end[at];
	l->head = h;
	l->to[!at] = end;
	*(end ? &end->to[at] : &h->end[!at]) = l;
	h->end[at] = l;
	return 0;
}

static uint64_t pop(struct vm *vm, const uint64_t r[5], int at)
{
	struct head *h = head_arg(vm, r[0], false);
	struct link *l = h ? h->end[at] : NULL;

	if (!l)
		return 0;
	list_unlink(l);
	return link_give(vm, l);
}

static uint64_t look(struct vm *vm, const uint64_t r[5], int at)
{
	struct head *h = head_arg(vm, r[0], false);

	return h ? link_addr(h->end[at]) : 0;
}

uint64_t call_list_push_front(struct vm *vm, const uint64_t r[5])
{
	return push(vm, r, 0);
}

uint64_t call_list_push_back(struct vm *vm, const uint64_t r[5])
{
	return push(vm, r, 1);
}

uint64_t call_list_pop_front(struct vm *vm, const uint64_t r[5])
{
	return pop(vm, r, 0);
}

uint64_t call_list_pop_back(struct vm *vm, const uint64_t r[5])
{
	return pop(vm, r, 1);
}

uint64_t call_list_front(struct vm *vm, const uint64_t r[5])
{
	return look(vm, r, 0);
}

uint64_t call_list_back(struct vm *vm, const uint64_t r[5])
{
	return look(vm, r, 1);
}
