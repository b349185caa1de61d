/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bloom filters: as many bits and hashes as the kernel takes. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

#define MAX_BITS (1ull << 32)

struct bloom {
	uint32_t hashes;
	uint64_t mask;
	uint64_t bits[];
};

static uint64_t bloom_hash(const unsigned char *p, uint32_t len, uint64_t seed)
{
	uint64_t h = 0xcbf29ce484222325ull ^ seed * 0x9e3779b97f4a7c15ull;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h ^ h >> 32;
}

static int bloom_push(struct vm *vm, struct vm_map *m, const void *value,
		      uint64_t flags)
{
	struct bloom *b = m->state;

	(void)vm;
	if (flags != BPF_ANY)
		return -EINVAL;
	for (uint32_t i = 0; i < b->hashes; i++) {
		uint64_t bit =
			bloom_hash(value, m->def->value_size, i) & b->mask;

		b->bits[bit / 64] |= 1ull << bit % 64;
	}
	return 0;
}

/* Here the value is what is asked for. */
static int bloom_take(struct vm *vm, struct vm_map *m, void *value, bool pop)
{
	struct bloom *b = m->state;

	(void)vm;
	if (pop)
		return -EOPNOTSUPP;
	for (uint32_t i = 0; i < b->hashes; i++) {
		uint64_t bit =
			bloom_hash(value, m->def->value_size, i) & b->mask;

		if (!(b->bits[bit / 64] >> bit % 64 & 1))
			return -ENOENT;
	}
	return 0;
}

static void bloom_release(struct vm *vm, struct vm_map *m)
{
	(void)vm;
	free(m->state);
}

static const struct vm_map_ops bloom_ops = {
	.push = bloom_push,
	.take = bloom_take,
	.release = bloom_release,
};

int map_bloom_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;
	uint32_t hashes = def->extra & 15 ? def->extra & 15 : 5;
	uint64_t want, bits = 64;
	struct bloom *b;
	int rc;

	if (def->key_size || !def->value_size || !def->max_entries ||
	    def->extra > 15)
		return err_set(EINVAL,
			       "filter '%s' needs a value, max_entries and no "
			       "key",
			       def->name);
	/* 7 / 5 is about 1 / ln 2. */
	want = (uint64_t)def->max_entries * hashes / 5 * 7;
	while (bits < want && bits < MAX_BITS)
		bits *= 2;
	rc = map_account(vm, m, bits / 64, 8);
	if (rc)
		return rc;
	b = mem_zalloc(1, sizeof(*b) + bits / 8);
	b->hashes = hashes;
	b->mask = bits - 1;
	m->state = b;
	m->ops = &bloom_ops;
	return 0;
}
