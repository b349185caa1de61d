/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tools themselves.  No text of others ever gets into these. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/steward/order.h"
#include "agents/steward/tools.h"
#include "base/err.h"

#define HOUR_S 3600.0
#define DAY_S  86400.0

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

#define ROW(k, n, o, t, ...)                                                \
	{                                                                   \
		.kind = STEWARD_ARG_##k, .name = n, .option = o, .text = t, \
		##__VA_ARGS__                                               \
	}
#define END ROW(END, NULL, NULL, NULL)
#define BACKGROUND                                                         \
	ROW(BOOL, "background", STEWARD_SELF,                              \
	    "Answer at once with the handle of the job; ask the tool job " \
	    "for its result later")
#define CPUS \
	ROW(LONG, "cpus", "--cpus", "CPUs of the guest", .min = 1, .max = 64)
#define MEMORY                                                                 \
	ROW(LONG, "memory_mib", "--memory", "Memory of the guest", .min = 256, \
	    .max = 65536)
#define KERNEL                            \
	ROW(STRICT, "kernel", "--kernel", \
	    "Series of the kernel, such as 6.18", .words = DIGITS ".")

static const char *word(const struct json *args, const char *key,
			const char *dflt)
{
	return json_as_string(json_get(args, key), dflt);
}

static bool given(const struct json *args, const char *key)
{
	return json_get(args, key) != NULL;
}

/* ---- looking ------------------------------------------------------------ */

static const struct steward_arg none[] = {END};

static const struct steward_arg observe[] = {
	ROW(WORD, "what", STEWARD_SELF,
	    "What to watch: the machine, a process and its descendants (pid), a "
	    "cgroup, or a command that is started for it",
	    .words = "machine|pid|cgroup|command", .required = true),
	ROW(NUMBER, "seconds", "--seconds",
	    "How long; a command until it ends, or is ended then", .min = 0.1,
	    .max = HOUR_S),
	ROW(LONG, "pid", STEWARD_SELF, "The process", .min = 1, .max = 4194304),
	ROW(STRICT, "cgroup", STEWARD_SELF,
	    "The cgroup, below the mount of version 2",
	    .words = LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "/._@:-\\"),
	ROW(COMMAND, "command", STEWARD_SELF,
	    "The command, a word each; no shell is asked"),
	ROW(WORD, "where", STEWARD_SELF,
	    "Where a command runs: in a throw-away guest (the default) or on this "
	    "host, which the configuration has to allow",
	    .words = "guest|host"),
	ROW(METRICS, "metrics", "--metric",
	    "What to read from the command's output, such as "
	    "'rate,higher,req/s=re:([0-9.]+) req' or 'p99,us=json:latency.p99'; "
	    "the first is the goal.  By default the wall time"),
	ROW(NAME, "name", "--name", "Name of the workload"),
	ROW(NUMBER, "timeout_s", "--timeout", "End the command after so long",
	    .min = 1, .max = DAY_S),
	CPUS,
	MEMORY,
	KERNEL,
	BACKGROUND,
	END,
};

static int need(const struct json *args, const char *key, const char *for_what)
{
	if (given(args, key))
		return 0;
	return err_set(EINVAL, "'%s' is needed for what=%s", key, for_what);
}

static int observe_command(struct steward_order *o, const struct json *args)
{
	bool host = !strcmp(word(args, "where", "guest"), "host");

	if (!o->has_words && !o->words.len)
		return need(args, "command", "command");
	if (o->who->commands == STEWARD_NEVER)
		return err_set(
			EACCES,
			"this client may give no commands: 'commands' in "
			"mcp.json of the user says so; observe the "
			"machine, a pid or a cgroup instead");
	if (host && o->who->commands != STEWARD_HOST)
		return err_set(EACCES,
			       "commands of this client run in a guest only: "
			       "leave out where=host");
	steward_order_option(o, "--target", host ? "host" : "vm");
	return 0;
}

