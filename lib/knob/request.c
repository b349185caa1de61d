/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "knob/request.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "knob/undo.h"

/* How late a rule for a name may come. */
#define LOOK_MS	 100
#define LINE_LEN 8192

static bool is_text(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

int knob_request_check(const struct knob_request *r)
{
	const struct knob_scope *s = &r->scope;

	if (r->size != sizeof(*r) || r->verb > KNOB_UNDO ||
	    s->where > KNOB_HOST || !is_text(r->policy, sizeof(r->policy)) ||
	    strspn(r->policy, "0123456789abcdef") != strlen(r->policy) ||
	    !is_text(s->command, sizeof(s->command)) ||
	    !is_text(s->cgroup, sizeof(s->cgroup)) || s->pid < 0)
		return err_set(EINVAL, "not a request to set knobs");
	return r->verb == KNOB_UNDO ? 0 : knobs_check(&r->knobs);
}

/* ---- answers ---------------------------------------------------------- */

/* The asker may be gone: that is no reason to leave anything undone. */
static void __attribute__((format(printf, 2, 3)))
say(int fd, const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[n] = '\n';
	io_write(fd, line, (size_t)n + 1);
}

static void say_rc(int fd, const char *word, int rc)
{
	say(fd, "%s %s %s", word, err_name(-rc), err_text());
}

static void say_done(int fd, const struct knob_count *c,
		     const struct knob_hold *h, size_t rules)
{
	char tasks[KNOBS_MAX_RULES * 24] = "";
	size_t len = 0;

	for (size_t i = 0; i < c->left.len; i++)
		say(fd, "left %s", c->left.v[i]);
	for (size_t i = 0; i < rules; i++)
		len += (size_t)snprintf(tasks + len, sizeof(tasks) - len,
					" %zu", knob_hold_tasks(h, i));
	say(fd, "done %zu %zu %zu%s", c->tasks, c->groups, c->gone, tasks);
}

/* ---- the work --------------------------------------------------------- */

/* Closed on the other side, or something was written, which nobody does. */
static bool is_over(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, LOOK_MS) > 0;
}

static void undo(struct knob_journal *j, int fd, const struct knob_hold *h,
		 size_t rules)
{
	struct knob_count c;
	int rc = knob_undo(j, &c);

	if (h && knob_hold_missed(h))
		say(fd, "left %s", knob_hold_missed(h));
	if (rc)
		say_rc(fd, "fault", rc);
	say_done(fd, &c, h, rules);
	knob_count_release(&c);
}

static void plan(struct knob_hold *h, int fd, struct knob_journal *j)
{
	struct strs changes = {0};
	int rc = knob_hold_plan(h, &changes);

	if (rc)
		say_rc(fd, "no", rc);
	for (size_t i = 0; i < changes.len; i++)
		say(fd, "plan %s", changes.v[i]);
	if (!rc)
		say(fd, "held");
	knob_journal_end(j);
	strs_release(&changes);
}

static void hold(struct knob_hold *h, struct knob_journal *j, int fd,
		 size_t rules, const volatile sig_atomic_t *cancel)
{
	int rc = knob_hold_look(h), trouble = 0;

	if (rc) {
		say_rc(fd, "no", rc);
		undo(j, fd, h, rules);
		return;
	}
	say(fd, "held");
	while (!*cancel && !is_over(fd)) {
		rc = knob_hold_look(h);
		if (rc && !trouble)
			say_rc(fd, "fault", rc);
		trouble |= rc;
	}
	undo(j, fd, h, rules);
}

/* What a dead one left is undone before anything new is set. */
static int clear(struct knob_journal *j, int fd, bool last)
{
	struct knob_count c = {0};
	int rc = j->count ? knob_undo(j, &c) : 0;

	for (size_t i = 0; i < c.left.len && !rc; i++)
		say(fd, "left %s", c.left.v[i]);
	if (last && !rc)
		say(fd, "done %zu %zu %zu", c.tasks, c.groups, c.gone);
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
		if (!rc)
			rc = knob_hold_open(&r->knobs, &r->scope, &j, &h);
	}
	if (h && r->verb == KNOB_PLAN)
		plan(h, fd, &j);
	else if (h)
		hold(h, &j, fd, r->knobs.count, cancel);
	if (rc && j.path && !j.count)
		knob_journal_end(&j);
	knob_hold_free(h);
	knob_journal_close(&j);
	return rc;
}

int knob_serve(int fd, const volatile sig_atomic_t *cancel)
{
	struct knob_request *r = mem_zalloc(1, sizeof(*r));
	size_t got = 0;
	ssize_t n;
	int rc;

	while (got < sizeof(*r) &&
	       (n = read(fd, (char *)r + got, sizeof(*r) - got)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	rc = got == sizeof(*r) ? knob_request_check(r)
			       : err_set(EINVAL, "half a request");
	if (!rc)
		rc = carry_out(r, fd, cancel);
	if (rc)
		say_rc(fd, "no", rc);
	free(r);
	return rc;
}
