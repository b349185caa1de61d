/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log: one JSON line for each thing that an agent asked for and each
 * answer it was given or refused, chained by hashes:
 *   {"n":17,"time":…,"uid":…,"pid":…,"agent":…,"what":…,"resource":…,
 *    "outcome":"allowed|refused|done|failed","text":…,"before":"<sha256>",
 *    "hash":"<sha256 of this object without hash, in canonical form>"}
 * Whoever changes, inserts or removes a line breaks the chain from there on;
 * what is cut off at the end is found by the number and hash that the last
 * rt_audit_seal() put elsewhere (a git note of the history).
 */
#ifndef SCHEDKIT_RT_AUDIT_H
#define SCHEDKIT_RT_AUDIT_H

#include "rt/access.h"

struct rt_audit;

/* Mode 0600; one writer at a time (-EAGAIN).  A torn last line of a writer
 * that was killed is closed and told of. */
int rt_audit_open(const char *path, struct rt_audit **out);
void rt_audit_close(struct rt_audit *a);
/* Buffered until rt_audit_commit(), which writes it in one go. */
void rt_audit_add(struct rt_audit *a, const struct rt_peer *who,
		  const char *what, const char *resource, const char *outcome,
		  const char *text);
int rt_audit_commit(struct rt_audit *a);

/* 0, or -EBADMSG with the line where the chain breaks.  *n: lines. */
int rt_audit_verify(const char *path, size_t *n);

#endif
