/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of strings it owns, NULL-terminated for execvp(3). */
#ifndef SCHEDKIT_BASE_STRS_H
#define SCHEDKIT_BASE_STRS_H

#include <stdbool.h>
#include <stddef.h>

struct strs {
	char **v; /* NULL, or len strings and a NULL */
	size_t len;
	size_t cap;
};

void strs_add(struct strs *l, const char *s);
void strs_printf(struct strs *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool strs_has(const struct strs *l, const char *s);
void strs_add_once(struct strs *l, const char *s); /* unless it has it */
/* By bytes, whatever the locale. */
void strs_sort(struct strs *l);
void strs_release(struct strs *l); /* safe on a zeroed list */

#endif
