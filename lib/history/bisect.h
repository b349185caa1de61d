/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which policy made it worse: the search of git-bisect(1) over the policies
 * that were in place for a workload, in their order.  Where it stands is in
 * "bisect.json" of the repository's folder, written as a whole.
 *
 * Where the ladder is the test, a policy is held against the first good one,
 * measured beside it: bisect_judge().
 */
#ifndef SCHEDKIT_HISTORY_BISECT_H
#define SCHEDKIT_HISTORY_BISECT_H

#include "history/history.h"

enum bisect_mark { BISECT_NONE, BISECT_GOOD, BISECT_BAD, BISECT_SKIP };

extern const char *const bisect_words[]; /* "", "good", "bad", "skip" */

struct bisect {
	char *workload;
	/* In the order they were in place; one may have come back. */
	char (*policy)[DOC_ID_LEN];
	enum bisect_mark *mark;
	size_t n;
	struct json *log; /* array of {mark, policy, why} */
};

/*
 * Begins: the policies that were promoted for the workload, else those that a
 * verdict accepted, by time.  good, bad: ids, NULL: the first, the last.
 * -ENOENT: there are not two, or one of these is not among them; -EINVAL: the
 * good one is not before the bad one.
 */
int bisect_start(struct history *h, const char *workload, const char *good,
		 const char *bad, struct bisect **out);
/* -ENOENT: none was begun. */
int bisect_load(struct history *h, struct bisect **out);
int bisect_save(struct history *h, const struct bisect *b);
int bisect_reset(struct history *h);
void bisect_free(struct bisect *b); /* NULL is fine */

/* Of all the places that it was in.  why: what told so, or NULL.  -ENOENT: it
 * is not among them. */
int bisect_say(struct bisect *b, const char *policy, enum bisect_mark mark,
	       const char *why);
/* What told so the last time; NULL: nobody said. */
const char *bisect_why(const struct bisect *b, const char *policy);

/*
 * 1: *at is to be tested next.  0: *at is the first bad one, and *after the
 * last good one.  -ENOTUNIQ: what is left was skipped, from
 * *after (not in it) to *at.  -EINVAL: no good one is before a bad one any
 * more.
 */
int bisect_next(const struct bisect *b, size_t *at, size_t *after);

/* ---- the ladder as the test -------------------------------------------- */

/* Of those that are good the one that was in place first; of those that are
 * bad likewise.  Lent. */
const char *bisect_first_good(const struct bisect *b);
const char *bisect_first_bad(const struct bisect *b);

/* The newest profile of the workload, the caller's.  -ENOENT. */
int bisect_profile(struct history *h, const struct bisect *b, struct doc **out);

/* What a verdict says of a metric. */
struct bisect_figure {
	const char *name; /* lent by the verdict */
	bool higher_is_better;
	double ratio; /* over the kernel's own scheduler; more is better */
	double hi;    /* upper end of its 95 % interval */
};

/* metric NULL: the goal.  -ENODATA: it was not measured, and why. */
int bisect_figure(const struct doc *verdict, const char *metric,
		  struct bisect_figure *out);

/*
 * Bad: worse than the good one by more than pct percent, as a guard counts it
 * (stats/evidence.h), and its interval does not reach the good one.  Skip: it
 * does, so that more pairs may tell.
 */
enum bisect_mark bisect_judge(const struct bisect_figure *good,
			      const struct bisect_figure *tested, double pct);

#endif
