/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a task that can run: the core, in one of its queues, or the policy,
 * from the end of ops.enqueue() until it dispatches the task.
 */
#include "sim/ext.h"

#include <stddef.h>

static struct ext_cpu *cpu_of(struct ext *e, const struct ext_task *x)
{
	return &e->cpus[x->t->cpu];
}

struct ext_dsq *ext_global(struct ext *e, uint32_t cpu)
{
	return &e->global[e->s->cpus[cpu].node];
}

/* ---- the list of those that wait -------------------------------------- */

void ext_runnable_add(struct ext *e, struct ext_task *x)
{
	struct ext_cpu *c = cpu_of(e, x);

	if (x->k.scx.flags & SCX_TASK_RESET_RUNNABLE_AT) {
		x->k.scx.runnable_at = ext_jiffies(e);
		x->k.scx.flags &= ~(uint32_t)SCX_TASK_RESET_RUNNABLE_AT;
	}
	ext_link_add(c->runnable.prev, &x->runnable);
}

void ext_runnable_del(struct ext_task *x, bool reset)
{
	ext_link_del(&x->runnable);
	if (reset)
		x->k.scx.flags |= SCX_TASK_RESET_RUNNABLE_AT;
}

/* ---- placing ---------------------------------------------------------- */

/* A CPU for a task whose choice cannot be: near the one it was on. */
static uint32_t fallback(struct ext *e, const struct ext_task *x, uint32_t near)
{
	const struct sim *s = e->s;
	uint32_t any = EXT_NO_CPU;

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		uint32_t cpu = near + i < s->nr_cpus ? near + i
						     : near + i - s->nr_cpus;

		if (!s->cpus[cpu].online || !sim_may_run(x->t, cpu))
			continue;
		if (s->cpus[cpu].node == s->cpus[near].node)
			return cpu;
		if (any == EXT_NO_CPU)
			any = cpu;
	}
	return any == EXT_NO_CPU ? near : any;
}

static int32_t ask_policy(struct ext *e, struct ext_task *x, uint32_t prev,
			  uint64_t wake_flags)
{
	uint64_t args[] = {ext_addr(x), prev, wake_flags};
	int32_t cpu;

	e->direct = x;
	e->direct_done = false;
	e->arg[0] = x;
	cpu = (int32_t)ext_call(e, OP_select_cpu, CTX_ENQUEUE | CTX_SELECT_CPU,
				EXT_NO_CPU, args, 3);
	e->arg[0] = NULL;
	e->direct = NULL;
	x->k.scx.selected_cpu = cpu;
	if (cpu >= 0 && (uint32_t)cpu < e->s->nr_cpus)
		return cpu;
	ext_error(e, SIM_ERROR, ext_first_insn(e, OP_select_cpu),
		  "invalid CPU %d from ops.select_cpu()", cpu);
	return (int32_t)prev;
}

uint32_t ext_select(struct ext *e, struct ext_task *x, uint32_t prev,
		    uint64_t wake_flags)
{
	int32_t cpu = (int32_t)prev;

	x->selected = false;
	if (x->t->migration_disabled)
		return prev;
	if (wake_flags & EXT_WAKE_EXEC || x->t->nr_allowed == 1) {
		/* Nothing to choose. */
	} else if (e->dead) {
		return fallback(e, x, prev);
	} else if (ext_has(e, OP_select_cpu)) {
		cpu = ask_policy(e, x, prev, wake_flags);
		x->selected = true;
	} else {
		cpu = ext_idle_select(e, x, prev, wake_flags, NULL, 0);
		if (cpu >= 0) {
			x->k.scx.slice = SCX_SLICE_DFL;
			EXT_EV(e, REFILL_SLICE_DFL);
			x->k.scx.ddsp_dsq_id = SCX_DSQ_LOCAL;
		} else {
			cpu = (int32_t)prev;
		}
		x->k.scx.selected_cpu = cpu;
		x->selected = true;
	}
	if (e->s->cpus[cpu].online && sim_may_run(x->t, (uint32_t)cpu))
		return (uint32_t)cpu;
	return fallback(e, x, prev);
}

/* ---- into queues ------------------------------------------------------ */

