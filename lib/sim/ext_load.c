/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy is loaded onto the simulated machine, and leaves it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/learned_abi.h"
#include "policy/policy.h"
#include "sim/ext.h"

/* Before 6.19 */
#define OLD_ENQ_HEAD	     0x10u
#define OLD_ENQ_CPU_SELECTED 0x400u

static const struct vm_kind args_kind = {"arguments of a callback", NULL};
static const struct vm_kind exit_kind = {"scx_exit_info", NULL};
static const struct vm_kind text_kind = {"text", NULL};

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
	/* As ext_load() has it: exec is looked at by those that it matters to.
	 */
	if (e->policy->is_template &&
	    !policy_params_look_at_exec(&e->policy->params))
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

/* A constant of somebody else's policy, as its loader would set it. */
static void set_constant(struct ext *e, const char *name, uint64_t value,
			 bool only_zero)
{
	const struct object *o = e->policy->object;
	uint64_t old = 0;
	size_t size;
	void *at;
	int map;

	for (size_t i = 0; i < e->policy->set.len; i++)
		if (!strcmp(e->policy->set.v[i], name))
			return;
	if (object_variable(e->policy->object, name, &at, &size, &map) < 0 ||
	    !o->maps[map].frozen || (size != 4 && size != 8))
		return;
	memcpy(&old, at, size);
	if (!only_zero || !old)
		memcpy(at, &value, size);
}

static void set_constants(struct ext *e)
{
	static const char *const cpus[] = {
		"nr_cpu_ids", "nr_cpus", "nr_possible_cpus", "nr_online_cpus"};
	static const char *const slices[] = {"slice_ns", "cgrp_slice_ns"};

	for (size_t i = 0; i < ARRAY_LEN(cpus); i++)
		set_constant(e, cpus[i], e->s->nr_cpus, false);
	for (size_t i = 0; i < ARRAY_LEN(slices); i++)
		set_constant(e, slices[i], SCX_SLICE_DFL, true);
}

/* What ext_load() would have found on a machine like this one. */
static void set_machine(struct ext *e)
{
	uint32_t llc_of[POLICY_MAX_CPUS] = {0}, llcs = e->s->o->machine.llcs;
	uint32_t on = e->policy->intents != NULL;

	if (!e->policy->is_template) {
		set_constants(e);
		return;
	}
	for (uint32_t i = 0; i < e->s->nr_cpus; i++)
		llc_of[i] = e->s->cpus[i].llc;
	set_variable(e, "nr_cpus", &e->s->nr_cpus, sizeof(e->s->nr_cpus));
	set_variable(e, "nr_llcs", &llcs, sizeof(llcs));
	set_variable(e, "cpu_llc", llc_of, sizeof(llc_of));
	set_variable(e, "intents_on", &on, sizeof(on));
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

		vm_map_set(e->vm, map, &key, sizeof(key), 0, &value,
			   sizeof(value));
	}
}

/* All of a policy's life there is the first generation. */
static void set_intents(struct ext *e)
{
	const struct object *o = e->policy->object;
	const struct intent_rules *r = e->policy->intents;
	uint32_t generation = 1, half = INTENT_HALF(generation), zero = 0;

	if (!r)
		return;
	vm_map_set(e->vm, object_map(o, "intents"), &half, sizeof(half), 0,
		   &r->table, sizeof(r->table));
	for (uint32_t i = 0; i < r->marks; i++) {
		struct intent_key key = r->v[i].key;

		key.half = (uint16_t)half;
		vm_map_set(e->vm, object_map(o, "intent_marks"), &key,
			   sizeof(key), 0, &r->v[i].rules,
			   sizeof(r->v[i].rules));
	}
	vm_map_set(e->vm, object_map(o, "intent_generation"), &zero,
		   sizeof(zero), 0, &generation, sizeof(generation));
}

/* Likewise. */
static void set_model(struct ext *e)
{
	const struct object *o = e->policy->object;
	uint32_t generation = 1, half = LEARNED_HALF(generation), zero = 0;

	if (!e->policy->model)
		return;
	vm_map_set(e->vm, object_map(o, "models"), &half, sizeof(half), 0,
		   e->policy->model, sizeof(*e->policy->model));
	vm_map_set(e->vm, object_map(o, "model_generation"), &zero,
		   sizeof(zero), 0, &generation, sizeof(generation));
}

static void make_cpus(struct ext *e)
{
	struct sim *s = e->s;

	e->words = (s->nr_cpus + 63) / 64;
	e->nodes = s->o->machine.nodes;
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

/* That of x86, which who asks whether it is in an interrupt looks at. */
static void make_preempt_count(struct ext *e)
{
	static const struct vm_kind kind = {"preemption counter", NULL};
	uint32_t n = e->s->nr_cpus;

	e->preempt_count = mem_zalloc(n, sizeof(*e->preempt_count));
	e->preempt_regions = mem_zalloc(n, sizeof(*e->preempt_regions));
	for (uint32_t i = 0; i < n; i++)
		e->preempt_regions[i] = vm_region_new(
			e->vm, &e->preempt_count[i], sizeof(*e->preempt_count),
			VM_READ, &kind, e);
	vm_variable(e->vm, "__preempt_count",
		    vm_addr(vm_region_new(e->vm, NULL, 0, 0, &vm_kind_percpu,
					  e->preempt_regions)));
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
	ext_learn_stop(e);
	free(e->preempt_count);
	free(e->preempt_regions);
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

int ext_start(struct sim *s)
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
	if (!rc)
		rc = ext_learn_start(e);
	if (rc < 0) {
		release(e);
		return rc;
	}
	find_programs(e);
	make_cpus(e);
	ext_cgroup_start(e);
	ext_idle_start(e);
	task_view_start(e);
	make_preempt_count(e);
	e->args_region = vm_region_new(e->vm, &e->args, sizeof(e->args),
				       VM_READ, &args_kind, e);
	set_identities(e);
	set_intents(e);
	set_model(e);
	load_policy(e);
	return 0;
}

/* ---- the end ---------------------------------------------------------- */

void ext_exit_task(struct ext *e, struct ext_task *x)
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

			vm_map_get(e->vm, map, &i, sizeof(i), cpu, &n,
				   sizeof(n));
			sum += (double)n;
		}
		json_set_number(e->s->r->counters, policy_counter_names[i],
				sum);
	}
}

void ext_stop(struct sim *s)
{
	struct ext *e = s->class_data;

	if (!e->dead)
		ext_watch_end(e);
	ext_watch_kicks(e);
	ext_watch_costs(e);
	read_counters(e);
	ext_learn_report(e);
	e->enabled = false;
	/* As in the kernel: from here on nothing that it does is an error. */
	if (!e->dead) {
		e->exit.kind = SCX_EXIT_UNREG;
		e->dead = true;
	}
	for (struct sim_task *t = s->tasks; t; t = t->next)
		if (t->ext)
			ext_exit_task(e, t->ext);
	ext_cgroup_exit(e);
	call_exit(e);
	for (struct sim_task *t = s->tasks; t; t = t->next)
		t->ext = NULL;
	release(e);
}
