/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prompt's own commands: those that are one thing each, and watch. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/repl.h"
#include "term/text.h"

#define WATCH_S	  2.0
#define WATCH_MIN 0.1
#define WATCH_MAX 86400.0

static int too_many(const struct line *l, size_t allowed)
{
	const struct strs *w = &l->stages[0].words;

	if (l->in || l->out)
		cli_note(&repl_tool, "'%s' takes no < or >", w->v[0]);
	else if (w->len > allowed + 1)
		cli_note(&repl_tool, "'%s': '%s' is not expected", w->v[0],
			 w->v[allowed + 1]);
	else
		return CLI_YES;
	return CLI_USAGE;
}

static int do_cd(struct repl *r, const struct line *l)
{
	const struct strs *w = &l->stages[0].words;
	const char *to = w->len > 1 ? w->v[1] : getenv("HOME");
	char *now;

	(void)r;
	if (too_many(l, 1))
		return CLI_USAGE;
	if (!to || chdir(to) < 0) {
		cli_note(&repl_tool, "cannot go to '%s': %s", to ? to : "",
			 strerror(errno));
		return CLI_CANNOT;
	}
	now = getcwd(NULL, 0);
	if (now)
		setenv("PWD", now, 1);
	free(now);
	return CLI_YES;
}

static int do_exit(struct repl *r, const struct line *l)
{
	const struct strs *w = &l->stages[0].words;
	char *end = NULL;
	long status = r->status;

	if (too_many(l, 1))
		return CLI_USAGE;
	if (w->len > 1)
		status = strtol(w->v[1], &end, 10);
	if (end && (*end || end == w->v[1] || status < 0 || status > 255)) {
		cli_note(&repl_tool, "'%s' is not a status from 0 to 255",
			 w->v[1]);
		return CLI_USAGE;
	}
	r->done = true;
	return (int)status;
}

/* ---- watch ------------------------------------------------------------ */

static bool can_move(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

static void put_head(const char *words, double every)
{
	char when[CLOCK_TEXT_LEN];
	size_t room = (size_t)text_columns(STDOUT_FILENO);
	char *line;
	struct buf b;

	clock_text(clock_wall(), when);
	line = mem_printf("every %g s, any key ends it  %s  %s", every, when,
			  words);
	buf_init(&b, 4 * LINE_MAX_BYTES);
	text_clean(&b, line, room > 1 ? room - 1 : 1);
	/* Clearing is all that is asked of a terminal that can do it. */
	printf("%s%s\n", can_move() ? "\033[H\033[2J" : "---- ",
	       b.len ? b.data : "");
	fflush(stdout);
	buf_release(&b);
	free(line);
}

/* A key, or a signal. */
static bool wait_for_key(int fd, double seconds)
{
	double end = clock_monotonic() + seconds;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	double left;

	while (!repl_stop && (left = end - clock_monotonic()) > 0)
		if (poll(&p, 1, (int)(left * 1e3) + 1) > 0)
			return true;
	return repl_stop;
}

/* The words of what is watched, for the head. */
static char *words_of(const struct line *l)
{
	struct buf b;

	buf_init(&b, 4 * LINE_MAX_BYTES);
	for (size_t i = 0; i < l->count; i++) {
		for (size_t k = 0; k < l->stages[i].words.len; k++) {
			char *q = line_quote(l->stages[i].words.v[k]);
			const char *gap = k ? " " : i ? " | " : "";

			buf_printf(&b, "%s%s", gap, q);
			free(q);
		}
	}
	return buf_take(&b);
}

static int watch(struct repl *r, const struct line *l, double every)
{
	struct repl_run how = {.in_fd = -1, .until_key = true};
	struct job_result res = {0};
	char *words = words_of(l), key;
	int status;

	job_terminal_keys(r->terminal);
	do {
		put_head(words, every);
		status = repl_run(r, l, &how, &res);
	} while (!res.keyed && !repl_stop &&
		 !wait_for_key(r->terminal->fd, every));
	/* The key was for us. */
	if (!repl_stop && read(r->terminal->fd, &key, 1) < 0)
		status = CLI_CANNOT;
	job_terminal_restore(r->terminal);
	free(words);
	return repl_stop || res.keyed ? CLI_YES : status;
}

/* Takes "watch", "-n" and its number from the words; 0 after saying why. */
static double take_options(struct strs *w)
{
	double every = WATCH_S;
	size_t n = 1;
	char *end;

	if (w->len > 1 && !strncmp(w->v[1], "-n", 2)) {
		const char *s = w->v[1][2]   ? w->v[1] + 2
				: w->len > 2 ? w->v[2]
					     : "";

		every = strtod(s, &end);
		n += w->v[1][2] ? 1 : 2;
		if (end == s || *end || !(every >= WATCH_MIN) ||
		    every > WATCH_MAX) {
			cli_note(&repl_tool,
				 "watch -n: '%s' is not a number of seconds "
				 "from %g to %g",
				 s, WATCH_MIN, WATCH_MAX);
			return 0;
		}
	}
	if (n >= w->len) {
		cli_note(&repl_tool, "watch [-n S] COMMAND...");
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		free(w->v[i]);
	memmove(w->v, w->v + n, (w->len - n + 1) * sizeof(*w->v));
	w->len -= n;
	return every;
}

int repl_watch(struct repl *r, const struct line *l)
{
	struct line_stage *first = &l->stages[0];
	double every = take_options(&first->words);

	if (!(every > 0))
		return CLI_USAGE;
	if (!r->terminal) {
		cli_note(&repl_tool, "watch needs a terminal to be ended from");
		return CLI_CANNOT;
	}
	if (repl_check(l))
		return CLI_USAGE;
	return watch(r, l, every);
}

/* ---- the table -------------------------------------------------------- */

const struct repl_word repl_words[] = {
	{"last", "[N]",
	 "the documents of the last line that had any; also "
	 "'$_', and before a |",
	 repl_last},
	{"save", "FILE", "write them to a file", repl_save},
	{"load", "FILE", "take them from a file", repl_load},
	{"watch", "[-n S] COMMAND...", "repeat it until a key is pressed",
	 repl_watch},
	{"?", "WORDS...", "tell the planner what is wanted (SCHED_LLM)", NULL},
	{"!", "COMMAND...", "give a line to a shell", NULL},
	{"cd", "[FOLDER]", "go to a folder", do_cd},
	{"help", "[PAGE [OPTION]]",
	 "this list, a manual page, or what it says "
	 "about an option",
	 repl_help},
	{"exit", "[STATUS]", "leave; so does ^D", do_exit},
	{NULL, NULL, NULL, NULL},
};

const struct repl_word *repl_word(const char *name)
{
	for (const struct repl_word *w = repl_words; w->name; w++)
		if (!strcmp(w->name, name))
			return w;
	return NULL;
}
