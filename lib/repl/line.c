/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repl/line.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define BLANKS " \t\n\r"

/* ---- tokens ----------------------------------------------------------- */

enum token { T_END, T_WORD, T_PIPE, T_IN, T_OUT, T_APPEND, T_OPEN, T_BAD };

struct lexer {
	const char *s;
	size_t at, end;
	bool quoted;
	struct buf word;
};

static void lexer_init(struct lexer *l, const char *s, size_t end)
{
	*l = (struct lexer){.s = s, .end = end};
	buf_init(&l->word, LINE_MAX_BYTES);
}

static char peek(const struct lexer *l, size_t ahead)
{
	return l->at + ahead < l->end ? l->s[l->at + ahead] : '\0';
}

static enum token bad(const char *what)
{
	err_set(EINVAL,
		"%s means nothing here; put it in quotes, or give the line to "
		"a shell: !COMMAND",
		what);
	return T_BAD;
}

/* T_WORD: go on. */
static enum token in_quotes(struct lexer *l, char quote)
{
	l->quoted = true;
	l->at++;
	while (l->at < l->end && l->s[l->at] != quote) {
		if (quote == '"' && l->s[l->at] == '\\' && peek(l, 1) &&
		    strchr("\"\\$`", peek(l, 1)))
			l->at++;
		else if (quote == '"' && l->s[l->at] == '`')
			return bad("` in double quotes");
		else if (quote == '"' && l->s[l->at] == '$' &&
			 (isalnum((unsigned char)peek(l, 1)) ||
			  (peek(l, 1) && strchr("_({?#@*$!-", peek(l, 1)))))
			return bad("$ in double quotes");
		buf_add(&l->word, &l->s[l->at++], 1);
	}
	if (l->at == l->end) {
		err_set(EINVAL, "the quote %c is not closed", quote);
		return T_OPEN;
	}
	l->at++;
	return T_WORD;
}

static bool is_variable(const struct lexer *l)
{
	char next = peek(l, 1);

	return l->s[l->at] == '$' && (isalnum((unsigned char)next) ||
				      (next && strchr("_({?#@*$!-'\"", next)));
}

static bool all_digits(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (!isdigit((unsigned char)b->data[i]))
			return false;
	return b->len > 0;
}

static enum token word(struct lexer *l)
{
	/* The word of the prompt for its last documents, not a variable. */
	bool is_last =
		!strncmp(&l->s[l->at], "$_", 2) &&
		(l->at + 2 >= l->end || strchr(BLANKS "|<>", peek(l, 2)));
	enum token t = T_WORD;

	while (l->at < l->end && t == T_WORD) {
		char c = l->s[l->at];

		if (strchr(BLANKS "|", c))
			return T_WORD;
		if (c == '<' || c == '>')
			return all_digits(&l->word) && !l->quoted
				       ? bad("a number before < or >")
				       : T_WORD;
		if (c == '\'' || c == '"') {
			t = in_quotes(l, c);
			continue;
		}
		if (c == '\\') {
			l->quoted = true;
			if (++l->at == l->end) {
				err_set(EINVAL, "\\ has nothing behind it");
				return T_OPEN;
			}
		} else if (strchr(";&()`", c)) {
			const char what[] = {c, '\0'};

			return bad(what);
		} else if (is_variable(l) && !is_last) {
			return bad("$");
		}
		buf_add(&l->word, &l->s[l->at++], 1);
	}
	return t;
}

static enum token sign(struct lexer *l)
{
	char c = l->s[l->at++], next = peek(l, 0);

	if (c == '|' && (next == '|' || next == '&'))
		return bad(next == '|' ? "||" : "|&");
	if (c == '|')
		return T_PIPE;
	if (c == '<')
		return next && strchr("<>&(", next) ? bad("< and that") : T_IN;
	if (next && strchr("|&(", next))
		return bad("> and that");
	if (next != '>')
		return T_OUT;
	l->at++;
	return T_APPEND;
}

static enum token next_token(struct lexer *l)
{
	while (l->at < l->end && strchr(BLANKS, l->s[l->at]))
		l->at++;
	if (l->at == l->end || l->s[l->at] == '#')
		return T_END;
	if (strchr("|<>", l->s[l->at]))
		return sign(l);
	buf_reset(&l->word);
	l->quoted = false;
	return word(l);
}

/* ---- pipelines -------------------------------------------------------- */

static const char *word_text(const struct lexer *l)
{
	return l->word.data ? l->word.data : "";
}

static struct line_stage *stage_of(struct line *l)
{
	return &l->stages[l->count - 1];
}

static int add_stage(struct line *l)
{
	if (l->count == LINE_MAX_STAGES)
		return err_set(EINVAL, "more than %d programs in a line",
			       LINE_MAX_STAGES);
	l->stages = mem_realloc(l->stages, l->count + 1, sizeof(*l->stages));
	l->stages[l->count++] = (struct line_stage){.quoted = false};
	return 0;
}

static int redirect(struct lexer *x, struct line *l, enum token t)
{
	char **slot = t == T_IN ? &l->in : &l->out;
	const char *sign = t == T_IN ? "<" : t == T_OUT ? ">" : ">>";
	enum token file = next_token(x);

	if (file == T_BAD || file == T_OPEN)
		return -EINVAL;
	if (file != T_WORD)
		return err_set(EINVAL, "%s has no file behind it", sign);
	if (*slot)
		return err_set(EINVAL, "there are two %c", *sign);
	if (t == T_IN && l->count > 1)
		return err_set(EINVAL, "< is for the first program of a line");
	*slot = mem_strdup(word_text(x));
	if (t != T_IN)
		l->append = t == T_APPEND;
	return 0;
}

