/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/mem.h"
#include "rt/audit_chain.h"

#define PATIENCE_S  0.1
#define PENDING_MAX (16u << 20) /* bytes that no disk would take */
#define WORDS_MAX   4096	/* bytes of a resource or a text */
#define TAIL_MAX    (1u << 20)	/* bytes after the last whole line */

struct rt_audit {
	int fd;
	char *path;
	struct rt_audit_seal last;   /* added */
	struct rt_audit_seal sealed; /* written */
	char first[DIGEST_HEX_LEN];
	struct buf out;
	size_t lost; /* lines that found no room */
};

/* ---- lines ------------------------------------------------------------- */

static void set_words(struct json *v, const char *key, const char *words)
{
	char *cut = mem_strndup(words ? words : "", WORDS_MAX);

	json_set_string(v, key, cut);
	free(cut);
}

static struct json *line_of(const struct rt_peer *who, const char *what,
			    const char *resource, const char *outcome,
			    const char *text)
{
	struct json *v = json_object();

	json_set_number(v, "time", (double)clock_wall());
	json_set_number(v, "uid", who->uid);
	json_set_number(v, "pid", who->pid);
	set_words(v, "agent", who->agent);
	set_words(v, "what", what);
	set_words(v, "resource", resource);
	json_set_string(v, "outcome", outcome);
	set_words(v, "text", text);
	return v;
}

/* Takes v. */
static void add_line(struct rt_audit *a, struct json *v)
{
	char *line = audit_chain(v, &a->last);

	if (a->last.n == 1)
		strcpy(a->first, a->last.hash);
	buf_puts(&a->out, line);
	buf_puts(&a->out, "\n");
	free(line);
	json_free(v);
}

/* What the log says about itself. */
static void add_own(struct rt_audit *a, const char *what, const char *resource,
		    const char *text)
{
	struct rt_peer us = {geteuid(), getpid(), "schedkit"};

	add_line(a, line_of(&us, what, resource, "failed", text));
}

void rt_audit_add(struct rt_audit *a, const struct rt_peer *who,
		  const char *what, const char *resource, const char *outcome,
		  const char *text)
{
	if (a->out.len > PENDING_MAX) {
		a->lost++;
		return;
	}
	if (a->lost) {
		char *words = mem_printf("%zu lines before this one could not "
					 "be written",
					 a->lost);

		a->lost = 0;
		add_own(a, AUDIT_LOST, "", words);
		free(words);
	}
	add_line(a, line_of(who, what, resource, outcome, text));
}

int rt_audit_commit(struct rt_audit *a)
{
	struct stat st;
	int rc;

	if (!a->out.len)
		return 0;
	if (fstat(a->fd, &st) < 0)
		return err_set(errno, "audit log '%s': %s", a->path,
			       strerror(errno));
	rc = io_write(a->fd, a->out.data, a->out.len);
	if (rc) {
		/* No half line stays, if that can be helped; the next opening
		 * closes it else. */
		if (ftruncate(a->fd, st.st_size) < 0)
			return err_set(-rc,
				       "audit log '%s': %s, and half a "
				       "line stays",
				       a->path, strerror(-rc));
		return err_set(-rc, "audit log '%s': %s", a->path,
			       strerror(-rc));
	}
	buf_reset(&a->out);
	a->sealed = a->last;
	return 0;
}

void rt_audit_seal(const struct rt_audit *a, struct rt_audit_seal *out)
{
	*out = a->sealed;
}

void rt_audit_mark(const struct rt_audit *a, struct rt_audit_mark *out)
{
	out->seal = a->sealed;
	strcpy(out->first, a->first);
}

/* ---- opening ----------------------------------------------------------- */

/* Where the last line that is whole ends, newline included; 0: there is none.
 * Its place in the chain goes to *seal. */
static size_t last_whole(const char *data, size_t len,
			 struct rt_audit_seal *seal)
{
	size_t end = len;

	while (end) {
		const char *nl = memrchr(data, '\n', end - 1);
		size_t from = nl ? (size_t)(nl - data) + 1 : 0;
		size_t line = end - from - (data[end - 1] == '\n');

		if (audit_line(data + from, line, seal, NULL, NULL))
			return end;
		end = from;
	}
	return 0;
}

/* Closes what a writer that died left at the end, and says so. */
static void close_torn(struct rt_audit *a, const char *torn, size_t len)
{
	size_t closed = len - (torn[len - 1] == '\n');
	char hash[DIGEST_HEX_LEN];
	char *words = mem_printf("%zu bytes before this line are what a "
				 "writer left that was killed",
				 closed);

	if (closed == len)
		buf_puts(&a->out, "\n");
	digest_hex(torn, closed, hash);
	add_own(a, AUDIT_TORN, hash, words);
	free(words);
}

static int take_up(struct rt_audit *a)
{
	static const char begins[] = "{\"agent\":";
	struct buf tail;
	struct stat st;
	size_t end, from;
	int rc = 0;

	if (fstat(a->fd, &st) < 0)
		return err_set(errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(EINVAL, "not a file");
	from = st.st_size > TAIL_MAX ? (size_t)st.st_size - TAIL_MAX : 0;
	if (lseek(a->fd, (off_t)from, SEEK_SET) < 0)
		return err_set(errno, "%s", strerror(errno));
	buf_init(&tail, TAIL_MAX);
	rc = audit_first(a->fd, (size_t)st.st_size, a->first);
	if (!rc)
		rc = buf_read_fd(&tail, a->fd);
	end = rc ? 0
		 : last_whole(tail.data ? tail.data : "", tail.len, &a->last);
	if (!rc && !end && tail.len &&
	    (from ||
	     memcmp(tail.data, begins,
		    tail.len < strlen(begins) ? tail.len : strlen(begins))))
		rc = err_set(EBADMSG, "its last lines are none of an audit "
				      "log: move it away");
	else if (!rc && end < tail.len)
		close_torn(a, tail.data + end, tail.len - end);
	else if (!rc && end && tail.data[end - 1] != '\n')
		buf_puts(&a->out, "\n");
	buf_release(&tail);
	a->sealed = a->last;
	return rc ? rc : rt_audit_commit(a);
}

int rt_audit_open(const char *path, struct rt_audit **out)
{
	struct rt_audit *a = mem_zalloc(1, sizeof(*a));
	int rc;

	buf_init(&a->out, SIZE_MAX);
	a->path = mem_strdup(path);
	audit_none(&a->last);
	a->fd = lines_open(path);
	if (a->fd < 0)
		rc = err_prefix(a->fd, "audit log");
	else if ((rc = io_lock(a->fd, PATIENCE_S)))
		err_set(-rc, "audit log '%s': %s", path,
			rc == -EAGAIN ? "another process writes it; wait for "
					"its end"
				      : strerror(-rc));
	else if ((rc = take_up(a)))
		err_prefix(rc, "audit log '%s'", path);
	if (rc)
		rt_audit_close(a);
	else
		*out = a;
	return rc;
}

void rt_audit_close(struct rt_audit *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	buf_release(&a->out);
	free(a->path);
	free(a);
}
