/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which method is whose. */
#include <string.h>

#include "base/mem.h"
#include "mcp/server_state.h"

static void list_tools(struct request *r)
{
	lists_take(r, MCP_TOOLS);
}

static void list_resources(struct request *r)
{
	lists_take(r, MCP_RESOURCES);
}

static void list_templates(struct request *r)
{
	lists_take(r, MCP_TEMPLATES);
}

static void list_prompts(struct request *r)
{
	lists_take(r, MCP_PROMPTS);
}

#define ALWAYS	REVISION_NONE, REVISION_2026_07_28
#define SESSION REVISION_NONE, REVISION_2025_11_25
#define MODERN	REVISION_2026_07_28, REVISION_2026_07_28
/* Experimental then, an extension now. */
#define TASKS	    REVISION_2025_11_25, REVISION_2026_07_28
#define FIRST_TASKS REVISION_2025_11_25, REVISION_2025_11_25

static const struct method {
	const char *name;
	enum revision first, last;
	void (*take)(struct request *r);
} methods[] = {
	{"server/discover", MODERN, modern_discover},
	{"ping", SESSION, session_ping},
	{"logging/setLevel", SESSION, session_set_level},
	{"tools/list", ALWAYS, list_tools},
	{"tools/call", ALWAYS, call_take_tool},
	{"resources/list", ALWAYS, list_resources},
	{"resources/templates/list", ALWAYS, list_templates},
	{"resources/read", ALWAYS, call_take_resource},
	{"resources/subscribe", SESSION, watch_take_subscribe},
	{"resources/unsubscribe", SESSION, watch_take_unsubscribe},
	{"prompts/list", ALWAYS, list_prompts},
	{"prompts/get", ALWAYS, call_take_prompt},
	{"completion/complete", ALWAYS, call_take_completion},
	{"subscriptions/listen", MODERN, watch_take_listen},
	{"tasks/get", TASKS, tasks_get},
	{"tasks/cancel", TASKS, tasks_cancel},
	{"tasks/update", MODERN, tasks_update},
	{"tasks/result", FIRST_TASKS, tasks_result},
	{"tasks/list", FIRST_TASKS, tasks_list},
};

void methods_take(struct request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct method *m = &methods[i];

		if (strcmp(m->name, r->method) || r->o.revision < m->first ||
		    r->o.revision > m->last)
			continue;
		m->take(r);
		return;
	}
	origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
		     "no such method: %.200s", r->method);
}
