/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: what is ready is called, and nothing that is gone. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/events.h"

struct watched {
	struct events *e;
	int end[2];
	struct event *ev;
	struct event_timer *timer;
	struct watched *other;
	int calls, rings;
	short ready;
	bool free_other, free_self, drain;
};

static void on_ready(void *arg, short ready)
{
	struct watched *w = arg;
	char c;

	w->calls++;
	w->ready = ready;
	if (w->drain)
		assert_int_equal(read(w->end[0], &c, 1), 1);
	if (w->free_other) {
		event_free(w->other->ev);
		w->other->ev = NULL;
	}
	if (w->free_self) {
		event_free(w->ev);
		w->ev = NULL;
	}
}

static void watched_init(struct watched *w, struct events *e, short what)
{
	*w = (struct watched){.e = e};
	assert_int_equal(pipe(w->end), 0);
	w->ev = event_new(e, w->end[0], what, on_ready, w);
}

static void watched_release(struct watched *w)
{
	event_free(w->ev);
	event_timer_free(w->timer);
	close(w->end[0]);
	close(w->end[1]);
}

static void test_ready(void **state)
{
	struct events *e = events_new();
	struct watched w;

	(void)state;
	watched_init(&w, e, POLLIN);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(w.calls, 0);
	assert_int_equal(write(w.end[1], "x", 1), 1);
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.ready, POLLIN);
	/* It stays ready until it is read. */
	w.drain = true;
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(w.calls, 2);
	watched_release(&w);
	events_free(e);
}

/* A writer that has gone is told, but not to who wants to know nothing: it
 * would be told for ever. */
static void test_hangup(void **state)
{
	struct events *e = events_new();
	struct watched w;

	(void)state;
	watched_init(&w, e, 0);
	close(w.end[1]);
	w.end[1] = -1;
	assert_int_equal(events_turn(e, 0.01), 0);
	assert_int_equal(w.calls, 0);
	event_want(w.ev, POLLIN);
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(w.calls, 1);
	assert_true(w.ready & POLLHUP);
	watched_release(&w);
	events_free(e);
}

/* epoll refuses plain files; a shell gives them for here-documents. */
static void test_plain_file(void **state)
{
	struct events *e = events_new();
	struct watched w = {.e = e};
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	w.ev = event_new(e, fileno(f), POLLIN, on_ready, &w);
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(w.calls, 1);
	event_free(w.ev);
	fclose(f);
	events_free(e);
}

static void test_freed_while_called(void **state)
{
	struct events *e = events_new();
	struct watched w[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		watched_init(&w[i], e, POLLIN);
		assert_int_equal(write(w[i].end[1], "x", 1), 1);
	}
	w[0].free_other = w[0].free_self = true;
	w[0].other = &w[1];
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(w[0].calls, 1);
	assert_int_equal(w[1].calls, 0);
	assert_int_equal(w[2].calls, 1);
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(w[0].calls + w[1].calls, 1);
	assert_int_equal(w[2].calls, 2);
	for (int i = 0; i < 3; i++)
		watched_release(&w[i]);
	events_free(e);
}

/* New ones in the middle of a turn, so many that the lists move. */
static void on_more(void *arg, short ready)
{
	struct watched *w = arg;

	(void)ready;
	for (int i = 0; !w->calls && i < 100; i++)
		event_new(w->e, w->end[0], POLLIN, on_ready, w->other);
	w->calls++;
}

static void test_added_while_called(void **state)
{
	struct events *e = events_new();
	struct watched w, others = {.e = e};

	(void)state;
	watched_init(&w, e, POLLIN);
	event_free(w.ev);
	w.other = &others;
	w.ev = event_new(e, w.end[0], POLLIN, on_more, &w);
	assert_int_equal(write(w.end[1], "x", 1), 1);
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(others.calls, 0);
	assert_int_equal(events_turn(e, 10), 0);
	assert_int_equal(others.calls, 100);
	watched_release(&w);
	events_free(e);
}

/* ---- timers ------------------------------------------------------------- */

static void on_ring(void *arg)
{
	struct watched *w = arg;

	w->rings++;
	if (w->free_other) {
		event_timer_free(w->other->timer);
		w->other->timer = NULL;
	}
	if (w->free_self) {
		event_timer_free(w->timer);
		w->timer = NULL;
	} else if (w->drain) {
		event_timer_set(w->timer, 0);
	}
	events_stop(w->e);
}

static void test_timer(void **state)
{
	struct events *e = events_new();
	struct watched w = {.e = e};
	double before = clock_monotonic();

	(void)state;
	w.timer = event_timer_new(e, on_ring, &w);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(w.rings, 0);
	event_timer_set(w.timer, 3600);
	event_timer_set(w.timer, 0.02);
	assert_int_equal(events_run(e, NULL), 0);
	assert_true(clock_monotonic() - before >= 0.02);
	assert_int_equal(w.rings, 1);
	/* Once. */
	assert_int_equal(events_turn(e, 0.03), 0);
	assert_int_equal(w.rings, 1);
	event_timer_set(w.timer, 0);
	event_timer_set(w.timer, INFINITY);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(w.rings, 1);
	/* That sets itself anew starves nobody. */
	w.drain = true;
	event_timer_set(w.timer, 0);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(w.rings, 2);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(w.rings, 3);
	event_timer_free(w.timer);
	events_free(e);
}

static void test_timer_freed(void **state)
{
	struct events *e = events_new();
	struct watched a = {.e = e, .free_other = true, .free_self = true};
	struct watched b = {.e = e};

	(void)state;
	a.other = &b;
	a.timer = event_timer_new(e, on_ring, &a);
	b.timer = event_timer_new(e, on_ring, &b);
	event_timer_set(a.timer, 0);
	event_timer_set(b.timer, 0);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(events_turn(e, 0), 0);
	assert_int_equal(a.rings, 1);
	assert_int_equal(b.rings, 0);
	events_free(e);
}

/* ---- signals ------------------------------------------------------------ */

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void test_signal(void **state)
{
	const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
	struct events *e = events_new();

	(void)state;
	signal(SIGALRM, on_signal);
	stop = 0;
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(events_run(e, &stop), 0);
	assert_true(stop);
	/* One that came before is not waited for. */
	assert_int_equal(events_run(e, &stop), 0);
	signal(SIGALRM, SIG_DFL);
	events_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_hangup),
		cmocka_unit_test(test_plain_file),
		cmocka_unit_test(test_freed_while_called),
		cmocka_unit_test(test_added_while_called),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_timer_freed),
		cmocka_unit_test(test_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
