/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/heap.h"
#include "rt/replay_parts.h"

/* As often the engine may ask to be called at once. */
#define SPINS_MAX 10000
/* Of the whole; a trace that reports a quantum for ever has no end. */
#define MOMENTS_MAX 10000000

/* A lease being carried out. */
struct attempt {
	uint64_t lease;
	struct replay_item *item;
	const struct rt_trace_worker *w;
	double began, overhead; /* then work */
	double from;		/* of the work, what was done before */
	double ends, tells;	/* the next report of progress */
	double due;		/* of these the sooner */
	const struct rt_trace_fault *fault; /* what it ends with; NULL: well */
	bool resumed, stopping;
	size_t at;
	struct attempt *next, **link;
};

struct replay {
	const struct rt_trace *t;
	struct rt_replay_opts o;
	struct rt_policy_opts quanta;
	struct rt *rt;
	struct replay_figures f;
	struct replay_item **by_id; /* from 1 */
	size_t id_count;
	struct rt_heap due;
	struct attempt *running;
	double now;
	size_t next;		   /* request to come */
	struct replay_item **held; /* came, and wait for the one at work */
	size_t held_count;
	uint64_t *ended; /* to be acknowledged */
	size_t ended_count, ended_cap;
};

/* ---- carrying out ------------------------------------------------------ */

static bool due_before(const void *a, const void *b)
{
	const struct attempt *x = a, *y = b;

	return x->due != y->due ? x->due < y->due : x->lease < y->lease;
}

/* How much of the work is done: tokens, or seconds of work. */
static double progress(const struct attempt *a, double now)
{
	const struct rt_trace_request *r = a->item->r;
	double s = fmax(0, now - a->began - a->overhead);

	if (r->q.kind == RT_LLM && r->tokens)
		return fmin(a->from + floor(s * a->w->tokens_s + 1e-6),
			    (double)r->tokens);
	return fmin(a->from + s * a->w->speed, r->service_s);
}

static void usage(const struct attempt *a, double now, struct rt_usage *u)
{
	const struct rt_trace_request *r = a->item->r;

	*u = (struct rt_usage){.seconds = now - a->began};
	u->core_seconds = u->seconds * (double)r->q.need.v[RES_CORES] / 1000;
	if (r->q.kind != RT_LLM)
		return;
	u->tokens_in = r->q.tokens_in + (long)a->from;
	u->tokens_out = r->tokens ? (long)(progress(a, now) - a->from) : 0;
	u->cost_usd = ((double)u->tokens_in * a->w->usd_in +
		       (double)u->tokens_out * a->w->usd_out) /
		      1e6;
}

static void next_due(struct attempt *a)
{
	a->due = fmin(a->ends, a->tells);
}

static double report_every(const struct replay *p, const struct attempt *a)
{
	if (a->item->r->q.kind == RT_LLM)
		return p->quanta.quantum_tokens / a->w->tokens_s;
	return p->quanta.quantum_s;
}

/* An attempt from the beginning: what it ends with. */
static void fault_of(struct replay *p, struct replay_item *it,
		     struct attempt *a)
{
	p->f.retries += it->attempts > 0;
	if (it->attempts < it->r->fault_count) {
		a->fault = &it->r->faults[it->attempts];
		a->ends = fmin(a->ends, a->began + a->fault->after_s);
	}
	it->attempts++;
}

static void begin(struct replay *p, struct replay_item *it,
		  const struct rt_lease *l, const char *checkpoint)
{
	struct attempt *a = mem_zalloc(1, sizeof(*a));
	struct json *c =
		checkpoint ? json_parse(checkpoint, strlen(checkpoint)) : NULL;

	a->lease = l->id;
	a->item = it;
	a->w = replay_worker(p->t, l->worker->spec.name);
	a->began = p->now;
	a->from = json_as_number(json_get(c, "done"), 0);
	a->resumed = c;
	a->overhead = replay_overhead(it->r, a->w, a->from, c);
	a->ends = a->began + a->overhead + replay_work(it->r, a->w) -
		  a->from / (it->r->tokens ? a->w->tokens_s : a->w->speed);
	if (!c)
		fault_of(p, it, a);
	a->tells = a->began + a->overhead + report_every(p, a);
	next_due(a);
	rt_heap_add(&p->due, a);
	a->next = p->running;
	a->link = &p->running;
	if (a->next)
		a->next->link = &a->next;
	p->running = a;
	replay_figures_until(&p->f, p->now);
	it->run->has += it->share;
	json_free(c);
}

/* It is over; what it cost is billed, whatever came of it.  kept: what it did
 * was not in vain. */
