/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rollout over many hosts on a clock that is none: discrete events, the
 * decision of decide.h on each host, a remote that counts what passes.
 *
 * Same options, same result, to the last bit.  Nothing in it is measured: what
 * goes wrong how often is said by who asks, and what a talk with the remote
 * costs is FLEET_COSTS unless told otherwise.
 */
#ifndef SCHEDKIT_ROLLOUT_FLEET_H
#define SCHEDKIT_ROLLOUT_FLEET_H

#include <stdint.h>

#include "rollout/decide.h"

#define FLEET_KERNELS 16
#define FLEET_HOSTS   1000000
#define FLEET_BEGAN   1767225600 /* its clock's zero: 2026-01-01 */

/* Hosts with a kernel, and on how many of them the policy is bad. */
struct fleet_kernel {
	char name[ROLLOUT_NAME];
	double share_pct;
	double bad_pct;
};

/* What passes between a host and the remote, in bytes. */
struct fleet_costs {
	double pull;   /* nothing is new */
	double ref;    /* each reference that is told of */
	double report; /* each report that is new to a host */
	double push;   /* of one report, where there is no other */
};

/* With git 2.39, as tests/bench/rollout.sh measures them. */
#define FLEET_COSTS            \
	((struct fleet_costs){ \
		.pull = 1000, .ref = 102, .report = 260, .push = 800})

struct fleet_opts {
	struct rollout r; /* its cohorts and spread; what else, it sets */
	long hosts;
	uint64_t seed;
	double every_s;	      /* from one round of a host to the next */
	double offline_pct;   /* of the hosts, at any time */
	double offline_for_s; /* mean */
	double skew_s;	      /* clocks are off by up to so much */
	double delay_s;	      /* mean, until a report is there for others */
	double shows_s;	      /* mean, until it shows that it is bad */
	double until_s;	      /* it ends at the latest */
	struct fleet_kernel kernels[FLEET_KERNELS];
	size_t n;
	struct fleet_costs costs;
};

struct fleet_result {
	double half_s, most_s; /* half of the hosts, 99 %, had it; -1: never */
	double spoilt_s;       /* the reports ended it; -1: never */
	double end_s;	       /* nothing more would have happened */
	long have;	       /* at the end */
	long had;	       /* at any time */
	long had_bad;	       /* of these it was bad on so many */
	double bad_s;	       /* for so long, in all */
	double bad_longest_s;
	long pulls, pushes;
	double pulled, pushed; /* bytes */
	/* In the worst hour. */
	long pulls_hour, pushes_hour;
	double bytes_hour;
};

/* "NAME:SHARE:BAD", in percent. */
int fleet_kernel_parse(const char *text, struct fleet_kernel *out);

/* -EINVAL: no rollout, kernels of more than all hosts. */
int fleet_run(const struct fleet_opts *o, struct fleet_result *out);

#endif
