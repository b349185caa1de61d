/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history best: the policies to use. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/history.h"
#include "history/state.h"
#include "term/num.h"
#include "term/text.h"

static struct {
	const char *workload, *state;
} arg;

static const struct opt options[] = {
	HISTORY_OPTIONS,
	HISTORY_WORKLOAD(&arg.workload),
	{.kind = OPT_STRING,
	 .name = "state",
	 .arg = "STATE",
	 .words = "candidate|canary|trusted|previous",
	 .help = "the one in this state: candidate, canary, trusted, previous",
	 .target = &arg.state},
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
	int rc = history_best(h, arg.workload, arg.state, &b, &n);

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
	cli_note(&tool, "no policy is %s%s%s%s",
		 arg.state ? arg.state : "accepted",
		 arg.workload ? " for " : "", arg.workload ? arg.workload : "",
		 arg.state ? ", or its latest verdict does not accept it" : "");
	return CLI_NO;
}

static bool is_state(const char *name)
{
	for (size_t i = 0; i < STATE_COUNT; i++) {
		if (!strcmp(name, state_names[i]))
			return true;
	}
	return false;
}

static int run(int argc, char **argv)
{
	history_operands(&tool, argc, argv, 0, 0);
	if (arg.state && !is_state(arg.state))
		cli_usage(&tool,
			  "'%s' is no state: candidate, canary, trusted or "
			  "previous",
			  arg.state);
	return history_with(&tool, best);
}

const struct cli_command history_best_command = {
	.name = "best",
	.purpose = "the best accepted policy of each workload",
	.tool = &tool,
	.run = run,
};
