/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers on text: printf-like ones and numbers. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfvm/helper.h"

#define MAX_ARGS 12 /* the kernel's MAX_BPRINTF_VARARGS */
#define MAX_TEXT 1024
#define MAX_SPEC 24

struct out {
	char *data;
	size_t size, len; /* len goes on counting past size */
};

static void put(struct out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, o->len++) {
		if (o->len + 1 < o->size)
			o->data[o->len] = s[i];
	}
}

static void put_string(struct vm *vm, struct out *o, const char *spec,
		       uint64_t addr)
{
	char text[MAX_TEXT], piece[MAX_TEXT];
	uint32_t have;
	const unsigned char *s = arg_peek(vm, addr, sizeof(text) - 1, &have);
	size_t n = s ? strnlen((const char *)s, have) : 0;
	int len;

	if (n)
		memcpy(text, s, n);
	text[n] = 0;
	len = snprintf(piece, sizeof(piece), spec, text);
	if (len > 0)
		put(o, piece,
		    (size_t)len < sizeof(piece) ? (size_t)len
						: sizeof(piece) - 1);
}

static void put_pointer(struct out *o, const char **at, uint64_t value)
{
	char text[24];
	int len;

	/* Symbols and addresses all look alike here. */
	while (**at && strchr("KxsSB", **at))
		++*at;
	len = snprintf(text, sizeof(text), "%016llx",
		       (unsigned long long)value);
	put(o, text, (size_t)len);
}

static void put_number(struct out *o, char *spec, size_t n, char conv,
		       int longs, uint64_t value)
{
	char text[128];
	int len;

	if (!longs)
		value = conv == 'd' || conv == 'i'
				? (uint64_t)(int64_t)(int32_t)value
				: (uint32_t)value;
	memcpy(spec + n, "ll", 2);
	spec[n + 2] = conv;
	spec[n + 3] = 0;
	len = snprintf(text, sizeof(text), spec, (unsigned long long)value);
	if (len > 0)
		put(o, text,
		    (size_t)len < sizeof(text) ? (size_t)len
					       : sizeof(text) - 1);
}

/* Flags and width of a conversion, at most 2 digits: -1 for more. */
static int copy_spec(const char **at, char spec[static MAX_SPEC])
{
	int n = 0, digits = 0;

	spec[n++] = '%';
	while (**at && strchr("0+- ", **at)) {
		if (n > 6)
			return -1;
		spec[n++] = *(*at)++;
	}
	while (**at >= '0' && **at <= '9') {
		if (++digits > 2)
			return -1;
		spec[n++] = *(*at)++;
	}
	return n;
}

/* One conversion, *at behind its '%'.  false: a bad one. */
static bool convert(struct vm *vm, struct out *o, const char **at,
		    uint64_t value)
{
	char spec[MAX_SPEC], c;
	int n = copy_spec(at, spec), longs = 0;

	if (n < 0)
		return false;
	switch (**at) {
	case 'p':
		++*at;
		/* %pks and %pus are strings. */
		if (((*at)[0] != 'k' && (*at)[0] != 'u') || (*at)[1] != 's') {
			put_pointer(o, at, value);
			return true;
		}
		++*at;
		/* fall through */
	case 's':
		++*at;
		memcpy(spec + n, "s", 2);
		put_string(vm, o, spec, value);
		return true;
	case 'c':
		++*at;
		c = (char)value;
		put(o, &c, 1);
		return true;
	}
	while (**at == 'l' && longs < 2) {
		longs++;
		++*at;
	}
	if (!**at || !strchr("diuxX", **at))
		return false;
	put_number(o, spec, (size_t)n, *(*at)++, longs, value);
	return true;
}

static int64_t format(struct vm *vm, const char *fmt, const uint64_t *args,
		      uint32_t count, char *text, size_t size)
{
	struct out o = {.data = text, .size = size};
	uint32_t used = 0;

	while (*fmt) {
		if (*fmt != '%' || fmt[1] == '%') {
			put(&o, fmt, 1);
			fmt += *fmt == '%' ? 2 : 1;
			continue;
		}
		fmt++;
		if (used == count || !convert(vm, &o, &fmt, args[used++]))
			return -EINVAL;
	}
	if (size)
		text[o.len < size ? o.len : size - 1] = 0;
	return (int64_t)o.len;
}

