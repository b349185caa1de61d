/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that programs allocate; lists and trees of them beside naive ones. */
#include "vm_fix.h"

#include <bpf/btf.h>
#include <errno.h>

#define ERROR(e) ((uint64_t) - (int64_t)(e))

/* Places in the program's bytes. */
enum { LOCK = 0, LIST = 64, OTHER = 96, TREE = 128, SECOND = 160, WORD = 512 };
/* In an item. */
enum { KEY = 0, IN_LIST = 8, IN_TREE = 32, COUNT = 64, ITEM_SIZE = 68 };

struct types {
	uint32_t item, lone, empty, most, more, number, locked;
};

static struct types t;

static struct btf *make_types(void)
{
	struct btf *b = btf__new_empty();
	int u64 = btf__add_int(b, "u64", 8, 0), lock, list, tree, count;

	lock = btf__add_struct(b, "bpf_spin_lock", 4);
	list = btf__add_struct(b, "bpf_list_node", 24);
	tree = btf__add_struct(b, "bpf_rb_node", 32);
	count = btf__add_struct(b, "bpf_refcount", 4);
	t.number = (uint32_t)u64;
	t.item = (uint32_t)btf__add_struct(b, "item", ITEM_SIZE);
	btf__add_field(b, "key", u64, KEY * 8, 0);
	btf__add_field(b, "list", list, IN_LIST * 8, 0);
	btf__add_field(b, "tree", tree, IN_TREE * 8, 0);
	btf__add_field(b, "count", count, COUNT * 8, 0);
	t.lone = (uint32_t)btf__add_struct(b, "lone", 32);
	btf__add_field(b, "key", u64, 0, 0);
	btf__add_field(b, "list", list, IN_LIST * 8, 0);
	t.locked = (uint32_t)btf__add_struct(b, "locked", 8);
	btf__add_field(b, "lock", lock, 0, 0);
	t.empty = (uint32_t)btf__add_struct(b, "empty", 0);
	t.most = (uint32_t)btf__add_struct(b, "most", 4096);
	t.more = (uint32_t)btf__add_struct(b, "more", 4097);
	return b;
}

static void setup(struct fix *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(fix_open(f, 0), 0);
	f->o.btf = make_types();
	vm_hold(f->vm, HELD_LOCK, f->at + LOCK);
}

static void done(struct fix *f)
{
	fix_close(f);
	btf__free(f->o.btf);
}

static uint64_t item_new(struct fix *f, uint64_t key)
{
	uint64_t addr = fix_kfunc(f, "bpf_obj_new_impl", t.item, 0, 0);

	assert_true(addr != 0);
	fix_set(f, addr, key);
	return addr;
}

static uint64_t rnd(uint64_t *r)
{
	*r = *r * 6364136223846793005ull + 1442695040888963407ull;
	return *r >> 33;
}

/* ---- lists ------------------------------------------------------------- */

#define MOST 12

struct naive {
	uint64_t at[MOST];
	size_t n;
};

static void naive_put(struct naive *l, size_t where, uint64_t addr)
{
	memmove(&l->at[where + 1], &l->at[where],
		(l->n - where) * sizeof(l->at[0]));
	l->at[where] = addr;
	l->n++;
}

static uint64_t naive_take(struct naive *l, size_t where)
{
	uint64_t addr = l->at[where];

	l->n--;
	memmove(&l->at[where], &l->at[where + 1],
		(l->n - where) * sizeof(l->at[0]));
	return addr;
}

static uint64_t node_of(uint64_t item, uint32_t offset)
{
	return item ? item + offset : 0;
}

