/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/builder/lint_token.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/utf8.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '$';
}

/* The bytes of a splice at p: a backslash, blanks, the end of the line.
 * Compilers take the blanks, with a warning. */
static size_t splice_len(const char *p, const char *end)
{
	const char *s = p;

	if (*s++ != '\\')
		return 0;
	while (s < end && is_blank(*s))
		s++;
	return s < end && *s == '\n' ? (size_t)(s + 1 - p) : 0;
}

void lexer_init(struct lexer *l, const char *text, size_t len)
{
	const char *end = text + len;
	size_t cap = 0;

	*l = (struct lexer){.line = 1, .first = true};
	l->text = mem_zalloc(len + 1, 1);
	for (const char *p = text; p < end;) {
		size_t n = splice_len(p, end);

		if (!n) {
			l->text[l->len++] = *p++;
			continue;
		}
		if (l->splice_count == cap) {
			cap = cap ? 2 * cap : 64;
			l->splices = mem_realloc(l->splices, cap,
						 sizeof(*l->splices));
		}
		l->splices[l->splice_count++] = l->len;
		p += n;
	}
}

void lexer_release(struct lexer *l)
{
	free(l->text);
	free(l->splices);
	*l = (struct lexer){0};
}

/* At the n-th character from here; NUL past the end. */
static char peek(const struct lexer *l, size_t n)
{
	return l->at + n < l->len ? l->text[l->at + n] : '\0';
}

static void step(struct lexer *l)
{
	while (l->splice_next < l->splice_count &&
	       l->splices[l->splice_next] <= l->at) {
		l->line++;
		l->splice_next++;
	}
	if (l->text[l->at] == '\n') {
		l->line++;
		l->first = true;
	}
	l->at++;
}

/* The line that the next character is in. */
static long line_here(const struct lexer *l)
{
	size_t i = l->splice_next;
	long line = l->line;

	for (; i < l->splice_count && l->splices[i] <= l->at; i++)
		line++;
	return line;
}

/* False: a comment has no end. */
static bool skip_comment(struct lexer *l)
{
	if (peek(l, 1) == '/') {
		while (l->at < l->len && peek(l, 0) != '\n')
			step(l);
		return true;
	}
	step(l);
	step(l);
	while (l->at < l->len) {
		if (peek(l, 0) == '*' && peek(l, 1) == '/') {
			step(l);
			step(l);
			return true;
		}
		step(l);
	}
	return false;
}

/* A comment does not change what is first in a line, even one that goes over
 * several. */
static bool skip_space(struct lexer *l, bool *space)
{
	while (l->at < l->len) {
		char c = peek(l, 0);

		if (is_blank(c) || c == '\n') {
			step(l);
		} else if (c == '/' &&
			   (peek(l, 1) == '/' || peek(l, 1) == '*')) {
			bool first = l->first;

			if (!skip_comment(l))
				return false;
			l->first = first;
		} else {
			return true;
		}
		*space = true;
	}
	return true;
}

static void take_quoted(struct lexer *l, struct token *t)
{
	char quote = peek(l, 0);

	t->kind = quote == '"' ? TOKEN_STRING : TOKEN_CHAR;
	step(l);
	while (l->at < l->len && peek(l, 0) != quote && peek(l, 0) != '\n') {
		if (peek(l, 0) == '\\' && l->at + 1 < l->len &&
		    peek(l, 1) != '\n')
			step(l);
		step(l);
	}
	if (peek(l, 0) == quote && l->at < l->len) {
		step(l);
		return;
	}
	t->kind = TOKEN_BAD;
	t->wrong = quote == '"' ? "a string does not end in its line"
				: "a character does not end in its line";
}

static void take_name(struct lexer *l, struct token *t)
{
	t->kind = TOKEN_NAME;
	while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
		step(l);
	/* R"(…)" ends somewhere else than a lexer of C11 thinks. */
	if (peek(l, 0) == '"' && l->text[l->at - 1] == 'R') {
		t->kind = TOKEN_BAD;
		t->wrong = "a raw string";
	}
}

