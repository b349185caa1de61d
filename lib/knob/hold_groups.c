/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Weights, quotas and cpusets.  The rule for "*" of a cgroup sets that cgroup's
 * own files and moves nobody; the processes of any other rule go into a cgroup
 * of ours beside the one they are in, and back from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"
#include "knob/hold_state.h"

#define PROCS	"cgroup.procs"
#define SUBTREE "cgroup.subtree_control"

/* ---- the scope's own files -------------------------------------------- */

static int find_cgroup(struct knob_hold *h)
{
	h->cgroup = cgroup_folder(h->root, h->scope.cgroup);
	return h->cgroup ? 0 : -ENOENT;
}

static int add_file(struct knob_hold *h, const char *name, const char *word)
{
	struct knob_entry *e = &h->files[h->file_count];
	char *was = cgroup_read(h->cgroup, name), *path;

	if (!was)
		return err_set(ENOTSUP,
			       "the cgroup '%s' has no '%s': the controller is "
			       "not on in its parent's cgroup.subtree_control",
			       h->cgroup, name);
	path = mem_printf("%s/%s", h->cgroup, name);
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
		strs_printf(&h->lacks,
			    "'%s' cannot be written: that needs root, or a "
			    "cgroup that was delegated to you",
			    path);
	free(path);
	*e = (struct knob_entry){.kind = KNOB_FILE,
				 .dir = mem_strdup(h->cgroup),
				 .name = mem_strdup(name),
				 .was = was,
				 .is = mem_strdup(word),
				 .rule = -1};
	h->file_count++;
	return 0;
}

/* What is set on the whole cgroup is not set on its tasks. */
static int add_files(struct knob_hold *h, struct knob_rule *r)
{
	char word[CGROUP_WORD], *cpus;
	int rc = 0;

	if (r->set & KNOB_WEIGHT) {
		snprintf(word, sizeof(word), "%u", r->cpu_weight);
		rc = add_file(h, "cpu.weight", word);
	}
	if (!rc && r->set & KNOB_MAX) {
		cgroup_quota(word, r->cpu_max_pct);
		rc = add_file(h, "cpu.max", word);
	}
	r->set &= ~(unsigned)KNOB_CGROUP;
	if (!rc && r->set & KNOB_CPUS &&
	    cgroup_has(h->cgroup, "cgroup.controllers", "cpuset")) {
		cpus = knobs_cpus_text(r->cpus);
		rc = add_file(h, "cpuset.cpus", cpus);
		free(cpus);
		r->set &= ~(unsigned)KNOB_CPUS;
	}
	return rc;
}

/* ---- cgroups of ours -------------------------------------------------- */

static int check_controller(const struct knob_hold *h)
{
	unsigned set = 0;

	for (size_t i = 0; i < h->knobs.count; i++)
		set |= h->knobs.rules[i].set;
	if (!(set & KNOB_CGROUP) ||
	    cgroup_has(h->root, "cgroup.controllers", "cpu"))
		return 0;
	return err_set(ENOTSUP,
		       "cpu_weight and cpu_max_pct need the controller 'cpu' "
		       "in the cgroups of version 2 at '%s', and it is not "
		       "there: it may be mounted as version 1",
		       h->root);
}

int knob_groups_open(struct knob_hold *h)
{
	struct knob_rule *last = &h->knobs.rules[h->knobs.count - 1];
	bool scope = h->scope.where == KNOB_CGROUP_TREE;
	int rc = 0;

	if (!scope && !(h->knobs.set & KNOB_CGROUP))
		return 0;
	h->root = cgroup_root();
	if (!h->root)
		return err_set(ENOTSUP,
			       "there are no cgroups of version 2 on this "
			       "host, which %s",
			       scope ? "--cgroup needs"
				     : "cpu_weight and cpu_max_pct need");
	if (scope)
		rc = find_cgroup(h);
	if (!rc && scope && !strcmp(last->match, "*"))
		rc = add_files(h, last);
	return rc ? rc : check_controller(h);
}

static void release_file(struct knob_entry *e)
{
	free(e->dir);
	free(e->name);
	free(e->was);
	free(e->is);
}

void knob_groups_close(struct knob_hold *h)
{
	for (size_t i = 0; i < h->file_count; i++)
		release_file(&h->files[i]);
	for (size_t i = 0; i < h->made_count; i++) {
		free(h->made[i].home);
		free(h->made[i].dir);
	}
	free(h->made);
	free(h->cgroup);
	free(h->root);
}

bool knob_groups_hold(const struct knob_hold *h, pid_t pid)
{
	char *dir = cgroup_of(h->root, pid);
	size_t n = strlen(h->cgroup);
	bool in = dir && !strncmp(dir, h->cgroup, n) &&
		  (!dir[n] || dir[n] == '/');

	free(dir);
	return in;
}

static void need_write(struct knob_hold *h, const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);

	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
		strs_printf(&h->lacks,
			    "'%s' cannot be written, which cpu_weight and "
			    "cpu_max_pct need: that needs root, or a cgroup "
			    "that was delegated to you",
			    path);
	free(path);
}

/* Ours go beside the one that the processes are in: a cgroup holds either
 * processes or cgroups. */
