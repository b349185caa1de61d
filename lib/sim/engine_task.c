/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that begin, wake, move, change and end; CPUs that come and go. */
#include "sim/engine.h"

#include <stdlib.h>

#include "base/mem.h"

#define MAX_KEPT                                                    \
	(1u << 17) /* a fork bomb ends the simulation, not the host \
		    */

#define WEIGHT_IDLE 3 /* of the kernel's WEIGHT_IDLEPRIO */

/* What happens at a time that the load names: one per kind of task, which
 * starts its instances, and one for the machine's events. */
struct sim_starter {
	struct sim_event event;
	size_t index, done;
};

/* sched_prio_to_weight[] of the kernel. */
static const uint32_t weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

uint32_t task_weight(enum load_policy policy, int nice)
{
	if (policy == LOAD_IDLE)
		return WEIGHT_IDLE;
	if (nice < -20)
		nice = -20;
	return weights[(nice > 19 ? 19 : nice) + 20];
}

/* ---- where to --------------------------------------------------------- */

static bool usable(const struct sim *s, const struct sim_task *t, uint32_t cpu)
{
	return cpu < s->nr_cpus && s->cpus[cpu].online && sim_may_run(t, cpu);
}

/* The nearest CPU for t.  If no such CPU is online, it may use all of them
 * from now on, as in the kernel. */
static uint32_t fallback_cpu(struct sim *s, struct sim_task *t)
{
	uint32_t best = UINT32_MAX;

	if (usable(s, t, t->cpu))
		return t->cpu;
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		if (!usable(s, t, i))
			continue;
		if (s->cpus[i].llc == s->cpus[t->cpu].llc)
			return i;
		if (best == UINT32_MAX)
			best = i;
	}
	if (best != UINT32_MAX)
		return best;
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		t->allowed[i / 64] |= 1ull << (i % 64);
	t->nr_allowed = s->nr_cpus;
	if (s->cls->changed)
		s->cls->changed(s, t);
	return fallback_cpu(s, t);
}

static uint32_t choose_cpu(struct sim *s, struct sim_task *t, unsigned flags)
{
	uint32_t cpu = t->cpu;

	if (t->nr_allowed > 1 && !t->migration_disabled)
		cpu = s->cls->select_cpu(s, t, t->cpu, flags);
	else if (t->nr_allowed == 1)
		for (cpu = 0; cpu < s->nr_cpus && !sim_may_run(t, cpu);)
			cpu++;
	return usable(s, t, cpu) ? cpu : fallback_cpu(s, t);
}

void sim_task_moved(struct sim *s, struct sim_task *t, uint32_t cpu)
{
	if (t->state == TASK_RUNNABLE) {
		s->cpus[t->cpu].nr_waiting--;
		s->cpus[cpu].nr_waiting++;
	}
	/* Whether that costs anything is known when it runs there. */
	t->cpu = cpu;
}

static void waits(struct sim *s, struct sim_task *t, uint32_t cpu)
{
	t->state = TASK_RUNNABLE;
	t->runnable_at = s->now;
	t->cpu = cpu;
	s->cpus[cpu].nr_waiting++;
	check_wait_begins(s, t);
}

void sim_wake(struct sim *s, struct sim_task *t, unsigned wake_flags)
{
	struct sim_cpu *here = &s->cpus[s->current_cpu];
	bool is_new = wake_flags & SIM_WAKE_FORK;

	if (t->state != TASK_SLEEPING && t->state != TASK_NEW)
		return;
	s->r->events++;
	waits(s, t, choose_cpu(s, t, wake_flags));
	t->check.since = s->now;
	t->woken_at = s->now;
	if (!is_new) {
		s->r->wakeups++;
		s->r->groups[t->group].wakeups++;
		if (here->curr)
			sim_charge(s, here, s->o->costs.wake_ns);
	}
	s->cls->enqueue(s, t, is_new ? SIM_Q_NEW : SIM_Q_WAKEUP);
}

static void wake_fires(struct sim *s, struct sim_event *e)
{
	struct sim_task *t = container_of(e, struct sim_task, wake);
	uint32_t cpu = t->cpu;

	/* Its timer is where it slept, or was moved when that CPU went. */
	while (!s->cpus[cpu].online)
		cpu = (cpu + 1) % s->nr_cpus;
	s->current_cpu = cpu;
	sim_account(s, &s->cpus[cpu]);
	s->r->events++;
	sim_wake(s, t, 0);
}

void task_sleep(struct sim *s, struct sim_task *t, uint64_t until)
{
	t->wake.fire = wake_fires;
	sim_event_set(s, &t->wake, until);
}

void task_look(struct sim *s, struct sim_task *t)
{
	struct sim_cpu *c = &s->cpus[t->cpu];

	sim_account(s, c);
	t->spinning = false;
	cpu_arm(s, c);
}

