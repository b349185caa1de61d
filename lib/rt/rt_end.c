/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How requests end: outcomes, further attempts, cancelling, being forgotten. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/rt_parts.h"

#define ATTEMPTS 3
/* Outcomes that are kept for their keys may take so much memory in all. */
#define KEPT_BYTES ((size_t)256 << 20)

static const struct backoff pauses = {0.5, 2, 60};

/* ---- beginning and forgetting ------------------------------------------ */

struct job *job_new(struct rt *r, uint64_t id, const struct rt_request *q,
		    uint64_t holder)
{
	struct job *j = mem_zalloc(1, sizeof(*j));
	struct rt_task *t = &j->t;

	t->id = id;
	rt_request_copy(&t->q, q);
	vec_max(&t->q.most, &t->q.need);
	t->holder = holder;
	t->submitted = r->now;
	t->priority = q->priority;
	t->state = RT_WAITING;
	j->timer = INFINITY;
	LIST_INIT(&j->deps);
	LIST_INIT(&j->outs);
	rt_outcome_init(&j->outcome);
	rt_map_add(&r->ids, rt_map_mix(id), j);
	TAILQ_INSERT_TAIL(&r->all, j, all);
	if (*q->key)
		table_key_add(r, j);
	party_join(r, j);
	return j;
}

static void job_free(struct rt *r, struct job *j)
{
	if (j->in == KEPT) {
		r->kept_count--;
		r->kept_bytes -=
			j->outcome.result ? strlen(j->outcome.result) : 0;
	}
	job_to(r, j, NO_LIST);
	table_key_drop(r, j);
	party_leave(r, j);
	rt_map_remove(&r->ids, rt_map_mix(j->t.id), j);
	TAILQ_REMOVE(&r->all, j, all);
	rt_outcome_release(&j->outcome);
	rt_request_release(&j->t.q);
	free(j->t.checkpoint);
	free(j);
}

/* Once, also of what was asked for and delivered again. */
static void log_delivered(struct rt *r, struct job *j)
{
	j->t.delivered = true;
	if (!j->logged)
		eng_emit(r, RT_EV_DELIVERED, j, NULL);
	j->logged = true;
}

/* Ended, and to be remembered while there is room. */
static void keep(struct rt *r, struct job *j)
{
	job_to(r, j, KEPT);
	r->kept_count++;
	if (j->outcome.result)
		r->kept_bytes += strlen(j->outcome.result);
	while (r->kept_count > r->o.keep_ended || r->kept_bytes > KEPT_BYTES) {
		struct job *old = TAILQ_FIRST(&r->kept);

		log_delivered(r, old);
		job_free(r, old);
	}
}

static void unkeep(struct rt *r, struct job *j)
{
	if (j->in != KEPT)
		return;
	r->kept_count--;
	if (j->outcome.result)
		r->kept_bytes -= strlen(j->outcome.result);
	job_to(r, j, NO_LIST);
}

void job_announce(struct rt *r, struct job *j)
{
	if (j->announced)
		return;
	j->announced = true;
	note_add(r, NOTE_ENDED, j, NULL);
}

/* Its end is to be told, and nobody is there. */
void job_untold(struct rt *r, struct job *j)
{
	j->announced = false;
	if (j->lost)
		job_delivered(r, j);
	else if (j->in != KEPT)
		keep(r, j);
}

void job_delivered(struct rt *r, struct job *j)
{
	log_delivered(r, j);
	unkeep(r, j);
	if (!j->keyed) {
		job_free(r, j);
		return;
	}
	party_leave(r, j);
	free(j->t.q.payload);
	j->t.q.payload = mem_strdup("");
	keep(r, j);
}

void rt_delivered(struct rt *r, uint64_t id, double now)
{
	struct job *j = table_job(r, id);

	r->now = fmax(r->now, now);
	if (j && job_ended(j) && j->announced)
		job_delivered(r, j);
}

/* ---- the end ----------------------------------------------------------- */

static void count_end(struct rt *r, struct job *j)
{
	enum rt_kind k = j->t.q.kind;

	r->pending--;
	r->ended[j->t.state]++;
	j->t.run->tasks--;
	if (j->t.candidate != j->t.run)
		j->t.candidate->tasks--;
	if (j->t.state == RT_DONE)
		r->kinds[k].done++;
	if (j->t.state == RT_FAILED)
		r->kinds[k].failed++;
	r->late += r->now > j->t.q.deadline;
	if (!j->t.attempt)
		return;
	hist_add(&r->kinds[k].wait, (uint64_t)(j->t.waited * 1e6));
	hist_add(&r->kinds[k].turnaround,
		 (uint64_t)((r->now - j->t.submitted) * 1e6));
}

void job_end(struct rt *r, struct job *j, enum rt_state state,
	     struct rt_outcome *o)
{
	bool waited = !job_runs(j);

