/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/strs.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void push(struct strs *l, char *s)
{
	if (l->len + 2 > l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->len++] = s;
	l->v[l->len] = NULL;
}

void strs_add(struct strs *l, const char *s)
{
	push(l, mem_strdup(s));
}

void strs_printf(struct strs *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	push(l, mem_vprintf(fmt, ap));
	va_end(ap);
}

bool strs_has(const struct strs *l, const char *s)
{
	for (size_t i = 0; i < l->len; i++)
		if (!strcmp(l->v[i], s))
			return true;
	return false;
}

void strs_add_once(struct strs *l, const char *s)
{
	if (!strs_has(l, s))
		strs_add(l, s);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strs_sort(struct strs *l)
{
	if (l->len)
		qsort(l->v, l->len, sizeof(*l->v), compare);
}

void strs_release(struct strs *l)
{
	for (size_t i = 0; i < l->len; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strs){0};
}
