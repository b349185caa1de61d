/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that programs allocate, and pointers kept in maps. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/box.h"
#include "bpfvm/helper.h"

#define MAX_OBJECT 4096 /* the kernel's allocator has no more */

const struct vm_kind box_mask_kind = {.name = "bpf_cpumask"};
const struct vm_kind box_object_kind = {.name = "object"};
const struct vm_kind vm_kind_percpu = {.name = "per-CPU variable"};
static const struct vm_kind box_percpu_kind = {.name = "per-CPU object"};
static const struct vm_kind copy_kind = {.name = "per-CPU copy"};

static void box_free(struct box *b)
{
	*b->in = b->next;
	if (b->next)
		b->next->in = b->in;
	while (b->links) {
		struct link *l = b->links;

		/* Only after a program has forged a pointer to it. */
		if (l->head)
			(l->head->tree ? tree_unlink : list_unlink)(l);
		b->links = l->more;
		free(l);
	}
	free(b->cpus);
	free(b);
}

static void box_bury(struct vm *vm, struct dead *d)
{
	struct box *b = (struct box *)d;

	if (b->type && !b->cpus)
		map_fields_free(vm, b->type->fields, b->type->field_count,
				b->bytes, b->size, vm_addr(b->region));
	for (uint32_t i = 0; b->cpus && i < vm->host->nr_cpus; i++)
		vm_region_free(vm, b->cpus[i]);
	if (!b->gone)
		vm_region_free(vm, b->region);
	box_free(b);
}

struct box *box_new(struct vm *vm, const struct vm_kind *kind, uint32_t size)
{
	struct box *b = mem_zalloc(1, sizeof(*b) + ((size + 7ull) & ~7ull));
	struct own *own = own_of(vm);

	b->dead.bury = box_bury;
	b->next = own->boxes;
	b->in = &own->boxes;
	if (b->next)
		b->next->in = &b->next;
	own->boxes = b;
	b->size = size;
	b->refs = 1;
	b->region =
		vm_region_new(vm, b->bytes, size, VM_READ | VM_WRITE, kind, b);
	return b;
}

void box_put(struct vm *vm, struct box *b)
{
	const struct vm_region *r;

	if (!b->refs || --b->refs)
		return;
	r = vm_region(vm, b->region);
	if (r && r->kind == &box_object_kind && !b->type->counted) {
		vm_region_free(vm, b->region);
		b->gone = true;
	}
	own_bury(vm, &b->dead);
}

void vm_own_free(struct vm *vm)
{
	struct own *own = vm->own;

	if (!own)
		return;
	while (own->boxes)
		box_free(own->boxes);
	while (own->box_types) {
		struct box_type *t = own->box_types;

		own->box_types = t->next;
		free(t->fields);
		free(t);
	}
	for (uint32_t i = 0; i < own->head_count; i++)
		free(own->heads[i]);
	free(own->heads);
	free(own->timers);
	free(own);
	vm->own = NULL;
}

/* ---- objects ---------------------------------------------------------- */

static struct box_type *type_new(struct vm *vm, uint32_t id, uint32_t size)
{
	struct box_type *t = mem_zalloc(1, sizeof(*t));
	struct own *own = own_of(vm);

	if (object_fields(vm->object, id, &t->fields, &t->field_count)) {
		vm_fault_set(vm, VM_FAULT_CALL, "%s", err_text());
		free(t);
		return NULL;
	}
	t->id = id;
	t->size = size;
	for (size_t i = 0; i < t->field_count; i++)
		t->counted |= t->fields[i].kind == FIELD_REFCOUNT;
	t->next = own->box_types;
	own->box_types = t;
	return t;
}

/* A local type; NULL: a fault. */
static const struct box_type *type_arg(struct vm *vm, uint64_t id)
{
	const struct btf *btf = vm->object->btf;
	const struct btf_type *t;

	for (struct box_type *b = own_of(vm)->box_types; b; b = b->next) {
		if (b->id == id)
			return b;
	}
	t = btf && id < btf__type_cnt(btf) ? btf__type_by_id(btf, (uint32_t)id)
					   : NULL;
	if (t && btf_is_struct(t) && t->size && t->size <= MAX_OBJECT)
		return type_new(vm, (uint32_t)id, t->size);
	vm_fault_set(vm, VM_FAULT_CALL,
		     "type %llu is not a struct of at most %d bytes",
		     (unsigned long long)id, MAX_OBJECT);
	return NULL;
}

uint64_t call_obj_new(struct vm *vm, const uint64_t r[5])
{
	const struct box_type *type = type_arg(vm, r[0]);
	struct box *b;

	if (!type)
		return 0;
	b = box_new(vm, &box_object_kind, type->size);
	b->type = type;
	vm_ref_acquire(vm, vm_addr(b->region));
	return vm_addr(b->region);
}

