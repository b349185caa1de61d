/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue, first come first served, with the constants of the template so
 * that it is loaded like it, and its dead-man's switch.  All is well until a
 * task called "victim" comes.  Includers say what becomes of it:
 *
 *   FORGET    it is never run
 *   ERROR     the policy says that it is in error
 *   NO_QUEUE  it is put into a queue that is not there
 *   NO_CPU    it is put on a CPU that is not there
 *   LEAVE     the policy takes itself off
 *   NO_INIT   nothing: the policy cannot even begin
 *   UNCHECKED nothing: the kernel's verifier does not take the policy
 */
#ifndef SCHEDKIT_POLICIES_FAULTY_BPF_H
#define SCHEDKIT_POLICIES_FAULTY_BPF_H

#include "bpf/scx.bpf.h"
#include "bpf/policy_abi.h"
#include "bpf/beat.bpf.h"

char _license[] SEC("license") = "GPL";

#define SHARED	  0
#define FORGOTTEN 1
#define NOWHERE	  12345

const volatile struct policy_params params;
const volatile u64 longest_ns;
const volatile u32 nr_cpus;
const volatile u32 nr_llcs;
const volatile u32 cpu_llc[POLICY_MAX_CPUS];

/* Read by the holder after the end. */
struct policy_exit ended;

static bool is_victim(const struct task_struct *p)
{
	return p->comm[0] == 'v' && p->comm[1] == 'i' && p->comm[2] == 'c';
}

/* Where the victim goes. */
static u64 queue_of_victim(void)
{
#ifdef ERROR
	scx_bpf_error("a victim has come");
#endif
#ifdef LEAVE
	scx_bpf_exit(7, "that is all");
#endif
#if defined(FORGET)
	return FORGOTTEN;
#elif defined(NO_QUEUE)
	return NOWHERE;
#elif defined(NO_CPU)
	return SCX_DSQ_LOCAL_ON | 4000;
#else
	return SHARED;
#endif
}

POLICY_OP("select_cpu")
s32 BPF_PROG(faulty_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	bool idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev, wake_flags, &idle);

	if (idle && !is_victim(p))
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, 0);
	return cpu;
}

POLICY_OP("enqueue")
void BPF_PROG(faulty_enqueue, struct task_struct *p, u64 enq_flags)
{
#ifdef UNCHECKED
	p->flags = 0;
#endif
	scx_bpf_dsq_insert(p, is_victim(p) ? queue_of_victim() : SHARED,
			   SCX_SLICE_DFL, enq_flags);
}

POLICY_OP("dispatch")
void BPF_PROG(faulty_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED);
}

POLICY_OP_SLEEPABLE("init")
s32 BPF_PROG(faulty_init)
{
	s32 rc = scx_bpf_create_dsq(SHARED, -1);

	if (!rc)
		rc = scx_bpf_create_dsq(FORGOTTEN, -1);
#ifdef NO_INIT
	return -12; /* ENOMEM */
#endif
	return rc ? rc : heart_start();
}

POLICY_OP("exit")
void BPF_PROG(faulty_exit, struct scx_exit_info *ei)
{
	bpf_probe_read_kernel_str(ended.reason, sizeof(ended.reason),
				  ei->reason);
	bpf_probe_read_kernel_str(ended.message, sizeof(ended.message),
				  ei->msg);
	ended.code = ei->exit_code;
	ended.kind = ei->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops faulty = {
	.select_cpu = (void *)faulty_select_cpu,
	.enqueue = (void *)faulty_enqueue,
	.dispatch = (void *)faulty_dispatch,
	.init = (void *)faulty_init,
	.exit = (void *)faulty_exit,
	.timeout_ms = 30000,
	.name = "faulty",
};

#endif
