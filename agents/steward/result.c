/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/result.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "doc/doc.h"
#include "mcp/offer.h"
#include "term/text.h"

#define OUT_MAX	    (32u << 20)
#define ERR_MAX	    (64 << 10)
#define DOCS_MAX    50
#define PLAIN_MAX   (48u << 10)
#define TEXT_MAX    (64u << 10)
#define WORDS_MAX   600
#define FAR_MAX	    4096
#define FAR_COLUMNS 200
#define DEPTH_MAX   7
#define SUMMARY_MAX 4096

/* How much of one document is shown, by who asks. */
#define SHOWN_ALONE (256u << 10)
#define SHOWN_MADE  (12u << 10)
#define SHOWN_FOUND 1500u

/* ---- reading ------------------------------------------------------------ */

static void read_file(const struct steward_job *j, const char *name,
		      struct buf *b)
{
	char *path = mem_printf("%s/%s", j->dir, name);

	/* What is longer is cut off, what is not there empty. */
	buf_read_file(b, path);
	err_clear();
	free(path);
}

/* Of what is said only the end counts, and a command may say a lot. */
static void read_tail(const struct steward_job *j, struct buf *b)
{
	char *path = mem_printf("%s/err", j->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > ERR_MAX / 2)
		lseek(fd, st.st_size - ERR_MAX / 2, SEEK_SET);
	if (fd >= 0) {
		buf_read_fd(b, fd);
		close(fd);
	}
	err_clear();
	free(path);
}

void steward_result_output(const struct steward_job *j, struct buf *out)
{
	read_file(j, "out.jsonl", out);
}

char *steward_result_words(const struct steward_job *j)
{
	struct buf b, clean;
	char *end, *start;

	buf_init(&b, ERR_MAX);
	buf_init(&clean, 8 * WORDS_MAX);
	read_tail(j, &b);
	if (b.len) {
		for (end = b.data + b.len; end > b.data && end[-1] == '\n';)
			*--end = '\0';
		start = strrchr(b.data, '\n');
		start = start ? start + 1 : b.data;
		/* A line that was written over again and again. */
		end = strrchr(start, '\r');
		text_clean(&clean, end && end[1] ? end + 1 : start, WORDS_MAX);
	}
	buf_release(&b);
	return buf_take(&clean);
}

/* "DONE TOTAL WORDS", as schedkit(7) has it, else what it said last. */
char *steward_result_far(const struct steward_job *j)
{
	char *text;
	struct buf b, clean;
	long done, total;
	int at = 0;

	buf_init(&b, FAR_MAX);
	buf_init(&clean, 8 * FAR_MAX);
	read_file(j, "progress", &b);
	if (!b.len)
		text = steward_result_words(j);
	else if (sscanf(b.data, "%ld %ld %n", &done, &total, &at) == 2 && at) {
		text_clean(&clean, b.data + at, FAR_COLUMNS);
		text = total > 0 ? mem_printf("%ld of %ld, %s", done, total,
					      clean.data ? clean.data : "")
				 : mem_strdup(clean.data ? clean.data : "");
	} else {
		text = mem_strdup("");
	}
	buf_release(&clean);
	buf_release(&b);
	return text;
}

/* Of what it read and passed on. */
static void read_known(const struct steward_job *j, const char *name,
		       struct strs *known)
{
	char *save = NULL;
	struct buf b;

	buf_init(&b, OUT_MAX);
	read_file(j, name, &b);
	for (char *line = b.len ? strtok_r(b.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct json *v = json_parse(line, strlen(line));

		if (*json_text_at(v, "id"))
			strs_add(known, json_text_at(v, "id"));
		json_free(v);
	}
	buf_release(&b);
}

/* ---- extracts ----------------------------------------------------------- */

static size_t size_of(const struct json *v)
{
	char *text = json_canonical(v);
	size_t n = strlen(text);

	free(text);
	return n;
}

/* Lists with their first `most` members, and no histograms. */
static struct json *extract(const struct json *v, size_t most, int depth)
{
	struct json *out;
	size_t n = 0;

	if (json_type(v) == JSON_ARRAY) {
		out = json_array();
		json_each (it, v)
			if (n++ < most && depth)
				json_add(out, extract(it, most, depth - 1));
		return out;
	}
	if (json_type(v) == JSON_STRING && strlen(json_as_string(v, "")) > 2000)
		return json_string("(a long text)");
	if (json_type(v) != JSON_OBJECT)
		return json_copy(v);
	out = json_object();
	json_each (it, v)
		if (depth && n++ < 64 && strcmp(json_key(it), "buckets") != 0)
			json_set(out, json_key(it),
				 extract(it, most, depth - 1));
	return out;
}

static struct json *shorten(const struct json *body, size_t max, bool *cut)
{
	static const struct {
		size_t most;
		int depth;
	} steps[] = {{16, DEPTH_MAX}, {6, 4}, {3, 3}, {0, 1}};
	struct json *out = NULL;

	*cut = size_of(body) > max;
	if (!*cut)
		return json_copy(body);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		json_free(out);
		out = extract(body, steps[i].most, steps[i].depth);
		if (size_of(out) <= max)
			break;
	}
	return out;
}

