/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sched_ext class: what the engine tells it, put into the kernel's words.
 */
#include "sim/ext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/policy.h"

/* kernel/sched/sched.h */
#define WAKEUP	1u
#define RESTORE 2u
#define NOCLOCK 8u
#define INITIAL 0x80u
#define SAVE	2u
/* Before 6.19 */
#define OLD_ENQ_HEAD	     0x10u
#define OLD_ENQ_CPU_SELECTED 0x400u

static const struct vm_kind args_kind = {"arguments of a callback", NULL};
static const struct vm_kind exit_kind = {"scx_exit_info", NULL};
static const struct vm_kind text_kind = {"text", NULL};

static struct ext *enter(struct sim *s, uint32_t cpu)
{
	struct ext *e = s->class_data;

	e->cpu = cpu;
	return e;
}

/* ---- before the first task -------------------------------------------- */

static uint64_t host_now(void *arg)
{
	return ext_now(arg);
}

static uint64_t host_random(void *arg)
{
	const struct ext *e = arg;

	return rng_next(&e->s->policy_rng);
}

static uint32_t host_cpu(void *arg)
{
	const struct ext *e = arg;

	return e->cpu;
}

static uint64_t host_current(void *arg)
{
	return ext_addr(task_view_current(arg));
}

static void set_host(struct ext *e)
{
	e->host = (struct vm_host){
		.arg = e,
		.now = host_now,
		.random = host_random,
		.cpu = host_cpu,
		.current = host_current,
		.timer = ext_set_timer,
		.describe = task_view_describe,
		.nr_cpus = e->s->nr_cpus,
		.jiffies_hz = e->s->o->costs.hz,
	};
}

static void find_programs(struct ext *e)
{
	const struct object *o = e->policy->object;

	for (int i = 0; i < EXT_OP_COUNT; i++) {
		e->op[i] = object_op(o, ext_op_names[i]);
		e->stat_of_op[i] = -1;
	}
	e->stat_of_timer = -1;
	for (int i = 0; i < EXT_TRACE_COUNT; i++) {
		e->stat_of_trace[i] = -1;
		for (size_t f = 0; f < o->func_count; f++) {
			if (o->funcs[f].kind != FUNC_TRACEPOINT ||
			    strcmp(o->funcs[f].attach, ext_trace_names[i]) ||
			    e->trace_count[i] == EXT_TRACE_PROGRAMS)
				continue;
			e->trace[i][e->trace_count[i]++] = (int)f;
		}
	}
	/* As ext_load() has it: exec only matters to who looks it up. */
	if (e->policy->is_template &&
	    e->policy->params.classify != CLASSIFY_IDENTITY)
		e->trace_count[TRACE_sched_process_exec] = 0;
}

static void set_variable(struct ext *e, const char *name, const void *value,
			 size_t len)
{
	void *at;
	size_t size;
	int map;

	if (object_variable(e->policy->object, name, &at, &size, &map) == 0 &&
	    size == len)
		memcpy(at, value, len);
}

/* What ext_load() would have found on a machine like this one. */
static void set_machine(struct ext *e)
{
	uint32_t llc_of[POLICY_MAX_CPUS] = {0}, llcs = e->s->o->machine.llcs;

	if (!e->policy->is_template)
		return;
	llcs = llcs ? llcs : 1;
	for (uint32_t i = 0; i < e->s->nr_cpus; i++)
		llc_of[i] = e->s->cpus[i].llc;
	set_variable(e, "nr_cpus", &e->s->nr_cpus, sizeof(e->s->nr_cpus));
	set_variable(e, "nr_llcs", &llcs, sizeof(llcs));
	set_variable(e, "cpu_llc", llc_of, sizeof(llc_of));
}

static void set_identities(struct ext *e)
{
	int map = object_map(e->policy->object, "identities");

	if (map < 0 || !e->policy->is_template)
		return;
	json_each (v, e->policy->identities) {
		uint64_t hash = strtoull(
			json_as_string(json_get(v, "hash"), "0"), NULL, 16);
		double us = json_as_number(json_get(v, "expect_us"), 0);
		struct policy_identity value = {(uint64_t)(us * 1000)};
		uint64_t key = task_view_hash(e, hash);

		vm_map_set(e->vm, map, &key, 0, &value);
	}
}

