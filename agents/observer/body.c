/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/observer/body.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define MAX_GROUPS     64
#define MAX_IDENTITIES 1024
#define NICE_MIN       -20
#define NICE_MAX       19

static double us(uint64_t ns)
{
	return round((double)ns / 100) / 10;
}

/* The kernel's table (sched_prio_to_weight) is 1024 * 1.25^-nice. */
static double weight_of(int nice)
{
	if (nice < NICE_MIN || nice > NICE_MAX)
		return 1024;
	return round(1024 * pow(1.25, -nice));
}

static struct json *wakers_json(const struct observed_group *g)
{
	struct json *list = json_array(), *v;

	for (size_t i = 0; i < g->waker_count; i++) {
		v = json_add(list, json_object());
		json_set_string(v, "group", g->wakers[i].name);
		json_set_number(v, "count", (double)g->wakers[i].count);
	}
	return list;
}

static struct json *group_json(const struct observed_group *g, bool by_bpf)
{
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {
		{"wakeups", g->wakeups},
		{"migrations", g->migrations},
		{"preemptions", g->preemptions},
		{"forks", g->forks},
		{"switches_voluntary", g->voluntary},
		{"preempted_holder_wakes", g->holder_wakes},
	};
	struct json *v = json_object();

	json_set_string(v, "name", g->name);
	json_set_bool(v, "kernel", g->kernel);
	if (g->cgroup)
		json_set_number(v, "cgroup", (double)g->cgroup);
	json_set_number(v, "tasks", (double)g->tasks);
	json_set_number(v, "run_us", us(g->run_ns));
	json_set_number(v, "wait_us", us(g->wait_ns));
	/* From /proc only the required ones, which are then 0. */
	for (size_t i = 0; i < (by_bpf ? 6 : 1); i++)
		json_set_number(v, counts[i].key, (double)counts[i].value);
	json_set(v, "burst_us", hist_json(&g->burst));
	json_set(v, "delay_us", hist_json(&g->delay));
	if (by_bpf) {
		json_set(v, "sleep_us", hist_json(&g->sleep));
		json_set(v, "block_us", hist_json(&g->block));
		json_set(v, "wakers", wakers_json(g));
	}
	json_set_number(v, "weight", weight_of(g->nice));
	return v;
}

static struct json *identity_json(const struct observed_identity *i)
{
	struct json *v = json_object();
	char hash[17];

	snprintf(hash, sizeof(hash), "%016" PRIx64, i->hash);
	json_set_string(v, "hash", hash);
	json_set_number(v, "execs", (double)i->execs);
	json_set_number(v, "run_us", us(i->run_ns));
	json_set_number(v, "whole_us", us(i->whole_ns));
	json_set_number(v, "max_us", us(i->max_ns));
	json_set_string(v, "name", i->name);
	return v;
}

static void add_share(struct json *v, const char *key, double x, double max)
{
	if (x >= 0)
		json_set_number(v, key, round(100 * fmin(x, max)) / 100);
}

static struct json *run_queue_json(const struct observed *o)
{
	struct json *v = json_object();

	add_share(v, "busy_pct", o->busy_pct, 100);
	add_share(v, "depth_mean", o->depth_mean, INFINITY);
	add_share(v, "waiting_pct", o->waiting_pct, 100);
	add_share(v, "idle_while_waiting_pct", o->idle_while_waiting_pct, 100);
	return v;
}

void observer_body(struct json *body, const struct observed *o)
{
	struct json *groups = json_array(), *identities, *notes;

	json_set_string(body, "source", o->by_bpf ? "bpf" : "proc");
	json_set_number(body, "duration_us", us(o->duration_ns));
	json_set(body, "run_queue", run_queue_json(o));
	for (size_t i = 0; i < o->group_count && i < MAX_GROUPS; i++)
		json_add(groups, group_json(&o->groups[i], o->by_bpf));
	json_set(body, "groups", groups);
	identities = json_set(body, "identities", json_array());
	for (size_t i = 0; i < o->identity_count && i < MAX_IDENTITIES; i++)
		json_add(identities, identity_json(&o->identities[i]));
	notes = json_set(body, "notes", json_strings(&o->notes));
	if (o->group_count > MAX_GROUPS)
		json_add(notes, json_string("more than 64 groups: those with "
					    "the least run time are left "
					    "out"));
}

struct json *observer_overhead(const struct observed *o, double own_us)
{
	struct json *v = json_object();
	double all = (double)o->duration_ns / 1000 *
		     (double)sysconf(_SC_NPROCESSORS_ONLN);
	double spent = us(o->cpu_ns) + own_us;

	json_set_number(v, "events", (double)o->events);
	json_set_number(v, "drops", (double)o->drops);
	json_set_number(v, "cpu_us", round(spent));
	if (all > 0)
		json_set_number(v, "pct", round(1e4 * spent / all) / 100);
	return v;
}
