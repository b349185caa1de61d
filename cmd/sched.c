/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched TOOL … runs sched-TOOL …; alone it is the prompt, or says which tools
 * there are. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strs.h"
#include "cmd/cli.h"
#include "cmd/help.h"
#include "repl/tools.h"
#include "term/text.h"

#define PREFIX	 "sched-"
#define MAX_HELP 4096

static const char *command;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "command",
	 .arg = "LINE",
	 .help = "do what a line of the prompt says",
	 .target = &command},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched",
	.purpose = "run a schedkit tool, or a prompt for all of them",
	.synopsis = "[-c LINE | TOOL [ARGUMENT...] | help [PAGE | WORD]]",
	.options = options,
	.epilogue = "'sched observe ...' runs 'sched-observe ...'; alone on a "
		    "terminal\nsched is a prompt, with lines on standard input "
		    "it does what they say,\nwithout it lists the tools.",
};

/* The first line of --help is "NAME - PURPOSE". */
static char *purpose_of(const char *path)
{
	struct strs argv = {0};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	const char *line, *dash;
	struct buf out;
	char *purpose;
	int rc;

	strs_add(&argv, path);
	strs_add(&argv, "--help");
	buf_init(&out, MAX_HELP);
	spec.argv = argv.v;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.out_fd = -1;
	spec.timeout_s = 5;
	rc = proc_run(&spec, &res);
	strs_release(&argv);
	if (rc < 0 || res.exit_status != 0 || !out.data) {
		buf_release(&out);
		return mem_strdup("does not answer --help");
	}
	line = out.data;
	dash = strstr(line, " - ");
	line = dash ? dash + 3 : line;
	purpose = mem_strndup(line, strcspn(line, "\n"));
	buf_release(&out);
	return purpose;
}

static int list_tools(void)
{
	struct strs names = {0};
	struct table *t;
	int rc = tools_list(&names);

	if (rc < 0)
		return cli_fail(&tool, rc);
	t = table_new();
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	for (size_t i = 0; i < names.len; i++) {
		char *path = tools_find(names.v[i]);
		char *purpose =
			path ? purpose_of(path) : mem_strdup("cannot be found");

		table_cell(t, "sched %s", names.v[i]);
		table_cell(t, "%s", purpose);
		free(purpose);
		free(path);
	}
	table_cell(t, "sched help WORD");
	table_cell(t, "a page of the manual, or what it says of a word");
	cli_table(t, text_columns(STDOUT_FILENO));
	strs_release(&names);
	return CLI_YES;
}

static int run_tool(const char *name, char **argv)
{
	char *file, *path;
	int rc;

	if (!tools_is_name(name))
		cli_usage(&tool, "'%s' is no name of a tool", name);
	path = tools_find(name);
	if (!path)
		cli_usage(&tool, "unknown tool '%s'; 'sched' lists the tools",
			  name);
	file = mem_printf(PREFIX "%s", name);
	argv[0] = file;
	execv(path, argv);
	rc = err_set(errno, "cannot run '%s': %s", path, strerror(errno));
	free(file);
	free(path);
	return cli_fail(&tool, rc);
}

/* ---- the prompt ------------------------------------------------------- */

/*
 * Somebody types, or there are lines to read.  What is started without input
 * gets the list: its standard input is /dev/null, closed, or has ended.
 */
static bool has_lines(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	struct stat st;
	int waiting = 0;

	if (isatty(STDIN_FILENO))
		return isatty(STDOUT_FILENO);
	if (fstat(STDIN_FILENO, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode))
		return st.st_size > lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
		return false;
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	return ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting > 0;
}

/* It is a program of its own: no tool is to be linked with readline. */
static int run_prompt(void)
{
	char *path = path_libexec("repl");
	int rc;

	execl(path, tool.name, command ? "-c" : NULL, command, (char *)NULL);
	rc = err_set(errno, "cannot run '%s': %s", path, strerror(errno));
	free(path);
	return cli_fail(&tool, rc);
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv);
	int left = argc - first;

	if (command && left)
		cli_usage(&tool, "option -c: '%s' is not expected behind LINE",
			  argv[first]);
	if (command || (left == 0 && has_lines()))
		return run_prompt();
	if (left == 0)
		return cli_finish(&tool, list_tools());
	if (strcmp(argv[first], "help") != 0)
		return run_tool(argv[first], argv + first);
	if (left > 2)
		cli_usage(&tool, "'help' takes one page, or words in quotes");
	return help_show(&tool, left == 2 ? argv[first + 1] : "schedkit");
}
