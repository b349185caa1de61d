/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C as far as a lint needs it: one token after the other, with its line.
 *
 * Comments are skipped, line splices joined, strings and characters kept as
 * spelled.  What reads differently to a compiler than to a person (trigraphs,
 * digraphs, escapes in names, letters that only look like ASCII) is a
 * TOKEN_BAD.
 */
#ifndef SCHEDKIT_AGENTS_BUILDER_LINT_TOKEN_H
#define SCHEDKIT_AGENTS_BUILDER_LINT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_CHAR,
	TOKEN_PUNCT, /* one character */
	TOKEN_BAD,   /* `wrong` says why; lexing goes on behind it */
};

struct token {
	enum token_kind kind;
	const char *text; /* lent from the lexer; not NUL-terminated */
	size_t len;
	long line;
	bool first; /* nothing but space and comments before it in its line */
	bool space; /* space or a comment right before it */
	const char *wrong;
};

struct lexer {
	char *text; /* without splices */
	size_t len, at;
	size_t *splices; /* offsets in text where a line was joined */
	size_t splice_count, splice_next;
	long line;
	bool first;
};

void lexer_init(struct lexer *l, const char *text, size_t len);
void lexer_release(struct lexer *l);

struct token lexer_next(struct lexer *l);

/* What is left of the line as it stands, leading space and a comment's line
 * ends excepted; the lexer then stands at the line's end. */
struct token lexer_rest(struct lexer *l);

bool token_is(const struct token *t, const char *text);

/* Is the token the first character of its line? */
bool token_begins_line(const struct lexer *l, const struct token *t);

/*
 * A character that nobody may write, in comments and strings neither: one that
 * a compiler takes for the end of a line and a reader does not, or that changes
 * what a terminal or an editor shows.  NULL: there is none; else why, and its
 * line.
 */
const char *text_wrong(const char *text, size_t len, long *line);

#endif
