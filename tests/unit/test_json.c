/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict reading, the tree, and the canonical form. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"
#include "doc/json.h"

static double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint64_t to_bits(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* What comes out must be want; want NULL: must be refused. */
static void canonical_is(const char *text, const char *want)
{
	struct json *v = json_parse(text, strlen(text));
	char *got;

	if (!v)
		fail_msg("%s: %s", text, err_text());
	got = json_canonical(v);
	assert_string_equal(got, want);
	free(got);
	json_free(v);
}

static void refused(const char *text, size_t len, const char *message)
{
	struct json *v = json_parse(text, len);

	if (v)
		fail_msg("accepted: %s", text);
	assert_string_equal(err_text(), message);
}

static void takes_json(void **state)
{
	(void)state;
	canonical_is(" {} ", "{}");
	canonical_is("\t[\r\n]\n", "[]");
	canonical_is("null", "null");
	canonical_is("\"\"", "\"\"");
	canonical_is("{\"b\":[1,2,{\"c\":null}],\"a\":true}",
		     "{\"a\":true,\"b\":[1,2,{\"c\":null}]}");
	canonical_is("[0,-0,0.0,-0e5,1e0,1E+2,1e-2,12.50]",
		     "[0,0,0,0,1,100,0.01,12.5]");
	canonical_is("[9007199254740993,18446744073709551615]",
		     "[9007199254740992,18446744073709552000]");
	canonical_is("[1e-400,4.9e-324,1e308]", "[0,5e-324,1e+308]");
	canonical_is("\"\\u00e9\\uD83D\\uDE00\\/\x7f\"", "\"é😀/\x7f\"");
	canonical_is("{\"\":0}", "{\"\":0}");
}

static void refuses_what_is_not_json(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "byte 0: the text ends where a value should be"},
		{"  ", "byte 2: the text ends where a value should be"},
		{"{", "byte 1: the text ends where a key should be"},
		{"[1,]", "byte 3: ']' where a value should be"},
		{"[,1]", "byte 1: ',' where a value should be"},
		{"[1 2]", "byte 3: '2' where ',' or ']' should be"},
		{"[1", "byte 2: the text ends where ',' or ']' should be"},
		{"{\"a\":1,}", "byte 7: '}' where a key should be"},
		{"{\"a\" 1}", "byte 5: '1' where ':' should be"},
		{"{a:1}", "byte 1: 'a' where a key should be"},
		{"{\"a\":1 \"b\":2}",
		 "byte 7: '\"' where ',' or '}' should be"},
		{"{\"a\":}", "byte 5: '}' where a value should be"},
		{"1 2", "byte 2: '2' where the end should be"},
		{"{}}", "byte 2: '}' where the end should be"},
		{"[]// no", "byte 2: '/' where the end should be"},
		{"/* no */1", "byte 0: '/' where a value should be"},
		{"\xef\xbb\xbf{}", "byte 0: byte 0xef where a value should be"},
		{"01", "byte 1: '1' where the end should be"},
		{"-01", "byte 2: '1' where the end should be"},
		{"1.", "byte 2: the text ends where a digit should be"},
		{".5", "byte 0: '.' where a value should be"},
		{"+1", "byte 0: '+' where a value should be"},
		{"1.e5", "byte 2: 'e' where a digit should be"},
		{"1e", "byte 2: the text ends where a digit should be"},
		{"[1e+]", "byte 4: ']' where a digit should be"},
		{"-", "byte 1: the text ends where a digit should be"},
		{"--1", "byte 1: '-' where a digit should be"},
		{"0x10", "byte 1: 'x' where the end should be"},
		{"NaN", "byte 0: 'N' where a value should be"},
		{"[Infinity]", "byte 1: 'I' where a value should be"},
		{"-Infinity", "byte 1: 'I' where a digit should be"},
		{"nan", "byte 0: 'n' where a value should be"},
		{"True", "byte 0: 'T' where a value should be"},
		{"truex", "byte 4: 'x' where the end should be"},
		{"tru", "byte 0: 't' where a value should be"},
		{"'a'", "byte 0: ''' where a value should be"},
		{"1\v", "byte 1: byte 0x0b where the end should be"},
		{"[1e309]", "byte 1: the number is too large for a double"},
		{"-1e999999999999",
		 "byte 0: the number is too large for a double"},
		{"\"a", "byte 0: the string has no end"},
		{"[\"a\\\"]", "byte 1: the string has no end"},
		{"\"a\tb\"", "byte 2: control character 0x09 in a string"},
		{"\"a\nb\"", "byte 2: control character 0x0a in a string"},
		{"\"\\x\"", "byte 1: unknown escape"},
		{"\"\\U0041\"", "byte 1: unknown escape"},
		{"\"\\u00g0\"",
		 "byte 5: 'g' where a hexadecimal digit should be"},
		{"\"\\u12\"",
		 "byte 5: '\"' where a hexadecimal digit should be"},
		{"\"a\\u0000\"", "byte 2: U+0000 is not allowed"},
		{"\"\\uffff\"", "byte 1: U+FFFF is not allowed"},
		{"\"\xef\xb7\x90\"", "byte 1: U+FDD0 is not allowed"},
		{"\"\\ud83f\\udfff\"", "byte 1: U+1FFFF is not allowed"},
		{"\"\\ud800\"", "byte 1: half of a surrogate pair"},
		{"\"\\udc00\"", "byte 1: half of a surrogate pair"},
		{"\"\\udc00\\ud800\"", "byte 1: half of a surrogate pair"},
		{"\"\\ud800\\ud800\"", "byte 1: half of a surrogate pair"},
		{"\"\\ud800\\n\"", "byte 1: half of a surrogate pair"},
		{"\"\\ud800x\"", "byte 1: half of a surrogate pair"},
		{"\"\\ud800\\u00e9\"", "byte 1: half of a surrogate pair"},
		{"{\"a\":1,\"b\":2,\"a\":3}",
		 "byte 13: the key is there twice"},
		{"{\"a\":1,\"\\u0061\":3}", "byte 7: the key is there twice"},
		{"[{\"b\":{\"x\":1,\"x\":1}}]",
		 "byte 13: the key is there twice"},
		{"{\"\":1,\"\":1}", "byte 6: the key is there twice"},
		{"\xff", "byte 0: not UTF-8"},
		{"[1\x80]", "byte 2: not UTF-8"},
		{"\"\xff\"", "byte 1: not UTF-8"},
		{"\"\x80\"", "byte 1: not UTF-8"},
		{"\"\xc0\x80\"", "byte 1: not UTF-8"},
		{"\"\xc1\xbf\"", "byte 1: not UTF-8"},
		{"\"\xe0\x9f\xbf\"", "byte 1: not UTF-8"},
		{"\"\xf0\x8f\xbf\xbf\"", "byte 1: not UTF-8"},
		{"\"\xed\xa0\x80\"", "byte 1: not UTF-8"},
		{"\"\xed\xbf\xbf\"", "byte 1: not UTF-8"},
		{"\"\xf4\x90\x80\x80\"", "byte 1: not UTF-8"},
		{"\"\xf5\x80\x80\x80\"", "byte 1: not UTF-8"},
		{"\"ab\xe2\x82\"", "byte 3: not UTF-8"},
		{"{\"\xe2\x82\":1}", "byte 2: not UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		refused(cases[i].text, strlen(cases[i].text), cases[i].message);
	refused("[1,\0]", 5, "byte 3: byte 0x00 where a value should be");
	refused("\"a\0b\"", 5, "byte 2: control character 0x00 in a string");
	refused("1\0", 2, "byte 1: byte 0x00 where the end should be");
}

/* The text is not NUL-terminated, and ASan watches the byte behind it. */
static void every_cut_is_refused(void **state)
{
	static const char text[] =
		"{\"a\":[1,-2.5e+10,\"\\u20ac\\ud83d\\ude00\\n€\"],"
		"\"b\":{\"c\":true,\"d\":null}}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *cut = malloc(len ? len : 1);

		assert_non_null(cut);
		memcpy(cut, text, len);
		assert_null(json_parse(cut, len));
		assert_memory_equal(err_text(), "byte ", 5);
		free(cut);
	}
	canonical_is(text, "{\"a\":[1,-25000000000,\"€😀\\n€\"],"
			   "\"b\":{\"c\":true,\"d\":null}}");
}

