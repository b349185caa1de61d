/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reporter, with documents whose bodies are the lines of the input (the
 * first character chooses the kind) and their predecessors' ids as parents; or
 * with a trace.  No page may hold a script.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/reporter.h"
#include "bpf/trace_abi.h"
#include "fuzz.h"

#define DOCS_MAX 64

static struct doc *make(const char *line, size_t len, const char *parent)
{
	static const char *const kinds[] = {
		"profile",    "plan",	"policy", "verdict",
		"deployment", "lesson", "note",	  "error",
	};
	struct json *body = len > 1 ? json_parse(line + 1, len - 1) : NULL;

	if (!body || json_type(body) != JSON_OBJECT) {
		json_free(body);
		return NULL;
	}
	return doc_new(kinds[(unsigned char)*line % 8], "fuzz", body, &parent,
		       parent ? 1 : 0);
}

static void report(const struct doc *const *docs, size_t n,
		   const struct reporter_opts *o)
{
	struct buf out;

	buf_init(&out, REPORTER_MAX_BYTES);
	if (reporter_page(docs, n, o, &out) == 0 &&
	    memmem(out.data, out.len, "<script", 7))
		abort();
	buf_reset(&out);
	reporter_text(docs, n, o, 40, &out);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char profile[] =
		"0{\"scope\":\"all\",\"goal\":\"x\",\"source\":\"bpf\","
		"\"target\":\"vm\",\"duration_us\":1,\"groups\":[],\"system\":"
		"{\"cpus\":1,\"kernel\":\"k\"},\"overhead\":{\"drops\":0}}";
	struct reporter_trace trace = {.bytes = data, .len = len};
	struct reporter_opts o = {.traces = &trace};
	const char *at = (const char *)data, *end = at + len, *stop;
	struct doc *docs[DOCS_MAX];
	size_t n = 0;

	if (len && *data == REC_MAGIC[0]) {
		o.trace_count = 1;
		at = profile;
		end = at + strlen(at);
	}
	for (; at < end && n < DOCS_MAX; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		docs[n] = make(at, (size_t)(stop - at),
			       n ? docs[n - 1]->id : NULL);
		n += docs[n] != NULL;
	}
	report((const struct doc *const *)docs, n, &o);
	while (n)
		doc_free(docs[--n]);
	return 0;
}
