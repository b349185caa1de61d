/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies see of tasks: each task's task_struct and what it points to. */
#include "sim/ext.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/exec_id.h"

#define NICE_0_PRIO  120
#define NICE_0_LOAD  1024
#define INIT_PID     1
#define ENVIRON_ROOM 64 /* zeros behind the arguments */

static bool within(uint32_t offset, uint32_t size, size_t at, size_t len)
{
	return offset >= at && offset + size <= at + len;
}

/* What the kernel lets a policy write. */
static bool task_may_write(uint32_t offset, uint32_t size)
{
#define MEMBER(m)                               \
	offsetof(struct kernel_task_struct, m), \
		sizeof(((struct kernel_task_struct *)NULL)->m)
	return within(offset, size, MEMBER(scx.slice)) ||
	       within(offset, size, MEMBER(scx.dsq_vtime)) ||
	       within(offset, size, MEMBER(scx.disallow));
#undef MEMBER
}

const struct vm_kind ext_kind_task = {"task_struct", task_may_write};
const struct vm_kind ext_kind_cpumask = {"cpumask", NULL};
const struct vm_kind ext_kind_rq = {"rq", NULL};
static const struct vm_kind mm_kind = {"mm_struct", NULL};
static const struct vm_kind signal_kind = {"signal_struct", NULL};
static const struct vm_kind cred_kind = {"cred", NULL};
static const struct vm_kind bprm_kind = {"linux_binprm", NULL};
static const struct vm_kind text_kind = {"text of a program", NULL};

uint64_t ext_now(const struct ext *e)
{
	return EXT_EPOCH_NS + sim_now(e->s);
}

uint64_t ext_jiffies(const struct ext *e)
{
	return ext_now(e) / (1000000000 / e->s->o->costs.hz);
}

struct ext_task *task_view_current(const struct ext *e)
{
	struct ext_cpu *c = &e->cpus[e->cpu];

	/* Whoever runs there has nothing to do with it. */
	if (e->s->starting)
		return e->shell;
	return c->curr ? c->curr : &c->idle;
}

void task_view_describe(void *arg, struct vm_current *c)
{
	const struct ext *e = arg;
	const struct ext_task *x = task_view_current(e);

	c->pid = (uint32_t)x->k.pid;
	c->tgid = (uint32_t)x->k.tgid;
	c->node = e->s->cpus[e->cpu].node;
	c->cgroup = x->t ? x->t->cgroup + 1 : 1;
	memcpy(c->comm, x->k.comm, sizeof(c->comm));
}

/* ---- making and unmaking ---------------------------------------------- */

static void regions(struct ext *e, struct ext_task *x)
{
	x->region = vm_region_new(e->vm, &x->k, sizeof(x->k), VM_READ,
				  &ext_kind_task, x);
	x->mm_region = vm_region_new(e->vm, &x->mm, sizeof(x->mm), VM_READ,
				     &mm_kind, x);
	x->signal_region = vm_region_new(e->vm, &x->signal, sizeof(x->signal),
					 VM_READ, &signal_kind, x);
}

static void common(struct ext *e, struct ext_task *x)
{
	struct kernel_task_struct *k = &x->k;

	regions(e, x);
	x->signal.nr_threads = 1;
	x->mm.owner = vm_addr(x->region);
	x->insn = EXT_NO_INSN;
	k->signal = vm_addr(x->signal_region);
	k->group_leader = vm_addr(x->region);
	k->cred = k->real_cred = vm_addr(e->cred_region);
	k->cpus_ptr = vm_addr(x->region) +
		      offsetof(struct kernel_task_struct, cpus_mask);
	k->prio = k->static_prio = k->normal_prio = NICE_0_PRIO;
	k->start_time = k->start_boottime = ext_now(e);
	k->scx.sticky_cpu = k->scx.holding_cpu = -1;
	k->scx.ddsp_dsq_id = SCX_DSQ_INVALID;
	k->scx.slice = SCX_SLICE_DFL;
	k->scx.runnable_at = ext_jiffies(e);
}

static void in_cgroup(struct ext *e, struct ext_task *x, uint32_t cgroup)
{
	x->k.cgroups = vm_addr(e->cgroups[cgroup].set_region);
	x->k.sched_task_group = vm_addr(e->cgroups[cgroup].group_region);
}

static void remember_pid(struct ext *e, struct ext_task *x)
{
	uint32_t pid = (uint32_t)x->k.pid, n = e->by_pid_len;

	if (pid >= n) {
		e->by_pid_len = pid + 1 > 2 * n ? pid + 1 : 2 * n;
		e->by_pid = mem_realloc(e->by_pid, e->by_pid_len,
					sizeof(struct ext_task *));
		memset(e->by_pid + n, 0,
		       (e->by_pid_len - n) * sizeof(struct ext_task *));
	}
	e->by_pid[pid] = x;
}

