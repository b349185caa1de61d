/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/json_schema.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/utf8.h"

#define MAX_DEPTH 128
#define MAX_STEPS 5000000l
#define PATH_LEN  400
#define DEFS	  "#/$defs/"

/* Where a walk is: in the value, or in the schema while that is loaded. */
struct walk {
	const struct json *root;
	char path[PATH_LEN];
	size_t len; /* of what fits into path */
	size_t depth;
	long steps;
	bool quiet; /* one of several: its message is of no use */
};

static void walk_init(struct walk *w, const struct json *root)
{
	*w = (struct walk){.root = root, .path = "$", .len = 1};
}

static size_t step_into(struct walk *w, const char *key)
{
	size_t old = w->len;
	int n;

	n = snprintf(w->path + old, sizeof(w->path) - old, ".%s", key);
	if (n > 0 && old + (size_t)n < sizeof(w->path))
		w->len += (size_t)n;
	else
		w->path[old] = '\0';
	return old;
}

static size_t step_at(struct walk *w, size_t index)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu", index);
	return step_into(w, digits);
}

static void step_out(struct walk *w, size_t old)
{
	w->len = old;
	w->path[old] = '\0';
}

static int __attribute__((format(printf, 3, 4)))
fail(const struct walk *w, int errnum, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (w->quiet)
		return -errnum;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(errnum, "%s: %s", w->path, text);
}

/* ---- loading ---------------------------------------------------------- */

static int load(struct walk *w, const struct json *s);

static int load_list(struct walk *w, const struct json *list)
{
	size_t i = 0;
	int rc = 0;

	if (json_type(list) != JSON_ARRAY || !json_len(list))
		return fail(w, EINVAL, "has to be an array of schemas");
	json_each (it, list) {
		size_t old = step_at(w, i++);

		if (!rc)
			rc = load(w, it);
		step_out(w, old);
	}
	return rc;
}

static int load_map(struct walk *w, const struct json *map)
{
	int rc = 0;

	if (json_type(map) != JSON_OBJECT)
		return fail(w, EINVAL, "has to be an object of schemas");
	json_each (it, map) {
		size_t old = step_into(w, json_key(it));

		if (!rc)
			rc = load(w, it);
		step_out(w, old);
	}
	return rc;
}

static const char *const type_names[] = {
	"null",	  "boolean", "number", "integer",
	"string", "array",   "object", NULL,
};

static int load_type(struct walk *w, const struct json *v)
{
	bool list = json_type(v) == JSON_ARRAY;

	for (const struct json *t = list ? json_first(v) : v; t;
	     t = list ? json_next(t) : NULL) {
		const char *name = json_as_string(t, "");
		size_t i = 0;

		while (type_names[i] && strcmp(type_names[i], name))
			i++;
		if (!type_names[i])
			return fail(w, EINVAL, "no such type");
	}
	return 0;
}

static int load_strings(struct walk *w, const struct json *v)
{
	if (json_type(v) != JSON_ARRAY)
		return fail(w, EINVAL, "has to be an array of strings");
	json_each (it, v)
		if (json_type(it) != JSON_STRING)
			return fail(w, EINVAL, "has to be an array of strings");
	return 0;
}

static int load_enum(struct walk *w, const struct json *v)
{
	if (json_type(v) != JSON_ARRAY || !json_len(v))
		return fail(w, EINVAL, "has to be an array");
	return 0;
}

static int load_number(struct walk *w, const struct json *v)
{
	if (json_type(v) != JSON_NUMBER)
		return fail(w, EINVAL, "has to be a number");
	return 0;
}

static const struct json *resolve(const struct walk *w, const char *ref)
{
	if (strncmp(ref, DEFS, strlen(DEFS)))
		return NULL;
	return json_get(json_get(w->root, "$defs"), ref + strlen(DEFS));
}

static int load_ref(struct walk *w, const struct json *v)
{
	const char *ref = json_as_string(v, "");

	if (!resolve(w, ref))
		return fail(w, EINVAL, "'%s' is not among this schema's $defs",
			    ref);
	return 0;
}

static int load_nothing(struct walk *w, const struct json *v)
{
	(void)w;
	(void)v;
	return 0;
}

static const struct {
	const char *name;
	int (*load)(struct walk *w, const struct json *v);
} keywords[] = {
	{"type", load_type},
	{"enum", load_enum},
	{"const", load_nothing},
	{"properties", load_map},
	{"required", load_strings},
	{"additionalProperties", load},
	{"items", load},
	{"minimum", load_number},
	{"maximum", load_number},
	{"minLength", load_number},
	{"maxLength", load_number},
	{"minItems", load_number},
	{"maxItems", load_number},
	{"anyOf", load_list},
	{"oneOf", load_list},
	{"$defs", load_map},
	{"$ref", load_ref},
	{"title", load_nothing},
	{"description", load_nothing},
	{"default", load_nothing},
	{"examples", load_nothing},
	{"$comment", load_nothing},
	{"$schema", load_nothing},
};

