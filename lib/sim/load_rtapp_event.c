/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events of rt-app.  It knows one by how its key begins, so that "run1"
 * and "run2" are two runs.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_rtapp.h"

int rtapp_wrong(const struct rtapp *r, const char *should)
{
	return err_set(EINVAL, "task '%s'%s%s%s, '%s': %s should be here",
		       r->task, r->phase ? ", phase '" : "",
		       r->phase ? r->phase : "", r->phase ? "'" : "", r->key,
		       should);
}

int rtapp_whole(struct rtapp *r, const struct json *v, double min, double max,
		double *x)
{
	double got = json_as_number(v, NAN);
	char range[80];

	if (got >= min && got <= max && got == floor(got)) {
		*x = got;
		return 0;
	}
	snprintf(range, sizeof(range), "a whole number from %.0f to %.0f", min,
		 max);
	return rtapp_wrong(r, range);
}

int rtapp_member(struct rtapp *r, const struct json *obj, const char *key,
		 double min, double max, double *x)
{
	const struct json *v = json_get(obj, key);

	r->key = key;
	return v ? rtapp_whole(r, v, min, max, x) : 0;
}

int rtapp_find(struct rtapp *r, struct rtapp_names *n, const char *name,
	       size_t *at)
{
	for (*at = 0; *at < n->count; ++*at) {
		if (!strcmp(n->name[*at], name))
			return 0;
	}
	if (n->count == RTAPP_MAX_NAMES)
		return err_set(EINVAL, "task '%s', '%s': more than %d names",
			       r->task, r->key, RTAPP_MAX_NAMES);
	n->name[n->count++] = name;
	if (n == &r->conds)
		n->index[*at] = load_add_sem(r->l, 0, true);
	else if (n == &r->locks)
		n->index[*at] = (uint32_t)r->l->lock_count++;
	else if (n == &r->barriers)
		n->index[*at] = (uint32_t)r->l->barrier_count++;
	return 0;
}

static int resource(struct rtapp *r, struct rtapp_names *n,
		    const struct json *v, uint32_t *index)
{
	size_t at;
	int rc;

	if (json_type(v) != JSON_STRING)
		return rtapp_wrong(r, "a name");
	rc = rtapp_find(r, n, json_as_string(v, ""), &at);
	if (rc)
		return rc;
	n->uses[at] += r->l->tasks[r->t].instances;
	*index = n->index[at];
	return 0;
}

/* ---- events ------------------------------------------------------------ */

static int lasts(struct rtapp *r, const struct json *v, int what)
{
	double us;
	int rc = rtapp_whole(r, v, 0, RTAPP_MAX_US, &us);

	if (!rc)
		load_op_ns(r->l, r->t, (enum load_what)what,
			   (uint64_t)us * 1000);
	return rc;
}

static int locks(struct rtapp *r, const struct json *v, int what)
{
	uint32_t i;
	int rc = resource(r, &r->locks, v, &i);

	if (!rc)
		load_op_obj(r->l, r->t, (enum load_what)what, i);
	return rc;
}

/* all: 1 wakes all who wait. */
static int signals(struct rtapp *r, const struct json *v, int all)
{
	uint32_t i;
	int rc = resource(r, &r->conds, v, &i);

	if (rc)
		return rc;
	load_op_obj(r->l, r->t, LOAD_POST, i);
	r->l->tasks[r->t].ops[r->l->tasks[r->t].op_count - 1].n = !all;
	return 0;
}

/* The name of the thread itself may be left out. */
static int suspends(struct rtapp *r, const struct json *v, int what)
{
	uint32_t i;
	size_t at;
	int rc;

	if (*json_as_string(v, "?"))
		rc = resource(r, &r->conds, v, &i);
	else
		rc = rtapp_find(r, &r->conds, r->task, &at);
	if (rc)
		return rc;
	if (!*json_as_string(v, "?"))
		i = r->conds.index[at];
	load_op_obj(r->l, r->t, (enum load_what)what, i);
	if (what == LOAD_POST)
		r->l->tasks[r->t].ops[r->l->tasks[r->t].op_count - 1].n = 0;
	return 0;
}

