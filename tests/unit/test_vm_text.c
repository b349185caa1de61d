/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers on text and bytes, beside what the C library makes of the same. */
#include <errno.h>
#include <stdio.h>

#include "vm_fix.h"

#define ERROR(e) ((uint64_t) - (int64_t)(e))

static void setup(struct fix *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(fix_open(f, 0), 0);
}

static uint64_t put_text(struct fix *f, uint32_t off, const char *text)
{
	return fix_put(f, off, text, strlen(text) + 1);
}

static void test_probe(void **state)
{
	static const uint64_t nowhere[] = {0, 8, 1ull << 62, UINT64_MAX - 7};
	struct fix f;
	uint64_t from;

	(void)state;
	setup(&f);
	from = fix_put(&f, 100, "some text", 10);
	assert_int_equal(fix_call(&f, 113, f.at, 10, from, 0), 0);
	assert_string_equal((char *)f.scratch, "some text");
	assert_int_equal(fix_call(&f, 115, f.at, 64, from, 0), 10);
	assert_int_equal(fix_call(&f, 115, f.at, 5, from, 0), 5);
	assert_string_equal((char *)f.scratch, "some");
	for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
		memset(f.scratch, 1, 8);
		assert_int_equal(fix_call(&f, 113, f.at, 8, nowhere[i], 0),
				 ERROR(EFAULT));
		assert_int_equal(fix_get(&f, f.at), 0);
		memset(f.scratch, 1, 8);
		assert_int_equal(fix_call(&f, 114, f.at, 8, nowhere[i], 0),
				 ERROR(EFAULT));
		assert_int_equal(fix_get(&f, f.at), 0);
	}
	/* Half of it is outside. */
	assert_int_equal(
		fix_call(&f, 4, f.at, 8, f.at + sizeof(f.scratch) - 4, 0),
		ERROR(EFAULT));
	memset(f.scratch + sizeof(f.scratch) - 4, 'x', 4);
	assert_int_equal(
		fix_call(&f, 45, f.at, 8, f.at + sizeof(f.scratch) - 4, 0),
		ERROR(EFAULT));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	/* The destination is the program's own fault. */
	fix_call(&f, 113, f.at + sizeof(f.scratch) - 4, 8, from, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	fix_close(&f);
}

