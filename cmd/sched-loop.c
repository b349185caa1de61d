/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The autonomous loop: options, words, exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/deployer.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/loop.h"
#include "cmd/rows.h"
#include "cmd/workload.h"
#include "executor/executor.h"
#include "policy/form.h"
#include "term/progress.h"

#define MAX_FILE DOC_MAX_LINE

static struct {
	const char *target, *goal, *budget, *bound, *shorter, *name, *file;
	const char *kernel, *topology, *executor, *form, *backend, *model;
	struct strs metrics, guards;
	long rounds, candidates, pairs, seed, cpus, memory;
	double min_effect, max_age;
	bool once, resume, status, no_deploy, no_run, json, progress;
} arg = {
	.target = "auto",
	.rounds = 3,
	.candidates = 4,
	.pairs = 12,
	.seed = 1,
	.min_effect = 3,
	.max_age = 30,
};

static const struct opt options[] = {
	{.kind = OPT_LONG,
	 .letter = 'r',
	 .name = "rounds",
	 .arg = "N",
	 .help = "at most so many (3)",
	 .target = &arg.rounds,
	 .min = 1,
	 .max = 1000},
	{.kind = OPT_STRING,
	 .letter = 'b',
	 .name = "budget",
	 .arg = "LIST",
	 .help = "time=S,usd=X,tokens=N; time also as 5m or 2h",
	 .target = &arg.budget},
	{.kind = OPT_STRING,
	 .letter = 'g',
	 .name = "goal",
	 .arg = "WORD[:RATIO]",
	 .words = "latency|throughput|makespan|fairness",
	 .help = "latency, throughput, makespan, fairness, or your own; RATIO: "
		 "that many times better is enough",
	 .target = &arg.goal},
	ROW_GUARD(&arg.guards),
	{.kind = OPT_FLAG,
	 .name = "once",
	 .help = "one round at most, silent when all is well: for cron",
	 .target = &arg.once},
	{.kind = OPT_DOUBLE,
	 .name = "max-age",
	 .arg = "DAYS",
	 .help = "--once: measure anew what was accepted before (30)",
	 .target = &arg.max_age,
	 .min = 0,
	 .max = 36500},
	{.kind = OPT_FLAG,
	 .name = "resume",
	 .help = "go on with the run that was not finished",
	 .target = &arg.resume},
	{.kind = OPT_FLAG,
	 .name = "status",
	 .help = "say how far this loop is, or all of them, and exit",
	 .target = &arg.status},
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .words = "host|vm|auto",
	 .help = "host, vm or auto (the default)",
	 .target = &arg.target},
	{.kind = OPT_STRING,
	 .letter = 'w',
	 .name = "workload",
	 .arg = "FILE",
	 .help = "a workload in JSON, or a profile, instead of COMMAND",
	 .target = &arg.file},
	ROW_METRIC(&arg.metrics),
	ROW_BOUND(&arg.bound),
	ROW_SHORT(&arg.shorter),
	ROW_NAME(&arg.name),
	{.kind = OPT_LONG,
	 .name = "candidates",
	 .arg = "N",
	 .help = "policies of a round, at most (4)",
	 .target = &arg.candidates,
	 .min = 1,
	 .max = 64},
	{.kind = OPT_LONG,
	 .name = "pairs",
	 .arg = "N",
	 .help = "runs of a finalist beside the baseline, at most (12)",
	 .target = &arg.pairs,
	 .min = 5,
	 .max = 64},
	ROW_MIN_EFFECT(&arg.min_effect),
	{.kind = OPT_LONG,
	 .letter = 's',
	 .name = "seed",
	 .arg = "N",
	 .help = "of the search and the bootstrap (1)",
	 .target = &arg.seed,
	 .min = 0,
	 .max = 1e15},
	{.kind = OPT_STRING,
	 .name = "form",
	 .arg = "FORM",
	 .words = "knobs|params|external|hooks|source",
	 .help = "propose only policies of this form, as for sched-synth",
	 .target = &arg.form},
	{.kind = OPT_STRING,
	 .name = "backend",
	 .arg = "NAME",
	 .words = "builtin|rules|random|openai|anthropic",
	 .help = "who proposes, as for sched-synth; SCHED_LLM's, else builtin",
	 .target = &arg.backend},
	ROW_MODEL(&arg.model),
	{.kind = OPT_FLAG,
	 .name = "no-deploy",
	 .help = "put nothing in place",
	 .target = &arg.no_deploy},
	{.kind = OPT_FLAG,
	 .name = "no-run",
	 .help = "in a guest, only load what was found; do not run the command",
	 .target = &arg.no_run},
	{.kind = OPT_LONG,
	 .name = "cpus",
	 .arg = "N",
	 .help = "of the guest",
	 .target = &arg.cpus,
	 .min = 1,
	 .max = 64},
	{.kind = OPT_LONG,
	 .name = "memory",
	 .arg = "MIB",
	 .help = "of the guest",
	 .target = &arg.memory,
	 .min = 256,
	 .max = 1048576},
	ROW_TOPOLOGY(&arg.topology),
	ROW_EXECUTOR(&arg.executor),
	{.kind = OPT_STRING,
	 .name = "kernel",
	 .arg = "SERIES",
	 .help = "of the guest",
	 .target = &arg.kernel},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "documents, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_FLAG,
	 .name = "progress",
	 .help = "say what goes on, even where there is no terminal",
	 .target = &arg.progress},
	{.kind = OPT_END},
};

