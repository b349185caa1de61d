/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/said.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "llm/dialect.h"

static void set_text(struct llm_answer *out, const char *text)
{
	free(out->text);
	out->text = mem_strdup(text);
}

/* The program's words on what went wrong. */
static int report(const char *program, const char *words)
{
	char line[1024];

	plain_line(line, sizeof(line), words);
	return err_set(EIO, "%s reports: %s", program, line);
}

static long whole(const struct json *v, const char *path)
{
	double x = json_as_number(json_path(v, path), 0);

	return x > 0 && x < 1e15 ? (long)x : 0;
}

/* {"is_error","result","usage":{"input_tokens","cache_read_input_tokens",
 * "cache_creation_input_tokens","output_tokens"}} */
static int read_claude(const char *text, size_t len, struct llm_answer *out)
{
	struct json *v = json_parse(text, len);
	const char *result = json_as_string(json_get(v, "result"), NULL);
	struct llm_usage *u = &out->usage;
	int rc = 0;

	if (json_get(v, "usage")) {
		u->cached = whole(v, "usage.cache_read_input_tokens");
		u->in = whole(v, "usage.input_tokens") + u->cached +
			whole(v, "usage.cache_creation_input_tokens");
		u->out = whole(v, "usage.output_tokens");
		out->estimated = false;
	}
	if (json_as_bool(json_get(v, "is_error"), false))
		rc = report("claude", result ? result : "an error");
	else if (!result)
		rc = err_set(EBADMSG, "claude's answer has no 'result'");
	else
		set_text(out, result);
	json_free(v);
	return rc;
}

/* One line; what is no event of interest is passed over. */
static int read_event(const struct json *v, struct buf *said,
		      struct llm_answer *out)
{
	const char *type = json_as_string(json_get(v, "type"), "");
	struct llm_usage *u = &out->usage;

	if (!strcmp(type, "text"))
		buf_puts(said, json_as_string(json_path(v, "part.text"), ""));
	if (!strcmp(type, "step_finish") && json_path(v, "part.tokens")) {
		if (out->estimated)
			*u = (struct llm_usage){0};
		out->estimated = false;
		u->cached += whole(v, "part.tokens.cache.read");
		u->in += whole(v, "part.tokens.input") +
			 whole(v, "part.tokens.cache.read") +
			 whole(v, "part.tokens.cache.write");
		u->out += whole(v, "part.tokens.output") +
			  whole(v, "part.tokens.reasoning");
	}
	if (!strcmp(type, "error"))
		return report("opencode",
			      json_as_string(json_path(v, "error.data.message"),
					     "an error"));
	return 0;
}

static int read_opencode(const char *text, size_t len, struct llm_answer *out)
{
	const char *end = text + len;
	struct buf said;
	int rc = 0;

	buf_init(&said, SIZE_MAX / 4);
	while (!rc && text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);
		struct json *v = json_parse(text, n);

		if (v)
			rc = read_event(v, &said, out);
		json_free(v);
		text += n + 1;
	}
	if (!rc && !said.len)
		rc = err_set(EBADMSG, "opencode has said nothing");
	if (!rc)
		set_text(out, said.data);
	buf_release(&said);
	return rc;
}

int said_read(enum said_form form, const char *text, size_t len,
	      struct llm_answer *out)
{
	switch (form) {
	case SAID_CLAUDE:
		return read_claude(text, len, out);
	case SAID_OPENCODE:
		return read_opencode(text, len, out);
	case SAID_TEXT:
		break;
	}
	set_text(out, text);
	return len ? 0 : err_set(EBADMSG, "the program has said nothing");
}
