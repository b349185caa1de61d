/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that follows a rollout: it takes in what the remote has, decides for
 * itself whether its turn has come, has sched-deploy put the policy in place
 * with all checks of its own, and reports what became of it.
 *
 * One round and no daemon: cron or a timer calls again.  Nobody tells a host
 * what to do; where the remote cannot be reached all stays as it is.
 */
#ifndef SCHEDKIT_AGENTS_ROLLOUT_FOLLOWER_H
#define SCHEDKIT_AGENTS_ROLLOUT_FOLLOWER_H

#include "agents/rollout/rollouts.h"

#define FOLLOWER_COHORT_FILE "/etc/schedkit/cohort"
/* Of processes under a verdict from a guest, which is to be tried first. */
#define FOLLOWER_CANARY "5%"

struct follower_opts {
	const struct remote_opts *remote;
	const char *workload;	   /* NULL: the only one */
	const char *cohort;	   /* NULL: as FOLLOWER_COHORT_FILE says */
	const struct strs *deploy; /* further options of sched-deploy */
	bool dry_run;		   /* only say what would be done */
	/* A line for people, as it happens. */
	void (*said)(void *arg, const char *line);
	void *said_arg;
};

struct follower_result {
	struct rollout rollout; /* n 0: there was none */
	struct rollout_choice choice;
	struct rollout_host host; /* after all was done */
	const char *cohort;	  /* name; lent by rollout; NULL: in none */
	bool failed;		  /* what was to be put in place was not */
};

/*
 * 0, and what was decided.  -EINVAL: for which workload?  -EHOSTUNREACH,
 * -ETIMEDOUT, -EAGAIN, -EBADMSG: as remote_pull(), and what was in force stays;
 * how it fares was still looked at, and is reported the next time.
 */
int follower_run(struct history *h, const struct follower_opts *o,
		 struct follower_result *r);

/* The key that this host signs its reports with, made when there is none; its
 * path is the caller's. */
int follower_key(struct key_info *info, struct sign_key **key);

#endif
