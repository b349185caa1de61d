/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prove/table.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "prove/analysis.h"

#define QUEUEING (PLACE_SELECT | PLACE_ENQUEUE | PLACE_DISPATCH)
#define MOVING	 (PLACE_DISPATCH | PLACE_UNLOCKED | PLACE_TIMER | PLACE_SYSCALL)
#define UNLOCKED (PLACE_UNLOCKED | PLACE_SYSCALL)
#define HELPER(n, no, r, a, needed)                                      \
	{                                                                \
		.name = n, .helper = no, .ret = RET_##r, .act = ACT_##a, \
		.needs = needed                                          \
	}
#define SLEEPER(n, no)                                                   \
	{                                                                \
		.name = n, .helper = no, .act = ACT_FILL, .sleeps = true \
	}

static const struct call_row helpers[] = {
	HELPER("bpf_map_lookup_elem", 1, VALUE_NULL, LOOKUP, 3),
	HELPER("bpf_map_update_elem", 2, STATUS, UPDATE, 7),
	HELPER("bpf_map_delete_elem", 3, STATUS, NONE, 3),
	HELPER("bpf_probe_read", 4, STATUS, FILL, 0),
	HELPER("bpf_ktime_get_ns", 5, NOW, NONE, 0),
	HELPER("bpf_get_smp_processor_id", 8, CPU, NONE, 0),
	HELPER("bpf_get_current_comm", 16, STATUS, FILL, 0),
	HELPER("bpf_get_current_task", 35, ANY, NONE, 0),
	HELPER("bpf_probe_read_str", 45, NUM, FILL, 0),
	HELPER("bpf_map_push_elem", 87, STATUS, PUSH, 3),
	HELPER("bpf_map_pop_elem", 88, STATUS, POP, 3),
	HELPER("bpf_map_peek_elem", 89, STATUS, PEEK, 3),
	HELPER("bpf_spin_lock", 93, NUM, NONE, 1),
	HELPER("bpf_spin_unlock", 94, NUM, NONE, 1),
	HELPER("bpf_probe_read_user", 112, STATUS, FILL, 0),
	HELPER("bpf_probe_read_kernel", 113, STATUS, FILL, 0),
	HELPER("bpf_probe_read_user_str", 114, NUM, FILL, 0),
	HELPER("bpf_probe_read_kernel_str", 115, NUM, FILL, 0),
	HELPER("bpf_jiffies64", 118, NUM, NONE, 0),
	HELPER("bpf_ktime_get_boot_ns", 125, NOW, NONE, 0),
	HELPER("bpf_ringbuf_output", 130, STATUS, OUTPUT, 3),
	HELPER("bpf_ringbuf_reserve", 131, MEM_NULL, NONE, 1),
	HELPER("bpf_ringbuf_submit", 132, NUM, OUTPUT, 1),
	HELPER("bpf_ringbuf_discard", 133, NUM, NONE, 1),
	SLEEPER("bpf_copy_from_user", 148),
	HELPER("bpf_per_cpu_ptr", 153, OBJECT_NULL, NONE, 1),
	HELPER("bpf_this_cpu_ptr", 154, OBJECT, NONE, 1),
	HELPER("bpf_task_storage_get", 156, VALUE_NULL, LOOKUP, 3),
	HELPER("bpf_task_storage_delete", 157, STATUS, NONE, 3),
	HELPER("bpf_get_current_task_btf", 158, TASK, NONE, 0),
	HELPER("bpf_ktime_get_coarse_ns", 160, NOW, NONE, 0),
	SLEEPER("bpf_ima_inode_hash", 161),
	HELPER("bpf_for_each_map_elem", 164, NUM, EACH, 3),
	SLEEPER("bpf_sys_bpf", 166),
	SLEEPER("bpf_sys_close", 168),
	HELPER("bpf_timer_init", 169, STATUS, NONE, 3),
	HELPER("bpf_timer_set_callback", 170, STATUS, TIMER, 3),
	HELPER("bpf_timer_start", 171, STATUS, NONE, 1),
	HELPER("bpf_timer_cancel", 172, STATUS, NONE, 1),
	HELPER("bpf_loop", 181, NUM, LOOP, 2),
	SLEEPER("bpf_copy_from_user_task", 191),
	SLEEPER("bpf_ima_file_hash", 193),
	HELPER("bpf_kptr_xchg", 194, OBJECT_NULL, XCHG, 1),
	HELPER("bpf_map_lookup_percpu_elem", 195, VALUE_NULL, LOOKUP, 3),
	HELPER("bpf_ktime_get_tai_ns", 208, NOW, NONE, 0),
	HELPER("bpf_cgrp_storage_get", 210, VALUE_NULL, LOOKUP, 3),
};

