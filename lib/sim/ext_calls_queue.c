/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel functions about dispatch queues. */
#include "sim/ext.h"

#include <errno.h>

#define CALL(name)    static uint64_t name(struct vm *vm, const uint64_t r[5])
#define MASK_INTERNAL ((uint64_t)__SCX_ENQ_INTERNAL_MASK)

static uint64_t answer(int64_t rc)
{
	return (uint64_t)rc;
}

/* ---- inserting -------------------------------------------------------- */

static bool insert(struct vm *vm, const char *what, uint64_t task, uint64_t id,
		   uint64_t slice, uint64_t enq_flags, const uint64_t *vtime)
{
	struct ext *e = ext_of(vm);
	struct ext_task *x;

	if (!ext_allowed(e, what, CTX_ENQUEUE | CTX_DISPATCH))
		return false;
	x = vm_object(vm, task, &ext_kind_task);
	if (!x)
		return false;
	if (enq_flags & MASK_INTERNAL) {
		ext_error(e, SIM_ERROR, vm_insn(vm), "invalid enq_flags 0x%llx",
			  (unsigned long long)enq_flags);
		return false;
	}
	x->k.scx.slice = slice ? slice : x->k.scx.slice ? x->k.scx.slice : 1;
	if (vtime) {
		x->k.scx.dsq_vtime = *vtime;
		enq_flags |= SCX_ENQ_DSQ_PRIQ;
	}
	ext_insert(e, x, id, enq_flags);
	return !e->dead;
}

CALL(dsq_insert_call)
{
	return insert(vm, "scx_bpf_dsq_insert", r[0], r[1], r[2], r[3], NULL);
}

CALL(dsq_insert_vtime)
{
	return insert(vm, "scx_bpf_dsq_insert_vtime", r[0], r[1], r[2], r[4],
		      &r[3]);
}

/* 6.19: too many arguments for registers. */
CALL(dsq_insert_vtime_args)
{
	const struct kernel_scx_bpf_dsq_insert_vtime_args *a =
		vm_read(vm, r[1], sizeof(*a));
	uint64_t vtime;

	if (!a)
		return 0;
	vtime = a->vtime;
	return insert(vm, "scx_bpf_dsq_insert_vtime", r[0], a->dsq_id, a->slice,
		      a->enq_flags, &vtime);
}

CALL(dispatch_nr_slots)
{
	struct ext *e = ext_of(vm);

	(void)r;
	if (!ext_allowed(e, "scx_bpf_dispatch_nr_slots", CTX_DISPATCH))
		return 0;
	return e->max_batch - e->cpus[e->cpu].cursor;
}

CALL(dispatch_cancel)
{
	struct ext *e = ext_of(vm);

	(void)r;
	if (!ext_allowed(e, "scx_bpf_dispatch_cancel", CTX_DISPATCH))
		return 0;
	if (e->cpus[e->cpu].cursor)
		e->cpus[e->cpu].cursor--;
	else
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "dispatch buffer underflow");
	return 0;
}

/* ---- moving ----------------------------------------------------------- */

CALL(move_to_local)
{
	struct ext *e = ext_of(vm);
	struct ext_dsq *q;

	if (!ext_allowed(e, "scx_bpf_dsq_move_to_local", CTX_DISPATCH))
		return 0;
	ext_flush(e, e->cpu);
	q = dsq_find(e, r[0]);
	if (!q) {
		ext_error(e, SIM_ERROR, vm_insn(vm), "invalid DSQ ID 0x%016llx",
			  (unsigned long long)r[0]);
		return 0;
	}
	if (!ext_consume(e, e->cpu, q))
		return 0;
	e->cpus[e->cpu].dispatched++;
	return 1;
}

static struct ext_iter *iter(struct vm *vm, uint64_t addr)
{
	struct ext_iter *it = dsq_iter_of(ext_of(vm), addr);

	if (!it)
		vm_fault_set(vm, VM_FAULT_CALL,
			     "no iterator of a dispatch queue is open here");
	return it;
}

