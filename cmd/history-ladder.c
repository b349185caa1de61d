/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/history-ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/program/program.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "history/history.h"
#include "term/num.h"

#define PROGRAM "sched-verify"

int ladder_begin(struct ladder *l, struct history *h, const struct bisect *b,
		 const struct ladder_arg *arg)
{
	int rc;

	*l = (struct ladder){.arg = arg};
	rc = bisect_profile(h, b, &l->profile);
	if (!rc)
		rc = history_read(h, "policy", bisect_first_good(b), &l->good);
	return rc;
}

void ladder_release(struct ladder *l)
{
	doc_free(l->profile);
	doc_free(l->good);
}

/* Nothing is screened, and nothing is to be accepted. */
static void make_args(const struct ladder_arg *a, struct strs *args)
{
	static const char *const fixed[] = {"--json", "--no-confirm",
					    "--screen", "0"};

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strs_add(args, fixed[i]);
	if (a->target)
		strs_printf(args, "--target=%s", a->target);
	if (a->kernel)
		strs_printf(args, "--kernel=%s", a->kernel);
	if (a->pairs)
		strs_printf(args, "--pairs=%ld", a->pairs);
	if (a->cpus)
		strs_printf(args, "--cpus=%ld", a->cpus);
}

/* The verdict about a policy; NULL: none was written. */
static const struct doc *verdict_of(const struct program_answer *a,
				    const struct doc *policy)
{
	const struct doc *d = NULL;

	for (size_t i = 0; a->out && i < stream_count(a->out); i++) {
		const struct doc *v = stream_at(a->out, i);

		if (!strcmp(v->kind, "verdict") &&
		    !strcmp(json_text_at(v->body, "policy"), policy->id))
			d = v;
	}
	return d;
}

static int failed(const struct program_answer *a)
{
	const char *words = a->words && *a->words ? a->words
						  : PROGRAM
				    ": see what it said above";

	if (a->cancelled || a->exit_status >= 128)
		return err_set(EINTR,
			       PROGRAM " ended with status %d: run again to "
				       "go on",
			       a->exit_status);
	return err_set(a->exit_status == CLI_LATER   ? EAGAIN
		       : a->exit_status == CLI_USAGE ? EINVAL
						     : EIO,
		       "%s", words);
}

/* Held against the good one, as far as both were measured. */
static int judge(const struct ladder *l, const struct program_answer *a,
		 const struct doc *policy, enum bisect_mark *mark, char **why)
{
	const struct doc *good = verdict_of(a, l->good);
	const struct doc *tested = verdict_of(a, policy);
	struct bisect_figure x, y;
	char p[NUM_LEN], q[NUM_LEN];
	int rc = good ? bisect_figure(good, l->arg->metric, &x) : failed(a);

	if (rc)
		return good ? err_prefix(rc,
					 "the good policy %.12s was not "
					 "measured",
					 l->good->id)
			    : rc;
	*mark = BISECT_SKIP;
	if (!tested || bisect_figure(tested, l->arg->metric, &y)) {
		*why = mem_strdup(tested ? err_text() : "it has no verdict");
		return 0;
	}
	*mark = bisect_judge(&x, &y, l->arg->worse_pct);
	*why = mem_printf("%s %s, the good one %s%s", y.name,
			  num_ratio(p, y.ratio), num_ratio(q, x.ratio),
			  *mark == BISECT_SKIP ? ": too near to tell, more "
						 "pairs would"
					       : "");
	return 0;
}

int ladder_test(const struct ladder *l, const struct doc *policy,
		enum bisect_mark *mark, char **why)
{
	const struct doc *in[] = {l->profile, l->good, policy};
	struct program_call c = {
		.program = PROGRAM,
		.in = in,
		.n = ARRAY_LEN(in),
		.talks = isatty(STDERR_FILENO),
		.cancel = &cli_stop,
	};
	struct program_answer a;
	int rc;

	*why = NULL;
	make_args(l->arg, &c.args);
	rc = program_run(&c, &a);
	if (!rc && (a.cancelled || a.exit_status >= 128 ||
		    a.exit_status == CLI_LATER || a.exit_status == CLI_USAGE))
		rc = failed(&a);
	if (!rc)
		rc = judge(l, &a, policy, mark, why);
	program_answer_release(&a);
	strs_release(&c.args);
	return rc;
}
