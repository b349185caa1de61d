/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules are handed to a policy that is attached.  Without JSON or text: part of
 * the program that has privilege. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/intent_rules.h"
#include "scx/ext_state.h"

static int map_of(const struct ext_policy *p, const char *name)
{
	return bpf_object__find_map_fd_by_name(p->obj, name);
}

static void forget(struct ext_policy *p, int marks, uint32_t half)
{
	struct intent_rules *old = p->intents[half];

	for (uint32_t i = 0; old && i < old->marks; i++) {
		struct intent_key key = old->v[i].key;

		key.half = (uint16_t)half;
		bpf_map_delete_elem(marks, &key);
	}
	free(old);
	p->intents[half] = NULL;
}

static int put_marks(const struct intent_rules *r, int marks, uint32_t half)
{
	for (uint32_t i = 0; i < r->marks; i++) {
		struct intent_key key = r->v[i].key;

		key.half = (uint16_t)half;
		if (bpf_map_update_elem(marks, &key, &r->v[i].rules, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Nobody looks at this half as long as the generation is another one. */
static int put(struct ext_policy *p, const struct intent_rules *r,
	       uint32_t generation)
{
	uint32_t half = INTENT_HALF(generation), zero = 0;
	int marks = map_of(p, "intent_marks");
	int rc;

	forget(p, marks, half);
	p->intents[half] = mem_zalloc(1, sizeof(*r));
	memcpy(p->intents[half], r, r->size);
	rc = put_marks(r, marks, half);
	if (!rc && bpf_map_update_elem(map_of(p, "intents"), &half, &r->table,
				       BPF_ANY))
		rc = -errno;
	if (!rc && bpf_map_update_elem(map_of(p, "intent_generation"), &zero,
				       &generation, BPF_ANY))
		rc = -errno;
	return rc ? err_set(-rc, "cannot hand over the rules: %s",
			    strerror(-rc))
		  : 0;
}

int ext_intents(struct ext_policy *p, const struct intent_rules *r, size_t len,
		uint32_t *generation)
{
	/* 0 stands for none. */
	uint32_t next = p->generation + 1 ? p->generation + 1 : 2;
	int rc = intent_rules_check(r, len);

	if (!rc && map_of(p, "intent_generation") < 0)
		rc = err_set(ENOTSUP, "the policy follows no rules");
	if (!rc)
		rc = put(p, r, next);
	if (rc)
		return rc;
	*generation = p->generation = next;
	return 0;
}

void ext_forget_intents(struct ext_policy *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->intents); i++)
		free(p->intents[i]);
}
