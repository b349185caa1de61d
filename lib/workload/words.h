/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command line in one string, taken apart without a shell: blanks separate,
 * '…' and "…" keep together, a backslash takes the next character as it is
 * (not inside '…').  Nothing is expanded.
 */
#ifndef SCHEDKIT_WORKLOAD_WORDS_H
#define SCHEDKIT_WORKLOAD_WORDS_H

#include "base/strs.h"

/* Adds the words to out.  -EINVAL: a quote is not closed. */
int words_split(const char *text, struct strs *out);

#endif
