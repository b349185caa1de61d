/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile in, a plan and policies out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/planner/planner.h"
#include "agents/proposer/proposer.h"
#include "agents/planner/rules.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/input.h"
#include "cmd/rows.h"
#include "cmd/synth.h"
#include "policy/form.h"
#include "term/progress.h"

static struct synth_opts arg = {
	.count = 4, .seed = 1, .runs = 1000, .turns = 3};

static const struct opt options[] = {
	{.kind = OPT_LONG,
	 .letter = 'n',
	 .name = "count",
	 .arg = "N",
	 .help = "propose N policies (4)",
	 .target = &arg.count,
	 .min = 1,
	 .max = PLANNER_MAX},
	{.kind = OPT_LONG,
	 .letter = 's',
	 .name = "seed",
	 .arg = "N",
	 .help = "of the search: the same seed proposes the same (1)",
	 .target = &arg.seed,
	 .min = 0,
	 .max = 9007199254740991.0},
	{.kind = OPT_STRING,
	 .letter = 'b',
	 .name = "backend",
	 .arg = "NAME",
	 .words = "builtin|rules|random|openai|anthropic",
	 .help = "who proposes: builtin (rules, lessons and an optimiser, "
		 "sorted by the simulator), rules, random, openai, anthropic, "
		 "command:CMD, replay:FILE; SCHED_LLM's, else builtin",
	 .target = &arg.backend},
	{.kind = OPT_LONG,
	 .name = "runs",
	 .arg = "N",
	 .help = "about how many runs the search simulates (1000)",
	 .target = &arg.runs,
	 .min = 8,
	 .max = 1000000},
	{.kind = OPT_STRING,
	 .name = "sources",
	 .arg = "LIST",
	 .words = "rule,neighbour,optimiser,random",
	 .help = "who may propose: of rule, neighbour, optimiser (all three), "
		 "or random alone",
	 .target = &arg.sources},
	{.kind = OPT_STRING,
	 .name = "sweep",
	 .arg = "GRID",
	 .help = "propose every point of PARAM=V1,V2;PARAM=... instead",
	 .target = &arg.sweep},
	ROW_MODEL(&arg.model),
	ROW_MODEL_BUDGET(&arg.budget),
	{.kind = OPT_LONG,
	 .name = "turns",
	 .arg = "N",
	 .help = "a model may mend a draft so often (3)",
	 .target = &arg.turns,
	 .min = 0,
	 .max = 20},
	{.kind = OPT_LONG,
	 .name = "jobs",
	 .arg = "N",
	 .help = "drafts of a model's that are developed at once; as many as "
		 "its endpoints and the CPUs have use for",
	 .target = &arg.jobs,
	 .min = 1,
	 .max = PLANNER_MAX},
	{.kind = OPT_LONG,
	 .name = "enough",
	 .arg = "K",
	 .help = "of a model's drafts K that pass are enough: the rest is "
		 "cancelled",
	 .target = &arg.enough,
	 .min = 1,
	 .max = PLANNER_MAX},
	{.kind = OPT_STRING,
	 .name = "form",
	 .arg = "FORM",
	 .words = "knobs|params|external|hooks|source",
	 .help = "propose only knobs or params, and a model also external, "
		 "hooks or source",
	 .target = &arg.form},
	{.kind = OPT_STRING,
	 .name = "wish",
	 .arg = "TEXT",
	 .help = "what is wanted, in plain words, for a model to plan by",
	 .target = &arg.wish},
	ROW_RECORD(&arg.record),
	{.kind = OPT_STRING,
	 .name = "show-prompt",
	 .arg = "ROLE",
	 .words = "planner|coder|fixer|critic|summariser",
	 .help = "print what planner, coder, fixer, critic or summariser "
		 "would be sent, and exit",
	 .target = &arg.show_prompt},
	{.kind = OPT_STRING,
	 .name = "history",
	 .arg = "DIR",
	 .help = "a model reads this one; $SCHEDKIT_HISTORY, else the user's",
	 .target = &arg.history},
	{.kind = OPT_FLAG,
	 .name = "no-stream",
	 .help = "take a model's answers in one piece",
	 .target = &arg.no_stream},
	{.kind = OPT_FLAG,
	 .name = "list-params",
	 .help = "print the template's parameters and exit",
	 .target = &arg.list_params},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "documents, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_END},
};

const struct opt_tool synth_tool = {
	.name = "sched-synth",
	.purpose = "propose scheduling policies for a profile",
	.synopsis = "[OPTION...] < DOCUMENTS",
	.options = options,
	.epilogue = "exit status: 0 done, 1 a model proposed nothing that "
		    "passes, 2 usage, 3 cannot, 4 later",
};

/* What the options say in words. */
static unsigned int sources;
static bool is_random;
static struct policy_params sweep[PLANNER_MAX];
static size_t sweep_count;

/* ---- the filter ------------------------------------------------------- */

/* Passes everything on; the last profile is the one to plan for. */
static const struct doc *read_profile(struct stream *s, int *status)
{
	if (!input_pass_on(&synth_tool, s, status))
		return NULL;
	return stream_last(s, "profile");
}

static int emit(struct stream *s, struct doc *plan, struct doc **policies,
		size_t n)
{
	int rc = stream_emit(s, plan);

	for (size_t i = 0; i < n; i++) {
		int one = stream_emit(s, policies[i]);

		rc = rc ? rc : one;
	}
	return rc;
}

static void say_progress(void *p, long done, long all, double best)
{
	char words[96];

	snprintf(words, sizeof(words),
		 "simulated %ld of %ld runs, the best %.2f times EEVDF", done,
		 all, best);
	progress_step(p, done, all, words);
}

