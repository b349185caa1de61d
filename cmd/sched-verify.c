/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies in, verdicts out: options, progress and the table for people. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/verifier/verifier.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/rows.h"
#include "cmd/verify.h"
#include "rt/config.h"
#include "stats/sequential.h"
#include "term/progress.h"
#include "term/text.h"

static struct {
	const char *target, *stages, *topology, *executor;
	struct strs guards, kernels, objects;
	long pairs, screen, finalists, seed, cpus, memory;
	double min_effect, timeout;
	bool confirm, no_confirm, halving, sequential, bare, only_new;
	const char *sign, *key, *revoke;
	double days;
	bool new_key, keys, no_sign;
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
	 .words = "host|vm|auto",
	 .help = "host, vm or auto (the default)",
	 .target = &arg.target},
	{.kind = OPT_STRING,
	 .name = "stages",
	 .arg = "LIST",
	 .words = "lint,build,prove,sim,kernel,run",
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
	 .help = "policies that get all their pairs (2; 0: a look at each)",
	 .target = &arg.finalists,
	 .min = 0,
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
	 .help = "only what decides on a policy that is known elsewhere",
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
	ROW_EXECUTOR(&arg.executor),
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
	 .name = "new-key",
	 .help = "make a key to sign with, called NAME (signing)",
	 .target = &arg.new_key},
	{.kind = OPT_FLAG,
	 .name = "keys",
	 .help = "list the keys that are trusted here",
	 .target = &arg.keys},
	{.kind = OPT_STRING,
	 .name = "revoke",
	 .arg = "WHAT:ID",
	 .help = "trust this key, verdict or policy no more",
	 .target = &arg.revoke},
	{.kind = OPT_STRING,
	 .name = "sign",
	 .arg = "ID",
	 .help = "measure nothing; sign this verdict of the input, too",
	 .target = &arg.sign},
	{.kind = OPT_STRING,
	 .name = "key",
	 .arg = "NAME",
	 .help = "sign with this one; by default the newest",
	 .target = &arg.key},
	{.kind = OPT_DOUBLE,
	 .name = "expires",
	 .arg = "DAYS",
	 .help = "of a signature (30), or of a new key (never)",
	 .target = &arg.days,
	 .min = 0.001,
	 .max = 36525},
	{.kind = OPT_FLAG,
	 .name = "no-sign",
	 .help = "sign nothing; sched-deploy refuses the verdicts",
	 .target = &arg.no_sign},
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
	.synopsis = "[OPTION...] < DOCUMENTS\n"
		    "       sched-verify --sign ID [OPTION...] < DOCUMENTS\n"
		    "       sched-verify {--new-key [NAME] | --keys | --revoke "
		    "WHAT:ID}",
	.options = options,
	.mixed = true,
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

static void read_executor(struct verifier_opts *o)
{
	if (!arg.executor)
		return;
	if (arg.halving || arg.only_new || !arg.finalists)
		cli_usage(&tool, "--executor contradicts --halving, --new and "
				 "--finalists 0");
	if (executor_open(arg.executor, tool.name, &o->executor))
		cli_usage(&tool, "option --executor: %s", err_text());
}

static void read_options(struct verifier_opts *o,
			 struct verifier_guard **guards)
{
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
	if (!arg.finalists && (arg.halving || !arg.screen))
		cli_usage(&tool, "--finalists 0 is for a look at each: it "
				 "contradicts --halving and --screen 0");
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
	read_executor(o);
	o->guard_count = read_guards(*guards, &o->guard_pct);
	if (arg.stages && verifier_stages_parse(arg.stages, &o->stages) < 0)
		cli_usage(&tool, "option --stages: %s", err_text());
}

/* The options that do something else than measure; true: status is how it
 * went. */
