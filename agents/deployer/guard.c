/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/guard.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/known.h"
#include "base/cgroup.h"
#include "base/clock.h"
#include "base/err.h"
#include "guard/trips.h"
#include "policy/policy.h"

#define POLL_MS 100

/* ---- whether it may be tried ------------------------------------------ */

static int ask_back_off(struct deployer *d)
{
	const char *id = d->policy->id, *because;
	unsigned earlier = 0;
	struct trips t;
	double wait;
	int rc;

	if (d->o->again)
		return trips_forget(id);
	rc = trips_read(id, &t);
	if (rc)
		return rc;
	/* What is noted is of this boot only.  Not everybody who may deploy
	 * may read the history. */
	if (deployer_count_trips(d, &earlier) && d->o->progress)
		d->o->progress(d->o->progress_arg, 0, 0, err_text());
	if (earlier > t.count)
		t.count = earlier;
	/* The history does not tell of another boot why. */
	because = *t.why ? ", last because " : "";
	wait = trips_wait(&t, clock_boot());
	if (isinf(wait))
		return deployer_refuse(d,
				       "policy %.12s was taken off by a guard "
				       "%u times%s%s: it is tried again when a "
				       "person says so, with --again",
				       id, t.count, because, t.why);
	if (wait > 0)
		return deployer_refuse(d,
				       "policy %.12s was taken off by a guard "
				       "%u times%s%s: it may be tried again in "
				       "%.0f s, or with --again",
				       id, t.count, because, t.why, ceil(wait));
	return 0;
}

/* ---- what guards read ------------------------------------------------- */

static double spent(void *arg)
{
	struct deployer *d = arg;

	return attacher_time_ns(&d->attacher);
}

static double watchdog_s(const struct deployer *d)
{
	struct policy_params p;

	if (policy_params_read(d->policy->body, &p))
		policy_params_read(NULL, &p);
	return p.timeout_ms / 1e3;
}

static int read_probe(void *arg, double *value)
{
	return probe_read(arg, value);
}

/* Those of a canary that nobody guards are none of the sentry's. */
static bool is_for_guards(const struct deployer_opts *o, const struct probe *p)
{
	bool is = !o->canary;

	for (size_t i = 0; i < o->guard_count; i++)
		is |= !strcmp(o->guards[i].name, p->metric.name);
	return is;
}

static size_t take_probes(const struct deployer_opts *o,
			  struct sentry_metric out[static PROBES])
{
	size_t n = 0;

	for (size_t i = 0; i < o->probe_count && n < PROBES; i++) {
		const struct probe *p = &o->probes[i];

		if (is_for_guards(o, p))
			out[n++] = (struct sentry_metric){
				.name = p->metric.name,
				.higher_is_better = p->metric.higher_is_better,
				.read = read_probe,
				.arg = (void *)p,
			};
	}
	return n;
}

int deployer_check_guards(const struct deployer_opts *o)
{
	struct sentry_metric metrics[PROBES];
	struct sentry_opts s = {
		.rules = o->guards,
		.count = o->guard_count,
		.metrics = metrics,
		.metric_count = take_probes(o, metrics),
		.watchdog_s = INFINITY,
	};

	return sentry_check(&s);
}

static int open_sentry(struct deployer *d)
{
	const struct deployer_opts *o = d->o;
	struct sentry_metric metrics[PROBES];
	char *root = o->cgroup ? cgroup_root() : NULL;
	char *folder = root ? cgroup_folder(root, o->cgroup) : NULL;
	struct sentry_opts s = {
		.rules = o->guards,
		.count = o->guard_count,
		.metrics = metrics,
		.metric_count = take_probes(o, metrics),
		.cgroup = folder,
		.watchdog_s = watchdog_s(d),
		.policy_ns = deployer_is_knobs(d) ? NULL : spent,
		.policy_arg = d,
	};
	int rc = o->cgroup && !folder ? -ENOENT : sentry_open(&s, &d->sentry);

	free(folder);
	free(root);
	return rc;
}

int deployer_guard_open(struct deployer *d)
{
	int rc = ask_back_off(d);

	if (!rc)
		rc = open_sentry(d);
	return rc;
}

void deployer_guard_close(struct deployer *d)
{
	deployer_guard_end(d);
	sentry_close(d->sentry);
	d->sentry = NULL;
}

/* ---- one look --------------------------------------------------------- */

static bool in_force(struct deployer *d)
{
	return d->alive ? d->alive(d->alive_arg) : attacher_alive(&d->attacher);
}

static bool is_cancelled(const struct deployer *d)
{
	return d->o->cancel && *d->o->cancel;
}

static bool end(struct supervised *out, enum supervised_end how,
		const char *why)
{
	out->how = how;
	out->at = clock_monotonic();
	snprintf(out->why, sizeof(out->why), "%s", why);
	return true;
}

static bool trips(struct deployer *d, struct supervised *out)
{
	const struct guard *g = sentry_tick(d->sentry, clock_monotonic());
	char why[400];

	if (!g)
		return false;
	guard_words(g, why, sizeof(why));
	out->trip = sentry_trip(d->sentry, g);
	return end(out, SUPERVISED_TRIPPED, why);
}

