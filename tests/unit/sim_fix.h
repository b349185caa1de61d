/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads for tests of the simulator, in words.  A line each:
 *
 *   for 100ms                    ends then
 *   inside                       costs are inside the bursts
 *   sem 2 | sem 0 lossy          a semaphore; numbered from 0, as are
 *   locks 3, barriers 1          … these, metrics, masks and cgroups (from 1)
 *   metric request
 *   cpus f0                      a mask, hexadecimal, words by commas
 *   cgroup 0 200                 its parent, its weight
 *   off 1 5ms | on 1 9ms         a CPU goes or comes
 *   NAME*3 nice=5 … : run 5ms ; sleep 1ms ; loop
 *
 * Of a task there may be nice= policy= (batch, idle) slice= mask= cgroup= at=
 * step= id= process= background kernel leader.  Its instructions are as in
 * load.h; a time is 5ms, ~5ms (of an exponential distribution) or 1ms-3ms.
 * What does not end otherwise exits.
 */
#ifndef SCHEDKIT_TESTS_SIM_FIX_H
#define SCHEDKIT_TESTS_SIM_FIX_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "sim/load_make.h"
#include "sim/sim.h"

#define US  1000ull
#define MS  1000000ull
#define SEC 1000000000ull

/* ---- words ------------------------------------------------------------- */

static inline uint64_t fix_time(const char *text)
{
	char *unit;
	double x = strtod(text, &unit);

	if (!strncmp(unit, "us", 2))
		return (uint64_t)llround(x * 1e3);
	if (!strncmp(unit, "ms", 2))
		return (uint64_t)llround(x * 1e6);
	if (*unit == 's')
		return (uint64_t)llround(x * 1e9);
	return (uint64_t)llround(x);
}

static inline void fix_dist(struct load_dist *d, const char *text)
{
	const char *to = strchr(text, '-');

	if (*text == '~')
		*d = (struct load_dist){.kind = DIST_EXP,
					.ns = fix_time(text + 1)};
	else if (to)
		*d = (struct load_dist){.kind = DIST_UNIFORM,
					.ns = fix_time(text),
					.max_ns = fix_time(to + 1)};
	else
		*d = (struct load_dist){.ns = fix_time(text)};
}

static inline uint32_t fix_task(struct load *l, const char *name)
{
	size_t len = strcspn(name, "*");

	for (uint32_t i = 0; i < l->task_count; i++)
		if (strlen(l->tasks[i].name) == len &&
		    !strncmp(l->tasks[i].name, name, len))
			return i;
	fail_msg("no task is called '%s'", name);
	return 0;
}

/* The words of one instruction. */
static inline void fix_op(struct load *l, uint32_t t, char **w, int n)
{
	static const struct {
		const char *name;
		enum load_what what;
		char first, second; /* d: time, o, p: object, n: number */
	} rows[] = {
		{"run", LOAD_RUN, 'd', 0},
		{"spin", LOAD_SPIN, 'd', 0},
		{"sleep", LOAD_SLEEP, 'd', 0},
		{"timer", LOAD_TIMER, 'd', 'n'},
		{"wait", LOAD_WAIT, 'o', 0},
		{"post", LOAD_POST, 'o', 'n'},
		{"lock", LOAD_LOCK, 'o', 'p'},
		{"spinlock", LOAD_LOCK, 'o', 'p'},
		{"unlock", LOAD_UNLOCK, 'o', 'p'},
		{"cond", LOAD_COND_WAIT, 'o', 'p'},
		{"barrier", LOAD_BARRIER, 'o', 'n'},
		{"fork", LOAD_FORK, 't', 0},
		{"join", LOAD_JOIN, 0, 0},
		{"exec", LOAD_EXEC, 'i', 0},
		{"yield", LOAD_YIELD, 0, 0},
		{"nice", LOAD_NICE, 'n', 0},
		{"mask", LOAD_AFFINITY, 'o', 0},
		{"pin", LOAD_PIN, 'n', 0},
		{"skip", LOAD_SKIP, 'f', 'n'},
		{"loop", LOAD_LOOP, 'n', 'o'},
		{"begin", LOAD_BEGIN, 'o', 'n'},
		{"done", LOAD_DONE, 'o', 0},
		{"exit", LOAD_EXIT, 0, 0},
	};
	struct load_op *op;
	size_t row = 0;

	while (row < ARRAY_LEN(rows) && strcmp(rows[row].name, w[0]))
		row++;
	if (row == ARRAY_LEN(rows)) {
		fail_msg("no instruction is called '%s'", w[0]);
		return;
	}
	op = load_add_op(l, t, rows[row].what);
	if (op->what == LOAD_POST || !strcmp(w[0], "spinlock"))
		op->n = 1;
	for (int i = 1; i < n && i < 3; i++) {
		char kind = i == 1 ? rows[row].first : rows[row].second;

		if (kind == 'd')
			fix_dist(&op->dist, w[i]);
		else if (kind == 'o')
			op->obj = (uint32_t)atoi(w[i]);
		else if (kind == 'p')
			op->obj2 = (uint32_t)atoi(w[i]);
		else if (kind == 'n')
			op->n = atoi(w[i]);
		else if (kind == 'f')
			op->p = strtof(w[i], NULL);
		else if (kind == 'i')
			op->id = strtoull(w[i], NULL, 16);
		else if (kind == 't')
			op->obj = fix_task(l, w[i]);
		else
			fail_msg("'%s %s'?", w[0], w[i]);
	}
}

