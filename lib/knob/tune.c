/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"

#define FILES	   4
#define WEIGHT_MAX 10000

static const struct {
	unsigned bit;
	const char *name, *why_not;
} files[FILES] = {
	{KNOB_CPUS, "cpuset.cpus",
	 "the controller 'cpuset' is not on in its parent's "
	 "cgroup.subtree_control"},
	{KNOB_WEIGHT, "cpu.weight",
	 "the controller 'cpu' is not on in its parent's "
	 "cgroup.subtree_control"},
	{KNOB_MAX, "cpu.max",
	 "the controller 'cpu' is not on in its parent's "
	 "cgroup.subtree_control"},
	{KNOB_UCLAMP, "cpu.uclamp.min",
	 "the controller 'cpu' is not on in its parent's "
	 "cgroup.subtree_control, or this kernel was built without "
	 "CONFIG_UCLAMP_TASK_GROUP"},
};

/* ---- what is asked for ------------------------------------------------ */

int knob_tune_check(const struct knob_tune *t)
{
	uint64_t any = 0;

	for (size_t i = 0; i < KNOBS_CPU_WORDS; i++)
		any |= t->cpus[i];
	if (t->size != sizeof(*t) || !t->may ||
	    t->may & ~(unsigned)KNOB_TUNES || t->set & ~t->may ||
	    strnlen(t->cgroup, sizeof(t->cgroup)) == sizeof(t->cgroup))
		return err_set(EINVAL, "not a request to set a cgroup");
	if ((t->set & KNOB_WEIGHT &&
	     (t->cpu_weight < 1 || t->cpu_weight > WEIGHT_MAX)) ||
	    (t->set & KNOB_MAX &&
	     !(t->cpu_max_pct >= 1 &&
	       t->cpu_max_pct <= 100.0 * KNOBS_MAX_CPUS)) ||
	    (t->set & KNOB_UCLAMP &&
	     !(t->uclamp_min_pct >= 0 && t->uclamp_min_pct <= 100)) ||
	    (t->set & KNOB_CPUS && !any))
		return err_set(EINVAL, "what a cgroup is to be set to is out "
				       "of range");
	return 0;
}

/* As the kernel will tell it; the caller's. */
static char *word_of(const struct knob_tune *t, unsigned bit)
{
	char word[CGROUP_WORD];

	if (bit == KNOB_CPUS)
		return knobs_cpus_text(t->cpus);
	if (bit == KNOB_WEIGHT)
		snprintf(word, sizeof(word), "%u", t->cpu_weight);
	else if (bit == KNOB_MAX)
		cgroup_quota(word, t->cpu_max_pct);
	else
		snprintf(word, sizeof(word), "%.2f", t->uclamp_min_pct);
	return mem_strdup(word);
}

static int find(const struct knob_tune *t, char **dir)
{
	char *root = cgroup_root();

	*dir = NULL;
	if (!root)
		return err_set(ENOTSUP, "there are no cgroups of version 2 on "
					"this host");
	*dir = cgroup_folder(root, t->cgroup);
	free(root);
	return *dir ? 0 : -ENOENT;
}

/* ---- can it be? ------------------------------------------------------- */

static int look_at(const char *dir, size_t i, bool to_write)
{
	char *path = mem_printf("%s/%s", dir, files[i].name);
	int rc = 0;

	if (access(path, F_OK) < 0)
		rc = err_set(ENOTSUP, "the cgroup '%s' has no '%s': %s", dir,
			     files[i].name, files[i].why_not);
	else if (to_write && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
		rc = errno == EROFS
			     ? err_set(EROFS,
				       "'%s' cannot be written: the file system "
				       "of the cgroups is mounted read-only",
				       path)
			     : err_set(EPERM,
				       "'%s' cannot be written: that needs "
				       "root, or a cgroup that was delegated "
				       "to you",
				       path);
	free(path);
	return rc;
}

int knob_tune_look(const struct knob_tune *t, bool to_write)
{
	char *dir;
	int rc = find(t, &dir);

	for (size_t i = 0; i < FILES && !rc; i++)
		if (t->may & files[i].bit)
			rc = look_at(dir, i, to_write);
	free(dir);
	return rc;
}

/* ---- doing it --------------------------------------------------------- */

static const struct knob_entry *entry_of(const struct knob_journal *j,
					 const char *dir, const char *name)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->v[i].kind == KNOB_FILE && !strcmp(j->v[i].dir, dir) &&
		    !strcmp(j->v[i].name, name))
			return &j->v[i];
	return NULL;
}

/* *is: what to write, the caller's; NULL: it is so already. */
static int note(const char *dir, const char *name, const char *wanted,
		struct knob_journal *j, char **is)
{
	const struct knob_entry *was = entry_of(j, dir, name);
	char *now = cgroup_read(dir, name), *all = NULL;
	struct knob_entry e;
	int rc = 0;

	*is = NULL;
	if (!now)
		rc = err_set(ENOENT, "the cgroup '%s' is gone", dir);
	else if (was && !knob_entry_holds(was, now))
		rc = err_set(EEXIST,
			     "'%s/%s' holds '%s' now, which somebody else "
			     "wrote",
			     dir, name, now);
	if (!rc && !wanted)
		wanted = was ? was->was : now;
	/* An empty list of CPUs may not come back while it is in use. */
	if (!rc && !*wanted && *now) {
		all = cgroup_all_cpus(dir);
		wanted = all ? all : wanted;
	}
	if (!rc && strcmp(now, wanted)) {
		e = knob_entry_of(KNOB_FILE, dir, name, was ? was->was : now,
				  wanted);
		e.done = true;
		*is = mem_strdup(wanted);
		knob_journal_add(j, &e);
	}
	free(all);
	free(now);
	return rc;
}

/* The kernel may cut what it is given: that would be taken for another's. */
static int write_one(const char *dir, const char *name, const char *word)
{
	int rc = cgroup_write(dir, name, word);
	char *now = rc ? NULL : cgroup_read(dir, name);

	if (rc == -ENODEV)
		rc = -ENOENT;
	if (now && strcmp(now, word))
		rc = err_set(EEXIST,
			     "'%s/%s' holds '%s' after '%s' was written", dir,
			     name, now, word);
	free(now);
	return rc;
}

int knob_tune_set(const struct knob_tune *t, struct knob_journal *j)
{
	char *dir, *word, *is[FILES] = {0};
	int rc = find(t, &dir);

	for (size_t i = 0; i < FILES && !rc; i++) {
		if (!(t->may & files[i].bit))
			continue;
		word = t->set & files[i].bit ? word_of(t, files[i].bit) : NULL;
		rc = note(dir, files[i].name, word, j, &is[i]);
		free(word);
	}
	if (!rc)
		rc = knob_journal_sync(j);
	for (size_t i = 0; i < FILES; i++) {
		if (!rc && is[i])
			rc = write_one(dir, files[i].name, is[i]);
		free(is[i]);
	}
	free(dir);
	return rc ? rc : knob_journal_compact(j);
}
