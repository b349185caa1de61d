/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts a verified policy to work; each command parses its own options. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/deployer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "cmd/deploy.h"
#include "cmd/rows.h"
#include "term/num.h"
#include "term/progress.h"
#include "term/text.h"

static struct {
	const char *target, *policy, *kernel, *topology, *cgroup;
	double hold;
	long cpus, memory, pid;
	bool dry_run, pin, no_history;
} arg = {.target = "auto"};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .help = "host, vm or auto (the default)",
	 .target = &arg.target},
	{.kind = OPT_STRING,
	 .letter = 'p',
	 .name = "policy",
	 .arg = "ID",
	 .help = "this policy, not the best; its id's beginning will do",
	 .target = &arg.policy},
	DEPLOY_DRY_RUN(&arg.dry_run),
	DEPLOY_FOR(&arg.hold),
	{.kind = OPT_FLAG,
	 .name = "pin",
	 .help = "attach it to stay, without a holder; 'stop' takes it off",
	 .target = &arg.pin},
	{.kind = OPT_LONG,
	 .name = "pid",
	 .arg = "PID",
	 .help = "knobs: for this process and what it starts",
	 .target = &arg.pid,
	 .min = 1,
	 .max = 1 << 22},
	{.kind = OPT_STRING,
	 .name = "cgroup",
	 .arg = "PATH",
	 .help = "knobs: for this cgroup and what is in it",
	 .target = &arg.cgroup},
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
	{.kind = OPT_STRING,
	 .name = "kernel",
	 .arg = "SERIES",
	 .help = "of the guest; by default what the verdict names",
	 .target = &arg.kernel},
	DEPLOY_NO_HISTORY(&arg.no_history),
	DEPLOY_JSON,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "put a verified scheduling policy to work",
	.synopsis = "[OPTION...] [-- COMMAND [ARGUMENT...]] < DOCUMENTS\n"
		    "       sched-deploy COMMAND [OPTION...]",
	.options = options,
	.epilogue = "The policy is attached until the time is over, COMMAND "
		    "ends, a signal comes or this\nprogram dies. With COMMAND "
		    "the exit status is its own.",
};

bool deploy_json;

bool deploy_enabled(const struct json *kernel)
{
	return !strcmp(json_text_at(kernel, "state"), "enabled");
}

/* ---- deploying ---- */

struct recorder {
	const struct stream *s;
	size_t recorded; /* documents of it */
};

/*
 * Everything of the stream so far, if there is something new; a failure is
 * said and changes nothing.
 */
static void record(void *arg_recorder)
{
	struct recorder *r = arg_recorder;
	const struct stream *s = r->s;
	char *program = path_bin("sched-history");
	char *argv[] = {program, (char *)"add", (char *)"--json", NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res = {0};
	int fd = memfd_create("stream", MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");
	bool written = f != NULL;

	if (stream_count(s) == r->recorded)
		goto out;
	r->recorded = stream_count(s);
	for (size_t i = 0; f && i < stream_count(s); i++) {
		char *line = doc_line(stream_at(s, i));

		written = fprintf(f, "%s\n", line) > 0 && written;
		free(line);
	}
	if (f)
		written = !fflush(f) && written;
	spec.argv = argv;
	spec.stdin_fd = fd;
	spec.out_fd = -1;
	if (!written || lseek(fd, 0, SEEK_SET) < 0)
		cli_note(&tool, "cannot hand the stream to sched-history: %s",
			 strerror(errno));
	else if (proc_run(&spec, &res))
		cli_note(&tool, "nothing was recorded: %s", err_text());
	else if (res.exit_status)
		cli_note(&tool, "not everything was recorded");
out:
	if (f)
		fclose(f);
	if (fd >= 0)
		close(fd);
	free(program);
}

static void put_list(struct buf *out, const struct json *body, const char *key,
		     const char *word)
{
	json_each (v, json_get(body, key)) {
		buf_printf(out, "  %s", word);
		text_clean(out, json_as_string(v, ""), 0);
		buf_puts(out, "\n");
	}
}

static void put_deployments(const struct stream *s)
{
	struct buf out;

	buf_init(&out, DEPLOY_WORDS_MAX);
	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i), *p;
		double held = json_as_number(json_get(d->body, "held_us"), -1);
		char num[NUM_LEN];

		if (strcmp(d->kind, "deployment"))
			continue;
		p = stream_find(s, json_text_at(d->body, "policy"));
		text_clean(&out, json_text_at(d->body, "state"), 0);
		buf_puts(&out, ": ");
		text_clean(&out, p ? json_text_at(p->body, "title") : "", 0);
		buf_printf(&out, " (%.12s) on %s",
			   json_text_at(d->body, "policy"),
			   json_text_at(d->body, "target"));
		if (held >= 0)
			buf_printf(&out, ", held for %s", num_us(num, held));
		buf_puts(&out, ": ");
		text_clean(&out, json_text_at(d->body, "why"), 0);
		buf_puts(&out, "\n");
		put_list(&out, d->body, "changes", "");
		put_list(&out, d->body, "left", "left as it is: ");
	}
	fputs(out.len ? out.data : "", stdout);
	buf_release(&out);
}

