/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How processes got on with the CPUs of this machine: what a guest measures is
 * worth little when the guest itself had to wait for a CPU most of the time.
 */
#ifndef SCHEDKIT_TARGET_CPU_WAIT_H
#define SCHEDKIT_TARGET_CPU_WAIT_H

#include <stdint.h>
#include <sys/types.h>

/* Sums over threads, since each of them began. */
struct cpu_wait {
	uint64_t ran_ns, waited_ns; /* waited: runnable, and not on a CPU */
};

/* Of all threads of a process and of what descends from it, as far as /proc
 * shows them (/proc/PID/schedstat). */
struct cpu_wait cpu_wait_read(pid_t pid);

/* What came since then; threads that ended meanwhile do not count. */
struct cpu_wait cpu_wait_since(pid_t pid, const struct cpu_wait *then);

/* The share of the time that they could have run in which they had to wait, in
 * percent. */
double cpu_wait_pct(const struct cpu_wait *w);

#endif
