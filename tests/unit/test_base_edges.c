/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are, who may own them, and what is said: at the edges. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
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

#include "base/answer.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/owned.h"
#include "base/path.h"
#include "base/temp.h"

static char dir[40];

static int enter(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-edges.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int leave(void **state)
{
	(void)state;
	temp_clear(dir);
	return 0;
}

/* NULL: it is not there. */
static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* ---- paths -------------------------------------------------------------- */

static void check_path(char *path, const char *want)
{
	assert_string_equal(path, want);
	free(path);
}

static void where_things_are(void **state)
{
	const struct passwd *pw = getpwuid(getuid());
	char *home = mem_strdup(pw ? pw->pw_dir : "/"),
	     *own = mem_printf("%s/.cache/schedkit/n", home);
	const struct {
		const char *xdg, *home, *want;
	} rows[] = {
		{"/x", "/h", "/x/schedkit/n"},
		{"/x", NULL, "/x/schedkit/n"},
		{"", "/h", "/h/.cache/schedkit/n"},
		{"x", "/h", "/h/.cache/schedkit/n"}, /* as XDG has it */
		{NULL, "/h", "/h/.cache/schedkit/n"},
		{NULL, "h", own},
		{NULL, "", own},
		{NULL, NULL, own},
		{"x", NULL, own},
	};
	char *before = mem_strdup(getenv("HOME") ? getenv("HOME") : "/");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set("XDG_CACHE_HOME", rows[i].xdg);
		set("HOME", rows[i].home);
		check_path(path_cache("n"), rows[i].want);
	}
	set("HOME", "/h");
	set("XDG_STATE_HOME", "/s");
	set("XDG_CONFIG_HOME", NULL);
	check_path(path_state("n"), "/s/schedkit/n");
	check_path(path_config("n"), "/h/.config/schedkit/n");
	set("HOME", before);
	set("XDG_STATE_HOME", NULL);
	free(before);
	free(own);
	free(home);
}

static void where_what_runs_is(void **state)
{
	bool root = !geteuid();

	(void)state;
	set("SCHEDKIT_RUN", "/r");
	check_path(path_run("n"), "/r/n");
	assert_null(path_run_root("n"));
	set("SCHEDKIT_RUN", "");
	if (root) {
		check_path(path_run("n"), "/run/schedkit/n");
		assert_null(path_run_root("n"));
		assert_int_equal(seteuid(65534), 0);
	}
	set("XDG_STATE_HOME", "/s");
	set("XDG_RUNTIME_DIR", "/u");
	check_path(path_run("n"), "/u/schedkit/n");
	set("XDG_RUNTIME_DIR", "u");
	check_path(path_run("n"), "/s/schedkit/run/n");
	set("XDG_RUNTIME_DIR", NULL);
	set("SCHEDKIT_RUN", NULL);
	check_path(path_run("n"), "/s/schedkit/run/n");
	check_path(path_run_root("n"), "/run/schedkit/n");
	set("SCHEDKIT_RUN", "/r");
	assert_null(path_run_root("n"));
	if (root)
		assert_int_equal(seteuid(0), 0);
	set("SCHEDKIT_RUN", NULL);
	set("XDG_STATE_HOME", NULL);
}

