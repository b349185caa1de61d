/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Search by words and by features, against what is computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "search/near.h"
#include "search/words.h"

#define CLOSE 1e-9

static struct word_index *index_of(const char *const *texts, size_t n)
{
	struct word_index *w = word_index_new();

	for (size_t i = 0; i < n; i++)
		assert_int_equal(word_index_add(w, texts[i]), i);
	return w;
}

/* ---- words -------------------------------------------------------------- */

/* Three texts of 3, 3 and 6 words; the mean is 4. */
static void test_hand_computed(void **state)
{
	static const char *const texts[] = {"slice is short", "queue is long",
					    "slice slice of a long queue"};
	struct word_index *w = index_of(texts, 3);
	struct word_hit hit[3];
	double idf = log(1 + (3 - 2 + 0.5) / (2 + 0.5));

	(void)state;
	assert_int_equal(word_index_search(w, "SLICE", hit, 3), 2);
	assert_int_equal(hit[0].text, 2);
	assert_true(fabs(hit[0].score -
			 idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 6 / 4.0))) <
		    CLOSE);
	assert_int_equal(hit[1].text, 0);
	assert_true(fabs(hit[1].score -
			 idf * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 3 / 4.0))) <
		    CLOSE);
	word_index_free(w);
}

static bool finds(const struct word_index *w, const char *query, size_t text)
{
	struct word_hit hit[16];
	size_t n = word_index_search(w, query, hit, 16);

	for (size_t i = 0; i < n; i++)
		if (hit[i].text == text)
			return true;
	return false;
}

static void test_what_a_word_is(void **state)
{
	static const char *const texts[] = {
		"a nr_cpu-mask!", "Zürich, Überlauf 日本語", "--x__ 6.18.15",
		"bad \xff\xc3 bytes"};
	struct word_index *w = index_of(texts, 4);

	(void)state;
	assert_true(finds(w, "nr_cpu-mask", 0));
	assert_true(finds(w, "Mask", 0));
	assert_true(finds(w, "NR", 0));
	assert_false(finds(w, "nr_cpu_mask_", 3));
	assert_false(finds(w, "cpu_mask", 3));
	assert_true(finds(w, "zürich", 1));
	assert_true(finds(w, "日本語", 1));
	assert_false(finds(w, "日本", 1));
	assert_true(finds(w, "x", 2));
	assert_true(finds(w, "18", 2));
	assert_true(finds(w, "bytes", 3));
	assert_true(finds(w, "\xff\xc3", 3));
	word_index_free(w);
}

static void test_empty(void **state)
{
	static const char *const texts[] = {"", " -- ", "one"};
	struct word_index *w = word_index_new();
	struct word_hit hit[3];

	(void)state;
	assert_int_equal(word_index_search(w, "x", hit, 3), 0);
	word_index_free(w);
	w = index_of(texts, 3);
	assert_int_equal(word_index_search(w, "", hit, 3), 0);
	assert_int_equal(word_index_search(w, "-_-", hit, 3), 0);
	assert_int_equal(word_index_search(w, "two", hit, 3), 0);
	assert_int_equal(word_index_search(w, "one", hit, 0), 0);
	assert_int_equal(word_index_search(w, "one two", hit, 3), 1);
	assert_int_equal(hit[0].text, 2);
	word_index_free(w);
	w = index_of(texts, 2); /* texts, but no word */
	assert_int_equal(word_index_search(w, "one", hit, 3), 0);
	word_index_free(w);
	word_index_free(NULL);
}

static void test_ties_and_repeats(void **state)
{
	static const char *const texts[] = {"one two", "one two", "one two"};
	struct word_index *w = index_of(texts, 3);
	struct word_hit hit[3], again[3];

	(void)state;
	assert_int_equal(word_index_search(w, "one", hit, 2), 2);
	assert_int_equal(hit[0].text, 2);
	assert_int_equal(hit[1].text, 1);
	assert_true(hit[0].score > 0); /* in every text, and yet */
	assert_int_equal(word_index_search(w, "one ONE one", again, 3), 3);
	assert_true(again[0].score == hit[0].score);
	word_index_free(w);
}

/* Words "w0" … "w39"; text i has each as often as count[i][word]. */
#define TEXTS 200
#define WORDS 40

