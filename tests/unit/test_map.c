/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps, through the helpers that programs call. */
#include <errno.h>

#include "vm_fix.h"

#define LOOKUP	      1
#define UPDATE	      2
#define DELETE	      3
#define PUSH	      87
#define POP	      88
#define PEEK	      89
#define RB_OUTPUT     130
#define RB_RESERVE    131
#define RB_SUBMIT     132
#define RB_DISCARD    133
#define RB_QUERY      134
#define TASK_GET      156
#define TASK_DELETE   157
#define FOR_EACH      164
#define LOOKUP_PERCPU 195
#define CGRP_GET      210
#define CGRP_STORAGE  32
#define ARENA	      33
#define ERROR(e)      ((uint64_t) - (int64_t)(e))

static uint64_t lookup(struct fix *f, int map, uint32_t key)
{
	return fix_call(f, LOOKUP, fix_map(f, map), fix_u32(f, 0, key), 0, 0);
}

static uint64_t update(struct fix *f, int map, uint32_t key, uint64_t value,
		       uint64_t flags)
{
	return fix_call(f, UPDATE, fix_map(f, map), fix_u32(f, 0, key),
			fix_u64(f, 8, value), flags);
}

static uint64_t erase(struct fix *f, int map, uint32_t key)
{
	return fix_call(f, DELETE, fix_map(f, map), fix_u32(f, 0, key), 0, 0);
}

/* A map of 4-byte keys and 8-byte values. */
static struct object_map plain(uint32_t type, uint32_t entries)
{
	return (struct object_map){
		.name = "m",
		.type = type,
		.key_size = 4,
		.value_size = 8,
		.max_entries = entries,
		.inner = -1,
	};
}

static void open_one(struct fix *f, struct object_map m)
{
	memset(f, 0, sizeof(*f));
	f->maps[0] = m;
	assert_int_equal(fix_open(f, 1), 0);
}

static void test_array(void **state)
{
	struct fix f;
	uint64_t v;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_ARRAY, 600));
	v = lookup(&f, 0, 599);
	assert_true(v);
	assert_int_equal(fix_get(&f, v), 0);
	fix_set(&f, v, 42);
	assert_int_equal(fix_get(&f, lookup(&f, 0, 599)), 42);
	assert_int_equal(lookup(&f, 0, 600), 0);
	assert_int_equal(lookup(&f, 0, UINT32_MAX), 0);
	assert_int_equal(update(&f, 0, 3, 7, BPF_ANY), 0);
	assert_int_equal(fix_get(&f, lookup(&f, 0, 3)), 7);
	assert_int_equal(update(&f, 0, 3, 7, BPF_NOEXIST), ERROR(EEXIST));
	assert_int_equal(update(&f, 0, 600, 7, BPF_ANY), ERROR(E2BIG));
	assert_int_equal(update(&f, 0, 3, 7, 9), ERROR(EINVAL));
	assert_int_equal(erase(&f, 0, 3), ERROR(EINVAL));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	/* Running off one value does not reach the next. */
	assert_null(vm_read(f.vm, lookup(&f, 0, 3) + 8, 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_null(vm_write(f.vm, lookup(&f, 0, 3) + 4, 8));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_null(vm_read(f.vm, lookup(&f, 0, 3) - 1, 1));
	assert_true(fix_fault(&f) != VM_FAULT_NONE);
	fix_close(&f);
}

static void test_percpu_array(void **state)
{
	struct fix f;
	uint64_t v;
	uint32_t key = 2;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_PERCPU_ARRAY, 300));
	for (f.cpu = 0; f.cpu < FIX_CPUS; f.cpu++)
		fix_set(&f, lookup(&f, 0, key), 100 + f.cpu);
	f.cpu = 1;
	assert_int_equal(fix_get(&f, lookup(&f, 0, key)), 101);
	v = fix_call(&f, LOOKUP_PERCPU, fix_map(&f, 0), fix_u32(&f, 0, key), 3,
		     0);
	assert_int_equal(fix_get(&f, v), 103);
	assert_int_equal(fix_call(&f, LOOKUP_PERCPU, fix_map(&f, 0),
				  fix_u32(&f, 0, key), FIX_CPUS, 0),
			 0);
	assert_int_equal(vm_map_get(f.vm, 0, &key, 4, 3, &v, 8), 0);
	assert_int_equal(v, 103);
	v = 5;
	assert_int_equal(vm_map_set(f.vm, 0, &key, 4, 3, &v, 8), 0);
	assert_int_equal(vm_map_get(f.vm, 0, &key, 4, 3, &v, 8), 0);
	assert_int_equal(v, 5);
	assert_int_equal(vm_map_get(f.vm, 0, &key, 4, FIX_CPUS, &v, 8),
			 -EINVAL);
	key = 300;
	assert_int_equal(vm_map_get(f.vm, 0, &key, 4, 0, &v, 8), -ENOENT);
	fix_close(&f);
}

