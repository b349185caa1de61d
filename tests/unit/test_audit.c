/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/audit_chain.h"
#include "file_fix.h"

#define LINES 8
#define SMALL 4000 /* bytes: about a dozen lines */

static char dir[] = "/tmp/test_audit.XXXXXX";
static char *path;
static const struct rt_peer who = {1000, 4, "sched-synth/coder"};

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_audit.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	path = mem_printf("%s/sub/log", dir);
	return 0;
}

static int teardown(void **state)
{
	char *sub = mem_printf("%s/sub", dir);

	(void)state;
	audit_log_bytes = 16u << 20;
	for (size_t n = 1; n < 40; n++) {
		char *aside = audit_aside(path, n);

		unlink(aside);
		free(aside);
	}
	unlink(path);
	rmdir(sub);
	rmdir(dir);
	free(sub);
	free(path);
	return 0;
}

static struct rt_audit *opened(void)
{
	struct rt_audit *a = NULL;

	if (rt_audit_open(path, &a))
		fail_msg("%s", err_text());
	return a;
}

static void add(struct rt_audit *a, const char *text)
{
	rt_audit_add(a, &who, "storage:read", "shared/x", "allowed", text);
}

static struct rt_audit_seal write_lines(size_t n)
{
	struct rt_audit *a = opened();
	struct rt_audit_seal seal;

	for (size_t i = 0; i < n; i++) {
		char *text = mem_printf("the %zu. of them", i);

		add(a, text);
		free(text);
	}
	assert_int_equal(rt_audit_commit(a), 0);
	rt_audit_seal(a, &seal);
	rt_audit_close(a);
	return seal;
}

static size_t verified(void)
{
	struct rt_audit_seal seal;

	if (rt_audit_verify(path, NULL, &seal))
		fail_msg("%s", err_text());
	return seal.n;
}

static void assert_broken(const char *word)
{
	assert_int_equal(rt_audit_verify(path, NULL, NULL), -EBADMSG);
	if (!strstr(err_text(), word))
		fail_msg("'%s' does not say '%s'", err_text(), word);
}

/* The n-th line, from 0, with its newline. */
static const char *line(const struct buf *b, size_t n, size_t *len)
{
	const char *from = b->data;

	while (n--)
		from = strchr(from, '\n') + 1;
	*len = (size_t)(strchr(from, '\n') + 1 - from);
	return from;
}

static void test_chain(void **state)
{
	struct rt_audit_seal seal, again;
	struct stat st;
	struct buf b;

	(void)state;
	seal = write_lines(LINES);
	assert_int_equal(seal.n, LINES);
	assert_int_equal(verified(), LINES);
	/* The next writer goes on. */
	seal = write_lines(3);
	assert_int_equal(seal.n, LINES + 3);
	assert_int_equal(rt_audit_verify(path, &seal, &again), 0);
	assert_string_equal(seal.hash, again.hash);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	b = file_content(path);
	assert_non_null(strstr(b.data, "\"n\":11"));
	assert_non_null(strstr(b.data, "\"agent\":\"sched-synth/coder\""));
	buf_release(&b);
}

static void test_changed(void **state)
{
	struct buf b;

	(void)state;
	write_lines(LINES);
	b = file_content(path);
	/* Any byte at all. */
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		file_put(path, b.data, b.len);
		if (rt_audit_verify(path, NULL, NULL) != -EBADMSG)
			fail_msg("byte %zu was changed and not missed", i);
		b.data[i] ^= 1;
	}
	file_put(path, b.data, b.len);
	assert_int_equal(verified(), LINES);
	buf_release(&b);
}

