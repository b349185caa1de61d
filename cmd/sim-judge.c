/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-sim judge: what a model is worth on recorded bursts, before a kernel
 * sees it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/simulator/contest.h"
#include "agents/simulator/simulate.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/sim.h"
#include "doc/doc.h"
#include "learn/forecast.h"
#include "policy/model.h"
#include "term/num.h"
#include "term/table.h"
#include "term/text.h"

static struct {
	const char *model, *machine, *costs, *kernel;
	struct strs params;
	double holdout_pct;
	long seed;
	bool json;
} arg = {.holdout_pct = 30, .seed = 1};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .name = "model",
	 .arg = "MODEL",
	 .help = "a file of sched-train",
	 .target = &arg.model},
	{.kind = OPT_DOUBLE,
	 .name = "holdout",
	 .arg = "PCT",
	 .help = "of the time, its last part: only bursts in it count (30)",
	 .target = &arg.holdout_pct,
	 .min = 1,
	 .max = 100},
	{.kind = OPT_LIST,
	 .letter = 'p',
	 .name = "param",
	 .arg = "NAME=VALUE",
	 .help = "of the template, whatever it goes by; all but its order",
	 .target = &arg.params},
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "machine",
	 .arg = "CPUS[,LIST]",
	 .help = "8,threads=2,llcs=2,nodes=1; by default the recording's own",
	 .target = &arg.machine},
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "costs",
	 .arg = "FILE",
	 .help = "JSON with what things cost",
	 .target = &arg.costs},
	SIM_KERNEL(&arg.kernel),
	SIM_SEED(&arg.seed),
	SIM_JSON(&arg.json),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-sim",
	.purpose = "judge a model on recorded bursts",
	.synopsis = "judge [OPTION...] --model MODEL FILE",
	.options = options,
	.epilogue = "FILE: of sched-observe --bursts\n"
		    "exit status: 0 the model beats the exponential average, "
		    "1 it does not,\n2 usage, 3 cannot",
};

/* What a trace of its own could not go on after; a load ends before that. */
#define LIMIT_NS 86400000000000ull

static int read_params(struct json *params)
{
	int rc = 0;

	for (size_t i = 0; i < arg.params.len && !rc; i++)
		rc = sim_set_param(params, arg.params.v[i]);
	if (!rc && json_get(params, "order"))
		rc = err_set(EINVAL, "the order is what is compared here");
	return rc;
}

static int read_machine(const struct load *l, struct sim_machine *m)
{
	simulate_machine(NULL, m);
	sim_take_machine(l, m);
	return arg.machine ? sim_machine_parse(arg.machine, m) : 0;
}

static int judge(const char *path, struct contest *out)
{
	struct json *params = json_object();
	struct load *load = NULL;
	struct forecast model;
	struct contest_opts o = {
		.model = &model,
		.params = params,
		.sim = {.seed = (uint64_t)arg.seed,
			.limit_ns = LIMIT_NS,
			.cancel = &cli_stop},
	};
	int rc = read_params(params);

	if (!rc && arg.kernel)
		rc = sim_kernel_parse(arg.kernel, &o.kernel);
	if (!rc)
		rc = forecast_read(arg.model, &model);
	if (!rc) {
		rc = policy_model_check(&model);
		if (rc)
			err_prefix(rc, "'%s'", arg.model);
	}
	if (!rc)
		rc = load_from_bursts(path, 1 - arg.holdout_pct / 100, &load);
	o.load = load;
	if (!rc)
		rc = read_machine(load, &o.sim.machine);
	if (!rc)
		rc = sim_read_costs(arg.costs, load, &o.sim.costs);
	if (!rc)
		rc = contest_run(&o, out);
	load_free(load);
	json_free(params);
	return rc;
}

/* ---- what came out ----------------------------------------------------- */

static void show_time(struct table *t, double us, double base_us)
{
	char num[NUM_LEN], ratio[NUM_LEN];

	table_cell(t, "%s", num_us(num, us));
	table_cell(t, "%s", us > 0 ? num_ratio(ratio, base_us / us) : "-");
}

static void show_number(struct table *t, double x, double base)
{
	char ratio[NUM_LEN];

	table_cell(t, "%.4g", x);
	table_cell(t, "%s", x > 0 ? num_ratio(ratio, base / x) : "-");
}

static void show(const struct contest *c)
{
	static const char *const titles[] = {
		"response", "", "p99", "", "slowdown", "", "p99", "", "wall"};
	const struct contest_figures *base = &c->arm[CONTEST_EEVDF];
	struct table *t = table_new();

	table_column(t, "by", TABLE_LEFT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	for (int i = 0; i < CONTEST_ARMS; i++) {
		const struct contest_figures *f = &c->arm[i];

		table_cell(t, "%s", contest_names[i]);
		show_time(t, f->response_us, base->response_us);
		show_time(t, f->response_p99_us, base->response_p99_us);
		show_number(t, f->slowdown, base->slowdown);
		show_number(t, f->slowdown_p99, base->slowdown_p99);
		table_cell(t, "%.3f s", f->wall_s);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	printf("\n%s\n", json_text_at(c->body, "text"));
}

static int report(struct contest *c)
{
	int rc = 0;

	if (cli_wants_json(arg.json)) {
		rc = sim_put_note(c->body);
		c->body = NULL;
	} else {
		show(c);
	}
	if (rc)
		return cli_fail(&tool, rc);
	return c->beats ? CLI_YES : CLI_NO;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), rc, status;
	struct contest c = {0};

	if (!arg.model)
		cli_usage(&tool, "judge what? give --model MODEL");
	if (argc - at != 1)
		cli_usage(&tool, "on which bursts? give one file of "
				 "sched-observe --bursts");
	cli_catch_stop();
	rc = judge(argv[at], &c);
	status = rc ? cli_fail(&tool, rc) : report(&c);
	contest_release(&c);
	strs_release(&arg.params);
	return status;
}

const struct cli_command sim_judge = {
	.name = "judge",
	.purpose = "judge a model on recorded bursts",
	.tool = &tool,
	.run = run,
};
