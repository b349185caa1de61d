/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the attacher. */
#ifndef SCHEDKIT_AGENTS_ATTACHER_PARTS_H
#define SCHEDKIT_AGENTS_ATTACHER_PARTS_H

#include "agents/attacher.h"

/* Understands every whole line of a->in that is new. */
void attacher_take_lines(struct attacher *a);

#endif
