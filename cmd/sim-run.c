/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-sim run: a policy on a workload, beside the kernel's own scheduler. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/simulator/simulate.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/cli.h"
#include "cmd/sim.h"
#include "doc/doc.h"
#include "intent/compile.h"
#include "policy/form.h"
#include "policy/knobs.h"
#include "policy/object.h"
#include "policy/policy.h"
#include "term/num.h"
#include "term/progress.h"
#include "term/text.h"

#define MAX_DOCUMENTS (64u << 20)
#define NS_PER_S      1e9

static struct {
	const char *machine, *kernel, *costs, *intents;
	struct strs params, set;
	long seed;
	double limit, starve;
	bool alone, json;
} arg = {.seed = 1, .limit = 60};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "machine",
	 .arg = "CPUS[,LIST]",
	 .help = "8,threads=2,llcs=2,nodes=1; by default the workload's own",
	 .target = &arg.machine},
	SIM_SEED(&arg.seed),
	SIM_KERNEL(&arg.kernel),
	{.kind = OPT_LIST,
	 .letter = 'p',
	 .name = "param",
	 .arg = "NAME=VALUE",
	 .help = "of the template; see sched-synth --list-params",
	 .target = &arg.params},
	{.kind = OPT_LIST,
	 .name = "set",
	 .arg = "NAME=VALUE",
	 .help = "a global variable of the object, as its loader would set it",
	 .target = &arg.set},
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "costs",
	 .arg = "FILE",
	 .help = "JSON with what things cost; by default the workload's own",
	 .target = &arg.costs},
	{.kind = OPT_STRING,
	 .letter = 'i',
	 .name = "intents",
	 .arg = "DIR",
	 .help = "follow the rules of this folder, as far as they ask names",
	 .target = &arg.intents},
	{.kind = OPT_DOUBLE,
	 .letter = 'l',
	 .name = "limit",
	 .arg = "S",
	 .help = "end after so many simulated seconds (60)",
	 .target = &arg.limit,
	 .min = 0.001,
	 .max = 86400},
	{.kind = OPT_DOUBLE,
	 .name = "starve",
	 .arg = "S",
	 .help = "whoever waits longer is a finding (0: nobody)",
	 .target = &arg.starve,
	 .min = 0,
	 .max = 86400},
	{.kind = OPT_FLAG,
	 .letter = 'a',
	 .name = "alone",
	 .help = "do not run the kernel's own scheduler beside it",
	 .target = &arg.alone},
	SIM_JSON(&arg.json),
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-sim",
	.purpose = "the simulator of scheduling policies",
	.synopsis = "run [OPTION...] POLICY WORKLOAD",
	.options = options,
	.epilogue = "POLICY: an object (.o), a file of documents, 'template' "
		    "or 'eevdf'\n"
		    "WORKLOAD: a profile, rt-app JSON, a trace, recorded "
		    "bursts, or 'hostile:NAME'\n"
		    "exit status: 0 done, 1 findings, 2 usage, 3 cannot",
};

struct arms {
	struct sim_opts o;
	struct load *load;
	struct sim_policy *policy; /* NULL: the kernel's own scheduler */
	struct json *body;	   /* of the policy's document; or NULL */
	struct knobs knobs;
	bool has_knobs;
	struct sim_result base, cand;
	bool has_base;
};

/* ---- what to run ---- */

static int template_body(const struct strs *params, const struct json *list,
			 struct json **out)
{
	struct json *body = json_object(), *p;
	struct policy_params check;
	int rc = 0;

	json_set_string(body, "form", "params");
	p = json_set(body, "params", json_object());
	for (size_t i = 0; i < params->len && !rc; i++)
		rc = sim_set_param(p, params->v[i]);
	if (!rc)
		rc = policy_params_read(body, &check);
	if (list)
		json_set(body, "identities", json_copy(list));
	*out = body;
	return rc;
}

/* The last policy of a file of documents. */
static int document_body(const char *path, struct json **out)
{
	char *line, *save = NULL;
	struct buf b;
	int rc;

	buf_init(&b, MAX_DOCUMENTS);
	rc = buf_read_file(&b, path);
	for (line = rc ? NULL : strtok_r(b.data, "\n", &save); line && !rc;
	     line = strtok_r(NULL, "\n", &save)) {
		struct doc *d;

		rc = doc_parse(line, strlen(line), &d);
		if (rc) {
			err_prefix(rc, "'%s'", path);
			break;
		}
		if (!strcmp(d->kind, "policy")) {
			json_free(*out);
			*out = json_copy(d->body);
		}
		doc_free(d);
	}
	buf_release(&b);
	if (!rc && !*out)
		rc = err_set(ENODATA, "there is no policy in '%s'", path);
	return rc;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && !strcmp(s + n - m, tail);
}

