/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated kernel's types, as far as lib/sim keeps them true.
 *
 * Read twice: by bpf/simkernel.bpf.c, whose BTF is what policies are relocated
 * against, and by lib/sim, which lays the very bytes out.  There a pointer is
 * the VM's address and every name has kernel_ before it.
 *
 * A member stands here only if the simulator maintains it: a policy that asks
 * for another one is told so when it is loaded.  What came to the kernel later
 * than 6.12 is hidden by lib/sim/kernel.c from older ones.
 */
#ifndef SCHEDKIT_SIMKERNEL_ABI_H
#define SCHEDKIT_SIMKERNEL_ABI_H

#ifdef __bpf__
#define KERNEL(name)  name
#define POINTER(type) type *
#define HOST_LEN(n)
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef int int32_t;
typedef long long int64_t;
#define bool _Bool
#else
#include <stdbool.h>
#include <stdint.h>
#define KERNEL(name)  kernel_##name
#define POINTER(type) uint64_t
#define HOST_LEN(n)   n
#endif

#define KERNEL_MAX_CPUS	    512
#define KERNEL_CGROUP_DEPTH 32
#define KERNEL_COMM_LEN	    16

/* include/linux/sched.h and kernel/sched/sched.h; not in BTF there either */
#define KERNEL_PF_IDLE		 0x00000002
#define KERNEL_PF_EXITING	 0x00000004
#define KERNEL_PF_KTHREAD	 0x00200000
#define KERNEL_PF_NO_SETAFFINITY 0x04000000
#define KERNEL_RUNNING		 0x0000
#define KERNEL_INTERRUPTIBLE	 0x0001
#define KERNEL_DEAD		 0x0080
#define KERNEL_NEW		 0x0800
#define KERNEL_EXIT_DEAD	 0x0010

/* ---- numbers ---------------------------------------------------------- */

enum KERNEL(scx_public_consts) {
	SCX_OPS_NAME_LEN = 128,
	SCX_SLICE_DFL = 20000000,
	SCX_SLICE_BYPASS = 5000000,
	SCX_SLICE_INF = 0xffffffffffffffffULL,
};

enum KERNEL(scx_consts) {
	SCX_DSP_DFL_MAX_BATCH = 32,
	SCX_DSP_MAX_LOOPS = 32,
	SCX_WATCHDOG_MAX_TIMEOUT = 30000,
	SCX_EXIT_BT_LEN = 64,
	SCX_EXIT_MSG_LEN = 1024,
	SCX_EXIT_DUMP_DFL_LEN = 32768,
	SCX_CPUPERF_ONE = 1024,
	SCX_TASK_ITER_BATCH = 32,
};

enum KERNEL(scx_exit_kind) {
	SCX_EXIT_NONE,
	SCX_EXIT_DONE,
	SCX_EXIT_UNREG = 64,
	SCX_EXIT_UNREG_BPF,
	SCX_EXIT_UNREG_KERN,
	SCX_EXIT_SYSRQ,
	SCX_EXIT_PARENT,
	SCX_EXIT_ERROR = 1024,
	SCX_EXIT_ERROR_BPF,
	SCX_EXIT_ERROR_STALL,
};

enum KERNEL(scx_exit_code) {
	SCX_ECODE_RSN_HOTPLUG = 1ULL << 32,
	SCX_ECODE_RSN_CGROUP_OFFLINE = 2ULL << 32,
	SCX_ECODE_ACT_RESTART = 1ULL << 48,
};

enum KERNEL(scx_exit_flags) {
	SCX_EFLAG_INITIALIZED = 1,
};

enum KERNEL(scx_ops_flags) {
	SCX_OPS_KEEP_BUILTIN_IDLE = 1 << 0,
	SCX_OPS_ENQ_LAST = 1 << 1,
	SCX_OPS_ENQ_EXITING = 1 << 2,
	SCX_OPS_SWITCH_PARTIAL = 1 << 3,
	SCX_OPS_ENQ_MIGRATION_DISABLED = 1 << 4,
	SCX_OPS_ALLOW_QUEUED_WAKEUP = 1 << 5,
	SCX_OPS_BUILTIN_IDLE_PER_NODE = 1 << 6,
	SCX_OPS_ALWAYS_ENQ_IMMED = 1 << 7,
	SCX_OPS_HAS_CGROUP_WEIGHT = 1 << 16,
	SCX_OPS_ALL_FLAGS = 0x7f,
	__SCX_OPS_INTERNAL_MASK = 0xffULL << 56,
	SCX_OPS_HAS_CPU_PREEMPT = 1ULL << 56,
};

