/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the virtual machine share; nobody outside lib/bpfvm
 * includes it.
 *
 *   vm.c       makes and frees, runs
 *   vm_fault.c faults, and what a run holds
 *   memory.c   regions
 *   calls.c    sets of helpers and kfuncs
 *   decode.c   from an object's instructions to struct vm_op
 *   exec.c     runs those
 *   map*.c     maps: struct vm_map_ops for each type
 *   helper*.c, kfunc*.c   the rows of vm_calls_core
 */
#ifndef SCHEDKIT_BPFVM_VM_STATE_H
#define SCHEDKIT_BPFVM_VM_STATE_H

#include "bpfvm/vm.h"

#define VM_STACK_SIZE 512
#define VM_MAX_FRAMES 64 /* of all runs that are nested in each other */
#define VM_DEPTH      8
#define VM_INSNS      (1u << 20)
#define VM_MAY_GOTO   (8u << 20) /* the kernel's BPF_MAX_LOOPS */

/* ---- maps: made by map.c ---------------------------------------------- */

struct vm_map;

/* Keys and values are the host's bytes of key_size and value_size, already
 * checked; errors are negative errno.  NULL: -EOPNOTSUPP. */
struct vm_map_ops {
	/* The address of the value, 0: none.  cpu: of per-CPU maps. */
	uint64_t (*lookup)(struct vm *vm, struct vm_map *m, const void *key,
			   uint32_t cpu);
	/* cpu: of per-CPU maps. */
	int (*update)(struct vm *vm, struct vm_map *m, const void *key,
		      const void *value, uint64_t flags, uint32_t cpu);
	int (*remove)(struct vm *vm, struct vm_map *m, const void *key);
	/* Queues, stacks and filters, which have no keys. */
	int (*push)(struct vm *vm, struct vm_map *m, const void *value,
		    uint64_t flags);
	int (*take)(struct vm *vm, struct vm_map *m, void *value, bool pop);
	/* The key and the value's address of one after the other, in an order
	 * that is always the same; *at is 0 at first.  false: no more. */
	bool (*walk)(struct vm *vm, struct vm_map *m, uintptr_t *at, void *key,
		     uint64_t *value, uint32_t cpu);
	/* The key of a value by its address; false: not a value now. */
	bool (*key_of)(struct vm *vm, struct vm_map *m, uint64_t value,
		       void *key);
	/* Local storage: the owner of `value` goes.  Releases what the value
	 * holds and its bytes; the region itself is freed afterwards. */
	void (*slot_gone)(struct vm *vm, struct vm_map *m, uint32_t value);
	void (*release)(struct vm *vm, struct vm_map *m);
};

struct vm_map {
	const struct object_map *def;
	int index;
	const struct vm_map_ops *ops; /* NULL: is_struct_ops */
	/* A region without rights, kind vm_map_kind, owner this: what programs
	 * hold as a `struct bpf_map *`. */
	uint32_t handle;
	/* The first of its values, for INSN_MAP_VALUE; 0: cannot be named. */
	uint32_t values;
	bool by_cpu; /* every CPU has values of its own */
	int slot;    /* local storage: number in vm_region.slots; else -1 */
	void *state; /* the type's own */
};

extern const struct vm_kind vm_map_kind;

/* Fills vm->maps[index] (zeroed, def, index and slot -1 are set).  -ENOTSUP:
 * a type that is not known, with a message. */
int vm_map_new(struct vm *vm, int index);
void vm_map_free(struct vm *vm, struct vm_map *m);
/* Frees vm->own, what helpers and kfuncs keep; called before the maps go. */
void vm_own_free(struct vm *vm);
/* The outermost run ends, before what is still held is looked at: elements
 * that it deleted are dead from here on. */
void vm_run_ended(struct vm *vm);
/* Are these bytes of the arena's region in pages that were allocated? */
bool vm_arena_has(const struct vm *vm, uint32_t offset, uint32_t len);

/* Local storage: a slot number for a map; put `value` into that slot of a
 * region (0: empty it, the caller frees the old one). */
int vm_slot_new(struct vm *vm, struct vm_map *m);
void vm_slot_set(struct vm *vm, uint32_t region, int slot, uint32_t value);

