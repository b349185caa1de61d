/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load as rt-app's JSON.
 *
 * rt-app knows no chance and two levels of loops: a loop within a phase, and
 * one around all phases.  A loop with distributions or chances in it is
 * written out ROUNDS times, each time with another quantile of each, so that
 * the statistics stay.  Counting semaphores become conditions: a task that is
 * woken before it waits waits for the next time.
 *
 * At the end of its duration rt-app wakes every thread once, and looks whether
 * to end only between phases: so a phase that we make waits at its begin.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim/load_make.h"

#define ROUNDS	   32
#define MAX_EVENTS 4096 /* of one task */

struct writer {
	const struct load *l;
	struct json *tasks, *notes;
	const struct load_task *t;
	struct json *phases, *phase; /* phase NULL: the next event begins one */
	double loop;		     /* of the phase that begins */
	double thread_loop;
	bool waited;	/* in this phase */
	int mask, nice; /* mask -1: none is set */
	bool nice_set;
	size_t events, phase_count;
	uint64_t rest_ns; /* run time below a microsecond */
	unsigned round;	  /* of a loop that is written out */
};

static void note(struct writer *w, const char *text)
{
	json_each (n, w->notes) {
		if (!strcmp(json_as_string(n, ""), text))
			return;
	}
	json_add(w->notes, json_string(text));
}

/* ---- phases and events ------------------------------------------------- */

static struct json *cpus_of(const struct load_mask *m)
{
	struct json *list = json_array();
	unsigned count = 0;

	for (unsigned cpu = 0; cpu < LOAD_MAX_CPUS; cpu++) {
		if (!(m->bits[cpu / 64] >> (cpu % 64) & 1))
			continue;
		json_add(list, json_number(cpu));
		count++;
	}
	if (count < LOAD_MAX_CPUS)
		return list;
	json_free(list);
	return NULL;
}

static struct json *phase_of(struct writer *w)
{
	char name[24];

	if (w->phase)
		return w->phase;
	snprintf(name, sizeof(name), "p%zu", w->phase_count++);
	w->phase = json_set(w->phases, name, json_object());
	json_set_number(w->phase, "loop", w->loop);
	if (w->mask >= 0)
		json_set(w->phase, "cpus", cpus_of(&w->l->masks[w->mask]));
	if (w->nice_set)
		json_set_number(w->phase, "priority", w->nice);
	w->nice_set = false;
	return w->phase;
}

static void event(struct writer *w, const char *what, struct json *value)
{
	struct json *phase = phase_of(w);
	char key[32];

	snprintf(key, sizeof(key), "%s%zu", what, w->events++);
	json_set(phase, key, value);
}

static void named(struct writer *w, const char *what, char kind, uint32_t i)
{
	char name[16];

	snprintf(name, sizeof(name), "%c%u", kind, i);
	event(w, what, json_string(name));
}

static bool waits(const struct load_op *op)
{
	return op->what == LOAD_WAIT || op->what == LOAD_COND_WAIT ||
	       op->what == LOAD_BARRIER;
}

/* Before an event that waits. */
static void will_wait(struct writer *w)
{
	if (w->loop == 1)
		w->phase = NULL;
	note(w, "rt-app may miss its own end where threads wait for each "
		"other: run it under timeout(1)");
}

static struct json *with_mutex(char kind, uint32_t ref, char lock_kind,
			       uint32_t lock)
{
	struct json *v = json_object();
	char name[16];

	snprintf(name, sizeof(name), "%c%u", kind, ref);
	json_set_string(v, "ref", name);
	snprintf(name, sizeof(name), "%c%u", lock_kind, lock);
	json_set_string(v, "mutex", name);
	return v;
}

/* ---- chance ------------------------------------------------------------ */

/* In each round another of ROUNDS equal parts, in an order of op's own. */
static double chance(const struct writer *w, const struct load_op *op)
{
	uint32_t order[ROUNDS];
	struct rng rng;

	rng_init(&rng, (uint64_t)(op - w->t->ops));
	for (uint32_t i = 0; i < ROUNDS; i++)
		order[i] = i;
	for (uint32_t i = ROUNDS - 1; i > 0; i--) {
		uint32_t j = (uint32_t)rng_below(&rng, i + 1), x = order[i];

		order[i] = order[j];
		order[j] = x;
	}
	return (order[w->round % ROUNDS] + 0.5) / ROUNDS;
}

static bool is_random(const struct load_op *op)
{
	return op->dist.kind != DIST_CONST ||
	       (op->what == LOAD_SKIP && op->p > 0 && op->p < 1);
}

/* Microseconds; what is below one is kept for the next run. */
static double micros(struct writer *w, const struct load_op *op)
{
	uint64_t ns = load_draw(&op->dist, chance(w, op));

	if (op->what == LOAD_RUN) {
		ns += w->rest_ns;
		w->rest_ns = ns % 1000;
		return (double)(ns / 1000);
	}
	return (double)((ns + 500) / 1000);
}

