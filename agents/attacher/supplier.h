/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a policy that is attached and follows a model supplied: a thread tells
 * it what the machine does, hands over what a file holds as soon as that is
 * another model, and looks at how the policy gets on with it.  One that does
 * more harm than good is retired: the policy goes on without.
 *
 * Apart from the thread that beats, as the declarer is.
 */
#ifndef SCHEDKIT_AGENTS_ATTACHER_SUPPLIER_H
#define SCHEDKIT_AGENTS_ATTACHER_SUPPLIER_H

struct attacher;
struct supplier;

/*
 * file: of the model to follow; NULL: none, only what the policy has brought
 * is.  first: the SHA-256 of that; "": it has brought none.  What counts is
 * noted for others, see holder_learned(), and what changes is told by
 * attacher_note().  NULL: there is no thread to be had.
 */
struct supplier *supplier_new(struct attacher *a, const char *file,
			      const char *first);
void supplier_free(struct supplier *s); /* NULL is fine */

/* A model that is there and to be believed, as a file to follow. */
struct forecast;
int supplier_read(const char *file, struct forecast *out);

#endif
