/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues and CPUs of a dump, in words. */
#include <inttypes.h>
#include <stdlib.h>

#include "agents/triage/parts.h"
#include "base/mem.h"
#include "bpf/policy_abi.h"

/* The template's name of one of its queues; NULL: it has no such one. */
static char *own_name(uint64_t id)
{
	const char *who =
		id & POLICY_QUEUE_RESCUE ? "those who waited too long in " : "";

	id &= ~POLICY_QUEUE_RESCUE;
	if (id - POLICY_QUEUE_SHARED(0) < POLICY_MAX_LLCS)
		return mem_printf("%sthe shared queue of cache %d", who,
				  (int)(id - POLICY_QUEUE_SHARED(0)));
	if (id - POLICY_QUEUE_PRIVATE(0) < POLICY_MAX_CPUS)
		return mem_printf("%sthe queue of CPU %d", who,
				  (int)(id - POLICY_QUEUE_PRIVATE(0)));
	return NULL;
}

char *triage_queue_text(const struct triage *t, const struct dump_task *task)
{
	int cpu = t->dump.cpu[task->cpu].cpu;
	uint64_t id = task->dsq;
	char *name;

	if (!task->queued) {
		switch (task->ops_state) {
		case DUMP_OPSS_QUEUED:
			return mem_strdup("no queue of the kernel's: the "
					  "policy has it");
		case DUMP_OPSS_QUEUEING:
		case DUMP_OPSS_DISPATCHING:
			return mem_strdup("no queue: it is being moved");
		default:
			return mem_strdup(task->running ? "none: it runs"
							: "none");
		}
	}
	if (id == DUMP_DSQ_GLOBAL)
		return mem_strdup("the kernel's global queue");
	if (id == DUMP_DSQ_LOCAL)
		return mem_printf("the local queue of CPU %d", cpu);
	if (id == DUMP_DSQ_BYPASS)
		return mem_strdup("the kernel's bypass queue");
	if (id & DUMP_DSQ_BUILTIN) {
		if (id & DUMP_DSQ_LOCAL_ON)
			return mem_printf("the local queue of CPU %d",
					  (int)(id & 0xffff));
		return mem_printf("a queue of the kernel's, 0x%" PRIx64, id);
	}
	name = t->ours ? own_name(id) : NULL;
	return name ? name : mem_printf("the policy's queue 0x%" PRIx64, id);
}

char *triage_cpus_text(const struct dump_task *task)
{
	unsigned n = dump_allowed(task);
	struct buf b;

	if (!n)
		return mem_strdup("");
	buf_init(&b, 4096);
	buf_puts(&b, n == 1 ? "CPU " : "CPUs ");
	for (int cpu = 0, first = 1; cpu < DUMP_MAX_CPUS; cpu++) {
		int last = cpu;

		if (!dump_may_run(task, cpu))
			continue;
		while (dump_may_run(task, last + 1))
			last++;
		buf_printf(&b, first ? "%d" : ",%d", cpu);
		if (last > cpu)
			buf_printf(&b, "-%d", last);
		cpu = last;
		first = 0;
	}
	buf_puts(&b, n == 1 ? " only" : "");
	return buf_take(&b);
}

bool triage_same_queue(const struct dump_task *a, const struct dump_task *b)
{
	return a->queued && b->queued && a->dsq == b->dsq &&
	       (a->dsq != DUMP_DSQ_LOCAL || a->cpu == b->cpu);
}

const struct dump_cpu *triage_cpu(const struct dump *d, int cpu)
{
	for (size_t i = 0; i < d->cpus; i++)
		if (d->cpu[i].cpu == cpu)
			return &d->cpu[i];
	return NULL;
}

bool triage_may_run(const struct triage *t, int cpu)
{
	int at = t->dump.cpu[t->task->cpu].cpu;

	/* Whose local queue it is in decides, wherever else it may run. */
	if ((t->task->queued && t->task->dsq == DUMP_DSQ_LOCAL) ||
	    !dump_allowed(t->task) || t->task->no_mig > 0)
		return cpu == at;
	return dump_may_run(t->task, cpu);
}