static int make_observe(struct steward_order *o, const struct json *args)
{
	const char *what = word(args, "what", "");
	static const char *const others[] = {"pid", "cgroup", NULL};
	char pid[24];
	int rc = 0;

	for (int i = 0; others[i]; i++)
		if (given(args, others[i]) && strcmp(what, others[i]))
			return err_set(EINVAL, "'%s' goes with what=%s",
				       others[i], others[i]);
	if (!strcmp(what, "command"))
		return observe_command(o, args);
	if (o->has_words || o->words.len || given(args, "where"))
		return err_set(EINVAL, "'command' and 'where' go with "
				       "what=command");
	if (!strcmp(what, "machine")) {
		strs_add(&o->argv, "--all");
	} else {
		rc = need(args, what, what);
		snprintf(pid, sizeof(pid), "%.0f",
			 json_as_number(json_get(args, "pid"), 0));
		if (!rc && !strcmp(what, "pid"))
			steward_order_option(o, "--pid", pid);
		else if (!rc && strstr(word(args, "cgroup", ""), ".."))
			rc = err_set(EINVAL, "cgroup: '..' leads elsewhere");
		else if (!rc)
			steward_order_option(o, "--cgroup",
					     word(args, "cgroup", ""));
	}
	return rc;
}

static const struct steward_arg search[] = {
	ROW(QUERY, "query", STEWARD_OPERAND,
	    "Words that the documents have; without them the newest are listed"),
	ROW(WORD, "kind", "--kind", "Only documents of this kind",
	    .words = "profile|plan|policy|verdict|deployment|lesson|note"),
	ROW(NAME, "workload", "--workload", "Only of this workload"),
	ROW(LONG, "max", "--max", "At most so many", .min = 1, .max = 50),
	END,
};

/* Without words it is the log; which of both is the program's command. */
static int make_search(struct steward_order *o, const struct json *args)
{
	strs_add(&o->argv, given(args, "query") ? "search" : "log");
	if (!given(args, "max"))
		steward_order_option(o, "--max", "20");
	return 0;
}

static const struct steward_arg show[] = {
	ROW(ID, "id", STEWARD_OPERAND, "The document's id, or its beginning",
	    .required = true),
	END,
};

static const struct steward_arg diff[] = {
	ROW(ID, "a", STEWARD_OPERAND, "A document", .required = true),
	ROW(ID, "b", STEWARD_OPERAND, "Another one of its kind",
	    .required = true),
	END,
};

static const struct steward_arg best[] = {
	ROW(NAME, "workload", "--workload", "Only for this workload"),
	ROW(WORD, "state", "--state", "The policy in this state",
	    .words = "candidate|canary|trusted|previous"),
	END,
};

static const struct steward_arg report[] = {
	ROW(NAME, "workload", "--workload",
	    "All that the history has about this workload"),
	ROW(ID, "policy", "--policy",
	    "This policy, where it comes from and what became of it"),
	END,
};

static int make_report(struct steward_order *o, const struct json *args)
{
	if (given(args, "workload") == given(args, "policy"))
		return err_set(EINVAL, "either 'workload' or 'policy' is "
				       "needed");
	strs_add(&o->argv, "--text");
	return 0;
}

static const struct steward_arg intents[] = {
	ROW(WORD, "action", STEWARD_SELF,
	    "list: the rules in force; explain: which rule is for a process; "
	    "propose: rules from a profile, or from a wish in plain words, which "
	    "a model reads; nothing is put in force",
	    .words = "list|explain|propose", .required = true),
	ROW(LONG, "pid", STEWARD_SELF, "explain: the process", .min = 1,
	    .max = 4194304),
	ROW(ID, "profile", STEWARD_INPUT, "propose: the profile"),
	ROW(TEXT, "wish", STEWARD_SELF,
	    "propose: what is wanted, such as 'the build may be slow'"),
	END,
};

