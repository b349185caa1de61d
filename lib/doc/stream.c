/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/lineage.h"
#include "doc/pipe.h"
#include "doc/utf8.h"

/* What a value takes in memory beside its text, about. */
#define VALUE_COST 96

struct stream {
	struct pipe_lines in;
	int out_fd;
	int copy_fd; /* $SCHEDKIT_DOCUMENTS; -1: none */
	char *by;
	size_t line;
	bool in_long; /* parts of a line that is too long went by */
	size_t bad;
	size_t held; /* bytes of memory that the documents take, about */
	int broken;  /* why the pipe failed; stays */
	struct doc **docs;
	size_t count;
	size_t cap;
	struct lineage *lineage;
};

/* Meant for one process: those that it runs inherit the variable, too. */
static int open_copy(void)
{
	const char *v = getenv("SCHEDKIT_DOCUMENTS");
	char *path = NULL;
	int fd;

	if (!v || strtol(v, &path, 10) != getpid() || *path != ':')
		return -1;
	fd = open(path + 1, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	unsetenv("SCHEDKIT_DOCUMENTS");
	return fd;
}

static void close_copy(struct stream *s)
{
	if (s->copy_fd >= 0)
		close(s->copy_fd);
	s->copy_fd = -1;
}

/* Part of a stream would pass for all of it: better none. */
static void copy(struct stream *s, const char *text, size_t len)
{
	int rc;

	if (s->copy_fd < 0 || !pipe_write(s->copy_fd, text, len))
		return;
	rc = ftruncate(s->copy_fd, 0);
	(void)rc;
	close_copy(s);
}

struct stream *stream_open(int in_fd, int out_fd, const char *by)
{
	struct stream *s = mem_zalloc(1, sizeof(*s));

	pipe_lines_init(&s->in, in_fd, DOC_MAX_LINE);
	s->out_fd = out_fd;
	s->copy_fd = open_copy();
	s->by = mem_strdup(by);
	s->lineage = lineage_new();
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		doc_free(s->docs[i]);
	free(s->docs);
	lineage_free(s->lineage);
	pipe_lines_release(&s->in);
	close_copy(s);
	free(s->by);
	free(s);
}

/* -EINVAL means a bad line, so the pipe may not say it too. */
static int broken(struct stream *s, int rc, const char *what)
{
	s->broken = rc == -EINVAL ? -EIO : rc;
	return err_set(-s->broken, "cannot %s: %s", what, strerror(-rc));
}

static int put(struct stream *s, const char *text, size_t len)
{
	int rc;

	if (s->broken)
		return err_set(-s->broken, "cannot write the stream: %s",
			       strerror(-s->broken));
	copy(s, text, len);
	if (s->out_fd < 0)
		return 0;
	rc = pipe_write(s->out_fd, text, len);
	return rc ? broken(s, rc, "write the stream") : 0;
}

static int put_doc(struct stream *s, const struct doc *d)
{
	char *line = doc_line(d);
	size_t len = strlen(line);
	int rc;

	line[len] = '\n';
	rc = put(s, line, len + 1);
	free(line);
	return rc;
}

static size_t value_count(const struct json *v)
{
	size_t n = 1;

	json_each (it, v)
		n += value_count(it);
	return n;
}

static void keep(struct stream *s, struct doc *d)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 32;
		s->docs = mem_realloc(s->docs, s->cap, sizeof(*s->docs));
	}
	s->docs[s->count++] = d;
	lineage_keep(s->lineage, d);
}

static struct doc *error_doc(const struct stream *s, const char *code,
			     const char *text, size_t line, const char *about)
{
	struct json *body = json_object();

	json_set_string(body, "code", code);
	json_set_string(body, "text", text);
	if (line)
		json_set_number(body, "line", (double)line);
	if (about)
		json_set_string(body, "about", about);
	return doc_new("error", s->by, body, NULL, 0);
}

/* The line is out already; says what is wrong with it, here and downstream. */
static int report(struct stream *s, const char *code, const char *about)
{
	char *text = mem_strdup(err_text());
	struct doc *d = error_doc(s, code, text, s->line, about);
	int rc = put_doc(s, d);

	s->bad++;
	/* Bad lines without number would else fill the memory. */
	if (s->held < STREAM_MAX_HELD) {
		s->held += (value_count(d->env) + 1) * VALUE_COST;
		keep(s, d);
	} else {
		doc_free(d);
	}
	if (!rc)
		rc = err_set(EINVAL, "line %zu: %s", s->line, text);
	free(text);
	return rc;
}

