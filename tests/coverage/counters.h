/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the counters of "make coverage" are, for both sides of a guest. */
#ifndef SCHEDKIT_TESTS_COVERAGE_COUNTERS_H
#define SCHEDKIT_TESTS_COVERAGE_COUNTERS_H

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The compiler's: what -fprofile-instr-generate was given, FOLDER/%m%c… */
extern const char __llvm_profile_filename[];

/* FOLDER and what is added to it. */
static inline void counters_path(char out[static PATH_MAX], const char *added)
{
	const char *name = __llvm_profile_filename;

	snprintf(out, PATH_MAX, "%.*s%s", (int)(strrchr(name, '/') - name),
		 name, added);
}

/* In a guest's cell, and in the guest: a folder that is this guest's. */
#define COUNTERS_OF_GUEST "/guests"

#endif
