/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings of bursts in; a model of what comes next, or none, and policies
 * that go by it out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/learner/trainer.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/input.h"
#include "cmd/note.h"
#include "doc/stream.h"
#include "policy/form.h"
#include "term/table.h"
#include "term/text.h"

static bool json;
static long count;
static struct trainer_opts arg = {.holdout_pct = 30, .model = "both"};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "model",
	 .arg = "KIND",
	 .words = "linear|trees|both",
	 .target = &arg.model,
	 .help = "linear, trees, or both: whichever is better"},
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "LIST",
	 .words = "burst,sleep,class",
	 .target = &arg.targets,
	 .help = "what to foretell: burst,sleep,class"},
	{.kind = OPT_DOUBLE,
	 .name = "holdout",
	 .arg = "PCT",
	 .target = &arg.holdout_pct,
	 .min = 5,
	 .max = 80,
	 .help = "of the time, its last part, to judge by (30)"},
	{.kind = OPT_STRING,
	 .letter = 'o',
	 .name = "output",
	 .arg = "FILE",
	 .target = &arg.output,
	 .help = "write the model there, if it is better than an average"},
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "check",
	 .arg = "MODEL",
	 .target = &arg.check,
	 .help = "make none: how good is this one on all of the recordings?"},
	{.kind = OPT_FLAG,
	 .letter = 'p',
	 .name = "policy",
	 .target = &arg.policy,
	 .help = "propose policies that go by it, as a place in a pipe does"},
	{.kind = OPT_LONG,
	 .letter = 'n',
	 .name = "count",
	 .arg = "N",
	 .target = &count,
	 .min = 1,
	 .max = TRAINER_POLICIES,
	 .help = "with --policy: so many policies (1)"},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .target = &json,
	 .help = "write a note document"},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-train",
	.purpose = "learn from recorded bursts what a task will do next",
	.synopsis = "[OPTION...] FILE... [< DOCUMENTS]",
	.options = options,
	.epilogue =
		"exit status: 0 a model beats the exponential average and "
		"the other guesses,\n1 none does (with --policy, of bursts), 2 "
		"usage, 3 cannot",
	.mixed = true,
};

/* ---- a table for people ------------------------------------------------ */

static void show_time(struct table *t, double ns)
{
	if (ns <= 0)
		table_cell(t, "%s", "");
	else if (ns < 1e6)
		table_cell(t, "%.1f us", ns / 1e3);
	else
		table_cell(t, "%.2f ms", ns / 1e6);
}

static void show_contender(struct table *t, const struct train_part *p,
			   unsigned who, const char *target)
{
	const struct score *s = &p->score[who];
	const struct interval *r = &p->ratio[who];
	bool is_chosen = who == train_contender(p->chosen);

	table_cell(t, "%s", target);
	table_cell(t, "%s%s", train_name(who), is_chosen ? " *" : "");
	table_cell(t, "%.3f", s->error);
	show_time(t, s->error_ns);
	table_cell(t, "%.3f", s->rank);
	table_cell(t, "%.3f", s->miscalibrated);
	table_cell(t, "%.3f", r->mid);
	table_cell(t, "%.3f-%.3f", r->lo, r->hi);
}

