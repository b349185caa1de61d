/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paired samples, and how a verdict shows them. */
#include <stdlib.h>
#include <string.h>

#include "agents/verifier/state.h"
#include "base/mem.h"

void pairs_add(struct pairs *p, size_t metrics, const double *base,
	       const double *cand)
{
	size_t row = metrics * sizeof(double);

	p->metrics = metrics;
	p->base = mem_realloc(p->base, (p->n + 1) * metrics, sizeof(double));
	p->cand = mem_realloc(p->cand, (p->n + 1) * metrics, sizeof(double));
	memcpy(p->base + p->n * metrics, base, row);
	memcpy(p->cand + p->n * metrics, cand, row);
	p->n++;
}

void pairs_release(struct pairs *p)
{
	free(p->base);
	free(p->cand);
	*p = (struct pairs){0};
}

double *pairs_column(const struct pairs *p, const double *rows, size_t metric)
{
	double *out = mem_zalloc(p->n, sizeof(*out));

	for (size_t i = 0; i < p->n; i++)
		out[i] = rows[i * p->metrics + metric];
	return out;
}

static struct json *numbers(const double *x, size_t n)
{
	struct json *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(a, json_number(x[i]));
	return a;
}

static void add_control(const struct group *g, const struct candidate *c,
			size_t m, struct json *out)
{
	struct evidence_rule rule = {.higher_is_better =
					     g->w.metrics[m].higher_is_better};
	double *base, *cand;
	struct evidence e;

	if (!c->control.n)
		return;
	base = pairs_column(&c->control, c->control.base, m);
	cand = pairs_column(&c->control, c->control.cand, m);
	evidence_judge(&rule, base, cand, c->control.n, &e);
	json_set_number(out, "shuffled_ratio", e.ratio);
	json_set(out, "shuffled_samples", numbers(cand, c->control.n));
	free(base);
	free(cand);
}

/* An end at the end of the scale is no end: null. */
static void add_end(struct json *ci, double x)
{
	json_add(ci, x > 1 / RATIO_MAX && x < RATIO_MAX ? json_number(x)
							: json_null());
}

static struct json *metric_body(const struct verifier *v, const struct group *g,
				const struct candidate *c, size_t m)
{
	const struct pairs *p = verdict_pairs(c);
	double *base = pairs_column(p, p->base, m);
	double *cand = pairs_column(p, p->cand, m);
	struct json *out = json_object(), *samples = json_object();
	struct json *ci = json_array();
	struct evidence e;

	verdict_judge(v, g, p, m, &e);
	json_set_string(out, "name", g->w.metrics[m].name);
	json_set_string(out, "unit", g->w.metrics[m].unit);
	json_set_string(out, "better",
			g->w.metrics[m].higher_is_better ? "higher" : "lower");
	json_set_number(out, "baseline", e.baseline);
	json_set_number(out, "candidate", e.candidate);
	json_set_number(out, "ratio", e.ratio);
	add_end(ci, e.lo);
	add_end(ci, e.hi);
	json_set(out, "ci95", ci);
	json_set_number(out, "pairs", (double)e.pairs);
	json_set_bool(out, "guard", m > 0);
	if (m > 0)
		json_set_number(out, "guard_pct",
				verdict_rule(v, g, m).guard_pct);
	json_set(samples, "baseline", numbers(base, p->n));
	json_set(samples, "candidate", numbers(cand, p->n));
	json_set(out, "samples", samples);
	add_control(g, c, m, out);
	free(base);
	free(cand);
	return out;
}

struct json *verdict_metrics(const struct verifier *v, const struct group *g,
			     const struct candidate *c)
{
	struct json *out = json_array();

	for (size_t m = 0; verdict_pairs(c)->n && m < g->w.metric_count; m++)
		json_add(out, metric_body(v, g, c, m));
	return out;
}
