/* SPDX-License-Identifier: GPL-2.0-or-later */
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

#include "base/buf.h"
#include "term/num.h"
#include "term/plot.h"
#include "term/table.h"
#include "term/text.h"

static int utf8(void **state)
{
	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	return 0;
}

static int ascii(void **state)
{
	(void)state;
	setenv("LC_ALL", "C", 1);
	return 0;
}

static void check_clean(const char *s, size_t columns, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 12);
	text_clean(&b, s, columns);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
}

static void test_clean_utf8(void **state)
{
	(void)state;
	check_clean("", 0, "");
	check_clean("plain", 0, "plain");
	check_clean("\033[2J\a", 0, "\\x1b[2J\\x07");
	check_clean("a\nb\tc\x7f", 0, "a\\nb\\tc\\x7f");
	check_clean("größe", 0, "größe");
	check_clean("bad \xff\xc0\x80 bytes", 0, "bad \\xff\\xc0\\x80 bytes");
	check_clean("\xed\xa0\x80", 0, "\\xed\\xa0\\x80"); /* a surrogate */
	check_clean("cut \xe2\x82", 0, "cut \\xe2\\x82");
	check_clean("\xc2\x9b", 0, "\\u{9b}"); /* the 8-bit CSI */
	check_clean("a\xe2\x80\xae"
		    "b",
		    0, "a\\u{202e}b");
	check_clean("日本語", 0, "日本語");
}

static void test_clean_cut(void **state)
{
	(void)state;
	check_clean("abcdef", 6, "abcdef");
	check_clean("abcdefg", 6, "abcde…");
	check_clean("日本語", 6, "日本語");
	check_clean("日本語", 5, "日本…");
	check_clean("日本語", 4, "日…");
	check_clean("ab\ncd", 5, "ab\\n…");
	check_clean("abc", 1, "…");
}

static void test_clean_ascii(void **state)
{
	(void)state;
	check_clean("größe", 0, "gr\\u{f6}\\u{df}e");
	check_clean("abcdefg", 6, "abcde~");
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("größe"), 5);
	assert_int_equal(text_width("日本"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1); /* combining accent */
}

static void check_num(char *got, const char *want)
{
	assert_string_equal(got, want);
}

static void test_numbers(void **state)
{
	char b[NUM_LEN];

	(void)state;
	check_num(num_us(b, 0), "0 µs");
	check_num(num_us(b, 0.25), "250 ns");
	check_num(num_us(b, 12.34), "12.3 µs");
	check_num(num_us(b, 999.6), "1.00 ms");
	check_num(num_us(b, 64000), "64 ms");
	check_num(num_us(b, 3.42e6), "3.42 s");
	check_num(num_us(b, 99.97e6), "100 s");
	check_num(num_us(b, 185e6), "3 min 05 s");
	check_num(num_us(b, 3600e6 * 2.5), "2 h 30 min");
	check_num(num_us(b, (double)NAN), "-");
	check_num(num_us(b, (double)INFINITY), "-");
	check_num(num_si(b, 0, ""), "0");
	check_num(num_si(b, 172.6, "req/s"), "173 req/s");
	check_num(num_si(b, 12345, ""), "12.3 k");
	check_num(num_si(b, 999.9, "x"), "1.00 kx");
	check_num(num_bytes(b, 512), "512 B");
	check_num(num_bytes(b, 1536), "1.50 KiB");
	check_num(num_ratio(b, 1.118), "1.12x");
	check_num(num_ratio(b, 172.4), "172x");
	check_num(num_ratio(b, (double)NAN), "-");
	check_num(num_pct(b, 0.31), "0.3 %");
	check_num(num_pct(b, 42.2), "42 %");
}

static void test_numbers_ascii(void **state)
{
	char b[NUM_LEN];

	(void)state;
	check_num(num_us(b, 12.34), "12.3 us");
}

static void check_table(const struct table *t, int columns, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	table_render(t, columns, &b);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void test_table(void **state)
{
	struct table *t = table_new();

	(void)state;
	table_column(t, "group", TABLE_LEFT);
	table_column(t, "n", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	table_cell(t, "größe");
	table_cell(t, "%d", 7);
	table_cell(t, "x");
	table_cell(t, "cc1");
	table_cell(t, "%d", 1234);
	table_cell(t, "\033");
	check_table(t, 0,
		    "group     n\n"
		    "größe     7  x\n"
		    "cc1    1234  \\x1b\n");
	table_free(t);
}

static void test_table_squeezed(void **state)
{
	struct table *t = table_new();

	(void)state;
	table_column(t, "name", TABLE_LEFT);
	table_column(t, "value", TABLE_RIGHT);
	table_cell(t, "a-very-long-name-indeed");
	table_cell(t, "1234567");
	check_table(t, 20,
		    "name           value\n"
		    "a-very-lon…  1234567\n");
	/* Numbers are never cut, so this line is longer than asked for. */
	check_table(t, 4,
		    "name        value\n"
		    "a-very-…  1234567\n");
	table_free(t);
}

static void test_table_wrapped(void **state)
{
	struct table *t = table_new();

	(void)state;
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_WRAP);
	table_cell(t, "kvm");
	table_cell(t, "present, a guest boots; aaaaaaaaaaaaaaaaaaaa");
	table_cell(t, "git");
	table_cell(t, "2.39");
	check_table(t, 17,
		    "kvm  present, a\n"
		    "     guest boots;\n"
		    "     aaaaaaaaaaaa\n"
		    "     aaaaaaaa\n"
		    "git  2.39\n");
	table_free(t);
}

static void check_bar(double share, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 10);
	plot_bar(&b, share, 4);
	assert_string_equal(b.data ? b.data : "", want);
	buf_release(&b);
}

static void test_plots(void **state)
{
	const double v[] = {0, 1, (double)NAN, 7};
	struct buf b;

	(void)state;
	check_bar(0, "");
	check_bar(0.5, "██");
	check_bar(0.40625, "█▋");
	check_bar(1e-9, "▏");
	check_bar(7, "████");
	check_bar((double)NAN, "");
	buf_init(&b, 1 << 10);
	plot_spark(&b, v, 4);
	assert_string_equal(b.data, "▁▂ █");
	buf_release(&b);
}

static void test_plots_ascii(void **state)
{
	const double ci[] = {1.2, 1.6}, axis[] = {0.8, 1.8};
	struct buf b;

	(void)state;
	check_bar(0.5, "##");
	buf_init(&b, 1 << 10);
	plot_interval(&b, ci, 1.4, 1, axis, 11);
	assert_string_equal(b.data, "  | --o--  ");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_clean_utf8, utf8),
		cmocka_unit_test_setup(test_clean_cut, utf8),
		cmocka_unit_test_setup(test_clean_ascii, ascii),
		cmocka_unit_test_setup(test_width, utf8),
		cmocka_unit_test_setup(test_numbers, utf8),
		cmocka_unit_test_setup(test_numbers_ascii, ascii),
		cmocka_unit_test_setup(test_table, utf8),
		cmocka_unit_test_setup(test_table_squeezed, utf8),
		cmocka_unit_test_setup(test_table_wrapped, utf8),
		cmocka_unit_test_setup(test_plots, utf8),
		cmocka_unit_test_setup(test_plots_ascii, ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
