/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-demand run: what is foretold is given before it is wanted. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/demand.h"
#include "policy/knobs.h"

static const char *reserve = "weight";
static struct demand_limits *const limits = &demand_opts.limits;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'r',
	 .name = "reserve",
	 .arg = "HOW",
	 .words = "weight|cpuset|uclamp",
	 .help = "run: by weight, cpuset or uclamp (weight)",
	 .target = &reserve},
	{.kind = OPT_DOUBLE,
	 .letter = 'm',
	 .name = "min",
	 .arg = "CPUS",
	 .help = "run: a cgroup is sure of so much (0)",
	 .target = &limits->min,
	 .min = 0,
	 .max = KNOBS_MAX_CPUS},
	{.kind = OPT_DOUBLE,
	 .letter = 'M',
	 .name = "max",
	 .arg = "CPUS",
	 .help = "run: and of no more than that (all but --leave)",
	 .target = &limits->max,
	 .min = 0.01,
	 .max = KNOBS_MAX_CPUS},
	{.kind = OPT_DOUBLE,
	 .name = "leave",
	 .arg = "CPUS",
	 .help = "run: so much stays everybody's (a tenth of all)",
	 .target = &limits->leave,
	 .min = 0,
	 .max = KNOBS_MAX_CPUS},
	{.kind = OPT_FLAG,
	 .name = "cap",
	 .help = "run: hold it to --max by cpu.max as well",
	 .target = &demand_opts.cap},
	{.kind = OPT_DOUBLE,
	 .name = "linger",
	 .arg = "S",
	 .help = "run: shrink so long after it is wanted no more (5)",
	 .target = &limits->linger_s,
	 .min = 0,
	 .max = 86400},
	{.kind = OPT_DOUBLE,
	 .name = "pressure",
	 .arg = "POINTS",
	 .help = "run: let go what waits more by so many percent of the time "
		 "(10)",
	 .target = &limits->pressure_pct,
	 .min = 0,
	 .max = 100},
	{.kind = OPT_DOUBLE,
	 .letter = 'f',
	 .name = "for",
	 .arg = "S",
	 .help = "end after so long (run: 0, never)",
	 .target = &demand_opts.for_s,
	 .min = 0,
	 .max = 1e9},
	{.kind = OPT_FLAG,
	 .letter = 'n',
	 .name = "dry-run",
	 .help = "run: set nothing, say what would be set",
	 .target = &demand_opts.dry_run},
	DEMAND_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-demand",
	.purpose = "give cgroups what they will want before they want it",
	.synopsis = "run [OPTION...] CGROUP...",
	.options = options,
	.mixed = true,
	.epilogue = "exit status: 0 it ran and everything is as it was, 2 "
		    "usage, 3 cannot, 4 a policy\nis held on this host",
};

static void read_reserve(void)
{
	static const char *const names[] = {[DEMANDER_WEIGHT] = "weight",
					    [DEMANDER_CPUSET] = "cpuset",
					    [DEMANDER_UCLAMP] = "uclamp"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], reserve)) {
			demand_opts.reserve = (enum demander_reserve)i;
			return;
		}
	cli_usage(&tool, "'%s' is no way to reserve: weight, cpuset, uclamp",
		  reserve);
}

static int run(int argc, char **argv)
{
	struct strs groups;
	struct json *body;
	int at, rc, told = CLI_YES, status = CLI_YES;

	limits->linger_s = 5;
	limits->pressure_pct = 10;
	at = cli_options(&tool, argc, argv);
	read_reserve();
	if (limits->max >= 0 && limits->min > limits->max)
		cli_usage(&tool, "--min must not be more than --max");
	if (demand_opts.cap && limits->max < 0)
		cli_usage(&tool, "--cap needs --max");
	groups = demand_groups(&tool, at, argc, argv);
	cli_catch_stop();
	rc = demander_run(&demand_opts, &groups, &body);
	strs_release(&groups);
	if (rc)
		status = cli_fail(&tool, rc);
	if (body)
		told = demand_tell(&tool, body);
	return cli_finish(&tool, status ? status : told);
}

const struct cli_command demand_run = {
	.name = "run",
	.purpose = "give what is foretold before it is wanted, and look back",
	.tool = &tool,
	.run = run,
};