	if (j->t.state == RT_READY)
		job_unready(r, j);
	for (int i = 0; i < 2; i++)
		if (j->hold[i].host)
			hold_cancel(r, &j->hold[i]);
	if (waited) {
		r->queued--;
		r->kinds[j->t.q.kind].queued--;
	}
	if (*j->t.q.within)
		TAILQ_REMOVE(&r->nested, j, of_nested);
	j->t.state = state;
	j->t.ended = r->now;
	job_arm(r, j);
	job_to(r, j, NO_LIST);
	deps_drop(r, j);
	count_end(r, j);
	j->outcome = *o;
	j->outcome.used = j->t.used;
	j->t.outcome = &j->outcome;
	free(j->t.checkpoint);
	j->t.checkpoint = NULL;
	eng_emit(r, RT_EV_ENDED, j, &j->outcome);
	deps_settle(r, j);
}

void job_fail(struct rt *r, struct job *j, enum rt_state state, int error,
	      const char *fmt, ...)
{
	struct rt_outcome o;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rt_outcome_init(&o);
	o.error = -error;
	o.text = mem_strdup(text);
	job_end(r, j, state, &o);
}

/* ---- further attempts -------------------------------------------------- */

static long attempts_of(const struct job *j)
{
	return j->t.q.attempts ? j->t.q.attempts : ATTEMPTS;
}

/* Half of it is by chance, so that those that failed together do not come
 * back together. */
static double backoff(struct rt *r, const struct job *j, double after_s)
{
	double s = backoff_pause(&pauses, (unsigned)j->t.attempt);

	return fmax(after_s, s * (0.5 + rng_unit(&r->rng) / 2));
}

/* Its attempt failed, its lease is given back. */
static void again(struct rt *r, struct job *j, const struct rt_outcome *o,
		  double at)
{
	r->retries++;
	r->queued++;
	r->kinds[j->t.q.kind].queued++;
	j->t.resumed = false;
	j->t.not_before = at;
	eng_emit(r, RT_EV_RETRY, j, o);
	j->attempt_s = 0;
	job_predict(r, j);
	job_wait(r, j, at);
}

static void attempt_failed(struct rt *r, struct job *j, struct rt_outcome *o,
			   bool started, double at)
{
	bool only_once = started && rt_request_once(&j->t.q);
	char *text;

	if (o->again && !only_once && j->t.attempt < attempts_of(j)) {
		again(r, j, o, at);
		rt_outcome_release(o);
		return;
	}
	if (o->again && only_once)
		text = mem_printf("it may have been done, and is not "
				  "idempotent: %s",
				  o->text ? o->text : err_name(-o->error));
	else if (o->again)
		text = mem_printf("gave up after %ld attempts, the last: %s",
				  j->t.attempt,
				  o->text ? o->text : err_name(-o->error));
	else
		text = mem_strdup(o->text ? o->text : err_name(-o->error));
	free(o->text);
	o->text = text;
	o->again = false;
	job_end(r, j, RT_FAILED, o);
}

void job_lost(struct rt *r, struct hold *h, const char *why)
{
	struct job *j = h->job;
	bool other = j->hold[h == &j->hold[0]].host;
	bool started = h->told;
	struct rt_outcome o;

	j->avoid = h->host->serial;
	hold_cancel(r, h);
	if (other) {
		if (!j->hold[0].host)
			hold_promote(r, j);
		return;
	}
	rt_outcome_init(&o);
	o.error = -EHOSTDOWN;
	o.again = true;
	o.text = mem_strdup(why);
	attempt_failed(r, j, &o, started, r->now);
}

/* ---- from who carries out ---------------------------------------------- */

int lease_stale(uint64_t lease)
{
	return err_set(ESTALE, "lease %llu is held by nobody any more",
		       (unsigned long long)lease);
}

/* Returns how long its job has to wait: what the worker waits for itself is
 * nothing to the others. */
static double learn(struct rt *r, struct hold *h, const struct rt_outcome *o)
{
	struct job *j = h->job;
	bool waits = rt_worker_learn(h->host->w, &j->t, o, r->now);

	if (!o->error)
		rt_predictor_learn(r->predictor, &j->t.q,
				   j->attempt_s + r->now - h->lease->since);
	return waits ? 0 : o->after_s;
}

int rt_done(struct rt *r, uint64_t lease, const struct rt_outcome *o,
	    double now)
{
	struct hold *h = table_hold(r, lease), *other;
	struct rt_outcome copy;
	struct job *j;
	double after_s;
	bool started;

	r->now = fmax(r->now, now);
	if (!h)
		return lease_stale(lease);
	j = h->job;
	other = &j->hold[h == &j->hold[0]];
	started = h->told;
	after_s = learn(r, h, o);
	if (o->error)
		j->avoid = h->host->serial;
	hold_end(r, h, &o->used);
	if (o->error && other->host) {
		/* The other one may do better. */
		if (!j->hold[0].host)
			hold_promote(r, j);
		return 0;
	}
	if (!o->error && other->host)
		hold_cancel(r, other);
	rt_outcome_copy(&copy, o);
	if (o->error)
		attempt_failed(r, j, &copy, started,
			       r->now + backoff(r, j, after_s));
	else
		job_end(r, j, RT_DONE, &copy);
	return 0;
}

