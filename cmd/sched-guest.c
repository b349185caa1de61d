/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command in a throw-away guest, under the policies that are given. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"
#include "cmd/cli.h"
#include "policy/object.h"
#include "target/target.h"
#include "term/progress.h"

#define MAX_POLICY  (4u << 20)
#define MAX_REPORTS (64u << 20)

static struct {
	long cpus, memory;
	const char *kernel, *topology, *report;
	double timeout;
	struct strs policies, objects;
	bool each, fetch, probe, quiet;
} o;

static const struct opt options[] = {
	{OPT_LONG, 'c', "cpus", "N", "CPUs (default: the host's, at most 4)",
	 &o.cpus, 1, 64, NULL},
	{OPT_LONG, 'm', "memory", "MIB", "memory (default: 1024)", &o.memory,
	 256, 1 << 20, NULL},
	{OPT_STRING, 'k', "kernel", "K",
	 "a series like 6.18 (default) or a vmlinuz", &o.kernel, 0, 0, NULL},
	{OPT_STRING, 't', "topology", "T",
	 "like cores=2,threads=2 or nodes=2,cores=2", &o.topology, 0, 0, NULL},
	{OPT_LIST, 'p', "policy", "FILE",
	 "attach this policy (document or body) first; several: run under each",
	 &o.policies, 0, 0, NULL},
	{OPT_LIST, 'o', "object", "FILE",
	 "attach this BPF object; several: run under each in turn", &o.objects,
	 0, 0, NULL},
	{OPT_STRING, 'r', "report", "FILE", "write what happened there as JSON",
	 &o.report, 0, 0, NULL},
	{OPT_DOUBLE, 'T', "timeout", "S",
	 "end the command after S seconds (default: 600)", &o.timeout, 0.1,
	 86400, NULL},
	{OPT_FLAG, 'e', "each", NULL,
	 "run each line of standard input with sh -c, all in one boot", &o.each,
	 0, 0, NULL},
	{OPT_FLAG, 'q', "quiet", NULL, "no progress", &o.quiet, 0, 0, NULL},
	{OPT_FLAG, 0, "probe", NULL, "boot, print what the guest is, end",
	 &o.probe, 0, 0, NULL},
	{OPT_FLAG, 0, "fetch", NULL,
	 "get what a guest needs (a kernel of series K)", &o.fetch, 0, 0, NULL},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-guest",
	.purpose = "run a command in a throw-away guest",
	.synopsis = "[OPTION...] {-- COMMAND [ARGUMENT...] | --each | --probe "
		    "| --fetch}",
	.options = options,
	.epilogue = "The guest's root is this machine's, read-only; what the "
		    "command writes is gone\nafterwards. The exit status is "
		    "the command's own.",
};

static struct progress bar;

static void on_progress(void *unused, long done, long total, const char *words)
{
	(void)unused;
	/* A line each: what the command prints stands between them. */
	bar.on = false;
	progress_step(&bar, done, total, words);
	if (!o.quiet && isatty(STDERR_FILENO))
		cli_note(&tool, "%s", words);
}

