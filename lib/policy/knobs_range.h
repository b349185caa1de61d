/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between what the numbers of a rule may be.  Private to lib/policy. */
#ifndef SCHEDKIT_POLICY_KNOBS_RANGE_H
#define SCHEDKIT_POLICY_KNOBS_RANGE_H

#include "policy/knobs.h"

#define KNOB_RANGES 4

extern const struct knob_range {
	const char *key;
	unsigned bit;
	double min, max;
	bool whole;
} knob_ranges[KNOB_RANGES];

#endif
