/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watchdog, and findings about who waits and who does not let others. */
#include "sim/ext.h"

#include <stddef.h>
#include <stdio.h>

#define DFL_TIMEOUT_MS 30000
#define LOST_NS	       5000000000ULL /* kept by the policy for so long … */
#define LOST_IDLE_NS   100000000ULL  /* … or so long beside an idle CPU */
#define LONG_SLICE_NS  1000000000ULL
#define LONG_WAIT_NS   200000000ULL
#define KICKS	       1000
#define KICKS_PER_WORK 2
#define COST_MAX       100000
#define COST_MEAN      10000

#define task_of_runnable(l) \
	((struct ext_task *)((char *)(l)-offsetof(struct ext_task, runnable)))

static const char *where(const struct ext_task *x, char text[static 64])
{
	if (x->owner == OWNER_POLICY)
		return "the policy has it, in no queue";
	if (!x->dsq)
		return "in no queue";
	if (x->dsq->cpu != EXT_NO_CPU)
		snprintf(text, 64, "in the local queue of CPU %u", x->dsq->cpu);
	else
		snprintf(text, 64, "in queue 0x%llx",
			 (unsigned long long)x->dsq->k.id);
	return text;
}

static void lost(struct ext *e, const struct ext_task *x)
{
	const char *file = NULL;
	uint32_t line = 0;

	ext_line(e, x->insn, &file, &line);
	sim_find(e->s, SIM_LOST, file, line,
		 "%s[%d] can run for %.3f s, and the policy has it in none of "
		 "its queues",
		 x->k.comm, x->k.pid,
		 (double)(sim_now(e->s) - x->t->runnable_at) / 1e9);
}

static bool timed_out(struct ext *e, const struct ext_task *x)
{
	uint64_t hz = e->s->o->costs.hz, since = x->k.scx.runnable_at;
	uint64_t waited = ext_jiffies(e) - since;
	const char *file = NULL;
	uint32_t line = 0;
	char text[64];
	double seconds = (double)waited / (double)hz;

	if (waited <= e->timeout_ns / (1000000000 / hz))
		return false;
	ext_line(e, x->insn, &file, &line);
	sim_find(e->s, SIM_STALL, file, line,
		 "%s[%d] failed to run for %.3fs: %s", x->k.comm, x->k.pid,
		 seconds, where(x, text));
	if (x->owner == OWNER_POLICY)
		lost(e, x);
	ext_exit(e, SCX_EXIT_ERROR_STALL, 0, "%s[%d] failed to run for %.3fs",
		 x->k.comm, x->k.pid, seconds);
	return true;
}

static void scan(struct sim *s, struct sim_event *ev)
{
	struct ext *e = s->class_data;

	for (uint32_t cpu = 0; cpu < s->nr_cpus && !e->dead; cpu++) {
		struct ext_link *head = &e->cpus[cpu].runnable, *l;

		for (l = head->next; l != head; l = l->next)
			if (timed_out(e, task_of_runnable(l)))
				break;
	}
	if (!e->dead)
		sim_event_set(s, ev, sim_now(s) + e->timeout_ns / 2);
}

void ext_watch_start(struct ext *e)
{
	uint32_t ms = e->policy->timeout_ms;

	if (ms > SCX_WATCHDOG_MAX_TIMEOUT) {
		ext_error(e, SIM_ERROR, EXT_NO_INSN,
			  "timeout_ms is %u, the kernel allows at most %u", ms,
			  SCX_WATCHDOG_MAX_TIMEOUT);
		return;
	}
	e->timeout_ns = (ms ? ms : DFL_TIMEOUT_MS) * 1000000ULL;
	e->watchdog.fire = scan;
	e->watchdog.background = true;
	sim_event_set(e->s, &e->watchdog, sim_now(e->s) + e->timeout_ns / 2);
}

/* ---- at the end ------------------------------------------------------- */

static bool idle_beside(const struct ext *e, const struct ext_task *x)
{
	uint64_t now = sim_now(e->s);

	for (uint32_t cpu = 0; cpu < e->s->nr_cpus; cpu++) {
		const struct sim_cpu *c = &e->s->cpus[cpu];

		if (c->online && !c->curr && sim_may_run(x->t, cpu) &&
		    now - c->idle_since > LOST_IDLE_NS)
			return true;
	}
	return false;
}

