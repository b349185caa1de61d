/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's file: batches that are there as a whole or not at all. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "rt/journal_parts.h"

#define VERSION	   1
#define PATIENCE_S 0.1

static const char magic[8] = "schedrtj";

struct head {
	char magic[8];
	uint32_t version, mark, crc;
};

struct batch_head {
	uint32_t mark, len, crc; /* of mark, len and what follows */
};

/* ---- checksum ---------------------------------------------------------- */

/* CRC-32C, of RFC 3720; the polynomial's bits turned round. */
#define POLYNOMIAL 0x82f63b78u

uint32_t journal_crc(uint32_t crc, const void *data, size_t len)
{
	static uint32_t table[256];
	const unsigned char *at = data;

	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		uint32_t x = i;

		for (int bit = 0; bit < 8; bit++)
			x = x >> 1 ^ (x & 1 ? POLYNOMIAL : 0);
		table[i] = x;
	}
	crc = ~crc;
	while (len--)
		crc = table[(crc ^ *at++) & 0xff] ^ crc >> 8;
	return ~crc;
}

static struct batch_head head_of(uint32_t mark, const void *data, size_t len)
{
	struct batch_head h = {htole32(mark), htole32((uint32_t)len), 0};

	h.crc = journal_crc(0, &h, offsetof(struct batch_head, crc));
	h.crc = htole32(journal_crc(h.crc, data, len));
	return h;
}

/* ---- opening ----------------------------------------------------------- */

static int io_error(const char *path)
{
	return err_set(errno, "journal '%s': %s", path, strerror(errno));
}

static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? mem_strndup(path, (size_t)(slash - path) + 1)
			  : mem_strdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = io_error(path);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

/* A head of its own for a file that has none. */
static int begin(struct journal_file *f)
{
	struct head h = {.version = htole32(VERSION)};

	/* Neither what an empty block holds nor what a damaged one may. */
	do {
		if (getrandom(&f->mark, sizeof(f->mark), 0) < 0)
			return io_error(f->path);
	} while (!f->mark || f->mark == ~0u);
	memcpy(h.magic, magic, sizeof(magic));
	h.mark = htole32(f->mark);
	h.crc = htole32(journal_crc(0, &h, offsetof(struct head, crc)));
	if (pwrite(f->fd, &h, sizeof(h), 0) != sizeof(h)) {
		if (!errno)
			errno = ENOSPC;
		return io_error(f->path);
	}
	f->end = sizeof(h);
	return fdatasync(f->fd) < 0 ? io_error(f->path) : 0;
}

static int read_head(struct journal_file *f, const void *data, size_t len)
{
	size_t known = len < sizeof(magic) ? len : sizeof(magic);
	struct head h;

	if (memcmp(data, magic, known))
		return err_set(EUCLEAN,
			       "'%s' is not a journal; nothing was changed in "
			       "it",
			       f->path);
	/* Its first writer died over it. */
	if (len < sizeof(h))
		return begin(f);
	memcpy(&h, data, sizeof(h));
	if (le32toh(h.crc) != journal_crc(0, &h, offsetof(struct head, crc)))
		return err_set(EUCLEAN,
			       "journal '%s' is damaged at byte 0; nothing was "
			       "changed in it: move it away to begin anew",
			       f->path);
	if (le32toh(h.version) != VERSION)
		return err_set(EUCLEAN,
			       "journal '%s' is of version %u, and this "
			       "program writes %d: end its work with the one "
			       "that wrote it, or move it away",
			       f->path, le32toh(h.version), VERSION);
	f->mark = le32toh(h.mark);
	f->end = sizeof(h);
	return 0;
}

/* The length of the batch at `at`, head included; 0: there is none. */
static size_t batch_at(const struct journal_file *f, const char *data,
		       size_t len, size_t at)
{
	struct batch_head h, want;
	size_t size;

	if (len - at < sizeof(h))
		return 0;
	memcpy(&h, data + at, sizeof(h));
	size = le32toh(h.len);
	if (le32toh(h.mark) != f->mark || size > len - at - sizeof(h))
		return 0;
	want = head_of(f->mark, data + at + sizeof(h), size);
	return want.crc == h.crc ? sizeof(h) + size : 0;
}