static void finish(struct replay *p, struct attempt *a, bool kept)
{
	struct rt_usage u;

	usage(a, p->now, &u);
	if (!kept)
		p->f.lost_s += u.seconds;
	else if (a->resumed)
		p->f.lost_s += fmin(u.seconds, a->overhead);
	p->f.tokens += (double)u.tokens_in + (double)u.tokens_out;
	p->f.cost_usd += u.cost_usd;
	replay_figures_until(&p->f, p->now);
	a->item->run->has -= a->item->share;
	rt_heap_remove(&p->due, a);
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	free(a);
}

static void end(struct replay *p, struct attempt *a, const struct rt_usage *u)
{
	const struct rt_trace_fault *fault = a->fault;
	uint64_t lease = a->lease;
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.used = *u;
	if (fault) {
		o.error = fault->error;
		o.again = fault->again;
		o.after_s = fault->retry_s;
	}
	finish(p, a, !fault);
	rt_done(p->rt, lease, &o, p->now);
	rt_outcome_release(&o);
}

static void stop(struct replay *p, struct attempt *a, const struct rt_usage *u)
{
	char *checkpoint = mem_printf("{\"done\":%.17g}", progress(a, p->now));
	uint64_t lease = a->lease;

	p->f.preemptions++;
	finish(p, a, true);
	rt_suspended(p->rt, lease, checkpoint, u, p->now);
	free(checkpoint);
}

/* What is due of an attempt; it may be gone after that. */
static void fire(struct replay *p, struct attempt *a)
{
	struct rt_usage u;

	usage(a, p->now, &u);
	if (p->now >= a->ends) {
		end(p, a, &u);
	} else if (a->stopping) {
		stop(p, a, &u);
	} else {
		a->tells += report_every(p, a);
		next_due(a);
		rt_heap_moved(&p->due, a);
		rt_progress(p->rt, a->lease, &u, p->now);
	}
}

/* ---- what the engine says ---------------------------------------------- */

static struct attempt *attempt_of(struct replay *p, const struct rt_lease *l)
{
	struct attempt *a = p->running;

	while (a && a->lease != l->id)
		a = a->next;
	return a;
}

static void on_start(void *arg, const struct rt_task *t,
		     const struct rt_lease *l)
{
	struct replay *p = arg;

	begin(p, p->by_id[t->id], l, t->checkpoint);
}

static void on_suspend(void *arg, const struct rt_task *t,
		       const struct rt_lease *l)
{
	struct replay *p = arg;
	struct attempt *a = attempt_of(p, l);

	(void)t;
	a->stopping = true;
	a->due = p->now;
	rt_heap_moved(&p->due, a);
}

static void on_cancel(void *arg, const struct rt_task *t,
		      const struct rt_lease *l)
{
	struct replay *p = arg;
	struct attempt *a = attempt_of(p, l);

	(void)t;
	if (a)
		finish(p, a, false);
}

static void on_ended(void *arg, const struct rt_task *t,
		     const struct rt_outcome *o)
{
	struct replay *p = arg;
	struct replay_item *it = p->by_id[t->id];

	(void)o;
	it->done = t->state == RT_DONE;
	p->f.late += p->now > t->q.deadline;
	it->waited = t->waited;
	it->turnaround = p->now - it->r->at;
	p->f.end = p->now;
	replay_figures_until(&p->f, p->now);
	it->run->wants -= it->share;
	if (p->ended_count == p->ended_cap) {
		p->ended_cap = 2 * p->ended_cap + 16;
		p->ended =
			mem_realloc(p->ended, p->ended_cap, sizeof(*p->ended));
	}
	p->ended[p->ended_count++] = t->id;
}

static const struct rt_ops ops = {
	.start = on_start,
	.suspend = on_suspend,
	.cancel = on_cancel,
	.ended = on_ended,
};

/* ---- what comes -------------------------------------------------------- */

static void submit(struct replay *p, struct replay_item *it)
{
	uint64_t id = 0;
	int rc = rt_submit(p->rt, &it->r->q, 1, 0, p->now, &id);

	if (!rc && id < p->id_count && p->by_id[id])
		rc = err_set(EEXIST, "its run has used key '%s' before",
			     it->r->q.key);
	if (rc) {
		it->refused = true;
		if (p->o.refused)
			p->o.refused(p->o.arg, it->r);
		return;
	}
	if (id >= p->id_count) {
		p->by_id = mem_realloc(p->by_id, 2 * id + 2,
				       sizeof(struct replay_item *));
		memset(p->by_id + p->id_count, 0,
		       (2 * id + 2 - p->id_count) *
			       sizeof(struct replay_item *));
		p->id_count = 2 * id + 2;
	}
	p->by_id[id] = it;
	replay_figures_until(&p->f, p->now);
	it->run->wants += it->share;
}

