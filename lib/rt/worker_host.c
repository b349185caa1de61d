/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine has, of which this process may use a part. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "rt/worker_parts.h"

#define FILE_MAX (64u << 10)

/* Where a hierarchy is found that /proc/self/cgroup calls `controller` ("" is
 * version 2), and what it says there. */
static const struct {
	const char *controller, *mount;
	const char *cpu, *period, *memory;
} hierarchies[] = {
	{"", "/sys/fs/cgroup", "cpu.max", NULL, "memory.max"},
	{"", "/sys/fs/cgroup/unified", "cpu.max", NULL, "memory.max"},
	{"cpu", "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us",
	 NULL},
	{"memory", "/sys/fs/cgroup/memory", NULL, NULL,
	 "memory.limit_in_bytes"},
};

/* The first one or two numbers of a file: how many there are. */
static int numbers_in(const char *folder, const char *name, double out[2])
{
	char *path = mem_printf("%s/%s", folder, name);
	struct buf b;
	int n = 0;

	buf_init(&b, FILE_MAX);
	if (!buf_read_file(&b, path) && b.len)
		n = sscanf(b.data, "%lf %lf", &out[0], &out[1]);
	buf_release(&b);
	free(path);
	return n < 0 ? 0 : n;
}

/* "max" is no number, and -1 is version 1's word for it. */
static void limits_of(const char *folder, size_t h, struct host_limits *l)
{
	double x[2] = {0}, period[2] = {0};
	int n = 0;

	if (hierarchies[h].cpu)
		n = numbers_in(folder, hierarchies[h].cpu, x);
	if (n == 1 && hierarchies[h].period &&
	    numbers_in(folder, hierarchies[h].period, period))
		x[n++] = period[0];
	if (n == 2 && x[0] > 0 && x[1] > 0)
		l->cpus = fmin(l->cpus, x[0] / x[1]);
	if (hierarchies[h].memory &&
	    numbers_in(folder, hierarchies[h].memory, x) && x[0] > 0)
		l->bytes = fmin(l->bytes, x[0]);
}

/* Every folder above has a say.  What a container does not show of its own
 * place is not there, which says nothing. */
static void walk(const char *root, const char *own, size_t h,
		 struct host_limits *l)
{
	char *mount = mem_printf("%s%s", root, hierarchies[h].mount);
	char *folder = mem_printf("%s%s", mount, own);
	size_t least = strlen(mount);

	free(mount);
	for (;;) {
		char *cut;

		limits_of(folder, h, l);
		cut = strrchr(folder, '/');
		if (!cut || (size_t)(cut - folder) < least)
			break;
		*cut = '\0';
	}
	free(folder);
}

/* "N:CONTROLLER,CONTROLLER:/PATH" */
static void read_line(const char *root, const char *line, struct host_limits *l)
{
	const char *names = strchr(line, ':');
	const char *own = names ? strchr(++names, ':') : NULL;

	for (size_t h = 0; own && h < ARRAY_LEN(hierarchies); h++) {
		const char *want = hierarchies[h].controller;
		const char *s = names;
		size_t n = strlen(want);

		for (; s <= own; s += strcspn(s, ",:") + 1)
			if (!strncmp(s, want, n) && strchr(",:", s[n]))
				break;
		if (s <= own)
			walk(root, own + 1, h, l);
	}
}

void host_limits_read(const char *root, struct host_limits *l)
{
	char *path = mem_printf("%s/proc/self/cgroup", root);
	struct buf b;
	char *line, *rest;

	*l = (struct host_limits){INFINITY, INFINITY};
	buf_init(&b, FILE_MAX);
	if (!buf_read_file(&b, path) && b.len)
		for (rest = b.data; (line = strsep(&rest, "\n"));)
			read_line(root, line, l);
	buf_release(&b);
	free(path);
}

static double cpus_in_reach(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof(set), &set))
		return CPU_COUNT(&set);
	return online > 0 ? (double)online : 1;
}

/* Less than a CPU is slow, but a request for one can be carried out. */
void host_capacity(double cpus, double bytes, const struct host_limits *l,
		   struct vec *out)
{
	double cores = fmax(1, fmin(cpus, l->cpus));

	*out = (struct vec){0};
	out->v[RES_CORES] = (int64_t)(cores * 1000);
	out->v[RES_MEMORY] =
		(int64_t)(fmin(bytes, l->bytes) / (1 << 20) * HOST_MEMORY_PART);
	out->v[RES_GUESTS] = cores < 2 ? 1 : (int64_t)(cores / 2);
}

void rt_worker_spec_host(struct rt_worker_spec *s)
{
	struct host_limits l;

	rt_worker_spec_init(s);
	free(s->name);
	s->name = mem_strdup("host");
	s->kinds = 1u << RT_TOOL | 1u << RT_MEMORY | 1u << RT_STORAGE |
		   1u << RT_SIM | 1u << RT_GUEST;
	host_limits_read("", &l);
	host_capacity(cpus_in_reach(),
		      (double)sysconf(_SC_PHYS_PAGES) *
			      (double)sysconf(_SC_PAGESIZE),
		      &l, &s->capacity);
}
