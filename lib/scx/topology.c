/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/topology.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/err.h"

/* The lowest CPU of a sharing group names the group; -1: unknown. */
static int group_of(unsigned int cpu)
{
	static const char *const caches[] = {"index3", "index2"};
	char path[128];

	for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++) {
		int first, got;
		FILE *f;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%u/cache/%s/"
			 "shared_cpu_list",
			 cpu, caches[i]);
		f = fopen(path, "re");
		if (!f)
			continue;
		got = fscanf(f, "%d", &first);
		fclose(f);
		if (got == 1)
			return first;
	}
	return -1;
}

int topology_read(struct topology *t)
{
	int n = libbpf_num_possible_cpus();
	int group[POLICY_MAX_CPUS];

	memset(t, 0, sizeof(*t));
	/* A policy for fewer CPUs than there are would leave some idle. */
	if (n < 1)
		return err_set(n < 0 ? -n : EIO,
			       "cannot see how many CPUs there may be: %s",
			       strerror(n < 0 ? -n : EIO));
	t->cpus = n > POLICY_MAX_CPUS ? POLICY_MAX_CPUS : n;
	t->llcs = 0;
	for (uint32_t i = 0; i < t->cpus; i++) {
		uint32_t j;

		group[i] = group_of(i);
		for (j = 0; j < i; j++)
			if (group[j] == group[i])
				break;
		if (j < i)
			t->llc_of[i] = t->llc_of[j];
		else
			t->llc_of[i] = t->llcs < POLICY_MAX_LLCS
					       ? t->llcs++
					       : POLICY_MAX_LLCS - 1;
	}
	return 0;
}
