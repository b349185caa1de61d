/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that nobody can guess. */
#ifndef SCHEDKIT_BASE_RANDOM_H
#define SCHEDKIT_BASE_RANDOM_H

#include <stddef.h>

/* Fills out with hexadecimal digits and a NUL, size bytes in all, an odd
 * number.  A kernel that has no random numbers is the end of the process. */
void random_hex(char *out, size_t size);

#endif
