/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched rollout start, halt, resume: statements, signed by who may. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/rollout.h"
#include "term/text.h"

#define DAY_S	86400.0
#define MATCHES 64

static struct {
	struct strs cohorts;
	const char *policy, *why, *key;
	double days, spread_s;
	bool no_push, withdraw;
} arg = {.days = 7, .spread_s = ROLLOUT_SPREAD_S};

#define SIGNING                                                              \
	ROLLOUT_FOR,                                                         \
		{.kind = OPT_STRING,                                         \
		 .name = "why",                                              \
		 .arg = "TEXT",                                              \
		 .help = "the reason, for all to read",                      \
		 .target = &arg.why},                                        \
		{.kind = OPT_STRING,                                         \
		 .name = "key",                                              \
		 .arg = "NAME",                                              \
		 .help = "sign with this key; else the newest of one's own", \
		 .target = &arg.key},                                        \
	{                                                                    \
		.kind = OPT_FLAG, .name = "no-push",                         \
		.help = "record it here only", .target = &arg.no_push        \
	}

static const struct opt start_options[] = {
	{.kind = OPT_LIST,
	 .name = "cohort",
	 .arg = "COHORT",
	 .help = "NAME:SHARE[:SOAK_S[:REPORTS[:BAD[:REPORTING]]]], in order",
	 .target = &arg.cohorts},
	{.kind = OPT_DOUBLE,
	 .name = "days",
	 .arg = "N",
	 .help = "hosts may begin with it for so long (7)",
	 .target = &arg.days,
	 .min = 0.001,
	 .max = 365},
	{.kind = OPT_DOUBLE,
	 .name = "spread",
	 .arg = "S",
	 .help = "the hosts of a cohort begin within so long (600)",
	 .target = &arg.spread_s,
	 .min = 0,
	 .max = 86400},
	SIGNING,
	ROLLOUT_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool start_tool = {
	.name = "sched-rollout",
	.purpose = "have hosts take a policy, cohort by cohort",
	.synopsis = "start [OPTION...] POLICY",
	.options = start_options,
	.mixed = true,
};

static const struct opt halt_options[] = {
	{.kind = OPT_FLAG,
	 .name = "withdraw",
	 .help = "who has it goes back as well",
	 .target = &arg.withdraw},
	SIGNING,
	ROLLOUT_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool halt_tool = {
	.name = "sched-rollout",
	.purpose = "have no more hosts take it",
	.synopsis = "halt [OPTION...]",
	.options = halt_options,
	.mixed = true,
};

static const struct opt resume_options[] = {
	SIGNING,
	ROLLOUT_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool resume_tool = {
	.name = "sched-rollout",
	.purpose = "go on with one that was halted",
	.synopsis = "resume [OPTION...]",
	.options = resume_options,
	.mixed = true,
};

/* ---- saying it --------------------------------------------------------- */

static void put_note(const struct doc *d)
{
	char *line;

	if (cli_wants_json(rollout_arg.json)) {
		line = doc_line(d);
		puts(line);
		free(line);
	} else {
		struct buf b;

		buf_init(&b, 1 << 16);
		text_clean(&b, json_text_at(d->body, "text"), 0);
		printf("%s\n", b.len ? b.data : "");
		buf_release(&b);
	}
}

/* Signed, recorded, and given to the remote. */
static int publish(const struct opt_tool *tool, struct rollout_world *w,
		   struct rollout *r)
{
	const struct signer_opts o = {.key = arg.key};
	struct signer *s = signer_new(&o);
	struct remote_result sent;
	struct doc *note;
	int rc = 0, status = CLI_YES;

	if (arg.why && strlen(arg.why) >= sizeof(r->why))
		cli_usage(tool, "--why is too long: %zu bytes at most",
			  sizeof(r->why) - 1);
	strcpy(r->why, arg.why ? arg.why : "");
	rc = rollouts_add(w->h, w->t, s, r, &note);
	if (!rc && !trust_key(w->t, signer_key(s)->id))
		cli_note(tool, "nobody here trusts the key '%s'",
			 signer_key(s)->id);
	signer_free(s);
	if (rc)
		return rollout_fail(tool, rc);
	put_note(note);
	doc_free(note);
	if (!arg.no_push) {
		rc = remote_push(w->h, &w->remote, &sent);
		if (rc) {
			rollout_fail(tool, rc);
			cli_note(tool, "it is recorded here, and hosts do not "
				       "know of it: 'sched-history push'");
			status = CLI_LATER;
		}
	}
	return status;
}

/* What others have said meanwhile counts: theirs may be the larger number. */
static int take_in(const struct opt_tool *tool, struct rollout_world *w)
{
	struct remote_result r;
	int rc = arg.no_push ? 0 : remote_pull(w->h, &w->remote, &r);

	if (rc)
		cli_note(tool, "%s", err_text());
	return rc;
}

/* ---- start ------------------------------------------------------------- */

/* The policy's id, out of DOC_ID_LEN. */
static int find_policy(const struct opt_tool *tool, struct history *h,
		       char *out)
{
	struct history_key keys[MATCHES];
	int n = history_find(h, arg.policy, keys, ARRAY_LEN(keys)), kept = 0;

	if (n == -EINVAL)
		cli_usage(tool, "%s", err_text());
	if (n < 0)
		return cli_fail(tool, n);
	for (int i = 0; i < n && i < (int)ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].kind, "policy")) {
			strcpy(out, keys[i].id);
			kept++;
		}
	if (kept == 1)
		return CLI_YES;
	if (kept > 1)
		cli_usage(tool, "'%s' is the beginning of several ids",
			  arg.policy);
	cli_note(tool, "no policy's id begins with '%s'", arg.policy);
	return CLI_NO;
}

static int start(const struct opt_tool *tool, struct rollout_world *w)
{
	char policy[DOC_ID_LEN];
	struct rollout r, given;
	int status, rc;

	rollout_read_cohorts(tool, &arg.cohorts, &given);
	/* Without the remote it is started all the same, and told later. */
	take_in(tool, w);
	status = find_policy(tool, w->h, policy);
	if (status)
		return status;
	rc = rollouts_begin(w->h, w->t, policy, rollout_arg.workload, &r);
	if (rc)
		return rollout_fail(tool, rc);
	memcpy(r.cohorts, given.cohorts, sizeof(r.cohorts));
	r.n = given.n;
	r.spread_s = arg.spread_s;
	r.began = clock_wall();
	r.expires = r.began + (time_t)(arg.days * DAY_S);
	return publish(tool, w, &r);
}

static int run_start(int argc, char **argv)
{
	int at = cli_options(&start_tool, argc, argv);

	if (argc - at != 1)
		cli_usage(&start_tool, "name one policy");
	arg.policy = argv[at];
	return rollout_with(&start_tool, start);
}

/* ---- halt, resume ------------------------------------------------------ */

static int change(const struct opt_tool *tool, struct rollout_world *w,
		  enum rollout_state to)
{
	struct rollout r;
	int status;

	take_in(tool, w);
	status = rollout_the(tool, w, &r);
	if (status)
		return status;
	if (r.state == to) {
		cli_note(tool, "it is %s already", rollout_states[to]);
		return CLI_YES;
	}
	if (to == ROLLOUT_RUNNING && r.state == ROLLOUT_WITHDRAWN) {
		cli_note(tool, "it is withdrawn, and hosts have gone back: "
			       "start another");
		return CLI_NO;
	}
	r.state = to;
	return publish(tool, w, &r);
}

static int halt(const struct opt_tool *tool, struct rollout_world *w)
{
	return change(tool, w,
		      arg.withdraw ? ROLLOUT_WITHDRAWN : ROLLOUT_HALTED);
}

static int resume(const struct opt_tool *tool, struct rollout_world *w)
{
	return change(tool, w, ROLLOUT_RUNNING);
}

static int run_halt(int argc, char **argv)
{
	if (cli_options(&halt_tool, argc, argv) < argc)
		cli_usage(&halt_tool, "too many arguments");
	return rollout_with(&halt_tool, halt);
}

static int run_resume(int argc, char **argv)
{
	if (cli_options(&resume_tool, argc, argv) < argc)
		cli_usage(&resume_tool, "too many arguments");
	return rollout_with(&resume_tool, resume);
}

const struct cli_command rollout_start_command = {
	.name = "start",
	.purpose = "have hosts take a policy, cohort by cohort",
	.tool = &start_tool,
	.run = run_start,
};

const struct cli_command rollout_halt_command = {
	.name = "halt",
	.purpose = "have no more hosts take it",
	.tool = &halt_tool,
	.run = run_halt,
};

const struct cli_command rollout_resume_command = {
	.name = "resume",
	.purpose = "go on with one that was halted",
	.tool = &resume_tool,
	.run = run_resume,
};
