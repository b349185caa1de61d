/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel this is, beyond its release: two builds of one release, or one
 * build started with other parameters, may schedule differently.
 */
#ifndef SCHEDKIT_SCX_CONFIGURATION_H
#define SCHEDKIT_SCX_CONFIGURATION_H

#include "base/strs.h"
#include "crypt/digest.h"
#include "doc/json.h"

/* What counts, of the running kernel. */
struct configuration {
	char release[128], version[128], machine[128];
	char notes[DIGEST_HEX_LEN]; /* of /sys/kernel/notes; "": not to be read
				     */
	struct strs parameters;	    /* of its command line */
};

void configuration_read(struct configuration *c);
void configuration_release(struct configuration *c);

/*
 * The same as {"release","version","machine",
 * "notes_sha256" (of /sys/kernel/notes, with the build id),"parameters":[…]}:
 * those of the command line that bear upon scheduling.  The caller's.
 */
struct json *configuration_facts(void);

/* The SHA-256 of their RFC 8785 form; reads and writes no JSON. */
void configuration_digest(char out[static DIGEST_HEX_LEN]);

/* The parameters that count, of a command line, in its order. */
void configuration_words(const char *cmdline, struct strs *out);

#endif