static inline void fix_attribute(struct load_task *t, const char *word)
{
	const char *value = strchr(word, '=');

	value = value ? value + 1 : "";
	if (!strncmp(word, "nice=", 5))
		t->nice = atoi(value);
	else if (!strncmp(word, "policy=", 7))
		t->policy = *value == 'b' ? LOAD_BATCH : LOAD_IDLE;
	else if (!strncmp(word, "slice=", 6))
		t->slice_ns = fix_time(value);
	else if (!strncmp(word, "mask=", 5))
		t->mask = atoi(value);
	else if (!strncmp(word, "cgroup=", 7))
		t->cgroup = (uint32_t)atoi(value);
	else if (!strncmp(word, "at=", 3))
		t->start_ns = fix_time(value);
	else if (!strncmp(word, "step=", 5))
		t->start_step_ns = fix_time(value);
	else if (!strncmp(word, "id=", 3))
		t->identity = strtoull(value, NULL, 16);
	else if (!strncmp(word, "process=", 8))
		t->process = (uint32_t)atoi(value);
	else if (!strcmp(word, "background"))
		t->background = true;
	else if (!strcmp(word, "kernel"))
		t->kernel = true;
	else if (!strcmp(word, "leader"))
		t->leader = true;
	else
		fail_msg("a task with '%s'?", word);
}

/* A task's line, the second time: those that it forks are known now. */
static inline void fix_program(struct load *l, uint32_t t, char **w, int n)
{
	const struct load_task *d = &l->tasks[t];
	const struct load_op *last;
	int at = 0;

	while (at < n && strcmp(w[at], ":"))
		at++;
	for (int from = ++at; at <= n; at++) {
		if (at < n && strcmp(w[at], ";"))
			continue;
		if (at > from)
			fix_op(l, t, w + from, at - from);
		from = at + 1;
	}
	last = d->op_count ? &d->ops[d->op_count - 1] : NULL;
	if (!last ||
	    (last->what != LOAD_EXIT && (last->what != LOAD_LOOP || last->n)))
		load_add_op(l, t, LOAD_EXIT);
}

static inline void fix_new_task(struct load *l, char **w, int n)
{
	char *times = strchr(w[0], '*');
	struct load_task *t;
	uint32_t i;

	if (times)
		*times++ = 0;
	i = load_add_task(l, w[0], load_add_group(l, w[0]));
	t = &l->tasks[i];
	t->instances = times ? (uint32_t)atoi(times) : 1;
	for (int at = 1; at < n && strcmp(w[at], ":"); at++) {
		fix_attribute(t, w[at]);
		if (t->process > l->process_count)
			l->process_count = t->process;
	}
}

