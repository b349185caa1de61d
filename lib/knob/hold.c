/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/hold.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "knob/hold_state.h"
#include "knob/undo.h"

#define MAX_DEPTH  256
#define LACKS_TOLD 8
#define WHY_MAX	   900

/* ---- who is meant ----------------------------------------------------- */

static bool is_below(const struct look *l, const struct look_task *t, pid_t top)
{
	for (int i = 0; t && i < MAX_DEPTH; i++) {
		if (t->pid == top)
			return true;
		t = look_parent(l, t);
	}
	return false;
}

/* What is in the journal stays in, wherever it goes. */
static bool is_meant(const struct knob_hold *h, const struct look_task *t)
{
	/* Neither this process nor the one that it works for. */
	if (t->pid == getpid() || t->pid == getppid())
		return false;
	switch (h->scope.where) {
	case KNOB_TREE:
		return is_below(&h->now, t, h->scope.pid);
	case KNOB_CGROUP_TREE:
		return knob_groups_hold(h, t->pid);
	case KNOB_HOST:
	case KNOB_SHARE:
		break;
	}
	return true;
}

/* What will be the command has its name already. */
static const char *name_of(struct knob_hold *h, const struct look_task *t)
{
	const char *name = t->stat.name;

	if (!*h->scope.command || t->tid != h->scope.pid)
		return name;
	if (!*h->before)
		snprintf(h->before, sizeof(h->before), "%s", name);
	return strcmp(name, h->before) ? name : h->scope.command;
}

/* Whose process is not chosen.  Nor is one that our asker has to help it: what
 * holds a policy must not depend on it. */
static bool is_left_out(const struct knob_hold *h, const struct look_task *t)
{
	const struct look_task *first;

	if (h->knobs.rules[0].policy == KNOB_EXT && t->stat.parent == getppid())
		return true;
	if (h->scope.where != KNOB_SHARE)
		return false;
	first = look_find(&h->now, t->pid);
	return !knob_share_has(&h->scope.share, t->pid,
			       first ? first->stat.start : task_start(t->pid));
}

/* The rule for it, as knobs_rule_now() has it; -1: none.  What a process of a
 * share starts is chosen anew, though it inherits. */
static bool find_rule(struct knob_hold *h, const struct look_task *t, int *rule)
{
	if (!is_left_out(h, t))
		return knobs_rule_now(&h->knobs, name_of(h, t), t->pid, &h->ids,
				      rule);
	*rule = -1;
	return true;
}

/* Who wants only what nobody else needs has no place among others. */
static bool is_spared(const struct knob_hold *h, int rule,
		      const struct attr *now)
{
	const struct knob_rule *r = rule < 0 ? NULL : &h->knobs.rules[rule];

	return r && r->set & KNOB_POLICY && r->policy == KNOB_EXT &&
	       now->policy == SCHED_IDLE;
}

/* ---- what is to be ---------------------------------------------------- */

static void aim(const struct knob_hold *h, struct knob_entry *e, int rule)
{
	const struct knob_rule *r = rule < 0 ? NULL : &h->knobs.rules[rule];
	unsigned set = r ? r->set & KNOB_OWN : 0;

	e->rule = rule;
	e->set |= set;
	e->ours = e->former;
	if (set & KNOB_NICE)
		e->ours.nice = r->nice;
	if (set & KNOB_POLICY)
		e->ours.policy = attr_policy(r->policy);
	if (set & KNOB_SLICE)
		e->ours.slice_ns = r->slice_us * 1000ull;
	for (size_t i = 0; set & KNOB_CPUS && i < KNOBS_CPU_WORDS; i++)
		e->ours.cpus[i] = r->cpus[i] & h->cpus[i];
}

/* As task_start() counts. */
static uint64_t ticks_now(void)
{
	return (uint64_t)(clock_boot() * (double)sysconf(_SC_CLK_TCK));
}

static void add_todo(struct knob_hold *h, const struct knob_todo *t)
{
	if (h->todo_count == h->todo_cap) {
		h->todo_cap = h->todo_cap ? 2 * h->todo_cap : 64;
		h->todo = mem_realloc(h->todo, h->todo_cap, sizeof(*h->todo));
	}
	h->todo[h->todo_count++] = *t;
}

