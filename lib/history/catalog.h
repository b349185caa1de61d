/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every document of the history in short: found by its words, and by what it
 * is connected to.  An index in memory that follows the branch;
 * "documents.index" in the repository's folder is a copy of it, see copy.h.
 */
#ifndef SCHEDKIT_HISTORY_CATALOG_H
#define SCHEDKIT_HISTORY_CATALOG_H

#include "history/history.h"

struct catalog;

struct catalog_item {
	char kind[HISTORY_KIND_LEN];
	char id[DOC_ID_LEN];
	time_t time;
	const char *what; /* "'shared queue'", "accepted for longtail" */
	const struct json *links; /* object: id -> as what, or {} */
};

#define CATALOG_NONE ((size_t)-1)

/* h is lent. */
struct catalog *catalog_new(struct history *h);
void catalog_free(struct catalog *c); /* NULL is fine */
/* Takes in what is new, to be called before the rest. */
int catalog_refresh(struct catalog *c);

size_t catalog_count(const struct catalog *c);
/* In the order in which they were recorded; those that a commit of git removed
 * since may be among them. */
const struct catalog_item *catalog_at(const struct catalog *c, size_t i);
/* CATALOG_NONE: it is not there. */
size_t catalog_find(const struct catalog *c, const char *id);

struct catalog_hit {
	size_t item;
	double score; /* BM25 */
};

/* Best first, at most max; kind NULL: any. */
size_t catalog_search(const struct catalog *c, const char *words,
		      const char *kind, struct catalog_hit *out, size_t max);

#endif
