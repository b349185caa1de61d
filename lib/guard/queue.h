/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long tasks wait for a CPU, of all tasks, from /proc and with little CPU
 * time: all of them are looked at four times a second, or twice where that
 * would take more than a part of a CPU; who was found waiting is looked at with
 * each tick.
 *
 * The kernel tells of each task how often it got a CPU and how long it waited
 * for that in all (/proc/PID/schedstat, sched-stats.rst), not each wait: a
 * task's waits between two looks count as its mean.  A task that is runnable
 * and has got nowhere since it was first found so, or was born, is a wait that
 * goes on.
 */
#ifndef SCHEDKIT_GUARD_QUEUE_H
#define SCHEDKIT_GUARD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/task.h"

#define QUEUE_LOOK_S 0.25
#define QUEUE_MOST_S 0.5
/* Of one CPU: what looking at all may take, before it is done less often. */
#define QUEUE_SHARE 0.02

struct queue_watch;

struct queue_told {
	bool looked;	    /* all tasks were, in this tick */
	bool waits;	    /* and some wait ended, or goes on: */
	double wait_p99_us; /* 99 % of all waits were shorter */
	/* Who waits longest: for so many seconds at least; 0: nobody. */
	double stall_s;
	pid_t stalled;
	char stalled_name[TASK_NAME];
};

/* -ENOTSUP: this kernel does not count waits. */
int queue_open(struct queue_watch **out);
/* now: seconds of a clock that never goes back. */
void queue_tick(struct queue_watch *q, double now, struct queue_told *out);
/* Tasks at the last look, and the seconds from one look to the next. */
size_t queue_tasks(const struct queue_watch *q);
double queue_period(const struct queue_watch *q);
void queue_close(struct queue_watch *q); /* NULL is fine */

#endif
