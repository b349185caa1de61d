/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/sentry.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "guard/metric.h"
#include "guard/queue.h"
#include "guard/source.h"
#include "scx/sysfs.h"

/* Below so many busy CPUs a share of the time that is used says nothing. */
#define LEAST_WORK 0.1

struct sentry {
	struct sentry_opts o;
	struct guard guards[SENTRY_GUARDS];
	size_t count;
	struct queue_watch *queue;
	struct queue_told told;	 /* last */
	struct queue_told worst; /* of a stall: when it was longest */
	struct psi_watch psi;
	struct work_watch work, busy;
	struct events_watch events[SENTRY_GUARDS]; /* by guard */
	struct metric_source metrics[SENTRY_METRICS];
	size_t metric_count;
	double policy_at, policy_ns;
};

/* ---- what is watched -------------------------------------------------- */

static const struct sentry_metric *metric_of(const struct sentry_opts *o,
					     const char *name)
{
	for (size_t i = 0; i < o->metric_count; i++)
		if (!strcmp(o->metrics[i].name, name))
			return &o->metrics[i];
	return NULL;
}

/* A metric of the user's stands before one of ours of that name. */
static int add_rule(struct sentry *s, const struct guard_rule *rule)
{
	const struct sentry_metric *m = metric_of(&s->o, rule->name);
	struct guard_rule r = *rule;

	if (s->count == SENTRY_GUARDS)
		return err_set(EINVAL, "more than %d guards", SENTRY_GUARDS);
	if (m)
		r.kind = GUARD_METRIC;
	if (r.kind == GUARD_METRIC && !m)
		return err_set(EINVAL,
			       "there is no guard '%s' (%s), and no metric of "
			       "that name",
			       r.name, guard_names);
	if (m)
		guard_rule_point(&r, m->higher_is_better);
	guard_init(&s->guards[s->count++], &r);
	return 0;
}

static int check_metrics(const struct sentry *s)
{
	const struct sentry_opts *o = &s->o;

	if (o->metric_count > SENTRY_METRICS)
		return err_set(EINVAL, "more than %d metrics", SENTRY_METRICS);
	for (size_t i = 0; i < o->metric_count; i++) {
		bool there = false;

		for (size_t j = 0; j < s->count; j++)
			there |= !strcmp(s->guards[j].rule.name,
					 o->metrics[i].name);
		if (!there)
			return err_set(EINVAL,
				       "nothing guards the metric '%s': add "
				       "--guard %s:BOUND",
				       o->metrics[i].name, o->metrics[i].name);
	}
	return 0;
}

static int take_rules(struct sentry *s)
{
	const struct sentry_opts *o = &s->o;
	struct guard_rule own[GUARD_OWN_MAX];
	size_t n;
	int rc = 0;

	for (size_t i = 0; i < o->count && !rc; i++)
		rc = add_rule(s, &o->rules[i]);
	n = guard_rules_own(o->watchdog_s, o->rules, o->count, own);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_rule(s, &own[i]);
	return rc ? rc : check_metrics(s);
}

/* ---- what is read ----------------------------------------------------- */

static bool of_kernel(enum guard_kind k)
{
	return k == GUARD_POLICY_CPU || k == GUARD_EVENTS || k == GUARD_EVENT;
}

/* However many guards ask for it: one process tells it. */
static int open_metric(struct sentry *s, const char *name, double now)
{
	const struct sentry_metric *from = metric_of(&s->o, name);
	struct metric_source *m;

	for (size_t i = 0; i < s->metric_count; i++)
		if (!strcmp(s->metrics[i].name, name))
			return 0;
	m = &s->metrics[s->metric_count++];
	m->name = from->name;
	m->read = from->read;
	m->arg = from->arg;
	return metric_source_open(m, now);
}

static int open_source(struct sentry *s, struct guard *g, double now)
{
	const char *name = g->rule.name;
	size_t at = (size_t)(g - s->guards);

	switch (g->rule.kind) {
	case GUARD_WAIT_P99:
	case GUARD_STALL:
		return s->queue ? 0 : queue_open(&s->queue);
	case GUARD_PSI_CPU:
	case GUARD_PSI_CPU_FULL:
		return s->psi.fd >= 0 ? 0 : psi_open(&s->psi, s->o.cgroup);
	case GUARD_THROUGHPUT:
		return work_open(&s->work, s->o.cgroup);
	case GUARD_METRIC:
		return open_metric(s, name, now);
	case GUARD_EVENTS:
	case GUARD_EVENT:
		events_open(&s->events[at],
			    g->rule.kind == GUARD_EVENT ? name : NULL);
		break;
	case GUARD_POLICY_CPU:
		if (geteuid() != 0)
			return err_set(ENOTSUP,
				       "guard '%s': the kernel tells only root "
				       "how much CPU time a policy takes",
				       name);
		return s->busy.fd >= 0 ? 0 : work_open(&s->busy, NULL);
	case GUARD_KINDS:
		break;
	}
	return 0;
}