static int fetch(void)
{
	char *path = path_libexec("fetch-guest");
	char *argv[] = {path, (char *)o.kernel, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	int rc;

	spec.argv = argv;
	spec.cancel = &cli_stop;
	rc = proc_run(&spec, &res);
	free(path);
	return rc ? cli_fail(&tool, rc) : res.exit_status;
}

/* The body of a policy document, or a body on its own. */
static int read_policy(const char *path, struct json **out)
{
	struct json *v;
	struct buf b;
	int rc;

	buf_init(&b, MAX_POLICY);
	rc = buf_read_file(&b, path);
	if (rc)
		goto out;
	v = json_parse(b.data ? b.data : "", b.len);
	if (!v) {
		rc = err_prefix(-EINVAL, "'%s'", path);
		goto out;
	}
	*out = v;
	if (json_get(v, "body")) {
		*out = json_copy(json_get(v, "body"));
		json_free(v);
	}
out:
	buf_release(&b);
	return rc;
}

/* The bodies of all policies that were asked for, an array. */
static int read_policies(struct json *out)
{
	struct json *body;
	int rc = 0;

	for (size_t i = 0; i < o.policies.len && !rc; i++) {
		rc = read_policy(o.policies.v[i], &body);
		if (!rc)
			json_add(out, body);
	}
	for (size_t i = 0; i < o.objects.len && !rc; i++) {
		rc = policy_source_body(o.objects.v[i], &body);
		if (!rc)
			json_add(out, body);
	}
	return rc;
}

/* One line per command and policy. */
static void report(struct buf *b, const struct target *t,
		   const struct run_result *r)
{
	struct json *v = json_object();
	char *line;

	json_set_string(v, "outcome", run_outcome_name(r->outcome));
	json_set_number(v, "exit_status", r->proc.exit_status);
	json_set_number(v, "wall_s", r->proc.wall_s);
	json_set_number(v, "user_s", r->proc.user_s);
	json_set_number(v, "sys_s", r->proc.sys_s);
	json_set_number(v, "max_rss_kib", (double)r->proc.max_rss_kib);
	if (r->message)
		json_set_string(v, "message", r->message);
	if (r->report)
		json_set(v, "policy", json_copy(r->report));
	json_set(v, "target", json_copy(target_facts(t)));
	line = json_canonical(v);
	buf_printf(b, "%s\n", line);
	free(line);
	json_free(v);
}

static int status_of(const struct run_result *r)
{
	if (r->message)
		cli_note(&tool, "%s", r->message);
	switch (r->outcome) {
	case RUN_DONE:
		return r->proc.exit_status;
	case RUN_REFUSED:
	case RUN_EJECTED:
		return CLI_NO;
	case RUN_TIMEOUT:
	case RUN_LOST:
	case RUN_CANCELLED:
		break;
	}
	return CLI_LATER;
}

/* A command under one policy, or under none. */
static int run(struct target *t, const struct json *policy, char *const *argv,
	       struct buf *reports)
{
	struct run_spec spec = {
		.argv = argv, .timeout_s = o.timeout, .policy = policy};
	struct run_result r;
	int rc = target_run(t, &spec, &r), status;

	if (rc) {
		status = cli_fail(&tool, rc);
	} else {
		fwrite(r.out, 1, r.out_len, stdout);
		fflush(stdout);
		fwrite(r.err, 1, r.err_len, stderr);
		status = status_of(&r);
		report(reports, t, &r);
	}
	run_result_release(&r);
	return status;
}

/* Under every policy; the first status that is not 0. */
static int run_under(struct target *t, const struct json *policies,
		     char *const *argv, struct buf *reports)
{
	long n = 0, all = (long)json_len(policies);
	int status = CLI_YES;

	if (!all) {
		progress_step(&bar, 0, 1, "running the command");
		return run(t, NULL, argv, reports);
	}
	json_each (policy, policies) {
		int s = CLI_LATER;

		progress_step(&bar, n++, all,
			      "running the command under a policy");
		if (!cli_stop)
			s = run(t, policy, argv, reports);
		if (!status)
			status = s;
	}
	return status;
}

static int run_each(struct target *t, const struct json *policies,
		    struct buf *reports)
{
	char sh[] = "/bin/sh", c[] = "-c", *line = NULL;
	int status = CLI_YES;
	size_t cap = 0;

	while (!cli_stop && getline(&line, &cap, stdin) > 0) {
		char *argv[] = {sh, c, line, NULL};
		int s;

		line[strcspn(line, "\n")] = '\0';
		s = run_under(t, policies, argv, reports);
		if (!status)
			status = s;
	}
	if (ferror(stdin) && !cli_stop) {
		cli_note(&tool, "cannot read the commands: %s",
			 strerror(errno));
		status = CLI_CANNOT;
	}
	free(line);
	return status;
}

static int run_all(struct target *t, const struct json *policies, char **argv)
{
	struct buf reports;
	int status;

	buf_init(&reports, MAX_REPORTS);
	if (o.each)
		status = run_each(t, policies, &reports);
	else
		status = run_under(t, policies, argv, &reports);
	if (o.report) {
		int rc = path_write_atomic(o.report, reports.data, reports.len);

		if (rc)
			status = cli_fail(&tool, rc);
	}
	buf_release(&reports);
	return status;
}

static void print_facts(const struct target *t)
{
	char *line = json_canonical(target_facts(t));

	puts(line);
	free(line);
}

static int boot_and_run(char **argv)
{
	struct target_opts to = {
		.kind = "vm",
		.cancel = &cli_stop,
		.cpus = o.cpus,
		.memory_mib = o.memory,
		.kernel = o.kernel,
		.topology = o.topology,
		.progress = on_progress,
	};
	struct json *policies = json_array();
	struct target *t;
	int rc, status = CLI_YES;

	progress_init(&bar, STDERR_FILENO);
	rc = read_policies(policies);
	if (!rc)
		rc = target_open(&to, &t);
	if (rc) {
		status = cli_fail(&tool, rc);
	} else {
		if (o.probe)
			print_facts(t);
		else
			status = run_all(t, policies, argv);
		target_close(t);
	}
	progress_clear(&bar);
	json_free(policies);
	return status;
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv), status;

	if (o.fetch + o.probe + o.each + (first < argc) != 1)
		cli_usage(&tool, "give one of a command, --each, --probe and "
				 "--fetch");
	cli_catch_stop();
	status = o.fetch ? fetch() : boot_and_run(argv + first);
	strs_release(&o.policies);
	strs_release(&o.objects);
	return cli_finish(&tool, status);
}