static void test_lines_moved(void **state)
{
	const char *third, *fourth;
	size_t len, next;
	struct buf b, x;

	(void)state;
	write_lines(LINES);
	b = file_content(path);
	buf_init(&x, 1 << 20);
	third = line(&b, 3, &len);
	fourth = line(&b, 4, &next);
	/* removed */
	buf_add(&x, b.data, (size_t)(third - b.data));
	buf_puts(&x, fourth);
	file_put(path, x.data, x.len);
	assert_broken("line 4 is number 5");
	/* inserted again */
	buf_reset(&x);
	buf_add(&x, b.data, (size_t)(fourth - b.data));
	buf_puts(&x, third);
	file_put(path, x.data, x.len);
	assert_broken("line 5 is number 4");
	/* changed places */
	buf_reset(&x);
	buf_add(&x, b.data, (size_t)(third - b.data));
	buf_add(&x, fourth, next);
	buf_add(&x, third, len);
	buf_puts(&x, fourth + next);
	file_put(path, x.data, x.len);
	assert_broken("line 4 is number 5");
	/* foreign */
	buf_reset(&x);
	buf_add(&x, b.data, (size_t)(third - b.data));
	buf_puts(&x, "{\"n\":4}\n");
	buf_puts(&x, third);
	file_put(path, x.data, x.len);
	assert_broken("line 4 was changed, inserted or torn");
	/* the beginning cut off */
	file_put(path, third, strlen(third));
	assert_broken("line 1 is number 4");
	buf_release(&x);
	buf_release(&b);
}

/* What is missing at the end is missed by who has the seal. */
static void test_cut_off(void **state)
{
	struct rt_audit_seal seal, other;
	size_t len;
	struct buf b;

	(void)state;
	seal = write_lines(LINES);
	b = file_content(path);
	file_put(path, b.data, (size_t)(line(&b, 6, &len) - b.data));
	assert_int_equal(verified(), 6);
	assert_int_equal(rt_audit_verify(path, &seal, NULL), -EBADMSG);
	assert_non_null(strstr(err_text(), "cut off"));
	/* So is a log that was written anew. */
	file_put(path, "", 0);
	write_lines(LINES + 1);
	assert_int_equal(verified(), LINES + 1);
	b.data[0] = '\0';
	other = seal;
	other.hash[0] = other.hash[0] == 'a' ? 'b' : 'a';
	assert_int_equal(rt_audit_verify(path, &other, NULL), -EBADMSG);
	assert_non_null(strstr(err_text(), "sealed"));
	buf_release(&b);
}

/* Many seals of one log, and of others that were at its place. */
static void test_marks(void **state)
{
	struct rt_audit_mark m[4] = {0};
	struct rt_audit *a;
	struct buf b;
	size_t len;

	(void)state;
	write_lines(3);
	a = opened();
	rt_audit_mark(a, &m[3]);
	rt_audit_close(a);
	file_put(path, "", 0);
	a = opened();
	rt_audit_mark(a, &m[0]);
	assert_string_equal(m[0].first, "");
	for (int i = 2; i >= 0; i--) {
		add(a, "something");
		assert_int_equal(rt_audit_commit(a), 0);
		rt_audit_mark(a, &m[i]);
	}
	rt_audit_close(a);
	assert_string_equal(m[2].first, m[2].seal.hash);
	assert_string_equal(m[0].first, m[2].first);
	assert_int_equal(rt_audit_verify_marks(path, m, 4, NULL), 0);
	/* An older one, in the middle, is looked for as well. */
	m[1].seal.hash[0] ^= 1;
	assert_int_equal(rt_audit_verify_marks(path, m, 4, NULL), -EBADMSG);
	assert_non_null(strstr(err_text(), "sealed as number 2"));
	m[1].seal.hash[0] ^= 1;
	b = file_content(path);
	file_put(path, b.data, (size_t)(line(&b, 2, &len) - b.data));
	assert_int_equal(rt_audit_verify_marks(path, m, 4, NULL), -EBADMSG);
	assert_non_null(strstr(err_text(), "number 3 was sealed"));
	/* The newest is of another. */
	assert_int_equal(rt_audit_verify_marks(path, m + 3, 1, NULL), -EBADMSG);
	assert_non_null(strstr(err_text(), "begun anew"));
	buf_release(&b);
}

/* Torn at every byte of its last line: the next writer closes it, says so,
 * and all is accounted for. */
