/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the attacher. */
#ifndef SCHEDKIT_AGENTS_ATTACHER_PARTS_H
#define SCHEDKIT_AGENTS_ATTACHER_PARTS_H

#include "agents/attacher/attacher.h"

/* How long it may take to answer while it holds a policy. */
#define TELL_S 2.0

/* Understands every whole line of a->in that is new. */
void attacher_take_lines(struct attacher *a);

/* One that has hung up is no reason to die. */
int attacher_send(int fd, const void *data, size_t len);

/* To one that was started anew: the rules and the model of the one before. */
void attacher_hand_again(struct attacher *a);

#endif
