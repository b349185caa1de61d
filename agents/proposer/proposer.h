/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planning and coding agents with a model: a profile in; a plan, policies
 * and notes out.  The model proposes; what is measured, accepted and stopped
 * is decided here.
 */
#ifndef SCHEDKIT_AGENTS_PROPOSER_PROPOSER_H
#define SCHEDKIT_AGENTS_PROPOSER_PROPOSER_H

#include "agents/switchboard/switchboard.h"
#include "doc/stream.h"

struct proposer_opts {
	const char *by;
	long count;	     /* proposals wanted */
	long turns;	     /* of the fixer for each */
	long jobs;	     /* drafts at once; 0: by slots and cores */
	long enough;	     /* so many that passed end it; 0: all */
	const char *form;    /* the only one wanted; NULL: the model's choice */
	const char *wish;    /* the user's own words; proposer_wish() took it */
	const char *history; /* folder; NULL: the default one */
	const volatile sig_atomic_t *cancel;
	void (*progress)(void *arg, long done, long total, const char *words);
	void *progress_arg;
};

#define PROPOSER_WISH_MAX 2000 /* bytes */

/* -EINVAL: it is empty, too long, no UTF-8, or has control characters. */
int proposer_wish(const char *wish);

/*
 * Emits one plan, the proposals that pass lint, build, prove and sim, a note
 * with the transcript and the accounts for each, and a note for each dead end.
 * -EDQUOT: a budget ended it; -EAGAIN, -ETIMEDOUT, -EINTR: it was cut short;
 * other errors as model_ask(): what was found by then is emitted all the same.
 * *accepted: the number of policies.
 */
int proposer_run(struct stream *s, const struct doc *profile,
		 struct switchboard *board, const struct proposer_opts *o,
		 size_t *accepted);

/*
 * What would be sent to `role` first: {"role","system","messages","tools",
 * "schema","max_tokens"}, the caller's.  Coder, critic and fixer are asked
 * about the last policy of the stream that has use for them; -ENODATA: there
 * is none; -EINVAL: no such role.
 */
int proposer_show(struct stream *s, const struct doc *profile, const char *role,
		  const struct proposer_opts *o, struct json **request);

#endif
