/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a policy gets on with its model, in words and figures. */
#ifndef SCHEDKIT_AGENTS_SUPPLIER_WORDS_H
#define SCHEDKIT_AGENTS_SUPPLIER_WORDS_H

#include "bpf/learned_abi.h"
#include "doc/json.h"

/* "none", "trial", "followed", "braked" */
const char *learned_state_name(uint32_t state);

/* Sets state and the figures of schedkit-note(5), model. */
void learned_json(const struct learned_report *r, struct json *to);

/* The same of such an object, for a person. */
char *learned_words(const struct json *model);

#endif
