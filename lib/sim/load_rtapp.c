/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rt-app's JSON, as its tutorial and its parser have it.
 *
 * Times are whole microseconds; the duration of all is in seconds.  A loop of
 * a phase, what rt-app writes a line of its log for, is a unit of the task's
 * metric.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_rtapp.h"

/* ---- properties -------------------------------------------------------- */

static int read_cpus(struct rtapp *r, const struct json *v, int *mask)
{
	struct load_mask m = {0};
	double cpu;

	*mask = -1;
	r->key = "cpus";
	if (!v)
		return 0;
	if (json_type(v) != JSON_ARRAY || !json_first(v))
		return rtapp_wrong(r, "an array of CPUs");
	json_each (it, v) {
		int rc = rtapp_whole(r, it, 0, LOAD_MAX_CPUS - 1, &cpu);

		if (rc)
			return rc;
		m.bits[(unsigned)cpu / 64] |= 1ull << ((unsigned)cpu % 64);
	}
	*mask = (int)load_add_mask(r->l, &m);
	return 0;
}

static int read_priority(struct rtapp *r, const struct json *obj, int *nice)
{
	const char *policy =
		json_as_string(json_get(obj, "policy"), r->default_policy);
	double x = 0;
	int rc;

	*nice = 0;
	if (!strcmp(policy, "SCHED_OTHER") || !strcmp(policy, "SCHED_BATCH")) {
		rc = rtapp_member(r, obj, "priority", -20, 19, &x);
		*nice = (int)x;
		return rc;
	}
	load_note(r->l, "task '%s': policy %s is taken as SCHED_OTHER", r->task,
		  policy);
	if (!strcmp(policy, "SCHED_IDLE"))
		*nice = 19;
	return 0;
}

static int read_group(struct rtapp *r, const struct json *v, uint32_t *group)
{
	const char *name = json_as_string(v, "");
	size_t at, known = r->groups.count;
	int rc;

	r->key = "taskgroup";
	if (v && json_type(v) != JSON_STRING)
		return rtapp_wrong(r, "a path");
	if (!*name)
		return 0;
	if (*name != '/')
		return rtapp_wrong(r, "a path that begins with /");
	rc = rtapp_find(r, &r->groups, name, &at);
	if (rc)
		return rc;
	if (at == known)
		r->groups.index[at] = load_add_cgroup(r->l, name + 1, 0, 100);
	if (strchr(name + 1, '/'))
		load_note(r->l, "taskgroup '%s' is taken as one below the root",
			  name);
	*group = r->groups.index[at];
	return 0;
}

/* What is neither an event nor known to have no bearing here. */
static void odd_key(struct rtapp *r, const char *key)
{
	static const char *const known[] = {
		"loop",	       "cpus",	   "policy",	 "priority",
		"delay",       "instance", "taskgroup",	 "phases",
		"period",      "deadline", "dl-runtime", "dl-period",
		"dl-deadline",
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!strcmp(known[i], key))
			return;
	}
	load_note(r->l, "task '%s': '%s' is not simulated", r->task, key);
}

/* ---- phases and tasks -------------------------------------------------- */

static int read_events(struct rtapp *r, const struct json *phase)
{
	size_t count = 0;

	json_each (v, phase) {
		const struct rtapp_event *e = rtapp_event(json_key(v));
		int rc;

		if (!e) {
			odd_key(r, json_key(v));
			continue;
		}
		r->key = json_key(v);
		rc = e->read(r, v, e->arg);
		if (rc)
			return rc;
		count++;
	}
	r->key = "phases";
	return count ? 0 : rtapp_wrong(r, "at least one event");
}

/* mask: what the phase has to set (-2: nothing). */
static int read_phase(struct rtapp *r, const struct json *phase, int mask,
		      double loops)
{
	struct load *l = r->l;
	size_t start;
	int rc;

	if (mask > -2) {
		struct load_mask all;

		memset(&all, 0xff, sizeof(all));
		if (mask < 0)
			mask = (int)load_add_mask(l, &all);
		load_op_obj(l, r->t, LOAD_AFFINITY, (uint32_t)mask);
	}
	start = l->tasks[r->t].op_count;
	load_op_obj(l, r->t, LOAD_BEGIN, r->metric);
	rc = read_events(r, phase);
	if (rc)
		return rc;
	load_op_obj(l, r->t, LOAD_DONE, r->metric);
	if (loops != 1)
		load_op_loop(l, r->t, start, loops < 0 ? 0 : (int32_t)loops);
	return 0;
}

static int read_phase_head(struct rtapp *r, const struct json *phase,
			   bool masks, int *mask)
{
	struct load_task *t = &r->l->tasks[r->t];
	int nice = 20, rc;

	*mask = -2;
	if (json_type(phase) != JSON_OBJECT) {
		r->key = "phases";
		return rtapp_wrong(r, "an object");
	}
	rc = masks ? read_cpus(r, json_get(phase, "cpus"), mask) : 0;
	if (masks && *mask == -1)
		*mask = t->mask;
	if (!rc && (json_get(phase, "policy") || json_get(phase, "priority")))
		rc = read_priority(r, phase, &nice);
	if (nice < 20)
		load_add_op(r->l, r->t, LOAD_NICE)->n = nice;
	if (json_get(phase, "taskgroup"))
		load_note(r->l,
			  "task '%s': the taskgroup of a phase is left "
			  "out",
			  r->task);
	return rc;
}

