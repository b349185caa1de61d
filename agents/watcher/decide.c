/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/watcher/decide.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HOUR_S 3600.0
#define DAY_S  86400.0

static bool is_own(const struct watcher_vote *v)
{
	return !v->policy[0];
}

static bool is_same(const struct watcher_vote *a, const struct watcher_vote *b)
{
	return !strcmp(a->policy, b->policy);
}

void watcher_init(struct watcher *w, const struct watcher_rules *rules,
		  double now)
{
	*w = (struct watcher){.rules = *rules, .since = now - DAY_S};
}

/* ---- what a window votes for ------------------------------------------ */

static struct watcher_vote vote_for(const struct watcher_seen *s)
{
	struct watcher_vote v = {.distance = s->distance};

	memcpy(v.policy, s->policy, sizeof(v.policy));
	memcpy(v.workload, s->workload, sizeof(v.workload));
	return v;
}

static const struct watcher_seen *nearest(const struct watcher_seen *seen,
					  size_t n)
{
	const struct watcher_seen *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (!best || seen[i].distance < best->distance)
			best = &seen[i];
	return best;
}

/* The nearest of the workloads that what is in place is there for. */
static const struct watcher_seen *nearest_present(
	const struct watcher *w, const struct watcher_seen *seen, size_t n)
{
	const struct watcher_seen *best = NULL;

	for (size_t i = 0; i < n && !is_own(&w->present); i++)
		if (!strcmp(seen[i].policy, w->present.policy) &&
		    (!best || seen[i].distance < best->distance))
			best = &seen[i];
	return best && best->distance <= w->rules.far ? best : NULL;
}

void watcher_saw(struct watcher *w, const struct watcher_seen *seen, size_t n)
{
	const struct watcher_seen *best = nearest(seen, n);
	const struct watcher_seen *now = nearest_present(w, seen, n);
	struct watcher_vote v = {.distance = INFINITY};
	size_t of = (size_t)w->rules.of;

	if (best && best->distance > w->rules.near)
		best = NULL;
	if (now && (!best || now->distance <= best->distance + WATCHER_MARGIN))
		best = now;
	if (best)
		v = vote_for(best);
	if (w->n >= of) {
		memmove(w->votes, w->votes + 1, (of - 1) * sizeof(w->votes[0]));
		w->n = of - 1;
	}
	w->votes[w->n++] = v;
}

/* ---- deciding --------------------------------------------------------- */

/* The latest vote for what enough windows voted for, NULL: nothing lasts. */
static const struct watcher_vote *lasting(const struct watcher *w,
					  size_t *count)
{
	for (size_t i = w->n; i-- > 0;) {
		*count = 0;
		for (size_t j = 0; j < w->n; j++)
			*count += is_same(&w->votes[i], &w->votes[j]);
		if (*count >= (size_t)w->rules.lasts)
			return &w->votes[i];
	}
	return NULL;
}

static const struct watcher_ban *ban_of(const struct watcher *w,
					const char *policy)
{
	for (size_t i = 0; i < w->banned; i++)
		if (!strcmp(w->bans[i].policy, policy))
			return &w->bans[i];
	return NULL;
}

static size_t of_last_hour(const struct watcher *w, double now)
{
	size_t n = 0;

	for (size_t i = 0; i < w->switched; i++)
		n += now - w->switches[i] < HOUR_S;
	return n;
}

static enum watcher_answer say(struct watcher_choice *out,
			       enum watcher_answer a, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum watcher_answer say(struct watcher_choice *out,
			       enum watcher_answer a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
	return a;
}

/* Each change has to leave room for one more: back to the kernel's own. */
static enum watcher_answer change(const struct watcher *w, double now,
				  size_t count, struct watcher_choice *out)
{
	size_t spent = of_last_hour(w, now) + (is_own(&out->to) ? 1 : 2);
	double stays = w->since + w->rules.dwell_s - now;

	if (stays > 0)
		return say(out, WATCHER_WAIT,
			   "what is in place stays for %.0f s more", stays);
	if (spent > (size_t)w->rules.per_hour)
		return say(out, WATCHER_WAIT,
			   "there were %zu changes in the last hour, and %ld "
			   "are allowed",
			   of_last_hour(w, now), w->rules.per_hour);
	if (is_own(&out->to) && !out->to.workload[0])
		return say(out, WATCHER_CHANGE,
			   "%zu of the last %zu windows are like nothing that "
			   "is known",
			   count, w->n);
	if (is_own(&out->to))
		return say(out, WATCHER_CHANGE,
			   "%zu of the last %zu windows are like '%s', for "
			   "which nothing is trusted",
			   count, w->n, out->to.workload);
	return say(out, WATCHER_CHANGE,
		   "%zu of the last %zu windows are like '%s' (distance %.1f)",
		   count, w->n, out->to.workload, out->to.distance);
}

enum watcher_answer watcher_decide(const struct watcher *w, double now,
				   struct watcher_choice *out)
{
	const struct watcher_vote *v;
	const struct watcher_ban *ban;
	size_t count;

	*out = (struct watcher_choice){.to = w->present};
	v = lasting(w, &count);
	if (!v)
		return say(out, WATCHER_STAY, "nothing has lasted");
	if (is_same(v, &w->present))
		return say(out, WATCHER_STAY, "it is in place");
	out->to = *v;
	ban = is_own(v) ? NULL : ban_of(w, v->policy);
	if (!ban || now >= ban->until)
		return change(w, now, count, out);
	/* Not this one, and what is in place is for something else. */
	if (is_own(&w->present))
		return say(out, WATCHER_WAIT,
			   "the policy for '%s' fell: it is left alone for "
			   "%.0f s more",
			   v->workload, ban->until - now);
	out->to = (struct watcher_vote){.distance = INFINITY};
	return change(w, now, count, out);
}

/* ---- what came of it -------------------------------------------------- */

static void count_switch(struct watcher *w, double now)
{
	if (w->switched == WATCHER_SWITCHES_MAX)
		memmove(w->switches, w->switches + 1,
			--w->switched * sizeof(w->switches[0]));
	w->switches[w->switched++] = now;
}

static void lift(struct watcher *w, const char *policy)
{
	for (size_t i = 0; i < w->banned; i++)
		if (!strcmp(w->bans[i].policy, policy))
			w->bans[i--] = w->bans[--w->banned];
}

void watcher_changed(struct watcher *w, double now,
		     const struct watcher_vote *to)
{
	/* It went well for as long as it was wanted. */
	if (now - w->since >= w->rules.dwell_s)
		lift(w, w->present.policy);
	w->present = *to;
	w->since = now;
	w->n = 0;
	count_switch(w, now);
}

void watcher_fell(struct watcher *w, double now,
		  const struct watcher_vote *what)
{
	struct watcher_ban *b = (struct watcher_ban *)ban_of(w, what->policy);

	if (!b) {
		if (w->banned == WATCHER_BANS_MAX)
			memmove(w->bans, w->bans + 1,
				--w->banned * sizeof(w->bans[0]));
		b = &w->bans[w->banned++];
		*b = (struct watcher_ban){0};
		memcpy(b->policy, what->policy, sizeof(b->policy));
	}
	b->falls++;
	b->until = now +
		   fmin(w->rules.cooldown_s * pow(2, fmin(b->falls - 1.0, 30)),
			DAY_S);
	w->n = 0;
	/* What was refused was nowhere in place. */
	if (is_own(&w->present))
		return;
	w->present = (struct watcher_vote){.distance = INFINITY};
	w->since = now;
	count_switch(w, now);
}
