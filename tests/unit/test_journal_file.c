/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's file and records, without an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/journal_parts.h"
#include "file_fix.h"

#define HEAD 20 /* bytes */

static char dir[] = "/tmp/test_journal.XXXXXX";
static char *path;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_journal.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = mem_printf("%s/sub/j", dir);
	return 0;
}

static int teardown(void **state)
{
	char *beside = mem_printf("%s.new", path);
	char *sub = mem_printf("%s/sub", dir);

	(void)state;
	unlink(path);
	unlink(beside);
	rmdir(sub);
	rmdir(dir);
	free(beside);
	free(sub);
	free(path);
	return 0;
}

static struct journal_file opened(size_t *lost)
{
	struct journal_file f;
	size_t none;

	if (journal_file_open(&f, path, lost ? lost : &none))
		fail_msg("%s", err_text());
	return f;
}

static int write_ids(struct journal_file *f, uint64_t from, uint64_t to)
{
	static const char room[JOURNAL_ROOM];
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX);
	buf_add(&b, room, sizeof(room));
	for (uint64_t id = from; id <= to; id++) {
		struct journal_record x = {.kind = JOURNAL_DELIVERED, .id = id};

		journal_put(&b, &x, 0);
	}
	rc = journal_file_write(f, &b, false);
	buf_release(&b);
	return rc;
}

/* How many records there are; they are those of the ids from 1 on. */
static size_t count_ids(const struct journal_file *f)
{
	struct journal_view v;
	size_t n;

	if (journal_view_open(f, &v))
		fail_msg("%s", err_text());
	n = v.count;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v.v[i].id, i + 1);
	journal_view_release(&v);
	return n;
}

static void test_checksum(void **state)
{
	(void)state;
	/* RFC 3720, B.4, and the check of the catalogues of CRCs. */
	assert_int_equal(journal_crc(0, "123456789", 9), 0xe3069283);
	assert_int_equal(journal_crc(journal_crc(0, "12345", 5), "6789", 4),
			 0xe3069283);
	assert_int_equal(journal_crc(0, (char[32]){0}, 32), 0x8a9136aa);
}

/* Three batches; cut anywhere, those before the cut are there. */
static void test_cut(void **state)
{
	struct journal_file f = opened(NULL);
	off_t end[4] = {f.end};
	struct stat st;
	struct buf b;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(write_ids(&f, 4 * i + 1, 4 * i + 4), 0);
		end[i + 1] = f.end;
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	journal_file_close(&f);
	b = file_content(path);
	for (size_t cut = 0; cut <= b.len; cut++) {
		size_t whole = 0, lost, want;

		while (whole < 3 && (off_t)cut >= end[whole + 1])
			whole++;
		want = cut < HEAD ? 0 : cut - (size_t)end[whole];
		file_put(path, b.data, cut);
		f = opened(&lost);
		assert_int_equal(lost, want);
		assert_int_equal(count_ids(&f), 4 * whole);
		/* It goes on. */
		assert_int_equal(write_ids(&f, 4 * whole + 1, 20), 0);
		assert_int_equal(count_ids(&f), 20);
		journal_file_close(&f);
		f = opened(&lost);
		assert_int_equal(lost, 0);
		assert_int_equal(count_ids(&f), 20);
		journal_file_close(&f);
	}
	buf_release(&b);
}

/* A batch whose blocks did not all get to the disk. */
static void test_garbage_at_end(void **state)
{
	static const int fill[] = {0, 0xff, 'x'};
	struct journal_file f = opened(NULL);
	size_t before, lost;
	struct buf b;

	(void)state;
	assert_int_equal(write_ids(&f, 1, 5), 0);
	before = (size_t)f.end;
	assert_int_equal(write_ids(&f, 6, 300), 0);
	journal_file_close(&f);
	b = file_content(path);
	for (size_t from = before; from < b.len; from += 17)
		for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
			char *bad = mem_zalloc(b.len, 1);

			memset(bad, fill[i], b.len);
			memcpy(bad, b.data, from);
			file_put(path, bad, b.len);
			f = opened(&lost);
			assert_int_equal(lost, b.len - before);
			assert_int_equal(count_ids(&f), 5);
			journal_file_close(&f);
			free(bad);
		}
	buf_release(&b);
}

