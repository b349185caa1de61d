/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions at the edges of their operands, reckoned a second way in C, and
 * each field of an instruction that has to be zero.
 */
#include "vm_fix.h"

#include <errno.h>
#include <stdio.h>

#include "bpfvm/object_read.h"
#include "bpfvm/raw.h"

#define I(c, d, s, o, i)                   \
	((struct bpf_insn){.code = (c),    \
			   .dst_reg = (d), \
			   .src_reg = (s), \
			   .off = (o),     \
			   .imm = (int32_t)(i)})
#define EXIT I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define WIDE (BPF_LD | BPF_IMM | BPF_DW)
#define MOVX (BPF_ALU64 | BPF_MOV | BPF_X)
#define STX  (BPF_STX | BPF_MEM | BPF_DW)

static const uint64_t edges[] = {
	0,
	1,
	2,
	7,
	31,
	32,
	33,
	63,
	64,
	0x7f,
	0x80,
	0x7fff,
	0x8000,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffff80000000,
	0xffffffff7fffffff,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

#define EDGES ARRAY_LEN(edges)
#define PAIRS (EDGES * EDGES)

/* ---- a second way ------------------------------------------------------ */

/* Bits of a number one after the other, for what C leaves open. */
static uint64_t shift_right(uint64_t a, unsigned by, unsigned bits, bool sign)
{
	uint64_t top = a >> (bits - 1) & 1, r = 0;

	for (unsigned i = 0; i < bits; i++) {
		unsigned from = i + by;
		uint64_t bit = from < bits ? a >> from & 1 : sign ? top : 0;

		r |= bit << i;
	}
	return r;
}

static __int128 number_of(uint64_t v, unsigned bits, bool sign)
{
	if (bits == 32)
		return sign ? (__int128)(int32_t)v : (__int128)(uint32_t)v;
	return sign ? (__int128)(int64_t)v : (__int128)v;
}

static uint64_t cut(__int128 v, unsigned bits)
{
	return bits == 32 ? (uint32_t)v : (uint64_t)v;
}

static uint64_t product(uint64_t a, uint64_t b, unsigned bits)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < bits; i++)
		if (b >> i & 1)
			r += a << i;
	return cut(r, bits);
}

static uint64_t reckon(int op, bool sign, uint64_t x, uint64_t y, unsigned bits)
{
	__int128 a = number_of(x, bits, sign), b = number_of(y, bits, sign);
	unsigned by = (unsigned)y % bits;

	switch (op) {
	case BPF_ADD:
		return cut(a + b, bits);
	case BPF_SUB:
		return cut(a - b, bits);
	case BPF_MUL:
		return product(x, y, bits);
	case BPF_DIV:
		return cut(b ? a / b : 0, bits);
	case BPF_MOD:
		return cut(b ? a % b : a, bits);
	case BPF_OR:
		return cut(a | b, bits);
	case BPF_AND:
		return cut(a & b, bits);
	case BPF_XOR:
		return cut((a | b) - (a & b), bits);
	case BPF_LSH:
		return product(x, 1ull << by, bits);
	case BPF_RSH:
		return shift_right(x, by, bits, false);
	case BPF_ARSH:
		return shift_right(x, by, bits, true);
	default:
		return cut(b, bits);
	}
}

static bool holds(int op, uint64_t x, uint64_t y, unsigned bits)
{
	__int128 a = number_of(x, bits, false), b = number_of(y, bits, false);
	__int128 c = number_of(x, bits, true), d = number_of(y, bits, true);

	switch (op) {
	case BPF_JEQ:
		return a - b == 0;
	case BPF_JNE:
		return a - b != 0;
	case BPF_JGT:
		return a - b > 0;
	case BPF_JGE:
		return a - b >= 0;
	case BPF_JLT:
		return a - b < 0;
	case BPF_JLE:
		return a - b <= 0;
	case BPF_JSGT:
		return c - d > 0;
	case BPF_JSGE:
		return c - d >= 0;
	case BPF_JSLT:
		return c - d < 0;
	case BPF_JSLE:
		return c - d <= 0;
	default:
		return (a & b) != 0;
	}
}

/* ---- all pairs in one program ------------------------------------------ */

static struct bpf_insn program[PAIRS * 9 + 2];
static uint64_t answers[PAIRS];

