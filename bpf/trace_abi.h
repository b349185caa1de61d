/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace of events: what bpf/observe.bpf.c writes and lib/sim reads again.
 *
 * The file is a header and records, all little-endian and nothing else: one
 * that was cut off is good up to its last whole record.  Shared by BPF and
 * user space; the includer in BPF provides the fixed-width types.
 */
#ifndef SCHEDKIT_TRACE_ABI_H
#define SCHEDKIT_TRACE_ABI_H

#ifndef __bpf__
#include <stdint.h>
#endif

#define REC_MAGIC   "SKTRACE\n"
#define REC_VERSION 1

struct trace_header {
	char magic[8];
	uint32_t version;
	uint32_t record_bytes;
	uint64_t hz;	/* of all times */
	uint64_t start; /* the first event is not before */
	uint32_t cpus;
	uint32_t pad[7];
};

enum trace_what {
	REC_NAME, /* value: 8 bytes of the task's name */
	REC_FORK, /* other: the child */
	REC_EXEC, /* value: identity */
	REC_EXIT,
	REC_WAKE, /* pid is woken; other: by whom */
	REC_OUT,  /* leaves the CPU; value: its CPU time in all */
	REC_IN,	  /* gets one; likewise */
	REC_END,  /* the trace is whole; value: records that were lost */
};

/* other of REC_WAKE */
#define REC_BY_INTERRUPT 0u
#define REC_BY_UNKNOWN	 0xffffffffu

/* flags */
enum {
	REC_SECOND = 1,	   /* NAME: bytes 8 to 15 */
	REC_KERNEL = 2,	   /* NAME: a kernel thread */
	REC_EARLY = 1,	   /* WAKE: it was not asleep yet */
	REC_PREEMPTED = 0, /* OUT */
	REC_SLEEPS = 1,
	REC_BLOCKS = 2,
};

struct trace_record {
	uint64_t at;
	uint64_t value;
	uint32_t pid;
	uint32_t other;
	uint16_t cpu;
	uint8_t what;
	uint8_t flags;
	int8_t nice; /* OUT, IN */
	uint8_t pad[3];
};

#endif
