/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cJSON builds the tree but does not read the text: its own parser takes
 * "01" and duplicate keys, cuts numbers at 63 bytes and cannot say where it
 * stopped.
 */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "doc/json.h"
#include "doc/node.h"
#include "doc/utf8.h"

struct key {
	const char *text; /* lent by its node */
	size_t at;
};

struct parser {
	const char *s;
	size_t len;
	size_t pos;
	size_t values;
	locale_t c_locale;
	/* The keys of all objects that are open, innermost last. */
	struct key *keys;
	size_t key_count;
	size_t key_cap;
};

static cJSON *parse_value(struct parser *p, int depth);

static void *fail(size_t at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void *fail(size_t at, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(EINVAL, "byte %zu: %s", at, what);
	return NULL;
}

/* -1 at the end, which no byte is. */
static int peek(const struct parser *p)
{
	return p->pos < p->len ? (unsigned char)p->s[p->pos] : -1;
}

static void skip_space(struct parser *p)
{
	while (p->pos < p->len && p->s[p->pos] &&
	       strchr(" \t\n\r", p->s[p->pos]))
		p->pos++;
}

static void *unexpected(const struct parser *p, const char *wanted)
{
	int c = peek(p);
	uint32_t cp;

	if (c > 0x7e && !utf8_decode(p->s + p->pos, p->len - p->pos, &cp))
		return fail(p->pos, "not UTF-8");
	if (c < 0)
		return fail(p->pos, "the text ends where %s should be", wanted);
	if (c < 0x20 || c > 0x7e)
		return fail(p->pos, "byte 0x%02x where %s should be",
			    (unsigned int)c, wanted);
	return fail(p->pos, "'%c' where %s should be", c, wanted);
}

static bool accept(struct parser *p, char c)
{
	if (peek(p) != (unsigned char)c)
		return false;
	p->pos++;
	return true;
}

/* Four hexadecimal digits at p->pos; -1 when they are not. */
static int32_t hex4(struct parser *p)
{
	int32_t x = 0;

	for (int i = 0; i < 4; i++) {
		int c = peek(p);

		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (c | 0x20) - 'a' + 10;
		else
			return -1;
		x = x << 4 | c;
		p->pos++;
	}
	return x;
}

/* After "\u"; at is where the backslash is.  -1: the message is set. */
static int32_t unicode_escape(struct parser *p, size_t at)
{
	int32_t hi = hex4(p), lo;

	if (hi < 0) {
		unexpected(p, "a hexadecimal digit");
		return -1;
	}
	if (hi < 0xd800 || hi > 0xdfff)
		return hi;
	if (hi >= 0xdc00 || !accept(p, '\\') || !accept(p, 'u'))
		goto lone;
	lo = hex4(p);
	if (lo < 0xdc00 || lo > 0xdfff)
		goto lone;
	return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
lone:
	fail(at, "half of a surrogate pair");
	return -1;
}

/* After the backslash. */
static int32_t escape(struct parser *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t at = p->pos - 1;
	int c = peek(p);
	const char *hit = c > 0 ? strchr(from, c) : NULL;

	if (accept(p, 'u'))
		return unicode_escape(p, at);
	if (!hit) {
		fail(at, "unknown escape");
		return -1;
	}
	p->pos++;
	return to[hit - from];
}

/* One character of a string, escaped or not. */
static int32_t character(struct parser *p)
{
	size_t at = p->pos, n;
	uint32_t cp;
	int32_t x;

	if (accept(p, '\\')) {
		x = escape(p);
		if (x < 0)
			return -1;
		cp = (uint32_t)x;
	} else {
		n = utf8_decode(p->s + at, p->len - at, &cp);
		if (!n) {
			fail(at, "not UTF-8");
			return -1;
		}
		if (cp < 0x20) {
			fail(at, "control character 0x%02x in a string", cp);
			return -1;
		}
		p->pos += n;
	}
	if (!cp || utf8_noncharacter(cp)) {
		fail(at, "U+%04X is not allowed", cp);
		return -1;
	}
	return (int32_t)cp;
}

/* The bytes up to the closing quote, escapes not yet undone; -1: none. */
static ssize_t raw_length(const struct parser *p)
{
	for (size_t i = p->pos; i < p->len; i++) {
		if (p->s[i] == '"')
			return (ssize_t)(i - p->pos);
		if (p->s[i] == '\\')
			i++;
	}
	return -1;
}

/* At the opening quote. */
static char *parse_string(struct parser *p)
{
	size_t start = p->pos++, n = 0;
	ssize_t raw = raw_length(p);
	char *out;

	if (raw < 0)
		return fail(start, "the string has no end");
	/* No escape is shorter than the character it stands for. */
	out = mem_zalloc((size_t)raw + 1, 1);
	while (!accept(p, '"')) {
		int32_t cp = character(p);

		if (cp < 0) {
			free(out);
			return NULL;
		}
		n += utf8_encode((uint32_t)cp, out + n);
	}
	return out;
}

static bool digits(struct parser *p)
{
	size_t start = p->pos;

	while (peek(p) >= '0' && peek(p) <= '9')
		p->pos++;
	return p->pos > start;
}

static bool number_grammar(struct parser *p)
{
	accept(p, '-');
	if (!accept(p, '0') && !digits(p))
		return false;
	if (accept(p, '.') && !digits(p))
		return false;
	if (accept(p, 'e') || accept(p, 'E')) {
		if (!accept(p, '+'))
			accept(p, '-');
		return digits(p);
	}
	return true;
}

static cJSON *parse_number(struct parser *p)
{
	size_t start = p->pos;
	char small[64], *text = small;
	size_t len;
	double x;

	if (!number_grammar(p))
		return unexpected(p, "a digit");
	len = p->pos - start;
	if (len >= sizeof(small))
		text = mem_zalloc(len + 1, 1);
	memcpy(text, p->s + start, len);
	text[len] = '\0';
	x = strtod_l(text, NULL, p->c_locale);
	if (text != small)
		free(text);
	if (!isfinite(x))
		return fail(start, "the number is too large for a double");
	return node(json_number(x));
}

static cJSON *parse_word(struct parser *p)
{
	static const struct {
		const char *word;
		int type;
	} words[] = {
		{"true", cJSON_True},
		{"false", cJSON_False},
		{"null", cJSON_NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].word);

		if (p->len - p->pos < n ||
		    memcmp(p->s + p->pos, words[i].word, n))
			continue;
		p->pos += n;
		return node_new(words[i].type);
	}
	return unexpected(p, "a value");
}

