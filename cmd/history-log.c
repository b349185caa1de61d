/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history log: what was recorded. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/history.h"
#include "term/text.h"

#define LOG_UNSAID (-1)

static struct {
	const char *kind;
	long max;
} arg = {.max = LOG_UNSAID};

static const struct opt options[] = {
	HISTORY_OPTIONS,
	HISTORY_MAX(&arg.max),
	HISTORY_KIND(&arg.kind),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "what was recorded, newest first",
	.synopsis = "log [OPTION...]",
	.options = options,
	.mixed = true,
};

struct logger {
	struct history *h;
	struct table *t; /* NULL: documents */
	long left;
};

static void log_row(struct table *t, const struct history_entry *e)
{
	char when[CLOCK_TEXT_LEN];
	size_t skip = strlen(e->kind) + 2; /* "policy: " */

	clock_text(e->time, when);
	table_cell(t, "%s", when);
	table_cell(t, "%s", e->kind);
	table_cell(t, "%.*s", HISTORY_SHORT_ID, e->id);
	table_cell(t, "%s", strlen(e->subject) > skip ? e->subject + skip : "");
}

static int log_entry(const struct history_entry *e, void *a)
{
	struct logger *l = a;
	struct doc *d;
	int rc;

	if (arg.kind && strcmp(arg.kind, e->kind))
		return 0;
	if (!l->left)
		return 1;
	if (l->left > 0)
		l->left--;
	if (l->t) {
		log_row(l->t, e);
		return 0;
	}
	rc = history_read(l->h, e->kind, e->id, &d);
	if (rc)
		return rc;
	history_put(d);
	doc_free(d);
	return 0;
}

static int show_log(struct history *h)
{
	struct logger l = {.h = h, .left = arg.max};
	int rc;

	if (!cli_wants_json(history_arg.json)) {
		l.t = table_new();
		table_column(l.t, "time", TABLE_LEFT);
		table_column(l.t, "kind", TABLE_LEFT);
		table_column(l.t, "id", TABLE_LEFT);
		table_column(l.t, "what", TABLE_WRAP);
	}
	rc = history_log(h, log_entry, &l);
	if (l.t)
		cli_table(l.t, text_columns(STDOUT_FILENO));
	return rc < 0 ? cli_fail(&tool, rc) : CLI_YES;
}

static int run(int argc, char **argv)
{
	history_operands(&tool, argc, argv, 0, 0);
	history_kind(&tool, arg.kind);
	return history_with(&tool, show_log);
}

const struct cli_command history_log_command = {
	.name = "log",
	.purpose = "what was recorded, newest first",
	.tool = &tool,
	.run = run,
};
