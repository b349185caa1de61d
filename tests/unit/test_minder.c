/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that starts external schedulers: what it is told, and what it
 * refuses; tests/guests/external.bats has the rest. */
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

#include "agents/attacher/minder.h"
#include "base/err.h"
#include "base/mem.h"

static char folder[] = "/tmp/schedkit-minder-XXXXXX";

/* A program with flags of its own, that is root's alone. */
static struct external_request request(enum external_verb verb)
{
	struct external_request r = {.size = sizeof(r), .verb = verb};

	strcpy(r.what.program, "scx_list");
	strcpy(r.what.flags[r.what.count++], "--almost-all");
	strcpy(r.what.flags[r.what.count++], "--width=80");
	assert_int_equal(digest_file_hex("/bin/ls", r.sha256), 0);
	return r;
}

static void garbage_is_no_request(void **state)
{
	struct external_request r = request(EXTERNAL_HOLD), bad;

	(void)state;
	assert_int_equal(external_request_check(&r), 0);
	bad = r;
	bad.size--;
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	bad.verb = 2;
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	bad.sha256[3] = 'g';
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	bad.sha256[63] = '\0';
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	memset(bad.sha256, 'a', sizeof(bad.sha256));
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	strcpy(bad.what.program, "sh");
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	bad.what.count = EXTERNAL_MAX_FLAGS + 1;
	assert_int_equal(external_request_check(&bad), -EINVAL);
	bad = r;
	strcpy(bad.what.flags[1], "/etc/shadow");
	assert_int_equal(external_request_check(&bad), -EINVAL);
	memset(&bad, 0xff, sizeof(bad));
	assert_int_equal(external_request_check(&bad), -EINVAL);
}

static void refused(const struct external_request *r, int rc, const char *words)
{
	struct minder m;
	int got = minder_start(&m, r, NULL);

	if (got != rc || !strstr(err_text(), words))
		fail_msg("%d '%s', not %d '%s'", got, err_text(), rc, words);
	assert_null(m.ops);
	minder_release(&m);
}

static void only_what_was_measured_is_started(void **state)
{
	struct external_request r = request(EXTERNAL_PLAN), bad = r;
	struct minder m;
	int rc;

	(void)state;
	if (geteuid() != 0)
		skip();
	rc = minder_start(&m, &r, NULL);
	if (rc == -ENOTSUP) {
		minder_release(&m);
		skip();
	}
	if (rc)
		fail_msg("%s", err_text());
	assert_true(m.held);
	assert_int_equal(m.pid, 0);
	assert_non_null(strstr(m.path, "/bin/ls"));
	assert_int_equal(minder_end(&m), 0);
	minder_release(&m);

	memset(bad.sha256, '7', DIGEST_HEX_LEN - 1);
	refused(&bad, -EACCES, "not the program that was measured");
	bad = r;
	strcpy(bad.what.flags[0], "--of-its-own");
	refused(&bad, -EINVAL, "knows no '--of-its-own'");
	bad = r;
	strcpy(bad.what.program, "scx_no_such_thing");
	refused(&bad, -ENOENT, "is not installed");
	strcpy(bad.what.program, "scx_script");
	refused(&bad, -ENOEXEC, "a script");
	bad.size = 1;
	refused(&bad, -EINVAL, "not a request");
}

/* It schedules nothing, whatever the kernel. */
static void what_attaches_nothing_is_ended(void **state)
{
	struct external_request r = request(EXTERNAL_HOLD);
	struct minder m;
	int rc;

	(void)state;
	if (geteuid() != 0)
		skip();
	rc = minder_start(&m, &r, NULL);
	assert_true(rc == -EBUSY || rc == -EIO || rc == -ENOTSUP);
	assert_int_equal(m.pid, 0);
	assert_false(minder_alive(&m, 0));
	assert_int_equal(minder_end(&m), rc);
	minder_release(&m);
}

static int set_up(void **state)
{
	char *path, *dirs;
	FILE *f;

	(void)state;
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return -1;
	path = mem_printf("%s/scx_list", folder);
	if (symlink("/bin/ls", path))
		return -1;
	free(path);
	path = mem_printf("%s/scx_script", folder);
	f = fopen(path, "w");
	if (!f || fputs("#!/bin/sh\n", f) < 0 || fclose(f) || chmod(path, 0755))
		return -1;
	free(path);
	dirs = mem_printf("%s:%s", folder, getenv("PATH"));
	setenv("PATH", dirs, 1);
	free(dirs);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"scx_list", "scx_script"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = mem_printf("%s/%s", folder, names[i]);

		unlink(path);
		free(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_is_no_request),
		cmocka_unit_test(only_what_was_measured_is_started),
		cmocka_unit_test(what_attaches_nothing_is_ended),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