/* What user space holds may be of another size than what the map has. */
static void test_users_sizes(void **state)
{
	struct object_map m = plain(BPF_MAP_TYPE_ARRAY, 4);
	struct fix f;
	uint64_t v[2] = {1, 2}, key = 0;
	int in = 1;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[1] = m;
	m.value_size = sizeof(v);
	f.maps[0] = m;
	m = plain(BPF_MAP_TYPE_ARRAY_OF_MAPS, 1);
	m.inner = 1;
	m.initial = &in;
	m.initial_count = 1;
	f.maps[2] = m;
	assert_int_equal(fix_open(&f, 3), 0);
	assert_int_equal(vm_map_set(f.vm, 0, &key, 4, 0, v, 16), 0);
	assert_int_equal(vm_map_set(f.vm, 0, &key, 4, 0, v, 8), -EINVAL);
	assert_int_equal(vm_map_set(f.vm, 0, &key, 8, 0, v, 16), -EINVAL);
	v[1] = 3;
	assert_int_equal(vm_map_get(f.vm, 0, &key, 4, 0, v, 8), -EINVAL);
	assert_int_equal(vm_map_get(f.vm, 0, &key, 8, 0, v, 16), -EINVAL);
	assert_int_equal(v[1], 3);
	assert_int_equal(vm_map_get(f.vm, 0, &key, 4, 0, v, 16), 0);
	assert_int_equal(v[1], 2);
	/* A map has no value that could be copied. */
	assert_true(lookup(&f, 2, 0));
	assert_int_equal(vm_map_get(f.vm, 2, &key, 4, 0, v, 8), -EOPNOTSUPP);
	assert_int_equal(v[0], 1);
	fix_close(&f);
}

static void test_data(void **state)
{
	unsigned char bytes[24] = "constant";
	struct object_map m = plain(BPF_MAP_TYPE_ARRAY, 1);
	struct fix f;
	size_t len;

	(void)state;
	m.data = bytes;
	m.value_size = sizeof(bytes);
	m.frozen = true;
	open_one(&f, m);
	bytes[0] = 'X'; /* the VM has its own */
	assert_string_equal((char *)vm_map_data(f.vm, 0, &len), "constant");
	assert_int_equal(len, sizeof(bytes));
	assert_non_null(vm_read(f.vm, vm_addr(f.vm->maps[0].values), 24));
	assert_null(vm_read(f.vm, vm_addr(f.vm->maps[0].values), 25));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_null(vm_write(f.vm, vm_addr(f.vm->maps[0].values), 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_null(vm_map_data(f.vm, 1, &len));
	fix_close(&f);
}

static void test_hash(void **state)
{
	struct fix f;
	uint64_t v;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_HASH, 1000));
	assert_int_equal(lookup(&f, 0, 1), 0);
	assert_int_equal(update(&f, 0, 1, 7, BPF_EXIST), ERROR(ENOENT));
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(update(&f, 0, i, i * 3, BPF_NOEXIST), 0);
	assert_int_equal(update(&f, 0, 1000, 1, BPF_ANY), ERROR(E2BIG));
	assert_int_equal(update(&f, 0, 999, 1, BPF_NOEXIST), ERROR(EEXIST));
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(fix_get(&f, lookup(&f, 0, i)), i * 3);
	assert_null(vm_read(f.vm, lookup(&f, 0, 5) + 8, 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);

	/* Old pointers go on seeing the old value, until the run ends. */
	fix_enter(&f);
	v = lookup(&f, 0, 5);
	assert_int_equal(update(&f, 0, 5, 99, BPF_ANY), 0);
	assert_int_equal(fix_get(&f, v), 15);
	assert_int_equal(fix_get(&f, lookup(&f, 0, 5)), 99);
	assert_int_equal(erase(&f, 0, 6), 0);
	assert_int_equal(erase(&f, 0, 6), ERROR(ENOENT));
	assert_int_equal(lookup(&f, 0, 6), 0);
	assert_int_equal(update(&f, 0, 2000, 1, BPF_ANY), 0);
	fix_leave(&f);
	assert_null(vm_read(f.vm, v, 8));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_close(&f);
}

static void test_percpu_hash(void **state)
{
	struct fix f;
	uint64_t v;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_PERCPU_HASH, 4));
	f.cpu = 2;
	assert_int_equal(update(&f, 0, 1, 22, BPF_ANY), 0);
	v = lookup(&f, 0, 1);
	f.cpu = 3;
	assert_int_equal(fix_get(&f, lookup(&f, 0, 1)), 0);
	assert_int_equal(update(&f, 0, 1, 33, BPF_ANY), 0);
	assert_int_equal(fix_get(&f, v), 22);
	assert_int_equal(erase(&f, 0, 1), 0);
	assert_null(vm_read(f.vm, v, 8));
	/* What is used again is empty. */
	assert_int_equal(update(&f, 0, 9, 1, BPF_ANY), 0);
	f.cpu = 2;
	assert_int_equal(fix_get(&f, lookup(&f, 0, 9)), 0);
	fix_close(&f);
}