struct ext_task *task_view_by_pid(const struct ext *e, int32_t pid)
{
	if (pid <= 0 || (uint32_t)pid >= e->by_pid_len)
		return NULL;
	return e->by_pid[pid];
}

void task_view_weight(struct ext_task *x)
{
	uint64_t w = x->t->weight;
	uint64_t scaled = (w * 100 + NICE_0_LOAD / 2) / NICE_0_LOAD;

	x->k.prio = x->k.static_prio = x->k.normal_prio =
		NICE_0_PRIO + x->t->nice;
	x->k.se.load.weight = w * NICE_0_LOAD;
	x->k.se.load.inv_weight = (uint32_t)(0xffffffff / (w ? w : 1));
	x->k.scx.weight = (uint32_t)(scaled < 1	      ? 1
				     : scaled > 10000 ? 10000
						      : scaled);
}

void task_view_affinity(struct ext *e, struct ext_task *x)
{
	struct kernel_task_struct *k = &x->k;

	memcpy(k->cpus_mask.bits, x->t->allowed, sizeof(k->cpus_mask.bits));
	k->nr_cpus_allowed = (int32_t)x->t->nr_allowed;
	k->migration_disabled = x->t->migration_disabled;
	k->cpus_ptr = x->t->migration_disabled
			      ? vm_addr(e->cpus[x->t->cpu].only.region)
			      : vm_addr(x->region) +
					offsetof(struct kernel_task_struct,
						 cpus_mask);
}

static struct ext_task *new_task(struct ext *e)
{
	struct ext_task *x = e->free, *all;

	if (!x) {
		x = mem_zalloc(1, sizeof(*x));
		x->next_all = e->all;
		return e->all = x;
	}
	e->free = x->next_free;
	all = x->next_all;
	memset(x, 0, sizeof(*x));
	x->next_all = all;
	return x;
}

/* The task of its process that has the process's number.  A thread without
 * one is its own leader; threads that came before theirs are told of it. */
static void find_leader(struct ext *e, struct ext_task *x)
{
	struct ext_task *leader = task_view_by_pid(e, x->k.tgid);

	if (leader && leader != x) {
		x->k.group_leader = ext_addr(leader);
		return;
	}
	for (struct sim_task *t = x->t->def->leader ? e->s->tasks : NULL; t;
	     t = t->next) {
		struct ext_task *thread = t->ext;

		if (thread && thread->k.tgid == x->k.tgid)
			thread->k.group_leader = ext_addr(x);
	}
}

struct ext_task *task_view_new(struct ext *e, struct sim_task *t)
{
	struct ext_task *x = new_task(e), *parent;

	common(e, x);
	x->t = t;
	t->ext = x;
	x->k.pid = (int32_t)t->pid;
	x->k.tgid = (int32_t)t->tgid;
	x->k.thread_info.cpu = t->cpu;
	x->k.__state = KERNEL_NEW;
	x->k.flags = t->def->kernel ? KERNEL_PF_KTHREAD : 0;
	snprintf(x->k.comm, sizeof(x->k.comm), "%s", t->def->name);
	parent = t->parent && t->parent->ext ? t->parent->ext : e->shell;
	parent->had_children = true;
	x->k.real_parent = x->k.parent = ext_addr(parent);
	if (!t->def->kernel)
		x->k.mm = x->k.active_mm = vm_addr(x->mm_region);
	x->mm.arg_start = parent->mm.arg_start;
	x->mm.arg_end = parent->mm.arg_end;
	x->mm.env_start = parent->mm.env_start;
	x->mm.env_end = parent->mm.env_end;
	in_cgroup(e, x, t->cgroup);
	task_view_weight(x);
	task_view_affinity(e, x);
	remember_pid(e, x);
	find_leader(e, x);
	return x;
}

void task_view_put(struct ext *e, struct ext_task *x)
{
	if (x->refs || x->t)
		return;
	vm_region_free(e->vm, x->signal_region);
	vm_region_free(e->vm, x->mm_region);
	vm_region_free(e->vm, x->region);
	x->next_free = e->free;
	e->free = x;
}

/* Children whose parent is gone are init's, and threads have nobody. */
static void orphan(struct ext *e, const struct ext_task *x)
{
	for (struct sim_task *t = e->s->tasks; t; t = t->next) {
		struct ext_task *child = t->ext;

		if (child && child->k.group_leader == ext_addr(x))
			child->k.group_leader = ext_addr(child);
		if (child && child->k.real_parent == ext_addr(x))
			child->k.real_parent = child->k.parent =
				ext_addr(e->shell);
	}
}

void task_view_gone(struct ext *e, struct ext_task *x)
{
	if (x->had_children || x->t->def->leader)
		orphan(e, x);
	e->by_pid[x->k.pid] = NULL;
	x->t->ext = NULL;
	x->t = NULL;
	x->k.exit_state = KERNEL_EXIT_DEAD;
	x->k.__state = KERNEL_DEAD;
	task_view_put(e, x);
}

