/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders for a while: what was left goes, what is in use stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"

static char parent[] = "/tmp/test_temp.XXXXXX";

static void make(struct temp *t)
{
	if (temp_make(parent, "x.", t))
		fail_msg("%s", err_text());
}

static bool there(const char *name)
{
	char *path = mem_printf("%s/%s", parent, name);
	bool is = !access(path, F_OK);

	free(path);
	return is;
}

static void folder(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);

	assert_int_equal(path_make_dirs(path), 0);
	free(path);
}

static void test_left_and_in_use(void **state)
{
	struct temp mine, next;
	pid_t pid;

	(void)state;
	folder(parent, "x.left/below/it");
	folder(parent, "another's");
	make(&mine);
	assert_false(there("x.left"));
	assert_true(there("another's"));
	/* One that is killed leaves its own. */
	pid = fork();
	if (!pid) {
		make(&next);
		folder(next.dir, "below");
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	make(&next);
	assert_int_equal(access(mine.dir, F_OK), 0);
	temp_remove(&mine);
	temp_remove(&next);
	assert_null(next.dir);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(parent) ? 0 : -1;
}

static int teardown(void **state)
{
	char *path = mem_printf("%s/another's", parent);
	int rc = rmdir(path);

	(void)state;
	free(path);
	/* Which fails while anything of the others is there. */
	return rc ? rc : rmdir(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_and_in_use),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
