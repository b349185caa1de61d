/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the prompt, taken apart.
 *
 *   STAGE | STAGE … [< FILE] [> FILE | >> FILE]      a pipeline
 *   ! TEXT                                           for the shell
 *   ? TEXT                                           a wish in plain words
 *
 * Words are quoted as in sh: '…' literally, "…" with \ before " \ $ `, and
 * \ before any character.  A # at the beginning of a word begins a comment.
 * Nothing is expanded: patterns, braces and ~ stand for themselves.  What else
 * would mean something to a shell and is not quoted ($NAME, `…`, ;, &,
 * parentheses, 2>) is refused: a line either means the same here and there, or
 * it is an error here.
 */
#ifndef SCHEDKIT_REPL_LINE_H
#define SCHEDKIT_REPL_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strs.h"

#define LINE_MAX_BYTES	(64u << 10)
#define LINE_MAX_STAGES 32

enum line_kind {
	LINE_EMPTY, /* nothing, or a comment */
	LINE_PIPE,
	LINE_SHELL, /* text is the shell's */
	LINE_WISH,  /* text is the wish */
};

struct line_stage {
	struct strs words; /* at least one */
	bool quoted;	   /* the first word has a quote: no built-in */
};

struct line {
	enum line_kind kind;
	char *text; /* of LINE_SHELL and LINE_WISH, without blanks around */
	struct line_stage *stages;
	size_t count;
	char *in, *out; /* files; NULL: none */
	bool append;
};

/* -EINVAL: the message says what is wrong with it; *out is released then. */
int line_parse(const char *s, struct line *out);
void line_release(struct line *l); /* safe on a zeroed one */

/*
 * For completion: the words of the stage that the cursor stands in, as far as
 * they are before the word that it is in.  A line that ends inside quotes is
 * fine here.
 */
struct line_context {
	struct strs words;
	bool first_stage;
	bool file; /* what follows <, > or >> */
};

void line_context(const char *s, size_t cursor, struct line_context *out);
void line_context_release(struct line_context *c);

/*
 * A line in plain words, though without "?": letters and the punctuation of
 * prose, more than one word, nothing that looks like an option, a path or a
 * pipe.  Whether its first word is a command is the caller's to know.
 */
bool line_is_prose(const char *s);

/* One letter too many, too few, another one, or two in the wrong order. */
bool line_is_near(const char *a, const char *b);

/* s as one word of a line, quoted where it has to be; the caller's. */
char *line_quote(const char *s);

#endif