CALL(move_set_slice)
{
	struct ext_iter *it = iter(vm, r[0]);

	if (it) {
		it->has_slice = true;
		it->slice = r[1];
	}
	return 0;
}

CALL(move_set_vtime)
{
	struct ext_iter *it = iter(vm, r[0]);

	if (it) {
		it->has_vtime = true;
		it->vtime = r[1];
	}
	return 0;
}

static bool move(struct vm *vm, const char *what, const uint64_t r[5],
		 uint64_t flags)
{
	struct ext *e = ext_of(vm);
	struct ext_iter *it;
	struct ext_task *x;
	bool moved = false;

	if (!ext_allowed(e, what, CTX_DISPATCH | CTX_FREE))
		return false;
	it = iter(vm, r[0]);
	x = it ? vm_object(vm, r[1], &ext_kind_task) : NULL;
	if (!x)
		return false;
	/* Did it leave meanwhile, or come after the iteration began? */
	if (x->dsq == it->dsq && (int32_t)(it->seq - x->k.scx.dsq_seq) >= 0) {
		struct ext_dsq *to =
			ext_find_dsq(e, r[2], x, e->cpu, vm_insn(vm));

		if (it->has_vtime)
			x->k.scx.dsq_vtime = it->vtime;
		if (it->has_slice)
			x->k.scx.slice = it->slice;
		ext_move(e, x, to, flags);
		moved = true;
	}
	it->has_slice = it->has_vtime = false;
	return moved;
}

CALL(dsq_move)
{
	return move(vm, "scx_bpf_dsq_move", r, r[3]);
}

CALL(dsq_move_vtime)
{
	return move(vm, "scx_bpf_dsq_move_vtime", r, r[3] | SCX_ENQ_DSQ_PRIQ);
}

CALL(reenqueue_local_old)
{
	struct ext *e = ext_of(vm);

	(void)r;
	if (!ext_allowed(e, "scx_bpf_reenqueue_local", CTX_CPU_RELEASE))
		return 0;
	return ext_reenqueue_local(e, e->cpu);
}

/* 6.19: from anywhere, done afterwards. */
CALL(reenqueue_local)
{
	struct ext *e = ext_of(vm);

	(void)r;
	e->cpus[e->cpu].reenqueue = true;
	return 0;
}

/* ---- queues ----------------------------------------------------------- */

CALL(create_dsq)
{
	struct ext *e = ext_of(vm);
	int32_t node = (int32_t)r[1];

	if (!ext_allowed(e, "scx_bpf_create_dsq", CTX_UNLOCKED | CTX_FREE))
		return 0;
	if (node >= (int32_t)e->nodes || (node < 0 && node != EXT_NO_NODE))
		return answer(-EINVAL);
	return answer(dsq_create(e, r[0]));
}

CALL(destroy_dsq)
{
	dsq_destroy(ext_of(vm), r[0]);
	return 0;
}

CALL(dsq_nr_queued)
{
	struct ext *e = ext_of(vm);
	const struct ext_dsq *q;

	if (r[0] == SCX_DSQ_LOCAL)
		return e->cpus[e->cpu].local.k.nr;
	if ((r[0] & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON) {
		uint32_t cpu = (uint32_t)(r[0] & SCX_DSQ_LOCAL_CPU_MASK);

		if (cpu < e->s->nr_cpus)
			return e->cpus[cpu].local.k.nr;
		ext_error(e, SIM_ERROR, vm_insn(vm), "invalid CPU %d",
			  (int)cpu);
		return answer(-ENOENT);
	}
	q = dsq_find(e, r[0]);
	return q ? q->k.nr : answer(-ENOENT);
}

CALL(dsq_peek)
{
	struct ext *e = ext_of(vm);
	const struct ext_dsq *q;

	if (r[0] & SCX_DSQ_FLAG_BUILTIN) {
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "peek disallowed on builtin DSQ 0x%llx",
			  (unsigned long long)r[0]);
		return 0;
	}
	q = dsq_find(e, r[0]);
	if (!q) {
		ext_error(e, SIM_ERROR, vm_insn(vm),
			  "peek on non-existent DSQ 0x%llx",
			  (unsigned long long)r[0]);
		return 0;
	}
	return ext_addr(dsq_next(q, NULL, false));
}

