/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is learned from: a row for each burst, with what was known of the task
 * when it became runnable and what then came of it.
 */
#ifndef SCHEDKIT_LEARN_ROWS_H
#define SCHEDKIT_LEARN_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/forecast_abi.h"

#define ROWS_MAX (1u << 20)

/* What needs no model. */
enum guess {
	GUESS_AVERAGE, /* exponential average, as bpf/policy.bpf.c has it */
	GUESS_SMOOTH,  /* exponential average of logarithms */
	GUESS_LAST,    /* what it was the last time */
	GUESS_MEDIAN,  /* the same for all; of the rows that are learned from */
	GUESS_COUNT,
};

struct row {
	uint32_t from;	/* which recording; clocks of two do not compare */
	uint64_t at;	/* when the features were taken, ns */
	uint64_t known; /* when all of y had come to pass, ns; >= at */
	int16_t x[FORECAST_FEATURES];
	/* In units of the model; NAN: not known. */
	float y[FORECAST_TARGETS];
	/* Likewise, up to GUESS_LAST; NAN: nothing is known of the task yet. */
	float guess[GUESS_MEDIAN][FORECAST_TARGETS];
};

struct rows {
	struct row *v;
	size_t n, cap;
	size_t most;	/* 0: ROWS_MAX */
	uint64_t every; /* one of so many is kept; 0 is 1 */
	uint64_t seen;
};

/*
 * Copies the row.  Where there are too many, every other one is dropped and
 * from then on one of twice as many is kept: what stays is spread over all the
 * time, and the same for the same input.
 */
void rows_add(struct rows *r, const struct row *row);
void rows_release(struct rows *r); /* safe on zeroed ones */

/* By recording, then time; equal ones stay as they stood. */
void rows_sort(struct rows *r);

/* Some rows and what is to be learned of them; lent. */
struct picks {
	const struct row **v;
	size_t n;
	enum forecast_target target;
};

static inline double picks_y(const struct picks *s, size_t i)
{
	return (double)s->v[i]->y[s->target];
}

/*
 * The class of a burst that ran and then slept so many units: interactive if
 * it took below an eighth of its time and less than 4 ms, batch if it took over
 * seven eighths, nearly, or over 16 ms.  In units; NAN where one of them is.
 */
float rows_class(float burst, float sleep);

#endif
