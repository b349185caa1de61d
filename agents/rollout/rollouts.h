/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rollouts that a history knows, and what hosts have reported of them.
 *
 * A rollout's statements are notes about its policy (schedkit-note(5)); they
 * travel with everything else.  Reports travel on references of their own
 * (history/reports.h), for nobody is to merge those.
 */
#ifndef SCHEDKIT_AGENTS_ROLLOUT_ROLLOUTS_H
#define SCHEDKIT_AGENTS_ROLLOUT_ROLLOUTS_H

#include "agents/verifier/signer.h"
#include "base/strs.h"
#include "history/reports.h"
#include "rollout/decide.h"

#define ROLLOUTS_BY "sched-rollout"

/* Of each workload the statement in force: that with the largest serial. */
struct rollouts {
	struct rollout *v;
	size_t n;
	size_t refused;	 /* statements that do not hold */
	struct strs why; /* of the first of them, each a sentence */
};

/* workload NULL: of all.  rollouts_release() in any case. */
int rollouts_find(struct history *h, const struct trust *t,
		  const char *workload, struct rollouts *out);
void rollouts_release(struct rollouts *r);

/*
 * Signs r as the next statement about its workload and records it: r->serial
 * and r->issued are set.  *note: the caller's.
 */
int rollouts_add(struct history *h, const struct trust *t, struct signer *s,
		 struct rollout *r, struct doc **note);

/*
 * A new one of this policy: the latest verdict on it for the workload (NULL:
 * the only one it was judged for) accepts it, and is signed with a key that is
 * trusted here.  Sets all but cohorts, times and serial.  -EPERM: it has no
 * such verdict; -EINVAL: for which workload?
 */
int rollouts_begin(struct history *h, const struct trust *t, const char *policy,
		   const char *workload, struct rollout *out);

/* ---- reports ----------------------------------------------------------- */

/* Whose reports count: /etc/schedkit/hosts.d, and `hosts` in the user's own
 * folder of settings. */
int rollouts_hosts(struct trust **out);

/* A rollout's part of the names of reports: "0123456789abcdef/". */
#define ROLLOUTS_PART 18
void rollouts_part(const struct rollout *r, char out[static ROLLOUTS_PART]);

struct reports {
	struct rollout_report *v;
	size_t n;
	size_t refused; /* not signed by a host that is trusted, or damaged */
	struct rollout_tally tally[ROLLOUT_COHORTS];
};

/* Those that were fetched, counted.  reports_release() in any case. */
int reports_gather(struct history *h, const struct trust *hosts,
		   const struct rollout *r, time_t now, struct reports *out);
void reports_release(struct reports *r);

/* Fetches who had it bad, and what these cohorts say, a bit for each; ~0u: all
 * there is. */
int reports_fetch_for(struct history *h, const struct remote_opts *o,
		      const struct rollout *r, unsigned int cohorts);

#endif
