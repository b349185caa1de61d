/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents metrics: figures for programs. */
#include <stdio.h>

#include "cmd/agents.h"
#include "rt/openmetrics.h"

#define TEXT_MAX (64u << 20)

static bool openmetrics;

static const struct opt options[] = {
	AGENTS_OPTIONS,
	{.kind = OPT_FLAG,
	 .letter = 'o',
	 .name = "openmetrics",
	 .help = "metrics: as OpenMetrics text, not as JSON",
	 .target = &openmetrics},
	{.kind = OPT_END},
};

static const struct opt_tool metrics_tool = {
	.name = "sched-agents",
	.purpose = "figures of the runtime",
	.synopsis = "metrics [--openmetrics]",
	.options = options,
};

static int metrics(int argc, char **argv)
{
	struct json *v;
	struct buf out;
	int status;

	if (cli_options(&metrics_tool, argc, argv) < argc)
		cli_usage(&metrics_tool, "metrics takes no operand");
	v = agents_look(&metrics_tool, "metrics", &status);
	if (!v)
		return status;
	buf_init(&out, TEXT_MAX);
	if (openmetrics) {
		rt_openmetrics(v, &out);
		fputs(out.data, stdout);
	} else {
		agents_put(v);
	}
	buf_release(&out);
	json_free(v);
	return CLI_YES;
}

const struct cli_command agents_metrics = {
	.name = "metrics",
	.purpose = "figures, as JSON or OpenMetrics",
	.tool = &metrics_tool,
	.run = metrics,
};
