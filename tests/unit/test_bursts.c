/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "burst/layout.h"
#include "file_fix.h"

#define ROOM (1u << 30)

static char path[64];

static const struct bursts_opts opts = {
	.max_bytes = ROOM, .every = 3, .epoch_ns = 1700000000000000000};

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_bursts.XXXXXX");
	close(mkstemp(path));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* ---- making files ------------------------------------------------------ */

/* The i-th record of all tests: far from each other, extremes among them. */
static struct burst_record make(uint64_t i)
{
	struct burst_record r = {.at = 1000 * i};
	struct rng rng;

	rng_init(&rng, i);
	r.identity = i % 3 ? rng_next(&rng) : 0;
	r.cgroup = i % 5 ? 1 : UINT64_MAX;
	r.run_ns = rng_next(&rng) >> rng_below(&rng, 64);
	r.wait_ns = rng_next(&rng) >> rng_below(&rng, 64);
	r.sleep_ns = rng_next(&rng) >> rng_below(&rng, 64);
	r.tid = (uint32_t)rng_next(&rng);
	r.tgid = i % 2 ? UINT32_MAX : 0;
	r.preempted = (uint32_t)(rng_next(&rng) >> rng_below(&rng, 64));
	r.flags = (uint32_t)(i & BURST_FLAGS);
	for (int k = 0; k < FEATURE_COUNT; k++)
		r.features[k] = i % 7	? (int16_t)rng_next(&rng)
				: k & 1 ? INT16_MIN
					: INT16_MAX;
	return r;
}

static struct bursts_writer *append(const struct bursts_opts *o)
{
	struct bursts_writer *w;

	if (bursts_append(path, o, &w))
		fail_msg("%s", err_text());
	return w;
}

static struct bursts_written finish(struct bursts_writer *w)
{
	struct bursts_written sum;
	struct stat st;

	assert_int_equal(bursts_finish(w, &sum), 0);
	bursts_writer_free(w);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(sum.bytes, st.st_size);
	return sum;
}

static struct bursts_written put_many(const struct bursts_opts *o,
				      uint64_t from, uint64_t to)
{
	struct bursts_writer *w = append(o);

	for (uint64_t i = from; i < to; i++) {
		struct burst_record r = make(i);

		bursts_put(w, &r);
	}
	return finish(w);
}

/* All in the file are make(0 …); how many. */
static uint64_t read_all(uint64_t *torn)
{
	struct bursts_block block;
	struct bursts *b;
	uint64_t n = 0;
	int rc;

	if (bursts_open(path, &b))
		fail_msg("%s", err_text());
	while ((rc = bursts_next(b, &block)) > 0) {
		assert_int_equal(block.every, opts.every);
		assert_true(block.epoch_ns == opts.epoch_ns);
		for (uint32_t i = 0; i < block.count; i++, n++) {
			struct burst_record r = make(n);

			assert_memory_equal(&block.records[i], &r, sizeof(r));
		}
	}
	assert_int_equal(rc, 0);
	*torn = bursts_torn(b);
	bursts_close(b);
	return n;
}

static uint64_t read_whole(void)
{
	uint64_t torn, n = read_all(&torn);

	assert_int_equal(torn, 0);
	return n;
}

/* ---- tests ------------------------------------------------------------- */

static void test_round(void **state)
{
	const uint64_t n = 2 * BURSTS_BLOCK_RECORDS + 17;
	struct bursts_written sum = put_many(&opts, 0, n);

	(void)state;
	assert_int_equal(sum.records, n);
	assert_int_equal(sum.left_out, 0);
	assert_int_equal(read_whole(), n);
}

static void test_goes_on(void **state)
{
	(void)state;
	put_many(&opts, 0, 10);
	put_many(&opts, 10, 10);
	put_many(&opts, 10, 5000);
	assert_int_equal(read_whole(), 5000);
}

static void test_small(void **state)
{
	struct burst_record r = {.at = 123456789, .run_ns = 70000, .tid = 44};
	struct bursts_writer *w = append(&opts);
	struct bursts_written sum;

	(void)state;
	for (int i = 0; i < BURSTS_BLOCK_RECORDS; i++) {
		r.at += 50000;
		r.run_ns += 17;
		bursts_put(w, &r);
	}
	sum = finish(w);
	/* What does not change costs a byte. */
	assert_true(sum.bytes < 40 * BURSTS_BLOCK_RECORDS);
}

static void test_lost(void **state)
{
	struct bursts_writer *w = append(&opts);
	struct bursts_block block;
	struct bursts *b;

	(void)state;
	bursts_lost(w, 7);
	bursts_lost(w, 2);
	bursts_flush(w);
	bursts_flush(w);
	finish(w);
	assert_int_equal(bursts_open(path, &b), 0);
	assert_int_equal(bursts_next(b, &block), 1);
	assert_int_equal(block.count, 0);
	assert_int_equal(block.lost, 9);
	assert_int_equal(bursts_next(b, &block), 0);
	bursts_close(b);
}

