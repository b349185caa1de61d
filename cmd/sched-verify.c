/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies in, verdicts out: options, progress and the table for people. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/verifier.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/rows.h"
#include "policy/form.h"
#include "rt/config.h"
#include "stats/sequential.h"
#include "term/num.h"
#include "term/progress.h"
#include "term/table.h"
#include "term/text.h"

#define MAX_OUTPUT (16u << 20)

static struct {
	const char *target, *stages, *topology;
	struct strs guards, kernels, objects;
	long pairs, screen, finalists, seed, cpus, memory;
	double min_effect, timeout;
	bool confirm, no_confirm, halving, sequential, bare, only_new;
	bool json, progress;
} arg = {
	.target = "auto",
	.pairs = 5,
	.screen = 1,
	.finalists = 2,
	.seed = 1,
	.min_effect = 3,
};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .help = "host, vm or auto (the default)",
	 .target = &arg.target},
	{.kind = OPT_STRING,
	 .name = "stages",
	 .arg = "LIST",
	 .help = "of lint,build,prove,sim,kernel,run; all by default",
	 .target = &arg.stages},
	{.kind = OPT_LONG,
	 .name = "pairs",
	 .arg = "N",
	 .help = "runs of each finalist beside the baseline (5)",
	 .target = &arg.pairs,
	 .min = 1,
	 .max = 1000},
	{.kind = OPT_LONG,
	 .name = "screen",
	 .arg = "N",
	 .help = "runs of each policy to choose finalists (1; 0: none)",
	 .target = &arg.screen,
	 .min = 0,
	 .max = 100},
	{.kind = OPT_LONG,
	 .name = "finalists",
	 .arg = "K",
	 .help = "policies that get all their pairs (2)",
	 .target = &arg.finalists,
	 .min = 1,
	 .max = 1000},
	{.kind = OPT_FLAG,
	 .name = "halving",
	 .help = "choose them in rungs: half are kept, runs double",
	 .target = &arg.halving},
	{.kind = OPT_FLAG,
	 .name = "sequential",
	 .help = "end a policy's pairs when its answer is known",
	 .target = &arg.sequential},
	{.kind = OPT_FLAG,
	 .name = "bare",
	 .help = "no runs at the bound, none with identities shuffled",
	 .target = &arg.bare},
	{.kind = OPT_FLAG,
	 .name = "new",
	 .help = "only policies without a verdict in the input",
	 .target = &arg.only_new},
	{.kind = OPT_FLAG,
	 .name = "confirm",
	 .help = "measure the winner again with fresh pairs (default)",
	 .target = &arg.confirm},
	{.kind = OPT_FLAG,
	 .name = "no-confirm",
	 .help = "do not; nothing is accepted then",
	 .target = &arg.no_confirm},
	ROW_MIN_EFFECT(&arg.min_effect),
	ROW_GUARD(&arg.guards),
	{.kind = OPT_DOUBLE,
	 .name = "timeout",
	 .arg = "S",
	 .help = "of one run; by default 5 times the baseline's first",
	 .target = &arg.timeout,
	 .min = 0.1,
	 .max = 86400},
	{.kind = OPT_LONG,
	 .name = "seed",
	 .arg = "N",
	 .help = "of the bootstrap (1)",
	 .target = &arg.seed,
	 .min = 0,
	 .max = 9007199254740991.0},
	{.kind = OPT_LONG,
	 .name = "cpus",
	 .arg = "N",
	 .help = "of the guest",
	 .target = &arg.cpus,
	 .min = 1,
	 .max = 512},
	{.kind = OPT_LONG,
	 .name = "memory",
	 .arg = "MIB",
	 .help = "of the guest",
	 .target = &arg.memory,
	 .min = 128,
	 .max = 1 << 20},
	ROW_TOPOLOGY(&arg.topology),
	{.kind = OPT_LIST,
	 .name = "kernel",
	 .arg = "SERIES",
	 .help = "of the guest; more than one: also has to load there",
	 .target = &arg.kernels},
	{.kind = OPT_LIST,
	 .name = "object",
	 .arg = "FILE",
	 .help = "judge this BPF object, too",
	 .target = &arg.objects},
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

static const struct opt_tool tool = {
	.name = "sched-verify",
	.purpose = "measure scheduling policies against the kernel's own",
	.synopsis = "[OPTION...] < DOCUMENTS",
	.options = options,
	.epilogue = "exit status: 0 a policy is accepted, 1 none is, 2 usage, "
		    "3 cannot, 4 later",
};

/* ---- options ---- */

static double guard_pct(const char *text, const char *whole)
{
	char *end;
	double pct = strtod(text, &end);

	if (end == text || *end || !(pct >= 0 && pct <= 1e6))
		cli_usage(&tool, "option --guard: '%s' is not [METRIC:]PCT",
			  whole);
	return pct;
}

