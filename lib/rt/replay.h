/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine on a virtual clock: a trace of requests is put before it as they
 * came, and carried out by arithmetic.  What a request really takes stands in
 * the trace and is hidden from the engine.  Same trace, same options, same
 * result.  The format is that of schedkit-trace(5).
 */
#ifndef SCHEDKIT_RT_REPLAY_H
#define SCHEDKIT_RT_REPLAY_H

#include "rt/rt.h"

struct rt_trace_worker {
	struct rt_worker_spec spec;
	double speed;		/* seconds of work in a second; 1 */
	double tokens_s;	/* that it writes for one request */
	double input_s;		/* that it reads for one request */
	double usd_in, usd_out; /* for a million of them */
};

/* What becomes of an attempt instead of its end. */
struct rt_trace_fault {
	double after_s; /* it ran for so long */
	int error;	/* -errno */
	bool again;
	double retry_s; /* not sooner, the endpoint says */
};

struct rt_trace_request {
	struct rt_request q;
	double at;		       /* it comes */
	double service_s;	       /* of work, but for an answer */
	long tokens;		       /* of the answer; llm */
	struct rt_trace_fault *faults; /* of its first attempts */
	size_t fault_count;
	size_t line; /* of the file */
};

struct rt_trace {
	struct json *header;
	struct rt_trace_worker *workers;
	size_t worker_count;
	struct rt_trace_request *requests; /* in the order of coming */
	size_t request_count;
};

/* -EINVAL names the line and what is wrong with it. */
int rt_trace_read(const char *path, struct rt_trace *out);
void rt_trace_release(struct rt_trace *t);

/* For comparison: one request at a time, the next when it has ended. */
enum rt_serial {
	RT_SERIAL_NOT,
	RT_SERIAL_ARRIVAL,
	RT_SERIAL_HIGHEST, /* priority */
	RT_SERIAL_LOWEST,
};

struct rt_replay_opts {
	const char *policy;
	enum rt_fit fit;
	bool exclusive, no_backfill;
	enum rt_serial serial;
	/* One was not taken in: why, as err_text() says.  May be NULL. */
	void (*refused)(void *arg, const struct rt_trace_request *q);
	void *arg;
};

struct rt_figures {
	size_t requests, done, failed, refused;
	/* Seconds.  Waiting: in the queue, all stays; of short ones: no longer
	 * than the median; of urgent ones: of priority RT_URGENT and more; of
	 * wide ones: that take half of the whole or more.  NAN: there are
	 * none. */
	double wait_p50, wait_p99, wait_short_p99, wait_urgent_p99;
	double wait_wide_p99;
	double turnaround_mean, turnaround_p50, turnaround_p99;
	double makespan;
	/*
	 * Jain's index of how much of its due each run had, at most all.  Due
	 * is, while a run has anything that has not ended, an equal share of
	 * the whole among the runs that do, or what it asks for if that is
	 * less; a request's part of the whole is its dominant share.
	 */
	double jain;
	double tokens, cost_usd;    /* billed */
	double lost_tokens, lost_s; /* of these, what came to nothing */
	size_t preemptions, retries,
		late; /* late: ended after their deadline */
};

#define RT_URGENT 200

/* -EINVAL: a setting, the policy or a worker; -E2BIG: it takes too many steps.
 */
int rt_replay(const struct rt_trace *t, const struct rt_replay_opts *o,
	      struct rt_figures *out);
struct json *rt_figures_json(const struct rt_figures *f);

/*
 * What the trace's header expects of its figures: f are those of policies[],
 * n of them.  Every expectation that does not hold is given to fn in words.
 * Returns how many do not, or -EINVAL: it is none.
 */
int rt_trace_check(const struct rt_trace *t, const char *const *policies,
		   const struct rt_figures *f, size_t n,
		   void (*fn)(void *arg, const char *words), void *arg);

#endif
