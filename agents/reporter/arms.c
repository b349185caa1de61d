/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was measured: intervals, both arms run by run, limits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"
#include "stats/sample.h"

#define INTERVALS_TOLD 24
#define STRIPS_TOLD    10
#define SAMPLES_TOLD   40 /* of one arm, in a picture */
#define STRIP_WIDE     46
#define STRIP_NARROW   64
#define LANE_WIDE      30
#define LANE_NARROW    46
#define LABEL	       230
#define RIGHT	       120

/* ---- intervals --------------------------------------------------------- */

static void interval_row(struct forest_row *r, const char *label,
			 const struct told_metric *m)
{
	char x[NUM_LEN], ci[2 * NUM_LEN];

	*r = (struct forest_row){
		.ratio = m->ratio, .lo = m->lo, .hi = m->hi, .extra = NAN};
	snprintf(r->label, sizeof(r->label), "%s", label);
	snprintf(r->right, sizeof(r->right), "%s  %s",
		 figure_ratio(x, m->ratio), figure_interval(ci, m->lo, m->hi));
}

static void put_intervals(struct html *h, const struct chapter *c)
{
	size_t n = c->measured < INTERVALS_TOLD ? c->measured : INTERVALS_TOLD;
	struct forest_row *rows = mem_zalloc(n + 1, sizeof(*rows));
	double effect = chapter_min_effect(c);
	char label[CUT_NAME + 1];

	for (size_t i = 0; i < n; i++) {
		const struct candidate *k = &c->c[c->order[i]];

		snprintf(label, sizeof(label), "#%zu %.68s", k->number,
			 candidate_title(k));
		interval_row(&rows[i], label, &k->goal);
		rows[i].extra = k->predicted;
		rows[i].strong = candidate_accepted(k);
	}
	html_leaf(h, "h3", NULL, "How much better, and how sure");
	html_open(h, "figure", NULL);
	report_forest(h, "Ratio of each policy with its 95 % interval",
		      "Each policy's improvement over the kernel's own "
		      "scheduler; the same numbers are in the table of what "
		      "was tried.",
		      rows, n, effect);
	html_open(h, "figcaption", NULL);
	html_text(h, "Squares are accepted policies, rings the others, hollow "
		     "diamonds what the simulator predicted.  Right of the "
		     "line at 1 is better.");
	if (effect > 0)
		html_textf(h,
			   "  Within the shaded band (%.3g %%) an effect "
			   "counts as none.",
			   effect);
	html_close(h);
	html_close(h);
	report_rest(h, c->measured, n, "measured policies");
	free(rows);
}

/* ---- both arms, run by run --------------------------------------------- */

/* Up to SAMPLES_TOLD numbers. */
static size_t samples_of(const struct json *list, double *out)
{
	size_t n = 0;

	json_each (v, list) {
		double x = json_as_number(v, NAN);

		if (n == SAMPLES_TOLD)
			break;
		out[n++] = x;
	}
	return n;
}

/* Of all of them, also of those that are not drawn; NaN: there are none. */
static double median_of(const struct json *list)
{
	size_t n = 0, all = json_len(list);
	double *x, median;

	if (!all)
		return NAN;
	x = mem_zalloc(all, sizeof(*x));
	json_each (v, list)
		x[n++] = json_as_number(v, NAN);
	median = sample_median(x, n);
	free(x);
	return median;
}

static void widen(double *lo, double *hi, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			continue;
		*lo = fmin(*lo, x[i]);
		*hi = fmax(*hi, x[i]);
	}
}

struct pairs {
	double base[SAMPLES_TOLD], cand[SAMPLES_TOLD];
	size_t nb, nc;
	double medians[2]; /* of base, of cand */
};

static void pairs_of(const struct told_metric *m, struct pairs *p)
{
	p->nb = samples_of(m->samples_base, p->base);
	p->nc = samples_of(m->samples_cand, p->cand);
	p->medians[0] = median_of(m->samples_base);
	p->medians[1] = median_of(m->samples_cand);
}

static void value_scale(struct chart *c, double lo, double hi)
{
	double room;

	/* Far apart: on a logarithmic axis both arms can be seen. */
	if (lo > 0 && hi / lo > 20) {
		scale_init(&c->x, lo / 1.2, hi * 1.2, c->left, c->right, true);
		return;
	}
	room = (hi - lo) * 0.06;
	scale_init(&c->x, lo - room, hi + room, c->left, c->right, false);
}

static void put_median(struct chart *c, double median, double y,
		       const char *cls)
{
	double at = scale_at(&c->x, median);

	if (isfinite(median))
		mark_line(c, at, y - 8, at, y + 8, cls);
}

