/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-mcp token: makes one for a client over HTTP. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/steward/config.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/mcp.h"

static const char *config;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "config",
	 .arg = "FILE",
	 .help = "settings; else mcp.json of the user's configuration",
	 .target = &config},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-mcp",
	.purpose = MCP_PURPOSE,
	.synopsis = "token [--config FILE] NAME",
	.options = options,
};

static int run(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv), rc;
	char token[STEWARD_TOKEN_LEN];

	if (argc - first != 1)
		cli_usage(&tool, "the name of one client is needed");
	rc = steward_config_add_token(config, argv[first], token);
	if (rc)
		return cli_fail(&tool, rc);
	cli_note(&tool,
		 "the token of '%s', which is shown this once:", argv[first]);
	puts(token);
	return cli_finish(&tool, CLI_YES);
}

const struct cli_command mcp_token = {
	.name = "token",
	.purpose = "make a token for a client over HTTP",
	.tool = &tool,
	.run = run,
};