static size_t load(size_t n, int reg, uint64_t v)
{
	program[n++] = I(WIDE, reg, 0, 0, v);
	program[n++] = I(0, 0, 0, 0, v >> 32);
	return n;
}

/* answers[i * EDGES + j] of a = edges[i] and b = edges[j]. */
static void run_pairs(uint8_t code, int16_t off, bool jump)
{
	bool by_constant = BPF_SRC(code) == BPF_K;
	struct vm_fault fault;
	uint64_t r0;
	size_t n = 0;

	program[n++] = I(MOVX, 6, 1, 0, 0);
	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t a = edges[i / EDGES], b = edges[i % EDGES];
		int imm = by_constant ? (int)b : 0;

		n = load(n, 1, a);
		n = load(n, 2, b);
		if (jump)
			program[n++] = I(BPF_ALU64 | BPF_MOV, 3, 0, 0, 1);
		program[n++] =
			I(code, 1, by_constant ? 0 : 2, jump ? 1 : off, imm);
		if (jump)
			program[n++] = I(BPF_ALU64 | BPF_MOV, 3, 0, 0, 0);
		program[n++] = I(STX, 6, jump ? 3 : 1, 0, 0);
		program[n++] = I(BPF_ALU64 | BPF_ADD, 6, 0, 0, 8);
	}
	program[n++] = EXIT;
	if (raw_run(program, n * 8, answers, sizeof(answers), &r0, &fault))
		fail_msg("code %#x: %s", code, fault.text);
}

static void check_pairs(int op, uint8_t class, uint8_t form, bool sign,
			bool jump)
{
	unsigned bits = class == BPF_ALU64 || class == BPF_JMP ? 64 : 32;

	run_pairs((uint8_t)(op | class | form), sign, jump);
	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t a = edges[i / EDGES], b = edges[i % EDGES], want;

		if (form == BPF_K)
			b = (uint64_t)(int64_t)(int32_t)b;
		want = jump ? holds(op, a, b, bits)
			    : reckon(op, sign, a, b, bits);
		if (answers[i] != want)
			fail_msg("op %#x of %u bits, %#llx and %#llx: %#llx "
				 "instead of %#llx",
				 op | form, bits, (unsigned long long)a,
				 (unsigned long long)b,
				 (unsigned long long)answers[i],
				 (unsigned long long)want);
	}
}

static void test_arithmetic(void **state)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL,  BPF_DIV,
				      BPF_MOD, BPF_OR,	BPF_AND,  BPF_XOR,
				      BPF_LSH, BPF_RSH, BPF_ARSH, BPF_MOV};
	static const uint8_t classes[] = {BPF_ALU64, BPF_ALU};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		for (int c = 0; c < 2; c++)
			for (int form = 0; form < 2; form++)
				check_pairs(ops[i], classes[c],
					    form ? BPF_X : BPF_K, false, false);
	for (int c = 0; c < 2; c++)
		for (int form = 0; form < 2; form++) {
			check_pairs(BPF_DIV, classes[c], form ? BPF_X : BPF_K,
				    true, false);
			check_pairs(BPF_MOD, classes[c], form ? BPF_X : BPF_K,
				    true, false);
		}
}

static void test_comparisons(void **state)
{
	static const uint8_t ops[] = {BPF_JEQ,	BPF_JNE,  BPF_JGT,  BPF_JGE,
				      BPF_JLT,	BPF_JLE,  BPF_JSGT, BPF_JSGE,
				      BPF_JSLT, BPF_JSLE, BPF_JSET};
	static const uint8_t classes[] = {BPF_JMP, BPF_JMP32};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		for (int c = 0; c < 2; c++)
			for (int form = 0; form < 2; form++)
				check_pairs(ops[i], classes[c],
					    form ? BPF_X : BPF_K, false, true);
}

/* ---- fields ------------------------------------------------------------ */

/* What is said of an instruction that is run; NULL: it is one. */
static const char *said_of(struct bpf_insn in)
{
	static struct vm_fault fault;
	static unsigned char mem[64];
	const struct bpf_insn wrapped[] = {
		I(BPF_JMP | BPF_JA, 0, 0, 1, 0), EXIT, in, EXIT, EXIT, EXIT};
	uint64_t r0;
	int rc = raw_run(wrapped, sizeof(wrapped), mem, sizeof(mem), &r0,
			 &fault);

	return rc && fault.kind == VM_FAULT_INSN ? fault.text : NULL;
}

