/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the search went: the best so far against what was spent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"

#define TRIES_TOLD 400

struct tried {
	double runs; /* spent until it was known */
	double ratio;
	size_t source;
	bool accepted;
};

static const struct {
	const char *source, *words, *cls;
	enum shape shape;
} sources[] = {
	{"rule", "a rule", "f0", SHAPE_DOT},
	{"neighbour", "a neighbour", "f2", SHAPE_UP},
	{"optimiser", "the optimiser", "f1", SHAPE_DIAMOND},
	{"model", "a model", "f3", SHAPE_SQUARE},
	{"person", "a person", "line s5", SHAPE_CROSS},
	{"", "not told", "fb", SHAPE_DOT},
};

static size_t source_of(const char *source)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(sources) && strcmp(sources[i].source, source))
		i++;
	return i;
}

static double positive(double x)
{
	return x > 0 && x < 1e12 ? x : 0;
}

/* As the loop tells it: the runs of a round are its candidates' alike. */
static size_t tries_of_loop(const struct chapter *c, struct tried *out)
{
	double spent = 1; /* the observation */
	size_t n = 0;

	json_each (r, json_get(c->loop, "rounds")) {
		const struct json *list = json_get(r, "candidates");
		double each = positive(number_at(r, "guest_runs")) /
			      fmax(1, (double)json_len(list));

		json_each (v, list) {
			double ratio = number_at(v, "measured");

			spent += each;
			if (!(ratio > 0) || n == TRIES_TOLD)
				continue;
			out[n++] = (struct tried){
				spent, ratio,
				source_of(json_text_at(v, "source")),
				!strcmp(json_text_at(v, "decision"),
					"accepted")};
		}
	}
	return n;
}

/* Without a loop: verdicts in the order of the stream. */
static size_t tries_of_verdicts(const struct chapter *c, struct tried *out)
{
	double spent = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->n && n < TRIES_TOLD; i++) {
		const struct candidate *k = &c->c[i];
		double runs;

		if (!k->measured)
			continue;
		runs = number_at(k->verdict->body, "evidence.runs");
		spent += positive(runs > 0 ? runs : 2 * k->goal.pairs);
		out[n++] = (struct tried){spent, k->goal.ratio,
					  source_of(k->source),
					  candidate_accepted(k)};
	}
	return n;
}

static void put_best(struct chart *c, const struct tried *t, size_t n)
{
	double best = 1;
	struct buf d;

	path_begin(c, "line s7", &d);
	path_move(&d, c->left, scale_at(&c->y, best));
	for (size_t i = 0; i < n; i++) {
		if (t[i].ratio <= best)
			continue;
		path_line(&d, scale_at(&c->x, t[i].runs),
			  scale_at(&c->y, best));
		best = t[i].ratio;
		path_line(&d, scale_at(&c->x, t[i].runs),
			  scale_at(&c->y, best));
	}
	path_line(&d, c->right, scale_at(&c->y, best));
	path_end(c, &d);
}

static void draw_search(struct html *h, int width, const struct tried *t,
			size_t n)
{
	double lo = 0.97, hi = 1.03, most = 1;
	struct chart c;

	for (size_t i = 0; i < n; i++) {
		lo = fmin(lo, fmax(t[i].ratio, 0.02));
		hi = fmax(hi, fmin(t[i].ratio, 50));
		most = fmax(most, t[i].runs);
	}
	chart_begin(&c, h, width, width >= CHART_WIDE ? 300 : 270,
		    "Progress of the search",
		    "The ratio of each policy against the guest runs spent "
		    "until it was known, and the best so far.");
	chart_margins(&c, 46, 30, 14, 44);
	scale_init(&c.x, 0, most * 1.03, c.left, c.right, false);
	scale_init(&c.y, lo / 1.05, hi * 1.05, c.bottom, c.top, true);
	chart_axis_x(&c, "runs on the target", "");
	chart_axis_y(&c, "times better than the kernel's own scheduler", "×");
	mark_line(&c, c.left, scale_at(&c.y, 1), c.right, scale_at(&c.y, 1),
		  "one thin");
	put_best(&c, t, n);
	for (size_t i = 0; i < n; i++)
		mark_shape(&c, sources[t[i].source].shape,
			   scale_at(&c.x, t[i].runs),
			   scale_at(&c.y, t[i].ratio), t[i].accepted ? 6 : 4,
			   sources[t[i].source].cls,
			   sources[t[i].source].words);
	chart_end(&c);
}

static void put_legend(struct html *h, const struct tried *t, size_t n)
{
	bool there[ARRAY_LEN(sources)] = {false};
	struct chart c = {.h = h};
	bool told = false;

	for (size_t i = 0; i < n; i++)
		there[t[i].source] = true;
	for (size_t k = 0; k + 1 < ARRAY_LEN(sources); k++)
		told |= there[k];
	if (!told)
		return;
	html_open(h, "ul", "legend");
	for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
		if (!there[k])
			continue;
		html_open(h, "li", NULL);
		html_open(h, "svg", "swatch");
		html_attr(h, "viewBox", "0 0 18 18");
		html_attr(h, "aria-hidden", "true");
		mark_shape(&c, sources[k].shape, 9, 9, 5, sources[k].cls, NULL);
		html_close(h);
		html_textf(h, "thought of by: %s", sources[k].words);
		html_close(h);
	}
	html_close(h);
}

void report_search(struct html *h, const struct chapter *c)
{
	struct tried *t = mem_zalloc(TRIES_TOLD, sizeof(*t));
	size_t n = c->loop ? tries_of_loop(c, t) : 0;

	if (!n)
		n = tries_of_verdicts(c, t);
	if (n > 1) {
		report_heading(h, "How the search went");
		html_open(h, "figure", NULL);
		chart_both(h, width) draw_search(h, width, t, n);
		put_legend(h, t, n);
		html_leaf(h, "figcaption", NULL,
			  "The grey line is the best so far.  Large marks are "
			  "accepted policies.");
		html_close(h);
	}
	free(t);
}