#define KFUNC(n, r, a, needed, where)                                       \
	{                                                                   \
		.name = n, .ret = RET_##r, .act = ACT_##a, .needs = needed, \
		.places = where                                             \
	}
/* Came later, or went. */
#define GUARDED(n, r, a, needed, where)                                     \
	{                                                                   \
		.name = n, .ret = RET_##r, .act = ACT_##a, .needs = needed, \
		.places = where, .guard = true                              \
	}
#define MASKED(n, r, at, needed)                                          \
	{                                                                 \
		.name = n, .ret = RET_##r, .act = ACT_OF_MASK, .arg = at, \
		.needs = needed                                           \
	}

static const struct call_row kfuncs[] = {
	KFUNC("scx_bpf_dsq_insert", BOOL, INSERT, 1, QUEUEING),
	GUARDED("scx_bpf_dispatch", NUM, INSERT, 1, QUEUEING),
	KFUNC("scx_bpf_dsq_insert_vtime", BOOL, INSERT_VTIME, 1, QUEUEING),
	GUARDED("scx_bpf_dispatch_vtime", NUM, INSERT_VTIME, 1, QUEUEING),
	GUARDED("__scx_bpf_dsq_insert_vtime", BOOL, INSERT_ARGS, 3, QUEUEING),
	KFUNC("scx_bpf_dsq_move", BOOL, MOVE, 3, MOVING),
	KFUNC("scx_bpf_dsq_move_vtime", BOOL, MOVE, 3, MOVING),
	GUARDED("scx_bpf_dispatch_from_dsq", BOOL, MOVE, 3, MOVING),
	GUARDED("scx_bpf_dispatch_vtime_from_dsq", BOOL, MOVE, 3, MOVING),
	KFUNC("scx_bpf_dsq_move_to_local", BOOL, TAKE, 0, PLACE_DISPATCH),
	GUARDED("scx_bpf_consume", BOOL, TAKE, 0, PLACE_DISPATCH),
	KFUNC("scx_bpf_dispatch_nr_slots", NUM, NONE, 0, PLACE_DISPATCH),
	KFUNC("scx_bpf_dispatch_cancel", NUM, NONE, 0, PLACE_DISPATCH),
	{.name = "scx_bpf_create_dsq",
	 .ret = RET_STATUS,
	 .act = ACT_CREATE,
	 .places = UNLOCKED,
	 .sleeps = true},
	KFUNC("scx_bpf_destroy_dsq", NUM, NONE, 0, 0),
	KFUNC("scx_bpf_dsq_nr_queued", NUM, NONE, 0, 0),
	GUARDED("scx_bpf_dsq_peek", TASK_NULL, NONE, 0, 0),
	KFUNC("scx_bpf_kick_cpu", NUM, KICK, 0, 0),
	GUARDED("scx_bpf_task_set_slice", BOOL, SET_SLICE, 1, 0),
	GUARDED("scx_bpf_task_set_dsq_vtime", BOOL, SET_VTIME, 1, 0),
	KFUNC("scx_bpf_select_cpu_dfl", CPU, OF_TASK, 1,
	      PLACE_SELECT | PLACE_ENQUEUE | PLACE_UNLOCKED),
	GUARDED("scx_bpf_select_cpu_and", CPU_ERR, OF_TASK, 1,
		PLACE_SELECT | PLACE_ENQUEUE | UNLOCKED),
	GUARDED("__scx_bpf_select_cpu_and", CPU_ERR, OF_TASK, 1,
		PLACE_SELECT | PLACE_ENQUEUE | UNLOCKED),
	MASKED("scx_bpf_pick_idle_cpu", CPU_ERR, 0, 1),
	MASKED("scx_bpf_pick_any_cpu", CPU_ERR, 0, 1),
	MASKED("scx_bpf_pick_idle_cpu_node", CPU_ERR, 0, 1),
	MASKED("scx_bpf_pick_any_cpu_node", CPU_ERR, 0, 1),
	KFUNC("scx_bpf_test_and_clear_cpu_idle", BOOL, NONE, 0, 0),
	KFUNC("scx_bpf_task_cpu", CPU, OF_TASK, 1, 0),
	KFUNC("scx_bpf_task_running", BOOL, NONE, 1, 0),
	GUARDED("scx_bpf_cpu_curr", TASK_NULL, NONE, 0, 0),
	GUARDED("scx_bpf_cpu_rq", OBJECT_NULL, NONE, 0, 0),
	GUARDED("scx_bpf_locked_rq", OBJECT_NULL, NONE, 0, 0),
	KFUNC("scx_bpf_task_cgroup", OBJECT, NONE, 1, 0),
	KFUNC("scx_bpf_nr_cpu_ids", NUM, NONE, 0, 0),
	KFUNC("scx_bpf_now", NOW, NONE, 0, 0),
	KFUNC("scx_bpf_get_idle_cpumask", MASK, NONE, 0, 0),
	KFUNC("scx_bpf_get_idle_smtmask", MASK, NONE, 0, 0),
	KFUNC("scx_bpf_get_idle_cpumask_node", MASK, NONE, 0, 0),
	KFUNC("scx_bpf_get_idle_smtmask_node", MASK, NONE, 0, 0),
	KFUNC("scx_bpf_get_online_cpumask", MASK, NONE, 0, 0),
	KFUNC("scx_bpf_get_possible_cpumask", MASK, NONE, 0, 0),
	KFUNC("scx_bpf_put_idle_cpumask", NUM, NONE, 1, 0),
	KFUNC("scx_bpf_put_cpumask", NUM, NONE, 1, 0),
	KFUNC("scx_bpf_exit_bstr", NUM, ERROR, 0, 0),
	KFUNC("scx_bpf_error_bstr", NUM, ERROR, 0, 0),
	KFUNC("bpf_cpumask_test_cpu", BOOL, TEST_CPU, 2, 0),
	MASKED("bpf_cpumask_first", CPU, 0, 1),
	MASKED("bpf_cpumask_any_distribute", CPU, 0, 1),
	MASKED("bpf_cpumask_any", CPU, 0, 1),
	MASKED("bpf_cpumask_any_and_distribute", CPU, 0, 3),
	MASKED("bpf_cpumask_first_and", CPU, 0, 3),
	KFUNC("bpf_cpumask_weight", NUM, NONE, 1, 0),
	KFUNC("bpf_cpumask_empty", BOOL, NONE, 1, 0),
	KFUNC("bpf_cpumask_create", OBJECT_NULL, NONE, 0, 0),
	KFUNC("bpf_cpumask_acquire", SAME_NULL, NONE, 1, 0),
	KFUNC("bpf_cpumask_release", NUM, NONE, 1, 0),
	KFUNC("bpf_cpumask_set_cpu", NUM, NONE, 2, 0),
	KFUNC("bpf_cpumask_clear_cpu", NUM, NONE, 2, 0),
	KFUNC("bpf_cpumask_test_and_set_cpu", BOOL, NONE, 2, 0),
	KFUNC("bpf_cpumask_test_and_clear_cpu", BOOL, NONE, 2, 0),
	KFUNC("bpf_cpumask_and", BOOL, NONE, 7, 0),
	KFUNC("bpf_cpumask_or", NUM, NONE, 7, 0),
	KFUNC("bpf_cpumask_xor", NUM, NONE, 7, 0),
	KFUNC("bpf_cpumask_copy", NUM, NONE, 3, 0),
	KFUNC("bpf_cpumask_subset", BOOL, NONE, 3, 0),
	KFUNC("bpf_cpumask_intersects", BOOL, NONE, 3, 0),
	KFUNC("bpf_cpumask_equal", BOOL, NONE, 3, 0),
	KFUNC("bpf_task_from_pid", TASK_NULL, NONE, 0, 0),
	KFUNC("bpf_task_from_vpid", TASK_NULL, NONE, 0, 0),
	KFUNC("bpf_task_acquire", SAME_NULL, NONE, 1, 0),
	KFUNC("bpf_task_release", NUM, NONE, 1, 0),
	KFUNC("bpf_cgroup_from_id", OBJECT_NULL, NONE, 0, 0),
	KFUNC("bpf_cgroup_acquire", SAME_NULL, NONE, 1, 0),
	KFUNC("bpf_cgroup_ancestor", OBJECT_NULL, NONE, 1, 0),
	KFUNC("bpf_cgroup_release", NUM, NONE, 1, 0),
	KFUNC("bpf_obj_new_impl", OBJECT_NULL, NONE, 0, 0),
	KFUNC("bpf_obj_drop_impl", NUM, NONE, 1, 0),
	KFUNC("bpf_refcount_acquire_impl", SAME_NULL, NONE, 1, 0),
	KFUNC("bpf_list_push_front_impl", STATUS, NODE, 3, 0),
	KFUNC("bpf_list_push_back_impl", STATUS, NODE, 3, 0),
	KFUNC("bpf_list_pop_front", OBJECT_NULL, NONE, 1, 0),
	KFUNC("bpf_list_pop_back", OBJECT_NULL, NONE, 1, 0),
	KFUNC("bpf_rbtree_add_impl", STATUS, NODE, 3, 0),
	KFUNC("bpf_rbtree_first", OBJECT_NULL, NONE, 1, 0),
	KFUNC("bpf_rbtree_remove", OBJECT_NULL, NONE, 3, 0),
	KFUNC("bpf_wq_set_callback_impl", STATUS, WORK, 3, 0),
	/* The same, as 7.1 calls them. */
	GUARDED("bpf_obj_new", OBJECT_NULL, NONE, 0, 0),
	GUARDED("bpf_obj_drop", NUM, NONE, 1, 0),
	GUARDED("bpf_refcount_acquire", SAME_NULL, NONE, 1, 0),
	GUARDED("bpf_list_push_front", STATUS, NODE, 3, 0),
	GUARDED("bpf_list_push_back", STATUS, NODE, 3, 0),
	GUARDED("bpf_rbtree_add", STATUS, NODE, 3, 0),
	GUARDED("bpf_wq_set_callback", STATUS, WORK, 3, 0),
	{.name = "bpf_copy_from_user_str", .act = ACT_FILL, .sleeps = true},
	{.name = "bpf_copy_from_user_task_str",
	 .act = ACT_FILL,
	 .sleeps = true},
	{.name = "bpf_arena_alloc_pages", .ret = RET_ANY, .sleeps = true},
	{.name = "bpf_arena_free_pages", .sleeps = true},
};

