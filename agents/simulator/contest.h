/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges a model offline: one load of recorded bursts under EEVDF, and under
 * the template that goes by nothing, by an exponential average, by the model
 * and by an oracle.
 */
#ifndef SCHEDKIT_AGENTS_SIMULATOR_CONTEST_H
#define SCHEDKIT_AGENTS_SIMULATOR_CONTEST_H

#include "bpf/forecast_abi.h"
#include "sim/sim.h"

enum contest_arm {
	CONTEST_EEVDF,
	CONTEST_PLAIN,	 /* weighted vruntime */
	CONTEST_AVERAGE, /* deadlines by the mean of a task's bursts */
	CONTEST_MODEL,
	CONTEST_ORACLE,
	CONTEST_ARMS,
};

extern const char *const contest_names[CONTEST_ARMS];

struct contest_opts {
	struct sim_opts sim;
	const struct load *load; /* load_from_bursts() */
	const struct forecast *model;
	/* Of the template, for all but EEVDF; an object without `order`.  A
	 * slice "predicted" is for the model and the oracle alone. */
	const struct json *params;
	uint32_t kernel; /* 0: as sim_policy_open() */
};

/* Of the bursts that the load measures. */
struct contest_figures {
	uint64_t bursts;
	double response_us, response_p99_us; /* from waking until it is over */
	/* That by its CPU time: the geometric mean, and the percentile. */
	double slowdown, slowdown_p99;
	double wall_s;
};

struct contest {
	struct contest_figures arm[CONTEST_ARMS];
	/* How much of the way from the average to the oracle the model goes,
	 * in response and slowdown; NAN: the oracle gains less than a
	 * hundredth. */
	double way_response, way_slowdown;
	bool beats;	   /* the average, in slowdown */
	struct json *body; /* of a note */
};

/* -EINTR: interrupted; -ECANCELED: an arm did not come to its end; else as
 * sim_policy_open() and sim_run(). */
int contest_run(const struct contest_opts *o, struct contest *out);
void contest_release(struct contest *c);

#endif
