/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/mem.h"
#include "term/text.h"

#define TABLE_BYTES (16u << 20)

volatile sig_atomic_t cli_stop;

/* What an endpoint or a program said may be part of it: a terminal gets no
 * commands from these. */
static void say(const struct opt_tool *tool, const char *fmt, va_list ap)
{
	char *words = mem_vprintf(fmt, ap);
	struct buf clean;

	buf_init(&clean, TABLE_BYTES);
	text_clean(&clean, words, 0);
	fprintf(stderr, "%s: %s\n", tool->name, clean.len ? clean.data : "");
	buf_release(&clean);
	free(words);
}

int cli_options(const struct opt_tool *tool, int argc, char **argv)
{
	struct buf out;
	int first = 0, rc;

	child_hear_ends();
	buf_init(&out, 1 << 16);
	rc = opt_parse(tool, argc, argv, &first, &out);
	if (rc < 0)
		cli_usage(tool, "%s", err_text());
	if (rc == OPT_SHOWN) {
		fputs(out.data, stdout);
		exit(cli_finish(tool, CLI_YES));
	}
	buf_release(&out);
	return first;
}

void cli_usage(const struct opt_tool *tool, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(tool, fmt, ap);
	va_end(ap);
	fprintf(stderr, "usage: %s %s\n", tool->name, tool->synopsis);
	exit(CLI_USAGE);
}

int cli_fail(const struct opt_tool *tool, int rc)
{
	cli_note(tool, "%s", err_text());
	switch (-rc) {
	case EAGAIN:
	case EBUSY:
	case ETIMEDOUT:
	case EINTR:
		return CLI_LATER;
	default:
		return CLI_CANNOT;
	}
}

void cli_note(const struct opt_tool *tool, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(tool, fmt, ap);
	va_end(ap);
}

/* What write(2) says of what it writes to. */
static bool is_of_writing(int e)
{
	return e == ENOSPC || e == EDQUOT || e == EFBIG || e == EIO ||
	       e == EPIPE || e == EBADF || e == EROFS;
}

int cli_finish(const struct opt_tool *tool, int status)
{
	int before = errno;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* An earlier write may have failed: its reason is the last one there
	 * was, or nobody has kept it. */
	if (!errno && is_of_writing(before))
		errno = before;
	cli_note(tool, "cannot write standard output: %s",
		 errno ? strerror(errno) : "a part of it is lost");
	return CLI_CANNOT;
}

void cli_table(struct table *t, int columns)
{
	struct buf out;

	buf_init(&out, TABLE_BYTES);
	table_render(t, columns, &out);
	fputs(out.len ? out.data : "", stdout);
	buf_release(&out);
	table_free(t);
}

static void on_stop(int sig)
{
	(void)sig;
	cli_stop = 1;
}

void cli_catch_stop(void)
{
	struct sigaction sa = {.sa_handler = on_stop};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

bool cli_wants_json(bool json_option)
{
	return json_option || !isatty(STDOUT_FILENO);
}

/* ---- programs of several commands ------------------------------------- */

/* Where the values of options go that stand before the command: it reads them
 * again. */
static struct {
	bool flag;
	const char *text;
	struct strs list;
} unread;

/* Adds those of a tool to *all, which has *n, equal names once. */
static void add_options(struct opt **all, size_t *n, const struct opt_tool *of)
{
	struct opt *last;
	size_t k;

	for (const struct opt *o = of->options; o->kind != OPT_END; o++) {
		for (k = 0; k < *n && strcmp((*all)[k].name, o->name);)
			k++;
		if (k < *n)
			continue;
		*all = mem_realloc(*all, *n + 1, sizeof(**all));
		last = &(*all)[(*n)++];
		*last = *o;
		if (o->kind == OPT_LIST) {
			last->target = &unread.list;
		} else {
			last->kind = o->arg ? OPT_STRING : OPT_FLAG;
			last->target = o->arg ? (void *)&unread.text
					      : (void *)&unread.flag;
		}
	}
}

/* Options of the program and all commands; to be freed. */
static struct opt *all_options(const struct opt_tool *own,
			       const struct cli_command *const *commands,
			       size_t count)
{
	struct opt *all = NULL;
	size_t n = 0;

	if (own)
		add_options(&all, &n, own);
	for (size_t i = 0; i < count; i++)
		add_options(&all, &n, commands[i]->tool);
	all = mem_realloc(all, n + 1, sizeof(*all));
	all[n] = (struct opt){.kind = OPT_END};
	return all;
}

/* As --help and shells have them; to be freed. */
static struct opt_command *all_commands(
	const struct cli_command *const *commands, size_t count)
{
	struct opt_command *all = mem_zalloc(count + 1, sizeof(*all));

	for (size_t i = 0; i < count; i++)
		all[i] = (struct opt_command){commands[i]->name,
					      commands[i]->purpose};
	return all;
}

/* "COMMAND OPTION... REST..." of "OPTION... COMMAND REST...". */
static void command_first(char **argv, int at)
{
	char *command = argv[at];

	memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
	argv[1] = command;
}

/* The status of the command at argv[at]; -1: there is none of that name. */
static int run_command(const struct cli_command *const *commands, size_t count,
		       int argc, char **argv, int at)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(argv[at], commands[i]->name)) {
			command_first(argv, at);
			return cli_finish(commands[i]->tool,
					  commands[i]->run(argc - 1, argv + 1));
		}
	return -1;
}

/* The first operand, with everybody's options before it. */
static int first_operand(struct opt_tool *tool, const struct opt_tool *own,
			 const struct cli_command *const *commands,
			 size_t count, int argc, char **argv)
{
	struct opt *options = all_options(own, commands, count);
	struct opt_command *names = all_commands(commands, count);
	int at;

	tool->options = options;
	tool->commands = names;
	at = cli_options(tool, argc, argv);
	tool->options = NULL;
	tool->commands = NULL;
	free(names);
	free(options);
	strs_release(&unread.list);
	return at;
}

int cli_commands(const char *name, const char *purpose,
		 const struct cli_command *const *commands, size_t count,
		 int argc, char **argv)
{
	struct opt_tool tool = {
		.name = name,
		.purpose = purpose,
		.synopsis = "COMMAND [OPTION...] [ARGUMENT...]",
	};
	int at = first_operand(&tool, NULL, commands, count, argc, argv);
	int status;

	if (at >= argc)
		cli_usage(&tool, "say what to do; see %s --help", name);
	status = run_command(commands, count, argc, argv, at);
	if (status < 0)
		cli_usage(&tool, "unknown command '%s'", argv[at]);
	return status;
}

int cli_program(const struct cli_command *own,
		const struct cli_command *const *commands, size_t count,
		int argc, char **argv)
{
	struct opt_tool tool = *own->tool;
	int at = first_operand(&tool, own->tool, commands, count, argc, argv);
	int status;

	if (at >= argc || !strcmp(argv[at - 1], "--"))
		return cli_finish(own->tool, own->run(argc, argv));
	status = run_command(commands, count, argc, argv, at);
	if (status < 0)
		cli_usage(&tool,
			  "unknown command '%s' (a program to run stands after "
			  "--)",
			  argv[at]);
	return status;
}
