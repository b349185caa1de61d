/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a model is, and with what key it is asked. */
#ifndef SCHEDKIT_LLM_ADDRESS_H
#define SCHEDKIT_LLM_ADDRESS_H

#include "llm/secret.h"

enum address_kind {
	ADDRESS_OPENAI,
	ADDRESS_ANTHROPIC,
	ADDRESS_COMMAND,
	ADDRESS_REPLAY,
};

struct address {
	enum address_kind kind;
	char *where; /* URL, command line or file */
	char *host;  /* of a URL: "api.openai.com", "[::1]:8080" */
	char *model; /* NULL: the endpoint's or the program's own choice */
};

extern const char *const address_kind_names[];

/*
 * backend: as llm_opts.backend, NULL: SCHED_LLM; model: NULL: what the address,
 * then SCHED_LLM_MODEL names, then the vendor's default.  -EINVAL: there is no
 * address, or it is none.
 */
int address_read(const char *backend, const char *model, struct address *out);
void address_release(struct address *a);

/*
 * Learns every key that this process was given (lib/llm/secret.h) and puts
 * that for the address, NULL for none, into *out.  -ENOKEY: a vendor's host
 * wants one; -EACCES: others may read the file.
 */
int address_key(const struct address *a, const struct secret **out);

#endif
