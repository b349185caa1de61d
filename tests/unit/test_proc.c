/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/err.h"
#include "base/proc.h"

/* Dead for certain: its ends of all pipes are closed. */
static void kill_it(pid_t pid, void *arg)
{
	siginfo_t info;

	(void)arg;
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

/* SIGPIPE would end us. */
static void a_child_that_dies_before_it_may_go(void **state)
{
	char *argv[] = {(char *)"true", NULL};
	struct proc_spec s = PROC_SPEC_INIT;
	struct proc_result r = {0};

	(void)state;
	s.argv = argv;
	s.started = kill_it;
	assert_int_equal(proc_run(&s, &r), 0);
	assert_int_equal(r.exit_status, 128 + SIGKILL);
}

/* Whichever descriptor it is that there is none for. */
static void descriptors_run_out(void **state)
{
	char *argv[] = {(char *)"true", NULL};
	struct proc_spec s = PROC_SPEC_INIT;
	int free_fd = dup(0), ran = 0, refused = 0;
	struct rlimit before, few;

	(void)state;
	close(free_fd);
	s.argv = argv;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	/* It would wait for ever for what it cannot see. */
	alarm(60);
	for (int more = 0; more < 12; more++) {
		struct proc_result r = {0};
		int rc;

		few.rlim_cur = (rlim_t)(free_fd + more);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		rc = proc_run(&s, &r);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_true(!rc || rc == -EMFILE);
		ran += !rc;
		refused += rc != 0;
		/* Nothing of it is left. */
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		rc = dup(0);
		assert_int_equal(rc, free_fd);
		close(rc);
	}
	alarm(0);
	assert_true(ran > 0 && refused > 0);
}

static void leave_none(pid_t pid, void *arg)
{
	struct rlimit few = {3, 3};

	(void)arg;
	prlimit(pid, RLIMIT_NOFILE, &few, NULL);
}

/* What it should not say to anybody is not said to whom we speak to, nor does
 * it read what is for us: it is not run. */
static void no_descriptor_for_what_is_nobodys(void **state)
{
	static const struct {
		int in, out, err;
	} rows[] = {{-1, 1, 2}, {0, -1, 2}, {0, 1, -1}};
	char *argv[] = {(char *)"true", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct proc_spec s = PROC_SPEC_INIT;
		struct proc_result r;

		s.argv = argv;
		s.stdin_fd = rows[i].in;
		s.out_fd = rows[i].out;
		s.err_fd = rows[i].err;
		assert_int_equal(proc_run(&s, &r), 0);
		s.started = leave_none;
		assert_int_equal(proc_run(&s, &r), -EMFILE);
	}
}

static void fail_at_once(int fd, void *arg)
{
	(void)fd;
	(void)arg;
}

/* Who started us may have told the kernel that nobody waits for children. */
static void ends_are_told_whatever_was_inherited(void **state)
{
	char *argv[] = {(char *)"false", NULL};
	struct proc_spec s = PROC_SPEC_INIT;
	struct proc_result r = {0};
	struct child c;
	int status;

	(void)state;
	s.argv = argv;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(proc_run(&s, &r), 0);
	assert_int_equal(r.exit_status, 1);
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(child_fork(fail_at_once, NULL, true, &c), 0);
	status = child_end(&c, 60);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	close(c.fd);
	signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_that_dies_before_it_may_go),
		cmocka_unit_test(descriptors_run_out),
		cmocka_unit_test(no_descriptor_for_what_is_nobodys),
		cmocka_unit_test(ends_are_told_whatever_was_inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
