/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hashes of all four kinds.
 *
 * An element is a node: its key and one value, or one per CPU.  All nodes are
 * in a list too, the one that is oldest (or, in LRU maps, was not looked up
 * for the longest time) first: that is the order of walks and of eviction, so
 * no result depends on the hash function.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

#define FIRST_BUCKETS 64

struct node {
	struct holder holder;	  /* first */
	struct node *chain;	  /* in its bucket, or free */
	struct node *prev, *next; /* in age; kept when it is removed */
	struct node *made;	  /* the one allocated before */
	uint32_t hash;
	bool live;
	uint64_t bytes[]; /* regions, key, values */
};

struct hash {
	struct node **buckets;
	uint32_t mask, count;
	uint32_t copies; /* values of a node */
	bool lru;
	uint32_t key_at, values_at; /* in node.bytes, as bytes */
	struct node *oldest, *youngest, *free, *made;
};

static uint32_t *node_regions(struct node *n)
{
	return (uint32_t *)n->bytes;
}

static unsigned char *node_key(const struct hash *h, struct node *n)
{
	return (unsigned char *)n->bytes + h->key_at;
}

static unsigned char *node_value(const struct hash *h, struct node *n,
				 uint32_t copy)
{
	return (unsigned char *)n->bytes + h->values_at +
	       (size_t)copy * map_stride(n->holder.map);
}

/* The steps of MurmurHash3 (Appleby, public domain). */
static uint32_t hash_key(const unsigned char *key, uint32_t len)
{
	uint64_t h = 0x9e3779b97f4a7c15ull, word;

	for (; len; key += 8, len -= 8) {
		uint32_t n = len < 8 ? len : 8;

		word = 0;
		memcpy(&word, key, n);
		h = (h ^ word) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
		if (len <= 8)
			break;
	}
	h *= 0xc4ceb9fe1a85ec53ull;
	return h >> 32;
}

static struct node *find(const struct vm_map *m, const void *key, uint32_t hash)
{
	const struct hash *h = m->state;
	struct node *n = h->buckets[hash & h->mask];

	while (n && (n->hash != hash ||
		     memcmp(node_key(h, n), key, m->def->key_size) != 0))
		n = n->chain;
	return n;
}

/* ---- the list --------------------------------------------------------- */

static void age_out(struct hash *h, struct node *n)
{
	*(n->prev ? &n->prev->next : &h->oldest) = n->next;
	*(n->next ? &n->next->prev : &h->youngest) = n->prev;
}

static void age_in(struct hash *h, struct node *n)
{
	n->prev = h->youngest;
	n->next = NULL;
	*(n->prev ? &n->prev->next : &h->oldest) = n;
	h->youngest = n;
}

/* ---- nodes ------------------------------------------------------------ */

static void grow(struct hash *h)
{
	uint32_t size = 2 * (h->mask + 1);

	free(h->buckets);
	h->buckets = mem_zalloc(size, sizeof(struct node *));
	h->mask = size - 1;
	for (struct node *n = h->oldest; n; n = n->next) {
		n->chain = h->buckets[n->hash & h->mask];
		h->buckets[n->hash & h->mask] = n;
	}
}

static void node_bury(struct vm *vm, struct dead *d)
{
	struct node *n = (struct node *)d;
	struct hash *h = n->holder.map->state;

	for (uint32_t i = 0; i < h->copies; i++) {
		if (node_regions(n)[i])
			vm_region_free(vm, node_regions(n)[i]);
		node_regions(n)[i] = 0;
	}
	n->chain = h->free;
	h->free = n;
}

static struct node *node_new(struct vm_map *m, const void *key, uint32_t hash)
{
	struct hash *h = m->state;
	size_t bytes = h->values_at + (size_t)h->copies * map_stride(m);
	struct node *n = h->free;

	if (n) {
		h->free = n->chain;
		memset(node_value(h, n, 0), 0, bytes - h->values_at);
	} else {
		n = mem_zalloc(1, sizeof(*n) + bytes);
		n->holder.map = m;
		n->made = h->made;
		n->holder.dead.bury = node_bury;
		h->made = n;
	}
	memcpy(node_key(h, n), key, m->def->key_size);
	n->hash = hash;
	n->live = true;
	return n;
}

static uint64_t node_addr(struct vm *vm, struct node *n, uint32_t copy)
{
	const struct hash *h = n->holder.map->state;
	uint32_t *region = &node_regions(n)[copy];

	if (!*region)
		*region = vm_region_new(vm, node_value(h, n, copy),
					n->holder.map->def->value_size,
					map_perm(n->holder.map),
					&map_value_kind, n);
	return vm_addr(*region);
}

static void node_insert(struct hash *h, struct node *n)
{
	if (h->count > h->mask)
		grow(h);
	n->chain = h->buckets[n->hash & h->mask];
	h->buckets[n->hash & h->mask] = n;
	age_in(h, n);
	h->count++;
}

