/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, tables, plots and metrics of what is empty, endless or no number. */
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

#include "base/buf.h"
#include "base/mem.h"
#include "term/mdoc_find.h"
#include "term/num.h"
#include "term/openmetrics.h"
#include "term/plot.h"
#include "term/table.h"
#include "term/text.h"

/* NULL: it is not there. */
static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void locale(const char *all, const char *type, const char *lang)
{
	set("LC_ALL", all);
	set("LC_CTYPE", type);
	set("LANG", lang);
}

static int ascii(void **state)
{
	(void)state;
	locale("C", NULL, NULL);
	return 0;
}

static int utf8(void **state)
{
	(void)state;
	locale("C.UTF-8", NULL, NULL);
	return 0;
}

/* ---- where it goes ------------------------------------------------------ */

/* The first that says something counts, as setlocale(3) has it. */
static void which_locale(void **state)
{
	static const struct {
		const char *all, *type, *lang;
		bool utf8;
	} rows[] = {
		{NULL, NULL, NULL, false},
		{"", "", "", false},
		{"C.UTF-8", "C", "C", true},
		{"C", "C.UTF-8", "C.UTF-8", false},
		{"", "de_DE.utf8", "C", true},
		{NULL, "", "en_GB.Utf-8@euro", true},
		{"", NULL, "de_DE.ISO-8859-1", false},
		{"de_DE", NULL, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		locale(rows[i].all, rows[i].type, rows[i].lang);
		if (text_utf8() != rows[i].utf8)
			fail_msg("row %zu", i);
	}
}

static void how_wide(void **state)
{
	static const struct {
		const char *columns;
		int want;
	} rows[] = {{NULL, 80}, {"", 80},     {"0", 80},	  {"-5", 80},
		    {"x", 80},	{"132", 132}, {"99999999999", 80}};
	char *before = getenv("COLUMNS") ? mem_strdup(getenv("COLUMNS")) : NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set("COLUMNS", rows[i].columns);
		if (text_columns(-1) != rows[i].want)
			fail_msg("row %zu: %d", i, text_columns(-1));
	}
	set("COLUMNS", before);
	free(before);
}

static void what_is_no_text(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* half of a pair */
		{"\xc0\xaf", "\\xc0\\xaf"},	     /* too long a form */
		{"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
		{"\xd8\x9c", "\\u{61c}"},
		{"\xe2\x81\xa9", "\\u{2069}"},
		{"\xc2\x9b", "\\u{9b}"},
		{"\x7f\r", "\\x7f\\x0d"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 1000);
		text_clean(&b, rows[i].in, 0);
		assert_string_equal(b.data, rows[i].want);
		assert_int_equal(text_width(rows[i].in),
				 i ? strlen(rows[i].want) : 2);
		buf_release(&b);
	}
}

/* ---- numbers ------------------------------------------------------------ */