static void take_number(struct lexer *l, struct token *t)
{
	t->kind = TOKEN_NUMBER;
	while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)) ||
	       peek(l, 0) == '.' ||
	       ((peek(l, 0) == '+' || peek(l, 0) == '-') &&
		strchr("eEpP", l->text[l->at - 1])))
		step(l);
}

/* Other spellings of # { } [ ] \ ^ | ~ */
static const char *other_spelling(const struct lexer *l)
{
	char a = peek(l, 0), b = peek(l, 1), c = peek(l, 2);

	if (a == '?' && b == '?' && c && strchr("=/'()!<>-", c))
		return "a trigraph";
	if ((a == '%' && (b == ':' || b == '>')) ||
	    (a == '<' && (b == ':' || b == '%')) || (a == ':' && b == '>'))
		return "a digraph";
	return NULL;
}

static void take_other(struct lexer *l, struct token *t)
{
	unsigned char c = (unsigned char)peek(l, 0);

	t->kind = TOKEN_PUNCT;
	t->wrong = other_spelling(l);
	if (!t->wrong && c == '\\')
		t->wrong = "a backslash outside of a string";
	if (!t->wrong && c >= 0x80)
		t->wrong = "a character that is not ASCII outside of a comment";
	if (!t->wrong && (c < ' ' || c == 0x7f))
		t->wrong = "a control character";
	if (t->wrong)
		t->kind = TOKEN_BAD;
	step(l);
}

struct token lexer_next(struct lexer *l)
{
	struct token t = {.kind = TOKEN_END};
	bool ended = skip_space(l, &t.space);
	size_t start = l->at;
	char c = peek(l, 0);

	t.line = line_here(l);
	t.first = l->first;
	t.text = l->text + start;
	if (!ended) {
		t.kind = TOKEN_BAD;
		t.wrong = "a comment does not end";
		return t;
	}
	if (start >= l->len)
		return t;
	l->first = false;
	if (c == '"' || c == '\'')
		take_quoted(l, &t);
	else if (is_letter(c))
		take_name(l, &t);
	else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1))))
		take_number(l, &t);
	else
		take_other(l, &t);
	t.len = l->at - start;
	return t;
}

struct token lexer_rest(struct lexer *l)
{
	struct token t = {.kind = TOKEN_STRING, .line = line_here(l)};

	while (is_blank(peek(l, 0)))
		step(l);
	t.text = l->text + l->at;
	while (l->at < l->len && peek(l, 0) != '\n') {
		step(l);
		t.len++;
	}
	while (t.len && is_blank(t.text[t.len - 1]))
		t.len--;
	return t;
}

bool token_is(const struct token *t, const char *text)
{
	return t->len == strlen(text) && !memcmp(t->text, text, t->len);
}

bool token_begins_line(const struct lexer *l, const struct token *t)
{
	return t->text == l->text || t->text[-1] == '\n';
}

static const char *character_wrong(uint32_t c, bool before_newline)
{
	if (c == '\r')
		return before_newline ? NULL
				      : "a carriage return inside a line";
	if ((c < ' ' && !strchr("\t\n\v\f", (int)c)) || (c >= 0x7f && c < 0xa0))
		return "a control character";
	if (c == 0x61c || c == 0x200e || c == 0x200f ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return "a character that changes the direction of text";
	return NULL;
}

const char *text_wrong(const char *text, size_t len, long *line)
{
	const char *wrong = NULL;

	*line = 1;
	for (size_t i = 0, n; i < len && !wrong; i += n) {
		uint32_t c = 0;

		n = utf8_decode(text + i, len - i, &c);
		if (!n)
			return "the text is not UTF-8";
		wrong = c ? character_wrong(c,
					    i + n < len && text[i + n] == '\n')
			  : "a NUL is in the text";
		*line += c == '\n';
	}
	return wrong;
}
