/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the prompt that sched is when it stands alone. */
#ifndef SCHEDKIT_CMD_REPL_H
#define SCHEDKIT_CMD_REPL_H

#include <signal.h>
#include <stdbool.h>

#include "base/strs.h"
#include "base/temp.h"
#include "cmd/cli.h"
#include "doc/stream.h"
#include "repl/job.h"
#include "repl/line.h"
#include "term/edit.h"

struct repl {
	bool prompt;		       /* a person types, on a terminal */
	bool from_file;		       /* standard input is the lines */
	struct job_terminal *terminal; /* NULL: no job control */
	struct temp session;	       /* the folder of what is kept */
	size_t kept;		       /* streams so far; repl-last.c */
	char *past; /* the file of lines; NULL: they are not kept */
	int status; /* of the last line */
	bool done;
};

extern const struct opt_tool repl_tool;

/* A signal: what runs is to end; and so is the prompt, by that signal. */
extern volatile sig_atomic_t repl_stop, repl_end;

/* One line, whatever is on it; r->status is its. */
void repl_line(struct repl *r, const char *text);

/* Whether all stages are programs, else CLI_USAGE after saying which is not. */
int repl_check(const struct line *l);

/* ---- repl-run.c: pipelines */
struct repl_run {
	int in_fd;	/* -1: the line's, or ours */
	bool until_key; /* for watch: nothing is kept, keys end it */
};

/* Runs the stages of l and returns the exit status. */
int repl_run(struct repl *r, const struct line *l, const struct repl_run *how,
	     struct job_result *res);
/* The same for one of our programs with these words. */
int repl_run_words(struct repl *r, const char *const *words, int in_fd);
/* !COMMAND */
int repl_run_shell(struct repl *r, const char *command);
/* Where the program is, ours before those in PATH, the caller's; NULL. */
char *repl_find(const char *name, bool *ours);
/* To write a file as > or >> do; -1 after saying why not. */
int repl_create(const char *path, bool append);
void repl_say_status(struct repl *r, const struct line *l, int status,
		     const struct job_result *res);

/* ---- repl-words.c: the prompt's own commands */
struct repl_word {
	const char *name, *args, *purpose;
	/* NULL: not a word, but what a line begins with */
	int (*run)(struct repl *r, const struct line *l);
};

extern const struct repl_word repl_words[]; /* closed by a NULL name */
const struct repl_word *repl_word(const char *name);
int repl_watch(struct repl *r, const struct line *l);
int repl_help(struct repl *r, const struct line *l);

/* ---- repl-last.c: documents of earlier lines */
/* A new empty file for them, the caller's; NULL after saying why not. */
char *repl_keep_new(struct repl *r);
/* The file becomes the last stream, unless nothing was written to it. */
void repl_keep(struct repl *r, char *path);
/* back 1: the last one.  -1 after saying that there is none. */
int repl_kept(struct repl *r, long back);
/* The 2 of "last 2", 1 of "last" and "$_"; 0: it is neither; -1: it is
 * neither a number, after saying so. */
long repl_is_last(const struct line_stage *s);
/* The newest stream with a profile; -1: none. */
int repl_kept_profile(struct repl *r);
int repl_last(struct repl *r, const struct line *l);
int repl_save(struct repl *r, const struct line *l);
int repl_load(struct repl *r, const struct line *l);

/* ---- repl-wish.c: a wish in plain words */
int repl_wish(struct repl *r, const char *text);

/* ---- repl-complete.c */
edit_complete repl_complete;
/* What is known of the history may be old. */
void repl_complete_forget(void);
#endif
