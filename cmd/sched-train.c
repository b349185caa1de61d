/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings of bursts in; a model of what comes next, or none, out. */
#include <stdio.h>
#include <unistd.h>

#include "agents/trainer.h"
#include "base/err.h"
#include "cmd/note.h"
#include "term/table.h"
#include "term/text.h"

static bool json;
static struct trainer_opts arg = {.holdout_pct = 30, .model = "both"};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "model",
	 .arg = "KIND",
	 .target = &arg.model,
	 .help = "linear, trees, or both: whichever is better"},
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "LIST",
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
	 .letter = 'j',
	 .name = "json",
	 .target = &json,
	 .help = "write a note document"},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-train",
	.purpose = "learn from recorded bursts what a task will do next",
	.synopsis = "[OPTION...] FILE...",
	.options = options,
	.epilogue = "exit status: 0 a model beats the exponential average and "
		    "the other guesses,\n1 none does, 2 usage, 3 cannot",
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
	if (at == argc)
		cli_usage(&tool, "name a file of sched-observe --bursts");
	rc = trainer_train(&arg, argv + at, (size_t)(argc - at), &t);
	status = rc ? cli_fail(&tool, rc) : report(&t);
	training_release(&t);
	return cli_finish(&tool, status);
}
