/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form of a body, one row per key.
 *
 * Keys without a row are allowed everywhere; null in a key or an element that
 * is not required stands for an absent one.
 *
 * To add a key: a row in lib/doc/schema.c or schema_note.c, an .It in the
 * kind's man page.
 */
#ifndef SCHEDKIT_DOC_SCHEMA_H
#define SCHEDKIT_DOC_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "doc/json.h"

enum shape {
	SHAPE_END, /* closes the rows */
	SHAPE_TEXT,
	SHAPE_WORD, /* one of words */
	SHAPE_HEX,  /* as many lower-case hexadecimal digits as min says */
	SHAPE_BOOL,
	SHAPE_NUMBER, /* min <= x <= max */
	SHAPE_WHOLE,  /* likewise, without a fraction */
	SHAPE_SCALAR, /* text, bool or number */
	SHAPE_OBJECT, /* of members */
	SHAPE_LIST,   /* of what members[0] says; min to max of them */
	SHAPE_MAP,    /* any key, values as members[0] says */
};

struct rule {
	const char *key; /* NULL in members of a list or a map */
	enum shape shape;
	bool required;
	double min, max;
	const char *const *words;
	const struct rule *members;
};

/* The rows of a kind's body; NULL: the kind has no schema. */
const struct rule *schema_of(const char *kind);

/* -EINVAL with the key's full path, which begins with name ("": the key). */
int schema_check(const struct rule *rows, const struct json *v,
		 const char *name);

/* The rows of what is around every body. */
extern const struct rule schema_envelope[];

/* A string of n lower-case hexadecimal digits. */
bool schema_is_hex(const char *s, size_t n);

#endif
