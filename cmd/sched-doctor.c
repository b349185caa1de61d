/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what this machine can do and what is missing, with the way to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/doctor.h"
#include "cmd/cli.h"
#include "doc/doc.h"
#include "term/table.h"
#include "term/text.h"

static bool json;

static const struct opt options[] = {
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .target = &json,
	 .help = "write a note document"},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-doctor",
	.purpose = "what this machine can do and what is missing",
	.synopsis = "[--json]",
	.options = options,
};

static void show_table(const struct json *body)
{
	struct table *t = table_new();
	struct buf out;

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
	buf_init(&out, 1 << 16);
	table_render(t, text_columns(STDOUT_FILENO), &out);
	printf("%s\n%s\n", out.data ? out.data : "",
	       json_as_string(json_get(body, "text"), ""));
	buf_release(&out);
	table_free(t);
}

int main(int argc, char **argv)
{
	struct json *body;
	bool ready;

	if (cli_options(&tool, argc, argv) != argc)
		cli_usage(&tool, "no operands are taken");
	body = doctor_examine();
	ready = json_as_bool(json_get(body, "ready"), false);
	if (json) {
		struct doc *d = doc_new("note", tool.name, body, NULL, 0);
		char *line;

		if (!d)
			return cli_fail(&tool, -EINVAL);
		line = doc_line(d);
		puts(line);
		free(line);
		doc_free(d);
	} else {
		show_table(body);
		json_free(body);
	}
	return cli_finish(&tool, ready ? CLI_YES : CLI_CANNOT);
}