static void make_cpus(struct ext *e)
{
	struct sim *s = e->s;

	e->words = (s->nr_cpus + 63) / 64;
	e->nodes = s->o->machine.nodes ? s->o->machine.nodes : 1;
	e->cpus = mem_zalloc(s->nr_cpus, sizeof(*e->cpus));
	e->global = mem_zalloc(e->nodes, sizeof(*e->global));
	for (uint32_t i = 0; i < e->nodes; i++)
		dsq_init(e, &e->global[i], SCX_DSQ_GLOBAL, EXT_NO_CPU);
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		struct ext_cpu *c = &e->cpus[i];

		dsq_init(e, &c->local, SCX_DSQ_LOCAL, i);
		ext_link_init(&c->runnable);
		ext_link_init(&c->deferred);
		c->slots = mem_zalloc(e->max_batch, sizeof(*c->slots));
		c->online = s->cpus[i].online;
		c->was_idle = true;
	}
}

/* What the kernel refuses before it calls anything. */
static void validate(struct ext *e)
{
	if (e->flags & SCX_OPS_ENQ_LAST && !ext_has(e, OP_enqueue))
		ext_error(e, SIM_ERROR, EXT_NO_INSN,
			  "SCX_OPS_ENQ_LAST requires ops.enqueue() to be "
			  "implemented");
	if (e->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE && !e->idle_enabled)
		ext_error(e, SIM_ERROR, EXT_NO_INSN,
			  "SCX_OPS_BUILTIN_IDLE_PER_NODE requires CPU idle "
			  "selection enabled");
}

static void load_policy(struct ext *e)
{
	int32_t rc;

	validate(e);
	rc = (int32_t)ext_call(e, OP_init, CTX_UNLOCKED, EXT_NO_CPU, NULL, 0);
	if (rc)
		ext_error(e, SIM_ERROR, ext_first_insn(e, OP_init),
			  "ops.init() failed (%d)", rc);
	for (uint32_t i = 0; i < e->s->load->cgroup_count && !e->dead; i++)
		ext_cgroup_init(e, i);
	if (!e->dead)
		ext_watch_start(e);
	e->enabled = true;
}

static void release(struct ext *e)
{
	for (uint32_t i = 0; e->cpus && i < e->s->nr_cpus; i++)
		free(e->cpus[i].slots);
	for (uint32_t i = 0; i < e->timer_count; i++) {
		sim_event_cancel(e->s, &e->timers[i]->event);
		free(e->timers[i]);
	}
	if (e->watchdog.slot)
		sim_event_cancel(e->s, &e->watchdog);
	free(e->timers);
	dsq_free_all(e);
	ext_idle_stop(e);
	task_view_stop(e);
	free(e->cgroups);
	free(e->global);
	free(e->cpus);
	vm_free(e->vm);
	e->s->class_data = NULL;
	free(e);
}

static int start(struct sim *s)
{
	const struct object *o = s->policy->object;
	struct ext *e = mem_zalloc(1, sizeof(*e));
	int rc;

	s->class_data = e;
	e->s = s;
	e->policy = s->policy;
	e->kernel = s->policy->kernel;
	e->locked = EXT_NO_CPU;
	e->flags = o->ops.flags;
	e->max_batch = o->ops.dispatch_max_batch ? o->ops.dispatch_max_batch
						 : SCX_DSP_DFL_MAX_BATCH;
	e->enq_head = e->kernel < 60019 ? OLD_ENQ_HEAD : SCX_ENQ_HEAD;
	e->enq_cpu_selected =
		e->kernel < 60019 ? OLD_ENQ_CPU_SELECTED : SCX_ENQ_CPU_SELECTED;
	set_host(e);
	set_machine(e);
	rc = vm_new(o, s->policy->calls, &e->host, NULL, &e->vm);
	if (rc < 0) {
		release(e);
		return rc;
	}
	find_programs(e);
	make_cpus(e);
	ext_cgroup_start(e);
	ext_idle_start(e);
	task_view_start(e);
	e->args_region = vm_region_new(e->vm, &e->args, sizeof(e->args),
				       VM_READ, &args_kind, e);
	set_identities(e);
	load_policy(e);
	return 0;
}

/* ---- the end ---------------------------------------------------------- */