static void test_lru(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_LRU_HASH, 3));
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(update(&f, 0, i, i, BPF_ANY), 0);
	assert_true(lookup(&f, 0, 1)); /* now 2 is the oldest */
	assert_int_equal(update(&f, 0, 4, 4, BPF_ANY), 0);
	assert_int_equal(lookup(&f, 0, 2), 0);
	assert_int_equal(update(&f, 0, 3, 3, BPF_ANY), 0); /* used, too */
	assert_int_equal(update(&f, 0, 5, 5, BPF_ANY), 0);
	assert_int_equal(lookup(&f, 0, 1), 0);
	assert_true(lookup(&f, 0, 3));
	assert_true(lookup(&f, 0, 4));
	assert_true(lookup(&f, 0, 5));
	fix_close(&f);
}

static void each(struct fix *f, uint64_t count, uint64_t order, uint64_t sum)
{
	uint64_t ctx = fix_u64(f, 64, 0);

	fix_u64(f, 72, 0);
	assert_int_equal(fix_call(f, FOR_EACH, fix_map(f, 0),
				  fix_func(FIX_EACH), ctx, 0),
			 count);
	assert_int_equal(fix_get(f, ctx), order);
	assert_int_equal(fix_get(f, ctx + 8), sum);
}

/* In the order of insertion, whatever the hash function does. */
static void test_for_each(void **state)
{
	struct fix f;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_HASH, 10));
	each(&f, 0, 0, 0);
	for (uint32_t i = 5; i > 0; i--)
		update(&f, 0, i, i * 100, BPF_ANY);
	each(&f, 5, 54321, 1500);
	erase(&f, 0, 3);
	each(&f, 4, 5421, 1200);
	assert_int_equal(fix_call(&f, FOR_EACH, fix_map(&f, 0), f.at, 0, 0), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_close(&f);

	open_one(&f, plain(BPF_MAP_TYPE_ARRAY, 5));
	update(&f, 0, 4, 9, BPF_ANY);
	each(&f, 5, 1234, 9);
	fix_close(&f);
}

