/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of lines, paths, and answers, as their headers promise them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/answer.h"
#include "base/err.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"

static char dir[64];

static int enter(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-base.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int leave(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* ---- lines -------------------------------------------------------------- */

static int keep(void *arg, const char *line, size_t len)
{
	strs_printf(arg, "%.*s", (int)len, line);
	return 0;
}

/* Whether it comes in one piece with others or in many. */
static void lines_that_are_too_long_are_left_out(void **state)
{
	static const size_t lengths[] = {101, 5000, 70000, 200000};
	char *path = mem_printf("%s/lines", dir);
	int fd = lines_open(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char *text = mem_zalloc(lengths[i] + 1, 1);
		struct strs got = {0};
		off_t at = 0;

		memset(text, 'x', lengths[i]);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(lines_append(fd, "before", false), 0);
		assert_int_equal(lines_append(fd, text, false), 0);
		text[100] = '\0';
		assert_int_equal(lines_append(fd, text, false), 0);
		assert_int_equal(lines_append(fd, "after", false), 0);
		assert_int_equal(lines_read(fd, &at, 100, keep, &got), 0);
		assert_int_equal(got.len, 3);
		assert_string_equal(got.v[0], "before");
		assert_string_equal(got.v[1], text);
		assert_string_equal(got.v[2], "after");
		assert_true(at == lseek(fd, 0, SEEK_END));
		strs_release(&got);
		free(text);
	}
	close(fd);
	unlink(path);
	free(path);
}

/* ---- paths -------------------------------------------------------------- */

static void folders_are_made(void **state)
{
	char *deep = mem_printf("%s/a//b/", dir);
	struct stat st;

	(void)state;
	assert_int_equal(path_make_dirs(deep), 0);
	assert_int_equal(path_make_dirs(deep), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(path_make_dirs("/"), 0);
	assert_int_equal(path_make_dirs(""), -ENOENT);
	assert_non_null(strstr(err_text(), "cannot make folder ''"));
	assert_int_equal(rmdir(deep), 0);
	free(deep);
	deep = mem_printf("%s/a", dir);
	assert_int_equal(rmdir(deep), 0);
	free(deep);
}

/* A folder may be searched, which access(2) calls the same. */
static void a_folder_is_no_program(void **state)
{
	char *before = mem_strdup(getenv("PATH"));
	char *folder = mem_printf("%s/true", dir);
	char *path = mem_printf("%s:/usr/bin:/bin", dir), *found;

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(setenv("PATH", path, 1), 0);
	found = path_program("true");
	assert_non_null(found);
	assert_null(strstr(found, dir));
	free(found);
	assert_null(path_program(folder));
	assert_null(path_program("no-such-program"));
	assert_int_equal(setenv("PATH", before, 1), 0);
	assert_int_equal(rmdir(folder), 0);
	free(path);
	free(folder);
	free(before);
}

/* ---- answers ------------------------------------------------------------ */

struct heard {
	size_t lines, bytes;
};

static void hear(void *arg, const char *line)
{
	struct heard *h = arg;

	h->lines++;
	h->bytes += strlen(line);
}

/* Whoever asks may never be up to date, and hears all of it all the same. */
static void answers_never_end_in_a_line(void **state)
{
	enum { LINE = 40000, LINES = 2000 };
	char *text = mem_zalloc(LINE + 1, 1);
	struct heard heard = {0};
	struct answers a;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	memset(text, 'x', LINE);
	text[LINE / 2] = '\n';
	answers_init(&a, pair[0]);
	for (size_t i = 0; i < LINES; i++) {
		assert_int_equal(io_write(pair[1], text, LINE), 0);
		assert_true(answers_take(&a, hear, &heard));
	}
	assert_int_equal(heard.lines, LINES);
	assert_int_equal(heard.bytes, (LINES - 1) * (LINE - 1) + LINE / 2);
	answers_release(&a);
	close(pair[0]);
	close(pair[1]);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_are_too_long_are_left_out),
		cmocka_unit_test(folders_are_made),
		cmocka_unit_test(a_folder_is_no_program),
		cmocka_unit_test(answers_never_end_in_a_line),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