static bool blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!text[i] || !strchr(" \t\r", text[i]))
			return false;
	}
	return true;
}

/* A line that is out already, and not too long. */
static int take(struct stream *s, const char *text, size_t len, bool ended,
		const struct doc **out)
{
	struct doc *d;

	if (s->held >= STREAM_MAX_HELD) {
		err_set(EFBIG,
			"the documents before it take %u MiB; split "
			"the stream",
			STREAM_MAX_HELD >> 20);
		return report(s, "EFBIG", NULL);
	}
	if (doc_parse(text, len, &d)) {
		const char *code = utf8_valid(text, len) ? "EINVAL" : "EILSEQ";

		if (!ended)
			err_prefix(0, "truncated, no newline at its end");
		return report(s, code, NULL);
	}
	s->held += len + value_count(d->env) * VALUE_COST;
	if (lineage_add(s->lineage, d)) {
		int rc = report(s, "ELOOP", d->id);

		doc_free(d);
		return rc;
	}
	keep(s, d);
	*out = d;
	return 1;
}

static int next_line(struct stream *s, const struct doc **out)
{
	const char *text;
	size_t len;
	int piece, rc;

	for (;;) {
		piece = pipe_lines_next(&s->in, &text, &len);
		if (piece < 0)
			return piece == -EINTR
				       ? err_set(EINTR, "interrupted")
				       : broken(s, piece, "read the stream");
		if (piece == PIPE_END)
			return 0;
		rc = put(s, text, len + (piece == PIPE_LINE));
		if (!rc && piece == PIPE_UNENDED)
			rc = put(s, "\n", 1);
		if (rc)
			return rc;
		if (piece == PIPE_PART) {
			s->in_long = true;
			continue;
		}
		s->line++;
		if (s->in_long) {
			s->in_long = false;
			err_set(EMSGSIZE, "longer than %u bytes", DOC_MAX_LINE);
			return report(s, "EMSGSIZE", NULL);
		}
		if (!blank(text, len))
			return take(s, text, len, piece == PIPE_LINE, out);
	}
}

int stream_next(struct stream *s, const struct doc **out)
{
	*out = NULL;
	if (s->broken)
		return err_set(-s->broken, "the stream is broken: %s",
			       strerror(-s->broken));
	return s->in.fd < 0 ? 0 : next_line(s, out);
}

int stream_take_all(struct stream *s, const char *so)
{
	const struct doc *d;
	char *first = NULL;
	int rc;

	do {
		rc = stream_next(s, &d);
		if (rc == -EINVAL && !first)
			first = mem_strdup(err_text());
	} while (rc > 0 || rc == -EINVAL);
	if (!rc && first)
		rc = err_set(EBADMSG, "%s; %s", first, so);
	free(first);
	return rc;
}

int stream_emit(struct stream *s, struct doc *d)
{
	int rc;

	if (!d)
		return -EINVAL;
	rc = lineage_add(s->lineage, d);
	if (rc) {
		doc_free(d);
		return rc;
	}
	keep(s, d);
	return put_doc(s, d);
}

int stream_emit_error(struct stream *s, int code, const char *about)
{
	const char *name = strerrorname_np(code < 0 ? -code : code);
	char *text = mem_strdup(err_text());
	struct doc *d = error_doc(s, name ? name : "EIO", text, 0, about);

	free(text);
	return stream_emit(s, d);
}

const struct doc *stream_find(const struct stream *s, const char *id)
{
	return lineage_find(s->lineage, id);
}

const struct doc *stream_last(const struct stream *s, const char *kind)
{
	for (size_t i = s->count; i > 0; i--) {
		if (!strcmp(s->docs[i - 1]->kind, kind))
			return s->docs[i - 1];
	}
	return NULL;
}

size_t stream_count(const struct stream *s)
{
	return s->count;
}

const struct doc *stream_at(const struct stream *s, size_t i)
{
	return i < s->count ? s->docs[i] : NULL;
}

size_t stream_bad_lines(const struct stream *s)
{
	return s->bad;
}
