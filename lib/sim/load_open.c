/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "bpf/trace_abi.h"
#include "burst/bursts.h"
#include "doc/doc.h"
#include "sim/load_rtapp.h"

#define MAX_BYTES (1u << 29)

static bool is_rtapp(const struct json *v)
{
	return json_type(json_get(v, "tasks")) == JSON_OBJECT;
}

/* The body of the last profile among documents, one a line. */
static struct json *last_profile(const char *text, size_t len)
{
	struct json *body = NULL;

	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		struct doc *d = NULL;

		if (n && !doc_parse(text + at, n, &d) &&
		    !strcmp(d->kind, "profile")) {
			json_free(body);
			body = json_copy(d->body);
		}
		doc_free(d);
		at += n + 1;
	}
	return body;
}

static int from_text(const char *text, size_t len, struct load **out)
{
	struct json *v = last_profile(text, len), *whole;
	int rc;

	if (v) {
		rc = load_from_profile(v, out);
		json_free(v);
		return rc;
	}
	whole = json_parse(text, len);
	/* A document spread over lines, and a body alone. */
	if (whole && json_get(whole, "body"))
		rc = load_from_profile(json_get(whole, "body"), out);
	else if (whole && json_get(whole, "groups"))
		rc = load_from_profile(whole, out);
	else if (whole && !is_rtapp(whole))
		rc = err_set(EINVAL, "neither a profile, nor a trace, nor a "
				     "file of bursts, nor rt-app's JSON (an "
				     "object with 'tasks')");
	else
		rc = load_from_rtapp(text, len, out);
	json_free(whole);
	return rc;
}

static bool begins(const struct buf *b, const char *magic)
{
	size_t n = strlen(magic);

	return b->len >= n && !memcmp(b->data, magic, n);
}

int load_open(const char *path, struct load **out)
{
	struct buf b;
	int rc;

	*out = NULL;
	if (bursts_begins(path)) {
		rc = load_from_bursts(path, 0, out);
		return rc ? err_prefix(rc, "workload") : 0;
	}
	buf_init(&b, MAX_BYTES);
	rc = strcmp(path, "-") ? buf_read_file(&b, path)
			       : buf_read_fd(&b, STDIN_FILENO);
	if (!rc && !b.len)
		rc = err_set(EINVAL, "there is nothing in it");
	if (!rc && begins(&b, REC_MAGIC))
		rc = load_from_trace(b.data, b.len, out);
	else if (!rc && begins(&b, BURSTS_MAGIC))
		rc = err_set(EINVAL, "bursts are read from a file alone, not "
				     "from a pipe");
	else if (!rc)
		rc = from_text(b.data, b.len, out);
	buf_release(&b);
	return rc ? err_prefix(rc, "workload '%s'", path) : 0;
}
