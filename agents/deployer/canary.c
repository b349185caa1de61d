/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy on a part of this host first: agents/canary/canary.h decides, this
 * is what attaches, waits, guards and tells. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/canary/canary.h"
#include "agents/deployer/guard.h"
#include "agents/host/holder.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define POLL_US 100000
/* While it stays: is the process that holds its tasks still there? */
#define LOOK_S 1.0

struct trial {
	struct deployer *d;
	struct stand stand; /* while nothing is attached: as while it is */
	bool attached;
	double start;	       /* when it was for the first time; 0: never */
	struct supervised end; /* why it was over before it had an answer */
};

/* ---- the canary's hands ----------------------------------------------- */

/* What is attached, for others to see; it is news once. */
static int note(struct trial *t, bool partial)
{
	struct deployer *d = t->d;
	struct json *report = attacher_report(&d->attacher), *body;
	int rc;

	/* However often it is taken off in between, it is one deployment. */
	if (t->start <= 0)
		clock_text(clock_wall(), d->since);
	body = deployer_body(d, "attached", report, -1,
			     partial ? "a canary: it has some tasks now and "
				       "then"
				     : "a canary: it has all tasks now and "
				       "then");
	json_free(report);
	deployer_guard_tell(d, body);
	rc = holder_write(body);
	if (!rc && t->start <= 0)
		rc = deployer_emit(d, body);
	else
		json_free(body);
	if (t->start <= 0)
		t->start = clock_monotonic();
	return rc;
}

/* Both arms are watched by a process of the same rank. */
static int detach(void *arg)
{
	struct trial *t = arg;
	int rc = attacher_end(&t->d->attacher);

	t->end.off = clock_monotonic();
	t->attached = false;
	if (!rc)
		deployer_tell_models(t->d);
	holder_clear();
	/* What tripped tells itself what watched. */
	if (t->end.how != SUPERVISED_TRIPPED) {
		deployer_guard_end(t->d);
		stand_above(&t->stand);
	}
	return rc;
}

static int attach(void *arg, bool partial)
{
	struct trial *t = arg;
	struct deployer *d = t->d;
	const struct attach_request request = {
		.policy = d->policy->body,
		.verdict = d->verdict->body,
		.object = d->bytes.data,
		.object_len = d->bytes.len,
		.partial = partial,
		.intents = d->o->intents,
	};
	int rc;

	attacher_release(&d->attacher);
	stand_down(&t->stand);
	deployer_guard_begin(d);
	rc = attacher_start(&d->attacher, &request);
	if (rc) {
		deployer_guard_end(d);
		return rc;
	}
	t->attached = true;
	rc = note(t, partial);
	if (rc)
		detach(t);
	return rc;
}

static bool is_cancelled(const struct trial *t)
{
	return t->d->o->cancel && *t->d->o->cancel;
}

static int wait_idle(struct trial *t, double until)
{
	for (;;) {
		double left = until - clock_monotonic();

		if (is_cancelled(t)) {
			t->end.how = SUPERVISED_CANCELLED;
			snprintf(t->end.why, sizeof(t->end.why),
				 "asked to stop");
			return 1;
		}
		if (left <= 0)
			return 0;
		usleep(left < POLL_US / 1e6 ? (useconds_t)(left * 1e6) + 1
					    : POLL_US);
	}
}

static int wait_until(void *arg, double until)
{
	struct trial *t = arg;
	int rc;

	if (!t->attached)
		return wait_idle(t, until);
	rc = deployer_supervise(t->d, until, &t->end);
	return rc ? rc : t->end.how != SUPERVISED_OVER;
}

static double spent(void *arg)
{
	struct trial *t = arg;

	return t->attached ? attacher_time_ns(&t->d->attacher) : 0;
}

static int widen(void *arg)
{
	struct trial *t = arg;
	int rc = t->d->from_guest ? deployer_agree(t->d) : 0;

	return rc ? err_prefix(rc, "the verdict is of a guest, and the canary "
				   "cannot sign that this host agrees")
		  : 0;
}

