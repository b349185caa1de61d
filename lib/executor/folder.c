/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "executor/folder.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "crypt/digest.h"

#define ANSWER_MAX (PACKET_OUT_MAX + PACKET_SAID_MAX + 1024)

bool folder_is_plain(const char *path)
{
	if (*path != '/')
		return false;
	for (; *path; path++)
		if (!isalnum((unsigned char)*path) && !strchr("/._+@-", *path))
			return false;
	return true;
}

char *folder_file(const char *dir, size_t number, const char *kind)
{
	return mem_printf("%s/%zu.%s", dir, number, kind);
}

/* ---- making it -------------------------------------------------------- */

static int write_job(const char *dir, size_t i, const struct buf *b)
{
	char *path = folder_file(dir, i, "job");
	int rc = access(path, F_OK) ? path_write_atomic(path, b->data, b->len)
				    : 0;

	free(path);
	return rc;
}

/* The digest of all the jobs, from those of each. */
static void name_all(const struct job_packet *jobs, size_t n,
		     char out[static FOLDER_NAME_LEN])
{
	char sum[DIGEST_HEX_LEN];
	struct buf sums, b;

	buf_init(&sums, n * DIGEST_HEX_LEN + 1);
	buf_init(&b, PACKET_JOB_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&b);
		job_packet_write(&jobs[i], &b);
		digest_hex(b.data, b.len, sum);
		buf_puts(&sums, sum);
	}
	digest_hex(sums.data ? sums.data : "", sums.len, sum);
	snprintf(out, FOLDER_NAME_LEN, "schedkit-%.16s", sum);
	buf_release(&b);
	buf_release(&sums);
}

/* Nobody else may have a word in what is run. */
static int check_owner(int fd, const char *dir)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(errno, "cannot look at '%s': %s", dir,
			       strerror(errno));
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return err_set(EPERM, "'%s' is not ours alone to write", dir);
	return 0;
}

static bool is_old(int fd)
{
	struct stat st;

	return !fstatat(fd, "made", &st, 0) &&
	       time(NULL) - st.st_mtime > FOLDER_FRESH_S;
}

static int hold(const char *dir, int *fd)
{
	int rc;

	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return err_set(errno, "cannot open '%s': %s", dir,
			       strerror(errno));
	rc = check_owner(*fd, dir);
	/* Not every shared file system has locks: then there is none. */
	if (!rc && flock(*fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		rc = err_set(EBUSY,
			     "another call is at the very same jobs, in '%s'",
			     dir);
	if (rc) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

/* What another one has left half done is taken up, but for what it asked to
 * end. */
static int prepare(struct folder *f, const struct job_packet *jobs, size_t n)
{
	char *made = mem_printf("%s/made", f->dir);
	char *stop = mem_printf("%s/stop", f->dir);
	struct buf b;
	int rc = 0;

	unlink(stop);
	buf_init(&b, PACKET_JOB_MAX);
	if (access(made, F_OK))
		rc = path_write_atomic(made, "\n", 1);
	for (size_t i = 0; i < n && !rc; i++) {
		buf_reset(&b);
		job_packet_write(&jobs[i], &b);
		rc = b.truncated ? err_set(EFBIG, "a job is larger than %u MiB",
					   PACKET_JOB_MAX >> 20)
				 : write_job(f->dir, i, &b);
	}
	buf_release(&b);
	free(stop);
	free(made);
	return rc;
}

int folder_open(const char *parent, const struct job_packet *jobs, size_t n,
		struct folder *out)
{
	int rc = path_make_dirs(parent);

	*out = FOLDER_NONE;
	if (rc)
		return rc;
	name_all(jobs, n, out->name);
	out->dir = mem_printf("%s/%s", parent, out->name);
	rc = path_make_dirs(out->dir);
	if (!rc)
		rc = hold(out->dir, &out->lock);
	if (!rc && is_old(out->lock)) {
		temp_clear(out->dir);
		close(out->lock);
		out->lock = -1;
		rc = path_make_dirs(out->dir);
		if (!rc)
			rc = hold(out->dir, &out->lock);
	}
	if (!rc)
		rc = prepare(out, jobs, n);
	if (rc)
		folder_close(out, false);
	return rc;
}

void folder_stop(const struct folder *f)
{
	char *path = mem_printf("%s/stop", f->dir);

	/* When it cannot be written the folder's end will tell them. */
	path_write_atomic(path, "\n", 1);
	free(path);
}

void folder_close(struct folder *f, bool remove)
{
	if (f->dir && remove)
		temp_clear(f->dir);
	if (f->lock >= 0)
		close(f->lock);
	free(f->dir);
	*f = FOLDER_NONE;
}

/* ---- answers ---------------------------------------------------------- */

int folder_answer(const struct folder *f, size_t number, struct buf *room,
		  struct answer_packet *out)
{
	char *path = folder_file(f->dir, number, "answer");
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;

	buf_release(room);
	buf_init(room, ANSWER_MAX);
	if (fd < 0) {
		rc = err_set(errno, "cannot read '%s': %s", path,
			     strerror(errno));
	} else {
		rc = buf_read_fd(room, fd);
		close(fd);
		if (!rc)
			rc = answer_packet_read(room->data ? room->data : "",
						room->len, out);
		/* Whatever it is, no answer will come of it. */
		if (rc == -EBADMSG || rc == -EFBIG)
			unlink(path);
	}
	free(path);
	return rc;
}