static int load_keyword(struct walk *w, const struct json *v)
{
	size_t old;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (strcmp(keywords[i].name, json_key(v)))
			continue;
		old = step_into(w, json_key(v));
		rc = keywords[i].load(w, v);
		step_out(w, old);
		return rc;
	}
	return fail(w, ENOTSUP, "the schema's keyword '%s' is not supported",
		    json_key(v));
}

static int load(struct walk *w, const struct json *s)
{
	int rc = 0;

	if (json_type(s) == JSON_BOOL)
		return 0;
	if (json_type(s) != JSON_OBJECT)
		return fail(w, EINVAL, "a schema has to be an object");
	json_each (it, s)
		if (!rc)
			rc = load_keyword(w, it);
	return rc;
}

int json_schema_load(const struct json *schema)
{
	struct walk w;

	walk_init(&w, schema);
	return load(&w, schema);
}

/* ---- checking --------------------------------------------------------- */

static int check(struct walk *w, const struct json *s, const struct json *v);

static bool is_type(const struct json *v, const char *name)
{
	switch (json_type(v)) {
	case JSON_NULL:
		return !strcmp(name, "null");
	case JSON_BOOL:
		return !strcmp(name, "boolean");
	case JSON_NUMBER:
		return !strcmp(name, "number") ||
		       (!strcmp(name, "integer") &&
			json_as_number(v, 0.5) == trunc(json_as_number(v, 0)));
	case JSON_STRING:
		return !strcmp(name, "string");
	case JSON_ARRAY:
		return !strcmp(name, "array");
	case JSON_OBJECT:
		return !strcmp(name, "object");
	case JSON_ABSENT:
		break;
	}
	return false;
}

static int check_type(struct walk *w, const struct json *t,
		      const struct json *v)
{
	char *wanted;
	int rc;

	if (json_type(t) == JSON_STRING && is_type(v, json_as_string(t, "")))
		return 0;
	if (json_type(t) == JSON_ARRAY)
		json_each (it, t)
			if (is_type(v, json_as_string(it, "")))
				return 0;
	wanted = json_canonical(t);
	rc = fail(w, EINVAL, "is %s, not %s", json_type_name(json_type(v)),
		  wanted);
	free(wanted);
	return rc;
}

static bool equal(const struct json *a, const struct json *b)
{
	char *x, *y;
	bool same;

	if (json_type(a) != json_type(b))
		return false;
	x = json_canonical(a);
	y = json_canonical(b);
	same = !strcmp(x, y);
	free(x);
	free(y);
	return same;
}

static int check_values(struct walk *w, const struct json *s,
			const struct json *v)
{
	const struct json *words = json_get(s, "enum");
	const struct json *only = json_get(s, "const");
	char *text;
	int rc;

	if (only && !equal(only, v)) {
		text = json_canonical(only);
		rc = fail(w, EINVAL, "has to be %s", text);
		free(text);
		return rc;
	}
	if (!words)
		return 0;
	json_each (it, words)
		if (equal(it, v))
			return 0;
	text = json_canonical(words);
	rc = fail(w, EINVAL, "is not one of %s", text);
	free(text);
	return rc;
}

/* size against two keywords; what: of what it is the number. */
static int check_range(struct walk *w, const struct json *s, const char *least,
		       const char *most, double size, const char *what)
{
	const struct json *lo = json_get(s, least), *hi = json_get(s, most);

	if (lo && size < json_as_number(lo, 0))
		return fail(w, EINVAL, "%s%g is less than %g", what, size,
			    json_as_number(lo, 0));
	if (hi && size > json_as_number(hi, 0))
		return fail(w, EINVAL, "%s%g is more than %g", what, size,
			    json_as_number(hi, 0));
	return 0;
}

static int check_members(struct walk *w, const struct json *s,
			 const struct json *v)
{
	const struct json *rows = json_get(s, "properties");
	const struct json *rest = json_get(s, "additionalProperties");
	int rc = 0;

	json_each (it, json_get(s, "required")) {
		w->steps += (long)json_len(v);
		if (!json_get(v, json_as_string(it, "")))
			return fail(w, EINVAL, "lacks '%s'",
				    json_as_string(it, ""));
	}
	json_each (it, v) {
		const struct json *row = json_get(rows, json_key(it));
		size_t old;

		if (!row && !rest)
			continue;
		old = step_into(w, json_key(it));
		if (!row && json_type(rest) == JSON_BOOL &&
		    !json_as_bool(rest, true))
			rc = fail(w, EINVAL, "is not a key of the schema");
		else
			rc = check(w, row ? row : rest, it);
		step_out(w, old);
		if (rc)
			break;
	}
	return rc;
}

