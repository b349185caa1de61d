/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers and kfuncs, called as a program calls them. */
#include <errno.h>

#include "vm_fix.h"

#define ERROR(e) ((uint64_t) - (int64_t)(e))

static void setup(struct fix *f)
{
	memset(f, 0, sizeof(*f));
	f->maps[0] = (struct object_map){
		.name = "m",
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 64,
		.max_entries = 10,
		.inner = -1,
	};
	assert_int_equal(fix_open(f, 1), 0);
}

static void test_world(void **state)
{
	struct fix f;

	(void)state;
	setup(&f);
	f.now = 1234567890;
	f.cpu = 3;
	assert_int_equal(fix_call(&f, 5, 0, 0, 0, 0), 1234567890);
	assert_int_equal(fix_call(&f, 125, 0, 0, 0, 0), 1234567890);
	assert_int_equal(fix_call(&f, 160, 0, 0, 0, 0), 1232000000);
	assert_int_equal(fix_call(&f, 118, 0, 0, 0, 0), 308);
	assert_int_equal(fix_call(&f, 7, 0, 0, 0, 0), 1);
	assert_int_equal(fix_call(&f, 7, 0, 0, 0, 0), 2);
	assert_int_equal(fix_call(&f, 8, 0, 0, 0, 0), 3);
	assert_int_equal(fix_call(&f, 14, 0, 0, 0, 0), 6ull << 32 | 7);
	assert_int_equal(fix_call(&f, 42, 0, 0, 0, 0), 1);
	assert_int_equal(fix_call(&f, 80, 0, 0, 0, 0), 99);
	assert_int_equal(fix_call(&f, 35, 0, 0, 0, 0), f.at);
	assert_int_equal(fix_call(&f, 158, 0, 0, 0, 0), f.at);
	assert_int_equal(fix_call(&f, 16, f.at, 16, 0, 0), 0);
	assert_string_equal((char *)f.scratch, "worker");
	assert_int_equal(fix_call(&f, 16, f.at, 4, 0, 0), 0);
	assert_string_equal((char *)f.scratch, "wor");
	fix_close(&f);
}

/* A name as long as its room has no end of its own. */
static void long_name(void *arg, struct vm_current *out)
{
	(void)arg;
	memset(out, 0, sizeof(*out));
	memset(out->comm, 'n', sizeof(out->comm));
}

