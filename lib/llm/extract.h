/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON in what a model wrote. */
#ifndef SCHEDKIT_LLM_EXTRACT_H
#define SCHEDKIT_LLM_EXTRACT_H

#include "doc/json.h"

/*
 * The text when it is JSON; else what stands in the first fence (```) that
 * holds an object; else the first balanced object among the words.  What a
 * model thought aloud (<think>…</think>) is left out.  NULL with a message
 * that says why there is none.
 */
struct json *extract_json(const char *text);

#endif
