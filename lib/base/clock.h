/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time and random numbers that a test can fix.
 *
 * SCHEDKIT_TIME=SECONDS (since the epoch) in the environment freezes
 * clock_wall(), so that two runs write the same documents.
 */
#ifndef SCHEDKIT_BASE_CLOCK_H
#define SCHEDKIT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_TEXT_LEN 21 /* "2026-11-21T03:04:05Z" and its NUL */

time_t clock_wall(void);
double clock_monotonic(void); /* seconds */
double clock_boot(void);      /* likewise, those asleep included */
double clock_cpu(void);	      /* likewise, of this thread */
void clock_text(time_t t, char out[static CLOCK_TEXT_LEN]); /* UTC */
time_t clock_parse(const char *text); /* back again; 0: it is none */

/* xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. */
struct rng {
	uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 <= x < n, n > 0, unbiased */
double rng_unit(struct rng *r);		       /* 0 <= x < 1 */

#endif
