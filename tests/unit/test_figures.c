/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures that a scheduler tells at its socket, and what else may be there. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "scx/figures.h"

/* ---- answers ---------------------------------------------------------- */

static int read_text(const char *text, struct json **out)
{
	return figures_read(text, strlen(text), out);
}

static void numbers_are_taken(void **state)
{
	struct json *v;
	char *text;

	(void)state;
	assert_int_equal(
		read_text("{\"errno\":0,\"args\":{\"resp\":{\"a\":1,\"b\":"
			  "{\"c\":-0.5,\"d\":[7,{\"e\":8}],\"\":9},"
			  "\"name\":\"x\",\"none\":null,\"yes\":true,"
			  "\"big\":18446744073709551615}}}",
			  &v),
		0);
	text = json_canonical(v);
	assert_string_equal(text, "{\"a\":1,\"b.\":9,\"b.c\":-0.5,\"b.d.0\":7,"
				  "\"b.d.1.e\":8,"
				  "\"big\":18446744073709552000}");
	free(text);
	json_free(v);
	/* Upstream's answer to a scheduler without anything to tell. */
	assert_int_equal(
		read_text("{\"errno\":0,\"args\":{\"resp\":null}}", &v), 0);
	assert_int_equal(json_len(v), 0);
	json_free(v);
}

static void bounds_hold(void **state)
{
	struct json *v;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{\"errno\":0,\"args\":{\"resp\":{");
	buf_printf(&b, "\"%0*d\":1,\"%0*d\":2", FIGURES_NAME, 1,
		   FIGURES_NAME + 1, 2);
	for (int i = 0; i < 2 * FIGURES_MAX; i++)
		buf_printf(&b, ",\"n%d\":%d", i, i);
	buf_puts(&b, "}}}");
	assert_int_equal(figures_read(b.data, b.len, &v), 0);
	assert_int_equal(json_len(v), FIGURES_MAX);
	json_each (f, v)
		assert_true(strlen(json_key(f)) <= FIGURES_NAME);
	json_free(v);
	buf_release(&b);
}

static void what_is_no_answer_is_said(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"{}",
		"[]",
		"{\"errno\":0}",
		"{\"errno\":0,\"args\":{}}",
		"{\"args\":{\"resp\":1}}",
		"{\"errno\":\"0\",\"args\":"
		"{\"resp\":1}}",
		"{\"errno\":0,\"args\":{\"resp\":1}}x",
		"{\"errno\":0,\"args\":{\"resp\":{\"a\":1,\"a\":2}}}",
	};
	struct json *v;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (read_text(bad[i], &v) != -EBADMSG || v)
			fail_msg("%s: taken", bad[i]);
	}
	assert_int_equal(read_text("{\"errno\":22,\"args\":{\"resp\":"
				   "\"unknown stat target\"}}",
				   &v),
			 -EREMOTEIO);
	assert_non_null(strstr(err_text(), "unknown stat target"));
}

/* ---- the connection --------------------------------------------------- */

enum manner { GOOD, SILENT, ENDLESS, SLOW, CLOSES, GARBAGE, TWICE };

static char folder[] = "/tmp/schedkit-figures-XXXXXX", path[128];

static void put(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void answer(int fd, enum manner manner, int n)
{
	static const char good[] = "{\"errno\":0,\"args\":{\"resp\":"
				   "{\"n\":";
	char text[128];

	snprintf(text, sizeof(text), "%s%d}}}\n", good, n);
	switch (manner) {
	case GOOD:
	case TWICE:
		put(fd, text);
		break;
	case SILENT:
		pause();
		break;
	case ENDLESS:
		for (;;)
			put(fd, good);
	case SLOW:
		for (;; usleep(20000))
			put(fd, " ");
	case CLOSES:
		_exit(0);
	case GARBAGE:
		put(fd, "\x01\xff{{{\n");
		break;
	}
}

static void __attribute__((noreturn)) serve(int listener, enum manner manner)
{
	int fd = accept(listener, NULL, NULL);
	char line[256];

	for (int n = 1; read(fd, line, sizeof(line)) > 0; n++)
		answer(fd, manner, n);
	_exit(0);
}

static pid_t start(enum manner manner)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	snprintf(path, sizeof(path), "%s/stats", folder);
	strcpy(at.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	pid = fork();
	if (!pid)
		serve(fd, manner);
	close(fd);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void asked(enum manner manner, int rc)
{
	/* Who would answer may be kept from it by a busy machine. */
	double patience = rc == -ETIMEDOUT ? 0.3 : 20;
	double began = clock_monotonic();
	pid_t pid = start(manner);
	struct figures *f;
	struct json *v;
	int got;

	/* Who listens is who called listen(2): that was us. */
	assert_int_equal(figures_open(path, getpid(), &f), 0);
	got = figures_ask(f, patience, &v);
	if (got != rc || (rc && v))
		fail_msg("%d: %d, not %d: %s", manner, got, rc, err_text());
	json_free(v);
	figures_close(f);
	end(pid);
	assert_true(clock_monotonic() - began < patience + 20);
}

static void nothing_is_waited_for_for_long(void **state)
{
	(void)state;
	asked(GOOD, 0);
	asked(SILENT, -ETIMEDOUT);
	asked(ENDLESS, -EMSGSIZE);
	asked(SLOW, -ETIMEDOUT);
	asked(CLOSES, -ECONNRESET);
	asked(GARBAGE, -EBADMSG);
}

static void it_can_be_asked_again(void **state)
{
	pid_t pid = start(TWICE);
	struct figures *f;
	struct json *v;

	(void)state;
	assert_int_equal(figures_open(path, 0, &f), 0);
	for (int n = 1; n < 4; n++) {
		assert_int_equal(figures_ask(f, 2, &v), 0);
		assert_int_equal((int)json_as_number(json_get(v, "n"), 0), n);
		json_free(v);
	}
	figures_close(f);
	end(pid);
}

static void who_answers_is_the_scheduler(void **state)
{
	pid_t pid = start(GOOD);
	struct figures *f;

	(void)state;
	assert_int_equal(figures_open(path, 1, &f), -EPERM);
	assert_non_null(strstr(err_text(), "not the scheduler's"));
	assert_null(f);
	end(pid);
	unlink(path);
	assert_int_equal(figures_open(path, 0, &f), -ENOENT);
	assert_null(f);
}

static int open_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int close_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(what_is_no_answer_is_said),
		cmocka_unit_test(nothing_is_waited_for_for_long),
		cmocka_unit_test(it_can_be_asked_again),
		cmocka_unit_test(who_answers_is_the_scheduler),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
