/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy made from the template counts. */
#ifndef SCHEDKIT_SCX_COUNTERS_H
#define SCHEDKIT_SCX_COUNTERS_H

#include "doc/json.h"

/* Of its map "counters": {"direct":…,"queued":…}, summed over the CPUs; {} for
 * what is no descriptor of it. */
struct json *counters_read(int map);

#endif
