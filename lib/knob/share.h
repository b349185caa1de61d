/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A share of all processes, chosen by chance once and for all: a keyed hash of
 * what names a process for ever decides, so everybody who has the key finds
 * the same ones, and a larger share with that key holds all of a smaller one.
 */
#ifndef SCHEDKIT_KNOB_SHARE_H
#define SCHEDKIT_KNOB_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define KNOB_SHARE_ALL 10000u

struct knob_share {
	uint32_t parts; /* of KNOB_SHARE_ALL */
	uint64_t key;
};

/* start: task_start() of the process.  The first process is in no share. */
bool knob_share_has(const struct knob_share *s, pid_t pid, uint64_t start);

#endif