/* The rows of --guard; those without a metric set the default. */
static size_t read_guards(struct verifier_guard *rows, double *dflt)
{
	size_t n = 0;

	for (size_t i = 0; i < arg.guards.len; i++) {
		const char *text = arg.guards.v[i];
		const char *colon = strrchr(text, ':');

		if (!colon) {
			*dflt = guard_pct(text, text);
			continue;
		}
		if (colon == text)
			cli_usage(&tool,
				  "option --guard: '%s' is not [METRIC:]PCT",
				  text);
		rows[n].metric = mem_strndup(text, (size_t)(colon - text));
		rows[n++].pct = guard_pct(colon + 1, text);
	}
	return n;
}

static void read_options(int argc, char **argv, struct verifier_opts *o,
			 struct verifier_guard **guards)
{
	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	if (strcmp(arg.target, "host") && strcmp(arg.target, "vm") &&
	    strcmp(arg.target, "auto"))
		cli_usage(&tool,
			  "option --target: '%s' is not host, vm or "
			  "auto",
			  arg.target);
	if (arg.sequential && arg.pairs > SEQUENTIAL_MOST)
		cli_usage(&tool, "--sequential looks at %d pairs at most",
			  SEQUENTIAL_MOST);
	if (arg.confirm && arg.no_confirm)
		cli_usage(&tool, "--confirm and --no-confirm contradict");
	*guards = mem_zalloc(arg.guards.len + 1, sizeof(**guards));
	*o = (struct verifier_opts){
		.target = arg.target,
		.objects = arg.objects.v,
		.object_count = arg.objects.len,
		.pairs = arg.pairs,
		.screen = arg.screen,
		.finalists = arg.finalists,
		.halving = arg.halving,
		.sequential = arg.sequential,
		.bare = arg.bare,
		.only_new = arg.only_new,
		.confirm = !arg.no_confirm,
		.min_effect_pct = arg.min_effect,
		.guard_pct = 10,
		.guards = *guards,
		.timeout_s = arg.timeout,
		.seed = (uint64_t)arg.seed,
		.cpus = arg.cpus,
		.memory_mib = arg.memory,
		.topology = arg.topology,
		.kernels = arg.kernels.v,
		.kernel_count = arg.kernels.len,
		.cancel = &cli_stop,
	};
	o->guard_count = read_guards(*guards, &o->guard_pct);
	if (arg.stages && verifier_stages_parse(arg.stages, &o->stages) < 0)
		cli_usage(&tool, "option --stages: %s", err_text());
}

/* ---- progress ---- */

static void say_line(void *unused, const char *words)
{
	struct buf clean;

	(void)unused;
	buf_init(&clean, 4096);
	text_clean(&clean, words, 0);
	fprintf(stderr, "%s: %s\n", tool.name, clean.data);
	buf_release(&clean);
}

/* ---- the machine ---- */

/* Where nobody shares it there is nothing to wait for, nor any setting to be
 * read. */
