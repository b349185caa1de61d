/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client that asks, waits for an answer from elsewhere, and asks again.
 * How long an answer takes is drawn anew in every run, up to twice MEAN: the
 * figure has noise of its own, and no scheduler has a say in it.
 *
 *   answers [N [MEAN-MS]]     60 answers of 8 ms
 */
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "work.h"

static volatile uint64_t sink;

/* 0 … 1 */
static double chance(void)
{
	uint32_t x = 0;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		exit(1);
	return x / 4294967296.0;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 60;
	double mean = argc > 2 ? strtod(argv[2], NULL) : 8, begin = now();

	if (n < 1 || mean <= 0 || mean > 1000) {
		fputs("usage: answers [N [MEAN-MS]]\n", stderr);
		return 2;
	}
	for (long i = 0; i < n; i++) {
		sink = compute(20000);
		usleep((useconds_t)(chance() * 2 * mean * 1000));
	}
	printf("%ld answers in %.4f s\n", n, now() - begin);
	return 0;
}
