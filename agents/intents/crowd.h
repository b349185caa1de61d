/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tasks that run now, as rules see them. */
#ifndef SCHEDKIT_AGENTS_INTENTS_CROWD_H
#define SCHEDKIT_AGENTS_INTENTS_CROWD_H

#include <stdbool.h>

#include "base/buf.h"
#include "intent/intent.h"

#define CROWD_MAX 4096

/* Zeroed before its first use. */
struct crowd {
	struct intent_who *v; /* in the order of /proc */
	size_t count;
	bool more; /* than were looked at */
};

/* Threads of processes; not the kernel's, nor this process's. */
void crowd_read(struct crowd *out);
void crowd_release(struct crowd *c);

/* A line for each kind that there is, with how many are of it; those with most
 * tasks first.  What names say is not made harmless. */
void crowd_text(const struct crowd *c, struct buf *out);

#endif
