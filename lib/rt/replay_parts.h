/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to lib/rt/replay*.c. */
#ifndef SCHEDKIT_RT_REPLAY_PARTS_H
#define SCHEDKIT_RT_REPLAY_PARTS_H

#include "rt/replay.h"

struct replay_run;

/* A request on its way. */
struct replay_item {
	const struct rt_trace_request *r;
	struct replay_run *run;
	double share;	 /* of the whole that it takes while it runs */
	double least;	 /* seconds that it takes on the fastest worker */
	size_t attempts; /* begun, but for those that went on */
	double waited, turnaround;
	bool refused, done;
};

/* A run, and what it had of what it was due. */
struct replay_run {
	const char *name;
	double wants, has; /* of the whole, now */
	double due, had;   /* so far */
};

struct replay_figures {
	const struct rt_trace *t;
	struct replay_item *items; /* as the trace's requests */
	struct replay_run *runs;
	size_t run_count;
	double at;  /* due and had are of until then */
	double end; /* of the last request */
	double tokens, cost_usd, lost_s;
	size_t preemptions, retries, late;
};

void replay_figures_init(struct replay_figures *f, const struct rt_trace *t);
void replay_figures_release(struct replay_figures *f);
/* To be called before anything changes what a run wants or has. */
void replay_figures_until(struct replay_figures *f, double now);
void replay_figures_finish(const struct replay_figures *f,
			   struct rt_figures *out);

/* The worker of the trace by that name; the engine has it from there. */
const struct rt_trace_worker *replay_worker(const struct rt_trace *t,
					    const char *name);
/* Seconds of r on w from its beginning: overhead, then work. */
double replay_overhead(const struct rt_trace_request *r,
		       const struct rt_trace_worker *w, double done,
		       bool resumed);
double replay_work(const struct rt_trace_request *r,
		   const struct rt_trace_worker *w);

#endif
