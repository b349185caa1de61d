/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A CPU looks for work: ops.dispatch() and what it dispatches; kicks. */
#include "sim/ext.h"

#include <string.h>

/* ---- the dispatch buffer ---------------------------------------------- */

static void finish(struct ext *e, uint32_t cpu, const struct ext_slot *slot)
{
	struct ext_task *x = slot->task;
	struct ext_dsq *q;

	/* Somebody else was faster, or the policy never had it. */
	if (x->owner != OWNER_POLICY || x->qseq != slot->qseq || !x->t) {
		EXT_EV(e, INSERT_NOT_OWNED);
		return;
	}
	x->insn = slot->insn;
	q = ext_find_dsq(e, slot->dsq_id, x, cpu, slot->insn);
	if (q->cpu != EXT_NO_CPU)
		ext_dispatch_to_local(e, q, x, slot->enq_flags);
	else
		ext_dispatch_to(e, q, x, slot->enq_flags);
}

void ext_flush(struct ext *e, uint32_t cpu)
{
	struct ext_cpu *c = &e->cpus[cpu];

	for (uint32_t i = 0; i < c->cursor; i++)
		finish(e, cpu, &c->slots[i]);
	c->dispatched += c->cursor;
	c->cursor = 0;
}

/* The first of q that may run on cpu goes to its local queue. */
bool ext_consume(struct ext *e, uint32_t cpu, struct ext_dsq *q)
{
	struct ext_task *x;

	for (x = dsq_next(q, NULL, false); x; x = dsq_next(q, x, false)) {
		if (x->t->cpu != cpu && !ext_can_go(e, x, cpu, false))
			continue;
		dsq_remove(q, x);
		if (x->t->cpu == cpu)
			ext_dispatch_to(e, &e->cpus[cpu].local, x, 0);
		else
			ext_go(e, x, cpu, 0);
		return true;
	}
	return false;
}

static bool runnable(const struct ext_task *x)
{
	return x && x->k.scx.flags & SCX_TASK_QUEUED;
}

enum found { FOUND_NONE, FOUND_LOCAL, FOUND_PREV };

static enum found dispatch_loop(struct ext *e, uint32_t cpu,
				struct ext_task *prev)
{
	struct ext_cpu *c = &e->cpus[cpu];
	uint64_t args[] = {cpu, ext_addr(prev)};

	for (int loops = SCX_DSP_MAX_LOOPS; loops; loops--) {
		c->dispatched = 0;
		ext_call(e, OP_dispatch, CTX_DISPATCH, cpu, args, 2);
		ext_flush(e, cpu);
		if (runnable(prev) && prev->k.scx.slice)
			return FOUND_PREV;
		if (c->local.k.nr || ext_consume(e, cpu, ext_global(e, cpu)))
			return FOUND_LOCAL;
		if (!c->dispatched || e->dead)
			return FOUND_NONE;
	}
	/* It went round in circles: once more, later. */
	ext_kick(e, cpu, 0);
	return FOUND_NONE;
}

static enum found balance(struct ext *e, uint32_t cpu, struct ext_task *prev)
{
	struct ext_cpu *c = &e->cpus[cpu];
	enum found found = FOUND_NONE;

	if (runnable(prev) && prev->k.scx.slice)
		return FOUND_PREV;
	if (c->local.k.nr || ext_consume(e, cpu, ext_global(e, cpu)))
		return FOUND_LOCAL;
	if (ext_has(e, OP_dispatch) && c->online && !e->dead)
		found = dispatch_loop(e, cpu, prev);
	if (found == FOUND_NONE && runnable(prev) &&
	    (!(e->flags & SCX_OPS_ENQ_LAST) || e->dead)) {
		EXT_EV(e, DISPATCH_KEEP_LAST);
		return FOUND_PREV;
	}
	return found;
}

/* ---- picking ---------------------------------------------------------- */

/* x ran and could go on; something else, or nothing, is to run now. */
static void put(struct ext *e, struct ext_task *x, bool to_idle)
{
	ext_call_task(e, OP_stopping, CTX_REST, x, true);
	ext_runnable_add(e, x);
	x->k.on_cpu = 0;
	x->k.nivcsw++;
	if (x->k.scx.slice)
		ext_dispatch_to(e, &e->cpus[x->t->cpu].local, x, e->enq_head);
	else
		ext_do_enqueue(e, x, to_idle ? SCX_ENQ_LAST : 0, false);
}

static void switched(struct ext *e, const struct ext_cpu *c,
		     const struct ext_task *prev, const struct ext_task *next)
{
	bool preempt = runnable(prev);
	uint64_t args[] = {preempt, ext_addr(prev ? prev : &c->idle),
			   ext_addr(next ? next : &c->idle),
			   prev && !preempt ? prev->k.__state : KERNEL_RUNNING};

	if (e->trace_count[TRACE_sched_switch])
		ext_trace(e, TRACE_sched_switch, args, 4);
}

