/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/knob_groups.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"

#define ROOT "/sys/fs/cgroup"

/* -1: what no rule is for. */
static char *group_path(const struct knob_groups *g, int rule)
{
	return rule < 0 ? mem_printf("%s/rest", g->path)
			: mem_printf("%s/rule-%d", g->path, rule);
}

static int make(const char *path)
{
	return mkdir(path, 0755) < 0
		       ? err_set(errno,
				 "cannot make the cgroup '%s', which "
				 "cpu_weight and cpu_max_pct need: %s",
				 path, strerror(errno))
		       : 0;
}

static int set_limits(const char *path, const struct knob_rule *r)
{
	char word[CGROUP_WORD];
	int rc = 0;

	if (r->set & KNOB_WEIGHT) {
		snprintf(word, sizeof(word), "%u", r->cpu_weight);
		rc = cgroup_write(path, "cpu.weight", word);
	}
	if (!rc && r->set & KNOB_MAX) {
		cgroup_quota(word, r->cpu_max_pct);
		rc = cgroup_write(path, "cpu.max", word);
	}
	return rc;
}

static int make_each(const struct knobs *k, const struct knob_groups *g)
{
	int rc = 0;

	for (int i = -1; i < (int)k->count && !rc; i++) {
		char *path = group_path(g, i);

		rc = make(path);
		if (!rc && i >= 0)
			rc = set_limits(path, &k->rules[i]);
		free(path);
	}
	return rc;
}

int knob_groups_make(const struct knobs *k, struct knob_groups *g)
{
	struct statfs fs;
	int rc;

	*g = (struct knob_groups){0};
	if (!(k->set & KNOB_CGROUP))
		return 0;
	if (statfs(ROOT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(ENOTSUP,
			       "cpu_weight and cpu_max_pct need cgroups of "
			       "version 2 at " ROOT);
	rc = cgroup_write(ROOT, "cgroup.subtree_control", "+cpu");
	if (rc)
		return rc;
	g->path = mem_printf(ROOT "/schedkit-%d", getpid());
	rc = make(g->path);
	if (!rc)
		rc = cgroup_write(g->path, "cgroup.subtree_control", "+cpu");
	if (!rc)
		rc = make_each(k, g);
	if (rc)
		knob_groups_remove(k, g);
	return rc;
}

int knob_groups_put(const struct knob_groups *g, int rule, pid_t pid)
{
	char *path, word[16];
	int rc;

	if (!g->path)
		return 0;
	path = group_path(g, rule);
	snprintf(word, sizeof(word), "%d", pid);
	rc = cgroup_write(path, "cgroup.procs", word);
	free(path);
	return rc;
}

void knob_groups_remove(const struct knobs *k, struct knob_groups *g)
{
	for (int i = -1; g->path && i < (int)k->count; i++) {
		char *path = group_path(g, i);

		cgroup_remove(path);
		free(path);
	}
	if (g->path)
		cgroup_remove(g->path);
	free(g->path);
	g->path = NULL;
}