const struct opt_tool loop_tool = {
	.name = "sched-loop",
	.purpose = "find, prove and deploy a better policy by itself",
	.synopsis = "[OPTION...] {-- COMMAND [ARGUMENT...] | --workload FILE}",
	.options = options,
	.epilogue = "exit status: 0 something better is in place, 1 nothing "
		    "better was found, 2 usage,\n3 cannot, 4 later",
};

/* ---- the workload ----------------------------------------------------- */

static void read_command(char **command, struct workload *w)
{
	const struct workload_words words = {arg.name, arg.bound, arg.shorter,
					     &arg.metrics};

	workload_of_words(&loop_tool, command, &words, w);
}

/* A workload object, or a document of the kind profile. */
static int read_file(const char *path, struct workload *w, struct doc **profile)
{
	const struct json *v;
	struct json *all;
	struct buf b;
	int rc;

	buf_init(&b, MAX_FILE);
	rc = buf_read_file(&b, path);
	while (!rc && b.len && strchr("\n\r ", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	all = rc ? NULL : json_parse(b.data, b.len);
	if (!rc && !all)
		rc = err_prefix(-EBADMSG, "'%s'", path);
	if (all && json_get(all, "kind")) {
		rc = doc_parse(b.data, b.len, profile);
		if (!rc && strcmp((*profile)->kind, "profile"))
			rc = err_set(EBADMSG,
				     "'%s' is neither a workload nor a profile",
				     path);
	}
	if (all && !rc) {
		v = *profile ? json_get((*profile)->body, "workload") : all;
		if (*profile && !json_get(v, "command"))
			rc = err_set(EBADMSG,
				     "the profile in '%s' is not of a command",
				     path);
		else
			rc = workload_read(v, w);
	}
	if (!rc && !w->cwd)
		w->cwd = getcwd(NULL, 0);
	json_free(all);
	buf_release(&b);
	return rc;
}

/* What sched-observe is told about a metric has to say it all. */
static int check_metrics(const struct workload *w)
{
	for (size_t i = 0; i < w->metric_count; i++) {
		const struct metric *m = &w->metrics[i];

		if (strpbrk(m->name, ",=:") ||
		    (m->unit && strpbrk(m->unit, ",=")))
			return err_set(EINVAL,
				       "the metric '%s': neither its name nor "
				       "its unit may hold , = or :",
				       m->name);
	}
	return 0;
}

/* ---- options ---------------------------------------------------------- */

static bool is_model(const char *backend)
{
	const char *env = getenv("SCHED_LLM");

	if (!backend)
		return env && *env;
	return strcmp(backend, "builtin") && strcmp(backend, "rules") &&
	       strcmp(backend, "random");
}

/* sched-synth would refuse it as well, when all has been observed. */
static void check_form(void)
{
	/* How far a loop is can be asked where the model is not. */
	if (policy_form_check(arg.form, is_model(arg.backend) || arg.status))
		cli_usage(&loop_tool, "option --form: %s", err_text());
	if (policy_form_named(arg.form) == FORM_KNOBS && arg.backend &&
	    !strcmp(arg.backend, "random"))
		cli_usage(&loop_tool,
			  "the backend random is not for knobs; leave out "
			  "--backend");
}

/* sched-verify would refuse it as well, when all has been observed. */
static void check_executor(void)
{
	struct executor *e;

	if (!arg.executor)
		return;
	if (executor_open(arg.executor, "sched-verify", &e))
		cli_usage(&loop_tool, "option --executor: %s", err_text());
	executor_close(e);
}

static void check_options(int operands)
{
	check_form();
	check_executor();
	if (arg.file && operands)
		cli_usage(&loop_tool, "a command or --workload, not both");
	if (arg.file &&
	    (arg.metrics.len || arg.bound || arg.shorter || arg.name))
		cli_usage(
			&loop_tool,
			"--metric, --bound, --short and --name are in the file");
	if (!arg.file && !operands && !arg.status)
		cli_usage(&loop_tool, "say what to run: a command behind --");
	if (strcmp(arg.target, "host") && strcmp(arg.target, "vm") &&
	    strcmp(arg.target, "auto"))
		cli_usage(&loop_tool,
			  "option --target: '%s' is not host, vm or auto",
			  arg.target);
	if (!strcmp(arg.target, "auto"))
		arg.target = deployer_auto_target();
}

static void fill(struct loop_opts *o, char **goal)
{
	*o = (struct loop_opts){
		.target = arg.target,
		.budget = {.rounds = arg.rounds},
		.min_effect_pct = arg.min_effect,
		.candidates = arg.candidates,
		.pairs = arg.pairs,
		.seed = arg.seed,
		.guards = arg.guards.v,
		.guard_count = arg.guards.len,
		.cpus = arg.cpus,
		.memory_mib = arg.memory,
		.kernel = arg.kernel,
		.topology = arg.topology,
		.executor = arg.executor,
		.form = arg.form,
		.backend = arg.backend,
		.model = arg.model,
		.asks_model = is_model(arg.backend),
		.once = arg.once,
		.resume = arg.resume,
		.deploy = !arg.no_deploy,
		.run = !arg.no_run,
		.max_age_days = arg.max_age,
		.out_fd = -1,
		.cancel = &cli_stop,
	};
	if (arg.goal && loop_goal_parse(arg.goal, goal, &o->goal_ratio))
		cli_usage(&loop_tool, "option --goal: %s", err_text());
	o->goal = *goal;
	if (arg.budget && loop_budget_parse(arg.budget, &o->budget))
		cli_usage(&loop_tool, "option --budget: %s", err_text());
}

/* ---- words on the way ------------------------------------------------- */

static struct progress bar;

static void on_progress(void *unused, long done, long total, const char *words)
{
	(void)unused;
	progress_step(&bar, done, total, words);
	if (!bar.on && arg.progress)
		cli_note(&loop_tool, "%s", words);
}

static void on_note(void *unused, const char *words)
{
	(void)unused;
	progress_clear(&bar);
	cli_note(&loop_tool, "%s", words);
}

/* ---- the run ---------------------------------------------------------- */

static int answer(const struct loop_result *r)
{
	switch (r->answer) {
	case LOOP_BETTER:
	case LOOP_CURRENT:
		return CLI_YES;
	case LOOP_NOTHING:
		return CLI_NO;
	default:
		return CLI_LATER;
	}
}

static int run(struct loop_opts *o)
{
	bool json = arg.once ? arg.json : cli_wants_json(arg.json);
	struct loop_result r;
	int rc, status;

	cli_catch_stop();
	progress_init(&bar, STDERR_FILENO);
	o->talks = bar.on;
	o->out_fd = json ? STDOUT_FILENO : -1;
	o->progress = on_progress;
	o->note = on_note;
	rc = loop_run(o, &r);
	progress_clear(&bar);
	status = rc ? cli_fail(&loop_tool, rc) : answer(&r);
	/* Cron mails whatever is said: only that something changed. */
	if (!rc && !json && r.note && !(arg.once && r.answer != LOOP_BETTER))
		loop_show(&r);
	loop_result_release(&r);
	return status;
}

int main(int argc, char **argv)
{
	int first = cli_options(&loop_tool, argc, argv), rc = 0, status;
	struct workload w = {0};
	struct doc *profile = NULL;
	char *goal = NULL;
	struct loop_opts o;

	check_options(argc - first);
	fill(&o, &goal);
	if (arg.file)
		rc = read_file(arg.file, &w, &profile);
	else if (first < argc)
		read_command(argv + first, &w);
	if (!rc)
		rc = check_metrics(&w);
	o.workload = &w;
	o.profile = profile;
	if (rc)
		status = cli_fail(&loop_tool, rc);
	else if (arg.status)
		status = loop_status(w.command.len ? &w : NULL, arg.target,
				     cli_wants_json(arg.json));
	else
		status = run(&o);
	workload_release(&w);
	doc_free(profile);
	free(goal);
	strs_release(&arg.metrics);
	strs_release(&arg.guards);
	return cli_finish(&loop_tool, status);
}
