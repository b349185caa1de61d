/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long tasks waited for a CPU and ran on it, from a profile's histograms.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"

#define CURVES_TOLD 5
#define ROWS_TOLD   24
#define LEAST_US    0.25
#define POINTS_MAX  512

struct curve {
	const char *name;
	const struct json *hist, *before; /* NULL: none */
	double weight;
};

static const struct json *hist_of(const struct json *group, const char *key)
{
	const struct json *h = json_get(group, key);

	return number_at(h, "count") > 0 && json_len(json_get(h, "buckets"))
		       ? h
		       : NULL;
}

static const struct json *group_named(const struct json *profile,
				      const char *name)
{
	json_each (g, json_get(profile, "groups"))
		if (!strcmp(json_text_at(g, "name"), name))
			return g;
	return NULL;
}

/* Of the groups with a histogram the heaviest, by weight. */
static size_t curves_of(const struct chapter *c, const char *key,
			const char *weight, struct curve *out)
{
	size_t n = 0, least;

	json_each (g, json_get(c->profile->body, "groups")) {
		struct curve v = {
			.name = json_text_at(g, "name"),
			.hist = hist_of(g, key),
			.weight = number_at(g, weight),
		};

		if (!v.hist || !(v.weight >= 0))
			continue;
		if (n < CURVES_TOLD) {
			out[n++] = v;
			continue;
		}
		least = 0;
		for (size_t i = 1; i < n; i++)
			if (out[i].weight < out[least].weight)
				least = i;
		if (v.weight > out[least].weight)
			out[least] = v;
	}
	for (size_t i = 0; i < n && c->earlier; i++)
		out[i].before = hist_of(
			group_named(c->earlier->body, out[i].name), key);
	return n;
}

/* ---- a curve ----------------------------------------------------------- */

/* Where the bucket that begins at us ends; lib/stats/hist.h. */
static double bucket_end(double us)
{
	double ns = us * 1000;

	if (!(ns >= 256))
		return 0.256;
	return (ns + exp2(floor(log2(ns))) / 4) / 1000;
}

struct points {
	double us[POINTS_MAX], share[POINTS_MAX];
	size_t n;
};

static void points_of(const struct json *hist, struct points *p)
{
	double total = 0, so_far = 0, max = number_at(hist, "max");

	p->n = 0;
	json_each (b, json_get(hist, "buckets"))
		total += fmax(0, number_at(b, "1"));
	if (!(total > 0))
		return;
	json_each (b, json_get(hist, "buckets")) {
		double us = number_at(b, "0"), count = number_at(b, "1");
		double end = bucket_end(us);

		if (p->n + 2 > POINTS_MAX || !(count > 0) || !(us >= 0))
			continue;
		if (max > us && max < end)
			end = max;
		p->us[p->n] = fmax(us, LEAST_US);
		p->share[p->n++] = so_far / total;
		so_far += count;
		p->us[p->n] = fmax(end, LEAST_US);
		p->share[p->n++] = so_far / total;
	}
}

static void put_curve(struct chart *c, const struct points *p, const char *cls)
{
	struct buf d;

	path_begin(c, cls, &d);
	for (size_t i = 0; i < p->n; i++) {
		double x = scale_at(&c->x, p->us[i]);
		double y = scale_at(&c->y, p->share[i] * 100);

		if (i)
			path_line(&d, x, y);
		else
			path_move(&d, x, y);
	}
	path_end(c, &d);
}

/* Each at a height of its own, so that no two labels meet. */
static void put_label(struct chart *c, const struct points *p, size_t number,
		      const char *name)
{
	double share = 0.88 - 0.17 * (double)number, x;
	size_t i = 0;
	bool left;
	char text[48];

	if (!p->n)
		return;
	while (i + 1 < p->n && p->share[i] < share)
		i++;
	x = scale_at(&c->x, p->us[i]);
	left = x > (c->left + c->right) / 2;
	snprintf(text, sizeof(text), "%c  %.40s", (char)('A' + number), name);
	mark_text(c, left ? x - 8 : x + 8, scale_at(&c->y, share * 100) + 4,
		  left ? ANCHOR_END : ANCHOR_START, "halo tb",
		  left ? x - c->left - 8 : c->right - x - 8, text);
}