static void drop(struct sentry *s, size_t i)
{
	size_t behind = s->count - i - 1;

	events_close(&s->events[i]);
	memmove(&s->guards[i], &s->guards[i + 1],
		behind * sizeof(s->guards[0]));
	memmove(&s->events[i], &s->events[i + 1],
		behind * sizeof(s->events[0]));
	s->count--;
}

static int open_sources(struct sentry *s)
{
	for (size_t i = 0; i < s->count;) {
		struct guard *g = &s->guards[i];
		int rc = !s->o.policy_ns && of_kernel(g->rule.kind)
				 ? err_set(ENOTSUP,
					   "guard '%s': this policy is none in "
					   "the kernel",
					   g->rule.name)
				 : open_source(s, g, 0);

		if (rc && !g->rule.own)
			return rc;
		if (rc)
			drop(s, i);
		else
			i++;
	}
	return 0;
}

int sentry_check(const struct sentry_opts *o)
{
	struct sentry *s = mem_zalloc(1, sizeof(*s));
	int rc;

	s->o = *o;
	rc = take_rules(s);
	free(s);
	return rc;
}

int sentry_open(const struct sentry_opts *o, struct sentry **out)
{
	struct sentry *s = mem_zalloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	s->o = *o;
	s->psi.fd = s->work.fd = s->busy.fd = -1;
	for (size_t i = 0; i < SENTRY_METRICS; i++)
		s->metrics[i].child.fd = -1;
	for (size_t i = 0; i < SENTRY_GUARDS; i++)
		s->events[i].fd = -1;
	rc = take_rules(s);
	if (!rc)
		rc = open_sources(s);
	/* Lent for this call only. */
	s->o.cgroup = NULL;
	s->o.rules = NULL;
	s->o.metrics = NULL;
	if (rc)
		sentry_close(s);
	else
		*out = s;
	return rc;
}

void sentry_close(struct sentry *s)
{
	if (!s)
		return;
	queue_close(s->queue);
	psi_close(&s->psi);
	work_close(&s->work);
	work_close(&s->busy);
	for (size_t i = 0; i < s->count; i++)
		events_close(&s->events[i]);
	for (size_t i = 0; i < s->metric_count; i++)
		metric_source_close(&s->metrics[i]);
	free(s);
}

/* ---- what is told ----------------------------------------------------- */

static void feed(struct guard *g, double now, double value)
{
	if (g->armed)
		guard_take(g, now, value);
	else
		guard_before(g, value);
}

static void feed_all(struct sentry *s, enum guard_kind k, double now,
		     double value)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->guards[i].rule.kind == k)
			feed(&s->guards[i], now, value);
}

static void ask_queue(struct sentry *s, double now)
{
	if (!s->queue)
		return;
	queue_tick(s->queue, now, &s->told);
	if (s->told.stall_s > s->worst.stall_s)
		s->worst = s->told;
	feed_all(s, GUARD_STALL, now, s->told.stall_s);
	if (s->told.looked)
		feed_all(s, GUARD_WAIT_P99, now,
			 s->told.waits ? s->told.wait_p99_us : 0);
}

static void ask_policy(struct sentry *s, double now)
{
	double cpus, ns, used_ns, dt = now - s->policy_at;
	bool news;

	if (s->busy.fd < 0 || !work_tick(&s->busy, now, &cpus))
		return;
	ns = s->o.policy_ns(s->o.policy_arg);
	news = s->policy_at > 0 && s->policy_ns >= 0 && ns >= s->policy_ns;
	used_ns = fmax(cpus, LEAST_WORK) * dt * 1e9;
	if (news)
		feed_all(s, GUARD_POLICY_CPU, now,
			 100 * (ns - s->policy_ns) / used_ns);
	s->policy_at = now;
	s->policy_ns = ns;
}

static void ask_each(struct sentry *s, double now)
{
	double x;

	for (size_t i = 0; i < s->count; i++) {
		struct guard *g = &s->guards[i];

		if ((g->rule.kind == GUARD_EVENTS ||
		     g->rule.kind == GUARD_EVENT) &&
		    events_tick(&s->events[i], now, &x))
			feed(g, now, x);
	}
	for (size_t m = 0; m < s->metric_count; m++) {
		if (!metric_source_tick(&s->metrics[m], now, &x))
			continue;
		for (size_t i = 0; i < s->count; i++)
			if (s->guards[i].rule.kind == GUARD_METRIC &&
			    !strcmp(s->guards[i].rule.name, s->metrics[m].name))
				feed(&s->guards[i], now, x);
	}
}

