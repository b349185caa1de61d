/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the learner share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_LEARNER_STATE_H
#define SCHEDKIT_AGENTS_LEARNER_STATE_H

#include "agents/observer/features.h"
#include "agents/learner/learner.h"

/* What a lesson is about; documents of the stream. */
struct subject {
	const struct doc *verdict, *policy, *profile;
	const struct doc *plan; /* NULL: nobody planned it */
	struct features features;
};

/* Of a verdict's body: the metric that decided; NULL: nothing was measured. */
const struct json *subject_goal(const struct json *verdict);
/* The stage in which the policy itself failed; NULL: in none. */
const struct json *subject_broken(const struct json *verdict);
const char *subject_outcome(const struct json *verdict);

/* words.c: what happened, in a sentence a person can use; from the
 * rest of the lesson's body.  To be freed. */
char *subject_text(const struct subject *s, const struct json *lesson);

#endif