static void fill(struct word_index *w, struct rng *r, int count[][WORDS],
		 int *len)
{
	for (int i = 0; i < TEXTS; i++) {
		struct buf text;

		buf_init(&text, 1 << 16);
		buf_puts(&text, "");
		len[i] = (int)rng_below(r, 50);
		for (int k = 0; k < len[i]; k++) {
			/* Some are rare. */
			int word = (int)(rng_below(r, WORDS) *
					 rng_below(r, WORDS) / WORDS);

			count[i][word]++;
			buf_printf(&text, " W%d", word);
		}
		word_index_add(w, text.data);
		buf_release(&text);
	}
}

static double brute(int count[][WORDS], const int *len, int text,
		    const int *query, int n)
{
	double mean = 0, sum = 0;

	for (int i = 0; i < TEXTS; i++)
		mean += (double)len[i] / TEXTS;
	for (int q = 0; q < n; q++) {
		double tf = count[text][query[q]];
		int in = 0;

		for (int i = 0; i < TEXTS; i++)
			in += count[i][query[q]] > 0;
		sum += log(1 + (TEXTS - in + 0.5) / (in + 0.5)) * tf * 2.2 /
		       (tf + 1.2 * (0.25 + 0.75 * len[text] / mean));
	}
	return sum;
}

static void test_brute_force(void **state)
{
	static int count[TEXTS][WORDS], len[TEXTS];
	struct word_index *w = word_index_new();
	struct word_hit hit[TEXTS];
	struct rng r;

	(void)state;
	rng_init(&r, 7);
	fill(w, &r, count, len);
	for (int round = 0; round < 50; round++) {
		int q = (int)rng_below(&r, WORDS - 2);
		int query[] = {q, q + 1, q + 2};
		char text[64];
		size_t n, want = 0;

		snprintf(text, sizeof(text), "w%d w%d w%d", q, q + 1, q + 2);
		n = word_index_search(w, text, hit, TEXTS);
		for (int i = 0; i < TEXTS; i++)
			want += brute(count, len, i, query, 3) > 0;
		assert_int_equal(n, want);
		for (size_t i = 0; i < n; i++) {
			double x =
				brute(count, len, (int)hit[i].text, query, 3);

			assert_true(fabs(x - hit[i].score) < CLOSE);
			assert_true(!i || hit[i - 1].score >= hit[i].score);
		}
	}
	word_index_free(w);
}

static void test_huge(void **state)
{
	static const char *const texts[] = {"needle in hay"};
	struct word_index *w = index_of(texts, 1);
	struct word_hit hit[2];
	size_t size = 8u << 20;
	char *text = mem_zalloc(size + 1, 1);

	(void)state;
	memset(text, 'a', size); /* one word */
	assert_int_equal(word_index_search(w, text, hit, 2), 0);
	memcpy(text + size - 7, " needle", 7);
	assert_int_equal(word_index_search(w, text, hit, 2), 1);
	for (size_t i = 0; i < size; i += 2)
		text[i] = '-';
	assert_int_equal(word_index_add(w, text), 1);
	assert_int_equal(word_index_search(w, text, hit, 2), 1);
	assert_int_equal(hit[0].text, 1);
	free(text);
	word_index_free(w);
}

/* ---- features ----------------------------------------------------------- */

static void test_near_by_hand(void **state)
{
	/* Deviations: 1 in the first feature, 100 in the second. */
	static const double p[] = {1, 100, 2, 200, 3, 300};
	static const double q[] = {3, 100};
	struct near_hit hit[3];

	(void)state;
	assert_int_equal(near_search(p, 3, 2, q, hit, 3), 3);
	assert_int_equal(hit[0].point, 1);
	assert_true(fabs(hit[0].distance - sqrt(2)) < CLOSE);
	assert_int_equal(hit[1].point, 2); /* a tie: the later one */
	assert_true(fabs(hit[1].distance - 2) < CLOSE);
	assert_int_equal(hit[2].point, 0);
	assert_int_equal(near_search(p, 3, 2, q, hit, 1), 1);
	assert_int_equal(near_search(p, 3, 2, q, hit, 0), 0);
}

