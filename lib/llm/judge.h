/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an answer means.  Private to lib/llm. */
#ifndef SCHEDKIT_LLM_JUDGE_H
#define SCHEDKIT_LLM_JUDGE_H

#include "llm/llm.h"

/* 0: out->value is set, or nothing is missing; *repair: it is worth to ask
 * again. */
int judge(const struct llm_request *r, struct llm_answer *out, bool *repair);

/* The conversation with the wrong answer, once, and what is wrong with it; the
 * caller's. */
struct json *judge_repair(const struct llm_request *r, const char *wrong,
			  const char *why);

/* Adds what came before to what an answer has cost. */
void judge_add_costs(const struct llm_answer *before, struct llm_answer *sum);

#endif
