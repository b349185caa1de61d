/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as numbers, for the template.
 *
 * Of a task's name the template knows all that a rule may ask.  Cgroups and
 * files come and go, so who keeps a policy supplied compiles anew every now
 * and then.
 */
#ifndef SCHEDKIT_INTENT_COMPILE_H
#define SCHEDKIT_INTENT_COMPILE_H

#include "intent/intent.h"

/*
 * Those that are not over, in their order.  here: the cgroups and files that
 * they are about are those of this machine; without that no rule that asks for
 * one, or for a user, holds (as in a simulator).
 *
 * The caller frees *out.  lacking (may be NULL) is set to how many cgroups and
 * files there was no room for.
 */
void intents_compile(const struct intents *i, time_t now, bool here,
		     struct intent_rules **out, size_t *lacking);

#endif
