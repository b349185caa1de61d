/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of vm_calls_core: HELPER(name, number), and KFUNC(name, function,
 * since, until), where several names may stand for one function.  Kernels are
 * from 6.12 on; 0: no bound.
 */
#ifndef SCHEDKIT_BPFVM_HELPER_H
#define SCHEDKIT_BPFVM_HELPER_H

#include "bpfvm/map.h"

#define CALLS_HELPERS(HELPER)               \
	HELPER(map_lookup_elem, 1)          \
	HELPER(map_update_elem, 2)          \
	HELPER(map_delete_elem, 3)          \
	HELPER(probe_read, 4)               \
	HELPER(ktime_get_ns, 5)             \
	HELPER(trace_printk, 6)             \
	HELPER(get_prandom_u32, 7)          \
	HELPER(get_smp_processor_id, 8)     \
	HELPER(get_current_pid_tgid, 14)    \
	HELPER(get_current_uid_gid, 15)     \
	HELPER(get_current_comm, 16)        \
	HELPER(get_current_task, 35)        \
	HELPER(get_numa_node_id, 42)        \
	HELPER(probe_read_str, 45)          \
	HELPER(get_current_cgroup_id, 80)   \
	HELPER(map_push_elem, 87)           \
	HELPER(map_pop_elem, 88)            \
	HELPER(map_peek_elem, 89)           \
	HELPER(spin_lock, 93)               \
	HELPER(spin_unlock, 94)             \
	HELPER(strtol, 105)                 \
	HELPER(strtoul, 106)                \
	HELPER(probe_read_user, 112)        \
	HELPER(probe_read_kernel, 113)      \
	HELPER(probe_read_user_str, 114)    \
	HELPER(probe_read_kernel_str, 115)  \
	HELPER(jiffies64, 118)              \
	HELPER(ktime_get_boot_ns, 125)      \
	HELPER(ringbuf_output, 130)         \
	HELPER(ringbuf_reserve, 131)        \
	HELPER(ringbuf_submit, 132)         \
	HELPER(ringbuf_discard, 133)        \
	HELPER(ringbuf_query, 134)          \
	HELPER(copy_from_user, 148)         \
	HELPER(per_cpu_ptr, 153)            \
	HELPER(this_cpu_ptr, 154)           \
	HELPER(task_storage_get, 156)       \
	HELPER(task_storage_delete, 157)    \
	HELPER(get_current_task_btf, 158)   \
	HELPER(ktime_get_coarse_ns, 160)    \
	HELPER(for_each_map_elem, 164)      \
	HELPER(snprintf, 165)               \
	HELPER(timer_init, 169)             \
	HELPER(timer_set_callback, 170)     \
	HELPER(timer_start, 171)            \
	HELPER(timer_cancel, 172)           \
	HELPER(trace_vprintk, 177)          \
	HELPER(loop, 181)                   \
	HELPER(strncmp, 182)                \
	HELPER(kptr_xchg, 194)              \
	HELPER(map_lookup_percpu_elem, 195) \
	HELPER(ktime_get_tai_ns, 208)       \
	HELPER(cgrp_storage_get, 210)       \
	HELPER(cgrp_storage_delete, 211)

/* Since 6.17, and what came later. */
#define CALLS_STRINGS(KFUNC)                    \
	KFUNC(strcmp, strcmp, 60017, 0)         \
	KFUNC(strcasecmp, strcasecmp, 60018, 0) \
	KFUNC(strlen, strlen, 60017, 0)         \
	KFUNC(strnlen, strnlen, 60017, 0)       \
	KFUNC(strchr, strchr, 60017, 0)         \
	KFUNC(strrchr, strrchr, 60017, 0)       \
	KFUNC(strstr, strstr, 60017, 0)         \
	KFUNC(strnstr, strnstr, 60017, 0)