int64_t vm_format(struct vm *vm, uint64_t fmt, uint64_t args, uint32_t args_len,
		  char *out, size_t size)
{
	uint64_t copy[MAX_ARGS] = {0};
	const char *f = arg_string(vm, fmt);
	const void *from;

	if (size)
		out[0] = 0;
	if (!f)
		return -EFAULT;
	if (args_len % 8 || args_len > sizeof(copy))
		return -EINVAL;
	from = vm_read(vm, args, args_len);
	if (!from)
		return -EFAULT;
	memcpy(copy, from, args_len);
	return format(vm, f, copy, args_len / 8, out, size);
}

static uint64_t print(struct vm *vm, int64_t len, const char *text)
{
	if (len >= 0 && vm->host->print)
		vm->host->print(vm->host->arg, text);
	return answer(len);
}

uint64_t call_trace_printk(struct vm *vm, const uint64_t r[5])
{
	char text[MAX_TEXT];
	const char *fmt = arg_string(vm, r[0]);

	return fmt ? print(vm, format(vm, fmt, r + 2, 3, text, sizeof(text)),
			   text)
		   : 0;
}

uint64_t call_trace_vprintk(struct vm *vm, const uint64_t r[5])
{
	char text[MAX_TEXT];

	return print(
		vm,
		vm_format(vm, r[0], r[2], (uint32_t)r[3], text, sizeof(text)),
		text);
}

uint64_t call_snprintf(struct vm *vm, const uint64_t r[5])
{
	uint32_t size = (uint32_t)r[1];
	char text[MAX_TEXT];
	int64_t len;
	char *to = vm_write(vm, r[0], size);

	if (!to)
		return 0;
	if (size > sizeof(text))
		size = sizeof(text);
	len = vm_format(vm, r[2], r[3], (uint32_t)r[4], text, size);
	if (len < 0)
		return answer(len);
	if (size)
		memcpy(to, text, strlen(text) + 1);
	return (uint64_t)len + 1;
}

/* ---- numbers ---------------------------------------------------------- */

struct number {
	bool negative, overflow;
	uint64_t value;
	uint32_t used; /* characters; 0: there was no number */
};

static int digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static bool is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void parse_number(const unsigned char *s, uint32_t len, int base,
			 struct number *out)
{
	uint32_t i = 0, first;

	while (i < len && is_space(s[i]))
		i++;
	if (i < len && s[i] == '-') {
		out->negative = true;
		i++;
	}
	if ((base == 0 || base == 16) && i + 2 < len && s[i] == '0' &&
	    (s[i + 1] | 32) == 'x' && digit(s[i + 2]) < 16) {
		base = 16;
		i += 2;
	} else if (base == 0) {
		base = i < len && s[i] == '0' ? 8 : 10;
	}
	for (first = i; i < len && digit(s[i]) < base; i++) {
		if (__builtin_mul_overflow(out->value, (uint64_t)base,
					   &out->value) ||
		    __builtin_add_overflow(out->value, (uint64_t)digit(s[i]),
					   &out->value))
			out->overflow = true;
	}
	out->used = i > first ? i : 0;
}

static uint64_t to_number(struct vm *vm, const uint64_t r[5], bool is_signed)
{
	uint32_t len = (uint32_t)r[1];
	const unsigned char *s = vm_read(vm, r[0], len);
	void *to = vm_write(vm, r[3], 8);
	struct number n = {0};
	uint64_t limit = INT64_MAX;

	if (!s || !to)
		return 0;
	memset(to, 0, 8);
	if (!len || (r[2] && r[2] != 8 && r[2] != 10 && r[2] != 16))
		return answer(-EINVAL);
	parse_number(s, len, (int)r[2], &n);
	if (!n.used || (n.negative && !is_signed))
		return answer(-EINVAL);
	if (n.negative)
		limit++;
	if (n.overflow || (is_signed && n.value > limit))
		return answer(-ERANGE);
	if (n.negative)
		n.value = -n.value;
	memcpy(to, &n.value, 8);
	return n.used;
}

uint64_t call_strtol(struct vm *vm, const uint64_t r[5])
{
	return to_number(vm, r, true);
}

uint64_t call_strtoul(struct vm *vm, const uint64_t r[5])
{
	return to_number(vm, r, false);
}

uint64_t call_strncmp(struct vm *vm, const uint64_t r[5])
{
	uint32_t len = (uint32_t)r[1];
	const char *a = vm_read(vm, r[0], len), *b;

	b = a ? arg_string(vm, r[2]) : NULL;
	return b ? answer(strncmp(a, b, len)) : 0;
}
