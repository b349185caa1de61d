/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One job of a batch: a fixed amount of integer work, then exit.
 *
 *   burn JOB     a job of the table; its name says nothing about its size
 *   burn --idle  work for ever (to keep a CPU busy)
 *
 * SCHEDKIT_UNIT scales the amount (default 120).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_ROUNDS 1000000ULL

static const struct {
	const char *name;
	unsigned int units;
} jobs[] = {
	{"kestrel", 1}, {"marl", 1},  {"tansy", 1},  {"oriel", 1}, {"gable", 1},
	{"sorrel", 1},	{"quoin", 9}, {"linden", 1}, {"fjord", 1}, {"umber", 1},
};

static volatile uint64_t sink;

static void work(uint64_t rounds)
{
	uint64_t x = 88172645463325252ULL;

	while (rounds--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	sink = x;
}

int main(int argc, char **argv)
{
	const char *scale = getenv("SCHEDKIT_UNIT");
	uint64_t unit = (scale ? strtoull(scale, NULL, 10) : 120) * UNIT_ROUNDS;

	if (argc == 2 && !strcmp(argv[1], "--idle"))
		for (;;)
			work(unit);
	for (size_t i = 0; argc == 2 && i < sizeof(jobs) / sizeof(*jobs); i++) {
		if (strcmp(argv[1], jobs[i].name))
			continue;
		work(unit * jobs[i].units);
		return 0;
	}
	fprintf(stderr, "usage: burn JOB | burn --idle\n");
	return 2;
}