static int make_intents(struct steward_order *o, const struct json *args)
{
	const char *action = word(args, "action", "");
	bool wish = o->has_words || o->words.len;
	bool propose = !strcmp(action, "propose");
	bool explain = !strcmp(action, "explain");
	char pid[24];

	strs_add(&o->argv, action);
	if (explain != given(args, "pid"))
		return err_set(EINVAL, "'pid' is needed for action=explain, "
				       "and for nothing else");
	if (propose ? wish == given(args, "profile")
		    : wish || given(args, "profile"))
		return err_set(EINVAL, "either 'profile' or 'wish' is needed "
				       "for action=propose, and for nothing "
				       "else");
	if (propose) {
		o->class = STEWARD_PROPOSE;
		o->limit_s = 10 * 60;
	}
	if (explain) {
		snprintf(pid, sizeof(pid), "%.0f",
			 json_as_number(json_get(args, "pid"), 0));
		strs_add(&o->operands, pid);
	}
	return 0;
}

/* ---- proposing ---------------------------------------------------------- */

static const struct steward_arg plan[] = {
	ROW(ID, "profile", STEWARD_INPUT, "The profile that observe made",
	    .required = true),
	END,
};

static int make_plan(struct steward_order *o, const struct json *args)
{
	(void)args;
	steward_order_option(o, "--backend", "rules");
	return 0;
}

static const struct steward_arg synthesise[] = {
	ROW(ID, "profile", STEWARD_INPUT, "The profile that observe made",
	    .required = true),
	ROW(LONG, "count", "--count", "How many policies", .min = 1, .max = 64),
	ROW(WORD, "by", STEWARD_SELF,
	    "Who proposes: search (rules, lessons, optimiser and simulator; the "
	    "default), rules alone, random points, or the language model that "
	    "this machine is set up for",
	    .words = "search|rules|random|model"),
	ROW(WORD, "form", "--form",
	    "params: for sched_ext; knobs: nice and the like, for any kernel",
	    .words = "params|knobs"),
	ROW(LONG, "runs", "--runs", "Runs of the simulator", .min = 8,
	    .max = 100000),
	ROW(LONG, "seed", "--seed", "The seed of the search", .min = 0,
	    .max = 2147483647),
	ROW(TEXT, "wish", STEWARD_SELF,
	    "What is wanted, in plain words; for by=model"),
	BACKGROUND,
	END,
};

static int make_synthesise(struct steward_order *o, const struct json *args)
{
	const char *by = word(args, "by", "search");
	bool model = !strcmp(by, "model");

	if ((o->has_words || o->words.len) && !model)
		return err_set(EINVAL, "'wish' goes with by=model: nobody else "
				       "reads it");
	o->words_as = "--wish=";
	if (model)
		return 0;
	steward_order_option(o, "--backend",
			     strcmp(by, "search") ? by : "builtin");
	return 0;
}

static const struct steward_arg simulate[] = {
	ROW(ID, "profile", STEWARD_INPUT,
	    "The workload: a profile of the history"),
	ROW(STRICT, "hostile", STEWARD_SELF,
	    "The workload: one that schedulers get wrong, such as fork_storm, "
	    "hog_beside_sleepers, wake_chain, weights, hotplug",
	    .words = LETTERS "_"),
	ROW(FILE, "file", STEWARD_SELF,
	    "The workload: a profile, trace or rt-app file in a folder that the "
	    "configuration names"),
	ROW(ID, "policy", STEWARD_INPUT,
	    "A policy of the history; without it the template"),
	ROW(PARAMS, "params", "--param",
	    "Parameters of the template, such as {\"slice_us\":5000}"),
	ROW(STRICT, "machine", "--machine",
	    "The machine, as 8,threads=2,llcs=2,nodes=1",
	    .words = LETTERS DIGITS ",="),
	ROW(LONG, "seed", "--seed", "Of all random numbers", .min = 0,
	    .max = 2147483647),
	ROW(NUMBER, "limit_s", "--limit", "End after so many simulated seconds",
	    .min = 0.001, .max = HOUR_S),
	KERNEL,
	BACKGROUND,
	END,
};