static void expect(struct bpf_insn in, const char *words)
{
	const char *said = said_of(in);

	if (!said != !words || (words && !strstr(said, words)))
		fail_msg("code %#x, dst %d, src %d, off %d, imm %d: '%s', "
			 "expected '%s'",
			 in.code, in.dst_reg, in.src_reg, in.off, in.imm,
			 said ? said : "", words ? words : "");
}

static const char reserved[] = "a reserved field is not zero";
static const char frame[] = "a write to the frame pointer";
static const char none[] = "no such instruction";

static void check_alu_fields(uint8_t op, uint8_t class)
{
	uint8_t k = op | class | BPF_K, x = op | class | BPF_X;
	bool divides = op == BPF_DIV || op == BPF_MOD;

	expect(I(k, 3, 0, 0, 7), NULL);
	expect(I(x, 3, 4, 0, 0), NULL);
	expect(I(k, 9, 0, 0, -7), NULL);
	expect(I(k, 10, 0, 0, 7), frame);
	expect(I(x, 10, 4, 0, 0), frame);
	expect(I(x, 3, 10, 0, 0), NULL);
	expect(I(k, 3, 1, 0, 7), reserved);
	expect(I(x, 3, 4, 0, 1), reserved);
	expect(I(k, 3, 0, 1, 7), divides ? NULL : reserved);
	expect(I(k, 3, 0, 2, 7), reserved);
	expect(I(k, 3, 0, -1, 7), reserved);
	if (op != BPF_MOV) {
		expect(I(x, 3, 4, 1, 0), divides ? NULL : reserved);
		expect(I(x, 3, 4, 8, 0), reserved);
	}
}

static void test_alu_fields(void **state)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL,  BPF_DIV,
				      BPF_MOD, BPF_OR,	BPF_AND,  BPF_XOR,
				      BPF_LSH, BPF_RSH, BPF_ARSH, BPF_MOV};
	static const int16_t signs[] = {8, 16, 32, 1, 7, 9, 15, 17, 31, 64, -8};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		check_alu_fields(ops[i], BPF_ALU64);
		check_alu_fields(ops[i], BPF_ALU);
	}
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		expect(I(MOVX, 3, 4, signs[i], 0), i < 3 ? NULL : reserved);
		expect(I(BPF_ALU | BPF_MOV | BPF_X, 3, 4, signs[i], 0),
		       i < 2 ? NULL : reserved);
		expect(I(MOVX, 3, 4, signs[i], 2), reserved);
	}
	/* Casts need an arena, wide registers and a known direction. */
	expect(I(MOVX, 3, 4, 1, 1), "without an arena");
	expect(I(MOVX, 3, 4, 1, 1 << 16), "without an arena");
	expect(I(MOVX, 3, 4, 1, 2), reserved);
	expect(I(MOVX, 3, 4, 2, 1), reserved);
	expect(I(BPF_ALU | BPF_MOV | BPF_X, 3, 4, 1, 1), reserved);
	for (int c = 0; c < 2; c++) {
		uint8_t class = c ? BPF_ALU : BPF_ALU64;

		expect(I(class | BPF_NEG, 3, 0, 0, 0), NULL);
		expect(I(class | BPF_NEG, 3, 1, 0, 0), reserved);
		expect(I(class | BPF_NEG, 3, 0, 1, 0), reserved);
		expect(I(class | BPF_NEG, 3, 0, 0, 1), reserved);
		expect(I(class | BPF_NEG, 10, 0, 0, 0), frame);
		expect(I(class | BPF_NEG | BPF_X, 3, 0, 0, 0), none);
		expect(I(class | BPF_END, 3, 1, 0, 16), reserved);
		expect(I(class | BPF_END, 3, 0, 1, 16), reserved);
		expect(I(class | BPF_END, 3, 0, 0, 0), "a byte swap of");
		expect(I(class | BPF_END, 3, 0, 0, 63), "a byte swap of");
		expect(I(class | BPF_END, 10, 0, 0, 64), frame);
		expect(I(class | 0xe0, 3, 0, 0, 0), none);
		expect(I(class | 0xf0, 3, 0, 0, 0), none);
	}
}

