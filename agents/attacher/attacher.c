/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/parts.h"
#include "agents/attacher/declarer.h"
#include "agents/attacher/supplier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "guard/stand.h"
#include "policy/policy.h"
#include "scx/ext.h"
#include "trust/statement.h"

#define PROGRAM "load-policy"
#define LOOK_MS 100
#define BEAT_S	0.2
#define GONE_S	5.0
/* To detach takes it GONE_S at most, to answer what it could do next to
 * nothing, and to load what the kernel's verifier likes. */
#define PATIENCE_S 8.0
#define ANSWER_S   30.0
#define LOAD_S	   600.0
/* So long after the kernel has dropped the policy it has said so. */
#define SILENT_S 10.0
/* It says something with every beat; whoever looks for the policy in sysfs may
 * have to wait for one whom that starves. */
#define QUIET_S 1.0
/* include/linux/sched/ext.h: SCX_ECODE_ACT_RESTART. */
#define RESTART (1LL << 48)
/* After the first time at once, then twice as long each time, until it has
 * stayed for a while. */
static const struct backoff pauses = {0.25, 2, 8};
#define SETTLED_S 60.0

/* false: it has closed its end. */
static bool take_some(struct attacher *a)
{
	if (!answers_take(&a->answers, attacher_take_line, a))
		return false;
	a->heard = clock_monotonic();
	return true;
}

/* false: there is nothing to read by then. */
static bool is_readable(const struct attacher *a, double until)
{
	struct pollfd p = {a->child.fd, POLLIN, 0};
	double left = until - clock_monotonic();

	return poll(&p, 1, left > 0 ? (int)(left * 1e3) : 0) > 0;
}

/* ---- one process after the other -------------------------------------- */

static int trouble(const struct attacher *a, const char *otherwise)
{
	return a->rc ? err_set(-a->rc, "%s", a->why)
		     : err_set(EIO, "%s %s", PROGRAM, otherwise);
}

/* One that is stopped, or does not get to run, is killed: the kernel takes the
 * policy off then. */
static void finish(struct attacher *a)
{
	double until = clock_monotonic() + PATIENCE_S;

	if (a->child.fd < 0)
		return;
	shutdown(a->child.fd, SHUT_WR);
	while (is_readable(a, until) && take_some(a))
		;
	close(a->child.fd);
	a->child.fd = a->answers.fd = -1;
	child_end(&a->child, until - clock_monotonic());
}

/* What a dead one wrote is no answer to this one. */
static void forget(struct attacher *a)
{
	a->loaded = a->attached = a->done = a->silent = false;
	a->rc = 0;
	free(a->why);
	a->why = NULL;
	answers_release(&a->answers);
	a->told = a->asked;
	a->heeded = a->declared;
	a->answered = a->modelled;
	a->learns = false;
	a->time_ns = -1;
}

static bool is_cancelled(const struct attacher *a)
{
	return a->cancel && *a->cancel;
}

/* What it says to the request; false: nothing, and it goes on. */
static bool hear_answer(struct attacher *a)
{
	double until = clock_monotonic() +
		       (a->request->verb == LOAD_ASK ? ANSWER_S : LOAD_S);

	while (!a->loaded && !a->done && !a->rc && !is_cancelled(a)) {
		if (clock_monotonic() > until)
			return false;
		if (is_readable(a, clock_monotonic() + LOOK_MS / 1e3) &&
		    !take_some(a))
			break;
	}
	return true;
}

static int launch(struct attacher *a)
{
	char *path = path_libexec(PROGRAM);
	char *argv[] = {(char *)PROGRAM, NULL};
	bool answered;
	int rc;

	forget(a);
	rc = child_exec(path, argv, false, &a->child);
	free(path);
	if (rc)
		return rc;
	answers_init(&a->answers, a->child.fd);
	rc = answers_send(&a->answers, a->request, sizeof(*a->request));
	if (!rc && a->request->object_len)
		rc = answers_send(&a->answers, a->object,
				  a->request->object_len);
	/* What it says is worth more than that it hung up. */
	answered = hear_answer(a);
	if (!a->rc && (a->loaded || a->done)) {
		attacher_hand_again(a);
		return 0;
	}
	finish(a);
	if (is_cancelled(a))
		return err_set(EINTR, "stopped before anything was attached");
	if (!answered)
		return err_set(ETIMEDOUT,
			       "%s did not answer in time: it was stopped, or "
			       "did not get to run",
			       PROGRAM);
	return trouble(a, rc ? "does not take the policy"
			     : "ended before anything was loaded");
}

/* ---- the thread ------------------------------------------------------- */

static void note_restart(struct attacher *a)
{
	strs_printf(&a->restarts, "%s%s%s", a->end->reason,
		    *a->end->message ? ": " : "", a->end->message);
}

