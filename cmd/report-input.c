/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report is made of: documents from files or the history, traces. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/report.h"
#include "crypt/digest.h"

#define RECALL_MAX (1u << 16) /* documents, the newest */
#define TRACE_MAX  (1u << 30)

/* ---- documents --------------------------------------------------------- */

static void keep(struct report_docs *d, const struct doc *doc)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 256;
		d->v = mem_realloc(d->v, d->cap, sizeof(const struct doc *));
	}
	d->v[d->n++] = doc;
}

int report_read(struct report_docs *d, const char *path)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, rc;
	const struct doc *doc;
	struct stream *s;

	if (fd < 0)
		return err_set(errno, "cannot read '%s': %s", path,
			       strerror(errno));
	s = stream_open(fd, -1, report_tool.name);
	d->streams = mem_realloc(d->streams, d->stream_count + 1,
				 sizeof(*d->streams));
	d->streams[d->stream_count++] = s;
	while ((rc = stream_next(s, &doc)) != 0) {
		if (rc == 1) {
			keep(d, doc);
			continue;
		}
		if (rc == -EINTR && !cli_stop)
			continue;
		if (rc != -EINVAL)
			break;
		d->bad = true;
		cli_note(&report_tool, "%s%s%s", path ? path : "",
			 path ? ": " : "", err_text());
	}
	if (path)
		close(fd);
	return rc;
}

struct recalling {
	struct report_docs *d;
	struct history *h;
};

static int recall_one(const struct history_entry *e, void *arg)
{
	struct recalling *r = arg;
	struct report_docs *d = r->d;
	int rc;

	if (d->owned_count == RECALL_MAX)
		return 1;
	d->owned = mem_realloc(d->owned, d->owned_count + 1, sizeof(*d->owned));
	rc = history_read(r->h, e->kind, e->id, &d->owned[d->owned_count]);
	/* A lesson that was taken back is in the log, and gone. */
	if (rc == -ENOENT)
		return 0;
	if (!rc)
		d->owned_count++;
	return rc;
}

int report_recall(struct report_docs *d, const char *dir,
		  const struct reporter_pick *pick)
{
	struct recalling r = {.d = d};
	char *where = history_dir(dir);
	size_t before = d->n, n;
	int rc = history_open(where, false, &r.h);

	free(where);
	if (rc)
		return rc;
	rc = history_log(r.h, recall_one, &r);
	history_close(r.h);
	if (rc < 0)
		return rc;
	for (size_t i = d->owned_count; i-- > 0;)
		keep(d, d->owned[i]);
	n = reporter_choose(d->v + before, d->n - before, pick);
	d->n = before + n;
	if (!n)
		return err_set(ENODATA, "the history has nothing about this; "
					"'sched-history log' says what it has");
	return 0;
}

void report_docs_release(struct report_docs *d)
{
	for (size_t i = 0; i < d->stream_count; i++)
		stream_free(d->streams[i]);
	for (size_t i = 0; i < d->owned_count; i++)
		doc_free(d->owned[i]);
	free(d->streams);
	free(d->owned);
	free(d->v);
}

/* ---- traces ------------------------------------------------------------ */

static int read_trace(const char *path, struct buf *out)
{
	/* A document may name anything: a pipe must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;
	struct stat st;

	if (fd < 0)
		return err_set(errno, "cannot read the trace '%s': %s", path,
			       strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = err_set(EINVAL, "the trace '%s' is no file", path);
	else
		rc = buf_read_fd(out, fd);
	close(fd);
	return rc;
}

static void take_named(struct report_traces *t, const struct doc *d)
{
	const char *path = json_text_at(d->body, "trace.path");
	const char *want = json_text_at(d->body, "trace.sha256");
	struct buf *b = &t->bytes[t->n];
	char digest[DIGEST_HEX_LEN];

	if (!*path || t->n == REPORT_MAX_TRACES)
		return;
	buf_init(b, TRACE_MAX);
	if (read_trace(path, b)) {
		cli_note(&report_tool, "%s; --trace names another place",
			 err_text());
		buf_release(b);
		return;
	}
	digest_hex(b->len ? b->data : "", b->len, digest);
	if (strcmp(digest, want)) {
		cli_note(&report_tool,
			 "the trace '%s' is not the one of the profile: left "
			 "out",
			 path);
		buf_release(b);
		return;
	}
	t->v[t->n++] = (struct reporter_trace){d->id, path, b->data, b->len};
}

int report_traces_open(struct report_traces *t, const struct report_docs *d,
		       const char *path)
{
	const struct doc *last = NULL;
	struct buf *b;
	int rc;

	*t = (struct report_traces){0};
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->v[i]->kind, "profile"))
			last = d->v[i];
	/* The last ones, as many as there is room for. */
	for (size_t i = d->n; i-- > 0 && t->n + 1 < REPORT_MAX_TRACES;)
		if (!strcmp(d->v[i]->kind, "profile") &&
		    !(path && d->v[i] == last))
			take_named(t, d->v[i]);
	if (!path)
		return 0;
	b = &t->bytes[t->n];
	buf_init(b, TRACE_MAX);
	rc = read_trace(path, b);
	if (rc)
		return rc;
	t->v[t->n++] = (struct reporter_trace){last ? last->id : NULL, path,
					       b->data, b->len};
	return 0;
}

void report_traces_release(struct report_traces *t)
{
	for (size_t i = 0; i < REPORT_MAX_TRACES; i++)
		buf_release(&t->bytes[i]);
}
