/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy of the form "knobs" on this host: around a command, or on what runs
 * already.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/deployer/guard.h"
#include "agents/host/holder.h"
#include "agents/attacher/setter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "policy/knobs.h"

struct deed {
	struct deployer *d;
	struct knob_request request;
	struct setter setter;
	bool held; /* it was in force */
	int rc;	   /* why it could not be … */
	char *why; /* … in words */
	double start;
};

/* ---- what is asked for ------------------------------------------------ */

static void aim(struct deed *x)
{
	const struct deployer_opts *o = x->d->o;
	struct knob_scope *s = &x->request.scope;

	s->where = KNOB_HOST;
	if (o->pid || o->command)
		s->where = KNOB_TREE;
	s->pid = (pid_t)o->pid;
	if (!o->cgroup)
		return;
	s->where = KNOB_CGROUP_TREE;
	snprintf(s->cgroup, sizeof(s->cgroup), "%s", o->cgroup);
}

/* The command's process, which will execute it. */
static void aim_at(struct deed *x, pid_t pid)
{
	struct knob_scope *s = &x->request.scope;
	const char *name = x->d->o->command[0], *slash = strrchr(name, '/');

	s->pid = pid;
	snprintf(s->command, sizeof(s->command), "%s",
		 slash ? slash + 1 : name);
}

static struct json *scope_of(const struct deed *x)
{
	const struct deployer_opts *o = x->d->o;
	struct json *v = json_object();

	if (o->command)
		json_set_string(v, "command", o->command[0]);
	else if (o->pid)
		json_set_number(v, "pid", (double)o->pid);
	else if (o->cgroup)
		json_set_string(v, "cgroup", o->cgroup);
	return v;
}

/* ---- what is told ----------------------------------------------------- */

static void set_texts(struct json *body, const char *key, const struct strs *l)
{
	if (l->len)
		json_set(body, key, json_strings(l));
}

static struct json *rules_of(const struct deed *x)
{
	struct json *list = json_array();

	for (size_t i = 0; i < x->setter.rules; i++) {
		struct json *r = json_add(list, json_object());

		knobs_rule_name(&x->request.knobs.rules[i], r);
		json_set_number(r, "tasks", (double)x->setter.rule_tasks[i]);
	}
	return list;
}

static struct json *body_of(const struct deed *x, const char *state,
			    double held_s, const char *why)
{
	struct json *b = deployer_body(x->d, state, NULL, held_s, why);

	json_set(b, "scope", scope_of(x));
	set_texts(b, "changes", &x->setter.plan);
	set_texts(b, "left", &x->setter.left);
	if (x->held && x->setter.rules)
		json_set(b, "rules", rules_of(x));
	return b;
}

/* Nothing was changed. */
static int refuse(struct deed *x, int rc, const char *why)
{
	int told = deployer_emit(x->d, body_of(x, "refused", -1, why));

	return told ? told : err_set(-rc, "%s", why);
}

static bool is_held(void *arg)
{
	struct deed *x = arg;

	return setter_alive(&x->setter, 0);
}

static int finish(struct deed *x, struct supervised *s, int failed)
{
	struct deployer *d = x->d;
	double held = clock_monotonic() - x->start;
	int rc;

	if (s->how != SUPERVISED_TRIPPED && !is_held(x))
		s->how = SUPERVISED_EJECTED;
	if (failed)
		snprintf(s->why, sizeof(s->why), "%s", err_text());
	else if (s->how == SUPERVISED_COMMAND)
		snprintf(s->why, sizeof(s->why),
			 "the command ended with status %d", d->r->exit_status);
	else if (s->how == SUPERVISED_EJECTED)
		snprintf(s->why, sizeof(s->why),
			 "the process that had set the knobs was ended");
	rc = setter_end(&x->setter);
	if (rc)
		snprintf(s->why, sizeof(s->why), "%s", err_text());
	else
		holder_clear();
	if (!rc && s->how == SUPERVISED_TRIPPED)
		deployer_guard_tripped(d, s, clock_monotonic() - s->at);
	failed = rc ? rc : failed;
	rc = deployer_guard_tell_end(
		d, s, body_of(x, supervised_state(s), held, s->why));
	if (rc)
		return rc;
	err_set(-failed, "%s", s->why);
	return failed ? failed : supervised_answer(s);
}

/* ---- doing it --------------------------------------------------------- */