/* ---- instructions ------------------------------------------------------ */

static void timer(struct writer *w, const struct load_op *op)
{
	struct json *v = json_object();

	json_set_string(v, "ref", "unique");
	json_set_number(v, "period", micros(w, op));
	if (!op->n)
		json_set_string(v, "mode", "absolute");
	event(w, "timer", v);
}

static void post(struct writer *w, const struct load_op *op)
{
	bool lossy = w->l->sems[op->obj].lossy;

	if (!op->n || op->n > 8)
		named(w, "broad", lossy ? 'c' : 's', op->obj);
	for (int i = 0; i < op->n && op->n <= 8; i++)
		named(w, "signal", lossy ? 'c' : 's', op->obj);
	if (!lossy)
		note(w, "semaphores do not count: what is posted while nobody "
			"waits is lost");
}

static void lock(struct writer *w, const struct load_op *op)
{
	if (op->n || op->obj2)
		note(w, "spin locks and locks by CPU are left out");
	else
		named(w, op->what == LOAD_LOCK ? "lock" : "unlock", 'm',
		      op->obj);
}

static void fork_task(struct writer *w, const struct load_op *op);

static void limits(struct writer *w, const struct load_op *op)
{
	w->phase = NULL;
	if (op->what == LOAD_AFFINITY) {
		w->mask = (int)op->obj;
		return;
	}
	w->nice = op->n;
	w->nice_set = true;
}

static void instruction(struct writer *w, const struct load_op *op)
{
	if (waits(op))
		will_wait(w);
	switch (op->what) {
	case LOAD_RUN:
		event(w, "run", json_number(micros(w, op)));
		break;
	case LOAD_SPIN:
		event(w, "runtime", json_number(micros(w, op)));
		break;
	case LOAD_SLEEP:
		event(w, "sleep", json_number(micros(w, op)));
		break;
	case LOAD_TIMER:
		timer(w, op);
		break;
	case LOAD_WAIT:
		named(w, "suspend", w->l->sems[op->obj].lossy ? 'c' : 's',
		      op->obj);
		break;
	case LOAD_POST:
		post(w, op);
		break;
	case LOAD_LOCK:
	case LOAD_UNLOCK:
		lock(w, op);
		break;
	case LOAD_COND_WAIT:
		event(w, "wait",
		      with_mutex(w->l->sems[op->obj].lossy ? 'c' : 's', op->obj,
				 'm', op->obj2));
		break;
	case LOAD_BARRIER:
		named(w, "barrier", 'b', op->obj);
		break;
	case LOAD_FORK:
		fork_task(w, op);
		break;
	case LOAD_YIELD:
		event(w, "yield", json_string(""));
		break;
	case LOAD_NICE:
	case LOAD_AFFINITY:
		limits(w, op);
		break;
	case LOAD_EXEC:
		note(w, "that a task executes a program is left out");
		break;
	case LOAD_JOIN:
		note(w, "no task waits for the end of those it started");
		break;
	case LOAD_PIN:
		note(w, "disabled migration is left out");
		break;
	default:
		break;
	}
}

/* ---- programs ---------------------------------------------------------- */

/* The last loop back to `at` before `to`; to: there is none. */
static size_t loop_at(const struct load_task *t, size_t at, size_t to)
{
	for (size_t i = to; i-- > at;) {
		if (t->ops[i].what == LOAD_LOOP && t->ops[i].obj == at)
			return i;
	}
	return to;
}

static bool has(const struct load_task *t, size_t from, size_t to,
		bool (*what)(const struct load_op *op))
{
	for (size_t i = from; i < to; i++) {
		if (what(&t->ops[i]))
			return true;
	}
	return false;
}

static bool makes_phase(const struct load_op *op)
{
	return op->what == LOAD_LOOP || op->what == LOAD_NICE ||
	       op->what == LOAD_AFFINITY;
}

static void straight(struct writer *w, size_t from, size_t to)
{
	const struct load_op *ops = w->t->ops;

	for (size_t i = from; i < to; i++) {
		const struct load_op *op = &ops[i];

		if (w->events >= MAX_EVENTS) {
			note(w, "a program of over 4096 events is cut off");
			return;
		}
		if (op->what == LOAD_SKIP) {
			if (chance(w, op) < (double)op->p)
				i += (size_t)op->n;
			continue;
		}
		/* A turn that is handed over, in one step. */
		if (op->what == LOAD_POST && op->n == 1 && i + 1 < to &&
		    op[1].what == LOAD_WAIT && op[1].obj == op->obj &&
		    !w->l->sems[op->obj].lossy) {
			will_wait(w);
			named(w, "lock", 's', op->obj);
			event(w, "sync",
			      with_mutex('s', op->obj, 's', op->obj));
			named(w, "unlock", 's', op->obj);
			i++;
			continue;
		}
		instruction(w, op);
	}
}

static void program(struct writer *w, size_t from, size_t to);

