/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intervals of ratios under each other, and many workloads at a glance. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"

#define ROW_WIDE   30
#define ROW_NARROW 44
#define LABEL	   230
#define RIGHT	   170
#define SPAN	   20.0 /* an interval is drawn this far from its ratio */
#define SPAN_OPEN  2.5	/* … and its open end so far */
#define LEAST	   0.02
#define MOST	   50.0

/* ---- a forest ---------------------------------------------------------- */

static double clamp(double x, double lo, double hi)
{
	return x > lo ? fmin(x, hi) : lo;
}

static void ends(const struct forest_row *r, double *lo, double *hi)
{
	double mid = clamp(r->ratio, LEAST, MOST);
	bool low = r->lo > mid / SPAN, high = r->hi < mid * SPAN;

	*lo = clamp(r->lo, low ? mid / SPAN : mid / SPAN_OPEN, mid);
	*hi = clamp(r->hi, mid, high ? mid * SPAN : mid * SPAN_OPEN);
}

static void set_scale(struct chart *c, const struct forest_row *rows, size_t n,
		      double effect)
{
	double least = 1 / (1 + effect), most = 1 + effect, lo, hi;

	for (size_t i = 0; i < n; i++) {
		ends(&rows[i], &lo, &hi);
		least = fmin(least, lo);
		most = fmax(most, hi);
		if (rows[i].extra > 0) {
			least = fmin(least, clamp(rows[i].extra, LEAST, MOST));
			most = fmax(most, clamp(rows[i].extra, LEAST, MOST));
		}
	}
	scale_init(&c->x, fmin(least / 1.03, 0.95), fmax(most * 1.03, 1.05),
		   c->left, c->right, true);
}

static void put_interval(struct chart *c, const struct forest_row *r, double y)
{
	double lo, hi, x1, x2;
	const char *line = r->strong ? "line s0" : "line sb";

	ends(r, &lo, &hi);
	x1 = scale_at(&c->x, lo);
	x2 = scale_at(&c->x, hi);
	mark_line(c, x1, y, x2, y, line);
	if (r->lo >= lo)
		mark_line(c, x1, y - 4, x1, y + 4, line);
	else
		mark_text(c, x1 - 2, y + 4, ANCHOR_END, "td", 0, "‹");
	if (r->hi <= hi)
		mark_line(c, x2, y - 4, x2, y + 4, line);
	else
		mark_text(c, x2 + 2, y + 4, ANCHOR_START, "td", 0, "›");
	if (r->extra > 0)
		mark_shape(c, SHAPE_DIAMOND, scale_at(&c->x, r->extra), y, 4,
			   "hollow line thin s5", "predicted");
	mark_shape(c, r->strong ? SHAPE_SQUARE : SHAPE_DOT,
		   scale_at(&c->x, r->ratio), y, r->strong ? 5 : 4.5,
		   r->strong ? "f0" : "hollow line sb", NULL);
}

static void put_forest_row(struct chart *c, const struct forest_row *r,
			   double y)
{
	bool wide = c->width >= CHART_WIDE;
	const char *cls = r->strong ? "tb" : NULL;

	if (r->line_before)
		mark_line(c, 0, y - (wide ? ROW_WIDE : ROW_NARROW) / 2.0 - 2,
			  c->width,
			  y - (wide ? ROW_WIDE : ROW_NARROW) / 2.0 - 2, "ax");
	if (wide) {
		mark_text(c, 0, y + 4.5, ANCHOR_START, cls, LABEL - 20,
			  r->label);
		mark_text(c, c->width, y + 4.5, ANCHOR_END, cls, RIGHT,
			  r->right);
	} else {
		cls = r->strong ? "tb halo" : "halo";
		mark_text(c, 0, y - 12, ANCHOR_START, cls,
			  c->width - chart_text_width(r->right) - 16, r->label);
		mark_text(c, c->width, y - 12, ANCHOR_END, cls, 0, r->right);
	}
	put_interval(c, r, wide ? y : y + 6);
}

static void draw_forest(struct html *h, int width, const char *title,
			const char *description, const struct forest_row *rows,
			size_t n, double effect_pct)
{
	bool wide = width >= CHART_WIDE;
	double row = wide ? ROW_WIDE : ROW_NARROW;
	double effect =
		effect_pct > 0 && effect_pct < 100 ? effect_pct / 100 : 0;
	struct chart c;
	double one;

	chart_begin(&c, h, width, (double)n * row + 50, title, description);
	chart_margins(&c, wide ? LABEL : 6, 4, wide ? RIGHT : 6, 42);
	set_scale(&c, rows, n, effect);
	if (effect > 0) {
		double a = scale_at(&c.x, 1 / (1 + effect));

		mark_rect(&c, a, c.top, scale_at(&c.x, 1 + effect) - a,
			  c.bottom - c.top, "band");
	}
	chart_axis_x(&c, "", "×");
	mark_text(&c, c.left, c.bottom + 35, ANCHOR_START, "td", 0, "← worse");
	mark_text(&c, c.right, c.bottom + 35, ANCHOR_END, "td", 0, "better →");
	mark_text(&c, (c.left + c.right) / 2, c.bottom + 35, ANCHOR_MIDDLE,
		  "td", 0, wide ? "times the kernel's own" : "ratio");
	one = scale_at(&c.x, 1);
	mark_line(&c, one, c.top, one, c.bottom, "one");
	for (size_t i = 0; i < n; i++)
		put_forest_row(&c, &rows[i], c.top + ((double)i + 0.5) * row);
	chart_end(&c);
}

