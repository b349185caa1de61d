/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page: what stands on it, in the order in which it is read. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"

#define BENCH_LINES   120
#define BENCH_COLUMNS 160

/* ---- pieces ------------------------------------------------------------ */

void report_heading(struct html *h, const char *title)
{
	html_leaf(h, "h2", NULL, title);
}

void report_table(struct html *h, const char *caption,
		  const char *const *titles)
{
	html_open(h, "div", "scroll");
	html_open(h, "table", "stack");
	html_leaf(h, "caption", NULL, caption);
	html_open(h, "thead", NULL);
	html_open(h, "tr", NULL);
	for (size_t i = 0; titles[i]; i++) {
		bool number = titles[i][0] == '#' && titles[i][1];

		html_open(h, "th", number ? "n" : NULL);
		html_attr(h, "scope", "col");
		html_text(h, titles[i] + number);
		html_close(h);
	}
	html_close(h);
	html_close(h);
	html_open(h, "tbody", NULL);
}

void report_row(struct html *h)
{
	html_open(h, "tr", NULL);
}

void report_cell(struct html *h, const char *head, const char *cls,
		 const char *text)
{
	html_open(h, "td", cls);
	html_attr(h, "data-h", head);
	html_cut(h, text, CUT_WORDS);
	html_close(h);
}

void report_end_row(struct html *h)
{
	html_close(h);
}

void report_end_table(struct html *h)
{
	html_close(h);
	html_close(h);
	html_close(h);
}

void report_fact(struct html *h, const char *key, const char *fmt, ...)
{
	char *value;
	va_list ap;

	va_start(ap, fmt);
	value = mem_vprintf(fmt, ap);
	va_end(ap);
	if (*value) {
		html_leaf(h, "dt", NULL, key);
		html_open(h, "dd", NULL);
		html_cut(h, value, CUT_WORDS);
		html_close(h);
	}
	free(value);
}

void report_rest(struct html *h, size_t all, size_t shown, const char *what)
{
	if (all > shown)
		html_leaff(h, "p", "dim", "%zu more %s are left out.",
			   all - shown, what);
}

/* ---- the answer -------------------------------------------------------- */

static void put_answer(struct html *h, const struct chapter *c)
{
	char *sentence = answer_sentence(c), *next = answer_next(c);
	const char *command = answer_command(c);

	html_leaf(h, "p", "answer", sentence);
	html_leaf(h, "p", NULL, next);
	if (command)
		html_leaf(h, "pre", NULL, command);
	free(sentence);
	free(next);
}

static char *title_of(const struct story *s, const struct reporter_opts *o)
{
	if (o->title)
		return mem_strdup(o->title);
	if (s->count == 1)
		return mem_printf("Scheduling of %s",
				  chapter_name(&s->chapters[0]));
	return mem_printf("Scheduling of %zu workloads", s->count);
}

static bool is_bench(const struct doc *d)
{
	json_each (t, json_get(d->body, "tags"))
		if (!strcmp(json_as_string(t, ""), "bench"))
			return true;
	return false;
}

/* A table of a benchmark, line by line. */
static void put_bench(struct html *h, const struct story *s)
{
	for (size_t i = 0, shown = 0; i < s->note_count && shown < 4; i++) {
		char *text, *at, *end;

		if (!is_bench(s->notes[i]))
			continue;
		text = mem_strdup(json_text_at(s->notes[i]->body, "text"));
		html_open(h, "pre", "lines");
		at = text;
		for (size_t n = 0; at && n < BENCH_LINES; n++, at = end) {
			end = strchr(at, '\n');
			if (end)
				*end++ = '\0';
			html_cut(h, at, BENCH_COLUMNS);
			html_line(h);
		}
		html_close(h);
		free(text);
		shown++;
	}
}

static void put_header(struct html *h, const struct story *s, const char *title)
{
	html_open(h, "header", NULL);
	html_open(h, "h1", NULL);
	html_cut(h, title, 200);
	html_close(h);
	if (s->count == 1)
		put_answer(h, &s->chapters[0]);
	else if (s->count)
		report_suite(h, s);
	put_bench(h, s);
	html_close(h);
}

/* ---- chapters ---------------------------------------------------------- */

static void put_chapter(struct html *h, const struct chapter *c,
			const struct reporter_opts *o)
{
	report_story(h, c);
	report_arms(h, c);
	report_limits(h, c);
	report_pareto(h, c);
	report_latency(h, c);
	report_timeline(h, c, o);
	report_search(h, c);
	report_lineage(h, c);
	report_params(h, c);
	report_sure(h, c);
}

static void put_chapters(struct html *h, const struct story *s,
			 const struct reporter_opts *o)
{
	for (size_t i = 0; i < s->count && i < CHAPTERS_TOLD; i++) {
		const struct chapter *c = &s->chapters[i];

		if (s->count > 1) {
			html_open(h, "section", "chapter");
			html_attrf(h, "id", "w%zu", i + 1);
			html_open(h, "h2", NULL);
			html_cut(h, chapter_name(c), CUT_NAME);
			html_close(h);
			put_answer(h, c);
		}
		put_chapter(h, c, o);
		if (s->count > 1)
			html_close(h);
	}
	if (s->count > CHAPTERS_TOLD)
		html_leaff(h, "p", "dim",
			   "%zu more workloads are in the overview only.",
			   s->count - CHAPTERS_TOLD);
}

static void put_notes(struct html *h, const struct story *s)
{
	size_t shown = 0;

	for (size_t i = s->note_count; i-- > 0;) {
		const struct json *b = s->notes[i]->body;

		/* What a model was asked is for those who audit it. */
		if (json_get(b, "transcript") || json_get(b, "antipattern") ||
		    is_bench(s->notes[i]) || !*json_text_at(b, "text"))
			continue;
		if (shown == 20)
			break;
		if (!shown++) {
			report_heading(h, "Notes");
			html_open(h, "ul", NULL);
		}
		html_open(h, "li", NULL);
		html_cut(h, json_text_at(b, "text"), CUT_WORDS);
		html_close(h);
	}
	if (shown)
		html_close(h);
}

static void put_footer(struct html *h, const struct story *s)
{
	const char *last = "";

	for (size_t i = 0; i < s->n; i++) {
		const char *t = json_text_at(s->docs[i]->env, "time");

		if (strcmp(t, last) > 0)
			last = t;
	}
	html_open(h, "footer", NULL);
	html_open(h, "p", NULL);
	html_textf(h, "Made by schedkit %s from %zu documents, the latest of ",
		   SCHEDKIT_VERSION, s->n);
	html_cut(h, last, 40);
	html_text(h, ".  Figures and pictures are of these documents alone; "
		     "the page holds no script and asks for nothing.");
	if (s->errors)
		html_textf(h, "  %zu error documents are among them.",
			   s->errors);
	html_close(h);
	html_close(h);
}

int reporter_page(const struct doc *const *docs, size_t n,
		  const struct reporter_opts *o, struct buf *out)
{
	struct story s;
	struct html h;
	char *title;
	int rc = story_gather(&s, docs, n);

	if (rc)
		return rc;
	title = title_of(&s, o);
	html_begin(&h, out, title);
	put_header(&h, &s, title);
	html_open(&h, "main", NULL);
	put_chapters(&h, &s, o);
	put_notes(&h, &s);
	html_close(&h);
	put_footer(&h, &s);
	html_end(&h);
	free(title);
	story_release(&s);
	if (out->truncated)
		return err_set(EFBIG, "the page is larger than %zu bytes",
			       out->max);
	return 0;
}
