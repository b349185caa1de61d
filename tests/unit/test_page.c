/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "page/chart.h"
#include "page/figure.h"
#include "page/html.h"
#include "page/scale.h"

/* ---- escaping ---------------------------------------------------------- */

static void check_escape(const char *s, size_t max, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 12);
	page_escape(&b, s, max);
	assert_string_equal(b.len ? b.data : "", want);
	buf_release(&b);
}

static void test_escape(void **state)
{
	(void)state;
	check_escape("", 0, "");
	check_escape("<script>alert(1)</script>", 0,
		     "&lt;script&gt;alert(1)&lt;/script&gt;");
	check_escape("\" onload='x' &amp;", 0,
		     "&quot; onload=&#39;x&#39; &amp;amp;");
	check_escape("a\nb\tc\rd", 0, "a b c d");
	check_escape("\033[2J\a\x7f", 0, "\\x1b[2J\\x07\\x7f");
	check_escape("a\xe2\x80\xae"
		     "b",
		     0, "a\\u{202e}b");
	check_escape("\xc2\x9b\xef\xbb\xbf", 0, "\\u{9b}\\u{feff}");
	check_escape("\xff<\xc0\x80", 0, "\\xff&lt;\\xc0\\x80");
	check_escape("cut \xe2\x82", 0, "cut ");
	check_escape("\xe2\xe2\x82", 0, "\\xe2");
	check_escape("größe 日本語", 0, "größe 日本語");
}

static void test_escape_cut(void **state)
{
	(void)state;
	check_escape("abcdef", 6, "abcdef");
	check_escape("abcdefg", 6, "abcde…");
	check_escape("<<<<", 3, "&lt;&lt;…");
	check_escape("日本語", 2, "日…");
	assert_int_equal(page_length("a<日\xff"), 4);
}

/* ---- elements ---------------------------------------------------------- */

static void test_elements(void **state)
{
	struct html h = {0};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 12);
	h.out = &b;
	html_open(&h, "p", "lead");
	html_attr(&h, "title", "\"><b>");
	html_text(&h, "a<b");
	html_leaf(&h, "span", NULL, "&");
	html_open(&h, "path", "s0");
	html_number(&h, "x", 1.25);
	html_number(&h, "y", NAN);
	html_number(&h, "z", -0.01);
	html_number(&h, "w", INFINITY);
	html_close(&h);
	html_end(&h);
	assert_string_equal(
		b.data, "<p class=\"lead\" title=\"&quot;&gt;&lt;b&gt;\">a&lt;b"
			"<span>&amp;</span><path class=\"s0\" x=\"1.2\" "
			"y=\"0\" z=\"0\" w=\"0\"/></p>\n");
	/* One too many closes nothing. */
	html_close(&h);
	buf_release(&b);
}

static void test_page(void **state)
{
	struct html h;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	html_begin(&h, &b, "</title><script>");
	html_leaf(&h, "p", NULL, "x");
	html_end(&h);
	assert_non_null(strstr(b.data, "<title>&lt;/title&gt;&lt;script&gt;"));
	assert_non_null(strstr(
		b.data, "content=\"default-src &#39;none&#39;; style-src "
			"&#39;unsafe-inline&#39;\""));
	assert_null(strstr(b.data, "<script"));
	assert_non_null(strstr(b.data, "</body></html>"));
	buf_release(&b);
}

static void assert_near(double got, double want, double within)
{
	assert_true(fabs(got - want) <= within);
}

/* ---- scales ------------------------------------------------------------ */

static void test_nice(void **state)
{
	(void)state;
	assert_near(scale_nice(0.13, false), 0.2, 1e-12);
	assert_near(scale_nice(0.13, true), 0.1, 1e-12);
	assert_near(scale_nice(5, false), 5, 1e-12);
	assert_near(scale_nice(72, true), 100, 1e-9);
	assert_near(scale_nice(0, true), 1, 0);
	assert_near(scale_nice(NAN, true), 1, 0);
}

static void check_ticks(double lo, double hi, bool log, size_t want,
			const double *ticks, size_t n)
{
	double got[SCALE_TICKS];
	struct scale s;

	scale_init(&s, lo, hi, 0, 100, log);
	assert_int_equal(scale_ticks(&s, want, got), n);
	for (size_t i = 0; i < n; i++)
		assert_near(got[i], ticks[i], 1e-9 * fabs(ticks[i]));
}