static void exit_task(struct ext *e, struct ext_task *x)
{
	uint32_t state = x->k.scx.flags & SCX_TASK_STATE_MASK;

	x->k.scx.flags &= ~(uint32_t)SCX_TASK_STATE_MASK;
	if (!state)
		return;
	if (state == SCX_TASK_ENABLED << SCX_TASK_STATE_SHIFT)
		ext_call_task(e, OP_disable, CTX_REST, x, 0);
	memset(&e->args, 0, sizeof(e->args));
	ext_call_task(e, OP_exit_task, CTX_REST, x, vm_addr(e->args_region));
}

static uint64_t text_region(struct ext *e, char *text)
{
	return vm_addr(vm_region_new(e->vm, text, (uint32_t)strlen(text) + 1,
				     VM_READ, &text_kind, e));
}

static void call_exit(struct ext *e)
{
	char reason[64], none[1] = "";
	uint64_t args[1];

	if (!e->dead) {
		e->exit.kind = SCX_EXIT_UNREG;
		e->dead = true;
	}
	snprintf(reason, sizeof(reason), "%s", ext_reason(e));
	e->exit.flags = SCX_EFLAG_INITIALIZED;
	e->exit.reason = text_region(e, reason);
	e->exit.msg = text_region(e, e->exit_text);
	e->exit.dump = text_region(e, none);
	args[0] = vm_addr(vm_region_new(e->vm, &e->exit, sizeof(e->exit),
					VM_READ, &exit_kind, e));
	ext_call(e, OP_exit, CTX_UNLOCKED, EXT_NO_CPU, args, 1);
}

/* The template's, as ext_report() gives them. */
static void read_counters(struct ext *e)
{
	int map = object_map(e->policy->object, "counters");

	if (map < 0 || !e->policy->is_template)
		return;
	e->s->r->counters = json_object();
	for (uint32_t i = 0; i < COUNT_MAX; i++) {
		double sum = 0;

		for (uint32_t cpu = 0; cpu < e->s->nr_cpus; cpu++) {
			uint64_t n = 0;

			vm_map_get(e->vm, map, &i, cpu, &n);
			sum += (double)n;
		}
		json_set_number(e->s->r->counters, policy_counter_names[i],
				sum);
	}
}

static void stop(struct sim *s)
{
	struct ext *e = s->class_data;

	if (!e->dead)
		ext_watch_end(e);
	ext_watch_costs(e);
	read_counters(e);
	e->enabled = false;
	for (struct sim_task *t = s->tasks; t; t = t->next)
		if (t->ext)
			exit_task(e, t->ext);
	ext_cgroup_exit(e);
	call_exit(e);
	for (struct sim_task *t = s->tasks; t; t = t->next)
		t->ext = NULL;
	release(e);
}

/* ---- tasks come, change and go ---------------------------------------- */

static void enable_task(struct ext *e, struct ext_task *x)
{
	x->k.scx.flags |= SCX_TASK_READY << SCX_TASK_STATE_SHIFT;
	task_view_weight(x);
	ext_call_task(e, OP_enable, CTX_REST, x, 0);
	x->k.scx.flags &= ~(uint32_t)SCX_TASK_STATE_MASK;
	x->k.scx.flags |= SCX_TASK_ENABLED << SCX_TASK_STATE_SHIFT;
	ext_call_task(e, OP_set_weight, CTX_REST, x, x->k.scx.weight);
}

static int task_start(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = task_view_new(e, t);
	uint64_t trace[2] = {x->k.real_parent, ext_addr(x)};
	uint64_t args[2] = {ext_addr(x), vm_addr(e->args_region)};
	int32_t rc;

	memset(&e->args, 0, sizeof(e->args));
	/* What is there from the start was there before the policy. */
	e->args.init.fork = t->parent || sim_now(s);
	e->args.init.cgroup = vm_addr(e->cgroups[t->cgroup].region);
	rc = (int32_t)ext_call(e, OP_init_task, CTX_UNLOCKED, EXT_NO_CPU, args,
			       2);
	if (rc) {
		ext_error(e, SIM_ERROR, ext_first_insn(e, OP_init_task),
			  "ops.init_task() failed (%d) for %s[%d]", rc,
			  x->k.comm, x->k.pid);
		return -ECANCELED;
	}
	x->k.scx.flags |= SCX_TASK_RESET_RUNNABLE_AT;
	enable_task(e, x);
	ext_trace(e, TRACE_sched_process_fork, trace, 2);
	ext_kicks_done(e, e->cpu);
	return 0;
}

