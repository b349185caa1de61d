/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What differs between two documents of a kind. */
#ifndef SCHEDKIT_HISTORY_DIFF_H
#define SCHEDKIT_HISTORY_DIFF_H

#include "base/buf.h"
#include "doc/doc.h"

/*
 * An array of objects {path, a, b}, in order of path: every scalar of the
 * bodies that differs; a or b is absent where there is none.  Elements of a
 * list that have a name go by it ("metrics.makespan.ratio"; "groups.a#2" is the
 * second of that name); long texts, code, samples and transcripts are left out.
 * To be freed.
 */
struct json *diff_values(const struct json *a, const struct json *b);

/* A unified diff of two texts, added to out; nothing when they are equal. */
int diff_text(const char *a, const char *b, struct buf *out);

#endif