static void test_bound(void **state)
{
	struct bursts_opts o = opts;
	struct bursts_written sum;
	struct stat st;

	(void)state;
	o.max_bytes = 2 << 20;
	sum = put_many(&o, 0, 40000);
	assert_true(sum.bytes <= o.max_bytes);
	assert_true(sum.bytes > o.max_bytes / 2);
	assert_true(sum.left_out > 0);
	assert_int_equal(sum.records + sum.left_out, 40000);
	assert_int_equal(read_whole(), sum.records);
	/* Nor does the next one go beyond it. */
	o.max_bytes = sum.bytes;
	sum = put_many(&o, 0, 100);
	assert_int_equal(sum.records, 0);
	assert_int_equal(sum.left_out, 100);
	assert_int_equal(stat(path, &st), 0);
	assert_true((uint64_t)st.st_size <= o.max_bytes);
}

/* Cut off at any byte, the blocks before are there and the next goes on. */
static void test_torn(void **state)
{
	struct buf whole;
	uint64_t first, torn;

	(void)state;
	put_many(&opts, 0, 20);
	whole = file_content(path);
	first = whole.len;
	buf_release(&whole);
	put_many(&opts, 20, 30);
	whole = file_content(path);
	for (size_t cut = first; cut < whole.len; cut++) {
		file_put(path, whole.data, cut);
		assert_int_equal(read_all(&torn), 20);
		assert_int_equal(torn, cut - first);
		put_many(&opts, 20, 25);
		assert_int_equal(read_whole(), 25);
	}
	buf_release(&whole);
}

/* Any byte changed is noticed; nothing is changed for a damage in the middle
 * is not what a killed writer leaves. */
static void test_damaged(void **state)
{
	const size_t head = sizeof(struct layout_header);
	struct bursts_writer *w;
	struct buf whole, after;
	uint64_t torn;
	size_t first;

	(void)state;
	put_many(&opts, 0, 20);
	whole = file_content(path);
	first = whole.len;
	buf_release(&whole);
	put_many(&opts, 20, 30);
	whole = file_content(path);
	for (size_t at = head; at < whole.len; at++) {
		whole.data[at] ^= 0x10;
		file_put(path, whole.data, whole.len);
		assert_int_equal(read_all(&torn), at < first ? 0 : 20);
		assert_int_equal(torn, whole.len - (at < first ? head : first));
		whole.data[at] ^= 0x10;
	}
	whole.data[first - 1] ^= 1;
	file_put(path, whole.data, whole.len);
	assert_int_equal(bursts_append(path, &opts, &w), -EIO);
	assert_non_null(strstr(err_text(), "byte 64"));
	after = file_content(path);
	assert_int_equal(after.len, whole.len);
	assert_memory_equal(after.data, whole.data, whole.len);
	buf_release(&after);
	buf_release(&whole);
}

static void refused(int want, const char *words)
{
	struct bursts_writer *w;
	struct bursts *b;

	assert_int_equal(bursts_open(path, &b), want);
	assert_non_null(strstr(err_text(), words));
	assert_non_null(strstr(err_text(), path));
	assert_null(b);
	assert_int_equal(bursts_append(path, &opts, &w), want);
	assert_non_null(strstr(err_text(), words));
	assert_null(w);
}

static void test_others(void **state)
{
	static const char text[] = "a text that somebody would rather keep, "
				   "of more than sixty-four bytes";
	struct layout_header h;
	struct bursts_writer *w;
	struct buf after;
	struct bursts *b;

	(void)state;
	assert_int_equal(bursts_open("/tmp", &b), -EISDIR);
	assert_int_equal(bursts_open("/no/such", &b), -ENOENT);
	assert_int_equal(bursts_append("/no/such", &opts, &w), -ENOENT);
	assert_int_equal(bursts_append("/dev/zero", &opts, &w), -EINVAL);
	file_put(path, text, sizeof(text));
	refused(-EINVAL, "not a file of");
	after = file_content(path);
	assert_memory_equal(after.data, text, sizeof(text));
	buf_release(&after);
	file_put(path, "SKB", 3);
	refused(-EINVAL, "not a file of");
	layout_header_make(&h);
	h.feature_version = htole32(FEATURE_VERSION + 1);
	file_put(path, (char *)&h, sizeof(h));
	refused(-ENOTSUP, "version");
}

static void test_one_writer(void **state)
{
	struct bursts_writer *w = append(&opts), *other;

	(void)state;
	assert_int_equal(bursts_append(path, &opts, &other), -EAGAIN);
	finish(w);
	finish(append(&opts));
}

