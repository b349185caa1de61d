/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an endpoint may send, in any pieces: a stream decodes to the same
 * events however it is cut, and both dialects end with an answer or an error.
 *
 * The first byte says which dialect and whether a stream, the second how the
 * pieces are cut.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "llm/reader.h"

/* The next piece: a length that follows from the seed. */
static size_t piece(uint32_t *seed, size_t left)
{
	size_t n;

	*seed = *seed * 1664525 + 1013904223;
	n = 1 + (*seed >> 24) % 61;
	return n < left ? n : left;
}

/* A copy of just this size: the text has no NUL at its end. */
static int feed(struct reader *r, const char *s, size_t n)
{
	char *copy = mem_zalloc(n, 1);
	int rc;

	memcpy(copy, s, n);
	rc = reader_feed(r, NULL, copy, n);
	free(copy);
	return rc;
}

static struct json *schema, *tools;

/* The answer as a text; NULL: it is none. */
static char *read_all(const struct dialect *d, bool stream, uint32_t seed,
		      const char *s, size_t n)
{
	struct llm_request q = {.tools = tools, .schema = schema};
	struct llm_answer a = {0};
	struct reader r;
	char *calls, *text = NULL;
	int rc = 0;

	reader_init(&r, d, stream, 1 << 16);
	for (size_t at = 0, step; at < n && !rc; at += step) {
		step = seed ? piece(&seed, n - at) : n;
		rc = feed(&r, s + at, step);
	}
	if (!rc)
		rc = reader_end(&r);
	expect(r.g.usage.cached <= r.g.usage.in && r.g.usage.out >= 0);
	if (rc >= 0 && !r.g.error.set && r.g.complete)
		rc = gather_finish(&r.g, &q, &a);
	if (a.text) {
		calls = json_canonical(a.calls);
		text = mem_printf("%d %s %s", a.finish, a.text, calls);
		free(calls);
	}
	llm_answer_release(&a);
	reader_release(&r);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char one[] = "[{\"name\":\"look\"}]";
	const struct dialect *d;
	const char *s = (const char *)data + 2;
	char *whole, *cut;

	if (size < 3)
		return 0;
	if (!schema) {
		schema = json_object();
		tools = json_parse(one, strlen(one));
	}
	d = data[0] & 1 ? &dialect_anthropic : &dialect_openai;
	whole = read_all(d, data[0] & 2, 0, s, size - 2);
	cut = read_all(d, data[0] & 2, data[1] + 1U, s, size - 2);
	expect(!whole == !cut);
	expect(!whole || !strcmp(whole, cut));
	free(whole);
	free(cut);
	return 0;
}