static void gone_off(struct ext_task *prev)
{
	prev->k.on_cpu = 0;
	if (!runnable(prev))
		prev->k.nvcsw++;
}

struct ext_task *ext_pick(struct ext *e, uint32_t cpu)
{
	struct ext_cpu *c = &e->cpus[cpu];
	struct ext_task *prev = c->curr, *next;
	enum found found;

	c->in_balance = true;
	found = balance(e, cpu, prev);
	c->in_balance = false;
	next = found == FOUND_PREV    ? prev
	       : found == FOUND_LOCAL ? dsq_next(&c->local, NULL, false)
				      : NULL;
	if (next && !next->k.scx.slice) {
		next->k.scx.slice = SCX_SLICE_DFL;
		EXT_EV(e, REFILL_SLICE_DFL);
	}
	if (next == prev && next)
		return next;
	if (runnable(prev))
		put(e, prev, !next);
	else if (prev)
		gone_off(prev);
	c->curr = next;
	c->rq.curr = next ? ext_addr(next) : ext_addr(&c->idle);
	if (next)
		dsq_remove(next->dsq, next);
	ext_idle_update(e, cpu, !next, !next != c->was_idle);
	c->was_idle = !next;
	if (!next && prev)
		switched(e, c, prev, NULL);
	c->last = prev;
	return next;
}

void ext_begin(struct ext *e, uint32_t cpu, struct ext_task *x)
{
	struct ext_cpu *c = &e->cpus[cpu];

	x->k.thread_info.cpu = cpu;
	x->k.on_cpu = 1;
	x->k.recent_used_cpu = (int32_t)cpu;
	x->k.wake_cpu = (int32_t)cpu;
	x->k.se.exec_start = ext_now(e);
	x->k.se.prev_sum_exec_runtime = x->k.se.sum_exec_runtime;
	if (x->k.scx.flags & SCX_TASK_QUEUED)
		ext_call_task(e, OP_running, CTX_REST, x, 0);
	ext_runnable_del(x, true);
	switched(e, c, c->last, x);
	c->last = NULL;
}

/* ---- kicks ------------------------------------------------------------ */

static void bit_set(uint64_t *bits, uint32_t cpu)
{
	bits[cpu / 64] |= 1ULL << (cpu % 64);
}

static bool will_schedule(const struct ext_cpu *c)
{
	return c->curr && !c->in_balance;
}

void ext_kick(struct ext *e, uint32_t cpu, uint64_t flags)
{
	struct ext_cpu *this = &e->cpus[e->cpu];

	if (flags & SCX_KICK_IDLE) {
		if (flags & (SCX_KICK_PREEMPT | SCX_KICK_WAIT))
			ext_error(e, SIM_ERROR, vm_insn(e->vm),
				  "PREEMPT/WAIT cannot be used with "
				  "SCX_KICK_IDLE");
		if (will_schedule(&e->cpus[cpu]))
			return;
		bit_set(this->kick_idle, cpu);
	} else {
		bit_set(this->kick, cpu);
		e->kicks++;
		e->kick_insn = vm_insn(e->vm);
		if (flags & SCX_KICK_PREEMPT)
			bit_set(this->kick_preempt, cpu);
	}
	this->kicks = true;
}

static void kick_one(struct ext *e, uint32_t cpu, bool preempt)
{
	struct ext_cpu *c = &e->cpus[cpu];

	if (!e->s->cpus[cpu].online)
		return;
	if (preempt && c->curr)
		c->curr->k.scx.slice = 0;
	sim_resched(e->s, &e->s->cpus[cpu]);
}

/* The interrupt that does what callbacks on this CPU asked for. */
void ext_kicks_done(struct ext *e, uint32_t cpu)
{
	struct ext_cpu *this = &e->cpus[cpu];

	if (this->reenqueue) {
		this->reenqueue = false;
		ext_reenqueue_local(e, cpu);
		ext_deferred(e, cpu);
	}
	if (!this->kicks)
		return;
	this->kicks = false;
	for (uint32_t w = 0; w < e->words; w++) {
		uint64_t kick = this->kick[w],
			 idle = this->kick_idle[w] & ~kick;
		uint64_t preempt = this->kick_preempt[w];

		this->kick[w] = this->kick_idle[w] = this->kick_preempt[w] = 0;
		for (; kick; kick &= kick - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(kick);

			kick_one(e, w * 64 + bit, preempt >> bit & 1);
		}
		for (; idle; idle &= idle - 1) {
			uint32_t to = w * 64 + (uint32_t)__builtin_ctzll(idle);

			if (!will_schedule(&e->cpus[to]))
				kick_one(e, to, false);
		}
	}
}
