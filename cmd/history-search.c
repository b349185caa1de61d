/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history search: documents by their words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/history.h"
#include "history/catalog.h"
#include "term/text.h"

#define WORDS_MAX (64u << 10)

static struct {
	const char *kind;
	long max;
	char *words;
} arg = {.max = 20};

static const struct opt options[] = {
	HISTORY_OPTIONS,
	HISTORY_MAX(&arg.max),
	HISTORY_KIND(&arg.kind),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "documents that have these words, best first",
	.synopsis = "search [OPTION...] WORD...",
	.options = options,
	.mixed = true,
};

static void put_row(struct table *t, const struct catalog_item *i, double score)
{
	char when[CLOCK_TEXT_LEN];

	clock_text(i->time, when);
	table_cell(t, "%.2f", score);
	table_cell(t, "%s", when);
	table_cell(t, "%s", i->kind);
	table_cell(t, "%.*s", HISTORY_SHORT_ID, i->id);
	table_cell(t, "%s", i->what);
}

static struct table *new_table(void)
{
	struct table *t = table_new();

	table_column(t, "score", TABLE_RIGHT);
	table_column(t, "time", TABLE_LEFT);
	table_column(t, "kind", TABLE_LEFT);
	table_column(t, "id", TABLE_LEFT);
	table_column(t, "what", TABLE_WRAP);
	return t;
}

/* Prints what is still there; how many, at most arg.max. */
static int put_hits(struct history *h, const struct catalog *c,
		    const struct catalog_hit *hit, size_t n, struct table *t)
{
	int shown = 0;

	for (size_t i = 0; i < n && shown < arg.max; i++) {
		const struct catalog_item *item = catalog_at(c, hit[i].item);
		struct doc *d;
		int rc = history_read(h, item->kind, item->id, &d);

		if (rc == -ENOENT)
			continue;
		if (rc)
			return rc;
		if (t)
			put_row(t, item, hit[i].score);
		else
			history_put(d);
		doc_free(d);
		shown++;
	}
	return shown;
}

static int search(struct history *h)
{
	struct catalog *c = catalog_new(h);
	struct catalog_hit *hit = NULL;
	struct table *t = NULL;
	int rc = catalog_refresh(c);

	if (!rc) {
		hit = mem_zalloc(catalog_count(c) + 1, sizeof(*hit));
		if (!cli_wants_json(history_arg.json))
			t = new_table();
		rc = put_hits(h, c, hit,
			      catalog_search(c, arg.words, arg.kind, hit,
					     catalog_count(c)),
			      t);
	}
	if (t && rc > 0)
		cli_table(t, text_columns(STDOUT_FILENO));
	else
		table_free(t);
	free(hit);
	catalog_free(c);
	if (rc < 0)
		return cli_fail(&tool, rc);
	if (rc || !arg.max)
		return CLI_YES;
	cli_note(&tool, "nothing has these words");
	return CLI_NO;
}

static int run(int argc, char **argv)
{
	int at = history_operands(&tool, argc, argv, 1, -1), status;
	struct buf b;

	history_kind(&tool, arg.kind);
	buf_init(&b, WORDS_MAX);
	for (int i = at; i < argc; i++)
		buf_printf(&b, "%s ", argv[i]);
	arg.words = buf_take(&b);
	status = history_with(&tool, search);
	free(arg.words);
	return status;
}

const struct cli_command history_search_command = {
	.name = "search",
	.purpose = "documents that have these words, best first",
	.tool = &tool,
	.run = run,
};
