/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agents/bringer.h"
#include "agents/deployer_state.h"
#include "agents/holder.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/proc.h"
#include "scx/configuration.h"

#define POLL_US 100000

void deployer_know_host(struct deployer *d)
{
	struct utsname u;

	uname(&u);
	snprintf(d->kernel, sizeof(d->kernel), "%s", u.release);
	configuration_digest(d->configuration);
}

int deployer_open_host(struct deployer *d)
{
	int rc = attacher_check();

	if (rc && rc != -EBUSY)
		return rc;
	/* Who has it taken?  One of ours is better named by the lock. */
	d->lock = holder_lock();
	if (d->lock < 0)
		return d->lock;
	rc = bringers_check();
	return rc ? rc : attacher_check();
}

static bool cancelled(const struct deployer *d)
{
	return d->o->cancel && *d->o->cancel;
}

/* Until told, until the time is over, until the kernel drops it. */
static void wait_here(struct deployer *d, double start)
{
	double end = start + d->o->hold_s;

	while (!cancelled(d) && attacher_alive(&d->attacher)) {
		if (d->o->hold_s > 0 && clock_monotonic() >= end)
			break;
		usleep(POLL_US);
	}
}

static int run_command(struct deployer *d)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	int rc;

	spec.argv = d->o->command;
	spec.stdin_fd = -1;
	spec.out_fd = d->o->out_fd;
	spec.timeout_s = d->o->hold_s;
	spec.cancel = d->o->cancel;
	rc = proc_run(&spec, &res);
	if (rc)
		return rc;
	d->r->ran = true;
	d->r->exit_status = res.exit_status;
	return 0;
}

/* How it ended without having been asked to. */
static void tell_end(const struct json *report, char *why, size_t size)
{
	const char *message = json_text_at(report, "exit_message");

	if (!json_get(report, "exit_kind"))
		snprintf(why, size,
			 "the process that held the policy was ended");
	else
		snprintf(why, size, "the kernel dropped the policy: %s",
			 *message ? message : "it does not say why");
}

/* failed: the command could not be run, the message says why. */
static int finish(struct deployer *d, double held_s, int failed)
{
	bool alive = attacher_alive(&d->attacher);
	const char *state = !alive	   ? "ejected"
			    : cancelled(d) ? "stopped"
					   : "detached";
	char why[512] = "the time is over";
	struct json *report;
	int rc;

	if (failed)
		snprintf(why, sizeof(why), "%s", err_text());
	else if (cancelled(d))
		snprintf(why, sizeof(why), "asked to stop");
	else if (d->r->ran)
		snprintf(why, sizeof(why), "the command ended with status %d",
			 d->r->exit_status);
	rc = attacher_end(&d->attacher);
	if (rc)
		snprintf(why, sizeof(why), "%s", err_text());
	holder_clear();
	report = attacher_report(&d->attacher);
	if (!alive)
		tell_end(report, why, sizeof(why));
	failed = rc ? rc : failed;
	rc = deployer_tell(d, state, report, held_s, why);
	json_free(report);
	if (rc)
		return rc;
	err_set(-failed, "%s", why);
	return failed ? failed : alive ? DEPLOYER_DONE : DEPLOYER_EJECTED;
}

static int attach(struct deployer *d)
{
	struct json *report, *body;
	int rc;

	clock_text(clock_wall(), d->since);
	report = attacher_report(&d->attacher);
	body = deployer_body(d, "attached", report, -1,
			     "the best accepted policy");
	json_free(report);
	rc = d->o->pin ? 0 : holder_write(body);
	if (rc)
		json_free(body);
	else
		rc = deployer_emit(d, body);
	if (rc) {
		attacher_end(&d->attacher);
		holder_clear();
	}
	return rc;
}

int deployer_hold_host(struct deployer *d)
{
	struct attach_request request = {
		.policy = d->policy->body,
		.verdict = d->verdict->body,
		.object = d->bytes.data,
		.object_len = d->bytes.len,
		.dry_run = d->o->dry_run,
		.pin = d->o->pin,
	};
	double start;
	int rc;

	rc = attacher_start(&d->attacher, &request);
	if (rc)
		return deployer_refuse(d, "%s", err_text());
	if (d->o->dry_run)
		return deployer_tell(d, "dry-run", NULL, -1,
				     "every check passed and the kernel "
				     "accepts the policy: it would be "
				     "attached");
	rc = attach(d);
	if (rc || d->o->pin)
		return rc;
	start = clock_monotonic();
	if (d->o->command)
		rc = run_command(d);
	else
		wait_here(d, start);
	return finish(d, clock_monotonic() - start, rc);
}
