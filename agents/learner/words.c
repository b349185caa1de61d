/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lesson in words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/state.h"
#include "base/buf.h"
#include "term/text.h"

#define TEXT_MAX  4096
#define TITLE_MAX 80
#define WHY_MAX	  300

static double num(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), NAN);
}

/* ---- the workload ----------------------------------------------------- */

static const char *const after[] = {
	[BOUND_LATENCY] = "load where latency counts",
	[BOUND_THROUGHPUT] = "load where throughput counts",
	[BOUND_MAKESPAN] = "batch",
	[BOUND_FAIRNESS] = "load where fairness counts",
};

/* Said of what was found, in a few words each. */
static const char *const found[TRAIT_COUNT] = {
	[TRAIT_LOCK_HOLDER] = "whose tasks wait for preempted ones",
	[TRAIT_MIXED] = "with short bursts beside long ones",
	[TRAIT_WAKE_CHAIN] = "whose tasks wake one another",
	[TRAIT_FORK_HEAVY] = "of many short-lived tasks",
	[TRAIT_HARDLY_WAITING] = "in which hardly anything waits",
};

static void say_workload(struct buf *b, const struct features *f)
{
	const char *sep = " ";

	buf_printf(b, "On a %ssaturated %s", f->saturated ? "" : "not ",
		   after[f->bound]);
	if (f->trait[TRAIT_LONG_TAILED]) {
		buf_printf(b,
			   " of %.0f known jobs, one %.1f times longer than "
			   "the typical one",
			   f->identity_count, f->longest_us / f->typical_us);
		sep = ", ";
	}
	for (size_t i = 0; i < TRAIT_COUNT; i++) {
		if (!f->trait[i] || !found[i])
			continue;
		buf_printf(b, "%s%s", sep, found[i]);
		sep = " and ";
	}
	buf_printf(b, ", on %.0f CPU%s, ", f->cpus, f->cpus == 1 ? "" : "s");
}

/* ---- what came out ---------------------------------------------------- */

static void say_end(struct buf *b, double x)
{
	if (isnan(x))
		buf_puts(b, "?");
	else
		buf_printf(b, "%.3g", x);
}

/* "1.43 (1.37 to 1.45) times EEVDF's wall" */
static void say_figure(struct buf *b, const struct json *m)
{
	const struct json *ci = json_get(m, "ci95");
	double lo = json_as_number(json_at(ci, 0), NAN);
	double hi = json_as_number(json_at(ci, 1), NAN);

	buf_printf(b, "%.3g", num(m, "ratio"));
	if (!isnan(lo) || !isnan(hi)) {
		buf_puts(b, " (");
		say_end(b, lo);
		buf_puts(b, " to ");
		say_end(b, hi);
		buf_puts(b, ")");
	}
	buf_puts(b, " times as good as EEVDF in ");
	text_clean(b, json_text_at(m, "metric"), TITLE_MAX);
	if (num(m, "pairs") == 1)
		buf_puts(b, ", by a single pair of runs");
}

static void say_worst_guard(struct buf *b, const struct json *lesson)
{
	const struct json *worst = NULL;

	json_each (g, json_get(lesson, "guards"))
		if (num(g, "ratio") < 1 &&
		    (!worst || num(g, "ratio") < num(worst, "ratio")))
			worst = g;
	if (!worst)
		return;
	buf_puts(b, ", and ");
	say_figure(b, worst);
}

static void say_broken(struct buf *b, const struct json *verdict)
{
	const struct json *stage = subject_broken(verdict);
	const struct json *findings = json_get(stage, "findings");
	const struct json *last = json_at(findings, json_len(findings) - 1);

	buf_printf(b, "is not to be used: stage %s failed",
		   json_text_at(stage, "name"));
	if (!last)
		return;
	buf_puts(b, " (");
	text_clean(b, json_text_at(last, "text"), WHY_MAX);
	buf_puts(b, ")");
}

static const struct {
	const char *outcome, *before, *without;
} verbs[] = {
	{"better", "was ", "was accepted"},
	{"no-better", "made no difference that counts: it was ",
	 "made no difference"},
	{"worse", "did harm: it was ", "did harm"},
	{"unknown", "was left undecided: it was ",
	 "was not decided, for nothing was measured"},
};

static void say_outcome(struct buf *b, const struct subject *s,
			const struct json *lesson)
{
	const struct json *m = json_get(lesson, "measured");
	const char *outcome = json_text_at(lesson, "outcome");
	size_t i = 0;

	if (!strcmp(outcome, "unsafe")) {
		say_broken(b, s->verdict->body);
		return;
	}
	while (strcmp(verbs[i].outcome, outcome))
		i++;
	buf_puts(b, m ? verbs[i].before : verbs[i].without);
	if (m)
		say_figure(b, m);
	if (!strcmp(outcome, "worse"))
		say_worst_guard(b, lesson);
}

char *subject_text(const struct subject *s, const struct json *lesson)
{
	double gap = num(lesson, "measured.gap_closed_pct");
	double foretold = num(lesson, "predicted.ratio");
	struct buf b;

	buf_init(&b, TEXT_MAX);
	say_workload(&b, &s->features);
	buf_puts(&b, "'");
	text_clean(&b, json_text_at(s->policy->body, "title"), TITLE_MAX);
	buf_puts(&b, "' ");
	say_outcome(&b, s, lesson);
	if (isfinite(gap))
		buf_printf(&b, "; it closed %.0f %% of the gap to the bound",
			   gap);
	if (isfinite(foretold))
		buf_printf(&b, "; the simulator had said %.3g", foretold);
	buf_puts(&b, ".");
	return buf_take(&b);
}
