/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile in, a plan and policies out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/planner.h"
#include "base/err.h"
#include "cmd/cli.h"
#include "doc/stream.h"
#include "policy/form.h"
#include "policy/policy.h"
#include "term/progress.h"
#include "term/text.h"

static struct {
	const char *backend;
	long count, seed, runs;
	bool json, list_params;
} arg = {.backend = "builtin", .count = 4, .seed = 1, .runs = 1000};

static const struct opt options[] = {
	{.kind = OPT_LONG,
	 .letter = 'n',
	 .name = "count",
	 .arg = "N",
	 .help = "propose N policies (4)",
	 .target = &arg.count,
	 .min = 1,
	 .max = PLANNER_MAX},
	{.kind = OPT_LONG,
	 .letter = 's',
	 .name = "seed",
	 .arg = "N",
	 .help = "of the search: the same seed proposes the same (1)",
	 .target = &arg.seed,
	 .min = 0,
	 .max = 9007199254740991.0},
	{.kind = OPT_STRING,
	 .letter = 'b',
	 .name = "backend",
	 .arg = "NAME",
	 .help = "who proposes: builtin (rules, then a search in "
		 "the simulator) or rules",
	 .target = &arg.backend},
	{.kind = OPT_LONG,
	 .name = "runs",
	 .arg = "N",
	 .help = "about how many runs the search simulates (1000)",
	 .target = &arg.runs,
	 .min = 8,
	 .max = 1000000},
	{.kind = OPT_FLAG,
	 .name = "list-params",
	 .help = "print the template's parameters and exit",
	 .target = &arg.list_params},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "documents, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-synth",
	.purpose = "propose scheduling policies for a profile",
	.synopsis = "[-n N] [-s SEED] [-b NAME] [-j] < DOCUMENTS",
	.options = options,
	.epilogue = "exit status: 0 done, 2 usage, 3 no profile or a bad line",
};

/* ---- tables for people ------------------------------------------------ */

static void show(struct table *t)
{
	cli_table(t, isatty(STDOUT_FILENO) ? text_columns(STDOUT_FILENO) : 0);
}

static void show_values(struct table *t, const struct param *p)
{
	struct buf all;

	if (p->kind == PARAM_NUMBER) {
		table_cell(t, "%u to %u", p->min, p->max);
		table_cell(t, "%u", p->dflt);
		return;
	}
	if (p->kind == PARAM_SWITCH) {
		table_cell(t, "true, false");
		table_cell(t, "%s", p->dflt ? "true" : "false");
		return;
	}
	buf_init(&all, 1024);
	for (size_t i = 0; p->choices[i]; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", p->choices[i]);
	table_cell(t, "%s", all.data);
	table_cell(t, "%s", p->choices[p->dflt]);
	buf_release(&all);
}

static void show_params(void)
{
	struct table *t = table_new();

	table_column(t, "parameter", TABLE_LEFT);
	table_column(t, "axis", TABLE_LEFT);
	table_column(t, "values", TABLE_WRAP);
	table_column(t, "default", TABLE_LEFT);
	table_column(t, "meaning", TABLE_WRAP);
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];

		table_cell(t, "%s", p->name);
		table_cell(t, "%s", p->axis);
		show_values(t, p);
		table_cell(t, "%s", p->help);
	}
	show(t);
}

static void show_plan(const struct doc *plan, struct doc *const *policies,
		      size_t n)
{
	struct table *text = table_new(), *t = table_new();

	table_column(text, "", TABLE_WRAP);
	table_cell(text, "%s",
		   json_as_string(json_get(plan->body, "text"), ""));
	show(text);
	putchar('\n');
	table_column(t, "policy", TABLE_LEFT);
	table_column(t, "title", TABLE_LEFT);
	table_column(t, "what it sets", TABLE_WRAP);
	for (size_t i = 0; i < n; i++) {
		const struct json *body = policies[i]->body;
		char *params = policy_text(body);

		table_cell(t, "%.12s", policies[i]->id);
		table_cell(t, "%s",
			   json_as_string(json_get(body, "title"), ""));
		table_cell(t, "%s", params);
		free(params);
	}
	show(t);
}

/* ---- the filter ------------------------------------------------------- */

/* Passes everything on; the last profile is the one to plan for. */
static const struct doc *read_profile(struct stream *s, int *status)
{
	const struct doc *d;
	int rc;

	while ((rc = stream_next(s, &d)) != 0) {
		if (rc == 1)
			continue;
		*status = cli_fail(&tool, rc);
		if (rc != -EINVAL)
			return NULL;
	}
	return stream_last(s, "profile");
}

static int emit(struct stream *s, struct doc *plan, struct doc **policies,
		size_t n)
{
	int rc = stream_emit(s, plan);

	for (size_t i = 0; i < n; i++) {
		int one = stream_emit(s, policies[i]);

		rc = rc ? rc : one;
	}
	return rc;
}

static void say_progress(void *p, long done, long all, double best)
{
	char words[96];

	snprintf(words, sizeof(words),
		 "simulated %ld of %ld runs, the best %.2f times EEVDF", done,
		 all, best);
	progress_words(p, words);
}

static int run(bool as_json)
{
	struct stream *s = stream_open(STDIN_FILENO,
				       as_json ? STDOUT_FILENO : -1, tool.name);
	struct planner_opts o = {
		.by = tool.name,
		.count = arg.count,
		.seed = (uint64_t)arg.seed,
		.runs = strcmp(arg.backend, "rules") ? arg.runs : 0,
		.cancel = &cli_stop,
	};
	struct progress p;
	struct doc *plan, *policies[PLANNER_MAX];
	const struct doc *profile;
	int status = CLI_YES, rc;
	size_t n;

	profile = read_profile(s, &status);
	if (!profile) {
		if (status == CLI_YES) {
			rc = err_set(ENODATA,
				     "no profile in the input; "
				     "'sched-observe -- COMMAND | sched-synth' "
				     "gives one");
			stream_emit_error(s, -rc, NULL);
			status = cli_fail(&tool, rc);
		}
		goto out;
	}
	cli_catch_stop();
	progress_init(&p, STDERR_FILENO);
	o.progress = p.on ? say_progress : NULL;
	o.progress_arg = &p;
	rc = planner_run(profile, &o, &plan, policies, &n);
	progress_clear(&p);
	if (rc == 0 && !as_json)
		show_plan(plan, policies, n);
	if (rc == 0)
		rc = emit(s, plan, policies, n);
	if (rc)
		status = cli_fail(&tool, rc);
out:
	stream_free(s);
	return status;
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv);

	if (first < argc)
		cli_usage(&tool, "'%s' is not expected", argv[first]);
	if (strcmp(arg.backend, "builtin") && strcmp(arg.backend, "rules"))
		cli_usage(&tool,
			  "there is no backend '%s'; builtin and rules are "
			  "there",
			  arg.backend);
	if (arg.list_params) {
		show_params();
		return cli_finish(&tool, CLI_YES);
	}
	return cli_finish(&tool, run(cli_wants_json(arg.json)));
}
