/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our own programs may do on this machine now: each is started, held at
 * the moment that its row names, and in it is tried what the kernel lets it
 * do.  The rows are those of the table in schedkit-security(7).
 */
#ifndef SCHEDKIT_AGENTS_DOCTOR_SELF_H
#define SCHEDKIT_AGENTS_DOCTOR_SELF_H

#include <stdint.h>

#include "base/strs.h"
#include "base/tracee.h"
#include "doc/json.h"

/* What a process may do beyond computing; the words are self_words[]. */
enum {
	SELF_READS = 1 << 0,	/* a file that only its user may read */
	SELF_WRITES = 1 << 1,	/* a file where its user may */
	SELF_MODES = 1 << 2,	/* let others write to a file of its user */
	SELF_NETWORK = 1 << 3,	/* connect to an address */
	SELF_SOCKETS = 1 << 4,	/* and to who listens on this machine */
	SELF_PROGRAMS = 1 << 5, /* execute one of the system */
	SELF_GAINS = 1 << 6,	/* gain privilege by executing one */
	SELF_CALLS = 1 << 7,	/* make any system call: there is no filter */
	SELF_SEEN = 1 << 8,	/* be looked into by its user's processes */
	SELF_INHERITS = 1 << 9, /* use what its starter had open */
	SELF_KEYS = 1 << 10,	/* find models' keys in its environment */
	SELF_BITS = 11,
};

#define SELF_ALL ((1u << SELF_BITS) - 1)

/* The capabilities of who starts it. */
#define SELF_CALLERS UINT64_MAX

extern const char *const self_words[SELF_BITS];

enum self_who {
	SELF_FIRST,    /* the program that is started */
	SELF_FORKED,   /* a process of its own, without executing anything */
	SELF_EXECUTED, /* a program that is started by it, and called so */
};

/* What is written to its standard input. */
enum self_input { SELF_SILENT, SELF_NOTHING, SELF_PROFILE, SELF_CODE };

struct self_row {
	const char *name;
	/* What is started, and how. */
	const char *program;	 /* of bin, or of libexec/schedkit */
	const char *const *args; /* "@X": the file X of lib/schedkit */
	bool libexec;
	enum self_input input;
	/* Which process it is, and when it is held. */
	enum self_who who;
	const char *called; /* how its name begins, SELF_EXECUTED */
	enum tracee_at at;
	/* What it is for, by the rule of two. */
	bool network, text;
	uint64_t caps; /* at most, in any set but the bounding one */
	unsigned may;  /* at most */
	bool compiles; /* it takes a compiler to see it */
};

/* Ends with one that has no name. */
extern const struct self_row self_rows[];

/* What a row's line in the manual says: "none", "the caller's" or names; and
 * "nothing", "all" or words.  To be freed. */
char *self_privilege(uint64_t caps);
char *self_may(unsigned may);

/* What was found of a process. */
struct self_found {
	unsigned has;
	uint64_t caps, bounding;
	bool other_user, privileged_file;
	long filters, descriptors;
};

/*
 * The body of a note:
 *   {"text": one sentence, "as_declared": bool, "measured": bool,
 *    "processes": [{"name","status","text","has","may",...}]}
 * measured: of all that was to be looked at.  -errno: nothing could be.
 */
int doctor_self(struct json **body);

#endif