static bool goes_first(enum rt_serial how, const struct replay_item *a,
		       const struct replay_item *b)
{
	long x = a->r->q.priority, y = b->r->q.priority;

	return how == RT_SERIAL_HIGHEST	 ? x > y
	       : how == RT_SERIAL_LOWEST ? x < y
					 : false;
}

/* The next one by itself, once nothing is under way. */
static void submit_held(struct replay *p)
{
	size_t best = 0;

	if (!p->held_count || rt_pending(p->rt))
		return;
	for (size_t i = 1; i < p->held_count; i++)
		if (goes_first(p->o.serial, p->held[i], p->held[best]))
			best = i;
	submit(p, p->held[best]);
	p->held_count--;
	memmove(p->held + best, p->held + best + 1,
		(p->held_count - best) * sizeof(struct replay_item *));
}

static void arrive(struct replay *p)
{
	for (; p->next < p->t->request_count &&
	       p->t->requests[p->next].at <= p->now;
	     p->next++) {
		struct replay_item *it = &p->f.items[p->next];

		if (p->o.serial == RT_SERIAL_NOT)
			submit(p, it);
		else
			p->held[p->held_count++] = it;
	}
	submit_held(p);
}

/* ---- the clock --------------------------------------------------------- */

/* All that happens now; when the engine wants to be called again. */
static double happen(struct replay *p)
{
	struct attempt *a;
	double wake;

	while ((a = rt_heap_first(&p->due)) && a->due <= p->now)
		fire(p, a);
	arrive(p);
	wake = rt_step(p->rt, p->now);
	for (size_t i = 0; i < p->ended_count; i++)
		rt_delivered(p->rt, p->ended[i], p->now);
	if (p->ended_count && p->held_count)
		wake = p->now;
	p->ended_count = 0;
	return wake;
}

static double when_next(const struct replay *p, double wake)
{
	const struct attempt *a = rt_heap_first(&p->due);
	double when = wake;

	if (a)
		when = fmin(when, a->due);
	if (p->next < p->t->request_count)
		when = fmin(when, p->t->requests[p->next].at);
	return fmax(when, p->now);
}

/* Until all has ended, or nothing more can happen. */
static int run_clock(struct replay *p)
{
	double wake = 0;
	size_t spins = 0, moments = 0;

	for (;;) {
		double when = when_next(p, wake);

		if (p->next == p->t->request_count && !p->held_count &&
		    !rt_pending(p->rt))
			return 0;
		if (!isfinite(when))
			return 0;
		spins = when > p->now ? 0 : spins + 1;
		if (spins > SPINS_MAX)
			return err_set(ELOOP,
				       "the engine turns in circles at %g s",
				       p->now);
		if (++moments > MOMENTS_MAX)
			return err_set(E2BIG,
				       "the trace is not done after %d moments "
				       "at %g s; larger quanta make fewer",
				       MOMENTS_MAX, p->now);
		p->now = when;
		wake = happen(p);
	}
}

/* A setting of the runtime, from the header. */
static void setting(const struct json *header, const char *key, double *x)
{
	*x = json_as_number(json_get(header, key), *x);
}

static void settings(struct replay *p)
{
	const struct json *h = p->t->header;

	rt_policy_defaults(&p->quanta);
	setting(h, "quantum_tokens", &p->quanta.quantum_tokens);
	setting(h, "quantum_s", &p->quanta.quantum_s);
	setting(h, "aging_s", &p->quanta.aging_s);
	setting(h, "boost_s", &p->quanta.boost_s);
}

static int start(struct replay *p)
{
	struct rt_opts o;
	int rc;

	settings(p);
	rt_opts_init(&o);
	o.policy = p->o.policy;
	o.policy_opts = p->quanta;
	o.fit = p->o.fit;
	o.exclusive = p->o.exclusive;
	o.no_backfill = p->o.no_backfill;
	o.ops = &ops;
	o.arg = p;
	rc = rt_new(&o, &p->rt);
	for (size_t i = 0; !rc && i < p->t->worker_count; i++)
		rc = rt_worker_add(p->rt, &p->t->workers[i].spec, 0, 0);
	return rc;
}

int rt_replay(const struct rt_trace *t, const struct rt_replay_opts *o,
	      struct rt_figures *out)
{
	struct replay p = {.t = t, .o = *o};
	int rc;

	replay_figures_init(&p.f, t);
	p.held = mem_zalloc(t->request_count, sizeof(struct replay_item *));
	rt_heap_init(&p.due, offsetof(struct attempt, at), due_before);
	rc = start(&p);
	rc = rc ?: run_clock(&p);
	while (p.running)
		finish(&p, p.running, false);
	if (!rc)
		replay_figures_finish(&p.f, out);
	if (p.rt)
		rt_free(p.rt);
	rt_heap_release(&p.due);
	replay_figures_release(&p.f);
	free(p.held);
	free(p.by_id);
	free(p.ended);
	return rc;
}
