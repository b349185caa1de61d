/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/strs.h"
#include "doc/node.h"
#include "doc/utf8.h"

static const char replacement[] = "\xef\xbf\xbd";

static char *clean(const char *s)
{
	size_t len = strlen(s);
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; i < len;) {
		uint32_t cp;
		size_t n = utf8_decode(s + i, len - i, &cp);

		if (n && !utf8_noncharacter(cp))
			buf_add(&b, s + i, n);
		else
			buf_puts(&b, replacement);
		i += n ? n : 1;
	}
	return buf_take(&b);
}

struct json *json_object(void)
{
	return node_json(node_new(cJSON_Object));
}

struct json *json_array(void)
{
	return node_json(node_new(cJSON_Array));
}

struct json *json_string(const char *s)
{
	cJSON *n = node_new(cJSON_String);

	n->valuestring = clean(s);
	return node_json(n);
}

struct json *json_strings(const struct strs *l)
{
	struct json *list = json_array();

	for (size_t i = 0; i < l->len; i++)
		json_add(list, json_string(l->v[i]));
	return list;
}

struct json *json_number(double x)
{
	cJSON *n;

	if (!isfinite(x))
		return json_null();
	n = node_new(cJSON_Number);
	cJSON_SetNumberHelper(n, x);
	return node_json(n);
}

struct json *json_bool(bool b)
{
	return node_json(node_new(b ? cJSON_True : cJSON_False));
}

struct json *json_null(void)
{
	return node_json(node_new(cJSON_NULL));
}

struct json *json_copy(const struct json *v)
{
	cJSON *n = cJSON_Duplicate(node(v), true);

	/* Only want of memory makes it fail, and that is not survived. */
	if (v && !n)
		abort();
	return node_json(n);
}

void json_free(struct json *v)
{
	cJSON_Delete(node(v));
}

static void rename_node(cJSON *n, char *key)
{
	free(n->string);
	n->string = key;
}

struct json *json_set(struct json *obj, const char *key, struct json *value)
{
	char *name;
	cJSON *old;

	if (!value)
		return NULL;
	name = clean(key);
	old = cJSON_GetObjectItemCaseSensitive(node(obj), name);
	rename_node(node(value), name);
	if (old)
		cJSON_ReplaceItemViaPointer(node(obj), old, node(value));
	else
		cJSON_AddItemToArray(node(obj), node(value));
	return value;
}

struct json *json_set_string(struct json *obj, const char *key, const char *s)
{
	return json_set(obj, key, json_string(s));
}

struct json *json_set_number(struct json *obj, const char *key, double x)
{
	return json_set(obj, key, json_number(x));
}

struct json *json_set_bool(struct json *obj, const char *key, bool b)
{
	return json_set(obj, key, json_bool(b));
}

struct json *json_add(struct json *arr, struct json *value)
{
	if (!value)
		return NULL;
	rename_node(node(value), NULL);
	cJSON_AddItemToArray(node(arr), node(value));
	return value;
}

void json_remove(struct json *obj, const char *key)
{
	cJSON_DeleteItemFromObjectCaseSensitive(node(obj), key);
}

enum json_type json_type(const struct json *v)
{
	if (!v)
		return JSON_ABSENT;
	switch (node_type(node(v))) {
	case cJSON_True:
	case cJSON_False:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_type_name(enum json_type t)
{
	static const char *const names[] = {
		[JSON_ABSENT] = "nothing",     [JSON_NULL] = "null",
		[JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",    [JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};

	return names[t];
}

const struct json *json_get(const struct json *obj, const char *key)
{
	if (json_type(obj) != JSON_OBJECT)
		return NULL;
	return node_json(cJSON_GetObjectItemCaseSensitive(node(obj), key));
}

static const struct json *member(const struct json *v, const char *key,
				 size_t len)
{
	json_each (it, v) {
		const char *k = json_key(it);

		if (strlen(k) == len && !memcmp(k, key, len))
			return it;
	}
	return NULL;
}

static const struct json *element(const struct json *v, const char *digits,
				  size_t len)
{
	size_t index = 0;

	if (!len || len > 9)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return NULL;
		index = index * 10 + (size_t)(digits[i] - '0');
	}
	return json_at(v, index);
}

const struct json *json_path(const struct json *v, const char *path)
{
	for (;;) {
		size_t len = strcspn(path, ".");

		if (json_type(v) == JSON_OBJECT)
			v = member(v, path, len);
		else if (json_type(v) == JSON_ARRAY)
			v = element(v, path, len);
		else
			return NULL;
		if (!path[len])
			return v;
		path += len + 1;
	}
}

double json_as_number(const struct json *v, double dflt)
{
	return json_type(v) == JSON_NUMBER ? node(v)->valuedouble : dflt;
}

const char *json_as_string(const struct json *v, const char *dflt)
{
	return json_type(v) == JSON_STRING ? node(v)->valuestring : dflt;
}

bool json_as_bool(const struct json *v, bool dflt)
{
	return json_type(v) == JSON_BOOL ? node_type(node(v)) == cJSON_True
					 : dflt;
}

const char *json_text_at(const struct json *v, const char *path)
{
	return json_as_string(json_path(v, path), "");
}

size_t json_len(const struct json *v)
{
	size_t n = 0;

	json_each (it, v)
		n++;
	return n;
}

const struct json *json_at(const struct json *v, size_t i)
{
	json_each (it, v) {
		if (!i--)
			return it;
	}
	return NULL;
}

const struct json *json_first(const struct json *v)
{
	return v ? node_json(node(v)->child) : NULL;
}

const struct json *json_next(const struct json *v)
{
	return v ? node_json(node(v)->next) : NULL;
}

const char *json_key(const struct json *member)
{
	return member ? node(member)->string : NULL;
}

char *json_ordered(const struct json *v)
{
	char *text = cJSON_Print(node(v));

	/* Only want of memory makes it fail, and that is not survived. */
	if (!text)
		abort();
	return text;
}
