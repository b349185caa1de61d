/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The training agent: recordings of bursts in, a model and a note about it out.
 */
#ifndef SCHEDKIT_AGENTS_TRAINER_H
#define SCHEDKIT_AGENTS_TRAINER_H

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
};

/* -EINVAL: an unknown model or target; the message names it. */
int trainer_read_opts(const struct trainer_opts *o, struct train_opts *out);

struct training {
	struct train_part part[FORECAST_TARGETS];
	bool beats; /* the model has a part at least, and was written */
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

#endif
