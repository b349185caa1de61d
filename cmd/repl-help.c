/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: what there is, pages of the manual, and single options of them. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "cmd/note.h"
#include "cmd/repl.h"
#include "term/text.h"

#define PAGE_MAX  (1u << 20)
#define PAGE_TIME 20.0

static int list(struct repl *r)
{
	const char *words[] = {"sched", NULL};
	struct table *t = table_new();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), status;

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	for (const struct repl_word *w = repl_words; w->name; w++) {
		table_cell(t, "%s %s", w->name, w->args);
		table_cell(t, "%s", w->purpose);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	printf("and the tools, here without 'sched', in pipes with each other "
	       "and any program:\n");
	fflush(stdout);
	/* Without input it lists them. */
	status = repl_run_words(r, words, fd);
	if (fd >= 0)
		close(fd);
	return status;
}

/* ---- one option ------------------------------------------------------- */

/* The page, a letter typed over another for bold taken apart; NULL after
 * saying why not. */
static char *page_text(const char *page)
{
	char *program = path_bin("sched"), *columns;
	char *argv[] = {program, (char *)"help", (char *)page, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res = {0};
	struct buf out, plain;
	int rc;

	columns = mem_printf("%d", text_columns(STDOUT_FILENO));
	setenv("MANWIDTH", columns, 1);
	buf_init(&out, PAGE_MAX);
	spec.argv = argv;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.timeout_s = PAGE_TIME;
	spec.cancel = &repl_stop;
	rc = proc_run(&spec, &res);
	unsetenv("MANWIDTH");
	free(columns);
	free(program);
	if (rc < 0)
		cli_note(&repl_tool, "%s", err_text());
	buf_init(&plain, PAGE_MAX);
	for (size_t i = 0; i < out.len; i++) {
		if (out.data[i] == '\b' && plain.len)
			plain.data[--plain.len] = '\0';
		else
			buf_add(&plain, out.data + i, 1);
	}
	buf_release(&out);
	if (rc < 0 || res.exit_status || !plain.len) {
		buf_release(&plain);
		return NULL;
	}
	return buf_take(&plain);
}

static size_t indent_of(const char *line)
{
	return strspn(line, " ");
}

/* "-n, --count N": the line is about one of its options. */
static bool is_about(const char *line, const char *option)
{
	size_t len = strlen(option);
	const char *at = line;

	if (line[indent_of(line)] != '-')
		return false;
	while ((at = strstr(at, option))) {
		bool begins = at == line || strchr(" ,[", at[-1]);

		if (begins && (!at[len] || strchr(" ,=]\n", at[len])))
			return true;
		at += len;
	}
	return false;
}

/* Prints the paragraph; false: there is none. */
static bool put_paragraph(char *page, const char *option)
{
	size_t indent = 0;
	bool in = false;
	char *next;

	for (char *s = page; *s; s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		if (in && s[indent_of(s)] && indent_of(s) <= indent)
			return true;
		if (!in && is_about(s, option)) {
			in = true;
			indent = indent_of(s);
		}
		if (in)
			note_line(s);
	}
	return in;
}

static int show_option(const char *page, const char *option)
{
	char *text = page_text(page), *full;
	bool found;

	if (!text) {
		cli_note(&repl_tool, "no manual page '%s'", page);
		return CLI_CANNOT;
	}
	full = *option == '-'
		       ? mem_strdup(option)
		       : mem_printf("-%s%s", option[1] ? "-" : "", option);
	found = put_paragraph(text, full);
	if (!found)
		cli_note(&repl_tool, "the page '%s' has no option '%s'", page,
			 full);
	free(full);
	free(text);
	return found ? CLI_YES : CLI_NO;
}

int repl_help(struct repl *r, const struct line *l)
{
	const struct strs *w = &l->stages[0].words;
	const char *words[] = {"sched", "help", NULL, NULL};
	const struct repl_word *word;

	if (w->len > 3 || l->in || l->out) {
		cli_note(&repl_tool, "usage: help [PAGE [OPTION]]");
		return CLI_USAGE;
	}
	if (w->len == 1)
		return list(r);
	word = repl_word(w->v[1]);
	if (word && w->len == 2) {
		printf("%s %s: %s\n", word->name, word->args, word->purpose);
		return CLI_YES;
	}
	if (w->len == 3)
		return show_option(w->v[1], w->v[2]);
	words[2] = w->v[1];
	return repl_run_words(r, words, -1);
}