static void test_jump_fields(void **state)
{
	static const uint8_t ops[] = {BPF_JEQ,	BPF_JNE,  BPF_JGT,  BPF_JGE,
				      BPF_JLT,	BPF_JLE,  BPF_JSGT, BPF_JSGE,
				      BPF_JSLT, BPF_JSLE, BPF_JSET};
	static const char out[] = "a jump out of the program";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		for (int c = 0; c < 2; c++) {
			uint8_t k = ops[i] | (c ? BPF_JMP32 : BPF_JMP);
			uint8_t x = k | BPF_X;

			/* The third of six: three follow, and two before. */
			expect(I(k, 10, 0, 0, 7), NULL);
			expect(I(x, 3, 10, 0, 0), NULL);
			expect(I(k, 3, 1, 0, 7), reserved);
			expect(I(x, 3, 4, 0, 1), reserved);
			expect(I(k, 3, 0, 2, 7), NULL);
			expect(I(k, 3, 0, 3, 7), out);
			expect(I(x, 3, 4, -4, 0), out);
		}
	expect(I(BPF_JMP | BPF_JA, 0, 0, 2, 0), NULL);
	expect(I(BPF_JMP | BPF_JA, 0, 0, 3, 0), out);
	expect(I(BPF_JMP | BPF_JA, 0, 0, -4, 0), out);
	expect(I(BPF_JMP | BPF_JA, 1, 0, 0, 0), reserved);
	expect(I(BPF_JMP | BPF_JA, 0, 1, 0, 0), reserved);
	expect(I(BPF_JMP | BPF_JA, 0, 0, 0, 1), reserved);
	expect(I(BPF_JMP32 | BPF_JA, 0, 0, 0, 2), NULL);
	expect(I(BPF_JMP32 | BPF_JA, 0, 0, 0, 3), out);
	expect(I(BPF_JMP32 | BPF_JA, 0, 0, 0, -4), out);
	expect(I(BPF_JMP32 | BPF_JA, 0, 0, 1, 0), reserved);
	expect(I(BPF_JMP32 | BPF_JA, 1, 0, 0, 0), reserved);
	expect(I(BPF_JMP32 | BPF_JA, 0, 1, 0, 0), reserved);
	expect(EXIT, NULL);
	expect(I(BPF_JMP | BPF_EXIT, 1, 0, 0, 0), reserved);
	expect(I(BPF_JMP | BPF_EXIT, 0, 1, 0, 0), reserved);
	expect(I(BPF_JMP | BPF_EXIT, 0, 0, 1, 0), reserved);
	expect(I(BPF_JMP | BPF_EXIT, 0, 0, 0, 1), reserved);
	expect(I(BPF_JMP32 | BPF_EXIT, 0, 0, 0, 0), none);
	expect(I(BPF_JMP32 | BPF_CALL, 0, 0, 0, 0), "leads nowhere");
	expect(I(BPF_JMP | BPF_CALL, 1, 0, 0, 5), "leads nowhere");
	expect(I(BPF_JMP | BPF_CALL, 0, 0, 1, 5), "leads nowhere");
	expect(I(BPF_JMP | BPF_CALL, 0, 3, 0, 5), "leads nowhere");
	expect(I(BPF_JMP | 0xe0, 0, 0, 1, 0), NULL);
	expect(I(BPF_JMP | 0xe0, 0, 0, 3, 0), out);
	expect(I(BPF_JMP | 0xe0, 1, 0, 0, 0), reserved);
	expect(I(BPF_JMP | 0xe0, 0, 1, 0, 0), reserved);
	expect(I(BPF_JMP | 0xf0, 0, 0, 0, 0), none);
	expect(I(BPF_JMP32 | 0xe0, 0, 0, 0, 0), none);
}

