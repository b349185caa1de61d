/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What feature_abi.h leaves to its user to find out, asked of the kernel:
 * the same for who records bursts and for who foretells them.
 */
#ifndef SCHEDKIT_BPF_FEATURE_BPF_H
#define SCHEDKIT_BPF_FEATURE_BPF_H

#include "kernel.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "feature_abi.h"

static __always_inline u64 cgroup_of(struct task_struct *p)
{
	return BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, id);
}

static __always_inline u8 kind_of(const struct task_struct *p)
{
	if (p->flags & PF_KTHREAD)
		return FEATURE_KERNEL;
	return p->pid == p->tgid ? FEATURE_PROCESS : FEATURE_THREAD;
}

/* Shares are 2^20 (2^10 on 32 bits) at the usual weight. */
static __always_inline s16 group_weight_of(struct task_struct *p)
{
	u64 shares;

	if (!bpf_core_field_exists(p->sched_task_group) ||
	    !bpf_core_field_exists(p->sched_task_group->shares))
		return 0;
	shares = BPF_CORE_READ(p, sched_task_group, shares);
	if (shares < 1 << 17)
		shares <<= 10;
	return feature_weight(shares, 1 << 20);
}

/* Who wakes p: by runs here, or is what an interrupt interrupted. */
static __always_inline enum feature_waker waker_kind(
	const struct task_struct *p, const struct task_struct *by,
	bool interrupt)
{
	if (!by->pid || interrupt)
		return FEATURE_BY_INTERRUPT;
	if (by->flags & PF_KTHREAD)
		return FEATURE_BY_KERNEL;
	return by->tgid == p->tgid ? FEATURE_BY_THREAD : FEATURE_BY_OTHER;
}

static __always_inline void tell_task(struct feature_task *f,
				      struct task_struct *p)
{
	f->nice = p->static_prio - NICE_0_PRIO;
	f->kind = kind_of(p);
	f->weight = group_weight_of(p);
}

#endif
