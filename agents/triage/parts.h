/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the triage share. */
#ifndef SCHEDKIT_AGENTS_TRIAGE_PARTS_H
#define SCHEDKIT_AGENTS_TRIAGE_PARTS_H

#include "agents/triage/triage.h"
#include "history/catalog.h"
#include "scx/dump.h"

/* What may have been the matter; cause.c has the words. */
enum triage_cause {
	CAUSE_ASKED, /* nothing was: it was taken off on purpose */
	CAUSE_POLICY_ERROR,
	CAUSE_LOCKUP,
	CAUSE_RT_HOG,
	CAUSE_DEFAULT_CLASS,
	CAUSE_LATE_TICK,
	CAUSE_NEVER_INSERTED,
	CAUSE_LONG_TURNS,
	CAUSE_PASSED_OVER,
	CAUSE_PINNED,
	CAUSE_KTHREAD,
	CAUSE_UNDRAINED,
	CAUSE_IDLE_CPU,
	CAUSE_UNKNOWN,
	CAUSE_COUNT,
};

struct triage {
	struct dump dump;
	const struct dump_task *task; /* who waited; NULL: not in the dump */
	bool ours;		      /* the template's queues have names */
	struct json *causes;	      /* the likeliest first */
	enum triage_cause cause;      /* that one; CAUSE_COUNT: none so far */
};

/* ---- queue.c ----------------------------------------------------- */

/* "the queue of CPU 1 alone"; t may be in none.  The caller's. */
char *triage_queue_text(const struct triage *t, const struct dump_task *task);
/* "CPU 1 only", "CPUs 0-3"; "" where the dump does not say.  The caller's. */
char *triage_cpus_text(const struct dump_task *task);
bool triage_same_queue(const struct dump_task *a, const struct dump_task *b);
/* The part of the dump about a CPU; NULL: none, so it was idle or is off. */
const struct dump_cpu *triage_cpu(const struct dump *d, int cpu);
/* Where it may run, or, unless the dump says so, the CPU it stands at. */
bool triage_may_run(const struct triage *t, int cpu);

/* ---- cause.c ----------------------------------------------------- */

/* Lines that a cause was found by; ends with DUMP_NO_LINE. */
#define TRIAGE_EVIDENCE 6

struct triage_evidence {
	size_t line[TRIAGE_EVIDENCE];
	size_t n;
};

void triage_see(struct triage_evidence *e, size_t line);
/* Adds a cause; the first one is the likeliest. */
void triage_add(struct triage *t, enum triage_cause c,
		const struct triage_evidence *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Fills causes and cause. */
void triage_causes(struct triage *t);

/* ---- error.c ----------------------------------------------------- */

/* The same of an exit that is no stall. */
void triage_error_causes(struct triage *t);

/* ---- change.c ---------------------------------------------------- */

/* The last exit of a policy that the history has a dump of: 1 and *body, the
 * deployment's, the caller's; 0. */
int triage_recall(struct history *h, const struct catalog *c, const char *id,
		  struct json **body);

/*
 * What became different with this policy, an object for "change"; NULL: the
 * history says nothing of what was before it.
 */
struct json *triage_change(struct history *h, const struct catalog *c,
			   const struct doc *policy, enum triage_cause cause);

#endif
