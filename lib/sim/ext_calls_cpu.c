/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel functions about CPUs: idle ones, kicks, masks, performance, time. */
#include "sim/ext.h"

#include <errno.h>
#include <string.h>

#define CALL(name) static uint64_t name(struct vm *vm, const uint64_t r[5])

static uint64_t answer(int64_t rc)
{
	return (uint64_t)rc;
}

static bool cpu_valid(struct vm *vm, uint64_t cpu)
{
	struct ext *e = ext_of(vm);

	if ((uint32_t)cpu < e->s->nr_cpus)
		return true;
	ext_error(e, SIM_ERROR, vm_insn(vm), "invalid CPU %d", (int32_t)cpu);
	return false;
}

static const struct kernel_cpumask *mask_at(struct vm *vm, uint64_t addr)
{
	return vm_read(vm, addr, sizeof(struct kernel_cpumask));
}

/* ---- choosing among idle CPUs ----------------------------------------- */

static bool tracks_idle(struct vm *vm)
{
	struct ext *e = ext_of(vm);

	if (e->idle_enabled)
		return true;
	ext_error(e, SIM_ERROR, vm_insn(vm),
		  "built-in idle tracking is disabled");
	return false;
}

/* Until 6.18 only for those who look for a CPU; then nearly everywhere. */
static bool may_select(struct vm *vm, const char *what)
{
	struct ext *e = ext_of(vm);

	return ext_allowed(e, what,
			   CTX_SELECT_CPU | CTX_ENQUEUE | CTX_UNLOCKED |
				   (e->kernel >= 60016 ? CTX_FREE : 0));
}

/* A task with one CPU to run on: that one, if it is idle. */
static int32_t select_cpu(struct ext *e, struct ext_task *x, uint32_t prev,
			  uint64_t wake_flags,
			  const struct kernel_cpumask *allowed, uint64_t flags)
{
	if (x->t && (x->t->nr_allowed == 1 || x->t->migration_disabled)) {
		if ((!allowed || mask_has(allowed, prev)) &&
		    ext_idle_test_and_clear(e, prev))
			return (int32_t)prev;
		return -EBUSY;
	}
	return ext_idle_select(e, x, prev, wake_flags, allowed, flags);
}

CALL(select_cpu_dfl)
{
	struct ext *e = ext_of(vm);
	struct ext_task *x;
	uint8_t *is_idle;
	int32_t cpu;

	if (!may_select(vm, "scx_bpf_select_cpu_dfl"))
		return 0;
	x = vm_object(vm, r[0], &ext_kind_task);
	is_idle = x ? vm_write(vm, r[3], 1) : NULL;
	if (!is_idle)
		return 0;
	*is_idle = false;
	if (!cpu_valid(vm, r[1]) || !tracks_idle(vm) || !x->t)
		return r[1];
	cpu = select_cpu(e, x, (uint32_t)r[1], r[2], NULL, 0);
	if (cpu < 0)
		return r[1];
	*is_idle = true;
	return answer(cpu);
}

static uint64_t select_and(struct vm *vm, uint64_t task, uint64_t prev,
			   uint64_t wake_flags, uint64_t mask, uint64_t flags)
{
	struct ext *e = ext_of(vm);
	const struct kernel_cpumask *allowed;
	struct ext_task *x;

	if (!may_select(vm, "scx_bpf_select_cpu_and"))
		return 0;
	x = vm_object(vm, task, &ext_kind_task);
	allowed = x ? mask_at(vm, mask) : NULL;
	if (!allowed)
		return 0;
	if (!cpu_valid(vm, prev) || !tracks_idle(vm) || !x->t)
		return answer(-EINVAL);
	return answer(
		select_cpu(e, x, (uint32_t)prev, wake_flags, allowed, flags));
}

CALL(select_cpu_and)
{
	return select_and(vm, r[0], r[1], r[2], r[3], r[4]);
}

CALL(select_cpu_and_args)
{
	const struct kernel_scx_bpf_select_cpu_and_args *a =
		vm_read(vm, r[2], sizeof(*a));

	return a ? select_and(vm, r[0], (uint64_t)(int64_t)a->prev_cpu,
			      a->wake_flags, r[1], a->flags)
		 : 0;
}

CALL(test_and_clear_cpu_idle)
{
	return tracks_idle(vm) && cpu_valid(vm, r[0]) &&
	       ext_idle_test_and_clear(ext_of(vm), (uint32_t)r[0]);
}

/* The node is valid, or there is an error: a negative errno. */
static int64_t check_node(struct vm *vm, uint64_t node)
{
	struct ext *e = ext_of(vm);
	int32_t n = (int32_t)node;

	if (!(e->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE)) {
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "per-node idle tracking is disabled");
		return -EOPNOTSUPP;
	}
	if (n == EXT_NO_NODE)
		return -ENOENT;
	if (n >= 0 && (uint32_t)n < e->nodes)
		return n;
	ext_error(e, SIM_ERROR, vm_insn(vm), "invalid node %d", n);
	return -EINVAL;
}