static void test_queue(void **state)
{
	struct object_map m = plain(BPF_MAP_TYPE_QUEUE, 3);
	struct fix f;
	uint64_t map, out;

	(void)state;
	m.key_size = 0;
	open_one(&f, m);
	map = fix_map(&f, 0);
	out = fix_u64(&f, 128, 77);
	assert_int_equal(fix_call(&f, POP, map, out, 0, 0), ERROR(ENOENT));
	assert_int_equal(fix_get(&f, out), 0);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(
			fix_call(&f, PUSH, map, fix_u64(&f, 0, i), 0, 0), 0);
	assert_int_equal(fix_call(&f, PUSH, map, fix_u64(&f, 0, 4), 0, 0),
			 ERROR(E2BIG));
	assert_int_equal(
		fix_call(&f, PUSH, map, fix_u64(&f, 0, 4), BPF_EXIST, 0), 0);
	assert_int_equal(fix_call(&f, PEEK, map, out, 0, 0), 0);
	assert_int_equal(fix_get(&f, out), 2);
	for (uint64_t i = 2; i <= 4; i++) {
		assert_int_equal(fix_call(&f, POP, map, out, 0, 0), 0);
		assert_int_equal(fix_get(&f, out), i);
	}
	assert_int_equal(fix_call(&f, POP, map, out, 0, 0), ERROR(ENOENT));
	assert_int_equal(lookup(&f, 0, 0), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_close(&f);

	m.type = BPF_MAP_TYPE_STACK;
	open_one(&f, m);
	map = fix_map(&f, 0);
	for (uint64_t i = 1; i <= 4; i++)
		fix_call(&f, PUSH, map, fix_u64(&f, 0, i), BPF_EXIST, 0);
	for (uint64_t i = 4; i >= 2; i--) {
		assert_int_equal(fix_call(&f, POP, map, out, 0, 0), 0);
		assert_int_equal(fix_get(&f, out), i);
	}
	assert_int_equal(fix_call(&f, PEEK, map, out, 0, 0), ERROR(ENOENT));
	fix_close(&f);
}

static void test_bloom(void **state)
{
	struct object_map m = plain(BPF_MAP_TYPE_BLOOM_FILTER, 100);
	struct fix f;
	int wrong = 0;

	(void)state;
	m.key_size = 0;
	open_one(&f, m);
	for (uint64_t i = 0; i < 100; i++)
		fix_call(&f, PUSH, fix_map(&f, 0), fix_u64(&f, 0, i), 0, 0);
	for (uint64_t i = 0; i < 200; i++) {
		bool in = !fix_call(&f, PEEK, fix_map(&f, 0), fix_u64(&f, 0, i),
				    0, 0);

		assert_true(in || i >= 100);
		wrong += in && i >= 100;
	}
	assert_true(wrong < 20);
	fix_close(&f);
}

/* ---- local storage ---------------------------------------------------- */

static const struct vm_kind task_kind = {.name = "task_struct"};
static const struct vm_kind cgroup_kind = {.name = "cgroup"};

static void test_storage(void **state)
{
	unsigned char bytes[64];
	struct fix f;
	uint64_t task, other, group, map, v, w;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = plain(BPF_MAP_TYPE_TASK_STORAGE, 0);
	f.maps[1] = plain(BPF_MAP_TYPE_TASK_STORAGE, 0);
	f.maps[2] = plain(CGRP_STORAGE, 0);
	assert_int_equal(fix_open(&f, 3), 0);
	map = fix_map(&f, 0);
	task = vm_addr(vm_region_new(f.vm, bytes, 64, VM_READ, &task_kind, &f));
	other = vm_addr(
		vm_region_new(f.vm, bytes, 64, VM_READ, &task_kind, &f));
	group = vm_addr(
		vm_region_new(f.vm, bytes, 64, VM_READ, &cgroup_kind, &f));
	assert_int_equal(fix_call(&f, TASK_GET, map, task, 0, 0), 0);
	v = fix_call(&f, TASK_GET, map, task, fix_u64(&f, 0, 5), 1);
	assert_int_equal(fix_get(&f, v), 5);
	assert_int_equal(fix_call(&f, TASK_GET, map, task, 0, 0), v);
	assert_int_equal(fix_call(&f, TASK_GET, map, task, 0, 1), v);
	w = fix_call(&f, TASK_GET, map, other, 0, 1);
	assert_int_equal(fix_get(&f, w), 0);
	assert_int_not_equal(fix_call(&f, TASK_GET, fix_map(&f, 1), task, 0, 1),
			     v);
	assert_int_equal(fix_call(&f, TASK_GET, map, 0, 0, 1), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	/* Past the end, of another kind, of the other type. */
	assert_null(vm_read(f.vm, v + 8, 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_call(&f, TASK_GET, map, group, 0, 1);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, CGRP_GET, map, group, 0, 1);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	v = fix_call(&f, CGRP_GET, fix_map(&f, 2), group, 0, 1);
	assert_int_equal(fix_get(&f, v), 0);

	v = fix_call(&f, TASK_GET, map, task, 0, 0);
	fix_enter(&f);
	assert_int_equal(fix_call(&f, TASK_DELETE, map, task, 0, 0), 0);
	assert_int_equal(fix_call(&f, TASK_DELETE, map, task, 0, 0),
			 ERROR(ENOENT));
	assert_int_equal(fix_call(&f, TASK_GET, map, task, 0, 0), 0);
	assert_int_equal(fix_get(&f, v), 5);
	fix_leave(&f);
	assert_null(vm_read(f.vm, v, 8));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);

	/* It goes with its task. */
	vm_region_free(f.vm, vm_region_of(other));
	assert_null(vm_read(f.vm, w, 8));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_call(&f, TASK_GET, map, other, 0, 1);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_close(&f);
}

/* ---- ring buffer ------------------------------------------------------ */

struct drained {
	uint64_t order;
	uint32_t len;
};

static void drained(void *arg, const void *data, uint32_t len)
{
	struct drained *d = arg;
	uint64_t value;

	memcpy(&value, data, 8);
	d->order = d->order * 10 + value;
	d->len = len;
}

static void test_ring(void **state)
{
	struct object_map m = plain(BPF_MAP_TYPE_RINGBUF, 4096);
	struct drained d = {0};
	struct fix f;
	uint64_t map, a, b, c;

	(void)state;
	m.key_size = m.value_size = 0;
	open_one(&f, m);
	map = fix_map(&f, 0);
	fix_enter(&f);
	a = fix_call(&f, RB_RESERVE, map, 12, 0, 0);
	b = fix_call(&f, RB_RESERVE, map, 8, 0, 0);
	c = fix_call(&f, RB_RESERVE, map, 8, 0, 0);
	fix_set(&f, a, 1);
	fix_set(&f, b, 2);
	fix_set(&f, c, 3);
	assert_null(vm_write(f.vm, a + 12, 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_call(&f, RB_SUBMIT, b, 0, 0, 0);
	/* What was reserved first comes out first. */
	assert_int_equal(vm_map_drain(f.vm, 0, drained, &d), 0);
	fix_call(&f, RB_DISCARD, c, 0, 0, 0);
	fix_call(&f, RB_SUBMIT, a, 0, 0, 0);
	assert_int_equal(f.vm->held_count, 0);
	assert_int_equal(vm_map_drain(f.vm, 0, drained, &d), 2);
	assert_int_equal(d.order, 12);
	fix_set(&f, f.at, 9);
	fix_call(&f, RB_SUBMIT, a, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	assert_int_equal(fix_call(&f, RB_OUTPUT, map, f.at, 16, 0), 0);
	assert_int_equal(vm_map_drain(f.vm, 0, drained, &d), 1);
	assert_int_equal(d.order, 129);
	assert_int_equal(d.len, 16);

	/* Full, and round the end. */
	assert_int_equal(fix_call(&f, RB_RESERVE, map, 4096, 0, 0), 0);
	for (int i = 0; i < 20; i++) {
		a = fix_call(&f, RB_RESERVE, map, 3000, 0, 0);
		assert_true(a);
		assert_non_null(vm_write(f.vm, a + 2992, 8));
		fix_set(&f, a, 0);
		assert_int_equal(fix_call(&f, RB_RESERVE, map, 2000, 0, 0), 0);
		assert_int_equal(fix_call(&f, RB_QUERY, map, 0, 0, 0), 3008);
		fix_call(&f, RB_SUBMIT, a, 0, 0, 0);
		assert_int_equal(fix_call(&f, RB_OUTPUT, map, f.at, 2000, 0),
				 ERROR(EAGAIN));
		assert_int_equal(vm_map_drain(f.vm, 0, drained, &d), 1);
	}
	assert_int_equal(fix_call(&f, RB_QUERY, map, 1, 0, 0), 4096);
	fix_leave(&f);
	fix_close(&f);
}

/* ---- others ----------------------------------------------------------- */

static void test_outer(void **state)
{
	static const int inner[] = {2, -1, 1};
	struct fix f;
	uint64_t map;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = plain(BPF_MAP_TYPE_ARRAY_OF_MAPS, 5);
	f.maps[0].initial = inner;
	f.maps[0].initial_count = 3;
	f.maps[1] = plain(BPF_MAP_TYPE_ARRAY, 5);
	f.maps[2] = plain(BPF_MAP_TYPE_HASH, 5);
	assert_int_equal(fix_open(&f, 3), 0);
	assert_int_equal(lookup(&f, 0, 0), fix_map(&f, 2));
	assert_int_equal(lookup(&f, 0, 1), 0);
	assert_int_equal(lookup(&f, 0, 2), fix_map(&f, 1));
	assert_int_equal(lookup(&f, 0, 3), 0);
	map = lookup(&f, 0, 2);
	assert_true(fix_call(&f, LOOKUP, map, fix_u32(&f, 0, 4), 0, 0));
	update(&f, 0, 1, 0, BPF_ANY);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_close(&f);
}

static void test_arena(void **state)
{
	struct object_map m = plain(ARENA, 16);
	struct fix f;
	uint64_t map, a, b;

	(void)state;
	m.key_size = m.value_size = 0;
	open_one(&f, m);
	map = fix_map(&f, 0);
	a = fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 2);
	assert_true(a);
	fix_set(&f, a + 4092, 7); /* over the border of two pages */
	assert_null(vm_write(f.vm, a + 8192, 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_ARENA);
	b = fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 14);
	assert_true(b);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 1), 0);
	fix_kfunc(&f, "bpf_arena_free_pages", map, a, 1);
	assert_null(vm_read(f.vm, a, 1));
	assert_int_equal(fix_fault(&f), VM_FAULT_ARENA);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map, b, 1), 0);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 1), a);
	assert_int_equal(fix_get(&f, a + 4088), 0);
	fix_close(&f);
}

