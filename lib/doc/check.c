/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "doc/number.h"
#include "doc/schema.h"

#define QUOTED_MAX 40 /* bytes of a wrong value that a message shows */

/* Where the walk is: a chain on the stack, written out only for a message. */
struct place {
	const struct place *up;
	const char *key; /* NULL: index counts */
	size_t index;
};

static int check(const struct rule *rule, const struct json *v,
		 const struct place *at);

/* Text of outsiders, for a message: cut, without what steers a terminal. */
static void put_text(struct buf *b, const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		unsigned char c = (unsigned char)s[i];

		/* Not in the middle of a character. */
		if (i >= QUOTED_MAX && (c & 0xc0) != 0x80) {
			buf_puts(b, "...");
			return;
		}
		if (c < 0x20 || c == 0x7f)
			buf_puts(b, "?");
		else if (c == 0xc2 && (unsigned char)s[i + 1] < 0xa0) {
			buf_puts(b, "?");
			i++;
		} else
			buf_add(b, &s[i], 1);
	}
}

static void put_place(struct buf *b, const struct place *at)
{
	if (at->up) {
		put_place(b, at->up);
		if (b->len)
			buf_puts(b, ".");
	}
	if (at->key)
		put_text(b, at->key);
	else
		buf_printf(b, "%zu", at->index);
}

static int wrong(const struct place *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int wrong(const struct place *at, const char *fmt, ...)
{
	char what[512];
	struct buf path;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	buf_init(&path, 1024);
	put_place(&path, at);
	rc = err_set(EINVAL, "%s%s%s", path.len ? path.data : "",
		     path.len ? ": " : "", what);
	buf_release(&path);
	return rc;
}

static int wrong_type(const struct place *at, const char *wanted,
		      const struct json *v)
{
	return wrong(at, "%s is needed, not %s", wanted,
		     json_type_name(json_type(v)));
}

static int wrong_text(const struct place *at, const char *s, const char *what)
{
	struct buf b;
	int rc;

	buf_init(&b, 256);
	put_text(&b, s);
	rc = wrong(at, "'%s' is not %s", b.len ? b.data : "", what);
	buf_release(&b);
	return rc;
}

bool schema_is_hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdef") == n && s[n] == '\0';
}

static int check_hex(const struct rule *rule, const char *s,
		     const struct place *at)
{
	size_t n = (size_t)rule->min;
	char what[64];

	if (schema_is_hex(s, n))
		return 0;
	snprintf(what, sizeof(what), "%zu lower-case hexadecimal digits", n);
	return wrong_text(at, s, what);
}

static int check_word(const struct rule *rule, const char *s,
		      const struct place *at)
{
	struct buf b;
	int rc;

	for (const char *const *w = rule->words; *w; w++) {
		if (!strcmp(s, *w))
			return 0;
	}
	buf_init(&b, 256);
	for (const char *const *w = rule->words; *w; w++)
		buf_printf(&b, "%s%s", w == rule->words ? "one of " : ", ", *w);
	rc = wrong_text(at, s, b.data);
	buf_release(&b);
	return rc;
}

static int check_string(const struct rule *rule, const struct json *v,
			const struct place *at)
{
	const char *s = json_as_string(v, NULL);

	if (!s)
		return wrong_type(at, "a string", v);
	if (rule->shape == SHAPE_WORD)
		return check_word(rule, s, at);
	if (rule->shape == SHAPE_HEX)
		return check_hex(rule, s, at);
	return 0;
}

static int check_number(const struct rule *rule, const struct json *v,
			const struct place *at)
{
	char is[NUMBER_TEXT_LEN], limit[NUMBER_TEXT_LEN];
	double x = json_as_number(v, NAN);

	if (isnan(x))
		return wrong_type(at, "a number", v);
	number_text(x, is);
	if (x < rule->min) {
		number_text(rule->min, limit);
		return wrong(at, "%s is below %s", is, limit);
	}
	if (x > rule->max) {
		number_text(rule->max, limit);
		return wrong(at, "%s is above %s", is, limit);
	}
	if (rule->shape == SHAPE_WHOLE && x != floor(x))
		return wrong(at, "%s is not a whole number", is);
	return 0;
}

static int check_scalar(const struct json *v, const struct place *at)
{
	switch (json_type(v)) {
	case JSON_STRING:
	case JSON_NUMBER:
	case JSON_BOOL:
		return 0;
	default:
		return wrong_type(at, "a string, a number, true or false", v);
	}
}

static int check_object(const struct rule *rows, const struct json *v,
			const struct place *at)
{
	if (json_type(v) != JSON_OBJECT)
		return wrong_type(at, "an object", v);
	for (const struct rule *r = rows; r && r->shape != SHAPE_END; r++) {
		const struct json *m = json_get(v, r->key);
		struct place here = {.up = at, .key = r->key};
		enum json_type type = json_type(m);
		int rc;

		if (type == JSON_ABSENT && r->required)
			return wrong(&here, "missing");
		if (type == JSON_ABSENT || (type == JSON_NULL && !r->required))
			continue;
		rc = check(r, m, &here);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_members(const struct rule *rule, const struct json *v,
			 const struct place *at)
{
	enum json_type type =
		rule->shape == SHAPE_MAP ? JSON_OBJECT : JSON_ARRAY;
	size_t i = 0;

	if (json_type(v) != type)
		return wrong_type(at, json_type_name(type), v);
	json_each (it, v) {
		struct place here = {at, json_key(it), i++};
		int rc = 0;

		if (json_type(it) != JSON_NULL || rule->members->required)
			rc = check(rule->members, it, &here);
		if (rc)
			return rc;
	}
	if (type == JSON_ARRAY && (i < rule->min || i > rule->max))
		return wrong(at, "%zu element%s, not %.0f", i,
			     i == 1 ? "" : "s", rule->min);
	return 0;
}

static int check(const struct rule *rule, const struct json *v,
		 const struct place *at)
{
	switch (rule->shape) {
	case SHAPE_TEXT:
	case SHAPE_WORD:
	case SHAPE_HEX:
		return check_string(rule, v, at);
	case SHAPE_BOOL:
		return json_type(v) == JSON_BOOL
			       ? 0
			       : wrong_type(at, "true or false", v);
	case SHAPE_NUMBER:
	case SHAPE_WHOLE:
		return check_number(rule, v, at);
	case SHAPE_SCALAR:
		return check_scalar(v, at);
	case SHAPE_OBJECT:
		return check_object(rule->members, v, at);
	case SHAPE_LIST:
	case SHAPE_MAP:
		return check_members(rule, v, at);
	case SHAPE_END:
		break;
	}
	return 0;
}

int schema_check(const struct rule *rows, const struct json *v,
		 const char *name)
{
	struct place at = {.key = name};

	return check_object(rows, v, &at);
}
