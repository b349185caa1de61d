/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which task ran when on which CPU, from a trace. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "trace/timeline.h"

#define CPUS_TOLD    32
#define LETTERS_MAX  150
#define RECTS_MAX    4000 /* of one drawing, about */
#define WAIT_HEIGHT  64
#define LETTER_LEAST 13 /* a turn this wide gets its letter */
#define ZOOM_NS	     1000000000u
#define GROUPS_TOLD  7

struct strip {
	struct chart c;
	const struct timeline *t;
	uint64_t from, to;
	uint32_t cpus;
	size_t columns;
	double row, column; /* height and width of one */
	uint32_t *group;    /* by CPU and column */
};

static double seconds(const struct timeline *t, uint64_t at)
{
	return (double)(at - t->start) / 1e9;
}

static size_t colour_of(uint32_t group)
{
	return group < GROUPS_TOLD ? group : GROUPS_TOLD;
}

/* ---- the CPUs ---------------------------------------------------------- */

/* The end of the run of one group that begins at column i. */
static size_t run_end(const struct strip *s, uint32_t cpu, size_t i)
{
	const uint32_t *g = s->group + cpu * s->columns;
	size_t end = i + 1;

	while (end < s->columns && g[end] != TRACE_NOBODY &&
	       colour_of(g[end]) == colour_of(g[i]))
		end++;
	return end;
}

static double row_top(const struct strip *s, uint32_t cpu)
{
	return s->c.top + WAIT_HEIGHT + 12 + cpu * s->row;
}

static void put_colour(struct strip *s, size_t colour)
{
	static const char *const fills[] = {"f0", "f1", "f2", "f3",
					    "f4", "f5", "f6", "f7"};
	struct buf d;

	path_begin(&s->c, fills[colour], &d);
	for (uint32_t cpu = 0; cpu < s->cpus; cpu++) {
		const uint32_t *g = s->group + cpu * s->columns;

		for (size_t i = 0, end; i < s->columns; i = end) {
			end = i + 1;
			if (g[i] == TRACE_NOBODY || colour_of(g[i]) != colour)
				continue;
			end = run_end(s, cpu, i);
			path_rect(&d, s->c.left + (double)i * s->column,
				  row_top(s, cpu) + 2,
				  (double)(end - i) * s->column, s->row - 4);
		}
	}
	path_end(&s->c, &d);
}

static void put_letters(struct strip *s)
{
	size_t left = LETTERS_MAX;

	if (s->row < 18)
		return;
	for (uint32_t cpu = 0; cpu < s->cpus; cpu++) {
		const uint32_t *g = s->group + cpu * s->columns;

		for (size_t i = 0, end; i < s->columns && left; i = end) {
			char letter[2] = {0};
			size_t k;

			end = i + 1;
			if (g[i] == TRACE_NOBODY)
				continue;
			end = run_end(s, cpu, i);
			k = colour_of(g[i]);
			if ((double)(end - i) * s->column < LETTER_LEAST)
				continue;
			letter[0] = k < GROUPS_TOLD ? (char)('A' + k) : '*';
			mark_text(&s->c,
				  s->c.left + (double)(i + end) / 2 * s->column,
				  row_top(s, cpu) + s->row / 2 + 4,
				  ANCHOR_MIDDLE, k ? "on" : "on on0", 0,
				  letter);
			left--;
		}
	}
}

static void put_cpus(struct strip *s)
{
	char label[24];

	for (uint32_t cpu = 0; cpu < s->cpus; cpu++) {
		timeline_columns(s->t, cpu, s->from, s->to, s->columns,
				 s->group + cpu * s->columns);
		snprintf(label, sizeof(label), "CPU %u", cpu);
		mark_rect(&s->c, s->c.left, row_top(s, cpu) + 2,
			  s->c.right - s->c.left, s->row - 4, "band");
		if (s->row >= 12)
			mark_text(&s->c, 0, row_top(s, cpu) + s->row / 2 + 4,
				  ANCHOR_START, "td", 0, label);
	}
	for (size_t k = 0; k <= GROUPS_TOLD; k++)
		put_colour(s, k);
	put_letters(s);
}

/* ---- who waits --------------------------------------------------------- */

static void put_waiting(struct strip *s)
{
	double *mean = mem_zalloc(s->columns, sizeof(*mean)), most = 1;
	double bottom = s->c.top + WAIT_HEIGHT;
	struct scale y;
	char label[48];
	struct buf d;

	timeline_waiting(s->t, s->from, s->to, s->columns, mean);
	for (size_t i = 0; i < s->columns; i++)
		most = fmax(most, mean[i]);
	scale_init(&y, 0, most, bottom, s->c.top, false);
	path_begin(&s->c, "fb", &d);
	path_move(&d, s->c.left, bottom);
	for (size_t i = 0; i < s->columns; i++) {
		double x = s->c.left + (double)i * s->column;

		/* Steps of one height are one line. */
		if (i && fabs(mean[i] - mean[i - 1]) < 1e-3)
			continue;
		path_line(&d, x, scale_at(&y, i ? mean[i - 1] : 0));
		path_line(&d, x, scale_at(&y, mean[i]));
	}
	path_line(&d, s->c.right, scale_at(&y, mean[s->columns - 1]));
	path_line(&d, s->c.right, bottom);
	path_end(&s->c, &d);
	mark_line(&s->c, s->c.left, bottom, s->c.right, bottom, "ax");
	mark_text(&s->c, 0, bottom, ANCHOR_START, "td", 0, "0");
	snprintf(label, sizeof(label), "%.3g", most);
	mark_text(&s->c, 0, s->c.top + 9, ANCHOR_START, "td", 0, label);
	mark_text(&s->c, s->c.left, s->c.top - 8, ANCHOR_START, "td", 0,
		  "tasks that wait for a CPU");
	free(mean);
}

