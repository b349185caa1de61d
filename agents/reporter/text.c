/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report in brief, for a terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/mem.h"
#include "term/plot.h"
#include "term/table.h"
#include "term/text.h"

#define ROWS_TOLD   20
#define GROUPS_TOLD 6
#define BINS	    48
#define CHAPTERS    24

struct page {
	struct buf *out;
	size_t columns;
};

/* ---- pieces ------------------------------------------------------------ */

/* Signs of ours that a terminal without UTF-8 lacks: letters instead. */
static char *plain(const char *s)
{
	static const char *const signs[][2] = {
		{"×", "x"}, {"–", "-"}, {"µ", "u"}};
	struct buf b;
	size_t k;

	buf_init(&b, 1 << 16);
	while (*s) {
		for (k = 0; k < ARRAY_LEN(signs); k++)
			if (!strncmp(s, signs[k][0], strlen(signs[k][0])))
				break;
		if (k < ARRAY_LEN(signs)) {
			buf_puts(&b, signs[k][1]);
			s += strlen(signs[k][0]);
		} else {
			buf_add(&b, s++, 1);
		}
	}
	return buf_take(&b);
}

/* A paragraph, broken between words by a table of one column. */
static void put_words(struct page *p, const char *s)
{
	struct table *t = table_new();
	char *words = text_utf8() ? mem_strdup(s) : plain(s);

	table_column(t, "", TABLE_WRAP);
	table_cell(t, "%s", words);
	table_render(t, (int)p->columns, p->out);
	table_free(t);
	free(words);
}

static void put_heading(struct page *p, const char *s)
{
	buf_puts(p->out, "\n");
	put_words(p, s);
}

/* Exactly so many columns of s. */
static void put_field(struct page *p, const char *s, size_t columns)
{
	struct buf b;
	size_t width;

	buf_init(&b, 1 << 16);
	text_clean(&b, s, columns);
	buf_puts(p->out, b.len ? b.data : "");
	width = b.len ? text_width(b.data) : 0;
	for (; width < columns; width++)
		buf_puts(p->out, " ");
	buf_release(&b);
}

/* ---- intervals --------------------------------------------------------- */

static void axis_of(const struct chapter *c, size_t n, double axis[static 2])
{
	axis[0] = 0.95;
	axis[1] = 1.05;
	for (size_t i = 0; i < n; i++) {
		const struct told_metric *m = &c->c[c->order[i]].goal;

		axis[0] = fmin(axis[0], fmax(m->lo, m->ratio / 4));
		axis[1] = fmax(axis[1], fmin(m->hi, m->ratio * 4));
	}
	axis[0] = fmax(axis[0], 0);
	axis[1] = fmin(axis[1], 1e6);
}

/* As an axis of logarithms has them. */
static double at(double x)
{
	return log(fmax(x, 1e-6));
}

static void put_interval(struct page *p, const struct candidate *k,
			 const double axis[static 2])
{
	const double ci[2] = {at(k->goal.lo), at(fmin(k->goal.hi, 1e6))};
	const double ends[2] = {at(axis[0]), at(axis[1])};
	size_t label = p->columns < 60 ? p->columns / 3 : 28;
	size_t plot = p->columns - label - 9;
	char text[CUT_NAME], ratio[NUM_LEN];

	snprintf(text, sizeof(text), "%c#%zu %.60s",
		 candidate_accepted(k) ? '*' : ' ', k->number,
		 candidate_title(k));
	put_field(p, text, label);
	buf_puts(p->out, " ");
	plot_interval(p->out, ci, at(k->goal.ratio), 0, ends, plot);
	num_ratio(ratio, k->goal.ratio);
	buf_printf(p->out, " %7s\n", ratio);
}

static void put_axis(struct page *p, const double axis[static 2])
{
	size_t label = p->columns < 60 ? p->columns / 3 : 28;
	size_t plot = p->columns - label - 9;
	char lo[NUM_LEN], hi[NUM_LEN];
	size_t used;

	num_ratio(lo, axis[0]);
	num_ratio(hi, axis[1]);
	used = strlen(lo) + strlen(hi);
	buf_printf(p->out, "%*s%s", (int)label + 1, "", lo);
	for (; used < plot; used++)
		buf_puts(p->out, " ");
	buf_printf(p->out, "%s\n", hi);
}

static void put_intervals(struct page *p, const struct chapter *c)
{
	size_t n = c->measured < ROWS_TOLD ? c->measured : ROWS_TOLD;
	double axis[2];

	if (!n)
		return;
	axis_of(c, n, axis);
	put_heading(p, "Ratio to the kernel's own scheduler, 95 % intervals "
		       "(* accepted)");
	for (size_t i = 0; i < n; i++)
		put_interval(p, &c->c[c->order[i]], axis);
	put_axis(p, axis);
	if (c->measured > n)
		buf_printf(p->out, "%zu more\n", c->measured - n);
}

