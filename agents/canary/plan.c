/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/canary/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define PID_MOST (1 << 22)

static int bad(const char *text)
{
	return err_set(EINVAL,
		       "'%s' is no scope of a canary: cgroup:PATH, pid:N, a "
		       "share of all processes as '5%%', or all",
		       text);
}

static int parse_share(const char *text, struct canary_scope *out)
{
	char *end;
	double pct = strtod(text, &end);

	if (end == text || strcmp(end, "%") || !(pct >= 0.01 && pct <= 99))
		return bad(text);
	out->kind = CANARY_SHARE;
	out->parts = (uint32_t)lround(pct * KNOB_SHARE_ALL / 100);
	return 0;
}

static int parse_pid(const char *text, struct canary_scope *out)
{
	char *end;
	long pid = strtol(text + 4, &end, 10);

	if (*end || pid < 1 || pid > PID_MOST)
		return bad(text);
	out->kind = CANARY_TREE;
	out->pid = (pid_t)pid;
	return 0;
}

static int parse_scope(const char *text, struct canary_scope *out)
{
	*out = (struct canary_scope){.kind = CANARY_ALL};
	if (!strcmp(text, "all"))
		return 0;
	if (!strncmp(text, "pid:", 4))
		return parse_pid(text, out);
	if (strncmp(text, "cgroup:", 7))
		return parse_share(text, out);
	if (!text[7] || strlen(text + 7) >= sizeof(out->cgroup))
		return bad(text);
	out->kind = CANARY_CGROUP;
	snprintf(out->cgroup, sizeof(out->cgroup), "%s", text + 7);
	return 0;
}

static bool is_wider(const struct canary_scope *than,
		     const struct canary_scope *s)
{
	if (s->kind == CANARY_ALL)
		return than->kind != CANARY_ALL;
	return s->kind == CANARY_SHARE && than->kind == CANARY_SHARE &&
	       s->parts > than->parts;
}

static int add_step(const char *text, struct canary_plan *p)
{
	struct canary_scope *s = &p->step[p->count];
	int rc;

	if (p->count == CANARY_STEPS)
		return err_set(EINVAL, "a canary has at most %d steps",
			       CANARY_STEPS);
	rc = parse_scope(text, s);
	if (rc)
		return rc;
	if (p->count && !is_wider(s - 1, s))
		return err_set(EINVAL,
			       "the step '%s' of a canary is not wider than "
			       "the one before: larger shares come after a "
			       "share, then all; after others only all",
			       text);
	p->count++;
	return 0;
}

static int add_usual(struct canary_plan *p)
{
	const struct canary_scope *first = &p->step[0];
	int rc = 0;

	if (first->kind == CANARY_SHARE && first->parts < KNOB_SHARE_ALL / 4)
		rc = add_step("25%", p);
	if (!rc && first->kind == CANARY_SHARE &&
	    first->parts < KNOB_SHARE_ALL / 2)
		rc = add_step("50%", p);
	if (!rc && first->kind != CANARY_ALL)
		rc = add_step("all", p);
	return rc;
}

int canary_plan_parse(const char *scope, const char *widen,
		      struct canary_plan *out)
{
	char *list, *save = NULL;
	int rc;

	*out = (struct canary_plan){0};
	rc = add_step(scope, out);
	if (rc || !widen)
		return rc ? rc : add_usual(out);
	if (!strcmp(widen, "none"))
		return 0;
	list = mem_strdup(widen);
	for (char *w = strtok_r(list, ",", &save); w && !rc;
	     w = strtok_r(NULL, ",", &save))
		rc = add_step(w, out);
	free(list);
	return rc;
}

void canary_scope_text(const struct canary_scope *s,
		       char out[static CANARY_SCOPE_TEXT])
{
	switch (s->kind) {
	case CANARY_CGROUP:
		snprintf(out, CANARY_SCOPE_TEXT, "cgroup:%s", s->cgroup);
		break;
	case CANARY_TREE:
		snprintf(out, CANARY_SCOPE_TEXT, "pid:%d", s->pid);
		break;
	case CANARY_SHARE:
		snprintf(out, CANARY_SCOPE_TEXT, "%g%%",
			 s->parts * 100.0 / KNOB_SHARE_ALL);
		break;
	case CANARY_ALL:
		snprintf(out, CANARY_SCOPE_TEXT, "all");
		break;
	}
}

void canary_scope_knobs(const struct canary_scope *s, uint64_t key,
			struct knob_scope *out)
{
	*out = (struct knob_scope){.pid = s->pid,
				   .share = {.parts = s->parts, .key = key}};
	out->where = s->kind == CANARY_CGROUP ? KNOB_CGROUP_TREE
		     : s->kind == CANARY_TREE ? KNOB_TREE
					      : KNOB_SHARE;
	snprintf(out->cgroup, sizeof(out->cgroup), "%s", s->cgroup);
}