static bool not_per_node(struct vm *vm)
{
	struct ext *e = ext_of(vm);

	if (!(e->flags & SCX_OPS_BUILTIN_IDLE_PER_NODE))
		return true;
	ext_error(e, SIM_ERROR, vm_insn(vm),
		  "per-node idle tracking is enabled");
	return false;
}

/* within NULL: of all nodes. */
static uint64_t any_cpu(struct vm *vm, const struct kernel_cpumask *allowed,
			const struct kernel_cpumask *within)
{
	const struct ext *e = ext_of(vm);

	for (uint32_t cpu = 0; cpu < e->s->nr_cpus; cpu++)
		if (mask_has(allowed, cpu) &&
		    (!within || mask_has(within, cpu)))
			return cpu;
	return answer(-EBUSY);
}

CALL(pick_idle_cpu)
{
	const struct kernel_cpumask *m = mask_at(vm, r[0]);

	if (!m || !not_per_node(vm) || !tracks_idle(vm))
		return answer(-EBUSY);
	return answer(ext_idle_pick(ext_of(vm), m, EXT_NO_NODE, r[1]));
}

CALL(pick_idle_cpu_node)
{
	const struct kernel_cpumask *m = mask_at(vm, r[0]);
	int64_t node = m ? check_node(vm, r[1]) : -EBUSY;

	if (node < 0)
		return answer(node);
	return answer(ext_idle_pick(ext_of(vm), m, (int)node, r[2]));
}

CALL(pick_any_cpu)
{
	const struct kernel_cpumask *m = mask_at(vm, r[0]);
	struct ext *e = ext_of(vm);
	int32_t cpu = -EBUSY;

	if (!m || !not_per_node(vm))
		return answer(-EBUSY);
	if (e->idle_enabled)
		cpu = ext_idle_pick(e, m, EXT_NO_NODE, r[1]);
	return cpu >= 0 ? answer(cpu) : any_cpu(vm, m, NULL);
}

CALL(pick_any_cpu_node)
{
	const struct kernel_cpumask *m = mask_at(vm, r[0]);
	int64_t node = m ? check_node(vm, r[1]) : -EBUSY;
	struct ext *e = ext_of(vm);
	int32_t cpu;

	if (node < 0)
		return answer(node);
	cpu = ext_idle_pick(e, m, (int)node, r[2]);
	if (cpu >= 0)
		return answer(cpu);
	return any_cpu(vm, m,
		       r[2] & SCX_PICK_IDLE_IN_NODE ? &e->node[node] : NULL);
}

/* ---- masks ------------------------------------------------------------ */

static uint64_t lend(struct vm *vm, const struct ext_mask *m)
{
	vm_ref_acquire(vm, vm_addr(m->region));
	return vm_addr(m->region);
}

CALL(get_possible_cpumask)
{
	(void)r;
	return lend(vm, &ext_of(vm)->possible);
}

CALL(get_online_cpumask)
{
	(void)r;
	return lend(vm, &ext_of(vm)->online);
}

static uint64_t idle_mask(struct vm *vm, int node, bool smt)
{
	struct ext *e = ext_of(vm);
	struct ext_idle_masks *m = ext_idle_masks(e, node);

	/* Without hyperthreads a core is its CPU. */
	return lend(vm, smt && e->smt ? &m->smt : &m->cpu);
}

CALL(get_idle_cpumask)
{
	(void)r;
	if (!not_per_node(vm) || !tracks_idle(vm))
		return lend(vm, &ext_of(vm)->none);
	return idle_mask(vm, EXT_NO_NODE, false);
}

CALL(get_idle_smtmask)
{
	(void)r;
	if (!not_per_node(vm) || !tracks_idle(vm))
		return lend(vm, &ext_of(vm)->none);
	return idle_mask(vm, EXT_NO_NODE, true);
}

CALL(get_idle_cpumask_node)
{
	int64_t node = check_node(vm, r[0]);

	return node < 0 ? lend(vm, &ext_of(vm)->none)
			: idle_mask(vm, (int)node, false);
}

CALL(get_idle_smtmask_node)
{
	int64_t node = check_node(vm, r[0]);

	return node < 0 ? lend(vm, &ext_of(vm)->none)
			: idle_mask(vm, (int)node, true);
}

CALL(put_cpumask)
{
	if (!vm_ref_release(vm, r[0]))
		vm_fault_set(vm, VM_FAULT_CALL,
			     "this mask was not got, or was put already");
	return 0;
}

/* ---- kicks, performance, time ----------------------------------------- */

CALL(kick_cpu)
{
	if (cpu_valid(vm, r[0]))
		ext_kick(ext_of(vm), (uint32_t)r[0], r[1]);
	return 0;
}

CALL(cpuperf_cap)
{
	cpu_valid(vm, r[0]);
	return SCX_CPUPERF_ONE;
}

