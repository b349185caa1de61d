/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched rollout follow, key: what a host does, and signs with. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/rollout/follower.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/rollout.h"

static struct {
	const char *cohort;
	double splay_s;
	bool dry_run;
	struct strs deploy;
} arg;

static const struct opt follow_options[] = {
	ROLLOUT_FOR,
	{.kind = OPT_STRING,
	 .name = "cohort",
	 .arg = "NAME",
	 .help = "this host is of it (" FOLLOWER_COHORT_FILE
		 "; else by chance)",
	 .target = &arg.cohort},
	{.kind = OPT_DOUBLE,
	 .name = "splay",
	 .arg = "S",
	 .help = "wait before, each host for a time of its own up to this",
	 .target = &arg.splay_s,
	 .min = 0,
	 .max = 86400},
	{.kind = OPT_FLAG,
	 .letter = 'n',
	 .name = "dry-run",
	 .help = "only say what would be done",
	 .target = &arg.dry_run},
	ROLLOUT_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool follow_tool = {
	.name = "sched-rollout",
	.purpose = "take part in it with this host: one round",
	.synopsis = "follow [OPTION...] [-- SCHED-DEPLOY-OPTION...]",
	.options = follow_options,
	.epilogue = "What stands behind -- is for sched-deploy.",
};

static const struct opt key_options[] = {{.kind = OPT_END}};

static const struct opt_tool key_tool = {
	.name = "sched-rollout",
	.purpose = "the public key of this host's reports",
	.synopsis = "key",
	.options = key_options,
};

/* ---- follow ------------------------------------------------------------ */

static void said(void *unused, const char *line)
{
	(void)unused;
	cli_note(&follow_tool, "%s", line);
}

/* The same time each round, another one on each host. */
static void wait_splay(void)
{
	struct sign_key *key;
	struct key_info info;
	struct rollout_place place;
	double until;

	if (!(arg.splay_s > 0) || follower_key(&info, &key))
		return;
	rollout_place("splay", info.id, &place);
	sign_key_free(key);
	free(info.path);
	until = clock_monotonic() + place.turn * arg.splay_s;
	while (!cli_stop && clock_monotonic() < until)
		usleep(100000);
}

static void put_result(const struct follower_result *r)
{
	struct json *v = json_object();

	json_set_string(v, "answer", rollout_answers[r->choice.answer]);
	json_set_string(v, "why", r->choice.why);
	if (r->rollout.n) {
		json_set_string(v, "workload", r->rollout.workload);
		json_set_string(v, "rollout", r->rollout.id);
		json_set_string(v, "policy", r->rollout.policy);
		json_set_number(v, "serial", (double)r->rollout.serial);
		json_set_string(v, "state", rollout_states[r->rollout.state]);
		json_set_string(v, "stage", rollout_stages[r->host.stage]);
		json_set_bool(v, "in_force", r->host.in_force);
		if (r->cohort)
			json_set_string(v, "cohort", r->cohort);
	}
	rollout_put_line(v);
}

static int follow(const struct opt_tool *tool, struct rollout_world *w)
{
	const struct follower_opts o = {
		.remote = &w->remote,
		.workload = rollout_arg.workload,
		.cohort = arg.cohort,
		.deploy = &arg.deploy,
		.dry_run = arg.dry_run,
		.said = said,
	};
	struct follower_result r;
	int rc = follower_run(w->h, &o, &r);

	if (rc)
		return rollout_fail(tool, rc);
	/* The line for people was said while it happened. */
	if (cli_wants_json(rollout_arg.json))
		put_result(&r);
	if (r.choice.wrong)
		return CLI_CANNOT;
	return r.failed || r.choice.answer == ROLLOUT_WITHDRAW ? CLI_NO
							       : CLI_YES;
}

static int run_follow(int argc, char **argv)
{
	int at = cli_options(&follow_tool, argc, argv), status;

	if (at < argc && strcmp(argv[at - 1], "--"))
		cli_usage(&follow_tool,
			  "'%s': options for sched-deploy stand behind --",
			  argv[at]);
	for (; at < argc; at++)
		strs_add(&arg.deploy, argv[at]);
	cli_catch_stop();
	wait_splay();
	status = rollout_with(&follow_tool, follow);
	strs_release(&arg.deploy);
	return status;
}

/* ---- key --------------------------------------------------------------- */

/* The file as it is to lie on the other hosts. */
static int put_key(const struct key_info *info)
{
	size_t len = strlen(info->path) - strlen(".key");
	char *path = mem_printf("%.*s.pub", (int)len, info->path);
	struct buf b;
	int rc;

	buf_init(&b, KEY_FILE_MAX);
	rc = buf_read_file(&b, path);
	if (!rc)
		fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
	free(path);
	return rc;
}

static int run_key(int argc, char **argv)
{
	struct sign_key *key;
	struct key_info info;
	int rc;

	if (cli_options(&key_tool, argc, argv) < argc)
		cli_usage(&key_tool, "too many arguments");
	rc = follower_key(&info, &key);
	if (!rc) {
		rc = put_key(&info);
		sign_key_free(key);
		free(info.path);
	}
	return rc ? cli_fail(&key_tool, rc) : CLI_YES;
}

const struct cli_command rollout_follow_command = {
	.name = "follow",
	.purpose = "take part in it with this host: one round",
	.tool = &follow_tool,
	.run = run_follow,
};

const struct cli_command rollout_key_command = {
	.name = "key",
	.purpose = "the public key of this host's reports",
	.tool = &key_tool,
	.run = run_key,
};
