/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "burst/file.h"
#include "burst/layout.h"

/* What one write leaves behind when it is interrupted. */
#define TORN_MAX (sizeof(struct layout_block) + LAYOUT_BYTES_MAX)

struct bursts_writer {
	struct bursts_file f;
	char *path;
	struct bursts_opts opts;
	struct bursts_written sum;
	uint64_t lost; /* not in a block yet */
	bool full;
	int error; /* errno of the first failed write */
	uint32_t count;
	struct burst_record records[BURSTS_BLOCK_RECORDS];
	char out[TORN_MAX];
};

/* Writes at the end of what is good, all of it or nothing; -errno. */
static int put_bytes(struct bursts_writer *w, const void *bytes, size_t len)
{
	int rc;

	if (lseek(w->f.fd, w->f.at, SEEK_SET) < 0)
		return -errno;
	rc = io_write(w->f.fd, bytes, len);
	if (!rc) {
		w->f.at += (off_t)len;
		return 0;
	}
	/* If that fails, too, the next writer does it. */
	if (ftruncate(w->f.fd, w->f.at) < 0)
		w->full = true;
	return rc;
}

/* To the end of its last whole block; what a writer left of another one is
 * cut off. */
static int go_to_end(struct bursts_writer *w, off_t size)
{
	struct bursts_block block;
	int rc = bursts_file_begin(&w->f);
	uint64_t left;

	if (rc)
		return rc;
	while ((rc = bursts_file_next(&w->f, &block, w->records)) > 0)
		;
	if (rc < 0)
		return rc;
	left = (uint64_t)(size - w->f.at);
	if (left > TORN_MAX || (w->f.said && w->f.said < left))
		return err_set(EIO,
			       "it is damaged at byte %lld: move it away, what "
			       "stands before that can still be read",
			       (long long)w->f.at);
	if (left && ftruncate(w->f.fd, w->f.at) < 0)
		return err_set(errno, "%s", strerror(errno));
	return 0;
}

static int begin(struct bursts_writer *w)
{
	struct layout_header h;
	struct stat st;
	int rc;

	rc = io_lock(w->f.fd, 0);
	if (rc == -EAGAIN)
		return err_set(EAGAIN, "another one writes there");
	if (rc || fstat(w->f.fd, &st) < 0)
		return err_set(rc ? -rc : errno, "%s",
			       strerror(rc ? -rc : errno));
	if (!S_ISREG(st.st_mode))
		return err_set(EINVAL, "it is no regular file");
	if (st.st_size)
		return go_to_end(w, st.st_size);
	layout_header_make(&h);
	rc = put_bytes(w, &h, sizeof(h));
	return rc ? err_set(-rc, "%s", strerror(-rc)) : 0;
}

int bursts_append(const char *path, const struct bursts_opts *o,
		  struct bursts_writer **out)
{
	struct bursts_writer *w = mem_zalloc(1, sizeof(*w));
	int rc;

	*out = NULL;
	w->path = mem_strdup(path);
	w->opts = *o;
	w->f.fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644);
	rc = w->f.fd < 0 ? err_set(errno, "%s", strerror(errno)) : begin(w);
	if (rc) {
		bursts_writer_free(w);
		return err_prefix(rc, "cannot write bursts to '%s'", path);
	}
	*out = w;
	return 0;
}

void bursts_put(struct bursts_writer *w, const struct burst_record *r)
{
	if (w->full) {
		w->sum.left_out++;
		return;
	}
	w->records[w->count++] = *r;
	if (w->count == BURSTS_BLOCK_RECORDS)
		bursts_flush(w);
}

void bursts_lost(struct bursts_writer *w, uint64_t n)
{
	w->lost += n;
}

void bursts_flush(struct bursts_writer *w)
{
	size_t len;
	int rc;

	if (w->full || !(w->count || w->lost))
		return;
	len = layout_block_make(w->records, w->count, &w->opts, w->lost,
				w->out);
	rc = (uint64_t)w->f.at + len > w->opts.max_bytes
		     ? -EFBIG
		     : put_bytes(w, w->out, len);
	if (rc) {
		w->full = true;
		w->sum.left_out += w->count;
		if (rc != -EFBIG)
			w->error = -rc;
	} else {
		w->sum.records += w->count;
		w->lost = 0;
	}
	w->count = 0;
}

int bursts_finish(struct bursts_writer *w, struct bursts_written *sum)
{
	bursts_flush(w);
	*sum = w->sum;
	sum->bytes = (uint64_t)w->f.at;
	if (w->error)
		return err_set(w->error, "cannot write bursts to '%s': %s",
			       w->path, strerror(w->error));
	return 0;
}

void bursts_writer_free(struct bursts_writer *w)
{
	if (!w)
		return;
	bursts_file_release(&w->f);
	free(w->path);
	free(w);
}
