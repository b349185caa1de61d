/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/request.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/answer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "knob/tune.h"
#include "knob/undo.h"

/* How late a rule for a name may come. */
#define LOOK_MS 100
/* Of the time, at most, for looking where what is set is inherited: there is
 * no hurry then. */
#define LOOK_SHARE   0.02
#define LOOK_MOST_MS 2000

static bool is_text(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

int knob_request_check(const struct knob_request *r)
{
	const struct knob_scope *s = &r->scope;

	if (r->size != sizeof(*r) || r->verb > KNOB_TUNE ||
	    s->where > KNOB_SHARE || s->share.parts > KNOB_SHARE_ALL ||
	    !is_text(r->policy, sizeof(r->policy)) ||
	    strspn(r->policy, "0123456789abcdef") != strlen(r->policy) ||
	    !is_text(s->command, sizeof(s->command)) ||
	    !is_text(s->cgroup, sizeof(s->cgroup)) || s->pid < 0)
		return err_set(EINVAL, "not a request to set knobs");
	return r->verb == KNOB_UNDO || r->verb == KNOB_TUNE
		       ? 0
		       : knobs_check(&r->knobs);
}

/* ---- answers ---------------------------------------------------------- */

static void say_done(int fd, const struct knob_count *c,
		     const struct knob_hold *h, size_t rules)
{
	char tasks[KNOBS_MAX_RULES * 24] = "";
	size_t len = 0;

	for (size_t i = 0; i < c->left.len; i++)
		answer_say(fd, "left %s", c->left.v[i]);
	for (size_t i = 0; i < rules; i++)
		len += (size_t)snprintf(tasks + len, sizeof(tasks) - len,
					" %zu", knob_hold_tasks(h, i));
	answer_say(fd, "done %zu %zu %zu%s", c->tasks, c->groups, c->gone,
		   tasks);
}

/* ---- the work --------------------------------------------------------- */

static void undo(struct knob_journal *j, int fd, const struct knob_hold *h,
		 size_t rules)
{
	struct knob_count c;
	int rc = knob_undo(j, &c);

	if (h && knob_hold_missed(h))
		answer_say(fd, "left %s", knob_hold_missed(h));
	if (rc)
		answer_trouble(fd, "fault", rc);
	say_done(fd, &c, h, rules);
	knob_count_release(&c);
}

static void plan(struct knob_hold *h, int fd, struct knob_journal *j)
{
	struct strs changes = {0};
	int rc = knob_hold_plan(h, &changes);

	if (rc)
		answer_trouble(fd, "no", rc);
	for (size_t i = 0; i < changes.len; i++)
		answer_say(fd, "plan %s", changes.v[i]);
	if (!rc)
		answer_say(fd, "held");
	knob_journal_end(j);
	strs_release(&changes);
}

/* Tasks that are handed to a policy hand it on to what they start. */
static bool is_inherited(const struct knobs *k)
{
	return k->set == KNOB_POLICY && k->rules[0].policy == KNOB_EXT;
}

/* How long to rest after a look that took so long. */
static int rest_ms(const struct knobs *k, double took_s)
{
	double ms = is_inherited(k) ? 1e3 * took_s / LOOK_SHARE : 0;

	return (int)fmin(fmax(ms, LOOK_MS), LOOK_MOST_MS);
}

static void hold(struct knob_hold *h, struct knob_journal *j, int fd,
		 const struct knobs *k, const volatile sig_atomic_t *cancel)
{
	double began = clock_monotonic();
	int rc = knob_hold_look(h), trouble = 0;

	if (rc) {
		answer_trouble(fd, "no", rc);
		undo(j, fd, h, k->count);
		return;
	}
	answer_say(fd, "held");
	while (!*cancel &&
	       !answer_over(fd, rest_ms(k, clock_monotonic() - began))) {
		began = clock_monotonic();
		rc = knob_hold_look(h);
		if (rc && !trouble)
			answer_trouble(fd, "fault", rc);
		trouble |= rc;
	}
	undo(j, fd, h, k->count);
}

/* One cgroup after the other, as it is asked for. */
static void tune(struct knob_journal *j, int fd,
		 const volatile sig_atomic_t *cancel)
{
	struct knob_tune *t = mem_zalloc(1, sizeof(*t));
	int rc;

	answer_say(fd, "held");
	while (!*cancel) {
		if (!answer_over(fd, LOOK_MOST_MS))
			continue;
		/* A closed side is the end of it, and so is half of one. */
		if (answer_request(fd, t, sizeof(*t)))
			break;
		rc = knob_tune_check(t);
		if (!rc)
			rc = knob_tune_look(t, true);
		if (!rc)
			rc = knob_tune_set(t, j);
		if (rc)
			answer_trouble(fd, "refused", rc);
		else
			answer_say(fd, "tuned");
	}
	free(t);
	undo(j, fd, NULL, 0);
}

/* What a dead one left is undone before anything new is set. */
static int clear(struct knob_journal *j, int fd, bool last)
{
	struct knob_count c = {0};
	int rc = j->count ? knob_undo(j, &c) : 0;

	for (size_t i = 0; i < c.left.len && !rc; i++)
		answer_say(fd, "left %s", c.left.v[i]);
	if (last && !rc)
		answer_say(fd, "done %zu %zu %zu", c.tasks, c.groups, c.gone);
	if (last && !rc)
		knob_journal_end(j);
	knob_count_release(&c);
	if (rc)
		return err_prefix(rc, "what an earlier deployment left cannot "
				      "be set back");
	return 0;
}

static int carry_out(const struct knob_request *r, int fd,
		     const volatile sig_atomic_t *cancel)
{
	struct knob_journal j;
	struct knob_hold *h = NULL;
	int rc = knob_journal_open(&j);

	if (rc)
		return rc;
	if (r->verb == KNOB_PLAN && j.count)
		rc = err_set(EBUSY, "an earlier deployment was left behind: "
				    "'sched-deploy stop' undoes it");
	else
		rc = clear(&j, fd, r->verb == KNOB_UNDO);
	if (!rc && r->verb != KNOB_UNDO) {
		/* The file that was undone is gone, and its lock with it. */
		knob_journal_close(&j);
		rc = knob_journal_open(&j);
		if (!rc && r->verb != KNOB_TUNE)
			rc = knob_hold_open(&r->knobs, &r->scope, &j, &h);
		else if (!rc)
			tune(&j, fd, cancel);
	}
	if (h && r->verb == KNOB_PLAN)
		plan(h, fd, &j);
	else if (h)
		hold(h, &j, fd, &r->knobs, cancel);
	if (rc && j.path && !j.count)
		knob_journal_end(&j);
	knob_hold_free(h);
	knob_journal_close(&j);
	return rc;
}

int knob_serve(int fd, const volatile sig_atomic_t *cancel)
{
	struct knob_request *r = mem_zalloc(1, sizeof(*r));
	int rc = answer_request(fd, r, sizeof(*r));

	if (!rc)
		rc = knob_request_check(r);
	if (!rc)
		rc = carry_out(r, fd, cancel);
	if (rc)
		answer_trouble(fd, "no", rc);
	free(r);
	return rc;
}
