/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation that never returns NULL.
 *
 * Everything that an outsider can make large has a ceiling (buffers, lines,
 * documents), so running out of memory is a fault of the machine: the process
 * says so on standard error and aborts.  Free with free(3).
 */
#ifndef SCHEDKIT_BASE_MEM_H
#define SCHEDKIT_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

void *mem_zalloc(size_t count, size_t size);
void *mem_realloc(void *p, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap)
	__attribute__((format(printf, 1, 0)));

/* To the kernel, what was freed and malloc(3) keeps for later: for what lives
 * long, and was made large for a moment by somebody else. */
void mem_give_back(void);

#endif
