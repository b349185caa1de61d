/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an endpoint's headers say of its rate limits. */
#ifndef SCHEDKIT_LLM_TOLD_H
#define SCHEDKIT_LLM_TOLD_H

#include "llm/transfer.h"

/* What the headers do not say stays as it is. */
void told_read(const struct strs *headers, struct llm_told *out);

#endif