/* Where the next batch is behind damage; len: nowhere. */
static size_t batch_after(const struct journal_file *f, const char *data,
			  size_t len, size_t at)
{
	uint32_t mark = htole32(f->mark);
	const char *hit;

	while ((hit = memmem(data + at, len - at, &mark, sizeof(mark)))) {
		at = (size_t)(hit - data);
		if (batch_at(f, data, len, at))
			return at;
		at++;
	}
	return len;
}

static int find_end(struct journal_file *f, const char *data, size_t len,
		    size_t *lost)
{
	size_t at = (size_t)f->end, size, next;

	while ((size = batch_at(f, data, len, at)))
		at += size;
	f->end = (off_t)at;
	*lost = len - at;
	next = at < len ? batch_after(f, data, len, at + 1) : len;
	if (next == len)
		return 0;
	return err_set(EUCLEAN,
		       "journal '%s' is damaged from byte %zu to %zu, and "
		       "whole after that; nothing was changed in it: put a "
		       "copy of it back, or move it away to begin anew",
		       f->path, at, next);
}

static int look_through(struct journal_file *f, size_t *lost)
{
	struct stat st;
	void *map;
	int rc;

	if (fstat(f->fd, &st) < 0)
		return io_error(f->path);
	if (!st.st_size) {
		rc = begin(f);
		return rc ? rc : sync_folder(f->path);
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, f->fd, 0);
	if (map == MAP_FAILED)
		return io_error(f->path);
	rc = read_head(f, map, (size_t)st.st_size);
	if (!rc && f->end < st.st_size)
		rc = find_end(f, map, (size_t)st.st_size, lost);
	munmap(map, (size_t)st.st_size);
	/* What is cut off was never acknowledged. */
	if (!rc && f->end < st.st_size && ftruncate(f->fd, f->end) < 0)
		rc = io_error(f->path);
	return rc;
}

/*
 * Locked, and still the file of this name: another process may have put a new
 * one in its place in between.  1: it has.
 */
static int lock(struct journal_file *f)
{
	struct stat ours, named;
	int rc = io_lock(f->fd, PATIENCE_S);

	if (rc)
		return err_set(-rc, "journal '%s': %s", f->path,
			       rc == -EAGAIN ? "another process has it; end "
					       "that one, or wait for its end"
					     : strerror(-rc));
	if (fstat(f->fd, &ours) < 0)
		return io_error(f->path);
	if (!S_ISREG(ours.st_mode))
		return err_set(EUCLEAN, "journal '%s': not a file", f->path);
	if (stat(f->path, &named) < 0)
		return errno == ENOENT ? 1 : io_error(f->path);
	return ours.st_dev != named.st_dev || ours.st_ino != named.st_ino;
}

static int open_at(struct journal_file *f, const char *path, int flags)
{
	*f = (struct journal_file){.path = mem_strdup(path)};
	f->fd = open(path,
		     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
			     flags,
		     0600);
	return f->fd < 0 ? io_error(path) : 0;
}

int journal_file_open(struct journal_file *f, const char *path, size_t *lost)
{
	int rc = path_make_parent(path);

	*lost = 0;
	*f = (struct journal_file){.fd = -1};
	if (rc)
		return rc;
	do {
		journal_file_close(f);
		rc = open_at(f, path, 0);
		rc = rc ? rc : lock(f);
	} while (rc > 0);
	if (!rc)
		rc = look_through(f, lost);
	if (rc)
		journal_file_close(f);
	return rc;
}

void journal_file_close(struct journal_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = (struct journal_file){.fd = -1};
}

/* ---- writing ----------------------------------------------------------- */

static int write_at(int fd, const char *data, size_t len, off_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			at += n;
		}
	}
	return 0;
}

