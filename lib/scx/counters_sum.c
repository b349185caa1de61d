/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/mem.h"
#include "scx/counters.h"

bool counters_sum(int map, enum policy_counter what, uint64_t *sum)
{
	int n = libbpf_num_possible_cpus(), rc;
	uint32_t key = what;
	uint64_t *values;

	*sum = 0;
	if (map < 0 || n < 1)
		return false;
	values = mem_zalloc((size_t)n, sizeof(*values));
	rc = bpf_map_lookup_elem(map, &key, values);
	for (int cpu = 0; !rc && cpu < n; cpu++)
		*sum += values[cpu];
	free(values);
	return !rc;
}