int rt_progress(struct rt *r, uint64_t lease, const struct rt_usage *u,
		double now)
{
	struct hold *h = table_hold(r, lease);

	r->now = fmax(r->now, now);
	if (!h)
		return lease_stale(lease);
	h->usage = *u;
	if (h == &h->job->hold[0])
		eng_had(r, h->job, u);
	else
		hold_charge(r, h, u);
	return 0;
}

int rt_suspended(struct rt *r, uint64_t lease, const char *checkpoint,
		 const struct rt_usage *u, double now)
{
	struct hold *h = table_hold(r, lease);
	struct job *j;

	r->now = fmax(r->now, now);
	if (!h)
		return lease_stale(lease);
	j = h->job;
	if (j->hold[h == &j->hold[0]].host) {
		/* It goes on elsewhere. */
		hold_end(r, h, u);
		if (!j->hold[0].host)
			hold_promote(r, j);
		return 0;
	}
	free(j->t.checkpoint);
	j->t.checkpoint = checkpoint ? mem_strdup(checkpoint) : NULL;
	j->home = h->host->serial;
	j->t.resumed = true;
	hold_end(r, h, u);
	r->queued++;
	r->kinds[j->t.q.kind].queued++;
	job_predict(r, j);
	j->t.state = RT_WAITING;
	eng_emit(r, RT_EV_SUSPENDED, j, NULL);
	job_wait(r, j, r->now);
	return 0;
}

/* ---- cancelling -------------------------------------------------------- */

int rt_cancel(struct rt *r, uint64_t id, double now)
{
	struct job *j = table_job(r, id);

	r->now = fmax(r->now, now);
	if (!j || job_ended(j))
		return 0;
	job_fail(r, j, RT_CANCELLED, ECANCELED, "cancelled");
	return 1;
}

size_t rt_cancel_group(struct rt *r, const char *run, const char *candidate,
		       double now)
{
	struct party *p = table_party(r, run, NULL);
	size_t n = 0;
	struct job *j;

	r->now = fmax(r->now, now);
	if (!p)
		return 0;
	queue_each(j, &p->jobs, of_run)
	{
		if (job_ended(j) ||
		    (candidate && strcmp(candidate, j->t.q.candidate)))
			continue;
		job_fail(r, j, RT_CANCELLED, ECANCELED, "cancelled");
		n++;
	}
	return n;
}

/* ---- who is gone, and who comes ---------------------------------------- */

/* Nobody is there to carry it out, or to hear of it: as if it had not been
 * asked for. */
void job_abandon(struct rt *r, struct job *j)
{
	table_key_drop(r, j);
	j->orphan = j->lost = true;
	if (!job_ended(j))
		job_fail(r, j, RT_CANCELLED, ECANCELED,
			 "who asked for it is gone");
}

void jobs_left(struct rt *r, uint64_t holder)
{
	struct job *j;

	queue_each(j, &r->all, all)
	{
		if (j->t.holder != holder || j->t.delivered || j->orphan)
			continue;
		j->announced = false;
		if (j->t.q.place == RT_SELF && !job_ended(j)) {
			job_abandon(r, j);
			continue;
		}
		j->orphan = true;
		j->orphaned = r->now;
		if (job_ended(j))
			job_announce(r, j);
	}
}

/* It ran, nobody knows how far, and it is not to run twice. */
void job_begun(struct rt *r, struct job *j)
{
	j->begun = false;
	if (!job_ended(j))
		job_fail(r, j, RT_FAILED, EHOSTDOWN,
			 "it had begun when the runtime was killed, may have "
			 "been done, and is not idempotent");
}

void rt_still(struct rt *r, const char *run, const char *key)
{
	struct job *j = table_key(r, run, key);

	if (j)
		j->begun = false;
}

/* It is holder's from now on. */
void job_adopt(struct rt *r, struct job *j, uint64_t holder)
{
	bool ended = job_ended(j);

	j->t.holder = holder;
	j->orphan = false;
	/* That ends it, which is told like every end. */
	if (j->begun)
		job_begun(r, j);
	if (ended) {
		unkeep(r, j);
		j->announced = j->t.delivered = false;
		job_announce(r, j);
	} else if (j->t.state == RT_WAITING && !j->unsettled) {
		job_wait(r, j, j->t.not_before);
	}
}

void rt_adopt(struct rt *r, const char *run, uint64_t holder, double now)
{
	struct party *p = table_party(r, run, NULL);
	struct job *j;

	r->now = fmax(r->now, now);
	if (!p)
		return;
	queue_each(j, &p->jobs, of_run)
	{
		if (j->orphan)
			job_adopt(r, j, holder);
	}
}
