/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program run to its end: where its words go, and how it ended. */
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"

#define WORDS "printf o; printf e >&2"

static const char *words;

static int run(struct proc_spec *s, struct proc_result *r)
{
	char sh[] = "sh", c[] = "-c", *text = mem_strdup(words);
	char *argv[] = {sh, c, text, NULL};
	int rc;

	s->argv = argv;
	s->stdin_fd = -1;
	rc = proc_run(s, r);
	free(text);
	return rc;
}

static void check_file(size_t row, int fd, const char *want)
{
	char text[64] = "";

	assert_true(pread(fd, text, sizeof(text) - 1, 0) >= 0);
	if (strcmp(text, want))
		fail_msg("row %zu: '%s', not '%s'", row, text, want);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

/* Descriptors 1 and 2 of the caller are files a and b for the call. */
static void run_with(int a, int b, struct proc_spec *s)
{
	int was[2] = {dup(1), dup(2)};
	struct proc_result r;
	int rc;

	fflush(stdout);
	dup2(a, 1);
	dup2(b, 2);
	rc = run(s, &r);
	dup2(was[0], 1);
	dup2(was[1], 2);
	close(was[0]);
	close(was[1]);
	assert_int_equal(rc, 0);
	assert_int_equal(r.exit_status, 0);
}

/* Kept, passed on, both, turned around, or nowhere. */
static void where_words_go(void **state)
{
	static const struct {
		bool keep_out, keep_err;
		int out_fd, err_fd;
		const char *a, *b, *out, *err;
	} rows[] = {
		{false, false, 1, 2, "o", "e", "", ""},
		{false, false, -1, -1, "", "", "", ""},
		{false, false, 2, 1, "e", "o", "", ""},
		{false, false, 1, 1, "oe", "", "", ""},
		{false, false, 2, 2, "", "oe", "", ""},
		{true, true, -1, -1, "", "", "o", "e"},
		{true, true, 1, 2, "o", "e", "o", "e"},
		{true, true, 2, 1, "e", "o", "o", "e"},
		{true, false, -1, 1, "e", "", "o", ""},
		{true, false, -1, 2, "", "e", "o", ""},
		{true, false, 2, 1, "e", "o", "o", ""},
		{false, true, 2, -1, "", "o", "", "e"},
		{false, true, 1, 2, "o", "e", "", "e"},
	};
	int a = memfd_create("a", MFD_CLOEXEC),
	    b = memfd_create("b", MFD_CLOEXEC);

	(void)state;
	words = WORDS;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proc_spec s = PROC_SPEC_INIT;
		struct buf out, err;

		buf_init(&out, 10);
		buf_init(&err, 10);
		buf_puts(&out, "");
		buf_puts(&err, "");
		s.out = rows[i].keep_out ? &out : NULL;
		s.err = rows[i].keep_err ? &err : NULL;
		s.out_fd = rows[i].out_fd;
		s.err_fd = rows[i].err_fd;
		run_with(a, b, &s);
		check_file(i, a, rows[i].a);
		check_file(i, b, rows[i].b);
		assert_string_equal(out.data, rows[i].out);
		assert_string_equal(err.data, rows[i].err);
		buf_release(&out);
		buf_release(&err);
	}
	close(a);
	close(b);
}

/* However they are turned around, it gets no descriptor for that. */
static void nothing_is_left_open(void **state)
{
	int a = memfd_create("a", MFD_CLOEXEC);
	char want[8] = "", got[8] = "";

	(void)state;
	words = "ls /proc/self/fd | wc -l";
	for (int i = 0; i < 4; i++) {
		struct proc_spec s = PROC_SPEC_INIT;
		struct buf out;

		buf_init(&out, 7);
		s.out = &out;
		s.out_fd = -1;
		s.err_fd = (const int[]){2, 1, -1, a}[i];
		run_with(a, a, &s);
		memcpy(i ? got : want, out.data, out.len + 1);
		if (i)
			assert_string_equal(got, want);
		buf_release(&out);
	}
	close(a);
}

