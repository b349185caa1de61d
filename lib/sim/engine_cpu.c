/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs: who runs, for how long. */
#include "sim/engine.h"

#include "base/mem.h"

#define LONG_NS (1ull << 46)

static void tick_fires(struct sim *s, struct sim_event *e);
static void next_fires(struct sim *s, struct sim_event *e);

/* First threads of all cores come first, then second ones; LLCs and nodes are
 * runs of cores. */
void cpus_init(struct sim *s)
{
	const struct sim_machine *m = &s->o->machine;
	uint32_t cores = m->cpus / m->threads;

	s->nr_cpus = m->cpus;
	s->nr_online = s->nr_cpus;
	s->cpus = mem_zalloc(s->nr_cpus, sizeof(*s->cpus));
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		struct sim_cpu *c = &s->cpus[i];

		c->id = i;
		c->core = i % cores;
		c->llc = c->core * m->llcs / cores;
		c->node = c->llc * m->nodes / m->llcs;
		c->sibling =
			m->threads == 2 ? (int32_t)((i + cores) % m->cpus) : -1;
		c->online = true;
		c->work_rate = FULL_SPEED;
		c->tick.fire = tick_fires;
		c->next.fire = next_fires;
		cpu_count(s, c);
	}
}

void cpu_count(struct sim *s, struct sim_cpu *c)
{
	bool is_free = c->online && !c->curr && !c->resched && !c->choosing;

	if (is_free == c->free)
		return;
	check_touch(s);
	c->free = is_free;
	if (is_free)
		s->nr_free++;
	else
		s->nr_free--;
}

/* ---- time ------------------------------------------------------------- */

static void work_done(struct sim_cpu *c, struct sim_task *t, uint64_t ns)
{
	if (c->work_rate != FULL_SPEED) {
		uint64_t x = ns * c->work_rate + t->work_frac;

		ns = x / FULL_SPEED;
		t->work_frac = (uint32_t)(x % FULL_SPEED);
	}
	t->work_ns -= ns < t->work_ns ? ns : t->work_ns;
	if (!t->work_ns)
		t->work_frac = 0;
}

void sim_account(struct sim *s, struct sim_cpu *c)
{
	uint64_t delta = s->now - c->updated_at, paid;
	struct sim_task *t = c->curr;

	c->updated_at = s->now;
	if (!t || !delta)
		return;
	t->sum_exec_ns += delta;
	t->burst_ns += delta;
	s->r->busy_ns += delta;
	paid = t->penalty_ns < delta ? t->penalty_ns : delta;
	t->penalty_ns -= paid;
	s->r->overhead_ns += paid;
	if (t->work_ns)
		work_done(c, t, delta - paid);
	s->cls->used(s, c, delta);
}

void sim_charge(struct sim *s, struct sim_cpu *c, uint64_t ns)
{
	(void)s;
	/* c->next is too early now; it notices when it fires. */
	if (c->curr && !c->choosing)
		c->curr->penalty_ns += ns;
	else
		c->debt_ns += ns;
}

/* Until c's task has done what it has to, as things are now. */
static uint64_t remaining(const struct sim *s, const struct sim_cpu *c)
{
	const struct sim_task *t = c->curr;
	uint64_t work = t->work_ns, spin;

	if (t->spinning)
		return NEVER - s->now;
	/* Longer than a day: it is looked at again then. */
	if (work > LONG_NS)
		work = LONG_NS;
	if (work && c->work_rate != FULL_SPEED)
		work = (work * FULL_SPEED - t->work_frac + c->work_rate - 1) /
		       c->work_rate;
	if (t->spin_until > s->now) {
		spin = t->spin_until - s->now;
		return spin > t->penalty_ns ? spin : t->penalty_ns;
	}
	return t->penalty_ns + work;
}

void cpu_arm(struct sim *s, struct sim_cpu *c)
{
	uint64_t at = NEVER;

	if (c->curr)
		at = s->now + remaining(s, c);
	if (c->resched && c->resched_at < at)
		at = c->resched_at;
	if (at == NEVER)
		sim_event_cancel(s, &c->next);
	else if (!c->next.slot || c->next.at != at)
		sim_event_set(s, &c->next, at);
}

