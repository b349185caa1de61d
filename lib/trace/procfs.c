/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread looks at /proc now and then and adds up what grew; at a command
 * it looks often at first, so that a short one is seen at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "trace/backend.h"
#include "trace/machine.h"
#include "trace/sample.h"

#define FIRST_LOOK_MS 5
#define LAST_LOOK_MS  250

struct proc_trace {
	struct trace base;
	struct trace_opts o;
	char *cgroup;	    /* as in /proc/PID/cgroup */
	_Atomic pid_t root; /* 0: not known yet */
	pthread_t thread;
	bool running;
	int wake[2]; /* closing wake[1] ends the thread */
	struct sample last;
	bool seen; /* last holds a sample */
	struct observed_group *groups;
	size_t count;
	bool no_schedstat;
	uint64_t cpu_ns;
	double began;
	struct pressure pressure;
	uint64_t idle, all;
};

static struct observed_group *group_of(struct proc_trace *t,
				       const struct sample_task *task)
{
	struct observed_group *g;

	for (size_t i = 0; i < t->count; i++) {
		g = &t->groups[i];
		if (g->kernel == task->kernel && !strcmp(g->name, task->name))
			return g;
	}
	t->groups = mem_realloc(t->groups, t->count + 1, sizeof(*g));
	g = &t->groups[t->count++];
	*g = (struct observed_group){.kernel = task->kernel,
				     .nice = task->nice};
	memcpy(g->name, task->name, sizeof(g->name));
	return g;
}

static bool wanted(struct proc_trace *t, const struct sample *now,
		   const struct sample_task *task)
{
	pid_t root = t->root;

	switch (t->o.scope) {
	case TRACE_ALL:
		return true;
	case TRACE_CGROUP:
		return cgroup_holds(t->cgroup, task->tgid);
	case TRACE_COMMAND:
	case TRACE_PID:
		return root && sample_descends(now, task, root);
	}
	return false;
}

/* Adds what task did since it was last seen. */
static void account(struct proc_trace *t, struct sample_task *task,
		    const struct sample_task *old)
{
	struct observed_group *g;
	uint64_t run = task->run_ns, wait = task->wait_ns;

	if (old) {
		run -= run > old->run_ns ? old->run_ns : run;
		wait -= wait > old->wait_ns ? old->wait_ns : wait;
	}
	if (!run && !wait)
		return;
	g = group_of(t, task);
	g->run_ns += run;
	g->wait_ns += wait;
	if (!task->counted)
		g->tasks++;
	task->counted = true;
}

static void look(struct proc_trace *t)
{
	struct sample now;

	if (sample_take(&now))
		return;
	for (size_t i = 0; i < now.count; i++) {
		struct sample_task *task = &now.tasks[i], *old;

		old = sample_find(&t->last, task->tid);
		if (old && old->started != task->started)
			old = NULL;
		task->counted = old && old->counted;
		task->tracked = (old && old->tracked) || wanted(t, &now, task);
		if (task->tracked && t->seen)
			account(t, task, old);
	}
	t->no_schedstat |= now.no_schedstat;
	sample_release(&t->last);
	t->last = now;
	t->seen = true;
}

static void *watch(void *arg)
{
	struct proc_trace *t = arg;
	struct pollfd end = {t->wake[0], POLLIN, 0};
	int ms = t->o.scope == TRACE_COMMAND ? FIRST_LOOK_MS : LAST_LOOK_MS;

	while (!poll(&end, 1, ms)) {
		look(t);
		ms = 2 * ms < LAST_LOOK_MS ? 2 * ms : LAST_LOOK_MS;
	}
	t->cpu_ns = (uint64_t)(1e9 * clock_cpu());
	return NULL;
}

static void root(struct trace *base, pid_t pid)
{
	((struct proc_trace *)base)->root = pid;
}

static int start(struct trace *base)
{
	struct proc_trace *t = (struct proc_trace *)base;
	int rc;

	if (pipe2(t->wake, O_CLOEXEC) < 0)
		return err_set(errno, "cannot make a pipe: %s",
			       strerror(errno));
	rc = sample_cpu(&t->idle, &t->all);
	if (rc)
		return rc;
	pressure_read(&t->pressure);
	t->began = clock_monotonic();
	look(t);
	rc = thread_start(&t->thread, watch, t);
	if (rc)
		return rc;
	t->running = true;
	return 0;
}

static void end_thread(struct proc_trace *t)
{
	if (t->wake[1] >= 0)
		close(t->wake[1]);
	t->wake[1] = -1;
	if (t->running)
		pthread_join(t->thread, NULL);
	t->running = false;
}

static void system_take(struct proc_trace *t, struct observed *o)
{
	double all =
		(double)o->duration_ns * (double)sysconf(_SC_NPROCESSORS_ONLN);
	struct pressure now;
	uint64_t idle, ticks, wait = 0;

	if (!sample_cpu(&idle, &ticks) && ticks > t->all)
		o->busy_pct = 100 - 100 * (double)(idle - t->idle) /
					    (double)(ticks - t->all);
	pressure_read(&now);
	if (t->pressure.cpu_us >= 0 && o->duration_ns)
		o->waiting_pct = 1e5 * (now.cpu_us - t->pressure.cpu_us) /
				 (double)o->duration_ns;
	for (size_t i = 0; i < t->count; i++)
		wait += t->groups[i].wait_ns;
	if (t->o.scope == TRACE_ALL && all > 0)
		o->depth_mean = (double)wait / all;
}

static int stop(struct trace *base, struct observed *o)
{
	struct proc_trace *t = (struct proc_trace *)base;

	end_thread(t);
	look(t);
	o->duration_ns = (uint64_t)(1e9 * (clock_monotonic() - t->began));
	o->cpu_ns = t->cpu_ns;
	system_take(t, o);
	o->groups = t->groups;
	o->group_count = t->count;
	t->groups = NULL;
	t->count = 0;
	strs_add(&o->notes,
		 "from /proc: no wakeups, bursts, sleeps, migrations and "
		 "identities; what begins and ends between two looks (at most "
		 "250 ms) is missing");
	if (t->no_schedstat)
		strs_add(&o->notes,
			 "the kernel has no schedstat for some tasks: their "
			 "run time is in clock ticks, their waits unknown");
	return 0;
}

static void release(struct trace *base)
{
	struct proc_trace *t = (struct proc_trace *)base;

	end_thread(t);
	if (t->wake[0] >= 0)
		close(t->wake[0]);
	sample_release(&t->last);
	free(t->groups);
	free(t->cgroup);
	free(t);
}

static const struct trace_ops ops = {root, start, stop, release};

int trace_open_proc(const struct trace_opts *o, struct trace **out)
{
	struct proc_trace *t;

	*out = NULL;
	if (o->scope == TRACE_PID && kill(o->pid, 0) && errno == ESRCH)
		return err_set(ENOENT, "there is no process %d", (int)o->pid);
	t = mem_zalloc(1, sizeof(*t));
	t->base.ops = &ops;
	t->o = *o;
	t->wake[0] = t->wake[1] = -1;
	if (o->scope == TRACE_PID)
		t->root = o->pid;
	if (o->scope == TRACE_CGROUP) {
		t->cgroup = cgroup_relative(o->cgroup);
		if (!t->cgroup) {
			release(&t->base);
			return -ENOENT;
		}
	}
	*out = &t->base;
	return 0;
}