/* Strings and bytes at the very end of what there is. */
static void test_probe_ends(void **state)
{
	struct fix f;

	(void)state;
	setup(&f);
	for (uint32_t n = 1; n <= 8; n++) {
		uint64_t end = f.at + sizeof(f.scratch), from = end - n;

		memset(f.scratch, 1, 16);
		memset(f.scratch + sizeof(f.scratch) - 8, 'x', 8);
		/* All that there is, and one more. */
		assert_int_equal(fix_call(&f, 113, f.at, n, from, 0), 0);
		assert_memory_equal(f.scratch, "xxxxxxxx", n);
		assert_int_equal(f.scratch[n], 1);
		assert_int_equal(fix_call(&f, 113, f.at, n + 1, from, 0),
				 ERROR(EFAULT));
		assert_memory_equal(f.scratch, "\0\0\0\0\0\0\0\0\0", n + 1);
		/* A string that is cut off is no error … */
		memset(f.scratch, 1, 16);
		assert_int_equal(fix_call(&f, 115, f.at, n, from, 0), n);
		assert_memory_equal(f.scratch, "xxxxxxxx", n - 1);
		assert_int_equal(f.scratch[n - 1], 0);
		assert_int_equal(f.scratch[n], 1);
		/* … one that ends with the memory is. */
		assert_int_equal(fix_call(&f, 115, f.at, n + 1, from, 0),
				 ERROR(EFAULT));
		assert_memory_equal(f.scratch, "\0\0\0\0\0\0\0\0\0", n + 1);
		f.scratch[sizeof(f.scratch) - 1] = 0;
		assert_int_equal(fix_call(&f, 115, f.at, n, from, 0), n);
		assert_int_equal(fix_call(&f, 115, f.at, 16, from, 0), n);
		assert_int_equal(strlen((char *)f.scratch), n - 1);
	}
	assert_int_equal(fix_call(&f, 115, f.at, 0, f.at, 0), 0);
	/* Flag 1 clears what is behind the string, and only that. */
	memset(f.scratch, 1, 32);
	put_text(&f, 100, "abc");
	assert_int_equal(fix_kfunc4(&f, "bpf_copy_from_user_str", f.at, 10,
				    f.at + 100, 0),
			 4);
	assert_memory_equal(f.scratch, "abc\0\1\1\1\1\1\1\1", 11);
	assert_int_equal(fix_kfunc4(&f, "bpf_copy_from_user_str", f.at, 10,
				    f.at + 100, 1),
			 4);
	assert_memory_equal(f.scratch, "abc\0\0\0\0\0\0\0\1", 11);
	assert_int_equal(fix_kfunc4(&f, "bpf_copy_from_user_str", f.at, 10,
				    f.at + 100, 2),
			 ERROR(EINVAL));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

static uint64_t print(struct fix *f, const char *fmt, uint64_t a, uint64_t b,
		      uint64_t c)
{
	const uint64_t r[5] = {fix_put(f, 512, fmt, strlen(fmt) + 1),
			       strlen(fmt) + 1, a, b, c};

	f->printed[0] = 0;
	return vm_calls_helper(f->calls, 6)->fn(f->vm, r);
}

static void test_text(void **state)
{
	struct fix f;
	uint64_t name;
	const uint64_t args[] = {5, (uint64_t)-6};

	(void)state;
	setup(&f);
	name = fix_put(&f, 400, "task", 5);
	assert_int_equal(print(&f, "%d %u %llx", (uint64_t)-1, 7, 1ull << 40),
			 4 + 1 + 11);
	assert_string_equal(f.printed, "-1 7 10000000000");
	print(&f, "[%s] %% %c%5d", name, 'x', 42);
	assert_string_equal(f.printed, "[task] % x   42");
	print(&f, "%s|%-4ld|%08x", 0, 3, 0x1ffffffffull);
	assert_string_equal(f.printed, "|3   |ffffffff");
	assert_int_equal(print(&f, "%d %d %d %d", 1, 2, 3), ERROR(EINVAL));
	assert_int_equal(print(&f, "%n", 1, 2, 3), ERROR(EINVAL));
	assert_int_equal(print(&f, "%999d", 1, 2, 3), ERROR(EINVAL));
	assert_int_equal(print(&f, "%", 1, 2, 3), ERROR(EINVAL));
	assert_int_equal(print(&f, "%l", 1, 2, 3), ERROR(EINVAL));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);

	memcpy(f.scratch + 600, args, sizeof(args));
	fix_put(&f, 512, "%lu,%ld", 8);
	{
		const uint64_t r[5] = {f.at, 5, f.at + 512, f.at + 600, 16};

		memset(f.scratch, 'x', 8);
		assert_int_equal(vm_calls_helper(f.calls, 165)->fn(f.vm, r), 5);
		assert_string_equal((char *)f.scratch, "5,-6");
		assert_int_equal(f.scratch[5], 'x');
	}
	assert_int_equal(fix_call(&f, 182, name, 5, f.at + 400, 0), 0);
	fix_put(&f, 420, "tasks", 6);
	assert_true((int64_t)fix_call(&f, 182, name, 5, f.at + 420, 0) < 0);
	assert_int_equal(fix_call(&f, 182, name, 4, f.at + 420, 0), 0);
	fix_close(&f);
}

static int64_t number(struct fix *f, int helper, const char *text, int base,
		      uint64_t *value)
{
	int64_t rc =
		(int64_t)fix_call(f, helper, fix_put(f, 64, text, strlen(text)),
				  strlen(text), (uint64_t)base, f->at);

	memcpy(value, f->scratch, 8);
	return rc;
}