void sim_resched(struct sim *s, struct sim_cpu *c)
{
	uint64_t at = s->now;

	if (c->id != s->current_cpu) {
		s->r->kicks++;
		s->r->events++;
	}
	/* A CPU that is choosing just now hears of it afterwards. */
	if (c->id != s->current_cpu || c->choosing)
		at += s->o->costs.wake_remote_ns;
	if (!c->online || (c->resched && c->resched_at <= at))
		return;
	c->resched = true;
	c->resched_at = at;
	cpu_count(s, c);
	if (c->id != s->current_cpu && (!c->next.slot || c->next.at > at))
		sim_event_set(s, &c->next, at);
}

/* c became busy or idle: its other thread runs slower or faster now. */
static void sibling_follows(struct sim *s, struct sim_cpu *c)
{
	struct sim_cpu *other;
	uint32_t rate = FULL_SPEED;

	if (c->sibling < 0)
		return;
	other = &s->cpus[c->sibling];
	if (c->curr && other->curr)
		rate = (uint32_t)(s->o->costs.smt_speed * FULL_SPEED + 0.5);
	c->work_rate = rate;
	if (other->work_rate == rate)
		return;
	sim_account(s, other);
	other->work_rate = rate;
	if (other->curr)
		cpu_arm(s, other);
}

/* ---- scheduling ------------------------------------------------------- */

static uint64_t cold_cache(const struct sim *s, const struct sim_cpu *to,
			   uint32_t from)
{
	const struct sim_cpu *c = &s->cpus[from];

	if (c->core == to->core)
		return 0;
	if (c->llc == to->llc)
		return s->o->costs.migrate_ns;
	return c->node == to->node ? s->o->costs.migrate_llc_ns
				   : s->o->costs.migrate_node_ns;
}

static void switch_in(struct sim *s, struct sim_cpu *c, struct sim_task *t,
		      bool from_idle)
{
	struct sim_group_result *g = &s->r->groups[t->group];
	uint64_t waited = s->now - t->runnable_at;

	check_wait_ends(s, t, from_idle ? c->idle_since : NEVER);
	c->nr_waiting--;
	g->wait_ns += waited;
	hist_add(&g->delay, waited);
	if (t->last_cpu != UINT32_MAX && t->last_cpu != c->id) {
		s->r->migrations++;
		g->migrations++;
		t->penalty_ns += cold_cache(s, c, t->last_cpu);
	}
	/* Away from its CPU it did not look. */
	t->spinning = false;
	t->state = TASK_ON_CPU;
	t->last_cpu = c->id;
}

static void switch_out(struct sim *s, struct sim_cpu *c, struct sim_task *t)
{
	s->r->preemptions++;
	s->r->groups[t->group].preemptions++;
	t->state = TASK_RUNNABLE;
	t->runnable_at = s->now;
	t->ran_at = s->now;
	c->nr_waiting++;
	check_wait_begins(s, t);
}

static void set_tick(struct sim *s, struct sim_cpu *c)
{
	uint64_t period = 1000000000ull / s->o->costs.hz;

	if (!c->tick.slot)
		sim_event_set(s, &c->tick, (s->now / period + 1) * period);
}

/* The class chose next, which may be NULL; prev is off already. */
static void switch_to(struct sim *s, struct sim_cpu *c, struct sim_task *next,
		      bool from_idle)
{
	const struct sim_costs *costs = &s->o->costs;

	s->r->switches++;
	s->r->events++;
	c->curr = next;
	if (!next) {
		c->idle_since = s->now;
		c->debt_ns = 0;
		return;
	}
	if (from_idle)
		s->r->idle_ns += s->now - c->idle_since;
	switch_in(s, c, next, from_idle);
	next->penalty_ns += c->debt_ns + (from_idle ? costs->idle_switch_ns
						    : costs->switch_ns);
	c->debt_ns = 0;
	set_tick(s, c);
}

/*
 * c's task no longer runs there.  Until the schedule that follows c is neither
 * busy nor idle.
 */