#define CALLS_CPUMASKS(KFUNC)                                               \
	KFUNC(cpumask_create, cpumask_create, 0, 0)                         \
	KFUNC(cpumask_acquire, cpumask_acquire, 0, 0)                       \
	KFUNC(cpumask_release, cpumask_release, 0, 0)                       \
	KFUNC(cpumask_first, cpumask_first, 0, 0)                           \
	KFUNC(cpumask_first_zero, cpumask_first_zero, 0, 0)                 \
	KFUNC(cpumask_first_and, cpumask_first_and, 0, 0)                   \
	KFUNC(cpumask_set_cpu, cpumask_set_cpu, 0, 0)                       \
	KFUNC(cpumask_clear_cpu, cpumask_clear_cpu, 0, 0)                   \
	KFUNC(cpumask_test_cpu, cpumask_test_cpu, 0, 0)                     \
	KFUNC(cpumask_test_and_set_cpu, cpumask_test_and_set_cpu, 0, 0)     \
	KFUNC(cpumask_test_and_clear_cpu, cpumask_test_and_clear_cpu, 0, 0) \
	KFUNC(cpumask_setall, cpumask_setall, 0, 0)                         \
	KFUNC(cpumask_clear, cpumask_clear, 0, 0)                           \
	KFUNC(cpumask_and, cpumask_and, 0, 0)                               \
	KFUNC(cpumask_or, cpumask_or, 0, 0)                                 \
	KFUNC(cpumask_xor, cpumask_xor, 0, 0)                               \
	KFUNC(cpumask_equal, cpumask_equal, 0, 0)                           \
	KFUNC(cpumask_intersects, cpumask_intersects, 0, 0)                 \
	KFUNC(cpumask_subset, cpumask_subset, 0, 0)                         \
	KFUNC(cpumask_empty, cpumask_empty, 0, 0)                           \
	KFUNC(cpumask_full, cpumask_full, 0, 0)                             \
	KFUNC(cpumask_copy, cpumask_copy, 0, 0)                             \
	KFUNC(cpumask_any_distribute, cpumask_any_distribute, 0, 0)         \
	KFUNC(cpumask_any_and_distribute, cpumask_any_and_distribute, 0, 0) \
	KFUNC(cpumask_weight, cpumask_weight, 0, 0)                         \
	KFUNC(cpumask_populate, cpumask_populate, 60015, 0)

#define CALLS_SECTIONS(KFUNC)                                                \
	KFUNC(rcu_read_lock, rcu_read_lock, 0, 0)                            \
	KFUNC(rcu_read_unlock, rcu_read_unlock, 0, 0)                        \
	KFUNC(preempt_disable, preempt_disable, 0, 0)                        \
	KFUNC(preempt_enable, preempt_enable, 0, 0)                          \
	KFUNC(local_irq_save, local_irq_save, 60014, 0)                      \
	KFUNC(local_irq_restore, local_irq_restore, 60014, 0)                \
	KFUNC(res_spin_lock, res_spin_lock, 60015, 0)                        \
	KFUNC(res_spin_unlock, res_spin_unlock, 60015, 0)                    \
	KFUNC(res_spin_lock_irqsave, res_spin_lock_irqsave, 60015, 0)        \
	KFUNC(res_spin_unlock_irqrestore, res_spin_unlock_irqrestore, 60015, \
	      0)                                                             \
	KFUNC(throw, throw, 0, 0)

#define CALLS_ITERATORS(KFUNC)                          \
	KFUNC(iter_num_new, iter_num_new, 0, 0)         \
	KFUNC(iter_num_next, iter_num_next, 0, 0)       \
	KFUNC(iter_num_destroy, iter_num_destroy, 0, 0) \
	KFUNC(iter_bits_new, iter_bits_new, 0, 0)       \
	KFUNC(iter_bits_next, iter_bits_next, 0, 0)     \
	KFUNC(iter_bits_destroy, iter_bits_destroy, 0, 0)