/* ---- iterating -------------------------------------------------------- */

CALL(iter_new)
{
	struct ext *e = ext_of(vm);

	if (!vm_write(vm, r[0], sizeof(struct kernel_bpf_iter_scx_dsq)))
		return 0;
	if (dsq_iter_of(e, r[0]))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "this iterator is open already");
	vm_ref_acquire(vm, r[0]);
	return answer(dsq_iter_new(e, r[0], r[1], r[2]));
}

CALL(iter_next)
{
	struct ext_iter *it = dsq_iter_of(ext_of(vm), r[0]);

	return it ? ext_addr(dsq_iter_next(it)) : 0;
}

CALL(iter_destroy)
{
	struct ext_iter *it = dsq_iter_of(ext_of(vm), r[0]);

	if (!vm_ref_release(vm, r[0]))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "this iterator was not opened");
	if (it)
		dsq_iter_end(it);
	return 0;
}

/* The names of 6.12 went with 6.15 or later; the kernel kept both a while. */
const struct vm_call ext_calls_queue[] = {
	{"scx_bpf_dsq_insert", dsq_insert_call, 0, 60013, 0},
	{"scx_bpf_dispatch", dsq_insert_call, 0, 0, 60017},
	{"scx_bpf_dsq_insert_vtime", dsq_insert_vtime, 0, 60013, 0},
	{"scx_bpf_dispatch_vtime", dsq_insert_vtime, 0, 0, 60017},
	{"__scx_bpf_dsq_insert_vtime", dsq_insert_vtime_args, 0, 60019, 0},
	{"scx_bpf_dispatch_nr_slots", dispatch_nr_slots, 0, 0, 0},
	{"scx_bpf_dispatch_cancel", dispatch_cancel, 0, 0, 0},
	{"scx_bpf_dsq_move_to_local", move_to_local, 0, 60013, 0},
	{"scx_bpf_consume", move_to_local, 0, 0, 60017},
	{"scx_bpf_dsq_move_set_slice", move_set_slice, 0, 60013, 0},
	{"scx_bpf_dispatch_from_dsq_set_slice", move_set_slice, 0, 0, 60017},
	{"scx_bpf_dsq_move_set_vtime", move_set_vtime, 0, 60013, 0},
	{"scx_bpf_dispatch_from_dsq_set_vtime", move_set_vtime, 0, 0, 60017},
	{"scx_bpf_dsq_move", dsq_move, 0, 60013, 0},
	{"scx_bpf_dispatch_from_dsq", dsq_move, 0, 0, 60017},
	{"scx_bpf_dsq_move_vtime", dsq_move_vtime, 0, 60013, 0},
	{"scx_bpf_dispatch_vtime_from_dsq", dsq_move_vtime, 0, 0, 60017},
	{"scx_bpf_reenqueue_local", reenqueue_local_old, 0, 0, 60018},
	{"scx_bpf_reenqueue_local", reenqueue_local, 0, 60019, 0},
	{"scx_bpf_create_dsq", create_dsq, 0, 0, 0},
	{"scx_bpf_destroy_dsq", destroy_dsq, 0, 0, 0},
	{"scx_bpf_dsq_nr_queued", dsq_nr_queued, 0, 0, 0},
	{"scx_bpf_dsq_peek", dsq_peek, 0, 60019, 0},
	{"bpf_iter_scx_dsq_new", iter_new, 0, 0, 0},
	{"bpf_iter_scx_dsq_next", iter_next, 0, 0, 0},
	{"bpf_iter_scx_dsq_destroy", iter_destroy, 0, 0, 0},
	{NULL, NULL, 0, 0, 0},
};
