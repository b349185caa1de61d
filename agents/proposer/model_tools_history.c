/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history for a model, through sched-history: its repository holds what
 * any earlier run wrote, and git's formats are read by a process of their own.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/model_tools_parts.h"
#include "agents/prompt/prompt.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strs.h"

#define LIMIT_S	    30
#define OUTPUT_MAX  (4 * DOC_MAX_LINE)
#define SEARCH_DOCS 100
#define SEARCH_HITS 20
#define LINE_MAX_   160 /* of one hit */
#define SHOW_MAX    40000
#define ID_SHORT    12
#define WORDS	    8

/* Runs it; out gets the documents: those of a kind, or the one with the id. */
static int history(const struct model_tools *t, const char *kind,
		   const char *id, struct buf *out)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct strs argv = {0};
	struct buf said;
	char *program = path_bin("sched-history");
	int rc;

	strs_add(&argv, program);
	strs_add(&argv, id ? "show" : "log");
	strs_add(&argv, "--json");
	if (t->o.history)
		strs_printf(&argv, "--history=%s", t->o.history);
	if (id) {
		strs_add(&argv, "--");
		strs_add(&argv, id);
	} else {
		strs_printf(&argv, "--max=%d", SEARCH_DOCS);
		strs_printf(&argv, "--kind=%s", kind);
	}
	buf_init(&said, 1000);
	spec.argv = argv.v;
	spec.stdin_fd = -1;
	spec.out = out;
	spec.err = &said;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = LIMIT_S;
	spec.cancel = t->o.cancel;
	spec.with_us = true;
	rc = proc_run(&spec, &res);
	if (!rc && (res.cancelled || res.timed_out))
		rc = err_set(res.cancelled ? EINTR : ETIMEDOUT,
			     "the history did not answer in time");
	else if (!rc && res.exit_status)
		rc = err_set(ENOENT, "%s",
			     said.len ? said.data : "no such document");
	buf_release(&said);
	strs_release(&argv);
	free(program);
	return rc;
}

/* The document that begins at *at, which moves on; NULL: no more. */
static struct doc *next_doc(const struct buf *out, size_t *at)
{
	while (*at < out->len) {
		const char *line = out->data + *at;
		const char *eol = memchr(line, '\n', out->len - *at);
		size_t len = eol ? (size_t)(eol - line) : out->len - *at;
		struct doc *d;

		*at += len + 1;
		if (len && !doc_parse(line, len, &d))
			return d;
	}
	return NULL;
}

static bool holds_all(const char *text, const char *words)
{
	char *copy = mem_strdup(words), *save = NULL;
	bool all = true;
	int n = 0;

	for (char *w = strtok_r(copy, " \t\n,", &save); w && all && n < WORDS;
	     w = strtok_r(NULL, " \t\n,", &save), n++)
		all = strcasestr(text, w);
	free(copy);
	return all;
}

/* What a document says in a few words. */
static const char *gist(const struct doc *d)
{
	static const char *const keys[] = {"title", "why", "text", "summary",
					   "decision"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *s = json_as_string(json_get(d->body, keys[i]), "");

		if (*s)
			return s;
	}
	return "";
}

static void hit(struct buf *b, const struct doc *d)
{
	const char *decision =
		json_as_string(json_get(d->body, "decision"), NULL);

	buf_printf(b, "- %.*s %s ", ID_SHORT, d->id, d->kind);
	if (decision)
		buf_printf(b, "%s ", decision);
	prompt_quote(b, gist(d), LINE_MAX_);
	buf_puts(b, "\n");
}

int tool_history_search(struct model_tools *t, const struct json *arguments,
			struct buf *b)
{
	const char *words = json_as_string(json_get(arguments, "words"), "");
	const char *kind =
		json_as_string(json_get(arguments, "kind"), "policy");
	size_t at = 0, hits = 0, seen = 0;
	struct buf out;
	struct doc *d;
	int rc;

	buf_init(&out, OUTPUT_MAX);
	rc = history(t, kind, NULL, &out);
	while (!rc && hits < SEARCH_HITS && (d = next_doc(&out, &at))) {
		char *text = json_canonical(d->body);

		seen++;
		if (holds_all(text, words)) {
			hit(b, d);
			hits++;
		}
		free(text);
		doc_free(d);
	}
	if (!rc && !hits)
		buf_printf(b,
			   "none of the last %zu documents of this kind "
			   "holds all of these words\n",
			   seen);
	buf_release(&out);
	return rc;
}

static void put(struct buf *b, const struct doc *d)
{
	char *text;

	buf_printf(b, "%s %s\n", d->kind, d->id);
	if (!strcmp(d->kind, "policy")) {
		prompt_policy(b, d);
	} else if (!strcmp(d->kind, "verdict")) {
		prompt_verdict(b, d);
	} else if (!strcmp(d->kind, "profile")) {
		prompt_profile(b, d);
	} else {
		text = json_ordered(d->body);
		prompt_fence(b, "document", text, SHOW_MAX);
		free(text);
	}
}

int tool_history_show(struct model_tools *t, const struct json *arguments,
		      struct buf *b)
{
	const char *id = json_as_string(json_get(arguments, "id"), "");
	size_t at = 0;
	struct buf out;
	struct doc *d;
	int rc;

	if (strlen(id) < 4 || id[strspn(id, "0123456789abcdef")])
		return err_set(EINVAL, "id: at least 4 lower-case hexadecimal "
				       "digits, as history_search shows them");
	buf_init(&out, OUTPUT_MAX);
	rc = history(t, NULL, id, &out);
	while (!rc && (d = next_doc(&out, &at))) {
		put(b, d);
		doc_free(d);
	}
	buf_release(&out);
	return rc;
}
