/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents that earlier lines left: one file each, in a folder that goes
 * with the prompt. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/repl.h"
#include "history/words.h"
#include "term/text.h"

#define KEPT_MAX 20
#define SHORT_ID 12
#define CHUNK	 65536

/* ---- the files -------------------------------------------------------- */

static char *path_of(const struct repl *r, size_t n)
{
	return mem_printf("%s/%zu", r->session.dir, n);
}

static bool open_session(struct repl *r)
{
	char *parent;
	int rc;

	if (r->session.dir)
		return true;
	parent = path_state("prompt");
	rc = temp_make(parent, "session.", &r->session);
	free(parent);
	if (rc < 0) {
		r->session = TEMP_NONE;
		cli_note(&repl_tool, "documents are not kept: %s", err_text());
	}
	return rc == 0;
}

char *repl_keep_new(struct repl *r)
{
	char *path;
	int fd;

	if (!open_session(r))
		return NULL;
	path = path_of(r, r->kept + 1);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return path;
	}
	cli_note(&repl_tool, "documents are not kept: '%s': %s", path,
		 strerror(errno));
	free(path);
	return NULL;
}

void repl_keep(struct repl *r, char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !st.st_size) {
		unlink(path);
		free(path);
		return;
	}
	free(path);
	r->kept++;
	if (r->kept <= KEPT_MAX)
		return;
	path = path_of(r, r->kept - KEPT_MAX);
	unlink(path);
	free(path);
}

static bool is_kept(const struct repl *r, long back)
{
	return back >= 1 && back <= KEPT_MAX && (size_t)back <= r->kept;
}

int repl_kept(struct repl *r, long back)
{
	char *path;
	int fd;

	if (!is_kept(r, back)) {
		if (!r->kept)
			cli_note(&repl_tool,
				 "no line had documents yet; 'observe -- "
				 "COMMAND' gives a profile");
		else
			cli_note(&repl_tool, "there is no 'last %ld'", back);
		return -1;
	}
	path = path_of(r, r->kept + 1 - (size_t)back);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		cli_note(&repl_tool, "cannot read '%s': %s", path,
			 strerror(errno));
	free(path);
	return fd;
}

long repl_is_last(const struct line_stage *s)
{
	const struct strs *w = &s->words;
	char *end;
	long n = 1;

	if (s->quoted || (strcmp(w->v[0], "last") && strcmp(w->v[0], "$_")))
		return 0;
	if (w->len > 1)
		n = strtol(w->v[1], &end, 10);
	if (w->len <= 2 && n >= 1 && (w->len == 1 || !*end))
		return n;
	cli_note(&repl_tool, "'%s' takes one number, from 1 to %d", w->v[0],
		 KEPT_MAX);
	return -1;
}

/* ---- reading ---------------------------------------------------------- */

static bool has_profile(int fd)
{
	struct stream *s = stream_open(fd, -1, repl_tool.name);
	const struct doc *d;
	bool has;
	int rc;

	while ((rc = stream_next(s, &d)) == 1 || rc == -EINVAL)
		;
	has = stream_last(s, "profile") != NULL;
	stream_free(s);
	return has && lseek(fd, 0, SEEK_SET) == 0;
}

