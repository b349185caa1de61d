/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched deploy watch: the trusted policy for what this machine does. */
#include <stdio.h>
#include <stdlib.h>

#include "agents/watcher/watcher.h"
#include "cmd/deploy.h"

static struct {
	struct watcher_rules rules;
	double interval, window, within;
	long rounds, falls;
	const char *metrics;
	bool dry_run, no_history;
} arg = {.interval = 60, .window = 5, .falls = 3, .within = 3600};

static const struct opt options[] = {
	DEPLOY_JSON,
	DEPLOY_DRY_RUN(&arg.dry_run),
	{.kind = OPT_DOUBLE,
	 .letter = 'i',
	 .name = "interval",
	 .arg = "S",
	 .help = "watch: from one look to the next (60)",
	 .target = &arg.interval,
	 .min = 0.1,
	 .max = 86400},
	{.kind = OPT_DOUBLE,
	 .letter = 's',
	 .name = "seconds",
	 .arg = "S",
	 .help = "watch: a look takes so long (5)",
	 .target = &arg.window,
	 .min = 0.1,
	 .max = 3600},
	{.kind = OPT_LONG,
	 .name = "lasts",
	 .arg = "K",
	 .help = "watch: what so many looks say lasts (3)",
	 .target = &arg.rules.lasts,
	 .min = 1,
	 .max = WATCHER_WINDOWS_MAX},
	{.kind = OPT_LONG,
	 .name = "of",
	 .arg = "M",
	 .help = "--lasts: of so many (4)",
	 .target = &arg.rules.of,
	 .min = 1,
	 .max = WATCHER_WINDOWS_MAX},
	{.kind = OPT_DOUBLE,
	 .name = "near",
	 .arg = "D",
	 .help = "watch: a workload is known up to this distance (3)",
	 .target = &arg.rules.near,
	 .min = 0,
	 .max = 1000},
	{.kind = OPT_DOUBLE,
	 .name = "far",
	 .arg = "D",
	 .help = "watch: and lost beyond this (6)",
	 .target = &arg.rules.far,
	 .min = 0,
	 .max = 1000},
	{.kind = OPT_DOUBLE,
	 .name = "dwell",
	 .arg = "S",
	 .help = "watch: what is put in place stays so long (300)",
	 .target = &arg.rules.dwell_s,
	 .min = 0,
	 .max = 86400},
	{.kind = OPT_DOUBLE,
	 .name = "cool-down",
	 .arg = "S",
	 .help = "watch: what fell is left alone so long, then twice (900)",
	 .target = &arg.rules.cooldown_s,
	 .min = 0,
	 .max = 86400},
	{.kind = OPT_LONG,
	 .name = "per-hour",
	 .arg = "N",
	 .help = "watch: at most so many changes in an hour (6)",
	 .target = &arg.rules.per_hour,
	 .min = 2,
	 .max = WATCHER_SWITCHES_MAX},
	DEPLOY_FALLS(&arg.falls),
	DEPLOY_WITHIN(&arg.within),
	{.kind = OPT_LONG,
	 .letter = 'r',
	 .name = "rounds",
	 .arg = "N",
	 .help = "watch: end after so many looks (0: never)",
	 .target = &arg.rounds,
	 .min = 0,
	 .max = 1e9},
	{.kind = OPT_STRING,
	 .letter = 'o',
	 .name = "openmetrics",
	 .arg = "FILE",
	 .help = "write figures there in each round",
	 .target = &arg.metrics},
	DEPLOY_NO_HISTORY(&arg.no_history),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "have the trusted policy in place for what this machine "
		   "does",
	.synopsis = "watch [OPTION...]",
	.options = options,
	.mixed = true,
};

/* A line for people, and the document for programs. */
static void said(void *unused, const char *line, const struct doc *note)
{
	char *text;

	(void)unused;
	cli_note(&tool, "%s", line);
	if (!note || !cli_wants_json(deploy_json))
		return;
	text = doc_line(note);
	puts(text);
	fflush(stdout);
	free(text);
}

static int run(int argc, char **argv)
{
	struct watcher_opts o = {
		.cancel = &cli_stop,
		.said = said,
	};
	int rc;

	arg.rules = WATCHER_RULES;
	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	if (arg.rules.lasts > arg.rules.of ||
	    2 * arg.rules.lasts <= arg.rules.of)
		cli_usage(&tool,
			  "--lasts must be more than half of --of, and no more "
			  "than it");
	if (arg.rules.far < arg.rules.near)
		cli_usage(&tool, "--far must not be less than --near");
	o.rules = arg.rules;
	o.interval_s = arg.interval;
	o.window_s = arg.window;
	o.rounds = arg.rounds;
	o.falls = arg.falls;
	o.within_s = arg.within;
	o.dry_run = arg.dry_run;
	o.record = !arg.no_history;
	o.metrics = arg.metrics;
	cli_catch_stop();
	rc = watcher_run(&o);
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

const struct cli_command deploy_watch_command = {
	.name = "watch",
	.purpose = "the trusted policy for what this machine does, for ever",
	.tool = &tool,
	.run = run,
};