/* ---- begin and end ---------------------------------------------------- */

static void begins(struct sim *s, uint32_t def, struct sim_task *parent)
{
	struct sim_task *t = task_new(s, def, parent);

	t->cpu = s->current_cpu;
	t->last_cpu = UINT32_MAX;
	t->check.counted = !t->def->background;
	t->check.since = NEVER;
	t->next = s->tasks;
	if (s->tasks)
		s->tasks->prev = t;
	s->tasks = t;
	s->tasks_kept++;
	s->r->groups[t->group].tasks++;
	s->r->events++;
	s->starting = !parent;
	/* If it is not taken the class has said why by sim_eject(). */
	if (s->cls->task_start(s, t) < 0)
		s->over = true;
	else
		sim_wake(s, t, SIM_WAKE_FORK);
	s->starting = false;
}

void task_fork(struct sim *s, struct sim_task *parent, uint32_t def)
{
	if (s->tasks_kept >= MAX_KEPT) {
		s->r->outcome = SIM_LIMIT;
		s->over = true;
		return;
	}
	if (!s->load->tasks[def].background)
		s->counted++;
	parent->children++;
	begins(s, def, parent);
}

static void unlink_task(struct sim *s, struct sim_task *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		s->tasks = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

/* Its children know their parent: it stays until they are gone. */
static void free_if_gone(struct sim *s, struct sim_task *t)
{
	if (t->state == TASK_DEAD && !t->children)
		task_free(s, t);
}

void task_exit(struct sim *s, struct sim_task *t)
{
	struct sim_group_result *g = &s->r->groups[t->group];
	struct sim_task *parent = t->parent;
	struct sim_cpu *c = &s->cpus[t->cpu];

	if (parent && --parent->children == 0 && parent->joining) {
		parent->joining = false;
		sim_wake(s, parent, 0);
	}
	s->cls->dequeue(s, t, SIM_Q_SLEEP | SIM_Q_EXIT);
	cpu_vacate(s, c);
	if (s->cls->task_end)
		s->cls->task_end(s, t);
	s->current = NULL;
	hist_add(&g->burst, t->burst_ns);
	g->run_ns += t->sum_exec_ns;
	check_share(s, t);
	s->r->events++;
	t->state = TASK_DEAD;
	unlink_task(s, t);
	if (t->check.counted && --s->counted == 0) {
		s->r->outcome = SIM_DONE;
		s->over = true;
	}
	free_if_gone(s, t);
	if (parent)
		free_if_gone(s, parent);
}

static void starter_fires(struct sim *s, struct sim_event *e)
{
	struct sim_starter *st = container_of(e, struct sim_starter, event);
	const struct load_task *def = &s->load->tasks[st->index];
	uint64_t next = s->now;

	s->current_cpu = 0;
	while (!s->cpus[s->current_cpu].online)
		s->current_cpu++;
	while (st->done < def->instances && next == s->now && !s->over) {
		begins(s, (uint32_t)st->index, NULL);
		st->done++;
		next += def->start_step_ns;
	}
	if (st->done < def->instances)
		sim_event_set(s, &st->event, next);
}

/* ---- changes ---------------------------------------------------------- */

/* t runs, was dequeued, and goes on elsewhere. */
static void leaves(struct sim *s, struct sim_task *t, uint32_t cpu,
		   unsigned flags)
{
	cpu_vacate(s, &s->cpus[t->cpu]);
	s->current = NULL;
	waits(s, t, cpu);
	s->cls->enqueue(s, t, flags);
}

static void change(struct sim *s, struct sim_task *t)
{
	if (s->cls->changed)
		s->cls->changed(s, t);
	if (t->migration_disabled || sim_may_run(t, t->cpu))
		s->cls->enqueue(s, t, SIM_Q_CHANGE);
	else
		leaves(s, t, fallback_cpu(s, t), SIM_Q_CHANGE | SIM_Q_MIGRATE);
}

void task_set_nice(struct sim *s, struct sim_task *t, int nice)
{
	s->cls->dequeue(s, t, SIM_Q_CHANGE);
	t->nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	t->weight = task_weight(t->def->policy, t->nice);
	change(s, t);
}

void task_set_mask(struct sim *s, struct sim_task *t,
		   const struct load_mask *mask)
{
	uint64_t bits[LOAD_CPU_WORDS] = {0};
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		uint64_t bit = mask->bits[i / 64] & 1ull << (i % 64);

		bits[i / 64] |= bit;
		n += bit != 0;
	}
	/* The kernel refuses a mask without a CPU. */
	if (!n)
		return;
	s->cls->dequeue(s, t, SIM_Q_CHANGE);
	for (uint32_t i = 0; i < LOAD_CPU_WORDS; i++)
		t->allowed[i] = bits[i];
	t->nr_allowed = n;
	t->check.since = s->now;
	change(s, t);
}