static void draw_curves(struct html *h, int width, const char *title,
			const char *axis, const struct curve *v, size_t n)
{
	static const char *const lines[CURVES_TOLD][2] = {
		{"line s0", "line s0 dash"}, {"line s5", "line s5 dash"},
		{"line s2", "line s2 dash"}, {"line s3", "line s3 dash"},
		{"line s1", "line s1 dash"},
	};
	struct points p;
	double lo = INFINITY, hi = 0;
	struct chart c;

	for (size_t i = 0; i < n; i++) {
		for (int b = 0; b < 2; b++) {
			points_of(b ? v[i].before : v[i].hist, &p);
			if (!p.n)
				continue;
			lo = fmin(lo, p.us[0]);
			hi = fmax(hi, p.us[p.n - 1]);
		}
	}
	chart_begin(&c, h, width, width >= CHART_WIDE ? 300 : 270, title,
		    "Cumulative distributions by group of tasks: how many "
		    "percent took at most so long.  The table below has the "
		    "quantiles.");
	chart_margins(&c, 52, 30, 14, 44);
	scale_init(&c.x, lo, hi, c.left, c.right, true);
	scale_init(&c.y, 0, 100, c.bottom, c.top, false);
	chart_axis_x(&c, axis, "us");
	chart_axis_y(&c, "at most so long", "%");
	for (size_t i = 0; i < n; i++) {
		points_of(v[i].before, &p);
		if (p.n)
			put_curve(&c, &p, lines[i][1]);
		points_of(v[i].hist, &p);
		put_curve(&c, &p, lines[i][0]);
	}
	for (size_t i = 0; i < n; i++) {
		points_of(v[i].hist, &p);
		put_label(&c, &p, i, v[i].name);
	}
	chart_end(&c);
}

static void put_panel(struct html *h, const struct chapter *c, const char *key,
		      const char *weight, const char *title, const char *axis)
{
	struct curve v[CURVES_TOLD];
	bool before = false;
	size_t n = curves_of(c, key, weight, v);

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		before |= v[i].before != NULL;
	html_leaf(h, "h3", NULL, title);
	html_open(h, "figure", NULL);
	chart_both(h, width) draw_curves(h, width, title, axis, v, n);
	html_leaff(h, "figcaption", NULL, "Left and up is shorter.  %s",
		   before ? "Solid lines are the later observation of the same "
			    "workload, dashed ones the earlier."
			  : "One line for each group of like tasks, those that "
			    "matter most.");
	html_close(h);
}

/* ---- the numbers ------------------------------------------------------- */

static void quantile(struct html *h, const char *head, const struct json *hist,
		     const char *key)
{
	char t[NUM_LEN];

	report_cell(h, head, "n",
		    hist ? figure_us(t, number_at(hist, key)) : "");
}

static void put_group(struct html *h, const struct json *g)
{
	const struct json *d = hist_of(g, "delay_us"),
			  *b = hist_of(g, "burst_us");
	char t[NUM_LEN];

	report_row(h);
	html_open(h, "td", NULL);
	html_attr(h, "data-h", "Group");
	html_cut(h, json_text_at(g, "name"), 40);
	html_close(h);
	report_cell(h, "Tasks", "n", num_si(t, number_at(g, "tasks"), ""));
	report_cell(h, "Ran", "n", figure_us(t, number_at(g, "run_us")));
	report_cell(h, "Waited", "n", figure_us(t, number_at(g, "wait_us")));
	quantile(h, "Wait p50", d, "p50");
	quantile(h, "Wait p99", d, "p99");
	quantile(h, "Wait max", d, "max");
	quantile(h, "Burst p50", b, "p50");
	quantile(h, "Burst p99", b, "p99");
	report_end_row(h);
}

static void put_groups(struct html *h, const struct json *profile)
{
	static const char *const titles[] = {
		"Group",      "#Tasks",	   "#Ran",	"#Waited",
		"#Wait p50",  "#Wait p99", "#Wait max", "#Burst p50",
		"#Burst p99", NULL};
	const struct json *groups = json_get(profile, "groups");
	size_t shown = 0;

	report_table(h,
		     "Groups of like tasks.  Wait: runnable, until it runs; "
		     "burst: from getting a CPU to leaving it by choice.",
		     titles);
	json_each (g, groups) {
		if (shown++ == ROWS_TOLD)
			break;
		put_group(h, g);
	}
	report_end_table(h);
	report_rest(h, json_len(groups), ROWS_TOLD, "groups");
}

void report_latency(struct html *h, const struct chapter *c)
{
	if (!c->profile || !json_len(json_get(c->profile->body, "groups")))
		return;
	report_heading(h, "Latency");
	put_panel(h, c, "delay_us", "wait_us",
		  "Waiting for a CPU, before every turn",
		  "from runnable to running");
	put_panel(h, c, "burst_us", "run_us",
		  "Running, until the CPU is given up", "length of a burst");
	put_groups(h, c->profile->body);
}