/* ---- a drawing --------------------------------------------------------- */

static void draw_timeline(struct html *h, int width, const struct timeline *t,
			  uint64_t from, uint64_t to, const char *title)
{
	struct strip s = {.t = t, .from = from, .to = to};
	double plot;

	s.cpus = t->cpu_count < CPUS_TOLD ? t->cpu_count : CPUS_TOLD;
	s.row = s.cpus <= 8 ? 28 : s.cpus <= 16 ? 18 : 12;
	chart_begin(&s.c, h, width, 24 + WAIT_HEIGHT + 12 + s.cpus * s.row + 44,
		    title,
		    "Above, how many tasks wait for a CPU; below, a row for "
		    "each CPU in which the group of tasks that runs has its "
		    "colour and letter; gaps are idle.");
	chart_margins(&s.c, 50, 24, 8, 42);
	plot = s.c.right - s.c.left;
	s.columns = (size_t)plot;
	if (s.columns * s.cpus > RECTS_MAX)
		s.columns = RECTS_MAX / s.cpus;
	s.column = plot / (double)s.columns;
	s.group = mem_zalloc(s.columns * s.cpus, sizeof(*s.group));
	scale_init(&s.c.x, seconds(t, from), seconds(t, to), s.c.left,
		   s.c.right, false);
	chart_axis_x(&s.c, "since the trace began", "s");
	put_waiting(&s);
	put_cpus(&s);
	chart_end(&s.c);
	free(s.group);
}

static void put_legend(struct html *h, const struct timeline *t)
{
	static const char *const fills[] = {"f0", "f1", "f2", "f3",
					    "f4", "f5", "f6", "f7"};
	uint32_t n = t->group_count <= GROUPS_TOLD ? t->group_count
						   : GROUPS_TOLD + 1;
	char label[64], run[NUM_LEN];

	html_open(h, "ul", "legend");
	for (uint32_t i = 0; i < n; i++) {
		html_open(h, "li", NULL);
		html_open(h, "svg", "swatch");
		html_attr(h, "viewBox", "0 0 18 18");
		html_attr(h, "aria-hidden", "true");
		html_open(h, "rect", fills[i]);
		html_attr(h, "width", "18");
		html_attr(h, "height", "18");
		html_close(h);
		html_open(h, "text", i ? "on" : "on on0");
		html_attr(h, "x", "9");
		html_attr(h, "y", "13");
		html_attr(h, "text-anchor", "middle");
		html_textf(h, "%c", i < GROUPS_TOLD ? 'A' + (int)i : '*');
		html_close(h);
		html_close(h);
		if (i < GROUPS_TOLD) {
			figure_us(run, (double)t->groups[i].run_ns / 1e3);
			html_cut(h,
				 *t->groups[i].name ? t->groups[i].name
						    : "(no name)",
				 40);
			if (t->by_task || t->groups[i].tasks == 1)
				snprintf(label, sizeof(label), ", ran %s", run);
			else
				snprintf(label, sizeof(label),
					 ", %u tasks, ran %s",
					 t->groups[i].tasks, run);
			html_text(h, label);
		} else {
			html_textf(h, "%u others", t->group_count - i);
		}
		html_close(h);
	}
	html_close(h);
}

static void put_drawing(struct html *h, const struct timeline *t, uint64_t from,
			uint64_t to, const char *title, const char *caption)
{
	html_open(h, "figure", NULL);
	chart_both(h, width) draw_timeline(h, width, t, from, to, title);
	put_legend(h, t);
	html_leaf(h, "figcaption", NULL, caption);
	html_close(h);
}

static void put_timeline(struct html *h, const struct timeline *t)
{
	uint64_t from = timeline_busiest(t, ZOOM_NS);

	if (t->end - t->start > 2 * (uint64_t)ZOOM_NS) {
		html_leaf(h, "h3", NULL, "The whole of it");
		put_drawing(h, t, t->start, t->end, "Timeline of the trace",
			    "Each column shows who ran most in it.");
		html_leaf(h, "h3", NULL,
			  "The second in which tasks waited "
			  "most");
		put_drawing(h, t, from, from + ZOOM_NS,
			    "Timeline of one second",
			    "Runs that are too short for a column of their own "
			    "are hidden by longer ones beside them.");
	} else {
		put_drawing(h, t, t->start, t->end, "Timeline of the trace",
			    "Each column shows who ran most in it.");
	}
	if (t->cpu_count > CPUS_TOLD)
		report_rest(h, t->cpu_count, CPUS_TOLD, "CPUs");
	if (t->lost || !t->whole)
		html_leaff(h, "p", "dim",
			   "The trace is not whole: %llu events are missing%s.",
			   (unsigned long long)t->lost,
			   t->whole ? "" : ", and its end");
}

void report_timeline(struct html *h, const struct chapter *c,
		     const struct reporter_opts *o)
{
	const struct reporter_trace *of = NULL;
	struct timeline t;

	for (size_t i = 0; i < o->trace_count; i++)
		if (!o->traces[i].profile ||
		    (c->profile &&
		     !strcmp(o->traces[i].profile, c->profile->id)))
			of = &o->traces[i];
	if (!of)
		return;
	report_heading(h, "Who ran when");
	if (timeline_read(of->bytes, of->len, &t)) {
		html_leaff(h, "p", "dim", "The trace cannot be drawn: %s.",
			   err_text());
		return;
	}
	put_timeline(h, &t);
	timeline_release(&t);
}
