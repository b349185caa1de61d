/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of the engine, shared by rt*.c alone. */
#ifndef SCHEDKIT_RT_PARTS_H
#define SCHEDKIT_RT_PARTS_H

#include <sys/queue.h>

#include "base/clock.h"
#include "rt/heap.h"
#include "rt/map.h"
#include "rt/rt.h"
#include "stats/hist.h"

/* As those of <sys/queue.h>, for readers that do not read that. */
#define list_each(x, list, entry) \
	for ((x) = LIST_FIRST(list); (x); (x) = LIST_NEXT(x, entry))
#define queue_each(x, queue, entry) \
	for ((x) = TAILQ_FIRST(queue); (x); (x) = TAILQ_NEXT(x, entry))

struct job;
struct host;

/* That `to` waits for `on`. */
struct edge {
	struct job *to, *on;
	enum rt_edge rule;
	bool around; /* on is within to: only urgency goes along this */
	LIST_ENTRY(edge) of_to, of_on;
};

LIST_HEAD(edges, edge);

/* What the engine knows of a lease besides the lease. */
struct hold {
	struct job *job;
	struct rt_lease *lease; /* of job->t */
	struct host *host;	/* while the lease is held */
	LIST_ENTRY(hold) of_host;
	bool told;	       /* its carrier knows */
	struct rt_usage usage; /* as it told last */
	struct rt_service charged;
	long charged_out; /* tokens of the slice */
	struct vec more;  /* it waits to grow by; zero: it does not */
};

LIST_HEAD(holds, hold);

struct job {
	struct rt_task t;    /* first: what the outside sees of it */
	struct hold hold[2]; /* of t.lease, of t.hedge */
	TAILQ_ENTRY(job) all, of_run, of_list, of_stale, of_nested;
	enum job_list { NO_LIST, ENDING, SLOW, KEPT } in; /* of_list */
	bool stale;					  /* in of_stale */
	struct edges deps, outs;
	size_t left;	/* of deps: not yet satisfied */
	uint64_t swept; /* by that sweep */
	uint64_t hash;	/* of run and key */
	struct rt_outcome outcome;
	double timer; /* when something is due for it; INFINITY */
	size_t timer_at;
	double p95_s;
	double total_s;	   /* p50 of the whole of it */
	double attempt_s;  /* it has held a lease for, in this attempt */
	double bound_at;   /* suspended: since when its home had no room */
	double bound_look; /* when to look whether it should move */
	unsigned uneven; /* looks at which moving it would have evened loads */
	double promised; /* start of its reservation when that was made, or
			    INFINITY */
	uint64_t home;	 /* serial of the host it was suspended on, or 0 */
	uint64_t avoid;	 /* serial of the host where it failed, or 0 */
	uint64_t reserved; /* serial of the host */
	uint64_t turn;	   /* serial of the host whose `next` it is, or 0 */
	double orphaned;   /* since when */
	bool hedged;	   /* in this attempt */
	bool stuck;	   /* waits, for the detector */
	bool keyed;	   /* in rt->keys */
	bool orphan;	   /* nobody is there to hear of it, or carry it out */
	bool begun;	   /* restored: it ran, and is not to run twice */
	bool announced;	   /* ended() was called for its holder */
	bool spent;	   /* has used its quantum up and nobody waited */
	bool logged;	   /* RT_EV_DELIVERED was */
	bool lost;	   /* nobody will ever ask for it */
	bool unsettled;	   /* restored: deps by name alone */
};

TAILQ_HEAD(jobs, job);

struct host {
	struct rt_worker *w;
	uint64_t serial; /* from 1 */
	struct holds holds;
	struct vec stopping; /* held by what was told to suspend */
	size_t growing;	     /* leases that may grow */
	size_t waiting;	     /* leases that wait to grow */
	struct job *next;    /* whose turn it is at its rate limits, or NULL */
	double next_at;	     /* when it will have it */
	bool gone;	     /* to be removed when nothing refers to it */
};

/* A run, or a candidate of one. */
struct party {
	struct rt_group g; /* first */
	uint64_t hash;
	size_t refs;	  /* jobs and candidates */
	struct jobs jobs; /* of a run: that were not delivered */
	TAILQ_ENTRY(party) all, idle;
};

TAILQ_HEAD(parties, party);

struct shape {
	struct rt_shape s; /* first */
	struct shape_key {
		int32_t kind, place, coarse;
		int32_t predicted, tokens, in, out; /* powers of two */
		uint64_t home, text;
		struct vec need, most;
	} key;
	uint64_t blocked; /* the epoch in which none of it can start */
	double limited;	  /* and, unless 0, no room is what it lacks */
};

