/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever stands in a journal's file: it is opened or refused; what is opened
 * can be read, written to and opened again with nothing lost, and every record
 * is written as it was read.
 *
 * The first byte says whether the rest is a file, or a batch of one whose
 * checksums are right, or two of those with something between.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "rt/journal_parts.h"

static char *path;

static void write_batch(struct journal_file *f, const uint8_t *data,
			size_t size)
{
	static const char room[JOURNAL_ROOM];
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_add(&b, room, sizeof(room));
	buf_add(&b, data, size);
	expect(journal_file_write(f, &b, false) == 0);
	buf_release(&b);
}

static void write_raw(const uint8_t *data, size_t size, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

	expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void make_file(const uint8_t *data, size_t size)
{
	struct journal_file f;
	size_t lost;

	unlink(path);
	if (data[0] % 3 == 0) {
		write_raw(data + 1, size - 1, O_TRUNC);
		return;
	}
	expect(journal_file_open(&f, path, &lost) == 0);
	write_batch(&f, data + 1, size - 1);
	if (data[0] % 3 == 2) {
		write_raw(data + 1, size - 1, O_APPEND);
		f.end = lseek(f.fd, 0, SEEK_END);
		write_batch(&f, data + 1, size - 1);
	}
	journal_file_close(&f);
}

/* A time moves to and fro between clocks, and may lose its last bits; so may
 * a number be written longer than it need be. */
static void check_record(const struct journal_view *v,
			 const struct journal_place *p)
{
	struct journal_record x, y;
	struct journal_place at, at2;
	struct buf b, again;

	if (journal_get(v->data + p->at, p->len, 0, &x))
		return;
	buf_init(&b, SIZE_MAX);
	buf_init(&again, SIZE_MAX);
	journal_put(&b, &x, 0);
	expect(journal_head(b.data, b.len, &at) == b.len);
	expect(at.kind == p->kind && at.id == p->id);
	expect(journal_get(b.data + at.at, at.len, 0, &y) == 0);
	journal_put(&again, &y, 0);
	expect(again.len == b.len && !memcmp(again.data, b.data, b.len));
	expect(journal_head(again.data, again.len, &at2) == b.len);
	journal_record_release(&x);
	journal_record_release(&y);
	buf_release(&b);
	buf_release(&again);
}

static size_t check_view(const struct journal_file *f)
{
	struct journal_view v;
	size_t n;

	if (journal_view_open(f, &v))
		return SIZE_MAX;
	n = v.count;
	for (size_t i = 0; i < n; i++) {
		expect(!i || v.v[i - 1].id <= v.v[i].id);
		check_record(&v, &v.v[i]);
	}
	journal_view_release(&v);
	return n;
}

static void ignore_task(void *arg, const struct rt_task *t,
			const struct rt_lease *lease)
{
	(void)arg;
	(void)t;
	(void)lease;
}

static void ignore_end(void *arg, const struct rt_task *t,
		       const struct rt_outcome *o)
{
	(void)arg;
	expect(t->state >= RT_DONE && o);
}

/* An engine takes it, all or not, and goes on. */
static void restore(void)
{
	static const struct rt_ops ops = {.start = ignore_task,
					  .suspend = ignore_task,
					  .cancel = ignore_task,
					  .ended = ignore_end};
	struct rt_journal *j = NULL;
	struct rt_opts o;
	struct rt *r;
	size_t lost;

	rt_opts_init(&o);
	o.ops = &ops;
	expect(rt_new(&o, &r) == 0);
	if (!rt_journal_open(path, r, 5, &lost, &j)) {
		rt_adopt(r, "r", 1, 5);
		rt_step(r, 5);
		rt_step(r, 1000);
		expect(journal_rewrite(j, r, 1000) == 0);
	}
	rt_journal_close(j);
	rt_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct journal_file f;
	size_t lost, n;
	off_t end;
	int rc;

	if (!size)
		return 0;
	if (!path)
		path = mem_printf("/dev/shm/fuzz_journal.%ld", (long)getpid());
	make_file(data, size);
	rc = journal_file_open(&f, path, &lost);
	if (rc) {
		expect(rc == -EUCLEAN);
		return 0;
	}
	n = check_view(&f);
	end = f.end;
	journal_file_close(&f);
	expect(journal_file_open(&f, path, &lost) == 0);
	expect(lost == 0 && f.end == end);
	expect(check_view(&f) == n);
	write_batch(&f, data, 0);
	journal_file_close(&f);
	expect(journal_file_open(&f, path, &lost) == 0);
	expect(lost == 0 && f.end == end + JOURNAL_ROOM);
	journal_file_close(&f);
	restore();
	unlink(path);
	return 0;
}
