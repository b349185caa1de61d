/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boxes: what programs allocate and count references to (objects of their own
 * types, CPU masks), and the lists and trees that objects are linked into.
 *
 * A program sees a box as a region; links are kept beside its bytes, not in
 * them, so that nothing written there can lead astray.
 */
#ifndef SCHEDKIT_BPFVM_BOX_H
#define SCHEDKIT_BPFVM_BOX_H

#include "bpfvm/map.h"

extern const struct vm_kind box_mask_kind;
extern const struct vm_kind box_object_kind;

struct head;

/* One node of an object, at `offset` of its bytes. */
struct link {
	struct box *box;
	uint32_t offset;
	struct link *more;  /* of the same box */
	struct head *head;  /* NULL: not linked */
	struct link *up;    /* trees */
	struct link *to[2]; /* trees: left, right; lists: before, after */
	uint64_t priority;  /* trees: no node has a higher one above it */
};

/* A struct that was asked for once. */
struct box_type {
	struct box_type *next;
	uint32_t id, size;
	struct object_field *fields;
	size_t field_count;
	bool counted; /* has a struct bpf_refcount: dies as under RCU */
};

struct box {
	struct dead dead; /* first */
	struct box *next, **in;
	uint32_t region, refs, size;
	const struct box_type *type; /* NULL: only bytes */
	bool gone;		     /* its region is freed already */
	uint32_t *cpus;		     /* a per-CPU object: its regions */
	struct link *links;
	uint64_t bytes[];
};

/* A list or a tree; its first bytes hold a number + 1 in own.heads. */
struct head {
	uint64_t addr;
	uint32_t id;
	bool tree;
	struct link *end[2]; /* list: first, last; tree: root, nothing */
};

struct box *box_new(struct vm *vm, const struct vm_kind *kind, uint32_t size);
/* One reference less; the last one frees it. */
void box_put(struct vm *vm, struct box *b);

/* The node that a program's pointer names: made when first asked for.  NULL: a
 * fault. */
struct link *link_arg(struct vm *vm, uint64_t node);
/* What the program is given; 0 for NULL. */
uint64_t link_addr(const struct link *l);
/* The list or tree at addr, made when first asked for.  NULL: a fault; also if
 * no lock is held, or this is a tree's own comparison. */
struct head *head_arg(struct vm *vm, uint64_t addr, bool tree);
/* Takes the program's reference for a collection: 0; -EINVAL: l is in one
 * already, and the reference is gone; -EFAULT: a fault. */
int link_take(struct vm *vm, struct link *l);
/* A collection's reference becomes the program's: the node's address. */
uint64_t link_give(struct vm *vm, struct link *l);

void list_unlink(struct link *l);
void tree_unlink(struct link *l);

#endif