/* Shapes of their own; what is more shares those of its kind. */
#define SHAPES_EXACT 128
#define SHAPES_MAX   (SHAPES_EXACT + 2 * RT_KINDS)

/* What the outside is to be told. */
struct note {
	enum note_kind {
		NOTE_START,
		NOTE_SUSPEND,
		NOTE_CANCEL,
		NOTE_ENDED,
	} kind;
	bool hedge;
	uint64_t id;
	struct rt_lease lease; /* as it was */
};

struct rt {
	struct rt_opts o;
	struct rt_policy *policy;
	struct rt_predictor *predictor;
	struct rt_workers workers;
	struct host **hosts;
	size_t host_count;
	uint64_t next_host;
	struct rt_worker **some; /* room for a choice among some workers */
	struct rng rng;
	double now;

	uint64_t next_id, next_seq, next_lease;
	uint64_t sweeps; /* over jobs and what they wait for */
	uint64_t salt;
	struct rt_map ids, keys, leases, party_map, host_map;
	struct jobs all;  /* by id */
	struct jobs kept; /* ended, for their keys; the oldest first */
	size_t kept_count, kept_bytes;
	struct jobs ending, stale, slow, nested;
	bool settling;
	struct parties parties, idle;
	size_t idle_count;
	struct shape *shapes[SHAPES_MAX];
	size_t shape_count;
	struct rt_heap timers;
	bool restored; /* there are jobs whose deps are names */

	struct note *notes; /* a ring */
	size_t note_first, note_count, note_cap;

	uint64_t epoch; /* counted when what was blocked may not be any more */
	bool look;	/* something may be startable */
	bool arrived;	/* something became ready: whom might it displace? */
	double wake;	/* a rate limit lets something through again */
	double health_at;
	bool draining, sweep;

	size_t pending, queued; /* not ended; ready or waiting */
	size_t hedgeable, hedges, preemptions, retries, deadlocks, migrations;
	size_t late;	 /* ended after their deadline */
	size_t yielders; /* run and may be suspended */
	size_t ended[RT_SKIPPED + 1];
	struct rt_usage used;
	struct {
		struct hist wait, turnaround; /* microseconds */
		size_t queued, running, done, failed;
	} kinds[RT_KINDS];
};

static inline struct job *job_of(const struct rt_task *t)
{
	return (struct job *)t;
}

static inline bool job_ended(const struct job *j)
{
	return rt_task_ended(&j->t);
}

static inline bool job_runs(const struct job *j)
{
	return rt_task_runs(&j->t);
}

static inline const char *job_name(const struct job *j)
{
	return j->t.q.key;
}

/* No attempt of it is to begin after its deadline, and none has. */
static inline bool job_expires(const struct job *j)
{
	return j->t.q.expires && !j->t.resumed &&
	       (j->t.state == RT_WAITING || j->t.state == RT_READY);
}

/* ---- rt_table.c: what there is, by its name ------------------------------ */

struct job *table_job(const struct rt *r, uint64_t id);
struct hold *table_hold(const struct rt *r, uint64_t lease);
struct job *table_key(const struct rt *r, const char *run, const char *key);
void table_key_add(struct rt *r, struct job *j);
void table_key_drop(struct rt *r, struct job *j);
struct party *table_party(const struct rt *r, const char *run,
			  const char *candidate);
void party_join(struct rt *r, struct job *j); /* sets t.run, t.candidate */
void party_leave(struct rt *r, struct job *j);
void party_free(struct rt *r, struct party *p);
struct shape *shape_for(struct rt *r, const struct job *j);
struct host *host_of(const struct rt *r, const struct rt_worker *w);
struct host *host_by(const struct rt *r, uint64_t serial); /* NULL: gone */

/* ---- rt_queue.c: waiting, ready, timers, notes --------------------------- */

void job_ready(struct rt *r, struct job *j);   /* from RT_WAITING */
void job_unready(struct rt *r, struct job *j); /* of a ready one */
/* Ready, or waiting until at. */
void job_wait(struct rt *r, struct job *j, double at);
void job_predict(struct rt *r, struct job *j);
void timers_fire(struct rt *r);
void job_arm(struct rt *r, struct job *j); /* its timer, for its state */
void job_to(struct rt *r, struct job *j, enum job_list list);
void eng_changed(struct rt *r); /* what was blocked may start now */
void eng_emit(struct rt *r, enum rt_event_kind kind, struct job *j,
	      const struct rt_outcome *o);
void note_add(struct rt *r, enum note_kind kind, struct job *j,
	      const struct rt_lease *l);
bool notes_flush(struct rt *r); /* whether anyone was told anything */

