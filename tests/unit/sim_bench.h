/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy loaded onto a machine that stands still: tasks are there, nothing
 * runs, and the kernel's functions are called one by one, as a callback would.
 */
#ifndef SCHEDKIT_TESTS_SIM_BENCH_H
#define SCHEDKIT_TESTS_SIM_BENCH_H

#include "bpfvm/vm_state.h"
#include "sim/engine.h"
#include "sim/ext.h"
#include "sim_fix.h"

#define BENCH_TASKS 32

struct bench {
	struct sim_opts o;
	struct sim_result r;
	struct load *l;
	struct sim_policy *p;
	struct sim s;
	struct ext *e;
	struct ext_task *x[BENCH_TASKS];
	unsigned char room[4096]; /* that a program may write … */
	uint64_t at;		  /* … here */
};

/* flags: of the policy. */
static inline struct bench *bench_new(const char *machine, const char *policy,
				      uint32_t kernel, uint64_t flags,
				      const char *words)
{
	static const struct vm_kind kind = {.name = "stack"};
	struct bench *b = mem_zalloc(1, sizeof(*b));
	struct sim *s = &b->s;

	b->o = fix_free(machine);
	b->l = fix_load(words);
	b->p = fix_policy(policy, NULL, kernel);
	b->p->object->ops.flags |= flags;
	b->r.weight_error = -1;
	b->r.group_count = b->l->group_count;
	b->r.groups = mem_zalloc(b->r.group_count, sizeof(*b->r.groups));
	*s = (struct sim){.o = &b->o,
			  .load = b->l,
			  .policy = b->p,
			  .r = &b->r,
			  .cls = &sim_class_ext,
			  .next_pid = 100};
	cpus_init(s);
	task_objects_init(s);
	assert_int_equal(s->cls->start(s), 0);
	b->e = s->class_data;
	b->at = vm_addr(vm_region_new(b->e->vm, b->room, sizeof(b->room),
				      VM_READ | VM_WRITE, &kind, NULL));
	return b;
}

/* An instance of the load's task `def`, on that CPU, asleep. */
static inline struct ext_task *bench_task(struct bench *b, uint32_t def,
					  uint32_t cpu)
{
	struct sim_task *t = task_new(&b->s, def, NULL);

	t->cpu = cpu;
	t->last_cpu = UINT32_MAX;
	t->next = b->s.tasks;
	if (b->s.tasks)
		b->s.tasks->prev = t;
	b->s.tasks = t;
	b->s.tasks_kept++;
	b->s.current_cpu = cpu;
	assert_int_equal(b->s.cls->task_start(&b->s, t), 0);
	t->state = TASK_SLEEPING;
	return t->ext;
}

static inline void bench_free(struct bench *b)
{
	struct sim *s = &b->s;
	struct sim_task *t;

	s->cls->stop(s);
	while ((t = s->tasks)) {
		s->tasks = t->next;
		task_free(s, t);
	}
	task_objects_release(s);
	free(s->cpus);
	free(s->heap);
	sim_result_release(&b->r);
	sim_policy_free(b->p);
	load_free(b->l);
	free(b);
}

/* A function of the kernel's by its name, with up to five arguments. */
#define bench_call(b, name, ...) \
	bench_call_r(b, name, (const uint64_t[5]){__VA_ARGS__})

static inline uint64_t bench_call_r(struct bench *b, const char *name,
				    const uint64_t r[5])
{
	int i = vm_calls_resolve(b->p->calls, name, true);

	if (i < 0)
		fail_msg("no function %s", name);
	return vm_calls_kfunc(b->p->calls, i)->fn(b->e->vm, r);
}

/* The policy was dropped with these words; it goes on all the same. */
static inline void bench_error(struct bench *b, const char *words)
{
	if (!b->r.exit_text || !strstr(b->r.exit_text, words))
		fail_msg("'%s' is not '%s'",
			 b->r.exit_text ? b->r.exit_text : "nothing", words);
	free(b->r.exit_text);
	b->r.exit_text = NULL;
	b->r.outcome = SIM_DONE;
	b->e->dead = b->s.over = false;
	b->e->exit.kind = 0;
}

static inline void bench_fault(struct bench *b, const char *words)
{
	const struct vm_fault *f = vm_fault(b->e->vm);

	if (!f->kind || !strstr(f->text, words))
		fail_msg("'%s' is not '%s'", f->text, words);
	b->e->vm->fault.kind = VM_FAULT_NONE;
	b->e->vm->fault.text[0] = 0;
}

/* Nothing is wrong. */
static inline void bench_well(struct bench *b)
{
	if (b->r.exit_text || vm_fault(b->e->vm)->kind)
		fail_msg("%s%s", b->r.exit_text ? b->r.exit_text : "",
			 vm_fault(b->e->vm)->text);
}

#endif
