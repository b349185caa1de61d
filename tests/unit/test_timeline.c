/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "trace/events.h"
#include "trace/perfetto.h"
#include "trace/timeline.h"

/* ---- making traces ----------------------------------------------------- */

static void header(struct buf *b)
{
	struct trace_header h = {
		.magic = REC_MAGIC,
		.version = htole32(REC_VERSION),
		.record_bytes = htole32(sizeof(struct trace_record)),
		.hz = htole64(1000000000),
		.start = htole64(1000),
		.cpus = htole32(2),
	};

	buf_init(b, 1 << 20);
	buf_add(b, &h, sizeof(h));
}

static void put(struct buf *b, enum trace_what what, uint64_t at, uint32_t pid,
		uint32_t other, uint16_t cpu, uint8_t flags)
{
	struct trace_record r = {
		.at = htole64(at),
		.pid = htole32(pid),
		.other = htole32(other),
		.cpu = htole16(cpu),
		.what = (uint8_t)what,
		.flags = flags,
	};

	buf_add(b, &r, sizeof(r));
}

static void name(struct buf *b, uint32_t pid, const char *s)
{
	struct trace_record r = {
		.at = htole64(1000), .pid = htole32(pid), .what = REC_NAME};

	memcpy(&r.value, s, strlen(s));
	buf_add(b, &r, sizeof(r));
}

/*
 * "a" runs 1000 to 5000 on CPU 0 and is preempted by "b", which runs to 9000
 * and sleeps; "c" is woken at 2000, and runs on CPU 1 from 4000 on.
 */
static void small(struct buf *b)
{
	header(b);
	name(b, 1, "a");
	name(b, 2, "b");
	name(b, 3, "c");
	put(b, REC_IN, 1000, 1, 0, 0, 0);
	put(b, REC_WAKE, 2000, 3, 1, 0, 0);
	put(b, REC_WAKE, 2500, 3, 1, 0, REC_EARLY);
	put(b, REC_IN, 4000, 3, 0, 1, 0);
	put(b, REC_OUT, 5000, 1, 0, 0, REC_PREEMPTED);
	put(b, REC_IN, 5000, 2, 0, 0, 0);
	put(b, REC_OUT, 9000, 2, 0, 0, REC_SLEEPS);
	put(b, REC_OUT, 9000, 3, 0, 1, REC_BLOCKS);
	put(b, REC_END, 0, 0, 0, 0, 0);
}

static void assert_near(double got, double want, double within)
{
	assert_true(fabs(got - want) <= within);
}

/* ---- tests ------------------------------------------------------------- */

static void test_events(void **state)
{
	struct trace_record rec;
	struct trace_events e;
	struct buf b;
	size_t n = 0;

	(void)state;
	small(&b);
	assert_int_equal(trace_events_open(b.data, b.len, &e), 0);
	assert_int_equal(e.header.cpus, 2);
	while (trace_events_next(&e, &rec))
		n++;
	assert_int_equal(n, 11);
	assert_true(e.whole);
	assert_false(e.cut);
	assert_int_equal(trace_events_open(b.data, b.len - 50, &e), 0);
	while (trace_events_next(&e, &rec))
		;
	assert_false(e.whole);
	assert_true(e.cut);
	assert_int_equal(trace_events_open(b.data, 10, &e), -EINVAL);
	b.data[0] = 'x';
	assert_int_equal(trace_events_open(b.data, b.len, &e), -EINVAL);
	buf_release(&b);
}

static void test_turns(void **state)
{
	struct timeline t;
	struct buf b;

	(void)state;
	small(&b);
	assert_int_equal(timeline_read(b.data, b.len, &t), 0);
	assert_int_equal(t.start, 1000);
	assert_int_equal(t.end, 9000);
	assert_int_equal(t.cpu_count, 2);
	assert_int_equal(t.cpus[0].n, 2);
	assert_int_equal(t.cpus[0].turns[0].to, 5000);
	assert_int_equal(t.cpus[1].turns[0].from, 4000);
	assert_int_equal(t.group_count, 3);
	assert_false(t.by_task);
	/* The longest first: c ran 5000, a and b 4000 each. */
	assert_string_equal(t.groups[0].name, "c");
	assert_int_equal(t.groups[0].run_ns, 5000);
	timeline_release(&t);
	buf_release(&b);
}