static void put_pairs(struct chart *c, const struct pairs *p, double y)
{
	double above = y - 9, below = y + 9;
	struct buf d;

	path_begin(c, "pair sb", &d);
	for (size_t i = 0; i < p->nb && i < p->nc; i++) {
		path_move(&d, scale_at(&c->x, p->base[i]), above);
		path_line(&d, scale_at(&c->x, p->cand[i]), below);
	}
	path_end(c, &d);
	for (size_t i = 0; i < p->nb; i++)
		mark_shape(c, SHAPE_DOT, scale_at(&c->x, p->base[i]), above, 4,
			   "hollow line thin sb", NULL);
	for (size_t i = 0; i < p->nc; i++)
		mark_shape(c, SHAPE_DOT, scale_at(&c->x, p->cand[i]), below, 4,
			   "f0", NULL);
	put_median(c, p->medians[0], above, "line sb");
	put_median(c, p->medians[1], below, "line s0");
}

static void put_strip_label(struct chart *c, const struct candidate *k,
			    double y, bool wide)
{
	char label[CUT_NAME + 1], x[NUM_LEN];
	const char *cls = candidate_accepted(k) ? "tb" : NULL;

	snprintf(label, sizeof(label), "#%zu %.68s", k->number,
		 candidate_title(k));
	figure_ratio(x, k->goal.ratio);
	if (wide) {
		mark_text(c, 0, y + 4, ANCHOR_START, cls, LABEL - 20, label);
		mark_text(c, c->width, y + 4, ANCHOR_END, cls, RIGHT, x);
	} else {
		cls = cls ? "tb halo" : "halo";
		mark_text(c, 0, y - 21, ANCHOR_START, cls, c->width - 70,
			  label);
		mark_text(c, c->width, y - 21, ANCHOR_END, cls, 0, x);
	}
}

static void draw_strips(struct html *h, int width, const struct chapter *c,
			const size_t *which, size_t n)
{
	const struct told_metric *m = &c->c[which[0]].goal;
	bool wide = width >= CHART_WIDE;
	double row = wide ? STRIP_WIDE : STRIP_NARROW;
	double lo = INFINITY, hi = -INFINITY;
	struct pairs p;
	struct chart ch;
	char title[2 * CUT_NAME];

	for (size_t i = 0; i < n; i++) {
		pairs_of(&c->c[which[i]].goal, &p);
		widen(&lo, &hi, p.base, p.nb);
		widen(&lo, &hi, p.cand, p.nc);
		widen(&lo, &hi, p.medians, ARRAY_LEN(p.medians));
	}
	chart_begin(&ch, h, width, (double)n * row + 50,
		    "Single runs of both arms",
		    "For each policy the runs under the kernel's own scheduler "
		    "above, those under the policy below, joined in pairs.");
	chart_margins(&ch, wide ? LABEL : 8, 4, wide ? RIGHT : 8, 42);
	value_scale(&ch, lo, hi);
	snprintf(title, sizeof(title), "%.60s, %s is better", m->name,
		 m->higher ? "higher" : "lower");
	chart_axis_x(&ch, title, m->unit);
	for (size_t i = 0; i < n; i++) {
		double y = ch.top + ((double)i + 0.5) * row + (wide ? 0 : 8);

		pairs_of(&c->c[which[i]].goal, &p);
		put_strip_label(&ch, &c->c[which[i]], y, wide);
		put_pairs(&ch, &p, y);
	}
	chart_end(&ch);
}

/* Those that share the first one's metric and have samples. */
static size_t choose_strips(const struct chapter *c, size_t *which)
{
	const char *name = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->measured && n < STRIPS_TOLD; i++) {
		const struct candidate *k = &c->c[c->order[i]];

		if (!json_len(k->goal.samples_base) ||
		    !json_len(k->goal.samples_cand))
			continue;
		if (!name)
			name = k->goal.name;
		if (!strcmp(name, k->goal.name))
			which[n++] = c->order[i];
	}
	return n;
}

