/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event streams, cut into pieces everywhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "llm/sse.h"

/* Each event as "type|id|data", with NUL as '0' and LF as '/'; "!" behind one
 * that the stream's end cut. */
static int write_down(void *arg, const struct sse_event *e)
{
	struct buf *b = arg;

	buf_printf(b, "%s|%s|", e->type, e->id);
	for (size_t i = 0; i < e->len; i++) {
		char c = e->data[i];

		buf_printf(b, "%c", c == '\n' ? '/' : c ? c : '0');
	}
	buf_puts(b, e->cut ? "!;" : ";");
	return 0;
}

/* The events of a stream that comes in pieces of cut[i] bytes. */
static char *decode(const char *s, size_t n, const size_t *cut, size_t cuts,
		    int *rc)
{
	struct sse d;
	struct buf out;
	size_t at = 0;

	buf_init(&out, 1 << 16);
	buf_puts(&out, "");
	sse_init(&d, 4096, write_down, &out);
	*rc = 0;
	for (size_t i = 0; i <= cuts && !*rc; i++) {
		size_t take = cut && i < cuts ? cut[i] : n - at;
		/* Of just this size, so that a read beyond it is seen. */
		char *piece = mem_zalloc(1, take ? take : 1);

		memcpy(piece, s + at, take);
		*rc = sse_feed(&d, piece, take);
		at += take;
		free(piece);
	}
	if (!*rc)
		*rc = sse_end(&d);
	sse_release(&d);
	return buf_take(&out);
}

struct sample {
	const char *name, *text;
	size_t len; /* 0: strlen */
	const char *events;
};

static const struct sample samples[] = {
	{"one line", "data: a\n\n", 0, "message||a;"},
	{"carriage returns", "data: a\r\rdata: b\r\r", 0,
	 "message||a;message||b;"},
	{"both", "data: a\r\n\r\ndata: b\r\n\r\n", 0, "message||a;message||b;"},
	{"mixed ends", "event: x\rdata: a\ndata: b\r\n\n", 0, "x||a/b;"},
	{"a mark of byte order",
	 "\xef\xbb\xbf"
	 "data: a\n\n",
	 0, "message||a;"},
	{"a mark on its own line", "\xef\xbb\xbf\ndata: a\n\n", 0,
	 "message||a;"},
	{"a mark later on is no mark",
	 "data: a\n\n\xef\xbb\xbf"
	 "data: b\n\n",
	 0, "message||a;"},
	{"two marks",
	 "\xef\xbb\xbf\xef\xbb\xbf"
	 "data: a\n\n",
	 0, ""},
	{"comments", ": ping\n\n:\ndata: a\n: b\ndata: c\n\n", 0,
	 "message||a/c;"},
	{"several lines", "data: a\ndata:\ndata:  b\ndata\ndata:c\n\n", 0,
	 "message||a// b//c;"},
	{"an empty event", "data:\n\n", 0, "message||;"},
	{"a type without data", "event: x\n\ndata: a\n\n", 0, "message||a;"},
	{"the last type counts", "event: x\nevent: y\ndata: a\n\n", 0, "y||a;"},
	{"unknown fields", "retry: 10\nfoo: bar\ndata: a\nDATA: b\n\n", 0,
	 "message||a;"},
	{"a name is not a prefix", "dat: a\ndatax: b\ndata : c\n\n", 0, ""},
	{"ids stay", "id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", 0,
	 "message|7|a;message|7|b;message||c;"},
	{"an id with NUL is none", "id: 7\ndata: a\n\nid: 8\0x\ndata: b\n\n",
	 33, "message|7|a;message|7|b;"},
	{"NUL in data", "data: a\0b\n\n", 11, "message||a0b;"},
	{"not ended by a line", "data: a\n\ndata: b\n", 0,
	 "message||a;message||b!;"},
	{"not ended at all", "data: a\n\ndata: [DONE]", 0,
	 "message||a;message||[DONE]!;"},
	{"characters of many bytes", "data: \u00e9\u20ac\U0001f600\r\n\r\n", 0,
	 "message||\u00e9\u20ac\U0001f600;"},
	{"nothing", "", 0, ""},
	{"empty lines", "\n\r\n\r\r\n", 0, ""},
	{"a colon alone", ":\n:\r\n::\n\n", 0, ""},
};

static size_t length(const struct sample *s)
{
	return s->len ? s->len : strlen(s->text);
}

static void expect_events(const struct sample *s, const size_t *cut,
			  size_t cuts)
{
	int rc;
	char *got = decode(s->text, length(s), cut, cuts, &rc);

	if (rc || strcmp(got, s->events))
		fail_msg("%s, cut at %zu of %zu: rc %d, '%s', not '%s'",
			 s->name, cuts ? cut[0] : 0, cuts, rc, got, s->events);
	free(got);
}

static void test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		expect_events(&samples[i], NULL, 0);
}

/* In two pieces, and in three with an empty or a short one between. */
static void test_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		size_t n = length(&samples[i]);

		for (size_t at = 0; at <= n; at++)
			for (size_t more = 0; more <= 2 && at + more <= n;
			     more++) {
				size_t cut[] = {at, more};

				expect_events(&samples[i], cut, 2);
			}
	}
}

static void test_single_bytes(void **state)
{
	size_t ones[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ones); i++)
		ones[i] = 1;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		assert_true(length(&samples[i]) <= ARRAY_LEN(ones));
		expect_events(&samples[i], ones, length(&samples[i]));
	}
}

static void expect_too_long(const char *s, size_t n)
{
	int rc;

	err_clear();
	free(decode(s, n, NULL, 0, &rc));
	assert_int_equal(rc, -EMSGSIZE);
	assert_non_null(strstr(err_text(), "4096"));
}

static void test_limits(void **state)
{
	static char line[5000], lines[12000];
	int rc;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "data: ", 6);
	expect_too_long(line, sizeof(line));
	/* Lines that are short, of an event that is not. */
	memset(lines, 'z', sizeof(lines));
	for (size_t i = 0; i + 1000 <= sizeof(lines); i += 1000) {
		memcpy(lines + i, "data:", 5);
		lines[i + 999] = '\n';
	}
	expect_too_long(lines, sizeof(lines));
	/* A comment of any number of short lines is no event. */
	for (size_t i = 0; i + 2 <= sizeof(lines); i += 2)
		memcpy(lines + i, ":\n", 2);
	free(decode(lines, sizeof(lines), NULL, 0, &rc));
	assert_int_equal(rc, 0);
}

static int refuse(void *arg, const struct sse_event *e)
{
	int *count = arg;

	(void)e;
	return ++*count == 2 ? -EBADMSG : 0;
}

static void test_reader_stops(void **state)
{
	static const char text[] = "data: a\n\ndata: b\n\ndata: c\n\n";
	struct sse d;
	int count = 0;

	(void)state;
	sse_init(&d, 100, refuse, &count);
	assert_int_equal(sse_feed(&d, text, strlen(text)), -EBADMSG);
	assert_int_equal(count, 2);
	sse_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_single_bytes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reader_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