/* A block whose checksum is right but whose content is not. */
static void test_hostile(void **state)
{
	static struct burst_record records[BURSTS_BLOCK_RECORDS];
	static char out[sizeof(struct layout_block) + LAYOUT_BYTES_MAX];
	struct burst_record r = make(1);
	struct bursts_block block;
	struct layout_block h;
	size_t len, whole;

	(void)state;
	len = layout_block_make(&r, 1, &opts, 0, out);
	assert_true(layout_block_read(out, len, &block, records));
	assert_memory_equal(&records[0], &r, sizeof(r));
	assert_false(layout_block_read(out, len - 1, &block, records));
	assert_false(layout_block_read(out, 3, &block, records));
	memcpy(&h, out, sizeof(h));
	assert_true(layout_block_begins(&h, &whole));
	assert_int_equal(whole, len);
	h.count = htole32(BURSTS_BLOCK_RECORDS + 1);
	assert_false(layout_block_begins(&h, &whole));
	h.count = htole32(1);
	h.bytes = htole32(LAYOUT_BYTES_MAX + 1);
	assert_false(layout_block_begins(&h, &whole));
}

/* Zeros, and then these bytes; with the right checksum. */
static bool reads(uint32_t count, size_t zeros, const char *bytes, size_t len)
{
	static struct burst_record records[BURSTS_BLOCK_RECORDS];
	char block[sizeof(struct layout_block) + 256] = "";
	char *at = block + sizeof(struct layout_block);
	struct layout_block h = {.magic = htole32(LAYOUT_BLOCK_MAGIC),
				 .count = htole32(count),
				 .bytes = htole32((uint32_t)(zeros + len))};
	struct bursts_block out;

	memcpy(at + zeros, bytes, len);
	h.checksum = layout_checksum(&h, at, zeros + len);
	memcpy(block, &h, sizeof(h));
	return layout_block_read(block, sizeof(h) + zeros + len, &out, records);
}

/* Numbers that end too soon or not at all, and those that do not fit where they
 * stand: the tid is the seventh, the features are the last. */
static void test_numbers(void **state)
{
	const size_t all = LAYOUT_COLUMNS;
	static const struct {
		uint32_t count;
		int zeros; /* below 0: of all columns so many less */
		const char *bytes;
		size_t len;
		bool good;
	} rows[] = {
		{0, 0, "", 0, true},
		{0, 1, "", 0, false},
		{1, 0, "", 0, false},
		{1, -1, "", 0, false},
		{1, -1, "\0", 1, true},
		{1, -1, "\0\0", 2, false},
		{1, -1, "\x80", 1, false},
		{1, -1, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 10, false},
		/* 32767, 32768, -32768, -32769 where 16 bits are. */
		{1, -1, "\xfe\xff\x03", 3, true},
		{1, -1, "\x80\x80\x04", 3, false},
		{1, -1, "\xff\xff\x03", 3, true},
		{1, -1, "\x81\x80\x04", 3, false},
	};
	/* 2^32 - 1, 2^32 and -1 in the tid, and what 64 bits do not hold. */
	static const char fits[] = "\xfe\xff\xff\xff\x1f",
			  over[] = "\x80\x80\x80\x80\x20", below[] = "\x01",
			  longest[] = "\xff\xff\xff\xff\xff\xff\xff\xff"
				      "\xff\x01",
			  longer[] = "\xff\xff\xff\xff\xff\xff\xff\xff"
				     "\xff\x02";
	char rest[64] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t zeros =
			rows[i].zeros < 0 ? all - 1 : (size_t)rows[i].zeros;

		if (reads(rows[i].count, zeros, rows[i].bytes, rows[i].len) !=
		    rows[i].good)
			fail_msg("row %zu", i);
	}
	memcpy(rest, fits, 5);
	assert_true(reads(1, 6, rest, 5 + all - 7));
	memcpy(rest, over, 5);
	assert_false(reads(1, 6, rest, 5 + all - 7));
	memset(rest, 0, 5);
	memcpy(rest, below, 1);
	assert_false(reads(1, 6, rest, 1 + all - 7));
	memcpy(rest, longest, 10);
	assert_true(reads(1, 0, rest, 10 + all - 1));
	memcpy(rest, longer, 10);
	assert_false(reads(1, 0, rest, 10 + all - 1));
}

/* A file of another kind of machine or time, and one with more behind its last
 * block than any writer leaves. */
static void test_headers(void **state)
{
	struct layout_header h = {0},
			     *big = mem_zalloc(
				     1, sizeof(h) + 1 +
						sizeof(struct layout_block) +
						LAYOUT_BYTES_MAX);
	const size_t torn = sizeof(struct layout_block) + LAYOUT_BYTES_MAX;
	struct bursts_writer *w;
	uint32_t *const fields[] = {&h.version, &h.features, &h.clock,
				    &h.feature_version};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		layout_header_make(&h);
		*fields[i] = htole32(le32toh(*fields[i]) + 1);
		file_put(path, (char *)&h, sizeof(h));
		refused(-ENOTSUP, "version");
	}
	layout_header_make(big);
	file_put(path, (char *)big, sizeof(h) + torn + 1);
	assert_int_equal(bursts_append(path, &opts, &w), -EIO);
	assert_non_null(strstr(err_text(), "byte 64"));
	file_put(path, (char *)big, sizeof(h) + torn);
	finish(append(&opts));
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_writer, setup,
						teardown),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