static void put_run_table(struct html *h, const struct candidate *k)
{
	static const char *const titles[] = {"#Pair", "#Kernel's own scheduler",
					     "#Policy", "#Ratio", NULL};
	char caption[2 * CUT_NAME], x[NUM_LEN];
	struct pairs p;

	pairs_of(&k->goal, &p);
	snprintf(caption, sizeof(caption), "%.60s of policy #%zu, run by run",
		 k->goal.name, k->number);
	report_table(h, caption, titles);
	for (size_t i = 0; i < p.nb && i < p.nc; i++) {
		double ratio = k->goal.higher ? p.cand[i] / p.base[i]
					      : p.base[i] / p.cand[i];

		report_row(h);
		snprintf(x, sizeof(x), "%zu", i + 1);
		report_cell(h, "Pair", "n", x);
		report_cell(h, "Kernel's own scheduler", "n",
			    figure_value(x, p.base[i], k->goal.unit));
		report_cell(h, "Policy", "n",
			    figure_value(x, p.cand[i], k->goal.unit));
		report_cell(h, "Ratio", "n", figure_ratio(x, ratio));
		report_end_row(h);
	}
	report_end_table(h);
	if (json_len(k->goal.samples_base) > SAMPLES_TOLD)
		html_leaf(h, "p", "dim", "The rest of the runs is left out.");
}

static void put_strips(struct html *h, const struct chapter *c)
{
	size_t which[STRIPS_TOLD];
	size_t n = choose_strips(c, which);

	if (!n)
		return;
	html_leaf(h, "h3", NULL, "Every run");
	html_open(h, "figure", NULL);
	chart_both(h, width) draw_strips(h, width, c, which, n);
	html_leaf(h, "figcaption", NULL,
		  "Each line joins the two runs of a pair, which were measured "
		  "next to each other: rings above are the kernel's own "
		  "scheduler, dots below the policy.  Upright strokes are "
		  "medians.");
	html_close(h);
	put_run_table(h,
		      chapter_chosen(c) ? chapter_chosen(c) : &c->c[which[0]]);
}

void report_arms(struct html *h, const struct chapter *c)
{
	if (!c->measured)
		return;
	report_heading(h, "What was measured");
	put_intervals(h, c);
	put_strips(h, c);
}

/* ---- limits: the bound, the control, the guards ------------------------ */

struct lane {
	const char *label;
	double x[SAMPLES_TOLD];
	size_t n;
	double middle; /* of all runs, or what stands for them; NaN */
	const char *dot, *line;
};

static void lane_fill(struct lane *l, const struct json *list)
{
	l->n = samples_of(list, l->x);
	if (l->n)
		l->middle = median_of(list);
}

static void put_lane(struct chart *c, const struct lane *l, double y,
		     const char *unit, bool wide)
{
	char x[NUM_LEN];

	figure_value(x, l->middle, unit);
	mark_text(c, 0, wide ? y + 4 : y - 13, ANCHOR_START, NULL,
		  wide ? LABEL - 10 : c->width - 80, l->label);
	mark_text(c, c->width, wide ? y + 4 : y - 13, ANCHOR_END, NULL, 0, x);
	y += wide ? 0 : 5;
	mark_line(c, c->left, y, c->right, y, "gr");
	for (size_t i = 0; i < l->n; i++)
		mark_shape(c, SHAPE_DOT, scale_at(&c->x, l->x[i]), y, 4, l->dot,
			   NULL);
	mark_line(c, scale_at(&c->x, l->middle), y - 9,
		  scale_at(&c->x, l->middle), y + 9, l->line);
}

static void draw_lanes(struct html *h, int width, const struct lane *lanes,
		       size_t n, const struct told_metric *m)
{
	bool wide = width >= CHART_WIDE;
	double row = wide ? LANE_WIDE : LANE_NARROW;
	double lo = INFINITY, hi = -INFINITY;
	struct chart c;
	char title[2 * CUT_NAME];

	for (size_t i = 0; i < n; i++) {
		widen(&lo, &hi, lanes[i].x, lanes[i].n);
		widen(&lo, &hi, &lanes[i].middle, 1);
	}
	chart_begin(&c, h, width, (double)n * row + 54,
		    "The chosen policy between its limits",
		    "Runs under the kernel's own scheduler, under the policy, "
		    "with names exchanged, and at the bound; medians are "
		    "beside them.");
	chart_margins(&c, wide ? LABEL : 8, 6, wide ? RIGHT : 8, 42);
	value_scale(&c, lo, hi);
	snprintf(title, sizeof(title), "%.60s, %s is better", m->name,
		 m->higher ? "higher" : "lower");
	chart_axis_x(&c, title, m->unit);
	for (size_t i = 0; i < n; i++)
		put_lane(&c, &lanes[i], c.top + ((double)i + 0.5) * row,
			 m->unit, wide);
	chart_end(&c);
}

