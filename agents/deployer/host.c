/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agents/host/bringer.h"
#include "agents/deployer/guard.h"
#include "agents/deployer/known.h"
#include "agents/host/holder.h"
#include "agents/deployer/pinned.h"
#include "agents/deployer/pins.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "scx/configuration.h"

/* Between one that a guard had taken off and what comes instead. */
#define DWELL_S 2.0

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
	if (!rc)
		rc = attacher_check();
	/* Of one that was pinned, and that the kernel has dropped. */
	if (!rc && !d->o->dry_run && pins_there())
		rc = pinned_end();
	return rc;
}

/* ---- the command ------------------------------------------------------ */

static int start_command(struct deployer *d)
{
	struct proc_spec spec = PROC_SPEC_INIT;

	spec.argv = d->o->command;
	spec.stdin_fd = -1;
	spec.out_fd = d->o->out_fd;
	spec.timeout_s = d->o->hold_s;
	/* It is about the policy's time. */
	if (spec.timeout_s > 0 && sentry_compares(d->sentry))
		spec.timeout_s += SENTRY_BEFORE_S;
	spec.cancel = d->o->cancel;
	return proc_start(&spec, &d->command);
}

int deployer_command_ended(struct deployer *d)
{
	struct proc_result res;
	int rc = proc_finish(d->command, &res);

	d->command = NULL;
	if (rc)
		return rc;
	d->r->ran = true;
	d->r->exit_status = res.exit_status;
	return 0;
}

/* ---- its end ---------------------------------------------------------- */

/* How it ended without having been asked to. */
static void tell_ejection(const struct json *report, char *why, size_t size)
{
	const char *message = json_text_at(report, "exit_message");

	if (!*message)
		message = json_text_at(report, "exit_reason");
	if (!json_get(report, "exit_kind"))
		snprintf(why, size,
			 "the process that held the policy was ended");
	else
		snprintf(why, size, "the kernel dropped the policy: %s",
			 *message ? message : "it does not say why");
}

/* What is said of it; takes the trip. */
static int tell_end(struct deployer *d, struct supervised *s, double held_s)
{
	/* One that could not be started has nothing to say. */
	struct json *report =
		d->attacher.request ? attacher_report(&d->attacher) : NULL;
	struct json *body;

	if (s->how == SUPERVISED_EJECTED)
		tell_ejection(report, s->why, sizeof(s->why));
	body = deployer_body(d, supervised_state(s), report, held_s, s->why);
	json_free(report);
	return deployer_guard_tell_end(d, s, body);
}

int deployer_end_host(struct deployer *d, struct supervised *s, double began,
		      int failed)
{
	double held_s = clock_monotonic() - began;
	int rc;

	if (failed)
		snprintf(s->why, sizeof(s->why), "%s", err_text());
	rc = attacher_end(&d->attacher);
	if (rc)
		snprintf(s->why, sizeof(s->why), "%s", err_text());
	else if (s->how == SUPERVISED_TRIPPED)
		deployer_guard_tripped(
			d, s,
			(s->off > 0 ? s->off : clock_monotonic()) - s->at);
	deployer_tell_models(d);
	holder_clear();
	failed = rc ? rc : failed;
	rc = tell_end(d, s, held_s);
	if (rc)
		return rc;
	err_set(-failed, "%s", s->why);
	return failed ? failed : supervised_answer(s);
}

/* failed: the command could not be run, the message says why. */
static int finish(struct deployer *d, struct supervised *s, double began,
		  int failed)
{
	if (s->how != SUPERVISED_TRIPPED && !attacher_alive(&d->attacher))
		s->how = SUPERVISED_EJECTED;
	if (d->r->ran && s->how == SUPERVISED_COMMAND)
		snprintf(s->why, sizeof(s->why),
			 "the command ended with status %d", d->r->exit_status);
	return deployer_end_host(d, s, began, failed);
}

/* ---- attaching -------------------------------------------------------- */

/* Loads it, and attaches it where it is not only to be tried. */
static int start(struct deployer *d)
{
	struct attach_request request = {
		.policy = d->policy->body,
		.verdict = d->verdict->body,
		.object = d->bytes.data,
		.object_len = d->bytes.len,
		.dry_run = d->o->dry_run,
		.pin = d->o->pin,
		.intents = d->o->intents,
		.model = d->o->model,
		.cancel = d->o->cancel,
	};
	int rc = attacher_start(&d->attacher, &request);

	return rc && rc != -EINTR ? deployer_refuse(d, "%s", err_text()) : rc;
}