static inline bool fix_machine_line(struct load *l, char **w, int n)
{
	struct load_mask mask = {0};

	if (!strcmp(w[0], "for")) {
		l->duration_ns = fix_time(w[1]);
	} else if (!strcmp(w[0], "inside")) {
		l->costs_inside = true;
	} else if (!strcmp(w[0], "sem")) {
		load_add_sem(l, (uint32_t)atoi(w[1]), n > 2);
	} else if (!strcmp(w[0], "locks")) {
		l->lock_count = (size_t)atoi(w[1]);
	} else if (!strcmp(w[0], "barriers")) {
		l->barrier_count = (size_t)atoi(w[1]);
	} else if (!strcmp(w[0], "metric")) {
		load_add_metric(l, w[1]);
	} else if (!strcmp(w[0], "cpus")) {
		char *p = w[1];

		for (int i = 0; *p; i++, p += *p == ',')
			mask.bits[i] = strtoull(p, &p, 16);
		load_add_mask(l, &mask);
	} else if (!strcmp(w[0], "cgroup")) {
		load_add_cgroup(l, "cgroup", (uint32_t)atoi(w[1]),
				(uint32_t)atoi(w[2]));
	} else if (!strcmp(w[0], "off") || !strcmp(w[0], "on")) {
		load_add_event(l, fix_time(w[2]),
			       w[0][1] == 'f' ? LOAD_CPU_OFFLINE
					      : LOAD_CPU_ONLINE,
			       (uint32_t)atoi(w[1]));
	} else {
		return false;
	}
	return true;
}

static inline struct load *fix_load(const char *text)
{
	struct load *l = load_new("words");

	for (int pass = 0; pass < 2; pass++) {
		char *copy = mem_strdup(text), *at = copy, *line;
		uint32_t task = 0;

		while ((line = strsep(&at, "\n"))) {
			char *w[128], *word;
			bool is_task = strstr(line, " : ") != NULL;
			int n = 0;

			while ((word = strsep(&line, " \t")))
				if (*word && n < (int)ARRAY_LEN(w))
					w[n++] = word;
			if (!n)
				continue;
			if (is_task && !pass)
				fix_new_task(l, w, n);
			else if (is_task)
				fix_program(l, task++, w, n);
			else if (!pass && !fix_machine_line(l, w, n))
				fail_msg("what is '%s'?", w[0]);
		}
		free(copy);
	}
	if (load_check(l) < 0)
		fail_msg("%s", err_text());
	return l;
}

/* ---- runs -------------------------------------------------------------- */

static inline struct sim_opts fix_opts(const char *machine)
{
	struct sim_opts o = {.seed = 1};

	assert_int_equal(sim_machine_parse(machine, &o.machine), 0);
	sim_costs_default(&o.costs);
	return o;
}

/* … with costs that make times exact. */
static inline struct sim_opts fix_free(const char *machine)
{
	struct sim_opts o = fix_opts(machine);

	o.costs = (struct sim_costs){.hz = o.costs.hz, .smt_speed = 0.5};
	return o;
}

/* "policy" and "learned" are ours, else a path below tests/policies. */
static inline struct sim_policy *fix_policy(const char *name, const char *body,
					    uint32_t kernel)
{
	struct json *v = body ? json_parse(body, strlen(body)) : NULL;
	char *object = mem_printf(strchr(name, '/') ? "../../policies/%s.bpf.o"
						    : "%s.bpf.o",
				  name);
	char *path = path_lib(object);
	struct sim_policy *p;

	if (body && !v)
		fail_msg("%s", err_text());
	if (sim_policy_open(path, v, kernel, &p) < 0)
		fail_msg("%s", err_text());
	json_free(v);
	free(object);
	free(path);
	return p;
}

static inline struct sim_result fix_run(const struct sim_opts *o,
					struct sim_policy *p,
					const struct load *l)
{
	struct sim_result r;

	if (sim_run(o, p, l, &r) < 0)
		fail_msg("%s", err_text());
	return r;
}

#endif
