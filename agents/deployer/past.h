/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the history knows of deployments, asked of sched-history as a child: who
 * may attach policies does not read the repository itself.
 */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_PAST_H
#define SCHEDKIT_AGENTS_DEPLOYER_PAST_H

#include <signal.h>

#include "agents/deployer/deployments.h"
#include "agents/program/program.h"

/* Of deployments only the newest so many are looked at: years of them. */
#define PAST_MAX 4096

struct past {
	struct program_answer answer;
	const struct doc **docs; /* in the order in which they were made */
	size_t n;
	struct deployments of;
};

/*
 * The deployments of this machine, or with everywhere all there are.  Without a
 * history there are none.  past_deployments_release() in any case.
 */
int past_deployments(bool everywhere, const volatile sig_atomic_t *cancel,
		     struct past *out);
void past_deployments_release(struct past *p);

/*
 * What sched-deploy needs to put a policy in place: the policy and all verdicts
 * on it, or those for one workload, the oldest first.  -ENOENT: the history
 * does not have them.  *docs, which the answer lends, is to be freed.
 */
int past_story(const char *policy, const char *workload,
	       const volatile sig_atomic_t *cancel,
	       struct program_answer *answer, const struct doc ***docs,
	       size_t *n);

struct past_trusted {
	char *workload;
	char policy[DOC_ID_LEN];
};

/* Which policy is trusted for which workload; to be freed by
 * past_trusted_free(). */
int past_trusted(const volatile sig_atomic_t *cancel, struct past_trusted **out,
		 size_t *n);
void past_trusted_free(struct past_trusted *list, size_t n);

/* Records one document. */
int past_record(const struct doc *d);

#endif
