/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of worker.h share. */
#ifndef SCHEDKIT_RT_WORKER_PARTS_H
#define SCHEDKIT_RT_WORKER_PARTS_H

#include "rt/worker.h"

/* Half of the weight of a failure is gone after. */
#define FAILURE_HALF_S 60.0
/* Nobody is left alone for longer because it says so. */
#define AFTER_MAX_S 3600.0

/* Of the memory in reach, for requests. */
#define HOST_MEMORY_PART 0.75

/* The dominant share of what is used, and of `more` if not NULL. */
static inline double worker_share(const struct rt_worker *w,
				  const struct vec *more)
{
	double most = 0;

	for (size_t r = 0; r < RES_COUNT; r++) {
		int64_t used = w->used.v[r] + (more ? more->v[r] : 0);
		double x = (double)used * w->share[r];

		if (x > most)
			most = x;
	}
	return most < 1 ? most : 1;
}

/* Of a text, FNV-1a; never 0.  Two that share one cost a worse choice, or a
 * look at the text. */
static inline uint64_t hash_text(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h ? h : 1;
}

/* Where in w->prefixes it stands; RT_PREFIXES: nowhere. */
static inline size_t prefix_at(const struct rt_worker *w, uint64_t prefix)
{
	size_t i = 0;

	while (i < RT_PREFIXES && w->prefixes[i] != prefix)
		i++;
	return i;
}

/* Recent ones, decayed to now. */
double worker_failures(const struct rt_worker *w, double now);

/* What control groups leave; INFINITY: all. */
struct host_limits {
	double cpus, bytes;
};

/* Of this process; root stands before /proc and /sys: "". */
void host_limits_read(const char *root, struct host_limits *l);
void host_capacity(double cpus, double bytes, const struct host_limits *l,
		   struct vec *out);

#endif
