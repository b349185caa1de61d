/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched rollout sim: what it would be like with many hosts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/rollout.h"
#include "rollout/fleet.h"
#include "term/num.h"
#include "term/text.h"

static struct {
	struct strs cohorts, kernels;
	long hosts, seed;
	double every_s, offline_pct, offline_for_s, skew_s, delay_s, shows_s;
	double until_s, spread_s;
} arg = {
	.hosts = 10000,
	.seed = 1,
	.every_s = 900,
	.offline_pct = 2,
	.offline_for_s = 14400,
	.skew_s = 30,
	.delay_s = 60,
	.shows_s = 600,
	.until_s = 259200,
	.spread_s = ROLLOUT_SPREAD_S,
};

static const struct opt options[] = {
	ROLLOUT_JSON,
	{.kind = OPT_LONG,
	 .name = "hosts",
	 .arg = "N",
	 .help = "so many (10000)",
	 .target = &arg.hosts,
	 .min = 1,
	 .max = FLEET_HOSTS},
	{.kind = OPT_LONG,
	 .name = "seed",
	 .arg = "N",
	 .help = "of all that is by chance (1)",
	 .target = &arg.seed,
	 .min = 0,
	 .max = 1e15},
	{.kind = OPT_LIST,
	 .name = "cohort",
	 .arg = "COHORT",
	 .help = "as for start",
	 .target = &arg.cohorts},
	{.kind = OPT_DOUBLE,
	 .name = "spread",
	 .arg = "S",
	 .help = "as for start (600)",
	 .target = &arg.spread_s,
	 .min = 0,
	 .max = 86400},
	{.kind = OPT_LIST,
	 .name = "kernel",
	 .arg = "NAME:SHARE:BAD",
	 .help = "hosts with it, and those where the policy is bad, in percent",
	 .target = &arg.kernels},
	{.kind = OPT_DOUBLE,
	 .name = "every",
	 .arg = "S",
	 .help = "a host follows each so many seconds (900)",
	 .target = &arg.every_s,
	 .min = 1,
	 .max = 86400},
	{.kind = OPT_DOUBLE,
	 .name = "offline",
	 .arg = "PCT",
	 .help = "hosts that cannot reach the remote, at any time (2)",
	 .target = &arg.offline_pct,
	 .min = 0,
	 .max = 99},
	{.kind = OPT_DOUBLE,
	 .name = "offline-for",
	 .arg = "S",
	 .help = "--offline: for so long, in the mean (14400)",
	 .target = &arg.offline_for_s,
	 .min = 1,
	 .max = 1e7},
	{.kind = OPT_DOUBLE,
	 .name = "skew",
	 .arg = "S",
	 .help = "clocks are off by up to so much (30)",
	 .target = &arg.skew_s,
	 .min = 0,
	 .max = 1e6},
	{.kind = OPT_DOUBLE,
	 .name = "delay",
	 .arg = "S",
	 .help = "until a report can be read by others, in the mean (60)",
	 .target = &arg.delay_s,
	 .min = 0,
	 .max = 1e6},
	{.kind = OPT_DOUBLE,
	 .name = "shows",
	 .arg = "S",
	 .help = "until it shows that a policy is bad, in the mean (600)",
	 .target = &arg.shows_s,
	 .min = 0,
	 .max = 1e6},
	{.kind = OPT_DOUBLE,
	 .letter = 'f',
	 .name = "for",
	 .arg = "S",
	 .help = "it ends after so long, at the latest (259200)",
	 .target = &arg.until_s,
	 .min = 1,
	 .max = 1e7},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-rollout",
	.purpose = "simulate a rollout over many hosts",
	.synopsis = "sim [OPTION...]",
	.options = options,
};

/* All at once, under the rules of the last cohort. */
static void without_cohorts(struct rollout *r)
{
	r->cohorts[0] = r->cohorts[r->n - 1];
	strcpy(r->cohorts[0].name, "all");
	r->cohorts[0].share_pct = 100;
	r->n = 1;
}

/* ---- telling it -------------------------------------------------------- */

static void put_json(const char *way, const struct fleet_result *f)
{
	const struct {
		const char *key;
		double value;
	} rows[] = {
		{"half_s", f->half_s},
		{"most_s", f->most_s},
		{"ended_s", f->spoilt_s},
		{"simulated_s", f->end_s},
		{"have", (double)f->have},
		{"had", (double)f->had},
		{"had_bad", (double)f->had_bad},
		{"bad_s", f->bad_s},
		{"bad_longest_s", f->bad_longest_s},
		{"pulls", (double)f->pulls},
		{"pushes", (double)f->pushes},
		{"pulled_bytes", f->pulled},
		{"pushed_bytes", f->pushed},
		{"pulls_worst_hour", (double)f->pulls_hour},
		{"pushes_worst_hour", (double)f->pushes_hour},
		{"bytes_worst_hour", f->bytes_hour},
	};
	struct json *v = json_object();

	json_set_string(v, "way", way);
	json_set_number(v, "hosts", (double)arg.hosts);
	json_set_number(v, "seed", (double)arg.seed);
	/* What never came is null. */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_set_number(v, rows[i].key,
				rows[i].value < 0 ? NAN : rows[i].value);
	rollout_put_line(v);
}