/* Of much the last is kept. */
static void what_is_kept(void **state)
{
	static const struct {
		const char *words;
		size_t max;
		const char *want;
		bool cut;
	} rows[] = {
		{"printf 0123456789", 10, "0123456789", false},
		{"printf 0123456789", 4, "6789", true},
		{"printf 01; sleep 0.02; printf 23456", 4, "3456", true},
		{"printf 012; sleep 0.02; printf 3", 4, "0123", false},
		{"printf 01; sleep 0.02; printf 2345678", 3, "678", true},
		{":", 4, "", false},
		{"printf 0", 0, "", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proc_spec s = PROC_SPEC_INIT;
		struct proc_result r;
		struct buf out;

		buf_init(&out, rows[i].max);
		buf_add(&out, "", 0);
		s.out = &out;
		s.out_fd = -1;
		words = rows[i].words;
		assert_int_equal(run(&s, &r), 0);
		if (strcmp(out.data, rows[i].want) ||
		    out.truncated != rows[i].cut)
			fail_msg("row %zu: '%s'", i, out.data);
		buf_release(&out);
	}
}

static void how_it_ended(void **state)
{
	static const struct {
		const char *words;
		int status, signal;
	} rows[] = {
		{"exit 0", 0, 0},
		{"exit 3", 3, 0},
		{"kill -9 $$", 137, 9},
		{"kill -15 $$", 143, 15},
	};
	struct proc_spec s = PROC_SPEC_INIT;
	volatile sig_atomic_t now = 1;
	struct proc_result r;
	char none[] = "no-such-program", folder[] = "/tmp", *argv[2] = {none};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		words = rows[i].words;
		assert_int_equal(run(&s, &r), 0);
		assert_int_equal(r.exit_status, rows[i].status);
		assert_int_equal(r.signal, rows[i].signal);
		assert_false(r.timed_out || r.cancelled);
	}
	/* Whoever is stopped before it begins. */
	words = "sleep 60";
	s.cancel = &now;
	assert_int_equal(run(&s, &r), 0);
	assert_true(r.cancelled);
	assert_int_equal(r.signal, SIGTERM);
	s.cancel = NULL;
	s.timeout_s = 0.01;
	assert_int_equal(run(&s, &r), 0);
	assert_true(r.timed_out);
	assert_int_equal(r.exit_status, 128 + SIGTERM);
	s.timeout_s = 0;
	/* What cannot begin. */
	s.cwd = "/no/such/folder";
	assert_int_equal(run(&s, &r), -ENOENT);
	assert_non_null(strstr(err_text(), "cannot run 'sh'"));
	s.cwd = NULL;
	s.argv = argv;
	assert_int_equal(proc_run(&s, &r), -ENOENT);
	argv[0] = folder;
	assert_int_equal(proc_run(&s, &r), -EACCES);
	s.set_ids = true;
	s.uid = s.gid = 65534;
	words = "test $(id -u) = 65534";
	if (geteuid()) {
		assert_int_equal(run(&s, &r), -EPERM);
	} else {
		assert_int_equal(run(&s, &r), 0);
		assert_int_equal(r.exit_status, 0);
	}
}

/* What it leaves behind goes with it; looked at now and then meanwhile. */
static void looked_at(void **state)
{
	char sh[] = "sh", c[] = "-c", text[] = "sleep 60 & echo $!; sleep 0.05",
	     *argv[] = {sh, c, text, NULL};
	struct proc_spec s = PROC_SPEC_INIT;
	struct proc_result r;
	struct proc *p;
	struct buf out;
	pid_t left;

	(void)state;
	buf_init(&out, 100);
	s.argv = argv;
	s.out = &out;
	s.out_fd = -1;
	assert_int_equal(proc_start(&s, &p), 0);
	assert_false(proc_look(p, 0));
	while (!proc_look(p, 20))
		;
	assert_true(proc_look(p, -1));
	assert_int_equal(proc_finish(p, &r), 0);
	assert_int_equal(r.exit_status, 0);
	assert_true(r.wall_s >= 0.05);
	left = atoi(out.data);
	assert_true(left > 1);
	/* A moment later it is nobody's any more. */
	for (int i = 0; !kill(left, 0) && i < 1000; i++) {
		char *path = mem_printf("/proc/%d/stat", (int)left);
		struct buf b;
		bool dead;

		buf_init(&b, 4096);
		dead = buf_read_file(&b, path) || strstr(b.data, ") Z ");
		buf_release(&b);
		free(path);
		if (dead)
			break;
		assert_true(i < 999);
		usleep(10000);
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_words_go),
		cmocka_unit_test(nothing_is_left_open),
		cmocka_unit_test(what_is_kept),
		cmocka_unit_test(how_it_ended),
		cmocka_unit_test(looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
