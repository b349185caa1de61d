/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back-off: its pauses, its file, and that nothing swings to and fro. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "guard/trips.h"

#define A      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define WEEK_S (7 * 86400.0)

static struct temp folder = {NULL, -1};

static int fresh_folder(void **state)
{
	(void)state;
	if (temp_make("/tmp", "schedkit-trips-", &folder))
		return -1;
	return setenv("SCHEDKIT_RUN", folder.dir, 1);
}

static int remove_folder(void **state)
{
	(void)state;
	temp_remove(&folder);
	return 0;
}

static void pauses_grow(void **state)
{
	const struct backoff b = {2, 3, 50};

	(void)state;
	assert_true(backoff_pause(&b, 0) == 0);
	assert_true(backoff_pause(&b, 1) == 2);
	assert_true(backoff_pause(&b, 2) == 6);
	assert_true(backoff_pause(&b, 3) == 18);
	assert_true(backoff_pause(&b, 4) == 50);
	assert_true(backoff_pause(&b, 4000000000u) == 50);
}

static void each_trip_makes_it_wait_longer(void **state)
{
	struct trips t = {.last = 1000};
	double last = 0;

	(void)state;
	assert_true(trips_wait(&t, 1000) == 0);
	for (t.count = 1; t.count < TRIPS_MOST; t.count++) {
		double wait = trips_wait(&t, 1000);

		assert_true(wait >= 2 * last && wait > 0 && wait < WEEK_S);
		assert_true(trips_wait(&t, 1000 + wait) == 0);
		assert_true(trips_wait(&t, 999 + wait) > 0);
		last = wait;
	}
	assert_true(isinf(trips_wait(&t, 1000 + WEEK_S)));
	/* Of another boot: not to be waited for, but counted. */
	t.count = 1;
	assert_true(trips_wait(&t, 5) == 0);
	t.count = TRIPS_MOST;
	assert_true(isinf(trips_wait(&t, 5)));
}

/* Who tries whenever it is allowed, and trips as chance will have it. */
static void nothing_swings_to_and_fro(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 7);
	for (size_t i = 0; i < 2000; i++) {
		struct trips t = {0};
		double now = 0, shortest = 0;
		unsigned tries = 0;

		while (now < WEEK_S && !isinf(trips_wait(&t, now))) {
			double wait = trips_wait(&t, now);

			assert_true(wait >= shortest);
			shortest = wait;
			now += wait + rng_unit(&r);
			tries++;
			now += rng_unit(&r) * 5;
			t.count++;
			t.last = now;
		}
		assert_true(tries <= TRIPS_MOST);
	}
}

static void what_is_added_is_read(void **state)
{
	double before = clock_boot();
	struct trips t;

	(void)state;
	assert_int_equal(trips_read(A, &t), 0);
	assert_int_equal(t.count, 0);
	assert_int_equal(trips_add(A, "it was \"bad\"\n"), 0);
	assert_int_equal(trips_add(B, "so was this"), 0);
	assert_int_equal(trips_add(A, "again"), 0);
	assert_int_equal(trips_read(A, &t), 0);
	assert_int_equal(t.count, 2);
	assert_string_equal(t.why, "again");
	assert_true(t.last >= before && t.last <= clock_boot());
	assert_int_equal(trips_forget(A), 0);
	assert_int_equal(trips_read(A, &t), 0);
	assert_int_equal(t.count, 0);
	assert_int_equal(trips_read(B, &t), 0);
	assert_int_equal(t.count, 1);
	assert_int_equal(trips_forget(A), 0);
}

static void write_file(const char *text)
{
	char *path = path_run("trips.json");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, text, strlen(text)), 0);
	close(fd);
	free(path);
}

static void a_damaged_file_is_no_leave(void **state)
{
	const char *const bad[] = {"", "{", "[]", "7"};
	struct trips t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(bad[i]);
		assert_true(trips_read(A, &t) < 0);
		assert_non_null(strstr(err_text(), "trips.json"));
		assert_true(trips_forget(A) < 0);
	}
	/* A new trip is worth more. */
	assert_int_equal(trips_add(A, "w"), 0);
	assert_int_equal(trips_read(A, &t), 0);
	assert_int_equal(t.count, 1);
	/* Members of other kinds stand for nothing. */
	write_file("{\"" A "\":7,\"" B "\":{\"count\":-5,\"last\":\"x\"}}");
	assert_int_equal(trips_read(A, &t), 0);
	assert_int_equal(t.count, 0);
	assert_int_equal(trips_read(B, &t), 0);
	assert_int_equal(t.count, 0);
}

static void the_oldest_are_forgotten(void **state)
{
	char id[65];
	struct trips t;

	(void)state;
	for (int i = 0; i < 70; i++) {
		snprintf(id, sizeof(id), "%064d", i);
		assert_int_equal(trips_add(id, "w"), 0);
	}
	assert_int_equal(trips_read(id, &t), 0);
	assert_int_equal(t.count, 1);
	snprintf(id, sizeof(id), "%064d", 0);
	assert_int_equal(trips_read(id, &t), 0);
	assert_int_equal(t.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_grow),
		cmocka_unit_test(each_trip_makes_it_wait_longer),
		cmocka_unit_test(nothing_swings_to_and_fro),
		cmocka_unit_test_setup_teardown(what_is_added_is_read,
						fresh_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_no_leave,
						fresh_folder, remove_folder),
		cmocka_unit_test_setup_teardown(the_oldest_are_forgotten,
						fresh_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
