/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history note, revert, restore: words about a document. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/history.h"

#define TEXT_MAX (1u << 20)

static struct {
	const char *about, *why, *id;
	struct strs tags;
	char *text;
	bool restore;
} arg;

static const struct opt note_options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_STRING,
	 .name = "about",
	 .arg = "ID",
	 .help = "the document it is about",
	 .target = &arg.about},
	{.kind = OPT_LIST,
	 .letter = 't',
	 .name = "tag",
	 .arg = "WORD",
	 .help = "a word that it is found by",
	 .target = &arg.tags},
	{.kind = OPT_END},
};

static const struct opt_tool note_tool = {
	.name = "sched-history",
	.purpose = "record words about a document",
	.synopsis = "note [OPTION...] --about ID TEXT...",
	.options = note_options,
	.mixed = true,
};

static const struct opt why_options[] = {
	HISTORY_OPTIONS,
	HISTORY_WHY(&arg.why),
	{.kind = OPT_END},
};

static const struct opt_tool revert_tool = {
	.name = "sched-history",
	.purpose = "let a lesson count no longer",
	.synopsis = "revert [OPTION...] LESSON",
	.options = why_options,
	.mixed = true,
};

static const struct opt_tool restore_tool = {
	.name = "sched-history",
	.purpose = "let a reverted lesson count again",
	.synopsis = "restore [OPTION...] LESSON",
	.options = why_options,
	.mixed = true,
};

void history_put_note(const struct doc *d)
{
	if (cli_wants_json(history_arg.json)) {
		history_put(d);
		return;
	}
	printf("note %.*s: ", HISTORY_SHORT_ID, d->id);
	history_put_clean(json_text_at(d->body, "text"));
	putchar('\n');
}

/* ---- note -------------------------------------------------------------- */

static struct doc *make_note(const char *about)
{
	struct json *body = json_object();

	json_set_string(body, "text", arg.text);
	json_set_string(body, "about", about);
	if (arg.tags.len)
		json_set(body, "tags", json_strings(&arg.tags));
	return doc_new("note", note_tool.name, body, &about, 1);
}

static int note(struct history *h)
{
	struct doc *about, *d = NULL;
	int status = history_the(&note_tool, h, NULL, arg.about, &about);
	int rc = -EINVAL;

	if (!status) {
		d = make_note(about->id);
		if (d)
			rc = history_add(h, (const struct doc *const *)&d, 1);
		if (rc < 0)
			status = cli_fail(&note_tool, rc);
		else
			history_put_note(d);
	}
	doc_free(d);
	doc_free(about);
	return status;
}

/* Words that decide something are said by the commands that look first. */
static void check_tags(void)
{
	static const char *const ours[] = {"reverted", "restored", "promoted",
					   "demoted"};

	for (size_t i = 0; i < arg.tags.len; i++)
		for (size_t k = 0; k < ARRAY_LEN(ours); k++)
			if (!strcmp(arg.tags.v[i], ours[k]))
				cli_usage(&note_tool,
					  "option --tag: '%s' is for revert, "
					  "restore, promote and demote",
					  ours[k]);
}

static int run_note(int argc, char **argv)
{
	int at = history_operands(&note_tool, argc, argv, 1, -1), status;
	struct buf b;

	if (!arg.about)
		cli_usage(&note_tool, "say what it is about: --about ID");
	check_tags();
	buf_init(&b, TEXT_MAX);
	for (int i = at; i < argc; i++)
		buf_printf(&b, "%s%s", i > at ? " " : "", argv[i]);
	arg.text = buf_take(&b);
	status = history_with_write(&note_tool, note);
	free(arg.text);
	strs_release(&arg.tags);
	return status;
}

/* ---- revert, restore --------------------------------------------------- */

static int turn(struct history *h)
{
	const struct opt_tool *tool =
		arg.restore ? &restore_tool : &revert_tool;
	struct doc *lesson, *d = NULL;
	int status = history_the(tool, h, "lesson", arg.id, &lesson), rc;

	if (status)
		return status;
	rc = history_revert(h, lesson, arg.restore, arg.why, &d);
	if (rc < 0)
		status = cli_fail(tool, rc);
	else if (rc)
		cli_note(tool, "lesson %.*s %s already", HISTORY_SHORT_ID,
			 lesson->id, arg.restore ? "counts" : "is reverted");
	else
		history_put_note(d);
	doc_free(d);
	doc_free(lesson);
	return status;
}

static int run_turn(const struct opt_tool *tool, int argc, char **argv)
{
	int at = history_operands(tool, argc, argv, 1, 1);

	arg.id = argv[at];
	return history_with_write(tool, turn);
}

static int run_revert(int argc, char **argv)
{
	return run_turn(&revert_tool, argc, argv);
}

static int run_restore(int argc, char **argv)
{
	arg.restore = true;
	return run_turn(&restore_tool, argc, argv);
}

const struct cli_command history_note_command = {
	.name = "note",
	.purpose = "record words about a document",
	.tool = &note_tool,
	.run = run_note,
};

const struct cli_command history_revert_command = {
	.name = "revert",
	.purpose = "let a lesson count no longer",
	.tool = &revert_tool,
	.run = run_revert,
};

const struct cli_command history_restore_command = {
	.name = "restore",
	.purpose = "let a reverted lesson count again",
	.tool = &restore_tool,
	.run = run_restore,
};