/* A form without an object: knobs are set on the load later. */
static int open_form(struct arms *a, enum policy_form form)
{
	int rc;

	if (form != FORM_KNOBS)
		return err_set(ENOTSUP,
			       "the policy is a program of its own: what is "
			       "inside it cannot be simulated");
	rc = knobs_read(a->body, &a->knobs);
	a->has_knobs = !rc;
	return rc;
}

/* Cgroups, files and users are not simulated: only names are. */
static int take_intents(struct sim_policy *p)
{
	struct intents i = {0};
	struct intent_rules *rules;
	int rc = intents_read(&i, arg.intents);

	for (size_t k = 0; k < i.problems.len && !rc; k++)
		rc = err_set(EINVAL, "%s", i.problems.v[k]);
	if (!rc) {
		intents_compile(&i, clock_wall(), false, &rules, NULL);
		rc = sim_policy_intents(p, rules);
		free(rules);
	}
	intents_release(&i);
	return rc;
}

static int no_intents(void)
{
	return err_set(ENOTSUP, "only the template and what is made of it "
				"follow intents");
}

static int open_policy(struct arms *a, const char *word, uint32_t kernel)
{
	enum policy_form form;
	char *path;
	int rc = 0;

	if (!strcmp(word, "eevdf"))
		return arg.intents ? no_intents() : 0;
	if (!strcmp(word, "template"))
		rc = template_body(&arg.params, a->load->identities, &a->body);
	else if (!ends_with(word, ".o"))
		rc = document_body(word, &a->body);
	if (rc)
		return rc;
	form = policy_form(a->body);
	if (form == FORM_KNOBS || form == FORM_EXTERNAL)
		return arg.intents ? no_intents() : open_form(a, form);
	path = a->body ? policy_object_path(a->body) : mem_strdup(word);
	rc = sim_policy_open(path, a->body, kernel, &a->policy);
	for (size_t i = 0; i < arg.set.len && !rc; i++)
		rc = sim_policy_assign(a->policy, arg.set.v[i]);
	if (!rc && arg.intents)
		rc = take_intents(a->policy);
	free(path);
	return rc;
}

static int open_load(struct arms *a, const char *word)
{
	static const char prefix[] = "hostile:";

	if (strncmp(word, prefix, strlen(prefix)))
		return load_open(word, &a->load);
	return load_hostile(word + strlen(prefix), a->o.machine.cpus, a->o.seed,
			    &a->load);
}

static int read_machine(struct arms *a)
{
	simulate_machine(NULL, &a->o.machine);
	if (!arg.machine)
		return 0;
	return sim_machine_parse(arg.machine, &a->o.machine);
}

static int prepare(struct arms *a, const char *policy, const char *workload)
{
	uint32_t kernel = 0;
	int rc = read_machine(a);

	a->o.seed = (uint64_t)arg.seed;
	a->o.limit_ns = (uint64_t)(arg.limit * NS_PER_S);
	a->o.starve_ns = (uint64_t)(arg.starve * NS_PER_S);
	a->o.cancel = &cli_stop;
	if (!rc && arg.kernel)
		rc = sim_kernel_parse(arg.kernel, &kernel);
	if (!rc)
		rc = open_load(a, workload);
	if (!rc)
		rc = sim_read_costs(arg.costs, a->load, &a->o.costs);
	if (rc)
		return rc;
	if (!arg.machine)
		sim_take_machine(a->load, &a->o.machine);
	return open_policy(a, policy, kernel);
}

/* ---- what came out ---- */

static bool is_good(const struct sim_result *r)
{
	return r->outcome == SIM_DONE && !r->finding_count;
}

/* Half a run beside a whole one says nothing. */
static bool is_comparable(const struct arms *a)
{
	return a->has_base && a->cand.outcome == SIM_DONE &&
	       a->base.outcome == SIM_DONE;
}

static char *sentence(const struct arms *a)
{
	const struct sim_result *r = &a->cand;

	return mem_printf("%s: %s after %.3f s on %u CPUs, %zu finding%s",
			  a->policy || a->has_knobs ? "the policy"
						    : "the kernel's own",
			  sim_outcome_name(r->outcome),
			  (double)r->end_ns / NS_PER_S, a->o.machine.cpus,
			  r->finding_count, r->finding_count == 1 ? "" : "s");
}

static struct json *compared(const struct arms *a)
{
	struct json *base = sim_result_metrics(a->load, &a->base);
	struct json *cand = sim_result_metrics(a->load, &a->cand);
	struct json *out = simulate_compare(base, cand);

	json_free(base);
	json_free(cand);
	return out;
}

static struct json *note_body(const struct arms *a)
{
	struct json *b = json_object();
	char *text = sentence(a);

