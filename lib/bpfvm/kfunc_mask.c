/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU masks.  A mask is MASK_BYTES that can be read, whoever made it; those
 * made here can be written too.
 */
#include <errno.h>
#include <string.h>

#include "bpfvm/box.h"
#include "bpfvm/helper.h"

#define MASK_WORDS 8
#define MASK_BYTES (8 * MASK_WORDS)
#define MASK_CPUS  (64 * MASK_WORDS)

struct mask {
	uint64_t w[MASK_WORDS];
};

static uint32_t nr_cpus(const struct vm *vm)
{
	uint32_t n = vm->host->nr_cpus;

	return n < MASK_CPUS ? n : MASK_CPUS;
}

static bool get(struct vm *vm, uint64_t addr, struct mask *m)
{
	const void *from = arg_read(vm, addr, MASK_BYTES);

	if (from)
		memcpy(m, from, MASK_BYTES);
	return from;
}

static void put(struct vm *vm, uint64_t addr, const struct mask *m)
{
	void *to = vm_write(vm, addr, MASK_BYTES);

	if (to)
		memcpy(to, m, MASK_BYTES);
}

/* The first CPU in it, from `from` on; nr_cpus: none. */
static uint32_t next_cpu(const struct vm *vm, const struct mask *m,
			 uint32_t from)
{
	uint32_t n = nr_cpus(vm);

	while (from < n) {
		uint64_t w = m->w[from / 64] >> from % 64;

		if (w) {
			from += (uint32_t)__builtin_ctzll(w);
			return from < n ? from : n;
		}
		from = (from | 63) + 1;
	}
	return n;
}

static void mask_and(struct mask *m, const struct mask *b)
{
	for (int i = 0; i < MASK_WORDS; i++)
		m->w[i] &= b->w[i];
}

static void mask_fill(const struct vm *vm, struct mask *m)
{
	memset(m, 0, sizeof(*m));
	for (uint32_t i = 0; i < nr_cpus(vm); i++)
		m->w[i / 64] |= 1ull << i % 64;
}

static bool mask_empty(const struct mask *m)
{
	for (int i = 0; i < MASK_WORDS; i++) {
		if (m->w[i])
			return false;
	}
	return true;
}

/* ---- life ------------------------------------------------------------- */

uint64_t call_cpumask_create(struct vm *vm, const uint64_t r[5])
{
	struct box *b = box_new(vm, &box_mask_kind, MASK_BYTES);

	(void)r;
	vm_ref_acquire(vm, vm_addr(b->region));
	return vm_addr(b->region);
}

uint64_t call_cpumask_acquire(struct vm *vm, const uint64_t r[5])
{
	struct box *b = vm_object(vm, r[0], &box_mask_kind);

	if (!b)
		return 0;
	b->refs++;
	vm_ref_acquire(vm, r[0]);
	return r[0];
}

uint64_t call_cpumask_release(struct vm *vm, const uint64_t r[5])
{
	struct box *b = vm_object(vm, r[0], &box_mask_kind);

	if (!b)
		return 0;
	if (!vm_ref_release(vm, r[0]))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a cpumask is released that is not held");
	box_put(vm, b);
	return 0;
}

/* ---- one CPU ---------------------------------------------------------- */

/* The byte that the CPU's bit is in; NULL: no such CPU, or a fault. */
static unsigned char *cpu_byte(struct vm *vm, uint64_t addr, uint64_t cpu)
{
	unsigned char *m;

	if ((uint32_t)cpu >= nr_cpus(vm))
		return NULL;
	m = vm_write(vm, addr, MASK_BYTES);
	return m ? m + (uint32_t)cpu / 8 : NULL;
}

uint64_t call_cpumask_test_cpu(struct vm *vm, const uint64_t r[5])
{
	uint32_t cpu = (uint32_t)r[0];
	const unsigned char *m;

	if (cpu >= nr_cpus(vm))
		return 0;
	m = arg_read(vm, r[1], MASK_BYTES);
	return m ? m[cpu / 8] >> cpu % 8 & 1 : 0;
}

uint64_t call_cpumask_test_and_set_cpu(struct vm *vm, const uint64_t r[5])
{
	unsigned char *b = cpu_byte(vm, r[1], r[0]), bit = 1u << r[0] % 8;
	bool was = b && *b & bit;

	if (b)
		*b |= bit;
	return was;
}

uint64_t call_cpumask_test_and_clear_cpu(struct vm *vm, const uint64_t r[5])
{
	unsigned char *b = cpu_byte(vm, r[1], r[0]), bit = 1u << r[0] % 8;
	bool was = b && *b & bit;

	if (b)
		*b &= (unsigned char)~bit;
	return was;
}

uint64_t call_cpumask_set_cpu(struct vm *vm, const uint64_t r[5])
{
	call_cpumask_test_and_set_cpu(vm, r);
	return 0;
}

uint64_t call_cpumask_clear_cpu(struct vm *vm, const uint64_t r[5])
{
	call_cpumask_test_and_clear_cpu(vm, r);
	return 0;
}

/* ---- the whole mask --------------------------------------------------- */

