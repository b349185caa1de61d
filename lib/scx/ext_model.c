/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy that follows a model is supplied with one, and asked how it does.
 * Without JSON or text: part of the program that has privilege. */
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/err.h"
#include "policy/model.h"
#include "scx/ext_state.h"

/* One of just this form, or -1: the kernel goes by the map's own sizes, and
 * would read and write as much behind what we give it. */
static int map_of(const struct ext_policy *p, const char *name, size_t size,
		  uint32_t entries)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(p->obj, name);

	return m && bpf_map__type(m) == BPF_MAP_TYPE_ARRAY &&
			       bpf_map__value_size(m) == size &&
			       bpf_map__max_entries(m) == entries
		       ? bpf_map__fd(m)
		       : -1;
}

static int follows_none(void)
{
	return err_set(ENOTSUP, "the policy follows no model");
}

static int put(int fd, uint32_t key, const void *value, const char *what)
{
	return bpf_map_update_elem(fd, &key, value, BPF_ANY)
		       ? err_set(errno, "cannot hand over %s: %s", what,
				 strerror(errno))
		       : 0;
}

/* What counts now; of the one that an object brought with it, too. */
static int generation_now(struct ext_policy *p, int fd)
{
	uint32_t zero = 0, now = 0;

	if (bpf_map_lookup_elem(fd, &zero, &now))
		return err_set(errno, "cannot read which model counts: %s",
			       strerror(errno));
	if (now)
		p->models = now;
	return 0;
}

int ext_model(struct ext_policy *p, const struct forecast *m,
	      uint32_t *generation)
{
	int counts = map_of(p, "model_generation", sizeof(uint32_t), 1);
	int models = map_of(p, "models", sizeof(*m), 2);
	uint32_t next = 0;
	int rc = m ? policy_model_check(m) : 0;

	if (!rc && (counts < 0 || models < 0))
		rc = follows_none();
	if (!rc)
		rc = generation_now(p, counts);
	if (!rc && m) {
		/* 0 stands for none. */
		next = p->models + 1 ? p->models + 1 : 2;
		rc = put(models, LEARNED_HALF(next), m, "the model");
	}
	if (!rc)
		rc = put(counts, 0, &next, "which model counts");
	if (rc)
		return rc;
	if (next)
		p->models = next;
	*generation = next;
	return 0;
}

int ext_context(struct ext_policy *p, const struct feature_context *c)
{
	int fd = map_of(p, "model_context", sizeof(*c), 1);

	return fd < 0 ? follows_none() : put(fd, 0, c, "what the machine does");
}

int ext_learned(const struct ext_policy *p, struct learned_report *out)
{
	int fd = map_of(p, "model_report", sizeof(*out), 1);
	uint32_t zero = 0;

	if (fd < 0)
		return follows_none();
	if (bpf_map_lookup_elem(fd, &zero, out))
		return err_set(errno, "cannot read how the model does: %s",
			       strerror(errno));
	return 0;
}
