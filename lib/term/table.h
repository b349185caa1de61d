/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table for people.
 *
 *     struct table *t = table_new();
 *     table_column(t, "group", TABLE_LEFT);
 *     table_column(t, "delay", TABLE_RIGHT);
 *     table_cell(t, "%s", comm);
 *     table_cell(t, "%s", num_us(a, delay));
 *     table_render(t, text_columns(1), &out);
 *     table_free(t);
 *
 * Cells fill the rows from left to right; their text is data and goes through
 * text_clean().
 */
#ifndef SCHEDKIT_TERM_TABLE_H
#define SCHEDKIT_TERM_TABLE_H

#include "base/buf.h"

enum table_style {
	TABLE_LEFT,  /* cut when the line is too short */
	TABLE_RIGHT, /* numbers: never cut */
	TABLE_WRAP,  /* sentences: goes on below, broken between words */
};

struct table;

struct table *table_new(void);
void table_free(struct table *t); /* NULL is fine */

/* All columns come before the first cell. */
void table_column(struct table *t, const char *title, enum table_style style);

void table_cell(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Adds the table to out, each line at most columns wide where the TABLE_LEFT
 * and TABLE_WRAP columns can give way (0: as wide as it gets).  A table whose
 * titles are all "" has no head.
 */
void table_render(const struct table *t, int columns, struct buf *out);

#endif
