/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a model may call: read-only but for its own draft, bounded in output
 * and time; no shell, no network, no path.
 */
#ifndef SCHEDKIT_AGENTS_PROPOSER_MODEL_TOOLS_H
#define SCHEDKIT_AGENTS_PROPOSER_MODEL_TOOLS_H

#include <signal.h>

#include "agents/program/ladder.h"
#include "base/buf.h"
#include "doc/doc.h"

#define MODEL_TOOLS_OUTPUT 12000 /* bytes of one result */

struct model_tools;

struct model_tools_opts {
	const struct doc *profile;
	const char *history; /* folder, or NULL: the default one */
	const volatile sig_atomic_t *cancel;
	const struct ladder_gate *gate; /* of its drafts' climbs; NULL: none */
};

struct model_tools *model_tools_new(const struct model_tools_opts *o);
void model_tools_free(struct model_tools *t);

/* For model_request.tools; always the same bytes; lent. */
const struct json *model_tools_list(const struct model_tools *t);

/* One call of the model's; the result, or what is wrong, goes to out.  True:
 * it did what was asked. */
bool model_tools_call(struct model_tools *t, const char *name,
		      const struct json *arguments, struct buf *out);

#endif
