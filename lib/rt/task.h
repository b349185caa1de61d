/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request inside the engine.  Private to lib/rt. */
#ifndef SCHEDKIT_RT_TASK_H
#define SCHEDKIT_RT_TASK_H

#include "rt/request.h"

enum rt_state {
	RT_WAITING, /* for others, or for its time (not_before) */
	RT_READY,   /* in the policy's queue, suspended work included */
	RT_RUNNING,
	RT_STOPPING, /* told to suspend; still holds its lease */
	RT_DONE,     /* from here on: ended */
	RT_FAILED,   /* for good; poisoned ones too */
	RT_CANCELLED,
	RT_SKIPPED,
};

const char *rt_state_name(enum rt_state s);

struct rt_worker;

/* Service that a policy charges for. */
struct rt_service {
	double tokens, core_s, seconds;
};

/* The tenants of fairness.  One without tasks is kept for a while, so that a
 * run that asks for one thing after another does not begin anew each time. */
struct rt_group {
	char *name;
	struct rt_group *parent;    /* of a candidate its run; NULL: a run */
	struct rt_service attained; /* ever */
	size_t tasks;		    /* that have not ended */
	void *of_policy; /* the policy's; freed by its group_gone() */
};

/* Requests that fit exactly where another of them fits: same kind, place,
 * worker, capabilities, need (tokens aside), and power of two of the predicted
 * time.  What cannot start now is looked at once per shape, not once per task.
 */
struct rt_shape {
	size_t index; /* of the engine's table, dense */
	size_t ready; /* tasks of it in the policy's queue */
	void *of_policy;
};

struct rt_lease {
	uint64_t id; /* 0: none; never used again, not after a restart either */
	struct rt_worker *worker;
	struct vec held;
	double since;
	/* Reserved in the rate limits of the worker, there under ticket. */
	long tokens_in, tokens_out;
	uint64_t ticket;
};

struct rt_task {
	uint64_t id;  /* from 1; never used again */
	uint64_t seq; /* of arrival in the queue, for ties and FIFO; kept over
			 suspension */
	struct rt_request q;
	enum rt_state state;
	struct rt_group *run, *candidate; /* candidate may be run */
	struct rt_shape *shape;		  /* while it is ready */
	double submitted, not_before, ready_since, started, ended;
	double waited;	     /* seconds in the queue, all stays */
	long attempt;	     /* from 1 with its first start */
	long priority;	     /* q.priority, or inherited if that is higher */
	double critical_s;   /* longest predicted path from its start to the end
				of what waits for it */
	double p50_s, p90_s; /* predicted service, of what is left */
	struct rt_service served; /* of all attempts that counted */
	struct rt_service slice;  /* since its last start or quantum */
	struct rt_usage used;	  /* of all attempts */
	struct rt_lease lease, hedge;
	char *checkpoint; /* what a suspended one goes on from; NULL */
	uint64_t holder;  /* who submitted it */
	/* Ended: what with, its `used` being that of all attempts; else NULL.
	 */
	const struct rt_outcome *outcome;
	bool delivered;
	bool resumed; /* it goes on with the attempt that was suspended */
	/* The policy's own. */
	struct {
		size_t at; /* in a heap */
		double key;
		void *queue;
	} p;
};

/* It holds a lease. */
static inline bool rt_task_runs(const struct rt_task *t)
{
	return t->state == RT_RUNNING || t->state == RT_STOPPING;
}

static inline bool rt_task_ended(const struct rt_task *t)
{
	return t->state >= RT_DONE;
}

#endif
