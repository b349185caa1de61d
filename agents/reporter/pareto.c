/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goals in conflict: the goal against what must not get worse. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agents/reporter/parts.h"

#define POINTS_TOLD 60

struct point {
	double x, y;
	const struct candidate *k;
	bool front;
};

static bool guard_named(const struct candidate *k, const char *name,
			struct told_metric *out)
{
	json_each (v, json_get(k->verdict->body, "metrics")) {
		told_metric_read(v, out);
		if (out->guard && out->ratio > 0 &&
		    (!name || !strcmp(name, out->name)))
			return true;
	}
	return false;
}

static size_t points_of(const struct chapter *c, struct point *p,
			struct told_metric *guard)
{
	const char *name = NULL;
	struct told_metric m;
	size_t n = 0;

	for (size_t i = 0; i < c->measured && n < POINTS_TOLD; i++) {
		const struct candidate *k = &c->c[c->order[i]];

		if (!guard_named(k, name, &m))
			continue;
		if (!name) {
			*guard = m;
			name = m.name;
		}
		p[n++] = (struct point){k->goal.ratio, m.ratio, k, true};
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (p[j].x >= p[i].x && p[j].y >= p[i].y &&
			    (p[j].x > p[i].x || p[j].y > p[i].y))
				p[i].front = false;
	return n;
}

static void ratio_scale(struct scale *s, const struct point *p, size_t n,
			bool x, double from, double to)
{
	double lo = 1, hi = 1;

	for (size_t i = 0; i < n; i++) {
		double v = x ? p[i].x : p[i].y;

		v = fmax(0.02, fmin(50, v));
		lo = fmin(lo, v);
		hi = fmax(hi, v);
	}
	scale_init(s, lo / 1.06, hi * 1.06, from, to, true);
}

static void draw_pareto(struct html *h, int width, const struct point *p,
			size_t n, const char *goal, const char *guard)
{
	bool wide = width >= CHART_WIDE;
	char title[CUT_NAME], label[24];
	struct chart c;

	chart_begin(&c, h, width, wide ? 380 : 320, "Two goals at once",
		    "Each policy's ratio of the goal against that of what must "
		    "not get worse; the front is what no other policy beats in "
		    "both.");
	chart_margins(&c, 46, 34, 20, 44);
	ratio_scale(&c.x, p, n, true, c.left, c.right);
	ratio_scale(&c.y, p, n, false, c.bottom, c.top);
	snprintf(title, sizeof(title), "%.40s, times better →", goal);
	chart_axis_x(&c, title, "×");
	snprintf(title, sizeof(title), "↑ %.40s, times better", guard);
	chart_axis_y(&c, title, "×");
	mark_line(&c, scale_at(&c.x, 1), c.top, scale_at(&c.x, 1), c.bottom,
		  "one thin");
	mark_line(&c, c.left, scale_at(&c.y, 1), c.right, scale_at(&c.y, 1),
		  "one thin");
	for (size_t i = 0; i < n; i++) {
		double x = scale_at(&c.x, p[i].x), y = scale_at(&c.y, p[i].y);
		bool left = x > c.right - 40;

		mark_shape(&c, p[i].front ? SHAPE_SQUARE : SHAPE_DOT, x, y,
			   p[i].front ? 5.5 : 4.5,
			   candidate_accepted(p[i].k) ? "f0 line s0"
						      : "hollow line sb",
			   NULL);
		snprintf(label, sizeof(label), "#%zu", p[i].k->number);
		mark_text(&c, left ? x - 10 : x + 10, y + 4.5,
			  left ? ANCHOR_END : ANCHOR_START,
			  p[i].front ? "tb" : "td", 0, label);
	}
	chart_end(&c);
}

void report_pareto(struct html *h, const struct chapter *c)
{
	struct point p[POINTS_TOLD];
	struct told_metric guard;
	size_t n = points_of(c, p, &guard);

	if (n < 2)
		return;
	html_leaf(h, "h3", NULL, "Goals in conflict");
	html_open(h, "figure", NULL);
	chart_both(h, width)
		draw_pareto(h, width, p, n, p[0].k->goal.name, guard.name);
	html_leaf(h, "figcaption", NULL,
		  "Right is better for the goal, up is better for what is "
		  "guarded.  Squares are the front: no other policy is better "
		  "in both.  Filled marks are accepted policies.");
	html_close(h);
}
