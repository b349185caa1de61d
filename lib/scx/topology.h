/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs share a last-level cache, from sysfs. */
#ifndef SCHEDKIT_SCX_TOPOLOGY_H
#define SCHEDKIT_SCX_TOPOLOGY_H

#include <stdint.h>

#include "bpf/policy_abi.h"

struct topology {
	uint32_t cpus; /* number of possible CPU ids, at most POLICY_MAX_CPUS */
	uint32_t llcs;
	uint32_t llc_of[POLICY_MAX_CPUS]; /* dense numbers from 0 */
};

/* Where sysfs does not say (a guest), all CPUs share one cache. */
int topology_read(struct topology *t);

#endif