/* ---- rt_lease.c: what runs ----------------------------------------------- */

void hold_take(struct rt *r, struct job *j, struct rt_lease *l,
	       struct rt_worker *w);
/* u: what was used, NULL: as it told last. */
void hold_end(struct rt *r, struct hold *h, const struct rt_usage *u);
/* Nobody wants what it does any more. */
void hold_cancel(struct rt *r, struct hold *h);
/* The hedge alone is left: it is the lease from now on. */
void hold_promote(struct rt *r, struct job *j);
void hold_charge(struct rt *r, struct hold *h, const struct rt_usage *u);
double hold_ends(const struct rt *r, const struct hold *h); /* predicted p90 */

/* ---- rt_dispatch.c, rt_backfill.c ---------------------------------------- */

/* What was promised to one that does not fit now. */
struct reservation {
	struct job *head;
	struct host *host;
	double start;
	struct vec over; /* what it leaves over when it starts */
};

#define RESERVATIONS 8

/* The first of each shape: those that fit, and those that do not. */
struct round {
	struct job *fit[SHAPES_MAX], *full[SHAPES_MAX];
	size_t fits, fulls;
	unsigned kinds; /* bits of those that fit */
	struct reservation r[RESERVATIONS];
	size_t reserved;
	bool promised; /* r is right for this round */
};

void turn_drop(struct rt *r, struct job *j);
void round_init(struct rt *r, struct round *d);
/* The first in the policy's order is taken out; NULL: there is none. */
struct job *round_next(struct rt *r, struct job **v, size_t *n);
void eng_dispatch(struct rt *r);
/* On any of the workers but the hidden ones; only: on this one. */
struct rt_worker *eng_choose(struct rt *r, const struct job *j,
			     struct host *const *hidden, size_t n,
			     struct host *only, enum rt_refusal *why,
			     double *when);
bool host_can(const struct rt *r, struct host *h, const struct job *j);
/* Whether j may start on h with what was promised to those before it. */
bool eng_may_backfill(struct rt *r, struct round *d, const struct job *j,
		      const struct host *h);

/* ---- rt_deps.c --------------------------------------------------------- */

void deps_add(struct rt *r, struct job *to, struct job *on, enum rt_edge rule);
/* J is new, and within one that is under way and waits for it. */
void deps_within(struct rt *r, struct job *j);
void deps_drop(struct rt *r, struct job *j); /* it ended: waits no more */
/* What j passes on to what it waits for is more; or it is less, of those that
 * deps_drop() noted. */
void deps_raise(struct rt *r, struct job *j);
void deps_raise_all(struct rt *r, struct job *const *from, size_t n);
void deps_refresh(struct rt *r);
/* What waits for j, which has ended. */
void deps_settle(struct rt *r, struct job *j);
/* J is new: what of its deps has ended already. */
void deps_check(struct rt *r, struct job *j);
void deps_restored(struct rt *r);

/* ---- rt_end.c ---------------------------------------------------------- */

/* Takes o's content. */
void job_end(struct rt *r, struct job *j, enum rt_state state,
	     struct rt_outcome *o);
void job_fail(struct rt *r, struct job *j, enum rt_state state, int error,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The attempt on h came to nothing through no fault of its own. */
void job_lost(struct rt *r, struct hold *h, const char *why);
struct job *job_new(struct rt *r, uint64_t id, const struct rt_request *q,
		    uint64_t holder);
void job_announce(struct rt *r, struct job *j);
void job_untold(struct rt *r, struct job *j);
void job_begun(struct rt *r, struct job *j);
void job_adopt(struct rt *r, struct job *j, uint64_t holder);
void job_delivered(struct rt *r, struct job *j);
void job_abandon(struct rt *r, struct job *j);
int lease_stale(uint64_t lease);	       /* -ESTALE */
void jobs_left(struct rt *r, uint64_t holder); /* who submitted them is gone */

/* ---- rt_preempt.c, rt_hedge.c, rt_grow.c ------------------------------- */

void eng_preempt(struct rt *r);
void eng_had(struct rt *r, struct job *j, const struct rt_usage *u);
double eng_quantum_at(struct rt *r, const struct job *j);
bool eng_bound(struct rt *r, struct job *j); /* it waits for its home */
void eng_hedge(struct rt *r);
double eng_hedge_at(const struct rt *r, const struct job *j);
bool eng_grow_safe(struct rt *r, struct host *h, const struct job *j);
void eng_grow(struct rt *r);
/* Ends circles of those that wait for each other by failing the youngest;
 * true: that is the one that asks, who is to be told. */
bool eng_detect(struct rt *r, const struct hold *asks);

#endif