static void ask(struct sentry *s, double now)
{
	double x, y;

	ask_queue(s, now);
	if (psi_tick(&s->psi, now, &x, &y)) {
		feed_all(s, GUARD_PSI_CPU, now, x);
		feed_all(s, GUARD_PSI_CPU_FULL, now, y);
	}
	if (s->work.fd >= 0 && work_tick(&s->work, now, &x))
		feed_all(s, GUARD_THROUGHPUT, now, x);
	ask_policy(s, now);
	ask_each(s, now);
}

/* ---- before, and while ------------------------------------------------ */

bool sentry_compares(const struct sentry *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->guards[i].rule.relative)
			return true;
	return false;
}

void sentry_before(struct sentry *s, double now)
{
	ask(s, now);
}

int sentry_settle(struct sentry *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->count && !rc; i++)
		rc = guard_arm(&s->guards[i], 0);
	for (size_t i = 0; i < s->count; i++)
		s->guards[i].armed = false;
	return rc;
}

static bool is_counted(const char *event)
{
	struct sysfs_events e;

	sysfs_events_read(&e);
	for (size_t i = 0; i < e.count; i++)
		if (!strcmp(e.v[i].name, event))
			return true;
	return false;
}

/* What only an attached policy has. */
static int check_kernel(const struct guard_rule *r)
{
	if (r->kind == GUARD_EVENT && !is_counted(r->name))
		return err_set(ENOTSUP,
			       "guard '%s': this kernel does not count that",
			       r->name);
	return 0;
}

int sentry_arm(struct sentry *s, double now)
{
	int rc;

	for (size_t i = 0; i < s->count;) {
		rc = check_kernel(&s->guards[i].rule);
		if (!rc)
			rc = guard_arm(&s->guards[i], now);
		if (rc && !s->guards[i].rule.own)
			return rc;
		if (rc)
			drop(s, i);
		else
			i++;
	}
	s->worst = (struct queue_told){0};
	return 0;
}

const struct guard *sentry_tick(struct sentry *s, double now)
{
	ask(s, now);
	for (size_t i = 0; i < s->count; i++)
		if (s->guards[i].tripped)
			return &s->guards[i];
	return NULL;
}

/* ---- in documents ----------------------------------------------------- */

struct json *sentry_words(const struct sentry *s)
{
	struct json *list = json_array();
	char words[GUARD_WORDS];

	for (size_t i = 0; i < s->count; i++) {
		guard_rule_words(&s->guards[i].rule, s->guards[i].bound, words);
		json_add(list, json_string(words));
	}
	return list;
}

struct json *sentry_trip(const struct sentry *s, const struct guard *g)
{
	struct guard_sample kept[GUARD_KEPT];
	size_t n = guard_samples(g, kept);
	struct json *v = json_object(), *list, *pair;
	const char *unit = guard_unit(g->rule.kind);

	json_set_string(v, "guard", g->rule.name);
	if (*unit)
		json_set_string(v, "unit", unit);
	json_set_string(v, "allowed",
			g->rule.at_least ? "at-least" : "at-most");
	/* null: it was told no more. */
	json_set_number(v, "value", n ? kept[n - 1].value : NAN);
	json_set_number(v, "bound", g->bound);
	json_set_number(v, "window_s", g->rule.window_s);
	if (g->rule.relative) {
		json_set_number(v, "before", g->before);
		json_set_number(v, "times", g->rule.bound);
	}
	json_set_number(v, "after_s",
			n ? round(1e3 * (kept[n - 1].t - g->armed_at)) / 1e3
			  : 0);
	if (g->rule.kind == GUARD_STALL && s->worst.stalled) {
		json_set_number(v, "tid", s->worst.stalled);
		json_set_string(v, "task", s->worst.stalled_name);
	}
	/* [seconds after the guards began to watch, value], … */
	list = json_set(v, "samples", json_array());
	for (size_t i = 0; i < n; i++) {
		pair = json_add(list, json_array());
		json_add(pair,
			 json_number(round(1e3 * (kept[i].t - g->armed_at)) /
				     1e3));
		json_add(pair, json_number(kept[i].value));
	}
	return v;
}

struct json *sentry_effort(const struct sentry *s)
{
	struct json *v = json_object();

	if (s->queue) {
		json_set_number(v, "tasks", (double)queue_tasks(s->queue));
		json_set_number(v, "look_s", queue_period(s->queue));
	}
	return v;
}