CALL(cpuperf_set)
{
	struct ext *e = ext_of(vm);

	if ((uint32_t)r[1] > SCX_CPUPERF_ONE)
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "Invalid cpuperf target %u for CPU %d",
			  (uint32_t)r[1], (int32_t)r[0]);
	else if (!cpu_valid(vm, r[0]))
		return 0;
	else if (e->locked != EXT_NO_CPU && e->locked != (uint32_t)r[0])
		ext_error(e, SIM_ERROR, vm_insn(vm), "Invalid target CPU %d",
			  (int32_t)r[0]);
	else
		e->cpus[(uint32_t)r[0]].rq.scx.cpuperf_target = (uint32_t)r[1];
	return 0;
}

CALL(now)
{
	(void)r;
	return ext_now(ext_of(vm));
}

CALL(nr_cpu_ids)
{
	(void)r;
	return ext_of(vm)->s->nr_cpus;
}

CALL(nr_node_ids)
{
	(void)r;
	return ext_of(vm)->nodes;
}

CALL(cpu_node)
{
	struct ext *e = ext_of(vm);

	return cpu_valid(vm, r[0]) ? e->s->cpus[(uint32_t)r[0]].node
				   : answer(EXT_NO_NODE);
}

CALL(cpu_rq)
{
	return cpu_valid(vm, r[0])
		       ? vm_addr(ext_of(vm)->cpus[(uint32_t)r[0]].region)
		       : 0;
}

CALL(locked_rq)
{
	struct ext *e = ext_of(vm);

	(void)r;
	if (e->locked != EXT_NO_CPU)
		return vm_addr(e->cpus[e->locked].region);
	ext_error(e, SIM_ERROR, vm_insn(vm),
		  "accessing rq without holding rq lock");
	return 0;
}

CALL(cpu_curr)
{
	return cpu_valid(vm, r[0]) ? ext_of(vm)->cpus[(uint32_t)r[0]].rq.curr
				   : 0;
}

CALL(events)
{
	const struct ext *e = ext_of(vm);
	size_t size = r[1] < sizeof(e->events) ? r[1] : sizeof(e->events);
	void *to;

	if (r[1] > UINT32_MAX)
		return vm_fault_set(vm, VM_FAULT_MEMORY, "events of %llu bytes",
				    (unsigned long long)r[1]);
	to = vm_write(vm, r[0], (uint32_t)r[1]);
	if (to) {
		memset(to, 0, r[1]);
		memcpy(to, &e->events, size);
	}
	return 0;
}

const struct vm_call ext_calls_cpu[] = {
	{"scx_bpf_select_cpu_dfl", select_cpu_dfl, 0, 0, 0},
	{"scx_bpf_select_cpu_and", select_cpu_and, 0, 60016, 0},
	{"__scx_bpf_select_cpu_and", select_cpu_and_args, 0, 60019, 0},
	{"scx_bpf_test_and_clear_cpu_idle", test_and_clear_cpu_idle, 0, 0, 0},
	{"scx_bpf_pick_idle_cpu", pick_idle_cpu, 0, 0, 0},
	{"scx_bpf_pick_idle_cpu_node", pick_idle_cpu_node, 0, 60015, 0},
	{"scx_bpf_pick_any_cpu", pick_any_cpu, 0, 0, 0},
	{"scx_bpf_pick_any_cpu_node", pick_any_cpu_node, 0, 60015, 0},
	{"scx_bpf_get_possible_cpumask", get_possible_cpumask, 0, 0, 0},
	{"scx_bpf_get_online_cpumask", get_online_cpumask, 0, 0, 0},
	{"scx_bpf_get_idle_cpumask", get_idle_cpumask, 0, 0, 0},
	{"scx_bpf_get_idle_smtmask", get_idle_smtmask, 0, 0, 0},
	{"scx_bpf_get_idle_cpumask_node", get_idle_cpumask_node, 0, 60015, 0},
	{"scx_bpf_get_idle_smtmask_node", get_idle_smtmask_node, 0, 60015, 0},
	{"scx_bpf_put_cpumask", put_cpumask, 0, 0, 0},
	{"scx_bpf_put_idle_cpumask", put_cpumask, 0, 0, 0},
	{"scx_bpf_kick_cpu", kick_cpu, 0, 0, 0},
	{"scx_bpf_cpuperf_cap", cpuperf_cap, 0, 0, 0},
	{"scx_bpf_cpuperf_cur", cpuperf_cap, 0, 0, 0},
	{"scx_bpf_cpuperf_set", cpuperf_set, 0, 0, 0},
	{"scx_bpf_now", now, 0, 60014, 0},
	{"scx_bpf_nr_cpu_ids", nr_cpu_ids, 0, 0, 0},
	{"scx_bpf_nr_node_ids", nr_node_ids, 0, 60015, 0},
	{"scx_bpf_cpu_node", cpu_node, 0, 60015, 0},
	{"scx_bpf_cpu_rq", cpu_rq, 0, 0, 0},
	{"scx_bpf_locked_rq", locked_rq, 0, 60018, 0},
	{"scx_bpf_cpu_curr", cpu_curr, 0, 60018, 0},
	{"scx_bpf_events", events, 0, 60015, 0},
	{NULL, NULL, 0, 0, 0},
};
