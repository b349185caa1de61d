/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be used as a model.  Integers alone: part of the program that has
 * privilege. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "learn/forecast.h"

const char *forecast_kind_name(enum forecast_kind k)
{
	static const char *const names[] = {"none", "linear", "trees"};

	return names[k];
}

const char *forecast_target_name(enum forecast_target t)
{
	static const char *const names[] = {"burst", "sleep", "class"};

	return names[t];
}

static bool is_zero(const void *p, size_t len)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < len; i++)
		if (b[i])
			return false;
	return true;
}

static bool tree_fits(const struct forecast_tree *t, uint32_t features)
{
	for (unsigned i = 1; i < FORECAST_NODES; i++)
		if ((t->node[i] & 0xffff) % FORECAST_WORD ||
		    (t->node[i] & 0xffff) / FORECAST_WORD >= features)
			return false;
	return !t->node[0];
}

static int check_part(const struct forecast_part *p, uint32_t features,
		      const char *name)
{
	const char *what = NULL;
	size_t used = p->kind == FORECAST_LINEAR ? features : 0;

	if (p->kind > FORECAST_BOOSTED)
		return err_set(EINVAL, "%s: the kind %u is unknown", name,
			       p->kind);
	if (p->kind == FORECAST_NONE)
		what = is_zero(p, sizeof(*p)) ? NULL : "has no kind";
	else if (p->trees > FORECAST_TREES ||
		 (p->kind == FORECAST_BOOSTED) != (p->trees > 0))
		what = "has another number of trees than it may";
	else if (!is_zero(p->weight + used,
			  (FORECAST_FEATURES - used) * sizeof(*p->weight)))
		what = "weighs what is no feature";
	else if (!is_zero(p->tree + p->trees,
			  (FORECAST_TREES - p->trees) * sizeof(*p->tree)))
		what = "has more trees than it counts";
	for (uint32_t i = 0; !what && i < p->trees; i++)
		if (!tree_fits(&p->tree[i], features))
			what = "asks for what is no feature";
	return what ? err_set(EINVAL, "%s: it %s", name, what) : 0;
}

int forecast_check(const struct forecast *m)
{
	int rc = 0;

	if (m->magic != FORECAST_MAGIC)
		return err_set(EINVAL, "it is no model");
	if (m->version != FORECAST_VERSION)
		return err_set(EINVAL, "it is of version %u, not %u",
			       m->version, FORECAST_VERSION);
	if (!m->features || m->features > FORECAST_FEATURES)
		return err_set(EINVAL, "it is of %u features", m->features);
	for (int t = 0; t < FORECAST_TARGETS && !rc; t++)
		rc = check_part(&m->part[t], m->features,
				forecast_target_name((enum forecast_target)t));
	return rc;
}
