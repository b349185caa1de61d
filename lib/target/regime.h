/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy is around one command, whatever its form: set up before it,
 * taken down after it, and what it had to say.  For runner.c.
 */
#ifndef SCHEDKIT_TARGET_REGIME_H
#define SCHEDKIT_TARGET_REGIME_H

#include <sys/types.h>

#include "base/ticker.h"
#include "policy/form.h"
#include "target/runner.h"
#include "trace/context.h"

struct regime {
	enum policy_form form; /* FORM_UNKNOWN: the kernel's own */
	struct ext_policy *ext;
	struct ticker *ticker; /* tells ext the context, if it has a model */
	struct context context;
	struct knob_run *knobs;
	struct external_run *external;
	char *trouble; /* why regime_take() failed; NULL: it did not */
};

/* Other than 0: r says that the policy was refused, or dropped at once, and
 * why. */
int regime_start(struct regime *g, const struct run_job *j,
		 struct run_result *r);

/* The command was forked and has not executed anything. */
void regime_take(struct regime *g, const struct run_job *j, pid_t pid);

/* Takes it down; r learns what became of the policy. */
void regime_stop(struct regime *g, struct run_result *r);

#endif
