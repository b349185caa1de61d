/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stats/hist.h"

#include <math.h>

void hist_add_many(struct hist *h, uint64_t ns, uint64_t times)
{
	h->count += times;
	h->sum += ns * times;
	if (times && ns > h->max)
		h->max = ns;
	h->slot[hist_slot(ns)] += times;
}

void hist_add(struct hist *h, uint64_t ns)
{
	hist_add_many(h, ns, 1);
}

void hist_merge(struct hist *h, const struct hist *from)
{
	h->count += from->count;
	h->sum += from->sum;
	if (from->max > h->max)
		h->max = from->max;
	for (unsigned i = 0; i < HIST_SLOTS; i++)
		h->slot[i] += from->slot[i];
}

uint64_t hist_lower(unsigned slot)
{
	unsigned octave;

	if (slot == 0)
		return 0;
	octave = (slot - 1) / 4 + HIST_FLOOR_LOG2;
	return (4ull + (slot - 1) % 4) << (octave - 2);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	double rank = q * (double)h->count, seen = 0;

	for (unsigned i = 0; i < HIST_SLOTS; i++) {
		double n = (double)h->slot[i], low, high, x;

		if (!h->slot[i] || seen + n < rank) {
			seen += n;
			continue;
		}
		low = (double)hist_lower(i);
		high = i + 1 < HIST_SLOTS ? (double)hist_lower(i + 1)
					  : (double)h->max;
		x = low + (high - low) * (rank - seen) / n;
		return x < (double)h->max ? (uint64_t)x : h->max;
	}
	return h->max;
}

/* Tenths of a microsecond are as fine as anything here is measured. */
static double us(double ns)
{
	return round(ns / 100) / 10;
}

struct json *hist_json(const struct hist *h)
{
	static const struct {
		const char *key;
		double q;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
	struct json *v = json_object(), *buckets, *pair;

	json_set_number(v, "count", (double)h->count);
	json_set_number(v, "sum", us((double)h->sum));
	json_set_number(v, "max", us((double)h->max));
	for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		json_set_number(v, quantiles[i].key,
				us((double)hist_quantile(h, quantiles[i].q)));
	buckets = json_set(v, "buckets", json_array());
	for (unsigned i = 0; i < HIST_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		pair = json_add(buckets, json_array());
		json_add(pair, json_number((double)hist_lower(i) / 1000));
		json_add(pair, json_number((double)h->slot[i]));
	}
	return v;
}
