/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines typed at a prompt, with editing, earlier lines and completion; the only
 * user of readline.  One prompt in a process, on standard input and output.
 */
#ifndef SCHEDKIT_TERM_EDIT_H
#define SCHEDKIT_TERM_EDIT_H

#include <stdbool.h>
#include <stddef.h>

/* What a word could become, and a few words about it for the list. */
struct edit_choice {
	char *text;
	char *note; /* NULL: none; anybody's words, shown as data */
};

struct edit_choices {
	struct edit_choice *v;
	size_t len;
	bool files; /* without a choice: names of files */
};

/* Takes both strings. */
void edit_choice_add(struct edit_choices *c, char *text, char *note);

/* The word to complete is line from start to cursor; its choices begin as it
 * does.  They are released by the caller. */
typedef void edit_complete(void *arg, const char *line, size_t start,
			   size_t cursor, struct edit_choices *out);

/* name: of the section in ~/.inputrc. */
void edit_init(const char *name, edit_complete *complete, void *arg);

/* A line that ↑ brings back: once, at the end. */
void edit_remember(const char *line);
/* The i-th of them from the newest on; NULL: there are no more. */
const char *edit_remembered(size_t i);

enum edit_end {
	EDIT_LINE,
	EDIT_DONE,	  /* ^D, or the terminal is gone, or SIGTERM */
	EDIT_INTERRUPTED, /* ^C: what was typed is forgotten */
};

/* *line is the caller's, and set with EDIT_LINE only. */
enum edit_end edit_line(const char *prompt, char **line);

#endif