static void refused(struct object_map m, int rc, const char *why)
{
	struct fix f;

	memset(&f, 0, sizeof(f));
	f.maps[0] = m;
	assert_int_equal(fix_open(&f, 1), rc);
	assert_non_null(strstr(err_text(), why));
}

static void test_refused(void **state)
{
	struct object_map m = plain(BPF_MAP_TYPE_HASH, 1u << 30);

	(void)state;
	refused(m, -E2BIG, "map 'm' is too large");
	m = plain(BPF_MAP_TYPE_ARRAY, 1);
	m.value_size = UINT32_MAX;
	refused(m, -E2BIG, "'m'");
	m = plain(BPF_MAP_TYPE_PERCPU_ARRAY, 1u << 26);
	refused(m, -E2BIG, "map 'm' is too large");
	m = plain(BPF_MAP_TYPE_ARRAY, 0);
	refused(m, -EINVAL, "array 'm'");
	m = plain(BPF_MAP_TYPE_PROG_ARRAY, 4);
	refused(m, -ENOTSUP, "map 'm' is of type 3");
	m = plain(BPF_MAP_TYPE_LPM_TRIE, 4);
	refused(m, -ENOTSUP, "map 'm' is of type 11");
	m = plain(BPF_MAP_TYPE_RINGBUF, 4095);
	refused(m, -EINVAL, "ring buffer 'm'");
}