/* The kernel wants it loaded anew: a set of CPUs is a constant to it. */
static bool is_to_restart(const struct attacher *a)
{
	return a->end->kind && a->end->code & RESTART;
}

static void plan_restart(struct attacher *a)
{
	double now = clock_monotonic();

	if (is_to_restart(a) && a->done) {
		if (now - a->since > SETTLED_S)
			a->tries = 0;
		a->again = now + backoff_pause(&pauses, ++a->tries);
		note_restart(a);
	} else {
		a->again = 0;
	}
}

static void restart(struct attacher *a)
{
	struct policy_exit before = *a->end;

	a->again = 0;
	memset(a->end, 0, sizeof(*a->end));
	if (!launch(a))
		return;
	/* Another CPU has come or gone while it was being loaded. */
	if (is_to_restart(a)) {
		a->again =
			clock_monotonic() + backoff_pause(&pauses, ++a->tries);
		return;
	}
	*a->end = before;
	snprintf(a->end->message, sizeof(a->end->message),
		 "it was to be loaded anew, and %.900s", err_text());
	a->rc = 0;
	a->done = true;
}

static bool is_there(const struct attacher *a)
{
	char state[SYSFS_WORD], ops[SYSFS_WORD];

	return sysfs_word("state", state) && !strcmp(state, "enabled") &&
	       sysfs_word("root/ops", ops) &&
	       !strncmp(ops, a->name, strlen(a->name));
}

/*
 * The policy has gone, by its dead-man's switch, and who held it does not say
 * so: it was stopped, and would be for ever.
 */
static void end_silent(struct attacher *a, double now)
{
	if (!a->attached || a->end->kind || now - a->heard < QUIET_S ||
	    is_there(a))
		a->missed = 0;
	else if (!a->missed)
		a->missed = now;
	else if (now - a->missed > SILENT_S)
		kill(a->child.pid, SIGKILL);
}

