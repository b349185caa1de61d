/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the template asks a policy's hooks, and what it makes of the answers.
 *
 * Compiled with POLICY_HOOKS, with POLICY_HOOK_… for each that the policy
 * defines and POLICY_FACT_… for each of the costlier facts that it reads;
 * without those nothing here leaves a trace in the object.  The policy's text
 * is put behind the template's once both are through the preprocessor, so that
 * nothing in it can change what stands before.
 */
#ifndef SCHEDKIT_POLICY_HOOKS_BPF_H
#define SCHEDKIT_POLICY_HOOKS_BPF_H

#ifdef POLICY_HOOKS
#include "hooks.h"

#define HOOK_MIN_SLICE_NS 50000ULL

/* What is not read is dropped by the compiler, but for calls. */
static void tell_facts(struct hook_task *h, const struct task_struct *p,
		       const struct task *t, u64 now)
{
	*h = (struct hook_task){
		.now = now,
		.key = t->vtime,
		.slice = params.slice_us * 1000ULL,
		.waited = t->waiting ? now - t->queued_at : 0,
		.turn = t->waiting || !t->turn_at ? 0 : now - t->turn_at,
		.burst = t->burst_ns,
		.last_burst = t->last_burst_ns,
		.mean_burst = t->mean_ns,
		.last_sleep = t->last_sleep_ns,
		.mean_sleep = t->mean_sleep_ns,
		.run = t->attained_ns,
		.expect = t->expect_ns,
		.wakeups = t->wakeups,
		.class = t->class,
		.weight = weight_of(p, t),
		.nice = p->static_prio - NICE_0_PRIO,
		.cpu = scx_bpf_task_cpu(p),
		.allowed = p->nr_cpus_allowed,
		.cpus = nr_cpus,
		.fresh = t->fresh,
	};
#ifdef POLICY_FACT_CGROUP
	h->cgroup = BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, id);
#endif
#ifdef POLICY_FACT_DEPTH
	s32 depth = scx_bpf_dsq_nr_queued(home_of(p));

	h->depth = depth > 0 ? depth : 0;
#endif
}
#endif

static bool has_hooks(void)
{
#ifdef POLICY_HOOKS
	return true;
#else
	return false;
#endif
}

/* ---- answers, bounded ------------------------------------------------- */

static void hooked_class(const struct task_struct *p, struct task *t)
{
#ifdef POLICY_HOOK_CLASSIFY
	struct hook_task h;
	u32 class;

	tell_facts(&h, p, t, scx_bpf_now());
	class = hook_classify(&h);
	if (class <= CLASS_BATCH)
		t->class = class;
#endif
}

static bool asks_key(void)
{
#ifdef POLICY_HOOK_KEY
	return true;
#else
	return false;
#endif
}

static u64 hooked_key(const struct task_struct *p, const struct task *t,
		      u64 now, u64 key)
{
#ifdef POLICY_HOOK_KEY
	s64 span = params.starve_us * 1000ULL, ahead;
	struct hook_task h;

	tell_facts(&h, p, t, now);
	h.key = key;
	ahead = hook_key(&h) - key;
	if (ahead > span)
		ahead = span;
	else if (ahead < -span)
		ahead = -span;
	return key + ahead;
#else
	return key;
#endif
}

static u64 hooked_slice(const struct task_struct *p, const struct task *t,
			u64 ns)
{
#ifdef POLICY_HOOK_SLICE
	struct hook_task h;

	tell_facts(&h, p, t, scx_bpf_now());
	h.slice = ns;
	ns = hook_slice(&h);
	if (ns < HOOK_MIN_SLICE_NS)
		ns = HOOK_MIN_SLICE_NS;
#endif
	return ns;
}

/* Idle, and now claimed; or NO_CPU. */
static s32 hooked_place(const struct task_struct *p)
{
#ifdef POLICY_HOOK_PLACE
	const struct task *t = task_of((struct task_struct *)p);
	struct hook_task h;
	s32 cpu;

	if (!t)
		return NO_CPU;
	tell_facts(&h, p, t, scx_bpf_now());
	cpu = hook_place(&h);
	if (cpu >= 0 && (u32)cpu < nr_cpus &&
	    bpf_cpumask_test_cpu(cpu, p->cpus_ptr) &&
	    scx_bpf_test_and_clear_cpu_idle(cpu))
		return cpu;
#endif
	return NO_CPU;
}

/* ---- may another's turn be ended? ------------------------------------- */

/* What is asked for each turn that goes on, made once. */
struct asker {
#ifdef POLICY_HOOK_PREEMPT
	struct hook_task h;
#endif
};

static bool asks_preempt(void)
{
#ifdef POLICY_HOOK_PREEMPT
	return true;
#else
	return false;
#endif
}

static void ask_preempt(struct asker *a, const struct task_struct *p,
			const struct task *t, u64 key, u64 now)
{
#ifdef POLICY_HOOK_PREEMPT
	tell_facts(&a->h, p, t, now);
	a->h.key = key;
#endif
}

static bool hooked_preempt(const struct asker *a, const struct cpu *c, u64 ran)
{
#ifdef POLICY_HOOK_PREEMPT
	struct hook_turn turn = {
		.key = c->key,
		.ran = ran,
		.class = c->class,
		.weight = c->weight,
	};

	return hook_preempt(&a->h, &turn);
#else
	return false;
#endif
}

/* ---- facts that only hooks are told ----------------------------------- */

static void note_waiting(struct task *t)
{
#ifdef POLICY_HOOKS
	t->waiting = true;
#endif
}

static void note_turn(struct task *t)
{
#ifdef POLICY_HOOKS
	t->waiting = false;
	t->turn_at = t->run_at;
#endif
}

static void note_stop(struct task *t, bool runnable)
{
#ifdef POLICY_HOOKS
	t->turn_at = 0;
	if (runnable)
		return;
	t->slept_at = t->run_at;
	t->last_burst_ns = t->burst_ns;
#endif
}

#ifdef POLICY_HOOKS
static void note_wakeup(struct task *t)
{
	t->wakeups++;
	if (!t->slept_at)
		return;
	t->last_sleep_ns = scx_bpf_now() - t->slept_at;
	t->mean_sleep_ns = (3 * t->mean_sleep_ns + t->last_sleep_ns) / 4;
	t->slept_at = 0;
}
#endif

#endif