static cJSON *parse_array(struct parser *p, int depth)
{
	cJSON *arr = node_new(cJSON_Array), *v;

	p->pos++;
	skip_space(p);
	if (accept(p, ']'))
		return arr;
	for (;;) {
		v = parse_value(p, depth);
		if (!v)
			break;
		cJSON_AddItemToArray(arr, v);
		if (accept(p, ']'))
			return arr;
		if (!accept(p, ',')) {
			unexpected(p, "',' or ']'");
			break;
		}
	}
	cJSON_Delete(arr);
	return NULL;
}

static void key_push(struct parser *p, const char *text, size_t at)
{
	if (p->key_count == p->key_cap) {
		p->key_cap = p->key_cap ? p->key_cap * 2 : 32;
		p->keys = mem_realloc(p->keys, p->key_cap, sizeof(*p->keys));
	}
	p->keys[p->key_count++] = (struct key){text, at};
}

static int key_order(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = strcmp(x->text, y->text);

	return c ? c : (x->at > y->at) - (x->at < y->at);
}

/* Sorting, not hashing: nothing that a hostile text could aim at. */
static bool keys_differ(struct parser *p, size_t first)
{
	struct key *k = p->keys + first;
	size_t n = p->key_count - first, at = SIZE_MAX;

	p->key_count = first;
	if (n < 2)
		return true;
	qsort(k, n, sizeof(*k), key_order);
	for (size_t i = 1; i < n; i++) {
		if (k[i].at < at && !strcmp(k[i - 1].text, k[i].text))
			at = k[i].at;
	}
	if (at != SIZE_MAX)
		fail(at, "the key is there twice");
	return at == SIZE_MAX;
}

static bool parse_member(struct parser *p, cJSON *obj, int depth)
{
	size_t at;
	char *key;
	cJSON *v;

	skip_space(p);
	at = p->pos;
	if (peek(p) != '"')
		return unexpected(p, "a key");
	key = parse_string(p);
	if (!key)
		return false;
	skip_space(p);
	v = accept(p, ':') ? parse_value(p, depth) : unexpected(p, "':'");
	if (!v) {
		free(key);
		return false;
	}
	v->string = key;
	cJSON_AddItemToArray(obj, v);
	key_push(p, key, at);
	return true;
}

static cJSON *parse_object(struct parser *p, int depth)
{
	cJSON *obj = node_new(cJSON_Object);
	size_t first = p->key_count;

	p->pos++;
	skip_space(p);
	if (accept(p, '}'))
		return obj;
	while (parse_member(p, obj, depth)) {
		if (accept(p, '}')) {
			if (keys_differ(p, first))
				return obj;
			break;
		}
		if (!accept(p, ',')) {
			unexpected(p, "',' or '}'");
			break;
		}
	}
	cJSON_Delete(obj);
	return NULL;
}

static cJSON *parse_scalar(struct parser *p)
{
	int c = peek(p);
	cJSON *v;

	if (c == '-' || (c >= '0' && c <= '9'))
		return parse_number(p);
	if (c != '"')
		return parse_word(p);
	v = node_new(cJSON_String);
	v->valuestring = parse_string(p);
	if (v->valuestring)
		return v;
	cJSON_Delete(v);
	return NULL;
}

/* depth: of what holds the value.  Skips the space on both sides. */
static cJSON *parse_value(struct parser *p, int depth)
{
	cJSON *v;
	int c;

	skip_space(p);
	c = peek(p);
	if (p->values++ == JSON_MAX_VALUES)
		return fail(p->pos, "more than %u values", JSON_MAX_VALUES);
	if (c != '{' && c != '[')
		v = parse_scalar(p);
	else if (depth == JSON_MAX_DEPTH)
		return fail(p->pos, "nested deeper than %d", JSON_MAX_DEPTH);
	else if (c == '{')
		v = parse_object(p, depth + 1);
	else
		v = parse_array(p, depth + 1);
	if (v)
		skip_space(p);
	return v;
}

struct json *json_parse(const char *text, size_t len)
{
	struct parser p = {.s = text, .len = len};
	cJSON *v;

	/* In glibc this one is constant: it cannot fail and costs nothing. */
	p.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	v = parse_value(&p, 0);
	if (v && p.pos < len) {
		unexpected(&p, "the end");
		cJSON_Delete(v);
		v = NULL;
	}
	free(p.keys);
	freelocale(p.c_locale);
	return node_json(v);
}
