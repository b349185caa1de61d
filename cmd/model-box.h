/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a program reads what a language model wrote. */
#ifndef SCHEDKIT_CMD_MODEL_BOX_H
#define SCHEDKIT_CMD_MODEL_BOX_H

#include "base/sandbox.h"
#include "cmd/cli.h"

/*
 * As sandbox_enter().  A kernel that cannot do it is no reason to refuse an
 * ordinary user, who has no privilege that model text could misuse and is told
 * so; root has, and is refused.
 */
int model_box_enter(const struct opt_tool *tool, const struct sandbox *box);

#endif