/* What cannot be told of is not left in place; the message stays. */
static void take_back(struct deployer *d)
{
	char *why = mem_strdup(err_text());

	attacher_end(&d->attacher);
	if (d->o->pin) {
		pins_remove();
		holder_unpin();
	} else {
		holder_clear();
	}
	err_set(EIO, "%s", why);
	free(why);
}

static int attach(struct deployer *d, const char *why)
{
	struct json *report, *body;
	int rc;

	deployer_guard_begin(d);
	rc = start(d);
	if (rc)
		return rc;
	clock_text(clock_wall(), d->since);
	report = attacher_report(&d->attacher);
	body = deployer_body(d, "attached", report, -1, why);
	json_free(report);
	if (!d->o->pin)
		deployer_guard_tell(d, body);
	rc = holder_write(body);
	if (rc)
		json_free(body);
	else
		rc = deployer_emit(d, body);
	if (rc)
		take_back(d);
	return rc;
}

/* From attaching it to the end of it, but not of the command; *end: when the
 * time is over, which begins when it is attached. */
static int hold(struct deployer *d, double *end, const char *why)
{
	struct supervised s = {.how = SUPERVISED_COMMAND};
	double began;
	int rc = attach(d, why);

	if (rc || d->o->pin) {
		deployer_guard_end(d);
		return rc;
	}
	began = clock_monotonic();
	if (*end <= 0)
		*end = d->o->hold_s > 0 && !d->o->command ? began + d->o->hold_s
							  : INFINITY;
	if (d->o->command && !d->command)
		rc = start_command(d);
	if (!rc)
		rc = deployer_supervise(d, *end, &s);
	if (!rc && s.how == SUPERVISED_COMMAND)
		rc = deployer_command_ended(d);
	return finish(d, &s, began, rc);
}

/* ---- and what comes instead ------------------------------------------- */

/* The machine comes to rest under its own scheduler: what the one before had
 * left waiting is not the fault of the next. */
static bool rest(struct deployer *d)
{
	double until = clock_monotonic() + DWELL_S;

	while (clock_monotonic() < until) {
		if (d->o->cancel && *d->o->cancel)
			return false;
		if (d->command && proc_look(d->command, 0))
			return false;
		usleep(100000);
	}
	return true;
}

/* The policy that the history trusts, in place of the one that tripped. */
static int hold_known(struct deployer *d, double *end)
{
	d->verdict = d->known.verdict;
	d->policy = d->known.policy;
	d->known.policy = NULL;
	snprintf(d->known.why, sizeof(d->known.why),
		 "it was put in the place of another one itself");
	attacher_release(&d->attacher);
	d->since[0] = '\0';
	return hold(d, end, "the last one known to be good");
}

static int hold_all(struct deployer *d)
{
	double end = 0; /* not attached yet */
	int rc = hold(d, &end, "the best accepted policy"), instead;
	char *why;

	if (rc != DEPLOYER_TRIPPED || !d->known.policy || !rest(d))
		return rc;
	why = mem_strdup(err_text());
	instead = hold_known(d, &end);
	if (instead < 0)
		rc = instead;
	else
		err_set(EIO, "%s", why);
	free(why);
	return rc;
}

static int try_it(struct deployer *d)
{
	int rc = start(d);

	return rc ? rc
		  : deployer_tell(d, "dry-run", NULL, -1,
				  "every check passed and the kernel accepts "
				  "the policy: it would be attached");
}

static int begin(struct deployer *d)
{
	int rc = deployer_check_model(d);

	if (!rc)
		rc = deployer_guard_open(d);
	if (rc)
		return rc;
	if (d->o->dry_run)
		return try_it(d);
	if (!d->o->pin)
		deployer_find_known(d);
	/* It has to run before there is something to compare with. */
	if (d->o->command && sentry_compares(d->sentry))
		rc = start_command(d);
	if (!rc)
		rc = deployer_guard_before(d);
	return rc ? rc : hold_all(d);
}

int deployer_hold_host(struct deployer *d)
{
	char *why;
	int rc = begin(d);

	deployer_guard_close(d);
	if (!d->command)
		return rc;
	/* It goes on under the kernel's own scheduler. */
	why = mem_strdup(err_text());
	if (!deployer_command_ended(d) || rc < 0)
		err_set(EIO, "%s", why);
	free(why);
	return rc;
}
