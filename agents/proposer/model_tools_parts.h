/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the model's tools share; nobody else includes this. */
#ifndef SCHEDKIT_AGENTS_PROPOSER_MODEL_TOOLS_PARTS_H
#define SCHEDKIT_AGENTS_PROPOSER_MODEL_TOOLS_PARTS_H

#include "agents/proposer/model_tools.h"

struct model_tools {
	struct model_tools_opts o;
	struct json *list;
	struct json **schemas; /* of the arguments, one for each tool */
};

/* Each adds its result to b; -errno with a message that a model can act on.
 * The arguments are what the tool's schema says. */
typedef int model_tool(struct model_tools *t, const struct json *arguments,
		       struct buf *b);

/* model_tools_history.c */
model_tool tool_history_search, tool_history_show;

/* model_tools_draft.c */
model_tool tool_compile, tool_prove, tool_simulate;

#endif