static void test_memory_fields(void **state)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint8_t s = sizes[i];

		expect(I(BPF_LDX | BPF_MEM | s, 3, 1, 0, 0), NULL);
		expect(I(BPF_LDX | BPF_MEM | s, 3, 1, 0, 1), reserved);
		expect(I(BPF_LDX | BPF_MEM | s, 10, 1, 0, 0), frame);
		expect(I(BPF_ST | BPF_MEM | s, 1, 0, 0, 5), NULL);
		expect(I(BPF_ST | BPF_MEM | s, 1, 1, 0, 5), reserved);
		expect(I(BPF_STX | BPF_MEM | s, 1, 2, 0, 0), NULL);
		expect(I(BPF_STX | BPF_MEM | s, 1, 2, 0, 1), reserved);
		expect(I(BPF_STX | BPF_MEM | s, 10, 2, -8, 0), NULL);
		expect(I(BPF_LDX | 0x80 | s, 3, 1, 0, 0),
		       s == BPF_DW ? none : NULL);
		expect(I(BPF_LDX | 0x80 | s, 3, 1, 0, 1), reserved);
		expect(I(BPF_LDX | BPF_ABS | s, 3, 1, 0, 0), none);
		expect(I(BPF_LDX | BPF_ATOMIC | s, 3, 1, 0, 0), none);
		expect(I(BPF_ST | BPF_ATOMIC | s, 1, 0, 0, 0), none);
		expect(I(BPF_STX | BPF_ATOMIC | s, 1, 2, 0, BPF_ADD),
		       i < 2 ? none : NULL);
		expect(I(BPF_STX | BPF_ATOMIC | s, 1, 10, 0, BPF_ADD),
		       i < 2 ? none : NULL);
		expect(I(BPF_STX | BPF_ATOMIC | s, 1, 10, 0,
			 BPF_ADD | BPF_FETCH),
		       i < 2 ? none : frame);
		expect(I(BPF_STX | BPF_ATOMIC | s, 3, 1, 0, 0x100), NULL);
		expect(I(BPF_STX | BPF_ATOMIC | s, 10, 1, 0, 0x100), frame);
		expect(I(BPF_STX | BPF_ATOMIC | s, 1, 10, 0, 0x110), NULL);
		expect(I(BPF_STX | BPF_ATOMIC | s, 1, 2, 0, 0x101),
		       i < 2 ? none : "no such atomic operation");
	}
	for (int reg = 11; reg < 16; reg++) {
		expect(I(BPF_ALU64 | BPF_MOV, reg, 0, 0, 0),
		       "no such register");
		expect(I(MOVX, 0, reg, 0, 0), "no such register");
	}
}

/* Each byte of a frame, just inside and just outside, by both ways to get
 * there: 8 to 1 bytes at an offset from the frame pointer or from a copy. */
static void test_frames(void **state)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

	(void)state;
	for (int s = 0; s < 4; s++)
		for (int off = -520; off <= 8; off++) {
			bool in = off >= -512 && off + (1 << s) <= 0;

			if (off > -500 && off < -20)
				continue;
			for (int copy = 0; copy < 2; copy++) {
				int base = copy ? 5 : 10;
				const struct bpf_insn in_order[] = {
					I(MOVX, 5, 10, 0, 0),
					I(WIDE, 3, 0, 0, 0x55667788),
					I(0, 0, 0, 0, 0x11223344),
					I(BPF_STX | BPF_MEM | sizes[s], base, 3,
					  (int16_t)off, 0),
					I(BPF_LDX | BPF_MEM | sizes[s], 0, base,
					  (int16_t)off, 0),
					EXIT};
				struct vm_fault fault;
				uint64_t r0 = 0, want = 0x1122334455667788;
				int rc = raw_run(in_order, sizeof(in_order),
						 NULL, 0, &r0, &fault);

				if (rc != (in ? 0 : -EFAULT))
					fail_msg("%d bytes at %d: %d", 1 << s,
						 off, rc);
				if (s < 3)
					want &= (1ull << (8 << s)) - 1;
				if (in)
					assert_int_equal(r0, want);
			}
		}
}

