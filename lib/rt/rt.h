/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent runtime's engine: requests in, leases and results out.
 *
 * It does nothing by itself: no thread, no clock, no file, no socket.  Its
 * owner calls it when something happened, with the time (seconds on any clock
 * that never goes back: CLOCK_MONOTONIC, or a virtual one), and after that
 * rt_step(), which starts what may start and says when to call again.  All
 * that the engine wants done comes back through struct rt_ops, from within
 * rt_step() only; who is called may call any function of this header but
 * rt_step() and rt_free().  What happened is told to ops->event at once, from
 * within whatever call it happened in; that may call nothing.
 *
 * The order is the policy's.  What does not fit is promised a worker, from the
 * time at which what runs there is predicted to have made room (p90), and
 * others pass it there only if they will have ended by then or take only what
 * it leaves over; once that time has come, nobody passes in the first way, so
 * wide requests start however wrong predictions are.  Where room is not what
 * is lacking but a rate limit, what comes behind waits as well.
 *
 * What runs is suspended where the policy would have another run, it is
 * preemptible, and more is predicted to be left of it than restarting it costs
 * on its worker (restart_s).  Queued work is bound to no worker.  Suspended
 * work is, to the one where its context is: it moves when that is gone, when
 * it has waited there for as long as moving costs, or when its moving would
 * have lowered the Gini coefficient of the load by 0.1 at three looks on end.
 *
 * An attempt that failed and may be made again is, after a pause that doubles
 * from half a second to a minute (after_s if that is more), on another worker
 * if there is one; not so a request that rt_request_once() and that had been
 * started.  The last attempt's outcome says how many there were.  Work of a
 * worker that went is done elsewhere at once, as the next attempt.
 *
 * Nothing spins: a request that cannot start is looked at again when a lease
 * is given back, a worker or its limits change, or its time has come.
 */
#ifndef SCHEDKIT_RT_RT_H
#define SCHEDKIT_RT_RT_H

#include "rt/policy.h"
#include "rt/predict.h"
#include "rt/worker.h"

struct rt;

/* What happened, in the order in which it happened; each names a request by
 * its id.  The journal writes these down and rt_restore() reads them. */
enum rt_event_kind {
	RT_EV_SUBMITTED, /* task->q is the request */
	RT_EV_STARTED,	 /* an attempt on lease->worker; in the journal where
			    it is not to be begun again */
	RT_EV_SUSPENDED, /* task->checkpoint, task->used */
	RT_EV_RETRY,	 /* an attempt failed; outcome, task->used */
	RT_EV_ENDED,	 /* task->state; outcome */
	RT_EV_DELIVERED, /* the submitter has the outcome */
};

struct rt_event {
	enum rt_event_kind kind;
	const struct rt_task *task;
	const struct rt_outcome *outcome; /* NULL: none */
};

struct rt_ops {
	/*
	 * Carry t out on `lease` (t->lease, or t->hedge when a second one is
	 * started): a worker's when lease->worker->holder is not 0, else the
	 * submitter's (t->holder).  t->checkpoint: go on from there.
	 */
	void (*start)(void *arg, const struct rt_task *t,
		      const struct rt_lease *lease);
	/* Stop at the next good place and rt_suspended(); or rt_done(), if that
	 * is quicker. */
	void (*suspend)(void *arg, const struct rt_task *t,
			const struct rt_lease *lease);
	/* Stop; nobody wants the outcome, the lease is given back already. */
	void (*cancel)(void *arg, const struct rt_task *t,
		       const struct rt_lease *lease);
	/* t has ended.  To be answered by rt_delivered(), at once or later;
	 * until then the outcome is kept. */
	void (*ended)(void *arg, const struct rt_task *t,
		      const struct rt_outcome *o);
	/* Before the others hear of it; NULL: nobody writes. */
	void (*event)(void *arg, const struct rt_event *e);
};

struct rt_opts {
	const char *policy; /* "fair" */
	struct rt_policy_opts policy_opts;
	enum rt_fit fit;
	bool exclusive;	   /* one request on a worker at a time */
	bool no_backfill;  /* what does not fit holds up all behind it */
	double hedge_pct;  /* of llm requests that may be hedged, rounded up; 5.
			      An idempotent one with `hedge` is started a second
			      time on another worker when it has run for longer
			      than the p95 that was predicted */
	size_t max_queued; /* 1000000; more are refused with -EAGAIN */
	size_t keep_ended; /* outcomes remembered for their keys; 10000 */
	uint64_t seed;	   /* of the jitter of back-off */
	const struct rt_ops *ops;
	void *arg;
};

void rt_opts_init(struct rt_opts *o);
int rt_new(const struct rt_opts *o, struct rt **out); /* -EINVAL: policy */
void rt_free(struct rt *r);			      /* nobody is told */

/* ---- requests ---------------------------------------------------------- */

/*
 * A graph of n requests (mostly one), all or none; they may wait for each
 * other and for earlier ones of the run, by key.  holder: who submits, for
 * rt_holder_gone(); ids: room for n.
 * -ELOOP: they wait for each other in a circle, which is named; -ENOENT: a key
 * that is waited for is unknown; -ERANGE, -ENODEV: it can never be carried out
 * (see rt_workers_feasible()); -EEXIST: a key twice in this graph; -EAGAIN: too
 * many queued, or draining; -EINVAL: out of its range.  A key that the run has
 * used before is no error and submits nothing: its id is the earlier one's,
 * whose outcome comes (again) through ops->ended, to holder unless another is
 * carrying it out.
 */