static int open_runtime(struct rt_client **out)
{
	static char policy[] = "fifo", run[64];
	struct rt_config none = {.policy = policy};
	struct rt_client_opts o = {
		.agent = tool.name, .run = run, .config = &none};
	int rc;

	rt_opts_init(&none.engine);
	snprintf(run, sizeof(run), "%lld-%ld", (long long)clock_wall(),
		 (long)getpid());
	rc = rt_client_open(&o, out);
	if (!rc && !rt_client_shared(*out)) {
		rt_client_close(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- the table ---- */

static double number_at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

/* "mlfq.bpf.c:46: what it is"; documents have the whole path. */
static void add_finding(struct table *t, const struct json *f)
{
	const char *file = json_text_at(f, "file"), *slash = strrchr(file, '/');

	if (*file)
		table_cell(t, "%s:%.0f: %s", slash ? slash + 1 : file,
			   number_at(f, "line"), json_text_at(f, "text"));
	else
		table_cell(t, "%s", json_text_at(f, "text"));
}

static void add_stages(const struct json *body, struct buf *out)
{
	struct table *t = table_new();

	table_column(t, "stage", TABLE_LEFT);
	table_column(t, "status", TABLE_LEFT);
	table_column(t, "time", TABLE_RIGHT);
	table_column(t, "finding", TABLE_WRAP);
	json_each (s, json_get(body, "stages")) {
		size_t i = 0;

		do {
			const struct json *f =
				json_at(json_get(s, "findings"), i);
			double seconds = number_at(s, "seconds");

			table_cell(t, "%s", i ? "" : json_text_at(s, "name"));
			table_cell(t, "%s", i ? "" : json_text_at(s, "status"));
			if (i || seconds < 0.05)
				table_cell(t, "%s", "");
			else
				table_cell(t, "%.1f s", seconds);
			add_finding(t, f);
		} while (++i < json_len(json_get(s, "findings")));
	}
	table_render(t, text_columns(STDOUT_FILENO), out);
	table_free(t);
}

static void add_metrics(const struct json *body, struct buf *out)
{
	static const char *const titles[] = {"EEVDF", "policy", "better",
					     "from",  "to",	"pairs"};
	struct table *t;

	if (!json_len(json_get(body, "metrics")))
		return;
	t = table_new();
	table_column(t, "metric", TABLE_LEFT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	json_each (m, json_get(body, "metrics")) {
		static const char *const ratios[] = {"ratio", "ci95.0",
						     "ci95.1"};
		const char *unit = json_text_at(m, "unit");
		char num[NUM_LEN];

		table_cell(t, "%s%s", json_text_at(m, "name"),
			   json_as_bool(json_get(m, "guard"), false)
				   ? " (guard)"
				   : "");
		table_cell(t, "%.4g %s", number_at(m, "baseline"), unit);
		table_cell(t, "%.4g %s", number_at(m, "candidate"), unit);
		for (size_t i = 0; i < ARRAY_LEN(ratios); i++) {
			double x = number_at(m, ratios[i]);

			/* No end of the interval is known. */
			table_cell(t, "%s", x > 0 ? num_ratio(num, x) : "-");
		}
		table_cell(t, "%.0f", number_at(m, "pairs"));
	}
	table_render(t, text_columns(STDOUT_FILENO), out);
	table_free(t);
}

/* Not in the table: those are figures of a kernel. */
static void add_foretold(const struct json *body, struct buf *out)
{
	const struct json *list = json_path(body, "simulation.metrics");
	static const char *const shown[] = {"wall", "request_rate",
					    "request_p99"};
	const char *comma = "the simulator had foretold: ";

	json_each (m, list) {
		const char *name = json_text_at(m, "name");
		char num[NUM_LEN];

		for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
			if (strcmp(name, shown[i]))
				continue;
			buf_printf(out, "%s%s %s", comma, name,
				   num_ratio(num, number_at(m, "ratio")));
			comma = ", ";
		}
	}
	if (*comma == ',')
		buf_puts(out, "\n");
}

static void add_policy(const struct json *body, struct buf *out)
{
	char *text = policy_text(body);

	buf_puts(out, "policy: ");
	text_clean(out, text, 0);
	buf_puts(out, "\n");
	free(text);
}

static void add_verdict(const struct stream *s, const struct json *body,
			struct buf *out)
{
	const struct doc *p = stream_find(s, json_text_at(body, "policy"));
	const struct json *gap = json_path(body, "bound.gap_closed_pct");

	buf_printf(out, "%s: ", json_text_at(body, "decision"));
	text_clean(out, p ? json_text_at(p->body, "title") : "?", 0);
	buf_printf(out, " (%.12s)\n", json_text_at(body, "policy"));
	if (p)
		add_policy(p->body, out);
	text_clean(out, json_text_at(body, "why"), 0);
	buf_printf(out, "\non %s, kernel %s, accelerator %s\n",
		   json_text_at(body, "target"), json_text_at(body, "kernel"),
		   json_text_at(body, "accelerator"));
	add_metrics(body, out);
	add_foretold(body, out);
	if (gap)
		buf_printf(out,
			   "%.0f %% of the gap to the bound %.4g closed "
			   "(%.0f to %.0f)\n",
			   json_as_number(gap, 0),
			   number_at(body, "bound.value"),
			   number_at(body, "bound.ci95.0"),
			   number_at(body, "bound.ci95.1"));
	add_stages(body, out);
	buf_puts(out, "\n");
}

static void show(const struct stream *s, size_t verdicts)
{
	size_t n = stream_count(s);
	struct buf out;

	buf_init(&out, MAX_OUTPUT);
	/* Ours are the last ones. */
	for (size_t i = n - verdicts; i < n; i++)
		add_verdict(s, stream_at(s, i)->body, &out);
	if (out.len)
		fputs(out.data, stdout);
	buf_release(&out);
}

int main(int argc, char **argv)
{
	struct verifier_result res = {0};
	struct verifier_guard *guards;
	struct verifier_opts o;
	struct progress p;
	struct stream *s;
	bool json;
	int rc, status, in;

	read_options(argc, argv, &o, &guards);
	json = cli_wants_json(arg.json);
	cli_catch_stop();
	progress_init(&p, STDERR_FILENO);
	o.progress = p.on ? progress_words : arg.progress ? say_line : NULL;
	o.progress_arg = &p;
	/* Nobody types documents beside an object. */
	in = o.object_count && isatty(STDIN_FILENO) ? -1 : STDIN_FILENO;
	s = stream_open(in, json ? STDOUT_FILENO : -1, tool.name);
	rc = open_runtime(&o.runtime);
	if (!rc)
		rc = verifier_verify(s, &o, &res);
	if (o.runtime)
		rt_client_close(o.runtime);
	progress_clear(&p);
	if (!json)
		show(s, res.verdicts);
	status = res.accepted ? CLI_YES : CLI_NO;
	if (rc) {
		status = cli_fail(&tool, rc);
		if (!stream_bad_lines(s))
			stream_emit_error(s, -rc, NULL);
	}
	stream_free(s);
	for (size_t i = 0; i < o.guard_count; i++)
		free(guards[i].metric);
	free(guards);
	strs_release(&arg.guards);
	strs_release(&arg.kernels);
	strs_release(&arg.objects);
	return cli_finish(&tool, status);
}
