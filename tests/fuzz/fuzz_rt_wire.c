/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client of the runtime may send: the lines are the same however they
 * are cut into pieces, and what is read as a request, a worker, an outcome, a
 * usage or a rule is written so that it is read as the same again.
 *
 * The first byte says how the pieces are cut.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "rt/access.h"
#include "rt/wire.h"
#include "rt/worker.h"

#define LINE 2048

/* Takes v; it is the same as text. */
static void expect_same(struct json *v, const char *text)
{
	char *again = json_canonical(v);

	expect(!strcmp(again, text));
	free(again);
	json_free(v);
}

/* What one writes of what it has read, it reads and writes alike. */
#define SAME(type, read, write, release, v)            \
	do {                                           \
		struct type x_, y_;                    \
		char *text_;                           \
		struct json *w_;                       \
		if (read(v, &x_))                      \
			break;                         \
		w_ = write(&x_);                       \
		text_ = json_canonical(w_);            \
		json_free(w_);                         \
		w_ = json_parse(text_, strlen(text_)); \
		expect(w_ != NULL);                    \
		expect(read(w_, &y_) == 0);            \
		json_free(w_);                         \
		expect_same(write(&y_), text_);        \
		free(text_);                           \
		release(&x_);                          \
		release(&y_);                          \
	} while (0)

static int read_request(const struct json *v, struct rt_request *out)
{
	return rt_request_read(v, 0, out);
}

static struct json *write_request(const struct rt_request *q)
{
	return rt_request_json(q, 0);
}

static void keep(struct rt_usage *u)
{
	expect(u->seconds >= 0 && u->cost_usd >= 0 && u->tokens_in >= 0);
}

static void read_rules(const struct json *v)
{
	struct rt_peer who = {1000, 1, json_text_at(v, "0.agent")};
	struct rt_access *a;

	if (rt_access_new(v, &a))
		return;
	rt_access_check(a, &who, "llm", NULL, NULL);
	rt_access_check(a, &who, "storage", json_text_at(v, "0.may.0"),
			json_text_at(v, "0.not.0"));
	rt_access_free(a);
}

static void read_value(const struct json *v)
{
	struct vec need;

	SAME(rt_request, read_request, write_request, rt_request_release, v);
	SAME(rt_outcome, rt_outcome_read, rt_outcome_json, rt_outcome_release,
	     v);
	SAME(rt_usage, rt_usage_read, rt_usage_json, keep, v);
	SAME(rt_worker_spec, rt_worker_spec_read, rt_worker_spec_json,
	     rt_worker_spec_release, v);
	if (!vec_read(v, &need))
		for (int i = 0; i < RES_COUNT; i++)
			expect(need.v[i] >= 0 && need.v[i] <= RES_MAX);
	read_rules(v);
}

/* As a client sends it: what belongs to a verb is read as what it is. */
static void read_line(const struct json *v)
{
	read_value(v);
	json_each (it, v) {
		read_value(it);
		json_each (in, it)
			read_value(in);
	}
}

static size_t piece(uint32_t *seed, size_t left)
{
	size_t n = 65536;

	if (*seed) {
		*seed = *seed * 1664525 + 1013904223;
		n = 1 + (*seed >> 24) % 61;
	}
	return n < left ? n : left;
}

/* All lines in canonical form, those that are none as "!". */
static char *read_all(const char *s, size_t n, uint32_t seed)
{
	struct rt_wire w;
	struct buf out;
	int fds[2], rc = 0;

	buf_init(&out, SIZE_MAX);
	expect(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	rt_wire_init(&w, fds[0]);
	w.max_line = LINE;
	for (size_t at = 0, step; at < n && rc != -EMSGSIZE; at += step) {
		struct json *v = NULL;

		step = piece(&seed, n - at);
		expect(write(fds[1], s + at, step) == (ssize_t)step);
		expect(rt_wire_fill(&w) == 0);
		while ((rc = rt_wire_next(&w, &v)) && rc != -EMSGSIZE) {
			char *text = v ? json_canonical(v) : mem_strdup("!");

			expect((rc == 1) == (v != NULL));
			if (v && !seed)
				read_line(v);
			buf_puts(&out, text);
			buf_puts(&out, "\n");
			free(text);
			json_free(v);
			v = NULL;
		}
	}
	if (rc == -EMSGSIZE)
		buf_puts(&out, "too long");
	buf_puts(&out, "");
	rt_wire_release(&w);
	close(fds[0]);
	close(fds[1]);
	return buf_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *whole, *pieces;

	if (!size || size > 32768)
		return 0;
	whole = read_all((const char *)data + 1, size - 1, 0);
	pieces = read_all((const char *)data + 1, size - 1, 1u + data[0]);
	expect(!strcmp(whole, pieces));
	free(whole);
	free(pieces);
	return 0;
}
