/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpfvm/object_read.h"
#include "doc/utf8.h"

#define BLOCK_SIZE 16384
#define MAX_NAME   511 /* the kernel's KSYM_NAME_LEN */

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(16) unsigned char bytes[];
};

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t n;
	void *p;

	if (__builtin_mul_overflow(count, size, &n) || n > SIZE_MAX / 2)
		n = SIZE_MAX / 2; /* the allocation below says so */
	n = (n + 15) & ~(size_t)15;
	if (!b || n > b->size - b->used) {
		size_t room = n > BLOCK_SIZE ? n : BLOCK_SIZE;

		b = mem_zalloc(1, sizeof(*b) + room);
		b->size = room;
		b->next = a->blocks;
		a->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	return p;
}

void *arena_push(struct arena *a, void *array, size_t count, size_t size)
{
	void *bigger;

	/* It is full whenever the count is 0, 8, 16, 32 … */
	if (count && (count < 8 || (count & (count - 1))))
		return array;
	bigger = arena_alloc(a, count ? count * 2 : 8, size);
	if (count)
		memcpy(bigger, array, count * size);
	return bigger;
}

char *arena_text(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1, 1);
	size_t n, i = 0;
	uint32_t c;

	for (; i < len && s[i]; i += n) {
		n = utf8_decode(s + i, len - i, &c);
		if (!n || utf8_noncharacter(c)) {
			n = n ? n : 1;
			memset(copy + i, '?', n);
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			memset(copy + i, ' ', n);
		} else {
			memcpy(copy + i, s + i, n);
		}
	}
	return copy;
}

char *arena_name(struct arena *a, const char *s)
{
	return arena_text(a, s, strnlen(s, MAX_NAME));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *copy;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	copy = arena_alloc(a, (size_t)n + 1, 1);
	va_start(ap, fmt);
	vsnprintf(copy, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return copy;
}

void arena_release(struct arena *a)
{
	for (struct arena_block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = NULL;
}