static void test_torn(void **state)
{
	size_t whole, len;
	struct buf b;

	(void)state;
	write_lines(3);
	b = file_content(path);
	whole = (size_t)(line(&b, 2, &len) - b.data);
	for (size_t cut = 1; cut < len; cut++) {
		bool lacks_newline_only = cut == len - 1;
		struct buf after;

		file_put(path, b.data, whole + cut);
		assert_broken("line 3, at the end");
		write_lines(1);
		/* two, the one that tells, and a new one */
		assert_int_equal(verified(), 4);
		after = file_content(path);
		assert_int_equal(strstr(after.data, "audit:torn") == NULL,
				 lacks_newline_only);
		assert_memory_equal(after.data, b.data, whole + cut);
		/* What was torn is evidence, too. */
		if (!lacks_newline_only) {
			after.data[whole] ^= 1;
			file_put(path, after.data, after.len);
			assert_broken("line 3");
		}
		buf_release(&after);
	}
	buf_release(&b);
}

/* The closing is torn as well. */
static void test_torn_twice(void **state)
{
	size_t whole, len;
	struct buf b, after;

	(void)state;
	write_lines(2);
	b = file_content(path);
	whole = (size_t)(line(&b, 1, &len) - b.data);
	file_put(path, b.data, whole + 30);
	write_lines(0);
	after = file_content(path);
	for (size_t cut = whole + 31; cut < after.len - 1; cut++) {
		file_put(path, after.data, cut);
		write_lines(2);
		assert_int_equal(verified(), 4);
	}
	/* The very first one. */
	for (size_t cut = 1; cut < whole; cut++) {
		file_put(path, b.data, cut);
		write_lines(1);
		assert_int_equal(verified(), 2);
	}
	buf_release(&after);
	buf_release(&b);
}

static void test_not_a_log(void **state)
{
	struct rt_audit *a;
	struct buf b;

	(void)state;
	write_lines(1);
	file_put(path, "my diary\n", 9);
	assert_int_equal(rt_audit_open(path, &a), -EBADMSG);
	b = file_content(path);
	assert_string_equal(b.data, "my diary\n");
	buf_release(&b);
	assert_int_equal(rt_audit_open("/dev/null", &a), -EINVAL);
	assert_int_equal(rt_audit_verify("/dev/null", NULL, NULL), -EINVAL);
	assert_int_equal(rt_audit_verify("/nowhere/at/all", NULL, NULL),
			 -ENOENT);
	file_put(path, "", 0);
	assert_int_equal(verified(), 0);
}