/* A frame's address is a number like others: kept, fetched, compared. */
static void test_frame_address(void **state)
{
	static const int bases[] = {5, 10};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct bpf_insn in[] = {
			I(MOVX, 5, 10, 0, 0),
			I(STX, bases[i], 10, -8, 0),
			I(BPF_ST | BPF_MEM | BPF_DW, bases[i], 0, -16, 7),
			I(BPF_LDX | BPF_MEM | BPF_DW, 3, 10, -8, 0),
			I(BPF_LDX | BPF_MEM | BPF_DW, 4, 5, -8, 0),
			I(BPF_LDX | BPF_MEM | BPF_DW, 0, 3, -16, 0),
			I(BPF_ALU64 | BPF_SUB | BPF_X, 3, 4, 0, 0),
			I(BPF_ALU64 | BPF_ADD | BPF_X, 0, 3, 0, 0),
			EXIT};
		struct vm_fault fault;
		uint64_t r0;

		assert_int_equal(raw_run(in, sizeof(in), NULL, 0, &r0, &fault),
				 0);
		assert_int_equal(r0, 7);
	}
}

/* ---- lengths ------------------------------------------------------------ */

static void test_raw_lengths(void **state)
{
	static const struct bpf_insn in[] = {I(MOVX, 0, 2, 0, 0), EXIT};
	static unsigned char byte[1];
	struct vm_fault fault;
	uint64_t r0;

	(void)state;
	/* It is not touched: only how long it is said to be counts. */
	assert_int_equal(
		raw_run(in, sizeof(in), byte, OBJECT_MAX_BYTES, &r0, &fault),
		0);
	assert_int_equal(r0, OBJECT_MAX_BYTES);
	assert_int_equal(raw_run(in, sizeof(in), byte, OBJECT_MAX_BYTES + 1ul,
				 &r0, &fault),
			 -EFBIG);
	assert_int_equal(
		raw_run(in, OBJECT_MAX_BYTES + 8ul, byte, 1, &r0, &fault),
		-EFBIG);
}

/* Names of outsiders: no control characters, no broken UTF-8, no more bytes
 * than were given. */
static void test_text(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		const char *want;
	} rows[] = {
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
		{"a\0b", 3, "a"},
		{"a\x1f"
		 "b",
		 3, "a b"},
		{" ~\x7f", 3, " ~ "},
		{"\xc2\x9f\xc2\xa0", 4, "  \xc2\xa0"},
		{"\xc3\xa9", 2, "\xc3\xa9"},
		{"\xc3\xa9", 1, "?"},
		{"x\xe2\x82\xac", 3, "x??"},
		{"\xff"
		 "a",
		 2, "?a"},
		{"\xef\xbf\xbe", 3, "???"},
	};
	struct arena a = {0};
	char name[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(arena_text(&a, rows[i].s, rows[i].len),
			   rows[i].want) != 0)
			fail_msg("row %zu: '%s'", i,
				 arena_text(&a, rows[i].s, rows[i].len));
	memset(name, 'n', sizeof(name));
	name[599] = 0;
	assert_int_equal(strlen(arena_name(&a, name)), 511);
	name[511] = 0;
	assert_int_equal(strlen(arena_name(&a, name)), 511);
	name[510] = 0;
	assert_int_equal(strlen(arena_name(&a, name)), 510);
	arena_release(&a);
}

/* Zeroed, each its own, however they grow. */
static void test_memory(void **state)
{
	static const size_t sizes[] = {1,     15,    16, 17,	16368,
				       16384, 16385, 3,	 100000};
	struct arena a = {0};
	uint64_t *row = NULL;
	unsigned char *p[2 * ARRAY_LEN(sizes)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		size_t n = sizes[i % ARRAY_LEN(sizes)];

		p[i] = arena_alloc(&a, 1, n);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], 1 + (int)i, n);
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		for (size_t k = 0; k < sizes[i % ARRAY_LEN(sizes)]; k++)
			assert_int_equal(p[i][k], 1 + i);
	for (size_t n = 0; n < 2000; n++) {
		row = arena_push(&a, row, n, sizeof(*row));
		assert_int_equal(row[n], 0);
		row[n] = n + 1;
		for (size_t k = n > 20 ? n - 20 : 0; k <= n; k++)
			assert_int_equal(row[k], k + 1);
	}
	assert_int_equal(row[0], 1);
	arena_release(&a);
}

/* ---- answers from outside ------------------------------------------------ */

static uint64_t tripled(struct vm *vm, const uint64_t r[5])
{
	(void)vm;
	return r[0] * 3 + r[4];
}

