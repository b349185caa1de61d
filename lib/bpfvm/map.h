/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps: what their types share.
 *
 * Every value is a region of its own, so that whoever runs off one faults.  A
 * value that is deleted stays readable until the outermost run ends (programs
 * may hold pointers to it, as under RCU), and is dead from then on.
 */
#ifndef SCHEDKIT_BPFVM_MAP_H
#define SCHEDKIT_BPFVM_MAP_H

#include "bpfvm/vm_state.h"

/* Of all values of one VM together, touched or not. */
#define MAP_MAX_BYTES (1ull << 30)
#define MAP_MAX_KEY   512 /* the kernel's MAX_BPF_STACK */

extern const struct vm_kind map_value_kind;

/* Something that is freed when the outermost run ends; embedded, first. */
struct dead {
	struct dead *next;
	void (*bury)(struct vm *vm, struct dead *d);
};

/* What a map's value belongs to: the owner of its region; embedded, first. */
struct holder {
	struct dead dead;
	struct vm_map *map;
};

/* Of m's value at addr; NULL: it is not one. */
static inline void *map_holder(const struct vm *vm, const struct vm_map *m,
			       uint64_t addr)
{
	const struct vm_region *r = vm_region(vm, vm_region_of(addr));
	struct holder *h = r && r->kind == &map_value_kind ? r->owner : NULL;

	return h && h->map == m ? h : NULL;
}

struct timer {
	uint64_t addr; /* of the struct bpf_timer; 0: free */
	struct vm_map *map;
	int callback; /* -1: none */
	bool armed, running;
};

/* What helpers, kfuncs and maps of one VM keep: vm->own. */
struct own {
	uint64_t map_bytes;
	struct dead *dead;
	struct timer *timers;
	uint32_t timer_count, timer_cap, timer_free; /* below, none is free */
	struct head **heads;			     /* of lists and trees */
	uint32_t head_count, head_cap, head_free;    /* below, none is free */
	struct box *boxes;
	struct box_type *box_types;
	/* How tasks and cgroups are told, learned at the first one. */
	const struct vm_kind *task_kind, *cgroup_kind;
	uint32_t spread;   /* bpf_cpumask_any_distribute() */
	uint64_t priority; /* of the next node of a tree */
	bool in_less;	   /* a tree is being descended */
	bool burying;
};

/* Made when first asked for. */
struct own *own_new(struct vm *vm);

static inline struct own *own_of(struct vm *vm)
{
	return vm->own ? vm->own : own_new(vm);
}

/* d->bury is called when the outermost run ends; now if there is none. */
void own_bury(struct vm *vm, struct dead *d);

/* Counts against MAP_MAX_BYTES: -E2BIG names the map. */
int map_account(struct vm *vm, const struct vm_map *m, uint64_t count,
		uint64_t size);

static inline uint32_t map_stride(const struct vm_map *m)
{
	return (m->def->value_size + 7) & ~7u;
}

/* What programs may do with its values. */
uint32_t map_perm(const struct vm_map *m);

static inline uint32_t map_here(const struct vm *vm)
{
	return vm->host->cpu(vm->host->arg);
}

/* The CPU to look at; nobody needs to be asked for most maps. */
static inline uint32_t map_cpu(const struct vm *vm, const struct vm_map *m)
{
	return m->by_cpu ? map_here(vm) : 0;
}

/* ---- special members of values ---------------------------------------- */

/* Copies a value without its locks, timers, kptrs … */
void map_copy(const struct vm_map *m, void *to, const void *from);
/* The value at addr goes, or is overwritten: timers are cancelled, kptrs
 * released, lists emptied. */
void map_fields_free(struct vm *vm, const struct object_field *fields,
		     size_t count, void *value, uint32_t size, uint64_t addr);
void map_value_gone(struct vm *vm, const struct vm_map *m, void *value,
		    uint64_t addr);
/* Gives up a reference that nobody can name any more. */
void kptr_release(struct vm *vm, uint64_t addr);
void timer_forget(struct vm *vm, const void *field, uint64_t addr);
void head_forget(struct vm *vm, const void *field, uint64_t addr);

/* ---- types ------------------------------------------------------------ */

/* They fill m->ops, m->state, m->values. */
int map_array_new(struct vm *vm, struct vm_map *m);
int map_hash_new(struct vm *vm, struct vm_map *m);
int map_queue_new(struct vm *vm, struct vm_map *m);
int map_bloom_new(struct vm *vm, struct vm_map *m);
int map_local_new(struct vm *vm, struct vm_map *m);
int map_ring_new(struct vm *vm, struct vm_map *m);
int map_arena_new(struct vm *vm, struct vm_map *m);
int map_outer_new(struct vm *vm, struct vm_map *m); /* of maps */

/* The bytes of a data section's map. */
unsigned char *map_array_bytes(const struct vm_map *m);

/* addr and len of a task or cgroup: see map_local.c. */
uint64_t map_local_get(struct vm *vm, struct vm_map *m, uint64_t object,
		       uint64_t init, uint64_t flags);
int64_t map_local_delete(struct vm *vm, struct vm_map *m, uint64_t object);

/* A record's address, 0: no room; it is in use until it is committed. */
uint64_t map_ring_reserve(struct vm *vm, struct vm_map *m, uint64_t size);
/* false: not the address of a record in use. */
bool map_ring_commit(struct vm *vm, uint64_t record, bool discard);
uint64_t map_ring_query(const struct vm_map *m, uint64_t what);
/* For the user's side: hands over what was submitted, oldest first. */
size_t map_ring_drain(struct vm_map *m,
		      void (*use)(void *arg, const void *data, uint32_t len),
		      void *arg);

uint64_t map_arena_alloc(struct vm *vm, struct vm_map *m, uint64_t addr,
			 uint32_t pages);
void map_arena_free(struct vm *vm, struct vm_map *m, uint64_t addr,
		    uint32_t pages);

#endif
