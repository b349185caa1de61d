/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has attached the sched_ext scheduler that runs, whoever that is: out of
 * the kernel's own tables of BPF, and from who has a descriptor of it.
 */
#ifndef SCHEDKIT_SCX_ATTACHED_H
#define SCHEDKIT_SCX_ATTACHED_H

#include "doc/json.h"

/*
 * Of the scheduler that sysfs calls ops: {"map":…,"link":… (where it hangs on
 * one),"uid":… (who loaded it),"loaded":"…" (when),"programs":…,
 * "processes":[{"pid":…,"name":…,"uid":…}] (who has a descriptor),
 * "pinned":true (nobody has, so it is pinned in a file system of BPF),
 * "counters":{…} (of the policy template)}; the caller's.  The name of a
 * process is its own word.  NULL: it cannot be found; the message says why,
 * for the most that it takes CAP_SYS_ADMIN.
 */
struct json *attached_read(const char *ops);

/* How many threads of this machine have the policy SCHED_EXT: those that a
 * partial switch has taken. */
long attached_tasks(void);

#endif
