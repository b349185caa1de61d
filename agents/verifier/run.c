/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "stats/sample.h"

#define FIRST_LIMIT_S 600 /* before anything is known */
#define LIMIT_FACTOR  5	  /* of the baseline's first run */
#define MAX_LOST      2
#define MAX_LATE      2
#define WORDS_MAX     200 /* of a command that failed */

enum trial {
	TRIAL_VALID,
	TRIAL_AGAIN, /* invalid, worth another try */
	TRIAL_OVER,  /* no use in going on with this arm */
	TRIAL_STOP,  /* nor with anything */
};

static struct tally *tally_of(struct group *g, const struct arm *a)
{
	switch (a->kind) {
	case ARM_BASELINE:
		return &g->tally;
	case ARM_BOUND:
		return &g->bound_tally;
	case ARM_SHUFFLED:
		return &a->c->control_tally;
	default:
		return &a->c->tally;
	}
}

static enum trial invalid(struct tally *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static enum trial invalid(struct tally *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->invalid++;
	free(t->trouble);
	t->trouble = mem_strdup(text);
	return TRIAL_AGAIN;
}

static enum trial read_metrics(const struct group *g, struct arm *a,
			       struct tally *t, struct run_result *r)
{
	/* What bounds the goal need not know the other metrics. */
	size_t n = a->kind == ARM_BOUND ? 1 : g->w.metric_count;

	if (r->proc.exit_status) {
		size_t len;
		const char *words = last_words(r->err ? r->err : "", &len);

		return invalid(t, "the command ended with status %d%s%.*s",
			       r->proc.exit_status, len ? ": " : "",
			       (int)(len > WORDS_MAX ? WORDS_MAX : len), words);
	}
	for (size_t i = 0; i < n; i++) {
		if (metric_read(&g->w.metrics[i], r->out ? r->out : "",
				r->err ? r->err : "", r->proc.wall_s,
				&a->values[i]) < 0)
			return invalid(t, "metric '%s' is not in the output",
				       g->w.metrics[i].name);
		if (!isfinite(a->values[i]))
			return invalid(t, "metric '%s' is not a number",
				       g->w.metrics[i].name);
	}
	return TRIAL_VALID;
}

/* Where it was not loaded before, this is the kernel's first word. */
static enum stage_id refused_at(const struct candidate *c)
{
	return c->stages[STAGE_KERNEL].status == STATUS_UNKNOWN ? STAGE_KERNEL
								: STAGE_RUN;
}

/* A policy's failure is the policy's; the baseline's and the bound's are not,
 * and the control with wrong expectations may do as badly as it likes. */
static enum trial policy_failed(struct arm *a, const struct run_result *r,
				const char *rule, const char *why)
{
	if (a->kind == ARM_POLICY) {
		if (r->outcome == RUN_REFUSED)
			stage_refused(a->c, refused_at(a->c), r);
		else
			stage_fail(a->c, STAGE_RUN, rule, "%s", why);
	}
	return TRIAL_OVER;
}

/* It counts as if it had ended when it was ended. */
static enum trial cut_off(struct group *g, struct arm *a, double cut)
{
	tally_of(g, a)->runs++;
	for (size_t i = 0; i < g->w.metric_count; i++)
		a->values[i] = cut;
	a->c->cut_runs++;
	a->c->cut_s = fmax(a->c->cut_s, cut);
	return TRIAL_VALID;
}

static enum trial classify(struct group *g, struct arm *a, struct run_result *r)
{
	struct tally *t = tally_of(g, a);
	const char *name = run_outcome_name(r->outcome);
	const char *why = r->message ? r->message : name;

	t->runs++;
	t->wait.ran_ns += r->wait.ran_ns;
	t->wait.waited_ns += r->wait.waited_ns;
	switch (r->outcome) {
	case RUN_DONE:
		return read_metrics(g, a, t, r);
	case RUN_CANCELLED:
		return TRIAL_STOP;
	case RUN_TIMEOUT:
		invalid(t, "%s", why);
		return ++t->late < MAX_LATE ? TRIAL_AGAIN
					    : policy_failed(a, r, name, why);
	case RUN_LOST:
		invalid(t, "%s", why);
		return ++t->lost < MAX_LOST ? TRIAL_AGAIN
					    : policy_failed(a, r, name, why);
	default:
		invalid(t, "%s", why);
		return policy_failed(a, r, name, why);
	}
}

static bool only_wall(const struct workload *w)
{
	for (size_t i = 0; i < w->metric_count; i++)
		if (w->metrics[i].regex || w->metrics[i].json)
			return false;
	return true;
}

/* What a policy's run may take before it is lost; 0: it has to end. */
static double cut_at(const struct group *g, const struct arm *a)
{
	if (a->kind != ARM_POLICY || !(g->cut > 0) || !g->usual_n ||
	    !only_wall(&g->w))
		return 0;
	return g->cut * sample_median(g->usual, g->usual_n) + CUT_MARGIN_S;
}

static void arm_spec(const struct group *g, const struct arm *a,
		     struct run_spec *s)
{
	double cut = cut_at(g, a);

	*s = (struct run_spec){
		.argv = a->kind == ARM_BOUND ? g->w.bound.v
			: g->use_short	     ? g->w.shorter.v
					     : g->w.command.v,
		.cwd = g->w.cwd,
		.timeout_s = cut > 0 ? fmin(cut, g->limit_s) : g->limit_s,
	};
	if (a->kind == ARM_POLICY)
		s->policy = a->c->policy->body;
	else if (a->kind == ARM_SHUFFLED)
		s->policy = a->c->shuffled;
}

/* The command cannot be started, or the guest does not come back: other
 * groups may do better. */
static enum trial group_fail(struct verifier *v, struct group *g, int rc)
{
	if (rc == -EINTR || (v->o->cancel && *v->o->cancel)) {
		v->cancelled = true;
	} else {
		v->unable = rc;
		g->trouble = mem_strdup(err_text());
	}
	return TRIAL_STOP;
}

static enum trial try_arm(struct verifier *v, struct group *g, struct arm *a,
			  struct run_result *r)
{
	double start = clock_monotonic();
	struct run_spec spec;
	int rc;

	if (!run_target(v))
		return TRIAL_STOP;
	arm_spec(g, a, &spec);
	rc = target_run(v->target, &spec, r);
	g->target_runs += !rc;
	if (a->c)
		a->c->stages[STAGE_RUN].seconds += clock_monotonic() - start;
	if (rc)
		return group_fail(v, g, rc);
	if (r->outcome == RUN_CANCELLED)
		v->cancelled = true;
	if (a->kind == ARM_POLICY && r->outcome != RUN_REFUSED &&
	    r->outcome != RUN_LOST && r->outcome != RUN_CANCELLED)
		kernel_took(v, a->c);
	if (r->outcome == RUN_TIMEOUT && spec.timeout_s < g->limit_s)
		return cut_off(g, a, spec.timeout_s);
	return classify(g, a, r);
}

/* A guest booted anew has cold caches: one run for nothing. */
static bool warm_again(struct verifier *v, struct group *g)
{
	struct run_spec spec = {.argv = g->w.command.v,
				.cwd = g->w.cwd,
				.timeout_s = g->limit_s};
	struct run_result r = {0};
	int rc = target_run(v->target, &spec, &r);

	g->target_runs += !rc;
	if (rc)
		group_fail(v, g, rc);
	if (r.outcome == RUN_CANCELLED)
		v->cancelled = true;
	run_result_release(&r);
	return !rc && !v->cancelled;
}

static void keep_usual(struct group *g, const struct arm *a)
{
	g->usual = mem_realloc(g->usual, g->usual_n + 1, sizeof(*g->usual));
	g->usual[g->usual_n++] = a->values[0];
}

bool run_arm(struct verifier *v, struct group *g, struct arm *a)
{
	a->valid = false;
	for (int tries = 0; tries < 2; tries++) {
		struct run_result r = {0};
		enum trial t = try_arm(v, g, a, &r);
		bool lost = r.outcome == RUN_LOST;

		run_result_release(&r);
		a->valid = t == TRIAL_VALID;
		if (t == TRIAL_STOP)
			return false;
		if (!a->valid)
			run_progress(v, "an invalid run: %s",
				     tally_of(g, a)->trouble);
		if (t == TRIAL_AGAIN && lost && !warm_again(v, g))
			return false;
		if (a->valid && a->kind == ARM_BASELINE)
			keep_usual(g, a);
		if (t != TRIAL_AGAIN)
			break;
	}
	return true;
}

bool run_warm_up(struct verifier *v, struct group *g)
{
	struct arm a = {.kind = ARM_BASELINE,
			.values =
				mem_zalloc(g->w.metric_count, sizeof(double))};
	double start, wall = 0;
	bool go;

	g->limit_s = v->o->timeout_s > 0 ? v->o->timeout_s : FIRST_LIMIT_S;
	run_progress(v, "warming up: '%s' under the kernel's own scheduler",
		     g->w.name);
	start = clock_monotonic();
	go = run_arm(v, g, &a);
	wall = clock_monotonic() - start;
	if (go && !a.valid)
		g->trouble = mem_printf("the kernel's own scheduler cannot be "
					"measured: %s",
					g->tally.trouble);
	else if (!(v->o->timeout_s > 0))
		g->limit_s = fmax(LEAST_LIMIT_S, LIMIT_FACTOR * wall);
	free(a.values);
	return go && a.valid;
}
