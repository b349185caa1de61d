/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A workload in, a profile out. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/observer/observer.h"
#include "agents/observer/page.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/rows.h"
#include "cmd/workload.h"
#include "doc/stream.h"
#include "intent/intent.h"
#include "term/progress.h"
#include "term/text.h"

#define DEFAULT_SECONDS 5
#define MAX_PAGE	(1u << 20)
#define TRACE_MIB	256
#define BURSTS_MIB	256

static struct {
	bool all, json;
	long pid, cpus, memory;
	const char *cgroup, *target, *goal, *bound, *shorter, *name, *kernel,
		*as, *trace, *bursts, *intents;
	long trace_max, bursts_max, bursts_every;
	struct strs metrics;
	double seconds, timeout;
} arg = {.target = "host",
	 .trace_max = TRACE_MIB,
	 .bursts_max = BURSTS_MIB,
	 .bursts_every = 1,
	 .intents = INTENT_FOLDER};

static const struct opt options[] = {
	{.kind = OPT_DOUBLE,
	 .letter = 'd',
	 .name = "seconds",
	 .arg = "S",
	 .help = "how long (5; a command: until it ends)",
	 .target = &arg.seconds,
	 .min = 0.01,
	 .max = 86400},
	{.kind = OPT_FLAG,
	 .letter = 'a',
	 .name = "all",
	 .help = "the whole machine (without anything else: this)",
	 .target = &arg.all},
	{.kind = OPT_LONG,
	 .letter = 'p',
	 .name = "pid",
	 .arg = "PID",
	 .help = "a process and what descends from it",
	 .target = &arg.pid,
	 .min = 1,
	 .max = INT_MAX},
	{.kind = OPT_STRING,
	 .letter = 'g',
	 .name = "cgroup",
	 .arg = "DIR",
	 .help = "a cgroup (v2) and those below it",
	 .target = &arg.cgroup},
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .words = "host|vm",
	 .help = "host (the default) or vm: run the command in a guest",
	 .target = &arg.target},
	{.kind = OPT_STRING,
	 .name = "goal",
	 .arg = "WORD",
	 .words = "latency|throughput|makespan|fairness",
	 .help = "latency, throughput, makespan, fairness, or your own",
	 .target = &arg.goal},
	ROW_METRIC(&arg.metrics),
	ROW_BOUND(&arg.bound),
	ROW_SHORT(&arg.shorter),
	ROW_NAME(&arg.name),
	{.kind = OPT_STRING,
	 .name = "trace",
	 .arg = "FILE",
	 .help = "write every event there, for sched-sim",
	 .target = &arg.trace},
	{.kind = OPT_LONG,
	 .name = "trace-max",
	 .arg = "MIB",
	 .help = "what it may take (256)",
	 .target = &arg.trace_max,
	 .min = 1,
	 .max = 65536},
	{.kind = OPT_STRING,
	 .name = "bursts",
	 .arg = "FILE",
	 .help = "add what is known of each burst there, to learn from",
	 .target = &arg.bursts},
	{.kind = OPT_LONG,
	 .name = "bursts-every",
	 .arg = "N",
	 .help = "one of N, by chance (1: every one)",
	 .target = &arg.bursts_every,
	 .min = 1,
	 .max = 1000000},
	{.kind = OPT_LONG,
	 .name = "bursts-max",
	 .arg = "MIB",
	 .help = "what the file may take (256)",
	 .target = &arg.bursts_max,
	 .min = 1,
	 .max = 65536},
	{.kind = OPT_STRING,
	 .name = "intents",
	 .arg = "FOLDER",
	 .help = "whose rules bursts tell of (/etc/schedkit/intent.d)",
	 .target = &arg.intents},
	{.kind = OPT_DOUBLE,
	 .name = "timeout",
	 .arg = "S",
	 .help = "end the command after that long: status 4",
	 .target = &arg.timeout,
	 .min = 0.1,
	 .max = 86400},
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
	{.kind = OPT_STRING,
	 .name = "kernel",
	 .arg = "K",
	 .help = "of the guest: a series (6.18) or a vmlinuz file",
	 .target = &arg.kernel},
	{.kind = OPT_STRING,
	 .name = "as",
	 .arg = "UID:GID",
	 .help = "run the command as this user",
	 .target = &arg.as},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "write documents even to a terminal",
	 .target = &arg.json},
	{0},
};

static const struct opt_tool tool = {
	.name = "sched-observe",
	.purpose = "watch how a workload is scheduled",
	.synopsis = "[-d SECONDS] [-a | -p PID | -g CGROUP | -- COMMAND ...]",
	.options = options,
};

static void read_as(struct observer_opts *o)
{
	unsigned uid, gid;
	char end;

	if (!arg.as)
		return;
	if (sscanf(arg.as, "%u:%u%c", &uid, &gid, &end) != 2)
		cli_usage(&tool, "option --as: '%s' is not UID:GID", arg.as);
	o->uid = uid;
	o->gid = gid;
	o->set_ids = uid != geteuid() || gid != getegid();
}

