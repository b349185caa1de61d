/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a policy that is attached supplied with rules: a thread looks at their
 * folder as soon as it changes, every second at the cgroups and files that they
 * are about, and hands over what has changed, as numbers.
 *
 * Apart from the thread that beats: a file system that does not answer must not
 * cost the policy.
 */
#ifndef SCHEDKIT_AGENTS_ATTACHER_DECLARER_H
#define SCHEDKIT_AGENTS_ATTACHER_DECLARER_H

struct attacher;
struct declarer;

/* What is in force is noted for others, see holder_declared().  NULL: there is
 * no thread to be had. */
struct declarer *declarer_new(struct attacher *a, const char *folder);
void declarer_free(struct declarer *d); /* NULL is fine */

#endif