/* main calls two functions, one of two and one of a single instruction. */
static void test_override(void **state)
{
	struct object_insn in[] = {
		{.i = {.code = BPF_ALU64 | BPF_MOV, .dst_reg = 1, .imm = 7}},
		{.i = {.code = BPF_ALU64 | BPF_MOV, .dst_reg = 5, .imm = 2}},
		{.i = {.code = BPF_JMP | BPF_CALL},
		 .what = INSN_CALL_FUNC,
		 .arg = 1},
		{.i = EXIT},
		{.i = {.code = BPF_ALU64 | BPF_MOV, .imm = 1}},
		{.i = EXIT},
		{.i = EXIT},
		{.i = {.code = BPF_ALU64 | BPF_MOV, .imm = 1}},
		{.i = EXIT},
	};
	struct object_func funcs[] = {
		{.name = "main", .kind = FUNC_SYSCALL, .count = 4},
		{.name = "two", .kind = FUNC_SUBPROG, .first = 4, .count = 2},
		{.name = "one", .kind = FUNC_SUBPROG, .first = 6, .count = 1},
		{.name = "program",
		 .kind = FUNC_STRUCT_OPS,
		 .first = 7,
		 .count = 2},
	};
	struct object o = {.insns = in,
			   .insn_count = ARRAY_LEN(in),
			   .funcs = funcs,
			   .func_count = ARRAY_LEN(funcs)};
	struct vm_host host = {.nr_cpus = 1};
	struct vm_calls *calls = vm_calls_new(NULL, 0, 0);
	uint64_t r0;
	struct vm *vm;

	(void)state;
	assert_int_equal(vm_new(&o, calls, &host, NULL, &vm), 0);
	assert_int_equal(vm_run(vm, 0, NULL, 0, &r0), 0);
	assert_int_equal(r0, 1);
	assert_int_equal(vm_insns_last(vm), 6);
	assert_int_equal(vm_override(vm, "none", tripled), -ENOENT);
	assert_int_equal(vm_override(vm, "tw", tripled), -ENOENT);
	assert_int_equal(vm_override(vm, "one", tripled), -EINVAL);
	assert_int_equal(vm_override(vm, "program", tripled), -EINVAL);
	assert_int_equal(vm_override(vm, "main", tripled), -EINVAL);
	assert_int_equal(vm_override(vm, "two", tripled), 0);
	assert_int_equal(vm_run(vm, 0, NULL, 0, &r0), 0);
	assert_int_equal(r0, 23);
	assert_int_equal(vm_insns_last(vm), 6);
	vm_free(vm);
	vm_calls_free(calls);
}

/* Its own note says what an instruction was to be. */
static void test_poison(void **state)
{
	struct object_insn in[] = {
		{.i = EXIT, .what = INSN_POISON, .arg = 1},
		{.i = EXIT, .what = INSN_POISON, .arg = 0},
		{.i = EXIT, .what = INSN_POISON, .arg = 0},
	};
	struct object_note notes[] = {{.insn = 1, .text = (char *)"of one"},
				      {.insn = 0, .text = (char *)"of none"}};
	static const char *const want[] = {"of none", "of one",
					   "a relocation that found nothing"};
	struct object_func funcs[] = {{.name = "a", .count = 1},
				      {.name = "b", .first = 1, .count = 1},
				      {.name = "c", .first = 2, .count = 1}};
	struct object o = {.insns = in,
			   .insn_count = ARRAY_LEN(in),
			   .funcs = funcs,
			   .func_count = ARRAY_LEN(funcs),
			   .notes = notes,
			   .note_count = ARRAY_LEN(notes)};
	struct vm_host host = {.nr_cpus = 1};
	struct vm_calls *calls = vm_calls_new(NULL, 0, 0);
	uint64_t r0;
	struct vm *vm;

	(void)state;
	assert_int_equal(vm_new(&o, calls, &host, NULL, &vm), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(vm_run(vm, i, NULL, 0, &r0), -EFAULT);
		assert_int_equal(vm_fault(vm)->kind, VM_FAULT_INSN);
		assert_string_equal(vm_fault(vm)->text, want[i]);
		assert_int_equal(vm_fault(vm)->insn, i);
	}
	vm_free(vm);
	vm_calls_free(calls);
}

