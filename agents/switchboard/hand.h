/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child's side of a switchboard; private to it. */
#ifndef SCHEDKIT_AGENTS_SWITCHBOARD_HAND_H
#define SCHEDKIT_AGENTS_SWITCHBOARD_HAND_H

#include "agents/switchboard/switchboard.h"

/* Does the work and sends its result over fd; the exit status. */
int hand_work_on(const struct hand_spec *spec, int fd,
		 const volatile sig_atomic_t *cancel);

#endif
