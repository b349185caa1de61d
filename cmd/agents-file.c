/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents file: versioned files of an agent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/keeper/content.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "cmd/agents-store.h"
#include "cmd/agents.h"
#include "history/file.h"
#include "term/num.h"
#include "term/text.h"

#define NO_REVISION (-1)

static struct {
	const char *owner;
	long revision, after;
} arg = {.revision = 0, .after = NO_REVISION};

static const struct opt options[] = {
	AGENTS_STORE_OPTIONS,
	{.kind = OPT_STRING,
	 .letter = 'o',
	 .name = "owner",
	 .arg = "NAME",
	 .help = "file get, log, list: of this agent",
	 .target = &arg.owner},
	{.kind = OPT_LONG,
	 .name = "revision",
	 .arg = "N",
	 .help = "file get: this version, not the last",
	 .target = &arg.revision,
	 .min = 1,
	 .max = 1e9},
	{.kind = OPT_LONG,
	 .name = "after",
	 .arg = "N",
	 .help = "file put: only if N is the last version (0: none)",
	 .target = &arg.after,
	 .min = 0,
	 .max = 1e9},
	{.kind = OPT_END},
};

static const struct opt_tool file_tool = {
	.name = "sched-agents",
	.purpose = "versioned files of agents",
	.synopsis =
		"file [OPTION...] put NAME [FILE] | get NAME | list | log NAME "
		"| rollback NAME N | share NAME PATTERN | unshare NAME "
		"[PATTERN]",
	.operand = "put|get|list|log|rollback|share|unshare",
	.options = options,
	.mixed = true,
};

static const struct opt_tool *const tool = &file_tool;

static bool as_json(void)
{
	return cli_wants_json(agents_store_arg.json);
}

/* ---- put, rollback ----------------------------------------------------- */

/* Asks, and says which version it is now. */
static int change(struct json *payload)
{
	struct json *result;
	int status;

	result = agents_store_ask(tool, payload, &status);
	if (result && as_json())
		agents_put(result);
	else if (result)
		printf("version %.0f\n", agents_number(result, "version"));
	json_free(result);
	return status;
}

static int put(struct json *payload, int argc, char **argv)
{
	const char *file = argc > 1 ? argv[1] : "-";
	struct buf b;
	int rc;

	buf_init(&b, FILE_SIZE_MAX);
	rc = strcmp(file, "-") ? buf_read_file(&b, file)
			       : buf_read_fd(&b, STDIN_FILENO);
	if (rc == -EFBIG)
		rc = err_set(EFBIG, "a file has at most %u bytes: split it",
			     FILE_SIZE_MAX);
	if (!rc) {
		json_set_string(payload, "name", argv[0]);
		content_set(payload, b.data, b.len);
		if (arg.after != NO_REVISION)
			json_set_number(payload, "after", (double)arg.after);
	}
	buf_release(&b);
	if (!rc)
		return change(payload);
	json_free(payload);
	return cli_fail(tool, rc);
}

static int rollback(struct json *payload, int argc, char **argv)
{
	char *end;
	long n = strtol(argv[1], &end, 10);

	(void)argc;
	if (*end || n < 1)
		cli_usage(tool, "'%s' is no version", argv[1]);
	json_set_string(payload, "name", argv[0]);
	json_set_number(payload, "version", (double)n);
	return change(payload);
}

/* ---- get, list, log ---------------------------------------------------- */

static void put_owner(struct json *payload)
{
	if (arg.owner)
		json_set_string(payload, "owner", arg.owner);
}

static int get(struct json *payload, int argc, char **argv)
{
	struct json *result;
	struct buf b;
	int status, rc;

	(void)argc;
	json_set_string(payload, "name", argv[0]);
	put_owner(payload);
	if (arg.revision)
		json_set_number(payload, "version", (double)arg.revision);
	result = agents_store_ask(tool, payload, &status);
	if (!result)
		return status;
	/* The content itself, also into a pipe. */
	if (agents_store_arg.json) {
		agents_put(result);
	} else {
		buf_init(&b, FILE_SIZE_MAX);
		rc = content_get(result, &b);
		if (rc)
			status = cli_fail(tool, rc);
		else if (b.len)
			fwrite(b.data, 1, b.len, stdout);
		buf_release(&b);
	}
	json_free(result);
	return status;
}

static void put_version(struct table *t, const struct json *v)
{
	char num[NUM_LEN];

	table_cell(t, "%.0f", agents_number(v, "version"));
	agents_store_time(t, json_get(v, "time"));
	table_cell(t, "%s", num_bytes(num, agents_number(v, "bytes")));
}

static void version_columns(struct table *t)
{
	table_column(t, "version", TABLE_RIGHT);
	table_column(t, "time", TABLE_LEFT);
	table_column(t, "size", TABLE_RIGHT);
}

static void put_files(const struct json *files)
{
	struct table *t = table_new();

	table_column(t, "agent", TABLE_LEFT);
	table_column(t, "file", TABLE_LEFT);
	version_columns(t);
	table_column(t, "shared with", TABLE_WRAP);
	json_each (f, files) {
		struct buf with;

		buf_init(&with, 1 << 16);
		buf_puts(&with, "");
		json_each (s, json_get(f, "shares"))
			buf_printf(&with, "%s%s", with.len ? ", " : "",
				   json_text_at(s, "with"));
		table_cell(t, "%s", json_text_at(f, "owner"));
		table_cell(t, "%s", json_text_at(f, "name"));
		put_version(t, f);
		table_cell(t, "%s", with.data);
		buf_release(&with);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void put_log(const struct json *versions)
{
	struct table *t = table_new();

	version_columns(t);
	table_column(t, "content", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	json_each (v, versions) {
		put_version(t, v);
		table_cell(t, "%s", json_text_at(v, "blob"));
		if (json_get(v, "of"))
			table_cell(t, "is version %.0f",
				   agents_number(v, "of"));
		else
			table_cell(t, "%s", "");
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static int put_list(struct json *payload, const char *key,
		    void (*fn)(const struct json *all))
{
	struct json *result;
	int status;

	put_owner(payload);
	result = agents_store_ask(tool, payload, &status);
	if (!result)
		return status;
	if (as_json()) {
		json_each (v, json_get(result, key))
			agents_put(v);
	} else if (json_len(json_get(result, key))) {
		fn(json_get(result, key));
	}
	json_free(result);
	return status;
}

static int list(struct json *payload, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return put_list(payload, "files", put_files);
}

static int log_of(struct json *payload, int argc, char **argv)
{
	(void)argc;
	json_set_string(payload, "name", argv[0]);
	return put_list(payload, "versions", put_log);
}

/* ---- share ------------------------------------------------------------- */

static int share(struct json *payload, int argc, char **argv)
{
	struct json *result;
	int status;

	json_set_string(payload, "name", argv[0]);
	agents_store_share(payload, argc > 1 ? argv[1] : NULL);
	result = agents_store_ask(tool, payload, &status);
	if (result && as_json())
		agents_put(result);
	json_free(result);
	return status;
}

static const struct agents_verb verbs[] = {
	{"put", 1, 2, put},	      {"get", 1, 1, get},
	{"list", 0, 0, list},	      {"log", 1, 1, log_of},
	{"rollback", 2, 2, rollback}, {"share", 2, 2, share},
	{"unshare", 1, 2, share},     {NULL, 0, 0, NULL},
};

static int file(int argc, char **argv)
{
	return agents_store_run(tool, "storage", verbs, argc, argv);
}

const struct cli_command agents_file = {
	.name = "file",
	.purpose = "versioned files of an agent",
	.tool = &file_tool,
	.run = file,
};
