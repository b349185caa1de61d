/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/help.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "term/manual.h"
#include "term/mdoc.h"
#include "term/mdoc_find.h"
#include "term/text.h"

#define TEXT_BYTES (16u << 20)
#define STATUSES   "schedkit.7" /* says what they mean */

/* ---- a page ----------------------------------------------------------- */

/* Returns only if there is no program for it. */
static int show_page(const struct opt_tool *tool, const char *page)
{
	static const char *const reader[][2] = {
		{"man", "-l"}, {"mman", "-l"}, {"mandoc", "-a"}};
	char *path = manual_path(page);
	int rc;

	for (size_t i = 0; path && i < ARRAY_LEN(reader); i++)
		execlp(reader[i][0], reader[i][0], reader[i][1], path,
		       (char *)NULL);
	rc = err_set(errno,
		     "no program to show '%s' with; install man-db or mandoc",
		     path ? path : page);
	free(path);
	return cli_fail(tool, rc);
}

/* ---- one thing -------------------------------------------------------- */

static char section_of(const char *page)
{
	return page[strlen(page) - 1];
}

/* Where such a thing is explained: an option with its tool, a status in one
 * place, all else with documents and ideas. */
static bool may_explain(const char *page, const char *word)
{
	if (isdigit((unsigned char)*word))
		return !strcmp(page, STATUSES);
	return (*word == '-') == (section_of(page) == '1');
}

/* The page's own, under its name; true: there is something. */
static bool put_items(const char *page, const char *source, const char *word)
{
	struct buf items;
	bool any;

	buf_init(&items, TEXT_BYTES);
	any = mdoc_items(&items, source, word) > 0;
	if (any)
		printf("%.*s(%c)\n\n%s\n", (int)strlen(page) - 2, page,
		       section_of(page), items.data);
	buf_release(&items);
	return any;
}

static bool show_items(const struct strs *pages, const char *word)
{
	struct buf source;
	bool any = false;

	buf_init(&source, MANUAL_PAGE_BYTES);
	for (size_t i = 0; i < pages->len; i++) {
		const char *page = pages->v[i];

		if (!may_explain(page, word))
			continue;
		buf_reset(&source);
		if (manual_read(page, &source) == 0)
			any |= put_items(page, source.data, word);
	}
	buf_release(&source);
	return any;
}

/* ---- words ------------------------------------------------------------ */

struct found {
	const char *page;
	char *purpose;
	size_t lines;
	bool named; /* its name or purpose has them */
};

static bool look_into(const char *page, const char *words, struct found *f)
{
	struct buf source, text;

	*f = (struct found){.page = page};
	buf_init(&source, MANUAL_PAGE_BYTES);
	buf_init(&text, TEXT_BYTES);
	if (manual_read(page, &source) == 0) {
		mdoc_text(&text, source.data);
		f->purpose = mdoc_purpose(source.data);
		f->lines = mdoc_mentions(text.len ? text.data : "", words);
		f->named = strcasestr(page, words) ||
			   strcasestr(f->purpose, words);
	}
	buf_release(&text);
	buf_release(&source);
	if (f->lines)
		return true;
	free(f->purpose);
	return false;
}

static int by_weight(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->named != y->named)
		return x->named ? -1 : 1;
	if (x->lines != y->lines)
		return x->lines > y->lines ? -1 : 1;
	return strcmp(x->page, y->page);
}

static void put_found(struct found *f, size_t n)
{
	struct table *t = table_new();

	table_column(t, "page", TABLE_LEFT);
	table_column(t, "lines", TABLE_RIGHT);
	table_column(t, "what it is about", TABLE_WRAP);
	for (size_t i = 0; i < n; i++) {
		table_cell(t, "%.*s(%c)", (int)strlen(f[i].page) - 2, f[i].page,
			   section_of(f[i].page));
		table_cell(t, "%zu", f[i].lines);
		table_cell(t, "%s", f[i].purpose);
		free(f[i].purpose);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static bool show_mentions(const struct strs *pages, const char *words)
{
	struct found *f = mem_zalloc(pages->len + 1, sizeof(*f));
	size_t n = 0;

	for (size_t i = 0; i < pages->len; i++)
		n += look_into(pages->v[i], words, &f[n]);
	qsort(f, n, sizeof(*f), by_weight);
	if (n)
		put_found(f, n);
	free(f);
	return n > 0;
}

/* ---- all -------------------------------------------------------------- */

int help_show(const struct opt_tool *tool, const char *what)
{
	char *page = manual_find(what);
	struct strs pages = {0};
	bool any;

	if (page) {
		int status = show_page(tool, page);

		free(page);
		return status;
	}
	manual_pages(&pages);
	any = *what &&
	      (show_items(&pages, what) || show_mentions(&pages, what));
	strs_release(&pages);
	if (!any)
		cli_usage(tool,
			  "no manual page '%s', and none that says anything of "
			  "it; 'sched' lists the tools",
			  what);
	return cli_finish(tool, CLI_YES);
}
