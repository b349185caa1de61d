/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "term/text.h"

#define MAX_COLUMNS 24
#define MAX_CELL    (1u << 14)
#define GAP	    2
#define NARROWEST   8 /* a column that gives way keeps this much */

struct table {
	struct {
		char *title;
		enum table_style style;
	} column[MAX_COLUMNS];
	size_t columns;
	char **cell; /* cleaned */
	size_t cells, cap;
};

struct table *table_new(void)
{
	return mem_zalloc(1, sizeof(struct table));
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->columns; i++)
		free(t->column[i].title);
	for (size_t i = 0; i < t->cells; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}

void table_column(struct table *t, const char *title, enum table_style style)
{
	if (t->columns == MAX_COLUMNS)
		return;
	t->column[t->columns].title = mem_strdup(title);
	t->column[t->columns].style = style;
	t->columns++;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	struct buf clean;
	char *raw;
	va_list ap;

	va_start(ap, fmt);
	raw = mem_vprintf(fmt, ap);
	va_end(ap);
	buf_init(&clean, MAX_CELL);
	text_clean(&clean, raw, 0);
	free(raw);
	if (t->cells == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cell = mem_realloc(t->cell, t->cap, sizeof(*t->cell));
	}
	t->cell[t->cells++] = buf_take(&clean);
}

static void widths(const struct table *t, size_t *w)
{
	for (size_t c = 0; c < t->columns; c++)
		w[c] = text_width(t->column[c].title);
	for (size_t i = 0; i < t->cells; i++) {
		size_t n = text_width(t->cell[i]);

		if (n > w[i % t->columns])
			w[i % t->columns] = n;
	}
}

/* Takes columns from the widest that can give way until the line fits. */
static void squeeze(const struct table *t, size_t *w, size_t limit)
{
	size_t total = GAP * (t->columns - 1);

	for (size_t c = 0; c < t->columns; c++)
		total += w[c];
	while (total > limit) {
		size_t widest = t->columns;

		for (size_t c = 0; c < t->columns; c++) {
			if (t->column[c].style == TABLE_RIGHT ||
			    w[c] <= NARROWEST)
				continue;
			if (widest == t->columns || w[c] > w[widest])
				widest = c;
		}
		if (widest == t->columns)
			return;
		w[widest]--;
		total--;
	}
}

static void pad(struct buf *out, size_t n)
{
	while (n--)
		buf_puts(out, " ");
}

/*
 * How many bytes of s go on this line of a wrapped cell: as many words as
 * fit, or as much of one word as fits.
 */
static size_t line_length(const char *s, size_t width)
{
	size_t best = 0, len = strlen(s);

	for (size_t n = 1; n <= len; n++) {
		char *head;
		size_t w;

		if ((s[n] & 0xc0) == 0x80) /* inside a character */
			continue;
		head = mem_strndup(s, n);
		w = text_width(head);
		free(head);
		if (w > width)
			return best ? best : n;
		if (s[n] == ' ' || s[n] == '\0')
			best = n;
		else if (!best && w == width)
			return n;
	}
	return len;
}

/* One line of one cell; returns what is left for the lines below. */
static const char *cell_line(const struct table *t, size_t c, const char *s,
			     size_t width, struct buf *out)
{
	enum table_style style = t->column[c].style;
	size_t n = style == TABLE_WRAP ? line_length(s, width) : strlen(s);
	char *part = mem_strndup(s, n);
	size_t used;

	if (style == TABLE_RIGHT) {
		used = text_width(part);
		pad(out, width > used ? width - used : 0);
		buf_puts(out, part);
	} else {
		size_t before = out->len;

		text_clean(out, part, style == TABLE_LEFT ? width : 0);
		used = before < out->len ? text_width(out->data + before) : 0;
		if (c + 1 < t->columns)
			pad(out, width > used ? width - used : 0);
	}
	free(part);
	s += n;
	while (*s == ' ')
		s++;
	return *s && style == TABLE_WRAP ? s : "";
}

static void trim(struct buf *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	buf_puts(out, "\n");
}

static void row(const struct table *t, const char **left, const size_t *w,
		struct buf *out)
{
	bool more = true;

	while (more && !out->truncated) {
		more = false;
		for (size_t c = 0; c < t->columns; c++) {
			if (c)
				pad(out, GAP);
			left[c] = cell_line(t, c, left[c], w[c], out);
			more = more || *left[c];
		}
		trim(out);
	}
}

void table_render(const struct table *t, int columns, struct buf *out)
{
	const char *left[MAX_COLUMNS];
	size_t w[MAX_COLUMNS];
	bool head = false;

	if (!t->columns)
		return;
	widths(t, w);
	if (columns > 0)
		squeeze(t, w, (size_t)columns);
	for (size_t c = 0; c < t->columns; c++) {
		left[c] = t->column[c].title;
		head = head || *left[c];
	}
	if (head)
		row(t, left, w, out);
	for (size_t i = 0; i + t->columns <= t->cells; i += t->columns) {
		for (size_t c = 0; c < t->columns; c++)
			left[c] = t->cell[i + c];
		row(t, left, w, out);
	}
}
