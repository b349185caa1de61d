/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How rows are written; private to the schemas. */
#ifndef SCHEDKIT_DOC_SCHEMA_PARTS_H
#define SCHEDKIT_DOC_SCHEMA_PARTS_H

#include <float.h>

#include "doc/schema.h"

/* clang-format off */
#define WORDS(...) .words = (const char *const[]){__VA_ARGS__, NULL}
#define ROWS(...)  .members = (const struct rule[]){__VA_ARGS__, {0}}
/* clang-format on */
#define MUST .required = true

#define TEXT(k)		 .key = k, .shape = SHAPE_TEXT
#define WORD(k)		 .key = k, .shape = SHAPE_WORD
#define BOOL(k)		 .key = k, .shape = SHAPE_BOOL
#define HEX(k, n)	 .key = k, .shape = SHAPE_HEX, .min = n
#define ID(k)		 HEX(k, 64)
#define RANGE(k, lo, hi) .key = k, .shape = SHAPE_NUMBER, .min = lo, .max = hi
#define NUMBER(k)	 RANGE(k, -DBL_MAX, DBL_MAX)
#define POSITIVE(k)	 RANGE(k, 0, DBL_MAX)
#define PERCENT(k)	 RANGE(k, 0, 100)
#define WHOLE(k, lo)	 .key = k, .shape = SHAPE_WHOLE, .min = lo, .max = DBL_MAX
#define COUNT(k)	 WHOLE(k, 0)
#define LIST(k)		 .key = k, .shape = SHAPE_LIST, .max = DBL_MAX
#define PAIR(k)		 .key = k, .shape = SHAPE_LIST, .min = 2, .max = 2
#define CI95		 PAIR("ci95"), .members = open_number
#define MAP(k)		 .key = k, .shape = SHAPE_MAP
#define OBJECT(k)	 .key = k, .shape = SHAPE_OBJECT
#define HIST(k)		 OBJECT(k), .members = hist
#define BETTER		 WORD("better"), WORDS("higher", "lower")
#define FORM \
	WORD("form"), WORDS("params", "knobs", "external", "hooks", "source")
/* who thought of a policy */
#define SOURCE          \
	WORD("source"), \
		WORDS("rule", "neighbour", "optimiser", "model", "person")

static const struct rule anything[] = {{0}};
static const struct rule number[] = {{NUMBER(NULL), MUST}, {0}};
/* null where an interval has no end */
static const struct rule open_number[] = {{NUMBER(NULL)}, {0}};

extern const struct rule schema_note[];

#endif
