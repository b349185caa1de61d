/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts a verified policy to work; each command parses its own options. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/deployer.h"
#include "agents/host/holder.h"
#include "agents/deployer/pinned.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/deploy-record.h"
#include "cmd/deploy.h"
#include "cmd/rows.h"
#include "intent/intent.h"
#include "scx/ext.h"
#include "term/num.h"
#include "term/progress.h"
#include "term/text.h"

static struct {
	const char *target, *policy, *kernel, *topology, *cgroup;
	const char *canary, *widen, *intents, *model;
	double hold, canary_s;
	long cpus, memory, pid;
	bool dry_run, pin, no_history, again;
	struct strs guards, metrics;
} arg = {.target = "auto", .intents = INTENT_FOLDER};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .words = "host|vm|auto",
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
	{.kind = OPT_LIST,
	 .name = "guard",
	 .arg = "NAME:BOUND",
	 .help = "take it off when wait_p99, psi_cpu, throughput, … exceeds it",
	 .target = &arg.guards},
	{.kind = OPT_FLAG,
	 .name = "again",
	 .help = "even if guards took this policy off too often",
	 .target = &arg.again},
	{.kind = OPT_STRING,
	 .name = "canary",
	 .arg = "SCOPE",
	 .help = "try it first on cgroup:PATH, pid:N, a share as 5%, or all",
	 .target = &arg.canary},
	{.kind = OPT_STRING,
	 .name = "widen",
	 .arg = "LIST",
	 .help = "the canary's further steps: 25%,50%,all (the default), none",
	 .target = &arg.widen},
	{.kind = OPT_DOUBLE,
	 .name = "canary-for",
	 .arg = "S",
	 .help = "how long each step may take (120)",
	 .target = &arg.canary_s,
	 .min = 5,
	 .max = 86400},
	{.kind = OPT_STRING,
	 .name = "intents",
	 .arg = "DIR",
	 .help = "follow the rules of this folder (/etc/schedkit/intent.d)",
	 .target = &arg.intents},
	{.kind = OPT_STRING,
	 .name = "model",
	 .arg = "FILE",
	 .help = "follow this model, and what is put in its place",
	 .target = &arg.model},
	{.kind = OPT_LIST,
	 .name = "metric",
	 .arg = "TEXT",
	 .help = "for the canary and guards: NAME[,higher|lower][,UNIT]=COMMAND",
	 .target = &arg.metrics},
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

struct json *deploy_holder(void)
{
	struct json *kernel, *v = holder_read();

	if (v)
		return v;
	kernel = ext_kernel_state();
	v = pinned_in_force(kernel);
	json_free(kernel);
	return v;
}

/* ---- deploying ---- */

static void put_list(struct buf *out, const struct json *body, const char *key,
		     const char *word)
{
	json_each (v, json_get(body, key)) {
		buf_printf(out, "  %s", word);
		text_clean(out, json_as_string(v, ""), 0);
		buf_puts(out, "\n");
	}
}

static void said(void *bar, const char *line)
{
	progress_clear(bar);
	cli_note(&tool, "%s", line);
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
	case DEPLOYER_TRIPPED:
	case DEPLOYER_WORSE:
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
	struct deploy_recorder recorder = {.tool = &tool, .s = s};
	struct deployer_opts o = *wanted;
	struct deployer_result r;
	struct progress bar;
	int rc;

	o.out_fd = json ? STDERR_FILENO : STDOUT_FILENO;
	o.cancel = &cli_stop;
	o.emitted = recorded ? deploy_record : NULL;
	o.emitted_arg = &recorder;
	o.said = said;
	o.said_arg = &bar;
	o.progress = progress_step;
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
		deploy_record_rest(&recorder);
	if (!json)
		put_deployments(s);
	stream_free(s);
	return rc;
}

static void read_guards(struct deployer_opts *o, struct guard_rule *rules,
			struct probe probes[static PROBES])
{
	for (size_t i = 0; i < arg.guards.len; i++)
		if (guard_rule_parse(arg.guards.v[i], &rules[i]))
			cli_usage(&tool, "option --guard: %s", err_text());
	if (arg.metrics.len > PROBES)
		cli_usage(&tool, "more than %d metrics", PROBES);
	for (size_t i = 0; i < arg.metrics.len; i++)
		if (probe_parse(arg.metrics.v[i], &probes[i]))
			cli_usage(&tool, "option --metric: %s", err_text());
	o->guards = rules;
	o->guard_count = arg.guards.len;
	o->probes = probes;
	o->probe_count = arg.metrics.len;
	if (deployer_check_guards(o))
		cli_usage(&tool, "option --guard: %s", err_text());
}

static void free_guards(struct guard_rule *rules, struct probe *probes)
{
	free(rules);
	for (size_t i = 0; i < PROBES; i++)
		probe_release(&probes[i]);
	strs_release(&arg.guards);
	strs_release(&arg.metrics);
}

/* What --canary and what belongs to it say; a mistake is one of usage. */
static void read_canary(struct deployer_opts *o, struct canary_plan *plan)
{
	if (!arg.canary && (arg.widen || arg.canary_s))
		cli_usage(&tool, "--widen and --canary-for are for --canary");
	if (!arg.canary)
		return;
	if (o->command)
		cli_usage(&tool,
			  "a canary is on what runs already: a command can be "
			  "one as --canary pid:N");
	if (!strcmp(o->target, "vm") || o->pin)
		cli_usage(&tool, "a canary is for the host, and for who "
				 "watches it: not for --pin");
	if (canary_plan_parse(arg.canary, arg.widen, plan))
		cli_usage(&tool, "%s", err_text());
	o->canary = plan;
	o->canary_s = arg.canary_s;
}

static int run(int argc, char **argv)
{
	static struct canary_plan plan;
	int first = cli_options(&tool, argc, argv);
	char **command = first < argc ? argv + first : NULL;
	struct deployer_opts o = {
		.target = arg.target,
		.policy = arg.policy,
		.dry_run = arg.dry_run,
		.pin = arg.pin,
		.hold_s = arg.hold,
		.intents = arg.intents,
		.model = arg.model,
		.command = command,
		.pid = arg.pid,
		.cgroup = arg.cgroup,
		.again = arg.again,
		.kernel = arg.kernel,
		.cpus = arg.cpus,
		.memory_mib = arg.memory,
		.topology = arg.topology,
	};
	struct probe probes[PROBES] = {0};
	struct guard_rule *rules;
	int rc;

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
	read_canary(&o, &plan);
	rules = mem_zalloc(arg.guards.len + 1, sizeof(*rules));
	read_guards(&o, rules, probes);
	cli_catch_stop();
	rc = deploy_from(STDIN_FILENO, &o, !arg.no_history, NULL);
	free_guards(rules, probes);
	return rc;
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
