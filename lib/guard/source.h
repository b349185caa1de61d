/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that the kernel adds up, as what they grew by: pressure, CPU time
 * used, special events of sched_ext.  Each tells when it has something new.
 */
#ifndef SCHEDKIT_GUARD_SOURCE_H
#define SCHEDKIT_GUARD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define SOURCE_STEP_S 0.5

/* The folder of a cgroup of version 2; NULL: of the whole machine. */
struct psi_watch {
	int fd;
	bool begun;
	double at, some_us, full_us;
};

/* -ENOTSUP: this kernel has no pressure (psi=1 at its start). */
int psi_open(struct psi_watch *w, const char *cgroup);
/* In percent of the time; false: nothing new yet.  The averages come every two
 * seconds, the totals with each reading (psi_show()). */
bool psi_tick(struct psi_watch *w, double now, double *some, double *full);
void psi_close(struct psi_watch *w);

/* CPU time used, of the machine or a cgroup. */
struct work_watch {
	int fd;
	bool cgroup, begun;
	double at, used_s;
};

int work_open(struct work_watch *w, const char *cgroup);
/* In CPUs: 1.5 is one and a half busy. */
bool work_tick(struct work_watch *w, double now, double *cpus);
void work_close(struct work_watch *w);

/*
 * Events of the attached policy, or of none: name NULL: all that tell of a
 * policy that does not do its work itself, or is switched off for a while.
 */
struct events_watch {
	int fd; /* -1: it is to be opened */
	char name[48];
	bool begun;
	double at, count;
};

void events_open(struct events_watch *w, const char *name);
void events_close(struct events_watch *w);
/* Something new only while a policy is attached, and if the kernel counts it.
 */
bool events_tick(struct events_watch *w, double now, double *per_s);

#endif
