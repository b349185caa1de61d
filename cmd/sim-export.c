/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A workload of any kind as rt-app's JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "cmd/sim.h"
#include "sim/load.h"

static const struct opt options[] = {
	{0},
};

static const struct opt_tool tool = {
	.name = "sched-sim",
	.purpose = "a workload as rt-app's JSON",
	.synopsis = "export WORKLOAD",
	.options = options,
};

static int run(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv);
	const struct json *notes;
	struct json *v;
	struct load *l;
	char *text;
	int rc;

	if (argc - first != 1)
		cli_usage(&tool, "name one workload, or - for standard input");
	rc = load_open(argv[first], &l);
	if (rc)
		return cli_fail(&tool, rc);
	v = load_to_rtapp(l, &notes);
	json_each (n, l->notes)
		cli_note(&tool, "%s", json_as_string(n, ""));
	json_each (n, notes)
		cli_note(&tool, "%s", json_as_string(n, ""));
	text = json_ordered(v);
	puts(text);
	free(text);
	json_free((struct json *)notes);
	json_free(v);
	load_free(l);
	return CLI_YES;
}

const struct cli_command sim_export = {
	.name = "export",
	.purpose = "write a workload as rt-app's JSON",
	.tool = &tool,
	.run = run,
};
