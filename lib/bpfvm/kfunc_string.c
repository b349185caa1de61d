/* SPDX-License-Identifier: GPL-2.0-or-later */
/* String kfuncs: an index or a length, or an error; never a fault. */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

#define MAX_STRING 4096u /* the kernel's XATTR_SIZE_MAX is more: -E2BIG */

/* 0, or what the kfunc answers. */
static int64_t peek_string(struct vm *vm, uint64_t addr, const char **s,
			   size_t *len)
{
	uint32_t have;

	*s = (const char *)arg_peek(vm, addr, MAX_STRING, &have);
	if (!*s)
		return -EFAULT;
	*len = strnlen(*s, have);
	if (*len < have)
		return 0;
	return have == MAX_STRING ? -E2BIG : -EFAULT;
}

static int64_t compare(struct vm *vm, const uint64_t r[5],
		       int (*by)(const char *a, const char *b))
{
	const char *a, *b;
	size_t len;
	int64_t rc = peek_string(vm, r[0], &a, &len);
	int d;

	if (!rc)
		rc = peek_string(vm, r[1], &b, &len);
	if (rc)
		return rc;
	d = by(a, b);
	return (d > 0) - (d < 0);
}

uint64_t call_strcmp(struct vm *vm, const uint64_t r[5])
{
	return answer(compare(vm, r, strcmp));
}

/* Not the locale's. */
static int compare_letters(const char *a, const char *b)
{
	for (;; a++, b++) {
		unsigned char x = *a, y = *b;

		x += x >= 'A' && x <= 'Z' ? 32 : 0;
		y += y >= 'A' && y <= 'Z' ? 32 : 0;
		if (x != y || !x)
			return x - y;
	}
}

uint64_t call_strcasecmp(struct vm *vm, const uint64_t r[5])
{
	return answer(compare(vm, r, compare_letters));
}

uint64_t call_strlen(struct vm *vm, const uint64_t r[5])
{
	const char *s;
	size_t len;
	int64_t rc = peek_string(vm, r[0], &s, &len);

	return rc ? answer(rc) : len;
}

uint64_t call_strnlen(struct vm *vm, const uint64_t r[5])
{
	uint32_t most = r[1] < MAX_STRING ? (uint32_t)r[1] : MAX_STRING, have;
	const char *s = (const char *)arg_peek(vm, r[0], most, &have);
	size_t len = s ? strnlen(s, have) : 0;

	if (len == have && have < most)
		return answer(-EFAULT);
	return len;
}

static uint64_t find_char(struct vm *vm, const uint64_t r[5], bool last)
{
	const char *s, *at;
	size_t len;
	int64_t rc = peek_string(vm, r[0], &s, &len);

	if (rc)
		return answer(rc);
	at = last ? strrchr(s, (char)r[1]) : strchr(s, (char)r[1]);
	return at ? (uint64_t)(at - s) : answer(-ENOENT);
}

uint64_t call_strchr(struct vm *vm, const uint64_t r[5])
{
	return find_char(vm, r, false);
}

uint64_t call_strrchr(struct vm *vm, const uint64_t r[5])
{
	return find_char(vm, r, true);
}

static uint64_t find_string(struct vm *vm, uint64_t in, uint64_t what,
			    uint64_t most)
{
	const char *s, *w, *at;
	size_t len, what_len;
	int64_t rc = peek_string(vm, in, &s, &len);

	if (!rc)
		rc = peek_string(vm, what, &w, &what_len);
	if (rc)
		return answer(rc);
	at = memmem(s, len < most ? len : most, w, what_len);
	return at ? (uint64_t)(at - s) : answer(-ENOENT);
}

uint64_t call_strstr(struct vm *vm, const uint64_t r[5])
{
	return find_string(vm, r[0], r[1], UINT64_MAX);
}

uint64_t call_strnstr(struct vm *vm, const uint64_t r[5])
{
	return find_string(vm, r[0], r[1], r[2]);
}