struct ext_dsq *ext_find_dsq(struct ext *e, uint64_t id, struct ext_task *x,
			     uint32_t local_cpu, uint32_t insn)
{
	struct ext_dsq *q;

	if (id == SCX_DSQ_LOCAL)
		return &e->cpus[local_cpu].local;
	if ((id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON) {
		int32_t cpu = (int32_t)(id & SCX_DSQ_LOCAL_CPU_MASK);

		if (cpu >= 0 && (uint32_t)cpu < e->s->nr_cpus)
			return &e->cpus[cpu].local;
		ext_error(e, SIM_ERROR, insn,
			  "invalid CPU %d in SCX_DSQ_LOCAL_ON dispatch verdict",
			  cpu);
		return ext_global(e, x->t->cpu);
	}
	q = id == SCX_DSQ_GLOBAL ? ext_global(e, x->t->cpu) : dsq_find(e, id);
	if (q)
		return q;
	ext_error(e, SIM_ERROR, insn, "non-existent DSQ 0x%llx for %s[%d]",
		  (unsigned long long)id, x->k.comm, x->k.pid);
	return ext_global(e, x->t->cpu);
}

static void local_was_fed(struct ext *e, const struct ext_dsq *q,
			  const struct ext_task *x, uint64_t flags)
{
	struct ext_cpu *c = &e->cpus[q->cpu];

	/* It looks for work as it is. */
	if (c->in_balance)
		return;
	if (flags & SCX_ENQ_PREEMPT && c->curr && c->curr != x) {
		c->curr->k.scx.slice = 0;
		sim_resched(e->s, &e->s->cpus[q->cpu]);
	} else if (!c->curr) {
		sim_resched(e->s, &e->s->cpus[q->cpu]);
	}
}

/* 7.1: the policy is told when a task leaves what it has to look after. */
static void custody(struct ext *e, struct ext_task *x, bool has, uint64_t flags)
{
	bool had = x->custody;

	if (e->kernel < 70001)
		return;
	x->custody = has;
	x->k.scx.flags &= ~(uint32_t)SCX_TASK_IN_CUSTODY;
	if (has)
		x->k.scx.flags |= SCX_TASK_IN_CUSTODY;
	else if (had)
		ext_call_task(e, OP_dequeue, CTX_REST, x, flags);
}

void ext_dispatch_to(struct ext *e, struct ext_dsq *q, struct ext_task *x,
		     uint64_t flags)
{
	dsq_insert(e, q, x, flags);
	x->k.scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	x->k.scx.ddsp_enq_flags = 0;
	x->owner = OWNER_NONE;
	x->k.scx.ops_state = SCX_OPSS_NONE;
	custody(e, x, !(q->k.id & SCX_DSQ_FLAG_BUILTIN), 0);
	if (q->cpu != EXT_NO_CPU)
		local_was_fed(e, q, x, flags);
}

/* May the policy move x to that other CPU? */
bool ext_can_go(struct ext *e, struct ext_task *x, uint32_t cpu, bool enforce)
{
	if (x->t->migration_disabled) {
		if (enforce)
			ext_error(e, SIM_AFFINITY, x->insn,
				  "SCX_DSQ_LOCAL[_ON] cannot move migration "
				  "disabled %s[%d] from CPU %u to %u",
				  x->k.comm, x->k.pid, x->t->cpu, cpu);
		return false;
	}
	if (!sim_may_run(x->t, cpu)) {
		if (enforce)
			ext_error(e, SIM_AFFINITY, x->insn,
				  "SCX_DSQ_LOCAL[_ON] target CPU %u not "
				  "allowed for %s[%d]",
				  cpu, x->k.comm, x->k.pid);
		return false;
	}
	if (!e->cpus[cpu].online) {
		if (enforce)
			EXT_EV(e, DISPATCH_LOCAL_DSQ_OFFLINE);
		return false;
	}
	return true;
}

/* x, in no queue, goes to another CPU's local queue. */
void ext_go(struct ext *e, struct ext_task *x, uint32_t cpu, uint64_t flags)
{
	cpu_of(e, x)->rq.nr_running--;
	cpu_of(e, x)->rq.scx.nr_running--;
	ext_runnable_del(x, false);
	sim_task_moved(e->s, x->t, cpu);
	x->k.thread_info.cpu = cpu;
	x->k.se.nr_migrations++;
	ext_runnable_add(e, x);
	cpu_of(e, x)->rq.nr_running++;
	cpu_of(e, x)->rq.scx.nr_running++;
	ext_dispatch_to(e, &e->cpus[cpu].local, x, flags);
}

void ext_dispatch_to_local(struct ext *e, struct ext_dsq *q, struct ext_task *x,
			   uint64_t flags)
{
	if (x->t->cpu == q->cpu) {
		ext_dispatch_to(e, q, x, flags);
	} else if (!ext_can_go(e, x, q->cpu, true)) {
		ext_dispatch_to(e, ext_global(e, x->t->cpu), x, flags);
		return;
	} else {
		ext_go(e, x, q->cpu, flags);
	}
	if (!e->cpus[q->cpu].curr && !e->cpus[q->cpu].in_balance)
		sim_resched(e->s, &e->s->cpus[q->cpu]);
}

static void direct_dispatch(struct ext *e, struct ext_task *x, uint64_t flags)
{
	struct ext_dsq *q =
		ext_find_dsq(e, x->k.scx.ddsp_dsq_id, x, x->t->cpu, x->insn);

	x->k.scx.ddsp_enq_flags |= flags;
	x->owner = OWNER_NONE;
	x->k.scx.ops_state = SCX_OPSS_NONE;
	/* Another CPU's queue cannot be had while this one is locked. */
	if (q->cpu != EXT_NO_CPU && q->cpu != x->t->cpu)
		ext_link_add(cpu_of(e, x)->deferred.prev, &x->link);
	else
		ext_dispatch_to(e, q, x, x->k.scx.ddsp_enq_flags);
}

void ext_deferred(struct ext *e, uint32_t cpu)
{
	struct ext_link *head = &e->cpus[cpu].deferred;

	while (head->next != head) {
		struct ext_task *x =
			(struct ext_task *)((char *)head->next -
					    offsetof(struct ext_task, link));

		ext_link_del(&x->link);
		ext_dispatch_to_local(
			e,
			ext_find_dsq(e, x->k.scx.ddsp_dsq_id, x, cpu, x->insn),
			x, x->k.scx.ddsp_enq_flags);
	}
}

static void refill(struct ext *e, struct ext_task *x)
{
	x->k.scx.slice = SCX_SLICE_DFL;
	EXT_EV(e, REFILL_SLICE_DFL);
}

/* The kernel puts it somewhere without asking. */
static bool not_for_policy(struct ext *e, struct ext_task *x)
{
	if (!cpu_of(e, x)->online || e->dead)
		return true;
	if (x->k.scx.ddsp_dsq_id != SCX_DSQ_INVALID)
		return false;
	if (!(e->flags & SCX_OPS_ENQ_EXITING) &&
	    x->k.flags & KERNEL_PF_EXITING) {
		EXT_EV(e, ENQ_SKIP_EXITING);
		return true;
	}
	if (!(e->flags & SCX_OPS_ENQ_MIGRATION_DISABLED) &&
	    x->t->migration_disabled) {
		EXT_EV(e, ENQ_SKIP_MIGRATION_DISABLED);
		return true;
	}
	return false;
}

void ext_do_enqueue(struct ext *e, struct ext_task *x, uint64_t flags,
		    bool sticky)
{
	struct ext_cpu *c = cpu_of(e, x);

	if (sticky) {
		ext_dispatch_to(e, &c->local, x, flags);
		return;
	}
	if (not_for_policy(e, x)) {
		x->insn = EXT_NO_INSN;
		refill(e, x);
		ext_dispatch_to(e, &c->local, x, flags);
		return;
	}
	if (x->k.scx.ddsp_dsq_id != SCX_DSQ_INVALID) {
		direct_dispatch(e, x, flags);
		return;
	}
	x->insn = ext_first_insn(e, OP_enqueue);
	if (!ext_has(e, OP_enqueue)) {
		refill(e, x);
		ext_dispatch_to(e, ext_global(e, x->t->cpu), x, flags);
		return;
	}
	x->qseq = c->qseq++;
	x->owner = OWNER_QUEUEING;
	x->k.scx.ops_state = SCX_OPSS_QUEUEING;
	e->direct = x;
	e->direct_done = false;
	ext_call_task(e, OP_enqueue, CTX_ENQUEUE, x, flags);
	e->direct = NULL;
	if (x->k.scx.ddsp_dsq_id != SCX_DSQ_INVALID) {
		direct_dispatch(e, x, flags);
		return;
	}
	x->owner = OWNER_POLICY;
	x->k.scx.ops_state = SCX_OPSS_QUEUED | (uint64_t)x->qseq
						       << SCX_OPSS_QSEQ_SHIFT;
	custody(e, x, true, 0);
}

void ext_enqueue(struct ext *e, struct ext_task *x, uint64_t flags, bool sticky)
{
	struct ext_cpu *c = cpu_of(e, x);

	if (x->k.scx.flags & SCX_TASK_QUEUED)
		return;
	if (x->selected)
		flags |= e->enq_cpu_selected;
	ext_runnable_add(e, x);
	x->k.scx.flags |= SCX_TASK_QUEUED;
	x->k.on_rq = 1;
	x->k.se.on_rq = 1;
	x->k.__state = KERNEL_RUNNING;
	c->rq.nr_running++;
	c->rq.scx.nr_running++;
	ext_call_task(e, OP_runnable, CTX_REST, x, flags);
	ext_do_enqueue(e, x, flags, sticky);
	if (x->selected && x->k.scx.selected_cpu != (int32_t)x->t->cpu)
		EXT_EV(e, SELECT_CPU_FALLBACK);
	x->selected = false;
}

/* ---- out of queues ---------------------------------------------------- */

static void leave(struct ext *e, struct ext_task *x, uint64_t flags)
{
	ext_runnable_del(x, false);
	if (e->kernel >= 70001)
		custody(e, x, false,
			flags & SCX_DEQ_SLEEP ? flags
					      : flags | SCX_DEQ_SCHED_CHANGE);
	else if (x->owner == OWNER_POLICY)
		ext_call_task(e, OP_dequeue, CTX_REST, x, flags);
	x->owner = OWNER_NONE;
	x->k.scx.ops_state = SCX_OPSS_NONE;
}

void ext_dequeue(struct ext *e, struct ext_task *x, uint64_t flags)
{
	struct ext_cpu *c = cpu_of(e, x);

	if (!(x->k.scx.flags & SCX_TASK_QUEUED))
		return;
	leave(e, x, flags);
	if (c->curr == x)
		ext_call_task(e, OP_stopping, CTX_REST, x, false);
	ext_call_task(e, OP_quiescent, CTX_REST, x, flags);
	if (flags & SCX_DEQ_SLEEP) {
		x->k.scx.flags |= SCX_TASK_DEQD_FOR_SLEEP;
		x->k.__state = KERNEL_INTERRUPTIBLE;
	} else {
		x->k.scx.flags &= ~(uint32_t)SCX_TASK_DEQD_FOR_SLEEP;
	}
	x->k.scx.flags &= ~(uint32_t)SCX_TASK_QUEUED;
	x->k.on_rq = 0;
	x->k.se.on_rq = 0;
	c->rq.nr_running--;
	c->rq.scx.nr_running--;
	if (x->dsq)
		dsq_remove(x->dsq, x);
	else
		ext_link_del(&x->link);
	x->k.scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	x->k.scx.ddsp_enq_flags = 0;
}

/* ---- what policies ask for -------------------------------------------- */

static void mark_direct(struct ext *e, struct ext_task *x, uint64_t dsq_id,
			uint64_t enq_flags)
{
	bool done = e->direct_done;

	e->direct_done = true;
	if (done) {
		ext_error(e, SIM_ERROR, vm_insn(e->vm),
			  "%s[%d] already direct-dispatched", x->k.comm,
			  x->k.pid);
		return;
	}
	if (x != e->direct) {
		ext_error(e, SIM_ERROR, vm_insn(e->vm),
			  "scheduling for %s[%d] but trying to direct-dispatch "
			  "%s[%d]",
			  e->direct->k.comm, e->direct->k.pid, x->k.comm,
			  x->k.pid);
		return;
	}
	x->k.scx.ddsp_dsq_id = dsq_id;
	x->k.scx.ddsp_enq_flags = enq_flags;
	x->insn = vm_insn(e->vm);
}

void ext_insert(struct ext *e, struct ext_task *x, uint64_t dsq_id,
		uint64_t enq_flags)
{
	struct ext_cpu *c = &e->cpus[e->cpu];

	if (e->direct) {
		mark_direct(e, x, dsq_id, enq_flags);
		return;
	}
	if (c->cursor >= e->max_batch) {
		ext_error(e, SIM_ERROR, vm_insn(e->vm),
			  "dispatch buffer overflow");
		return;
	}
	c->slots[c->cursor++] = (struct ext_slot){
		.task = x,
		.qseq = x->qseq,
		.insn = vm_insn(e->vm),
		.dsq_id = dsq_id,
		.enq_flags = enq_flags,
	};
}

void ext_move(struct ext *e, struct ext_task *x, struct ext_dsq *to,
	      uint64_t enq_flags)
{
	x->insn = vm_insn(e->vm);
	if (to->cpu != EXT_NO_CPU && to->cpu != x->t->cpu &&
	    !ext_can_go(e, x, to->cpu, true))
		to = ext_global(e, x->t->cpu);
	dsq_remove(x->dsq, x);
	if (to->cpu != EXT_NO_CPU && to->cpu != x->t->cpu)
		ext_go(e, x, to->cpu, enq_flags);
	else
		ext_dispatch_to(e, to, x, enq_flags);
}

/* Each task once, however often the policy puts it back. */
uint32_t ext_reenqueue_local(struct ext *e, uint32_t cpu)
{
	struct ext_dsq *q = &e->cpus[cpu].local;
	uint32_t n = q->k.nr;

	for (uint32_t i = 0; i < n; i++) {
		struct ext_task *x = dsq_next(q, NULL, false);

		if (!x)
			return i;
		dsq_remove(q, x);
		ext_do_enqueue(e, x, SCX_ENQ_REENQ, false);
	}
	return n;
}