static void test_second_writer(void **state)
{
	struct rt_audit *a = opened(), *b;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(rt_audit_open(path, &b), -EAGAIN);
	assert_non_null(strstr(err_text(), "another process"));
	pid = fork();
	if (!pid)
		_exit(rt_audit_open(path, &b) == -EAGAIN ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rt_audit_close(a);
	rt_audit_close(opened());
	rt_audit_close(NULL);
}

/* Whatever they call themselves and whatever they say is one line. */
static void test_hostile(void **state)
{
	struct rt_audit *a = opened();
	char *huge = mem_zalloc(1, 1000001);
	struct rt_peer odd = {0, 1, "x\",\"hash\":\"0\",\"n\":9,\n"};
	struct buf b;

	(void)state;
	memset(huge, 1, 1000000);
	rt_audit_add(a, &odd, "what\n", NULL, "refused", ",\"n\":1");
	rt_audit_add(a, &odd, huge, huge, "failed", huge);
	rt_audit_add(a, &odd, "\xff", "\xc3", "done", "\xed\xa0\x80");
	assert_int_equal(rt_audit_commit(a), 0);
	rt_audit_close(a);
	assert_int_equal(verified(), 3);
	b = file_content(path);
	assert_true(b.len < 100000);
	buf_release(&b);
	assert_int_equal(write_lines(1).n, 4);
	assert_int_equal(verified(), 4);
	free(huge);
}

/* No room on the disk: nothing is lost, no half line stays. */
static void test_full(void **state)
{
	struct rlimit old, small = {0};
	struct rt_audit *a = opened();
	struct rt_audit_seal seal;
	struct stat st;

	(void)state;
	add(a, "one");
	assert_int_equal(rt_audit_commit(a), 0);
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = (rlim_t)st.st_size + 100;
	setrlimit(RLIMIT_FSIZE, &small);
	add(a, "two");
	add(a, "three");
	assert_int_equal(rt_audit_commit(a), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(verified(), 1);
	rt_audit_seal(a, &seal);
	assert_int_equal(seal.n, 1);
	assert_int_equal(rt_audit_commit(a), 0);
	assert_int_equal(verified(), 3);
	rt_audit_close(a);
}

/* For so long that memory would run out: what is left out is told of. */
static void test_lost(void **state)
{
	struct rt_audit *a = opened();
	char *big = mem_zalloc(1, 4097);
	struct buf b;

	(void)state;
	memset(big, 'x', 4096);
	for (int i = 0; i < 5000; i++)
		add(a, big);
	assert_int_equal(rt_audit_commit(a), 0);
	add(a, "after");
	assert_int_equal(rt_audit_commit(a), 0);
	rt_audit_close(a);
	assert_in_range(verified(), 3000, 4500);
	buf_init(&b, 64 << 20);
	assert_int_equal(buf_read_file(&b, path), 0);
	assert_true(b.len < 24u << 20);
	assert_non_null(strstr(b.data, "audit:lost"));
	buf_release(&b);
	free(big);
}

/* ---- what was put aside ------------------------------------------------ */

/* How many files; they are the last ones, without a gap. */
static size_t asides(size_t *last)
{
	size_t n = 0;

	*last = 0;
	for (size_t i = 1; i < 40; i++) {
		char *aside = audit_aside(path, i);

		if (!access(aside, F_OK)) {
			assert_true(!n || *last == i - 1);
			*last = i;
			n++;
		}
		free(aside);
	}
	return n;
}

/* Lines with a commit for each, until so many files are aside. */
static struct rt_audit *write_until(size_t files)
{
	struct rt_audit *a = opened();
	size_t last = 0;

	while (last < files) {
		add(a, "one of many");
		assert_int_equal(rt_audit_commit(a), 0);
		asides(&last);
	}
	return a;
}

static void test_aside(void **state)
{
	struct rt_audit_seal early, seal;
	struct rt_audit_mark mark;
	struct rt_audit *a;
	char *aside = audit_aside(path, 1);
	struct stat st;
	size_t last, n;

	(void)state;
	audit_log_bytes = SMALL;
	early = write_lines(2);
	a = write_until(2);
	rt_audit_seal(a, &seal);
	rt_audit_close(a);
	assert_int_equal(asides(&last), 2);
	assert_int_equal(stat(aside, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_in_range(st.st_size, SMALL, SMALL + 1000);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 1, 1000);
	/* The chain goes through all of them, and on. */
	assert_int_equal(verified(), seal.n);
	n = write_lines(3).n;
	assert_int_equal(n, seal.n + 3);
	assert_int_equal(verified(), n);
	assert_int_equal(rt_audit_verify(path, &seal, NULL), 0);
	assert_int_equal(rt_audit_verify(path, &early, NULL), 0);
	early.hash[0] ^= 1;
	assert_int_equal(rt_audit_verify(path, &early, NULL), -EBADMSG);
	/* It is the same log: seals of all of it are found. */
	a = opened();
	rt_audit_mark(a, &mark);
	rt_audit_close(a);
	assert_int_equal(rt_audit_verify_marks(path, &mark, 1, NULL), 0);
	free(aside);
}

/* Its very first line was torn: it can be put aside all the same. */
static void test_aside_torn(void **state)
{
	struct rt_audit_mark mark;
	struct rt_audit *a;

	(void)state;
	audit_log_bytes = SMALL;
	rt_audit_close(opened());
	file_put(path, "{\"agent\":", 9);
	rt_audit_close(write_until(2));
	verified();
	a = opened();
	rt_audit_mark(a, &mark);
	rt_audit_close(a);
	assert_int_equal(strlen(mark.first), DIGEST_HEX_LEN - 1);
	assert_int_equal(rt_audit_verify_marks(path, &mark, 1, NULL), 0);
}

/* Of many the last ones are kept; what was sealed of the others is believed. */
static void test_aside_kept(void **state)
{
	struct rt_audit_mark m[3];
	struct rt_audit *a;
	size_t last;

	(void)state;
	audit_log_bytes = SMALL;
	write_lines(2);
	a = opened();
	rt_audit_mark(a, &m[2]);
	rt_audit_close(a);
	a = write_until(5);
	rt_audit_mark(a, &m[1]);
	rt_audit_close(a);
	rt_audit_close(write_until(8));
	assert_int_equal(asides(&last), AUDIT_KEPT);
	assert_int_equal(last, 8);
	a = opened();
	rt_audit_mark(a, &m[0]);
	rt_audit_close(a);
	assert_string_equal(m[0].first, m[2].first);
	assert_int_equal(rt_audit_verify_marks(path, m, 3, NULL), 0);
	assert_int_equal(verified(), m[0].seal.n);
	/* Of what is kept it is not believed. */
	m[1].seal.hash[0] ^= 1;
	assert_int_equal(rt_audit_verify_marks(path, m, 3, NULL), -EBADMSG);
}

/* Whatever becomes of one that was put aside. */
static void test_aside_broken(void **state)
{
	char *one = audit_aside(path, 1), *two = audit_aside(path, 2);
	struct buf b, c;

	(void)state;
	audit_log_bytes = SMALL;
	rt_audit_close(write_until(2));
	b = file_content(one);
	c = file_content(two);
	for (size_t i = 0; i < b.len; i += 97) {
		b.data[i] ^= 1;
		file_put(one, b.data, b.len);
		assert_int_equal(rt_audit_verify(path, NULL, NULL), -EBADMSG);
		b.data[i] ^= 1;
	}
	/* another one's content; less of it; nothing */
	file_put(one, c.data, c.len);
	assert_broken("does not say that it is number 1");
	file_put(one, b.data, b.len / 2);
	assert_broken("too short");
	file_put(one, b.data, b.len);
	verified();
	file_put(two, b.data, b.len);
	assert_broken("does not say that it is number 2");
	file_put(two, c.data, c.len);
	verified();
	unlink(one);
	assert_broken("put aside as");
	buf_release(&b);
	buf_release(&c);
	free(one);
	free(two);
}

/* Who cuts off the beginning cannot pass for one whose files are not kept. */
static void test_aside_forged(void **state)
{
	struct rt_audit_mark mark;
	struct rt_audit *a;
	const char *second;
	struct buf b;
	size_t len;

	(void)state;
	audit_log_bytes = SMALL;
	a = write_until(1);
	rt_audit_mark(a, &mark);
	rt_audit_close(a);
	/* The second line first, which says nothing of that. */
	write_lines(2);
	b = file_content(path);
	second = line(&b, 1, &len);
	file_put(path, second, strlen(second));
	assert_int_equal(rt_audit_verify(path, NULL, NULL), -EBADMSG);
	assert_int_equal(rt_audit_verify_marks(path, &mark, 1, NULL), -EBADMSG);
	buf_release(&b);
}

/* Killed in the middle of it, and without room for the next one. */
static void test_aside_cut(void **state)
{
	char *one = audit_aside(path, 1), *next = mem_printf("%s.new", path);
	struct rt_audit *a;
	size_t last, n;
	int fd;

	(void)state;
	audit_log_bytes = SMALL;
	/* A folder where the next one would be: there is no way to make it. */
	write_lines(1);
	assert_int_equal(mkdir(next, 0700), 0);
	n = write_lines(30).n;
	assert_int_equal(n, 31);
	assert_int_equal(verified(), 31);
	assert_int_equal(asides(&last), 0);
	rmdir(next);
	/* One that died between the two steps: a link, and the next file. */
	assert_int_equal(link(path, one), 0);
	fd = open(next, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half a line", 11), 11);
	close(fd);
	assert_int_equal(verified(), 31);
	a = opened();
	add(a, "after that");
	assert_int_equal(rt_audit_commit(a), 0);
	rt_audit_close(a);
	assert_int_equal(access(next, F_OK), -1);
	assert_int_equal(asides(&last), 1);
	/* And the line that begins the next one. */
	assert_int_equal(verified(), 33);
	free(one);
	free(next);
}

/* One that waits for the lock of a file that is put aside meanwhile. */
static void test_aside_waited(void **state)
{
	struct rt_audit *a;
	int status, fds[2];
	char c;
	pid_t pid;

	(void)state;
	audit_log_bytes = SMALL;
	a = opened();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		struct rt_audit *b = NULL;
		int rc = -EAGAIN;

		rt_audit_close(a);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		for (int i = 0; i < 300 && rc == -EAGAIN; i++)
			rc = rt_audit_open(path, &b);
		if (!rc) {
			add(b, "of the other");
			rc = rt_audit_commit(b);
			rt_audit_close(b);
		}
		_exit(rc ? 1 : 0);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	usleep(20000);
	for (int i = 0; i < 30; i++) {
		add(a, "one of many");
		assert_int_equal(rt_audit_commit(a), 0);
	}
	rt_audit_close(a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
	assert_in_range(verified(), 32, 34);
}

/* ---- lines that nobody of us wrote --------------------------------------- */

#define Z16 "0000000000000000"
#define Z64 Z16 Z16 Z16 Z16
#define A64 "abababababababababababababababababababababababababababababababab"

/* {BEFORE"hash":…,N}, whose hash holds; reckoned here. */
static char *forged(const char *before, const char *n)
{
	char *bare = mem_printf("{%s,%s}", before, n), *whole;
	char hash[DIGEST_HEX_LEN];

	digest_hex(bare, strlen(bare), hash);
	whole = mem_printf("{%s,\"hash\":\"%s\",%s}", before, hash, n);
	free(bare);
	return whole;
}

static void test_lines_that_are_none(void **state)
{
	static const struct {
		const char *before, *n;
		bool good;
		const char *torn; /* of a good one */
	} is[] = {
		{"\"before\":\"" Z64 "\"", "\"n\":1", true, ""},
		{"\"before\":\"" Z64 "\"", "\"n\":9007199254740991", true, ""},
		{"\"before\":\"" Z64 "\"", "\"n\":9007199254740992", false, ""},
		{"\"before\":\"" Z64 "\"", "\"n\":0", false, ""},
		{"\"before\":\"" Z64 "\"", "\"n\":-1", false, ""},
		{"\"before\":\"" Z64 "\"", "\"n\":\"1\"", false, ""},
		{"\"before\":\"" Z64 "0\"", "\"n\":1", false, ""},
		{"\"before\":\"\"", "\"n\":1", false, ""},
		{"\"before\":7", "\"n\":1", false, ""},
		{"\"after\":\"" Z64 "\"", "\"n\":1", false, ""},
		{"\"before\":\"" Z64 "\"",
		 "\"n\":1,\"resource\":\"" A64 "\",\"what\":\"audit:torn\"",
		 true, A64},
		{"\"before\":\"" Z64 "\"",
		 "\"n\":1,\"resource\":\"ab\",\"what\":\"audit:torn\"", false,
		 ""},
		/* The hash of what is no JSON holds as well. */
		{"before", "n", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char before[DIGEST_HEX_LEN], torn[DIGEST_HEX_LEN] = "";
		char *text = forged(is[i].before, is[i].n);
		struct rt_audit_seal seal = {0};
		size_t len = strlen(text);

		if (audit_line(text, len, &seal, before, torn) != is[i].good)
			fail_msg("row %zu", i);
		if (is[i].good)
			assert_string_equal(torn, is[i].torn);
		/* Any byte less is none. */
		for (size_t cut = 0; cut < len; cut++)
			assert_false(
				audit_line(text, cut, &seal, before, torn));
		free(text);
	}
}

/* What the first line of a file says that goes on from another one. */
static void test_first_lines_that_say_nothing(void **state)
{
	static const struct {
		const char *rest;
		size_t aside;
	} is[] = {
		{"\"n\":7,\"resource\":\"" A64 "\",\"text\":\"3\",\"what\":"
		 "\"audit:aside\"",
		 3},
		{"\"n\":7,\"resource\":\"" A64 "\",\"text\":\"0\",\"what\":"
		 "\"audit:aside\"",
		 0},
		{"\"n\":7,\"resource\":\"" A64 "\",\"text\":\"1e300\","
		 "\"what\":\"audit:aside\"",
		 0},
		{"\"n\":7,\"resource\":\"" A64 "\",\"text\":\"x\",\"what\":"
		 "\"audit:aside\"",
		 0},
		{"\"n\":7,\"resource\":\"ab\",\"text\":\"3\",\"what\":"
		 "\"audit:aside\"",
		 0},
		{"\"n\":7,\"resource\":\"" A64 "\",\"text\":\"3\",\"what\":"
		 "\"sim\"",
		 0},
	};

	(void)state;
	write_lines(1);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char *line_ = forged("\"before\":\"" Z64 "\"", is[i].rest);
		char *text = mem_printf("%s\n", line_);
		struct audit_head head;
		int fd;

		file_put(path, text, strlen(text));
		fd = open(path, O_RDONLY);
		assert_int_equal(audit_head(fd, strlen(text), &head), 0);
		assert_int_equal(head.aside, is[i].aside);
		assert_string_equal(head.first, is[i].aside ? A64 : "");
		assert_int_equal(head.before.n, is[i].aside ? 6 : 0);
		close(fd);
		/* Without its end it is no line yet. */
		file_put(path, text, strlen(text) - 1);
		fd = open(path, O_RDONLY);
		assert_int_equal(audit_head(fd, strlen(text) - 1, &head), 0);
		assert_int_equal(head.aside, 0);
		close(fd);
		free(text);
		free(line_);
	}
}

/* Only the end of a long one is read, to go on there; where that is nothing of
 * ours, nothing is added. */
static void test_long_log(void **state)
{
	char *words = mem_zalloc(4001, 1);
	struct rt_audit *a = opened();
	struct stat st;

	(void)state;
	memset(words, 'w', 4000);
	for (int i = 0; i < 400; i++)
		add(a, words);
	assert_int_equal(rt_audit_commit(a), 0);
	rt_audit_close(a);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 1 << 20);
	assert_int_equal(write_lines(1).n, 401);
	assert_int_equal(verified(), 401);
	free(words);
	/* The same with a megabyte of something else behind it. */
	words = mem_zalloc((1u << 20) + 11, 1);
	memset(words, 'x', (1u << 20) + 10);
	file_put(path, words, (1u << 20) + 10);
	assert_int_equal(rt_audit_open(path, &a), -EBADMSG);
	memcpy(words, "{\"agent\":", 9);
	file_put(path, words, (1u << 20) + 10);
	assert_int_equal(rt_audit_open(path, &a), -EBADMSG);
	free(words);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_chain),
		T(test_changed),
		T(test_lines_moved),
		T(test_cut_off),
		T(test_torn),
		T(test_torn_twice),
		T(test_not_a_log),
		T(test_second_writer),
		T(test_hostile),
		T(test_full),
		T(test_lost),
		T(test_marks),
		T(test_aside),
		T(test_aside_kept),
		T(test_aside_broken),
		T(test_aside_cut),
		T(test_aside_forged),
		T(test_aside_waited),
		T(test_aside_torn),
		T(test_lines_that_are_none),
		T(test_first_lines_that_say_nothing),
		T(test_long_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