static void show(const struct training *from)
{
	struct table *t = table_new();

	table_column(t, "target", TABLE_LEFT);
	table_column(t, "foretold by", TABLE_LEFT);
	table_column(t, "error", TABLE_RIGHT);
	table_column(t, "in time", TABLE_RIGHT);
	table_column(t, "rank", TABLE_RIGHT);
	table_column(t, "off by tenths", TABLE_RIGHT);
	table_column(t, "to average", TABLE_RIGHT);
	table_column(t, "95 %", TABLE_RIGHT);
	for (int i = 0; i < FORECAST_TARGETS; i++) {
		const char *name =
			forecast_target_name((enum forecast_target)i);

		for (unsigned who = 0; who < TRAIN_COUNT; who++) {
			if (!from->part[i].tried[who])
				continue;
			show_contender(t, &from->part[i], who, name);
			name = "";
		}
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	printf("\n%s\n", json_text_at(from->body, "text"));
}

/* ---- as a place in a pipe ---------------------------------------------- */

static int emit(struct stream *s, const char *kind, struct json *body,
		const struct doc *parent)
{
	const char *id = parent ? parent->id : NULL;

	return stream_emit(s, doc_new(kind, tool.name, body, &id, parent != 0));
}

static int emit_policies(struct stream *s, const struct training *t,
			 char *const *files, size_t n)
{
	struct json *bodies[TRAINER_POLICIES];
	size_t wanted = count ? (size_t)count : 1;
	int rc = trainer_policies(t, files, n, wanted, bodies);

	if (rc)
		return rc;
	for (size_t i = 0; i < wanted; i++) {
		int one =
			emit(s, "policy", bodies[i], stream_last(s, "profile"));

		rc = rc ? rc : one;
	}
	return rc;
}

static void show_policies(const struct stream *s, size_t first)
{
	for (size_t i = first; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);
		char *words;

		if (strcmp(d->kind, "policy"))
			continue;
		words = policy_text(d->body);
		printf("policy %.12s: %s (%s)\n", d->id,
		       json_text_at(d->body, "title"), words);
		free(words);
	}
}

static int propose(struct stream *s, char *const *files, size_t n,
		   struct training *t)
{
	size_t first = stream_count(s);
	bool bursts;
	int rc = trainer_train(&arg, files, n, t);

	if (rc)
		return rc;
	if (!cli_wants_json(json))
		show(t);
	bursts = training_has_bursts(t);
	rc = emit(s, "note", t->body, stream_last(s, "profile"));
	t->body = NULL;
	if (!rc && bursts)
		rc = emit_policies(s, t, files, n);
	if (rc)
		return rc;
	if (!cli_wants_json(json))
		show_policies(s, first);
	if (!bursts)
		cli_note(&tool, "bursts are not foretold better than the "
				"guesses do: no policy is proposed");
	return bursts ? 0 : 1;
}

static int run_in_pipe(char *const *files, size_t n, struct training *t)
{
	struct stream *s = stream_open(
		isatty(STDIN_FILENO) ? -1 : STDIN_FILENO,
		cli_wants_json(json) ? STDOUT_FILENO : -1, tool.name);
	int status = CLI_YES, rc = 0;

	/* Once that has ended, what is recorded is all there. */
	if (input_pass_on(&tool, s, &status))
		rc = propose(s, files, n, t);
	if (rc < 0) {
		stream_emit_error(s, -rc, NULL);
		rc = cli_fail(&tool, rc);
	}
	stream_free(s);
	/* A bad line of the input is not made good by what followed. */
	return status == CLI_YES ? rc : status;
}

/* ---- main -------------------------------------------------------------- */

static int report(struct training *t)
{
	int status = t->beats ? CLI_YES : CLI_NO, rc = CLI_YES;

	if (cli_wants_json(json)) {
		rc = note_put(&tool, t->body);
		t->body = NULL;
	} else {
		show(t);
	}
	if (!t->beats)
		cli_note(&tool,
			 "nothing beats the exponential average and the other "
			 "guesses%s",
			 arg.check ? "" : ": no model is written");
	return rc ? rc : status;
}

int main(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), rc, status;
	struct train_opts unused;
	struct training t = {0};

	if (trainer_read_opts(&arg, &unused))
		cli_usage(&tool, "%s", err_text());
	if (arg.check && arg.output)
		cli_usage(&tool, "--check and --output exclude each other");
	if (arg.check && arg.policy)
		cli_usage(&tool, "--check and --policy exclude each other");
	if (count && !arg.policy)
		cli_usage(&tool, "--count is for --policy");
	if (at == argc)
		cli_usage(&tool, "name a file of sched-observe --bursts");
	if (arg.policy) {
		status = run_in_pipe(argv + at, (size_t)(argc - at), &t);
	} else {
		rc = trainer_train(&arg, argv + at, (size_t)(argc - at), &t);
		status = rc ? cli_fail(&tool, rc) : report(&t);
	}
	training_release(&t);
	return cli_finish(&tool, status);
}
