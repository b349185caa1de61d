/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /sys/kernel/sched_ext says. */
#ifndef SCHEDKIT_SCX_SYSFS_H
#define SCHEDKIT_SCX_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#define SYSFS_WORD   160
#define SYSFS_EVENTS 32

/* Reads the first line of a file there; false: absent, word is "". */
bool sysfs_word(const char *name, char word[static SYSFS_WORD]);

/* That file "state": "enabled", "disabled", …; false, too, where it is absent.
 */
bool sysfs_state_is(const char *wanted);

/* The kernel's counts of special events, SCX_EV_…. */
struct sysfs_events {
	size_t count;
	struct {
		char name[64];
		long long n;
	} v[SYSFS_EVENTS];
};

/* Of the attached policy; none when nothing is attached. */
void sysfs_events_read(struct sysfs_events *out);

/*
 * The same of a file that stays open, for who must not wait: to look a path up
 * and to open a file takes locks of the kernel, which a task may hold that the
 * attached policy starves.  To read takes none of these.
 */
int sysfs_open(const char *name); /* -1: absent */
/* false: it is gone, and word is "" … */
bool sysfs_again(int fd, char word[static SYSFS_WORD]);
/* … or out what it was. */
bool sysfs_events_again(int fd, struct sysfs_events *out);

/* "root/events": for sysfs_open(). */
#define SYSFS_EVENTS_FILE "root/events"

#endif