static void test_lists_beside_naive(void **state)
{
	struct naive lists[2] = {{.n = 0}};
	uint64_t r = 1;
	struct fix f;

	(void)state;
	setup(&f);
	for (int step = 0; step < 3000; step++) {
		int which = rnd(&r) & 1;
		uint64_t head = f.at + (which ? OTHER : LIST), node, want;
		struct naive *l = &lists[which];
		bool back = rnd(&r) & 1;

		if (l->n < MOST && rnd(&r) & 1) {
			uint64_t item = item_new(&f, (uint64_t)step);

			assert_int_equal(f.vm->held_count, 2);
			assert_int_equal(
				fix_kfunc(&f,
					  back ? "bpf_list_push_back_impl"
					       : "bpf_list_push_front_impl",
					  head, item + IN_LIST, 0),
				0);
			naive_put(l, back ? l->n : 0, item);
		} else {
			want = l->n ? naive_take(l, back ? l->n - 1 : 0) : 0;
			node = fix_kfunc(&f,
					 back ? "bpf_list_pop_back"
					      : "bpf_list_pop_front",
					 head, 0, 0);
			assert_int_equal(node, node_of(want, IN_LIST));
			if (!node)
				continue;
			assert_int_equal(f.vm->held_count, 2);
			fix_kfunc(&f, "bpf_obj_drop_impl", want, 0, 0);
			assert_null(vm_region(f.vm, vm_region_of(want)));
		}
		assert_int_equal(f.vm->held_count, 1);
		want = l->n ? l->at[0] : 0;
		assert_int_equal(fix_kfunc(&f, "bpf_list_front", head, 0, 0),
				 node_of(want, IN_LIST));
		want = l->n ? l->at[l->n - 1] : 0;
		assert_int_equal(fix_kfunc(&f, "bpf_list_back", head, 0, 0),
				 node_of(want, IN_LIST));
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	done(&f);
}

static void fault(struct fix *f, enum vm_fault_kind kind, const char *words)
{
	assert_int_equal(vm_fault(f->vm)->kind, kind);
	if (!strstr(vm_fault(f->vm)->text, words))
		fail_msg("'%s' is not in '%s'", words, vm_fault(f->vm)->text);
	fix_fault(f);
}

static void test_lists_refuse(void **state)
{
	struct fix f;
	uint64_t a, b;

	(void)state;
	setup(&f);
	a = item_new(&f, 1);
	b = fix_kfunc(&f, "bpf_obj_new_impl", t.lone, 0, 0);
	fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST, a, 0);
	fault(&f, VM_FAULT_CALL, "byte 0 of the object is no node");
	fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST, b + IN_TREE, 0);
	fault(&f, VM_FAULT_CALL, "byte 32 of the object is no node");
	fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST, a + COUNT, 0);
	fault(&f, VM_FAULT_CALL, "byte 64 of the object is no node");
	fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST, f.at, 0);
	fault(&f, VM_FAULT_MEMORY, "stack where a object is wanted");
	fix_kfunc(&f, "bpf_list_push_back_impl", f.at + sizeof(f.scratch) - 15,
		  a + IN_LIST, 0);
	fault(&f, VM_FAULT_MEMORY, "write of 16 bytes");
	assert_int_equal(fix_kfunc(&f, "bpf_list_push_back_impl",
				   f.at + sizeof(f.scratch) - 16, a + IN_LIST,
				   0),
			 0);
	/* It is the list's now. */
	fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST, a + IN_LIST, 0);
	fault(&f, VM_FAULT_CALL, "an object is added that is not held");
	fix_kfunc(&f, "bpf_obj_drop_impl", a, 0, 0);
	fault(&f, VM_FAULT_CALL, "an object is dropped that is not held");
	/* A second reference does not make a second place. */
	assert_int_equal(fix_kfunc(&f, "bpf_refcount_acquire_impl", a, 0, 0),
			 a);
	assert_int_equal(fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST,
				   a + IN_LIST, 0),
			 ERROR(EINVAL));
	assert_int_equal(f.vm->held_count, 2); /* the lock and b */
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_kfunc(&f, "bpf_refcount_acquire_impl", b, 0, 0);
	fault(&f, VM_FAULT_CALL, "without a struct bpf_refcount");
	/* A head is a list or a tree, and has a lock. */
	fix_kfunc(&f, "bpf_list_pop_front", f.at + LIST, 0, 0);
	fix_kfunc(&f, "bpf_rbtree_first", f.at + LIST, 0, 0);
	fault(&f, VM_FAULT_CALL, "a list is used as a tree");
	fix_kfunc(&f, "bpf_rbtree_first", f.at + TREE, 0, 0);
	fix_kfunc(&f, "bpf_list_front", f.at + TREE, 0, 0);
	fault(&f, VM_FAULT_CALL, "a tree is used as a list");
	vm_unhold(f.vm, HELD_LOCK, f.at + LOCK);
	fix_kfunc(&f, "bpf_list_front", f.at + LIST, 0, 0);
	fault(&f, VM_FAULT_CALL, "a list is used without its lock");
	fix_kfunc(&f, "bpf_rbtree_first", f.at + TREE, 0, 0);
	fault(&f, VM_FAULT_CALL, "a tree is used without its lock");
	done(&f);
}

