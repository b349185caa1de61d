/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents note: what an agent remembers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/agents-store.h"
#include "cmd/agents.h"
#include "term/text.h"

#define SHORT_ID 12
#define TEXT_MAX (1u << 20)

static struct {
	struct strs tags, features;
	const char *about;
	bool all;
} arg;

static const struct opt options[] = {
	AGENTS_STORE_OPTIONS,
	{.kind = OPT_LIST,
	 .letter = 't',
	 .name = "tag",
	 .arg = "WORD",
	 .help = "note: give it this tag; search, list: only with it",
	 .target = &arg.tags},
	{.kind = OPT_LIST,
	 .letter = 'f',
	 .name = "feature",
	 .arg = "NAME=X",
	 .help = "note: give it this number; search: what is near it",
	 .target = &arg.features},
	{.kind = OPT_STRING,
	 .name = "about",
	 .arg = "ID",
	 .help = "note add: the document it is about",
	 .target = &arg.about},
	{.kind = OPT_FLAG,
	 .name = "all",
	 .help = "note share, unshare: all there are and will be",
	 .target = &arg.all},
	{.kind = OPT_END},
};

static const struct opt_tool note_tool = {
	.name = "sched-agents",
	.purpose = "notes of agents",
	.synopsis = "note [OPTION...] add TEXT | search [WORD...] | list | "
		    "show ID | share ID PATTERN | unshare ID [PATTERN]",
	.operand = "add|search|list|show|share|unshare",
	.options = options,
	.mixed = true,
};

static const struct opt_tool *const tool = &note_tool;

/* ---- fields ------------------------------------------------------------ */

static void put_features(struct json *payload)
{
	struct json *v;

	if (!arg.features.len)
		return;
	v = json_set(payload, "features", json_object());
	for (size_t i = 0; i < arg.features.len; i++) {
		char *name = arg.features.v[i], *eq = strchr(name, '='), *end;
		double x = eq ? strtod(eq + 1, &end) : NAN;

		if (!eq || eq == name || end == eq + 1 || *end || !isfinite(x))
			cli_usage(tool, "option --feature: '%s' is not NAME=X",
				  name);
		*eq = '\0';
		json_set_number(v, name, x);
	}
}

static void put_words(struct json *payload, int argc, char **argv)
{
	struct buf b;

	if (!argc)
		return;
	buf_init(&b, TEXT_MAX);
	for (int i = 0; i < argc; i++)
		buf_printf(&b, "%s%s", i ? " " : "", argv[i]);
	json_set_string(payload, "text", b.data);
	buf_release(&b);
}

/* Prints the result as JSON, unless it is for a person; 0: done. */
static bool put_json(const struct json *result)
{
	if (!cli_wants_json(agents_store_arg.json))
		return false;
	agents_put(result);
	return true;
}

/* ---- verbs ------------------------------------------------------------- */

static int add(struct json *payload, int argc, char **argv)
{
	struct json *result;
	struct buf b;
	int status;

	put_words(payload, argc, argv);
	if (argc == 1 && !strcmp(argv[0], "-")) {
		buf_init(&b, TEXT_MAX);
		if (buf_read_fd(&b, STDIN_FILENO))
			cli_usage(tool, "standard input is no note");
		json_set_string(payload, "text", b.len ? b.data : "");
		buf_release(&b);
	}
	if (arg.tags.len)
		json_set(payload, "tags", json_strings(&arg.tags));
	put_features(payload);
	if (arg.about)
		json_set_string(payload, "about", arg.about);
	result = agents_store_ask(tool, payload, &status);
	if (result && !put_json(result))
		printf("%s\n", json_text_at(result, "id"));
	json_free(result);
	return status;
}

static void put_table(const struct json *notes)
{
	struct table *t = table_new();

	table_column(t, "time", TABLE_LEFT);
	table_column(t, "id", TABLE_LEFT);
	table_column(t, "agent", TABLE_LEFT);
	table_column(t, "note", TABLE_WRAP);
	json_each (n, notes) {
		agents_store_time(t, json_get(n, "time"));
		table_cell(t, "%.*s", SHORT_ID, json_text_at(n, "id"));
		table_cell(t, "%s", json_text_at(n, "agent"));
		table_cell(t, "%s", json_text_at(n, "text"));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static int find(struct json *payload)
{
	const struct json *notes;
	struct json *result;
	int status;

	if (arg.tags.len > 1)
		cli_usage(tool, "search and list take one --tag");
	if (arg.tags.len)
		json_set_string(payload, "tag", arg.tags.v[0]);
	result = agents_store_ask(tool, payload, &status);
	if (!result)
		return status;
	notes = json_get(result, "notes");
	if (cli_wants_json(agents_store_arg.json)) {
		json_each (n, notes)
			agents_put(n);
	} else if (json_len(notes)) {
		put_table(notes);
	}
	if (!json_len(notes)) {
		cli_note(tool, "no note is found");
		status = CLI_NO;
	}
	json_free(result);
	return status;
}

static int search(struct json *payload, int argc, char **argv)
{
	put_words(payload, argc, argv);
	put_features(payload);
	return find(payload);
}

static int list(struct json *payload, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return find(payload);
}

static int show(struct json *payload, int argc, char **argv)
{
	struct json *result;
	int status;

	(void)argc;
	json_set_string(payload, "verb", "get");
	json_set_string(payload, "id", argv[0]);
	result = agents_store_ask(tool, payload, &status);
	if (result && !put_json(json_get(result, "note"))) {
		struct buf b;

		buf_init(&b, TEXT_MAX);
		text_clean(&b, json_text_at(result, "note.text"), 0);
		printf("%s\n", b.len ? b.data : "");
		buf_release(&b);
	}
	json_free(result);
	return status;
}

/* ID and the pattern; with --all the pattern alone. */
static int share(struct json *payload, int argc, char **argv)
{
	bool off = !strcmp(json_text_at(payload, "verb"), "unshare");
	struct json *result;
	int status;

	if (arg.all) {
		json_set_bool(payload, "all", true);
	} else if (argc) {
		json_set_string(payload, "id", argv[0]);
		argc--;
		argv++;
	} else {
		cli_usage(tool, "which note? give its id, or --all");
	}
	if (argc > 1 || (!argc && !off))
		cli_usage(tool, argc ? "too many arguments"
				     : "share with whom? give a pattern");
	agents_store_share(payload, argc ? argv[0] : NULL);
	result = agents_store_ask(tool, payload, &status);
	if (result && cli_wants_json(agents_store_arg.json))
		agents_put(result);
	json_free(result);
	return status;
}

static const struct agents_verb verbs[] = {
	{"add", 1, -1, add},	{"search", 0, -1, search},
	{"list", 0, 0, list},	{"show", 1, 1, show},
	{"share", 0, 2, share}, {"unshare", 0, 2, share},
	{NULL, 0, 0, NULL},
};

static int note(int argc, char **argv)
{
	return agents_store_run(tool, "memory", verbs, argc, argv);
}

const struct cli_command agents_note = {
	.name = "note",
	.purpose = "what an agent remembers",
	.tool = &note_tool,
	.run = note,
};