static int propose(struct stream *s, const struct doc *profile)
{
	struct planner_opts o = {
		.by = synth_tool.name,
		.count = arg.count,
		.seed = (uint64_t)arg.seed,
		.runs = strcmp(arg.backend, "rules") ? arg.runs : 0,
		.stream = s,
		.sources = sources,
		.knobs = policy_form_named(arg.form) == FORM_KNOBS,
		.random = is_random,
		.sweep = sweep,
		.sweep_count = sweep_count,
		.cancel = &cli_stop,
	};
	struct doc *plan, *policies[PLANNER_MAX];
	struct progress p;
	size_t n;
	int rc;

	progress_init(&p, STDERR_FILENO);
	o.progress = p.wanted ? say_progress : NULL;
	o.progress_arg = &p;
	rc = planner_run(profile, &o, &plan, policies, &n);
	progress_clear(&p);
	if (rc == 0)
		rc = emit(s, plan, policies, n);
	return rc ? cli_fail(&synth_tool, rc) : CLI_YES;
}

static bool needs_model(void)
{
	return strcmp(arg.backend, "builtin") && strcmp(arg.backend, "rules") &&
	       strcmp(arg.backend, "random");
}

static int run(bool as_json)
{
	bool quiet = arg.show_prompt || !as_json;
	struct stream *s = stream_open(STDIN_FILENO, quiet ? -1 : STDOUT_FILENO,
				       synth_tool.name);
	const struct doc *profile;
	int status = CLI_YES, made;
	size_t first;

	profile = read_profile(s, &status);
	if (!profile && status == CLI_YES) {
		int rc = err_set(ENODATA,
				 "no profile in the input; 'sched-observe -- "
				 "COMMAND | sched-synth' gives one");

		stream_emit_error(s, -rc, NULL);
		status = cli_fail(&synth_tool, rc);
	}
	if (!profile)
		goto out;
	cli_catch_stop();
	first = stream_count(s);
	if (arg.show_prompt)
		made = synth_show_prompt(s, profile, &arg, as_json);
	else if (needs_model())
		made = synth_ask(s, profile, &arg);
	else
		made = propose(s, profile);
	if (quiet && stream_count(s) > first)
		synth_show(s, first);
	/* A bad line of the input is not made good by what followed. */
	status = status == CLI_YES ? made : status;
out:
	stream_free(s);
	return status;
}

/* ---- options ---------------------------------------------------------- */

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* What SCHED_LLM names is asked for, since nobody sets it by chance. */
static void choose_backend(void)
{
	static const char *const known[] = {"builtin", "rules",	    "random",
					    "openai",  "anthropic", NULL};
	const char *env = getenv("SCHED_LLM");
	size_t i = 0;

	if (!arg.backend) {
		arg.backend = env && *env ? "" : "builtin";
		return;
	}
	while (known[i] && strcmp(known[i], arg.backend))
		i++;
	if (!known[i] && !starts(arg.backend, "command:") &&
	    !starts(arg.backend, "replay:"))
		cli_usage(&synth_tool,
			  "there is no backend '%s'; builtin, rules, random, "
			  "openai, anthropic, command:CMD and replay:FILE are "
			  "there",
			  arg.backend);
}

static void add_source(const char *word)
{
	static const enum source may[] = {SOURCE_RULE, SOURCE_NEIGHBOUR,
					  SOURCE_OPTIMISER};

	for (size_t i = 0; i < ARRAY_LEN(may); i++)
		if (!strcmp(word, source_names[may[i]])) {
			sources |= 1u << may[i];
			return;
		}
	cli_usage(&synth_tool,
		  "option --sources: '%s' is not rule, neighbour or optimiser",
		  word);
}

static void choose_sources(void)
{
	char *copy = mem_strdup(arg.sources ? arg.sources : ""), *save = NULL;

	is_random = !strcmp(arg.backend, "random") || !strcmp(copy, "random");
	for (char *w = strtok_r(copy, ",", &save); w && !is_random;
	     w = strtok_r(NULL, ",", &save))
		add_source(w);
	free(copy);
	if ((is_random || sources || arg.sweep) && needs_model())
		cli_usage(&synth_tool,
			  "--sources and --sweep are not for a model");
	if (arg.sweep &&
	    planner_sweep(arg.sweep, sweep, PLANNER_MAX, &sweep_count))
		cli_usage(&synth_tool, "option --sweep: %s", err_text());
}

static void check_form(void)
{
	bool model = needs_model() || arg.show_prompt;

	if (policy_form_check(arg.form, model))
		cli_usage(&synth_tool, "option --form: %s", err_text());
	if (!model && policy_form_named(arg.form) == FORM_KNOBS &&
	    (arg.sweep || arg.sources || is_random))
		cli_usage(&synth_tool,
			  "--sources, --sweep and random are not for knobs");
}

static void check_wish(void)
{
	if (!arg.wish)
		return;
	if (!needs_model() && !arg.show_prompt)
		cli_usage(&synth_tool,
			  "option --wish: only a model reads plain "
			  "words; set SCHED_LLM or --backend");
	if (proposer_wish(arg.wish) < 0)
		cli_usage(&synth_tool, "option --wish: %s", err_text());
}

int main(int argc, char **argv)
{
	int first = cli_options(&synth_tool, argc, argv);

	if (first < argc)
		cli_usage(&synth_tool, "'%s' is not expected", argv[first]);
	choose_backend();
	check_wish();
	choose_sources();
	check_form();
	if (arg.list_params) {
		synth_show_params();
		return cli_finish(&synth_tool, CLI_YES);
	}
	return cli_finish(&synth_tool, run(cli_wants_json(arg.json)));
}
