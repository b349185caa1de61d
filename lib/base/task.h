/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc/PID/stat says of a process, or of a thread by its id. */
#ifndef SCHEDKIT_BASE_TASK_H
#define SCHEDKIT_BASE_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TASK_NAME 16

struct task_stat {
	char name[TASK_NAME]; /* may hold anything but a NUL */
	char state;	      /* 'Z': dead, and not waited for */
	pid_t parent;	      /* of its process */
	bool kernel;	      /* a thread of the kernel's own */
	/* When it began, in ticks since boot: with the id it names one task for
	 * ever. */
	uint64_t start;
};

/* -ESRCH: there is no such task, without a message. */
int task_stat(pid_t tid, struct task_stat *out);

/* 0: there is no such task. */
uint64_t task_start(pid_t tid);

#endif