void task_set_pin(struct sim *s, struct sim_task *t, bool on)
{
	t->migration_disabled = on;
	t->check.since = s->now;
	if (on || sim_may_run(t, t->cpu))
		return;
	s->cls->dequeue(s, t, SIM_Q_MIGRATE);
	leaves(s, t, fallback_cpu(s, t), SIM_Q_MIGRATE);
}

void task_exec(struct sim *s, struct sim_task *t, uint64_t identity)
{
	uint32_t cpu = t->cpu;

	if (t->nr_allowed > 1 && !t->migration_disabled)
		cpu = s->cls->select_cpu(s, t, t->cpu, SIM_WAKE_EXEC);
	t->identity = identity;
	if (s->cls->task_exec)
		s->cls->task_exec(s, t);
	if (cpu == t->cpu || !usable(s, t, cpu))
		return;
	s->cls->dequeue(s, t, SIM_Q_MIGRATE);
	leaves(s, t, cpu, SIM_Q_MIGRATE);
}

/* ---- hotplug ---------------------------------------------------------- */

static void goes_offline(struct sim *s, struct sim_cpu *c)
{
	struct sim_task *t = c->curr;

	if (!c->online || s->nr_online == 1)
		return;
	sim_account(s, c);
	c->online = false;
	s->nr_online--;
	s->current_cpu = c->id;
	if (t) {
		s->cls->dequeue(s, t, SIM_Q_MIGRATE);
		cpu_vacate(s, c);
		t->migration_disabled = false;
		t->state = TASK_SLEEPING;
		cpu_schedule(s, c);
	} else {
		s->r->idle_ns += s->now - c->idle_since;
	}
	s->current = NULL;
	while (!s->cpus[s->current_cpu].online)
		s->current_cpu = (s->current_cpu + 1) % s->nr_cpus;
	c->resched = false;
	cpu_count(s, c);
	s->cls->cpu_online(s, c, false);
	if (t) {
		waits(s, t, fallback_cpu(s, t));
		s->cls->enqueue(s, t, SIM_Q_MIGRATE);
	}
	for (t = s->tasks; t; t = t->next) {
		if (t->state != TASK_RUNNABLE || t->cpu != c->id)
			continue;
		s->cls->dequeue(s, t, SIM_Q_MIGRATE);
		t->migration_disabled = false;
		sim_task_moved(s, t, fallback_cpu(s, t));
		s->cls->enqueue(s, t, SIM_Q_MIGRATE);
	}
}

static void comes_online(struct sim *s, struct sim_cpu *c)
{
	if (c->online)
		return;
	c->online = true;
	c->idle_since = s->now;
	s->nr_online++;
	s->current_cpu = c->id;
	cpu_count(s, c);
	s->cls->cpu_online(s, c, true);
	if (s->cls->idle)
		s->cls->idle(s, c, true);
}

static void hotplug_fires(struct sim *s, struct sim_event *e)
{
	struct sim_starter *st = container_of(e, struct sim_starter, event);
	const struct load_event *ev = &s->load->events[st->done++];

	if (ev->cpu < s->nr_cpus) {
		if (ev->what == LOAD_CPU_OFFLINE)
			goes_offline(s, &s->cpus[ev->cpu]);
		else
			comes_online(s, &s->cpus[ev->cpu]);
	}
	if (st->done < s->load->event_count)
		sim_event_set(s, &st->event, ev[1].at_ns);
}

/* ---- start and end of a run ------------------------------------------- */

void tasks_init(struct sim *s)
{
	size_t n = s->load->task_count;
	struct sim_starter *st = mem_zalloc(n + 1, sizeof(*st));

	s->starters = st;
	for (size_t i = 0; i < n; i++) {
		const struct load_task *def = &s->load->tasks[i];

		st[i].index = i;
		st[i].event.fire = starter_fires;
		if (!def->background)
			s->counted += def->instances;
		if (def->instances)
			sim_event_set(s, &st[i].event, def->start_ns);
	}
	st[n].event.fire = hotplug_fires;
	if (s->load->event_count)
		sim_event_set(s, &st[n].event, s->load->events[0].at_ns);
	/* Nothing to wait for. */
	if (!s->counted && !s->load->duration_ns)
		s->over = true;
}

void tasks_end(struct sim *s)
{
	while (s->tasks) {
		struct sim_task *t = s->tasks, *parent = t->parent;

		unlink_task(s, t);
		t->state = TASK_DEAD;
		if (parent)
			parent->children--;
		free_if_gone(s, t);
		if (parent)
			free_if_gone(s, parent);
	}
	free(s->starters);
}