enum KERNEL(scx_ent_flags) {
	SCX_TASK_QUEUED = 1 << 0,
	SCX_TASK_IN_CUSTODY = 1 << 1,
	SCX_TASK_RESET_RUNNABLE_AT = 1 << 2,
	SCX_TASK_DEQD_FOR_SLEEP = 1 << 3,
	SCX_TASK_STATE_SHIFT = 8,
	SCX_TASK_STATE_BITS = 2,
	SCX_TASK_STATE_MASK = 3 << 8,
	SCX_TASK_CURSOR = 1U << 31,
};

enum KERNEL(scx_task_state) {
	SCX_TASK_NONE,
	SCX_TASK_INIT,
	SCX_TASK_READY,
	SCX_TASK_ENABLED,
	SCX_TASK_NR_STATES,
};

enum KERNEL(scx_ent_dsq_flags) {
	SCX_TASK_DSQ_ON_PRIQ = 1,
};

enum KERNEL(scx_dsq_id_flags) {
	SCX_DSQ_FLAG_BUILTIN = 1ULL << 63,
	SCX_DSQ_FLAG_LOCAL_ON = 1ULL << 62,
	SCX_DSQ_INVALID = 1ULL << 63,
	SCX_DSQ_GLOBAL = 1ULL << 63 | 1,
	SCX_DSQ_LOCAL = 1ULL << 63 | 2,
	SCX_DSQ_BYPASS = 1ULL << 63 | 3,
	SCX_DSQ_LOCAL_ON = 3ULL << 62,
	SCX_DSQ_LOCAL_CPU_MASK = 0xffffffffU,
};

/* HEAD and CPU_SELECTED: before 6.19 0x10 and 0x400. */
enum KERNEL(scx_enq_flags) {
	SCX_ENQ_WAKEUP = 1,
	SCX_ENQ_HEAD = 1 << 16,
	SCX_ENQ_CPU_SELECTED = 1 << 20,
	SCX_ENQ_PREEMPT = 1ULL << 32,
	SCX_ENQ_IMMED = 1ULL << 33,
	SCX_ENQ_REENQ = 1ULL << 40,
	SCX_ENQ_LAST = 1ULL << 41,
	__SCX_ENQ_INTERNAL_MASK = 0xffULL << 56,
	SCX_ENQ_CLEAR_OPSS = 1ULL << 56,
	SCX_ENQ_DSQ_PRIQ = 1ULL << 57,
	SCX_ENQ_NESTED = 1ULL << 58,
};

enum KERNEL(scx_deq_flags) {
	SCX_DEQ_SLEEP = 1,
	SCX_DEQ_CORE_SCHED_EXEC = 1ULL << 32,
	SCX_DEQ_SCHED_CHANGE = 1ULL << 33,
};

enum KERNEL(scx_wake_flags) {
	SCX_WAKE_FORK = 4,
	SCX_WAKE_TTWU = 8,
	SCX_WAKE_SYNC = 16,
};

enum KERNEL(scx_kick_flags) {
	SCX_KICK_IDLE = 1,
	SCX_KICK_PREEMPT = 2,
	SCX_KICK_WAIT = 4,
};

enum KERNEL(scx_pick_idle_cpu_flags) {
	SCX_PICK_IDLE_CORE = 1,
	SCX_PICK_IDLE_IN_NODE = 2,
};

enum KERNEL(scx_dsq_iter_flags) {
	SCX_DSQ_ITER_REV = 1 << 16,
	__SCX_DSQ_ITER_HAS_SLICE = 1 << 30,
	__SCX_DSQ_ITER_HAS_VTIME = 1U << 31,
	__SCX_DSQ_ITER_USER_FLAGS = 1 << 16,
	__SCX_DSQ_ITER_ALL_FLAGS = 0xc0010000U,
};

enum KERNEL(scx_dsq_lnode_flags) {
	SCX_DSQ_LNODE_ITER_CURSOR = 1,
	__SCX_DSQ_LNODE_PRIV_SHIFT = 16,
};

enum KERNEL(scx_ops_state) {
	SCX_OPSS_NONE,
	SCX_OPSS_QUEUEING,
	SCX_OPSS_QUEUED,
	SCX_OPSS_DISPATCHING,
	SCX_OPSS_QSEQ_SHIFT = 2,
};

enum KERNEL(scx_rq_flags) {
	SCX_RQ_ONLINE = 1,
	SCX_RQ_CAN_STOP_TICK = 2,
	SCX_RQ_BAL_PENDING = 4,
	SCX_RQ_BAL_KEEP = 8,
	SCX_RQ_BYPASSING = 16,
	SCX_RQ_CLK_VALID = 32,
	SCX_RQ_IN_WAKEUP = 1 << 16,
	SCX_RQ_IN_BALANCE = 1 << 17,
};

enum KERNEL(scx_tg_flags) {
	SCX_TG_ONLINE = 1,
	SCX_TG_INITED = 2,
};