int rt_submit(struct rt *r, const struct rt_request *q, size_t n,
	      uint64_t holder, double now, uint64_t *ids);

/*
 * From who carries out.  A lease that is no longer held (cancelled, taken from
 * a worker that was thought dead) changes nothing: -ESTALE.  Of a cancelled one
 * the engine counts what was told by rt_progress() before; what it used beyond
 * that is for the ledger of who carried it out, who alone knows it.
 */
int rt_done(struct rt *r, uint64_t lease, const struct rt_outcome *o,
	    double now);
/* u: since the lease began.  Also when a quantum of tokens was streamed. */
int rt_progress(struct rt *r, uint64_t lease, const struct rt_usage *u,
		double now);
/* It stopped; checkpoint (JSON text, copied) is what it goes on from. */
int rt_suspended(struct rt *r, uint64_t lease, const char *checkpoint,
		 const struct rt_usage *u, double now);
/* More for a lease, up to its task's `most`: 0, or -EAGAIN (it waits:
 * ops->start is called for the same lease once it has been granted), -ERANGE,
 * -EDEADLK (it would wait in a circle and is the youngest in it).  A queued
 * request that closes a circle (see rt_request.within) fails with that. */
int rt_grow(struct rt *r, uint64_t lease, const struct vec *more, double now);

/* One; or all of a run (and candidate, unless NULL) that have not ended.
 * Returns how many were cancelled. */
int rt_cancel(struct rt *r, uint64_t id, double now);
size_t rt_cancel_group(struct rt *r, const char *run, const char *candidate,
		       double now);
/* The submitter has the outcome; it is forgotten, all but its key. */
void rt_delivered(struct rt *r, uint64_t id, double now);
/* Its connection or process is gone: leases it carried out end, what it
 * submitted for itself is cancelled and its keys are free again, its workers
 * are gone.  What others carry out for it goes on; the outcomes wait for who
 * adopts the run, the oldest of them no longer than keep_ended allows. */
void rt_holder_gone(struct rt *r, uint64_t holder, double now);
/* To be said before rt_adopt() of what the submitter was at work on when the
 * runtime was killed, and is still: it is not to be failed for having begun. */
void rt_still(struct rt *r, const char *run, const char *key);
/* What a holder that is gone, or a journal, left of a run is holder's from now
 * on: outcomes that were not delivered are given to it (again), and what it is
 * to carry out itself can start.  Of the latter, what nobody comes for within
 * five minutes is dropped. */
void rt_adopt(struct rt *r, const char *run, uint64_t holder, double now);

/* ---- workers ----------------------------------------------------------- */

int rt_worker_add(struct rt *r, const struct rt_worker_spec *s, uint64_t holder,
		  double now);
int rt_worker_beat(struct rt *r, const char *name, double now); /* -ENOENT */
/* Takes no more; it goes once it is idle.  now_down: at once, what it ran is
 * run elsewhere as the next attempt. */
int rt_worker_drop(struct rt *r, const char *name, bool now_down, double now);

/* ---- the whole --------------------------------------------------------- */

/* Starts what may start.  Returns when to be called again at the latest
 * (absolute; INFINITY: when something happens). */
double rt_step(struct rt *r, double now);

int rt_policy_set(struct rt *r, const char *name, double now); /* -EINVAL */
const char *rt_policy_name(const struct rt *r);
/* After what slice its carrier should tell rt_progress(): tokens for llm,
 * seconds for the rest; INFINITY: never. */
double rt_quantum_of(const struct rt *r, const struct rt_task *t);
void rt_drain(struct rt *r, bool on);  /* submit nothing new */
size_t rt_pending(const struct rt *r); /* requests that have not ended */

/* From the journal, before the first rt_step(): a request that had ended, and
 * its outcome; or one that had not (q copied; used and checkpoint so far):
 * RT_READY, as it was before its first attempt or after it was suspended;
 * RT_WAITING, its attempt had failed, the next not before o->after_s; or
 * RT_RUNNING.  What was running then is ready again, as its next attempt,
 * or, if it is RT_RUNNING and rt_request_once(), has failed. */
int rt_restore(struct rt *r, uint64_t id, const struct rt_request *q,
	       enum rt_state state, long attempt, const struct rt_usage *used,
	       const char *checkpoint, const struct rt_outcome *o,
	       bool delivered, double now);

/* Until fn returns non-zero, which is returned. */
int rt_each(const struct rt *r, int (*fn)(void *arg, const struct rt_task *t),
	    void *arg);
const struct rt_task *rt_find(const struct rt *r, uint64_t id);
const struct rt_workers *rt_workers_of(const struct rt *r);
struct rt_predictor *rt_predictor_of(struct rt *r);

/* {"policy","queued","running","waiting","ended":{STATE:n},"wait_s":{"p50",
 *  "p99"},"turnaround_s":{…},"tokens_in",…,"cost_usd","jain_runs",
 *  "kinds":{KIND:{…,"gini","jain"}},"workers":[{…}],"hedges","preemptions",
 *  "retries","late" (ended after their deadline),"deadlocks"} */
struct json *rt_stats(const struct rt *r, double now);

#endif
