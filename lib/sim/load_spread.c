/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/load_spread.h"

#include <errno.h>
#include <math.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_make.h"
#include "stats/hist.h"

#define MAX_COUNT 1e15
#define LAST	  (LOAD_QUANTILES - 1)

static double number(const struct json *v)
{
	double x = json_as_number(v, 0);

	return x > 0 ? fmin(x, MAX_COUNT) : 0;
}

/* Counts n values of the bucket that begins at low. */
static void put(struct spread *s, double low, double high, double n)
{
	size_t i = s->n;

	while (i > 0 && s->b[i - 1].low >= low)
		i--;
	if (i == s->n || s->b[i].low > low) {
		for (size_t j = s->n++; j > i; j--)
			s->b[j] = s->b[j - 1];
		s->b[i].low = low;
		s->b[i].high = high;
		s->b[i].count = 0;
	}
	s->b[i].count += n;
	s->b[i].high = fmax(s->b[i].high, high);
	s->count += n;
}

int spread_add(struct spread *s, const struct json *hist)
{
	double max = 1000 * number(json_get(hist, "max"));

	if (!hist)
		return 0;
	if (json_type(json_get(hist, "buckets")) != JSON_ARRAY)
		return err_set(EINVAL, "a histogram without buckets");
	json_each (pair, json_get(hist, "buckets")) {
		uint64_t low = (uint64_t)round(
			1000 * fmin(number(json_at(pair, 0)), 1e12));
		double n = number(json_at(pair, 1));
		unsigned slot = hist_slot(low);
		double high = slot + 1 < HIST_SLOTS
				      ? (double)hist_lower(slot + 1)
				      : (double)low;

		if (json_type(pair) != JSON_ARRAY || json_len(pair) != 2)
			return err_set(EINVAL, "a bucket is not a pair");
		low = hist_lower(slot);
		if (max > (double)low && (max < high || slot + 1 == HIST_SLOTS))
			high = max;
		if (n > 0)
			put(s, (double)low, high, n);
	}
	s->sum_ns += 1000 * number(json_get(hist, "sum"));
	return 0;
}

double spread_quantile(const struct spread *s, double q)
{
	double rank = q * s->count, seen = 0;

	for (size_t i = 0; i < s->n; i++) {
		double n = s->b[i].count;

		if (seen + n >= rank || i + 1 == s->n) {
			double part = fmin((rank - seen) / n, 1);

			return s->b[i].low +
			       (s->b[i].high - s->b[i].low) * fmax(part, 0);
		}
		seen += n;
	}
	return 0;
}

double spread_table_mean(const struct load_dist *d)
{
	double sum = 0;

	for (size_t i = 0; i < LAST; i++)
		sum += ((double)d->table[i] + (double)d->table[i + 1]) / 2;
	return sum / LAST;
}

/* A table cuts the tail short: its last value makes up for that. */
static void meet_mean(struct load_dist *d, double mean_ns)
{
	double lacks = (mean_ns - spread_table_mean(d)) * LAST * 2;
	double last = (double)d->table[LAST] + lacks, by;

	last = fmin(last, 1e15);
	if (last >= (double)d->table[LAST - 1]) {
		d->table[LAST] = load_ns(last);
		return;
	}
	d->table[LAST] = d->table[LAST - 1];
	by = spread_table_mean(d);
	by = by > 0 ? mean_ns / by : 0;
	for (size_t i = 0; i <= LAST; i++)
		d->table[i] = load_ns(round((double)d->table[i] * by));
}

struct load_dist spread_table(const struct spread *s, double from, double to,
			      double mean_ns)
{
	struct load_dist d = {.kind = DIST_QUANTILE};

	d.table = mem_zalloc(LOAD_QUANTILES, sizeof(*d.table));
	for (size_t i = 0; i <= LAST; i++)
		d.table[i] = load_ns(spread_quantile(
			s, from + (to - from) * (double)i / LAST));
	if (mean_ns > 0)
		meet_mean(&d, mean_ns);
	return d;
}

static double middle(const struct spread *s, size_t i)
{
	return log2(fmax((s->b[i].low + s->b[i].high) / 2, 1));
}

/* The threshold with the greatest variance between both sides (Otsu, 1979),
 * of logarithms. */
double spread_split(const struct spread *s)
{
	double total = 0, low = 0, n = 0, best = 0, at = 0, apart = 0;

	for (size_t i = 0; i < s->n; i++)
		total += middle(s, i) * s->b[i].count;
	for (size_t i = 0; i + 1 < s->n; i++) {
		double rest, gap, between;

		n += s->b[i].count;
		low += middle(s, i) * s->b[i].count;
		rest = s->count - n;
		gap = (total - low) / rest - low / n;
		between = n * rest * gap * gap;
		if (between > best) {
			best = between;
			at = n / s->count;
			apart = gap;
		}
	}
	return apart >= 2 ? at : 0;
}

void spread_densest(const struct spread *s, double share, double *from,
		    double *to)
{
	double best = INFINITY, want = share * s->count, before = 0;

	*from = 0;
	*to = 1;
	for (size_t i = 0; i < s->n; i++) {
		double held = 0;

		for (size_t j = i; j < s->n; j++) {
			double width = log2(s->b[j].high) -
				       log2(fmax(s->b[i].low, 128));

			held += s->b[j].count;
			if (held < want * (1 - 1e-9))
				continue;
			if (width < best) {
				best = width;
				*from = (before + (held - want) / 2) / s->count;
				*to = *from + share;
			}
			break;
		}
		before += s->b[i].count;
	}
}