enum KERNEL(scx_cpu_preempt_reason) {
	SCX_CPU_PREEMPT_RT,
	SCX_CPU_PREEMPT_DL,
	SCX_CPU_PREEMPT_STOP,
	SCX_CPU_PREEMPT_UNKNOWN,
};

enum KERNEL(scx_enable_state) {
	SCX_ENABLING,
	SCX_ENABLED,
	SCX_DISABLING,
	SCX_DISABLED,
};

/* ---- tasks ------------------------------------------------------------ */

struct KERNEL(cgroup);
struct KERNEL(task_struct);
struct KERNEL(rq);

struct KERNEL(cpumask) {
	uint64_t bits[KERNEL_MAX_CPUS / 64];
};

struct KERNEL(bpf_cpumask) {
	struct KERNEL(cpumask) cpumask;
	uint32_t usage;
};

struct KERNEL(thread_info) {
	uint64_t flags;
	uint32_t status;
	uint32_t cpu;
};

struct KERNEL(load_weight) {
	uint64_t weight;
	uint32_t inv_weight;
};

struct KERNEL(sched_entity) {
	struct KERNEL(load_weight) load;
	uint64_t vruntime;
	uint64_t exec_start;
	uint64_t sum_exec_runtime;
	uint64_t prev_sum_exec_runtime;
	uint64_t nr_migrations;
	uint64_t slice;
	uint8_t on_rq;
	uint8_t sched_delayed;
};

/* A dispatch queue; who waits in it is seen with the iterator only. */
struct KERNEL(scx_dispatch_q) {
	uint32_t nr;
	uint32_t seq;
	uint64_t id;
};

struct KERNEL(sched_ext_entity) {
	POINTER(struct KERNEL(scx_dispatch_q)) dsq;
	uint32_t dsq_seq;
	uint32_t dsq_flags;
	uint32_t flags;
	uint32_t weight;
	int32_t sticky_cpu;
	int32_t holding_cpu;
	int32_t selected_cpu;
	uint32_t pad;
	uint64_t ops_state;
	uint64_t runnable_at;
	uint64_t core_sched_at;
	uint64_t ddsp_dsq_id;
	uint64_t ddsp_enq_flags;
	uint64_t slice;
	uint64_t dsq_vtime;
	bool disallow;
};

struct KERNEL(super_block) {
	uint32_t s_dev;
};

struct KERNEL(inode) {
	uint64_t i_ino;
	POINTER(struct KERNEL(super_block)) i_sb;
};

struct KERNEL(file) {
	POINTER(struct KERNEL(inode)) f_inode;
};

/* Lies in user memory: the arguments are read with bpf_probe_read_user.  What
 * is executed is no file here. */
struct KERNEL(mm_struct) {
	uint64_t arg_start;
	uint64_t arg_end;
	uint64_t env_start;
	uint64_t env_end;
	POINTER(struct KERNEL(task_struct)) owner;
	POINTER(struct KERNEL(file)) exe_file;
};

struct KERNEL(kuid) {
	uint32_t val;
};

struct KERNEL(cred) {
	struct KERNEL(kuid) uid, gid, euid, egid;
};

struct KERNEL(signal_struct) {
	int32_t nr_threads;
};

struct KERNEL(kernfs_node) {
	uint64_t id;
	POINTER(const char) name;
	POINTER(struct KERNEL(kernfs_node)) parent;
};

struct KERNEL(cgroup_subsys_state) {
	POINTER(struct KERNEL(cgroup)) cgroup;
	POINTER(struct KERNEL(cgroup_subsys_state)) parent;
	uint64_t serial_nr;
	int32_t id;
};

struct KERNEL(cgroup) {
	struct KERNEL(cgroup_subsys_state) self;
	int32_t level;
	int32_t nr_descendants;
	POINTER(struct KERNEL(kernfs_node)) kn;
	POINTER(struct KERNEL(cgroup)) ancestors[HOST_LEN(KERNEL_CGROUP_DEPTH)];
};

struct KERNEL(css_set) {
	POINTER(struct KERNEL(cgroup)) dfl_cgrp;
};

struct KERNEL(task_group) {
	struct KERNEL(cgroup_subsys_state) css;
	uint64_t shares;
	uint32_t scx_flags;
	uint32_t scx_weight;
};

