/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups of version 2, by the paths of their folders. */
#ifndef SCHEDKIT_BASE_CGROUP_H
#define SCHEDKIT_BASE_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#define CGROUP_WORD 64

/* Where the hierarchy is mounted, the caller's; NULL: nowhere. */
char *cgroup_root(void);

/* The folder of a process's cgroup below root, the caller's; NULL: gone. */
char *cgroup_of(const char *root, pid_t pid);

/* The folder of one by its path, with or without where they are mounted, the
 * caller's; NULL: there is none, and a message says so. */
char *cgroup_folder(const char *root, const char *said);

/* The folder above one; root has none: NULL. */
char *cgroup_parent(const char *root, const char *dir);

/* What a file of it holds, without the newline, the caller's; NULL: no such
 * file. */
char *cgroup_read(const char *dir, const char *name);

/* "" empties a list.  -errno, with a message. */
int cgroup_write(const char *dir, const char *name, const char *word);

/*
 * Likewise to what it held before.  A "cpuset.cpus" that was empty cannot be so
 * while somebody is in the cgroup (-ENOSPC): then it gets all CPUs that there
 * are for it.
 */
int cgroup_write_back(const char *dir, const char *name, const char *was);
/* These; the caller's; NULL: not known. */
char *cgroup_all_cpus(const char *dir);

/* Whether a list as of cgroup.controllers has the word. */
bool cgroup_has(const char *dir, const char *name, const char *word);

/* "150000 100000", as cpu.max has it, for 150 % of one CPU. */
void cgroup_quota(char word[static CGROUP_WORD], double pct);

/* Once it is empty; the dead leave it a little later than their parent's
 * wait(2) ends.  0, -EBUSY, …; one that is not there is removed. */
int cgroup_remove(const char *dir);

#endif
