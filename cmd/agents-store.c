/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/agents-store.h"

#include <string.h>

#include "agents/keeper/store.h"
#include "base/clock.h"

struct agents_store_arg agents_store_arg = {.agent = "user"};

int agents_store_run(const struct opt_tool *tool, const char *kind,
		     const struct agents_verb *verbs, int argc, char **argv)
{
	int at = cli_options(tool, argc, argv), operands = argc - at - 1;
	const struct agents_verb *v = verbs;
	struct json *payload;

	if (at >= argc)
		cli_usage(tool, "say what to do");
	while (v->name && strcmp(v->name, argv[at]))
		v++;
	if (!v->name)
		cli_usage(tool, "unknown command '%s'", argv[at]);
	if (operands < v->least)
		cli_usage(tool, "'%s' lacks an argument", v->name);
	if (v->most >= 0 && operands > v->most)
		cli_usage(tool, "too many arguments");
	cli_catch_stop();
	payload = json_object();
	json_set_string(payload, "kind", kind);
	json_set_string(payload, "verb", v->name);
	if (agents_store_arg.max)
		json_set_number(payload, "max", (double)agents_store_arg.max);
	return v->run(payload, operands, argv + at + 1);
}

struct json *agents_store_ask(const struct opt_tool *tool, struct json *payload,
			      int *status)
{
	const struct store_opts o = {
		.history = agents_store_arg.history,
		.agent = agents_store_arg.agent,
		.cancel = &cli_stop,
	};
	struct json *result = NULL;
	int rc = store_ask(&o, payload, &result);

	json_free(payload);
	*status = rc ? cli_fail(tool, rc) : CLI_YES;
	return result;
}

void agents_store_share(struct json *payload, const char *with)
{
	if (with)
		json_set_string(payload, "with", with);
	if (agents_store_arg.expires_s > 0)
		json_set_number(payload, "expires_s",
				agents_store_arg.expires_s);
}

void agents_store_time(struct table *t, const struct json *seconds)
{
	char when[CLOCK_TEXT_LEN];

	clock_text((time_t)json_as_number(seconds, 0), when);
	table_cell(t, "%s", when);
}
