/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The training agent: recordings of bursts in, a model, a note about it and
 * policies that go by it out.
 */
#ifndef SCHEDKIT_AGENTS_LEARNER_TRAINER_H
#define SCHEDKIT_AGENTS_LEARNER_TRAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"
#include "learn/train.h"

struct trainer_opts {
	double holdout_pct;
	const char *model;   /* "linear", "trees" or "both" */
	const char *targets; /* of forecast_target_name(), commas between; NULL:
				all */
	const char *output;  /* the model's file, or NULL */
	const char *check;   /* of a model that is there: how good is it on all
				of this?  NULL: make one */
	bool policy;	     /* policies are wanted, which go by bursts */
};

/* -EINVAL: an unknown model or target, or a policy without bursts; the message
 * names it. */
int trainer_read_opts(const struct trainer_opts *o, struct train_opts *out);

struct training {
	struct train_part part[FORECAST_TARGETS];
	bool beats; /* the model has a part at least, and was written */
	/* What was made; NULL: nothing beats, or nothing was to be made. */
	struct forecast *model;
	/* The body of a note; its keys are on schedkit-note(5). */
	struct json *body;
};

/*
 * Nothing is written where nothing beats the exponential average and the other
 * guesses.  -ENODATA: too few bursts; errors of reading and writing.
 */
int trainer_train(const struct trainer_opts *o, char *const *files, size_t n,
		  struct training *out);
void training_release(struct training *t); /* safe on a zeroed one */

#define TRAINER_POLICIES 4

/* Whether there can be policies: they go by what it says of bursts. */
bool training_has_bursts(const struct training *t);

/*
 * The bodies of count policies (1 to TRAINER_POLICIES) that go by the model of
 * a training that has bursts, the caller's; the first is the one to begin
 * with.  files: what it was trained on.  -errno: one cannot be read again.
 */
int trainer_policies(const struct training *t, char *const *files, size_t n,
		     size_t count, struct json **out);

#endif