static void test_ticks(void **state)
{
	static const double tens[] = {0, 20, 40, 60, 80, 100};
	static const double fives[] = {-5, 0, 5, 10};
	static const double decades[] = {1, 10, 100, 1e3, 1e4, 1e5};
	static const double parts[] = {0.5, 1, 2, 5};
	static const double even[] = {0.9, 1, 1.1, 1.2};

	(void)state;
	check_ticks(0, 100, false, 6, tens, 6);
	check_ticks(-7, 12, false, 5, fives, 4);
	check_ticks(1, 1e5, true, 8, decades, 6);
	check_ticks(0.4, 6, true, 5, parts, 4);
	check_ticks(0.85, 1.25, true, 5, even, 4);
}

/* Whatever the numbers, a scale is one, and its ticks are few and within. */
static void test_scale_hostile(void **state)
{
	static const double x[] = {0,	   -1,	1,	  1e300,     -1e300,
				   1e-300, NAN, INFINITY, -INFINITY, 5e-324};
	double ticks[SCALE_TICKS];
	struct scale s;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		for (size_t j = 0; j < 10; j++)
			for (int log = 0; log < 2; log++) {
				size_t n;

				scale_init(&s, x[i], x[j], 10, 90, log);
				assert_true(s.lo < s.hi);
				n = scale_ticks(&s, 6, ticks);
				assert_true(n <= SCALE_TICKS);
				for (size_t k = 0; k < 10; k++) {
					double at = scale_at(&s, x[k]);

					assert_true(at >= 10 && at <= 90);
				}
			}
}

static void test_scale_at(void **state)
{
	struct scale s;

	(void)state;
	scale_init(&s, 1, 100, 0, 200, true);
	assert_near(scale_at(&s, 10), 100, 1e-9);
	scale_init(&s, 0, 4, 400, 0, false);
	assert_near(scale_at(&s, 1), 300, 1e-9);
	assert_near(scale_at(&s, 9), 0, 0);
}

/* ---- figures ----------------------------------------------------------- */

static void test_figures(void **state)
{
	char a[NUM_LEN], b[2 * NUM_LEN];

	(void)state;
	setenv("LC_ALL", "C", 1);
	assert_string_equal(figure_us(a, 12.5), "12.5 µs");
	assert_string_equal(figure_value(a, 0.5, "us"), "500 ns");
	assert_string_equal(figure_value(a, 6.38, "s"), "6.38 s");
	assert_string_equal(figure_value(a, 172.4, "1/s"), "172 /s");
	assert_string_equal(figure_value(a, 12345, "MiB"), "12.3 k MiB");
	assert_string_equal(figure_ratio(a, 1.158), "1.16×");
	assert_string_equal(figure_ratio(a, NAN), "–");
	assert_string_equal(figure_interval(b, 1.13, 1.19), "1.13 to 1.19");
	assert_string_equal(figure_interval(b, 1.1, INFINITY), "above 1.10");
	assert_string_equal(figure_interval(b, 0, 1.1), "below 1.10");
	assert_string_equal(figure_interval(b, 0, 1e6), "open");
	assert_string_equal(figure_tick(a, 0.5, "s"), "500 ms");
	assert_string_equal(figure_tick(a, 100, "us"), "100 µs");
	assert_string_equal(figure_tick(a, 40, "%"), "40 %");
	assert_string_equal(figure_tick(a, 1.2, "×"), "1.2");
}

static void test_chart(void **state)
{
	struct html h = {0};
	struct chart c;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	h.out = &b;
	chart_both(&h, width)
	{
		chart_begin(&c, &h, width, 100, "<t>", "d\"");
		scale_init(&c.x, 0, 10, c.left, c.right, false);
		scale_init(&c.y, 0, 1, c.bottom, c.top, false);
		chart_axis_x(&c, "x", "s");
		chart_axis_y(&c, "y", "");
		mark_shape(&c, SHAPE_UP, 1, 2, 3, "f0", "what");
		chart_end(&c);
	}
	assert_int_equal(h.depth, 0);
	assert_non_null(strstr(b.data, "<title>&lt;t&gt;</title>"));
	assert_non_null(strstr(b.data, "class=\"wide\""));
	assert_non_null(strstr(b.data, "viewBox=\"0 0 336 100\""));
	assert_null(strstr(b.data, "nan"));
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_cut),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_nice),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_scale_hostile),
		cmocka_unit_test(test_scale_at),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_chart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
