/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine in words: "8,threads=2,llcs=2,nodes=1". */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/sim.h"

static const struct {
	const char *name;
	size_t offset;
	uint32_t max;
} keys[] = {
	{"cpus=", offsetof(struct sim_machine, cpus), SIM_MAX_CPUS},
	{"threads=", offsetof(struct sim_machine, threads), 2},
	{"llcs=", offsetof(struct sim_machine, llcs), SIM_MAX_CPUS},
	{"nodes=", offsetof(struct sim_machine, nodes), SIM_MAX_CPUS},
};

static int number(const char **text, uint32_t max, uint32_t *out)
{
	const char *p = *text;
	uint32_t x = 0;

	while (*p >= '0' && *p <= '9' && x <= max)
		x = x * 10 + (uint32_t)(*p++ - '0');
	if (p == *text || !x || x > max || (*p && (*p != ',' || !p[1])))
		return err_set(EINVAL,
			       "'%s': a number from 1 to %u must be "
			       "there",
			       *text, max);
	*out = x;
	*text = *p ? p + 1 : p;
	return 0;
}

static int check(const struct sim_machine *m, const char *text)
{
	uint32_t cores = m->cpus / m->threads;

	if (m->cpus % m->threads)
		return err_set(EINVAL,
			       "machine '%s': %u CPUs are no multiple "
			       "of %u threads per core",
			       text, m->cpus, m->threads);
	if (m->llcs > cores || m->nodes > m->llcs)
		return err_set(EINVAL,
			       "machine '%s': there are as many cores "
			       "as LLCs at least, and as many LLCs as "
			       "nodes",
			       text);
	return 0;
}

int sim_machine_parse(const char *text, struct sim_machine *m)
{
	const char *p = text;
	bool llcs = false;

	*m = (struct sim_machine){.threads = 1, .llcs = 1, .nodes = 1};
	do {
		size_t i = 0;
		int rc;

		while (i < ARRAY_LEN(keys) &&
		       strncmp(p, keys[i].name, strlen(keys[i].name)))
			i++;
		if (i < ARRAY_LEN(keys))
			p += strlen(keys[i].name);
		else if (p == text)
			i = 0;
		else
			return err_set(EINVAL,
				       "machine '%s': what is '%s'? "
				       "write CPUS[,threads=N][,llcs=N]"
				       "[,nodes=N]",
				       text, p);
		llcs |= keys[i].offset == offsetof(struct sim_machine, llcs);
		rc = number(&p, keys[i].max,
			    (uint32_t *)(void *)((char *)m + keys[i].offset));
		if (rc < 0)
			return err_prefix(rc, "machine '%s'", text);
	} while (*p);
	/* A node has a cache of its own. */
	if (!llcs)
		m->llcs = m->nodes;
	if (!m->cpus)
		return err_set(EINVAL, "machine '%s' has no CPUs", text);
	return check(m, text);
}