static void idle_task(struct ext *e, uint32_t cpu)
{
	struct ext_cpu *c = &e->cpus[cpu];
	struct ext_task *x = &c->idle;

	common(e, x);
	snprintf(x->k.comm, sizeof(x->k.comm), "swapper/%u",
		 cpu % KERNEL_MAX_CPUS);
	x->k.flags =
		KERNEL_PF_IDLE | KERNEL_PF_KTHREAD | KERNEL_PF_NO_SETAFFINITY;
	x->k.thread_info.cpu = cpu;
	x->k.on_cpu = 1;
	x->k.nr_cpus_allowed = 1;
	x->k.start_time = x->k.start_boottime = 0;
	mask_set(&x->k.cpus_mask, cpu);
	x->k.real_parent = x->k.parent = ext_addr(x);
	in_cgroup(e, x, 0);
	mask_set(&c->only.k, cpu);
	c->only.region = vm_region_new(e->vm, &c->only.k, sizeof(c->only.k),
				       VM_READ, &ext_kind_cpumask, &c->only);
	c->rq.cpu = (int32_t)cpu;
	c->rq.curr = c->rq.idle = ext_addr(x);
	c->rq.scx.flags = SCX_RQ_ONLINE;
	c->rq.scx.cpuperf_target = SCX_CPUPERF_ONE;
	c->region = vm_region_new(e->vm, &c->rq, sizeof(c->rq), VM_READ,
				  &ext_kind_rq, c);
}

void task_view_start(struct ext *e)
{
	struct ext_task *x = new_task(e);

	e->cred_region = vm_region_new(e->vm, &e->cred, sizeof(e->cred),
				       VM_READ, &cred_kind, e);
	e->bprm_region = vm_region_new(e->vm, &e->bprm, sizeof(e->bprm),
				       VM_READ, &bprm_kind, e);
	for (uint32_t cpu = 0; cpu < e->s->nr_cpus; cpu++)
		idle_task(e, cpu);
	common(e, x);
	e->shell = x;
	x->k.pid = x->k.tgid = INIT_PID;
	strcpy(x->k.comm, "init");
	x->k.mm = x->k.active_mm = vm_addr(x->mm_region);
	x->k.__state = KERNEL_INTERRUPTIBLE;
	x->k.cpus_mask = e->possible.k;
	x->k.nr_cpus_allowed = (int32_t)e->s->nr_cpus;
	x->k.real_parent = x->k.parent = ext_addr(&e->cpus[0].idle);
	in_cgroup(e, x, 0);
	remember_pid(e, x);
}

void task_view_stop(struct ext *e)
{
	struct ext_task *x;

	while ((x = e->all)) {
		e->all = x->next_all;
		free(x);
	}
	free(e->by_pid);
	for (size_t i = 0; i < e->identity_count; i++)
		free(e->identities[i]);
	free(e->identities);
}

/* ---- identities ------------------------------------------------------- */

/* The hash that a policy will find for the text; see bpf/identity.bpf.h. */
static uint64_t hash_of(const struct ext_identity *id)
{
	return exec_id(id->text, id->text + id->args, id->args_len);
}

static struct ext_identity *identity(struct ext *e, uint64_t hash)
{
	struct ext_identity *id;
	uint32_t len;

	for (size_t i = 0; i < e->identity_count; i++)
		if (e->identities[i]->hash == hash)
			return e->identities[i];
	id = mem_zalloc(1, sizeof(*id));
	e->identities = mem_realloc(e->identities, e->identity_count + 1,
				    sizeof(*e->identities));
	e->identities[e->identity_count++] = id;
	id->hash = hash;
	id->args =
		(uint32_t)snprintf(id->text, sizeof(id->text), "/sim/%016llx",
				   (unsigned long long)hash) +
		1;
	id->args_len = (uint32_t)snprintf(id->text + id->args,
					  sizeof(id->text) - id->args,
					  "%016llx", (unsigned long long)hash) +
		       1;
	len = id->args + id->args_len + ENVIRON_ROOM;
	id->region =
		vm_region_new(e->vm, id->text, len, VM_READ, &text_kind, id);
	return id;
}

uint64_t task_view_hash(struct ext *e, uint64_t hash)
{
	return hash_of(identity(e, hash));
}

/* x executes what its identity stands for. */
void task_view_exec(struct ext *e, struct ext_task *x)
{
	struct ext_identity *id = identity(e, x->t->identity);
	uint64_t at = vm_addr(id->region);

	x->mm.arg_start = at + id->args;
	x->mm.arg_end = x->mm.arg_start + id->args_len;
	x->mm.env_start = x->mm.arg_end;
	x->mm.env_end = x->mm.env_start;
	x->k.mm = x->k.active_mm = vm_addr(x->mm_region);
	e->bprm.mm = x->k.mm;
	e->bprm.argc = 1;
	e->bprm.filename = e->bprm.interp = at;
}