/* The words of another command; text NULL: there is none. */
static void read_workload(char **command, struct workload *w)
{
	const struct workload_words words = {arg.name, arg.bound, arg.shorter,
					     &arg.metrics};

	workload_of_words(&tool, command, &words, w);
}

static void read_scope(int operands, struct trace_opts *t)
{
	int chosen = arg.all + (arg.pid > 0) + !!arg.cgroup + !!operands;

	if (chosen > 1)
		cli_usage(&tool, "one of -a, -p, -g and a command is enough");
	if (arg.pid) {
		t->scope = TRACE_PID;
		t->pid = (pid_t)arg.pid;
	} else if (arg.cgroup) {
		t->scope = TRACE_CGROUP;
		t->cgroup = arg.cgroup;
	} else if (operands) {
		t->scope = TRACE_COMMAND;
	}
}

static void check_target(int operands)
{
	if (!operands &&
	    (arg.metrics.len || arg.bound || arg.shorter || arg.name))
		cli_usage(&tool, "--metric, --bound, --short and --name need "
				 "a command");
	if (!strcmp(arg.target, "vm")) {
		if (!operands)
			cli_usage(&tool, "--target vm needs a command");
		if (arg.bursts && arg.trace)
			cli_usage(&tool, "a guest leaves one file: one of "
					 "--trace and --bursts is enough");
	} else if (strcmp(arg.target, "host")) {
		cli_usage(&tool, "option --target: '%s' is neither host nor vm",
			  arg.target);
	}
}

static void read_options(int argc, char **argv, struct observer_opts *o,
			 struct workload *w)
{
	int first = cli_options(&tool, argc, argv);

	*o = (struct observer_opts){
		.seconds = arg.seconds,
		.timeout_s = arg.timeout,
		.goal = arg.goal,
		.out_fd = STDERR_FILENO,
		.cancel = &cli_stop,
		.uid = getuid(),
		.gid = getgid(),
	};
	o->trace.record = arg.trace;
	o->trace.record_max = (uint64_t)arg.trace_max << 20;
	o->trace.bursts = arg.bursts;
	o->intents = arg.intents;
	o->trace.bursts_max = (uint64_t)arg.bursts_max << 20;
	o->trace.bursts_every = (uint32_t)arg.bursts_every;
	read_scope(argc - first, &o->trace);
	check_target(argc - first);
	read_as(o);
	if (argc > first) {
		read_workload(argv + first, w);
		o->workload = w;
	} else if (o->seconds <= 0) {
		o->seconds = DEFAULT_SECONDS;
	}
}

static int observe(struct observer_opts *o, struct observation *r)
{
	struct target_opts to = {.kind = "vm",
				 .cpus = arg.cpus,
				 .memory_mib = arg.memory,
				 .kernel = arg.kernel,
				 .cancel = &cli_stop};
	struct progress p;
	int rc;

	progress_init(&p, STDERR_FILENO);
	o->progress_arg = to.progress_arg = &p;
	if (!strcmp(arg.target, "vm")) {
		to.progress = p.wanted ? progress_step : NULL;
		rc = observer_run_guest(o, &to, r);
	} else {
		/* The terminal has what the command prints. */
		p.on &= !o->workload;
		o->progress = p.wanted ? progress_step : NULL;
		rc = observer_run(o, r);
	}
	progress_clear(&p);
	return rc;
}

/* Takes the body.  Without a file descriptor it goes where
 * SCHEDKIT_DOCUMENTS says. */
static int emit(struct json *body, int fd)
{
	struct doc *d = doc_new("profile", tool.name, body, NULL, 0);
	struct stream *s;
	int rc;

	if (!d)
		return -EINVAL;
	s = stream_open(-1, fd, tool.name);
	rc = stream_emit(s, d);
	stream_free(s);
	return rc;
}

static void show(const struct json *body)
{
	struct buf page;

	buf_init(&page, MAX_PAGE);
	observer_page(body, text_columns(STDOUT_FILENO), &page);
	fputs(page.data, stdout);
	buf_release(&page);
}

static int report(struct observation *r, bool json)
{
	int rc;

	if (!json)
		show(r->body);
	rc = emit(r->body, json ? STDOUT_FILENO : -1);
	r->body = NULL;
	if (rc)
		return cli_fail(&tool, rc);
	if (r->timed_out) {
		cli_note(&tool, "the command did not end within %g s",
			 arg.timeout);
		return CLI_LATER;
	}
	if (!r->missing)
		return CLI_YES;
	cli_note(&tool, "%s", r->missing);
	return CLI_CANNOT;
}

int main(int argc, char **argv)
{
	struct observer_opts o;
	struct workload w = {0};
	struct observation r = {0};
	int rc, status;

	read_options(argc, argv, &o, &w);
	cli_catch_stop();
	rc = observe(&o, &r);
	status =
		rc ? cli_fail(&tool, rc) : report(&r, cli_wants_json(arg.json));
	observation_release(&r);
	workload_release(&w);
	strs_release(&arg.metrics);
	return cli_finish(&tool, status);
}
