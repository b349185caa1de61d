/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Abstract values: all that a register may hold on one path.
 *
 * A number is a set: a signed and an unsigned range and, as the kernel's own
 * verifier has it, bits that are known (value) and bits that are not (mask).
 * A pointer is an object and an offset, the fixed part of it and a number.
 */
#ifndef SCHEDKIT_PROVE_VALUE_H
#define SCHEDKIT_PROVE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

enum val_kind {
	VAL_NONE, /* nobody wrote it */
	VAL_NUM,
	VAL_CTX,
	VAL_STACK,  /* which: frame */
	VAL_MAP,    /* which: map */
	VAL_VALUE,  /* inside a value of map which */
	VAL_TASK,   /* a task_struct; id tells tasks apart */
	VAL_MASK,   /* a cpumask; of the task id, if VAL_OF_P */
	VAL_OBJECT, /* some kernel object */
	VAL_MEM,    /* memory of `size` bytes, 0: not known */
	VAL_COUNT,  /* what a numeric iterator points to; the range is num's */
	VAL_FUNC,   /* which: function */
	VAL_SYMBOL, /* which: extern; NULL if it is not there */
	VAL_ITER,   /* on the stack: an iterator; a number: queue or index */
	VAL_ANY,    /* number or pointer */
};

enum val_flag {
	VAL_NULLABLE = 1,   /* a pointer that may be NULL */
	VAL_OF_P = 2,	    /* the enqueued task, or made of it */
	VAL_IS_P = 4,	    /* exactly the enqueued task */
	VAL_LITERAL = 16,   /* as the instruction has it: perhaps CO-RE's */
	VAL_DOUBTED = 32,   /* a CPU that may not be allowed any more */
	VAL_UNTRUSTED = 64, /* reading through NULL reads 0 */
	VAL_WILD = 128,	    /* the offset is not known */
};

/* What kind of thing a number names, for "the queue of the CPU". */
enum val_sort {
	SORT_NONE,
	SORT_CPU,
	SORT_LOAD,  /* which: map, at: offset in it */
	SORT_FIELD, /* at: offset in the task_struct */
	SORT_COUNT, /* of a loop */
	SORT_MADE,  /* computed of another; which and at: how */
	SORT_OTHER, /* only its id is known */
};

struct num {
	uint64_t umin, umax;
	int64_t smin, smax;
	uint64_t value, mask;
};

/* number = base + a thing of that sort */
struct sym {
	uint8_t sort; /* enum val_sort */
	uint16_t which;
	uint32_t at;
	uint32_t id; /* of the number that was the thing alone */
	uint64_t base;
};

struct val {
	uint8_t kind;
	uint8_t flags;
	int8_t time; /* 1: grows with the clock, -1: shrinks */
	uint16_t which;
	uint32_t id;	 /* the same for values that are equal; 0: no other */
	uint32_t site;	 /* instruction that made it + 1 */
	uint32_t origin; /* of numbers: see ORIGIN_*; 0: nothing known */
	uint32_t size;	 /* VAL_MEM */
	uint32_t depth;	 /* VAL_ITER: how often round */
	/* 1 if this CPU may run that task, by their ids; 0: no such test */
	uint32_t test_cpu, test_task;
	int64_t off;
	struct num n; /* pointers: the part of the offset that varies */
	struct sym sym;
};

/* ---- numbers ---------------------------------------------------------- */

struct num num_const(uint64_t v);
struct num num_any(unsigned bytes);
struct num num_range(uint64_t umin, uint64_t umax);
struct num num_srange(int64_t smin, int64_t smax);

static inline bool num_is_const(const struct num *n)
{
	return n->umin == n->umax;
}

/* Brings the parts into line.  false: the set is empty. */
bool num_sync(struct num *n);
bool num_meet(struct num *a, const struct num *b);
struct num num_hull(const struct num *a, const struct num *b);
/* What grew from a to b is unbounded on that side. */
struct num num_widen(const struct num *a, const struct num *b);
bool num_within(const struct num *small, const struct num *big);
bool num_equal(const struct num *a, const struct num *b);
struct num num_trunc(const struct num *n, unsigned bytes);
struct num num_sign_extend(const struct num *n, unsigned bytes);
/* op: BPF_ADD … */
struct num num_alu(uint8_t op, const struct num *a, const struct num *b,
		   bool is32, bool is_signed);
/*
 * What a and b can be where `a op b` holds.  false: it cannot hold.  op: a
 * comparison, one of BPF_JEQ, BPF_JNE, …, BPF_JSET, or JUMP_NSET.
 */
#define JUMP_NSET 0xff
bool num_refine(uint8_t op, struct num *a, struct num *b, bool is32);
uint8_t num_negated(uint8_t op);

/* ---- values ----------------------------------------------------------- */

struct val val_num(struct num n);
struct val val_const(uint64_t v);

static inline bool val_is_const(const struct val *v)
{
	return v->kind == VAL_NUM && num_is_const(&v->n);
}

static inline bool val_is_pointer(const struct val *v)
{
	return v->kind >= VAL_CTX && v->kind <= VAL_SYMBOL;
}

#endif
