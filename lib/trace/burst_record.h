/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing bursts, lib/burst, as they come out of the kernel, and telling it of
 * the machine meanwhile; private to lib/trace.
 */
#ifndef SCHEDKIT_TRACE_BURST_RECORD_H
#define SCHEDKIT_TRACE_BURST_RECORD_H

#include "bpf/observe_abi.h"
#include "burst/bursts.h"

struct burst_recorder;

/* Opens the file.  As bursts_append(). */
int burst_recorder_new(const char *path, uint64_t max_bytes, uint32_t every,
		       struct burst_recorder **out);
/* From now on, what comes into that ring buffer (a map) goes to the file, and
 * state->context is kept up to date. */
int burst_recorder_start(struct burst_recorder *r, int map_fd,
			 struct observe_state *state);
/* Takes the rest. */
int burst_recorder_stop(struct burst_recorder *r, struct bursts_written *sum);
void burst_recorder_free(struct burst_recorder *r); /* NULL is fine */

#endif
