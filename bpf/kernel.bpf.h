/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's types as far as our BPF programs look at them.
 *
 * Only the members named here are known; the loader moves each access to
 * where the running kernel keeps it (CO-RE), so order and gaps do not matter.
 * To read another member: add it here with the kernel's name and type.
 */
#ifndef SCHEDKIT_BPF_KERNEL_BPF_H
#define SCHEDKIT_BPF_KERNEL_BPF_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s8 int8_t;
typedef __s16 int16_t;
typedef __s32 int32_t;
typedef __s64 int64_t;

#define bool _Bool
#define true 1
#define false 0
#define NULL ((void *)0)

/* From include/uapi/linux/bpf.h; the numbers are ABI. */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_MAP_TYPE_CGRP_STORAGE = 32,
};
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { BPF_F_NO_PREALLOC = 1U << 0 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1U << 0 };

struct bpf_spin_lock {
	__u32 val;
};

struct bpf_timer {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_head {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_node {
	__u64 __opaque[3];
} __attribute__((aligned(8)));

struct bpf_rb_root {
	__u64 __opaque[2];
} __attribute__((aligned(8)));

struct bpf_rb_node {
	__u64 __opaque[4];
} __attribute__((aligned(8)));

/* include/linux/sched.h */
#define PF_WQ_WORKER	     0x00000020
#define PF_KTHREAD	     0x00200000
#define TASK_RUNNING	     0x00000000
#define TASK_INTERRUPTIBLE   0x00000001
#define TASK_UNINTERRUPTIBLE 0x00000002
#define TASK_NOLOAD	     0x00000400
#define TASK_COMM_LEN	     16
#define NICE_0_PRIO	     120

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
	int level;
	struct cgroup *ancestors[];
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct super_block {
	u32 s_dev;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
};

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
};

struct linux_binprm {
	const char *filename;
	const char *interp;
};

struct cpumask {
	unsigned long bits[1];
};

struct bpf_cpumask {
	struct cpumask cpumask;
};

struct sched_entity {
	u64 sum_exec_runtime;
	u64 vruntime;
	unsigned char sched_delayed;
};

struct sched_ext_entity {
	u32 flags;
	u32 weight;
	s32 sticky_cpu;
	u64 slice;
	u64 dsq_vtime;
	bool disallow;
};

struct task_group {
	unsigned long shares;
};

struct task_struct {
	unsigned int __state;
	unsigned int flags;
	/* One byte from 7.3 on: the loader adapts to that if unsigned. */
	unsigned int on_cpu;
	unsigned int on_rq;
	int prio;
	int static_prio;
	int normal_prio;
	unsigned int rt_priority;
	struct sched_entity se;
	struct sched_ext_entity scx;
	unsigned int policy;
	int nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	struct mm_struct *mm;
	int exit_state;
	unsigned in_iowait : 1;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	u64 start_time;
	const struct cred *cred;
	char comm[TASK_COMM_LEN];
	struct css_set *cgroups;
	struct task_group *sched_task_group;
	unsigned short migration_disabled;
};

#pragma clang attribute pop

#endif
