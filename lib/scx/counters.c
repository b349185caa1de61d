/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/counters.h"

#include "policy/policy.h"

struct json *counters_read(int map)
{
	struct json *v = json_object();
	uint64_t sum;

	for (unsigned i = 0; i < COUNT_MAX; i++)
		if (counters_sum(map, (enum policy_counter)i, &sum))
			json_set_number(v, policy_counter_names[i],
					(double)sum);
	return v;
}
