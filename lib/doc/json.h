/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values.  struct json is cJSON's; nobody else includes cJSON.
 *
 * Ownership: json_set() and json_add() take the value they are given;
 * json_get() and json_at() lend one that lives as long as its parent.
 * NULL may be passed to every reader and stands for "absent".
 */
#ifndef SCHEDKIT_DOC_JSON_H
#define SCHEDKIT_DOC_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct json;
struct strs;

enum json_type {
	JSON_ABSENT,
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

#define JSON_MAX_DEPTH	64
#define JSON_MAX_VALUES (1u << 20) /* in one text, keys not counted */

/*
 * Strict I-JSON (RFC 7493): UTF-8, no duplicate keys, no number that a double
 * cannot hold, no U+0000, no noncharacters, at most JSON_MAX_DEPTH deep and
 * JSON_MAX_VALUES large, nothing after the value.  NULL with a message that
 * names the byte, counted from 0, otherwise.  Takes linear time but for the
 * sorting of keys.
 */
struct json *json_parse(const char *text, size_t len);

struct json *json_object(void);
struct json *json_array(void);
/* What json_parse() would refuse in s (or in a key) becomes U+FFFD. */
struct json *json_string(const char *s);
struct json *json_strings(const struct strs *l); /* an array of them */
struct json *json_number(double x);		 /* not finite: null */
struct json *json_bool(bool b);
struct json *json_null(void);
struct json *json_copy(const struct json *v);
void json_free(struct json *v);

/*
 * Sets or replaces; returns value, now lent.  A NULL value sets nothing.
 * Looks through the keys there are: meant for objects of up to some thousand.
 */
struct json *json_set(struct json *obj, const char *key, struct json *value);
struct json *json_set_string(struct json *obj, const char *key, const char *s);
struct json *json_set_number(struct json *obj, const char *key, double x);
struct json *json_set_bool(struct json *obj, const char *key, bool b);
struct json *json_add(struct json *arr, struct json *value); /* O(1) */
void json_remove(struct json *obj, const char *key);

enum json_type json_type(const struct json *v);
const char *json_type_name(enum json_type t);
const struct json *json_get(const struct json *obj, const char *key);
/* "a.b.0.c": keys and array indices. */
const struct json *json_path(const struct json *v, const char *path);
/* The scalar at v, or dflt when it is absent or of another type. */
double json_as_number(const struct json *v, double dflt);
const char *json_as_string(const struct json *v, const char *dflt);
bool json_as_bool(const struct json *v, bool dflt);
/* The string at a path of v; "" when there is none. */
const char *json_text_at(const struct json *v, const char *path);

/* Members of an object or an array. */
size_t json_len(const struct json *v);
const struct json *json_at(const struct json *v, size_t i);
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);
const char *json_key(const struct json *member); /* NULL in an array */
#define json_each(it, v) \
	for (const struct json *it = json_first(v); it; it = json_next(it))

/*
 * The canonical form of RFC 8785 (sorted keys, shortest numbers, no space);
 * the caller frees it.  Also how every document is written.
 */
char *json_canonical(const struct json *v);

/* For other programs and people: keys in the order they have, indented.  The
 * caller frees it. */
char *json_ordered(const struct json *v);

#endif
