/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/state.h"
#include "base/err.h"
#include "base/io.h"

#define DAY_S 86400.0
/* A guest's clock runs slow when the host is busy. */
#define SLACK_S 60.0

void deployer_series(const char *release, char *out, size_t size)
{
	size_t n = strspn(release, "0123456789");

	if (n && release[n] == '.')
		n += 1 + strspn(release + n + 1, "0123456789");
	snprintf(out, size, "%.*s", (int)n, release);
}

int deployer_open_guest(struct deployer *d)
{
	const struct deployer_opts *o = d->o;
	char wanted[32];
	struct target_opts t = {
		.kind = "vm",
		.cpus = o->cpus,
		.memory_mib = o->memory_mib,
		.topology = o->topology,
		.kernel = o->kernel ? o->kernel : wanted,
		.cancel = o->cancel,
		.progress = o->progress,
		.progress_arg = o->progress_arg,
	};
	const struct json *facts;
	int rc;

	deployer_series(json_text_at(d->verdict->body, "kernel"), wanted,
			sizeof(wanted));
	rc = target_open(&t, &d->guest);
	if (rc)
		return rc;
	facts = target_facts(d->guest);
	snprintf(d->kernel, sizeof(d->kernel), "%s",
		 json_text_at(facts, "kernel"));
	snprintf(d->configuration, sizeof(d->configuration), "%s",
		 json_text_at(facts, "configuration"));
	return 0;
}

static void ran(struct deployer *d, const struct run_result *r)
{
	if (!d->o->command || d->o->dry_run)
		return;
	io_write(d->o->out_fd, r->out, r->out_len);
	io_write(STDERR_FILENO, r->err, r->err_len);
	d->r->ran = true;
	d->r->exit_status = r->proc.exit_status;
}

/* The guest has read the object itself, and says what it read. */
static bool other_object(const struct deployer *d, const struct run_result *r)
{
	const char *loaded = json_text_at(r->report, "object_sha256");

	return *loaded &&
	       strcmp(loaded, json_text_at(d->verdict->body, "object_sha256"));
}

/* What happened, as a deployment and as an answer. */
static int answer(struct deployer *d, const struct run_result *r)
{
	const char *said = r->message ? r->message : "it does not say why";
	double held = r->proc.wall_s;
	int rc;

	if (other_object(d, r))
		return deployer_refuse(
			d,
			"'%s' was replaced before it was loaded: "
			"what ran in the guest is not what was "
			"measured",
			d->object);
	switch (r->outcome) {
	case RUN_REFUSED:
		return deployer_refuse(d, "%s", said);
	case RUN_EJECTED:
		ran(d, r);
		rc = deployer_tell(d, "ejected", r->report, held, said);
		if (rc)
			return rc;
		err_set(EIO, "the kernel dropped the policy: %s", said);
		return DEPLOYER_EJECTED;
	case RUN_LOST:
		return err_set(EAGAIN, "the guest was lost: %s", said);
	case RUN_CANCELLED:
		return deployer_tell(d, "stopped", r->report, held,
				     "asked to stop");
	case RUN_TIMEOUT:
	case RUN_DONE:
		break;
	}
	ran(d, r);
	if (d->o->dry_run)
		return deployer_tell(d, "dry-run", r->report, held,
				     "every check passed; the policy was "
				     "attached in a guest, read back and "
				     "detached");
	return deployer_tell(d, "detached", r->report, held,
			     r->outcome == RUN_DONE && d->o->command
				     ? "the command ended"
				     : "the time is over");
}

int deployer_hold_guest(struct deployer *d)
{
	char seconds[32];
	char *sleep_argv[] = {(char *)"sleep", seconds, NULL};
	char *true_argv[] = {(char *)"true", NULL};
	struct run_spec s = {.argv = sleep_argv, .policy = d->policy->body};
	struct run_result r;
	int rc;

	snprintf(seconds, sizeof(seconds), "%.3f", d->o->hold_s);
	s.timeout_s = d->o->hold_s + SLACK_S;
	if (d->o->dry_run) {
		s.argv = true_argv;
	} else if (d->o->command) {
		s.argv = d->o->command;
		s.timeout_s = d->o->hold_s > 0 ? d->o->hold_s : DAY_S;
	}
	rc = target_run(d->guest, &s, &r);
	if (!rc)
		rc = answer(d, &r);
	run_result_release(&r);
	return rc;
}
