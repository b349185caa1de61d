/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/collect.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define MAX_WAKERS 8

struct tables {
	struct observe_key keys[OBSERVE_GROUPS];
	bool known[OBSERVE_GROUPS];
	/* [woken][waker] */
	uint64_t pairs[OBSERVE_GROUPS][OBSERVE_GROUPS];
};

static int map_fd(struct bpf_object *obj, const char *name)
{
	return bpf_object__find_map_fd_by_name(obj, name);
}

/* Calls fn for each entry of a hash map. */
static void each_entry(int fd, size_t key_size, size_t value_size,
		       void (*fn)(void *arg, const void *key,
				  const void *value),
		       void *arg)
{
	char *key = mem_zalloc(2, key_size), *value = mem_zalloc(1, value_size);
	char *next = key + key_size;
	void *prev = NULL;

	while (!bpf_map_get_next_key(fd, prev, next)) {
		if (!bpf_map_lookup_elem(fd, next, value))
			fn(arg, next, value);
		memcpy(key, next, key_size);
		prev = key;
	}
	free(key);
	free(value);
}

static void take_name(void *arg, const void *key, const void *value)
{
	struct tables *t = arg;
	uint32_t id = *(const uint32_t *)value;

	if (id >= OBSERVE_GROUPS)
		return;
	t->keys[id] = *(const struct observe_key *)key;
	t->known[id] = true;
}

static void take_pair(void *arg, const void *key, const void *value)
{
	const struct observe_pair *p = key;
	struct tables *t = arg;

	if (p->waker < OBSERVE_GROUPS && p->woken < OBSERVE_GROUPS)
		t->pairs[p->woken][p->waker] += *(const uint64_t *)value;
}

static void take_identity(void *arg, const void *key, const void *value)
{
	const struct observe_identity *i = value;
	struct observed *o = arg;
	struct observed_identity *to;

	o->identities = mem_realloc(o->identities, o->identity_count + 1,
				    sizeof(*o->identities));
	to = &o->identities[o->identity_count++];
	*to = (struct observed_identity){.hash = *(const uint64_t *)key,
					 .execs = i->execs,
					 .run_ns = i->run,
					 .whole_ns = i->whole,
					 .max_ns = i->max};
	memcpy(to->name, i->name, sizeof(to->name));
}

static void hist_take(struct hist *to, const struct observe_hist *from)
{
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned i = 0; i < HIST_SLOTS; i++) {
		to->slot[i] += from->slot[i];
		to->count += from->slot[i];
	}
}

static void group_take(struct observed_group *to,
		       const struct observe_group *from, uint64_t *wakers)
{
	to->tasks += from->tasks;
	to->run_ns += from->run;
	to->wakeups += from->wakeups;
	to->voluntary += from->voluntary;
	to->preemptions += from->preemptions;
	to->migrations += from->migrations;
	to->forks += from->forks;
	to->holder_wakes += from->holder_wakes;
	if (from->static_prio)
		to->nice = (int)from->static_prio - 120;
	hist_take(&to->burst, &from->burst);
	hist_take(&to->delay, &from->delay);
	hist_take(&to->sleep, &from->sleep);
	hist_take(&to->block, &from->block);
	for (size_t i = 0; i < OBSERVE_WAKERS; i++) {
		const struct observe_waker *w = &from->wakers[i];

		if (w->group < OBSERVE_GROUPS)
			wakers[w->group] += w->count;
	}
}

static const char *group_name(const struct tables *t, size_t id)
{
	if (id == OBSERVE_INTERRUPT)
		return "(interrupt)";
	return t->known[id] ? t->keys[id].name : "(other)";
}

static void waker_add(struct observed_group *g, const char *name,
		      uint64_t count)
{
	struct observed_waker *w = &g->wakers[g->waker_count++];

	*w = (struct observed_waker){.count = count};
	memcpy(w->name, name, strnlen(name, TRACE_NAME_LEN - 1));
}

/* The most frequent ones. */
static void wakers_take(struct observed_group *g, const struct tables *t,
			uint64_t *counts)
{
	g->wakers = mem_zalloc(MAX_WAKERS, sizeof(*g->wakers));
	while (g->waker_count < MAX_WAKERS) {
		size_t best = 0;

		for (size_t i = 1; i < OBSERVE_GROUPS; i++)
			if (counts[i] > counts[best])
				best = i;
		if (!counts[best])
			return;
		waker_add(g, group_name(t, best), counts[best]);
		counts[best] = 0;
	}
}

