/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any instructions over any memory end in an answer or a fault, the same one
 * every time.
 *
 * The first byte is the length of the memory, the rest instructions.  A second
 * run has their opcodes and registers forced to ones that exist, so that it
 * comes further.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpfvm/raw.h"
#include "fuzz.h"

#define INSN 8

struct outcome {
	int rc;
	uint64_t r0;
	struct vm_fault fault;
	unsigned char *mem;
};

static struct outcome run(const uint8_t *insns, size_t len, size_t mem_len)
{
	struct outcome o = {0};

	/* Of exactly this size: no byte beside it is ours. */
	o.mem = malloc(mem_len ? mem_len : 1);
	expect(o.mem != NULL);
	for (size_t i = 0; i < mem_len; i++)
		o.mem[i] = (unsigned char)(i * 37);
	o.rc = raw_run(insns, len, o.mem, mem_len, &o.r0, &o.fault);
	return o;
}

static void twice(const uint8_t *insns, size_t len, size_t mem_len)
{
	struct outcome a = run(insns, len, mem_len);
	struct outcome b = run(insns, len, mem_len);

	expect(a.rc == b.rc && a.r0 == b.r0);
	expect(!memcmp(a.mem, b.mem, mem_len));
	expect(a.fault.kind == b.fault.kind && a.fault.insn == b.fault.insn);
	expect(!strcmp(a.fault.text, b.fault.text));
	expect(a.rc == 0 || a.rc == -EFAULT);
	expect((a.rc == -EFAULT) == (a.fault.kind != VM_FAULT_NONE));
	free(a.mem);
	free(b.mem);
}

static void tame(uint8_t *insns, size_t len)
{
	static const uint8_t codes[] = {
		0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f,
		0x57, 0x5f, 0x67, 0x6f, 0x77, 0x7f, 0x87, 0x97, 0x9f, 0xa7,
		0xaf, 0xb7, 0xbf, 0xc7, 0xcf, 0x04, 0x0c, 0x34, 0x3c, 0x94,
		0x9c, 0xb4, 0xbc, 0xc4, 0xcc, 0x61, 0x69, 0x71, 0x79, 0x62,
		0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0xc3, 0xdb, 0x15,
		0x1d, 0x25, 0x2d, 0x55, 0x65, 0x16, 0x1e, 0x85, 0x95, 0x05,
	};

	for (size_t at = 0; at + INSN <= len; at += INSN) {
		uint8_t *i = insns + at;
		uint8_t dst = (i[1] & 15) % 11, src = (i[1] >> 4) % 11;

		i[0] = codes[i[0] % sizeof(codes)];
		i[1] = (uint8_t)(src << 4 | dst);
		/* Jumps and accesses that mostly stay near. */
		i[2] &= 63;
		i[3] = i[3] & 1 ? 0xff : 0;
		if (i[0] == 0x95)
			memset(i + 1, 0, INSN - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size > INSN ? (size - 1) / INSN * INSN : 0;
	uint8_t *insns;

	if (!len)
		return 0;
	insns = malloc(len);
	expect(insns != NULL);
	memcpy(insns, data + 1, len);
	twice(insns, len, data[0]);
	tame(insns, len);
	twice(insns, len, data[0]);
	free(insns);
	return 0;
}
