/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues and stacks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/map.h"

struct queue {
	uint32_t oldest, count;
	unsigned char *values;
};

static unsigned char *queue_at(const struct vm_map *m, uint32_t n)
{
	const struct queue *q = m->state;
	uint64_t i = ((uint64_t)q->oldest + n) % m->def->max_entries;

	return q->values + i * m->def->value_size;
}

static void queue_drop_oldest(struct vm_map *m)
{
	struct queue *q = m->state;

	q->oldest = (q->oldest + 1ull) % m->def->max_entries;
	q->count--;
}

static int queue_push(struct vm *vm, struct vm_map *m, const void *value,
		      uint64_t flags)
{
	struct queue *q = m->state;

	(void)vm;
	if (flags & BPF_NOEXIST || flags > BPF_EXIST)
		return -EINVAL;
	if (q->count == m->def->max_entries) {
		if (flags != BPF_EXIST)
			return -E2BIG;
		queue_drop_oldest(m);
	}
	memcpy(queue_at(m, q->count++), value, m->def->value_size);
	return 0;
}

static int queue_take(struct vm *vm, struct vm_map *m, void *value, bool pop)
{
	bool stack = m->def->type == BPF_MAP_TYPE_STACK;
	struct queue *q = m->state;

	(void)vm;
	if (!q->count) {
		memset(value, 0, m->def->value_size);
		return -ENOENT;
	}
	memcpy(value, queue_at(m, stack ? q->count - 1 : 0),
	       m->def->value_size);
	if (!pop)
		return 0;
	if (stack)
		q->count--;
	else
		queue_drop_oldest(m);
	return 0;
}

static void queue_release(struct vm *vm, struct vm_map *m)
{
	struct queue *q = m->state;

	(void)vm;
	free(q->values);
	free(q);
}

static const struct vm_map_ops queue_ops = {
	.push = queue_push,
	.take = queue_take,
	.release = queue_release,
};

int map_queue_new(struct vm *vm, struct vm_map *m)
{
	const struct object_map *def = m->def;
	struct queue *q;
	int rc;

	if (def->key_size || !def->value_size || !def->max_entries)
		return err_set(EINVAL,
			       "queue '%s' needs a value, max_entries and no "
			       "key",
			       def->name);
	rc = map_account(vm, m, def->max_entries, def->value_size);
	if (rc)
		return rc;
	q = mem_zalloc(1, sizeof(*q));
	q->values = mem_zalloc(def->max_entries, def->value_size);
	m->state = q;
	m->ops = &queue_ops;
	return 0;
}