static int read_phases(struct rtapp *r, const struct json *phases,
		       bool *endless)
{
	bool masks = false;

	r->key = "phases";
	if (json_type(phases) != JSON_OBJECT || !json_first(phases))
		return rtapp_wrong(r, "an object of phases");
	json_each (p, phases)
		masks |= json_get(p, "cpus") != NULL;
	json_each (p, phases) {
		double loops = 1;
		int mask, rc;

		if (*endless)
			break;
		r->phase = json_key(p);
		rc = read_phase_head(r, p, masks, &mask);
		if (!rc)
			rc = rtapp_member(r, p, "loop", -1, INT32_MAX, &loops);
		if (!rc && !loops)
			rc = rtapp_wrong(r, "-1 or a number above 0");
		if (!rc)
			rc = read_phase(r, p, mask, loops);
		if (rc)
			return rc;
		*endless = loops < 0;
	}
	r->phase = NULL;
	return 0;
}

static bool has_timer(const struct json *v)
{
	json_each (it, v) {
		if (!strncmp(json_key(it), "timer", strlen("timer")))
			return true;
		if (!strcmp(json_key(it), "phases")) {
			json_each (phase, it) {
				if (json_type(phase) == JSON_OBJECT &&
				    has_timer(phase))
					return true;
			}
		}
	}
	return false;
}

static int read_task(struct rtapp *r, const struct json *v)
{
	const struct json *phases = json_get(v, "phases");
	struct load_task *t = &r->l->tasks[r->t];
	double delay = 0, loops = -1;
	bool endless = false;
	size_t start;
	int rc = rtapp_member(r, v, "delay", 0, RTAPP_MAX_US, &delay);

	t->start_ns = (uint64_t)delay * 1000;
	if (!rc)
		rc = read_cpus(r, json_get(v, "cpus"), &t->mask);
	if (!rc)
		rc = read_priority(r, v, &t->nice);
	if (!rc)
		rc = read_group(r, json_get(v, "taskgroup"), &t->cgroup);
	if (!rc)
		rc = rtapp_member(r, v, "loop", -1, INT32_MAX, &loops);
	if (rc)
		return rc;
	/* Its timers are counted from here. */
	if (has_timer(v))
		load_op_ns(r->l, r->t, LOAD_TIMER, 0);
	start = t->op_count;
	if (loops)
		rc = phases ? read_phases(r, phases, &endless)
			    : read_phase(r, v, -2, loops);
	if (!rc && phases && !endless && loops && loops != 1)
		load_op_loop(r->l, r->t, start, loops < 0 ? 0 : (int32_t)loops);
	if (!rc && loops >= 0 && !endless)
		load_add_op(r->l, r->t, LOAD_EXIT);
	return rc;
}

/* Names and numbers of all tasks, so that they can name each other. */
static int add_tasks(struct rtapp *r, const struct json *tasks)
{
	uint32_t count = 0;

	json_each (v, tasks) {
		double instances = 1;
		int rc;

		r->task = json_key(v);
		r->key = "tasks";
		if (json_type(v) != JSON_OBJECT)
			return rtapp_wrong(r, "an object");
		if (++count > RTAPP_MAX_NAMES)
			return err_set(EINVAL, "more than %d tasks",
				       RTAPP_MAX_NAMES);
		rc = rtapp_member(r, v, "instance", 0, LOAD_MAX_INSTANCES,
				  &instances);
		if (rc)
			return rc;
		r->t = load_add_task(r->l, r->task,
				     load_add_group(r->l, r->task));
		r->l->tasks[r->t].instances = (uint32_t)instances;
	}
	return 0;
}

static void count_barriers(struct rtapp *r)
{
	for (size_t i = 0; i < r->l->task_count; i++) {
		struct load_task *t = &r->l->tasks[i];

		for (size_t j = 0; j < t->op_count; j++) {
			if (t->ops[j].what == LOAD_BARRIER)
				t->ops[j].n =
					(int32_t)
						r->barriers.uses[t->ops[j].obj];
		}
	}
}

static int read_global(struct rtapp *r, const struct json *v)
{
	double seconds = -1;

	r->task = "global";
	if (rtapp_member(r, v, "duration", -1, 1e8, &seconds))
		return -EINVAL;
	if (seconds > 0)
		r->l->duration_ns = (uint64_t)seconds * 1000000000u;
	r->default_policy =
		json_as_string(json_get(v, "default_policy"), "SCHED_OTHER");
	return 0;
}

static int read_all(struct rtapp *r, const struct json *root)
{
	const struct json *tasks = json_get(root, "tasks");
	char *name;
	int rc = read_global(r, json_get(root, "global"));

	if (rc)
		return rc;
	if (json_type(tasks) != JSON_OBJECT || !json_first(tasks))
		return err_set(EINVAL, "there is no object 'tasks' in it");
	rc = add_tasks(r, tasks);
	r->t = 0;
	json_each (v, tasks) {
		if (rc)
			return rc;
		r->task = json_key(v);
		name = mem_printf("%s.loop", r->task);
		r->metric = load_add_metric(r->l, name);
		free(name);
		rc = read_task(r, v);
		r->t++;
	}
	count_barriers(r);
	return rc ? rc : load_check(r->l);
}

int load_from_rtapp_json(const struct json *root, struct load **out)
{
	struct rtapp *r = mem_zalloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	r->l = load_new("rt-app");
	rc = read_all(r, root);
	if (rc)
		load_free(r->l);
	else
		*out = r->l;
	free(r);
	return rc ? err_prefix(rc, "rt-app") : 0;
}

int load_from_rtapp(const char *text, size_t len, struct load **out)
{
	struct json *root = json_parse(text, len);
	int rc;

	*out = NULL;
	if (!root)
		return err_set(EINVAL,
			       "rt-app: %s; comments, commas before a closing "
			       "bracket and repeated keys are not JSON: number "
			       "the keys (run1, run2), or let workgen do it",
			       err_text());
	rc = load_from_rtapp_json(root, out);
	json_free(root);
	return rc;
}