void ext_watch_end(struct ext *e)
{
	for (struct sim_task *t = e->s->tasks; t; t = t->next) {
		const struct ext_task *x = t->ext;
		uint64_t waited = sim_now(e->s) - t->runnable_at;

		if (!x || t->state != TASK_RUNNABLE || x->owner != OWNER_POLICY)
			continue;
		if (waited > LOST_NS ||
		    (waited > LOST_IDLE_NS && idle_beside(e, x)))
			lost(e, x);
	}
}

/* ---- slices ----------------------------------------------------------- */

/* Somebody who waits too long, though he may run here. */
static const struct ext_task *kept_out(const struct ext *e, uint32_t cpu)
{
	uint64_t now = ext_jiffies(e), period = 1000000000 / e->s->o->costs.hz;

	for (uint32_t i = 0; i < e->s->nr_cpus; i++) {
		const struct ext_link *head = &e->cpus[i].runnable;
		const struct ext_task *x;

		if (head->next == head)
			continue;
		x = task_of_runnable(head->next);
		if (x->t && sim_may_run(x->t, cpu) &&
		    (!x->t->migration_disabled || i == cpu) &&
		    (now - x->k.scx.runnable_at) * period > LONG_WAIT_NS)
			return x;
	}
	return NULL;
}

/* At a tick: does the slice keep others off for longer than any should? */
void ext_watch_slice(struct ext *e, uint32_t cpu)
{
	const struct ext_task *x = e->cpus[cpu].curr, *waits;
	const char *file = NULL;
	uint32_t line = 0;

	if (x->k.scx.slice <= LONG_SLICE_NS ||
	    ext_now(e) - x->k.se.exec_start < LONG_WAIT_NS)
		return;
	waits = kept_out(e, cpu);
	if (!waits)
		return;
	ext_line(e, x->insn, &file, &line);
	if (x->k.scx.slice == SCX_SLICE_INF)
		sim_find(e->s, SIM_SLICE, file, line,
			 "%s[%d] has a slice without end, and %s[%d] waits "
			 "for over %llu ms",
			 x->k.comm, x->k.pid, waits->k.comm, waits->k.pid,
			 LONG_WAIT_NS / 1000000);
	else
		sim_find(e->s, SIM_SLICE, file, line,
			 "%s[%d] has %llu ms of its slice left, and %s[%d] "
			 "waits for over %llu ms",
			 x->k.comm, x->k.pid,
			 (unsigned long long)x->k.scx.slice / 1000000,
			 waits->k.comm, waits->k.pid, LONG_WAIT_NS / 1000000);
}

/* ---- instructions ----------------------------------------------------- */

static bool may_take_long(enum ext_op op)
{
	return op == OP_init || op == OP_exit || op == OP_dump ||
	       op == OP_dump_cpu || op == OP_dump_task ||
	       op == OP_cgroup_init || op == OP_cgroup_exit ||
	       op == OP_cpu_online || op == OP_cpu_offline;
}

void ext_watch_kicks(struct ext *e)
{
	const struct sim_result *r = e->s->r;
	uint64_t work = r->wakeups + r->ticks;
	const char *file = NULL;
	uint32_t line = 0;

	for (size_t i = 0; i < r->group_count; i++)
		work += r->groups[i].tasks;
	if (e->kicks <= KICKS || e->kicks <= KICKS_PER_WORK * work)
		return;
	ext_line(e, e->kick_insn, &file, &line);
	sim_find(e->s, SIM_KICKS, file, line,
		 "%llu kicks beside %llu wakeups, forks and ticks",
		 (unsigned long long)e->kicks, (unsigned long long)work);
}

void ext_watch_costs(struct ext *e)
{
	for (int op = 0; op < EXT_OP_COUNT; op++) {
		const struct sim_callback_result *c;
		const char *file = NULL;
		uint32_t line = 0;

		if (e->stat_of_op[op] < 0 || may_take_long(op))
			continue;
		c = &e->s->r->callbacks[e->stat_of_op[op]];
		if (c->insns_max <= COST_MAX &&
		    c->insns / c->calls <= COST_MEAN)
			continue;
		ext_line(e, ext_first_insn(e, op), &file, &line);
		sim_find(e->s, SIM_COST, file, line,
			 "ops.%s() takes %llu instructions on average and %llu "
			 "at most; %d and %d are reasonable",
			 c->name, (unsigned long long)(c->insns / c->calls),
			 (unsigned long long)c->insns_max, COST_MEAN, COST_MAX);
	}
}
