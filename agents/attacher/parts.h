/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the attacher. */
#ifndef SCHEDKIT_AGENTS_ATTACHER_PARTS_H
#define SCHEDKIT_AGENTS_ATTACHER_PARTS_H

#include "agents/attacher/attacher.h"

/* How long it may take to answer while it holds a policy. */
#define TELL_S 2.0

/* Understands a line of its; arg: the struct attacher. */
void attacher_take_line(void *arg, const char *line);

/* To one that was started anew: the rules and the model of the one before. */
void attacher_hand_again(struct attacher *a);

#endif