static const struct call_row iter_new = {
	.name = "an iterator's start", .ret = RET_STATUS, .act = ACT_ITER_NEW};
static const struct call_row iter_next = {
	.name = "an iterator's step", .ret = RET_ANY, .act = ACT_ITER_NEXT};
static const struct call_row iter_end = {
	.name = "an iterator's end", .ret = RET_NUM, .act = ACT_ITER_END};

const struct call_row *call_helper(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(helpers); i++)
		if (helpers[i].helper == number)
			return &helpers[i];
	return NULL;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

const struct call_row *call_kfunc(const char *name)
{
	const char *flavour = strstr(name, "___");
	char bare[128];

	snprintf(bare, sizeof(bare), "%.*s",
		 flavour && flavour != name ? (int)(flavour - name) : 127,
		 name);
	for (size_t i = 0; i < ARRAY_LEN(kfuncs); i++)
		if (!strcmp(kfuncs[i].name, bare))
			return &kfuncs[i];
	if (strncmp(bare, "bpf_iter_", 9))
		return NULL;
	if (ends_with(bare, "_new"))
		return &iter_new;
	if (ends_with(bare, "_next"))
		return &iter_next;
	return ends_with(bare, "_destroy") ? &iter_end : NULL;
}

bool call_inserts(const struct call_row *row)
{
	switch (row->act) {
	case ACT_INSERT:
	case ACT_INSERT_VTIME:
	case ACT_INSERT_ARGS:
	case ACT_PUSH:
	case ACT_UPDATE:
	case ACT_XCHG:
	case ACT_NODE:
	case ACT_OUTPUT:
		return true;
	}
	return false;
}
