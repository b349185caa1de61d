/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/undo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"
#include "knob/look.h"

/* What forks while it is set back is found in the next round. */
#define ROUNDS 5

void knob_count_release(struct knob_count *c)
{
	strs_release(&c->left);
	*c = (struct knob_count){0};
}

/* ---- tasks ------------------------------------------------------------ */

/* Of `set`, what is the same in both. */
static unsigned equal(unsigned set, const struct attr *a, const struct attr *b)
{
	unsigned is = 0;

	is |= a->nice == b->nice ? KNOB_NICE : 0;
	is |= a->policy == b->policy ? KNOB_POLICY : 0;
	is |= a->slice_ns == b->slice_ns ? KNOB_SLICE : 0;
	is |= memcmp(a->cpus, b->cpus, sizeof(a->cpus)) ? 0 : KNOB_CPUS;
	return set & is;
}

static void say_left(const struct knob_entry *e, unsigned set,
		     const struct attr *now, struct knob_count *out)
{
	char *cpus = knobs_cpus_text(now->cpus);

	if (set & KNOB_NICE)
		strs_printf(&out->left, "task %d: its nice value is %d now",
			    e->tid, now->nice);
	if (set & KNOB_POLICY)
		strs_printf(&out->left, "task %d: its policy is %s now", e->tid,
			    attr_policy_name(now->policy));
	if (set & KNOB_SLICE)
		strs_printf(&out->left, "task %d: its slice is %llu us now",
			    e->tid, (unsigned long long)now->slice_ns / 1000);
	if (set & KNOB_CPUS)
		strs_printf(&out->left, "task %d: its CPUs are %s now", e->tid,
			    cpus);
	free(cpus);
}

/* A cpuset may have left us fewer CPUs than we asked for, and this process may
 * have died before it saw that. */
static bool within(const uint64_t *cpus, const struct knob_entry *e)
{
	for (size_t i = 0; i < KNOBS_CPU_WORDS; i++)
		if (cpus[i] != (e->ours.cpus[i] & e->former.cpus[i]))
			return false;
	return true;
}

/* *ours: what is as we set it; *theirs: neither that nor as it was.  -ESRCH */
static int compare(const struct knob_entry *e, unsigned *ours, unsigned *theirs,
		   struct attr *now)
{
	unsigned former;
	int rc;

	if (task_start(e->tid) != e->start)
		return -ESRCH;
	rc = attr_read(e->tid, now);
	if (rc)
		return rc;
	former = equal(e->set, now, &e->former);
	*ours = equal(e->set, now, &e->ours) | equal(e->set, now, &e->prior);
	if (within(now->cpus, e))
		*ours |= e->set & KNOB_CPUS;
	*ours &= ~former;
	*theirs = e->set & ~former & ~*ours;
	return 0;
}

static int undo_task(const struct knob_entry *e, struct knob_count *out)
{
	unsigned ours = 0, theirs = 0;
	struct attr now;
	int rc = compare(e, &ours, &theirs, &now);

	if (!rc && ours)
		rc = attr_put(e->tid, ours, &e->former);
	if (rc == -ESRCH) {
		out->gone++;
		return 0;
	}
	if (rc)
		return rc;
	say_left(e, theirs, &now, out);
	out->tasks++;
	return 0;
}

static void inherit(struct knob_entry *e, const struct knob_entry *parent)
{
	unsigned ours = equal(parent->set, &e->former, &parent->ours);

	e->ours = e->former;
	if (ours & KNOB_NICE)
		e->former.nice = parent->former.nice;
	if (ours & KNOB_POLICY)
		e->former.policy = parent->former.policy;
	if (ours & KNOB_SLICE)
		e->former.slice_ns = parent->former.slice_ns;
	if (ours & KNOB_CPUS)
		memcpy(e->former.cpus, parent->former.cpus,
		       sizeof(e->former.cpus));
}

bool knob_born(const struct knob_journal *j, const struct look *l,
	       const struct look_task *t, struct knob_entry *out)
{
	const struct look_task *up = look_parent(l, t);
	const struct knob_entry *p;

	p = up ? knob_journal_task(j, up->tid, up->stat.start) : NULL;
	if (!p || t->stat.start < p->since)
		return false;
	*out = (struct knob_entry){.kind = KNOB_TASK,
				   .tid = t->tid,
				   .start = t->stat.start,
				   .since = t->stat.start,
				   .set = p->set,
				   .rule = p->rule};
	if (attr_read(t->tid, &out->former))
		return false;
	inherit(out, p);
	return true;
}

/* Tasks that were forked by those in the journal are put there, too. */
static void adopt(struct knob_journal *j)
{
	struct knob_entry e;
	struct look l;

	if (look_take(&l))
		return;
	for (size_t i = 0; i < l.count; i++)
		if (!knob_journal_task(j, l.v[i].tid, l.v[i].stat.start) &&
		    knob_born(j, &l, &l.v[i], &e))
			knob_journal_add(j, &e);
	look_release(&l);
}

/* ---- cgroups ---------------------------------------------------------- */

/* Whose folder is gone was removed by its owner. */
static bool is_there(const char *dir)
{
	return !access(dir, F_OK);
}