static void node_remove(struct vm *vm, struct node *n)
{
	struct hash *h = n->holder.map->state;
	struct node **at = &h->buckets[n->hash & h->mask];

	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
	age_out(h, n);
	h->count--;
	n->live = false;
	for (uint32_t i = 0; i < h->copies; i++)
		map_value_gone(vm, n->holder.map, node_value(h, n, i),
			       vm_addr(node_regions(n)[i]));
	own_bury(vm, &n->holder.dead);
}

/* ---- operations ------------------------------------------------------- */

static uint64_t hash_lookup(struct vm *vm, struct vm_map *m, const void *key,
			    uint32_t cpu)
{
	struct hash *h = m->state;
	struct node *n = find(m, key, hash_key(key, m->def->key_size));

	if (!n)
		return 0;
	if (h->lru && n != h->youngest) {
		age_out(h, n);
		age_in(h, n);
	}
	return node_addr(vm, n, m->by_cpu ? cpu : 0);
}

static int hash_update(struct vm *vm, struct vm_map *m, const void *key,
		       const void *value, uint64_t flags, uint32_t cpu)
{
	struct hash *h = m->state;
	uint32_t hash = hash_key(key, m->def->key_size);
	uint32_t copy = m->by_cpu ? cpu : 0;
	struct node *old = find(m, key, hash), *n;

	if ((flags & ~(uint64_t)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (old && (flags & BPF_NOEXIST))
		return -EEXIST;
	if (!old && (flags & BPF_EXIST))
		return -ENOENT;
	/* Only these are changed in place; else whoever holds a pointer goes
	 * on seeing the old value. */
	if (old && (m->by_cpu || (flags & BPF_F_LOCK))) {
		map_copy(m, node_value(h, old, copy), value);
		return 0;
	}
	if (!old && h->count >= m->def->max_entries) {
		if (!h->lru)
			return -E2BIG;
		node_remove(vm, h->oldest);
	}
	n = node_new(m, key, hash);
	map_copy(m, node_value(h, n, copy), value);
	if (old)
		node_remove(vm, old);
	node_insert(h, n);
	return 0;
}

static int hash_remove(struct vm *vm, struct vm_map *m, const void *key)
{
	struct node *n = find(m, key, hash_key(key, m->def->key_size));

	if (!n)
		return -ENOENT;
	node_remove(vm, n);
	return 0;
}

/* A node that was removed on the way still knows who came after it. */
static bool hash_walk(struct vm *vm, struct vm_map *m, uintptr_t *at, void *key,
		      uint64_t *value, uint32_t cpu)
{
	struct hash *h = m->state;
	struct node *n = (struct node *)*at;

	n = n ? n->next : h->oldest;
	while (n && !n->live)
		n = n->next;
	if (!n)
		return false;
	*at = (uintptr_t)n;
	memcpy(key, node_key(h, n), m->def->key_size);
	*value = node_addr(vm, n, m->by_cpu ? cpu : 0);
	return true;
}

static bool hash_key_of(struct vm *vm, struct vm_map *m, uint64_t value,
			void *key)
{
	struct node *n = map_holder(vm, m, value);

	if (!n || !n->live)
		return false;
	memcpy(key, node_key(m->state, n), m->def->key_size);
	return true;
}

static void hash_release(struct vm *vm, struct vm_map *m)
{
	struct hash *h = m->state;

	(void)vm;
	while (h->made) {
		struct node *n = h->made;

		h->made = n->made;
		free(n);
	}
	free(h->buckets);
	free(h);
}

static const struct vm_map_ops hash_ops = {
	.lookup = hash_lookup,
	.update = hash_update,
	.remove = hash_remove,
	.walk = hash_walk,
	.key_of = hash_key_of,
	.release = hash_release,
};

int map_hash_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;
	uint32_t type = def->type;
	struct hash *h;

	if (!def->key_size || !def->value_size || !def->max_entries)
		return err_set(EINVAL,
			       "hash '%s' needs a key, a value and max_entries",
			       def->name);
	h = mem_zalloc(1, sizeof(*h));
	m->by_cpu = type == BPF_MAP_TYPE_PERCPU_HASH ||
		    type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	h->copies = m->by_cpu ? vm->host->nr_cpus : 1;
	h->lru = type == BPF_MAP_TYPE_LRU_HASH ||
		 type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	h->key_at = (4 * h->copies + 7) & ~7u;
	h->values_at = h->key_at + ((def->key_size + 7) & ~7u);
	h->buckets = mem_zalloc(FIRST_BUCKETS, sizeof(struct node *));
	h->mask = FIRST_BUCKETS - 1;
	m->state = h;
	m->ops = &hash_ops;
	return map_account(vm, m, def->max_entries,
			   h->values_at + (uint64_t)h->copies * map_stride(m));
}
