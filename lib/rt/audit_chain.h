/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the lines of an audit log hang together.  Private to lib/rt. */
#ifndef SCHEDKIT_RT_AUDIT_CHAIN_H
#define SCHEDKIT_RT_AUDIT_CHAIN_H

#include "rt/audit.h"

#define AUDIT_TORN  "audit:torn"
#define AUDIT_LOST  "audit:lost"
#define AUDIT_ASIDE "audit:aside"
#define AUDIT_KEPT  4 /* logs that were put aside */

/* A longer log is put aside.  Nobody changes it but a test. */
extern size_t audit_log_bytes;

/* Before the first line. */
void audit_none(struct rt_audit_seal *seal);

/* The line of v, which comes after *last and is *last from now on; the caller
 * frees it. */
char *audit_chain(struct json *v, struct rt_audit_seal *last);

/*
 * Whether this is a whole line, unchanged; which one goes to *seal, the hash
 * that it names as the one before to before[], and, if it closes what was
 * torn, the hash of that to torn[] ("" else).  before, torn may be NULL.
 */
bool audit_line(const char *line, size_t len, struct rt_audit_seal *seal,
		char before[DIGEST_HEX_LEN], char torn[DIGEST_HEX_LEN]);

/* What the first line of a file says. */
struct audit_head {
	char first[DIGEST_HEX_LEN];  /* hash of the first line of all; "": there
					is none that is whole */
	size_t aside;		     /* files that were put aside before it */
	struct rt_audit_seal before; /* the line before it */
};

int audit_head(int fd, size_t len, struct audit_head *out);

/* Of the n-th that was put aside, from 1; the caller frees it. */
char *audit_aside(const char *path, size_t n);

#endif
