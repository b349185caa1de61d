/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever json_parse() takes has one canonical form, which reads back as
 * itself; whatever doc_parse() takes is written so that it is taken again.
 */
#include <stdlib.h>
#include <string.h>

#include "doc/doc.h"
#include "fuzz.h"

static void fuzz_value(const char *text, size_t len)
{
	struct json *v = json_parse(text, len), *again;
	char *form, *same;

	if (!v)
		return;
	form = json_canonical(v);
	again = json_parse(form, strlen(form));
	expect(again != NULL);
	same = json_canonical(again);
	expect(!strcmp(form, same));
	for (const char *const *kind = doc_kinds; *kind; kind++)
		doc_check(*kind, v);
	free(same);
	free(form);
	json_free(again);
	json_free(v);
}

static void fuzz_document(const char *text, size_t len)
{
	struct doc *d, *again;
	char *line;

	if (doc_parse(text, len, &d))
		return;
	line = doc_line(d);
	expect(doc_parse(line, strlen(line), &again) == 0);
	expect(!strcmp(d->id, again->id));
	doc_free(again);
	doc_free(d);
	free(line);
}

/* As the body of an envelope whose id is right, or doc_parse() ends there. */
static void fuzz_body(const char *text, size_t len)
{
	static const char *const kinds[] = {"profile", "verdict", "policy"};
	struct json *body = json_parse(text, len);
	struct doc *d;

	if (json_type(body) != JSON_OBJECT) {
		json_free(body);
		return;
	}
	d = doc_new(kinds[len % 3], "fuzz", body, NULL, 0);
	doc_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this size: the text has no NUL at its end. */
	char *text = malloc(size ? size : 1);

	expect(text != NULL);
	memcpy(text, data, size);
	fuzz_value(text, size);
	fuzz_document(text, size);
	fuzz_body(text, size);
	free(text);
	return 0;
}
