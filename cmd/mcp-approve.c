/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched-mcp approve: a person agrees to what a client asked for.  What is shown
 * are figures and ids; the question is put to a terminal, and nowhere else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/program/program.h"
#include "agents/steward/approve.h"
#include "agents/steward/result.h"
#include "base/clock.h"
#include "base/err.h"
#include "cmd/mcp.h"
#include "term/text.h"

static const struct opt options[] = {{.kind = OPT_END}};

static const struct opt_tool tool = {
	.name = "sched-mcp",
	.purpose = MCP_PURPOSE,
	.synopsis = "approve CODE",
	.options = options,
	.epilogue = "exit status: 0 agreed, 1 not, 3 there is no such code",
};

static void show(FILE *tty, const struct json *v)
{
	const struct json *args = json_get(v, "arguments");
	struct buf b;

	buf_init(&b, 1u << 16);
	buf_puts(&b, "Client '");
	text_clean(&b, json_text_at(v, "client"), 64);
	buf_puts(&b, "' asks to ");
	text_clean(&b, json_text_at(v, "tool"), 16);
	buf_puts(&b, ":\n");
	json_each (it, args) {
		char *text = json_canonical(it);

		buf_printf(&b, "  %-10s ", json_key(it));
		text_clean(&b, text, 80);
		buf_puts(&b, "\n");
		free(text);
	}
	fputs(b.data, tty);
	buf_release(&b);
}

/* What was measured, as the history has it. */
static void show_verdict(FILE *tty, const char *id)
{
	struct program_call c = {.program = "sched-history", .timeout_s = 30};
	struct program_answer a;
	const struct doc *d;
	struct buf b;

	strs_add(&c.args, "show");
	strs_add(&c.args, "--json");
	strs_add(&c.args, "--");
	strs_add(&c.args, id);
	buf_init(&b, 4096);
	buf_puts(&b, "The history does not have the verdict.");
	if (!program_run(&c, &a) && (d = stream_last(a.out, "verdict"))) {
		buf_reset(&b);
		buf_puts(&b, "The verdict: ");
		text_clean(&b, json_text_at(d->body, "decision"), 16);
		buf_puts(&b, ", ");
		steward_result_figure(d->body, &b);
	}
	fprintf(tty, "%s\n", b.data);
	program_answer_release(&a);
	strs_release(&c.args);
	buf_release(&b);
}

/* 1: yes, 0: no. */
static int ask(FILE *tty)
{
	char line[16];

	fputs("Let it change how this machine schedules? [y/N] ", tty);
	fflush(tty);
	if (!fgets(line, sizeof(line), tty))
		return 0;
	return !strcmp(line, "y\n") || !strcmp(line, "yes\n");
}

static int decide(const char *code, const struct json *v)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	const char *verdict;
	int rc, yes;

	if (!tty)
		return cli_fail(&tool,
				err_set(ENOTTY, "there is no terminal: only a "
						"person can agree"));
	show(tty, v);
	verdict = json_text_at(v, "arguments.verdict");
	if (*verdict)
		show_verdict(tty, verdict);
	yes = ask(tty);
	fclose(tty);
	rc = yes ? steward_approval_agree(code, (double)clock_wall())
		 : steward_approval_decline(code);
	if (rc)
		return cli_fail(&tool, rc);
	cli_note(&tool, "%s",
		 yes ? "agreed: the client can ask again within ten minutes"
		     : "not agreed");
	return yes ? CLI_YES : CLI_NO;
}

static int run(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv), rc;
	struct json *v;

	if (argc - first != 1)
		cli_usage(&tool, "one code is needed");
	rc = steward_approval_read(argv[first], (double)clock_wall(), &v);
	if (rc)
		return cli_fail(&tool, rc);
	rc = decide(argv[first], v);
	json_free(v);
	return cli_finish(&tool, rc);
}

const struct cli_command mcp_approve = {
	.name = "approve",
	.purpose = "agree, on a terminal, to what a client asked for",
	.tool = &tool,
	.run = run,
};