static uint64_t drop(struct vm *vm, uint64_t addr, const struct vm_kind *kind)
{
	struct box *b = vm_object(vm, addr, kind);

	if (!b)
		return 0;
	if (!vm_ref_release(vm, addr))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "an object is dropped that is not held");
	box_put(vm, b);
	return 0;
}

uint64_t call_obj_drop(struct vm *vm, const uint64_t r[5])
{
	return drop(vm, r[0], &box_object_kind);
}

uint64_t call_refcount_acquire(struct vm *vm, const uint64_t r[5])
{
	struct box *b = vm_object(vm, r[0], &box_object_kind);

	if (!b)
		return 0;
	if (!b->type->counted)
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "an object without a struct bpf_refcount "
				    "is acquired");
	if (!b->refs)
		return 0;
	b->refs++;
	vm_ref_acquire(vm, r[0]);
	return r[0];
}

/* ---- one for each CPU ------------------------------------------------- */

uint64_t call_percpu_obj_new(struct vm *vm, const uint64_t r[5])
{
	const struct box_type *type = type_arg(vm, r[0]);
	uint32_t n = vm->host->nr_cpus, stride;
	struct box *b;

	if (!type)
		return 0;
	stride = (type->size + 7) & ~7u;
	b = box_new(vm, &box_percpu_kind, stride * n);
	b->cpus = mem_zalloc(n, sizeof(*b->cpus));
	for (uint32_t i = 0; i < n; i++)
		b->cpus[i] = vm_region_new(
			vm, (unsigned char *)b->bytes + (size_t)i * stride,
			type->size, VM_READ | VM_WRITE, &copy_kind, b);
	/* The object itself has an address and nothing else. */
	vm->memory.regions[b->region].len = 0;
	vm->memory.regions[b->region].perm = 0;
	vm_ref_acquire(vm, vm_addr(b->region));
	return vm_addr(b->region);
}

uint64_t call_percpu_obj_drop(struct vm *vm, const uint64_t r[5])
{
	return drop(vm, r[0], &box_percpu_kind);
}

static uint64_t on_cpu(struct vm *vm, uint64_t addr, uint32_t cpu)
{
	const struct vm_region *r = vm_region(vm, vm_region_of(addr));
	const uint32_t *copies = NULL;

	if (cpu >= vm->host->nr_cpus)
		return 0;
	if (r && r->kind == &vm_kind_percpu)
		copies = r->owner;
	else if (r && r->kind == &box_percpu_kind)
		copies = ((const struct box *)r->owner)->cpus;
	if (!copies)
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a per-CPU pointer is wanted, this is %s",
				    r ? r->kind->name : "none");
	return vm_addr(copies[cpu]) + (uint32_t)addr;
}

uint64_t call_per_cpu_ptr(struct vm *vm, const uint64_t r[5])
{
	return on_cpu(vm, r[0], (uint32_t)r[1]);
}

uint64_t call_this_cpu_ptr(struct vm *vm, const uint64_t r[5])
{
	return on_cpu(vm, r[0], map_here(vm));
}

/* ---- pointers in maps ------------------------------------------------- */

uint64_t call_kptr_xchg(struct vm *vm, const uint64_t r[5])
{
	void *at = vm_write(vm, r[0], 8);
	uint64_t old;

	if (!at)
		return 0;
	memcpy(&old, at, 8);
	if (r[1] && !vm_ref_release(vm, r[1]))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a pointer is stored that is not held");
	memcpy(at, &r[1], 8);
	if (old)
		vm_ref_acquire(vm, old);
	return old;
}

static void release_by_kfunc(struct vm *vm, const char *name, uint64_t addr)
{
	const uint64_t args[5] = {addr};
	const struct vm_call *c;
	int index = vm_calls_resolve((void *)vm->calls, name, true);

	c = vm_calls_kfunc(vm->calls, index);
	if (!c)
		return;
	vm_ref_acquire(vm, addr);
	c->fn(vm, args);
}

void kptr_release(struct vm *vm, uint64_t addr)
{
	const struct vm_region *r = vm_region(vm, vm_region_of(addr));

	if (!r || (uint32_t)addr)
		return;
	if (r->kind == &box_mask_kind || r->kind == &box_object_kind ||
	    r->kind == &box_percpu_kind)
		box_put(vm, r->owner);
	else if (!strcmp(r->kind->name, "task_struct"))
		release_by_kfunc(vm, "bpf_task_release", addr);
	else if (!strcmp(r->kind->name, "cgroup"))
		release_by_kfunc(vm, "bpf_cgroup_release", addr);
}
