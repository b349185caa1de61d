/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents sim: the runtime on a virtual clock. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/agents.h"
#include "rt/replay.h"

#define POLICIES_MAX 16

static struct {
	const char *policy, *fit, *order;
	bool exclusive, no_backfill, check, json;
} arg = {.policy = "all", .fit = "score"};

#define REFUSALS 8 /* that are told of */

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'p',
	 .name = "policy",
	 .arg = "NAME",
	 .words = "fifo|rr|priority|sjf|mlfq|fair|all",
	 .help = "sim: one policy alone, or all",
	 .target = &arg.policy},
	{.kind = OPT_STRING,
	 .name = "fit",
	 .arg = "score|best|first",
	 .help = "sim: how a worker is chosen",
	 .target = &arg.fit},
	{.kind = OPT_FLAG,
	 .name = "exclusive",
	 .help = "sim: one request on a worker at a time",
	 .target = &arg.exclusive},
	{.kind = OPT_FLAG,
	 .name = "no-backfill",
	 .help = "sim: what does not fit holds up all behind it",
	 .target = &arg.no_backfill},
	{.kind = OPT_STRING,
	 .name = "order",
	 .arg = "arrival|highest|lowest",
	 .help = "sim: one request at a time, by arrival or priority",
	 .target = &arg.order},
	{.kind = OPT_FLAG,
	 .name = "check",
	 .help = "sim: whether all is as the trace expects",
	 .target = &arg.check},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "JSON, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_END},
};

static const struct opt_tool sim_tool = {
	.name = "sched-agents",
	.purpose = "the runtime on a virtual clock",
	.synopsis = "sim [OPTION...] TRACE...",
	.options = options,
	.mixed = true,
};

/* ---- options ----------------------------------------------------------- */

static int choose(const char *option, const char *s, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], s))
			return i;
	cli_usage(&sim_tool, "--%s: there is no '%s'", option, s);
}

static void read_options(struct rt_replay_opts *o, const char **policies,
			 size_t *n)
{
	/* As enum rt_fit and, behind RT_SERIAL_NOT, enum rt_serial. */
	static const char *const fits[] = {"score", "best", "first", NULL};
	static const char *const orders[] = {"arrival", "highest", "lowest",
					     NULL};
	size_t i = 0;

	*o = (struct rt_replay_opts){
		.fit = (enum rt_fit)choose("fit", arg.fit, fits),
		.exclusive = arg.exclusive,
		.no_backfill = arg.no_backfill,
	};
	if (arg.order)
		o->serial = (enum rt_serial)(
			RT_SERIAL_ARRIVAL + choose("order", arg.order, orders));
	for (*n = 0; rt_policies[i]; i++)
		if (!strcmp(arg.policy, "all") ||
		    !strcmp(arg.policy, rt_policies[i]->name))
			policies[(*n)++] = rt_policies[i]->name;
	if (!*n) {
		rt_policy_find(arg.policy);
		cli_usage(&sim_tool, "%s", err_text());
	}
}

/* ---- output ------------------------------------------------------------ */

static void put_seconds(struct table *t, double s)
{
	if (isnan(s))
		table_cell(t, "-");
	else
		table_cell(t, s < 9.95 ? "%.2f" : "%.0f", s);
}

static void print_table(const char *const *policies, const struct rt_figures *f,
			size_t n)
{
	static const char *const titles[] = {
		"wait p50",  "p99",	 "short p99", "urgent p99", "wide p99",
		"turn mean", "p50",	 "p99",	      "makespan",   "jain",
		"lost s",    "lost tok", "USD",	      "preempted",  "undone"};
	struct table *t = table_new();

	table_column(t, "policy", TABLE_LEFT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	for (size_t i = 0; i < n; i++, f++) {
		const double s[] = {f->wait_p50,       f->wait_p99,
				    f->wait_short_p99, f->wait_urgent_p99,
				    f->wait_wide_p99,  f->turnaround_mean,
				    f->turnaround_p50, f->turnaround_p99,
				    f->makespan};

		table_cell(t, "%s", policies[i]);
		for (size_t k = 0; k < ARRAY_LEN(s); k++)
			put_seconds(t, s[k]);
		table_cell(t, "%.3f", f->jain);
		put_seconds(t, f->lost_s);
		table_cell(t, "%.0f", f->lost_tokens);
		table_cell(t, "%.2f", f->cost_usd);
		table_cell(t, "%zu", f->preemptions);
		table_cell(t, "%zu", f->requests - f->done);
	}
	cli_table(t, 0);
}

static struct json *document(const char *path, const char *const *policies,
			     const struct rt_figures *f, size_t n)
{
	struct json *v = json_object(), *list;

	json_set_string(v, "trace", path);
	list = json_set(v, "policies", json_array());
	for (size_t i = 0; i < n; i++) {
		struct json *row = rt_figures_json(&f[i]);

		json_set_string(row, "policy", policies[i]);
		json_add(list, row);
	}
	return v;
}

/* ---- a trace ----------------------------------------------------------- */

static void complain(void *path, const char *words)
{
	cli_note(&sim_tool, "%s: %s", (const char *)path, words);
}

static int show(const char *path, const struct rt_trace *t,
		const char *const *policies, const struct rt_figures *f,
		size_t n)
{
	int rc = 0;

	if (arg.json) {
		struct json *v = document(path, policies, f, n);

		agents_put(v);
		json_free(v);
	} else {
		printf("%s: %zu requests\n", path, t->request_count);
		print_table(policies, f, n);
	}
	if (arg.check)
		rc = rt_trace_check(t, policies, f, n, complain,
				    (void *)(uintptr_t)path);
	if (rc < 0)
		return cli_fail(&sim_tool, rc);
	return rc ? CLI_NO : CLI_YES;
}

struct refusals {
	const char *path;
	size_t n;
};

static void on_refused(void *to, const struct rt_trace_request *q)
{
	struct refusals *r = to;

	if (++r->n <= REFUSALS)
		cli_note(&sim_tool, "%s: line %zu is refused: %s", r->path,
			 q->line, err_text());
}

static int replay(const char *path)
{
	struct refusals refused = {.path = path};
	const char *policies[POLICIES_MAX];
	struct rt_figures f[POLICIES_MAX];
	struct rt_replay_opts o;
	struct rt_trace t;
	size_t n;
	int rc;

	read_options(&o, policies, &n);
	rc = rt_trace_read(path, &t);
	if (rc)
		return cli_fail(&sim_tool, rc);
	for (size_t i = 0; !rc && i < n; i++) {
		o.policy = policies[i];
		/* Mostly all refuse the same. */
		o.refused = i ? NULL : on_refused;
		o.arg = &refused;
		rc = rt_replay(&t, &o, &f[i]);
	}
	if (refused.n > REFUSALS)
		cli_note(&sim_tool, "%s: and %zu more", path,
			 refused.n - REFUSALS);
	rc = rc ? cli_fail(&sim_tool, rc) : show(path, &t, policies, f, n);
	rt_trace_release(&t);
	return rc;
}

static int sim(int argc, char **argv)
{
	int at = cli_options(&sim_tool, argc, argv), worst = CLI_YES;

	if (at == argc)
		cli_usage(&sim_tool, "name a trace; see "
				     "schedkit-trace(5)");
	for (; at < argc; at++) {
		int status = replay(argv[at]);

		worst = status > worst ? status : worst;
	}
	return worst;
}

const struct cli_command agents_sim = {
	.name = "sim",
	.purpose = "the runtime on a virtual clock",
	.tool = &sim_tool,
	.run = sim,
};
