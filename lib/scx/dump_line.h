/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a dump, one by one. */
#ifndef SCHEDKIT_SCX_DUMP_LINE_H
#define SCHEDKIT_SCX_DUMP_LINE_H

#include "scx/dump.h"

/* Behind what dmesg, a journal or the trace buffer put before it. */
const char *dump_line_text(const char *line);

/* "comm[pid]" at the end of s, whose length is given; false: it is not. */
bool dump_line_who(const char *s, size_t len, char comm[static DUMP_COMM_LEN],
		   int *pid);

/* " *R comm[pid] -123ms", with the scheduler's mark of later kernels. */
bool dump_line_task(const char *line, struct dump_task *t);

/* "CPU 3   : nr_run=…" */
bool dump_line_cpu(const char *line, struct dump_cpu *c);

/* "          curr=comm[pid] class=rt_sched_class" */
bool dump_line_curr(const char *line, struct dump_cpu *c);

/* "comm[pid] triggered exit kind 1026 on CPU 1:"; cpu -1: not said. */
bool dump_line_head(const char *line, int *kind, int *cpu);

/* What "KEY=" is followed by, up to white space; NULL: it is not there. */
const char *dump_line_value(const char *line, const char *key);

/* "00000000,0000000f" */
bool dump_line_mask(const char *s, uint64_t mask[static DUMP_MASK_WORDS]);

#endif
