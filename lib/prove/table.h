/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the analysis knows of helpers and kfuncs. */
#ifndef SCHEDKIT_PROVE_TABLE_H
#define SCHEDKIT_PROVE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* What R0 is afterwards. */
enum call_ret {
	RET_NUM,
	RET_ANY,
	RET_BOOL,
	RET_STATUS,  /* 0 or a negative errno */
	RET_CPU,     /* a CPU */
	RET_CPU_ERR, /* a CPU or a negative errno */
	RET_NOW,
	RET_TASK,
	RET_TASK_NULL,
	RET_MASK,
	RET_OBJECT,
	RET_OBJECT_NULL,
	RET_VALUE_NULL, /* of the map in R1 */
	RET_MEM_NULL,	/* R2 bytes */
	RET_SAME_NULL,	/* what R1 is, if it can be had */
};

enum call_act {
	ACT_NONE,
	ACT_INSERT,	  /* p, queue, slice, flags */
	ACT_INSERT_VTIME, /* p, queue, slice, vtime, flags */
	ACT_INSERT_ARGS,  /* p, a struct of the rest */
	ACT_MOVE,	  /* iterator, p, queue, flags */
	ACT_TAKE,	  /* queue */
	ACT_CREATE,	  /* queue, node */
	ACT_KICK,	  /* cpu, flags */
	ACT_SET_SLICE,	  /* p, slice */
	ACT_SET_VTIME,	  /* p, vtime */
	ACT_TEST_CPU,	  /* cpu, mask */
	ACT_OF_MASK,	  /* the CPU comes from the mask in arg */
	ACT_OF_TASK,	  /* the CPU is one of the task in R1 */
	ACT_LOOKUP,	  /* map, key */
	ACT_PUSH,	  /* map, value; may fail */
	ACT_POP,	  /* map, value */
	ACT_PEEK,
	ACT_UPDATE, /* map, key, value; may fail */
	ACT_XCHG,   /* field, pointer */
	ACT_NODE,   /* list and tree: root, node */
	ACT_OUTPUT, /* ring buffer: data */
	ACT_FILL,   /* R1 is written, R2 bytes */
	ACT_LOOP,   /* count, function, its argument */
	ACT_EACH,   /* map, function, its argument */
	ACT_TIMER,  /* timer, function */
	ACT_WORK,   /* the same, and it may sleep */
	ACT_ITER_NEW,
	ACT_ITER_NEXT,
	ACT_ITER_END,
	ACT_ERROR, /* the policy ends itself */
};

struct call_row {
	const char *name;
	uint16_t helper; /* number; 0: a kfunc */
	uint8_t ret;
	uint8_t act;
	uint8_t arg;	 /* of ACT_OF_MASK: from 0 */
	uint8_t needs;	 /* bits: arguments that must not be NULL */
	uint16_t places; /* 0: anywhere */
	bool sleeps;
	bool guard; /* not every kernel from 6.16 on has it */
};

const struct call_row *call_helper(uint32_t number);
/* By its name without flavour; NULL: unknown. */
const struct call_row *call_kfunc(const char *name);
bool call_inserts(const struct call_row *row);

#endif
