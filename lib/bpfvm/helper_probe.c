/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading where it may not be: never a fault, but -EFAULT and zeros.  User
 * space and the kernel are in one address space here.
 */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

#define PAGE	   4096u
#define MAX_STRING 4096u

const unsigned char *arg_peek(struct vm *vm, uint64_t addr, uint64_t len,
			      uint32_t *have)
{
	uint32_t n = vm_region_of(addr), off = (uint32_t)addr, end;
	const struct vm_region *r = vm_region(vm, n);

	*have = 0;
	if (!r || off >= r->len)
		return NULL;
	end = r->len - off < len ? r->len : off + (uint32_t)len;
	if (n == vm->arena) {
		uint32_t at = off;

		while (at < end && vm_arena_has(vm, at, 1))
			at = (at | (PAGE - 1)) + 1;
		if (at < end)
			end = at;
	}
	*have = end - off;
	return *have ? r->base + off : NULL;
}

const char *arg_string(struct vm *vm, uint64_t addr)
{
	uint32_t have;
	const unsigned char *s = arg_peek(vm, addr, MAX_STRING, &have);

	if (!s) {
		vm_read(vm, addr, 1); /* says why */
		return NULL;
	}
	if (!memchr(s, 0, have)) {
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "a string that does not end in its object");
		return NULL;
	}
	return (const char *)s;
}

static uint64_t probe(struct vm *vm, const uint64_t r[5])
{
	uint32_t size = (uint32_t)r[1], have;
	unsigned char *to = vm_write(vm, r[0], size);
	const unsigned char *from;

	if (!to || !size)
		return 0;
	from = arg_peek(vm, r[2], size, &have);
	if (have < size) {
		memset(to, 0, size);
		return answer(-EFAULT);
	}
	memmove(to, from, size);
	return 0;
}

/* Its length with the NUL, which is put even where it was cut off. */
static uint64_t probe_str(struct vm *vm, const uint64_t r[5])
{
	uint32_t size = (uint32_t)r[1], have;
	unsigned char *to = vm_write(vm, r[0], size);
	const unsigned char *from;
	size_t len;

	if (!to || !size)
		return 0;
	from = arg_peek(vm, r[2], size, &have);
	len = from ? strnlen((const char *)from, have) : 0;
	if (len == have && have < size) {
		memset(to, 0, size);
		return answer(-EFAULT);
	}
	if (len == size)
		len--;
	memmove(to, from, len);
	to[len] = 0;
	return len + 1;
}

uint64_t call_probe_read(struct vm *vm, const uint64_t r[5])
{
	return probe(vm, r);
}

uint64_t call_probe_read_user(struct vm *vm, const uint64_t r[5])
{
	return probe(vm, r);
}

uint64_t call_probe_read_kernel(struct vm *vm, const uint64_t r[5])
{
	return probe(vm, r);
}

uint64_t call_copy_from_user(struct vm *vm, const uint64_t r[5])
{
	return probe(vm, r);
}

uint64_t call_probe_read_str(struct vm *vm, const uint64_t r[5])
{
	return probe_str(vm, r);
}

uint64_t call_probe_read_user_str(struct vm *vm, const uint64_t r[5])
{
	return probe_str(vm, r);
}

uint64_t call_probe_read_kernel_str(struct vm *vm, const uint64_t r[5])
{
	return probe_str(vm, r);
}

/* Flag 1: what is behind the string is zeroed. */
uint64_t call_copy_from_user_str(struct vm *vm, const uint64_t r[5])
{
	uint32_t size = (uint32_t)r[1];
	uint64_t len;
	unsigned char *to;

	if (r[3] & ~1ull)
		return answer(-EINVAL);
	len = probe_str(vm, r);
	if (!(r[3] & 1) || (int64_t)len <= 0)
		return len;
	to = vm_write(vm, r[0], size);
	memset(to + len, 0, size - len);
	return len;
}

/* What is at the address is read as it is; nothing is checked before. */
uint64_t call_rdonly_cast(struct vm *vm, const uint64_t r[5])
{
	(void)vm;
	return r[0];
}
