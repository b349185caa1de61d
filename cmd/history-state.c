/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history promote, demote, states: which policy is in use for what. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/history.h"
#include "history/state.h"
#include "term/text.h"

static struct {
	const char *workload, *why, *policy;
	bool force;
	int to;
} arg;

static const struct opt promote_options[] = {
	HISTORY_OPTIONS,
	HISTORY_WORKLOAD(&arg.workload),
	HISTORY_WHY(&arg.why),
	{.kind = OPT_FLAG,
	 .name = "force",
	 .help = "without the evidence; the record says so",
	 .target = &arg.force},
	{.kind = OPT_END},
};

static const struct opt_tool promote_tool = {
	.name = "sched-history",
	.purpose = "take a policy one state up: candidate, canary, trusted",
	.synopsis = "promote [OPTION...] STATE POLICY",
	.operand = "candidate|canary|trusted",
	.options = promote_options,
	.mixed = true,
};

static const struct opt demote_options[] = {
	HISTORY_OPTIONS,
	HISTORY_WORKLOAD(&arg.workload),
	HISTORY_WHY(&arg.why),
	{.kind = OPT_END},
};

static const struct opt_tool demote_tool = {
	.name = "sched-history",
	.purpose = "take a policy out of its state",
	.synopsis = "demote [OPTION...] [POLICY]",
	.options = demote_options,
	.mixed = true,
};

static const struct opt states_options[] = {
	HISTORY_OPTIONS,
	HISTORY_WORKLOAD(&arg.workload),
	{.kind = OPT_END},
};

static const struct opt_tool states_tool = {
	.name = "sched-history",
	.purpose = "which policy is in which state",
	.synopsis = "states [OPTION...]",
	.options = states_options,
	.mixed = true,
};

/* ---- promote, demote --------------------------------------------------- */

/* The status of a step that was not made, or its note on standard output. */
static int stepped(const struct opt_tool *tool, int rc, struct doc *note)
{
	int status = CLI_YES;

	if (rc == -EPERM || rc == -ENOENT) {
		cli_fail(tool, rc);
		status = CLI_NO;
	} else if (rc < 0) {
		status = cli_fail(tool, rc);
		if (rc == -EINVAL)
			status = CLI_USAGE;
	} else if (rc) {
		cli_note(tool, "it is %s already", state_names[arg.to]);
	} else {
		history_put_note(note);
	}
	doc_free(note);
	return status;
}

static int promote(struct history *h)
{
	struct history_step step = {
		.workload = arg.workload, .why = arg.why, .force = arg.force};
	struct doc *policy, *note = NULL;
	int status =
		history_the(&promote_tool, h, "policy", arg.policy, &policy);
	int rc;

	if (status)
		return status;
	step.policy = policy->id;
	rc = history_promote(h, (enum state)arg.to, &step, &note);
	status = stepped(&promote_tool, rc, note);
	doc_free(policy);
	return status;
}

static int run_promote(int argc, char **argv)
{
	int at = history_operands(&promote_tool, argc, argv, 2, 2);

	arg.to = state_of(argv[at]);
	if (arg.to < 0)
		cli_usage(&promote_tool,
			  "'%s' is no state: candidate, canary or trusted",
			  argv[at]);
	arg.policy = argv[at + 1];
	return history_with_write(&promote_tool, promote);
}

static int demote(struct history *h)
{
	struct history_step step = {.workload = arg.workload, .why = arg.why};
	struct doc *policy = NULL, *note = NULL;
	int status = arg.policy ? history_the(&demote_tool, h, "policy",
					      arg.policy, &policy)
				: CLI_YES;
	int rc;

	if (status)
		return status;
	step.policy = policy ? policy->id : NULL;
	rc = history_demote(h, &step, &note);
	status = stepped(&demote_tool, rc, note);
	doc_free(policy);
	return status;
}

static int run_demote(int argc, char **argv)
{
	int at = history_operands(&demote_tool, argc, argv, 0, 1);

	arg.policy = at < argc ? argv[at] : NULL;
	return history_with_write(&demote_tool, demote);
}

/* ---- states ------------------------------------------------------------ */

static char *title_of(struct history *h, const char *policy)
{
	struct doc *d = NULL;
	char *title;

	history_read(h, "policy", policy, &d);
	title = mem_strdup(d ? json_text_at(d->body, "title") : "");
	doc_free(d);
	return title;
}

static void put_table(struct history *h, const struct history_state *s,
		      size_t n)
{
	static const char *const titles[] = {"workload", "state", "policy",
					     "title", "since"};
	struct table *t = table_new();
	char when[CLOCK_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	for (size_t i = 0; i < n; i++) {
		char *title = title_of(h, s[i].policy);

		clock_text(s[i].since, when);
		table_cell(t, "%s", s[i].workload);
		table_cell(t, "%s%s", state_names[s[i].state],
			   s[i].forced ? " (forced)" : "");
		table_cell(t, "%.*s", HISTORY_SHORT_ID, s[i].policy);
		table_cell(t, "%s", title);
		table_cell(t, "%s", when);
		free(title);
	}
	cli_table(t, text_columns(STDOUT_FILENO));
}

/* For programs: no documents, which say nothing of the state they are in. */
static void put_lines(const struct history_state *s, size_t n)
{
	char when[CLOCK_TEXT_LEN];

	for (size_t i = 0; i < n; i++) {
		struct json *v = json_object();
		char *line;

		clock_text(s[i].since, when);
		json_set_string(v, "workload", s[i].workload);
		json_set_string(v, "state", state_names[s[i].state]);
		json_set_string(v, "policy", s[i].policy);
		json_set_string(v, "since", when);
		json_set_bool(v, "forced", s[i].forced);
		line = json_canonical(v);
		puts(line);
		free(line);
		json_free(v);
	}
}

static int states(struct history *h)
{
	struct history_state *s;
	size_t n;
	int rc = history_states(h, arg.workload, &s, &n), status = CLI_YES;

	if (rc)
		return cli_fail(&states_tool, rc);
	if (!n) {
		cli_note(&states_tool, "no policy is in any state");
		status = CLI_NO;
	} else if (cli_wants_json(history_arg.json)) {
		put_lines(s, n);
	} else {
		put_table(h, s, n);
	}
	history_states_free(s, n);
	return status;
}

static int run_states(int argc, char **argv)
{
	history_operands(&states_tool, argc, argv, 0, 0);
	return history_with(&states_tool, states);
}

const struct cli_command history_promote_command = {
	.name = "promote",
	.purpose = "take a policy one state up: candidate, canary, trusted",
	.tool = &promote_tool,
	.run = run_promote,
};

const struct cli_command history_demote_command = {
	.name = "demote",
	.purpose = "take a policy out of its state",
	.tool = &demote_tool,
	.run = run_demote,
};

const struct cli_command history_states_command = {
	.name = "states",
	.purpose = "which policy is in which state",
	.tool = &states_tool,
	.run = run_states,
};
