/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a trace, bpf/trace_abi.h, as it comes out of the kernel; private to
 * lib/trace.
 */
#ifndef SCHEDKIT_TRACE_RECORD_H
#define SCHEDKIT_TRACE_RECORD_H

#include <stdint.h>

struct recorder;

/* Makes the file, with its header. */
int recorder_new(const char *path, uint64_t max_bytes, uint64_t start,
		 struct recorder **out);
/* From now on, what comes into that ring buffer (a map) goes to the file. */
int recorder_start(struct recorder *r, int map_fd);
/* Takes the rest; lost: what the kernel had no room for.  How many events are
 * in the file and how many are not. */
int recorder_stop(struct recorder *r, uint64_t lost, uint64_t *events,
		  uint64_t *drops);
void recorder_free(struct recorder *r); /* NULL is fine */

#endif