static void what_is_written(void **state)
{
	char *path = mem_printf("%s/w", dir), *below = mem_printf("%s/x", path);
	struct stat st;

	(void)state;
	assert_int_equal(path_write_public(path, "a", 1), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(path_write_atomic(path, "", 0), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 0);
	/* A file is no folder, and a folder is no file. */
	assert_int_equal(path_write_atomic(below, "a", 1), -ENOTDIR);
	assert_non_null(strstr(err_text(), below));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(path_write_atomic(path, "a", 1), -EISDIR);
	assert_int_equal(rmdir(path), 0);
	/* Nothing of it was left behind. */
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	/* Parents: of what has none, of the root's, of more. */
	assert_int_equal(path_make_parent("name"), 0);
	assert_int_equal(path_make_parent("/name"), 0);
	assert_int_equal(path_make_parent(below), 0);
	assert_int_equal(rmdir(path), 0);
	free(below);
	free(path);
}

static void programs(void **state)
{
	char *path = mem_printf("%s/prog", dir), *lists, *found;
	char *before = mem_strdup(getenv("PATH"));

	(void)state;
	assert_int_equal(path_write_public(path, "x", 1), 0);
	lists = mem_printf("::relative:%s", dir);
	set("PATH", lists);
	assert_null(path_program("prog")); /* nobody may run it */
	assert_null(path_program(path));
	assert_int_equal(chmod(path, 0755), 0);
	found = path_program("prog");
	assert_string_equal(found, path);
	free(found);
	found = path_program(path);
	assert_string_equal(found, path);
	free(found);
	assert_null(path_program("nowhere/prog"));
	set("PATH", "");
	assert_null(path_program("prog"));
	/* Without one, the usual places. */
	set("PATH", NULL);
	assert_null(path_program("prog"));
	found = path_program("sh");
	assert_non_null(found);
	free(found);
	set("PATH", before);
	unlink(path);
	free(lists);
	free(before);
	free(path);
}

/* ---- what is somebody's ------------------------------------------------- */

static void whose_it_is(void **state)
{
	static const struct {
		mode_t mode;
		int rc;
	} modes[] = {
		{0600, 0},	 {0644, 0},	  {0755, 0},
		{0620, -EACCES}, {0602, -EACCES}, {0666, -EACCES},
	};
	char *path = mem_printf("%s/owned", dir),
	     *link = mem_printf("%s/link", dir);
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(owned_open(path, &st), -ENOENT);
	assert_int_equal(path_write_public(path, "x", 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		chmod(path, modes[i].mode);
		fd = owned_open(path, &st);
		if ((fd < 0 ? fd : 0) != modes[i].rc)
			fail_msg("%o: %d", modes[i].mode, fd);
		if (fd >= 0)
			close(fd);
	}
	chmod(path, 0644);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(owned_open(link, &st), -EACCES);
	assert_non_null(strstr(err_text(), "it is a link"));
	unlink(link);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_int_equal(owned_open(link, &st), -EACCES);
	assert_non_null(strstr(err_text(), "no plain file"));
	unlink(link);
	assert_int_equal(owned_open(dir, &st), -EACCES);
	if (!geteuid()) {
		assert_int_equal(chown(path, 65534, 0), 0);
		assert_int_equal(owned_open(path, &st), -EACCES);
		assert_non_null(strstr(err_text(), "user 65534"));
		/* Its owner may have it, and root's everybody. */
		assert_int_equal(seteuid(65534), 0);
		st.st_uid = 65534;
		st.st_mode = S_IFREG | 0644;
		assert_int_equal(owned_check(path, &st), 0);
		st.st_uid = 0;
		assert_int_equal(owned_check(path, &st), 0);
		st.st_uid = 1;
		assert_int_equal(owned_check(path, &st), -EACCES);
		assert_int_equal(seteuid(0), 0);
	}
	unlink(path);
	free(link);
	free(path);
}

/* ---- lines -------------------------------------------------------------- */

static int two(void *arg, const char *line, size_t len)
{
	buf_printf(arg, "[%.*s]", (int)len, line);
	return ((struct buf *)arg)->len > 6 ? 7 : 0;
}

static void torn_lines(void **state)
{
	char *path = mem_printf("%s/lines", dir),
	     *link = mem_printf("%s/link", dir);
	struct buf b;
	off_t at = 0;
	int fd;

	(void)state;
	assert_int_equal(path_write_atomic(path, "half", 4), 0);
	fd = lines_open(path);
	assert_true(fd >= 0);
	buf_init(&b, 100);
	buf_puts(&b, "");
	/* What has no end yet is read again. */
	assert_int_equal(lines_read(fd, &at, 10, two, &b), 0);
	assert_int_equal(at, 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(lines_append(fd, "a", true), 0);
	assert_int_equal(lines_append(fd, "", true), 0);
	assert_int_equal(lines_append(fd, "b", false), 0);
	assert_int_equal(lines_read(fd, &at, 10, two, &b), 7);
	assert_string_equal(b.data, "[half][a]");
	assert_int_equal(at, 7);
	buf_reset(&b);
	assert_int_equal(lines_read(fd, &at, 10, two, &b), 0);
	assert_string_equal(b.data, "[][b]");
	assert_int_equal(at, 10);
	close(fd);
	assert_int_equal(lines_append(fd, "x", false), -EBADF);
	assert_int_equal(lines_read(fd, &at, 10, two, &b), -EBADF);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(lines_open(link), -ELOOP);
	assert_int_equal(lines_open(dir), -EISDIR);
	unlink(link);
	unlink(path);
	buf_release(&b);
	free(link);
	free(path);
}

/* ---- answers ------------------------------------------------------------ */

static void requests(void **state)
{
	uint64_t got;
	int p[2];

	(void)state;
	for (size_t n = 0; n <= 10; n++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
		if (n)
			assert_int_equal(write(p[1], "0123456789", n),
					 (ssize_t)n);
		close(p[1]);
		assert_int_equal(answer_request(p[0], &got, 8),
				 n < 8 ? -EINVAL : 0);
		assert_true(answer_over(p[0], 0));
		close(p[0]);
	}
	assert_int_equal(answer_request(-1, &got, 0), 0);
	assert_int_equal(answer_request(p[0], &got, 8), -EINVAL);
}

static void keep(void *arg, const char *line)
{
	buf_printf(arg, "%s|", line);
}

static void what_is_said(void **state)
{
	char *text = mem_zalloc(20001, 1);
	struct answers a;
	struct buf b;
	int p[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	answers_init(&a, p[0]);
	buf_init(&b, 100000);
	buf_puts(&b, "");
	assert_true(answers_poll(&a, 0, keep, &b)); /* nothing came */
	assert_false(answer_over(p[0], 0));
	answer_say(p[1], "a\nb\tc\x1b[2J\x7f"
			 "d\xc3\xbc");
	assert_true(answers_poll(&a, 1000, keep, &b));
	assert_string_equal(b.data, "a b c [2J d\xc3\xbc|");
	/* Too long a line is one line, cut. */
	buf_reset(&b);
	memset(text, 'x', 20000);
	answer_say(p[1], "%s", text);
	answer_say(p[1], "y");
	while (!strchr(b.data, 'y'))
		assert_true(answers_take(&a, keep, &b));
	assert_int_equal(strspn(b.data, "x"), 8190);
	assert_string_equal(b.data + 8190, "|y|");
	/* The rest of a line is waited for, and is none at the end. */
	buf_reset(&b);
	assert_int_equal(write(p[1], "ha", 2), 2);
	assert_true(answers_take(&a, keep, &b));
	assert_int_equal(write(p[1], "lf\nrest", 7), 7);
	close(p[1]);
	assert_true(answers_take(&a, keep, &b));
	assert_false(answers_take(&a, keep, &b));
	assert_string_equal(b.data, "half|");
	assert_int_equal(answers_send(&a, "x", 1), -EPIPE);
	a.fd = -1;
	assert_false(answers_take(&a, keep, &b));
	answers_release(&a);
	buf_release(&b);
	close(p[0]);
	free(text);
}

static void troubles(void **state)
{
	static const struct {
		const char *text;
		int was, rc;
		const char *why; /* NULL: none */
	} rows[] = {
		{"EPERM no way", 0, -EPERM, "no way"},
		{"EPERM   no  way", 0, -EPERM, "no  way"},
		{"EPERM", 0, -EPERM, ""},
		{"EPERM ", 0, -EPERM, ""},
		{"", 0, 0, NULL},
		{"  ", 0, 0, NULL},
		{"EPERM no", -ENOENT, -ENOENT, NULL},
		{"E_NO_SUCH x", 0, -EIO, "x"},
		{"0 x", 0, -EIO, "x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = rows[i].was;
		char *why = NULL;

		answers_trouble(rows[i].text, &rc, &why);
		if (rc != rows[i].rc)
			fail_msg("row %zu: %d", i, rc);
		assert_int_equal(why != NULL, rows[i].why != NULL);
		if (why)
			assert_string_equal(why, rows[i].why);
		free(why);
	}
	assert_string_equal(err_name(0), "EIO");
	assert_string_equal(err_name(99999), "EIO");
	assert_string_equal(err_name(EPERM), "EPERM");
}

/* ---- options ------------------------------------------------------------ */

static struct {
	bool flag;
	const char *text;
	long n;
	double x;
	struct strs list;
} got;

static const struct opt rows_of_options[] = {
	{.kind = OPT_FLAG, .letter = 'f', .name = "flag", .target = &got.flag},
	{.kind = OPT_STRING,
	 .letter = 's',
	 .name = "text",
	 .arg = "TEXT",
	 .target = &got.text},
	{.kind = OPT_LONG,
	 .letter = 'n',
	 .name = "n",
	 .arg = "N",
	 .target = &got.n,
	 .min = -5,
	 .max = 1e6},
	{.kind = OPT_DOUBLE,
	 .name = "x",
	 .arg = "X",
	 .target = &got.x,
	 .min = 0,
	 .max = 1},
	{.kind = OPT_LIST,
	 .letter = 'l',
	 .name = "list",
	 .arg = "L",
	 .target = &got.list},
	{.kind = OPT_END},
};

static int parse(bool mixed, const char *const *words, int *first)
{
	const struct opt_tool tool = {.name = "t",
				      .purpose = "p",
				      .synopsis = "s",
				      .options = rows_of_options,
				      .mixed = mixed};
	const char *argv[10] = {"t"};
	struct buf out;
	int argc = 1, rc;

	while (words[argc - 1]) {
		argv[argc] = words[argc - 1];
		argc++;
	}
	memset(&got, 0, sizeof(got));
	buf_init(&out, 10000);
	rc = opt_parse(&tool, argc, (char **)argv, first, &out);
	buf_release(&out);
	return rc;
}

static void options_that_are_none(void **state)
{
	static const struct {
		const char *words[4];
		const char *said;
	} rows[] = {
		{{"-q"}, "unknown option '-q'"},
		{{"--nothing"}, "unknown option '--nothing'"},
		{{"-s"}, "option '-s' needs an argument"},
		{{"--text"}, "option '--text' needs an argument"},
		{{"--flag=x"}, "option '--flag=x' takes no argument"},
		{{"--help=x"}, "option '--help=x' takes no argument"},
		{{"--list-options=x"}, "takes no argument"},
		{{"-fq"}, "unknown option '-q'"},
		{{"-qf"}, "unknown option '-q'"},
		{{"-n", "x"}, "'x' is not a number from -5 to 1e+06"},
		{{"-n", ""}, "'' is not a number"},
		{{"-n", "5x"}, "'5x' is not a number"},
		{{"-n", "1.5"}, "'1.5' is not a whole number"},
		{{"-n", "-6"}, "'-6' is not a number from"},
		{{"-n", "1000001"}, "is not a number from"},
		{{"-n", "nan"}, "is not a number from"},
		{{"-n", "inf"}, "is not a number from"},
		{{"-n", "1e999"}, "is not a number from"},
		{{"--x", "1.1"}, "'1.1' is not a number from 0 to 1"},
		{{"--x", "1e-999"}, "is not a number"},
	};
	int first;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (parse(false, rows[i].words, &first) != -EINVAL ||
		    !strstr(err_text(), rows[i].said))
			fail_msg("row %zu: %s", i, err_text());
}

static void options_that_are(void **state)
{
	int first;

	(void)state;
	assert_int_equal(
		parse(false,
		      (const char *const[]){"-fn5", "--x=0.5", "-l", "a", "-lb",
					    "op", "-s", NULL},
		      &first),
		OPT_GO);
	assert_true(got.flag);
	assert_int_equal(got.n, 5);
	assert_true(got.x == 0.5);
	assert_int_equal(got.list.len, 2);
	assert_string_equal(got.list.v[1], "b");
	assert_int_equal(first, 6);
	strs_release(&got.list);
	assert_int_equal(parse(true,
			       (const char *const[]){"op", "-n-5", "--te", "v",
						     "--", "-f", NULL},
			       &first),
			 OPT_GO);
	assert_int_equal(got.n, -5);
	assert_string_equal(got.text, "v");
	assert_false(got.flag);
	assert_int_equal(first, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_things_are),
		cmocka_unit_test(where_what_runs_is),
		cmocka_unit_test(what_is_written),
		cmocka_unit_test(programs),
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(torn_lines),
		cmocka_unit_test(requests),
		cmocka_unit_test(what_is_said),
		cmocka_unit_test(troubles),
		cmocka_unit_test(options_that_are_none),
		cmocka_unit_test(options_that_are),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
