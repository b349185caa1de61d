/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of this room. */
#ifndef SCHEDKIT_INTENT_INTENT_PARTS_H
#define SCHEDKIT_INTENT_INTENT_PARTS_H

#include "intent/intent.h"

/*
 * Takes one setting into a rule; changed as for intents_parse().  -EINVAL: the
 * message says what is wrong with the value, -ENOENT: there is no such key.
 */
int intent_take(struct intent_rule *r, const char *key, const char *value,
		time_t changed);

void intent_rule_release(struct intent_rule *r);

#endif