uint64_t call_cpumask_first(struct vm *vm, const uint64_t r[5])
{
	struct mask m;

	return get(vm, r[0], &m) ? next_cpu(vm, &m, 0) : 0;
}

uint64_t call_cpumask_first_zero(struct vm *vm, const uint64_t r[5])
{
	struct mask m;

	if (!get(vm, r[0], &m))
		return 0;
	for (int i = 0; i < MASK_WORDS; i++)
		m.w[i] = ~m.w[i];
	return next_cpu(vm, &m, 0);
}

uint64_t call_cpumask_first_and(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	if (!get(vm, r[0], &a) || !get(vm, r[1], &b))
		return 0;
	mask_and(&a, &b);
	return next_cpu(vm, &a, 0);
}

uint64_t call_cpumask_setall(struct vm *vm, const uint64_t r[5])
{
	struct mask m;

	mask_fill(vm, &m);
	put(vm, r[0], &m);
	return 0;
}

uint64_t call_cpumask_clear(struct vm *vm, const uint64_t r[5])
{
	struct mask m = {0};

	put(vm, r[0], &m);
	return 0;
}

uint64_t call_cpumask_copy(struct vm *vm, const uint64_t r[5])
{
	struct mask m;

	if (get(vm, r[1], &m))
		put(vm, r[0], &m);
	return 0;
}

/* Whether any CPU is in the result, as in the kernel. */
uint64_t call_cpumask_and(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	if (!get(vm, r[1], &a) || !get(vm, r[2], &b))
		return 0;
	mask_and(&a, &b);
	put(vm, r[0], &a);
	return !mask_empty(&a);
}

uint64_t call_cpumask_or(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	if (!get(vm, r[1], &a) || !get(vm, r[2], &b))
		return 0;
	for (int i = 0; i < MASK_WORDS; i++)
		a.w[i] |= b.w[i];
	put(vm, r[0], &a);
	return 0;
}

uint64_t call_cpumask_xor(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	if (!get(vm, r[1], &a) || !get(vm, r[2], &b))
		return 0;
	for (int i = 0; i < MASK_WORDS; i++)
		a.w[i] ^= b.w[i];
	put(vm, r[0], &a);
	return 0;
}

uint64_t call_cpumask_equal(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	return get(vm, r[0], &a) && get(vm, r[1], &b) &&
	       !memcmp(&a, &b, sizeof(a));
}

uint64_t call_cpumask_intersects(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	if (!get(vm, r[0], &a) || !get(vm, r[1], &b))
		return 0;
	mask_and(&a, &b);
	return !mask_empty(&a);
}

/* Is all of the first in the second? */
uint64_t call_cpumask_subset(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b, both;

	if (!get(vm, r[0], &a) || !get(vm, r[1], &b))
		return 0;
	both = a;
	mask_and(&both, &b);
	return !memcmp(&a, &both, sizeof(a));
}

uint64_t call_cpumask_empty(struct vm *vm, const uint64_t r[5])
{
	struct mask m;

	return get(vm, r[0], &m) && mask_empty(&m);
}

uint64_t call_cpumask_full(struct vm *vm, const uint64_t r[5])
{
	struct mask m, all;

	if (!get(vm, r[0], &m))
		return 0;
	mask_fill(vm, &all);
	mask_and(&m, &all);
	return !memcmp(&m, &all, sizeof(m));
}

uint64_t call_cpumask_weight(struct vm *vm, const uint64_t r[5])
{
	struct mask m;
	uint64_t n = 0;

	if (!get(vm, r[0], &m))
		return 0;
	for (int i = 0; i < MASK_WORDS; i++)
		n += (uint64_t)__builtin_popcountll(m.w[i]);
	return n;
}

/* Round and round, over all masks together. */
static uint64_t distribute(struct vm *vm, const struct mask *m)
{
	struct own *own = own_of(vm);
	uint32_t cpu = next_cpu(vm, m, own->spread + 1);

	if (cpu == nr_cpus(vm))
		cpu = next_cpu(vm, m, 0);
	if (cpu < nr_cpus(vm))
		own->spread = cpu;
	return cpu;
}

uint64_t call_cpumask_any_distribute(struct vm *vm, const uint64_t r[5])
{
	struct mask m;

	return get(vm, r[0], &m) ? distribute(vm, &m) : 0;
}

uint64_t call_cpumask_any_and_distribute(struct vm *vm, const uint64_t r[5])
{
	struct mask a, b;

	if (!get(vm, r[0], &a) || !get(vm, r[1], &b))
		return 0;
	mask_and(&a, &b);
	return distribute(vm, &a);
}

/* From a program's own bits, which must be enough for all CPUs. */
uint64_t call_cpumask_populate(struct vm *vm, const uint64_t r[5])
{
	uint32_t len = (uint32_t)r[2];
	uint32_t need = (nr_cpus(vm) + 63) / 64 * 8;
	struct mask m = {0}, all;
	const void *from;

	if (len < need)
		return answer(-EACCES);
	from = vm_read(vm, r[1], len);
	if (!from)
		return 0;
	memcpy(&m, from, len < MASK_BYTES ? len : MASK_BYTES);
	mask_fill(vm, &all);
	mask_and(&m, &all);
	put(vm, r[0], &m);
	return 0;
}