static int answer(int rc, const struct deployer_result *r)
{
	switch (rc) {
	case DEPLOYER_DONE:
		return r->ran ? r->exit_status : CLI_YES;
	case DEPLOYER_REFUSED:
	case DEPLOYER_EJECTED:
		cli_note(&tool, "%s", err_text());
		return CLI_NO;
	default:
		return cli_fail(&tool, rc);
	}
}

int deploy_from(int in_fd, const struct deployer_opts *wanted, bool recorded,
		int *answered)
{
	bool json = cli_wants_json(deploy_json);
	struct stream *s =
		stream_open(in_fd, json ? STDOUT_FILENO : -1, tool.name);
	struct recorder recorder = {.s = s};
	struct deployer_opts o = *wanted;
	struct deployer_result r;
	struct progress bar;
	int rc;

	o.out_fd = json ? STDERR_FILENO : STDOUT_FILENO;
	o.cancel = &cli_stop;
	o.emitted = recorded ? record : NULL;
	o.emitted_arg = &recorder;
	o.progress = progress_words;
	o.progress_arg = &bar;
	progress_init(&bar, STDERR_FILENO);
	rc = deployer_deploy(s, &o, &r);
	progress_clear(&bar);
	if (answered)
		*answered = rc;
	if (rc < 0)
		stream_emit_error(s, rc, NULL);
	rc = answer(rc, &r);
	/* What was not deployed is worth remembering, too. */
	if (recorded)
		record(&recorder);
	if (!json)
		put_deployments(s);
	stream_free(s);
	return rc;
}

static int run(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv);
	char **command = first < argc ? argv + first : NULL;
	struct deployer_opts o = {
		.target = arg.target,
		.policy = arg.policy,
		.dry_run = arg.dry_run,
		.pin = arg.pin,
		.hold_s = arg.hold,
		.command = command,
		.pid = arg.pid,
		.cgroup = arg.cgroup,
		.kernel = arg.kernel,
		.cpus = arg.cpus,
		.memory_mib = arg.memory,
		.topology = arg.topology,
	};

	if (strcmp(arg.target, "host") && strcmp(arg.target, "vm") &&
	    strcmp(arg.target, "auto"))
		cli_usage(&tool,
			  "option --target: '%s' is not host, vm or auto",
			  arg.target);
	if (!strcmp(arg.target, "vm") && !command && !arg.hold && !arg.dry_run)
		cli_usage(&tool,
			  "a guest is thrown away: give --for, a command or "
			  "--dry-run");
	if (!!arg.pid + !!arg.cgroup + !!command > 1)
		cli_usage(&tool,
			  "one of --pid, --cgroup and a command says what the "
			  "knobs are for");
	if (arg.pin && (command || arg.hold || arg.dry_run))
		cli_usage(&tool, "what is pinned stays: no --for, --dry-run or "
				 "command ends it");
	cli_catch_stop();
	return deploy_from(STDIN_FILENO, &o, !arg.no_history, NULL);
}

static const struct cli_command own = {.tool = &tool, .run = run};

static const struct cli_command *const commands[] = {
	&deploy_status_command,	  &deploy_watch_command,
	&deploy_rollback_command, &deploy_history_command,
	&deploy_stop_command,
};

int main(int argc, char **argv)
{
	return cli_program(&own, commands, ARRAY_LEN(commands), argc, argv);
}