/* A function as programs hold it, and its index again; -1: not one, a fault. */
static inline uint64_t vm_func_addr(int func)
{
	return 1ull << 63 | (uint64_t)func;
}
int vm_func(struct vm *vm, uint64_t addr);

/* ---- what a run holds ------------------------------------------------- */

enum vm_held_kind {
	HELD_REF,     /* addr: the object */
	HELD_ITER,    /* addr: the iterator on the stack */
	HELD_LOCK,    /* addr: the lock */
	HELD_RCU,     /* addr 0; counted by being held several times */
	HELD_PREEMPT, /* addr 0 */
	HELD_IRQ,     /* addr: where the flags are kept */
};

struct vm_held {
	enum vm_held_kind kind;
	uint64_t addr;
	uint32_t insn; /* that took it */
};

/* Whatever is held when the outermost run ends is a VM_FAULT_LEAK. */
void vm_hold(struct vm *vm, enum vm_held_kind kind, uint64_t addr);
bool vm_unhold(struct vm *vm, enum vm_held_kind kind, uint64_t addr);
bool vm_holds(const struct vm *vm, enum vm_held_kind kind, uint64_t addr);
uint32_t vm_holds_any(const struct vm *vm, enum vm_held_kind kind); /* count */

/* ---- the machine ------------------------------------------------------ */

/*
 * One instruction, decoded; as many and in the same order as in the object
 * (the second half of an ld_imm64 carries its value), and one more that is run
 * when control falls off the end.
 */
struct vm_op {
	const void *go; /* label in exec.c */
	union {
		struct {
			uint8_t dst, src;
			int16_t off;
			int32_t imm;
		};
		vm_fn fn;	 /* VM_OP_CALL */
		const char *why; /* VM_OP_BAD */
		uint64_t wide;
	};
};

#define VM_OP_BYTES ((int64_t)sizeof(struct vm_op))

/* A call that is not finished. */
struct vm_frame {
	const struct vm_op *ret;
	uint64_t saved[4]; /* the caller's r6 … r9 */
	uint32_t may_goto; /* how often it may still go on */
};

struct vm {
	const struct object *object;
	const struct vm_calls *calls;
	const struct vm_host *host;
	struct vm_limits limits;
	struct vm_memory memory;
	struct vm_map *maps;	   /* object->map_count */
	struct vm_map **slot_maps; /* by slot number */
	int slot_count;
	/* Region of the arena's map; 0: none.  It has no rights of its own, so
	 * that every access takes the way that looks at its pages. */
	uint32_t arena;
	void *own; /* what helpers and kfuncs keep, theirs */

	struct vm_op *code; /* object->insn_count + 1 */

	/* Frame i's stack is region stack + i, and the context of the run
	 * that i others wait for is region context + i; dead while not in
	 * use. */
	unsigned char *stacks;
	uint32_t stack, context;
	struct vm_frame frames[VM_MAX_FRAMES];
	uint32_t depth;	      /* frames in use */
	uint32_t depth_limit; /* for the program that runs */
	uint32_t runs;	      /* nested */
	int entry; /* function the outermost run began with; -1: no run */

	/*
	 * The budget is counted by where the program stands: at pc there are
	 * (slack - pc) bytes of struct vm_op left, and a jump moves both.  So
	 * instructions that do not jump cost no counting.  Both are valid while
	 * a helper runs; pc is NULL when nothing does.
	 */
	const struct vm_op *pc;
	intptr_t slack;
	int64_t left; /* bytes, into and out of vm_exec() */
	uint64_t insns, insns_last;
	struct vm_fault fault;
	struct vm_held *held;
	uint32_t held_count, held_cap;
};

/* decode.c: fills vm->code; an instruction that is none is decoded to one that
 * faults.  -ENOTSUP: calls something that is not there. */
int vm_decode(struct vm *vm);

/* exec.c: runs from instruction `first` with R1 … R5 = args in a new frame;
 * -EFAULT. */
int vm_exec(struct vm *vm, uint32_t first, const uint64_t args[5],
	    uint64_t *r0);
/* The value of vm_op.go for an enum vm_op_code. */
const void *vm_exec_label(int op);

/* vm_fault.c: sets the fault of an access that is none; returns NULL. */
void *vm_fault_access(struct vm *vm, uint64_t addr, uint32_t len,
		      uint32_t perm);

#endif
