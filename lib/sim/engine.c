/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: a heap of events and the loop over it.
 *
 * Everything that happens is an event of a CPU, a task, a class or the load.
 * What an event makes the present CPU do (a reschedule) is done at its end;
 * other CPUs notice later.  Nothing depends on addresses or the machine's
 * clock.
 */
#include "sim/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define LIMIT_NS   600000000000ull
#define MAX_EVENTS (1ull << 32)
/* More events than this at one time: a circle that takes no time. */
#define MAX_FIRED_NOW (4u << 20)
#define CANCEL_EVERY  1024

const char *const sim_rule_names[SIM_RULES] = {
	[SIM_FAULT] = "fault",	     [SIM_LOST] = "lost",
	[SIM_STALL] = "stall",	     [SIM_STARVATION] = "starvation",
	[SIM_AFFINITY] = "affinity", [SIM_IDLE] = "idle",
	[SIM_UNFAIR] = "unfair",     [SIM_ERROR] = "error",
	[SIM_SLICE] = "slice",	     [SIM_KICKS] = "kicks",
	[SIM_COST] = "cost",	     [SIM_UNSUPPORTED] = "unsupported",
};

/* ---- the heap: four children each, least (at, seq) first --------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void put(struct sim *s, uint32_t i, struct sim_event *e)
{
	s->heap[i] = e;
	e->slot = i + 1;
}

static void sift_up(struct sim *s, uint32_t i, struct sim_event *e)
{
	while (i) {
		uint32_t up = (i - 1) / 4;

		if (!before(e, s->heap[up]))
			break;
		put(s, i, s->heap[up]);
		i = up;
	}
	put(s, i, e);
}

static void sift_down(struct sim *s, uint32_t i, struct sim_event *e)
{
	for (;;) {
		uint32_t child = 4 * i + 1, least = child, end = child + 4;

		if (child >= s->heap_len)
			break;
		if (end > s->heap_len)
			end = s->heap_len;
		while (++child < end) {
			if (before(s->heap[child], s->heap[least]))
				least = child;
		}
		if (!before(s->heap[least], e))
			break;
		put(s, i, s->heap[least]);
		i = least;
	}
	put(s, i, e);
}

void sim_event_set(struct sim *s, struct sim_event *e, uint64_t at)
{
	uint64_t was = e->at;

	e->at = at > s->now ? at : s->now;
	e->seq = ++s->seq;
	if (e->slot) {
		if (e->at < was)
			sift_up(s, e->slot - 1, e);
		else
			sift_down(s, e->slot - 1, e);
		return;
	}
	if (s->heap_len == s->heap_cap) {
		s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 256;
		s->heap = mem_realloc(s->heap, s->heap_cap, sizeof(*s->heap));
	}
	s->background += e->background;
	sift_up(s, s->heap_len++, e);
}

void sim_event_cancel(struct sim *s, struct sim_event *e)
{
	uint32_t i = e->slot - 1;
	struct sim_event *last;

	if (!e->slot)
		return;
	e->slot = 0;
	s->background -= e->background;
	last = s->heap[--s->heap_len];
	if (last == e)
		return;
	if (before(last, e))
		sift_up(s, i, last);
	else
		sift_down(s, i, last);
}

/* ---- findings --------------------------------------------------------- */

