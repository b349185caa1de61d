/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What whoever asks may send to ask-model: a line that is a request makes one
 * in both dialects, and what it is resumed with, altered as it may be, is
 * written so that it is read as the same again, asks for something, and is
 * never lost from what the answer becomes.
 *
 * Lines: the request, what it is resumed with (but for its digest, which is
 * right), and what the endpoint then says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "llm/dialect.h"
#include "llm/line.h"
#include "llm/record.h"
#include "llm/resume.h"

#define ANSWER_MAX 65536

static void ask_in(const struct dialect *d, const struct llm_request *r,
		   enum llm_resume means)
{
	struct dialect_opts o = {
		.stream = true,
		.model = "m",
		.slot = means == LLM_RESUME_SLOT,
		.slice = means > LLM_RESUME_NONE,
		.resume = means >= LLM_RESUME_CONTINUE,
	};

	for (int shape = 0; shape < SHAPE_COUNT; shape++) {
		struct json *body = d->request(r, (enum llm_shape)shape, &o);
		char *text = body ? json_ordered(body) : NULL;

		json_free(body);
		body = text ? json_parse(text, strlen(text)) : NULL;
		expect(!text || body);
		json_free(body);
		free(text);
	}
}

static void join(const struct resume *f, enum llm_resume means, bool cut,
		 const char *came)
{
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	if (!buf_puts(&b, came) && !resume_join(f, means, cut, &b)) {
		size_t n = strlen(f->text);

		expect(b.len >= n && (!n || !memcmp(b.data, f->text, n)));
		expect(b.len <= n + strlen(came));
		resume_hold_back(&b);
	}
	buf_release(&b);
}

static void go_on(struct resume *f, const struct llm_request *r,
		  const char *came)
{
	static const struct dialect *const dialects[] = {&dialect_openai,
							 &dialect_anthropic};

	for (int i = LLM_RESUME_TURN; resume_any(f) && i <= LLM_RESUME_SLOT;
	     i++) {
		enum llm_resume means = (enum llm_resume)i;
		struct llm_request out;
		struct json *messages;

		for (size_t k = 0; k < ARRAY_LEN(dialects); k++) {
			f->trim = dialects[k]->trim;
			expect(resume_repeats(f, means) <= strlen(f->text));
			resume_request(f, means, r, &out, &messages);
			expect(out.max_tokens >= 1);
			expect(json_len(messages) > json_len(r->messages));
			ask_in(dialects[k], &out, means);
			json_free(messages);
			join(f, means, false, came);
			join(f, means, true, came);
		}
	}
}

static void resume(struct json *v, const struct llm_request *r,
		   const char *came)
{
	char digest[DIGEST_HEX_LEN], *text, *again;
	struct resume f, g;
	struct json *w;

	record_digest(r, digest);
	json_set_string(v, "digest", digest);
	if (resume_read(v, r, &f))
		return;
	expect(f.tokens >= 0 && f.slices >= 0 && f.costs.seconds >= 0);
	w = resume_json(&f);
	text = json_canonical(w);
	expect(resume_read(w, r, &g) == 0);
	json_free(w);
	w = resume_json(&g);
	again = json_canonical(w);
	expect(!strcmp(text, again));
	json_free(w);
	free(text);
	free(again);
	resume_release(&g);
	go_on(&f, r, came);
	resume_release(&f);
}

/* The line at *s, the caller's, and *s behind it. */
static char *line(const char **s, const char *end)
{
	const char *nl = memchr(*s, '\n', (size_t)(end - *s));
	char *one = mem_strndup(*s, (size_t)((nl ? nl : end) - *s));

	*s = nl ? nl + 1 : end;
	return one;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *end = s + size;
	char *first, *second, *came;
	struct llm_request r;
	struct json *v, *from;

	if (!size)
		return 0;
	first = line(&s, end);
	second = line(&s, end);
	came = line(&s, end);
	v = json_parse(first, strlen(first));
	from = json_parse(second, strlen(second));
	if (v && !line_request(v, &r)) {
		ask_in(&dialect_openai, &r, LLM_RESUME_NONE);
		ask_in(&dialect_anthropic, &r, LLM_RESUME_NONE);
		if (json_type(from) == JSON_OBJECT)
			resume(from, &r, came);
	}
	json_free(from);
	json_free(v);
	free(first);
	free(second);
	free(came);
	return 0;
}
