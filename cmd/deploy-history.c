/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched deploy history: what was deployed on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/past.h"
#include "base/mem.h"
#include "cmd/deploy.h"
#include "term/num.h"
#include "term/text.h"

static struct {
	long max;
	bool all;
} arg = {.max = 20};

static const struct opt options[] = {
	DEPLOY_JSON,
	{.kind = OPT_LONG,
	 .letter = 'n',
	 .name = "max",
	 .arg = "N",
	 .help = "history: at most so many deployments (20)",
	 .target = &arg.max,
	 .min = 0,
	 .max = PAST_MAX},
	{.kind = OPT_FLAG,
	 .letter = 'a',
	 .name = "all",
	 .help = "history: of all machines that the history knows of",
	 .target = &arg.all},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "what was deployed on this machine, newest first",
	.synopsis = "history [OPTION...]",
	.options = options,
	.mixed = true,
};

/* An attachment that nobody has ended is in force, or its holder was killed. */
static const char *state_of(const struct deployment *d,
			    const struct json *holder)
{
	const struct json *b = deployment_doc(d)->body;

	if (d->end)
		return json_text_at(b, "state");
	return !strcmp(json_text_at(holder, "policy"),
		       json_text_at(b, "policy")) &&
			       !strcmp(json_text_at(holder, "since"),
				       json_text_at(b, "since"))
		       ? "attached"
		       : "lost";
}

static void put_row(struct table *t, const struct deployment *d,
		    const struct json *holder)
{
	const struct doc *doc = deployment_doc(d);
	const struct json *b = doc->body;
	const char *since = json_text_at(b, "since");
	const char *state = state_of(d, holder);
	double held = json_as_number(json_get(b, "held_us"), -1);
	char num[NUM_LEN] = "";

	table_cell(t, "%s", *since ? since : json_text_at(doc->env, "time"));
	table_cell(t, "%s", json_text_at(b, "title"));
	table_cell(t, "%.12s", json_text_at(b, "policy"));
	table_cell(t, "%s", json_text_at(b, "target"));
	table_cell(t, "%s", state);
	table_cell(t, "%s", held >= 0 ? num_us(num, held) : "");
	table_cell(t, "%s",
		   strcmp(state, "lost") ? json_text_at(b, "why")
		   : json_as_bool(json_get(b, "pinned"), false)
			   ? "it was pinned, and is in force no more"
			   : "its holder was killed");
}

static void put_table(const struct past *p)
{
	static const char *const titles[] = {"since", "policy", "id", "on",
					     "state"};
	struct json *holder = deploy_holder();
	struct table *t = table_new();
	long left = arg.max;

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "held", TABLE_RIGHT);
	table_column(t, "why", TABLE_WRAP);
	for (size_t i = p->of.n; i-- > 0 && left-- > 0;)
		put_row(t, &p->of.v[i], holder);
	cli_table(t, text_columns(STDOUT_FILENO));
	json_free(holder);
}

static void put_doc(const struct doc *d)
{
	char *line = doc_line(d);

	puts(line);
	free(line);
}

static void put_docs(const struct past *p)
{
	long left = arg.max;

	for (size_t i = p->of.n; i-- > 0 && left-- > 0;) {
		if (p->of.v[i].end)
			put_doc(p->of.v[i].end);
		if (p->of.v[i].begin)
			put_doc(p->of.v[i].begin);
	}
}

static int run(int argc, char **argv)
{
	int status = CLI_YES, rc;
	struct past p;

	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	rc = past_deployments(arg.all, NULL, &p);
	if (rc) {
		status = cli_fail(&tool, rc);
	} else if (!p.of.n) {
		cli_note(&tool, "nothing was deployed yet");
		status = CLI_NO;
	} else if (cli_wants_json(deploy_json)) {
		put_docs(&p);
	} else {
		put_table(&p);
	}
	past_deployments_release(&p);
	return status;
}

const struct cli_command deploy_history_command = {
	.name = "history",
	.purpose = "what was deployed on this machine, newest first",
	.tool = &tool,
	.run = run,
};
