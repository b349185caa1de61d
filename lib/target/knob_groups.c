/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/knob_groups.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define ROOT	     "/sys/fs/cgroup"
#define PERIOD_US    100000
#define REMOVE_TRIES 100
#define REMOVE_NS    10000000

static int write_word(const char *dir, const char *name, const char *word)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0 || write(fd, word, strlen(word)) < 0)
		rc = err_set(errno, "cannot write '%s' to '%s': %s", word, path,
			     strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

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
	char word[64];
	int rc = 0;

	if (r->set & KNOB_WEIGHT) {
		snprintf(word, sizeof(word), "%u", r->cpu_weight);
		rc = write_word(path, "cpu.weight", word);
	}
	if (!rc && r->set & KNOB_MAX) {
		snprintf(word, sizeof(word), "%.0f %d",
			 r->cpu_max_pct * PERIOD_US / 100, PERIOD_US);
		rc = write_word(path, "cpu.max", word);
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
	rc = write_word(ROOT, "cgroup.subtree_control", "+cpu");
	if (rc)
		return rc;
	g->path = mem_printf(ROOT "/schedkit-%d", getpid());
	rc = make(g->path);
	if (!rc)
		rc = write_word(g->path, "cgroup.subtree_control", "+cpu");
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
	rc = write_word(path, "cgroup.procs", word);
	free(path);
	return rc;
}

/* The dead leave a cgroup a little later than their parent's wait(2) ends. */
static void take_away(const char *path)
{
	const struct timespec nap = {.tv_nsec = REMOVE_NS};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (rmdir(path) == 0 || errno != EBUSY)
			return;
		nanosleep(&nap, NULL);
	}
}

void knob_groups_remove(const struct knobs *k, struct knob_groups *g)
{
	for (int i = -1; g->path && i < (int)k->count; i++) {
		char *path = group_path(g, i);

		take_away(path);
		free(path);
	}
	if (g->path)
		take_away(g->path);
	free(g->path);
	g->path = NULL;
}
