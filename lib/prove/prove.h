/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Analysis of a policy's bytecode, without running it.
 *
 * Each rule has one of three answers: proved (holds on every path, whatever
 * the kernel does), violated (a path on which it does not, named by source
 * line), unknown (too many paths, or something the analysis cannot follow;
 * said where).
 */
#ifndef SCHEDKIT_PROVE_PROVE_H
#define SCHEDKIT_PROVE_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpfvm/object.h"

enum prove_rule {
	PROVE_CUSTODY,	/* every path of enqueue inserts the task or keeps it
			   on purpose, and inserts it once */
	PROVE_DRAIN,	/* what is inserted into is drained by dispatch */
	PROVE_AFFINITY, /* local-on inserts only where the task may run */
	PROVE_BOUND,	/* every loop ends */
	PROVE_NULL,	/* tested before use */
	PROVE_WEAK,	/* weak kernel symbols are guarded */
	PROVE_SLICE,	/* never 0 or infinite without the tickless flag */
	PROVE_TIMEOUT,	/* timeout_ms set, 1 … 30000 */
	PROVE_CONTEXT,	/* no helper that may sleep, or is not for this place */
	PROVE_MEMORY,	/* constant offsets inside their object */
	PROVE_ORDER,	/* vtimes compared with wrap-around, no newest-first */
	PROVE_RULES,
};

extern const char *const prove_rule_names[PROVE_RULES];

enum prove_answer { PROVE_PROVED, PROVE_VIOLATED, PROVE_UNKNOWN };

struct prove_finding {
	enum prove_rule rule;
	enum prove_answer answer; /* violated or unknown */
	const char *file;	  /* lent from the object; NULL: no line */
	uint32_t line;
	char *text; /* what, on which path, and the way out */
};

struct prove_result {
	enum prove_answer answers[PROVE_RULES];
	struct prove_finding *findings;
	size_t count;
	uint64_t steps; /* instructions looked at */
};

struct btf;

struct prove_opts {
	uint64_t max_steps; /* 0: 2,000,000 */
	/* The types that the object was opened with: without them nothing is
	 * known of a task's members, and more answers are "unknown". */
	const struct btf *types;
	/* Names of constant variables that are set after this, ended by NULL:
	 * their values count as unknown.  NULL: none. */
	const char *const *later;
};

/* 0: out is filled (release it).  -EINVAL: no sched_ext_ops in it. */
int prove_object(const struct object *o, const struct prove_opts *opts,
		 struct prove_result *out);
void prove_result_release(struct prove_result *r);

#endif