static void task_execs(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, t->cpu);
	struct ext_task *x = ext_task(t);
	uint64_t args[3] = {ext_addr(x), (uint64_t)x->k.pid};

	task_view_exec(e, x);
	args[2] = vm_addr(e->bprm_region);
	ext_trace(e, TRACE_sched_process_exec, args, 3);
	ext_kicks_done(e, e->cpu);
}

static void task_end(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		if (e->cpus[i].curr == x)
			e->cpus[i].curr = NULL;
		if (e->cpus[i].last == x)
			e->cpus[i].last = NULL;
	}
	exit_task(e, x);
	ext_kicks_done(e, e->cpu);
	task_view_gone(e, x);
}

static void changed(struct sim *s, struct sim_task *t)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);
	uint32_t weight = x->k.scx.weight;
	bool moved = memcmp(x->k.cpus_mask.bits, t->allowed,
			    sizeof(t->allowed)) != 0;

	task_view_weight(x);
	task_view_affinity(e, x);
	if (x->k.scx.weight != weight)
		ext_call_task(e, OP_set_weight, CTX_REST, x, x->k.scx.weight);
	if (moved)
		ext_call_task(e, OP_set_cpumask, CTX_REST, x, x->k.cpus_ptr);
	ext_kicks_done(e, e->cpu);
}

/* ---- queues ----------------------------------------------------------- */

static uint32_t select_cpu(struct sim *s, struct sim_task *t, uint32_t prev,
			   unsigned wake_flags)
{
	struct ext *e = enter(s, s->current_cpu);
	uint64_t flags = wake_flags & SIM_WAKE_EXEC   ? EXT_WAKE_EXEC
			 : wake_flags & SIM_WAKE_FORK ? SCX_WAKE_FORK
						      : SCX_WAKE_TTWU;
	uint32_t cpu;

	if (wake_flags & SIM_WAKE_SYNC)
		flags |= SCX_WAKE_SYNC;
	cpu = ext_select(e, ext_task(t), prev, flags);
	ext_kicks_done(e, e->cpu);
	return cpu;
}

static uint64_t enq_flags(unsigned flags)
{
	if (flags & SIM_Q_NEW)
		return INITIAL | NOCLOCK;
	if (flags & SIM_Q_WAKEUP)
		return WAKEUP | NOCLOCK;
	return flags & SIM_Q_CHANGE ? RESTORE | NOCLOCK : NOCLOCK;
}

/* A running task is put back as it was: it goes on without being picked. */
static void resume(struct ext *e, struct ext_task *x)
{
	if (x->dsq)
		dsq_remove(x->dsq, x);
	ext_call_task(e, OP_running, CTX_REST, x, 0);
	ext_runnable_del(x, true);
}

static void enqueue(struct sim *s, struct sim_task *t, unsigned flags)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);
	struct ext_cpu *was_on = &e->cpus[x->k.thread_info.cpu];
	bool running = t->state == TASK_ON_CPU;
	uint64_t addr = ext_addr(x);

	if (!running && was_on->curr == x)
		was_on->curr = NULL;
	x->k.thread_info.cpu = t->cpu;
	if (x->k.migration_disabled != t->migration_disabled)
		task_view_affinity(e, x);
	ext_enqueue(e, x, enq_flags(flags), running);
	if (running) {
		resume(e, x);
	} else {
		if (flags & (SIM_Q_NEW | SIM_Q_WAKEUP))
			ext_trace(e,
				  flags & SIM_Q_NEW ? TRACE_sched_wakeup_new
						    : TRACE_sched_wakeup,
				  &addr, 1);
		if (!e->cpus[t->cpu].curr)
			sim_resched(s, &s->cpus[t->cpu]);
		ext_deferred(e, t->cpu);
	}
	ext_kicks_done(e, e->cpu);
}

