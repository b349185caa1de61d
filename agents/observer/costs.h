/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scheduling costs here: what the simulator is calibrated by. */
#ifndef SCHEDKIT_AGENTS_OBSERVER_COSTS_H
#define SCHEDKIT_AGENTS_OBSERVER_COSTS_H

#include "doc/json.h"

/* Measures for half a second; meant for a machine that is idle otherwise.
 * NULL: could not. */
struct json *observer_costs(void);

#endif