static int end_stage(const struct line *l)
{
	if (l->count && !l->stages[l->count - 1].words.len)
		return err_set(EINVAL, "a program is missing %s",
			       l->count > 1 ? "behind |" : "before | or >");
	return 0;
}

static int new_stage(struct line *l)
{
	int rc = end_stage(l);

	if (!rc && l->out)
		rc = err_set(EINVAL, "> is for the last program of a line");
	return rc ? rc : add_stage(l);
}

static int parse_pipe(struct lexer *x, struct line *l)
{
	int rc = add_stage(l);
	enum token t;

	while (!rc && (t = next_token(x)) != T_END) {
		struct line_stage *s = stage_of(l);

		if (t == T_BAD || t == T_OPEN) {
			rc = -EINVAL;
		} else if (t == T_PIPE) {
			rc = new_stage(l);
		} else if (t == T_WORD) {
			if (!s->words.len)
				s->quoted = x->quoted;
			strs_add(&s->words, word_text(x));
		} else {
			rc = redirect(x, l, t);
		}
	}
	return rc ? rc : end_stage(l);
}

static char *trimmed(const char *s)
{
	size_t len;

	s += strspn(s, BLANKS);
	len = strlen(s);
	while (len && strchr(BLANKS, s[len - 1]))
		len--;
	return mem_strndup(s, len);
}

int line_parse(const char *s, struct line *out)
{
	const char *first = s + strspn(s, BLANKS);
	struct lexer x;
	int rc;

	*out = (struct line){.kind = LINE_EMPTY};
	if (strlen(s) > LINE_MAX_BYTES)
		return err_set(EINVAL, "a line has at most %u bytes",
			       LINE_MAX_BYTES);
	if (!*first || *first == '#')
		return 0;
	if (*first == '!' || *first == '?') {
		out->text = trimmed(first + 1);
		out->kind = *first == '!' ? LINE_SHELL : LINE_WISH;
		if (*out->text)
			return 0;
		line_release(out);
		return err_set(EINVAL, *first == '!'
					       ? "! has no command behind it"
					       : "? has no words behind it");
	}
	out->kind = LINE_PIPE;
	lexer_init(&x, s, strlen(s));
	rc = parse_pipe(&x, out);
	buf_release(&x.word);
	if (rc)
		line_release(out);
	return rc;
}

void line_release(struct line *l)
{
	for (size_t i = 0; i < l->count; i++)
		strs_release(&l->stages[i].words);
	free(l->stages);
	free(l->text);
	free(l->in);
	free(l->out);
	*l = (struct line){.kind = LINE_EMPTY};
}

/* ---- completion ------------------------------------------------------- */

void line_context(const char *s, size_t cursor, struct line_context *out)
{
	struct lexer x;
	enum token t;

	*out = (struct line_context){.first_stage = true};
	lexer_init(&x, s, strnlen(s, cursor));
	while ((t = next_token(&x)) != T_END && t != T_BAD) {
		/* The word that the cursor is in. */
		if (t == T_OPEN || (t == T_WORD && x.at == x.end))
			break;
		if (t == T_PIPE) {
			strs_release(&out->words);
			out->first_stage = false;
			out->file = false;
		} else if (t != T_WORD) {
			out->file = true;
		} else if (out->file) {
			out->file = false;
		} else {
			strs_add(&out->words, word_text(&x));
		}
	}
	buf_release(&x.word);
}

void line_context_release(struct line_context *c)
{
	strs_release(&c->words);
}

/* ---- words ------------------------------------------------------------ */

bool line_is_prose(const char *s)
{
	bool word = false;
	size_t words = 0;

	s += strspn(s, BLANKS);
	/* "!" and "?" say themselves what the line is. */
	if (*s == '!' || *s == '?' || *s == '#')
		return false;
	for (; *s; s++) {
		if (strchr(BLANKS, *s)) {
			word = false;
			continue;
		}
		/* A word begins with a letter, a digit or a quote of prose. */
		if (!word && *s == '-')
			return false;
		words += !word;
		word = true;
		if (!isalnum((unsigned char)*s) && (unsigned char)*s < 0x80 &&
		    !strchr(",.;:'\"!?()-%", *s))
			return false;
	}
	return words > 1;
}

bool line_is_near(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i = 0;

	while (a[i] && a[i] == b[i])
		i++;
	if (la == lb)
		return la > 1 && a[i] &&
		       (!strcmp(a + i + 1, b + i + 1) ||
			(a[i] == b[i + 1] && a[i + 1] == b[i] && a[i + 1] &&
			 !strcmp(a + i + 2, b + i + 2)));
	if (la + 1 == lb)
		return la > 1 && !strcmp(a + i, b + i + 1);
	return lb > 1 && lb + 1 == la && !strcmp(a + i + 1, b + i);
}

char *line_quote(const char *s)
{
	struct buf b;
	bool plain = *s && *s != '#' && *s != '!' && *s != '?';

	for (const char *c = s; *c && plain; c++)
		plain = isalnum((unsigned char)*c) ||
			(unsigned char)*c >= 0x80 ||
			strchr("_-./:=,+@%^~*[]?!#{}", *c);
	if (plain)
		return mem_strdup(s);
	buf_init(&b, 8 * LINE_MAX_BYTES);
	buf_puts(&b, "'");
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(&b, "'\\''");
		else
			buf_add(&b, s, 1);
	}
	buf_puts(&b, "'");
	return buf_take(&b);
}
