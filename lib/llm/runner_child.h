/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ends of a runner.  Private to runner.c and runner_child.c. */
#ifndef SCHEDKIT_LLM_RUNNER_CHILD_H
#define SCHEDKIT_LLM_RUNNER_CHILD_H

#include <stdint.h>

#include "llm/runner.h"

#define RUNNER_RUN	  'R'
#define RUNNER_STOP	  'S'
#define RUNNER_MAX_PROMPT (64u << 20)

/*
 * Down: RUNNER_RUN, a uint64_t and as many bytes; RUNNER_STOP ends what runs.
 * Up: this, then both texts.
 */
struct runner_reply {
	int32_t failure;     /* errno; 0: it ended by itself */
	int32_t exit_status; /* as a shell reports it */
	uint64_t out_len, err_len;
};

/* Serves fd until it is closed. */
void runner_child(const struct runner_spec *s, int fd)
	__attribute__((noreturn));

#endif
