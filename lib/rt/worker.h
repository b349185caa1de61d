/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers: what requests are carried out on, each with a resource vector: the
 * host's cores and guests, an endpoint of a language model, a process that
 * offers its service.  Which one a request gets, how they are loaded, and
 * whether they are well.
 */
#ifndef SCHEDKIT_RT_WORKER_H
#define SCHEDKIT_RT_WORKER_H

#include "rt/breaker.h"
#include "rt/limit.h"
#include "rt/task.h"

enum rt_health { RT_UP, RT_SUSPECT, RT_DOWN };

const char *rt_health_name(enum rt_health h);

struct rt_worker_spec {
	char *name;	/* unique */
	unsigned kinds; /* bits of enum rt_kind */
	char **can;	/* capabilities, NULL-terminated; NULL: none */
	struct vec capacity;
	long order;    /* of fallback: lower first; equal share */
	double beat_s; /* it is to be heard of this often; 0: never */
	/* Of a minute; 0: no limit known. */
	double requests_min, tokens_in_min, tokens_out_min;
	double restart_s; /* what a suspend and resume costs there */
};

void rt_worker_spec_init(struct rt_worker_spec *s);
void rt_worker_spec_release(struct rt_worker_spec *s);
/* {"name","kinds":[…],"can":[…],"capacity":{…},"order","beat_s",
 *  "requests_min","tokens_in_min","tokens_out_min","restart_s"} */
int rt_worker_spec_read(const struct json *v, struct rt_worker_spec *out);
struct json *rt_worker_spec_json(const struct rt_worker_spec *s);
/* "host", all kinds but llm: the CPUs that affinity and control groups leave to
 * this process, three quarters of the memory, a guest for every two CPUs; of
 * each at least one. */
void rt_worker_spec_host(struct rt_worker_spec *s);

#define RT_PREFIXES 32

struct rt_worker {
	struct rt_worker_spec spec;
	uint64_t holder; /* the connection it is served by; 0: the engine's own
			    (its requests are carried out by who submits) */
	struct vec used;
	double share[RES_COUNT]; /* of one unit: 1 / capacity, or 0 */
	enum rt_health health;
	double heard; /* of, last */
	bool beaten;  /* heard of since it was checked */
	bool draining;
	struct rt_limit limit;
	struct rt_breaker breaker;
	double failures; /* recent ones, decaying */
	double failures_at;
	/* Of the prompts that it answered lately: hashes (0: free), and when.
	 */
	uint64_t prefixes[RT_PREFIXES];
	double prefixes_at[RT_PREFIXES];
	uint64_t trial; /* the ticket of the breaker's try; 0: none */
	size_t running;
	uint64_t done, failed;
	double busy_s; /* integral of the dominant share over time */
	double busy_at;
};

struct rt_workers {
	struct rt_worker **v; /* by order, then as they came */
	size_t count;
	bool exclusive;	 /* one request on a worker at a time */
	struct vec most; /* componentwise, of all capacities */
};

enum rt_fit {
	/* Least dominant share after placement, with affinity and failures:
	 * the default.  The others are there to be compared with it. */
	RT_FIT_SCORE,
	RT_FIT_BEST,  /* least residual left */
	RT_FIT_FIRST, /* the first that fits */
};

/* -EEXIST: there is one of that name. */
int rt_workers_add(struct rt_workers *w, const struct rt_worker_spec *s,
		   uint64_t holder, double now, struct rt_worker **out);
/* It holds no lease any more. */
void rt_workers_remove(struct rt_workers *w, struct rt_worker *x);
struct rt_worker *rt_workers_find(const struct rt_workers *w, const char *name);
void rt_workers_release(struct rt_workers *w);

/*
 * Whether any worker, when idle, could carry this out: 0, or -ERANGE with the
 * component at fault and the most there is ("guest_slots: 3 wanted, the most
 * any worker has is 1 ('host')"), -ENODEV: none has the kind or a capability,
 * and which.
 */
int rt_workers_feasible(const struct rt_workers *w, const struct rt_request *q);

/* Why none was chosen. */
enum rt_refusal { RT_FULL, RT_LIMITED, RT_BROKEN, RT_GONE };

/*
 * The worker for a ready task, now: it can, its residual holds the need, its
 * rate limits have the tokens, its breaker lets through, it is up.  Among them
 * the lowest order, then the score of `fit`.  but: one to leave out (for a
 * hedge), or NULL.  NULL: none; *why and *when (the earliest time at which
 * something changes by itself; INFINITY: when another request ends).
 */
struct rt_worker *rt_workers_choose(struct rt_workers *w,
				    const struct rt_task *t, enum rt_fit fit,
				    const struct rt_worker *but, double now,
				    enum rt_refusal *why, double *when);

/* Takes need (all or nothing: it fits) and reserves in its limits.  Sets all
 * of the lease but its id. */
void rt_worker_take(struct rt_worker *w, const struct rt_task *t, double now,
		    struct rt_lease *lease);
/* More for a lease (it fits). */
void rt_worker_grow(struct rt_worker *w, struct rt_lease *lease,
		    const struct vec *more, double now);
/* Gives it back; used: settles the reservation; NULL: nothing was used.  The
 * lease keeps its id and worker, and holds nothing. */
void rt_worker_give(struct rt_worker *w, struct rt_lease *lease,
		    const struct rt_usage *used, double now);
/* What an attempt there ended with, before or after its lease was given back;
 * learns limits, breaker, failures, prefixes.  True: an endpoint,
 * where after_s is waited for by whoever comes, and means nothing elsewhere. */
bool rt_worker_learn(struct rt_worker *w, const struct rt_task *t,
		     const struct rt_outcome *o, double now);

void rt_worker_heard(struct rt_worker *w, double now);
/* Moves health on: suspect after two beats, down after four, up when it was
 * heard of again (which is all that helps one that is down).  Returns true when
 * it changed; *next: when to look again. */
bool rt_worker_check(struct rt_worker *w, double now, double *next);

/* Load of each is its dominant share; over workers of the kind.  0 is even
 * for gini, 1 is even for jain; one worker or none is even. */
struct rt_balance {
	double gini, jain;
	size_t workers;
};
void rt_workers_balance(const struct rt_workers *w, enum rt_kind kind,
			struct rt_balance *out);
/* Of n numbers >= 0, O(n log n). */
double rt_gini(const double *x, size_t n);
double rt_jain(const double *x, size_t n);

#endif
