/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU files of one cgroup, set to what a program asks for from moment to
 * moment: each change in the journal before it is made, so knob_undo() is the
 * end of it.
 */
#ifndef SCHEDKIT_KNOB_TUNE_H
#define SCHEDKIT_KNOB_TUNE_H

#include "knob/hold.h"

/* Beside enum knob_bits, and in no policy: cpu.uclamp.min. */
#define KNOB_UCLAMP (KNOB_MAX << 1)
#define KNOB_TUNES  (KNOB_WEIGHT | KNOB_MAX | KNOB_CPUS | KNOB_UCLAMP)

/* What is to be of one cgroup; no pointers, for it goes over a socket. */
struct knob_tune {
	uint32_t size; /* of this */
	uint32_t may;  /* of KNOB_TUNES, what will be asked for */
	uint32_t set;  /* of these, what is to be; the others as they were */
	uint32_t cpu_weight;
	double cpu_max_pct;
	double uclamp_min_pct; /* 0 to 100 */
	uint64_t cpus[KNOBS_CPU_WORDS];
	char cgroup[KNOB_PATH_MAX]; /* as of struct knob_scope */
};

/* -EINVAL: not what an asker of this version writes, or out of range. */
int knob_tune_check(const struct knob_tune *t);

/*
 * Whether all that it may set is there: -ENOENT, -ENOTSUP name what is not;
 * and, if asked, whether this process may write it: -EPERM, -EROFS.
 */
int knob_tune_look(const struct knob_tune *t, bool to_write);

/*
 * Sets it.  -EEXIST: somebody else has changed a file meanwhile, which stays
 * theirs, or the kernel made something else of it; -ENOENT: the cgroup is gone.
 * After an error a part may be changed.
 */
int knob_tune_set(const struct knob_tune *t, struct knob_journal *j);

#endif