/* A fault with whole batches behind it is for a person to look at. */
static void test_damage(void **state)
{
	struct journal_file f = opened(NULL);
	struct buf b, after;
	size_t last, lost;

	(void)state;
	assert_int_equal(write_ids(&f, 1, 5), 0);
	last = (size_t)f.end;
	assert_int_equal(write_ids(&f, 6, 9), 0);
	journal_file_close(&f);
	b = file_content(path);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x10;
		file_put(path, b.data, b.len);
		if (i < last) {
			assert_int_equal(journal_file_open(&f, path, &lost),
					 -EUCLEAN);
			assert_non_null(strstr(err_text(), path));
			if (i >= HEAD)
				assert_non_null(
					strstr(err_text(), "from byte 20"));
			after = file_content(path);
			assert_int_equal(after.len, b.len);
			assert_memory_equal(after.data, b.data, b.len);
			buf_release(&after);
		} else {
			f = opened(&lost);
			assert_int_equal(count_ids(&f), 5);
			journal_file_close(&f);
		}
		b.data[i] ^= 0x10;
	}
	buf_release(&b);
}

static void test_not_a_journal(void **state)
{
	struct journal_file f = opened(NULL);
	struct buf b;
	size_t lost;

	(void)state;
	journal_file_close(&f);
	file_put(path, "dear diary, and so on and on", 28);
	assert_int_equal(journal_file_open(&f, path, &lost), -EUCLEAN);
	file_put(path, "dear", 4);
	assert_int_equal(journal_file_open(&f, path, &lost), -EUCLEAN);
	b = file_content(path);
	assert_string_equal(b.data, "dear");
	buf_release(&b);
	assert_int_equal(journal_file_open(&f, "/dev/null", &lost), -EUCLEAN);
	assert_int_equal(journal_file_open(&f, "/proc/none/j", &lost), -ENOENT);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(journal_file_open(&f, path, &lost), -ELOOP);
}

static void test_second_process(void **state)
{
	struct journal_file f = opened(NULL), other;
	int status;
	size_t lost;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid)
		_exit(journal_file_open(&other, path, &lost) == -EAGAIN ? 0
									: 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(journal_file_open(&other, path, &lost), -EAGAIN);
	assert_non_null(strstr(err_text(), "another process"));
	journal_file_close(&f);
	f = opened(NULL);
	journal_file_close(&f);
}

static void test_full(void **state)
{
	struct rlimit old, small;
	struct journal_file f = opened(NULL);
	struct stat st;
	off_t end;

	(void)state;
	assert_int_equal(write_ids(&f, 1, 5), 0);
	end = f.end;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = (rlim_t)end + 20;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(write_ids(&f, 6, 50), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, end);
	assert_int_equal(write_ids(&f, 6, 50), 0);
	assert_int_equal(count_ids(&f), 50);
	journal_file_close(&f);
}

static void test_replace(void **state)
{
	struct journal_file f = opened(NULL), new, other;
	char *beside = mem_printf("%s.new", path);
	size_t lost;
	int fd;

	(void)state;
	assert_int_equal(write_ids(&f, 1, 500), 0);
	/* One who died over it left something. */
	fd = open(beside, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "rest", 4), 4);
	close(fd);
	assert_int_equal(journal_file_beside(&f, &new), 0);
	assert_int_equal(write_ids(&new, 1, 3), 0);
	journal_file_give_up(&new);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(count_ids(&f), 500);
	assert_int_equal(journal_file_beside(&f, &new), 0);
	assert_int_equal(write_ids(&new, 1, 3), 0);
	assert_int_equal(journal_file_replace(&f, &new), 0);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(count_ids(&f), 3);
	/* The lock is on the new one. */
	assert_int_equal(journal_file_open(&other, path, &lost), -EAGAIN);
	assert_int_equal(write_ids(&f, 4, 6), 0);
	journal_file_close(&f);
	f = opened(&lost);
	assert_int_equal(count_ids(&f), 6);
	journal_file_close(&f);
	free(beside);
}

/* ---- records ----------------------------------------------------------- */