/* ---- beside a naive way ----------------------------------------------- */

#define KEYS 7

/* What a hash holds, the oldest first. */
struct naive {
	uint32_t key[KEYS];
	uint64_t value[KEYS];
	size_t n;
};

static size_t naive_find(const struct naive *h, uint32_t key)
{
	size_t i = 0;

	while (i < h->n && h->key[i] != key)
		i++;
	return i;
}

static void naive_remove(struct naive *h, size_t i)
{
	for (h->n--; i < h->n; i++) {
		h->key[i] = h->key[i + 1];
		h->value[i] = h->value[i + 1];
	}
}

static void naive_put(struct naive *h, uint32_t key, uint64_t value)
{
	h->key[h->n] = key;
	h->value[h->n++] = value;
}

static uint64_t naive_update(struct naive *h, uint32_t key, uint64_t value,
			     uint64_t flags, size_t most, bool lru)
{
	size_t i = naive_find(h, key);

	if (flags > BPF_EXIST)
		return ERROR(EINVAL);
	if (i < h->n && flags == BPF_NOEXIST)
		return ERROR(EEXIST);
	if (i == h->n && flags == BPF_EXIST)
		return ERROR(ENOENT);
	if (i == h->n && h->n == most) {
		if (!lru)
			return ERROR(E2BIG);
		i = 0;
	}
	if (i < h->n)
		naive_remove(h, i);
	naive_put(h, key, value);
	return 0;
}

static void same_as_naive(struct fix *f, const struct naive *h)
{
	uint64_t order = 0, sum = 0;

	for (size_t i = 0; i < h->n; i++) {
		order = order * 10 + h->key[i];
		sum += h->value[i];
	}
	each(f, h->n, order, sum);
}

