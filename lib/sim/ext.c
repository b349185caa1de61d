/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sched_ext class: what the engine tells it, put into the kernel's words.
 */
#include "sim/ext.h"

#include <errno.h>
#include <string.h>

/* kernel/sched/sched.h */
#define WAKEUP	1u
#define RESTORE 2u
#define NOCLOCK 8u
#define INITIAL 0x80u
#define SAVE	2u

static struct ext *enter(struct sim *s, uint32_t cpu)
{
	struct ext *e = s->class_data;

	e->cpu = cpu;
	return e;
}

/* ---- tasks come, change and go ---------------------------------------- */

static void enable_task(struct ext *e, struct ext_task *x)
{
	x->k.scx.flags |= SCX_TASK_READY << SCX_TASK_STATE_SHIFT;
	task_view_weight(x);
	ext_call_task(e, OP_enable, CTX_REST, x, 0);
	x->k.scx.flags &= ~(uint32_t)SCX_TASK_STATE_MASK;
	x->k.scx.flags |= SCX_TASK_ENABLED << SCX_TASK_STATE_SHIFT;
	ext_call_task(e, OP_set_weight, CTX_REST, x, x->k.scx.weight);
}

static int task_start(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = task_view_new(e, t);
	uint64_t trace[2] = {x->k.real_parent, ext_addr(x)};
	uint64_t args[2] = {ext_addr(x), vm_addr(e->args_region)};
	int32_t rc;

	memset(&e->args, 0, sizeof(e->args));
	/* What is there from the start was there before the policy. */
	e->args.init.fork = t->parent || sim_now(s);
	e->args.init.cgroup = vm_addr(e->cgroups[t->cgroup].region);
	rc = (int32_t)ext_call(e, OP_init_task, CTX_UNLOCKED, EXT_NO_CPU, args,
			       2);
	if (rc) {
		ext_error(e, SIM_ERROR, ext_first_insn(e, OP_init_task),
			  "ops.init_task() failed (%d) for %s[%d]", rc,
			  x->k.comm, x->k.pid);
		return -ECANCELED;
	}
	x->k.scx.flags |= SCX_TASK_RESET_RUNNABLE_AT;
	enable_task(e, x);
	ext_trace(e, TRACE_sched_process_fork, trace, 2);
	ext_kicks_done(e, e->cpu);
	return 0;
}

static void task_execs(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, t->cpu);
	struct ext_task *x = ext_task(t);
	uint64_t args[3] = {ext_addr(x), (uint64_t)x->k.pid};

	task_view_exec(e, x);
	args[2] = vm_addr(e->bprm_region);
	ext_trace(e, TRACE_sched_process_exec, args, 3);
	ext_kicks_done(e, e->cpu);
}

static void task_end(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		if (e->cpus[i].curr == x)
			e->cpus[i].curr = NULL;
		if (e->cpus[i].last == x)
			e->cpus[i].last = NULL;
	}
	ext_exit_task(e, x);
	ext_kicks_done(e, e->cpu);
	task_view_gone(e, x);
}

static void changed(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);
	uint32_t weight = x->k.scx.weight;
	bool moved = memcmp(x->k.cpus_mask.bits, t->allowed,
			    sizeof(t->allowed)) != 0;

	task_view_weight(x);
	task_view_affinity(e, x);
	if (x->k.scx.weight != weight)
		ext_call_task(e, OP_set_weight, CTX_REST, x, x->k.scx.weight);
	if (moved)
		ext_call_task(e, OP_set_cpumask, CTX_REST, x, x->k.cpus_ptr);
	ext_kicks_done(e, e->cpu);
}

/* ---- queues ----------------------------------------------------------- */

static uint32_t select_cpu(struct sim *s, struct sim_task *t, uint32_t prev,
			   unsigned wake_flags)
{
	struct ext *e = enter(s, s->current_cpu);
	uint64_t flags = wake_flags & SIM_WAKE_EXEC   ? EXT_WAKE_EXEC
			 : wake_flags & SIM_WAKE_FORK ? SCX_WAKE_FORK
						      : SCX_WAKE_TTWU;
	uint32_t cpu;

	cpu = ext_select(e, ext_task(t), prev, flags);
	ext_kicks_done(e, e->cpu);
	return cpu;
}

static uint64_t enq_flags(unsigned flags)
{
	if (flags & SIM_Q_NEW)
		return INITIAL | NOCLOCK;
	if (flags & SIM_Q_WAKEUP)
		return WAKEUP | NOCLOCK;
	return flags & SIM_Q_CHANGE ? RESTORE | NOCLOCK : NOCLOCK;
}

/* A running task is put back as it was: it goes on without being picked. */
static void resume(struct ext *e, struct ext_task *x)
{
	if (x->dsq)
		dsq_remove(x->dsq, x);
	ext_call_task(e, OP_running, CTX_REST, x, 0);
	ext_runnable_del(x, true);
}

