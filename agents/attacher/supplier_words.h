/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a policy gets on with its model, in words. */
#ifndef SCHEDKIT_AGENTS_ATTACHER_SUPPLIER_WORDS_H
#define SCHEDKIT_AGENTS_ATTACHER_SUPPLIER_WORDS_H

#include "doc/json.h"

/* Of an object as learned_json() makes it, for a person. */
char *learned_words(const struct json *model);

#endif