static int set(struct deed *x)
{
	struct json *body;
	int rc = setter_start(&x->setter, &x->request);

	if (rc)
		return rc;
	x->held = true;
	deployer_guard_begin(x->d);
	x->start = clock_monotonic();
	clock_text(clock_wall(), x->d->since);
	body = body_of(x, "attached", -1, "the best accepted policy");
	deployer_guard_tell(x->d, body);
	rc = holder_write(body);
	if (!rc)
		return deployer_emit(x->d, body);
	json_free(body);
	return rc;
}

/* It has not begun, and must not without its knobs. */
static void started(pid_t pid, void *arg)
{
	struct deed *x = arg;

	aim_at(x, pid);
	x->rc = set(x);
	if (!x->rc)
		return;
	x->why = mem_strdup(err_text());
	kill(pid, SIGKILL);
}

static int start_command(struct deed *x)
{
	const struct deployer_opts *o = x->d->o;
	struct proc_spec spec = PROC_SPEC_INIT;
	int rc;

	spec.argv = o->command;
	spec.stdin_fd = -1;
	spec.out_fd = o->out_fd;
	spec.timeout_s = o->hold_s;
	spec.with_us = true;
	spec.cancel = o->cancel;
	spec.started = started;
	spec.started_arg = x;
	rc = proc_start(&spec, &x->d->command);
	if (!x->rc)
		return rc;
	/* It was killed before it began. */
	if (!rc)
		deployer_command_ended(x->d);
	x->d->r->ran = false;
	return err_set(-x->rc, "%s", x->why);
}

/* failed: why it could not be done whole; it is held all the same. */
static int watch(struct deed *x, int failed)
{
	struct deployer *d = x->d;
	struct supervised s = {.how = SUPERVISED_COMMAND};
	double end = d->o->hold_s > 0 && !d->o->command
			     ? x->start + d->o->hold_s
			     : INFINITY;
	int rc = failed ? failed : deployer_supervise(d, end, &s);

	/* What is asked to stop ends under its knobs. */
	if (!rc && d->command &&
	    (s.how == SUPERVISED_COMMAND || s.how == SUPERVISED_CANCELLED))
		rc = deployer_command_ended(d);
	rc = finish(x, &s, rc);
	if (d->command && deployer_command_ended(d) && rc >= 0)
		return -EIO;
	return rc;
}

static int hold(struct deed *x)
{
	struct deployer *d = x->d;
	int rc = deployer_guard_open(d);

	x->request.verb = KNOB_HOLD;
	d->alive = is_held;
	d->alive_arg = x;
	if (!rc)
		rc = deployer_guard_before(d);
	if (!rc)
		rc = d->o->command ? start_command(x) : set(x);
	if (x->held)
		rc = watch(x, rc);
	deployer_guard_close(d);
	return rc;
}

/* Stands for the command. */
static void wait_for_end(int fd, void *arg)
{
	char c;

	(void)arg;
	while (read(fd, &c, 1) > 0)
		;
}

static int plan(struct deed *x)
{
	struct child stand_in = {.fd = -1};
	int rc = 0;

	x->request.verb = KNOB_PLAN;
	if (x->d->o->command) {
		rc = child_fork(wait_for_end, NULL, true, &stand_in);
		if (!rc)
			aim_at(x, stand_in.pid);
	}
	if (!rc)
		rc = setter_start(&x->setter, &x->request);
	if (stand_in.fd >= 0)
		close(stand_in.fd);
	child_end(&stand_in, 1);
	if (rc)
		return rc;
	return deployer_emit(x->d, body_of(x, "dry-run", -1,
					   "every check passed: this would be "
					   "changed"));
}

int deployer_hold_knobs(struct deployer *d)
{
	struct deed *x = mem_zalloc(1, sizeof(*x));
	char *why;
	int rc;

	x->d = d;
	x->setter.child.fd = -1;
	x->request.size = sizeof(x->request);
	snprintf(x->request.policy, sizeof(x->request.policy), "%s",
		 d->policy->id);
	rc = knobs_read(d->policy->body, &x->request.knobs);
	aim(x);
	if (!rc)
		rc = d->o->dry_run ? plan(x) : hold(x);
	if (rc < 0 && !x->held) {
		why = mem_strdup(err_text());
		rc = refuse(x, rc, why);
		free(why);
	}
	setter_release(&x->setter);
	free(x->why);
	free(x);
	return rc;
}

int deployer_open_knobs(struct deployer *d)
{
	d->lock = holder_lock();
	return d->lock < 0 ? d->lock : 0;
}
