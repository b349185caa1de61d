/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of sched-mcp, a file each.
 *
 * To add one: cmd/mcp-NAME.c with its struct cli_command, a word here, a row
 * in sched-mcp.c, and its options in man/sched-mcp.1.
 */
#ifndef SCHEDKIT_CMD_MCP_H
#define SCHEDKIT_CMD_MCP_H

#include "cmd/cli.h"

extern const struct cli_command mcp_approve, mcp_jobs, mcp_token;

#define MCP_PURPOSE "serve schedkit to clients of the Model Context Protocol"

#endif
