/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest may say is anything: requests, replies and the console. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "target/console.h"
#include "target/external_file.h"
#include "target/klog.h"
#include "target/parts.h"
#include "target/qemu.h"
#include "target/runner.h"

/* ---- messages ----------------------------------------------------------- */

static struct wire_msg message(const char *head, const char *data, size_t len)
{
	struct wire_msg m = {.head = json_parse(head, strlen(head)),
			     .data = mem_zalloc(len + 1, 1),
			     .len = len};

	assert_non_null(m.head);
	memcpy(m.data, data, len);
	return m;
}

static void requests(void **state)
{
	static const struct {
		const char *head;
		const char *data;
		size_t len; /* of data */
		int rc;
	} rows[] = {
		{"{\"argc\":1}", "/\0\0\0true", 9, 0},
		{"{\"argc\":1,\"envc\":1}", "/\0\0\0true\0A=b", 13, 0},
		{"{\"argc\":1}", "", 0, -EBADMSG},
		{"{\"argc\":1}", "/", 2, -EBADMSG},
		{"{\"argc\":1}", "/\0", 3, -EBADMSG},
		{"{\"argc\":1}", "/\0\0", 4, -EBADMSG},
		{"{\"argc\":1}", "/\0\0\0true", 8, -EBADMSG},
		{"{\"argc\":2}", "/\0\0\0true", 9, -EBADMSG},
		{"{\"argc\":1e300}", "/\0\0\0true", 9, -EBADMSG},
		{"{\"argc\":0}", "/\0\0\0true", 9, -EBADMSG},
		{"{\"argc\":-1}", "/\0\0\0true", 9, -EBADMSG},
		{"{}", "/\0\0\0true", 9, -EBADMSG},
		{"{\"argc\":\"1\"}", "/\0\0\0true", 9, -EBADMSG},
		{"{\"argc\":1,\"envc\":2}", "/\0\0\0true\0A=b", 13, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_msg m =
			message(rows[i].head, rows[i].data, rows[i].len);
		struct run_job j;

		if (run_job_read(&m, &j) != rows[i].rc)
			fail_msg("row %zu: %s", i, err_text());
		if (!rows[i].rc) {
			assert_string_equal(j.cwd, "/");
			assert_string_equal(j.argv.v[0], "true");
			assert_null(j.argv.v[1]);
			assert_null(j.env.v[j.env.len]);
		}
		run_job_release(&j);
		wire_msg_release(&m);
	}
}

static void replies(void **state)
{
	static const struct {
		const char *head; /* data is "oooeeff" */
		int rc;
		const char *out, *err, *file;
	} rows[] = {
		{"{}", 0, "", "oooeeff", ""},
		{"{\"out\":3,\"file\":2}", 0, "ooo", "ee", "ff"},
		{"{\"out\":7}", 0, "oooeeff", "", ""},
		{"{\"file\":7}", 0, "", "", "oooeeff"},
		{"{\"out\":8}", -EBADMSG, NULL, NULL, NULL},
		{"{\"file\":8}", -EBADMSG, NULL, NULL, NULL},
		{"{\"out\":4,\"file\":4}", -EBADMSG, NULL, NULL, NULL},
		{"{\"out\":-1}", -EBADMSG, NULL, NULL, NULL},
		{"{\"file\":-1,\"out\":3}", -EBADMSG, NULL, NULL, NULL},
		{"{\"out\":1e300}", -EBADMSG, NULL, NULL, NULL},
		{"{\"outcome\":6}", -EBADMSG, NULL, NULL, NULL},
		{"{\"outcome\":-1}", -EBADMSG, NULL, NULL, NULL},
		{"{\"outcome\":1e300}", -EBADMSG, NULL, NULL, NULL},
		{"{\"outcome\":4294967296}", -EBADMSG, NULL, NULL, NULL},
		{"{\"outcome\":5}", 0, "", "oooeeff", ""},
		{"{\"rc\":1}", -EBADMSG, NULL, NULL, NULL},
		{"{\"rc\":1e300}", -EBADMSG, NULL, NULL, NULL},
		{"{\"rc\":-1e300}", -EBADMSG, NULL, NULL, NULL},
		{"{\"rc\":-4096}", -EBADMSG, NULL, NULL, NULL},
		{"{\"rc\":-4294967296}", -EBADMSG, NULL, NULL, NULL},
		{"{\"rc\":-2}", -ENOENT, NULL, NULL, NULL},
		{"{\"rc\":-2,\"error\":7}", -ENOENT, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_msg m = message(rows[i].head, "oooeeff", 7);
		struct run_result r;
		int rc = run_result_read(&m, &r);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %d", i, rc);
		if (!rc) {
			assert_string_equal(r.out, rows[i].out);
			assert_string_equal(r.err, rows[i].err);
			assert_int_equal(r.file_len, strlen(rows[i].file));
			if (r.file_len)
				assert_memory_equal(r.file, rows[i].file,
						    r.file_len);
			else
				assert_null(r.file);
		}
		run_result_release(&r);
		wire_msg_release(&m);
	}
}

/* What a process is said to have taken: no number makes another one. */
static void what_a_run_took(void **state)
{
	static const struct {
		const char *proc;
		int status, signal;
		long rss;
	} rows[] = {
		{"{\"exit_status\":3,\"signal\":9,\"max_rss_kib\":5}", 3, 9, 5},
		{"7", 0, 0, 0},
		{"{\"exit_status\":\"3\"}", 0, 0, 0},
		{"{\"exit_status\":4294967299,\"signal\":1e300,"
		 "\"max_rss_kib\":-1e300}",
		 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *head = mem_printf("{\"proc\":%s}", rows[i].proc);
		struct wire_msg m = message(head, "", 0);
		struct run_result r;

		assert_int_equal(run_result_read(&m, &r), 0);
		assert_int_equal(r.proc.exit_status, rows[i].status);
		assert_int_equal(r.proc.signal, rows[i].signal);
		assert_int_equal(r.proc.max_rss_kib, rows[i].rss);
		run_result_release(&r);
		wire_msg_release(&m);
		free(head);
	}
}

/* ---- the line ----------------------------------------------------------- */

/* Nobody takes it, or nobody is there any more. */
static void nobody_listens(void **state)
{
	char *much = mem_zalloc(1 << 20, 1);
	double began;
	int fd[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	began = clock_monotonic();
	assert_int_equal(wire_send(fd[0], json_object(), much, 1 << 20, 0.05),
			 -ETIMEDOUT);
	assert_true(clock_monotonic() - began >= 0.05);
	close(fd[1]);
	assert_int_equal(wire_send(fd[0], json_object(), "x", 1, 0.05), -EPIPE);
	assert_int_equal(wire_pass(fd[0], "x", 1), -EPIPE);
	close(fd[0]);
	assert_int_equal(wire_send(fd[0], json_object(), "x", 1, 0), -EBADF);
	/* Of a pipe the same. */
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	assert_int_equal(wire_pass(fd[1], "x", 1), -EPIPE);
	close(fd[1]);
	free(much);
}

static void what_is_received(void **state)
{
	static const struct {
		const char *said;
		int rc;
	} rows[] = {
		{"{\"bytes\":2}\nab", 1},
		{"{\"bytes\":0}\n", 1},
		{"{\"bytes\":2.5}\nab", 1},
		{"", 0},
		{"{\"bytes\":2}\na", 0},
		{"{\"bytes\":2}", 0},
		{"{\"bytes\":67108864}\n", -EBADMSG},
		{"{\"bytes\":67108863}\n", 0},
		{"\n", -EBADMSG},
		{"{\"bytes\":null}\n", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_msg m = {0};
		struct buf in;
		int fd[2];

		assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
		assert_int_equal(
			write(fd[1], rows[i].said, strlen(rows[i].said)),
			(ssize_t)strlen(rows[i].said));
		close(fd[1]);
		buf_init(&in, WIRE_MAX);
		if (wire_receive(fd[0], &in, &m) != rows[i].rc)
			fail_msg("row %zu", i);
		wire_msg_release(&m);
		buf_release(&in);
		close(fd[0]);
	}
	{
		struct wire_msg m = {0};
		struct buf in;

		buf_init(&in, WIRE_MAX);
		assert_int_equal(wire_receive(-1, &in, &m), -EBADF);
		buf_release(&in);
	}
}

/* ---- the console -------------------------------------------------------- */

static void check_words(const char *text, size_t len, const char *want)
{
	struct console *c = mem_zalloc(1, sizeof(*c));
	char *words;

	console_add(c, text, len);
	words = console_words(c);
	assert_string_equal(words, want);
	free(words);
	free(c);
}

static void what_a_console_says(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"", ""},
		{"\n\r\n", ""},
		{"a\x1b[2J\xc3\xbc\x7f\tb", "a[2Jb"},
		{"[    1.5] a\n[x] b\n[1.5]c\n[ 1.5", "a | [x] b | [1.5]c | "
						      "[ 1.5"},
		{"x\nBUG: a\nOops: b\n", "BUG: a | Oops: b"},
		{"x\nOops: b\nBUG: a\n", "Oops: b | BUG: a"},
		{"x\n[ 1.0] Kernel panic - y", "Kernel panic - y"},
		{"BUG: first", "BUG: first"},
		{"Oops: b\n CPU\nCPU: 1\nRSP: 2\n[ 1.0] Code: 3\nc",
		 "Oops: b | c"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		 "2 | 3 | 4 | 5 | 6 | 7 | 8 | 9"},
		{"BUG: 1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		 "BUG: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8"},
	};
	char *long_one = mem_zalloc(CONSOLE_KEEP + 3, 1);
	struct console *c = mem_zalloc(1, sizeof(*c));
	char *words;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_words(rows[i].text, strlen(rows[i].text), rows[i].words);
	check_words("a\0b", 3, "a.b");
	/* However much it says: the last of it, and of that the first. */
	memset(long_one, 'x', CONSOLE_KEEP + 2);
	memcpy(long_one + CONSOLE_KEEP - 1, "\nz\n", 3);
	long_one[0] = 'a';
	long_one[2] = 'b';
	console_add(c, long_one, CONSOLE_KEEP + 2);
	assert_int_equal(strlen(c->text), CONSOLE_KEEP);
	assert_int_equal(c->text[0], 'b');
	words = console_words(c);
	assert_int_equal(strspn(words, "bx"), strlen(words));
	assert_int_equal(strlen(words), 1500);
	free(words);
	free(c);
	free(long_one);
}

/* ---- the kernel's own words --------------------------------------------- */

static void what_a_kernel_says(void **state)
{
	static const struct {
		const char *record, *want; /* NULL: it is passed over */
	} rows[] = {
		{"4,1,2,-;a\n SUB=x\n", "a"},
		{"4,1,2,-;a", "a"},
		{"5,1,2,-;a\n", NULL},
		{"6,1,2,-;sched_ext: on\n", "sched_ext: on"},
		{"7,1,2,-;x sched_ext\n", "x sched_ext"},
		{"8,1,2,-;sched_ext\n", NULL}, /* a program's */
		{"12,1,2,-;a\n", NULL},
		{"4,1,2,-", NULL},
		{"x,1,2,-;a\n", NULL},
		{";a\n", NULL},
		{"0,;\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *said = json_array();

		klog_take(rows[i].record, strlen(rows[i].record), said);
		if (json_len(said) != (rows[i].want != NULL))
			fail_msg("row %zu", i);
		if (rows[i].want)
			assert_string_equal(
				json_as_string(json_at(said, 0), "?"),
				rows[i].want);
		json_free(said);
	}
}

/* ---- machines ----------------------------------------------------------- */

static void machines(void **state)
{
	static const struct {
		long cpus, mib;
		const char *topology;
		int rc;
		long want; /* CPUs */
	} rows[] = {
		{1, 0, NULL, 0, 1},
		{64, 0, NULL, 0, 64},
		{65, 0, NULL, -EINVAL, 0},
		{-1, 0, NULL, -EINVAL, 0},
		{1, 255, NULL, -EINVAL, 0},
		{1, 256, NULL, 0, 1},
		{1, -1, NULL, -EINVAL, 0},
		{0, 0, "cores=2,threads=2", 0, 4},
		{4, 0, "cores=2,threads=2", 0, 4},
		{5, 0, "cores=2,threads=2", -EINVAL, 0},
		{0, 0, "nodes=2,cores=2", 0, 4},
		{0, 0, "nodes=2,sockets=4", 0, 4},
		{0, 0, "nodes=2,sockets=3", -EINVAL, 0},
		{0, 0, "nodes=5", -EINVAL, 0},
		{0, 0, "cores=64,threads=2", -EINVAL, 0},
		{0, 0, "cores=65", -EINVAL, 0},
		{0, 0, "cores=0", -EINVAL, 0},
		{0, 0, "cores=-1", -EINVAL, 0},
		{0, 0, "cores=2,cores=2", -EINVAL, 0},
		{0, 0, "cores=2,", -EINVAL, 0},
		{0, 0, "cores=2x", -EINVAL, 0},
		{0, 0, "cores", -EINVAL, 0},
		{0, 0, "core=2", -EINVAL, 0},
		{0, 0, "=2", -EINVAL, 0},
		{0, 0, "", -EINVAL, 0},
		{0, 0, "cores=99999999999999999999", -EINVAL, 0},
		{0, 0,
		 "cores=00000000000000000000000000000000000000000000000000000"
		 "0000000000000000000000000000000000000000000000000000000000"
		 "0000000000000000000000000000000000000000000000000000000002",
		 -EINVAL, 0},
	};
	struct machine m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = machine_read(rows[i].cpus, rows[i].mib,
				      rows[i].topology, &m);

		if (rc != rows[i].rc || (!rc && m.cpus != rows[i].want))
			fail_msg("row %zu: %d, %ld", i, rc, m.cpus);
	}
}

/* ---- files -------------------------------------------------------------- */

static void programs_of_others(void **state)
{
	char path[] = "/tmp/schedkit-external.XXXXXX", sha[DIGEST_HEX_LEN];
	static const char elf[] = "\177ELF and more";
	int fd = mkstemp(path), got;

	(void)state;
	assert_true(fd >= 0);
	fchmod(fd, 0755);
	if (geteuid()) {
		/* It is not root's. */
		assert_int_equal(external_file_open(path, NULL, sha), -EACCES);
		close(fd);
		unlink(path);
		return;
	}
	assert_int_equal(external_file_open(path, NULL, sha), -ENOEXEC);
	assert_int_equal(write(fd, "\177EL", 3), 3);
	assert_int_equal(external_file_open(path, NULL, sha), -ENOEXEC);
	assert_int_equal(pwrite(fd, elf, strlen(elf), 0), strlen(elf));
	close(fd);
	got = external_file_open(path, NULL, sha);
	assert_true(got >= 0);
	close(got);
	got = external_file_open(path, sha, sha);
	assert_true(got >= 0);
	close(got);
	assert_int_equal(external_file_open(path, "0123", sha), -EACCES);
	assert_non_null(
		strstr(err_text(), "not the program that was measured"));
	unlink(path);
	assert_int_equal(external_file_open(path, NULL, sha), -EACCES);
	assert_int_equal(symlink("/bin/true", path), 0);
	assert_int_equal(external_file_open(path, NULL, sha), -ELOOP);
	unlink(path);
}

static void kernels_of_ones_own(void **state)
{
	struct parts p;

	(void)state;
	assert_int_equal(parts_find("/nowhere/vmlinuz", &p, NULL, NULL, NULL),
			 -ENOENT);
	assert_non_null(strstr(err_text(), "'/nowhere/vmlinuz'"));
	parts_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(replies),
		cmocka_unit_test(what_a_run_took),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(what_is_received),
		cmocka_unit_test(what_a_console_says),
		cmocka_unit_test(what_a_kernel_says),
		cmocka_unit_test(machines),
		cmocka_unit_test(programs_of_others),
		cmocka_unit_test(kernels_of_ones_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