static char *repeat(const char *unit, size_t n, size_t *len)
{
	size_t one = strlen(unit);
	char *s = mem_zalloc(n * one + 1, 1);

	for (size_t i = 0; i < n; i++)
		memcpy(s + i * one, unit, one);
	*len = n * one;
	return s;
}

static void depth_has_a_limit(void **state)
{
	char text[2 * JSON_MAX_DEPTH + 3];
	size_t len;
	char *deep;

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	text[2 * JSON_MAX_DEPTH] = '\0';
	canonical_is(text, text);

	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	refused(text, 2 * JSON_MAX_DEPTH + 2, "byte 64: nested deeper than 64");

	deep = repeat("[", 10 << 20, &len);
	refused(deep, len, "byte 64: nested deeper than 64");
	free(deep);
	deep = repeat("{\"\":", 4 << 20, &len);
	refused(deep, len, "byte 256: nested deeper than 64");
	free(deep);
}

static void values_have_a_limit(void **state)
{
	size_t len;
	char *many = repeat(",0", JSON_MAX_VALUES, &len);
	struct json *v;

	(void)state;
	/* With the array itself that is one too many. */
	many[0] = '[';
	many = mem_realloc(many, len + 1, 1);
	many[len] = ']';
	refused(many, len + 1, "byte 2097151: more than 1048576 values");
	many[len - 2] = ']';
	v = json_parse(many, len - 1);
	assert_non_null(v);
	assert_int_equal(json_len(v), JSON_MAX_VALUES - 1);
	json_free(v);
	free(many);
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* {"kkk…0":0,"kkk…1":0,…}; the last key is the first one again if twice. */
static char *many_keys(size_t n, bool twice, size_t *len)
{
	struct buf b;

	buf_init(&b, 1u << 30);
	for (size_t i = 0; i < n; i++) {
		char key[48];

		snprintf(key, sizeof(key), "%c\"kkkkkkkkkkkkkkkk%zu\":0",
			 i ? ',' : '{', twice && i == n - 1 ? 0 : i * 7919 % n);
		buf_puts(&b, key);
	}
	buf_puts(&b, "}");
	*len = b.len;
	return buf_take(&b);
}

static void a_million_keys_are_quick(void **state)
{
	double start = cpu_seconds();
	size_t len;
	char *s = many_keys(1000000, false, &len);
	struct json *v = json_parse(s, len);
	char *c;

	(void)state;
	assert_non_null(v);
	c = json_canonical(v);
	assert_int_equal(strlen(c), len);
	free(c);
	json_free(v);
	free(s);
	s = many_keys(1000000, true, &len);
	assert_null(json_parse(s, len));
	assert_non_null(strstr(err_text(), "the key is there twice"));
	free(s);
	/* Quadratic time would be hours. */
	assert_true(cpu_seconds() - start < 30);
}

static void hostile_sizes_are_quick(void **state)
{
	double start = cpu_seconds();
	size_t len;
	char *s = repeat("9", 8 << 20, &len);
	struct json *v;

	(void)state;
	refused(s, len, "byte 0: the number is too large for a double");
	s[1] = '.';
	v = json_parse(s, len);
	assert_true(json_as_number(v, 0) == 10);
	json_free(v);
	free(s);

	s = repeat("\\u0041", 2 << 20, &len);
	s[0] = '"';
	memcpy(s + 1, "aaaa\"", 5);
	refused(s, len, "byte 6: '\\' where the end should be");
	free(s);

	s = repeat("\"", 8 << 20, &len);
	refused(s, len, "byte 2: '\"' where the end should be");
	free(s);
	assert_true(cpu_seconds() - start < 20);
}

static void building_is_quick(void **state)
{
	double start = cpu_seconds();
	struct json *arr = json_array();
	char *text;

	(void)state;
	for (int i = 0; i < 100000; i++)
		json_add(arr, json_number(i));
	assert_int_equal(json_len(arr), 100000);
	assert_true(json_as_number(json_at(arr, 99999), -1) == 99999);
	text = json_canonical(arr);
	json_free(arr);
	assert_memory_equal(text, "[0,1,2,3", 8);
	free(text);
	assert_true(cpu_seconds() - start < 10);
}

static void the_tree_can_be_built(void **state)
{
	struct json *o = json_object(), *list = json_array(), *copy;
	char *text;

	(void)state;
	json_set(o, "list", list);
	json_add(list, json_number(1.5));
	json_add(list, json_bool(false));
	json_add(list, json_null());
	json_set_string(o, "name", "x");
	json_set_number(o, "n", 1);
	json_set_number(o, "n", 2);
	json_set_bool(o, "yes", true);
	json_set_number(o, "gone", 1);
	json_remove(o, "gone");
	json_remove(o, "never there");
	assert_null(json_set(o, "nothing", NULL));
	assert_null(json_add(list, NULL));
	copy = json_copy(o);
	json_set_string(o, "name", "y");
	text = json_canonical(copy);
	assert_string_equal(text, "{\"list\":[1.5,false,null],\"n\":2,"
				  "\"name\":\"x\",\"yes\":true}");
	free(text);
	/* A copied member has no key in a list, and another in an object. */
	json_add(list, json_copy(json_get(copy, "n")));
	json_set(o, "m", json_copy(json_get(copy, "n")));
	assert_null(json_key(json_at(list, 3)));
	assert_string_equal(json_key(json_get(o, "m")), "m");
	json_free(copy);
	json_free(o);
	json_free(NULL);
}

static void the_tree_can_be_read(void **state)
{
	static const char text[] =
		"{\"a\":{\"b\":[10,{\"c\":\"x\"},true]},\"n\":null,\"A\":3}";
	struct json *v = json_parse(text, sizeof(text) - 1);
	const struct json *list = json_path(v, "a.b");
	size_t seen = 0;

	(void)state;
	assert_int_equal(json_len(list), 3);
	assert_true(json_as_number(json_path(v, "a.b.0"), -1) == 10);
	assert_string_equal(json_as_string(json_path(v, "a.b.1.c"), ""), "x");
	assert_true(json_as_bool(json_path(v, "a.b.2"), false));
	assert_null(json_path(v, "a.b.3"));
	assert_null(json_path(v, "a.b.x"));
	assert_null(json_path(v, "a.b."));
	assert_null(json_path(v, "a.b.-1"));
	assert_null(json_path(v, "a.b.99999999999999999999"));
	assert_null(json_path(v, "a.b.0.c"));
	assert_null(json_path(v, ""));
	assert_null(json_path(NULL, "a"));
	assert_true(json_as_number(json_get(v, "A"), 0) == 3);
	assert_int_equal(json_type(json_get(v, "n")), JSON_NULL);
	assert_int_equal(json_type(json_get(v, "z")), JSON_ABSENT);
	assert_int_equal(json_type(json_get(list, "z")), JSON_ABSENT);
	assert_true(json_as_number(json_get(v, "a"), 7) == 7);
	assert_string_equal(json_as_string(NULL, "d"), "d");
	json_each (it, v) {
		assert_non_null(json_key(it));
		seen++;
	}
	assert_int_equal(seen, 3);
	json_each (it, NULL)
		fail();
	json_free(v);
}

static void what_is_written_can_be_read(void **state)
{
	static const char bad[] = "a\xff\xc3(\xed\xa0\x80\xef\xbf\xbf\x01z";
	struct json *o = json_object();
	char *text, *again;
	struct json *v;

	(void)state;
	json_set_string(o, bad, bad);
	json_set_number(o, "nan", NAN);
	json_set_number(o, "inf", -INFINITY);
	text = json_canonical(o);
	v = json_parse(text, strlen(text));
	if (!v)
		fail_msg("%s: %s", text, err_text());
	again = json_canonical(v);
	assert_string_equal(text, again);
	assert_string_equal(json_as_string(json_first(v), ""),
			    "a\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd\x01z");
	assert_int_equal(json_type(json_get(v, "nan")), JSON_NULL);
	free(again);
	free(text);
	json_free(v);
	json_free(o);
}

/* RFC 8785, sections 3.2.2 to 3.2.4. */
static void canonical_examples(void **state)
{
	(void)state;
	canonical_is("{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3,"
		     " 0.000000000000000000000000001],"
		     "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022"
		     "\\u005c\\\\\\\"\\/\","
		     "\"literals\": [null, true, false]}",
		     "{\"literals\":[null,true,false],"
		     "\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
		     "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	canonical_is("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
		     "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\","
		     "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji\","
		     "\"\\u0080\":\"Control\","
		     "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
		     "{\"\\r\":\"Carriage Return\",\"1\":\"One\","
		     "\"\xc2\x80\":\"Control\","
		     "\"ö\":\"Latin Small Letter O With Diaeresis\","
		     "\"€\":\"Euro Sign\",\"😀\":\"Emoji\","
		     "\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
	/* A prefix comes first; U+D7FF, U+10000 and U+E000 in this order. */
	canonical_is("{\"\ue000\":1,\"\U00010000\":2,\"\ud7ff\":3,"
		     "\"aa\":4,\"a\":5,\"a\U00010000\":6,\"a\uffe6\":7}",
		     "{\"a\":5,\"aa\":4,\"a\U00010000\":6,\"a\uffe6\":7,"
		     "\"\ud7ff\":3,\"\U00010000\":2,\"\ue000\":1}");
	canonical_is("\"\\b\\t\\n\\f\\r\\u0001\\u001F\\u007f\"",
		     "\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\"");
}

static void number_is(double x, const char *want)
{
	struct json *v = json_number(x);
	char *got = json_canonical(v);

	assert_string_equal(got, want);
	free(got);
	json_free(v);
}

/* RFC 8785, appendix B. */
static const struct {
	uint64_t bits;
	const char *text;
} rfc_numbers[] = {
	{0x0000000000000000, "0"},
	{0x8000000000000000, "0"},
	{0x0000000000000001, "5e-324"},
	{0x8000000000000001, "-5e-324"},
	{0x7fefffffffffffff, "1.7976931348623157e+308"},
	{0xffefffffffffffff, "-1.7976931348623157e+308"},
	{0x4340000000000000, "9007199254740992"},
	{0xc340000000000000, "-9007199254740992"},
	{0x4430000000000000, "295147905179352830000"},
	{0x44b52d02c7e14af5, "9.999999999999997e+22"},
	{0x44b52d02c7e14af6, "1e+23"},
	{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	{0x444b1ae4d6e2ef4e, "999999999999999700000"},
	{0x444b1ae4d6e2ef4f, "999999999999999900000"},
	{0x444b1ae4d6e2ef50, "1e+21"},
	{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
	{0x3eb0c6f7a0b5ed8d, "0.000001"},
	{0x41b3de4355555553, "333333333.3333332"},
	{0x41b3de4355555554, "333333333.33333325"},
	{0x41b3de4355555555, "333333333.3333333"},
	{0x41b3de4355555556, "333333333.3333334"},
	{0x41b3de4355555557, "333333333.33333343"},
	{0xbecbf647612f3696, "-0.0000033333333333333333"},
	{0x43143ff3c1cb0959, "1424953923781206.2"},
};

static void numbers_of_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rfc_numbers); i++)
		number_is(from_bits(rfc_numbers[i].bits), rfc_numbers[i].text);
	number_is(NAN, "null");
	number_is(INFINITY, "null");
}

static void numbers_at_powers_of_two(void **state)
{
	(void)state;
	number_is(0x1p-44, "5.684341886080802e-14");
	number_is(0x1p-24, "5.960464477539063e-8");
	number_is(0x1p53, "9007199254740992");
	number_is(0x1p54, "18014398509481984");
	number_is(0x1p69, "590295810358705700000");
	number_is(0x1p70, "1.1805916207174113e+21");
	number_is(0x1p-1022, "2.2250738585072014e-308");
	number_is(1e-7, "1e-7");
	number_is(123456789012345680000.0, "123456789012345680000");
	number_is(0.1 + 0.2, "0.30000000000000004");
	for (int e = -1074; e <= 1023; e++) {
		struct json *v = json_number(ldexp(1, e)), *again;
		char *text = json_canonical(v);

		again = json_parse(text, strlen(text));
		assert_true(json_as_number(again, 0) == ldexp(1, e));
		json_free(again);
		json_free(v);
		free(text);
	}
}

/* A locale whose decimal point is a comma, made on the spot. */
static bool comma_locale(const char *dir)
{
	char *command = mem_printf(
		"cd %s && printf 'LC_NUMERIC\ndecimal_point \",\"\n"
		"thousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n' >src && "
		"localedef -c -i src -f ANSI_X3.4-1968 --no-archive ./comma "
		">/dev/null 2>&1; test -e comma/LC_NUMERIC",
		dir);
	bool made = system(command) == 0;

	free(command);
	setenv("LOCPATH", dir, 1);
	return made && setlocale(LC_NUMERIC, "comma");
}

static void the_locale_does_not_matter(void **state)
{
	char dir[] = "/tmp/test_json.XXXXXX", text[8];
	bool made;

	(void)state;
	assert_non_null(mkdtemp(dir));
	made = comma_locale(dir);
	temp_clear(dir);
	if (!made)
		skip();
	snprintf(text, sizeof(text), "%.1f", 1.5);
	assert_string_equal(text, "1,5");
	canonical_is("[1.5,5.684341886080802e-14,1e21]",
		     "[1.5,5.684341886080802e-14,1e+21]");
	number_is(0.1, "0.1");
	setlocale(LC_ALL, "C");
}

#define COMPARED 200000

/* Random bits; few digits; the neighbourhood of powers of two and of ten. */
static double interesting(struct rng *r, size_t i)
{
	uint64_t near = rng_below(r, 5) - 2;

	switch (i % 6) {
	case 0:
		return from_bits(to_bits(ldexp(1, (int)(i / 6 % 2098) - 1074)) +
				 near);
	case 1:
		return from_bits(
			to_bits(pow(10, (double)rng_below(r, 632) - 323)) +
			near);
	case 2:
		return (double)rng_below(r, 100000000) /
		       pow(10, (double)rng_below(r, 12));
	case 3:
		return from_bits(rng_next(r) >> (12 + rng_below(r, 52)));
	case 4:
		return (double)rng_next(r) * (rng_unit(r) < 0.5 ? -1 : 1);
	default:
		return from_bits(rng_next(r));
	}
}

static FILE *node_numbers(const char *path)
{
	char *command = mem_printf(
		"node -e 'const b=require(\"fs\").readFileSync(\"%s\");"
		"const o=[];"
		"for(let i=0;i<b.length;i+=8)"
		"o.push(JSON.stringify(b.readDoubleLE(i)));"
		"process.stdout.write(o.join(\"\\n\")+\"\\n\")'",
		path);
	FILE *f = popen(command, "r");

	free(command);
	return f;
}

static void numbers_as_node_writes_them(void **state)
{
	char path[] = "/tmp/test_json.XXXXXX", line[64];
	double *x = mem_zalloc(COMPARED, sizeof(*x));
	struct rng r;
	FILE *f;

	(void)state;
	if (system("command -v node >/dev/null")) {
		free(x);
		skip();
	}
	rng_init(&r, 8785);
	for (size_t i = 0; i < COMPARED; i++)
		x[i] = interesting(&r, i);
	f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(x, sizeof(*x), COMPARED, f), COMPARED);
	fclose(f);
	f = node_numbers(path);
	assert_non_null(f);
	for (size_t i = 0; i < COMPARED; i++) {
		assert_non_null(fgets(line, sizeof(line), f));
		line[strcspn(line, "\n")] = '\0';
		number_is(x[i], line);
	}
	assert_int_equal(pclose(f), 0);
	unlink(path);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_json),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(values_have_a_limit),
		cmocka_unit_test(a_million_keys_are_quick),
		cmocka_unit_test(hostile_sizes_are_quick),
		cmocka_unit_test(building_is_quick),
		cmocka_unit_test(the_tree_can_be_built),
		cmocka_unit_test(the_tree_can_be_read),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(canonical_examples),
		cmocka_unit_test(numbers_of_the_rfc),
		cmocka_unit_test(numbers_at_powers_of_two),
		cmocka_unit_test(the_locale_does_not_matter),
		cmocka_unit_test(numbers_as_node_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
