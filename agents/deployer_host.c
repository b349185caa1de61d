/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

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
	int rc = ext_check();

	if (rc && rc != -EBUSY)
		return rc;
	/* Who has it taken?  One of ours is better named by the lock. */
	d->lock = holder_lock();
	if (d->lock < 0)
		return d->lock;
	rc = ext_check();
	if (rc)
		return rc;
	return 0;
}

static bool cancelled(const struct deployer *d)
{
	return d->o->cancel && *d->o->cancel;
}

/* Until told, until the time is over, until the kernel drops it. */
static void wait_here(const struct deployer *d, double start)
{
	double end = start + d->o->hold_s;

	while (!cancelled(d) && ext_alive(d->ext)) {
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

/* failed: the command could not be run, the message says why. */
static int finish(struct deployer *d, double held_s, int failed)
{
	bool alive = ext_alive(d->ext);
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
	rc = ext_detach(d->ext);
	if (rc)
		snprintf(why, sizeof(why), "%s", err_text());
	holder_clear();
	report = ext_report(d->ext);
	if (!alive)
		snprintf(why, sizeof(why), "the kernel dropped the policy: %s",
			 json_as_string(json_get(report, "exit_message"),
					"it does not say why"));
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

	rc = ext_attach(d->ext);
	if (rc)
		return deployer_refuse(d, "%s", err_text());
	clock_text(clock_wall(), d->since);
	report = ext_report(d->ext);
	body = deployer_body(d, "attached", report, -1,
			     "the best accepted policy");
	json_free(report);
	rc = holder_write(body);
	if (rc)
		json_free(body);
	else
		rc = deployer_emit(d, body);
	if (rc) {
		ext_detach(d->ext);
		holder_clear();
	}
	return rc;
}

int deployer_hold_host(struct deployer *d)
{
	double start;
	int rc;

	rc = ext_load_bytes(d->object, d->bytes.data, d->bytes.len,
			    d->policy->body, &d->ext, NULL);
	if (rc)
		return deployer_refuse(d, "%s", err_text());
	if (d->o->dry_run)
		return deployer_tell(d, "dry-run", NULL, -1,
				     "every check passed and the kernel "
				     "accepts the policy: it would be "
				     "attached");
	rc = attach(d);
	if (rc)
		return rc;
	start = clock_monotonic();
	if (d->o->command)
		rc = run_command(d);
	else
		wait_here(d, start);
	return finish(d, clock_monotonic() - start, rc);
}