static int check_items(struct walk *w, const struct json *s,
		       const struct json *v)
{
	const struct json *row = json_get(s, "items");
	size_t i = 0;
	int rc = check_range(w, s, "minItems", "maxItems", (double)json_len(v),
			     "its number of elements, ");

	if (!row)
		return rc;
	json_each (it, v) {
		size_t old;

		if (rc)
			break;
		old = step_at(w, i++);
		rc = check(w, row, it);
		step_out(w, old);
	}
	return rc;
}

static int check_kind(struct walk *w, const struct json *s,
		      const struct json *v)
{
	const char *text = json_as_string(v, "");

	switch (json_type(v)) {
	case JSON_NUMBER:
		return check_range(w, s, "minimum", "maximum",
				   json_as_number(v, 0), "");
	case JSON_STRING:
		return check_range(w, s, "minLength", "maxLength",
				   (double)utf8_count(text, strlen(text)),
				   "its length, ");
	case JSON_ARRAY:
		return check_items(w, s, v);
	case JSON_OBJECT:
		return check_members(w, s, v);
	default:
		return 0;
	}
}

/* How many of a list it is; stops at `enough`. */
static int count_matches(struct walk *w, const struct json *list,
			 const struct json *v, int enough, int *n)
{
	bool quiet = w->quiet;
	int rc = 0;

	*n = 0;
	w->quiet = true;
	json_each (it, list) {
		rc = check(w, it, v);
		if (rc == -E2BIG)
			break;
		*n += !rc;
		if (*n == enough)
			break;
	}
	w->quiet = quiet;
	return rc == -E2BIG ? rc : 0;
}

/* The constants that the alternative names are those of the value. */
static bool is_meant(const struct json *alternative, const struct json *v)
{
	bool any = false;

	json_each (it, json_get(alternative, "properties")) {
		const struct json *only = json_get(it, "const");

		if (only && !equal(only, json_get(v, json_key(it))))
			return false;
		any |= only != NULL;
	}
	return any;
}

/* Where a constant tells the alternatives apart, the message of the one that
 * was meant says most. */
static int explain(struct walk *w, const struct json *list,
		   const struct json *v)
{
	json_each (it, list)
		if (!w->quiet && is_meant(it, v))
			return check(w, it, v);
	return fail(w, EINVAL, "is none of the alternatives");
}

static int check_choices(struct walk *w, const struct json *s,
			 const struct json *v)
{
	const struct json *any = json_get(s, "anyOf");
	const struct json *one = json_get(s, "oneOf");
	int rc = 0, n = 1;

	if (any)
		rc = count_matches(w, any, v, 1, &n);
	if (!rc && !n)
		return explain(w, any, v);
	if (!rc && one)
		rc = count_matches(w, one, v, 2, &n);
	if (!rc && !n)
		return explain(w, one, v);
	if (!rc && one && n > 1)
		return fail(w, EINVAL, "is more than one of the alternatives");
	return rc;
}

static int check_object(struct walk *w, const struct json *s,
			const struct json *v)
{
	const struct json *ref = json_get(s, "$ref");
	const struct json *type = json_get(s, "type");
	int rc = 0;

	if (ref)
		rc = check(w, resolve(w, json_as_string(ref, "")), v);
	if (!rc && type)
		rc = check_type(w, type, v);
	if (!rc)
		rc = check_values(w, s, v);
	if (!rc)
		rc = check_kind(w, s, v);
	if (!rc)
		rc = check_choices(w, s, v);
	return rc;
}

static int check(struct walk *w, const struct json *s, const struct json *v)
{
	bool quiet = w->quiet;
	int rc;

	if (++w->steps > MAX_STEPS || w->depth >= MAX_DEPTH) {
		w->quiet = false;
		rc = fail(w, E2BIG, "takes too long to check");
		w->quiet = quiet;
		return rc;
	}
	if (json_type(s) == JSON_BOOL)
		return json_as_bool(s, true)
			       ? 0
			       : fail(w, EINVAL, "is not allowed");
	w->depth++;
	rc = check_object(w, s, v);
	w->depth--;
	return rc;
}

int json_schema_check(const struct json *schema, const struct json *v)
{
	struct walk w;

	walk_init(&w, schema);
	return check(&w, schema, v);
}
