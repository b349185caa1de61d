/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Incremental cycle detection with levels: Bender, Fineman, Gilbert, Tarjan,
 * "A New Approach to Incremental Cycle Detection and Related Problems", ACM
 * Transactions on Algorithms 12 (2), 2016, section 2.
 *
 * A link goes from a document to its parent and never to a lower level.  A
 * new link searches its own level backwards, for a limited number of steps;
 * where that does not settle it the parent goes up a level and takes its own
 * parents along.
 */
#include "doc/lineage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/ids.h"

#define SHOWN_IDS	  4 /* of a cycle, in a message */
#define MAX_LIFTED_CYCLES 100

struct list {
	uint32_t *v;
	uint32_t len;
	uint32_t cap;
};

struct vertex {
	const struct doc *doc;
	struct list parents;
	struct list children; /* those on this very level */
	uint32_t level;
	uint32_t seen;	/* number of the last search that came by */
	uint32_t below; /* the next one down, towards where it began */
	uint32_t above; /* likewise in the search upwards */
};

struct lineage {
	struct ids ids;
	struct vertex *v;
	uint32_t cap;
	uint32_t search;
	uint64_t links;
	int lifted_cycles;
	struct list work;
};

struct link {
	uint32_t child;
	uint32_t parent;
};

enum found { FOUND_NOTHING, FOUND_LIMIT, FOUND_CYCLE };

static void push(struct list *l, uint32_t x)
{
	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 4;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->len++] = x;
}

struct lineage *lineage_new(void)
{
	struct lineage *l = mem_zalloc(1, sizeof(*l));

	ids_init(&l->ids);
	return l;
}

void lineage_free(struct lineage *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; i < l->ids.count; i++) {
		free(l->v[i].parents.v);
		free(l->v[i].children.v);
	}
	ids_release(&l->ids);
	free(l->work.v);
	free(l->v);
	free(l);
}

static uint32_t vertex(struct lineage *l, const char *id)
{
	uint32_t before = l->ids.count, n = ids_number(&l->ids, id);

	if (n < before)
		return n;
	if (n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[n] = (struct vertex){0};
	return n;
}

/* Do the descendants of link.child, on its level, include link.parent? */
static enum found search_down(struct lineage *l, struct link link)
{
	uint64_t limit = (uint64_t)sqrt((double)l->links), steps = 0;

	l->search++;
	l->v[link.child].seen = l->search;
	l->work.len = 0;
	push(&l->work, link.child);
	while (l->work.len) {
		uint32_t at = l->work.v[--l->work.len];
		const struct list *children = &l->v[at].children;

		for (uint32_t i = 0; i < children->len; i++) {
			uint32_t child = children->v[i];

			if (steps++ > limit)
				return FOUND_LIMIT;
			if (l->v[child].seen == l->search)
				continue;
			l->v[child].seen = l->search;
			l->v[child].below = at;
			if (child == link.parent)
				return FOUND_CYCLE;
			push(&l->work, child);
		}
	}
	return FOUND_NOTHING;
}

static void set_level(struct lineage *l, uint32_t at, uint32_t level)
{
	l->v[at].level = level;
	l->v[at].children.len = 0;
}

/*
 * Lifts the ancestors of from to its level.  One that search_down() saw closes
 * a cycle: *meet is the first link to one.  The lifting goes on all the same,
 * as the levels must be right for what comes.
 */
static enum found lift(struct lineage *l, uint32_t from, struct link *meet)
{
	uint32_t level = l->v[from].level;
	enum found found = FOUND_NOTHING;

	l->work.len = 0;
	push(&l->work, from);
	while (l->work.len) {
		uint32_t at = l->work.v[--l->work.len];
		const struct list *parents = &l->v[at].parents;

		for (uint32_t i = 0; i < parents->len; i++) {
			uint32_t up = parents->v[i];

			if (!found && l->v[up].seen == l->search) {
				found = FOUND_CYCLE;
				*meet = (struct link){at, up};
			}
			if (l->v[up].level < level) {
				set_level(l, up, level);
				l->v[up].above = at;
				push(&l->work, up);
			}
			if (l->v[up].level == level)
				push(&l->v[up].children, at);
		}
	}
	return found;
}

static void put_id(const struct lineage *l, struct buf *b, uint32_t n)
{
	buf_printf(b, "%s%.*s", b->len ? " -> " : "", IDS_DIGITS,
		   l->ids.text[n]);
}

static void reverse(uint32_t *v, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		uint32_t swap = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = swap;
	}
}

