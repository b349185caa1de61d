/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-intent list and check: the rules, and what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/intents/intents.h"
#include "base/buf.h"
#include "base/mem.h"
#include "cmd/intent.h"
#include "cmd/note.h"
#include "term/text.h"

#define LINE_MAX_BYTES (1u << 20)

struct intent_arg intent_arg = {.folder = INTENT_FOLDER};

static const struct opt options[] = {
	INTENT_FOLDER_OPTION,
	INTENT_JSON_OPTION,
	{.kind = OPT_END},
};

static const struct opt_tool list_tool = {
	.name = "sched-intent",
	.purpose = "rules for tasks, as people declare them",
	.synopsis = "list [--dir DIR] [--json]",
	.options = options,
};

static const struct opt_tool check_tool = {
	.name = "sched-intent",
	.purpose = "rules for tasks, as people declare them",
	.synopsis = "check [--dir DIR] [--json] [FILE...]",
	.options = options,
	.mixed = true,
	.epilogue = "exit status: 0 all is well, 1 something is wrong",
};

void intent_say_problems(const struct opt_tool *tool, const struct json *v)
{
	json_each (p, json_get(v, "problems"))
		cli_note(tool, "%s", json_as_string(p, ""));
}

static char *match_text(const struct json *rule)
{
	struct buf b;

	buf_init(&b, LINE_MAX_BYTES);
	json_each (m, json_get(rule, "match"))
		buf_printf(&b, "%s%s %s", b.len ? ", " : "", json_key(m),
			   json_as_string(m, ""));
	return buf_take(&b);
}

void intent_show_rules(const struct json *rules)
{
	static const char *const titles[] = {"rule", "for", "sets", "until"};
	struct table *t = table_new();

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "written in", TABLE_WRAP);
	json_each (r, rules) {
		bool over = json_as_bool(json_get(r, "over"), false);
		char *match = match_text(r);

		table_cell(t, "%s", json_text_at(r, "name"));
		table_cell(t, "%s", match);
		table_cell(t, "%s", json_text_at(r, "sets"));
		table_cell(t, "%s%s", json_text_at(r, "until"),
			   over ? " (over)" : "");
		table_cell(t, "%s:%.0f", json_text_at(r, "file"),
			   json_as_number(json_get(r, "line"), 0));
		free(match);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static int run_list(int argc, char **argv)
{
	int at = cli_options(&list_tool, argc, argv), rc;
	const struct strs no_files = {0};
	struct json *body = NULL;

	if (at != argc)
		cli_usage(&list_tool, "'%s' is not expected", argv[at]);
	rc = intents_list(intent_arg.folder, &no_files, &body);
	if (rc)
		return cli_fail(&list_tool, rc);
	if (intent_arg.json)
		return cli_finish(&list_tool, note_put(&list_tool, body));
	if (json_len(json_path(body, "intent.rules"))) {
		intent_show_rules(json_path(body, "intent.rules"));
		note_line(json_text_at(body, "intent.policy.text"));
	} else {
		cli_note(&list_tool, "no rules in %s", intent_arg.folder);
	}
	intent_say_problems(&list_tool, json_get(body, "intent"));
	json_free(body);
	return cli_finish(&list_tool, CLI_YES);
}

static int run_check(int argc, char **argv)
{
	int at = cli_options(&check_tool, argc, argv), rc;
	struct json *body = NULL;
	struct strs files = {0};
	int status;

	for (; at < argc; at++)
		strs_add(&files, argv[at]);
	rc = intents_list(intent_arg.folder, &files, &body);
	strs_release(&files);
	if (rc)
		return cli_fail(&check_tool, rc);
	status =
		json_len(json_path(body, "intent.problems")) ? CLI_NO : CLI_YES;
	if (intent_arg.json) {
		rc = note_put(&check_tool, body);
		return cli_finish(&check_tool, rc ? rc : status);
	}
	intent_say_problems(&check_tool, json_get(body, "intent"));
	note_line(json_text_at(body, "text"));
	json_free(body);
	return cli_finish(&check_tool, status);
}

const struct cli_command intent_list = {
	.name = "list",
	.purpose = "the rules in their order",
	.tool = &list_tool,
	.run = run_list,
};

const struct cli_command intent_check = {
	.name = "check",
	.purpose = "say what is wrong with the rules, or with files",
	.tool = &check_tool,
	.run = run_check,
};
