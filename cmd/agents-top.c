/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents top, queue, workers: what the runtime does right now. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/agents.h"
#include "term/num.h"
#include "term/text.h"

#define CLEAR	 "\033[H\033[J"
#define REQUESTS 20 /* that a terminal shows */

static struct {
	bool once;
	double interval_s;
} arg = {.interval_s = 1};

static const struct opt top_options[] = {
	AGENTS_OPTIONS,
	{.kind = OPT_FLAG,
	 .letter = '1',
	 .name = "once",
	 .help = "top: one look, not one every second",
	 .target = &arg.once},
	{.kind = OPT_DOUBLE,
	 .letter = 'i',
	 .name = "interval",
	 .arg = "S",
	 .help = "top: seconds between two looks (1)",
	 .target = &arg.interval_s,
	 .min = 0.1,
	 .max = 3600},
	{.kind = OPT_END},
};

static const struct opt look_options[] = {
	AGENTS_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool top_tool = {
	.name = "sched-agents",
	.purpose = "what runs and what waits",
	.synopsis = "top [--once] [--interval S] [--json]",
	.options = top_options,
};

static const struct opt_tool queue_tool = {
	.name = "sched-agents",
	.purpose = "every request that has not ended",
	.synopsis = "queue [--json]",
	.options = look_options,
};

static const struct opt_tool workers_tool = {
	.name = "sched-agents",
	.purpose = "what requests are carried out on",
	.synopsis = "workers [--json]",
	.options = look_options,
};

static const char *seconds(char out[static NUM_LEN], const struct json *v,
			   const char *path)
{
	return json_path(v, path) ? num_us(out, agents_number(v, path) * 1e6)
				  : "-";
}

static void head(const struct json *v)
{
	char up[NUM_LEN], p50[NUM_LEN], p99[NUM_LEN];

	printf("policy %s%s: %.0f running, %.0f queued, %.0f waiting for "
	       "others\n",
	       json_text_at(v, "policy"),
	       json_as_bool(json_get(v, "draining"), false) ? ", draining" : "",
	       agents_number(v, "running"), agents_number(v, "queued"),
	       agents_number(v, "waiting"));
	printf("%.0f clients, up %s, waits p50 %s p99 %s\n\n",
	       agents_number(v, "daemon.clients"),
	       seconds(up, v, "daemon.uptime_s"), seconds(p50, v, "wait_s.p50"),
	       seconds(p99, v, "wait_s.p99"));
}

/* How evenly those share what they could share. */
static void balance(const struct json *kinds)
{
	json_each (it, kinds) {
		if (agents_number(it, "workers") < 2)
			continue;
		printf("%s on %.0f workers: Gini %.2f, Jain %.2f\n",
		       json_key(it), agents_number(it, "workers"),
		       agents_number(it, "gini"), agents_number(it, "jain"));
	}
}

static void workers_table(const struct json *workers)
{
	struct table *t = table_new();

	table_column(t, "worker", TABLE_LEFT);
	table_column(t, "order", TABLE_RIGHT);
	table_column(t, "health", TABLE_LEFT);
	table_column(t, "breaker", TABLE_LEFT);
	table_column(t, "running", TABLE_RIGHT);
	table_column(t, "load", TABLE_RIGHT);
	table_column(t, "done", TABLE_RIGHT);
	table_column(t, "failed", TABLE_RIGHT);
	json_each (it, workers) {
		char load[NUM_LEN];

		table_cell(t, "%s", json_text_at(it, "name"));
		table_cell(t, "%.0f", agents_number(it, "order"));
		table_cell(t, "%s", json_text_at(it, "health"));
		table_cell(t, "%s", json_text_at(it, "breaker"));
		table_cell(t, "%.0f", agents_number(it, "running"));
		table_cell(t, "%s",
			   num_pct(load, agents_number(it, "load") * 100));
		table_cell(t, "%.0f", agents_number(it, "done"));
		table_cell(t, "%.0f", agents_number(it, "failed"));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void requests_table(const struct json *requests, size_t most)
{
	struct table *t = table_new();
	size_t n = 0;

	table_column(t, "id", TABLE_RIGHT);
	table_column(t, "run", TABLE_LEFT);
	table_column(t, "agent", TABLE_LEFT);
	table_column(t, "kind", TABLE_LEFT);
	table_column(t, "state", TABLE_LEFT);
	table_column(t, "worker", TABLE_LEFT);
	table_column(t, "try", TABLE_RIGHT);
	table_column(t, "waited", TABLE_RIGHT);
	table_column(t, "ran", TABLE_RIGHT);
	json_each (it, requests) {
		char waited[NUM_LEN], ran[NUM_LEN];

		if (n++ == most)
			break;
		table_cell(t, "%.0f", agents_number(it, "id"));
		table_cell(t, "%s", json_text_at(it, "run"));
		table_cell(t, "%s", json_text_at(it, "agent"));
		table_cell(t, "%s", json_text_at(it, "kind"));
		table_cell(t, "%s", json_text_at(it, "state"));
		table_cell(t, "%s", json_text_at(it, "worker"));
		table_cell(t, "%.0f", agents_number(it, "attempt"));
		table_cell(t, "%s", seconds(waited, it, "waited_s"));
		table_cell(t, "%s", seconds(ran, it, "running_s"));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

static void left_out(double n)
{
	if (n > 0)
		printf("and %.0f more\n", n);
}

/* ---- top --------------------------------------------------------------- */

static int top_once(void)
{
	const struct json *requests;
	struct json *v;
	size_t n;
	int status;

	v = agents_look(&top_tool, "top", &status);
	if (!v)
		return status;
	if (agents_arg.json) {
		agents_put(v);
		json_free(v);
		return CLI_YES;
	}
	requests = json_get(v, "requests");
	n = json_len(requests);
	if (!arg.once)
		fputs(CLEAR, stdout);
	head(v);
	workers_table(json_get(v, "workers"));
	balance(json_get(v, "kinds"));
	if (n) {
		puts("");
		requests_table(requests, REQUESTS);
	}
	left_out(agents_number(v, "left_out") +
		 (n > REQUESTS ? (double)(n - REQUESTS) : 0));
	json_free(v);
	return CLI_YES;
}

static int top(int argc, char **argv)
{
	int status;

	if (cli_options(&top_tool, argc, argv) < argc)
		cli_usage(&top_tool, "top takes no operand");
	if (!isatty(STDOUT_FILENO))
		arg.once = true;
	cli_catch_stop();
	do {
		status = top_once();
		fflush(stdout);
		if (!arg.once && !status)
			poll(NULL, 0, (int)(arg.interval_s * 1e3));
	} while (!arg.once && !status && !cli_stop);
	return status;
}

const struct cli_command agents_top = {
	.name = "top",
	.purpose = "what runs and what waits, live on a terminal",
	.tool = &top_tool,
	.run = top,
};

/* ---- one look ----------------------------------------------------------- */

static int look(const struct opt_tool *tool, const char *what, int argc,
		char **argv, void (*show)(const struct json *v))
{
	struct json *v;
	int status;

	if (cli_options(tool, argc, argv) < argc)
		cli_usage(tool, "%s takes no operand", what);
	v = agents_look(tool, what, &status);
	if (!v)
		return status;
	if (cli_wants_json(agents_arg.json))
		agents_put(v);
	else
		show(v);
	json_free(v);
	return CLI_YES;
}

static void show_queue(const struct json *v)
{
	requests_table(json_get(v, "requests"), SIZE_MAX);
	left_out(agents_number(v, "left_out"));
}

static int queue(int argc, char **argv)
{
	return look(&queue_tool, "queue", argc, argv, show_queue);
}

const struct cli_command agents_queue = {
	.name = "queue",
	.purpose = "every request that has not ended",
	.tool = &queue_tool,
	.run = queue,
};

static void show_workers(const struct json *v)
{
	workers_table(json_get(v, "workers"));
}

static int workers(int argc, char **argv)
{
	return look(&workers_tool, "workers", argc, argv, show_workers);
}

const struct cli_command agents_workers = {
	.name = "workers",
	.purpose = "what requests are carried out on",
	.tool = &workers_tool,
	.run = workers,
};
