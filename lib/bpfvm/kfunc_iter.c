/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Iterators over numbers and bits. */
#include <errno.h>
#include <string.h>

#include "bpfvm/helper.h"

#define MAX_LOOPS (8u << 20) /* the kernel's */
#define MAX_WORDS 511

/* struct bpf_iter_num: the program is given the address of cur. */
struct iter_num {
	int32_t cur, end;
} __attribute__((packed)); /* wherever the program has it */

uint64_t call_iter_num_new(struct vm *vm, const uint64_t r[5])
{
	struct iter_num *it = arg_write(vm, r[0], sizeof(*it));
	int32_t start = (int32_t)r[1], end = (int32_t)r[2];
	int64_t rc = 0;

	if (!it)
		return 0;
	if (start > end)
		rc = -EINVAL;
	else if ((int64_t)end - start > MAX_LOOPS)
		rc = -E2BIG;
	/* One before the first, which may not exist: hence unsigned. */
	it->cur = rc ? 0 : (int32_t)((uint32_t)start - 1);
	it->end = rc ? 0 : end;
	vm_hold(vm, HELD_ITER, r[0]);
	return answer(rc);
}

uint64_t call_iter_num_next(struct vm *vm, const uint64_t r[5])
{
	struct iter_num *it = arg_write(vm, r[0], sizeof(*it));
	int32_t next;

	if (!it)
		return 0;
	next = (int32_t)((uint32_t)it->cur + 1);
	if (next >= it->end) {
		it->cur = it->end = 0;
		return 0;
	}
	it->cur = next;
	return r[0];
}

static uint64_t destroy(struct vm *vm, uint64_t it)
{
	if (!vm_unhold(vm, HELD_ITER, it))
		vm_fault_set(vm, VM_FAULT_CALL,
			     "an iterator is destroyed that was not made");
	return 0;
}

uint64_t call_iter_num_destroy(struct vm *vm, const uint64_t r[5])
{
	return destroy(vm, r[0]);
}

/* ---- bits ------------------------------------------------------------- */

/*
 * struct bpf_iter_bits has 16 bytes.  The bits are read where they stand, not
 * copied first: a program that changes them on the way sees the change.
 */
struct iter_bits {
	uint64_t addr;
	uint32_t words;
	int32_t bit; /* the last one found */
} __attribute__((packed));

uint64_t call_iter_bits_new(struct vm *vm, const uint64_t r[5])
{
	struct iter_bits *it = arg_write(vm, r[0], sizeof(*it));
	uint32_t words = (uint32_t)r[2], have;
	int64_t rc = 0;

	if (!it)
		return 0;
	if (!words)
		rc = -EINVAL;
	else if (words > MAX_WORDS)
		rc = -E2BIG;
	else if (!arg_peek(vm, r[1], words * 8ull, &have) || have < words * 8)
		rc = -EFAULT;
	it->addr = r[1];
	it->words = rc ? 0 : words;
	it->bit = -1;
	vm_hold(vm, HELD_ITER, r[0]);
	return answer(rc);
}

/* The address of the bit's number, which is an int. */
uint64_t call_iter_bits_next(struct vm *vm, const uint64_t r[5])
{
	struct iter_bits *it = arg_write(vm, r[0], sizeof(*it));
	const unsigned char *bits;
	uint64_t word;
	uint32_t i;

	if (!it || !it->words)
		return 0;
	if (it->words > MAX_WORDS) /* the program's own doing */
		return vm_fault_set(vm, VM_FAULT_CALL, "a broken iterator");
	bits = vm_read(vm, it->addr, it->words * 8);
	if (!bits)
		return 0;
	for (i = (uint32_t)it->bit + 1; i < it->words * 64; i = (i | 63) + 1) {
		memcpy(&word, bits + i / 64 * 8, 8);
		word &= ~0ull << i % 64;
		if (!word)
			continue;
		it->bit =
			(int32_t)((i & ~63u) + (uint32_t)__builtin_ctzll(word));
		return r[0] + offsetof(struct iter_bits, bit);
	}
	it->words = 0;
	return 0;
}

uint64_t call_iter_bits_destroy(struct vm *vm, const uint64_t r[5])
{
	return destroy(vm, r[0]);
}
