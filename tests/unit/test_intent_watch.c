/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for rules is told of what changes them, and of nothing else. */
#include <fcntl.h>
#include <poll.h>
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

#include "base/mem.h"
#include "intent/watch.h"

static char place[] = "/tmp/schedkit-watch-XXXXXX";

static void write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

/* Whether it is told within a moment; then it is told nothing more. */
static bool is_told(struct intent_watch *w)
{
	struct pollfd fd = {.fd = intent_watch_fd(w), .events = POLLIN};
	bool told = false;

	while (poll(&fd, 1, 20) > 0)
		told |= intent_watch_read(w);
	return told;
}

static void a_folder(void **state)
{
	struct intent_watch *w;

	(void)state;
	assert_int_equal(mkdir("rules", 0755), 0);
	w = intent_watch_new("rules/");
	assert_non_null(w);
	assert_false(is_told(w));
	write_file("rules/1.conf");
	assert_true(is_told(w));
	write_file("rules/1.conf");
	assert_true(is_told(w));
	assert_int_equal(chmod("rules/1.conf", 0666), 0);
	assert_true(is_told(w));
	write_file("other");
	assert_false(is_told(w));
	assert_int_equal(rename("other", "rules/2.conf"), 0);
	assert_true(is_told(w));
	assert_int_equal(unlink("rules/1.conf"), 0);
	assert_true(is_told(w));
	assert_int_equal(chmod("rules", 0777), 0);
	assert_true(is_told(w));
	/* Moved away, and another one in its place. */
	assert_int_equal(rename("rules", "gone"), 0);
	assert_true(is_told(w));
	write_file("gone/2.conf");
	assert_false(is_told(w));
	assert_int_equal(mkdir("rules", 0755), 0);
	assert_true(is_told(w));
	write_file("rules/3.conf");
	assert_true(is_told(w));
	intent_watch_free(w);
	unlink("rules/3.conf");
	unlink("gone/2.conf");
	rmdir("gone");
	rmdir("rules");
}

static void one_that_is_not_there_yet(void **state)
{
	char *path = mem_printf("%s/a/b/rules", place);
	struct intent_watch *w = intent_watch_new(path);

	(void)state;
	assert_non_null(w);
	write_file("other");
	assert_false(is_told(w));
	unlink("other");
	assert_int_equal(mkdir("a", 0755), 0);
	assert_true(is_told(w));
	assert_int_equal(mkdir("a/c", 0755), 0);
	assert_false(is_told(w));
	assert_int_equal(mkdir("a/b", 0755), 0);
	assert_true(is_told(w));
	assert_int_equal(mkdir("a/b/rules", 0755), 0);
	assert_true(is_told(w));
	write_file("a/b/rules/1.conf");
	assert_true(is_told(w));
	unlink("a/b/rules/1.conf");
	rmdir("a/b/rules");
	assert_true(is_told(w));
	rmdir("a/b");
	assert_true(is_told(w));
	intent_watch_free(w);
	rmdir("a/c");
	rmdir("a");
	free(path);
}

static void none(void **state)
{
	(void)state;
	assert_int_equal(intent_watch_fd(NULL), -1);
	intent_watch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder),
		cmocka_unit_test(one_that_is_not_there_yet),
		cmocka_unit_test(none),
	};
	int rc;

	if (!mkdtemp(place) || chdir(place))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(place) ? 1 : rc;
}