static void test_world_at_its_edges(void **state)
{
	static const struct {
		uint64_t hz, jiffies, coarse;
	} rows[] = {
		/* of 1 s 999,999,999 ns */
		{0, 1999, 1999000000},	  {1, 1, 1000000000},
		{100, 199, 1990000000},	  {300, 599, 1999999800},
		{1000, 1999, 1999000000},
	};
	struct fix f;

	(void)state;
	setup(&f);
	f.now = 1999999999;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		f.host.jiffies_hz = rows[i].hz;
		assert_int_equal(fix_call(&f, 118, 0, 0, 0, 0),
				 rows[i].jiffies);
		assert_int_equal(fix_call(&f, 160, 0, 0, 0, 0), rows[i].coarse);
	}
	f.host.describe = long_name;
	assert_int_equal(fix_call(&f, 16, f.at, 0, 0, 0), ERROR(EINVAL));
	for (uint64_t size = 1; size <= 20; size++) {
		memset(f.scratch, 'x', 32);
		assert_int_equal(fix_call(&f, 16, f.at, size, 0, 0), 0);
		assert_int_equal(strlen((char *)f.scratch),
				 size < 16 ? size - 1 : 15);
		for (size_t k = strlen((char *)f.scratch); k < size; k++)
			assert_int_equal(f.scratch[k], 0);
		assert_int_equal(f.scratch[size], 'x');
	}
	f.host.describe = NULL;
	assert_int_equal(fix_call(&f, 14, 0, 0, 0, 0), 0);
	assert_int_equal(fix_call(&f, 42, 0, 0, 0, 0), 0);
	assert_int_equal(fix_call(&f, 80, 0, 0, 0, 0), 0);
	assert_int_equal(fix_call(&f, 16, f.at, 16, 0, 0), 0);
	assert_int_equal(f.scratch[0], 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

/* Locks that come with interrupts: both are taken, or none. */
static void test_locks_with_flags(void **state)
{
	struct fix f;

	(void)state;
	setup(&f);
	memset(f.scratch, 0xee, 32);
	assert_int_equal(
		fix_kfunc(&f, "bpf_res_spin_lock_irqsave", f.at, f.at + 16, 0),
		0);
	assert_int_equal(f.vm->held_count, 2);
	assert_int_equal(fix_get(&f, f.at + 16), 0);
	assert_int_equal(
		fix_kfunc(&f, "bpf_res_spin_lock_irqsave", f.at, f.at + 24, 0),
		ERROR(EDEADLK));
	assert_int_equal(f.vm->held_count, 2);
	fix_kfunc(&f, "bpf_res_spin_unlock_irqrestore", f.at, f.at + 16, 0);
	assert_int_equal(f.vm->held_count, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_kfunc(&f, "bpf_local_irq_restore", f.at + 16, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_kfunc(&f, "bpf_local_irq_save", f.at + sizeof(f.scratch) - 7, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_int_equal(f.vm->held_count, 0);
	/* A lock has four bytes. */
	fix_kfunc(&f, "bpf_res_spin_lock", f.at + sizeof(f.scratch) - 3, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_int_equal(fix_kfunc(&f, "bpf_res_spin_lock",
				   f.at + sizeof(f.scratch) - 4, 0, 0),
			 0);
	fix_close(&f);
}

static void test_loop(void **state)
{
	struct fix f;

	(void)state;
	setup(&f);
	assert_int_equal(fix_call(&f, 181, 10, fix_func(FIX_SUM), f.at, 0), 10);
	assert_int_equal(fix_get(&f, f.at), 45);
	/* 45 + 0 … + 10 is over 99. */
	assert_int_equal(fix_call(&f, 181, 1000, fix_func(FIX_SUM), f.at, 0),
			 11);
	assert_int_equal(
		fix_call(&f, 181, 1u << 24, fix_func(FIX_SUM), f.at, 0),
		ERROR(E2BIG));
	assert_int_equal(fix_call(&f, 181, 10, fix_func(FIX_SUM), f.at, 1),
			 ERROR(EINVAL));
	fix_call(&f, 181, 10, 77, f.at, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_close(&f);
}

static void test_locks(void **state)
{
	struct fix f;

	(void)state;
	setup(&f);
	fix_call(&f, 93, f.at, 0, 0, 0);
	assert_int_equal(f.vm->held_count, 1);
	fix_call(&f, 94, f.at, 0, 0, 0);
	assert_int_equal(f.vm->held_count, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_call(&f, 94, f.at, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, 93, f.at, 0, 0, 0);
	fix_call(&f, 93, f.at, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, 93, f.at + 8, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, 93, 0, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NULL);
	f.vm->held_count = 0;
	assert_int_equal(fix_kfunc(&f, "bpf_res_spin_lock", f.at, 0, 0), 0);
	assert_int_equal(fix_kfunc(&f, "bpf_res_spin_lock", f.at, 0, 0),
			 ERROR(EDEADLK));
	assert_int_equal(fix_kfunc(&f, "bpf_res_spin_lock", f.at + 4, 0, 0), 0);
	fix_kfunc(&f, "bpf_res_spin_unlock", f.at + 4, 0, 0);
	fix_kfunc(&f, "bpf_res_spin_unlock", f.at, 0, 0);
	fix_kfunc(&f, "bpf_rcu_read_lock", 0, 0, 0);
	fix_kfunc(&f, "bpf_rcu_read_unlock", 0, 0, 0);
	fix_kfunc(&f, "bpf_local_irq_save", f.at, 0, 0);
	fix_kfunc(&f, "bpf_local_irq_restore", f.at, 0, 0);
	assert_int_equal(f.vm->held_count, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_kfunc(&f, "bpf_rcu_read_unlock", 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_kfunc(&f, "bpf_preempt_enable", 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_kfunc(&f, "bpf_throw", 3, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_close(&f);
}

static void test_iterators(void **state)
{
	static const struct {
		int start, end;
		uint64_t rc, sum, count;
	} rows[] = {
		{0, 4, 0, 6, 4},
		{5, 5, 0, 0, 0},
		{-2, 1, 0, (uint64_t)-3, 3},
		{4, 0, ERROR(EINVAL), 0, 0},
		{0, 1 << 24, ERROR(E2BIG), 0, 0},
		{INT32_MIN, INT32_MIN + 1, 0, (uint64_t)INT32_MIN, 1},
	};
	struct fix f;
	uint64_t it, at, count;

	(void)state;
	setup(&f);
	it = f.at + 33; /* nothing says that it is aligned */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t sum = 0;
		int32_t n;

		assert_int_equal(fix_kfunc(&f, "bpf_iter_num_new", it,
					   (uint64_t)rows[i].start,
					   (uint64_t)rows[i].end),
				 rows[i].rc);
		for (count = 0;
		     (at = fix_kfunc(&f, "bpf_iter_num_next", it, 0, 0));
		     count++) {
			memcpy(&n, vm_read(f.vm, at, 4), 4);
			sum += n;
		}
		fix_kfunc(&f, "bpf_iter_num_destroy", it, 0, 0);
		assert_int_equal(sum, (int64_t)rows[i].sum);
		assert_int_equal(count, rows[i].count);
		assert_int_equal(f.vm->held_count, 0);
	}
	fix_kfunc(&f, "bpf_iter_num_destroy", it, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);

	fix_u64(&f, 200, 1ull << 63 | 5);
	fix_u64(&f, 208, 1ull << 36);
	assert_int_equal(fix_kfunc(&f, "bpf_iter_bits_new", it, f.at + 200, 2),
			 0);
	for (count = 0; (at = fix_kfunc(&f, "bpf_iter_bits_next", it, 0, 0));
	     count++) {
		static const int want[] = {0, 2, 63, 100};
		int32_t n;

		memcpy(&n, vm_read(f.vm, at, 4), 4);
		assert_int_equal(n, want[count]);
	}
	assert_int_equal(count, 4);
	fix_kfunc(&f, "bpf_iter_bits_destroy", it, 0, 0);
	assert_int_equal(fix_kfunc(&f, "bpf_iter_bits_new", it, 4, 1),
			 ERROR(EFAULT));
	assert_int_equal(fix_kfunc(&f, "bpf_iter_bits_next", it, 0, 0), 0);
	fix_close(&f);
}

static uint64_t mask(struct fix *f, const char *name, uint64_t a, uint64_t b,
		     uint64_t c)
{
	char full[64] = "bpf_cpumask_";

	strcpy(full + 12, name);
	return fix_kfunc(f, full, a, b, c);
}

static void test_masks(void **state)
{
	struct fix f;
	uint64_t a, b, c;

	(void)state;
	setup(&f);
	a = mask(&f, "create", 0, 0, 0);
	b = mask(&f, "create", 0, 0, 0);
	c = mask(&f, "create", 0, 0, 0);
	assert_int_equal(mask(&f, "first", a, 0, 0), FIX_CPUS);
	mask(&f, "set_cpu", 1, a, 0);
	mask(&f, "set_cpu", 3, a, 0);
	mask(&f, "set_cpu", 700, a, 0);
	mask(&f, "set_cpu", 3, b, 0);
	assert_int_equal(mask(&f, "test_cpu", 1, a, 0), 1);
	assert_int_equal(mask(&f, "test_cpu", 2, a, 0), 0);
	assert_int_equal(mask(&f, "test_cpu", 700, a, 0), 0);
	assert_int_equal(mask(&f, "weight", a, 0, 0), 2);
	assert_int_equal(mask(&f, "first", a, 0, 0), 1);
	assert_int_equal(mask(&f, "first_zero", a, 0, 0), 0);
	assert_int_equal(mask(&f, "first_and", a, b, 0), 3);
	assert_int_equal(mask(&f, "subset", b, a, 0), 1);
	assert_int_equal(mask(&f, "subset", a, b, 0), 0);
	assert_int_equal(mask(&f, "intersects", a, b, 0), 1);
	assert_int_equal(mask(&f, "and", c, a, b), 1);
	assert_int_equal(mask(&f, "equal", c, b, 0), 1);
	mask(&f, "xor", c, a, b);
	assert_int_equal(mask(&f, "intersects", c, b, 0), 0);
	assert_int_equal(mask(&f, "and", c, c, b), 0);
	assert_int_equal(mask(&f, "empty", c, 0, 0), 1);
	mask(&f, "setall", c, 0, 0);
	assert_int_equal(mask(&f, "full", c, 0, 0), 1);
	assert_int_equal(mask(&f, "weight", c, 0, 0), FIX_CPUS);
	assert_int_equal(mask(&f, "test_and_clear_cpu", 2, c, 0), 1);
	assert_int_equal(mask(&f, "test_and_clear_cpu", 2, c, 0), 0);
	assert_int_equal(mask(&f, "test_and_set_cpu", 2, c, 0), 0);
	mask(&f, "copy", c, a, 0);
	assert_int_equal(mask(&f, "equal", c, a, 0), 1);
	assert_int_equal(mask(&f, "any_distribute", a, 0, 0), 1);
	assert_int_equal(mask(&f, "any_distribute", a, 0, 0), 3);
	assert_int_equal(mask(&f, "any_distribute", a, 0, 0), 1);
	assert_int_equal(mask(&f, "any_and_distribute", a, b, 0), 3);
	fix_u64(&f, 0, 0xff2);
	assert_int_equal(mask(&f, "populate", c, f.at, 8), 0);
	assert_int_equal(mask(&f, "weight", c, 0, 0), 1);
	assert_int_equal(mask(&f, "populate", c, f.at, 7), ERROR(EACCES));
	mask(&f, "clear", c, 0, 0);
	assert_int_equal(mask(&f, "empty", c, 0, 0), 1);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);

	mask(&f, "acquire", c, 0, 0);
	mask(&f, "release", c, 0, 0);
	assert_int_equal(mask(&f, "empty", c, 0, 0), 1);
	fix_enter(&f);
	mask(&f, "release", c, 0, 0);
	/* As under RCU. */
	assert_int_equal(mask(&f, "empty", c, 0, 0), 1);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	mask(&f, "release", c, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_leave(&f);
	mask(&f, "empty", c, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	mask(&f, "set_cpu", 0, fix_map(&f, 0), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_close(&f);
}

/* ---- timers ----------------------------------------------------------- */

static uint64_t value_of(struct fix *f, uint32_t key)
{
	return fix_call(f, 1, fix_map(f, 0), fix_u32(f, 0, key), 0, 0);
}

static void test_timers(void **state)
{
	static struct object_field timer = {.kind = FIELD_TIMER, .offset = 16};
	struct fix f;
	uint64_t map, v, w, out = 0;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = (struct object_map){
		.name = "m",
		.type = BPF_MAP_TYPE_HASH,
		.key_size = 4,
		.value_size = 32,
		.max_entries = 10,
		.inner = -1,
		.fields = &timer,
		.field_count = 1,
	};
	assert_int_equal(fix_open(&f, 1), 0);
	map = fix_map(&f, 0);
	memset(f.scratch + 100, 0xee, 32); /* must not become a timer */
	fix_u64(&f, 100, 0);
	for (uint32_t k = 2; k <= 3; k++)
		fix_call(&f, 2, map, fix_u32(&f, 0, k), f.at + 100, 0);
	v = value_of(&f, 2);
	w = value_of(&f, 3);
	assert_int_equal(fix_call(&f, 171, v + 16, 5, 0, 0), ERROR(EINVAL));
	assert_int_equal(fix_call(&f, 169, v + 16, map, 1, 0), 0);
	assert_int_equal(fix_call(&f, 169, v + 16, map, 1, 0), ERROR(EBUSY));
	assert_int_equal(fix_call(&f, 169, w + 16, map, 5, 0), ERROR(EINVAL));
	assert_int_equal(fix_call(&f, 169, w + 16, map, 1, 0), 0);
	assert_int_equal(fix_call(&f, 171, v + 16, 5, 0, 0), ERROR(EINVAL));
	fix_call(&f, 170, v + 16, fix_func(FIX_TIMER), 0, 0);
	fix_call(&f, 170, w + 16, fix_func(FIX_TIMER), 0, 0);
	f.now = 100;
	assert_int_equal(fix_call(&f, 171, v + 16, 50, 0, 0), 0);
	assert_int_equal(fix_call(&f, 171, w + 16, 170, 1, 0), 0);
	assert_int_equal(f.timer_at[0], 150);
	assert_int_equal(f.timer_at[1], 170);
	assert_int_equal(vm_timer_fire(f.vm, 0), 0);
	assert_int_equal(fix_get(&f, v), 2);
	assert_int_equal(vm_timer_fire(f.vm, 0), 0); /* not armed any more */
	assert_int_equal(fix_get(&f, v), 2);
	assert_int_equal(vm_timer_fire(f.vm, 1), 0);
	assert_int_equal(fix_get(&f, w), 3);
	assert_int_equal(vm_timer_fire(f.vm, 7), 0);
	assert_int_equal(fix_call(&f, 172, v + 16, 0, 0, 0), 0);
	fix_call(&f, 171, v + 16, 50, 0, 0);
	assert_int_equal(fix_call(&f, 172, v + 16, 0, 0, 0), 1);
	assert_int_equal(f.timer_at[0], 0);
	/* It goes with its element. */
	fix_call(&f, 171, w + 16, 50, 0, 0);
	fix_call(&f, 3, map, fix_u32(&f, 0, 3), 0, 0);
	assert_int_equal(f.timer_at[1], 0);
	assert_int_equal(vm_timer_fire(f.vm, 1), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	/* Not in the map's value; a number that the program made up. */
	fix_u64(&f, 0, 0);
	fix_call(&f, 169, f.at, map, 1, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	out = fix_u64(&f, 0, 1);
	assert_int_equal(fix_call(&f, 172, out, 0, 0, 0), ERROR(EINVAL));
	fix_close(&f);
}

/* ---- pointers in maps ------------------------------------------------- */

static void test_kptr(void **state)
{
	static struct object_field kptr = {.kind = FIELD_KPTR, .offset = 8};
	struct fix f;
	uint64_t map, v, m, n;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = (struct object_map){
		.name = "m",
		.type = BPF_MAP_TYPE_HASH,
		.key_size = 4,
		.value_size = 16,
		.max_entries = 10,
		.inner = -1,
		.fields = &kptr,
		.field_count = 1,
	};
	assert_int_equal(fix_open(&f, 1), 0);
	map = fix_map(&f, 0);
	fix_call(&f, 2, map, fix_u32(&f, 0, 2), f.at + 100, 0);
	v = value_of(&f, 2) + 8;
	m = mask(&f, "create", 0, 0, 0);
	assert_int_equal(fix_call(&f, 194, v, m, 0, 0), 0);
	assert_int_equal(f.vm->held_count, 0);
	assert_int_equal(fix_get(&f, v), m);
	fix_call(&f, 194, v, m, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	n = mask(&f, "create", 0, 0, 0);
	assert_int_equal(fix_call(&f, 194, v, n, 0, 0), m);
	assert_int_equal(f.vm->held_count, 1);
	mask(&f, "release", m, 0, 0);
	assert_int_equal(f.vm->held_count, 0);
	/* The element goes, and with it what it held. */
	assert_int_equal(mask(&f, "empty", n, 0, 0), 1);
	fix_call(&f, 3, map, fix_u32(&f, 0, 2), 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	mask(&f, "empty", n, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_close(&f);
}

/* ---- beside one bool for each CPU ------------------------------------- */

#define MANY 130 /* two words and two bits */

struct set {
	bool in[MANY];
	uint64_t at;
};

static uint64_t first_in(const struct set *a, const struct set *b, bool is,
			 uint32_t from)
{
	while (from < MANY && (a->in[from] != is || (b && !b->in[from])))
		from++;
	return from;
}

static void same_set(struct fix *f, const struct set *s)
{
	uint64_t weight = 0;

	for (uint32_t i = 0; i < MANY; i++) {
		assert_int_equal(mask(f, "test_cpu", i, s->at, 0), s->in[i]);
		weight += s->in[i];
	}
	assert_int_equal(mask(f, "weight", s->at, 0, 0), weight);
	assert_int_equal(mask(f, "empty", s->at, 0, 0), !weight);
	assert_int_equal(mask(f, "full", s->at, 0, 0), weight == MANY);
	assert_int_equal(mask(f, "first", s->at, 0, 0),
			 first_in(s, NULL, true, 0));
	assert_int_equal(mask(f, "first_zero", s->at, 0, 0),
			 first_in(s, NULL, false, 0));
}

static void compare_sets(struct fix *f, const struct set *a,
			 const struct set *b)
{
	bool equal = true, subset = true;

	for (uint32_t i = 0; i < MANY; i++) {
		equal &= a->in[i] == b->in[i];
		subset &= !a->in[i] || b->in[i];
	}
	assert_int_equal(mask(f, "equal", a->at, b->at, 0), equal);
	assert_int_equal(mask(f, "subset", a->at, b->at, 0), subset);
	assert_int_equal(mask(f, "intersects", a->at, b->at, 0),
			 first_in(a, b, true, 0) < MANY);
	assert_int_equal(mask(f, "first_and", a->at, b->at, 0),
			 first_in(a, b, true, 0));
}

static void test_masks_beside_bools(void **state)
{
	struct set s[3] = {0};
	uint64_t r = 9, last = 0;
	struct fix f;

	(void)state;
	setup(&f);
	f.host.nr_cpus = MANY;
	for (size_t i = 0; i < 3; i++)
		s[i].at = mask(&f, "create", 0, 0, 0);
	for (int step = 0; step < 600; step++) {
		struct set *a, *b, *c;
		uint32_t cpu;
		uint64_t rc;

		r = r * 6364136223846793005ull + 1442695040888963407ull;
		a = &s[(r >> 33) % 3];
		b = &s[(r >> 36) % 3];
		c = &s[(r >> 39) % 3];
		cpu = (uint32_t)(r >> 43) % (MANY + 1);
		switch ((r >> 52) % 11) {
		case 0:
			rc = mask(&f, "test_and_set_cpu", cpu, a->at, 0);
			assert_int_equal(rc, cpu < MANY && a->in[cpu]);
			if (cpu < MANY)
				a->in[cpu] = true;
			break;
		case 1:
			rc = mask(&f, "test_and_clear_cpu", cpu, a->at, 0);
			assert_int_equal(rc, cpu < MANY && a->in[cpu]);
			if (cpu < MANY)
				a->in[cpu] = false;
			break;
		case 2:
			for (uint32_t i = cpu; i < MANY; i += 3) {
				mask(&f, "set_cpu", i, a->at, 0);
				a->in[i] = true;
			}
			break;
		case 3:
			mask(&f, "clear_cpu", cpu, a->at, 0);
			if (cpu < MANY)
				a->in[cpu] = false;
			break;
		case 4:
			rc = mask(&f, "and", a->at, b->at, c->at);
			assert_int_equal(rc, first_in(b, c, true, 0) < MANY);
			for (uint32_t i = 0; i < MANY; i++)
				a->in[i] = b->in[i] & c->in[i];
			break;
		case 5:
			mask(&f, "or", a->at, b->at, c->at);
			for (uint32_t i = 0; i < MANY; i++)
				a->in[i] = b->in[i] | c->in[i];
			break;
		case 6:
			mask(&f, "xor", a->at, b->at, c->at);
			for (uint32_t i = 0; i < MANY; i++)
				a->in[i] = b->in[i] ^ c->in[i];
			break;
		case 7:
			mask(&f, "copy", a->at, b->at, 0);
			memcpy(a->in, b->in, sizeof(a->in));
			break;
		case 8:
			mask(&f, cpu % 4 ? "clear" : "setall", a->at, 0, 0);
			memset(a->in, cpu % 4 ? 0 : 1, sizeof(a->in));
			break;
		case 9:
			/* The next one after the last, round and round. */
			rc = first_in(a, NULL, true, (uint32_t)last + 1);
			if (rc >= MANY)
				rc = first_in(a, NULL, true, 0);
			assert_int_equal(
				mask(&f, "any_distribute", a->at, 0, 0), rc);
			last = rc < MANY ? rc : last;
			break;
		default:
			rc = first_in(a, b, true, (uint32_t)last + 1);
			if (rc >= MANY)
				rc = first_in(a, b, true, 0);
			assert_int_equal(
				mask(&f, "any_and_distribute", a->at, b->at, 0),
				rc);
			last = rc < MANY ? rc : last;
		}
		same_set(&f, a);
		compare_sets(&f, a, b);
	}
	/* 130 CPUs take three words. */
	memset(f.scratch, 0xff, 64);
	assert_int_equal(mask(&f, "populate", s[0].at, f.at, 16),
			 ERROR(EACCES));
	assert_int_equal(mask(&f, "populate", s[0].at, f.at, 23),
			 ERROR(EACCES));
	assert_int_equal(mask(&f, "populate", s[0].at, f.at, 24), 0);
	assert_int_equal(mask(&f, "weight", s[0].at, 0, 0), MANY);
	assert_int_equal(mask(&f, "populate", s[0].at, f.at, 64), 0);
	assert_int_equal(mask(&f, "full", s[0].at, 0, 0), 1);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

/* Every row has a name of its own and something to call. */
static void test_table(void **state)
{
	(void)state;
	for (const struct vm_call *a = vm_calls_core; a->name; a++) {
		assert_non_null(a->fn);
		assert_int_equal(strncmp(a->name, "bpf_", 4), 0);
		for (const struct vm_call *b = a + 1; b->name; b++)
			assert_string_not_equal(a->name, b->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_world),
		cmocka_unit_test(test_world_at_its_edges),
		cmocka_unit_test(test_locks_with_flags),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_iterators),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_kptr),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_masks_beside_bools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
