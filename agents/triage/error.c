/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exits that are no stall. */
#include <string.h>

#include "agents/triage/parts.h"
#include "base/mem.h"

/* What the kernel says of errors that policies make, and what it means. */
static const struct {
	const char *says, *means;
} errors[] = {
	{"not allowed for", "a task was put on a CPU that it may not run on: "
			    "test p->cpus_ptr before"},
	{"cannot move", "a task was sent to a CPU that it may not run on, or "
			"whose migration was disabled: test p->cpus_ptr and "
			"is_migration_disabled() before"},
	{"migration disabled", "a task whose migration was disabled was sent "
			       "to another CPU"},
	{"non-existent DSQ", "a task was put into a queue that was never "
			     "created"},
	{"invalid DSQ", "a queue was named that was never created"},
	{"buffer overflow", "more tasks were inserted in one dispatch than "
			    "dispatch_max_batch allows"},
	{"already dispatched", "a task was inserted twice"},
	{"invalid CPU", "a CPU was named that is not there"},
	{"invalid cpu", "a CPU was named that is not there"},
	{"not permitted", "a function was called where it must not be"},
	{"kfunc with mask", "a function was called where it must not be"},
};

void triage_error_causes(struct triage *t)
{
	const char *m = t->dump.message, *r = t->dump.reason;
	struct triage_evidence e = {.n = 0};

	triage_see(&e, t->dump.head_line);
	triage_see(&e, t->dump.reason_line);
	if (t->task)
		triage_see(&e, t->task->line);
	if (strstr(m, "lockup") || strstr(m, "RCU CPU stall")) {
		triage_add(t, CAUSE_LOCKUP, &e, "the kernel found a lockup: %s",
			   m);
		return;
	}
	if (t->dump.has_kind ? t->dump.kind < DUMP_ERROR
			     : !strstr(r, "error")) {
		triage_add(t, CAUSE_ASKED, &e, "it was taken off: %s%s%s", r,
			   *m ? ": " : "", m);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (strstr(m, errors[i].says)) {
			triage_add(t, CAUSE_POLICY_ERROR, &e, "%s",
				   errors[i].means);
			return;
		}
	triage_add(t, CAUSE_POLICY_ERROR, &e,
		   strstr(r, "scx_bpf_error")
			   ? "the policy gave up by itself: %s"
			   : "the kernel found the policy at fault: %s",
		   *m ? m : r);
}
