/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sched_ext surface that our policies use: the oldest forms that every
 * kernel from 6.16 to 7.3 still has, so that one object loads on all of them.
 * What came later is weak and tested with bpf_ksym_exists().
 */
#ifndef SCHEDKIT_BPF_SCX_BPF_H
#define SCHEDKIT_BPF_SCX_BPF_H

#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* include/linux/sched/ext.h; these have kept their values. */
#define SCX_DSQ_GLOBAL	   (1ULL << 63 | 1)
#define SCX_DSQ_LOCAL	   (1ULL << 63 | 2)
#define SCX_TASK_QUEUED	   1
#define SCX_WAKE_SYNC	   16
#define SCX_KICK_IDLE	   1
#define SCX_KICK_PREEMPT   2
#define SCX_PICK_IDLE_CORE 1

enum scx_exit_kind { SCX_EXIT_NONE };

struct scx_exit_info {
	enum scx_exit_kind kind;
	s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
} __attribute__((preserve_access_index));

struct scx_init_task_args {
	bool fork;
} __attribute__((preserve_access_index));

/*
 * libbpf matches members by name; what is absent here is zero there.
 */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*enable)(struct task_struct *p);
	s32 (*init_task)(struct task_struct *p,
			 struct scx_init_task_args *args);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	u64 flags;
	u32 timeout_ms;
	u32 exit_dump_len;
	u64 hotplug_seq;
	char name[128];
};

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_iter_scx_dsq {
	u64 __opaque[6];
} __attribute__((aligned(8)));

int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id,
			 u64 flags) __ksym;
struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym;
void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym;

s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice,
			u64 enq_flags) __ksym;
void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice,
			      u64 vtime, u64 enq_flags) __ksym;
bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p,
		      u64 dsq_id, u64 enq_flags) __ksym;
bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags,
			   bool *is_idle) __ksym;
s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, u64 flags) __ksym;
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
u64 scx_bpf_now(void) __ksym;

/* 6.19 and later; before, the slice is written directly. */
bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice) __ksym __weak;

bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_first(const struct cpumask *cpumask) __ksym;

/* The iterator inside bpf_for_each(). */
#define BPF_FOR_EACH_ITER (&___it)

#define POLICY_OP(name)		  SEC("struct_ops/" name)
#define POLICY_OP_SLEEPABLE(name) SEC("struct_ops.s/" name)

#endif