/* ---- trees ------------------------------------------------------------- */

static uint64_t add(struct fix *f, uint32_t tree, uint64_t item)
{
	return fix_kfunc(f, "bpf_rbtree_add_impl", f->at + tree, item + IN_TREE,
			 fix_func(FIX_LESS));
}

static uint64_t key_of(struct fix *f, uint64_t item)
{
	return fix_get(f, item);
}

/* All that is below a node, from left to right. */
static void in_order(struct fix *f, uint64_t tree, uint64_t node,
		     struct naive *out)
{
	if (!node)
		return;
	in_order(f, tree, fix_kfunc(f, "bpf_rbtree_left", tree, node, 0), out);
	assert_true(out->n < MOST);
	out->at[out->n++] = node - IN_TREE;
	in_order(f, tree, fix_kfunc(f, "bpf_rbtree_right", tree, node, 0), out);
}

static void same_tree(struct fix *f, uint32_t at, const struct naive *want)
{
	struct naive got = {.n = 0};
	uint64_t tree = f->at + at;

	in_order(f, tree, fix_kfunc(f, "bpf_rbtree_root", tree, 0, 0), &got);
	assert_int_equal(got.n, want->n);
	assert_memory_equal(got.at, want->at, got.n * sizeof(got.at[0]));
	assert_int_equal(fix_kfunc(f, "bpf_rbtree_first", tree, 0, 0),
			 node_of(want->n ? want->at[0] : 0, IN_TREE));
}