/* What comes first here counts: the command's end is no longer news when
 * the kernel had dropped the policy before. */
static bool look(struct deployer *d, double until, struct supervised *out)
{
	if (!in_force(d))
		return end(out, SUPERVISED_EJECTED,
			   "the policy is not in force any more");
	if (is_cancelled(d))
		return end(out, SUPERVISED_CANCELLED, "asked to stop");
	if (d->command && proc_look(d->command, 0))
		return end(out, SUPERVISED_COMMAND, "the command ended");
	if (clock_monotonic() >= until)
		return end(out, SUPERVISED_OVER, "the time is over");
	return d->armed && trips(d, out);
}

static void pause_here(struct deployer *d, double until)
{
	double left = (until - clock_monotonic()) * 1e3;
	int ms = left < POLL_MS ? (int)left + 1 : POLL_MS;

	if (ms <= 0)
		return;
	if (d->command)
		proc_look(d->command, ms);
	else
		usleep((useconds_t)ms * 1000);
}

/* ---- before, and while ------------------------------------------------ */

int deployer_guard_before(struct deployer *d)
{
	double until = clock_monotonic() + SENTRY_BEFORE_S;
	int rc;

	while (sentry_compares(d->sentry) && clock_monotonic() < until) {
		if (is_cancelled(d))
			return err_set(EINTR, "stopped before anything was "
					      "attached");
		if (d->command && proc_look(d->command, 0))
			return deployer_refuse(d, "the command ended before "
						  "there was something to "
						  "compare with");
		sentry_before(d->sentry, clock_monotonic());
		pause_here(d, until);
	}
	rc = sentry_settle(d->sentry);
	return rc == -ENODATA ? deployer_refuse(d, "%s", err_text()) : rc;
}

void deployer_guard_begin(struct deployer *d)
{
	if (d->watching)
		return;
	stand_above(&d->stand);
	d->watching = true;
	d->cpu_s = clock_cpu();
	d->wall = clock_monotonic();
	if (!d->stand.above && d->o->progress)
		d->o->progress(d->o->progress_arg, 0, 0,
			       "no right to be a real-time process: a policy "
			       "that starves everything starves its guards, "
			       "too");
}

int deployer_supervise(struct deployer *d, double until, struct supervised *out)
{
	int rc = 0;

	*out = (struct supervised){0};
	if (d->watching && !d->armed)
		rc = sentry_arm(d->sentry, clock_monotonic());
	d->armed = d->watching;
	while (!rc && !look(d, until, out)) {
		deployer_tell_models(d);
		pause_here(d, until);
	}
	return rc;
}

void deployer_guard_end(struct deployer *d)
{
	if (d->watching)
		stand_down(&d->stand);
	d->watching = d->armed = false;
}

/* ---- how it ended ----------------------------------------------------- */

const char *supervised_state(const struct supervised *s)
{
	switch (s->how) {
	case SUPERVISED_EJECTED:
		return "ejected";
	case SUPERVISED_TRIPPED:
		return "tripped";
	case SUPERVISED_CANCELLED:
		return "stopped";
	default:
		return "detached";
	}
}

int supervised_answer(const struct supervised *s)
{
	switch (s->how) {
	case SUPERVISED_EJECTED:
		return DEPLOYER_EJECTED;
	case SUPERVISED_TRIPPED:
		return DEPLOYER_TRIPPED;
	default:
		return DEPLOYER_DONE;
	}
}

/* ---- in documents ----------------------------------------------------- */

void deployer_guard_tell(const struct deployer *d, struct json *body)
{
	double wall = clock_monotonic() - d->wall;
	struct json *v;

	json_set(body, "guards", sentry_words(d->sentry));
	if (!d->watching)
		return;
	v = json_set(body, "watcher", sentry_effort(d->sentry));
	json_set_bool(v, "above", d->stand.above);
	json_set_bool(v, "locked", d->stand.locked);
	if (d->armed && wall > 0)
		json_set_number(v, "cpu_pct",
				round(1e4 * (clock_cpu() - d->cpu_s) / wall) /
					100);
}

void deployer_guard_tripped(struct deployer *d, struct supervised *s,
			    double revert_s)
{
	struct trips t;
	int rc = trips_add(d->policy->id, s->why);

	if (!rc)
		rc = trips_read(d->policy->id, &t);
	if (rc)
		json_set_string(s->trip, "not_noted", err_text());
	else
		json_set_number(s->trip, "trips", t.count);
	json_set_number(s->trip, "revert_us", round(revert_s * 1e6));
	if (d->known.policy)
		json_set_string(s->trip, "instead", d->known.policy->id);
	else if (d->known.why[0])
		json_set_string(s->trip, "no_other", d->known.why);
}

int deployer_guard_tell_end(struct deployer *d, struct supervised *s,
			    struct json *body)
{
	deployer_guard_tell(d, body);
	json_set(body, "trip", s->trip);
	s->trip = NULL;
	deployer_guard_end(d);
	return deployer_emit(d, body);
}
