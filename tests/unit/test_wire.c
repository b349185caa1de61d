/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of JSON over a socket: whole, torn, too long, unread, garbage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/wire.h"

struct pair {
	int other;
	struct rt_wire w;
};

static void pair_open(struct pair *p)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	rt_wire_init(&p->w, fd[0]);
	p->other = fd[1];
}

static void pair_close(struct pair *p)
{
	close(p->w.fd);
	if (p->other >= 0)
		close(p->other);
	rt_wire_release(&p->w);
}

static void say(struct pair *p, const char *s)
{
	assert_int_equal(write(p->other, s, strlen(s)), strlen(s));
}

static double next_n(struct pair *p)
{
	struct json *v = NULL;
	double n;

	assert_int_equal(rt_wire_next(&p->w, &v), 1);
	n = json_as_number(json_get(v, "n"), -1);
	json_free(v);
	return n;
}

static void test_lines_come_whole(void **state)
{
	struct json *v = NULL;
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(rt_wire_fill(&p.w), 0);
	assert_int_equal(rt_wire_next(&p.w, &v), 0);
	say(&p, "{\"n\":1}\n{\"n\":2}\n{\"n\"");
	assert_int_equal(rt_wire_fill(&p.w), 0);
	assert_true(next_n(&p) == 1);
	assert_true(next_n(&p) == 2);
	assert_int_equal(rt_wire_next(&p.w, &v), 0);
	say(&p, ":3}\n");
	assert_int_equal(rt_wire_fill(&p.w), 0);
	assert_true(next_n(&p) == 3);
	assert_int_equal(rt_wire_next(&p.w, &v), 0);
	pair_close(&p);
}

static void test_every_split(void **state)
{
	static const char text[] = "{\"n\":1}\n{\"n\":22,\"t\":\"\\n\"}\n";

	(void)state;
	for (size_t cut = 1; cut < strlen(text); cut++) {
		struct json *v = NULL;
		double sum = 0;
		struct pair p;

		pair_open(&p);
		for (size_t part = 0; part < 2; part++) {
			size_t from = part ? cut : 0;
			size_t to = part ? strlen(text) : cut;

			assert_int_equal(write(p.other, text + from, to - from),
					 to - from);
			assert_int_equal(rt_wire_fill(&p.w), 0);
			while (rt_wire_next(&p.w, &v) == 1) {
				sum += json_as_number(json_get(v, "n"), 0);
				json_free(v);
			}
		}
		assert_true(sum == 23);
		pair_close(&p);
	}
}

static void test_garbage_is_named_and_left_behind(void **state)
{
	struct json *v = NULL;
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p, "hello\n[1]\n{\"n\":1,\"n\":2}\n\n{\"n\":4}\n");
	assert_int_equal(rt_wire_fill(&p.w), 0);
	assert_int_equal(rt_wire_next(&p.w, &v), -EBADMSG);
	assert_non_null(strstr(err_text(), "byte 0"));
	assert_int_equal(rt_wire_next(&p.w, &v), -EBADMSG);
	assert_non_null(strstr(err_text(), "no object"));
	assert_int_equal(rt_wire_next(&p.w, &v), -EBADMSG);
	assert_non_null(strstr(err_text(), "twice"));
	assert_int_equal(rt_wire_next(&p.w, &v), -EBADMSG);
	assert_true(next_n(&p) == 4);
	pair_close(&p);
}

/* A line without end takes no more memory than its limit and what is read at
 * once. */
static void test_too_long(void **state)
{
	char *much = mem_zalloc(65536, 1);
	struct json *v = NULL;
	int rc = 0;
	struct pair p;

	(void)state;
	memset(much, 'x', 65536);
	pair_open(&p);
	p.w.max_line = 100000;
	for (size_t i = 0; !rc && i < 100; i++) {
		assert_true(send(p.other, much, 65536, MSG_DONTWAIT) > 0);
		assert_int_equal(rt_wire_fill(&p.w), 0);
		rc = rt_wire_next(&p.w, &v);
		assert_true(rt_wire_held(&p.w) <= 1u << 20);
	}
	assert_int_equal(rc, -EMSGSIZE);
	free(much);
	pair_close(&p);
}

static void test_who_does_not_read_is_told_of(void **state)
{
	struct pair p;
	int rc = 0;
	size_t i;

	(void)state;
	pair_open(&p);
	for (i = 0; !rc && i < 100; i++) {
		char *much = mem_zalloc((1 << 20) + 1, 1);
		struct json *v = json_object();

		memset(much, 'y', 1 << 20);
		json_set_string(v, "text", much);
		free(much);
		rc = rt_wire_put(&p.w, v);
		assert_int_equal(rt_wire_flush(&p.w), 0);
	}
	assert_int_equal(rc, -ENOBUFS);
	assert_true(i > 15 && i < 22);
	pair_close(&p);
}

/* Both ways, in more than a socket's buffer holds. */
static void test_what_is_put_arrives(void **state)
{
	size_t sent = 0, got = 0;
	struct rt_wire other;
	struct json *v = NULL;
	struct pair p;

	(void)state;
	pair_open(&p);
	rt_wire_init(&other, p.other);
	while (got < 20000) {
		for (size_t i = 0; i < 700 && sent < 20000; i++, sent++) {
			v = json_object();
			json_set_number(v, "n", (double)sent);
			json_set_string(v, "text", "a line\nand \"another\"");
			assert_int_equal(rt_wire_put(&p.w, v), 0);
		}
		assert_int_equal(rt_wire_flush(&p.w), 0);
		assert_int_equal(rt_wire_fill(&other), 0);
		while (rt_wire_next(&other, &v) == 1) {
			assert_true(json_as_number(json_get(v, "n"), -1) ==
				    (double)got);
			got++;
			json_free(v);
		}
	}
	assert_int_equal(rt_wire_left(&p.w), 0);
	rt_wire_release(&other);
	pair_close(&p);
}

static void test_the_end(void **state)
{
	struct json *v = NULL;
	struct pair p;

	(void)state;
	pair_open(&p);
	say(&p, "{\"n\":7}\n{\"n\"");
	close(p.other);
	p.other = -1;
	assert_int_equal(rt_wire_fill(&p.w), 0);
	assert_true(next_n(&p) == 7);
	assert_int_equal(rt_wire_fill(&p.w), -EPIPE);
	assert_int_equal(rt_wire_next(&p.w, &v), 0);
	assert_int_equal(rt_wire_put_line(&p.w, "{}", 2), 0);
	assert_int_equal(rt_wire_flush(&p.w), -EPIPE);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_come_whole),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_garbage_is_named_and_left_behind),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_who_does_not_read_is_told_of),
		cmocka_unit_test(test_what_is_put_arrives),
		cmocka_unit_test(test_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
