/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says what this machine can do and what is missing, with the way to it; why
 * the kernel took a policy off; and what our own programs may do here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/doctor/doctor.h"
#include "agents/doctor/self.h"
#include "agents/triage/triage.h"
#include "base/mem.h"
#include "cmd/note.h"
#include "history/history.h"
#include "scx/dump.h"
#include "term/table.h"
#include "term/text.h"

static bool json, self, stall;
static const char *policy, *root;

static const struct opt options[] = {
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .target = &json,
	 .help = "write a note document"},
	{.kind = OPT_FLAG,
	 .name = "self",
	 .target = &self,
	 .help = "measure what the programs themselves may do"},
	{.kind = OPT_FLAG,
	 .letter = 's',
	 .name = "stall",
	 .target = &stall,
	 .help = "tell why the kernel took a policy off, by its dump in FILE, "
		 "or by its log"},
	{.kind = OPT_STRING,
	 .letter = 'p',
	 .name = "policy",
	 .arg = "ID",
	 .target = &policy,
	 .help = "with --stall: the policy that it was"},
	{.kind = OPT_STRING,
	 .letter = 'r',
	 .name = "root",
	 .arg = "DIR",
	 .target = &root,
	 .help = "look at the kernel whose /sys, /proc and /boot are in DIR"},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-doctor",
	.purpose = "what this machine can do and what is missing",
	.synopsis = "[--json] [--root DIR | --self] | --stall [--json] "
		    "[--policy ID] [FILE]",
	.options = options,
	.mixed = true,
};

/* ---- what is missing --------------------------------------------------- */