static void dequeue(struct sim *s, struct sim_task *t, unsigned flags)
{
	struct ext *e = enter(s, s->current_cpu);
	struct ext_task *x = ext_task(t);
	struct ext_cpu *c = &e->cpus[t->cpu];
	uint64_t addr = ext_addr(x);

	if (flags & SIM_Q_EXIT) {
		x->k.flags |= KERNEL_PF_EXITING;
		ext_trace(e, TRACE_sched_process_exit, &addr, 1);
	}
	ext_dequeue(e, x,
		    flags & SIM_Q_SLEEP	   ? SCX_DEQ_SLEEP | NOCLOCK
		    : flags & SIM_Q_CHANGE ? SAVE | NOCLOCK
					   : NOCLOCK);
	if (flags & SIM_Q_MIGRATE && c->curr == x) {
		x->k.on_cpu = 0;
		c->curr = NULL;
	}
	ext_kicks_done(e, e->cpu);
}

/* ---- CPUs ------------------------------------------------------------- */

static struct sim_task *pick(struct sim *s, struct sim_cpu *c,
			     struct sim_task *prev)
{
	struct ext *e = enter(s, c->id);
	struct ext_task *x;

	(void)prev; /* who is curr here, or was until he went to sleep */
	x = ext_pick(e, c->id);
	ext_deferred(e, c->id);
	if (!x)
		ext_kicks_done(e, c->id);
	return x ? x->t : NULL;
}

static void begin(struct sim *s, struct sim_cpu *c, struct sim_task *next,
		  struct sim_task *prev)
{
	struct ext *e = enter(s, c->id);

	if (next != prev)
		ext_begin(e, c->id, ext_task(next));
	ext_kicks_done(e, c->id);
}

static void used(struct sim *s, struct sim_cpu *c, uint64_t delta)
{
	struct ext_task *x = ext_task(c->curr);

	(void)s;
	x->k.se.sum_exec_runtime += delta;
	x->k.utime += delta;
	if (x->k.scx.slice != SCX_SLICE_INF)
		x->k.scx.slice -=
			delta < x->k.scx.slice ? delta : x->k.scx.slice;
}

static void tick(struct sim *s, struct sim_cpu *c)
{
	struct ext *e = enter(s, c->id);
	struct ext_task *x = ext_task(c->curr);

	e->cpus[c->id].rq.clock = ext_now(e);
	ext_call_task(e, OP_tick, CTX_REST, x, 0);
	ext_watch_slice(e, c->id);
	if (!x->k.scx.slice)
		sim_resched(s, c);
	ext_kicks_done(e, c->id);
}

static void yield(struct sim *s, struct sim_cpu *c)
{
	struct ext *e = enter(s, c->id);
	struct ext_task *x = ext_task(c->curr);

	if (ext_has(e, OP_yield))
		ext_call_task(e, OP_yield, CTX_REST, x, 0);
	else
		x->k.scx.slice = 0;
	ext_kicks_done(e, c->id);
}

static void hotplug(struct sim *s, struct sim_cpu *c, bool online)
{
	struct ext *e = enter(s, s->current_cpu);
	enum ext_op op = online ? OP_cpu_online : OP_cpu_offline;
	struct ext_cpu *x = &e->cpus[c->id];
	uint64_t args[] = {c->id};

	if (online)
		mask_set(&e->online.k, c->id);
	else
		mask_clear(&e->online.k, c->id);
	x->online = online;
	x->was_idle = true;
	x->rq.scx.flags = online ? SCX_RQ_ONLINE : 0;
	ext_idle_topology(e);
	if (e->idle_enabled)
		ext_idle_update(e, c->id, online, false);
	if (ext_has(e, op))
		ext_call(e, op, CTX_UNLOCKED, EXT_NO_CPU, args, 1);
	else
		ext_exit(e, SCX_EXIT_UNREG_KERN,
			 SCX_ECODE_ACT_RESTART | SCX_ECODE_RSN_HOTPLUG,
			 "cpu %u going %s, exiting scheduler", c->id,
			 online ? "online" : "offline");
	ext_kicks_done(e, e->cpu);
}

static void blame(struct sim *s, const struct sim_task *t, const char **file,
		  uint32_t *line)
{
	if (t->ext)
		ext_line(s->class_data, ext_task(t)->insn, file, line);
}

const struct sim_class sim_class_ext = {
	.name = "ext",
	.start = start,
	.stop = stop,
	.task_start = task_start,
	.task_exec = task_execs,
	.task_end = task_end,
	.select_cpu = select_cpu,
	.enqueue = enqueue,
	.dequeue = dequeue,
	.pick = pick,
	.begin = begin,
	.used = used,
	.tick = tick,
	.yield = yield,
	.changed = changed,
	.cpu_online = hotplug,
	.blame = blame,
};