int repl_kept_profile(struct repl *r)
{
	for (long back = 1; is_kept(r, back); back++) {
		int fd = repl_kept(r, back);

		if (fd >= 0 && has_profile(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static int copy(int from, int to, const char *name)
{
	char *chunk = mem_zalloc(CHUNK, 1);
	int rc = 0;
	ssize_t n;

	while (!rc && !repl_stop && (n = read(from, chunk, CHUNK)) != 0) {
		if (n > 0)
			rc = io_write(to, chunk, (size_t)n);
		else if (errno != EINTR)
			rc = -errno;
	}
	free(chunk);
	if (rc)
		cli_note(&repl_tool, "cannot copy to '%s': %s", name,
			 strerror(-rc));
	return rc ? CLI_CANNOT : CLI_YES;
}

/* ---- last ------------------------------------------------------------- */

/* "policy: 'shared queue', …" of the history, without the kind. */
static void put_subject(struct table *t, const struct doc *d)
{
	struct words_context c = {0};
	struct buf b;
	size_t skip;

	buf_init(&b, LINE_MAX_BYTES);
	if (words_known(d->kind))
		words_subject(&b, d, &c);
	skip = strlen(d->kind) + 2;
	table_cell(t, "%s",
		   b.len > skip
			   ? b.data + skip
			   : json_as_string(json_get(d->body, "text"), ""));
	buf_release(&b);
}

static int show(int fd)
{
	struct stream *s = stream_open(fd, -1, repl_tool.name);
	struct table *t = table_new();
	int rc, status = CLI_YES;
	const struct doc *d;

	table_column(t, "kind", TABLE_LEFT);
	table_column(t, "id", TABLE_LEFT);
	table_column(t, "what", TABLE_WRAP);
	while ((rc = stream_next(s, &d)) != 0) {
		if (rc == 1) {
			table_cell(t, "%s", d->kind);
			table_cell(t, "%.*s", SHORT_ID, d->id);
			put_subject(t, d);
			continue;
		}
		status = cli_fail(&repl_tool, rc);
		if (rc != -EINVAL)
			break;
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	stream_free(s);
	return status;
}

int repl_last(struct repl *r, const struct line *l)
{
	int fd, to = STDOUT_FILENO, status;

	if (l->in) {
		cli_note(&repl_tool, "'last' takes no <");
		return CLI_USAGE;
	}
	fd = repl_kept(r, repl_is_last(&l->stages[0]));
	if (fd < 0)
		return CLI_CANNOT;
	if (l->out)
		to = repl_create(l->out, l->append);
	if (to < 0)
		status = CLI_CANNOT;
	else if (!l->out && isatty(STDOUT_FILENO))
		status = show(fd);
	else
		status = copy(fd, to, l->out ? l->out : "standard output");
	if (l->out && to >= 0)
		close(to);
	close(fd);
	return status;
}

/* ---- files ------------------------------------------------------------ */

/* The one word behind the first, or NULL after saying that it is missing. */
static const char *file_of(const struct line *l)
{
	const struct strs *w = &l->stages[0].words;

	if (w->len == 2 && !l->in && !l->out)
		return w->v[1];
	cli_note(&repl_tool, "usage: %s FILE", w->v[0]);
	return NULL;
}

int repl_save(struct repl *r, const struct line *l)
{
	const char *path = file_of(l);
	int fd, to, status = CLI_CANNOT;

	if (!path)
		return CLI_USAGE;
	fd = repl_kept(r, 1);
	if (fd < 0)
		return CLI_CANNOT;
	to = repl_create(path, false);
	if (to >= 0) {
		status = copy(fd, to, path);
		close(to);
	}
	close(fd);
	return status;
}

/* Bad lines are named; what holds one is not taken. */
static int check(int fd)
{
	struct stream *s = stream_open(fd, -1, repl_tool.name);
	int rc, status = CLI_YES;
	const struct doc *d;

	while ((rc = stream_next(s, &d)) != 0) {
		if (rc == 1)
			continue;
		status = cli_fail(&repl_tool, rc);
		if (rc != -EINVAL)
			break;
	}
	if (status == CLI_YES && !stream_count(s)) {
		cli_note(&repl_tool, "there are no documents in it");
		status = CLI_CANNOT;
	}
	stream_free(s);
	if (status == CLI_YES && lseek(fd, 0, SEEK_SET) < 0) {
		cli_note(&repl_tool, "it is no file: %s", strerror(errno));
		status = CLI_CANNOT;
	}
	return status;
}

int repl_load(struct repl *r, const struct line *l)
{
	const char *path = file_of(l);
	int fd, to, status;
	char *kept;

	if (!path)
		return CLI_USAGE;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		cli_note(&repl_tool, "cannot read '%s': %s", path,
			 strerror(errno));
		return CLI_CANNOT;
	}
	status = check(fd);
	kept = status == CLI_YES ? repl_keep_new(r) : NULL;
	to = kept ? repl_create(kept, false) : -1;
	if (to >= 0) {
		status = copy(fd, to, kept);
		close(to);
	} else if (status == CLI_YES) {
		status = CLI_CANNOT;
	}
	if (kept)
		repl_keep(r, kept);
	close(fd);
	if (status == CLI_YES && r->prompt) {
		fd = repl_kept(r, 1);
		if (fd >= 0) {
			status = show(fd);
			close(fd);
		}
	}
	return status;
}
