/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents policy, drain, cancel, start, stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/agents.h"
#include "rt/socket.h"
#include "rt/start.h"

#define START_S 10.0

static struct {
	bool off;
	const char *run, *candidate;
} arg;

static const struct opt plain_options[] = {
	AGENTS_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt drain_options[] = {
	AGENTS_OPTIONS,
	{.kind = OPT_FLAG,
	 .name = "off",
	 .help = "drain: take requests again",
	 .target = &arg.off},
	{.kind = OPT_END},
};

static const struct opt cancel_options[] = {
	AGENTS_OPTIONS,
	{.kind = OPT_STRING,
	 .letter = 'r',
	 .name = "run",
	 .arg = "NAME",
	 .help = "cancel: all requests of this run",
	 .target = &arg.run},
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "candidate",
	 .arg = "NAME",
	 .help = "cancel: of the run only this candidate",
	 .target = &arg.candidate},
	{.kind = OPT_END},
};

static const struct opt_tool policy_tool = {
	.name = "sched-agents",
	.purpose = "in which order requests start",
	.synopsis = "policy [--json] [NAME]",
	.operand = "fifo|rr|priority|sjf|mlfq|fair",
	.options = plain_options,
	.mixed = true,
};

static const struct opt_tool drain_tool = {
	.name = "sched-agents",
	.purpose = "take no new requests",
	.synopsis = "drain [--off] [--json]",
	.options = drain_options,
	.mixed = true,
};

static const struct opt_tool cancel_tool = {
	.name = "sched-agents",
	.purpose = "end requests",
	.synopsis = "cancel [--json] ID | --run NAME [--candidate NAME]",
	.options = cancel_options,
	.mixed = true,
};

static const struct opt_tool start_tool = {
	.name = "sched-agents",
	.purpose = "start the daemon",
	.synopsis = "start [--socket PATH]",
	.options = plain_options,
	.mixed = true,
};

static const struct opt_tool stop_tool = {
	.name = "sched-agents",
	.purpose = "stop the daemon",
	.synopsis = "stop [--socket PATH]",
	.options = plain_options,
	.mixed = true,
};

static int show_policy(void)
{
	const char *now;
	struct json *v;
	int status;

	v = agents_look(&policy_tool, "policies", &status);
	if (!v)
		return status;
	now = json_text_at(v, "policy");
	if (cli_wants_json(agents_arg.json))
		agents_put(v);
	else
		json_each (it, json_get(v, "policies"))
			printf("%s%s\n", json_as_string(it, ""),
			       strcmp(json_as_string(it, ""), now)
				       ? ""
				       : "  in use");
	json_free(v);
	return CLI_YES;
}

/* Sends the line; prints the answer where JSON is wanted. */
static int steer(const struct opt_tool *tool, struct json *line,
		 struct json **answer)
{
	int status;

	*answer = agents_ask(tool, line, &status);
	if (*answer && agents_arg.json)
		agents_put(*answer);
	return status;
}

static int policy(int argc, char **argv)
{
	int first = cli_options(&policy_tool, argc, argv), status;
	struct json *line, *set, *answer;

	if (argc - first > 1)
		cli_usage(&policy_tool, "one policy is in use");
	if (first == argc)
		return show_policy();
	line = json_object();
	set = json_object();
	json_set_string(set, "policy", argv[first]);
	json_set(line, "set", set);
	status = steer(&policy_tool, line, &answer);
	json_free(answer);
	return status;
}

const struct cli_command agents_policy = {
	.name = "policy",
	.purpose = "in which order requests start; change it",
	.tool = &policy_tool,
	.run = policy,
};

static int drain(int argc, char **argv)
{
	struct json *line, *answer;
	int status;

	if (cli_options(&drain_tool, argc, argv) < argc)
		cli_usage(&drain_tool, "drain takes no operand");
	line = json_object();
	json_set_bool(line, "drain", !arg.off);
	status = steer(&drain_tool, line, &answer);
	json_free(answer);
	return status;
}

const struct cli_command agents_drain = {
	.name = "drain",
	.purpose = "take no new requests",
	.tool = &drain_tool,
	.run = drain,
};

static double read_id(const char *s)
{
	char *end;
	double id = strtod(s, &end);

	if (!*s || *end || !(id >= 1 && id <= 9007199254740992.0) ||
	    id != (double)(long long)id)
		cli_usage(&cancel_tool, "'%s' is no id of a request", s);
	return id;
}

static int cancel(int argc, char **argv)
{
	int first = cli_options(&cancel_tool, argc, argv), status;
	struct json *line, *what, *answer;
	double n;

	if ((argc - first == 1) == !!arg.run || argc - first > 1)
		cli_usage(&cancel_tool, "one id or --run is needed");
	if (arg.candidate && !arg.run)
		cli_usage(&cancel_tool, "--candidate needs --run");
	line = json_object();
	what = json_object();
	if (arg.run)
		json_set_string(what, "run", arg.run);
	else
		json_set_number(what, "id", read_id(argv[first]));
	if (arg.candidate)
		json_set_string(what, "candidate", arg.candidate);
	json_set(line, "cancel", what);
	status = steer(&cancel_tool, line, &answer);
	if (!answer)
		return status;
	n = agents_number(answer, "cancelled");
	if (!agents_arg.json)
		printf("%.0f cancelled\n", n);
	json_free(answer);
	return n > 0 ? CLI_YES : CLI_NO;
}

const struct cli_command agents_cancel = {
	.name = "cancel",
	.purpose = "end requests",
	.tool = &cancel_tool,
	.run = cancel,
};

static int start(int argc, char **argv)
{
	char *path;
	int rc;

	if (cli_options(&start_tool, argc, argv) < argc)
		cli_usage(&start_tool, "start takes no operand");
	path = agents_arg.socket ? NULL : rt_socket_path();
	rc = rt_daemon_start(path ? path : agents_arg.socket, START_S);
	free(path);
	return rc ? cli_fail(&start_tool, rc) : CLI_YES;
}

const struct cli_command agents_start = {
	.name = "start",
	.purpose = "start the daemon",
	.tool = &start_tool,
	.run = start,
};

static int stop(int argc, char **argv)
{
	struct json *line, *answer;
	int status;

	if (cli_options(&stop_tool, argc, argv) < argc)
		cli_usage(&stop_tool, "stop takes no operand");
	line = json_object();
	json_set_bool(line, "stop", true);
	status = steer(&stop_tool, line, &answer);
	json_free(answer);
	return status;
}

const struct cli_command agents_stop = {
	.name = "stop",
	.purpose = "stop the daemon; the queue is kept",
	.tool = &stop_tool,
	.run = stop,
};
