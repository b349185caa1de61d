/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a policy gets on with its model, from what it reports (learned_abi.h). */
#ifndef SCHEDKIT_POLICY_LEARNED_H
#define SCHEDKIT_POLICY_LEARNED_H

#include "bpf/learned_abi.h"
#include "doc/json.h"

/* "none", "trial", "followed", "braked" */
const char *learned_state_name(uint32_t state);

/* The model's error as a share of the average's; below 0: nothing to compare
 * with. */
double learned_ratio(const struct learned_report *r);

/* Sets state and the figures of schedkit-note(5), model. */
void learned_json(const struct learned_report *r, struct json *to);

#endif
