/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came from what, and what the chosen policy sets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"
#include "policy/form.h"
#include "policy/policy.h"

#define NODES_TOLD 12
#define BOX_HEIGHT 40
#define ROW	   52

/* ---- the graph --------------------------------------------------------- */

struct graph {
	struct chart c;
	double box;   /* width of one */
	double at[4]; /* left edges of the columns */
	bool wide;
};

static void put_box(struct graph *g, size_t column, double y, const char *first,
		    const char *second, bool strong)
{
	double x = g->at[column];

	mark_rect(&g->c, x + 0.5, y + 0.5, g->box, BOX_HEIGHT,
		  strong ? "hollow line s0" : "hollow ax");
	mark_text(&g->c, x + 7, y + 17, ANCHOR_START, strong ? "tb" : NULL,
		  g->box - 20, first);
	mark_text(&g->c, x + 7, y + 33, ANCHOR_START, "td ts", g->box - 4,
		  second);
}

static void put_edge(struct graph *g, size_t column, double y1, double y2,
		     bool strong)
{
	double x1 = g->at[column] + g->box, x2 = g->at[column + 1];
	struct buf d;

	path_begin(&g->c, strong ? "line s0" : "ax", &d);
	path_move(&d, x1, y1 + BOX_HEIGHT / 2.0);
	buf_printf(&d, "C%.1f %.1f %.1f %.1f %.1f %.1f", (x1 + x2) / 2,
		   y1 + BOX_HEIGHT / 2.0, (x1 + x2) / 2, y2 + BOX_HEIGHT / 2.0,
		   x2, y2 + BOX_HEIGHT / 2.0);
	path_end(&g->c, &d);
}

static void origin_words(const struct chapter *c, const struct candidate *k,
			 char out[static 64])
{
	snprintf(out, 64, "%.20s", *k->source ? k->source : "proposed");
	for (size_t i = 0; i < c->n && *k->from; i++)
		if (!strcmp(c->c[i].id, k->from))
			snprintf(out, 64, "%.20s, from #%zu", k->source,
				 c->c[i].number);
}

/* What became of it: deployed, else what was learned. */
static bool outcome_words(const struct candidate *k, const char **first,
			  const char **second)
{
	*second = "";
	if (k->deployment) {
		*first = json_text_at(k->deployment->body, "state");
		*second = "deployed";
		return true;
	}
	if (k->lesson) {
		*first = json_text_at(k->lesson->body, "outcome");
		*second = "lesson";
		return true;
	}
	return false;
}

static void put_row(struct graph *g, const struct chapter *c,
		    const struct candidate *k, double y, double root)
{
	const char *first, *second;
	char a[CUT_NAME], b[64], x[NUM_LEN];
	bool strong = k == chapter_chosen(c);

	snprintf(a, sizeof(a), "#%zu %.60s", k->number, candidate_title(k));
	origin_words(c, k, b);
	put_edge(g, 0, root, y, strong);
	put_box(g, 1, y, a, b, strong);
	if (!k->verdict)
		return;
	put_edge(g, 1, y, y, strong);
	put_box(g, 2, y,
		k->measured ? figure_ratio(x, k->goal.ratio) : "not measured",
		candidate_decision(k), strong);
	if (!outcome_words(k, &first, &second))
		return;
	put_edge(g, 2, y, y, strong);
	put_box(g, 3, y, first, second, strong);
}

/* As many as there is something for. */
static size_t columns_of(const struct chapter *c, size_t n)
{
	const char *first, *second;
	size_t columns = 2;

	for (size_t i = 0; i < n; i++) {
		const struct candidate *k = &c->c[c->order[i]];

		if (k->verdict && columns < 3)
			columns = 3;
		if (k->verdict && outcome_words(k, &first, &second))
			columns = 4;
	}
	return columns;
}

static void draw_lineage(struct html *h, int width, const struct chapter *c,
			 size_t n)
{
	struct graph g = {.wide = width >= CHART_WIDE};
	double gap = g.wide ? 34 : 12, root;
	size_t columns = columns_of(c, n);
	char id[ID_SHOWN + 1];

	chart_begin(&g.c, h, width, (double)n * ROW + 4, "Lineage",
		    "From the observation to the policies that were proposed, "
		    "to their verdicts, to what became of them.");
	g.box = (width - (double)(columns - 1) * gap - 1) / (double)columns;
	if (g.box > 240)
		g.box = 240;
	for (size_t i = 0; i < 4; i++)
		g.at[i] = (double)i * (g.box + gap);
	root = fmin(((double)n * ROW - ROW) / 2, 2.0 * ROW);
	for (size_t i = 0; i < n; i++)
		put_row(&g, c, &c->c[c->order[i]], (double)i * ROW, root);
	snprintf(id, sizeof(id), "%s", c->profile ? c->profile->id : "");
	put_box(&g, 0, root, "Observed", id, false);
	chart_end(&g.c);
}