static void test_numbers(void **state)
{
	struct fix f;
	uint64_t v;

	(void)state;
	setup(&f);
	assert_int_equal(number(&f, 105, " -42x", 0, &v), 4);
	assert_int_equal((int64_t)v, -42);
	assert_int_equal(number(&f, 105, "0x1f", 0, &v), 4);
	assert_int_equal(v, 31);
	assert_int_equal(number(&f, 105, "017", 0, &v), 3);
	assert_int_equal(v, 15);
	assert_int_equal(number(&f, 105, "9223372036854775807", 10, &v), 19);
	assert_int_equal(number(&f, 105, "9223372036854775808", 10, &v),
			 -ERANGE);
	assert_int_equal(number(&f, 105, "-9223372036854775808", 10, &v), 20);
	assert_int_equal(v, 1ull << 63);
	assert_int_equal(number(&f, 106, "18446744073709551615", 10, &v), 20);
	assert_int_equal(number(&f, 106, "18446744073709551616", 10, &v),
			 -ERANGE);
	assert_int_equal(number(&f, 106, "-1", 10, &v), -EINVAL);
	assert_int_equal(number(&f, 106, "x", 10, &v), -EINVAL);
	assert_int_equal(number(&f, 106, "", 10, &v), -EINVAL);
	assert_int_equal(number(&f, 106, "1", 3, &v), -EINVAL);
	fix_close(&f);
}

static void test_strings(void **state)
{
	struct fix f;
	uint64_t a, b;

	(void)state;
	setup(&f);
	a = fix_put(&f, 0, "scheduler", 10);
	b = fix_put(&f, 32, "SCHED", 6);
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", a, 0, 0), 9);
	assert_int_equal(fix_kfunc(&f, "bpf_strnlen", a, 3, 0), 3);
	assert_int_equal(fix_kfunc(&f, "bpf_strcmp", a, b, 0), 1);
	assert_int_equal(fix_kfunc(&f, "bpf_strcmp", b, a, 0), ERROR(1));
	assert_int_equal(fix_kfunc(&f, "bpf_strchr", a, 'e', 0), 3);
	assert_int_equal(fix_kfunc(&f, "bpf_strrchr", a, 'e', 0), 7);
	assert_int_equal(fix_kfunc(&f, "bpf_strchr", a, 'z', 0), ERROR(ENOENT));
	assert_int_equal(fix_kfunc(&f, "bpf_strstr", a, a + 5, 0), 5);
	assert_int_equal(fix_kfunc(&f, "bpf_strnstr", a, a + 5, 6),
			 ERROR(ENOENT));
	fix_put(&f, 32, "SCHEDULER", 10);
	assert_int_equal(fix_kfunc(&f, "bpf_strcasecmp", a, b, 0), 0);
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", 0, 0, 0), ERROR(EFAULT));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

/* ---- beside the C library --------------------------------------------- */

static uint64_t sign(int d)
{
	return (uint64_t)(int64_t)((d > 0) - (d < 0));
}

/* The C locale's letters are the only ones that have a case. */
static int caseless(unsigned char a, unsigned char b)
{
	if (a >= 'A' && a <= 'Z')
		a = (unsigned char)(a - 'A' + 'a');
	if (b >= 'A' && b <= 'Z')
		b = (unsigned char)(b - 'A' + 'a');
	return a - b;
}

static void test_strings_beside_libc(void **state)
{
	static const char *const texts[] = {"",	  "a",	 "b",	"ab",	"ba",
					    "aa", "aab", "aba", "abab", "bab"};
	struct fix f;

	(void)state;
	setup(&f);
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			uint64_t x = fix_put(&f, 0, (char[]){(char)a, 0}, 2);
			uint64_t y = fix_put(&f, 8, (char[]){(char)b, 0}, 2);

			assert_int_equal(
				fix_kfunc(&f, "bpf_strcasecmp", x, y, 0),
				sign(caseless((unsigned char)a,
					      (unsigned char)b)));
			assert_int_equal(fix_kfunc(&f, "bpf_strcmp", x, y, 0),
					 sign((int)a - (int)b));
		}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t j = 0; j < ARRAY_LEN(texts); j++) {
			const char *s = texts[i], *w = texts[j],
				   *at = strstr(s, w);
			uint64_t x = put_text(&f, 0, s);
			uint64_t y = put_text(&f, 16, w);

			assert_int_equal(fix_kfunc(&f, "bpf_strcmp", x, y, 0),
					 sign(strcmp(s, w)));
			assert_int_equal(
				fix_kfunc(&f, "bpf_strcasecmp", x, y, 0),
				sign(strcmp(s, w)));
			assert_int_equal(fix_kfunc(&f, "bpf_strstr", x, y, 0),
					 at ? (uint64_t)(at - s)
					    : ERROR(ENOENT));
			for (size_t most = 0; most < 6; most++) {
				bool in = at &&
					  (size_t)(at - s) + strlen(w) <= most;

				assert_int_equal(fix_kfunc(&f, "bpf_strnstr", x,
							   y, most),
						 in ? (uint64_t)(at - s)
						    : ERROR(ENOENT));
				assert_int_equal(fix_kfunc(&f, "bpf_strnlen", x,
							   most, 0),
						 strnlen(s, most));
			}
			at = strrchr(s, w[0]);
			assert_int_equal(fix_kfunc(&f, "bpf_strrchr", x,
						   (uint64_t)w[0], 0),
					 at ? (uint64_t)(at - s)
					    : ERROR(ENOENT));
			at = strchr(s, w[0]);
			assert_int_equal(fix_kfunc(&f, "bpf_strchr", x,
						   (uint64_t)w[0], 0),
					 at ? (uint64_t)(at - s)
					    : ERROR(ENOENT));
		}
	/* Without an end: a length that reaches to the end is one, more is a
	 * fault of the kernel's reading. */
	memset(f.scratch, 'x', sizeof(f.scratch));
	for (uint32_t n = 1; n < 4; n++) {
		uint64_t at = f.at + sizeof(f.scratch) - n;

		assert_int_equal(fix_kfunc(&f, "bpf_strnlen", at, n, 0), n);
		assert_int_equal(fix_kfunc(&f, "bpf_strnlen", at, n + 1, 0),
				 ERROR(EFAULT));
		assert_int_equal(fix_kfunc(&f, "bpf_strlen", at, 0, 0),
				 ERROR(EFAULT));
	}
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", f.at, 0, 0), ERROR(E2BIG));
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", f.at + 1, 0, 0),
			 ERROR(EFAULT));
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