/* child -> parent -> what lift() went through -> meet -> ... -> child */
static int cycle(struct lineage *l, struct link link, struct link meet)
{
	struct list path = {0};
	struct buf b;
	int rc;

	push(&path, link.child);
	if (meet.parent != link.parent) {
		for (uint32_t n = meet.child; n != link.parent;
		     n = l->v[n].above)
			push(&path, n);
		push(&path, link.parent);
		reverse(path.v + 1, path.len - 1);
	}
	for (uint32_t n = meet.parent; n != link.child; n = l->v[n].below)
		push(&path, n);
	buf_init(&b, 1024);
	for (uint32_t i = 0; i < path.len && i < SHOWN_IDS; i++)
		put_id(l, &b, path.v[i]);
	if (path.len > SHOWN_IDS)
		buf_printf(&b, " -> %u more", path.len - SHOWN_IDS);
	put_id(l, &b, link.child);
	rc = err_set(ELOOP, "parent: the chain leads back to itself: %s",
		     b.data);
	buf_release(&b);
	free(path.v);
	return rc;
}

/* Brings the parent up to level. */
static int raise_parent(struct lineage *l, struct link link, uint32_t level)
{
	struct link meet;

	/* A cycle that is found here pays for nothing that comes later. */
	if (l->lifted_cycles == MAX_LIFTED_CYCLES &&
	    l->v[link.parent].parents.len)
		return err_set(ELOOP, "parent: not looked at after %d cycles",
			       MAX_LIFTED_CYCLES);
	set_level(l, link.parent, level);
	if (lift(l, link.parent, &meet) == FOUND_NOTHING)
		return 0;
	l->lifted_cycles++;
	return cycle(l, link, meet);
}

/* The link in its place; a cycle is an error. */
static int add_link(struct lineage *l, struct link link)
{
	struct vertex *child = &l->v[link.child], *parent = &l->v[link.parent];
	uint32_t level = child->level;
	int rc = 0;

	if (link.child == link.parent)
		return err_set(ELOOP, "parent: %.*s is its own parent",
			       IDS_DIGITS, l->ids.text[link.child]);
	if (parent->level <= level && parent->parents.len) {
		enum found found = search_down(l, link);

		if (found == FOUND_CYCLE)
			return cycle(l, link, link);
		if (found == FOUND_LIMIT)
			level++;
	}
	if (parent->level < level)
		rc = raise_parent(l, link, level);
	if (rc)
		return rc;
	push(&child->parents, link.parent);
	if (child->level == parent->level)
		push(&parent->children, link.child);
	l->links++;
	return 0;
}

int lineage_add(struct lineage *l, const struct doc *d)
{
	struct link link = {.child = vertex(l, d->id)};

	json_each (it, json_get(d->env, "parent")) {
		int rc;

		link.parent = vertex(l, json_as_string(it, ""));
		rc = add_link(l, link);
		if (rc)
			return rc;
	}
	return 0;
}

void lineage_keep(struct lineage *l, const struct doc *d)
{
	uint32_t n = vertex(l, d->id);

	if (!l->v[n].doc)
		l->v[n].doc = d;
}

const struct doc *lineage_find(const struct lineage *l, const char *id)
{
	uint32_t n = IDS_NONE;

	if (strlen(id) == IDS_DIGITS)
		n = ids_find(&l->ids, id);
	return n == IDS_NONE ? NULL : l->v[n].doc;
}