static void beat(struct attacher *a)
{
	static const char byte = LOAD_BEAT;
	double now = clock_monotonic();

	if (now - a->beaten < BEAT_S)
		return;
	a->beaten = now;
	send(a->child.fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	end_silent(a, now);
}

/* With the lock held but while it waits. */
static void step(struct attacher *a)
{
	struct pollfd p = {a->child.fd, POLLIN, 0};
	int ready;

	if (a->child.fd >= 0)
		beat(a);
	pthread_mutex_unlock(&a->lock);
	ready = poll(&p, p.fd >= 0, LOOK_MS);
	pthread_mutex_lock(&a->lock);
	if (a->over)
		return;
	if (a->child.fd >= 0 && ready > 0 && !take_some(a)) {
		finish(a);
		plan_restart(a);
	} else if (a->again && clock_monotonic() >= a->again) {
		restart(a);
	}
	pthread_cond_broadcast(&a->news);
}

static void *attend(void *arg)
{
	struct attacher *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->over)
		step(a);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static int start_thread(struct attacher *a)
{
	int rc = thread_start(&a->thread, attend, a);

	if (rc)
		return rc;
	stand_beside(a->thread);
	a->threaded = true;
	return 0;
}

static void stop_beating(struct attacher *a)
{
	if (!a->threaded)
		return;
	pthread_mutex_lock(&a->lock);
	a->over = true;
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	a->threaded = false;
}

/*
 * Threads that the policy schedules, as all but ours, come last: one that it
 * starves would keep it.
 */
static void let_go(struct attacher *a)
{
	stop_beating(a);
	pthread_mutex_lock(&a->lock);
	finish(a);
	pthread_mutex_unlock(&a->lock);
	declarer_free(a->declarer);
	a->declarer = NULL;
	supplier_free(a->supplier);
	a->supplier = NULL;
}

/* ---- asking ----------------------------------------------------------- */

/* Who waits for one that the policy starves while it has the lock lends it the
 * own rank. */
static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void init(struct attacher *a)
{
	*a = (struct attacher){.child = {.fd = -1}};
	init_lock(&a->lock);
	pthread_cond_init(&a->news, NULL);
	answers_init(&a->answers, -1);
	a->request = mem_zalloc(1, sizeof(*a->request));
	a->request->size = sizeof(*a->request);
	a->end = mem_zalloc(1, sizeof(*a->end));
}

int attacher_check(void)
{
	struct attacher a;
	int rc;

	init(&a);
	a.request->verb = LOAD_ASK;
	rc = launch(&a);
	attacher_release(&a);
	return rc;
}

static int fill(struct attacher *a, const struct attach_request *r)
{
	const struct json *signature = json_get(r->verdict, "signature");
	struct load_request *to = a->request;

	to->verb = r->dry_run ? LOAD_TRY : r->pin ? LOAD_PIN : LOAD_HOLD;
	to->partial = r->partial;
	/* It takes rules from nobody but root. */
	to->intents = !r->pin && r->intents && !getuid();
	if (statement_claim(signature, &to->claim))
		return -EACCES;
	snprintf(to->ed25519, sizeof(to->ed25519), "%s",
		 json_text_at(signature, "ed25519"));
	if (r->object_len > LOAD_OBJECT_MAX)
		return err_set(EFBIG,
			       "the object has %zu bytes, more than the %u "
			       "that are loaded",
			       r->object_len, LOAD_OBJECT_MAX);
	to->object_len = (uint32_t)r->object_len;
	a->object = mem_zalloc(1, r->object_len);
	memcpy(a->object, r->object, r->object_len);
	return policy_image_read(r->policy, &to->image);
}

static int start_supplier(struct attacher *a, const struct attach_request *r)
{
	if (a->learns)
		a->supplier = supplier_new(
			a, r->model, json_text_at(r->policy, "model.sha256"));
	else if (r->model)
		return err_set(ENOTSUP,
			       "the policy follows no model, and so not that "
			       "of '%s'",
			       r->model);
	return 0;
}

int attacher_start(struct attacher *a, const struct attach_request *r)
{
	int rc;

	init(a);
	a->cancel = r->cancel;
	rc = fill(a, r);
	if (!rc)
		rc = launch(a);
	if (rc || !a->attached || r->pin)
		return rc;
	rc = start_thread(a);
	if (!rc && a->request->intents)
		a->declarer = declarer_new(a, r->intents);
	return rc ? rc : start_supplier(a, r);
}

bool attacher_alive(struct attacher *a)
{
	bool alive;

	if (!a->threaded)
		return false;
	pthread_mutex_lock(&a->lock);
	alive = a->again || (a->child.fd >= 0 &&
			     (is_to_restart(a) || (!a->end->kind && !a->done)));
	pthread_mutex_unlock(&a->lock);
	return alive;
}

/* Asks for the figures, and waits, but not for long. */
static void have_told(struct attacher *a)
{
	static const char byte = LOAD_REPORT;
	struct timespec until;

	if (!a->threaded || a->child.fd < 0 ||
	    send(a->child.fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return;
	a->asked++;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)TELL_S;
	while (a->told < a->asked && a->child.fd >= 0 &&
	       !pthread_cond_clockwait(&a->news, &a->lock, CLOCK_MONOTONIC,
				       &until))
		;
}

static struct json *counters_of(const struct attacher *a)
{
	struct json *v = json_object();

	for (size_t i = 0; a->counted && i < COUNT_MAX; i++)
		json_set_number(v, policy_counter_names[i],
				(double)a->counts[i]);
	return v;
}

static void set_restarts(const struct attacher *a, struct json *to)
{
	if (a->restarts.len)
		json_set(to, "restarts", json_strings(&a->restarts));
}

struct json *attacher_report(struct attacher *a)
{
	struct json *v = json_object();
	bool alive = attacher_alive(a);

	pthread_mutex_lock(&a->lock);
	have_told(a);
	json_set_string(v, "name", a->name);
	json_set_bool(v, "alive", alive);
	json_set_string(v, "object_sha256", a->request->claim.object_sha256);
	json_set(v, "counters", counters_of(a));
	json_set(v, "events", ext_events_json(&a->events));
	ext_exit_json(a->end, v);
	set_restarts(a, v);
	pthread_mutex_unlock(&a->lock);
	return v;
}

double attacher_time_ns(struct attacher *a)
{
	double ns;

	if (!a->threaded)
		return -1;
	pthread_mutex_lock(&a->lock);
	ns = a->time_ns;
	pthread_mutex_unlock(&a->lock);
	return ns;
}

static int wait_gone(const struct attacher *a)
{
	for (double end = clock_monotonic() + GONE_S; clock_monotonic() < end;
	     poll(NULL, 0, LOOK_MS))
		if (!is_there(a))
			return 0;
	return err_set(ETIMEDOUT, "the kernel still has the policy '%s'",
		       a->name);
}

int attacher_end(struct attacher *a)
{
	let_go(a);
	a->again = 0;
	if (a->rc)
		return trouble(a, "");
	/* Killed, it has let go of all that it had. */
	return a->done ? 0 : wait_gone(a);
}

void attacher_release(struct attacher *a)
{
	if (!a->request)
		return;
	let_go(a);
	answers_release(&a->answers);
	strs_release(&a->restarts);
	pthread_cond_destroy(&a->news);
	pthread_mutex_destroy(&a->lock);
	free(a->rules);
	free(a->model);
	free(a->unlearned);
	json_free(a->notes);
	free(a->request);
	free(a->object);
	free(a->why);
	free(a->end);
	memset(a, 0, sizeof(*a));
	a->child.fd = -1;
}
