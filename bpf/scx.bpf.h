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
#define SCX_DSQ_LOCAL_ON   (1ULL << 63 | 1ULL << 62) /* | the CPU */
#define SCX_TASK_QUEUED	   1
#define SCX_WAKE_SYNC	   16
#define SCX_KICK_IDLE	   1
#define SCX_KICK_PREEMPT   2
#define SCX_PICK_IDLE_CORE 1
#define SCX_SLICE_DFL	   20000000ULL
#define SCX_SLICE_INF	   (~0ULL)

#define SCX_OPS_KEEP_BUILTIN_IDLE      1
#define SCX_OPS_ENQ_LAST	       2
#define SCX_OPS_ENQ_EXITING	       4
#define SCX_OPS_SWITCH_PARTIAL	       8
#define SCX_OPS_ENQ_MIGRATION_DISABLED 16

/* This one has not: ask the kernel with bpf_core_enum_value(). */
enum scx_enq_flags {
	SCX_ENQ_HEAD = 0x10,
};

#define SCX_ENQ_WAKEUP	1
#define SCX_ENQ_PREEMPT (1ULL << 32)
#define SCX_ENQ_LAST	(1ULL << 41)

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
	struct cgroup *cgroup;
} __attribute__((preserve_access_index));

struct scx_exit_task_args {
	bool cancelled;
} __attribute__((preserve_access_index));

struct scx_cgroup_init_args {
	u32 weight;
} __attribute__((preserve_access_index));

/*
 * libbpf matches members by name; what is absent here is zero there.
 */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dequeue)(struct task_struct *p, u64 deq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	void (*set_weight)(struct task_struct *p, u32 weight);
	void (*set_cpumask)(struct task_struct *p, const struct cpumask *mask);
	void (*update_idle)(s32 cpu, bool idle);
	s32 (*init_task)(struct task_struct *p,
			 struct scx_init_task_args *args);
	void (*exit_task)(struct task_struct *p,
			  struct scx_exit_task_args *args);
	void (*enable)(struct task_struct *p);
	void (*disable)(struct task_struct *p);
	s32 (*cgroup_init)(struct cgroup *cg,
			   struct scx_cgroup_init_args *args);
	void (*cgroup_exit)(struct cgroup *cg);
	void (*cgroup_move)(struct task_struct *p, struct cgroup *from,
			    struct cgroup *to);
	void (*cgroup_set_weight)(struct cgroup *cg, u32 weight);
	void (*cpu_online)(s32 cpu);
	void (*cpu_offline)(s32 cpu);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	u32 dispatch_max_batch;
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
bool scx_bpf_dsq_move_vtime(struct bpf_iter_scx_dsq *it__iter,
			    struct task_struct *p, u64 dsq_id,
			    u64 enq_flags) __ksym;
s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags,
			   bool *is_idle) __ksym;
s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, u64 flags) __ksym;
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
bool scx_bpf_task_running(const struct task_struct *p) __ksym;
struct cgroup *scx_bpf_task_cgroup(struct task_struct *p) __ksym;
u32 scx_bpf_nr_cpu_ids(void) __ksym;
const struct cpumask *scx_bpf_get_online_cpumask(void) __ksym;
void scx_bpf_put_cpumask(const struct cpumask *mask) __ksym;
const struct cpumask *scx_bpf_get_idle_cpumask(void) __ksym;
const struct cpumask *scx_bpf_get_idle_smtmask(void) __ksym;
void scx_bpf_put_idle_cpumask(const struct cpumask *mask) __ksym;
u64 scx_bpf_now(void) __ksym;
void scx_bpf_error_bstr(char *fmt, unsigned long long *data,
			u32 data__sz) __ksym;
void scx_bpf_exit_bstr(s64 exit_code, char *fmt, unsigned long long *data,
		       u32 data__sz) __ksym;

/* The policy is dropped and the text is the reason. */
#define scx_bpf_error(fmt, args...)                                       \
	({                                                                \
		static char ___fmt[] = fmt;                               \
		unsigned long long ___param[___bpf_narg(args) ?: 1] = {}; \
		_Pragma("GCC diagnostic push");                           \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"");   \
		___bpf_fill(___param, args);                              \
		_Pragma("GCC diagnostic pop");                            \
		scx_bpf_error_bstr(___fmt, ___param, sizeof(___param));   \
	})

/* The policy leaves by itself: no fault of its own. */
#define scx_bpf_exit(code, fmt, args...)                                     \
	({                                                                   \
		static char ___fmt[] = fmt;                                  \
		unsigned long long ___param[___bpf_narg(args) ?: 1] = {};    \
		_Pragma("GCC diagnostic push");                              \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"");      \
		___bpf_fill(___param, args);                                 \
		_Pragma("GCC diagnostic pop");                               \
		scx_bpf_exit_bstr(code, ___fmt, ___param, sizeof(___param)); \
	})

/* 6.17 and later. */
s32 scx_bpf_select_cpu_and(struct task_struct *p, s32 prev_cpu, u64 wake_flags,
			   const struct cpumask *cpus_allowed,
			   u64 flags) __ksym __weak;
/* 6.18 and later. */
struct task_struct *scx_bpf_cpu_curr(s32 cpu) __ksym __weak;
/* 6.19 and later; before, the members are written directly. */
bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice) __ksym __weak;
bool scx_bpf_task_set_dsq_vtime(struct task_struct *p, u64 vtime) __ksym __weak;

bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_first(const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_weight(const struct cpumask *cpumask) __ksym;
bool bpf_cpumask_empty(const struct cpumask *cpumask) __ksym;
u32 bpf_cpumask_any_distribute(const struct cpumask *cpumask) __ksym;
struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym;
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *cpumask) __ksym;
void bpf_cpumask_clear_cpu(u32 cpu, struct bpf_cpumask *cpumask) __ksym;
bool bpf_cpumask_and(struct bpf_cpumask *dst, const struct cpumask *a,
		     const struct cpumask *b) __ksym;

struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
void bpf_cgroup_release(struct cgroup *cg) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

void *bpf_obj_new_impl(u64 local_type_id, void *meta) __ksym;
void bpf_obj_drop_impl(void *p, void *meta) __ksym;
#define bpf_obj_new(type) \
	((type *)bpf_obj_new_impl(bpf_core_type_id_local(type), NULL))
#define bpf_obj_drop(p) bpf_obj_drop_impl(p, NULL)
int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			bool(less)(struct bpf_rb_node *a,
				   const struct bpf_rb_node *b),
			void *meta, u64 off) __ksym;
#define bpf_rbtree_add(root, node, less) \
	bpf_rbtree_add_impl(root, node, less, NULL, 0)
struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;
struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root,
				      struct bpf_rb_node *node) __ksym;

static inline void set_slice(struct task_struct *p, u64 ns)
{
	if (bpf_ksym_exists(scx_bpf_task_set_slice))
		scx_bpf_task_set_slice(p, ns);
	else
		p->scx.slice = ns;
}

static inline void set_vtime(struct task_struct *p, u64 vtime)
{
	if (bpf_ksym_exists(scx_bpf_task_set_dsq_vtime))
		scx_bpf_task_set_dsq_vtime(p, vtime);
	else
		p->scx.dsq_vtime = vtime;
}

/* The iterator inside bpf_for_each(). */
#define BPF_FOR_EACH_ITER (&___it)

#define POLICY_OP(name)		  SEC("struct_ops/" name)
#define POLICY_OP_SLEEPABLE(name) SEC("struct_ops.s/" name)

#endif