static int undo_file(const struct knob_entry *e, struct knob_count *out)
{
	char *now = cgroup_read(e->dir, e->name), *then;
	int rc = 0;

	if (!now) {
		out->gone++;
	} else if (knob_entry_holds(e, now)) {
		if (strcmp(now, e->was))
			rc = cgroup_write_back(e->dir, e->name, e->was);
		out->groups += !rc;
		then = rc || *e->was ? NULL : cgroup_read(e->dir, e->name);
		if (then && *then)
			strs_printf(&out->left,
				    "'%s/%s' holds '%s' now, all that there "
				    "are: it cannot be empty again while it is "
				    "in use",
				    e->dir, e->name, then);
		free(then);
	} else {
		strs_printf(&out->left, "'%s/%s' holds '%s' now", e->dir,
			    e->name, now);
	}
	free(now);
	return rc;
}

/* What is left of the path if its end is gone. */
static char *nearest(const char *dir)
{
	char *at = mem_strdup(dir), *slash;

	while (!is_there(at) && (slash = strrchr(at, '/')) && slash != at)
		*slash = '\0';
	return at;
}

/* Every process of it goes back to where they came from. */
static int empty(const struct knob_entry *e, struct knob_count *out)
{
	char *home = nearest(e->was), *procs, *save = NULL;
	int rc = 0;

	for (int i = 0; i < ROUNDS && !rc; i++) {
		procs = cgroup_read(e->dir, "cgroup.procs");
		if (!procs || !*procs)
			i = ROUNDS;
		save = NULL;
		for (char *p = procs ? strtok_r(procs, "\n", &save) : NULL; p;
		     p = strtok_r(NULL, "\n", &save)) {
			int one = cgroup_write(home, "cgroup.procs", p);

			rc = one == -ESRCH || rc ? rc : one;
		}
		free(procs);
	}
	if (strcmp(home, e->was))
		strs_printf(&out->left,
			    "the cgroup '%s' went away: what was in it is in "
			    "'%s' now",
			    e->was, home);
	free(home);
	return rc;
}

static int undo_group(const struct knob_entry *e, struct knob_count *out)
{
	int rc;

	if (!is_there(e->dir))
		return 0;
	rc = empty(e, out);
	if (!rc)
		rc = cgroup_remove(e->dir);
	out->groups += !rc;
	return rc;
}

/* Others may have come to need it. */
static int undo_control(const struct knob_entry *e, struct knob_count *out)
{
	char *word;
	int rc = 0;

	if (!is_there(e->dir)) {
		out->gone++;
		return 0;
	}
	word = mem_printf("-%s", e->name);
	if (cgroup_has(e->dir, "cgroup.subtree_control", e->name))
		rc = cgroup_write(e->dir, "cgroup.subtree_control", word);
	if (rc == -EBUSY) {
		strs_printf(&out->left,
			    "the controller '%s' stays on below '%s': others "
			    "use it now",
			    e->name, e->dir);
		rc = 0;
	} else if (!rc) {
		out->groups++;
	}
	free(word);
	return rc;
}

/* ---- all of it -------------------------------------------------------- */

static int undo_one(const struct knob_entry *e, struct knob_count *out)
{
	switch (e->kind) {
	case KNOB_TASK:
		return undo_task(e, out);
	case KNOB_FILE:
		return undo_file(e, out);
	case KNOB_GROUP:
		return undo_group(e, out);
	case KNOB_CONTROL:
		return undo_control(e, out);
	}
	return 0;
}

int knob_undo(struct knob_journal *j, struct knob_count *out)
{
	size_t from = 0;
	int rc = 0;

	*out = (struct knob_count){0};
	adopt(j);
	for (int i = 0; i < ROUNDS && (!i || from < j->count); i++) {
		size_t end = j->count;

		/* What was done last is undone first. */
		for (size_t k = end; k-- > from;) {
			int one = undo_one(&j->v[k], out);

			rc = rc ? rc : one;
		}
		from = end;
		adopt(j);
	}
	if (!rc)
		knob_journal_end(j);
	return rc;
}

void knob_in_force(const struct knob_journal *j, struct knob_count *out)
{
	*out = (struct knob_count){0};
	for (size_t i = 0; i < j->count; i++) {
		const struct knob_entry *e = &j->v[i];
		unsigned ours = 0, theirs = 0;
		struct attr now;
		char *held;

		switch (e->kind) {
		case KNOB_TASK:
			if (compare(e, &ours, &theirs, &now))
				out->gone++;
			else
				say_left(e, theirs, &now, out);
			out->tasks += ours != 0;
			break;
		case KNOB_FILE:
			held = cgroup_read(e->dir, e->name);
			out->gone += !held;
			if (held && strcmp(held, e->was) &&
			    knob_entry_holds(e, held))
				out->groups++;
			else if (held && strcmp(held, e->was))
				strs_printf(&out->left,
					    "'%s/%s' holds '%s' now", e->dir,
					    e->name, held);
			free(held);
			break;
		case KNOB_GROUP:
			out->groups += is_there(e->dir);
			break;
		case KNOB_CONTROL:
			break;
		}
	}
}