static void full_request(struct rt_request *q)
{
	char *wants[] = {(char *)"tools", (char *)"", NULL};
	struct rt_dep deps[] = {{(char *)"a", RT_EDGE_SKIP},
				{(char *)"b\n", RT_EDGE_RUN}};
	struct rt_request from = {
		.kind = RT_GUEST,
		.place = RT_SELF,
		.agent = (char *)"agent",
		.run = (char *)"run",
		.candidate = (char *)"candidate",
		.key = (char *)"\xff\xfe",
		.worker = (char *)"worker",
		.wants = wants,
		.prefix = (char *)"prefix",
		.payload = (char *)"not JSON at all",
		.within = (char *)"within",
		.priority = 255,
		.deadline = 1e6 + 0.25,
		.need = {{1, 2, 3, 4, 5, RES_MAX}},
		.most = {{6, 5, 4, 3, 2, RES_MAX}},
		.predicted_s = -1,
		.features = {1, 0.5, 1e300, 0},
		.tokens_in = 1,
		.tokens_out = INT64_MAX,
		.attempts = -3,
		.idempotent = true,
		.hedge = true,
		.deps = deps,
		.dep_count = 2,
	};

	rt_request_copy(q, &from);
}

static void test_request(void **state)
{
	struct journal_record x = {
		.kind = JOURNAL_REQUEST, .id = UINT64_MAX, .attempt = 7};
	struct journal_record y;
	struct journal_place p;
	struct buf b, again;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&again, SIZE_MAX);
	full_request(&x.request);
	journal_put(&b, &x, 1000);
	assert_int_equal(journal_head(b.data, b.len, &p), b.len);
	assert_true(p.id == UINT64_MAX && p.kind == JOURNAL_REQUEST);
	/* On a clock that is 400 behind. */
	assert_int_equal(journal_get(b.data + p.at, p.len, 1400, &y), 0);
	assert_true(y.request.deadline == 1e6 + 0.25 - 400);
	assert_int_equal(y.attempt, 7);
	assert_string_equal(y.request.key, "\xff\xfe");
	assert_string_equal(y.request.payload, "not JSON at all");
	assert_string_equal(y.request.wants[1], "");
	assert_null(y.request.wants[2]);
	assert_int_equal(y.request.deps[1].on_failure, RT_EDGE_RUN);
	assert_true(vec_equal(&y.request.most, &x.request.most));
	assert_int_equal(y.request.tokens_out, INT64_MAX);
	assert_int_equal(y.request.attempts, -3);
	assert_false(y.request.preemptible);
	/* Nothing is missing: it is written in the same way again. */
	journal_put(&again, &y, 1400);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	/* Any part of it is none. */
	journal_record_release(&y);
	for (size_t len = 0; len < p.len; len++)
		assert_int_equal(journal_get(b.data + p.at, len, 0, &y),
				 -EUCLEAN);
	buf_reset(&b);
	x.request.expires = true;
	journal_put(&b, &x, 1000);
	assert_int_equal(journal_head(b.data, b.len, &p), b.len);
	assert_int_equal(journal_get(b.data + p.at, p.len, 1000, &y), 0);
	assert_true(y.request.expires);
	journal_record_release(&y);
	journal_record_release(&x);
	buf_release(&b);
	buf_release(&again);
}

static void test_ended(void **state)
{
	struct journal_record x = {
		.kind = JOURNAL_ENDED,
		.id = 1,
		.attempt = 2,
		.state = RT_FAILED,
		.used = {1.5, 3, 4, 5, 6, 0.25},
		.has_outcome = true,
	};
	struct journal_record y;
	struct journal_place p;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	rt_outcome_init(&x.outcome);
	x.outcome.error = -ETIMEDOUT;
	x.outcome.again = true;
	x.outcome.after_s = INFINITY;
	x.outcome.result = mem_strdup("{}");
	x.outcome.used.tokens_out = 9;
	journal_put(&b, &x, 0);
	assert_int_equal(journal_head(b.data, b.len, &p), b.len);
	assert_int_equal(journal_get(b.data + p.at, p.len, 0, &y), 0);
	assert_int_equal(y.state, RT_FAILED);
	assert_true(y.used.cost_usd == 0.25 && y.used.tokens_cached == 5);
	assert_int_equal(y.outcome.error, -ETIMEDOUT);
	assert_true(y.outcome.again && isinf(y.outcome.after_s));
	assert_null(y.outcome.text);
	assert_string_equal(y.outcome.result, "{}");
	assert_int_equal(y.outcome.used.tokens_out, 9);
	journal_record_release(&y);
	/* One that has not ended has no such record. */
	buf_reset(&b);
	x.state = RT_READY;
	journal_put(&b, &x, 0);
	assert_int_equal(journal_head(b.data, b.len, &p), b.len);
	assert_int_equal(journal_get(b.data + p.at, p.len, 0, &y), -EUCLEAN);
	journal_record_release(&x);
	buf_release(&b);
}

