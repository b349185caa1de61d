/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules as numbers, as another process has made them of what people wrote. */
#ifndef SCHEDKIT_POLICY_INTENT_RULES_H
#define SCHEDKIT_POLICY_INTENT_RULES_H

#include <stddef.h>

#include "bpf/intent_abi.h"

/* -EINVAL: not what intents_compile() makes; len is what there is of it. */
int intent_rules_check(const struct intent_rules *r, size_t len);

#endif