static int make_simulate(struct steward_order *o, const struct json *args)
{
	const char *hostile = word(args, "hostile", NULL);
	bool policy = given(args, "policy");
	char name[256];

	if (given(args, "profile") + given(args, "file") + !!hostile != 1)
		return err_set(EINVAL, "one of 'profile', 'hostile' and 'file' "
				       "is needed");
	if (policy && given(args, "params"))
		return err_set(EINVAL, "'params' are of the template: leave "
				       "'policy' out");
	if (policy && given(args, "file"))
		return err_set(EINVAL, "a policy of the history goes with "
				       "'profile' or 'hostile'");
	strs_add(&o->operands, policy ? "in.jsonl" : "template");
	if (hostile) {
		snprintf(name, sizeof(name), "hostile:%s", hostile);
		strs_add(&o->operands, name);
	} else {
		strs_add(&o->operands, o->file ? "-" : "in.jsonl");
	}
	return 0;
}

/* ---- measuring ---------------------------------------------------------- */

static const struct steward_arg verify[] = {
	ROW(ID, "profile", STEWARD_INPUT,
	    "The profile whose workload is measured", .required = true),
	ROW(IDS, "policies", STEWARD_INPUT, "The policies to be measured",
	    .min = 1, .max = 16, .required = true),
	ROW(WORD, "where", STEWARD_SELF,
	    "In a throw-away guest (the default) or on this host, which the "
	    "configuration has to allow",
	    .words = "guest|host"),
	ROW(WORDS, "stages", "--stages",
	    "Only these stages; nothing is accepted without all of them",
	    .words = "lint|build|prove|sim|kernel|run"),
	ROW(LONG, "pairs", "--pairs",
	    "Pairs of runs for each finalist; with fewer than 5 nothing is "
	    "accepted",
	    .min = 1, .max = 64),
	ROW(LONG, "finalists", "--finalists",
	    "How many policies get all their pairs", .min = 1, .max = 16),
	ROW(NUMBER, "min_effect_pct", "--min-effect",
	    "An improvement by less is none", .min = 0, .max = 1000),
	ROW(NUMBER, "guard_pct", "--guard",
	    "How much worse a secondary metric may get", .min = 0, .max = 1000),
	ROW(NUMBER, "timeout_s", "--timeout", "Limit of one run", .min = 1,
	    .max = HOUR_S),
	ROW(LONG, "seed", "--seed", "Seed of the bootstrap", .min = 0,
	    .max = 2147483647),
	CPUS,
	MEMORY,
	KERNEL,
	BACKGROUND,
	END,
};

static int make_verify(struct steward_order *o, const struct json *args)
{
	bool host = !strcmp(word(args, "where", "guest"), "host");

	/* It runs the workload's command. */
	if (host && o->who->commands != STEWARD_HOST)
		return err_set(EACCES,
			       "this client may have nothing run on the host: "
			       "leave out where=host");
	steward_order_option(o, "--target", host ? "host" : "vm");
	return 0;
}

/* ---- deploying ---------------------------------------------------------- */

static const struct steward_arg deploy[] = {
	ROW(FULL_ID, "policy", STEWARD_INPUT, "The policy's whole id",
	    .required = true),
	ROW(FULL_ID, "verdict", STEWARD_INPUT,
	    "The whole id of the signed verdict that accepts it",
	    .required = true),
	ROW(LONG, "seconds", "--for",
	    "How long it stays; ending the job takes it off before", .min = 1,
	    .max = 30 * 86400.0, .required = true),
	ROW(STRICT, "canary", "--canary",
	    "Try it on a part first: a share of all processes such as 10%, or all",
	    .words = DIGITS "%al"),
	ROW(LONG, "canary_s", "--canary-for",
	    "How long each step of the canary takes at most", .min = 1,
	    .max = DAY_S),
	ROW(BOOL, "dry_run", "--dry-run",
	    "Make every check, and change nothing; nobody is asked"),
	BACKGROUND,
	END,
};

