/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a commit says about its document. */
#ifndef SCHEDKIT_HISTORY_WORDS_H
#define SCHEDKIT_HISTORY_WORDS_H

#include "base/buf.h"
#include "base/strs.h"
#include "doc/doc.h"

/* What the words take from other documents of the history. */
struct words_context {
	const char *title;    /* of the policy it is about; NULL: unknown */
	struct strs trailers; /* "Profile: <id>", one for each parent */
};

/* There are words for this kind. */
bool words_known(const char *kind);

/* "verdict: accepted 'shared queue' for longtail, makespan 1.31x …". */
void words_subject(struct buf *out, const struct doc *d,
		   const struct words_context *c);

/* The paragraphs under it; nothing when there is no more to say. */
void words_body(struct buf *out, const struct doc *d);

/* The subject, the body, and the trailers: Kind, Id, those of the context,
 * Kernel, Target and By. */
void words_commit(struct buf *out, const struct doc *d,
		  const struct words_context *c);

/* The policy's id a verdict or deployment is about; NULL: none. */
const char *words_policy(const struct doc *d);

/* The first metric of a verdict that is not a guard; NULL: none. */
const struct json *words_goal(const struct doc *d);

/* The git notes: of a verdict itself, a line per metric; and the one line it
 * adds to the note of its policy. */
void words_metrics(struct buf *out, const struct doc *d);
void words_policy_note(struct buf *out, const struct doc *d);

#endif
