/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of the system are followed, and made to call what they would not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/tracee.h"

#define LIMIT_S 60

static char *const env[] = {(char *)"PATH=/usr/bin:/bin", NULL};

static struct tracees *start(char *const *argv, const char *input, bool ends,
			     int keep)
{
	const struct tracee_spec s = {.argv = argv,
				      .env = env,
				      .input = input,
				      .ends = ends,
				      .keep = keep};
	struct tracees *t = NULL;
	int rc = tracee_start(&s, &t);

	if (rc == -ENOTSUP || rc == -EPERM) {
		print_message("%s\n", err_text());
		skip();
	}
	assert_int_equal(rc, 0);
	return t;
}

/* The next moment of this kind. */
static void until(struct tracees *t, enum tracee_at at, struct tracee_stop *out)
{
	int rc;

	while ((rc = tracee_next(t, LIMIT_S, out)) == 1)
		if (out->at == at)
			return;
	fail_msg("%d: %s", rc, err_text());
}

static void one_waits(void **state)
{
	char *const argv[] = {(char *)"/bin/cat", NULL};
	struct tracees *t = start(argv, NULL, false, -1);
	struct tracee_stop s;

	(void)state;
	until(t, TRACEE_EXECUTED, &s);
	assert_true(s.first && s.executed);
	assert_string_equal(s.program, "cat");
	until(t, TRACEE_WAITS, &s);
	assert_true(s.first);
	assert_int_equal(tracee_call(t, SYS_getpid, 0, 0, 0, 0), s.pid);
	assert_int_equal(tracee_call(t, SYS_close, 99, 0, 0, 0), -EBADF);
	/* Again and again. */
	assert_int_equal(tracee_call(t, SYS_getppid, 0, 0, 0, 0), getpid());
	tracee_end(t);
	assert_int_equal(kill(s.pid, 0), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void it_goes_on_after_that(void **state)
{
	char *const argv[] = {(char *)"/bin/sh", (char *)"-c",
			      (char *)"read x; echo \"got $x\" >&2", NULL};
	struct tracees *t = start(argv, "word\n", true, -1);
	struct tracee_stop s;
	char *words;

	(void)state;
	until(t, TRACEE_WAITS, &s);
	assert_int_equal(tracee_call(t, SYS_getpid, 0, 0, 0, 0), s.pid);
	until(t, TRACEE_ENDS, &s);
	assert_int_equal(tracee_call(t, SYS_getpid, 0, 0, 0, 0), s.pid);
	assert_int_equal(tracee_next(t, LIMIT_S, &s), 0);
	words = tracee_words(t);
	assert_string_equal(words, "got word");
	free(words);
	tracee_end(t);
}

static void data_and_files(void **state)
{
	char *const argv[] = {(char *)"/bin/cat", NULL};
	int keep = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct tracees *t = start(argv, NULL, false, keep);
	struct tracee_stop s;
	long at, fd;

	(void)state;
	until(t, TRACEE_WAITS, &s);
	at = tracee_put(t, "/nowhere/at/all", 16);
	assert_int_equal(tracee_call(t, SYS_openat, AT_FDCWD, at, O_RDONLY, 0),
			 -ENOENT);
	at = tracee_put(t, "/", 2);
	fd = tracee_call(t, SYS_openat, AT_FDCWD, at, O_RDONLY, 0);
	assert_true(fd > STDERR_FILENO && fd < TRACEE_KEPT);
	assert_true(tracee_call(t, SYS_fcntl, TRACEE_KEPT, F_GETFD, 0, 0) >= 0);
	assert_int_equal(
		tracee_call(t, SYS_fcntl, TRACEE_KEPT + 1, F_GETFD, 0, 0),
		-EBADF);
	tracee_end(t);
	close(keep);
}

static void children(void **state)
{
	char *const argv[] = {
		(char *)"/bin/sh", (char *)"-c",
		(char *)"(exit 4); /bin/true; echo said >&2; read x", NULL};
	struct tracees *t = start(argv, NULL, false, -1);
	struct tracee_stop s;
	char *words;

	(void)state;
	until(t, TRACEE_ENDS, &s);
	assert_false(s.first || s.executed);
	until(t, TRACEE_EXECUTED, &s);
	assert_false(s.first);
	assert_true(s.executed);
	assert_string_equal(s.program, "true");
	until(t, TRACEE_WAITS, &s);
	assert_true(s.first);
	words = tracee_words(t);
	assert_string_equal(words, "said");
	free(words);
	tracee_end(t);
}

/* Executing is the last that can be tried. */
static void executing(void **state)
{
	char *const argv[] = {(char *)"/bin/cat", NULL};
	struct tracees *t = start(argv, NULL, false, -1);
	struct tracee_stop s;
	long at;

	(void)state;
	until(t, TRACEE_WAITS, &s);
	at = tracee_put(t, "/bin/none-such\0\0\0\0\0\0\0\0\0", 24);
	assert_int_equal(tracee_call(t, SYS_execve, at, at + 16, at + 16, 0),
			 -ENOENT);
	at = tracee_put(t, "/bin/true\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	assert_int_equal(tracee_call(t, SYS_execve, at, at + 16, at + 16, 0),
			 0);
	assert_int_equal(tracee_call(t, SYS_getpid, 0, 0, 0, 0), -ESRCH);
	tracee_end(t);
}

static void what_is_not_there(void **state)
{
	char *const argv[] = {(char *)"/nowhere/at/all", NULL};
	struct tracees *t = start(argv, NULL, true, -1);
	struct tracee_stop s;

	(void)state;
	/* The child that could not execute it ends. */
	until(t, TRACEE_ENDS, &s);
	assert_false(s.executed);
	assert_int_equal(tracee_next(t, LIMIT_S, &s), 0);
	tracee_end(t);
}

static void it_has_a_limit(void **state)
{
	char *const argv[] = {(char *)"/bin/sleep", (char *)"60", NULL};
	struct tracees *t = start(argv, NULL, true, -1);
	struct tracee_stop s;
	int rc;

	(void)state;
	while ((rc = tracee_next(t, 0.3, &s)) == 1)
		;
	assert_int_equal(rc, -ETIMEDOUT);
	tracee_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_waits),
		cmocka_unit_test(it_goes_on_after_that),
		cmocka_unit_test(data_and_files),
		cmocka_unit_test(children),
		cmocka_unit_test(executing),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(it_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
