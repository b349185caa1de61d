/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched agents policy, drain, cancel, start, stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/agents.h"
#include "rt/config.h"
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

const struct opt_tool agents_policy_tool = {
	.name = "sched-agents",
	.purpose = "in which order requests start",
	.synopsis = "policy [--json] [NAME]",
	.options = plain_options,
};

const struct opt_tool agents_drain_tool = {
	.name = "sched-agents",
	.purpose = "take no new requests",
	.synopsis = "drain [--off] [--json]",
	.options = drain_options,
};

const struct opt_tool agents_cancel_tool = {
	.name = "sched-agents",
	.purpose = "end requests",
	.synopsis = "cancel [--json] ID | --run NAME [--candidate NAME]",
	.options = cancel_options,
};

const struct opt_tool agents_start_tool = {
	.name = "sched-agents",
	.purpose = "start the daemon",
	.synopsis = "start [--socket PATH]",
	.options = plain_options,
};

const struct opt_tool agents_stop_tool = {
	.name = "sched-agents",
	.purpose = "stop the daemon",
	.synopsis = "stop [--socket PATH]",
	.options = plain_options,
};

static int show_policy(void)
{
	const char *now;
	struct json *v;
	int status;

	v = agents_look(&agents_policy_tool, "policies", &status);
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

int agents_policy(int argc, char **argv)
{
	int first = cli_options(&agents_policy_tool, argc, argv), status;
	struct json *line, *set, *answer;

	if (argc - first > 1)
		cli_usage(&agents_policy_tool, "one policy is in use");
	if (first == argc)
		return show_policy();
	line = json_object();
	set = json_object();
	json_set_string(set, "policy", argv[first]);
	json_set(line, "set", set);
	status = steer(&agents_policy_tool, line, &answer);
	json_free(answer);
	return status;
}

int agents_drain(int argc, char **argv)
{
	struct json *line, *answer;
	int status;

	if (cli_options(&agents_drain_tool, argc, argv) < argc)
		cli_usage(&agents_drain_tool, "drain takes no operand");
	line = json_object();
	json_set_bool(line, "drain", !arg.off);
	status = steer(&agents_drain_tool, line, &answer);
	json_free(answer);
	return status;
}

static double read_id(const char *s)
{
	char *end;
	double id = strtod(s, &end);

	if (!*s || *end || !(id >= 1 && id <= 9007199254740992.0) ||
	    id != (double)(long long)id)
		cli_usage(&agents_cancel_tool, "'%s' is no id of a request", s);
	return id;
}

int agents_cancel(int argc, char **argv)
{
	int first = cli_options(&agents_cancel_tool, argc, argv), status;
	struct json *line, *what, *answer;
	double n;

	if ((argc - first == 1) == !!arg.run || argc - first > 1)
		cli_usage(&agents_cancel_tool, "one id or --run is needed");
	if (arg.candidate && !arg.run)
		cli_usage(&agents_cancel_tool, "--candidate needs --run");
	line = json_object();
	what = json_object();
	if (arg.run)
		json_set_string(what, "run", arg.run);
	else
		json_set_number(what, "id", read_id(argv[first]));
	if (arg.candidate)
		json_set_string(what, "candidate", arg.candidate);
	json_set(line, "cancel", what);
	status = steer(&agents_cancel_tool, line, &answer);
	if (!answer)
		return status;
	n = agents_number(answer, "cancelled");
	if (!agents_arg.json)
		printf("%.0f cancelled\n", n);
	json_free(answer);
	return n > 0 ? CLI_YES : CLI_NO;
}

int agents_start(int argc, char **argv)
{
	char *path;
	int rc;

	if (cli_options(&agents_start_tool, argc, argv) < argc)
		cli_usage(&agents_start_tool, "start takes no operand");
	path = agents_arg.socket ? NULL : rt_socket_path();
	rc = rt_daemon_start(path ? path : agents_arg.socket, START_S);
	free(path);
	return rc ? cli_fail(&agents_start_tool, rc) : CLI_YES;
}

int agents_stop(int argc, char **argv)
{
	struct json *line, *answer;
	int status;

	if (cli_options(&agents_stop_tool, argc, argv) < argc)
		cli_usage(&agents_stop_tool, "stop takes no operand");
	line = json_object();
	json_set_bool(line, "stop", true);
	status = steer(&agents_stop_tool, line, &answer);
	json_free(answer);
	return status;
}
