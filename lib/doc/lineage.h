/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who descends from whom in a stream, kept free of cycles.
 *
 * A document's parents are not part of its id, so a chain of parents can lead
 * back to where it began.  n links cost at most in the order of n * sqrt(n),
 * in whatever order they come; a stream in its natural order costs n.
 */
#ifndef SCHEDKIT_DOC_LINEAGE_H
#define SCHEDKIT_DOC_LINEAGE_H

#include "doc/doc.h"

struct lineage;

struct lineage *lineage_new(void);
void lineage_free(struct lineage *l);

/*
 * Takes in the parents of d.  -ELOOP with the ids of the cycle in the
 * message; the link that would close it is then left out, and so are the
 * parents after it.
 */
int lineage_add(struct lineage *l, const struct doc *d);

/* Makes d the document of its id, unless there is one. */
void lineage_keep(struct lineage *l, const struct doc *d);
const struct doc *lineage_find(const struct lineage *l, const char *id);

#endif
