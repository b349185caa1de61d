/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks, and sections that are entered and left. */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

static uint64_t unlock(struct vm *vm, uint64_t addr)
{
	if (!vm_unhold(vm, HELD_LOCK, addr))
		vm_fault_set(vm, VM_FAULT_CALL,
			     "a lock is released that is not held");
	return 0;
}

uint64_t call_spin_lock(struct vm *vm, const uint64_t r[5])
{
	if (!vm_write(vm, r[0], 4))
		return 0;
	if (vm_holds(vm, HELD_LOCK, r[0]))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a lock is taken that is held already");
	if (vm_holds_any(vm, HELD_LOCK))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a lock is taken while another is held");
	vm_hold(vm, HELD_LOCK, r[0]);
	return 0;
}

uint64_t call_spin_unlock(struct vm *vm, const uint64_t r[5])
{
	return unlock(vm, r[0]);
}

/* These say so when they would wait for ever. */
uint64_t call_res_spin_lock(struct vm *vm, const uint64_t r[5])
{
	if (!vm_write(vm, r[0], 4))
		return 0;
	if (vm_holds(vm, HELD_LOCK, r[0]))
		return answer(-EDEADLK);
	vm_hold(vm, HELD_LOCK, r[0]);
	return 0;
}

uint64_t call_res_spin_unlock(struct vm *vm, const uint64_t r[5])
{
	return unlock(vm, r[0]);
}

static uint64_t irq_save(struct vm *vm, uint64_t flags)
{
	void *at = vm_write(vm, flags, 8);

	if (!at)
		return 0;
	memset(at, 0, 8);
	vm_hold(vm, HELD_IRQ, flags);
	return 0;
}

static uint64_t irq_restore(struct vm *vm, uint64_t flags)
{
	if (!vm_unhold(vm, HELD_IRQ, flags))
		vm_fault_set(vm, VM_FAULT_CALL,
			     "interrupts are restored from flags that were not "
			     "saved");
	return 0;
}

uint64_t call_res_spin_lock_irqsave(struct vm *vm, const uint64_t r[5])
{
	uint64_t rc = call_res_spin_lock(vm, r);

	if (!rc)
		irq_save(vm, r[1]);
	return rc;
}

uint64_t call_res_spin_unlock_irqrestore(struct vm *vm, const uint64_t r[5])
{
	unlock(vm, r[0]);
	return irq_restore(vm, r[1]);
}

uint64_t call_local_irq_save(struct vm *vm, const uint64_t r[5])
{
	return irq_save(vm, r[0]);
}

uint64_t call_local_irq_restore(struct vm *vm, const uint64_t r[5])
{
	return irq_restore(vm, r[0]);
}

static uint64_t leave(struct vm *vm, enum vm_held_kind kind, const char *what)
{
	if (!vm_unhold(vm, kind, 0))
		vm_fault_set(vm, VM_FAULT_CALL, "%s without its counterpart",
			     what);
	return 0;
}

uint64_t call_rcu_read_lock(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	vm_hold(vm, HELD_RCU, 0);
	return 0;
}

uint64_t call_rcu_read_unlock(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return leave(vm, HELD_RCU, "an RCU read-side section is left");
}

uint64_t call_preempt_disable(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	vm_hold(vm, HELD_PREEMPT, 0);
	return 0;
}

uint64_t call_preempt_enable(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return leave(vm, HELD_PREEMPT, "preemption is enabled");
}

/* In the kernel it ends the program; a policy that gets here is broken. */
uint64_t call_throw(struct vm *vm, const uint64_t r[5])
{
	return vm_fault_set(vm, VM_FAULT_CALL,
			    "bpf_throw(%llu): an assertion failed",
			    (unsigned long long)r[0]);
}