static int make_deploy(struct steward_order *o, const struct json *args)
{
	bool dry = json_as_bool(json_get(args, "dry_run"), false);

	steward_order_option(o, "--policy", word(args, "policy", ""));
	steward_order_option(o, "--target", "host");
	o->agree = !dry;
	o->limit_s = json_as_number(json_get(args, "seconds"), 0) + DAY_S;
	if (!dry)
		o->flags |= STEWARD_KEEP;
	return 0;
}

static const struct steward_arg rollback[] = {
	ROW(LONG, "steps", STEWARD_SELF,
	    "How many policies back; 0: take off what is in place, and leave the "
	    "kernel's own scheduler",
	    .min = 0, .max = 20, .required = true),
	ROW(LONG, "seconds", STEWARD_SELF,
	    "How long the earlier policy stays (one day)", .min = 1,
	    .max = 30 * 86400.0),
	BACKGROUND,
	END,
};

static int make_rollback(struct steward_order *o, const struct json *args)
{
	double steps = json_as_number(json_get(args, "steps"), 0);
	double s = json_as_number(json_get(args, "seconds"), DAY_S);
	char text[24];

	if (steps < 1) {
		strs_add(&o->argv, "stop");
		return 0;
	}
	o->agree = true;
	o->limit_s = s + HOUR_S;
	strs_add(&o->argv, "rollback");
	snprintf(text, sizeof(text), "%.0f", s);
	steward_order_option(o, "--for", text);
	snprintf(text, sizeof(text), "%.0f", steps);
	strs_add(&o->operands, text);
	return 0;
}

static const struct steward_arg job[] = {
	ROW(STRICT, "job", STEWARD_SELF,
	    "The handle; without it the client's jobs are listed",
	    .words = DIGITS "abcdef"),
	ROW(WORD, "action", STEWARD_SELF,
	    "get (the default): how it stands, and its result; cancel: end it "
	    "with all that it started",
	    .words = "get|cancel"),
	ROW(NUMBER, "wait_s", STEWARD_SELF, "Wait so long for its end",
	    .min = 0, .max = 50),
	END,
};

/* ---- the table ---------------------------------------------------------- */