void report_forest(struct html *h, const char *title, const char *description,
		   const struct forest_row *rows, size_t n, double effect_pct)
{
	chart_both(h, width)
		draw_forest(h, width, title, description, rows, n, effect_pct);
}

/* ---- many workloads ---------------------------------------------------- */

/* What stands for a workload: what was chosen, else the best measured. */
static const struct candidate *stands_for(const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);

	if (!k && c->measured)
		k = &c->c[c->order[0]];
	return k;
}

/*
 * Of logarithms, their intervals taken as 1.96 standard errors to each side
 * and as independent of each other.  Where no policy was accepted the kernel's
 * own scheduler stays: a ratio of 1, for the best of several that were tried
 * is better by luck as well.
 */
void geomean_of(const struct story *s, struct geomean *g)
{
	double sum = 0, variance = 0;

	*g = (struct geomean){.mean = NAN, .lo = NAN, .hi = NAN};
	for (size_t i = 0; i < s->count; i++) {
		const struct candidate *k = stands_for(&s->chapters[i]);
		double ratio, se;

		g->n += k != NULL;
		if (!k || !candidate_accepted(k))
			continue;
		ratio = clamp(k->goal.ratio, 1e-6, 1e6);
		se = log(clamp(k->goal.hi, ratio, 1e6) /
			 clamp(k->goal.lo, 1e-6, ratio)) /
		     (2 * 1.96);
		sum += log(ratio);
		variance += se * se;
	}
	if (!g->n)
		return;
	sum /= (double)g->n;
	variance = sqrt(variance) / (double)g->n;
	g->mean = exp(sum);
	g->lo = exp(sum - 1.96 * variance);
	g->hi = exp(sum + 1.96 * variance);
}

static void fill_row(struct forest_row *r, const char *label, double ratio,
		     double lo, double hi)
{
	char x[NUM_LEN], ci[2 * NUM_LEN];

	*r = (struct forest_row){
		.ratio = ratio, .lo = lo, .hi = hi, .extra = NAN};
	snprintf(r->label, sizeof(r->label), "%s", label);
	snprintf(r->right, sizeof(r->right), "%s  %s", figure_ratio(x, ratio),
		 figure_interval(ci, lo, hi));
}

static size_t suite_rows(const struct story *s, const struct geomean *g,
			 struct forest_row *rows)
{
	size_t n = 0;
	char label[CUT_NAME + 1];

	for (size_t i = 0; i < s->count; i++) {
		const struct candidate *k = stands_for(&s->chapters[i]);

		if (!k)
			continue;
		snprintf(label, sizeof(label), "%.48s, %.24s",
			 chapter_name(&s->chapters[i]), k->goal.name);
		fill_row(&rows[n], label, k->goal.ratio, k->goal.lo,
			 k->goal.hi);
		rows[n++].strong = candidate_accepted(k);
	}
	if (g->n > 1) {
		fill_row(&rows[n], "Geometric mean", g->mean, g->lo, g->hi);
		rows[n].line_before = true;
		rows[n++].strong = true;
	}
	return n;
}

static void count_them(const struct story *s, size_t *better, size_t *worse)
{
	*better = *worse = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct candidate *k = stands_for(&s->chapters[i]);

		if (!k || !candidate_accepted(k))
			continue;
		*better += k->goal.lo > 1;
		*worse += k->goal.hi < 1;
	}
}

static void put_suite_list(struct html *h, const struct story *s)
{
	html_open(h, "nav", NULL);
	html_attr(h, "aria-label", "Workloads");
	html_open(h, "ul", NULL);
	for (size_t i = 0; i < s->count && i < CHAPTERS_TOLD; i++) {
		html_open(h, "li", NULL);
		html_open(h, "a", NULL);
		html_attrf(h, "href", "#w%zu", i + 1);
		html_cut(h, chapter_name(&s->chapters[i]), CUT_NAME);
		html_close(h);
		html_close(h);
	}
	html_close(h);
	html_close(h);
}

void report_suite(struct html *h, const struct story *s)
{
	struct forest_row *rows = mem_zalloc(s->count + 1, sizeof(*rows));
	char x[NUM_LEN], ci[2 * NUM_LEN];
	struct geomean g;
	size_t n, better, worse;

	geomean_of(s, &g);
	count_them(s, &better, &worse);
	n = suite_rows(s, &g, rows);
	if (g.n)
		html_leaff(h, "p", "answer",
			   "Better than the kernel's own scheduler on %zu of "
			   "%zu workloads, worse on %zu; %s on geometric mean "
			   "(95 %% interval %s).",
			   better, s->count, worse, figure_ratio(x, g.mean),
			   figure_interval(ci, g.lo, g.hi));
	else
		html_leaff(h, "p", "answer",
			   "%zu workloads; none was measured yet.", s->count);
	if (n) {
		html_open(h, "figure", NULL);
		report_forest(h, "Ratios by workload",
			      "The ratio of each workload with its 95 % "
			      "interval, and their geometric mean; the table "
			      "of each workload has the numbers.",
			      rows, n, NAN);
		html_leaf(h, "figcaption", NULL,
			  "Of each workload the policy that was accepted "
			  "(square), else the best that was measured (ring): "
			  "there the kernel's own scheduler stays, and counts "
			  "as 1 in the mean.  Lines are 95 % intervals; that "
			  "of the mean takes the workloads to be "
			  "independent.");
		html_close(h);
	}
	put_suite_list(h, s);
	if (s->left_out)
		html_leaff(h, "p", "dim",
			   "Documents of more workloads (%zu) are left out.",
			   s->left_out);
	free(rows);
}