int journal_file_write(struct journal_file *f, const struct buf *batch,
		       bool sync)
{
	size_t len = batch->len - JOURNAL_ROOM;
	struct batch_head h = head_of(f->mark, batch->data + JOURNAL_ROOM, len);
	int rc;

	_Static_assert(sizeof(h) == JOURNAL_ROOM, "the room for a head");
	memcpy(batch->data, &h, sizeof(h));
	rc = write_at(f->fd, batch->data, batch->len, f->end);
	if (!rc && sync && fdatasync(f->fd) < 0)
		rc = -errno;
	if (!rc) {
		f->end += (off_t)batch->len;
		return 0;
	}
	err_set(-rc, "journal '%s': %s", f->path, strerror(-rc));
	/* If even that fails, the next writing goes over it, and the next
	 * opening cuts it off. */
	if (ftruncate(f->fd, f->end) < 0)
		err_prefix(rc, "half a batch stays");
	return rc;
}

int journal_file_beside(const struct journal_file *f, struct journal_file *new)
{
	char *path = mem_printf("%s.new", f->path);
	int rc = 0;

	/* What one before us left of it; we have the lock. */
	if (unlink(path) < 0 && errno != ENOENT)
		rc = io_error(path);
	*new = (struct journal_file){.fd = -1};
	if (!rc)
		rc = open_at(new, path, O_EXCL);
	if (!rc && flock(new->fd, LOCK_EX | LOCK_NB) < 0)
		rc = io_error(path);
	if (!rc)
		rc = begin(new);
	free(path);
	if (rc)
		journal_file_give_up(new);
	return rc;
}

int journal_file_replace(struct journal_file *f, struct journal_file *new)
{
	int rc = 0, old;

	if (fsync(new->fd) < 0 || rename(new->path, f->path) < 0) {
		rc = io_error(new->path);
		journal_file_give_up(new);
		return rc;
	}
	/* From here on it is the journal, whatever becomes of the folder. */
	old = f->fd;
	f->fd = new->fd;
	f->mark = new->mark;
	f->end = new->end;
	new->fd = -1;
	close(old);
	journal_file_close(new);
	return sync_folder(f->path);
}

void journal_file_give_up(struct journal_file *new)
{
	if (new->fd >= 0)
		unlink(new->path);
	journal_file_close(new);
}

/* ---- the view ---------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct journal_place *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void add_place(struct journal_view *v, struct journal_place p)
{
	if (v->count == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 1024;
		v->v = mem_realloc(v->v, v->cap, sizeof(*v->v));
	}
	v->v[v->count++] = p;
}

static int add_batch(struct journal_view *v, size_t at, size_t end)
{
	while (at < end) {
		struct journal_place p;
		size_t next = journal_head(v->data + at, end - at, &p);

		if (!next)
			return err_set(EUCLEAN,
				       "the record at byte %zu cannot be read",
				       at);
		p.at += (off_t)at;
		add_place(v, p);
		at += next;
	}
	return 0;
}

int journal_view_open(const struct journal_file *f, struct journal_view *out)
{
	size_t at = sizeof(struct head), size;
	void *map;
	int rc = 0;

	*out = (struct journal_view){.len = (size_t)f->end};
	map = mmap(NULL, out->len, PROT_READ, MAP_SHARED, f->fd, 0);
	if (map == MAP_FAILED)
		return io_error(f->path);
	out->data = map;
	for (; !rc && at < out->len; at += size) {
		size = batch_at(f, map, out->len, at);
		if (!size)
			rc = err_set(EUCLEAN, "damaged at byte %zu", at);
		else
			rc = add_batch(out, at + sizeof(struct batch_head),
				       at + size);
		if (rc)
			break;
	}
	if (rc) {
		journal_view_release(out);
		return err_prefix(rc, "journal '%s'", f->path);
	}
	if (out->count)
		qsort(out->v, out->count, sizeof(*out->v), by_id);
	return 0;
}

void journal_view_release(struct journal_view *v)
{
	if (v->data)
		munmap((void *)(uintptr_t)v->data, v->len);
	free(v->v);
	*v = (struct journal_view){0};
}
