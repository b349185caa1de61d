/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-demand show: watch, foretell, and say how good that was. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/demand.h"
#include "cmd/note.h"
#include "learn/demand.h"
#include "term/text.h"

struct demander_opts demand_opts = {
	.every_s = 1,
	.lead_s = 3,
	.limits = {.max = -1, .leave = -1},
	.cancel = &cli_stop,
};
bool demand_json;

static double for_s = 60;

static const struct opt options[] = {
	{.kind = OPT_DOUBLE,
	 .letter = 'f',
	 .name = "for",
	 .arg = "S",
	 .help = "watch so long (60)",
	 .target = &for_s,
	 .min = 0.1,
	 .max = 1e9},
	DEMAND_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-demand",
	.purpose = "foretell what CPUs cgroups will want",
	.synopsis = "show [OPTION...] CGROUP...",
	.options = options,
	.mixed = true,
	.epilogue = "exit status: 0 it foretells one of them better than the "
		    "last value and\nthe last minute's mean do, 1 none, 2 "
		    "usage, 3 cannot",
};

static void said(void *unused, const char *line)
{
	(void)unused;
	cli_note(&tool, "%s", line);
}

struct strs demand_groups(const struct opt_tool *t, int at, int argc,
			  char **argv)
{
	struct strs groups = {0};

	if (at == argc)
		cli_usage(t, "name a cgroup");
	if (argc - at > DEMANDER_GROUPS_MAX)
		cli_usage(t, "more than %d cgroups", DEMANDER_GROUPS_MAX);
	if (demand_opts.lead_s > DEMAND_AHEAD_MAX * demand_opts.every_s)
		cli_usage(t, "--lead must not be more than %d times --every",
			  DEMAND_AHEAD_MAX);
	demand_opts.said = said;
	for (; at < argc; at++)
		strs_add(&groups, argv[at]);
	return groups;
}

static void cell(struct table *t, const struct json *v, const char *key,
		 int digits)
{
	const struct json *x = json_get(v, key);

	if (x)
		table_cell(t, "%.*f", digits, json_as_number(x, 0));
	else
		table_cell(t, "%s", "");
}

static void show(const struct json *groups)
{
	static const struct {
		const char *title, *key;
		int digits;
	} columns[] = {
		{"level", "level", 3},
		{"a minute", "trend_per_minute", 3},
		{"period s", "period_s", 1},
		{"soon", "forecast", 3},
		{"at most", "peak", 3},
		{"misses", "error", 3},
		{"last value", "error_last", 3},
		{"mean", "error_mean", 3},
	};
	struct table *t = table_new();

	table_column(t, "cgroup", TABLE_WRAP);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_column(t, columns[i].title, TABLE_RIGHT);
	table_column(t, "better", TABLE_LEFT);
	json_each (g, groups) {
		bool better = json_as_bool(json_get(g, "better"), false);

		table_cell(t, "%s", json_text_at(g, "cgroup"));
		for (size_t i = 0; i < ARRAY_LEN(columns); i++)
			cell(t, g, columns[i].key, columns[i].digits);
		table_cell(t, "%s", better ? "yes" : "no");
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

int demand_tell(const struct opt_tool *t, struct json *body)
{
	if (cli_wants_json(demand_json))
		return note_put(t, body);
	show(json_path(body, "demand.cgroups"));
	json_free(body);
	return CLI_YES;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), rc, told;
	struct strs groups = demand_groups(&tool, at, argc, argv);
	struct json *body;

	demand_opts.for_s = for_s;
	cli_catch_stop();
	rc = demander_show(&demand_opts, &groups, &body);
	strs_release(&groups);
	if (rc < 0)
		return cli_fail(&tool, rc);
	told = demand_tell(&tool, body);
	return cli_finish(&tool, told ? told : rc ? CLI_YES : CLI_NO);
}

const struct cli_command demand_show = {
	.name = "show",
	.purpose = "watch, foretell, and say how good that was",
	.tool = &tool,
	.run = run,
};