/* ---- its end ---------------------------------------------------------- */

static void say(struct trial *t, const char *why)
{
	snprintf(t->end.why, sizeof(t->end.why), "%s", why);
}

/* Nothing is attached any more. */
static int failed(struct trial *t, int failure)
{
	return t->start <= 0
		       ? deployer_refuse(t->d, "%s", err_text())
		       : deployer_end_host(t->d, &t->end, t->start, failure);
}

static int turned_down(struct trial *t)
{
	const char *why = canary_why(t->d->canary);
	int rc;

	t->end.how = SUPERVISED_OVER;
	say(t, why);
	rc = deployer_end_host(t->d, &t->end, t->start, 0);
	if (rc != DEPLOYER_DONE)
		return rc;
	err_set(EACCES, "the canary: %s", why);
	return DEPLOYER_WORSE;
}

/* As wide as it came, for as long as it was asked for. */
static int wait_there(struct trial *t)
{
	const struct deployer *d = t->d;
	double now = clock_monotonic();
	double end = d->o->hold_s > 0 ? now + d->o->hold_s : INFINITY;
	int rc = 0;

	do {
		now = clock_monotonic();
		rc = deployer_supervise(t->d, fmin(end, now + LOOK_S), &t->end);
		if (!rc)
			rc = canary_holds(d->canary);
	} while (!rc && t->end.how == SUPERVISED_OVER && now < end);
	return rc;
}

static int stay(struct trial *t)
{
	struct deployer *d = t->d;
	struct json *report = attacher_report(&d->attacher);
	bool gone;
	int rc, back;

	rc = deployer_tell(d, "attached", report, -1, canary_why(d->canary));
	json_free(report);
	if (!rc)
		rc = wait_there(t);
	/* Who trips is rid of it first; its tasks are ordinary ones then. */
	gone = t->end.how == SUPERVISED_EJECTED;
	back = gone ? 0 : attacher_end(&d->attacher);
	t->end.off = clock_monotonic();
	if (!back)
		back = canary_let_go(d->canary);
	return deployer_end_host(d, &t->end, t->start, rc ? rc : back);
}

/* ---- all of it -------------------------------------------------------- */

static int run(struct trial *t)
{
	enum canary_answer answer;
	int rc;

	stand_above(&t->stand);
	rc = canary_run(t->d->canary, &answer);
	if (rc < 0)
		return failed(t, rc);
	if (rc && t->start <= 0)
		return err_set(EINTR, "stopped before anything was attached");
	if (rc)
		return deployer_end_host(t->d, &t->end, t->start, 0);
	return answer == CANARY_PASSED ? stay(t) : turned_down(t);
}

static int hold(struct deployer *d)
{
	struct trial *t = mem_zalloc(1, sizeof(*t));
	const struct canary_hands hands = {attach, detach, wait_until,
					   spent,  widen,  t};
	const struct deployer_opts *o = d->o;
	const struct canary_opts c = {
		.plan = *o->canary,
		.step_s = o->canary_s > 0 ? o->canary_s : CANARY_STEP_S,
		.policy = d->policy->id,
		.probes = o->probes,
		.probe_count = o->probe_count,
		.hands = &hands,
		.progress = o->progress,
		.progress_arg = o->progress_arg,
	};
	int rc;

	t->d = d;
	snprintf(d->known.why, sizeof(d->known.why),
		 "after a canary the kernel's own scheduler goes on");
	rc = canary_open(&c, &d->canary);
	rc = rc ? deployer_refuse(d, "%s", err_text()) : run(t);
	canary_free(d->canary);
	d->canary = NULL;
	stand_down(&t->stand);
	json_free(t->end.trip);
	free(t);
	return rc;
}

int deployer_hold_canary(struct deployer *d)
{
	int rc = deployer_guard_open(d);

	if (!rc)
		rc = deployer_guard_before(d);
	if (!rc)
		rc = hold(d);
	deployer_guard_close(d);
	return rc;
}