/* Records of bytes that no writer wrote; a kind of 1 is written as 2, as whole
 * numbers are zigzagged. */
static void test_records_that_are_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		/* of no kind, of one that is not yet, of one below 0 */
		{"", 0},
		{"\x00\x01", 2},
		{"\x10\x01", 2},
		{"\x01\x01", 2},
		/* numbers of more than 64 bits, and without an end */
		{"\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},
		{"\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},
		{"\x0c\xff", 2},
		/* one that is delivered, and bytes behind it */
		{"\x0c\x01\x00", 3},
		/* a text of more bytes than there are, and one with a NUL */
		{"\x0e\x01\x09{}", 5},
		{"\x0e\x01\x04{\0}", 6},
		{"\x0e\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},
	};
	static const char good[] = "\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff"
				   "\x01\x03{}";
	struct journal_record x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (journal_get(bad[i].bytes, bad[i].len, 0, &x) != -EUCLEAN)
			fail_msg("row %zu", i);
		assert_non_null(strstr(err_text(), "cannot be read"));
		assert_null(x.text);
	}
	/* The highest number there is. */
	assert_int_equal(journal_get(good, sizeof(good) - 1, 0, &x), 0);
	assert_int_equal(x.kind, JOURNAL_PREDICTOR);
	assert_true(x.id == UINT64_MAX);
	assert_string_equal(x.text, "{}");
	journal_record_release(&x);
	/* No text is none. */
	assert_int_equal(journal_get("\x0e\x01\x00", 3, 0, &x), 0);
	assert_null(x.text);
	journal_record_release(&x);
}

/* Where a record stands says its own length, and that of the batch. */
static void test_heads_that_are_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, next;
	} is[] = {
		{"\x02\x0c\x01", 3, 3},	    {"\x02\x0c\x01zz", 5, 3},
		{"\x03\x0c\x01", 3, 0},	    {"\x02\x00\x01", 3, 0},
		{"\x02\x10\x01", 3, 0},	    {"\x02\x01\x01", 3, 0},
		{"\x01\x0c", 2, 0},	    {"\x00", 1, 0},
		{"\xff\xff", 2, 0},	    {"", 0, 0},
		{"\x02\x0c\xff\x01", 4, 0},
	};
	struct journal_place p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++)
		if (journal_head(is[i].bytes, is[i].len, &p) != is[i].next)
			fail_msg("row %zu", i);
}

/* Every byte of a request is made each of some others: it is refused, or read
 * as a request that is one, never as something that has no end. */