static int collect_groups(struct bpf_object *obj, int cpus, struct tables *t,
			  struct observed *o)
{
	size_t size = (sizeof(struct observe_group) + 7) / 8 * 8;
	int fd = map_fd(obj, "groups");
	char *values = mem_zalloc((size_t)cpus, size);
	struct observed_group *g;
	int rc = 0;

	o->groups = mem_zalloc(OBSERVE_GROUPS, sizeof(*o->groups));
	for (uint32_t id = 0; id < OBSERVE_GROUPS && !rc; id++) {
		if (!t->known[id] && id != OBSERVE_OTHERS)
			continue;
		if (bpf_map_lookup_elem(fd, &id, values)) {
			rc = err_set(EIO, "cannot read the groups: %s",
				     strerror(errno));
			break;
		}
		g = &o->groups[o->group_count++];
		memcpy(g->name, group_name(t, id),
		       strlen(group_name(t, id)) + 1);
		g->kernel = t->keys[id].kernel;
		g->cgroup = t->keys[id].cgroup;
		for (int cpu = 0; cpu < cpus; cpu++)
			group_take(g, (void *)(values + (size_t)cpu * size),
				   t->pairs[id]);
		g->wait_ns = g->delay.sum;
		wakers_take(g, t, t->pairs[id]);
	}
	free(values);
	return rc;
}

static void cpu_sum(struct observe_cpu *to, const struct observe_cpu *from)
{
	to->events += from->events;
	to->drops += from->drops;
	to->missed += from->missed;
	to->sampled += from->sampled;
	to->sampled_run += from->sampled_run;
	to->run += from->run;
	to->wait += from->wait;
	to->idle_waiting += from->idle_waiting;
}

static void system_take(const struct observe_cpu *sum, uint64_t waiting_ns,
			struct observed *o)
{
	double all =
		(double)o->duration_ns * (double)sysconf(_SC_NPROCESSORS_ONLN);

	if (!o->duration_ns)
		return;
	o->busy_pct = 100 * (double)sum->run / all;
	o->depth_mean = (double)sum->wait / all;
	o->waiting_pct = 100 * (double)waiting_ns / (double)o->duration_ns;
	o->idle_while_waiting_pct = 100 * (double)sum->idle_waiting / all;
	o->events = sum->events;
	o->drops = sum->drops + sum->missed;
	if (sum->sampled)
		o->cpu_ns =
			(uint64_t)((double)sum->sampled_run /
				   (double)sum->sampled * (double)sum->events);
}

static int collect_system(struct bpf_object *obj, int cpus,
			  const struct observe_state *state, struct observed *o)
{
	struct observe_cpu *each = mem_zalloc((size_t)cpus, sizeof(*each));
	struct observe_cpu sum = {0};
	uint64_t waiting_ns = state->waiting_total;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(map_fd(obj, "cpus"), &zero, each)) {
		free(each);
		return err_set(EIO, "cannot read the totals: %s",
			       strerror(errno));
	}
	if (state->waiting > 0 && state->end_at > state->waiting_since)
		waiting_ns += state->end_at - state->waiting_since;
	for (int i = 0; i < cpus; i++) {
		cpu_sum(&sum, &each[i]);
		if (each[i].idle_since && waiting_ns > each[i].idle_mark)
			sum.idle_waiting += waiting_ns - each[i].idle_mark;
	}
	free(each);
	system_take(&sum, waiting_ns, o);
	return 0;
}

static uint64_t recursion_misses(struct bpf_object *obj)
{
	struct bpf_program *p;
	uint64_t sum = 0;

	bpf_object__for_each_program(p, obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		if (!bpf_prog_get_info_by_fd(bpf_program__fd(p), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}

int collect(struct bpf_object *obj, const struct observe_state *state,
	    struct observed *o)
{
	int cpus = libbpf_num_possible_cpus(), rc;
	struct tables *t;

	if (cpus < 1)
		return err_set(cpus < 0 ? -cpus : EIO,
			       "cannot see how many CPUs there may be: %s",
			       strerror(cpus < 0 ? -cpus : EIO));
	t = mem_zalloc(1, sizeof(*t));
	each_entry(map_fd(obj, "names"), sizeof(struct observe_key),
		   sizeof(uint32_t), take_name, t);
	each_entry(map_fd(obj, "pairs"), sizeof(struct observe_pair),
		   sizeof(uint64_t), take_pair, t);
	each_entry(map_fd(obj, "identities"), sizeof(uint64_t),
		   sizeof(struct observe_identity), take_identity, o);
	rc = collect_groups(obj, cpus, t, o);
	if (!rc)
		rc = collect_system(obj, cpus, state, o);
	o->drops += recursion_misses(obj);
	free(t);
	return rc;
}
