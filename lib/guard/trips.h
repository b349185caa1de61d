/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often guards took a policy off this host, and when it may be tried again.
 *
 * Written down below the folder of path_run(), for this boot; beyond that the
 * deployments in the history tell.  Only who holds the deployer's lock writes.
 */
#ifndef SCHEDKIT_GUARD_TRIPS_H
#define SCHEDKIT_GUARD_TRIPS_H

#include <stdbool.h>

#define TRIPS_WHY 256
/* After so many a person has to say that it may be tried again. */
#define TRIPS_MOST 3

struct trips {
	unsigned count;
	double last;	     /* of the last: seconds since boot */
	char why[TRIPS_WHY]; /* likewise */
};

/*
 * How many seconds it has to wait: 0 when it may be tried now, INFINITY when
 * only a person may say so.  now: seconds since boot.
 */
double trips_wait(const struct trips *t, double now);

/* Of a policy, by its id; none are no error, a file that cannot be read is. */
int trips_read(const char *policy, struct trips *out);
int trips_add(const char *policy, const char *why);
/* A person said so. */
int trips_forget(const char *policy);

#endif
