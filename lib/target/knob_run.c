/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/knob_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/exec_id.h"
#include "base/mem.h"
#include "base/thread.h"
#include "knob/attr.h"
#include "policy/knobs.h"
#include "target/kin.h"
#include "target/knob_groups.h"

/* How late a rule for a name may come: most names are those of programs that
 * run for longer. */
#define LOOK_NS 50000000

struct knob_run {
	struct knobs knobs;
	struct knob_groups groups;
	struct attr base; /* before any rule */
	int first;	  /* the rule that the command began with */
	uint64_t tasks[KNOBS_MAX_RULES];
	struct kin kin;
	pthread_t follower;
	bool follows;
	volatile bool over;
	int rc; /* the first failure of the follower, and its message */
	char *message;
};

static const struct knob_rule *rule_at(const struct knob_run *k, int i)
{
	return i < 0 ? NULL : &k->knobs.rules[i];
}

/* Task tid of process pid had rule `from` and gets rule `to`. */
static int set_task(struct knob_run *k, pid_t tid, pid_t pid, int from, int to)
{
	const struct knob_rule *was = rule_at(k, from), *is = rule_at(k, to);
	unsigned set = (was ? was->set : 0) | (is ? is->set : 0);
	int rc = attr_set(tid, set, is, &k->base);

	/* A cgroup holds whole processes: their first thread's name counts. */
	if (!rc && tid == pid)
		rc = knob_groups_put(&k->groups, to, pid);
	if (!rc && is)
		k->tasks[to]++;
	return rc == -ESRCH ? 0 : rc;
}

/* ---- following -------------------------------------------------------- */

/* The rule that t has: its own from the last look, or its parent's. */
static int rule_of(const struct knob_run *k, const struct kin_task *t)
{
	const struct kin_task *from = t;

	if (t->fresh)
		from = kin_find(&k->kin, t->pid != t->tid ? t->pid : t->parent);
	return from && !from->fresh ? from->mark : k->first;
}

static void fail(struct knob_run *k, int rc)
{
	if (k->rc)
		return;
	k->rc = rc;
	k->message = mem_strdup(err_text());
}

static void look(struct knob_run *k)
{
	struct exec_ids ids = {0};
	int rc = kin_look(&k->kin);

	if (rc)
		fail(k, rc);
	for (size_t i = 0; !rc && i < k->kin.count; i++) {
		struct kin_task *t = &k->kin.tasks[i];
		int from = rule_of(k, t);
		int to = from;

		knobs_rule_now(&k->knobs, t->name, t->pid, &ids, &to);
		t->mark = to;
		if (from == to)
			continue;
		rc = set_task(k, t->tid, t->pid, from, to);
		if (rc)
			fail(k, rc);
	}
	for (size_t i = 0; i < k->kin.count; i++)
		k->kin.tasks[i].fresh = false;
}

static void *follow(void *arg)
{
	const struct timespec nap = {.tv_nsec = LOOK_NS};
	struct knob_run *k = arg;

	while (!k->over && !k->rc) {
		look(k);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

/* ---- around the command ----------------------------------------------- */

int knob_run_open(const struct json *body, struct knob_run **out)
{
	struct knob_run *k = mem_zalloc(1, sizeof(*k));
	int rc = knobs_read(body, &k->knobs);

	if (!rc)
		rc = knob_groups_make(&k->knobs, &k->groups);
	if (!rc && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		rc = err_set(errno, "cannot become the reaper of orphans: %s",
			     strerror(errno));
	if (rc) {
		knob_run_free(k);
		k = NULL;
	}
	*out = k;
	return rc;
}

int knob_run_take(struct knob_run *k, pid_t pid, const char *command)
{
	const char *slash = strrchr(command, '/');
	const struct knob_who who = {.name = slash ? slash + 1 : command};
	int rc = attr_read(pid, &k->base);

	k->first = knobs_rule(&k->knobs, &who);
	if (!rc)
		rc = set_task(k, pid, pid, -1, k->first);
	if (rc || !k->knobs.by_name)
		return rc;
	rc = thread_start(&k->follower, follow, k);
	k->follows = !rc;
	return rc;
}

int knob_run_end(struct knob_run *k)
{
	k->over = true;
	if (k->follows)
		pthread_join(k->follower, NULL);
	k->follows = false;
	kin_kill();
	knob_groups_remove(&k->knobs, &k->groups);
	return k->rc ? err_set(-k->rc, "%s", k->message) : 0;
}

struct json *knob_run_report(const struct knob_run *k)
{
	struct json *v = json_object();
	struct json *rules = json_set(v, "rules", json_array());

	for (size_t i = 0; i < k->knobs.count; i++) {
		struct json *r = json_add(rules, json_object());

		knobs_rule_name(&k->knobs.rules[i], r);
		json_set_number(r, "tasks", (double)k->tasks[i]);
	}
	return v;
}

void knob_run_free(struct knob_run *k)
{
	if (!k)
		return;
	knob_run_end(k);
	kin_release(&k->kin);
	free(k->message);
	free(k);
}
