/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without text: part of the program that has privilege. */
#include "policy/intent_rules.h"

#include <errno.h>
#include <stdbool.h>

#include "base/err.h"

#define CLASSES 3

static bool is_time(uint32_t us)
{
	return us <= INTENT_MAX_US;
}

static bool is_entry(const struct intent_entry *e)
{
	return !(e->set & ~(uint32_t)INTENT_EFFECTS) && e->class < CLASSES &&
	       e->weight <= INTENT_MAX_WEIGHT && is_time(e->slice_min_us) &&
	       is_time(e->slice_max_us) && is_time(e->deadline_us) &&
	       (!(e->set & INTENT_WEIGHT) || e->weight) &&
	       !(e->needs & ~(uint32_t)INTENT_KINDS) &&
	       e->where <= INTENT_END && e->len <= INTENT_COMMAND_MAX;
}

static bool is_mark(const struct intent_mark *m)
{
	return !m->key.half &&
	       (m->key.kind == INTENT_OF_CGROUP ||
		m->key.kind == INTENT_OF_FILE || m->key.kind == INTENT_OF_USER);
}

int intent_rules_check(const struct intent_rules *r, size_t len)
{
	bool is = len >= offsetof(struct intent_rules, v) &&
		  r->marks <= INTENT_MAX_MARKS && r->size == len &&
		  len == offsetof(struct intent_rules, v) +
				  r->marks * sizeof(r->v[0]) &&
		  r->table.count <= INTENT_MAX_RULES &&
		  !(r->table.kinds & ~(uint32_t)INTENT_KINDS);

	for (uint32_t i = 0; is && i < r->table.count; i++)
		is = is_entry(&r->table.v[i]);
	for (uint32_t i = 0; is && i < r->marks; i++)
		is = is_mark(&r->v[i]);
	return is ? 0 : err_set(EINVAL, "not what rules are compiled to");
}