/* Which kernels have a call, and which numbers are helpers'. */
static void test_calls(void **state)
{
	static const struct vm_call rows[] = {
		{"bounded", tripled, 0, 60013, 60015},
		{"helper_first", tripled, 1, 0, 0},
		{"helper_last", tripled, 1023, 0, 0},
		{"not_a_helper", tripled, 1024, 0, 0},
		{"nor_this", tripled, -1, 0, 0},
		{"a", tripled, 0, 0, 0},
		{"ab", tripled, 0, 0, 0},
		{"abc", tripled, 0, 0, 0},
		{"variable", NULL, 0, 0, 0},
		{NULL, NULL, 0, 0, 0},
	};
	static const struct vm_call *const tables[] = {rows};

	(void)state;
	for (uint32_t v = 60012; v <= 60016; v++) {
		struct vm_calls *c = vm_calls_new(tables, 1, v);
		bool has = v >= 60013 && v <= 60015;

		assert_int_equal(vm_calls_resolve(c, "bounded", true) >= 0,
				 has);
		for (size_t i = 3; i < 8; i++) {
			int at = vm_calls_resolve(c, rows[i].name, true);

			assert_true(at >= 0);
			assert_ptr_equal(vm_calls_kfunc(c, at), &rows[i]);
		}
		assert_true(vm_calls_resolve(c, "variable", false) >= 0);
		assert_int_equal(vm_calls_resolve(c, "variable", true), -1);
		assert_int_equal(vm_calls_resolve(c, "a", false), -1);
		assert_int_equal(vm_calls_resolve(c, "helper_last", true), -1);
		assert_ptr_equal(vm_calls_helper(c, 1), &rows[1]);
		assert_ptr_equal(vm_calls_helper(c, 1023), &rows[2]);
		assert_null(vm_calls_helper(c, 1024));
		assert_null(vm_calls_helper(c, 0));
		assert_non_null(vm_calls_kfunc(c, 5 + has));
		assert_null(vm_calls_kfunc(c, 6 + has));
		vm_calls_free(c);
	}
}

static void test_arguments(void **state)
{
	static const uint64_t args[17] = {1,  2,  3,  4,  5,  6,  7,  8, 9,
					  10, 11, 12, 13, 14, 15, 16, 17};
	struct object_insn in[] = {
		{.i = {.code = MOVX, .src_reg = BPF_REG_5}},
		{.i = EXIT},
		{.i = {.code = BPF_LDX | BPF_MEM | BPF_DW,
		       .src_reg = BPF_REG_1,
		       .off = 120}},
		{.i = EXIT},
	};
	struct object_func funcs[] = {{.name = "a", .count = 2},
				      {.name = "b", .first = 2, .count = 2}};
	struct object o = {.insns = in,
			   .insn_count = ARRAY_LEN(in),
			   .funcs = funcs,
			   .func_count = ARRAY_LEN(funcs)};
	struct vm_host host = {.nr_cpus = 1};
	struct vm_calls *calls = vm_calls_new(NULL, 0, 0);
	uint64_t r0;
	struct vm *vm;

	(void)state;
	assert_int_equal(vm_new(&o, calls, &host, NULL, &vm), 0);
	assert_int_equal(vm_run(vm, 0, args, 5, &r0), 0);
	assert_int_equal(r0, 5);
	assert_int_equal(vm_run(vm, 0, args, 4, &r0), 0);
	assert_int_equal(r0, 0);
	assert_int_equal(vm_run(vm, 0, args, 6, &r0), -EINVAL);
	assert_int_equal(vm_run(vm, 0, args, -1, &r0), -EINVAL);
	assert_int_equal(vm_run_ctx(vm, 1, args, 16, &r0), 0);
	assert_int_equal(r0, 16);
	assert_int_equal(vm_run_ctx(vm, 1, args, 15, &r0), -EFAULT);
	assert_int_equal(vm_run_ctx(vm, 1, args, 17, &r0), -EINVAL);
	assert_int_equal(vm_run_ctx(vm, 1, args, -1, &r0), -EINVAL);
	assert_int_equal(vm_run_ctx(vm, 2, args, 1, &r0), -EINVAL);
	vm_free(vm);
	vm_calls_free(calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_alu_fields),
		cmocka_unit_test(test_jump_fields),
		cmocka_unit_test(test_memory_fields),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_frame_address),
		cmocka_unit_test(test_raw_lengths),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_poison),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
