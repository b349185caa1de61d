/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched TOOL … runs sched-TOOL …; alone it says which tools there are. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strs.h"
#include "cmd/cli.h"
#include "term/text.h"

#define PREFIX	 "sched-"
#define MAX_HELP 4096

static const struct opt options[] = {{.kind = OPT_END}};

static const struct opt_tool tool = {
	.name = "sched",
	.purpose = "run a schedkit tool",
	.synopsis = "[TOOL [ARGUMENT...] | help [PAGE]]",
	.options = options,
	.epilogue = "'sched observe ...' runs 'sched-observe ...'; without "
		    "arguments it lists the tools.",
};

/* Also what keeps a name from leaving the folder of the programs. */
static bool is_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) &&
		    !isdigit((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static int is_tool(const struct dirent *e)
{
	return strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 &&
	       is_name(e->d_name);
}

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
	char *dir = path_bin("");
	struct dirent **entry;
	struct table *t;
	int n = scandir(dir, &entry, is_tool, alphasort);

	if (n < 0) {
		int rc = err_set(errno, "cannot read '%s': %s", dir,
				 strerror(errno));

		free(dir);
		return cli_fail(&tool, rc);
	}
	t = table_new();
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	for (int i = 0; i < n; i++) {
		char *path = path_bin(entry[i]->d_name);
		char *purpose = purpose_of(path);

		table_cell(t, "sched %s", entry[i]->d_name + strlen(PREFIX));
		table_cell(t, "%s", purpose);
		free(purpose);
		free(path);
		free(entry[i]);
	}
	table_cell(t, "sched help TOOL");
	table_cell(t, "its manual page");
	cli_table(t, text_columns(STDOUT_FILENO));
	free(entry);
	free(dir);
	return CLI_YES;
}

/* The file of a page: "observe", "sched-observe", "schedkit", "policy". */
static char *find_page(const char *name)
{
	static const struct {
		const char *before;
		int section;
	} form[] = {{PREFIX, 1}, {"", 1}, {"", 7}, {"schedkit-", 5}, {"", 5}};

	for (size_t i = 0; i < ARRAY_LEN(form); i++) {
		char *rel = mem_printf("../share/man/man%d/%s%s.%d",
				       form[i].section, form[i].before, name,
				       form[i].section);
		char *path = path_bin(rel);

		free(rel);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static int show_page(const char *name)
{
	static const char *const reader[][2] = {
		{"man", "-l"}, {"mman", "-l"}, {"mandoc", "-a"}};
	char *path = is_name(name) ? find_page(name) : NULL;
	int rc;

	if (!path)
		cli_usage(&tool, "no manual page '%s'; 'sched' lists the tools",
			  name);
	for (size_t i = 0; i < ARRAY_LEN(reader); i++)
		execlp(reader[i][0], reader[i][0], reader[i][1], path,
		       (char *)NULL);
	rc = err_set(errno,
		     "no program to show '%s' with; install man-db or mandoc",
		     path);
	free(path);
	return cli_fail(&tool, rc);
}

static int run_tool(const char *name, char **argv)
{
	char *file, *path;
	int rc;

	if (!is_name(name))
		cli_usage(&tool, "'%s' is no name of a tool", name);
	file = mem_printf(PREFIX "%s", name);
	path = path_bin(file);
	if (access(path, F_OK) < 0) {
		free(file);
		free(path);
		cli_usage(&tool, "unknown tool '%s'; 'sched' lists the tools",
			  name);
	}
	argv[0] = file;
	execv(path, argv);
	rc = err_set(errno, "cannot run '%s': %s", path, strerror(errno));
	free(file);
	free(path);
	return cli_fail(&tool, rc);
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv);
	int left = argc - first;

	if (left == 0)
		return cli_finish(&tool, list_tools());
	if (strcmp(argv[first], "help") != 0)
		return run_tool(argv[first], argv + first);
	if (left > 2)
		cli_usage(&tool, "'help' takes one page");
	return show_page(left == 2 ? argv[first + 1] : "schedkit");
}