static void put_lanes(struct html *h, const struct candidate *k,
		      const struct json *bound)
{
	const struct told_metric *m = &k->goal;
	struct lane l[4] = {
		{.label = "Kernel's own scheduler",
		 .middle = m->baseline,
		 .dot = "hollow line thin sb",
		 .line = "line sb"},
		{.label = "The policy",
		 .middle = m->candidate,
		 .dot = "f0",
		 .line = "line s0"},
	};
	bool same = !strcmp(json_text_at(bound, "name"), m->name);
	size_t n = 2;

	lane_fill(&l[0], m->samples_base);
	lane_fill(&l[1], m->samples_cand);
	if (json_len(m->samples_shuffled)) {
		l[n] = (struct lane){.label = "Names exchanged (control)",
				     .middle = NAN,
				     .dot = "hollow line thin s3",
				     .line = "line s3"};
		lane_fill(&l[n++], m->samples_shuffled);
	}
	if (same && json_get(bound, "value")) {
		l[n] = (struct lane){.label = "No policy can be beyond",
				     .middle = number_at(bound, "value"),
				     .dot = "hollow line thin s2",
				     .line = "line s2"};
		lane_fill(&l[n++], json_get(bound, "samples"));
	}
	html_open(h, "figure", NULL);
	chart_both(h, width) draw_lanes(h, width, l, n, m);
	html_leaf(h, "figcaption", NULL,
		  "Strokes are medians, their values at the end of the line.");
	html_close(h);
}

static void put_gap(struct html *h, const struct candidate *k,
		    const struct json *bound)
{
	double gap = number_at(bound, "gap_closed_pct"), lo, hi;
	char a[NUM_LEN], x[NUM_LEN];

	lo = number_at(bound, "ci95.0");
	hi = number_at(bound, "ci95.1");
	if (isfinite(gap) && fabs(gap) < 1e5) {
		html_open(h, "p", NULL);
		html_textf(h,
			   "The policy closes %.0f %% of the way from the "
			   "kernel's own scheduler to the bound that no policy "
			   "can beat, %s",
			   gap,
			   figure_value(a, number_at(bound, "value"),
					k->goal.unit));
		if (isfinite(lo) && isfinite(hi) && fabs(lo) < 1e5 &&
		    fabs(hi) < 1e5)
			html_textf(h, " (95 %% interval %.0f to %.0f %%)", lo,
				   hi);
		html_text(h, ".");
		html_close(h);
	}
	if (*json_text_at(bound, "note")) {
		html_open(h, "p", "dim");
		html_cut(h, json_text_at(bound, "note"), CUT_WORDS);
		html_close(h);
	}
	if (!isnan(k->goal.shuffled))
		html_leaff(h, "p", NULL,
			   "With names and expected run times exchanged %s is "
			   "left of it: the rest comes from knowing the "
			   "tasks.",
			   figure_ratio(x, k->goal.shuffled));
}

static void put_guards(struct html *h, const struct candidate *k)
{
	struct forest_row rows[16];
	char label[CUT_NAME + 1];
	struct told_metric m;
	size_t n = 0;

	json_each (v, json_get(k->verdict->body, "metrics")) {
		told_metric_read(v, &m);
		if (n == ARRAY_LEN(rows) || !(m.ratio > 0))
			continue;
		if (m.guard && m.guard_pct >= 0 && m.guard_pct < 1e4)
			snprintf(label, sizeof(label),
				 "%.40s, worse by %.3g %% at most", m.name,
				 m.guard_pct);
		else
			snprintf(label, sizeof(label), "%.40s%s", m.name,
				 m.guard ? ", guarded" : ", the goal");
		interval_row(&rows[n], label, &m);
		rows[n++].strong = !m.guard;
	}
	if (n < 2)
		return;
	html_leaff(h, "h3", NULL, "Everything measured of policy #%zu",
		   k->number);
	html_open(h, "figure", NULL);
	report_forest(h, "The goal and what must not get worse",
		      "Ratios of all metrics of the chosen policy with their "
		      "95 % intervals.",
		      rows, n, NAN);
	html_leaf(h, "figcaption", NULL,
		  "The square is the goal; rings must not get worse beyond "
		  "their bound.");
	html_close(h);
}

void report_limits(struct html *h, const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);
	const struct json *bound;

	if (!k && c->measured)
		k = &c->c[c->order[0]];
	if (!k)
		return;
	bound = json_get(k->verdict->body, "bound");
	if (bound || !isnan(k->goal.shuffled)) {
		html_leaf(h, "h3", NULL, "How much more there could be");
		put_gap(h, k, bound);
		put_lanes(h, k, bound);
	}
	put_guards(h, k);
}