static void enqueue(struct sim *s, struct sim_task *t, unsigned flags)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);
	struct ext_cpu *was_on = &e->cpus[x->k.thread_info.cpu];
	bool running = t->state == TASK_ON_CPU;
	uint64_t addr = ext_addr(x);

	if (!running && was_on->curr == x)
		was_on->curr = NULL;
	x->k.thread_info.cpu = t->cpu;
	if (x->k.migration_disabled != t->migration_disabled)
		task_view_affinity(e, x);
	ext_enqueue(e, x, enq_flags(flags), running);
	if (running) {
		resume(e, x);
	} else {
		if (flags & (SIM_Q_NEW | SIM_Q_WAKEUP))
			ext_trace(e,
				  flags & SIM_Q_NEW ? TRACE_sched_wakeup_new
						    : TRACE_sched_wakeup,
				  &addr, 1);
		if (!e->cpus[t->cpu].curr)
			sim_resched(s, &s->cpus[t->cpu]);
		ext_deferred(e, t->cpu);
	}
	ext_kicks_done(e, e->cpu);
}

static void dequeue(struct sim *s, struct sim_task *t, unsigned flags)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);
	struct ext_cpu *c = &e->cpus[t->cpu];
	uint64_t addr = ext_addr(x);

	if (flags & SIM_Q_EXIT) {
		x->k.flags |= KERNEL_PF_EXITING;
		ext_trace(e, TRACE_sched_process_exit, &addr, 1);
	}
	ext_dequeue(e, x,
		    flags & SIM_Q_SLEEP	   ? SCX_DEQ_SLEEP | NOCLOCK
		    : flags & SIM_Q_CHANGE ? SAVE | NOCLOCK
					   : NOCLOCK);
	if (flags & SIM_Q_MIGRATE && c->curr == x) {
		x->k.on_cpu = 0;
		c->curr = NULL;
	}
	ext_kicks_done(e, e->cpu);
}

/* ---- CPUs ------------------------------------------------------------- */

static struct sim_task *pick(struct sim *s, struct sim_cpu *c,
			     struct sim_task *prev)
{
	struct ext *e = enter(s, c->id);
	struct ext_task *x;

	(void)prev; /* who is curr here, or was until he went to sleep */
	x = ext_pick(e, c->id);
	ext_deferred(e, c->id);
	ext_kicks_done(e, c->id);
	return x ? x->t : NULL;
}

static void begin(struct sim *s, struct sim_cpu *c, struct sim_task *next,
		  struct sim_task *prev)
{
	struct ext *e = enter(s, c->id);

	if (next != prev)
		ext_begin(e, c->id, ext_task(next));
	ext_kicks_done(e, c->id);
}

static void used(struct sim *s, struct sim_cpu *c, uint64_t delta)
{
	struct ext_task *x = ext_task(c->curr);

	(void)s;
	x->k.se.sum_exec_runtime += delta;
	x->k.utime += delta;
	if (x->k.scx.slice != SCX_SLICE_INF)
		x->k.scx.slice -=
			delta < x->k.scx.slice ? delta : x->k.scx.slice;
}

static void tick(struct sim *s, struct sim_cpu *c)
{
	struct ext *e = enter(s, c->id);
	struct ext_task *x = ext_task(c->curr);

	e->cpus[c->id].rq.clock = ext_now(e);
	ext_call_task(e, OP_tick, CTX_REST, x, 0);
	ext_watch_slice(e, c->id);
	if (!x->k.scx.slice)
		sim_resched(s, c);
	ext_kicks_done(e, c->id);
}

static void yield(struct sim *s, struct sim_cpu *c)
{
	struct ext *e = enter(s, c->id);
	struct ext_task *x = ext_task(c->curr);

	if (ext_has(e, OP_yield))
		ext_call_task(e, OP_yield, CTX_REST, x, 0);
	else
		x->k.scx.slice = 0;
	ext_kicks_done(e, c->id);
}

static void hotplug(struct sim *s, struct sim_cpu *c, bool online)
{
	struct ext *e = enter(s, s->current_cpu);
	enum ext_op op = online ? OP_cpu_online : OP_cpu_offline;
	struct ext_cpu *x = &e->cpus[c->id];
	uint64_t args[] = {c->id};

	if (online)
		mask_set(&e->online.k, c->id);
	else
		mask_clear(&e->online.k, c->id);
	x->online = online;
	x->was_idle = true;
	x->rq.scx.flags = online ? SCX_RQ_ONLINE : 0;
	ext_idle_topology(e);
	if (e->idle_enabled)
		ext_idle_update(e, c->id, online, false);
	if (ext_has(e, op))
		ext_call(e, op, CTX_UNLOCKED, EXT_NO_CPU, args, 1);
	else
		ext_exit(e, SCX_EXIT_UNREG_KERN,
			 SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG,
			 "cpu %u going %s, exiting scheduler", c->id,
			 online ? "online" : "offline");
	ext_kicks_done(e, e->cpu);
}

static void blame(struct sim *s, const struct sim_task *t, const char **file,
		  uint32_t *line)
{
	if (t->ext)
		ext_line(s->class_data, ext_task(t)->insn, file, line);
}

const struct sim_class sim_class_ext = {
	.name = "ext",
	.start = ext_start,
	.stop = ext_stop,
	.task_start = task_start,
	.task_exec = task_execs,
	.task_end = task_end,
	.select_cpu = select_cpu,
	.enqueue = enqueue,
	.dequeue = dequeue,
	.pick = pick,
	.begin = begin,
	.used = used,
	.tick = tick,
	.yield = yield,
	.changed = changed,
	.cpu_online = hotplug,
	.blame = blame,
};