static void test_printf_beside_libc(void **state)
{
	static const char *const flags[] = {"",	  "-",	"0",	"+",
					    " ",  "5",	"-5",	"05",
					    "+5", "12", "-012", "0+- 0+7"};
	static const char *const bad[] = {"%100d", "%0+- 0+-7d", "%hd", "%llld",
					  "%d %",  "%5",	 "%*d"};
	static const uint64_t values[] = {0,	      1,	  42,
					  0x7fffffff, 0x80000000, 0xffffffff,
					  1ull << 63, UINT64_MAX};
	struct fix f;
	char fmt[32], want[64];

	(void)state;
	setup(&f);
	/* Once more than the flags that are taken. */
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		for (size_t v = 0; v < ARRAY_LEN(values); v++)
			for (const char *c = "diuxX"; *c; c++) {
				int len;

				snprintf(fmt, sizeof(fmt), "<%%%s%c>", flags[i],
					 *c);
				len = snprintf(want, sizeof(want), fmt,
					       (int)values[v]);
				assert_int_equal(
					print(&f, fmt, values[v], 0, 0), len);
				assert_string_equal(f.printed, want);
				for (int longs = 1; longs <= 2; longs++) {
					snprintf(fmt, sizeof(fmt), "<%%%s%s%c>",
						 flags[i],
						 longs == 1 ? "l" : "ll", *c);
					snprintf(want, sizeof(want), fmt,
						 values[v]);
					print(&f, fmt, values[v], 0, 0);
					assert_string_equal(f.printed, want);
				}
			}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(print(&f, bad[i], 1, 2, 3), ERROR(EINVAL));
	for (const char *c = "KxsSB"; *c; c++) {
		snprintf(fmt, sizeof(fmt), "%%p%c|%%p", *c);
		print(&f, fmt, 0xabc, UINT64_MAX, 0);
		assert_string_equal(f.printed,
				    "0000000000000abc|ffffffffffffffff");
	}
	put_text(&f, 100, "text");
	print(&f, "%pks|%pus|%6s", f.at + 100, f.at + 100, f.at + 100);
	assert_string_equal(f.printed, "text|text|  text");
	/* Cut off wherever the room ends, and the length says of what. */
	put_text(&f, 100, "abcdef");
	fix_u64(&f, 120, f.at + 100);
	put_text(&f, 140, "%s");
	for (uint32_t size = 0; size < 10; size++) {
		const uint64_t r[5] = {f.at, size, f.at + 140, f.at + 120, 8};

		memset(f.scratch, '#', 16);
		assert_int_equal(vm_calls_helper(f.calls, 165)->fn(f.vm, r), 7);
		snprintf(want, sizeof(want), "%.*s", size ? (int)size - 1 : 0,
			 "abcdef");
		if (size)
			assert_string_equal((char *)f.scratch, want);
		assert_int_equal(f.scratch[size ? strlen(want) + 1 : 0], '#');
	}
	/* Arguments come in eights, and there are twelve at most. */
	for (uint32_t len = 0; len <= 104; len += 4) {
		const uint64_t r[5] = {f.at, 16, f.at + 140, f.at + 120, len};

		assert_int_equal(vm_calls_helper(f.calls, 165)->fn(f.vm, r),
				 len % 8 || len > 96 || !len ? ERROR(EINVAL)
							     : 7);
	}
	fix_close(&f);
}

