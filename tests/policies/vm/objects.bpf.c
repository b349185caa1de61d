/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs for the tests of the virtual machine: objects, lists, trees, kptrs,
 * timers, storage.  Each answers 0 if all is well, else the number of the
 * check that failed; those called leak_* and bad_* must not get away with it.
 */
#include "scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define __contains(name, node) \
	__attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
struct bpf_refcount {
	u32 __opaque[1];
} __attribute__((aligned(4)));

extern void *bpf_refcount_acquire_impl(void *p, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *head,
				    struct bpf_list_node *node, void *meta,
				    u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head,
				   struct bpf_list_node *node, void *meta,
				   u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(
	struct bpf_list_head *head) __ksym;
extern struct bpf_list_node *bpf_list_pop_back(
	struct bpf_list_head *head) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;

struct item {
	u64 key;
	struct bpf_list_node list;
	struct bpf_rb_node tree;
	struct bpf_refcount refs;
};

struct lone {
	u64 key;
	struct bpf_list_node list;
};

struct held {
	u64 x;
	struct bpf_cpumask __kptr *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct held);
} masks SEC(".maps");

private(A) struct bpf_spin_lock lock;
private(A) struct bpf_list_head queue __contains(item, list);
private(A) struct bpf_rb_root tree __contains(item, tree);
private(B) struct bpf_spin_lock other_lock;
private(B) struct bpf_list_head lones __contains(lone, list);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, tree)->key <
	       container_of(b, struct item, tree)->key;
}

static int pop_key(bool back)
{
	struct bpf_list_node *n;
	struct item *it;
	int key;

	bpf_spin_lock(&lock);
	n = back ? bpf_list_pop_back(&queue) : bpf_list_pop_front(&queue);
	bpf_spin_unlock(&lock);
	if (!n)
		return -1;
	it = container_of(n, struct item, list);
	key = it->key;
	bpf_obj_drop(it);
	return key;
}

SEC("syscall")
int list_order(void *ctx)
{
	for (int i = 1; i <= 4; i++) {
		struct item *it = bpf_obj_new(struct item);

		if (!it)
			return 1;
		it->key = i;
		bpf_spin_lock(&lock);
		if (i & 1)
			bpf_list_push_front_impl(&queue, &it->list, NULL, 0);
		else
			bpf_list_push_back_impl(&queue, &it->list, NULL, 0);
		bpf_spin_unlock(&lock);
	}
	/* 3 1 2 4 */
	if (pop_key(false) != 3)
		return 2;
	if (pop_key(true) != 4)
		return 3;
	if (pop_key(true) != 2)
		return 4;
	if (pop_key(true) != 1)
		return 5;
	return pop_key(false) == -1 ? 0 : 6;
}

SEC("syscall")
int tree_order(void *ctx)
{
	struct bpf_rb_node *n;
	struct item *it;
	u64 last = 0;

	for (u32 i = 0; i < 100; i++) {
		it = bpf_obj_new(struct item);
		if (!it)
			return 1;
		it->key = i * 37 % 101;
		bpf_spin_lock(&lock);
		bpf_rbtree_add(&tree, &it->tree, less);
		bpf_spin_unlock(&lock);
	}
	for (u32 i = 0; i < 100; i++) {
		bpf_spin_lock(&lock);
		n = bpf_rbtree_first(&tree);
		if (n)
			n = bpf_rbtree_remove(&tree, n);
		bpf_spin_unlock(&lock);
		if (!n)
			return 2;
		it = container_of(n, struct item, tree);
		if (i && it->key <= last)
			return 3;
		last = it->key;
		bpf_obj_drop(it);
	}
	return 0;
}

/* In both at once; added to the tree twice. */
SEC("syscall")
int shared(void *ctx)
{
	struct item *it = bpf_obj_new(struct item), *second, *third;
	struct bpf_rb_node *n;
	int rc;

	if (!it)
		return 1;
	it->key = 7;
	second = bpf_refcount_acquire_impl(it, NULL);
	third = bpf_refcount_acquire_impl(it, NULL);
	bpf_spin_lock(&lock);
	bpf_list_push_back_impl(&queue, &it->list, NULL, 0);
	bpf_rbtree_add(&tree, &second->tree, less);
	rc = bpf_rbtree_add(&tree, &third->tree, less);
	bpf_spin_unlock(&lock);
	if (!rc)
		return 2;
	if (pop_key(false) != 7)
		return 3;
	bpf_spin_lock(&lock);
	n = bpf_rbtree_first(&tree);
	if (n)
		n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&lock);
	if (!n)
		return 4;
	it = container_of(n, struct item, tree);
	rc = it->key == 7 ? 0 : 5;
	bpf_obj_drop(it);
	return rc;
}

/* Left in their places for the end of the machine to clean up. */
SEC("syscall")
int kept(void *ctx)
{
	struct held init = {}, *v;
	struct bpf_cpumask *m = bpf_cpumask_create();
	struct item *it = bpf_obj_new(struct item);
	u32 key = 1;

	if (!m || !it)
		return 1;
	bpf_cpumask_set_cpu(1, m);
	bpf_map_update_elem(&masks, &key, &init, BPF_ANY);
	v = bpf_map_lookup_elem(&masks, &key);
	if (!v)
		return 2;
	m = bpf_kptr_xchg(&v->mask, m);
	if (m)
		return 3;
	if (bpf_cpumask_weight((const void *)v->mask) != 1)
		return 4;
	bpf_spin_lock(&lock);
	bpf_rbtree_add(&tree, &it->tree, less);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("syscall")
int leak_mask(void *ctx)
{
	return !bpf_cpumask_create();
}

SEC("syscall")
int leak_object(void *ctx)
{
	return !bpf_obj_new(struct item);
}

SEC("syscall")
int leak_lock(void *ctx)
{
	bpf_spin_lock(&lock);
	return 0;
}

SEC("syscall")
int leak_rcu(void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("syscall")
int bad_unlocked(void *ctx)
{
	return bpf_list_pop_front(&queue) != NULL;
}

SEC("syscall")
int bad_dropped(void *ctx)
{
	struct lone *l = bpf_obj_new(struct lone);

	if (!l)
		return 1;
	bpf_obj_drop(l);
	return l->key;
}

SEC("syscall")
int bad_double_lock(void *ctx)
{
	bpf_spin_lock(&lock);
	bpf_spin_lock(&other_lock);
	bpf_spin_unlock(&other_lock);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("syscall")
int bad_add_twice(void *ctx)
{
	struct lone *l = bpf_obj_new(struct lone);

	if (!l)
		return 1;
	bpf_spin_lock(&other_lock);
	bpf_list_push_back_impl(&lones, &l->list, NULL, 0);
	bpf_list_push_back_impl(&lones, &l->list, NULL, 0);
	bpf_spin_unlock(&other_lock);
	return 0;
}

SEC("syscall")
int bad_node(void *ctx)
{
	struct lone *l = bpf_obj_new(struct lone);

	if (!l)
		return 1;
	bpf_spin_lock(&other_lock);
	bpf_list_push_back_impl(&lones, (void *)l, NULL, 0);
	bpf_spin_unlock(&other_lock);
	return 0;
}
