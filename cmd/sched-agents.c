/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows and steers the agent runtime; each command parses its own options. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/agents.h"

#define MAX_OPTIONS 64

static const struct {
	const char *name;
	const char *purpose; /* one line of --help */
	const struct opt_tool *tool;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"top", "what runs and what waits, live on a terminal",
	 &agents_top_tool, agents_top},
	{"queue", "every request that has not ended", &agents_queue_tool,
	 agents_queue},
	{"workers", "what requests are carried out on", &agents_workers_tool,
	 agents_workers},
	{"metrics", "figures, as JSON or OpenMetrics", &agents_metrics_tool,
	 agents_metrics},
	{"policy", "in which order requests start; change it",
	 &agents_policy_tool, agents_policy},
	{"drain", "take no new requests", &agents_drain_tool, agents_drain},
	{"cancel", "end requests", &agents_cancel_tool, agents_cancel},
	{"audit", "who asked for what; check that it is whole",
	 &agents_audit_tool, agents_audit},
	{"start", "start the daemon", &agents_start_tool, agents_start},
	{"stop", "stop the daemon; the queue is kept", &agents_stop_tool,
	 agents_stop},
	{"note", "what an agent remembers", &agents_note_tool, agents_note},
	{"file", "versioned files of an agent", &agents_file_tool, agents_file},
	{"sim", "the runtime on a virtual clock", &agents_sim_tool, agents_sim},
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
		for (o = commands[i].tool->options; o->kind != OPT_END; o++)
			if (n < MAX_OPTIONS && !known(o->name, n))
				options[n++] = *o;
	options[n].kind = OPT_END;
}

static char *describe_commands(void)
{
	struct buf b;

	buf_init(&b, 1 << 12);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		buf_printf(&b, "%s  %-8s %s", i ? "\n" : "", commands[i].name,
			   commands[i].purpose);
	return buf_take(&b);
}

int main(int argc, char **argv)
{
	struct opt_tool tool = {
		.name = "sched-agents",
		.purpose = "show and steer the agent runtime",
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
		cli_usage(&tool, "say what to do; see sched-agents --help");
	if (at != 1)
		cli_usage(&tool, "options stand after the command");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[at], commands[i].name))
			return cli_finish(
				&tool, commands[i].run(argc - at, argv + at));
	cli_usage(&tool, "unknown command '%s'", argv[at]);
}
