/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has said since: its warnings, and of sched_ext everything. */
#ifndef SCHEDKIT_TARGET_KLOG_H
#define SCHEDKIT_TARGET_KLOG_H

#include <stddef.h>

#include "doc/json.h"

#define KLOG_LINES 64 /* are kept: the first ones say what began it */

/* From now on; -1: the log may not be read.  The caller closes it. */
int klog_open(void);

/* Adds what was said since the last call to the array, a string a line. */
void klog_read(int fd, struct json *said);

/* One record as /dev/kmsg has it: "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n…". */
void klog_take(const char *record, size_t len, struct json *said);

#endif
