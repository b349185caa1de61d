/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever line_parse() takes for a pipeline says the same when it is written
 * again with its words in quotes; completion can be asked for anywhere in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz.h"
#include "repl/line.h"

static void add_quoted(struct buf *b, const char *before, const char *word)
{
	char *q = line_quote(word);

	buf_printf(b, "%s%s", before, q);
	free(q);
}

static char *again(const struct line *l)
{
	struct buf b;

	buf_init(&b, 1u << 24);
	for (size_t i = 0; i < l->count; i++)
		for (size_t k = 0; k < l->stages[i].words.len; k++)
			add_quoted(&b,
				   k   ? " "
				   : i ? " | "
				       : " ",
				   l->stages[i].words.v[k]);
	if (l->in) {
		/* Only the first program may have it. */
		struct buf c;

		buf_init(&c, 1u << 24);
		add_quoted(&c, "<", l->in);
		buf_puts(&c, b.data);
		buf_release(&b);
		b = c;
	}
	if (l->out)
		add_quoted(&b, l->append ? " >>" : " >", l->out);
	return buf_take(&b);
}

static void same_text(const char *a, const char *b)
{
	expect(!a == !b && (!a || !strcmp(a, b)));
}

static void same(const struct line *a, const struct line *b)
{
	expect(b->kind == LINE_PIPE && a->count == b->count);
	expect(a->append == b->append);
	same_text(a->in, b->in);
	same_text(a->out, b->out);
	for (size_t i = 0; i < a->count; i++) {
		const struct strs *x = &a->stages[i].words;
		const struct strs *y = &b->stages[i].words;

		expect(x->len == y->len && x->len > 0);
		for (size_t k = 0; k < x->len; k++)
			expect(!strcmp(x->v[k], y->v[k]));
	}
}

static void fuzz_parse(const char *text)
{
	struct line l, second;
	char *s;

	if (line_parse(text, &l))
		return;
	if (l.kind == LINE_PIPE) {
		s = again(&l);
		if (strlen(s) <= LINE_MAX_BYTES) {
			expect(line_parse(s, &second) == 0);
			same(&l, &second);
			line_release(&second);
		}
		free(s);
	}
	line_release(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct line_context c;

	expect(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_parse(text);
	line_context(text, size / 2, &c);
	line_context_release(&c);
	line_context(text, size + 1, &c);
	line_context_release(&c);
	line_is_prose(text);
	if (size > 1)
		line_is_near(text, text + size / 2);
	free(text);
	return 0;
}
