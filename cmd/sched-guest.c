/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command in a throw-away guest, under a policy if one is given. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd/cli.h"
#include "target/target.h"

#define MAX_POLICY (4u << 20)

static struct {
	long cpus, memory;
	const char *kernel, *topology, *policy, *report;
	double timeout;
	bool fetch, probe, quiet;
} o;

static const struct opt options[] = {
	{OPT_LONG, 'c', "cpus", "N", "CPUs (default: the host's, at most 4)",
	 &o.cpus, 1, 64},
	{OPT_LONG, 'm', "memory", "MIB", "memory (default: 1024)", &o.memory,
	 256, 1 << 20},
	{OPT_STRING, 'k', "kernel", "K",
	 "a series like 6.18 (default) or a vmlinuz", &o.kernel, 0, 0},
	{OPT_STRING, 't', "topology", "T", "like sockets=1,cores=2,threads=2",
	 &o.topology, 0, 0},
	{OPT_STRING, 'p', "policy", "FILE",
	 "attach this policy (document or body) first", &o.policy, 0, 0},
	{OPT_STRING, 'r', "report", "FILE", "write what happened there as JSON",
	 &o.report, 0, 0},
	{OPT_DOUBLE, 'T', "timeout", "S",
	 "end the command after S seconds (default: 600)", &o.timeout, 0.1,
	 86400},
	{OPT_FLAG, 'q', "quiet", NULL, "no progress", &o.quiet, 0, 0},
	{OPT_FLAG, 0, "probe", NULL, "boot, print what the guest is, end",
	 &o.probe, 0, 0},
	{OPT_FLAG, 0, "fetch", NULL,
	 "get what a guest needs (a kernel of series K)", &o.fetch, 0, 0},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-guest",
	.purpose = "run a command in a throw-away guest",
	.synopsis = "[OPTION...] -- COMMAND [ARGUMENT...] | --probe | --fetch",
	.options = options,
	.epilogue = "The guest's root is this machine's, read-only; what the "
		    "command writes is gone\nafterwards. The exit status is "
		    "the command's own.",
};

static void progress(void *arg, const char *words)
{
	(void)arg;
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

static int write_report(const struct target *t, const struct run_result *r)
{
	struct json *v = json_object();
	char *line;
	int rc;

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
	if (target_facts(t))
		json_set(v, "target", json_copy(target_facts(t)));
	line = json_canonical(v);
	rc = path_write_atomic(o.report, line, strlen(line));
	free(line);
	json_free(v);
	return rc;
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

static int run(struct target *t, char **argv)
{
	struct run_spec spec = {.argv = argv, .timeout_s = o.timeout};
	struct json *policy = NULL;
	struct run_result r = {0};
	int rc = 0, status;

	if (o.policy)
		rc = read_policy(o.policy, &policy);
	spec.policy = policy;
	if (!rc)
		rc = target_run(t, &spec, &r);
	if (rc) {
		status = cli_fail(&tool, rc);
	} else {
		fwrite(r.out, 1, r.out_len, stdout);
		fwrite(r.err, 1, r.err_len, stderr);
		status = status_of(&r);
		if (o.report && write_report(t, &r) < 0)
			status = cli_fail(&tool, -EIO);
	}
	run_result_release(&r);
	json_free(policy);
	return status;
}

static void print_facts(const struct target *t)
{
	char *line = json_canonical(target_facts(t));

	puts(line);
	free(line);
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv), rc, status = CLI_YES;
	struct target_opts to = {.kind = "vm", .cancel = &cli_stop};
	struct target *t;

	if (o.fetch + o.probe + (first < argc) != 1)
		cli_usage(&tool, "give a command, --probe or --fetch");
	cli_catch_stop();
	if (o.fetch)
		return fetch();
	to.cpus = o.cpus;
	to.memory_mib = o.memory;
	to.kernel = o.kernel;
	to.topology = o.topology;
	if (!o.quiet && isatty(STDERR_FILENO))
		to.progress = progress;
	rc = target_open(&to, &t);
	if (rc)
		return cli_fail(&tool, rc);
	if (o.probe)
		print_facts(t);
	else
		status = run(t, argv + first);
	target_close(t);
	return cli_finish(&tool, status);
}
