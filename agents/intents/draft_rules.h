/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that are proposed: by a language model that read a person's wish, or
 * from what was seen of tasks.  Nothing here puts one in force; a person reads
 * the file and commits it.
 *
 * A draft: {"summary","rules":[{"name","why","settings":[{"key","value"}]}]}.
 * Whoever wrote it, its words are data.
 */
#ifndef SCHEDKIT_AGENTS_INTENTS_DRAFT_RULES_H
#define SCHEDKIT_AGENTS_INTENTS_DRAFT_RULES_H

#include "agents/intents/crowd.h"
#include "agents/model/model.h"
#include "base/buf.h"
#include "doc/doc.h"

#define DRAFT_RULES_MAX 12 /* of a draft */

/* What a draft is to be held against.  The strings are lent. */
struct draft_about {
	const char *wish;	   /* in the person's own words; NULL: none */
	const char *by;		   /* whose the rules are */
	const struct intents *now; /* in force */
	const struct crowd *crowd;
};

/*
 * -EINVAL: the rules would be refused, and the message says so as the check
 * of a file does; -ENODATA: there are none.
 */
int draft_rules_check(const struct json *draft);

/*
 * A note's body, the caller's, of a draft; errors as draft_rules_check():
 *
 *   {"text":…,"intent":{"proposal":TEXT,"by":…,"summary":…,
 *    "rules":[RULE…],"problems":[]}}
 *
 * TEXT is the file, with what is to be known as comments.  A RULE is as that of
 * intents_list(), with "why", "tasks" (how many of those that run it would be
 * for), "first" (some of them, {"tid","command"}) and "taken" (names of rules
 * in force that are for some of them, too).
 */
int draft_rules_body(const struct json *draft, const struct draft_about *a,
		     struct json **body);

/*
 * What the role declarer is told first: the rules in force and the tasks that
 * run, where they are known, and the wish.  Added to b.
 */
void draft_rules_words(struct buf *b, const struct draft_about *a);

/*
 * Asks a model for one, and to mend it if the check refuses it.  Errors as
 * model_ask(), -EBADMSG: what it says passes no check.
 */
int draft_rules_ask(struct model *m, const struct draft_about *a,
		    struct json **draft);

/* From a profile: tasks with short bursts are interactive, those that compute
 * for long are batch, by the limits of the template. */
struct json *draft_rules_of_profile(const struct doc *profile);

#endif