static char *when(char out[static NUM_LEN], double s)
{
	if (s < 0)
		strcpy(out, "never");
	else
		num_us(out, s * 1e6);
	return out;
}

static void put_row(struct table *t, const char *name, const char *a,
		    const char *b)
{
	table_cell(t, "%s", name);
	table_cell(t, "%s", a);
	table_cell(t, "%s", b);
}

static void put_table(const struct fleet_result f[static 2])
{
	const struct {
		const char *name;
		double v[2];
		enum { TIME, COUNT, BYTES } unit;
	} rows[] = {
		{"half of the hosts have it after",
		 {f[0].half_s, f[1].half_s},
		 TIME},
		{"99 % of the hosts have it after",
		 {f[0].most_s, f[1].most_s},
		 TIME},
		{"reports end it after", {f[0].spoilt_s, f[1].spoilt_s}, TIME},
		{"simulated", {f[0].end_s, f[1].end_s}, TIME},
		{"hosts that have it then",
		 {(double)f[0].have, (double)f[1].have},
		 COUNT},
		{"hosts that ever had it",
		 {(double)f[0].had, (double)f[1].had},
		 COUNT},
		{"of these it was bad on",
		 {(double)f[0].had_bad, (double)f[1].had_bad},
		 COUNT},
		{"for so long in all", {f[0].bad_s, f[1].bad_s}, TIME},
		{"and the longest",
		 {f[0].bad_longest_s, f[1].bad_longest_s},
		 TIME},
		{"pulls", {(double)f[0].pulls, (double)f[1].pulls}, COUNT},
		{"pushes", {(double)f[0].pushes, (double)f[1].pushes}, COUNT},
		{"pulls in the worst hour",
		 {(double)f[0].pulls_hour, (double)f[1].pulls_hour},
		 COUNT},
		{"pushes in the worst hour",
		 {(double)f[0].pushes_hour, (double)f[1].pushes_hour},
		 COUNT},
		{"at the remote in the worst hour",
		 {f[0].bytes_hour, f[1].bytes_hour},
		 BYTES},
	};
	struct table *t = table_new();
	char a[NUM_LEN], b[NUM_LEN];

	table_column(t, "", TABLE_LEFT);
	table_column(t, "by cohorts", TABLE_RIGHT);
	table_column(t, "all at once", TABLE_RIGHT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const double *v = rows[i].v;

		if (rows[i].unit == TIME)
			put_row(t, rows[i].name, when(a, v[0]), when(b, v[1]));
		else if (rows[i].unit == BYTES)
			put_row(t, rows[i].name, num_bytes(a, v[0]),
				num_bytes(b, v[1]));
		else {
			snprintf(a, sizeof(a), "%.0f", v[0]);
			snprintf(b, sizeof(b), "%.0f", v[1]);
			put_row(t, rows[i].name, a, b);
		}
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void read_kernels(struct fleet_opts *o)
{
	for (size_t i = 0; i < arg.kernels.len; i++) {
		if (o->n == FLEET_KERNELS)
			cli_usage(&tool, "more than %d kernels", FLEET_KERNELS);
		if (fleet_kernel_parse(arg.kernels.v[i], &o->kernels[o->n++]))
			cli_usage(&tool, "option --kernel: %s", err_text());
	}
}

static int run(int argc, char **argv)
{
	struct fleet_opts o;
	struct fleet_result f[2];

	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	o = (struct fleet_opts){
		.hosts = arg.hosts,
		.seed = (uint64_t)arg.seed,
		.every_s = arg.every_s,
		.offline_pct = arg.offline_pct,
		.offline_for_s = arg.offline_for_s,
		.skew_s = arg.skew_s,
		.delay_s = arg.delay_s,
		.shows_s = arg.shows_s,
		.until_s = arg.until_s,
		.costs = FLEET_COSTS,
	};
	rollout_read_cohorts(&tool, &arg.cohorts, &o.r);
	o.r.spread_s = arg.spread_s;
	read_kernels(&o);
	if (fleet_run(&o, &f[0]))
		cli_usage(&tool, "%s", err_text());
	without_cohorts(&o.r);
	if (fleet_run(&o, &f[1]))
		cli_usage(&tool, "%s", err_text());
	if (cli_wants_json(rollout_arg.json)) {
		put_json("cohorts", &f[0]);
		put_json("at-once", &f[1]);
	} else {
		put_table(f);
	}
	return CLI_YES;
}

const struct cli_command rollout_sim_command = {
	.name = "sim",
	.purpose = "simulate a rollout over many hosts",
	.tool = &tool,
	.run = run,
};
