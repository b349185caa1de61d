/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches what CPUs cgroups want, foretells it, and gives them that before they
 * want it: settings of the kernel's own scheduler, through the one program that
 * sets such (agents/attacher/setter.h), which puts everything back.
 *
 * After each cycle it looks back; what was not foretold well, or did harm, is
 * let go, and trusted later next time.
 */
#ifndef SCHEDKIT_AGENTS_DEMANDER_DEMANDER_H
#define SCHEDKIT_AGENTS_DEMANDER_DEMANDER_H

#include <signal.h>

#include "agents/demander/demand_decide.h"
#include "base/strs.h"
#include "doc/json.h"

#define DEMANDER_GROUPS_MAX 64

enum demander_reserve { DEMANDER_WEIGHT, DEMANDER_CPUSET, DEMANDER_UCLAMP };

struct demander_opts {
	double every_s;
	double for_s; /* 0: until cancelled */
	double lead_s;
	struct demand_limits limits; /* max, leave < 0: of this machine */
	enum demander_reserve reserve;
	bool cap;     /* cpu.max as well: limits.max */
	bool dry_run; /* only say what would be set */
	const volatile sig_atomic_t *cancel;
	/* A line for people; words of outsiders may be in it. */
	void (*said)(void *arg, const char *line);
	void *said_arg;
};

/*
 * Watches; *body is of a note, the caller's.  Returns 1 if the forecast was
 * better than the naive ones for a cgroup at least, else 0; -ENOENT: there is
 * no such cgroup.
 */
int demander_show(const struct demander_opts *o, const struct strs *groups,
		  struct json **body);

/*
 * Watches and sets, until it is cancelled, the time is over or no cgroup is
 * left: 0, and all is as it was.  -EBUSY: a policy is held on this host;
 * -ENOENT, -ENOTSUP, -EPERM, -EROFS: nothing was set, because it cannot be.
 * Other than 0 with a *body: it ended before its time, or something could not
 * be put back.
 */
int demander_run(const struct demander_opts *o, const struct strs *groups,
		 struct json **body);

#endif
