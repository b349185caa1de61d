/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "learn/recording.h"

#include <math.h>
#include <string.h>

_Static_assert(FEATURE_COUNT <= FORECAST_FEATURES, "features find room");

static uint64_t later(uint64_t t, uint64_t by)
{
	return t + by < t ? UINT64_MAX : t + by;
}

/* In units; NAN where it is not known. */
static float time_of(bool is_known, uint64_t ns)
{
	return is_known && ns ? (float)feature_log2(ns) : NAN;
}

static float known(int16_t x)
{
	return x ? (float)x : NAN;
}

static void guess(float *to, float burst, float sleep)
{
	to[FORECAST_BURST] = burst;
	to[FORECAST_SLEEP] = sleep;
	to[FORECAST_CLASS] = rows_class(burst, sleep);
}

static void guesses(struct row *r)
{
	const int16_t *x = r->x;
	float sleeps = known(x[FEATURE_SLEEP_MEAN]), smooth = NAN;

	if (x[FEATURE_BURST_SLOW])
		smooth =
			(float)(x[FEATURE_BURST_SLOW] + x[FEATURE_BURST_TREND]);
	guess(r->guess[GUESS_AVERAGE], known(x[FEATURE_BURST_MEAN]), sleeps);
	guess(r->guess[GUESS_SMOOTH], smooth, sleeps);
	guess(r->guess[GUESS_LAST], known(x[FEATURE_BURST_LAST]),
	      known(x[FEATURE_SLEEP_LAST]));
}

void recording_row(const struct burst_record *b, int64_t epoch_ns,
		   uint32_t from, struct row *out)
{
	bool slept = !(b->flags & (BURST_OPEN | BURST_ASLEEP | BURST_EXITED));
	float burst = time_of(!(b->flags & BURST_OPEN), b->run_ns);
	float sleep = time_of(slept, b->sleep_ns);

	memset(out, 0, sizeof(*out));
	out->from = from;
	/* No clock is that late; what a file says of it may be anything. */
	out->at = ((uint64_t)epoch_ns + b->at) & INT64_MAX;
	out->known = later(later(out->at, b->run_ns), b->wait_ns);
	if (slept)
		out->known = later(out->known, b->sleep_ns);
	memcpy(out->x, b->features, sizeof(b->features));
	out->y[FORECAST_BURST] = burst;
	out->y[FORECAST_SLEEP] = sleep;
	out->y[FORECAST_CLASS] = rows_class(burst, sleep);
	guesses(out);
}

int recording_read(const char *path, uint32_t from, struct rows *r,
		   struct recording *out)
{
	struct bursts_block block;
	struct bursts *b = NULL;
	struct row row;
	int rc = bursts_open(path, &b);

	memset(out, 0, sizeof(*out));
	while (!rc && (rc = bursts_next(b, &block)) > 0) {
		for (uint32_t i = 0; i < block.count; i++) {
			recording_row(&block.records[i], block.epoch_ns, from,
				      &row);
			rows_add(r, &row);
		}
		out->bursts += block.count;
		out->lost += block.lost;
		rc = 0;
	}
	if (!rc)
		out->torn = bursts_torn(b);
	bursts_close(b);
	return rc;
}