	json_set_string(b, "text", text);
	free(text);
	json_set(b, "simulation", sim_result_json(a->load, &a->o, &a->cand));
	if (a->has_base)
		json_set(b, "baseline",
			 sim_result_json(a->load, &a->o, &a->base));
	if (is_comparable(a))
		json_set(b, "compared", compared(a));
	return b;
}

static void print_compared(const struct arms *a)
{
	static const char *const titles[] = {"EEVDF", "policy", "better"};
	struct json *rows = compared(a);
	struct table *t = table_new();

	table_column(t, "metric", TABLE_LEFT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	json_each (m, rows) {
		const char *unit = json_as_string(json_get(m, "unit"), "");
		double ratio = json_as_number(json_get(m, "ratio"), 0);
		char num[NUM_LEN];

		table_cell(t, "%s", json_as_string(json_get(m, "name"), ""));
		table_cell(t, "%.4g %s",
			   json_as_number(json_get(m, "baseline"), 0), unit);
		table_cell(t, "%.4g %s",
			   json_as_number(json_get(m, "candidate"), 0), unit);
		table_cell(t, "%s", ratio > 0 ? num_ratio(num, ratio) : "-");
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	json_free(rows);
}

static void print_metrics(const struct arms *a)
{
	struct json *rows = sim_result_metrics(a->load, &a->cand);
	struct table *t = table_new();

	table_column(t, "metric", TABLE_LEFT);
	table_column(t, "", TABLE_RIGHT);
	json_each (m, rows) {
		table_cell(t, "%s", json_as_string(json_get(m, "name"), ""));
		table_cell(t, "%.4g %s",
			   json_as_number(json_get(m, "value"), 0),
			   json_as_string(json_get(m, "unit"), ""));
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	json_free(rows);
}

static void print_findings(const struct sim_result *r)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct sim_finding *f = &r->findings[i];

		buf_printf(&b, "%s: ", sim_rule_names[f->rule]);
		if (f->file) {
			text_clean(&b, f->file, 0);
			buf_printf(&b, ":%u: ", f->line);
		}
		text_clean(&b, f->text, 0);
		buf_printf(&b, " (after %.3f s)\n", (double)f->at_ns / 1e9);
	}
	if (r->outcome == SIM_EJECTED) {
		buf_puts(&b, "the policy was dropped: ");
		text_clean(&b, r->exit_text ? r->exit_text : "?", 0);
		buf_puts(&b, "\n");
	}
	if (b.len)
		fputs(b.data, stdout);
	buf_release(&b);
}

static void print_people(const struct arms *a)
{
	char *text = sentence(a);

	if (is_comparable(a))
		print_compared(a);
	else
		print_metrics(a);
	print_findings(&a->cand);
	puts(text);
	free(text);
}

static struct progress bar;

static int execute(struct arms *a, const char *policy, const char *workload)
{
	int rc = prepare(a, policy, workload);

	/* First the kernel's own: knobs change the load. */
	if (!rc && (a->policy || a->has_knobs) && !arg.alone) {
		progress_step(&bar, 0, 2,
			      "simulating the kernel's own scheduler");
		rc = sim_run(&a->o, NULL, a->load, &a->base);
		a->has_base = !rc;
	}
	if (!rc && a->has_knobs)
		rc = load_set_knobs(a->load, &a->knobs, a->o.machine.cpus);
	if (!rc) {
		progress_step(
			&bar, a->has_base, 1 + a->has_base,
			a->policy || a->has_knobs
				? "simulating the policy"
				: "simulating the kernel's own scheduler");
		rc = sim_run(&a->o, a->policy, a->load, &a->cand);
	}
	progress_clear(&bar);
	if (!rc && a->cand.outcome == SIM_CANCELLED)
		rc = err_set(EINTR, "interrupted");
	if (!rc && cli_wants_json(arg.json))
		rc = sim_put_note(note_body(a));
	else if (!rc)
		print_people(a);
	return rc;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), rc, status;
	struct arms a = {0};

	if (argc - at != 2)
		cli_usage(&tool, "run what on what? give a policy and a "
				 "workload");
	cli_catch_stop();
	progress_init(&bar, STDERR_FILENO);
	rc = execute(&a, argv[at], argv[at + 1]);
	status = rc ? cli_fail(&tool, rc) : is_good(&a.cand) ? CLI_YES : CLI_NO;
	sim_result_release(&a.cand);
	sim_result_release(&a.base);
	sim_policy_free(a.policy);
	load_free(a.load);
	json_free(a.body);
	strs_release(&arg.params);
	strs_release(&arg.set);
	return status;
}

const struct cli_command sim_run_command = {
	.name = "run",
	.purpose = "run a policy on a workload",
	.tool = &tool,
	.run = run,
};