static bool keep_keys(int argc, char **argv, int *status)
{
	int first = cli_options(&tool, argc, argv);
	const char *name = arg.new_key && first < argc ? argv[first++] : NULL;

	if (first < argc)
		cli_usage(&tool, "too many arguments");
	if (arg.new_key + arg.keys + !!arg.revoke + !!arg.sign > 1)
		cli_usage(&tool, "--new-key, --keys, --revoke and --sign are "
				 "for one at a time");
	if (arg.no_sign && (arg.sign || arg.key))
		cli_usage(&tool, "--no-sign contradicts --sign and --key");
	if (arg.new_key)
		*status = keys_new(&tool, name, arg.days);
	else if (arg.keys)
		*status = keys_list(&tool);
	else if (arg.revoke)
		*status = keys_revoke(&tool, arg.revoke);
	return arg.new_key || arg.keys || arg.revoke;
}

static struct signer *open_signer(void)
{
	struct signer_opts o = {
		.key = arg.key,
		.days = arg.days > 0 ? arg.days : SIGNER_DAYS,
		.make_first = !arg.key,
	};

	return arg.no_sign ? NULL : signer_new(&o);
}

/* What of signing has to be said, and is in no document. */
static void tell_signing(const struct signer *s,
			 const struct verifier_result *res)
{
	if (s && signer_made_key(s))
		cli_note(&tool,
			 "made the key %.12s to sign with, '%s': sched-deploy "
			 "of the same user takes what it signs "
			 "(schedkit-keys(5))",
			 signer_key(s)->id, signer_key(s)->path);
	if (res->unsigned_)
		cli_note(&tool,
			 "accepted and not signed, sched-deploy will refuse "
			 "it: %s",
			 res->why);
}

/* ---- progress ---- */

static void say_line(void *p, long done, long total, const char *words)
{
	struct buf clean;

	progress_step(p, done, total, words);
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

/* ---- what it does ---- */

/* --sign: the one new document is the last. */
static int vouch(bool json)
{
	struct stream *s =
		stream_open(STDIN_FILENO, json ? STDOUT_FILENO : -1, tool.name);
	struct signer *signer = open_signer();
	struct verifier_result none = {0};
	int rc = signer_vouch(signer, s, arg.sign), status = CLI_YES;

	tell_signing(signer, &none);
	signer_free(signer);
	if (rc) {
		status = cli_fail(&tool, rc);
		if (!stream_bad_lines(s))
			stream_emit_error(s, -rc, NULL);
	} else if (!json) {
		verify_show(s, 1);
	}
	stream_free(s);
	return status;
}

int main(int argc, char **argv)
{
	struct verifier_result res = {0};
	struct verifier_guard *guards;
	struct verifier_opts o;
	struct progress p;
	struct stream *s;
	bool json;
	int rc, status = CLI_USAGE, in;

	if (keep_keys(argc, argv, &status))
		return cli_finish(&tool, status);
	cli_catch_stop();
	json = cli_wants_json(arg.json);
	if (arg.sign)
		return cli_finish(&tool, vouch(json));
	read_options(&o, &guards);
	progress_init(&p, STDERR_FILENO);
	o.progress = !p.on && arg.progress ? say_line
		     : p.wanted		   ? progress_step
					   : NULL;
	o.progress_arg = &p;
	o.signer = open_signer();
	/* Nobody types documents beside an object. */
	in = o.object_count && isatty(STDIN_FILENO) ? -1 : STDIN_FILENO;
	s = stream_open(in, json ? STDOUT_FILENO : -1, tool.name);
	/* What is done elsewhere takes nothing of this machine. */
	rc = o.executor ? 0 : open_runtime(&o.runtime);
	if (!rc)
		rc = verifier_verify(s, &o, &res);
	if (o.runtime)
		rt_client_close(o.runtime);
	progress_clear(&p);
	tell_signing(o.signer, &res);
	signer_free(o.signer);
	executor_close(o.executor);
	if (!json)
		verify_show(s, res.verdicts);
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
