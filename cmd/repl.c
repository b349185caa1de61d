/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prompt: what sched runs when it stands alone; or the same lines from
 * standard input, or one of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/version.h"
#include "cmd/repl.h"
#include "repl/past.h"
#include "repl/tools.h"

#define PROMPT "sched> "

volatile sig_atomic_t repl_stop, repl_end;

static const char *command;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "command",
	 .arg = "LINE",
	 .help = "do what the line says, and exit",
	 .target = &command},
	{.kind = OPT_END},
};

const struct opt_tool repl_tool = {
	.name = "sched",
	.purpose = "the prompt of sched",
	.synopsis = "[-c LINE]",
	.options = options,
};

static void on_signal(int sig)
{
	repl_stop = 1;
	if (sig != SIGINT)
		repl_end = sig;
}

static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

/* ---- a line ----------------------------------------------------------- */

/* A command that this may have been meant to be, the caller's; NULL. */
static char *near_to(const char *name)
{
	struct strs tools = {0};
	char *found = NULL;

	tools_list(&tools);
	for (const struct repl_word *w = repl_words; w->name; w++)
		strs_add(&tools, w->name);
	for (size_t i = 0; i < tools.len && !found; i++)
		if (line_is_near(name, tools.v[i]))
			found = mem_strdup(tools.v[i]);
	strs_release(&tools);
	return found;
}

static int unknown(const char *name)
{
	char *near = near_to(name);

	if (near)
		cli_note(&repl_tool, "unknown command '%s'; did you mean '%s'?",
			 name, near);
	else
		cli_note(&repl_tool, "unknown command '%s'; 'help' lists them",
			 name);
	free(near);
	return CLI_USAGE;
}

/* A line in plain words, of a person who did not begin it with "?". */
static bool is_wish(const struct repl *r, const char *text)
{
	char *first, *path, *near;
	bool ours, known;

	if (!r->prompt || !line_is_prose(text))
		return false;
	text += strspn(text, " \t");
	first = mem_strndup(text, strcspn(text, " \t"));
	path = repl_find(first, &ours);
	near = near_to(first);
	known = path || near || repl_word(first);
	free(near);
	free(path);
	free(first);
	return !known;
}

int repl_check(const struct line *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct line_stage *s = &l->stages[i];
		const char *name = s->words.v[0];
		char *path;
		bool ours;

		if (!i && l->count > 1 && repl_is_last(s))
			continue;
		if (!s->quoted && repl_word(name)) {
			cli_note(&repl_tool, "'%s' does not stand in a pipe",
				 name);
			return CLI_USAGE;
		}
		path = repl_find(name, &ours);
		free(path);
		if (!path)
			return unknown(name);
	}
	return CLI_YES;
}

static int run_pipe(struct repl *r, const struct line *l)
{
	const struct line_stage *s = &l->stages[0];
	const char *name = s->words.v[0];
	const struct repl_word *w = s->quoted ? NULL : repl_word(name);
	struct repl_run how = {.in_fd = -1};
	struct job_result res = {0};
	long back = repl_is_last(s);
	int status;

	if (back < 0)
		return CLI_USAGE;
	if (back && l->count == 1)
		return repl_last(r, l);
	if (w && w->run && (l->count == 1 || w->run == repl_watch))
		return w->run(r, l);
	if (repl_check(l))
		return CLI_USAGE;
	status = repl_run(r, l, &how, &res);
	repl_say_status(r, l, status, &res);
	return status;
}

/* Nothing more is done for a terminal that is gone; whether anybody told us
 * depends on who leads the session. */
static void look_for_terminal(const struct repl *r)
{
	if (r->terminal && job_terminal_gone(r->terminal))
		repl_stop = repl_end = SIGHUP;
}