const struct steward_tool steward_tools[] = {
	{"doctor", "What this machine can do",
	 "Checks what schedkit needs of this machine: sched_ext, BPF, guests, "
	 "kernels, privileges.  Changes nothing.  Call it first, and whenever "
	 "another tool says that it cannot.",
	 STEWARD_OBSERVE, STEWARD_IDEMPOTENT | STEWARD_3_IS_NO, "sched-doctor",
	 NULL, 120, none, NULL},
	{"status", "What is in force",
	 "Which scheduling policy is in force on this machine now, whose it "
	 "is, and how the last one ended.",
	 STEWARD_OBSERVE, STEWARD_IDEMPOTENT, "sched-deploy", "status", 60,
	 none, NULL},
	{"observe", "Watch how a workload is scheduled",
	 "Watches the machine, a process, a cgroup or a command and makes a "
	 "profile: how long tasks run, wait and sleep, who wakes whom.  The "
	 "profile's id is what plan, synthesise, simulate and verify take.",
	 STEWARD_OBSERVE, STEWARD_LONG | STEWARD_KEEP | STEWARD_HERE,
	 "sched-observe", NULL, 2 * DAY_S, observe, make_observe},
	{"plan", "Plan experiments for a profile",
	 "Says which regime the workload of a profile is in, with the figures "
	 "that show it, and which policies are worth an experiment.  Takes a "
	 "moment; measures nothing.",
	 STEWARD_PROPOSE, STEWARD_KEEP | STEWARD_LESSONS, "sched-synth", NULL,
	 300, plan, make_plan},
	{"synthesise", "Propose policies for a profile",
	 "Proposes scheduling policies for a profile by rules, what the "
	 "history learned, an optimiser and the simulator, or by a language "
	 "model.  Measures nothing: give the policies' ids to verify.",
	 STEWARD_PROPOSE,
	 STEWARD_LONG | STEWARD_KEEP | STEWARD_LESSONS | STEWARD_OPEN_WORLD,
	 "sched-synth", NULL, 6 * HOUR_S, synthesise, make_synthesise},
	{"simulate", "Run a policy in the simulator",
	 "Runs a policy, or the template with parameters, on a model of a "
	 "workload and a machine, beside a model of the kernel's own "
	 "scheduler.  Its figures are no figures of a kernel.",
	 STEWARD_PROPOSE, STEWARD_LONG | STEWARD_IDEMPOTENT, "sched-sim", "run",
	 HOUR_S, simulate, make_simulate},
	{"verify", "Measure policies against the kernel's own",
	 "Takes policies through lint, build, proof, simulation, the kernel's "
	 "verifier and measured pairs of runs in a throw-away guest, and makes "
	 "a signed verdict for each: accepted, rejected or inconclusive.  "
	 "Takes many minutes.",
	 STEWARD_VERIFY, STEWARD_LONG | STEWARD_KEEP | STEWARD_LEARN,
	 "sched-verify", NULL, DAY_S, verify, make_verify},
	{"deploy", "Put a verified policy to work",
	 "Attaches a policy with a signed verdict to this machine for some "
	 "time, watched by guards; with canary on a part of it first.  A "
	 "person has to agree each time.  It is taken off when the job ends.",
	 STEWARD_DEPLOY, STEWARD_LONG | STEWARD_DESTRUCTIVE | STEWARD_NO_FAILS,
	 "sched-deploy", NULL, 30 * DAY_S, deploy, make_deploy},
	{"rollback", "Go back to an earlier policy",
	 "Takes off the policy in place, and with steps above 0 puts back the "
	 "one that was in place before, which a person has to agree to.",
	 STEWARD_DEPLOY, STEWARD_LONG | STEWARD_DESTRUCTIVE | STEWARD_NO_FAILS,
	 "sched-deploy", NULL, 30 * DAY_S, rollback, make_rollback},
	{"history_search", "Search the history",
	 "The documents (profiles, plans, policies, verdicts, deployments, "
	 "lessons, notes) that have some words, best first; without words the "
	 "newest ones.",
	 STEWARD_OBSERVE, STEWARD_IDEMPOTENT, "sched-history", NULL, 120,
	 search, make_search},
	{"history_show", "Show a document of the history",
	 "One document by its id, whole unless it is large.", STEWARD_OBSERVE,
	 STEWARD_IDEMPOTENT, "sched-history", "show", 60, show, NULL},
	{"history_diff", "Compare two documents",
	 "What differs between two documents of a kind; of policies also what "
	 "was measured of each.",
	 STEWARD_OBSERVE, STEWARD_IDEMPOTENT, "sched-history", "diff", 60, diff,
	 NULL},
	{"history_best", "The best policy known",
	 "For each workload the accepted policy with the largest improvement, "
	 "and its verdict.",
	 STEWARD_OBSERVE, STEWARD_IDEMPOTENT, "sched-history", "best", 60, best,
	 NULL},
	{"report", "Report on a workload or a policy",
	 "A summary in text of all that the history has about a workload or a "
	 "policy: the answer, the intervals, how long tasks waited.",
	 STEWARD_OBSERVE, STEWARD_IDEMPOTENT | STEWARD_PLAIN, "sched-report",
	 NULL, 120, report, make_report},
	{"intents", "Rules that people declared",
	 "Lists the rules in force for tasks, explains which one is for a "
	 "process, or proposes some.  Puts nothing in force: 'sched-intent "
	 "commit' does, by a person.",
	 STEWARD_OBSERVE, 0, "sched-intent", NULL, 60, intents, make_intents},
	{"job", "Ask about a job",
	 "How a job stands that another tool began, and its result; ends it "
	 "with all that it started; or lists the jobs.",
	 STEWARD_OBSERVE, 0, NULL, NULL, 0, job, NULL},
	{.name = NULL},
};
