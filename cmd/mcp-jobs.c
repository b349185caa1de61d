/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-mcp jobs: what clients had run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/steward/jobs.h"
#include "base/clock.h"
#include "cmd/mcp.h"

static bool json;

static const struct opt options[] = {
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "write an object a line even on a terminal",
	 .target = &json},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-mcp",
	.purpose = MCP_PURPOSE,
	.synopsis = "jobs [--json]",
	.options = options,
};

static void show_json(const struct steward_job *j)
{
	struct json *v = json_object();
	char *text;

	json_set_string(v, "job", j->id);
	json_set_string(v, "tool", steward_job_tool(j));
	json_set_string(v, "client", steward_job_client(j));
	json_set_string(v, "state", steward_job_word(j));
	json_set_number(v, "created", j->created);
	if (j->state == STEWARD_JOB_ENDED)
		json_set_number(v, "exit_status", j->exit_status);
	text = json_canonical(v);
	puts(text);
	free(text);
	json_free(v);
}

static void show_row(struct table *t, const struct steward_job *j)
{
	char when[CLOCK_TEXT_LEN];

	clock_text((time_t)j->created, when);
	table_cell(t, "%s", when);
	table_cell(t, "%s", steward_job_client(j));
	table_cell(t, "%s", steward_job_tool(j));
	table_cell(t, "%s", steward_job_word(j));
	table_cell(t, "%s", j->id);
}

static int run(int argc, char **argv)
{
	static const char *const titles[] = {"since", "client", "tool", "state",
					     "job"};
	char *dir = steward_jobs_dir();
	struct table *t = table_new();
	struct steward_job *all;
	size_t n;
	int rc;

	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "no operand is taken");
	rc = steward_jobs_read(dir, &all, &n);
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	for (size_t i = 0; i < n; i++) {
		if (cli_wants_json(json))
			show_json(&all[i]);
		else
			show_row(t, &all[i]);
		steward_job_release(&all[i]);
	}
	free(all);
	free(dir);
	if (cli_wants_json(json))
		table_free(t);
	else
		cli_table(t, 0);
	return cli_finish(&tool, rc ? cli_fail(&tool, rc) : CLI_YES);
}

const struct cli_command mcp_jobs = {
	.name = "jobs",
	.purpose = "what clients had run, and how it stands",
	.tool = &tool,
	.run = run,
};
