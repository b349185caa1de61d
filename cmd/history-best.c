/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history best: the policies to use. */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/history.h"
#include "term/num.h"
#include "term/text.h"

static struct {
	const char *workload;
} arg;

static const struct opt options[] = {
	HISTORY_OPTIONS,
	HISTORY_WORKLOAD(&arg.workload),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "the best accepted policy of each workload",
	.synopsis = "best [OPTION...]",
	.options = options,
	.mixed = true,
};

/* An interval from one pair has no ends. */
static const char *ratio(char out[static NUM_LEN], const struct json *v)
{
	return json_type(v) == JSON_NUMBER
		       ? num_ratio(out, json_as_number(v, 0))
		       : "?";
}

static void best_row(struct table *t, const struct history_best *b)
{
	const struct json *v = b->verdict->body, *m, *goal = NULL;
	size_t n = json_len(json_get(v, "metrics"));
	char num[3][NUM_LEN];

	for (size_t i = 0; i < n && !goal; i++) {
		m = json_at(json_get(v, "metrics"), i);
		if (!json_as_bool(json_get(m, "guard"), false))
			goal = m;
	}
	table_cell(t, "%s", b->workload);
	table_cell(t, "%.*s", HISTORY_SHORT_ID,
		   json_as_string(json_get(v, "policy"), ""));
	table_cell(t, "%s",
		   b->policy ? json_as_string(
				       json_get(b->policy->body, "title"), "")
			     : "");
	table_cell(t, "%s", json_as_string(json_get(goal, "name"), ""));
	table_cell(t, "%s (%s to %s)", ratio(num[0], json_get(goal, "ratio")),
		   ratio(num[1], json_path(goal, "ci95.0")),
		   ratio(num[2], json_path(goal, "ci95.1")));
	table_cell(t, "%s, %s", json_as_string(json_get(v, "target"), ""),
		   json_as_string(json_get(v, "kernel"), ""));
}

static void put_best(const struct history_best *b, size_t n)
{
	static const char *const titles[] = {"workload", "policy", "title",
					     "metric"};
	struct table *t = table_new();

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "better", TABLE_RIGHT);
	table_column(t, "measured on", TABLE_LEFT);
	for (size_t i = 0; i < n; i++)
		best_row(t, &b[i]);
	cli_table(t, text_columns(STDOUT_FILENO));
}

static int best(struct history *h)
{
	struct history_best *b;
	size_t n;
	int rc = history_best(h, arg.workload, &b, &n);

	if (rc)
		return cli_fail(&tool, rc);
	if (n && !cli_wants_json(history_arg.json))
		put_best(b, n);
	for (size_t i = 0; i < n && cli_wants_json(history_arg.json); i++) {
		if (b[i].policy)
			history_put(b[i].policy);
		history_put(b[i].verdict);
	}
	history_best_free(b, n);
	if (n)
		return CLI_YES;
	cli_note(&tool, "no policy is accepted%s%s",
		 arg.workload ? " for " : "", arg.workload ? arg.workload : "");
	return CLI_NO;
}

static int run(int argc, char **argv)
{
	history_operands(&tool, argc, argv, 0, 0);
	return history_with(&tool, best);
}

const struct cli_command history_best_command = {
	.name = "best",
	.purpose = "the best accepted policy of each workload",
	.tool = &tool,
	.run = run,
};