static void numbers(void **state)
{
	static const struct {
		double x;
		const char *us, *si, *bytes, *ratio, *pct;
	} rows[] = {
		{NAN, "-", "-", "-", "-", "-"},
		{INFINITY, "-", "-", "-", "-", "-"},
		{-INFINITY, "-", "-", "-", "-", "-"},
		{0, "0 us", "0", "0 B", "0.00x", "0.0 %"},
		{-2, "-2 us", "-2", "-2 B", "-2.00x", "-2.0 %"},
		{0.0625, "62.5 ns", "0.06", "0.06 B", "0.06x", "0.1 %"},
		{999.6, "1.00 ms", "1.00 k", "1000 B", "1000x", "1000 %"},
		{1e20, "-", "100000000 T", "90949470 TiB",
		 "100000000000000000000x", "100000000000000000000 %"},
	};
	static const struct {
		double us;
		const char *want;
	} times[] = {
		{999.4e3, "999 ms"},	   {119.4e6, "119 s"},
		{119.5e6, "2 min 00 s"},   {-150e6, "-2 min 30 s"},
		{3599.4e6, "59 min 59 s"}, {3599.6e6, "1 h 00 min"},
		{3600e6, "1 h 00 min"},	   {-5430e6, "-1 h 31 min"},
		{86400e6, "24 h 00 min"},
	};
	char out[NUM_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(num_us(out, rows[i].x), rows[i].us);
		assert_string_equal(num_ratio(out, rows[i].x), rows[i].ratio);
		assert_string_equal(num_pct(out, rows[i].x), rows[i].pct);
		if (i + 1 < ARRAY_LEN(rows)) {
			assert_string_equal(num_si(out, rows[i].x, ""),
					    rows[i].si);
			assert_string_equal(num_bytes(out, rows[i].x),
					    rows[i].bytes);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		assert_string_equal(num_us(out, times[i].us), times[i].want);
	/* However long a unit: it ends inside. */
	num_si(out, 12345, "of a unit that is longer than anybody would have");
	assert_true(strlen(out) < NUM_LEN);
}

/* ---- plots -------------------------------------------------------------- */

static void check_interval(const double *ci, double middle, const double *axis,
			   size_t columns, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	buf_puts(&b, "");
	plot_interval(&b, ci, middle, 1, axis, columns);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void plots(void **state)
{
	static const double all[] = {0, 2}, none[] = {1, 1}, back[] = {2, 0},
			    some[] = {0.5, 1.5}, beyond[] = {-5, 9},
			    no[] = {NAN, NAN};
	static const double zeros[] = {0, NAN, 0}, odd[] = {-1, INFINITY, 7};
	struct buf b;

	(void)state;
	check_interval(some, 0.75, all, 9, "  -o|--  ");
	check_interval(beyond, 9, all, 5, "--|-o");
	check_interval(no, NAN, all, 5, "o |  ");
	check_interval(some, 1, all, 2, "-o");
	check_interval(some, 1, all, 1, "");
	check_interval(some, 1, none, 9, "");
	check_interval(some, 1, back, 9, "");
	buf_init(&b, 100);
	plot_spark(&b, zeros, 3);
	plot_spark(&b, odd, 3);
	plot_spark(&b, NULL, 0);
	assert_string_equal(b.data, "_ __ #");
	buf_reset(&b);
	plot_bar(&b, 0.001, 10);
	plot_bar(&b, NAN, 10);
	plot_bar(&b, -1, 10);
	assert_string_equal(b.data, "#");
	buf_reset(&b);
	plot_bar(&b, 5, 3);
	assert_string_equal(b.data, "###");
	buf_release(&b);
}

/* ---- tables ------------------------------------------------------------- */

static void check_table(const struct table *t, int columns, size_t room,
			const char *want)
{
	struct buf b;

	buf_init(&b, room);
	buf_puts(&b, "");
	table_render(t, columns, &b);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void tables(void **state)
{
	struct table *t = table_new();
	struct buf want;

	(void)state;
	buf_init(&want, 1000);
	table_free(NULL);
	check_table(t, 80, 100, "");
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_RIGHT);
	check_table(t, 80, 100, "");
	table_cell(t, "%s", "alone");
	check_table(t, 80, 100, ""); /* half a row */
	table_cell(t, "%s", "1");
	table_cell(t, "%s", "");
	table_cell(t, "%s", "23");
	check_table(t, 80, 100, "alone   1\n       23\n");
	/* What cannot give way does not. */
	check_table(t, 1, 100, "alone   1\n       23\n");
	/* Where there is no room it ends. */
	check_table(t, 80, 5, "alone");
	table_free(t);
	/* More columns than there can be are left out. */
	t = table_new();
	for (int i = 0; i < 30; i++)
		table_column(t, "c", TABLE_LEFT);
	for (int i = 0; i < 24; i++)
		table_cell(t, "%d", i % 10);
	for (int i = 0; i < 48; i++) {
		if (i < 24)
			buf_puts(&want, "c");
		else
			buf_printf(&want, "%d", i % 24 % 10);
		buf_puts(&want, i % 24 < 23 ? "  " : "\n");
	}
	check_table(t, 0, 1000, want.data);
	buf_release(&want);
	table_free(t);
	/* A word that no line holds is broken, and so is one of wide letters.
	 */
	t = table_new();
	table_column(t, "", TABLE_WRAP);
	table_cell(t, "%s", "0123456789abc de");
	check_table(t, 8, 100, "01234567\n89abc de\n");
	table_free(t);
}

/* ---- metrics ------------------------------------------------------------ */

static void metrics(void **state)
{
	const struct metric_label labels[] = {{"a", "x\\y"}, {"b", "\"\n"}};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	metric_sample(&b, "n", "_total", labels, 2, 1.5);
	metric_sample(&b, "n", "", NULL, 0, NAN);
	metric_sample(&b, "n", "", NULL, 0, -INFINITY);
	assert_string_equal(b.data,
			    "schedkit_n_total{a=\"x\\\\y\",b=\"\\\"\\n\"} 1.5\n"
			    "schedkit_n NaN\nschedkit_n NaN\n");
	buf_reset(&b);
	metric_single(&b, "wait_seconds", METRIC_COUNTER, "How long", 2);
	metric_single(&b, "plain", METRIC_GAUGE, "What", 3);
	metric_end(&b);
	assert_string_equal(b.data, "# TYPE schedkit_wait_seconds counter\n"
				    "# UNIT schedkit_wait_seconds seconds\n"
				    "# HELP schedkit_wait_seconds How long.\n"
				    "schedkit_wait_seconds_total 2\n"
				    "# TYPE schedkit_plain gauge\n"
				    "# HELP schedkit_plain What.\n"
				    "schedkit_plain 3\n# EOF\n");
	buf_release(&b);
}

/* ---- items of a page ---------------------------------------------------- */

/* What only begins like a macro is none. */
static void items(void **state)
{
	static const char page[] = ".Nm sched-x\n"
				   ".Items Fl n\n"
				   ".Bl -tag\n"
				   ".It Fl n\n"
				   "This.\n"
				   ".Items Fl m\n"
				   ".It Fl m\n"
				   "That.\n"
				   ".El\n"
				   ".It";
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_int_equal(mdoc_items(&b, page, "-n"), 1);
	assert_non_null(strstr(b.data, "This."));
	assert_null(strstr(b.data, "That."));
	buf_reset(&b);
	assert_int_equal(mdoc_items(&b, page, "-m"), 1);
	assert_int_equal(mdoc_items(&b, page, "-o"), 0);
	assert_int_equal(mdoc_items(&b, "", "-n"), 0);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_locale),
		cmocka_unit_test(how_wide),
		cmocka_unit_test_setup(what_is_no_text, utf8),
		cmocka_unit_test_setup(numbers, ascii),
		cmocka_unit_test_setup(plots, ascii),
		cmocka_unit_test_setup(tables, ascii),
		cmocka_unit_test(metrics),
		cmocka_unit_test_setup(items, ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
