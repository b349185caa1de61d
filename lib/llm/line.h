/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of libexec/schedkit/ask-model as JSON (agents/model/model.h). */
#ifndef SCHEDKIT_LLM_LINE_H
#define SCHEDKIT_LLM_LINE_H

#include "llm/llm.h"

/* What is said first; the caller's, as are the others. */
struct json *line_hello(const struct llm *l);
/* rc: as of llm_take(), its message in the error slot. */
struct json *line_answer(const struct llm_answer *a, int rc);
/* {"errno","text"} of the error slot. */
struct json *line_error(int rc);

/* Lent from v.  -EINVAL names what is missing. */
int line_request(const struct json *v, struct llm_request *out);

#endif