/* Before 7.1 hidden arguments were written out, in functions called _impl. */
#define CALLS_OBJECTS(KFUNC)                                 \
	KFUNC(obj_new_impl, obj_new, 0, 0)                   \
	KFUNC(obj_new, obj_new, 70001, 0)                    \
	KFUNC(obj_drop_impl, obj_drop, 0, 0)                 \
	KFUNC(obj_drop, obj_drop, 70001, 0)                  \
	KFUNC(refcount_acquire_impl, refcount_acquire, 0, 0) \
	KFUNC(refcount_acquire, refcount_acquire, 70001, 0)  \
	KFUNC(percpu_obj_new_impl, percpu_obj_new, 0, 0)     \
	KFUNC(percpu_obj_new, percpu_obj_new, 70001, 0)      \
	KFUNC(percpu_obj_drop_impl, percpu_obj_drop, 0, 0)   \
	KFUNC(percpu_obj_drop, percpu_obj_drop, 70001, 0)    \
	KFUNC(list_push_front_impl, list_push_front, 0, 0)   \
	KFUNC(list_push_front, list_push_front, 70001, 0)    \
	KFUNC(list_push_back_impl, list_push_back, 0, 0)     \
	KFUNC(list_push_back, list_push_back, 70001, 0)      \
	KFUNC(list_pop_front, list_pop_front, 0, 0)          \
	KFUNC(list_pop_back, list_pop_back, 0, 0)            \
	KFUNC(list_front, list_front, 60016, 0)              \
	KFUNC(list_back, list_back, 60016, 0)                \
	KFUNC(rbtree_add_impl, rbtree_add, 0, 0)             \
	KFUNC(rbtree_add, rbtree_add, 70001, 0)              \
	KFUNC(rbtree_remove, rbtree_remove, 0, 0)            \
	KFUNC(rbtree_first, rbtree_first, 0, 0)              \
	KFUNC(rbtree_root, rbtree_root, 60016, 0)            \
	KFUNC(rbtree_left, rbtree_left, 60016, 0)            \
	KFUNC(rbtree_right, rbtree_right, 60016, 0)          \
	KFUNC(rdonly_cast, rdonly_cast, 0, 0)                \
	KFUNC(copy_from_user_str, copy_from_user_str, 0, 0)  \
	KFUNC(arena_alloc_pages, arena_alloc_pages, 0, 0)    \
	KFUNC(arena_free_pages, arena_free_pages, 0, 0)

#define CALLS_KFUNCS(KFUNC)    \
	CALLS_STRINGS(KFUNC)   \
	CALLS_CPUMASKS(KFUNC)  \
	CALLS_SECTIONS(KFUNC)  \
	CALLS_ITERATORS(KFUNC) \
	CALLS_OBJECTS(KFUNC)

#define DECLARE_HELPER(name, number) \
	uint64_t call_##name(struct vm *vm, const uint64_t r[5]);
#define DECLARE_KFUNC(name, fn, since, until) \
	uint64_t call_##fn(struct vm *vm, const uint64_t r[5]);
CALLS_HELPERS(DECLARE_HELPER)
/* One function may be declared twice by two names of it. */
CALLS_KFUNCS(DECLARE_KFUNC)

/* ---- arguments -------------------------------------------------------- */

/* The map that a program names; NULL: a fault, already set. */
static inline struct vm_map *arg_map(struct vm *vm, uint64_t addr)
{
	uint32_t n = vm_region_of(addr);

	if (__builtin_expect(n < vm->memory.count &&
				     vm->memory.regions[n].kind ==
					     &vm_map_kind &&
				     vm_addr(n) == addr,
			     1))
		return vm->memory.regions[n].owner;
	return vm_object(vm, addr, &vm_map_kind);
}

/* As vm_read(), for what is nearly always fine. */
static inline const void *arg_read(struct vm *vm, uint64_t addr, uint32_t len)
{
	uint32_t n = vm_region_of(addr), off = (uint32_t)addr;

	if (__builtin_expect(n < vm->memory.count && n != vm->arena &&
				     (uint64_t)off + len <=
					     vm->memory.regions[n].len,
			     1))
		return vm->memory.regions[n].base + off;
	return vm_read(vm, addr, len);
}

/* As vm_write(), the same way. */
static inline void *arg_write(struct vm *vm, uint64_t addr, uint32_t len)
{
	uint32_t n = vm_region_of(addr), off = (uint32_t)addr;

	if (__builtin_expect(n < vm->memory.count && n != vm->arena &&
				     vm->memory.regions[n].perm & VM_WRITE &&
				     (uint64_t)off + len <=
					     vm->memory.regions[n].len,
			     1))
		return vm->memory.regions[n].base + off;
	return vm_write(vm, addr, len);
}

/* Bytes of at most len at addr that can be read, without a fault; the count
 * that can is put into *have.  NULL: none. */
const unsigned char *arg_peek(struct vm *vm, uint64_t addr, uint64_t len,
			      uint32_t *have);
/* A string; NULL: a fault. */
const char *arg_string(struct vm *vm, uint64_t addr);

/* A negative errno as R0. */
static inline uint64_t answer(int64_t rc)
{
	return (uint64_t)rc;
}

#endif
