/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suspending what runs for what waits, where the policy says so and where it
 * pays; and where what was suspended goes on.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rt/policy_queue.h"
#include "rt/rt_parts.h"

/* Heads of shapes for which others are suspended at one look. */
#define HEADS 8
/* Moving must even the loads out by as much, at so many looks on end. */
#define EVENER 0.1
#define LOOKS  3

/* ---- whom it may meet -------------------------------------------------- */

static bool may_stop(const struct job *j)
{
	return j->t.state == RT_RUNNING && j->t.q.preemptible &&
	       !j->hold[1].host && vec_zero(&j->hold[0].more);
}

double eng_quantum_at(struct rt *r, const struct job *j)
{
	double q;

	/* Tokens come with rt_progress(). */
	if (!may_stop(j) || j->spent || !r->policy->ops->yields ||
	    j->t.q.kind == RT_LLM)
		return INFINITY;
	q = r->policy->ops->quantum(r->policy, &j->t);
	/* Not again before it has had some more, however it is counted. */
	return j->t.started + fmax(q, 1e-6);
}

static double quantum(struct rt *r, const struct job *j)
{
	return r->policy->ops->quantum(r->policy, &j->t);
}

/*
 * Its turn is as long as it was until now: what it has had of it may be what
 * makes the next one longer, for who comes after those that have had less.
 */
void eng_had(struct rt *r, struct job *j, const struct rt_usage *u)
{
	bool may = may_stop(j) && r->policy->ops->yields;
	double turn = may ? quantum(r, j) : INFINITY;

	hold_charge(r, &j->hold[0], u);
	if (!may || !rt_used_up(&j->t, turn))
		return;
	j->spent = true;
	r->arrived = true;
}

/* What is left of it; of one that takes longer than predicted half of what it
 * has taken, for those that have run for long run on for long. */
static double remaining(const struct rt *r, const struct job *j)
{
	double had = r->now - j->t.started;

	return fmax(j->t.p50_s - had, had / 2);
}

static bool pays(const struct rt *r, const struct hold *h)
{
	return remaining(r, h->job) > h->host->w->spec.restart_s;
}

/* ---- making room ------------------------------------------------------- */

static struct vec room_on(const struct host *h)
{
	struct vec room = h->w->spec.capacity;

	vec_sub(&room, &h->w->used);
	vec_add(&room, &h->stopping);
	return room;
}

/* The one that would keep its place for longest, of those not chosen. */
static struct hold *victim(struct rt *r, const struct host *h,
			   const struct job *head, struct hold *const *chosen,
			   size_t n)
{
	struct hold *best = NULL, *x;

	list_each(x, &h->holds, of_host)
	{
		bool had = false;

		for (size_t i = 0; i < n; i++)
			had |= chosen[i] == x;
		if (had || !may_stop(x->job) || !pays(r, x))
			continue;
		hold_charge(r, x, &x->usage);
		if (!r->policy->ops->yields(r->policy, &x->job->t, &head->t,
					    r->now))
			continue;
		if (!best || remaining(r, x->job) > remaining(r, best->job))
			best = x;
	}
	return best;
}

static void stop(struct rt *r, struct hold *h)
{
	struct job *j = h->job;

	j->t.state = RT_STOPPING;
	vec_add(&h->host->stopping, &h->lease->held);
	r->preemptions++;
	note_add(r, NOTE_SUSPEND, j, h->lease);
	job_arm(r, j);
}

/* Whether h has, or is made to have, room for head. */
static bool make_room(struct rt *r, struct host *h, const struct job *head)
{
	struct hold **chosen = mem_zalloc(h->w->running + 1, sizeof(*chosen));
	struct vec room = room_on(h);
	bool fits = vec_fits(&head->t.q.need, &room);
	size_t n = 0;

	while (!fits) {
		struct hold *x = victim(r, h, head, chosen, n);

		if (!x)
			break;
		chosen[n++] = x;
		vec_add(&room, &x->lease->held);
		fits = vec_fits(&head->t.q.need, &room);
	}
	for (size_t i = 0; fits && i < n; i++)
		stop(r, chosen[i]);
	free(chosen);
	return fits;
}

/*
 * Room for head on any host but those barred, which are others' before it.
 * Where it could be carried out and gets none it bars them: what is freed there
 * would go to it, and who was suspended would go on at once.
 */
static void make_room_for(struct rt *r, struct job *head, bool *barred)
{
	const struct host *home = host_by(r, head->home);
	bool away = !home || !eng_bound(r, head);

	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];

		if (!barred[i] && (away || h == home) && host_can(r, h, head) &&
		    make_room(r, h, head))
			return;
	}
	for (size_t i = 0; i < r->host_count; i++)
		barred[i] |= host_can(r, r->hosts[i], head);
}

void eng_preempt(struct rt *r)
{
	struct round d;
	struct job *head;
	bool *barred;

	if (!r->arrived)
		return;
	r->arrived = false;
	if (!r->yielders || !r->policy->ops->yields)
		return;
	barred = mem_zalloc(r->host_count, sizeof(*barred));
	round_init(r, &d);
	for (size_t i = 0; i < HEADS; i++) {
		head = round_next(r, d.full, &d.fulls);
		if (!head)
			break;
		make_room_for(r, head, barred);
	}
	free(barred);
}

/* ---- going on ---------------------------------------------------------- */

/* By how much the loads would be more even with j on the least loaded one. */
static double evener(struct rt *r, const struct job *j)
{
	double *load = mem_zalloc(r->host_count + 1, sizeof(*load));
	size_t n = 0, least = 0;
	double before, after;
	struct vec one = {{0}};

	for (size_t i = 0; i < r->host_count; i++) {
		struct host *h = r->hosts[i];
		struct vec with = h->w->used;

		if (!host_can(r, h, j))
			continue;
		load[n] = vec_dominant(&h->w->used, &h->w->spec.capacity);
		vec_add(&with, &j->t.q.need);
		if (!n || load[n] < load[least]) {
			least = n;
			one = with;
			vec_sub(&one, &h->w->used);
		}
		n++;
	}
	before = rt_gini(load, n);
	if (n)
		load[least] += vec_dominant(&one, &r->workers.most);
	after = rt_gini(load, n);
	free(load);
	return before - after;
}

/*
 * Its home has no room.  Going elsewhere costs what restarting costs, so it
 * waits as long as that, or until it has been seen a few times that the load
 * would be more even if it moved.
 */
bool eng_bound(struct rt *r, struct job *j)
{
	const struct host *home = host_by(r, j->home);
	double patience = home->w->spec.restart_s;

	if (patience <= 0 || j->uneven >= LOOKS)
		return false;
	if (j->bound_at == INFINITY)
		j->bound_at = r->now;
	if (r->now >= j->bound_at + patience)
		return false;
	if (j->bound_look > r->now && j->bound_look < INFINITY)
		return true;
	j->uneven = evener(r, j) >= EVENER ? j->uneven + 1 : 0;
	j->bound_look = r->now + patience / LOOKS;
	job_arm(r, j);
	return j->uneven < LOOKS;
}
