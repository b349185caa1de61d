/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Units of a task's work: how long they took. */
#include "bpf/feature_abi.h"
#include "sim/state.h"

void task_unit_done(struct sim *s, struct sim_task *t, uint32_t metric)
{
	struct sim_metric_result *m = &s->r->metrics[metric];
	uint64_t time, used, slowdown;

	m->count++;
	if (!t->begun[metric].at)
		return;
	time = s->now - (t->begun[metric].at - 1);
	used = t->sum_exec_ns - t->begun[metric].exec;
	hist_add(&m->time, time);
	slowdown = used ? time * 1000 / used : 1000;
	hist_add(&m->slowdown, slowdown);
	m->slowdown_log += (uint64_t)feature_log2(slowdown);
	t->begun[metric].at = 0;
}

void task_unit_begins(struct sim *s, struct sim_task *t,
		      const struct load_op *op)
{
	t->begun[op->obj].at = (op->n ? t->woken_at : s->now) + 1;
	t->begun[op->obj].exec = t->sum_exec_ns - (op->n ? t->burst_ns : 0);
}
