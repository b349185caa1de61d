/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not a program: carries the BTF of the simulated kernel, what policies are
 * relocated against before the simulator runs them.
 */
#include "simkernel_abi.h"

/* A pointer alone would leave its type out: clang describes what has bytes. */
#define CARRY(what, name) what name carry_##name

struct sched_ext_ops {
	int32_t (*select_cpu)(struct task_struct *p, int32_t prev_cpu,
			      uint64_t wake_flags);
	void (*enqueue)(struct task_struct *p, uint64_t enq_flags);
	void (*dequeue)(struct task_struct *p, uint64_t deq_flags);
	void (*dispatch)(int32_t cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, uint64_t enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, uint64_t deq_flags);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	bool (*core_sched_before)(struct task_struct *a, struct task_struct *b);
	void (*set_weight)(struct task_struct *p, uint32_t weight);
	void (*set_cpumask)(struct task_struct *p,
			    const struct cpumask *cpumask);
	void (*update_idle)(int32_t cpu, bool idle);
	void (*cpu_acquire)(int32_t cpu, struct scx_cpu_acquire_args *args);
	void (*cpu_release)(int32_t cpu, struct scx_cpu_release_args *args);
	int32_t (*init_task)(struct task_struct *p,
			     struct scx_init_task_args *args);
	void (*exit_task)(struct task_struct *p,
			  struct scx_exit_task_args *args);
	void (*enable)(struct task_struct *p);
	void (*disable)(struct task_struct *p);
	void (*dump)(struct scx_dump_ctx *ctx);
	void (*dump_cpu)(struct scx_dump_ctx *ctx, int32_t cpu, bool idle);
	void (*dump_task)(struct scx_dump_ctx *ctx, struct task_struct *p);
	int32_t (*cgroup_init)(struct cgroup *cgrp,
			       struct scx_cgroup_init_args *args);
	void (*cgroup_exit)(struct cgroup *cgrp);
	int32_t (*cgroup_prep_move)(struct task_struct *p, struct cgroup *from,
				    struct cgroup *to);
	void (*cgroup_move)(struct task_struct *p, struct cgroup *from,
			    struct cgroup *to);
	void (*cgroup_cancel_move)(struct task_struct *p, struct cgroup *from,
				   struct cgroup *to);
	void (*cgroup_set_weight)(struct cgroup *cgrp, uint32_t weight);
	void (*cgroup_set_bandwidth)(struct cgroup *cgrp, uint64_t period_us,
				     uint64_t quota_us, uint64_t burst_us);
	void (*cgroup_set_idle)(struct cgroup *cgrp, bool idle);
	void (*cpu_online)(int32_t cpu);
	void (*cpu_offline)(int32_t cpu);
	int32_t (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	uint32_t dispatch_max_batch;
	uint64_t flags;
	uint32_t timeout_ms;
	uint32_t exit_dump_len;
	uint64_t hotplug_seq;
	char name[SCX_OPS_NAME_LEN];
	void *priv;
};

CARRY(struct, sched_ext_ops);
CARRY(struct, task_struct);
CARRY(struct, bpf_cpumask);
CARRY(struct, super_block);
CARRY(struct, inode);
CARRY(struct, file);
CARRY(struct, mm_struct);
CARRY(struct, cred);
CARRY(struct, signal_struct);
CARRY(struct, kernfs_node);
CARRY(struct, cgroup);
CARRY(struct, css_set);
CARRY(struct, task_group);
CARRY(struct, linux_binprm);
CARRY(struct, rq);
CARRY(struct, scx_exit_info);
CARRY(struct, scx_init_task_args);
CARRY(struct, scx_exit_task_args);
CARRY(struct, scx_cgroup_init_args);
CARRY(struct, scx_cpu_acquire_args);
CARRY(struct, scx_cpu_release_args);
CARRY(struct, scx_dump_ctx);
CARRY(struct, scx_bpf_select_cpu_and_args);
CARRY(struct, scx_bpf_dsq_insert_vtime_args);
CARRY(struct, scx_event_stats);
CARRY(struct, bpf_iter_scx_dsq);
CARRY(enum, scx_public_consts);
CARRY(enum, scx_consts);
CARRY(enum, scx_exit_code);
CARRY(enum, scx_exit_flags);
CARRY(enum, scx_ops_flags);
CARRY(enum, scx_ent_flags);
CARRY(enum, scx_task_state);
CARRY(enum, scx_ent_dsq_flags);
CARRY(enum, scx_dsq_id_flags);
CARRY(enum, scx_enq_flags);
CARRY(enum, scx_deq_flags);
CARRY(enum, scx_wake_flags);
CARRY(enum, scx_kick_flags);
CARRY(enum, scx_pick_idle_cpu_flags);
CARRY(enum, scx_dsq_iter_flags);
CARRY(enum, scx_dsq_lnode_flags);
CARRY(enum, scx_ops_state);
CARRY(enum, scx_rq_flags);
CARRY(enum, scx_tg_flags);
CARRY(enum, scx_enable_state);
