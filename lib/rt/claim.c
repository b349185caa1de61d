/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/claim.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

/* What a claim may still ask for; nothing where it holds its most. */
static struct vec rest_of(const struct rt_claim *c)
{
	struct vec rest;

	for (size_t i = 0; i < RES_COUNT; i++)
		rest.v[i] = c->most.v[i] > c->held.v[i]
				    ? c->most.v[i] - c->held.v[i]
				    : 0;
	return rest;
}

/* What can never be: the component is named. */
static int never(const struct rt_claim *c, size_t n, const struct vec *idle,
		 const struct rt_claim *grown)
{
	enum res lacks = vec_lacks(&grown->held, &grown->most);
	struct vec whole = *idle;

	if (lacks != RES_COUNT)
		return err_set(ERANGE,
			       "%s: %lld wanted in all, and %lld was named as "
			       "the most",
			       res_name(lacks), (long long)grown->held.v[lacks],
			       (long long)grown->most.v[lacks]);
	for (size_t i = 0; i < n; i++)
		vec_add(&whole, &c[i].held);
	lacks = vec_lacks(&grown->most, &whole);
	if (lacks != RES_COUNT)
		return err_set(ERANGE,
			       "%s: it may grow to %lld, and there are %lld",
			       res_name(lacks), (long long)grown->most.v[lacks],
			       (long long)whole.v[lacks]);
	return 0;
}

/*
 * Whether all can end one after another, each once what it may still ask for
 * is free.  It does not matter which of those that can end goes first: it only
 * adds to what is free.
 */
static bool all_can_end(const struct rt_claim *c, size_t n, struct vec idle,
			size_t who, const struct rt_claim *grown)
{
	bool *ended = mem_zalloc(n, sizeof(*ended));
	size_t left = n, before;

	do {
		before = left;
		for (size_t i = 0; i < n; i++) {
			const struct rt_claim *x = i == who ? grown : &c[i];
			struct vec rest = rest_of(x);

			if (ended[i] || !vec_fits(&rest, &idle))
				continue;
			vec_add(&idle, &x->held);
			ended[i] = true;
			left--;
		}
	} while (left && left < before);
	free(ended);
	return !left;
}

int rt_claims_safe(const struct rt_claim *c, size_t n, const struct vec *idle,
		   size_t who, const struct vec *more)
{
	struct rt_claim grown = c[who];
	struct vec left = *idle;
	enum res lacks;
	int rc;

	vec_add(&grown.held, more);
	rc = never(c, n, idle, &grown);
	if (rc)
		return rc;
	lacks = vec_lacks(more, idle);
	if (lacks != RES_COUNT)
		return err_set(EAGAIN, "%s: %lld wanted, %lld free",
			       res_name(lacks), (long long)more->v[lacks],
			       (long long)idle->v[lacks]);
	vec_sub(&left, more);
	if (all_can_end(c, n, left, who, &grown))
		return 0;
	return err_set(EAGAIN, "it fits, but then not all that hold something "
			       "could still grow to their most");
}
