/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notes of the history, found by words and by features.
 *
 * An index in memory that follows the branch: what was recorded since, by
 * whomever, is taken in before each search.  A copy of the notes in the
 * repository's folder spares a new process the reading of them one by one.
 */
#ifndef SCHEDKIT_HISTORY_RECALL_H
#define SCHEDKIT_HISTORY_RECALL_H

#include "history/history.h"

struct recall;

struct recall_note {
	char id[DOC_ID_LEN];
	time_t time;
	const char *agent; /* "": nobody's, everybody may read it */
	const char *text;
	const struct json *tags;     /* array of strings; NULL: none */
	const struct json *features; /* object of numbers; NULL: none */
	const char *about;	     /* an id; "": none */
	const struct json *state;    /* as in state.h; NULL: none */
	unsigned long turn;	     /* notes that it is the answer to */
};

/* h is lent. */
struct recall *recall_new(struct history *h);
void recall_free(struct recall *r);

/* Takes in what is new, to be called before the rest. */
int recall_refresh(struct recall *r);
/* In the order in which they were recorded. */
const struct recall_note *recall_at(const struct recall *r, size_t i);
size_t recall_count(const struct recall *r);
bool recall_tagged(const struct recall_note *n, const char *tag);
/* y says the later word of the two: by time, by turn, then by id. */
bool recall_later(const struct recall_note *x, const struct recall_note *y);
/* The notes whose id begins with prefix: how many, *first: one of them. */
size_t recall_find(const struct recall *r, const char *prefix, size_t *first);

struct recall_query {
	const char *words;	     /* NULL or "": not by words */
	const struct json *features; /* NULL or {}: not by features */
	const char *tag;	     /* only notes with it; NULL */
	/* Only notes for which it returns true; NULL: all. */
	bool (*visible)(void *arg, const struct recall_note *n);
	void *arg;
};

struct recall_hit {
	size_t note;
	double score;	 /* BM25; 0: not found by words */
	double distance; /* below 0: not found by features */
};

/*
 * Best first, at most max.  By words, by features, or by both: then the two
 * orders are fused by reciprocal rank (Cormack, Clarke and Buettcher 2009, k =
 * 60).  By neither: the newest first.
 */
size_t recall_search(const struct recall *r, const struct recall_query *q,
		     struct recall_hit *out, size_t max);

#endif