/* ---- the search -------------------------------------------------------- */

static void put_search(struct page *p, const struct chapter *c)
{
	double best[BINS], so_far = 0;
	size_t n = 0, most = p->columns < BINS ? p->columns : BINS;

	for (size_t i = 0; i < c->n && n < most; i++) {
		double x = c->c[i].measured ? c->c[i].goal.ratio
					    : c->c[i].loop_ratio;
		if (!(x > 0))
			continue;
		so_far = fmax(so_far, x);
		best[n++] = so_far;
	}
	if (n < 3)
		return;
	put_heading(p, "Best ratio so far, policy by policy");
	plot_spark(p->out, best, n);
	buf_puts(p->out, "\n");
}

/* ---- latency ----------------------------------------------------------- */

/* A histogram's counts in n columns of equal logarithm from lo to hi us. */
static void bin(const struct json *hist, double lo, double hi, double *out,
		size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = 0;
	json_each (b, json_get(hist, "buckets")) {
		double us = fmax(number_at(b, "0"), lo);
		double share = log(us / lo) / log(hi / lo);
		double count = number_at(b, "1");

		if (!(share >= 0) || !(count > 0))
			continue;
		out[(size_t)(fmin(share, 1) * (double)(n - 1))] += count;
	}
}

static void range_of(const struct json *groups, double *lo, double *hi)
{
	*lo = 1;
	*hi = 10;
	json_each (g, groups) {
		double max = number_at(g, "delay_us.max");

		if (max > *hi)
			*hi = fmin(max, 1e12);
	}
}

static void put_delays(struct page *p, const struct chapter *c)
{
	const struct json *groups =
		c->profile ? json_get(c->profile->body, "groups") : NULL;
	size_t label = p->columns < 40	 ? p->columns / 4
		       : p->columns < 60 ? 11
					 : 18;
	size_t n = 0;
	size_t columns = p->columns - label - 11;
	char lo[NUM_LEN], hi[NUM_LEN], title[96];
	double least, most, bins[BINS];

	if (!json_len(groups))
		return;
	columns = columns < BINS ? columns : BINS;
	range_of(groups, &least, &most);
	snprintf(title, sizeof(title), "Waiting for a CPU, %s to %s, and p99",
		 num_us(lo, least), num_us(hi, most));
	put_heading(p, title);
	json_each (g, groups) {
		const struct json *h = json_get(g, "delay_us");

		if (!(number_at(h, "count") > 0))
			continue;
		if (n++ == GROUPS_TOLD)
			break;
		put_field(p, json_text_at(g, "name"), label);
		buf_puts(p->out, " ");
		bin(h, least, most, bins, columns);
		plot_spark(p->out, bins, columns);
		num_us(lo, number_at(h, "p99"));
		for (size_t w = text_width(lo); w < 9; w++)
			buf_puts(p->out, " ");
		buf_printf(p->out, " %s\n", lo);
	}
}

/* ---- the whole --------------------------------------------------------- */

static void put_chapter(struct page *p, const struct chapter *c)
{
	char *sentence = answer_sentence(c), *next = answer_next(c);
	const char *command = answer_command(c), *end;

	put_words(p, sentence);
	put_words(p, next);
	while (command && *command) {
		end = strchrnul(command, '\n');
		buf_printf(p->out, "  %.*s\n", (int)(end - command), command);
		command = *end ? end + 1 : end;
	}
	free(sentence);
	free(next);
	put_intervals(p, c);
	put_search(p, c);
	put_delays(p, c);
}

int reporter_text(const struct doc *const *docs, size_t n,
		  const struct reporter_opts *o, size_t columns,
		  struct buf *out)
{
	struct page p = {out, columns};
	struct story s;
	struct geomean g;
	char line[128], x[NUM_LEN];
	int rc = story_gather(&s, docs, n);

	if (rc)
		return rc;
	if (o->title)
		put_words(&p, o->title);
	for (size_t i = 0; i < s.count && i < CHAPTERS; i++) {
		if (i)
			buf_puts(out, "\n\n");
		put_chapter(&p, &s.chapters[i]);
	}
	geomean_of(&s, &g);
	if (g.n > 1) {
		snprintf(line, sizeof(line),
			 "Geometric mean of %zu workloads: %s", g.n,
			 num_ratio(x, g.mean));
		put_heading(&p, line);
	}
	story_release(&s);
	return 0;
}