/* Equal keys stand behind those that were there. */
static void test_trees_beside_naive(void **state)
{
	struct naive trees[2] = {{.n = 0}};
	uint64_t r = 7;
	struct fix f;

	(void)state;
	setup(&f);
	fix_enter(&f);
	for (int step = 0; step < 1500; step++) {
		int which = rnd(&r) & 1;
		uint32_t at = which ? SECOND : TREE;
		struct naive *l = &trees[which];
		uint64_t item;
		size_t i = 0;

		if (l->n < MOST && rnd(&r) % 5 < 3) {
			item = item_new(&f, rnd(&r) % 8);
			while (i < l->n &&
			       key_of(&f, l->at[i]) <= key_of(&f, item))
				i++;
			assert_int_equal(add(&f, at, item), 0);
			naive_put(l, i, item);
		} else if (l->n) {
			i = rnd(&r) % l->n;
			/* It is not in the other one. */
			assert_int_equal(
				fix_kfunc(&f, "bpf_rbtree_remove",
					  f.at + (which ? TREE : SECOND),
					  l->at[i] + IN_TREE, 0),
				0);
			item = naive_take(l, i);
			assert_int_equal(fix_kfunc(&f, "bpf_rbtree_remove",
						   f.at + at, item + IN_TREE,
						   0),
					 item + IN_TREE);
			assert_int_equal(fix_kfunc(&f, "bpf_rbtree_remove",
						   f.at + at, item + IN_TREE,
						   0),
					 0);
			assert_int_equal(f.vm->held_count, 2);
			fix_kfunc(&f, "bpf_obj_drop_impl", item, 0, 0);
		}
		assert_int_equal(f.vm->held_count, 1);
		same_tree(&f, TREE, &trees[0]);
		same_tree(&f, SECOND, &trees[1]);
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_leave(&f);
	done(&f);
}

static uint64_t depth(struct fix *f, uint64_t tree, uint64_t node)
{
	uint64_t a, b;

	if (!node)
		return 0;
	a = depth(f, tree, fix_kfunc(f, "bpf_rbtree_left", tree, node, 0));
	b = depth(f, tree, fix_kfunc(f, "bpf_rbtree_right", tree, node, 0));
	return 1 + (a > b ? a : b);
}

/* However they come, no way down is long. */
static void test_trees_are_flat(void **state)
{
	struct fix f;
	uint64_t tree;

	(void)state;
	setup(&f);
	fix_enter(&f);
	tree = f.at + TREE;
	for (uint64_t i = 0; i < 1024; i++)
		add(&f, TREE, item_new(&f, i));
	assert_in_range(
		depth(&f, tree, fix_kfunc(&f, "bpf_rbtree_root", tree, 0, 0)),
		10, 40);
	for (uint64_t i = 0; i < 512; i++)
		fix_kfunc(&f, "bpf_rbtree_remove", tree,
			  fix_kfunc(&f, "bpf_rbtree_first", tree, 0, 0), 0);
	assert_in_range(
		depth(&f, tree, fix_kfunc(&f, "bpf_rbtree_root", tree, 0, 0)),
		9, 36);
	assert_int_equal(
		key_of(&f,
		       fix_kfunc(&f, "bpf_rbtree_first", tree, 0, 0) - IN_TREE),
		512);
	fix_leave(&f);
	done(&f);
}

static void test_trees_refuse(void **state)
{
	struct fix f;
	uint64_t a;

	(void)state;
	setup(&f);
	a = item_new(&f, 1);
	fix_kfunc(&f, "bpf_rbtree_add_impl", f.at + TREE, a + IN_TREE, 5);
	fault(&f, VM_FAULT_CALL, "a callback that is not a function");
	assert_int_equal(f.vm->held_count, 2);
	assert_int_equal(add(&f, TREE, a), 0);
	add(&f, TREE, a);
	fault(&f, VM_FAULT_CALL, "an object is added that is not held");
	fix_kfunc(&f, "bpf_refcount_acquire_impl", a, 0, 0);
	assert_int_equal(add(&f, SECOND, a), ERROR(EINVAL));
	assert_int_equal(f.vm->held_count, 1);
	/* In a list it may be at the same time. */
	fix_kfunc(&f, "bpf_refcount_acquire_impl", a, 0, 0);
	assert_int_equal(fix_kfunc(&f, "bpf_list_push_back_impl", f.at + LIST,
				   a + IN_LIST, 0),
			 0);
	assert_int_equal(
		fix_kfunc(&f, "bpf_rbtree_left", f.at + SECOND, a + IN_TREE, 0),
		0);
	fix_kfunc(&f, "bpf_rbtree_remove", f.at + TREE, a + IN_TREE, 0);
	fix_kfunc(&f, "bpf_obj_drop_impl", a, 0, 0);
	assert_int_equal(key_of(&f, a), 1);
	fix_kfunc(&f, "bpf_list_pop_back", f.at + LIST, 0, 0);
	fix_kfunc(&f, "bpf_obj_drop_impl", a, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	assert_null(vm_region(f.vm, vm_region_of(a)));
	done(&f);
}

/* ---- what they are in --------------------------------------------------- */

/* A value of a map that goes takes its list and its tree along. */
static void test_heads_in_maps(void **state)
{
	static struct object_field fields[] = {
		{.kind = FIELD_LIST_HEAD, .offset = 8},
		{.kind = FIELD_RB_ROOT, .offset = 24},
	};
	uint64_t map, v, items[4];
	struct fix f;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = (struct object_map){.name = "m",
					.type = BPF_MAP_TYPE_HASH,
					.key_size = 4,
					.value_size = 40,
					.max_entries = 4,
					.inner = -1,
					.fields = fields,
					.field_count = 2};
	assert_int_equal(fix_open(&f, 1), 0);
	f.o.btf = make_types();
	map = fix_map(&f, 0);
	for (int turn = 0; turn < 40; turn++) {
		fix_enter(&f);
		vm_hold(f.vm, HELD_LOCK, f.at);
		assert_int_equal(fix_call(&f, 2, map, fix_u32(&f, WORD, 1),
					  f.at + 1024, 0),
				 0);
		v = fix_call(&f, 1, map, f.at + WORD, 0, 0);
		for (int i = 0; i < 4; i++) {
			items[i] = item_new(&f, (uint64_t)i);
			if (i & 1)
				fix_kfunc(&f, "bpf_list_push_back_impl", v + 8,
					  items[i] + IN_LIST, 0);
			else
				fix_kfunc(&f, "bpf_rbtree_add_impl", v + 24,
					  items[i] + IN_TREE,
					  fix_func(FIX_LESS));
		}
		assert_int_equal(f.vm->held_count, 1);
		fix_call(&f, 3, map, f.at + WORD, 0, 0);
		fix_leave(&f);
		for (int i = 0; i < 4; i++)
			assert_null(vm_region(f.vm, vm_region_of(items[i])));
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
	btf__free(f.o.btf);
}

/* What a map's value points to goes with it; who is not ours stays. */
static void test_pointers_in_maps(void **state)
{
	static const struct vm_kind task = {.name = "task_struct"};
	static const struct vm_kind other = {.name = "other"};
	static struct object_field field = {.kind = FIELD_KPTR, .offset = 8};
	uint64_t bytes = 0, map, v, kept[5];
	struct fix f;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = (struct object_map){.name = "m",
					.type = BPF_MAP_TYPE_HASH,
					.key_size = 4,
					.value_size = 16,
					.max_entries = 4,
					.inner = -1,
					.fields = &field,
					.field_count = 1};
	assert_int_equal(fix_open(&f, 1), 0);
	f.o.btf = make_types();
	map = fix_map(&f, 0);
	kept[0] = item_new(&f, 1);
	kept[1] = fix_kfunc(&f, "bpf_percpu_obj_new_impl", t.item, 0, 0);
	kept[2] = fix_kfunc(&f, "bpf_cpumask_create", 0, 0, 0);
	kept[3] =
		vm_addr(vm_region_new(f.vm, &bytes, 8, VM_READ, &task, &bytes));
	kept[4] = vm_addr(
		vm_region_new(f.vm, &bytes, 8, VM_READ, &other, &bytes));
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (i > 2)
			vm_ref_acquire(f.vm, kept[i]);
		fix_call(&f, 2, map, fix_u32(&f, WORD, 1), f.at + 1024, 0);
		v = fix_call(&f, 1, map, f.at + WORD, 0, 0);
		assert_int_equal(fix_call(&f, 194, v + 8, kept[i], 0, 0), 0);
		fix_call(&f, 3, map, f.at + WORD, 0, 0);
		assert_int_equal(vm_region(f.vm, vm_region_of(kept[i])) != NULL,
				 i > 2);
	}
	/* A number that is none of a live object, or in the middle of one. */
	kept[0] = item_new(&f, 1);
	for (int i = 0; i < 2; i++) {
		fix_call(&f, 2, map, f.at + WORD, f.at + 1024, 0);
		v = fix_call(&f, 1, map, f.at + WORD, 0, 0);
		fix_set(&f, v + 8, i ? kept[0] + 8 : 1ull << 60);
		fix_call(&f, 3, map, f.at + WORD, 0, 0);
	}
	assert_non_null(vm_region(f.vm, vm_region_of(kept[0])));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
	btf__free(f.o.btf);
}

static void test_types(void **state)
{
	static const uint32_t *const fine[] = {&t.item, &t.lone, &t.locked,
					       &t.most};
	static const uint32_t *const bad[] = {&t.number, &t.empty, &t.more};
	struct fix f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
		uint64_t a = fix_kfunc(&f, "bpf_obj_new_impl", *fine[i], 0, 0);
		int64_t size = btf__resolve_size(f.o.btf, *fine[i]);

		assert_non_null(vm_write(f.vm, a, (uint32_t)size));
		assert_null(vm_write(f.vm, a, (uint32_t)size + 1));
		fix_fault(&f);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(
			fix_kfunc(&f, "bpf_obj_new_impl", *bad[i], 0, 0), 0);
		fault(&f, VM_FAULT_CALL, "is not a struct of at most 4096");
		assert_int_equal(
			fix_kfunc(&f, "bpf_percpu_obj_new_impl", *bad[i], 0, 0),
			0);
		fault(&f, VM_FAULT_CALL, "is not a struct of at most 4096");
	}
	fix_kfunc(&f, "bpf_obj_new_impl", btf__type_cnt(f.o.btf), 0, 0);
	fault(&f, VM_FAULT_CALL, "is not a struct");
	fix_kfunc(&f, "bpf_obj_new_impl", 1ull << 32 | t.item, 0, 0);
	fault(&f, VM_FAULT_CALL, "is not a struct");
	done(&f);
}

static void test_per_cpu(void **state)
{
	struct fix f;
	uint64_t a, copy[FIX_CPUS];

	(void)state;
	setup(&f);
	a = fix_kfunc(&f, "bpf_percpu_obj_new_impl", t.item, 0, 0);
	assert_int_equal(f.vm->held_count, 2);
	assert_null(vm_read(f.vm, a, 1));
	fix_fault(&f);
	for (uint32_t i = 0; i < FIX_CPUS; i++) {
		copy[i] = fix_call(&f, 153, a, i, 0, 0);
		memset(vm_write(f.vm, copy[i], ITEM_SIZE), 1 + (int)i,
		       ITEM_SIZE);
		assert_null(vm_write(f.vm, copy[i], ITEM_SIZE + 1));
		fix_fault(&f);
		f.cpu = i;
		assert_int_equal(fix_call(&f, 154, a, 0, 0, 0), copy[i]);
	}
	for (uint32_t i = 0; i < FIX_CPUS; i++) {
		const unsigned char *p = vm_read(f.vm, copy[i], ITEM_SIZE);

		assert_int_equal(p[0], 1 + i);
		assert_int_equal(p[ITEM_SIZE - 1], 1 + i);
	}
	assert_int_equal(fix_call(&f, 153, a + 5, 1, 0, 0), copy[1] + 5);
	assert_int_equal(fix_call(&f, 153, a, FIX_CPUS, 0, 0), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_kfunc(&f, "bpf_obj_drop_impl", a, 0, 0);
	fault(&f, VM_FAULT_MEMORY, "per-CPU object where a object is wanted");
	fix_kfunc(&f, "bpf_percpu_obj_drop_impl", a, 0, 0);
	assert_int_equal(f.vm->held_count, 1);
	for (uint32_t i = 0; i < FIX_CPUS; i++)
		assert_null(vm_region(f.vm, vm_region_of(copy[i])));
	assert_null(vm_region(f.vm, vm_region_of(a)));
	fix_call(&f, 153, f.at, 0, 0, 0);
	fault(&f, VM_FAULT_CALL, "a per-CPU pointer is wanted, this is stack");
	fix_call(&f, 153, 1ull << 40, 0, 0, 0);
	fault(&f, VM_FAULT_CALL, "a per-CPU pointer is wanted, this is none");
	done(&f);
}

/* In a run, what has no count is dead at once, and what has one at the end. */
static void test_when_they_die(void **state)
{
	struct fix f;
	uint64_t a, b;

	(void)state;
	setup(&f);
	a = item_new(&f, 3);
	b = fix_kfunc(&f, "bpf_obj_new_impl", t.lone, 0, 0);
	fix_enter(&f);
	fix_kfunc(&f, "bpf_obj_drop_impl", a, 0, 0);
	fix_kfunc(&f, "bpf_obj_drop_impl", b, 0, 0);
	assert_int_equal(key_of(&f, a), 3);
	assert_null(vm_region(f.vm, vm_region_of(b)));
	/* Too late to hold it again. */
	assert_int_equal(fix_kfunc(&f, "bpf_refcount_acquire_impl", a, 0, 0),
			 0);
	fix_leave(&f);
	assert_null(vm_region(f.vm, vm_region_of(a)));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	/* What is never dropped goes with the machine. */
	item_new(&f, 4);
	fix_kfunc(&f, "bpf_percpu_obj_new_impl", t.item, 0, 0);
	done(&f);
}

/* ---- iterators --------------------------------------------------------- */

static void test_bits_beside_naive(void **state)
{
	uint64_t r = 3;
	struct fix f;

	(void)state;
	setup(&f);
	for (int turn = 0; turn < 300; turn++) {
		uint32_t words = 1 + (uint32_t)rnd(&r) % 4;
		uint64_t w[4], at, it = f.at + 33;
		int32_t n = -1, got;

		for (uint32_t i = 0; i < words; i++) {
			w[i] = rnd(&r) << 33 ^ rnd(&r);
			for (uint64_t k = rnd(&r) % 5; k; k--)
				w[i] &= rnd(&r) << 32 ^ rnd(&r);
		}
		assert_int_equal(fix_kfunc(&f, "bpf_iter_bits_new", it,
					   fix_put(&f, WORD, w, words * 8),
					   words),
				 0);
		do {
			at = fix_kfunc(&f, "bpf_iter_bits_next", it, 0, 0);
			for (n++; n < (int32_t)words * 64; n++)
				if (w[n / 64] >> n % 64 & 1)
					break;
			assert_int_equal(at != 0, n < (int32_t)words * 64);
			if (at) {
				memcpy(&got, vm_read(f.vm, at, 4), 4);
				assert_int_equal(got, n);
			}
		} while (at);
		fix_kfunc(&f, "bpf_iter_bits_destroy", it, 0, 0);
	}
	done(&f);
}

static void test_iterators_bounds(void **state)
{
	static const struct {
		uint32_t words;
		uint32_t at;
		uint64_t rc;
	} rows[] = {{0, 0, ERROR(EINVAL)},
		    {1, 0, 0},
		    {511, 0, 0},
		    {511, 8, 0},
		    {511, 9, ERROR(EFAULT)},
		    {512, 0, ERROR(E2BIG)},
		    {1, 4088, 0},
		    {1, 4089, ERROR(EFAULT)},
		    {2, 4088, ERROR(EFAULT)},
		    {1, 4096, ERROR(EFAULT)}};
	static const struct {
		int64_t start, end;
		uint64_t rc;
	} nums[] = {
		{0, 8 << 20, 0},	{0, (8 << 20) + 1, ERROR(E2BIG)},
		{-1, (8 << 20) - 1, 0}, {INT32_MIN, INT32_MAX, ERROR(E2BIG)},
		{1, 0, ERROR(EINVAL)},	{1, 1, 0}};
	struct fix f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char it[16];
		static const struct vm_kind stack = {.name = "stack"};
		uint64_t at = vm_addr(vm_region_new(
			f.vm, it, 16, VM_READ | VM_WRITE, &stack, NULL));

		if (fix_kfunc(&f, "bpf_iter_bits_new", at, f.at + rows[i].at,
			      rows[i].words) != rows[i].rc)
			fail_msg("row %zu", i);
		fix_kfunc(&f, "bpf_iter_bits_destroy", at, 0, 0);
		fix_kfunc(&f, "bpf_iter_bits_new", at + 1, f.at, 1);
		fault(&f, VM_FAULT_MEMORY, "write of 16 bytes");
		/* Its words were tampered with. */
		fix_kfunc(&f, "bpf_iter_bits_new", at, f.at, 1);
		memcpy(it + 8, &(uint32_t){512}, 4);
		fix_kfunc(&f, "bpf_iter_bits_next", at, 0, 0);
		fault(&f, VM_FAULT_CALL, "a broken iterator");
		fix_kfunc(&f, "bpf_iter_bits_destroy", at, 0, 0);
		vm_region_free(f.vm, vm_region_of(at));
	}
	for (size_t i = 0; i < ARRAY_LEN(nums); i++) {
		if (fix_kfunc(&f, "bpf_iter_num_new", f.at + 8,
			      (uint64_t)nums[i].start,
			      (uint64_t)nums[i].end) != nums[i].rc)
			fail_msg("numbers %zu", i);
		fix_kfunc(&f, "bpf_iter_num_destroy", f.at + 8, 0, 0);
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_beside_naive),
		cmocka_unit_test(test_lists_refuse),
		cmocka_unit_test(test_trees_beside_naive),
		cmocka_unit_test(test_trees_are_flat),
		cmocka_unit_test(test_trees_refuse),
		cmocka_unit_test(test_heads_in_maps),
		cmocka_unit_test(test_pointers_in_maps),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_per_cpu),
		cmocka_unit_test(test_when_they_die),
		cmocka_unit_test(test_bits_beside_naive),
		cmocka_unit_test(test_iterators_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