/* An earlier event of the thread has locked it. */
static bool holds(const struct load_task *t, uint32_t lock)
{
	for (size_t i = t->op_count; i-- > 0;) {
		if ((t->ops[i].what == LOAD_LOCK ||
		     t->ops[i].what == LOAD_UNLOCK) &&
		    t->ops[i].obj == lock)
			return t->ops[i].what == LOAD_LOCK;
	}
	return false;
}

/* The tutorial says that sync locks by itself, the program leaves it to the
 * file: both are understood. */
static int waits(struct rtapp *r, const struct json *v, int sync)
{
	uint32_t cond, lock;
	struct load_op *op;
	bool locks;
	int rc = resource(r, &r->conds, json_get(v, "ref"), &cond);

	if (!rc)
		rc = resource(r, &r->locks, json_get(v, "mutex"), &lock);
	if (rc)
		return rtapp_wrong(r, "{\"ref\": name, \"mutex\": name}");
	locks = sync && !holds(&r->l->tasks[r->t], lock);
	if (locks)
		load_op_obj(r->l, r->t, LOAD_LOCK, lock);
	if (sync)
		load_op_obj(r->l, r->t, LOAD_POST, cond);
	op = load_add_op(r->l, r->t, LOAD_COND_WAIT);
	op->obj = cond;
	op->obj2 = lock;
	if (locks)
		load_op_obj(r->l, r->t, LOAD_UNLOCK, lock);
	return 0;
}

static int meets(struct rtapp *r, const struct json *v, int unused)
{
	uint32_t i;
	int rc = resource(r, &r->barriers, v, &i);

	(void)unused;
	if (!rc)
		load_op_obj(r->l, r->t, LOAD_BARRIER, i);
	return rc;
}

static int ticks(struct rtapp *r, const struct json *v, int unused)
{
	const char *mode = json_as_string(json_get(v, "mode"), "relative");
	double us = 0;
	struct load_op *op;
	int rc;

	(void)unused;
	if (json_type(v) != JSON_OBJECT)
		return rtapp_wrong(r,
				   "{\"ref\": name, \"period\": microseconds}");
	rc = rtapp_member(r, v, "period", 0, RTAPP_MAX_US, &us);
	if (rc)
		return rc;
	if (strncmp(json_as_string(json_get(v, "ref"), "unknown"), "unique", 6))
		load_note(r->l, "a timer that several threads share is taken "
				"as one of each thread");
	op = load_add_op(r->l, r->t, LOAD_TIMER);
	op->dist.ns = (uint64_t)us * 1000;
	op->n = strncmp(mode, "absolute", strlen("absolute")) != 0;
	return 0;
}

static int yields(struct rtapp *r, const struct json *v, int unused)
{
	(void)v;
	(void)unused;
	load_add_op(r->l, r->t, LOAD_YIELD);
	return 0;
}

static int forks(struct rtapp *r, const struct json *v, int unused)
{
	const char *name = json_as_string(v, "");

	(void)unused;
	for (uint32_t i = 0; i < r->l->task_count; i++) {
		if (!strcmp(r->l->tasks[i].name, name)) {
			load_op_obj(r->l, r->t, LOAD_FORK, i);
			return 0;
		}
	}
	return rtapp_wrong(r, "the name of a task");
}

static int lacks(struct rtapp *r, const struct json *v, int unused)
{
	(void)v;
	(void)unused;
	return err_set(ENOTSUP,
		       "task '%s', '%s': memory and devices are not "
		       "simulated: put runs and sleeps in their place",
		       r->task, r->key);
}

static const struct rtapp_event events[] = {
	{"runtime", lasts, LOAD_SPIN},
	{"run", lasts, LOAD_RUN},
	{"sleep", lasts, LOAD_SLEEP},
	{"mem", lacks, 0},
	{"iorun", lacks, 0},
	{"lock", locks, LOAD_LOCK},
	{"unlock", locks, LOAD_UNLOCK},
	{"signal", signals, 0},
	{"broad", signals, 1},
	{"wait", waits, 0},
	{"sync", waits, 1},
	{"sig_and_wait", waits, 1},
	{"barrier", meets, 0},
	{"timer", ticks, 0},
	{"resume", suspends, LOAD_POST},
	{"suspend", suspends, LOAD_WAIT},
	{"yield", yields, 0},
	{"fork", forks, 0},
};

const struct rtapp_event *rtapp_event(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (!strncmp(key, events[i].begins, strlen(events[i].begins)))
			return &events[i];
	}
	return NULL;
}
