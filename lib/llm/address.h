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
	/* The options behind a URL. */
	char *name; /* no two have the same */
	char *key;  /* the variable; NULL: not said */
	long slots, requests_min, tokens_in_min, tokens_out_min; /* 0: none */
	int resume; /* enum llm_resume; below 0: not said */
};

struct addresses {
	struct address *v;
	size_t n;
};

extern const char *const address_kind_names[];

/*
 * backend: as llm_opts.backend, NULL: SCHED_LLM; model: NULL: what the address,
 * then SCHED_LLM_MODEL names, then the vendor's default.  -EINVAL: there is no
 * address, or one is none; else at least one is in *out.
 */
int addresses_read(const char *backend, const char *model,
		   struct addresses *out);
void addresses_release(struct addresses *l);

/*
 * Learns every key that this process was given (lib/llm/secret.h) and puts
 * that for the address, NULL for none, into *out.  alone: it is the only one,
 * and SCHED_LLM_KEY is for it.  -ENOKEY: a vendor's host or the address itself
 * wants one; -EACCES: others may read the file.
 */
int address_key(const struct address *a, bool alone, const struct secret **out);

#endif