static void test_near_lacking(void **state)
{
	static const double p[] = {1, NAN, NAN, NAN, NAN, 7, 3, 7, 5, INFINITY};
	static const double q[] = {1, 7}, half[] = {NAN, 7},
			    none[] = {NAN, NAN};
	struct near_hit hit[5];

	(void)state;
	assert_int_equal(near_search(p, 5, 2, q, hit, 5), 4);
	assert_int_equal(hit[0].point, 2);
	assert_int_equal(hit[1].point, 0);
	assert_true(hit[1].distance == 0);
	assert_int_equal(hit[2].point, 3); /* 2 off, MAD 2 */
	assert_true(fabs(hit[2].distance - 1) < CLOSE);
	assert_int_equal(hit[3].point, 4); /* 4 off, and half of it known */
	assert_true(fabs(hit[3].distance - 2 * sqrt(2)) < CLOSE);
	assert_int_equal(near_search(p, 5, 2, half, hit, 5), 2);
	assert_int_equal(near_search(p, 5, 2, none, hit, 5), 0);
	assert_int_equal(near_search(NULL, 0, 2, q, hit, 5), 0);
	assert_int_equal(near_search(p, 5, 0, q, hit, 5), 0);
}

/* A feature that hardly ever differs must not divide by zero. */
static void test_near_even(void **state)
{
	static const double same[] = {4, 4, 4}, q[] = {6};
	static const double once[] = {0, 0, 0, 0, 10};
	static const double wide[] = {-1e308, 1e308, 0};
	struct near_hit hit[5];

	(void)state;
	assert_int_equal(near_search(same, 3, 1, q, hit, 3), 3);
	assert_true(hit[0].distance == 2);
	assert_int_equal(hit[0].point, 2);
	assert_int_equal(near_search(once, 5, 1, q, hit, 5), 5);
	assert_int_equal(hit[0].point, 4);
	assert_true(fabs(hit[0].distance - 2) < CLOSE); /* mean deviation 2 */
	assert_int_equal(near_search(wide, 3, 1, q, hit, 3), 3);
	assert_int_equal(hit[0].point, 2);
}

#define POINTS 300
#define DIMS   6

static double mad_of(const double *p, int f)
{
	double x[POINTS], m;
	int n = 0;

	for (int i = 0; i < POINTS; i++)
		if (!isnan(p[i * DIMS + f]))
			x[n++] = p[i * DIMS + f];
	for (int pass = 0;; pass++) {
		for (int i = 1; i < n; i++) /* by insertion */
			for (int k = i; k && x[k - 1] > x[k]; k--) {
				double t = x[k];

				x[k] = x[k - 1];
				x[k - 1] = t;
			}
		m = n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
		if (pass)
			return m;
		for (int i = 0; i < n; i++)
			x[i] = fabs(x[i] - m);
	}
}

static void test_near_brute_force(void **state)
{
	double p[POINTS * DIMS], q[DIMS], mad[DIMS];
	struct near_hit hit[POINTS];
	struct rng r;
	size_t n;

	(void)state;
	rng_init(&r, 11);
	for (int i = 0; i < POINTS * DIMS; i++)
		p[i] = rng_below(&r, 5) ? rng_unit(&r) * pow(10, i % DIMS)
					: NAN;
	for (int f = 0; f < DIMS; f++) {
		q[f] = rng_unit(&r) * pow(10, f);
		mad[f] = mad_of(p, f);
	}
	n = near_search(p, POINTS, DIMS, q, hit, POINTS);
	for (size_t i = 0; i < n; i++) {
		const double *a = p + hit[i].point * DIMS;
		double sum = 0;
		int both = 0;

		for (int f = 0; f < DIMS; f++) {
			if (isnan(a[f]))
				continue;
			both++;
			sum += pow((a[f] - q[f]) / mad[f], 2);
		}
		assert_true(fabs(hit[i].distance - sqrt(sum * DIMS / both)) <
			    1e-6);
		assert_true(!i || hit[i - 1].distance <= hit[i].distance);
	}
	assert_true(n > POINTS * 0.99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hand_computed),
		cmocka_unit_test(test_what_a_word_is),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ties_and_repeats),
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_near_by_hand),
		cmocka_unit_test(test_near_lacking),
		cmocka_unit_test(test_near_even),
		cmocka_unit_test(test_near_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