void cpu_vacate(struct sim *s, struct sim_cpu *c)
{
	sim_account(s, c);
	c->curr->ran_at = s->now;
	c->curr = NULL;
	c->choosing = true;
	c->resched = true;
	c->resched_at = s->now;
	cpu_count(s, c);
}

void cpu_schedule(struct sim *s, struct sim_cpu *c)
{
	struct sim_task *prev = c->curr, *next;
	/* Vacated by its task: choosing is set since then. */
	bool was_idle = !prev && !c->choosing;

	sim_account(s, c);
	c->resched = false;
	c->choosing = true;
	s->current = prev;
	s->current_cpu = c->id;
	next = c->online ? s->cls->pick(s, c, prev) : NULL;
	if (next && next->cpu != c->id)
		sim_task_moved(s, next, c->id);
	c->choosing = false;
	if (next != prev || (!next && !was_idle)) {
		if (was_idle && s->cls->idle)
			s->cls->idle(s, c, false);
		if (prev)
			switch_out(s, c, prev);
		switch_to(s, c, next, was_idle);
		if (!was_idle != !!next)
			sibling_follows(s, c);
	} else {
		if (next)
			next->penalty_ns += c->debt_ns;
		c->debt_ns = 0;
	}
	s->current = next;
	if (next && s->cls->begin)
		s->cls->begin(s, c, next, prev);
	if (!next && !was_idle && c->online && s->cls->idle)
		s->cls->idle(s, c, true);
	/* Costs first, so nothing but the start of a RUN can come of it. */
	if (next && next->penalty_ns && !next->work_ns && !next->spin_until)
		task_advance(s, next);
	cpu_count(s, c);
	cpu_arm(s, c);
}

static void sleeps(struct sim *s, struct sim_cpu *c, struct sim_task *t)
{
	s->cls->dequeue(s, t, SIM_Q_SLEEP);
	cpu_vacate(s, c);
	t->state = TASK_SLEEPING;
	t->check.since = NEVER;
	hist_add(&s->r->groups[t->group].burst, t->burst_ns);
	if (t->burst_ns > t->asked_ns)
		t->costs_ns +=
			((t->burst_ns - t->asked_ns) >> 2) - (t->costs_ns >> 2);
	t->burst_ns = t->asked_ns = 0;
}

/* c's task has done its work: on with its program. */
static void goes_on(struct sim *s, struct sim_cpu *c)
{
	struct sim_task *t = c->curr;

	s->current = t;
	t->spin_until = 0;
	switch (task_advance(s, t)) {
	case TASK_WORKS:
		cpu_arm(s, c);
		break;
	case TASK_BLOCKED:
		sleeps(s, c, t);
		break;
	case TASK_ENDED:
		task_exit(s, t);
		break;
	case TASK_YIELDED:
		/* Who gives way claims no share. */
		t->check.since = s->now;
		s->cls->yield(s, c);
		sim_charge(s, c, s->o->costs.switch_ns);
		sim_resched(s, c);
		break;
	case TASK_CHANGED:
		if (c->curr == t)
			sim_resched(s, c);
		break;
	}
}

static void next_fires(struct sim *s, struct sim_event *e)
{
	struct sim_cpu *c = container_of(e, struct sim_cpu, next);

	s->current_cpu = c->id;
	if (c->resched && c->resched_at <= s->now) {
		cpu_schedule(s, c);
		return;
	}
	s->current = c->curr;
	sim_account(s, c);
	if (!c->curr || remaining(s, c))
		cpu_arm(s, c);
	else
		goes_on(s, c);
}

static void tick_fires(struct sim *s, struct sim_event *e)
{
	struct sim_cpu *c = container_of(e, struct sim_cpu, tick);

	/* Left over from before it went idle. */
	if (!c->curr)
		return;
	s->r->ticks++;
	s->r->events++;
	s->current_cpu = c->id;
	s->current = c->curr;
	sim_account(s, c);
	sim_charge(s, c, s->o->costs.tick_ns);
	set_tick(s, c);
	s->cls->tick(s, c);
}
