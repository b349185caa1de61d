/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows that are kept in a file of this folder, and what they would be now.
 * What alters one is meant, or it is a defect.  If it is meant, the test
 * program itself writes them again:
 *
 *     build/tests/test_sim_runs renew
 *
 * and the commit says why.  Fields are divided by tabs: the first two say what
 * the row is about.
 */
#ifndef SCHEDKIT_TESTS_SIM_ROWS_H
#define SCHEDKIT_TESTS_SIM_ROWS_H

#include <stdio.h>

#include "base/buf.h"
#include "sim_fix.h"

#define ROWS_MAX (4u << 20)
#define LL(x)	 ((unsigned long long)(x))

static const char *rows_path;
static void (*rows_make)(struct buf *b);

static char *rows_now(void)
{
	struct buf b;

	buf_init(&b, ROWS_MAX);
	rows_make(&b);
	assert_false(b.truncated);
	return buf_take(&b);
}

static char *rows_kept(void)
{
	struct buf b;

	buf_init(&b, ROWS_MAX);
	if (buf_read_file(&b, rows_path) < 0)
		fail_msg("%s", err_text());
	return buf_take(&b);
}

/* Which field of two rows is another one. */
static void rows_differ(char *kept, char *now)
{
	char *first, *second, *a, *b;

	if (!kept || !now) {
		fail_msg("%s ends too %s: %s", rows_path,
			 kept ? "late" : "early", kept ? kept : now);
		return;
	}
	first = strsep(&now, "\t");
	second = strsep(&now, "\t");
	a = strsep(&kept, "\t");
	b = strsep(&kept, "\t");
	if (!second || !b || strcmp(a, first) || strcmp(b, second)) {
		fail_msg("%s has '%s, %s' where there is '%s, %s' now",
			 rows_path, a, b ? b : "", first, second ? second : "");
		return;
	}
	do {
		a = strsep(&kept, "\t");
		b = strsep(&now, "\t");
	} while (a && b && !strcmp(a, b));
	fail_msg("%s, %s: '%s' in %s, '%s' now", first, second,
		 a ? a : "nothing", rows_path, b ? b : "nothing");
}

static void rows_are_as_they_were(void **state)
{
	char *table = rows_kept(), *rows = rows_now();
	char *a = table, *b = rows;

	(void)state;
	while (a || b) {
		char *kept = strsep(&a, "\n"), *now = strsep(&b, "\n");

		if (!kept || !now || strcmp(kept, now))
			rows_differ(kept, now);
	}
	free(table);
	free(rows);
}

static void rows_are_written(void **state)
{
	char *rows = rows_now();
	FILE *f = fopen(rows_path, "w");

	(void)state;
	if (!f || fputs(rows, f) < 0 || fclose(f))
		fail_msg("%s cannot be written", rows_path);
	free(rows);
}

static int rows_main(int argc, char **argv, const char *path,
		     void (*make)(struct buf *b))
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_as_they_were),
	};
	const struct CMUnitTest renewal[] = {
		cmocka_unit_test(rows_are_written),
	};

	rows_path = path;
	rows_make = make;
	if (argc > 1 && !strcmp(argv[1], "renew"))
		return cmocka_run_group_tests(renewal, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
