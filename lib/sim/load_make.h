/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the makers of loads have in common; private to lib/sim/load*.c. */
#ifndef SCHEDKIT_SIM_LOAD_MAKE_H
#define SCHEDKIT_SIM_LOAD_MAKE_H

#include "sim/load.h"

/* Ceilings for what comes from outside. */
#define LOAD_MAX_TASKS	   (1u << 16)
#define LOAD_MAX_OPS	   (1u << 24) /* of one task */
#define LOAD_MAX_INSTANCES (1u << 20) /* of all tasks together */
#define LOAD_MAX_NS	   (1ull << 56)

/* A time that was reckoned from somebody's figures: none below 0, none above
 * LOAD_MAX_NS, and what is no number is 0. */
uint64_t load_ns(double ns);

/* An instruction that takes `ns`. */
void load_op_ns(struct load *l, uint32_t task, enum load_what what,
		uint64_t ns);
/* An instruction about object obj. */
void load_op_obj(struct load *l, uint32_t task, enum load_what what,
		 uint32_t obj);
/* Back to instruction `to`, n times in all. */
void load_op_loop(struct load *l, uint32_t task, size_t to, int32_t n);
void load_add_event(struct load *l, uint64_t at_ns, enum load_event_what what,
		    uint32_t cpu);
/* Says it once. */
void load_note(struct load *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