struct KERNEL(task_struct) {
	struct KERNEL(thread_info) thread_info;
	uint32_t __state;
	uint32_t flags;
	int32_t on_cpu;
	int32_t recent_used_cpu;
	int32_t wake_cpu;
	int32_t on_rq;
	int32_t prio;
	int32_t static_prio;
	int32_t normal_prio;
	uint32_t rt_priority;
	struct KERNEL(sched_entity) se;
	struct KERNEL(sched_ext_entity) scx;
	POINTER(struct KERNEL(task_group)) sched_task_group;
	uint32_t policy;
	int32_t nr_cpus_allowed;
	POINTER(const struct KERNEL(cpumask)) cpus_ptr;
	POINTER(struct KERNEL(cpumask)) user_cpus_ptr;
	struct KERNEL(cpumask) cpus_mask;
	uint16_t migration_disabled;
	int32_t exit_state;
	int32_t exit_code;
	uint32_t in_iowait : 1;
	uint32_t in_execve : 1;
	int32_t pid;
	int32_t tgid;
	POINTER(struct KERNEL(mm_struct)) mm;
	POINTER(struct KERNEL(mm_struct)) active_mm;
	POINTER(struct KERNEL(task_struct)) real_parent;
	POINTER(struct KERNEL(task_struct)) parent;
	POINTER(struct KERNEL(task_struct)) group_leader;
	uint64_t utime;
	uint64_t nvcsw;
	uint64_t nivcsw;
	uint64_t start_time;
	uint64_t start_boottime;
	POINTER(const struct KERNEL(cred)) real_cred;
	POINTER(const struct KERNEL(cred)) cred;
	char comm[KERNEL_COMM_LEN];
	POINTER(struct KERNEL(signal_struct)) signal;
	POINTER(struct KERNEL(css_set)) cgroups;
};

struct KERNEL(linux_binprm) {
	POINTER(struct KERNEL(mm_struct)) mm;
	int32_t argc, envc;
	POINTER(const char) filename;
	POINTER(const char) interp;
};

struct KERNEL(scx_rq) {
	struct KERNEL(scx_dispatch_q) local_dsq;
	uint32_t nr_running;
	uint32_t cpuperf_target;
	uint32_t flags;
	bool cpu_released;
};

struct KERNEL(rq) {
	uint32_t nr_running;
	int32_t cpu;
	POINTER(struct KERNEL(task_struct)) curr;
	POINTER(struct KERNEL(task_struct)) idle;
	uint64_t clock;
	struct KERNEL(scx_rq) scx;
};

/* ---- what callbacks and kfuncs are given ------------------------------ */

struct KERNEL(scx_exit_info) {
	enum KERNEL(scx_exit_kind) kind;
	int64_t exit_code;
	uint64_t flags;
	POINTER(const char) reason;
	POINTER(uint64_t) bt;
	uint32_t bt_len;
	POINTER(char) msg;
	POINTER(char) dump;
};

struct KERNEL(scx_init_task_args) {
	bool fork;
	POINTER(struct KERNEL(cgroup)) cgroup;
};

struct KERNEL(scx_exit_task_args) {
	bool cancelled;
};

struct KERNEL(scx_cgroup_init_args) {
	uint32_t weight;
	uint64_t bw_period_us;
	uint64_t bw_quota_us;
	uint64_t bw_burst_us;
};

struct KERNEL(scx_cpu_acquire_args) {
#ifndef __bpf__
	uint8_t none; /* C has no empty struct */
#endif
};

struct KERNEL(scx_cpu_release_args) {
	enum KERNEL(scx_cpu_preempt_reason) reason;
	POINTER(struct KERNEL(task_struct)) task;
};

struct KERNEL(scx_dump_ctx) {
	enum KERNEL(scx_exit_kind) kind;
	int64_t exit_code;
	POINTER(const char) reason;
	uint64_t at_ns;
	uint64_t at_jiffies;
};

/* 6.19 */
struct KERNEL(scx_bpf_select_cpu_and_args) {
	int32_t prev_cpu;
	uint64_t wake_flags;
	uint64_t flags;
};

struct KERNEL(scx_bpf_dsq_insert_vtime_args) {
	uint64_t dsq_id;
	uint64_t slice;
	uint64_t vtime;
	uint64_t enq_flags;
};

struct KERNEL(scx_event_stats) {
	int64_t SCX_EV_SELECT_CPU_FALLBACK;
	int64_t SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE;
	int64_t SCX_EV_DISPATCH_KEEP_LAST;
	int64_t SCX_EV_ENQ_SKIP_EXITING;
	int64_t SCX_EV_ENQ_SKIP_MIGRATION_DISABLED;
	int64_t SCX_EV_REFILL_SLICE_DFL;
	int64_t SCX_EV_BYPASS_DURATION;
	int64_t SCX_EV_BYPASS_DISPATCH;
	int64_t SCX_EV_BYPASS_ACTIVATE;
	int64_t SCX_EV_INSERT_NOT_OWNED;
};

struct KERNEL(bpf_iter_scx_dsq) {
	uint64_t __opaque[6];
} __attribute__((aligned(8)));

#endif