static void test_numbers_beside_libc(void **state)
{
	static const char *const texts[] = {"0",
					    "7",
					    "8",
					    "9",
					    "10",
					    "0x",
					    "0xg",
					    "0xf",
					    "0XF",
					    "08",
					    "017",
					    "1a",
					    "a",
					    "f",
					    "g",
					    "F",
					    "G",
					    "-1",
					    "-0x10",
					    "- 1",
					    "\t\n\v\f\r 5",
					    "\b5",
					    "+5",
					    " ",
					    "-",
					    "--1",
					    "ffffffffffffffff",
					    "10000000000000000",
					    "9223372036854775807",
					    "-9223372036854775809",
					    "1777777777777777777777",
					    "2000000000000000000000",
					    "5 5"};
	static const int bases[] = {0, 8, 10, 16};
	struct fix f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t b = 0; b < ARRAY_LEN(bases); b++) {
			char *end;
			int64_t want, got;
			uint64_t v;

			/* The kernel knows no '+'. */
			errno = 0;
			want = strtoll(texts[i], &end, bases[b]);
			if (strchr(texts[i], '+'))
				end = (char *)texts[i];
			got = number(&f, 105, texts[i], bases[b], &v);
			if (end == texts[i])
				assert_int_equal(got, -EINVAL);
			else if (errno)
				assert_int_equal(got, -ERANGE);
			else
				assert_int_equal(got, end - texts[i]);
			if (got > 0)
				assert_int_equal((int64_t)v, want);
			errno = 0;
			v = strtoull(texts[i], &end, bases[b]);
			if (strchr(texts[i], '+') || strchr(texts[i], '-'))
				end = (char *)texts[i];
			if (end == texts[i])
				want = -EINVAL;
			else
				want = errno ? -ERANGE : end - texts[i];
			{
				uint64_t seen;

				got = number(&f, 106, texts[i], bases[b],
					     &seen);
				assert_int_equal(got, want);
				if (got > 0)
					assert_int_equal(seen, v);
			}
		}
	fix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_ends),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_printf_beside_libc),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_beside_libc),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_strings_beside_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
