/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy made from the template counts. */
#ifndef SCHEDKIT_SCX_COUNTERS_H
#define SCHEDKIT_SCX_COUNTERS_H

#include <stdbool.h>

#include "bpf/policy_abi.h"
#include "doc/json.h"

/* One of its map "counters", summed over the CPUs; false: there is none. */
bool counters_sum(int map, enum policy_counter what, uint64_t *sum);

/* All of that map: {"direct":…,"queued":…}; {} for what is no descriptor of
 * it. */
struct json *counters_read(int map);

#endif
