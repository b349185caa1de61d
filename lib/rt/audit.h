/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log: one JSON line for each thing that an agent asked for and
 * whether it was let, chained by hashes:
 *   {"n":17,"time":…,"uid":…,"pid":…,"agent":…,"what":…,"resource":…,
 *    "outcome":"allowed|refused","text":…,"before":"<sha256>",
 *    "hash":"<sha256 of this object without hash, in canonical form>"}
 * n counts from 1, and "before" of the first is 64 zeros.  Whoever changes,
 * inserts, removes or moves a line breaks the chain from there on; what is cut
 * off at the end is found by the number and hash that rt_audit_seal() gave and
 * that were put elsewhere: sched-agentd has its store put them into the history
 * (agents/keeper/seal.h), once a minute while the log grows and when it leaves.
 *
 * A file of 16 MiB is put aside, as PATH.1, PATH.2 and so on, of which the last
 * four are kept.  The chain goes on in the next one, whose first line is
 * "audit:aside", with the hash of the very first line as its resource and that
 * number as its text.
 *
 * What a writer that was killed left of a line stays, closed, and the line
 * after it says so ("what":"audit:torn", its hash as the resource).  Lines
 * that could not be written for so long that memory would have run out are
 * told of alike ("audit:lost").
 */
#ifndef SCHEDKIT_RT_AUDIT_H
#define SCHEDKIT_RT_AUDIT_H

#include "crypt/digest.h"
#include "rt/access.h"

struct rt_audit;

/* Up to where the log was whole. */
struct rt_audit_seal {
	size_t n; /* lines of the chain; 0: none */
	char hash[DIGEST_HEX_LEN];
};

/* A seal that was put elsewhere. */
struct rt_audit_mark {
	struct rt_audit_seal seal;
	char first[DIGEST_HEX_LEN]; /* hash of the log's first line: which log
				       it is */
};

/* Mode 0600; one writer at a time (-EAGAIN).  -EBADMSG: the last line is none
 * of ours; nothing is added to it. */
int rt_audit_open(const char *path, struct rt_audit **out);
void rt_audit_close(struct rt_audit *a); /* what was not committed is lost */
/* Buffered until rt_audit_commit(), which writes it in one go.  resource, text:
 * NULL is ""; both are cut off after some kilobytes. */
void rt_audit_add(struct rt_audit *a, const struct rt_peer *who,
		  const char *what, const char *resource, const char *outcome,
		  const char *text);
/* After an error (a full disk) the lines stay buffered and the next commit
 * tries again. */
int rt_audit_commit(struct rt_audit *a);
/* Of what was committed. */
void rt_audit_seal(const struct rt_audit *a, struct rt_audit_seal *out);
void rt_audit_mark(const struct rt_audit *a, struct rt_audit_mark *out);

/*
 * Of the log and what was put aside of it, as far as that is kept: 0, or
 * -EBADMSG with the line where the chain breaks.  seal: where it ends;
 * expected: a seal of earlier, which must be in it, if it is not of what was
 * dropped.  Both may be NULL.
 */
int rt_audit_verify(const char *path, const struct rt_audit_seal *expected,
		    struct rt_audit_seal *seal);
/* Marks of this file, the newest first: the newest is of this very log, and all
 * that are have to be in it. */
int rt_audit_verify_marks(const char *path, const struct rt_audit_mark *marks,
			  size_t n, struct rt_audit_seal *seal);

#endif