static void hash_beside_naive(uint32_t type, bool lru)
{
	enum { MOST = 5 };
	struct naive h = {.n = 0};
	uint64_t r = 1;
	struct fix f;

	open_one(&f, plain(type, MOST));
	for (int step = 0; step < 3000; step++) {
		uint32_t key;
		size_t i;
		uint64_t v;

		r = r * 6364136223846793005ull + 1442695040888963407ull;
		key = 1 + (uint32_t)(r >> 33) % KEYS;
		i = naive_find(&h, key);
		switch (r >> 40 & 3) {
		case 0:
			v = lookup(&f, 0, key);
			assert_int_equal(v != 0, i < h.n);
			if (!v)
				break;
			assert_int_equal(fix_get(&f, v), h.value[i]);
			if (lru) {
				uint64_t value = h.value[i];

				naive_remove(&h, i);
				naive_put(&h, key, value);
			}
			break;
		case 1:
			assert_int_equal(erase(&f, 0, key),
					 i < h.n ? 0 : ERROR(ENOENT));
			if (i < h.n)
				naive_remove(&h, i);
			break;
		default:
			assert_int_equal(
				update(&f, 0, key, (uint64_t)step, r >> 50 & 3),
				naive_update(&h, key, (uint64_t)step,
					     r >> 50 & 3, MOST, lru));
		}
		same_as_naive(&f, &h);
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

static void test_hash_beside_naive(void **state)
{
	(void)state;
	hash_beside_naive(BPF_MAP_TYPE_HASH, false);
	hash_beside_naive(BPF_MAP_TYPE_LRU_HASH, true);
}

/* Keys of every length up to three words, that differ in one byte. */
static void test_keys(void **state)
{
	(void)state;
	for (uint32_t len = 1; len <= 24; len++) {
		struct object_map m = plain(BPF_MAP_TYPE_HASH, 200);
		struct fix f;

		m.key_size = len;
		open_one(&f, m);
		for (int turn = 0; turn < 2; turn++) {
			for (uint32_t i = 0; i < len; i++) {
				uint64_t v;

				memset(f.scratch, 7, len);
				f.scratch[i] = 8;
				if (!turn) {
					assert_int_equal(
						fix_call(&f, UPDATE,
							 fix_map(&f, 0), f.at,
							 fix_u64(&f, 64, i + 1),
							 BPF_NOEXIST),
						0);
					continue;
				}
				v = fix_call(&f, LOOKUP, fix_map(&f, 0), f.at,
					     0, 0);
				assert_int_equal(fix_get(&f, v), i + 1);
			}
			memset(f.scratch, 7, len);
			assert_int_equal(fix_call(&f, LOOKUP, fix_map(&f, 0),
						  f.at, 0, 0),
					 0);
		}
		fix_close(&f);
	}
}

static size_t pages_in_row(const bool *used, size_t from, size_t pages)
{
	size_t run = 0;

	for (size_t p = from; p <= pages; p++, run++)
		if (used[p])
			break;
	return run;
}

/* The first row that is long enough, or the place that was asked for. */
static void test_arena_beside_naive(void **state)
{
	enum { PAGES = 150, BYTES = 4096 };
	struct object_map m = plain(ARENA, PAGES);
	bool used[PAGES + 2] = {false};
	uint64_t map, base, r = 5;
	struct fix f;

	(void)state;
	m.key_size = m.value_size = 0;
	open_one(&f, m);
	map = fix_map(&f, 0);
	base = fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 1) - BYTES;
	used[1] = true;
	for (int step = 0; step < 4000; step++) {
		size_t want, page, at = 0;

		r = r * 6364136223846793005ull + 1442695040888963407ull;
		want = 1 + (r >> 33) % (r >> 60 ? 5 : 90);
		page = 1 + (r >> 45) % PAGES;
		if (r >> 59 & 1) {
			fix_kfunc(&f, "bpf_arena_free_pages", map,
				  base + page * BYTES, want);
			for (size_t p = page; p < page + want && p <= PAGES;
			     p++)
				used[p] = false;
		} else if (r >> 58 & 1) {
			if (pages_in_row(used, page, PAGES) >= want)
				at = page;
			assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages",
						   map, base + page * BYTES,
						   want),
					 at ? base + at * BYTES : 0);
		} else {
			for (at = 1; at <= PAGES; at++)
				if (pages_in_row(used, at, PAGES) >= want)
					break;
			at = at > PAGES ? 0 : at;
			assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages",
						   map, 0, want),
					 at ? base + at * BYTES : 0);
		}
		for (size_t p = at; at && p < at + want; p++)
			used[p] = true;
		page = 1 + (r >> 20) % PAGES;
		assert_int_equal(vm_read(f.vm, base + page * BYTES + 4095, 1) !=
					 NULL,
				 used[page]);
		assert_int_equal(vm_read(f.vm, base + page * BYTES - 1, 2) !=
					 NULL,
				 used[page] && page > 1 && used[page - 1]);
		fix_fault(&f);
	}
	/* None, too many, not at a page, page 0, past the end. */
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 0), 0);
	fix_kfunc(&f, "bpf_arena_free_pages", map, base + BYTES, PAGES + 1);
	assert_int_equal(
		fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, PAGES + 1), 0);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map,
				   base + BYTES + 8, 1),
			 0);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map, base, 1),
			 0);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map,
				   base + (PAGES + 1) * BYTES, 1),
			 0);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map,
				   base + PAGES * BYTES, 1),
			 base + PAGES * BYTES);
	fix_kfunc(&f, "bpf_arena_free_pages", map, base + PAGES * BYTES, 9);
	assert_int_equal(fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, PAGES),
			 base + BYTES);
	fix_close(&f);
}

