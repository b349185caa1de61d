/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_that_dies_before_it_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
