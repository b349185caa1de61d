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

const struct opt_tool agents_metrics_tool = {
	.name = "sched-agents",
	.purpose = "figures of the runtime",
	.synopsis = "metrics [--openmetrics]",
	.options = options,
};

int agents_metrics(int argc, char **argv)
{
	struct json *v;
	struct buf out;
	int status;

	if (cli_options(&agents_metrics_tool, argc, argv) < argc)
		cli_usage(&agents_metrics_tool, "metrics takes no operand");
	v = agents_look(&agents_metrics_tool, "metrics", &status);
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