static bool same_file(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

void sim_find(struct sim *s, enum sim_rule rule, const char *file,
	      uint32_t line, const char *fmt, ...)
{
	struct sim_finding *f;
	char text[512];
	va_list ap;

	for (size_t i = 0; i < s->r->finding_count; i++) {
		f = &s->r->findings[i];
		if (f->rule == rule && f->line == line &&
		    same_file(f->file, file))
			return;
	}
	if (s->r->finding_count == SIM_MAX_FINDINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f = &s->r->findings[s->r->finding_count++];
	*f = (struct sim_finding){.rule = rule,
				  .at_ns = s->now,
				  .file = file,
				  .line = line,
				  .text = mem_strdup(text)};
}

void sim_eject(struct sim *s, int exit_kind, int64_t exit_code, const char *fmt,
	       ...)
{
	char text[1024];
	va_list ap;

	if (s->r->exit_text)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->r->exit_kind = exit_kind;
	s->r->exit_code = exit_code;
	s->r->exit_text = mem_strdup(text);
	s->r->outcome = SIM_EJECTED;
	s->over = true;
}

/* ---- the loop --------------------------------------------------------- */

static void fire(struct sim *s)
{
	struct sim_event *e = s->heap[0];
	struct sim_cpu *c;

	if (e->at != s->now) {
		s->now = e->at;
		s->fired_now = 0;
	}
	s->fired++;
	s->fired_now++;
	sim_event_cancel(s, e);
	s->current = NULL;
	e->fire(s, e);
	c = &s->cpus[s->current_cpu];
	if (!s->over && c->resched && c->resched_at <= s->now)
		cpu_schedule(s, c);
}

static bool wanted(const struct sim *s)
{
	for (const struct sim_task *t = s->tasks; t; t = t->next) {
		if (t->state == TASK_RUNNABLE)
			return true;
	}
	return false;
}

/*
 * Nothing will happen any more.  That is the end of a load of some duration
 * whose tasks all wait for each other; with a runnable task, it is a scheduler
 * that lost it.
 */
static void stuck(struct sim *s)
{
	bool lost = wanted(s);

	if (lost || !s->load->duration_ns) {
		s->r->outcome = SIM_STUCK;
		s->over = true;
		return;
	}
	s->now = s->end_at;
	s->over = true;
}

static void loop(struct sim *s)
{
	uint64_t max = s->o->max_events ? s->o->max_events : MAX_EVENTS;
	bool by_load = s->load->duration_ns == s->end_at;

	while (!s->over) {
		if (s->heap_len == s->background) {
			stuck(s);
		} else if (s->heap[0]->at > s->end_at) {
			s->now = s->end_at;
			s->r->outcome = by_load ? SIM_DONE : SIM_LIMIT;
			s->over = true;
		} else if (s->fired >= max || s->fired_now > MAX_FIRED_NOW) {
			s->r->outcome = SIM_LIMIT;
			s->over = true;
		} else if (s->fired % CANCEL_EVERY == 0 && s->o->cancel &&
			   *s->o->cancel) {
			s->r->outcome = SIM_CANCELLED;
			s->over = true;
		} else {
			fire(s);
		}
	}
}

static int check(const struct sim_opts *o, const struct load *load)
{
	const struct sim_machine *m = &o->machine;

	if (!m->cpus || m->cpus > SIM_MAX_CPUS)
		return err_set(EINVAL, "a machine has 1 to %d CPUs, not %u",
			       SIM_MAX_CPUS, m->cpus);
	if (!m->llcs || !m->nodes)
		return err_set(EINVAL, "a machine has an LLC and a node");
	if (!m->threads || m->threads > 2 || m->cpus % m->threads)
		return err_set(EINVAL,
			       "%u CPUs are no multiple of %u threads per core",
			       m->cpus, m->threads);
	if (!o->costs.hz || o->costs.hz > 10000)
		return err_set(EINVAL, "costs.hz is %u: it must be 1 to 10000",
			       o->costs.hz);
	if (!(o->costs.smt_speed > 0 && o->costs.smt_speed <= 1))
		return err_set(EINVAL, "costs.smt_speed must be over 0 and at "
				       "most 1");
	return load_check(load);
}

static void results_init(struct sim *s)
{
	struct sim_result *r = s->r;

	memset(r, 0, sizeof(*r));
	r->weight_error = -1;
	r->group_count = s->load->group_count;
	r->groups = mem_zalloc(r->group_count, sizeof(*r->groups));
	r->metric_count = s->load->metric_count;
	r->metrics = mem_zalloc(r->metric_count, sizeof(*r->metrics));
}

static void state_init(struct sim *s)
{
	uint64_t limit = s->o->limit_ns ? s->o->limit_ns : LIMIT_NS;
	uint64_t duration = s->load->duration_ns;

	s->end_at = duration && duration < limit ? duration : limit;
	rng_init(&s->rng, s->o->seed);
	rng_init(&s->policy_rng, s->o->seed ^ 0x706f6c696379);
	s->next_pid = 100;
	results_init(s);
	cpus_init(s);
	check_init(s);
}

int sim_run(const struct sim_opts *o, struct sim_policy *policy,
	    const struct load *load, struct sim_result *out)
{
	struct sim s = {.o = o, .load = load, .policy = policy, .r = out};
	int rc = check(o, load);

	if (rc < 0)
		return rc;
	s.cls = policy ? &sim_class_ext : &sim_class_eevdf;
	state_init(&s);
	rc = task_objects_init(&s);
	if (rc == 0)
		rc = s.cls->start(&s);
	if (rc == 0) {
		for (uint32_t i = 0; i < s.nr_cpus && s.cls->idle; i++)
			s.cls->idle(&s, &s.cpus[i], true);
		tasks_init(&s);
		loop(&s);
		check_end(&s);
		s.cls->stop(&s);
		tasks_end(&s);
	}
	task_objects_release(&s);
	free(s.cpus);
	free(s.heap);
	if (rc < 0)
		sim_result_release(out);
	return rc;
}