void repl_line(struct repl *r, const char *text)
{
	struct line l;

	if (is_wish(r, text)) {
		r->status = repl_wish(r, text);
	} else if (line_parse(text, &l) < 0) {
		cli_note(&repl_tool, "%s", err_text());
		r->status = CLI_USAGE;
	} else {
		if (l.kind == LINE_PIPE)
			r->status = run_pipe(r, &l);
		else if (l.kind == LINE_SHELL)
			r->status = repl_run_shell(r, l.text);
		else if (l.kind == LINE_WISH)
			r->status = repl_wish(r, l.text);
		line_release(&l);
	}
	fflush(stdout);
	repl_complete_forget();
	look_for_terminal(r);
	if (!repl_end)
		repl_stop = 0;
}

/* ---- a person --------------------------------------------------------- */

static void remember(struct repl *r, const char *line)
{
	if (*line == ' ' || *line == '\t')
		return;
	edit_remember(line);
	if (!r->past || past_add(r->past, line) == 0)
		return;
	cli_note(&repl_tool, "lines are not kept from now on: %s", err_text());
	free(r->past);
	r->past = NULL;
}

static void recall(struct repl *r)
{
	struct strs lines = {0};

	r->past = path_state("repl_history");
	if (past_read(r->past, &lines) < 0) {
		cli_note(&repl_tool, "lines are not kept: %s", err_text());
		free(r->past);
		r->past = NULL;
	}
	for (size_t i = 0; i < lines.len; i++)
		edit_remember(lines.v[i]);
	strs_release(&lines);
}

/* What was pasted may be several. */
static void do_lines(struct repl *r, char *text)
{
	char *next;

	for (char *s = text; *s && !r->done && !repl_stop; s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		if (!s[strspn(s, " \t\r")])
			continue;
		remember(r, s);
		repl_line(r, s);
	}
}

static void talk(struct repl *r)
{
	static struct job_terminal terminal;
	int rc = job_terminal_take(&terminal, STDIN_FILENO);
	char *line;

	if (rc == -EIO) {
		r->status = cli_fail(&repl_tool, rc);
		return;
	}
	if (!rc)
		r->terminal = &terminal;
	edit_init("sched", repl_complete, r);
	recall(r);
	printf("schedkit " SCHEDKIT_VERSION
	       ": 'help' lists what there is, ^D leaves\n");
	while (!r->done && !repl_end) {
		enum edit_end end;

		fflush(stdout);
		end = edit_line(PROMPT, &line);
		if (end == EDIT_INTERRUPTED)
			continue;
		if (end == EDIT_DONE)
			break;
		do_lines(r, line);
		free(line);
	}
	look_for_terminal(r);
	if (!r->done && !repl_end)
		putchar('\n');
}

/* ---- a file ----------------------------------------------------------- */

static void read_all(struct repl *r, FILE *f)
{
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	r->from_file = true;
	while (!r->done && !repl_stop && (n = getline(&text, &cap, f)) >= 0) {
		if (strlen(text) != (size_t)n) {
			cli_note(&repl_tool, "a line has a NUL in it");
			r->status = CLI_USAGE;
			break;
		}
		repl_line(r, text);
	}
	if (ferror(f) && !repl_stop) {
		cli_note(&repl_tool, "cannot read the lines: %s",
			 strerror(errno));
		r->status = CLI_CANNOT;
	}
	free(text);
}

int main(int argc, char **argv)
{
	struct repl r = {.session = TEMP_NONE};
	int first = cli_options(&repl_tool, argc, argv);

	if (first < argc)
		cli_usage(&repl_tool, "'%s' is not expected", argv[first]);
	catch_signals();
	if (command) {
		char *copy = mem_strdup(command), *save = NULL;

		for (char *s = strtok_r(copy, "\n", &save);
		     s && !r.done && !repl_stop;
		     s = strtok_r(NULL, "\n", &save))
			repl_line(&r, s);
		free(copy);
	} else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		r.prompt = true;
		talk(&r);
	} else {
		read_all(&r, stdin);
	}
	if (r.session.dir)
		temp_remove(&r.session);
	free(r.past);
	if (repl_end) {
		fflush(stdout);
		signal(repl_end, SIG_DFL);
		raise(repl_end);
	}
	return cli_finish(&repl_tool, r.status);
}
