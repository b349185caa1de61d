/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls over any provider: for llm_open(), and for tests.  Private to
 * lib/llm. */
#ifndef SCHEDKIT_LLM_ASK_H
#define SCHEDKIT_LLM_ASK_H

#include "llm/provider.h"

struct recorder;

/* Takes p and recorder (may be NULL); ledger (may be NULL) is lent. */
struct llm *llm_with(struct provider *p, const char *backend,
		     struct ledger *ledger, struct recorder *recorder);

#endif
