/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram of durations: log2 buckets, each cut in four; a quantile is
 * right to within 12.5 %.  Buckets as in bpf/hist_abi.h, times nanoseconds.
 */
#ifndef SCHEDKIT_STATS_HIST_H
#define SCHEDKIT_STATS_HIST_H

#include <stdint.h>

#include "bpf/hist_abi.h"
#include "doc/json.h"

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t slot[HIST_SLOTS];
};

void hist_add(struct hist *h, uint64_t ns);
void hist_add_many(struct hist *h, uint64_t ns, uint64_t times);
void hist_merge(struct hist *h, const struct hist *from);

/* The smallest value that a slot counts. */
uint64_t hist_lower(unsigned slot);

/* The q-quantile, 0 <= q <= 1, interpolated within its bucket, never above
 * max; 0 for an empty histogram. */
uint64_t hist_quantile(const struct hist *h, double q);

/*
 * {"count","sum","max","p50","p90","p99","buckets":[[lower,count],…]} with
 * times in microseconds and only buckets that are not empty.
 */
struct json *hist_json(const struct hist *h);

#endif
