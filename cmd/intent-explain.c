/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-intent explain: which rule is for a task, and why. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/intents/intents.h"
#include "base/mem.h"
#include "cmd/intent.h"
#include "cmd/note.h"
#include "term/text.h"

static const struct opt options[] = {
	INTENT_FOLDER_OPTION,
	INTENT_JSON_OPTION,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-intent",
	.purpose = "rules for tasks, as people declare them",
	.synopsis = "explain [--dir DIR] [--json] PID",
	.options = options,
	.mixed = true,
	.epilogue = "exit status: 0 a rule is for it, 1 none is",
};

static void show_because(struct table *t, const struct json *rule)
{
	json_each (b, json_get(rule, "because")) {
		const struct json *value = json_get(b, "value");

		table_cell(t, "%s", "because");
		if (json_type(value) == JSON_NUMBER)
			table_cell(t, "%s %s is number %.0f",
				   json_text_at(b, "key"),
				   json_text_at(b, "pattern"),
				   json_as_number(value, 0));
		else
			table_cell(t, "%s %s matches %s",
				   json_text_at(b, "key"),
				   json_text_at(b, "pattern"),
				   json_as_string(value, ""));
	}
}

static void show_also(struct table *t, const struct json *v)
{
	json_each (r, json_get(v, "also")) {
		bool over = json_as_bool(json_get(r, "over"), false);

		table_cell(t, "%s", over ? "over" : "also");
		table_cell(t, "[%s] of %s:%.0f matches%s: %s",
			   json_text_at(r, "name"), json_text_at(r, "file"),
			   json_as_number(json_get(r, "line"), 0),
			   over ? " and is past its time" : ", but comes later",
			   json_text_at(r, "sets"));
	}
}

static void show(const struct json *body)
{
	const struct json *v = json_get(body, "intent");
	const struct json *rule = json_get(v, "rule");
	struct table *t = table_new();

	note_line(json_text_at(body, "text"));
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	if (rule)
		show_because(t, rule);
	if (json_get(rule, "until")) {
		table_cell(t, "%s", "until");
		table_cell(t, "%s", json_text_at(rule, "until"));
	}
	show_also(t, v);
	table_cell(t, "%s", "in force");
	table_cell(t, "%s", json_text_at(v, "policy.text"));
	cli_table(t, text_columns(STDOUT_FILENO));
}

static pid_t number_of(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || *end || n < 1 || n > 1 << 22)
		cli_usage(&tool, "'%s' is no number of a task", s);
	return (pid_t)n;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), rc, status;
	struct json *body = NULL;

	if (argc - at != 1)
		cli_usage(&tool, "explain takes one PID");
	rc = intents_explain(intent_arg.folder, number_of(argv[at]), &body);
	if (rc)
		return cli_fail(&tool, rc);
	status = json_path(body, "intent.rule") ? CLI_YES : CLI_NO;
	if (intent_arg.json) {
		rc = note_put(&tool, body);
		return cli_finish(&tool, rc ? rc : status);
	}
	show(body);
	intent_say_problems(&tool, json_get(body, "intent"));
	json_free(body);
	return cli_finish(&tool, status);
}

const struct cli_command intent_explain = {
	.name = "explain",
	.purpose = "which rule is for a task, and why",
	.tool = &tool,
	.run = run,
};