/* What is copied is all but the special members, wherever they are. */
static void test_fields_are_left_out(void **state)
{
	static struct object_field fields[] = {
		{.kind = FIELD_KPTR_UNTRUSTED, .offset = 48},
		{.kind = FIELD_SPIN_LOCK, .offset = 0},
		{.kind = FIELD_TIMER, .offset = 16},
		{.kind = FIELD_REFCOUNT, .offset = 56},
	};
	static const uint32_t types[] = {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		for (size_t count = 0; count <= ARRAY_LEN(fields); count++) {
			static const uint32_t size[] = {8, 4, 16, 4};
			struct object_map m = plain(types[i], 3);
			const unsigned char *v;
			struct fix f;

			m.value_size = 68;
			m.fields = fields;
			m.field_count = count;
			open_one(&f, m);
			memset(f.scratch + 100, 0xab, 68);
			assert_int_equal(fix_call(&f, UPDATE, fix_map(&f, 0),
						  fix_u32(&f, 0, 2), f.at + 100,
						  0),
					 0);
			v = vm_read(f.vm, lookup(&f, 0, 2), 68);
			for (uint32_t at = 0; at < 68; at++) {
				bool special = false;

				for (size_t k = 0; k < count; k++)
					special |=
						at >= fields[k].offset &&
						at < fields[k].offset + size[k];
				assert_int_equal(v[at], special ? 0 : 0xab);
			}
			fix_close(&f);
		}
}

/* Each pair of the two that must be there, and the one that must not. */
static void test_shapes(void **state)
{
	static const struct {
		uint32_t type;
		int key, value, entries; /* 1: needed, -1: forbidden, 0: both */
	} rows[] = {
		{BPF_MAP_TYPE_HASH, 1, 1, 1},
		{BPF_MAP_TYPE_LRU_PERCPU_HASH, 1, 1, 1},
		{BPF_MAP_TYPE_QUEUE, -1, 1, 1},
		{BPF_MAP_TYPE_STACK, -1, 1, 1},
		{BPF_MAP_TYPE_BLOOM_FILTER, -1, 1, 1},
		{BPF_MAP_TYPE_RINGBUF, -1, -1, 1},
		{ARENA, -1, -1, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int has = 0; has < 8; has++) {
			struct object_map m = plain(rows[i].type, 4096);
			int key = has & 1 ? 1 : -1, value = has & 2 ? 1 : -1,
			    entries = has & 4 ? 1 : -1;
			struct fix f;
			int rc;

			m.key_size = key > 0 ? 4 : 0;
			m.value_size = value > 0 ? 8 : 0;
			m.max_entries = entries > 0 ? 4096 : 0;
			memset(&f, 0, sizeof(f));
			f.maps[0] = m;
			rc = fix_open(&f, 1);
			assert_int_equal(
				rc, key == rows[i].key &&
						    value == rows[i].value &&
						    entries == rows[i].entries
					    ? 0
					    : -EINVAL);
			if (!rc)
				fix_close(&f);
		}
}

/* Flags of the map say what programs may do. */
static void test_permissions(void **state)
{
	struct object_map m = plain(BPF_MAP_TYPE_ARRAY, 2);
	struct fix f;
	uint64_t v;
	uint32_t key = 1;

	(void)state;
	m.flags = BPF_F_RDONLY_PROG;
	open_one(&f, m);
	assert_int_equal(update(&f, 0, 1, 5, BPF_ANY), ERROR(EPERM));
	v = lookup(&f, 0, 1);
	assert_int_equal(fix_get(&f, v), 0);
	assert_null(vm_write(f.vm, v, 8));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	/* The user may. */
	v = 9;
	assert_int_equal(vm_map_set(f.vm, 0, &key, 4, 0, &v, 8), 0);
	assert_int_equal(fix_get(&f, lookup(&f, 0, 1)), 9);
	assert_int_equal(vm_map_set(f.vm, 1, &key, 4, 0, &v, 8), -EINVAL);
	assert_int_equal(vm_map_set(f.vm, -1, &key, 4, 0, &v, 8), -EINVAL);
	assert_int_equal(vm_map_set(f.vm, 0, &key, 4, FIX_CPUS, &v, 8),
			 -EINVAL);
	fix_close(&f);
	m.flags = BPF_F_WRONLY_PROG;
	open_one(&f, m);
	v = lookup(&f, 0, 1);
	assert_non_null(vm_write(f.vm, v, 8));
	assert_null(vm_read(f.vm, v, 8));
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_percpu_array),
		cmocka_unit_test(test_users_sizes),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_percpu_hash),
		cmocka_unit_test(test_lru),
		cmocka_unit_test(test_for_each),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_bloom),
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_outer),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hash_beside_naive),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_arena_beside_naive),
		cmocka_unit_test(test_fields_are_left_out),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_permissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
