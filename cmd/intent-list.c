/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-intent list and check: the rules, and what is wrong with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/intents.h"
#include "base/buf.h"
#include "base/mem.h"
#include "cmd/intent.h"
#include "doc/doc.h"
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

int intent_put_note(const struct opt_tool *tool, struct json *body, int status)
{
	struct doc *d = doc_new("note", tool->name, body, NULL, 0);
	char *line;

	if (!d)
		return cli_fail(tool, -EINVAL);
	line = doc_line(d);
	puts(line);
	free(line);
	doc_free(d);
	return status;
}

void intent_put_line(const char *s)
{
	struct buf out;

	buf_init(&out, LINE_MAX_BYTES);
	text_clean(&out, s, 0);
	puts(out.data ? out.data : "");
	buf_release(&out);
}

size_t intent_say_problems(const struct opt_tool *tool, const struct json *v)
{
	size_t n = 0;

	json_each (p, json_get(v, "problems")) {
		cli_note(tool, "%s", json_as_string(p, ""));
		n++;
	}
	return n;
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
		return cli_finish(&list_tool,
				  intent_put_note(&list_tool, body, CLI_YES));
	if (json_len(json_path(body, "intent.rules")))
		intent_show_rules(json_path(body, "intent.rules"));
	else
		cli_note(&list_tool, "no rules in %s", intent_arg.folder);
	intent_say_problems(&list_tool, json_get(body, "intent"));
	json_free(body);
	return cli_finish(&list_tool, CLI_YES);
}

static int run_check(int argc, char **argv)
{
	int at = cli_options(&check_tool, argc, argv), rc;
	struct json *body = NULL;
	struct strs files = {0};
	size_t wrong;

	for (; at < argc; at++)
		strs_add(&files, argv[at]);
	rc = intents_list(intent_arg.folder, &files, &body);
	strs_release(&files);
	if (rc)
		return cli_fail(&check_tool, rc);
	wrong = json_len(json_path(body, "intent.problems"));
	if (intent_arg.json) {
		rc = intent_put_note(&check_tool, body,
				     wrong ? CLI_NO : CLI_YES);
		return cli_finish(&check_tool, rc);
	}
	intent_say_problems(&check_tool, json_get(body, "intent"));
	intent_put_line(json_text_at(body, "text"));
	json_free(body);
	return cli_finish(&check_tool, wrong ? CLI_NO : CLI_YES);
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
