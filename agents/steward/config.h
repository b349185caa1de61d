/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * $XDG_CONFIG_HOME/schedkit/mcp.json, schedkit-mcp(5): what clients may do.
 */
#ifndef SCHEDKIT_AGENTS_STEWARD_CONFIG_H
#define SCHEDKIT_AGENTS_STEWARD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strs.h"
#include "crypt/digest.h"

#define STEWARD_TOKEN_LEN 65 /* 64 hex digits and a NUL */

/* What a tool does; a client that may do one may do those before it. */
enum steward_class {
	STEWARD_OBSERVE,
	STEWARD_PROPOSE,
	STEWARD_VERIFY,
	STEWARD_DEPLOY,
};

/* Who agrees to a deployment. */
enum steward_approval {
	STEWARD_ELICIT, /* a person, through the client, where it can ask */
	STEWARD_LOCAL,	/* a person on a terminal: sched-mcp approve */
};

/* Where commands that a client gives may run. */
enum steward_commands { STEWARD_NEVER, STEWARD_GUEST, STEWARD_HOST };

struct steward_client {
	const char *name; /* its principal */
	enum steward_class highest;
	enum steward_approval approval;
	enum steward_commands commands;
	char token_sha256[DIGEST_HEX_LEN]; /* "": none, not by HTTP */
};

struct steward_config {
	struct steward_client *clients; /* the first is "stdio" */
	size_t n;
	struct steward_client other; /* of who is not named: observe */
	struct strs read;	     /* folders whose files a client may name */
	long jobs, jobs_each;	     /* at once: in all, of a client */
	long kept;		     /* jobs that have ended */
	double keep_s;
};

/* What holds where there is no file. */
void steward_config_init(struct steward_config *c);
void steward_config_release(struct steward_config *c);
/* NULL path: the usual one, which need not be there.  -EINVAL: the message
 * names file and key; -EACCES: others may write to it. */
int steward_config_read(struct steward_config *c, const char *path);
/* Of text, as a file has it; path for messages. */
int steward_config_parse(struct steward_config *c, const char *text, size_t len,
			 const char *path);
/* Never NULL. */
const struct steward_client *steward_config_client(
	const struct steward_config *c, const char *principal);
/*
 * Makes a token for a client, instead of one that it has, and puts its hash
 * into the file, which is made if need be.
 */
int steward_config_add_token(const char *path, const char *name,
			     char token[static STEWARD_TOKEN_LEN]);

const char *steward_class_name(enum steward_class c);

#endif