static void test_columns(void **state)
{
	uint32_t g[8];
	double mean[8];
	struct timeline t;
	struct buf b;

	(void)state;
	small(&b);
	assert_int_equal(timeline_read(b.data, b.len, &t), 0);
	timeline_columns(&t, 0, 1000, 9000, 8, g);
	assert_int_equal(g[0], g[3]);
	assert_int_not_equal(g[3], g[4]);
	assert_int_equal(g[4], g[7]);
	timeline_columns(&t, 1, 1000, 9000, 8, g);
	assert_int_equal(g[2], TRACE_NOBODY);
	assert_int_equal(g[3], 0);
	timeline_columns(&t, 7, 1000, 9000, 8, g);
	assert_int_equal(g[0], TRACE_NOBODY);
	timeline_waiting(&t, 1000, 9000, 8, mean);
	assert_near(mean[0], 0, 0); /* nobody waits */
	assert_near(mean[1], 1, 0); /* c */
	assert_near(mean[3], 0, 0);
	assert_near(mean[5], 1, 0); /* a, to the end */
	assert_int_equal(timeline_busiest(&t, 100000), 1000);
	timeline_release(&t);
	buf_release(&b);
}

/* Tasks of one name are told apart. */
static void test_by_task(void **state)
{
	struct timeline t;
	struct buf b;

	(void)state;
	header(&b);
	name(&b, 1, "job");
	name(&b, 2, "job");
	put(&b, REC_IN, 1000, 1, 0, 0, 0);
	put(&b, REC_IN, 1000, 2, 0, 1, 0);
	put(&b, REC_OUT, 2000, 1, 0, 0, REC_SLEEPS);
	put(&b, REC_OUT, 3000, 2, 0, 1, REC_SLEEPS);
	assert_int_equal(timeline_read(b.data, b.len, &t), 0);
	assert_true(t.by_task);
	assert_int_equal(t.group_count, 2);
	assert_string_equal(t.groups[0].name, "job 2");
	assert_false(t.whole);
	timeline_release(&t);
	buf_release(&b);
}

static void test_empty(void **state)
{
	struct timeline t;
	struct buf b;

	(void)state;
	header(&b);
	assert_int_equal(timeline_read(b.data, b.len, &t), -ENODATA);
	assert_int_equal(timeline_read("", 0, &t), -EINVAL);
	buf_release(&b);
}

static void test_perfetto(void **state)
{
	struct perfetto_counts n;
	struct buf b, out;
	int fd[2];

	(void)state;
	small(&b);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(perfetto_write(b.data, b.len, fd[1], &n), 0);
	close(fd[1]);
	/* idle-a, a-b, b-idle; idle-c, c-idle. */
	assert_int_equal(n.switches, 5);
	assert_int_equal(n.wakeups, 1);
	assert_int_equal(n.tasks, 3);
	buf_init(&out, 1 << 16);
	assert_int_equal(buf_read_fd(&out, fd[0]), 0);
	close(fd[0]);
	assert_int_equal(out.data[0], 0x0a); /* packet, with a length */
	assert_true((unsigned char)out.data[1] + 2u <= out.len);
	buf_release(&out);
	buf_release(&b);
}

/* Records of any kind in any order: nothing is read that is not there. */
static void test_random(void **state)
{
	struct perfetto_counts n;
	struct timeline t;
	struct rng rng;
	struct buf b;
	double mean[50];
	uint32_t g[50];
	int fd[2];

	(void)state;
	rng_init(&rng, 7);
	for (int round = 0; round < 200; round++) {
		header(&b);
		for (int i = 0; i < 60; i++)
			put(&b, rng_below(&rng, 8), rng_below(&rng, 5000),
			    (uint32_t)rng_below(&rng, 9),
			    (uint32_t)rng_below(&rng, 9),
			    (uint16_t)rng_below(&rng, 70),
			    (uint8_t)rng_below(&rng, 5));
		assert_int_equal(pipe(fd), 0);
		assert_int_equal(perfetto_write(b.data, b.len, fd[1], &n), 0);
		close(fd[0]);
		close(fd[1]);
		if (timeline_read(b.data, b.len, &t) == 0) {
			timeline_columns(&t, 3, t.start, t.end, 50, g);
			timeline_waiting(&t, t.start, t.end, 50, mean);
			assert_true(timeline_busiest(&t, 100) <= t.end);
			timeline_release(&t);
		}
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	cmocka_unit_test(test_turns),
		cmocka_unit_test(test_columns), cmocka_unit_test(test_by_task),
		cmocka_unit_test(test_empty),	cmocka_unit_test(test_perfetto),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