static void add_document(struct json *list, const struct json *v, size_t max)
{
	static const char *const keys[] = {"id", "kind", "time"};
	struct json *d = json_object();
	struct buf b;
	bool cut;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_set_string(d, keys[i], json_text_at(v, keys[i]));
	buf_init(&b, SUMMARY_MAX);
	steward_result_summary(json_text_at(v, "kind"), json_get(v, "body"),
			       &b);
	if (b.len)
		json_set_string(d, "summary", b.data);
	buf_release(&b);
	if (json_get(v, "parent"))
		json_set(d, "parent", json_copy(json_get(v, "parent")));
	json_set(d, "body", shorten(json_get(v, "body"), max, &cut));
	if (cut)
		json_set_bool(d, "cut", true);
	json_add(list, d);
}

static bool is_document(const struct json *v)
{
	return *json_text_at(v, "id") && *json_text_at(v, "kind") &&
	       json_type(json_get(v, "body")) == JSON_OBJECT;
}

static size_t shown_of(const char *tool)
{
	if (!strcmp(tool, "history_show"))
		return SHOWN_ALONE;
	if (!strcmp(tool, "history_search") || !strcmp(tool, "history_best"))
		return SHOWN_FOUND;
	return SHOWN_MADE;
}

static void add_output(const struct steward_job *j, struct json *to)
{
	const char *tool = steward_job_tool(j);
	struct json *docs = json_array(), *values = json_array();
	struct strs known = {0};
	char *save = NULL;
	size_t more = 0;
	struct buf b;

	read_known(j, "in.jsonl", &known);
	read_known(j, "known.jsonl", &known);
	buf_init(&b, OUT_MAX);
	steward_result_output(j, &b);
	for (char *line = b.len ? strtok_r(b.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct json *v = json_parse(line, strlen(line));
		bool doc = is_document(v);

		if (doc && strs_has(&known, json_text_at(v, "id")))
			;
		else if (doc && json_len(docs) < DOCS_MAX)
			add_document(docs, v, shown_of(tool));
		else if (doc)
			more++;
		else if (v && json_len(values) < DOCS_MAX)
			json_add(values, json_copy(v));
		json_free(v);
	}
	json_set(to, "documents", docs);
	if (more)
		json_set_number(to, "more", (double)more);
	if (json_len(values))
		json_set(to, "values", values);
	else
		json_free(values);
	buf_release(&b);
	strs_release(&known);
	err_clear();
}

/* Of the programs that write text. */
static void add_plain(const struct steward_job *j, struct json *to)
{
	struct buf b;
	char *text;

	buf_init(&b, PLAIN_MAX);
	steward_result_output(j, &b);
	text = buf_take(&b);
	json_set_string(to, "output", text);
	free(text);
}

/* ---- the whole ---------------------------------------------------------- */

static const char *outcome_of(const struct steward_job *j,
			      const struct steward_tool *t)
{
	if (j->state == STEWARD_JOB_RUNS)
		return "running";
	if (j->cancelled)
		return "cancelled";
	if (json_as_bool(json_get(j->status, "timed_out"), false))
		return "failed";
	switch (j->exit_status) {
	case 0:
		return "done";
	case 1:
		return "no";
	case 3:
		return t && t->flags & STEWARD_3_IS_NO ? "no" : "failed";
	case 4:
		return "later";
	default:
		return "failed";
	}
}

struct json *steward_result_structure(const struct steward_job *j)
{
	const struct steward_tool *t = steward_tool_find(steward_job_tool(j));
	const char *why = json_text_at(j->status, "text");
	char *words = steward_result_words(j);
	struct json *v = json_object();

	json_set_string(v, "outcome", outcome_of(j, t));
	json_set_string(v, "job", j->id);
	json_set_string(v, "tool", steward_job_tool(j));
	if (j->state == STEWARD_JOB_ENDED) {
		json_set_number(v, "exit_status", j->exit_status);
		json_set_number(v, "seconds",
				j->ended > j->created ? j->ended - j->created
						      : 0);
	}
	if (t && t->flags & STEWARD_PLAIN)
		add_plain(j, v);
	else if (t)
		add_output(j, v);
	if (*why || *words)
		json_set_string(v, "words", *why ? why : words);
	free(words);
	return v;
}

struct json *steward_result(const struct steward_job *j)
{
	const struct steward_tool *t = steward_tool_find(steward_job_tool(j));
	struct json *v = steward_result_structure(j), *result;
	const char *outcome = json_text_at(v, "outcome");
	bool bad = !strcmp(outcome, "failed") || !strcmp(outcome, "later") ||
		   !strcmp(outcome, "cancelled") ||
		   (!strcmp(outcome, "no") && t && t->flags & STEWARD_NO_FAILS);
	struct buf text;
	char *words;

	buf_init(&text, TEXT_MAX);
	steward_result_text(j, v, &text);
	words = buf_take(&text);
	result = mcp_result(v, words);
	if (bad)
		json_set_bool(result, "isError", true);
	free(words);
	return result;
}
