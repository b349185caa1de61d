/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream of events, if one is asked for; user space drains it in time. */
#ifndef SCHEDKIT_BPF_OBSERVE_TRACE_BPF_H
#define SCHEDKIT_BPF_OBSERVE_TRACE_BPF_H

#include "kernel.bpf.h"

#include <bpf/bpf_helpers.h>

#include "observe_abi.h"
#include "trace_abi.h"

const volatile struct observe_config config;
struct observe_state state;

/* User space makes it large when it is wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} trace SEC(".maps");

#define RB_NO_WAKEUP 1

/* how: enum trace_what, flags << 8, nice << 16 */
static __noinline int trace_put(u32 pid, u32 other, u64 value, u32 how)
{
	struct trace_record *r;

	if (!state.live)
		return 0;
	r = bpf_ringbuf_reserve(&trace, sizeof(*r), 0);
	if (!r) {
		__sync_fetch_and_add(&state.trace_drops, 1);
		return 0;
	}
	r->at = bpf_ktime_get_ns();
	r->value = value;
	r->pid = pid;
	r->other = other;
	r->cpu = (u16)bpf_get_smp_processor_id();
	r->what = (u8)how;
	r->flags = (u8)(how >> 8);
	r->nice = (s8)(how >> 16);
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	bpf_ringbuf_submit(r, RB_NO_WAKEUP);
	return 0;
}

static __always_inline void trace_switch(struct task_struct *p, u32 what,
					 u32 flags)
{
	u32 nice = (u8)(p->static_prio - NICE_0_PRIO);

	if (config.trace)
		trace_put(p->pid, 0, p->se.sum_exec_runtime,
			  what | flags << 8 | nice << 16);
}

static __always_inline void trace_event(u32 pid, u32 other, u64 value, u32 how)
{
	if (config.trace)
		trace_put(pid, other, value, how);
}

static __always_inline void trace_name(struct task_struct *p, const char *comm)
{
	u32 kernel = p->flags & PF_KTHREAD ? REC_KERNEL : 0;
	u64 name[TASK_COMM_LEN / 8] = {};

	if (!config.trace)
		return;
	bpf_probe_read_kernel_str(name, sizeof(name), comm);
	trace_put(p->pid, 0, name[0], REC_NAME | kernel << 8);
	trace_put(p->pid, 0, name[1], REC_NAME | (kernel | REC_SECOND) << 8);
}

#endif
