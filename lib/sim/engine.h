/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the engine share.
 *
 *   engine.c        the heap of events, the loop, the start and the end
 *   engine_cpu.c    CPUs: who runs, for how long, ticks
 *   engine_task.c   tasks that begin, wake, move, change and end; hotplug
 *   engine_check.c  what needs no class to be seen: waiting beside idle CPUs,
 *                   starvation, shares
 */
#ifndef SCHEDKIT_SIM_ENGINE_H
#define SCHEDKIT_SIM_ENGINE_H

#include "sim/state.h"

#define FULL_SPEED (1u << 16)
#define NEVER	   UINT64_MAX

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* ---- engine_cpu.c ----------------------------------------------------- */

void cpus_init(struct sim *s);
void cpu_schedule(struct sim *s, struct sim_cpu *c);
/* c's task has left it (it sleeps, ended or was moved); not yet idle. */
void cpu_vacate(struct sim *s, struct sim_cpu *c);
/* The clock of the work on c, set again. */
void cpu_arm(struct sim *s, struct sim_cpu *c);
/* Keeps c->free right. */
void cpu_count(struct sim *s, struct sim_cpu *c);

/* ---- engine_task.c ---------------------------------------------------- */

/* Starts what starts by itself, and knows how many have to end. */
void tasks_init(struct sim *s);
void tasks_end(struct sim *s);
/* For task.c: the running task does it. */
void task_fork(struct sim *s, struct sim_task *parent, uint32_t def);
void task_exit(struct sim *s, struct sim_task *t);
void task_exec(struct sim *s, struct sim_task *t, uint64_t identity);
void task_set_nice(struct sim *s, struct sim_task *t, int nice);
void task_set_mask(struct sim *s, struct sim_task *t,
		   const struct load_mask *mask);
void task_set_pin(struct sim *s, struct sim_task *t, bool on);
/* t spins for a lock that it may have got: it looks again. */
void task_look(struct sim *s, struct sim_task *t);
/* t sleeps until then; its program returns TASK_BLOCKED next. */
void task_sleep(struct sim *s, struct sim_task *t, uint64_t until);
/* The kernel's table. */
uint32_t task_weight(enum load_policy policy, int nice);

/* ---- engine_check.c --------------------------------------------------- */

void check_init(struct sim *s);
/* Before nr_free or nr_waiting_free change. */
void check_touch(struct sim *s);
void check_wait_begins(struct sim *s, struct sim_task *t);
/* idle_since: of the CPU that takes it; NEVER: that was not idle. */
void check_wait_ends(struct sim *s, struct sim_task *t, uint64_t idle_since);
/* t ends, or the run does. */
void check_share(struct sim *s, const struct sim_task *t);
void check_end(struct sim *s);

#endif
