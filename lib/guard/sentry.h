/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All guards of a deployment, and what they read: asked again and again, first
 * about the time before a policy is attached, then while it is.
 *
 * Every number here is of the machine; nothing is forked and no file is
 * written, so that asking goes on while nothing else gets a CPU.
 */
#ifndef SCHEDKIT_GUARD_SENTRY_H
#define SCHEDKIT_GUARD_SENTRY_H

#include "doc/json.h"
#include "guard/guard.h"

#define SENTRY_GUARDS	32
#define SENTRY_METRICS	8
#define SENTRY_BEFORE_S 4.0 /* how long the time before is looked at */

struct sentry_metric {
	const char *name; /* it and arg stay until the sentry is closed */
	bool higher_is_better;
	int (*read)(void *arg, double *value); /* as metric.h */
	void *arg;
};

struct sentry_opts {
	const struct guard_rule *rules; /* those that were asked for */
	size_t count;
	const struct sentry_metric *metrics;
	size_t metric_count;
	const char *cgroup; /* the folder of one; NULL: the whole machine */
	double watchdog_s;  /* the kernel's, for this policy */
	/* CPU time spent in the policy, in ns; below 0: nobody knows.  NULL:
	 * there is no policy in the kernel, and nothing of it is watched. */
	double (*policy_ns)(void *arg);
	void *policy_arg;
};

struct sentry;

/* -EINVAL: a guard of a metric that nobody tells, a metric that nobody guards,
 * too many of them. */
int sentry_check(const struct sentry_opts *o);

/* Likewise; -ENOTSUP, -EIO: what was asked for cannot be read here. */
int sentry_open(const struct sentry_opts *o, struct sentry **out);
void sentry_close(struct sentry *s); /* NULL is fine */

/* Some bound is relative: ask sentry_before() for SENTRY_BEFORE_S. */
bool sentry_compares(const struct sentry *s);
/* Ten times a second. */
void sentry_before(struct sentry *s, double now);
/* Before a policy is attached: -ENODATA: there is nothing to compare with. */
int sentry_settle(struct sentry *s);

/* It is attached: -ENOTSUP: what was asked for can still not be read. */
int sentry_arm(struct sentry *s, double now);
/* Ten times a second; the one that has tripped, or NULL. */
const struct guard *sentry_tick(struct sentry *s, double now);

/* A list of texts: what is watched. */
struct json *sentry_words(const struct sentry *s);
/* Of a trip: all but what was done; the caller's. */
struct json *sentry_trip(const struct sentry *s, const struct guard *g);
/* {"tasks":…,"look_s":…}: what it takes to watch. */
struct json *sentry_effort(const struct sentry *s);

#endif
