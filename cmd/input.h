/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs of a pipe read. */
#ifndef SCHEDKIT_CMD_INPUT_H
#define SCHEDKIT_CMD_INPUT_H

#include "cmd/cli.h"
#include "doc/stream.h"

/* Everything, which the stream passes on.  A bad line sets *status and costs
 * nothing else; false: what comes after it cannot be had, *status says so. */
bool input_pass_on(const struct opt_tool *tool, struct stream *s, int *status);

#endif