/* Who came later and cannot be treated keeps none of the others from it. */
static void miss(struct knob_hold *h, struct knob_todo *t)
{
	if (!h->missed)
		h->missed = mem_strdup(h->lacks.v[h->lacks.len - 1]);
	free(t->into);
}

static void consider(struct knob_hold *h, const struct look_task *t)
{
	size_t lacks = h->lacks.len;
	const struct knob_entry *was =
		knob_journal_task(h->j, t->tid, t->stat.start);
	struct knob_todo todo = {.pid = t->pid};
	int rule, from = -1;

	if (!find_rule(h, t, &rule))
		return;
	if (was ? was->rule == rule : rule < 0 && !h->j->count)
		return;
	if (was)
		todo.e = *was;
	else if (!knob_born(h->j, &h->now, t, &todo.e)) {
		if (rule < 0 || !is_meant(h, t))
			return;
		todo.e = (struct knob_entry){.kind = KNOB_TASK,
					     .tid = t->tid,
					     .start = t->stat.start,
					     .since = ticks_now(),
					     .rule = -1};
		if (attr_read(t->tid, &todo.e.former))
			return;
	}
	if (attr_read(t->tid, &todo.now) || !attr_is_fair(&todo.now) ||
	    is_spared(h, rule, &todo.now))
		return;
	from = todo.e.rule;
	aim(h, &todo.e, rule);
	/* A cgroup holds whole processes: their first thread's name counts. */
	if (h->root && t->tid == t->pid)
		knob_groups_aim(h, &todo, from);
	knob_may_set(h, &todo);
	if (h->lacks.len == lacks || !h->looked)
		add_todo(h, &todo);
	else
		miss(h, &todo);
}

static void forget(struct knob_hold *h)
{
	for (size_t i = 0; i < h->todo_count; i++)
		free(h->todo[i].into);
	h->todo_count = 0;
	strs_release(&h->lacks);
	look_release(&h->now);
}

static int refused(const struct knob_hold *h)
{
	struct buf why;

	if (!h->lacks.len || h->looked)
		return 0;
	buf_init(&why, WHY_MAX);
	for (size_t i = 0; i < h->lacks.len && i < LACKS_TOLD; i++)
		buf_printf(&why, "%s%s", i ? "; " : "", h->lacks.v[i]);
	if (h->lacks.len > LACKS_TOLD)
		buf_printf(&why, "; and %zu more", h->lacks.len - LACKS_TOLD);
	err_set(EPERM, "%s", why.data);
	buf_release(&why);
	return -EPERM;
}

static int find_out(struct knob_hold *h)
{
	int rc = look_take(&h->now);

	h->ids.pid = 0;
	for (size_t i = 0; !rc && i < h->now.count; i++)
		consider(h, &h->now.v[i]);
	return rc ? rc : refused(h);
}

/* ---- doing it --------------------------------------------------------- */

static unsigned differs(unsigned set, const struct attr *a,
			const struct attr *b)
{
	unsigned is = 0;

	is |= a->nice != b->nice ? KNOB_NICE : 0;
	is |= a->policy != b->policy ? KNOB_POLICY : 0;
	is |= a->slice_ns != b->slice_ns ? KNOB_SLICE : 0;
	is |= memcmp(a->cpus, b->cpus, sizeof(a->cpus)) ? KNOB_CPUS : 0;
	return set & is;
}

/* What a cpuset made of it is ours, too. */
static void read_back(struct knob_hold *h, const struct knob_todo *t)
{
	struct knob_entry *e = knob_journal_task(h->j, t->e.tid, t->e.start);
	struct attr got;

	if (!e || attr_read(e->tid, &got) ||
	    !differs(KNOB_CPUS, &got, &e->ours))
		return;
	memcpy(e->ours.cpus, got.cpus, sizeof(got.cpus));
	knob_journal_put(h->j, e);
}