/* [from, at) as often as the loop at `at` says. */
static void repeat(struct writer *w, size_t from, size_t at)
{
	int32_t n = w->t->ops[at].n;
	int32_t times = 1;

	w->phase = NULL;
	if (has(w->t, from, at, makes_phase)) {
		/* Not the outermost: written out. */
		for (int32_t i = 0; (i < n || !n) && w->events < MAX_EVENTS;
		     i++) {
			w->round = (unsigned)i;
			program(w, from, at);
		}
		return;
	}
	if (has(w->t, from, at, is_random))
		times = n && n < ROUNDS ? n : ROUNDS;
	if (times > 1 && !n && has(w->t, from, at, waits)) {
		/* All of it is phases, around which only the thread loops. */
		if (w->events)
			note(w, "tasks that begin by waiting begin at once");
		json_free(w->phases);
		w->phases = json_object();
		w->thread_loop = -1;
	} else {
		w->loop = n ? n / times : -1;
	}
	for (w->round = 0; w->round < (unsigned)times; w->round++)
		straight(w, from, at);
	w->round = 0;
	w->phase = NULL;
	w->loop = 1;
}

static void program(struct writer *w, size_t from, size_t to)
{
	while (from < to) {
		size_t end = loop_at(w->t, from, to), next = from + 1;

		if (end < to) {
			repeat(w, from, end);
			from = end + 1;
			continue;
		}
		while (next < to && loop_at(w->t, next, to) == to)
			next++;
		straight(w, from, next);
		from = next;
	}
}

/* A loop around everything is the thread's own. */
static void whole_program(struct writer *w)
{
	const struct load_task *t = w->t;
	size_t from = t->ops[0].what == LOAD_TIMER && !t->ops[0].dist.ns &&
		      t->ops[0].dist.kind == DIST_CONST;
	size_t to = t->op_count - (t->ops[t->op_count - 1].what == LOAD_EXIT);
	size_t end = loop_at(t, from, to);

	if (end + 1 == to && has(t, from, end, makes_phase)) {
		w->thread_loop = t->ops[end].n ? t->ops[end].n : -1;
		to = end;
	}
	program(w, from, to);
}

/* ---- tasks ------------------------------------------------------------- */

/* Unique, and what is shown of it the same. */
static void name_of(const struct load *l, uint32_t t, char *out, size_t size)
{
	unsigned same = 0;

	for (uint32_t i = 0; i < t; i++)
		same += !strcmp(l->tasks[i].name, l->tasks[t].name);
	if (same)
		snprintf(out, size, "%s.%u", l->tasks[t].name, same + 1);
	else
		snprintf(out, size, "%s", l->tasks[t].name);
}

static void fork_task(struct writer *w, const struct load_op *op)
{
	char name[256];

	name_of(w->l, op->obj, name, sizeof(name));
	event(w, "fork", json_string(name));
}

static void write_task(struct writer *w, uint32_t i)
{
	const struct load_task *t = &w->l->tasks[i];
	struct json *v = json_object();
	char name[256], group[256];

	*w = (struct writer){.l = w->l,
			     .tasks = w->tasks,
			     .notes = w->notes,
			     .t = t,
			     .loop = 1,
			     .thread_loop = 1,
			     .mask = -1};
	w->phases = json_object();
	whole_program(w);
	/* rt-app has no threads that do nothing. */
	if (!w->events)
		event(w, "run", json_number(0));
	json_set_number(v, "instance", t->instances);
	if (t->start_ns)
		json_set_number(v, "delay", floor((double)t->start_ns / 1000));
	if (t->start_step_ns && t->instances > 1)
		note(w, "instances of a task start at the same time");
	if (t->nice)
		json_set_number(v, "priority", t->nice);
	if (t->mask >= 0)
		json_set(v, "cpus", cpus_of(&w->l->masks[t->mask]));
	if (t->cgroup) {
		snprintf(group, sizeof(group), "/%s",
			 w->l->cgroups[t->cgroup].name);
		json_set_string(v, "taskgroup", group);
	}
	json_set_number(v, "loop", w->thread_loop);
	json_set(v, "phases", w->phases);
	name_of(w->l, i, name, sizeof(name));
	json_set(w->tasks, name, v);
}

struct json *load_to_rtapp(const struct load *l, const struct json **notes)
{
	struct writer w = {.l = l, .notes = json_array()};
	struct json *root = json_object(), *global;

	w.tasks = json_set(root, "tasks", json_object());
	for (uint32_t i = 0; i < l->task_count; i++)
		write_task(&w, i);
	global = json_set(root, "global", json_object());
	json_set_number(global, "duration",
			l->duration_ns ? ceil((double)l->duration_ns / 1e9)
				       : -1);
	json_set_string(global, "calibration", "CPU0");
	json_set_string(global, "default_policy", "SCHED_OTHER");
	json_set_bool(global, "lock_pages", false);
	if (l->event_count)
		note(&w, "CPUs that come and go are left out");
	*notes = w.notes;
	return root;
}