void report_lineage(struct html *h, const struct chapter *c)
{
	size_t n = c->n < NODES_TOLD ? c->n : NODES_TOLD;
	size_t lessons = 0;

	if (!n)
		return;
	report_heading(h, "Where it comes from");
	html_open(h, "figure", NULL);
	chart_both(h, width) draw_lineage(h, width, c, n);
	html_leaf(h, "figcaption", NULL,
		  "From left to right: what was observed, what was proposed "
		  "and by whom, what was measured, what became of it.  The "
		  "heavy line leads to the chosen policy.");
	html_close(h);
	report_rest(h, c->n, n, "policies");
	for (size_t i = 0; i < c->n && lessons < 12; i++) {
		const struct candidate *k = &c->c[c->order[i]];

		if (!k->lesson || !*json_text_at(k->lesson->body, "text"))
			continue;
		if (!lessons++) {
			html_leaf(h, "h3", NULL, "What was learned");
			html_open(h, "ul", NULL);
		}
		html_open(h, "li", NULL);
		html_textf(h, "#%zu: ", k->number);
		html_cut(h, json_text_at(k->lesson->body, "text"), CUT_WORDS);
		html_close(h);
	}
	if (lessons)
		html_close(h);
}

/* ---- parameters -------------------------------------------------------- */

static void scalar(const struct json *v, char out[static 64])
{
	switch (json_type(v)) {
	case JSON_NUMBER:
		snprintf(out, 64, "%.10g", json_as_number(v, 0));
		break;
	case JSON_BOOL:
		snprintf(out, 64, "%s", json_as_bool(v, false) ? "on" : "off");
		break;
	case JSON_STRING:
		snprintf(out, 64, "%.60s", json_as_string(v, ""));
		break;
	default:
		snprintf(out, 64, "–");
		break;
	}
}

static void put_param(struct html *h, const struct param *p, const char *dflt,
		      const char *chosen)
{
	bool differs = strcmp(dflt, chosen);

	report_row(h);
	html_open(h, "td", NULL);
	html_attr(h, "data-h", "Parameter");
	html_leaf(h, differs ? "strong" : "span", NULL, p->name);
	html_close(h);
	report_cell(h, "Default", "n", dflt);
	html_open(h, "td", "n");
	html_attr(h, "data-h", "Chosen");
	html_open(h, differs ? "strong" : "span", NULL);
	html_cut(h, chosen, 60);
	html_close(h);
	html_close(h);
	report_cell(h, "What it is", "w", p->help);
	report_end_row(h);
}

static void put_params(struct html *h, const struct json *body, bool differing)
{
	static const char *const titles[] = {"Parameter", "#Default", "#Chosen",
					     "What it is", NULL};
	struct json *none = json_object(), *defaults = NULL;
	const struct json *params = json_get(body, "params");
	struct policy_params p;
	char a[64], b[64];

	if (policy_params_read(none, &p) == 0)
		defaults = policy_params_json(&p);
	report_table(h,
		     differing ? "What differs from the template's defaults"
			       : "What is at its default",
		     titles);
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *q = &policy_param_table[i];
		const struct json *v = json_get(params, q->name);

		scalar(json_get(defaults, q->name), a);
		scalar(v ? v : json_get(defaults, q->name), b);
		if ((strcmp(a, b) != 0) == differing)
			put_param(h, q, a, b);
	}
	report_end_table(h);
	json_free(defaults);
	json_free(none);
}

void report_params(struct html *h, const struct chapter *c)
{
	const struct candidate *k = chapter_chosen(c);
	const struct json *b;
	char *text;

	if (!k && c->n)
		k = &c->c[c->order[0]];
	if (!k || !k->policy)
		return;
	b = k->policy->body;
	html_leaff(h, "h2", NULL, "%s policy, #%zu",
		   chapter_chosen(c) ? "The chosen" : "The nearest", k->number);
	html_open(h, "p", NULL);
	html_cut(h, json_text_at(b, "title"), CUT_NAME);
	if (*json_text_at(b, "why")) {
		html_text(h, ": ");
		html_cut(h, json_text_at(b, "why"), CUT_WORDS);
	}
	html_close(h);
	if (policy_form(b) == FORM_PARAMS) {
		put_params(h, b, true);
		html_open(h, "details", NULL);
		html_leaf(h, "summary", NULL, "The other parameters");
		put_params(h, b, false);
		html_close(h);
		return;
	}
	text = policy_text(b);
	html_open(h, "pre", NULL);
	html_cut(h, text, 2000);
	html_close(h);
	free(text);
}
