/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulator's commands; each parses its own options. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/sim.h"

#define MAX_OPTIONS 48

static const struct sim_command *const commands[] = {
	&sim_run_command,
	&sim_exec,
	&sim_export,
};

/* Of all commands, for --help and the completion; equal names once. */
static struct opt options[MAX_OPTIONS + 1];

static bool known(const char *name, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(options[i].name, name))
			return true;
	return false;
}

static void collect_options(void)
{
	const struct opt *o;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		for (o = commands[i]->tool->options; o->kind != OPT_END; o++)
			if (n < MAX_OPTIONS && !known(o->name, n))
				options[n++] = *o;
	options[n].kind = OPT_END;
}

static char *describe_commands(void)
{
	struct buf b;

	buf_init(&b, 1 << 12);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		buf_printf(&b, "%s  %-8s %s", i ? "\n" : "", commands[i]->name,
			   commands[i]->purpose);
	return buf_take(&b);
}

int main(int argc, char **argv)
{
	struct opt_tool tool = {
		.name = "sched-sim",
		.purpose = "the simulator of scheduling policies",
		.synopsis = "COMMAND [OPTION...] [ARGUMENT...]",
		.options = options,
	};
	char *epilogue = describe_commands();
	int at;

	collect_options();
	tool.epilogue = epilogue;
	at = cli_options(&tool, argc, argv);
	free(epilogue);
	if (at >= argc)
		cli_usage(&tool, "say what to do; see sched-sim --help");
	if (at != 1)
		cli_usage(&tool, "options stand after the command");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[at], commands[i]->name))
			return cli_finish(
				&tool, commands[i]->run(argc - at, argv + at));
	cli_usage(&tool, "unknown command '%s'", argv[at]);
}