static int set_one(struct knob_hold *h, const struct knob_todo *t)
{
	unsigned set = differs(t->e.set, &t->now, &t->e.ours);
	int rc = 0;

	/* The number may be another task's by now. */
	if (task_start(t->e.tid) != t->e.start)
		return 0;
	if (set)
		rc = attr_put(t->e.tid, set, &t->e.ours);
	if (!rc && set & KNOB_CPUS)
		read_back(h, t);
	if (!rc && t->into)
		rc = knob_move(t);
	if (!rc && t->e.rule >= 0)
		h->tasks[t->e.rule]++;
	return rc == -ESRCH ? 0 : rc;
}

static int set_all(struct knob_hold *h)
{
	int rc;

	for (size_t i = 0; i < h->todo_count; i++)
		knob_journal_add(h->j, &h->todo[i].e);
	knob_groups_note(h);
	rc = knob_journal_sync(h->j);
	if (!rc)
		rc = knob_groups_set(h);
	for (size_t i = 0; i < h->todo_count && !rc; i++)
		rc = set_one(h, &h->todo[i]);
	return rc ? rc : knob_journal_sync(h->j);
}

static int let_go(struct knob_hold *h)
{
	for (size_t i = 0; i < h->j->count; i++) {
		struct knob_entry *e = &h->j->v[i];
		const struct look_task *t;

		if (e->kind != KNOB_TASK)
			continue;
		t = look_find(&h->now, e->tid);
		e->gone = !t || t->stat.start != e->start;
	}
	return knob_journal_compact(h->j);
}

int knob_hold_look(struct knob_hold *h)
{
	int rc = find_out(h);

	if (!rc && (h->todo_count || h->file_count))
		rc = set_all(h);
	else if (rc)
		knob_groups_drop(h);
	if (!rc)
		rc = let_go(h);
	h->looked |= !rc;
	forget(h);
	return rc;
}

int knob_hold_plan(struct knob_hold *h, struct strs *changes)
{
	int rc = find_out(h);

	if (!rc)
		knob_groups_tell(h, changes);
	for (size_t i = 0; i < h->todo_count && !rc; i++)
		knob_tell(&h->todo[i], changes);
	knob_groups_drop(h);
	forget(h);
	return rc;
}

size_t knob_hold_tasks(const struct knob_hold *h, size_t rule)
{
	return h->tasks[rule];
}

const char *knob_hold_missed(const struct knob_hold *h)
{
	return h->missed;
}

/* ---- before and after ------------------------------------------------- */

static int check_scope(const struct knob_hold *h)
{
	if (h->scope.where == KNOB_TREE && !task_start(h->scope.pid))
		return err_set(ESRCH, "there is no process %d", h->scope.pid);
	for (size_t i = 0; i < h->knobs.count; i++)
		if (h->scope.where == KNOB_HOST &&
		    knobs_rule_is_all(&h->knobs.rules[i]))
			return err_set(
				EINVAL,
				"the rule for '*' is for the whole workload: "
				"say which with --pid, --cgroup or a command");
	return 0;
}

static int check_knobs(struct knob_hold *h)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	int rc;

	n = n < 1 ? 1 : n > KNOBS_MAX_CPUS ? KNOBS_MAX_CPUS : n;
	for (long c = 0; c < n; c++)
		h->cpus[c / 64] |= 1ull << (c % 64);
	rc = knobs_check_cpus(&h->knobs, (uint32_t)n, false);
	if (!rc && h->knobs.set & KNOB_SLICE)
		rc = attr_check_slices();
	return rc;
}

int knob_hold_open(const struct knobs *k, const struct knob_scope *s,
		   struct knob_journal *j, struct knob_hold **out)
{
	struct knob_hold *h = mem_zalloc(1, sizeof(*h));
	int rc;

	h->knobs = *k;
	h->scope = *s;
	h->j = j;
	h->may_nice = knob_may_nice();
	rc = check_scope(h);
	if (!rc)
		rc = check_knobs(h);
	if (!rc)
		rc = knob_groups_open(h);
	if (rc) {
		knob_hold_free(h);
		h = NULL;
	}
	*out = h;
	return rc;
}

void knob_hold_free(struct knob_hold *h)
{
	if (!h)
		return;
	forget(h);
	free(h->todo);
	free(h->missed);
	knob_groups_close(h);
	free(h);
}
