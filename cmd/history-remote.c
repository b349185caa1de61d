/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history push, pull, remote: the histories of other machines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/history.h"
#include "history/remote.h"

static struct {
	double timeout_s;
	const char *remote;
	int argc;
	char **argv;
	bool push;
} arg = {.timeout_s = 300};

#define TIMEOUT                                                           \
	{                                                                 \
		.kind = OPT_DOUBLE, .name = "timeout", .arg = "SECONDS",  \
		.help = "each talk with the other side ends after (300)", \
		.target = &arg.timeout_s, .min = 1, .max = 1e6            \
	}

static const struct opt talk_options[] = {
	HISTORY_OPTIONS,
	TIMEOUT,
	{.kind = OPT_END},
};

static const struct opt_tool pull_tool = {
	.name = "sched-history",
	.purpose = "take in what another repository has",
	.synopsis = "pull [OPTION...] [REMOTE]",
	.options = talk_options,
	.mixed = true,
};

static const struct opt_tool push_tool = {
	.name = "sched-history",
	.purpose = "give another repository what it lacks",
	.synopsis = "push [OPTION...] [REMOTE]",
	.options = talk_options,
	.mixed = true,
};

static const struct opt remote_options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool remote_tool = {
	.name = "sched-history",
	.purpose = "the repositories to push to and pull from",
	.synopsis = "remote [OPTION...] add NAME ADDRESS | list | remove NAME",
	.operand = "add|list|remove",
	.options = remote_options,
	.mixed = true,
};

/* ---- push, pull -------------------------------------------------------- */

static void put_result(const struct remote_result *r)
{
	struct json *v;
	char *line;

	if (!cli_wants_json(history_arg.json)) {
		printf("%zu documents, %zu versions of files and %zu tags "
		       "taken in%s\n",
		       r->documents, r->files, r->tags,
		       !arg.push   ? ""
		       : r->pushed ? "; pushed"
				   : "; they lacked nothing");
		return;
	}
	v = json_object();
	json_set_number(v, "documents", (double)r->documents);
	json_set_number(v, "files", (double)r->files);
	json_set_number(v, "tags", (double)r->tags);
	json_set_bool(v, "pushed", r->pushed);
	line = json_canonical(v);
	puts(line);
	free(line);
	json_free(v);
}

static int talk(struct history *h)
{
	const struct opt_tool *tool = arg.push ? &push_tool : &pull_tool;
	const struct remote_opts o = {arg.remote, arg.timeout_s, &cli_stop};
	struct remote_result r;
	int rc = arg.push ? remote_push(h, &o, &r) : remote_pull(h, &o, &r);
	int status;

	if (rc) {
		status = cli_fail(tool, rc);
		return rc == -EHOSTUNREACH ? CLI_LATER : status;
	}
	if (r.kept)
		cli_note(tool,
			 "%zu of their tags are others here; theirs are "
			 "below refs/schedkit/remote",
			 r.kept);
	put_result(&r);
	return CLI_YES;
}

static int run_talk(const struct opt_tool *tool, int argc, char **argv)
{
	int at = history_operands(tool, argc, argv, 0, 1);

	arg.remote = at < argc ? argv[at] : NULL;
	cli_catch_stop();
	return history_with_write(tool, talk);
}

static int run_pull(int argc, char **argv)
{
	return run_talk(&pull_tool, argc, argv);
}

static int run_push(int argc, char **argv)
{
	arg.push = true;
	return run_talk(&push_tool, argc, argv);
}

/* ---- remote ------------------------------------------------------------ */

static int put_remote(void *unused, const char *name, const char *url)
{
	(void)unused;
	history_put_clean(name);
	putchar('\t');
	history_put_clean(url);
	putchar('\n');
	return 0;
}

static int remote(struct history *h)
{
	const char *verb = arg.argv[0];
	int rc;

	if (!strcmp(verb, "list"))
		rc = remote_each(h, put_remote, NULL);
	else if (!strcmp(verb, "add"))
		rc = remote_add(h, arg.argv[1], arg.argv[2]);
	else
		rc = remote_remove(h, arg.argv[1]);
	if (rc == -EINVAL)
		cli_usage(&remote_tool, "%s", err_text());
	return rc ? cli_fail(&remote_tool, rc) : CLI_YES;
}

static int run_remote(int argc, char **argv)
{
	static const struct {
		const char *verb;
		int operands;
	} verbs[] = {{"add", 3}, {"list", 1}, {"remove", 2}};
	int at = history_operands(&remote_tool, argc, argv, 1, 3);
	size_t i = 0;

	arg.argc = argc - at;
	arg.argv = argv + at;
	while (i < ARRAY_LEN(verbs) && strcmp(verbs[i].verb, argv[at]))
		i++;
	if (i == ARRAY_LEN(verbs) || verbs[i].operands != arg.argc)
		cli_usage(&remote_tool, "say add NAME ADDRESS, list, or remove "
					"NAME");
	return history_with_write(&remote_tool, remote);
}

const struct cli_command history_pull_command = {
	.name = "pull",
	.purpose = "take in what another repository has",
	.tool = &pull_tool,
	.run = run_pull,
};

const struct cli_command history_push_command = {
	.name = "push",
	.purpose = "give another repository what it lacks",
	.tool = &push_tool,
	.run = run_push,
};

const struct cli_command history_remote_command = {
	.name = "remote",
	.purpose = "the repositories to push to and pull from",
	.tool = &remote_tool,
	.run = run_remote,
};
