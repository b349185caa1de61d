/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends when a task is woken in another way than its name says: "i…" by an
 * interrupt, "t…" by a thread of its own process, "o…" by another process; or
 * when it has another leader than its process has, or none where its name
 * goes on with "+".
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define HARDIRQ_MASK 0x000f0000

extern const int __preempt_count __ksym __weak;

static char how_woken(struct task_struct *p)
{
	struct task_struct *by = bpf_get_current_task_btf();
	const int *count = NULL;

	if (bpf_ksym_exists(&__preempt_count))
		count = bpf_this_cpu_ptr(&__preempt_count);
	if (!count)
		return '?';
	if (!by->pid || *count & HARDIRQ_MASK)
		return 'i';
	return by->tgid == p->tgid ? 't' : 'o';
}

POLICY_OP("enqueue")
void BPF_PROG(wakers_enqueue, struct task_struct *p, u64 enq_flags)
{
	char how = how_woken(p);

	if (enq_flags & SCX_ENQ_WAKEUP) {
		if (p->comm[0] != how)
			scx_bpf_error("%s was woken by %c", p->comm, how);
		if (p->group_leader->pid != p->tgid &&
		    (p->comm[1] == '+' || p->group_leader != p))
			scx_bpf_error("%s has %d for %d", p->comm,
				      p->group_leader->pid, p->tgid);
	}
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops wakers = {
	.enqueue = (void *)wakers_enqueue,
	.timeout_ms = 5000,
	.name = "wakers",
};
