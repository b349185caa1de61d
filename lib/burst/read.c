/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "burst/file.h"
#include "burst/layout.h"

struct bursts {
	struct bursts_file f;
	char *path;
	uint64_t torn;
	struct burst_record records[BURSTS_BLOCK_RECORDS];
};

/* How much of it there was; a negative errno. */
static ssize_t read_at(int fd, void *to, size_t len, off_t at)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, (char *)to + have, len - have,
				  at + (off_t)have);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		if (n > 0)
			have += (size_t)n;
	}
	return (ssize_t)have;
}

int bursts_file_begin(struct bursts_file *f)
{
	struct layout_header h;
	ssize_t n = read_at(f->fd, &h, sizeof(h), 0);

	if (n < 0)
		return err_set((int)-n, "%s", strerror((int)-n));
	if (n < (ssize_t)sizeof(h))
		return err_set(EINVAL, "not a file of sched-observe --bursts");
	f->at = sizeof(h);
	f->cpus = le32toh(h.cpus);
	return layout_header_check(&h);
}

int bursts_file_next(struct bursts_file *f, struct bursts_block *block,
		     struct burst_record *records)
{
	struct layout_block h;
	ssize_t n = read_at(f->fd, &h, sizeof(h), f->at);
	size_t len = 0;

	if (n == sizeof(h) && layout_block_begins(&h, &len)) {
		f->bytes = mem_realloc(f->bytes, len, 1);
		n = read_at(f->fd, f->bytes, len, f->at);
		if (n == (ssize_t)len &&
		    layout_block_read(f->bytes, len, block, records)) {
			f->at += (off_t)len;
			return 1;
		}
	}
	f->said = len;
	return n < 0 ? err_set((int)-n, "%s", strerror((int)-n)) : 0;
}

void bursts_file_release(struct bursts_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->bytes);
}

bool bursts_begins(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[sizeof(LAYOUT_MAGIC) - 1];
	struct stat st;
	bool is;

	if (fd < 0)
		return false;
	/* From anything else these bytes would be gone. */
	is = !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	     read_at(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	     !memcmp(magic, LAYOUT_MAGIC, sizeof(magic));
	close(fd);
	return is;
}

int bursts_open(const char *path, struct bursts **out)
{
	struct bursts *b;
	int rc;

	*out = NULL;
	b = mem_zalloc(1, sizeof(*b));
	b->path = mem_strdup(path);
	b->f.fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = b->f.fd < 0 ? err_set(errno, "%s", strerror(errno))
			 : bursts_file_begin(&b->f);
	if (rc) {
		bursts_close(b);
		return err_prefix(rc, "cannot read bursts from '%s'", path);
	}
	*out = b;
	return 0;
}

int bursts_next(struct bursts *b, struct bursts_block *block)
{
	struct stat st;
	int rc = bursts_file_next(&b->f, block, b->records);

	if (rc < 0)
		return err_prefix(rc, "cannot read bursts from '%s'", b->path);
	if (!rc && !fstat(b->f.fd, &st) && st.st_size > b->f.at)
		b->torn = (uint64_t)(st.st_size - b->f.at);
	return rc;
}

uint32_t bursts_cpus(const struct bursts *b)
{
	return b->f.cpus;
}

uint64_t bursts_torn(const struct bursts *b)
{
	return b->torn;
}

void bursts_close(struct bursts *b)
{
	if (!b)
		return;
	bursts_file_release(&b->f);
	free(b->path);
	free(b);
}
