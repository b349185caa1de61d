/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/counters.h"

#include <stdint.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/mem.h"
#include "policy/policy.h"

struct json *counters_read(int map)
{
	int n = libbpf_num_possible_cpus();
	struct json *v = json_object();
	uint64_t *values;

	if (map < 0 || n < 1)
		return v;
	values = mem_zalloc(n, sizeof(*values));
	for (uint32_t i = 0; i < COUNT_MAX; i++) {
		double sum = 0;

		if (bpf_map_lookup_elem(map, &i, values) < 0)
			continue;
		for (int cpu = 0; cpu < n; cpu++)
			sum += (double)values[cpu];
		json_set_number(v, policy_counter_names[i], sum);
	}
	free(values);
	return v;
}
