/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program that started us is told of how far we are. */
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
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "term/progress.h"

#define VARIABLE "SCHEDKIT_PROGRESS"

/* What the environment names is taken once in a process: each case has one of
 * its own.  Returns how it ended, as wait() says. */
static int in_child(void (*work)(int fd), const char *value, int fd)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		setenv(VARIABLE, value, 1);
		work(fd);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int in_child_fd(void (*work)(int fd), int fd)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", fd);
	return in_child(work, value, fd);
}

static size_t drain(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < size && (n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	return len;
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* ---- lines ------------------------------------------------------------ */

static void three_steps(int fd)
{
	struct progress p;

	progress_init(&p, STDERR_FILENO);
	if (!p.wanted || p.out != fd || getenv(VARIABLE) ||
	    !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		_exit(1);
	progress_step(&p, 0, 0, "booting");
	progress_step(&p, 3, 40, "pair 3 \033[2J of 'a\nb'");
	progress_step(&p, 0, 0, "booting again");
	progress_clear(&p);
}

static void test_lines(void **state)
{
	char got[1024];
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(in_child_fd(three_steps, fd[1]), 0);
	close(fd[1]);
	drain(fd[0], got, sizeof(got));
	assert_string_equal(got, "0 0 booting\n"
				 "3 40 pair 3 \\x1b[2J of 'a\\nb'\n"
				 "3 40 booting again\n");
	close(fd[0]);
}

static void test_socket(void **state)
{
	char got[1024];
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(in_child_fd(three_steps, fd[1]), 0);
	close(fd[1]);
	drain(fd[0], got, sizeof(got));
	assert_int_equal(lines(got), 3);
	close(fd[0]);
}

/* ---- what is no such descriptor --------------------------------------- */

static void expect_nobody(int fd)
{
	struct progress p;

	(void)fd;
	progress_init(&p, STDERR_FILENO);
	if (p.wanted || p.out != -1 || getenv(VARIABLE))
		_exit(1);
	progress_step(&p, 1, 2, "nobody reads this");
	progress_clear(&p);
}

static void test_ignored(void **state)
{
	static const char *const bad[] = {
		"",   "x",   "7x",	   "-1",
		" 7", "+7",  "0x7",	   "1e1",
		"1",  "900", "4294967303", "99999999999999999999"};
	int null = open("/dev/null", O_WRONLY), fd[2];
	char path[] = "/tmp/schedkit-progress-XXXXXX";
	int file = mkstemp(path);

	(void)state;
	assert_true(null > STDERR_FILENO && file >= 0);
	unlink(path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(in_child(expect_nobody, bad[i], -1), 0);
	assert_int_equal(in_child_fd(expect_nobody, null), 0);
	assert_int_equal(in_child_fd(expect_nobody, file), 0);
	assert_int_equal(lseek(file, 0, SEEK_END), 0);
	/* The end that is for reading, and one that is closed. */
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(in_child_fd(expect_nobody, fd[0]), 0);
	close(fd[1]);
	assert_int_equal(in_child_fd(expect_nobody, fd[1]), 0);
	close(fd[0]);
	close(file);
	close(null);
}

/* ---- who does not read ------------------------------------------------ */

static void talk(int fd)
{
	struct progress p;

	(void)fd;
	alarm(30); /* it must not wait for anybody */
	signal(SIGPIPE, SIG_DFL);
	progress_init(&p, STDERR_FILENO);
	for (long i = 1; i <= 20000; i++) {
		p.full = 0; /* as if each came long after the other */
		progress_step(&p, i, 20000, "still at it");
	}
	progress_clear(&p);
}

static void test_full(void **state)
{
	char got[1 << 17];
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(in_child_fd(talk, fd[1]), 0);
	close(fd[1]);
	drain(fd[0], got, sizeof(got));
	/* Whole lines, as many as there was room for. */
	assert_memory_equal(got, "1 20000 still at it\n2 20000 ", 28);
	assert_int_equal(got[strlen(got) - 1], '\n');
	assert_true(lines(got) < 20000);
	close(fd[0]);
}

static void test_gone(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	assert_int_equal(in_child_fd(talk, fd[1]), 0);
	close(fd[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	close(fd[0]);
	assert_int_equal(in_child_fd(talk, fd[1]), 0);
	close(fd[1]);
}

/* ---- a flood ---------------------------------------------------------- */

static void flood(int fd)
{
	double end = clock_monotonic() + 0.5;
	struct progress p;
	long i = 0;

	(void)fd;
	progress_init(&p, STDERR_FILENO);
	while (clock_monotonic() < end)
		progress_step(&p, ++i, 0, "fast");
	progress_step(&p, i, i, "done");
	progress_clear(&p);
}

static void test_flood(void **state)
{
	char got[1 << 16];
	int fd[2], n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(in_child_fd(flood, fd[1]), 0);
	close(fd[1]);
	drain(fd[0], got, sizeof(got));
	n = lines(got);
	assert_true(n >= 10 && n <= 18);
	/* The last step is never the one that is left out. */
	assert_non_null(strstr(got, " done\n"));
	assert_string_equal(strstr(got, " done\n"), " done\n");
	close(fd[0]);
}

/* ---- people ----------------------------------------------------------- */

/* Nothing at all may reach a descriptor that is no terminal. */
static void test_silent(void **state)
{
	struct progress p;
	char c;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	progress_init(&p, fd[1]);
	assert_false(p.wanted);
	progress_step(&p, 1, 2, "booting");
	progress_clear(&p);
	close(fd[1]);
	assert_int_equal(read(fd[0], &c, 1), 0);
	close(fd[0]);
}

static void test_terminal(void **state)
{
	struct progress p;
	char got[256];
	ssize_t n;
	int fd;

	(void)state;
	fd = posix_openpt(O_RDWR | O_NOCTTY);
	if (fd < 0)
		skip(); /* no /dev/pts, as in a bare chroot */
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	int slave = open(ptsname(fd), O_RDWR | O_NOCTTY);

	assert_true(slave >= 0);
	setenv("TERM", "xterm", 1);
	progress_init(&p, slave);
	assert_true(p.wanted);
	progress_step(&p, 0, 0, "booting \033 a guest");
	n = read(fd, got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, "\r\033[K0:00 booting \\x1b a guest");
	close(slave);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_socket),
		cmocka_unit_test(test_ignored), cmocka_unit_test(test_full),
		cmocka_unit_test(test_gone),	cmocka_unit_test(test_flood),
		cmocka_unit_test(test_silent),	cmocka_unit_test(test_terminal),
	};

	setenv("LC_ALL", "C.UTF-8", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