static const char *make(struct knob_hold *h, int rule, const char *home)
{
	char *parent = cgroup_parent(h->root, home);
	struct knob_made *m;

	if (!parent)
		parent = mem_strdup(h->root);
	h->made = mem_realloc(h->made, h->made_count + 1, sizeof(*h->made));
	m = &h->made[h->made_count];
	*m = (struct knob_made){.rule = rule,
				.home = mem_strdup(home),
				.dir = mem_printf("%s/schedkit-%d-%zu", parent,
						  getpid(), h->made_count)};
	h->made_count++;
	need_write(h, parent, PROCS);
	need_write(h, parent, ".");
	need_write(h, home, PROCS);
	if (!cgroup_has(parent, SUBTREE, "cpu"))
		need_write(h, parent, SUBTREE);
	free(parent);
	return m->dir;
}

static const char *made_for(struct knob_hold *h, int rule, const char *home)
{
	for (size_t i = 0; i < h->made_count; i++)
		if (h->made[i].rule == rule && !strcmp(h->made[i].home, home))
			return h->made[i].dir;
	return make(h, rule, home);
}

static bool needs_group(const struct knob_hold *h, int rule)
{
	return rule >= 0 && h->knobs.rules[rule].set & KNOB_CGROUP;
}

void knob_groups_aim(struct knob_hold *h, struct knob_todo *t, int from)
{
	char *in = cgroup_of(h->root, t->pid);
	const char *home = in, *into;

	for (size_t i = 0; in && i < h->made_count; i++)
		if (!strcmp(h->made[i].dir, in))
			home = h->made[i].home;
	if (!in || (!needs_group(h, from) && !needs_group(h, t->e.rule)))
		goto out;
	into = needs_group(h, t->e.rule) ? made_for(h, t->e.rule, home) : home;
	/* Who was moved by somebody else meanwhile stays there. */
	if (strcmp(in, into) && (needs_group(h, t->e.rule) || home != in))
		t->into = mem_strdup(into);
out:
	free(in);
}

int knob_move(const struct knob_todo *t)
{
	char word[16];

	snprintf(word, sizeof(word), "%d", t->pid);
	return cgroup_write(t->into, PROCS, word);
}

/* ---- doing it --------------------------------------------------------- */

/* Each cgroup on the way down to dir's has to hand the controller on. */
static void note_controls(struct knob_hold *h, const char *dir)
{
	char *parent = cgroup_parent(h->root, dir);
	struct knob_entry e;

	if (!parent)
		return;
	note_controls(h, parent);
	if (!cgroup_has(parent, SUBTREE, "cpu")) {
		e = knob_entry_of(KNOB_CONTROL, parent, "cpu", "", "");
		knob_journal_add(h->j, &e);
	}
	free(parent);
}

void knob_groups_note(struct knob_hold *h)
{
	struct knob_entry e;

	for (size_t i = 0; i < h->file_count; i++) {
		knob_journal_add(h->j, &h->files[i]);
		h->files[i] = (struct knob_entry){0};
	}
	h->file_count = 0;
	for (size_t i = 0; i < h->made_count; i++) {
		if (h->made[i].is_there)
			continue;
		note_controls(h, h->made[i].dir);
		e = knob_entry_of(KNOB_GROUP, h->made[i].dir, "",
				  h->made[i].home, "");
		knob_journal_add(h->j, &e);
	}
}

static int make_group(const struct knob_hold *h, struct knob_made *m)
{
	const struct knob_rule *r = &h->knobs.rules[m->rule];
	char word[CGROUP_WORD];
	int rc = 0;

	if (mkdir(m->dir, 0755) < 0 && errno != EEXIST)
		return err_set(errno, "cannot make the cgroup '%s': %s", m->dir,
			       strerror(errno));
	m->is_there = true;
	if (r->set & KNOB_WEIGHT) {
		snprintf(word, sizeof(word), "%u", r->cpu_weight);
		rc = cgroup_write(m->dir, "cpu.weight", word);
	}
	if (!rc && r->set & KNOB_MAX) {
		cgroup_quota(word, r->cpu_max_pct);
		rc = cgroup_write(m->dir, "cpu.max", word);
	}
	return rc;
}

int knob_groups_set(struct knob_hold *h)
{
	int rc = 0;

	for (size_t i = 0; i < h->j->count && !rc; i++) {
		struct knob_entry *e = &h->j->v[i];

		if (e->done)
			continue;
		if (e->kind == KNOB_FILE)
			rc = cgroup_write(e->dir, e->name, e->is);
		else if (e->kind == KNOB_CONTROL)
			rc = cgroup_write(e->dir, SUBTREE, "+cpu");
		e->done = true;
	}
	for (size_t i = 0; i < h->made_count && !rc; i++)
		if (!h->made[i].is_there)
			rc = make_group(h, &h->made[i]);
	return rc;
}

void knob_groups_drop(struct knob_hold *h)
{
	while (h->made_count && !h->made[h->made_count - 1].is_there) {
		h->made_count--;
		free(h->made[h->made_count].home);
		free(h->made[h->made_count].dir);
	}
}

void knob_groups_tell(const struct knob_hold *h, struct strs *out)
{
	for (size_t i = 0; i < h->file_count; i++)
		strs_printf(out, "cgroup '%s': %s %s, now '%s'",
			    h->files[i].dir, h->files[i].name, h->files[i].is,
			    h->files[i].was);
	for (size_t i = 0; i < h->made_count; i++)
		strs_printf(out, "cgroup '%s': to be made, for rule %d",
			    h->made[i].dir, h->made[i].rule);
}
