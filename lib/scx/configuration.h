/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel this is, beyond its release: two builds of one release, or one
 * build started with other parameters, may schedule differently.
 */
#ifndef SCHEDKIT_SCX_CONFIGURATION_H
#define SCHEDKIT_SCX_CONFIGURATION_H

#include "crypt/digest.h"
#include "doc/json.h"

/*
 * What counts, of the running kernel: {"release","version","machine",
 * "notes_sha256" (of /sys/kernel/notes, with the build id),"parameters":[…]}:
 * those of the command line that bear upon scheduling.  The caller's.
 */
struct json *configuration_facts(void);

/* The SHA-256 of their RFC 8785 form. */
void configuration_digest(char out[static DIGEST_HEX_LEN]);

/* The parameters that count, of a command line, in its order.  The caller's. */
struct json *configuration_parameters(const char *cmdline);

#endif
