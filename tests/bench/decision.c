/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a decision of a learned model costs in the running kernel: the program
 * that tests/unit/test_learn_forecast.c runs in the virtual machine is loaded
 * and run by BPF_PROG_TEST_RUN, each time on another row of features, as large
 * a model as there can be, and less what the program takes without the model.
 * Takes the privilege to load BPF.
 *
 *   decision OBJECT [ROUNDS]     lines of "model, nanoseconds": medians
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "learn/forecast.h"
#include "stats/sample.h"

#define ROWS   1024
#define REPEAT 1000000

static struct forecast model;
static int16_t rows[ROWS][FORECAST_FEATURES];

static int fill(struct bpf_object *o, const char *map, const void *from,
		size_t len)
{
	const uint32_t key = 0;
	struct bpf_map *m = bpf_object__find_map_by_name(o, map);

	return m ? bpf_map__update_elem(m, &key, sizeof(key), from, len, 0)
		 : -1;
}

/* Nanoseconds of one run; negative: it cannot be run. */
static double once(struct bpf_object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);
	unsigned char packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = REPEAT);

	if (!p || bpf_prog_test_run_opts(bpf_program__fd(p), &opts))
		return -1;
	return opts.duration;
}

/* By turns, so that what else the machine does is in both. */
static int measure(struct bpf_object *o, const char *what, size_t rounds)
{
	double *with = mem_zalloc(rounds, sizeof(*with));
	double *without = mem_zalloc(rounds, sizeof(*without));
	int rc = fill(o, ".data.model", &model, sizeof(model));

	for (size_t i = 0; i < rounds && !rc; i++) {
		with[i] = once(o, "burst");
		without[i] = once(o, "nothing");
		rc = with[i] < 0 || without[i] < 0;
	}
	if (!rc)
		printf("%s\t%.0f\n", what,
		       sample_median(with, rounds) -
			       sample_median(without, rounds));
	free(with);
	free(without);
	return rc;
}

static int16_t any(struct rng *r)
{
	return (int16_t)rng_below(r, 16384);
}

static int set_linear(struct rng *r)
{
	struct linear l;

	linear_init(&l, FORECAST_FEATURES, 1);
	for (unsigned i = 0; i <= l.n; i++)
		l.w[i] = rng_unit(r) - 0.5;
	return forecast_of_linear(&l, &model.part[FORECAST_BURST]);
}

static int set_trees(struct rng *r)
{
	struct trees t = {.n = FORECAST_TREES, .base = 5000};

	for (unsigned i = 0; i < t.n; i++)
		for (unsigned k = 0; k < FORECAST_NODES; k++) {
			t.tree[i].feature[k] =
				(uint8_t)rng_below(r, FORECAST_FEATURES);
			t.tree[i].threshold[k] = any(r);
			t.tree[i].leaf[k] = 200 * (rng_unit(r) - 0.5);
		}
	return forecast_of_trees(&t, &model.part[FORECAST_BURST]);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
	struct bpf_object *o;
	struct rng r;
	int rc;

	if (argc < 2 || !rounds)
		return 2;
	rng_init(&r, 1);
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < FORECAST_FEATURES; k++)
			rows[i][k] = any(&r);
	o = bpf_object__open_file(argv[1], NULL);
	rc = !o || bpf_object__load(o) ||
	     fill(o, ".data.rows", rows, sizeof(rows));
	rc = rc || set_linear(&r) || measure(o, "linear", rounds) ||
	     set_trees(&r) || measure(o, "trees", rounds);
	if (rc)
		fprintf(stderr, "decision: this kernel does not run it\n");
	bpf_object__close(o);
	return rc ? 3 : 0;
}
