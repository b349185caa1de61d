/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/setter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "knob/undo.h"

#define PROGRAM "set-knobs"
/* It ends by itself as soon as all is undone. */
#define PATIENCE_S 30.0

/* ---- what it says ----------------------------------------------------- */

static void take_refusal(struct setter *s, const char *text)
{
	char *why = NULL;

	s->answered = true;
	s->refused = 0;
	answers_trouble(text, &s->refused, &why);
	s->refused = s->refused ? err_set(-s->refused, "%s", why) : -EIO;
	free(why);
}

static void take_done(struct setter *s, const char *text)
{
	char *end;

	s->done = true;
	s->tasks = strtoul(text, &end, 10);
	s->groups = strtoul(end, &end, 10);
	s->gone = strtoul(end, &end, 10);
	while (*end == ' ' && s->rules < KNOBS_MAX_RULES)
		s->rule_tasks[s->rules++] = strtoul(end, &end, 10);
}

static void take_line(void *arg, const char *line)
{
	struct setter *s = arg;

	if (!strncmp(line, "plan ", 5))
		strs_add(&s->plan, line + 5);
	else if (!strncmp(line, "left ", 5))
		strs_add(&s->left, line + 5);
	else if (!strncmp(line, "no ", 3))
		answers_trouble(line + 3, &s->rc, &s->why);
	else if (!strncmp(line, "fault ", 6))
		answers_trouble(line + 6, &s->rc, &s->why);
	else if (!strncmp(line, "done ", 5))
		take_done(s, line + 5);
	else if (!strcmp(line, "held"))
		s->held = true;
	else if (!strcmp(line, "tuned"))
		s->answered = true;
	else if (!strncmp(line, "refused ", 8))
		take_refusal(s, line + 8);
}

/* ---- its life --------------------------------------------------------- */

static int start(struct setter *s, const struct knob_request *r)
{
	char *path = path_libexec(PROGRAM);
	char *argv[] = {(char *)PROGRAM, NULL};
	int rc;

	*s = (struct setter){.child = {.fd = -1}};
	rc = child_exec(path, argv, false, &s->child);
	answers_init(&s->answers, s->child.fd);
	if (!rc && answers_send(&s->answers, r, sizeof(*r)))
		rc = err_set(EIO, "%s took no request", PROGRAM);
	free(path);
	return rc;
}

static int trouble(const struct setter *s)
{
	return s->rc ? err_set(-s->rc, "%s", s->why) : 0;
}

bool setter_alive(struct setter *s, int wait_ms)
{
	return answers_poll(&s->answers, wait_ms, take_line, s);
}

int setter_start(struct setter *s, const struct knob_request *r)
{
	int rc = start(s, r);

	while (!rc && !s->held && answers_take(&s->answers, take_line, s))
		;
	if (rc || s->held)
		return rc;
	setter_end(s);
	return s->rc ? trouble(s)
		     : err_set(EIO, "%s ended before anything was set",
			       PROGRAM);
}

int setter_tune(struct setter *s, const struct knob_tune *t)
{
	s->answered = false;
	s->refused = 0;
	if (s->child.fd >= 0 && !answers_send(&s->answers, t, sizeof(*t)))
		while (!s->answered && answers_take(&s->answers, take_line, s))
			;
	return s->answered ? s->refused
			   : err_set(EPIPE, "%s has ended", PROGRAM);
}

static void finish(struct setter *s)
{
	if (s->child.fd < 0)
		return;
	shutdown(s->child.fd, SHUT_WR);
	while (answers_take(&s->answers, take_line, s))
		;
	close(s->child.fd);
	s->child.fd = s->answers.fd = -1;
	child_end(&s->child, PATIENCE_S);
}

int setter_clear(struct setter *s)
{
	struct knob_request *r = mem_zalloc(1, sizeof(*r));
	int rc;

	r->size = sizeof(*r);
	r->verb = KNOB_UNDO;
	rc = start(s, r);
	free(r);
	if (rc)
		return rc;
	finish(s);
	return s->done ? 0
	       : s->rc ? trouble(s)
		       : err_set(EIO, "%s did not say that it undid everything",
				 PROGRAM);
}

int setter_end(struct setter *s)
{
	struct setter other;
	int rc;

	finish(s);
	if (s->done || !s->held)
		return trouble(s);
	/* It was killed: what it wrote down is undone by another one. */
	rc = setter_clear(&other);
	s->done = !rc;
	s->tasks = other.tasks;
	s->groups = other.groups;
	s->gone = other.gone;
	for (size_t i = 0; i < other.left.len; i++)
		strs_add(&s->left, other.left.v[i]);
	setter_release(&other);
	return rc;
}

struct json *setter_in_force(bool roots)
{
	struct knob_journal j;
	struct knob_count c;
	struct json *v = NULL;

	if (knob_journal_read(&j, roots))
		return NULL;
	if (j.count) {
		knob_in_force(&j, &c);
		v = json_object();
		json_set_number(v, "tasks", (double)c.tasks);
		json_set_number(v, "groups", (double)c.groups);
		json_set_number(v, "gone", (double)c.gone);
		json_set(v, "left", json_strings(&c.left));
		knob_count_release(&c);
	}
	knob_journal_close(&j);
	return v;
}

void setter_release(struct setter *s)
{
	finish(s);
	answers_release(&s->answers);
	strs_release(&s->plan);
	strs_release(&s->left);
	free(s->why);
	*s = (struct setter){.child = {.fd = -1}};
}
