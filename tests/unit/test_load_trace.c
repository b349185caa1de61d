/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads from traces: every burst, every wakeup. */
#include <endian.h>
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
#include "bpf/trace_abi.h"
#include "sim/load.h"

static void head(struct buf *b)
{
	struct trace_header h = {
		.magic = REC_MAGIC,
		.version = htole32(REC_VERSION),
		.record_bytes = htole32(sizeof(struct trace_record)),
		.hz = htole64(1000000000),
		.cpus = htole32(2),
	};

	buf_init(b, 1 << 20);
	buf_add(b, &h, sizeof(h));
}

static void put(struct buf *b, uint64_t at, enum trace_what what, uint32_t pid,
		uint32_t other, uint64_t value, uint8_t flags)
{
	struct trace_record r = {.at = htole64(at),
				 .value = htole64(value),
				 .pid = htole32(pid),
				 .other = htole32(other),
				 .what = (uint8_t)what,
				 .flags = flags};

	if (what == REC_NAME)
		memcpy(&r.value, "worker", 6);
	buf_add(b, &r, sizeof(r));
}

/* 10 executes, forks 11, sleeps by a timer, wakes 11 in the middle of a turn
 * and is preempted; 11 waits for it. */
static void story(struct buf *b)
{
	head(b);
	put(b, 1000, REC_NAME, 10, 0, 0, 0);
	put(b, 1000, REC_EXEC, 10, 0, 0xabc, 0);
	put(b, 1500, REC_FORK, 10, 11, 0, 0);
	put(b, 1500, REC_NAME, 11, 0, 0, 0);
	put(b, 2000, REC_OUT, 10, 0, 7000, REC_SLEEPS);
	put(b, 2000, REC_IN, 11, 0, 0, 0);
	put(b, 2300, REC_OUT, 11, 0, 310, REC_SLEEPS);
	put(b, 5000, REC_WAKE, 10, REC_BY_INTERRUPT, 0, 0);
	put(b, 5100, REC_IN, 10, 0, 7000, 0);
	put(b, 5500, REC_WAKE, 11, 10, 0, 0);
	put(b, 6000, REC_OUT, 10, 0, 7880, REC_PREEMPTED);
	put(b, 6000, REC_IN, 11, 0, 310, 0);
	put(b, 6400, REC_EXIT, 11, 0, 0, 0);
	put(b, 6500, REC_OUT, 11, 0, 800, REC_SLEEPS);
	put(b, 6500, REC_IN, 10, 0, 7880, 0);
	put(b, 7000, REC_EXIT, 10, 0, 0, 0);
	put(b, 7000, REC_OUT, 10, 0, 8390, REC_SLEEPS);
	put(b, 7000, REC_END, 0, 0, 0, 0);
}

static struct load *replay(const struct buf *b, size_t len)
{
	struct load *l;

	if (load_from_trace(b->data, len, &l))
		fail_msg("%s", err_text());
	return l;
}

static uint64_t work_of(const struct load_task *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->op_count; i++) {
		if (t->ops[i].what == LOAD_RUN)
			sum += t->ops[i].dist.ns;
	}
	return sum;
}

static void is_program(const struct load_task *t, const enum load_what *what,
		       size_t n)
{
	assert_int_equal(t->op_count, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(t->ops[i].what, what[i]);
}
#define IS(t, ...)                                              \
	is_program(&(t), (const enum load_what[]){__VA_ARGS__}, \
		   ARRAY_LEN(((const enum load_what[]){__VA_ARGS__})))

static void every_event_again(void **state)
{
	struct load_task *t;
	struct load *l;
	struct buf b;

	(void)state;
	story(&b);
	l = replay(&b, b.len);
	assert_int_equal(l->task_count, 2);
	t = l->tasks;
	assert_string_equal(t[0].name, "worker");
	assert_int_equal(t[0].instances, 1);
	assert_int_equal(t[1].instances, 0);
	IS(t[0], LOAD_EXEC, LOAD_RUN, LOAD_FORK, LOAD_RUN, LOAD_SLEEP,
	   LOAD_BEGIN, LOAD_RUN, LOAD_POST, LOAD_RUN, LOAD_DONE, LOAD_EXIT);
	IS(t[1], LOAD_BEGIN, LOAD_RUN, LOAD_DONE, LOAD_WAIT, LOAD_BEGIN,
	   LOAD_RUN, LOAD_DONE, LOAD_EXIT);
	assert_int_equal(t[0].ops[0].id, 0xabc);
	assert_int_equal(t[0].ops[1].dist.ns, 500);
	assert_int_equal(t[0].ops[4].dist.ns, 3000);
	assert_int_equal(t[0].ops[6].dist.ns, 400);
	assert_int_equal(t[0].ops[7].obj, t[1].ops[3].obj);
	/* What the kernel counted, not what the clock said. */
	assert_int_equal(work_of(&t[0]), 1000 + 880 + 510);
	assert_int_equal(work_of(&t[1]), 800);
	assert_int_equal(l->cpus, 2);
	assert_int_equal(json_len(l->notes), 1);
	load_free(l);
	buf_release(&b);
}

static bool notes(const struct load *l, const char *words)
{
	json_each (n, l->notes) {
		if (strstr(json_as_string(n, ""), words))
			return true;
	}
	return false;
}

static void cut_anywhere_it_is_good(void **state)
{
	struct buf b;

	(void)state;
	story(&b);
	for (size_t len = b.len - 1; len > sizeof(struct trace_header) + 40;
	     len--) {
		struct load *l = replay(&b, len);

		assert_true(notes(l, "ends before"));
		assert_int_equal(notes(l, "cut off"),
				 (len - sizeof(struct trace_header)) % 32 != 0);
		load_free(l);
	}
	buf_release(&b);
}

static void clocks_ahead_are_taken_back(void **state)
{
	struct load *l;
	struct buf b;

	(void)state;
	head(&b);
	put(&b, 1000, REC_IN, 10, 0, 50, 0);
	put(&b, 1000, REC_FORK, 10, 11, 0, 0);
	put(&b, 9000, REC_FORK, 10, 12, 0, 0);
	put(&b, 9500, REC_OUT, 10, 0, 1050, REC_SLEEPS);
	l = replay(&b, b.len);
	assert_int_equal(work_of(&l->tasks[0]), 1000);
	load_free(l);
	buf_release(&b);
}

static void what_is_wrong_is_named(void **state)
{
	struct load *l;
	struct buf b;

	(void)state;
	head(&b);
	assert_int_equal(load_from_trace(b.data, 20, &l), -EINVAL);
	assert_non_null(strstr(err_text(), "cut short"));
	assert_int_equal(load_from_trace(b.data, b.len, &l), -EINVAL);
	put(&b, 0, 99, 1, 0, 0, 0);
	assert_int_equal(load_from_trace(b.data, b.len, &l), -EINVAL);
	assert_non_null(strstr(err_text(), "record 0"));
	b.data[8] = 2;
	assert_int_equal(load_from_trace(b.data, b.len, &l), -ENOTSUP);
	assert_non_null(strstr(err_text(), "version 2"));
	b.data[0] = 'X';
	assert_int_equal(load_from_trace(b.data, b.len, &l), -EINVAL);
	assert_non_null(strstr(err_text(), "not a trace"));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_again),
		cmocka_unit_test(cut_anywhere_it_is_good),
		cmocka_unit_test(clocks_ahead_are_taken_back),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
