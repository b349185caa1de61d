/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
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
	size_t aside; /* files that were put aside */
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
		    const char *outcome, const char *text)
{
	struct rt_peer us = {geteuid(), getpid(), "schedkit"};

	add_line(a, line_of(&us, what, resource, outcome, text));
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
		add_own(a, AUDIT_LOST, "", "failed", words);
		free(words);
	}
	add_line(a, line_of(who, what, resource, outcome, text));
}

/* ---- putting aside ----------------------------------------------------- */

/* The next file, with its first line; all is left as it was if that fails. */
static int write_next(struct rt_audit *a, const char *name, int *fd)
{
	char *aside = mem_printf("%zu", a->aside + 1);
	struct rt_audit_seal was = a->last;
	int rc;

	/* One whose first line was torn goes by zeros. */
	if (!*a->first)
		memset(a->first, '0', sizeof(a->first) - 1);
	unlink(name); /* of one that died over it */
	*fd = lines_open(name);
	rc = *fd < 0 ? *fd : io_lock(*fd, 0);
	add_own(a, AUDIT_ASIDE, a->first, "done", aside);
	if (!rc)
		rc = io_write(*fd, a->out.data, a->out.len);
	if (!rc && fsync(*fd) < 0)
		rc = -errno;
	buf_reset(&a->out);
	free(aside);
	if (!rc)
		return 0;
	a->last = was;
	if (*fd >= 0)
		close(*fd);
	unlink(name);
	return rc;
}

/*
 * The file is long: it goes on in another one, and this one stays beside it
 * under a number of its own.  At any moment there is one under the log's name.
 */
static int put_aside(struct rt_audit *a)
{
	char *next = mem_printf("%s.new", a->path);
	char *aside = audit_aside(a->path, a->aside + 1), *old;
	struct rt_audit_seal was = a->last;
	int fd, rc = write_next(a, next, &fd);

	if (!rc) {
		unlink(aside); /* likewise */
		rc = link(a->path, aside) || rename(next, a->path) ? -errno : 0;
		if (rc) {
			a->last = was;
			unlink(aside);
			unlink(next);
			close(fd);
		}
	}
	if (!rc) {
		close(a->fd);
		a->fd = fd;
		a->sealed = a->last;
		if (++a->aside > AUDIT_KEPT) {
			old = audit_aside(a->path, a->aside - AUDIT_KEPT);
			unlink(old);
			free(old);
		}
	}
	free(aside);
	free(next);
	return rc;
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
	st.st_size += (off_t)a->out.len;
	buf_reset(&a->out);
	a->sealed = a->last;
	/* A disk without room for that has some for the next line: it is tried
	 * again behind it. */
	if ((size_t)st.st_size >= audit_log_bytes)
		put_aside(a);
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
	add_own(a, AUDIT_TORN, hash, "failed", words);
	free(words);
}

static int take_up(struct rt_audit *a)
{
	static const char begins[] = "{\"agent\":";
	struct audit_head head;
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
	rc = audit_head(a->fd, (size_t)st.st_size, &head);
	if (!rc) {
		strcpy(a->first, head.first);
		a->aside = head.aside;
		rc = buf_read_fd(&tail, a->fd);
	}
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

/* Who waited for the lock may have waited for a file that is aside by now. */
static bool is_aside(const struct rt_audit *a)
{
	struct stat mine, there;

	return !fstat(a->fd, &mine) && !stat(a->path, &there) &&
	       (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev);
}

static int open_locked(struct rt_audit *a)
{
	int rc;

	do {
		if (a->fd >= 0)
			close(a->fd);
		a->fd = lines_open(a->path);
		if (a->fd < 0)
			return err_prefix(a->fd, "audit log");
		rc = io_lock(a->fd, PATIENCE_S);
		if (rc)
			return err_set(-rc, "audit log '%s': %s", a->path,
				       rc == -EAGAIN
					       ? "another process writes it; "
						 "wait for its end"
					       : strerror(-rc));
	} while (is_aside(a));
	return 0;
}

int rt_audit_open(const char *path, struct rt_audit **out)
{
	struct rt_audit *a = mem_zalloc(1, sizeof(*a));
	int rc;

	buf_init(&a->out, SIZE_MAX);
	a->path = mem_strdup(path);
	audit_none(&a->last);
	a->fd = -1;
	rc = open_locked(a);
	if (!rc && (rc = take_up(a)))
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