static void show_checks(const struct json *body)
{
	struct table *t = table_new();

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	json_each (row, json_get(body, "checks")) {
		const char *way = json_as_string(json_get(row, "way_out"), "");

		table_cell(t, "%s", json_as_string(json_get(row, "name"), ""));
		table_cell(t, "%s",
			   json_as_string(json_get(row, "status"), ""));
		table_cell(t, "%s", json_as_string(json_get(row, "text"), ""));
		if (!*way)
			continue;
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		table_cell(t, "way out: %s", way);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	putchar('\n');
	note_line(json_text_at(body, "text"));
}

static int examine(void)
{
	struct json *body = NULL;
	bool ready;
	int rc = doctor_examine(root, &body);

	if (rc)
		return cli_fail(&tool, rc);
	ready = json_as_bool(json_get(body, "ready"), false);
	if (json) {
		rc = note_put(&tool, body);
		if (rc)
			return rc;
	} else {
		show_checks(body);
		json_free(body);
	}
	return cli_finish(&tool, ready ? CLI_YES : CLI_CANNOT);
}

/* ---- what we may do ourselves ------------------------------------------ */

static void show_processes(const struct json *body)
{
	struct table *t = table_new();

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	json_each (row, json_get(body, "processes")) {
		table_cell(t, "%s", json_text_at(row, "name"));
		table_cell(t, "%s", json_text_at(row, "status"));
		table_cell(t, "%s", json_text_at(row, "text"));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	putchar('\n');
	note_line(json_text_at(body, "text"));
}

static int examine_self(void)
{
	struct json *body = NULL;
	int rc = doctor_self(&body), status;

	if (rc)
		return cli_fail(&tool, rc);
	status = !json_as_bool(json_get(body, "as_declared"), false) ? CLI_NO
		 : !json_as_bool(json_get(body, "measured"), false) ? CLI_CANNOT
								    : CLI_YES;
	if (json) {
		rc = note_put(&tool, body);
		if (rc)
			return rc;
	} else {
		show_processes(body);
		json_free(body);
	}
	return cli_finish(&tool, status);
}

/* ---- why it was taken off ---------------------------------------------- */

static void row(struct table *t, const char *name, const char *text)
{
	if (!*text)
		return;
	table_cell(t, "%s", name);
	table_cell(t, "%s", text);
}

static void show_causes(struct table *t, const struct json *found)
{
	const char *name = "likely";

	json_each (c, json_get(found, "causes")) {
		char *text = mem_printf("%s: %s", json_text_at(c, "cause"),
					json_text_at(c, "text"));

		row(t, name, text);
		free(text);
		json_each (e, json_get(c, "evidence")) {
			text = mem_printf(
				"line %d: %s",
				(int)json_as_number(json_get(e, "line"), 0),
				json_text_at(e, "text"));
			row(t, "", text);
			free(text);
		}
		row(t, "way out", json_text_at(c, "way_out"));
		name = "or";
	}
}

static char *value_text(const struct json *v)
{
	return v ? json_canonical(v) : mem_strdup("none");
}

static void show_change(struct table *t, const struct json *change)
{
	char *text;

	if (!change)
		return;
	text = mem_printf("%.12s '%s' against %.12s '%s': %s",
			  json_text_at(change, "policy"),
			  json_text_at(change, "title"),
			  json_text_at(change, "against"),
			  json_text_at(change, "against_title"),
			  json_text_at(change, "why"));
	row(t, "change", text);
	free(text);
	json_each (d, json_get(change, "differs")) {
		char *a = value_text(json_get(d, "a"));
		char *b = value_text(json_get(d, "b"));
		bool suspect = json_as_bool(json_get(d, "suspect"), false);

		text = mem_printf(
			"%s: %s -> %s%s", json_text_at(d, "path"), a, b,
			suspect ? "   <- brings such a thing about" : "");
		row(t, "", text);
		free(text);
		free(a);
		free(b);
	}
}

static void show_code(const char *code)
{
	while (*code) {
		size_t n = strcspn(code, "\n");
		char *line = mem_strndup(code, n);

		note_line(line);
		free(line);
		code += n + (code[n] == '\n');
	}
}

static void show_stall(const struct json *body)
{
	const struct json *v = json_get(body, "stall");
	const struct json *exit = json_get(v, "exit");
	struct table *t = table_new();
	char *text;

	note_line(json_text_at(body, "text"));
	putchar('\n');
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	text = mem_printf("%s%s%s", json_text_at(exit, "reason"),
			  *json_text_at(exit, "message") ? ": " : "",
			  json_text_at(exit, "message"));
	row(t, "exit", text);
	free(text);
	row(t, "policy", json_text_at(exit, "scheduler"));
	if (json_get(v, "task")) {
		text = mem_printf(
			"%s[%d]", json_text_at(v, "task.comm"),
			(int)json_as_number(json_path(v, "task.pid"), 0));
		row(t, "task", text);
		free(text);
	}
	row(t, "queue", json_text_at(v, "queue.name"));
	row(t, "may run on", json_text_at(v, "affinity.text"));
	show_causes(t, v);
	show_change(t, json_get(v, "change"));
	cli_table(t, text_columns(STDOUT_FILENO));
	show_code(json_text_at(v, "change.code"));
}

/* Privilege is for the kernel's log; what is in it is an outsider's, and the
 * history has text of models. */
static int without_privilege(const char *dir)
{
	int rc = history_become_owner(dir);

	return rc ? rc : triage_give_up();
}

static int explain(const char *file)
{
	char *dir = history_dir(NULL);
	struct json *body = NULL;
	int rc, status = CLI_YES;
	struct buf text;

	buf_init(&text, DUMP_MAX_BYTES);
	rc = triage_read(file, &text);
	if (!rc)
		rc = without_privilege(dir);
	if (!rc)
		rc = triage(text.data ? text.data : "", text.len, policy, dir,
			    &body);
	buf_release(&text);
	free(dir);
	if (rc < 0)
		return cli_fail(&tool, rc);
	if (!rc) {
		cli_note(&tool,
			 "no sched_ext scheduler was taken off, as far "
			 "as %s tells",
			 file ? "the input" : "the kernel's log");
		return CLI_NO;
	}
	if (json) {
		status = note_put(&tool, body);
	} else {
		show_stall(body);
		json_free(body);
	}
	return cli_finish(&tool, status);
}

int main(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv);

	if (!stall && at != argc)
		cli_usage(&tool, "no operands are taken without --stall");
	if (!stall && policy)
		cli_usage(&tool, "--policy goes with --stall");
	if (stall && root)
		cli_usage(&tool, "--root and --stall exclude each other");
	if (self && (stall || root))
		cli_usage(&tool, "--self goes with neither --stall nor --root");
	if (argc - at > 1)
		cli_usage(&tool, "one FILE at most");
	if (self)
		return examine_self();
	return stall ? explain(argv[at]) : examine();
}
