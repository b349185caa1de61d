/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /sys/kernel/sched_ext says. */
#ifndef SCHEDKIT_SCX_SYSFS_H
#define SCHEDKIT_SCX_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

#define SYSFS_WORD 160

/* Reads the first line of a file there; false: absent, word is "". */
bool sysfs_word(const char *name, char word[static SYSFS_WORD]);

/* {"SCX_EV_…":n,…} of the attached policy; {} when nothing is attached. */
struct json *sysfs_events(void);

#endif