static void test_damaged_request(void **state)
{
	static const unsigned char with[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	struct journal_record x = {.kind = JOURNAL_REQUEST, .id = 1}, y;
	size_t refused = 0, read = 0;
	struct journal_place p;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	full_request(&x.request);
	journal_put(&b, &x, 0);
	assert_int_equal(journal_head(b.data, b.len, &p), b.len);
	for (size_t at = (size_t)p.at; at < b.len; at++)
		for (size_t i = 0; i < ARRAY_LEN(with); i++) {
			char was = b.data[at];

			b.data[at] = (char)with[i];
			if (journal_get(b.data + p.at, p.len, 0, &y)) {
				refused++;
			} else {
				struct json *v;

				read++;
				assert_in_range(y.kind, 1, JOURNAL_PREDICTOR);
				if (y.kind == JOURNAL_REQUEST) {
					assert_true(y.request.kind < RT_KINDS);
					v = rt_request_json(&y.request, 0);
					json_free(v);
				}
				journal_record_release(&y);
			}
			b.data[at] = was;
		}
	assert_true(refused > 100 && read > 100);
	journal_record_release(&x);
	buf_release(&b);
}

/* NaN is no number of ours. */
static void test_no_number(void **state)
{
	struct journal_record x = {.kind = JOURNAL_RETRY, .id = 1}, y;
	struct journal_place p;
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	for (int bad = 0; bad < 2; bad++) {
		x.used.cost_usd = bad ? NAN : INFINITY;
		buf_reset(&b);
		journal_put(&b, &x, 0);
		assert_int_equal(journal_head(b.data, b.len, &p), b.len);
		assert_int_equal(journal_get(b.data + p.at, p.len, 0, &y),
				 bad ? -EUCLEAN : 0);
	}
	buf_release(&b);
}

/* Of another version: a head that is whole otherwise. */
static void test_other_version(void **state)
{
	struct journal_file f = opened(NULL);
	uint32_t version = htole32(2), crc;
	size_t lost;
	struct buf b;

	(void)state;
	journal_file_close(&f);
	b = file_content(path);
	assert_int_equal(b.len, HEAD);
	memcpy(b.data + 8, &version, sizeof(version));
	crc = htole32(journal_crc(0, b.data, HEAD - sizeof(crc)));
	memcpy(b.data + HEAD - sizeof(crc), &crc, sizeof(crc));
	file_put(path, b.data, b.len);
	assert_int_equal(journal_file_open(&f, path, &lost), -EUCLEAN);
	assert_non_null(strstr(err_text(), "version 2"));
	buf_release(&b);
}

/* A batch that is whole and holds what is no record. */
static void test_batch_of_nonsense(void **state)
{
	static const char nonsense[] = "\0\0\0\0\0\0\0\0\0\0\0\0nonsense";
	struct journal_file f = opened(NULL);
	struct journal_view v;
	struct buf b;
	size_t lost;

	(void)state;
	assert_int_equal(write_ids(&f, 1, 3), 0);
	buf_init(&b, SIZE_MAX);
	buf_add(&b, nonsense, sizeof(nonsense) - 1);
	assert_int_equal(journal_file_write(&f, &b, true), 0);
	buf_release(&b);
	assert_int_equal(journal_view_open(&f, &v), -EUCLEAN);
	assert_non_null(strstr(err_text(), "the record at byte"));
	assert_null(v.v);
	/* What was damaged after it was opened. */
	b = file_content(path);
	b.data[HEAD + 4] ^= 1;
	file_put(path, b.data, b.len);
	assert_int_equal(journal_view_open(&f, &v), -EUCLEAN);
	assert_non_null(strstr(err_text(), "damaged at byte 20"));
	buf_release(&b);
	journal_file_close(&f);
	assert_int_equal(journal_file_open(&f, path, &lost), -EUCLEAN);
}

/* In the folder where one is; and who waits for the lock while another puts a
 * new file in the place of the one that is locked gets the new one. */
static void test_opened_where_it_is(void **state)
{
	struct journal_file f, new;
	char *was = getcwd(NULL, 0), *sub = mem_printf("%s/sub", dir);
	size_t lost;
	int status;
	pid_t pid;

	(void)state;
	f = opened(NULL);
	journal_file_close(&f);
	assert_int_equal(chdir(sub), 0);
	assert_int_equal(unlink("j"), 0);
	assert_int_equal(journal_file_open(&f, "j", &lost), 0);
	assert_int_equal(write_ids(&f, 1, 3), 0);
	pid = fork();
	if (!pid) {
		struct journal_file theirs;

		for (int i = 0; i < 100; i++) {
			int rc = journal_file_open(&theirs, "j", &lost);

			if (!rc)
				_exit(count_ids(&theirs) == 5 ? 0 : 1);
			if (rc != -EAGAIN)
				_exit(2);
		}
		_exit(3);
	}
	usleep(20000);
	assert_int_equal(journal_file_beside(&f, &new), 0);
	assert_int_equal(write_ids(&new, 1, 5), 0);
	assert_int_equal(journal_file_replace(&f, &new), 0);
	journal_file_close(&f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chdir(was), 0);
	free(was);
	free(sub);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_checksum),
		T(test_cut),
		T(test_garbage_at_end),
		T(test_damage),
		T(test_not_a_journal),
		T(test_second_process),
		T(test_full),
		T(test_replace),
		T(test_request),
		T(test_ended),
		T(test_records_that_are_none),
		T(test_heads_that_are_none),
		T(test_damaged_request),
		T(test_no_number),
		T(test_other_version),
		T(test_batch_of_nonsense),
		T(test_opened_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
