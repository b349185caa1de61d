/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hosts say of a rollout, and what it amounts to.
 *
 * Whoever can write to the remote can leave any number of reports there.  What
 * counts is that a key signed it that is trusted as a host's, and one key has
 * one voice, whatever it says and how often.
 */
#ifndef SCHEDKIT_ROLLOUT_REPORT_H
#define SCHEDKIT_ROLLOUT_REPORT_H

#include <stdbool.h>

#include "rollout/rollout.h"
#include "trust/store.h"

#define REPORT_WHY    256
#define REPORT_KERNEL 128

enum rollout_outcome {
	OUTCOME_TRYING,	   /* in force, not yet for so long as to be well */
	OUTCOME_OK,	   /* in force, and well */
	OUTCOME_BAD,	   /* a guard, a canary or the machine's end */
	OUTCOME_EJECTED,   /* the kernel took it off: bad as well */
	OUTCOME_REFUSED,   /* never in force: it cannot be judged here */
	OUTCOME_WITHDRAWN, /* taken off, because it was bad elsewhere */
	OUTCOME_STOPPED,   /* somebody on that host took it off */
	OUTCOMES,
};

extern const char *const rollout_outcomes[OUTCOMES];

struct rollout_report {
	char rollout[DIGEST_HEX_LEN];
	char policy[DIGEST_HEX_LEN];
	char key[SIGN_KEY_HEX]; /* whose it is */
	long serial;		/* of the statement it followed */
	int cohort;
	bool named; /* the cohort is one that the host was given */
	enum rollout_outcome outcome;
	char kernel[REPORT_KERNEL];
	char why[REPORT_WHY];
	time_t time;
};

struct json *rollout_report_json(const struct rollout_report *r);

/*
 * A note's body (`report`) that a trusted host signed, about this rollout, and
 * for the cohort that its key is in.  -EACCES: it is not; -EINVAL: damaged.
 */
int rollout_report_read(const struct trust *hosts, const struct rollout *of,
			const struct json *body, time_t now,
			struct rollout_report *out);

/* Of a cohort. */
struct rollout_tally {
	long by[OUTCOMES];
};

/*
 * Each key once: bad whenever it ever said so, else what it said last.  Sorts
 * v.  tally has as many as the rollout has cohorts.
 */
void rollout_count(const struct rollout *of, struct rollout_report *v, size_t n,
		   struct rollout_tally *tally);

bool rollout_is_bad(enum rollout_outcome o);

#endif
