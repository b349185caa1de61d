/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine, instruction by instruction. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/raw.h"
#include "bpfvm/vm_state.h"

#define ALU64(op)    (BPF_ALU64 | (op))
#define ALU32(op)    (BPF_ALU | (op))
#define JMP64(op)    (BPF_JMP | (op))
#define JMP32(op)    (BPF_JMP32 | (op))
#define LDX(size)    (BPF_LDX | BPF_MEM | (size))
#define LDXS(size)   (BPF_LDX | 0x80 | (size))
#define ST(size)     (BPF_ST | BPF_MEM | (size))
#define STX(size)    (BPF_STX | BPF_MEM | (size))
#define ATOMIC(size) (BPF_STX | BPF_ATOMIC | (size))
#define MOV	     (BPF_ALU64 | BPF_MOV)
#define MOVX	     (BPF_ALU64 | BPF_MOV | BPF_X)
#define ADD	     (BPF_ALU64 | BPF_ADD)
#define ADDX	     (BPF_ALU64 | BPF_ADD | BPF_X)
#define CALL	     (BPF_JMP | BPF_CALL)
#define JCOND	     (BPF_JMP | 0xe0)
#define SIGNED	     1 /* off of a division */

#define I(c, d, s, o, i)                   \
	((struct bpf_insn){.code = (c),    \
			   .dst_reg = (d), \
			   .src_reg = (s), \
			   .off = (o),     \
			   .imm = (int32_t)(i)})
#define WIDE(d, v)                                            \
	I(BPF_LD | BPF_IMM | BPF_DW, d, 0, 0, (uint64_t)(v)), \
		I(0, 0, 0, 0, (uint64_t)(v) >> 32)
#define EXIT	  I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define RETURN(r) I(MOVX, 0, r, 0, 0), EXIT

#define MIN64 0x8000000000000000
#define MIN32 0x80000000
#define M1    0xffffffffffffffff

static struct vm_fault fault;

static int run_mem(const struct bpf_insn *in, size_t n, void *mem, size_t len,
		   uint64_t *r0)
{
	return raw_run(in, n * sizeof(*in), mem, len, r0, &fault);
}

/* What a program that must not fault returns. */
static uint64_t result_of(const struct bpf_insn *in, size_t n, void *mem,
			  size_t len, const char *what)
{
	uint64_t r0;

	if (run_mem(in, n, mem, len, &r0))
		fail_msg("%s: %s", what, fault.text);
	return r0;
}

#define RESULT(mem, len, ...)                                               \
	result_of((const struct bpf_insn[]){__VA_ARGS__},                   \
		  ARRAY_LEN(((const struct bpf_insn[]){__VA_ARGS__})), mem, \
		  len, "a program")

static void expect_fault(const struct bpf_insn *in, size_t n, void *mem,
			 size_t len, enum vm_fault_kind kind, const char *words)
{
	uint64_t r0;
	int rc = run_mem(in, n, mem, len, &r0);

	if (rc != -EFAULT || fault.kind != kind || !strstr(fault.text, words))
		fail_msg("%d, kind %d: '%s', expected '%s'", rc, fault.kind,
			 fault.text, words);
}

#define FAULT(kind, words, mem, len, ...)                                      \
	expect_fault((const struct bpf_insn[]){__VA_ARGS__},                   \
		     ARRAY_LEN(((const struct bpf_insn[]){__VA_ARGS__})), mem, \
		     len, kind, words)

/* ---- arithmetic ------------------------------------------------------- */

struct alu_row {
	int op;
	int16_t off;
	uint64_t a, b, want64, want32;
};

static const struct alu_row alu_rows[] = {
	{BPF_ADD, 0, 1, 2, 3, 3},
	{BPF_ADD, 0, M1, 1, 0, 0},
	{BPF_ADD, 0, 0xffffffff, 1, 0x100000000, 0},
	{BPF_ADD, 0, 0x1234567800000005, M1, 0x1234567800000004, 4},
	{BPF_SUB, 0, 0, 1, M1, 0xffffffff},
	{BPF_SUB, 0, 0x100000000, 1, 0xffffffff, 0xffffffff},
	{BPF_SUB, 0, 5, M1, 6, 6},
	{BPF_MUL, 0, 0x100000001, 3, 0x300000003, 3},
	{BPF_MUL, 0, M1, M1, 1, 1},
	{BPF_MUL, 0, 0xffffffff, 0x7fffffff, 0x7ffffffe80000001, 0x80000001},
	{BPF_DIV, 0, 7, 2, 3, 3},
	{BPF_DIV, 0, 7, 0, 0, 0},
	{BPF_DIV, 0, M1, 2, 0x7fffffffffffffff, 0x7fffffff},
	{BPF_DIV, 0, 0x1000000010, 0x10, 0x100000001, 1},
	{BPF_DIV, 0, 5, M1, 0, 0},
	{BPF_MOD, 0, 7, 4, 3, 3},
	{BPF_MOD, 0, 0x1234567800000007, 0, 0x1234567800000007, 7},
	{BPF_MOD, 0, 5, M1, 5, 5},
	{BPF_MOD, 0, M1, 10, 5, 5},
	{BPF_DIV, SIGNED, -13, 3, -4, (uint32_t)-4},
	{BPF_DIV, SIGNED, 13, -3, -4, (uint32_t)-4},
	{BPF_DIV, SIGNED, -13, -3, 4, 4},
	{BPF_DIV, SIGNED, -13, 0, 0, 0},
	{BPF_DIV, SIGNED, MIN64, -1, MIN64, 0},
	{BPF_DIV, SIGNED, MIN32, -1, 0xffffffff80000000, MIN32},
	{BPF_DIV, SIGNED, 7, -1, -7, (uint32_t)-7},
	{BPF_MOD, SIGNED, -13, 3, -1, (uint32_t)-1},
	{BPF_MOD, SIGNED, 13, -3, 1, 1},
	{BPF_MOD, SIGNED, -13, 0, -13, (uint32_t)-13},
	{BPF_MOD, SIGNED, MIN64, -1, 0, 0},
	{BPF_MOD, SIGNED, 0xffffffff80000000, -1, 0, 0},
	{BPF_OR, 0, 0xf0f0f0f0f0f0f0f0, 0x0f, 0xf0f0f0f0f0f0f0ff, 0xf0f0f0ff},
	{BPF_OR, 0, 0x100000000, MIN32 | 0xffffffff00000000, 0xffffffff80000000,
	 MIN32},
	{BPF_AND, 0, M1, -16, -16, 0xfffffff0},
	{BPF_AND, 0, 0x123456789abcdef0, 0xff, 0xf0, 0xf0},
	{BPF_XOR, 0, 0xff00ff00ff00ff00, -1, 0x00ff00ff00ff00ff, 0x00ff00ff},
	{BPF_LSH, 0, 1, 31, 0x80000000, 0x80000000},
	{BPF_LSH, 0, 1, 32, 0x100000000, 1},
	{BPF_LSH, 0, 1, 63, MIN64, MIN32},
	{BPF_LSH, 0, 3, 64, 3, 3},
	{BPF_LSH, 0, 1, -1, MIN64, MIN32},
	{BPF_RSH, 0, MIN64, 63, 1, 0},
	{BPF_RSH, 0, M1, 31, 0x1ffffffff, 1},
	{BPF_RSH, 0, M1, 32, 0xffffffff, 0xffffffff},
	{BPF_RSH, 0, 0xf0, 64, 0xf0, 0xf0},
	{BPF_ARSH, 0, MIN64, 63, M1, 0},
	{BPF_ARSH, 0, 0xffffffff80000000, 31, M1, 0xffffffff},
	{BPF_ARSH, 0, 0x7fffffff80000000, 32, 0x7fffffff, MIN32},
	{BPF_ARSH, 0, MIN64 | 1, 64, MIN64 | 1, 1},
	{BPF_MOV, 0, 5, -1, M1, 0xffffffff},
	{BPF_MOV, 0, M1, 7, 7, 7},
	{BPF_MOV, 8, 0, 0x80, 0xffffffffffffff80, 0xffffff80},
	{BPF_MOV, 8, 0, 0x17f, 0x7f, 0x7f},
	{BPF_MOV, 16, 0, 0x8000, 0xffffffffffff8000, 0xffff8000},
	{BPF_MOV, 16, 0, 0x17fff, 0x7fff, 0x7fff},
};

static void check_alu(const struct alu_row *r, int class, uint64_t want)
{
	struct bpf_insn x[] = {WIDE(1, r->a), WIDE(2, r->b),
			       I(class | r->op | BPF_X, 1, 2, r->off, 0),
			       RETURN(1)};
	struct bpf_insn k[] = {WIDE(1, r->a),
			       I(class | r->op | BPF_K, 1, 0, r->off, r->b),
			       RETURN(1)};
	bool sign_extends = r->op == BPF_MOV && r->off;
	char what[64];
	uint64_t got;

	snprintf(what, sizeof(what), "op %#x/%d %#llx %#llx", class | r->op,
		 r->off, (unsigned long long)r->a, (unsigned long long)r->b);
	got = result_of(x, ARRAY_LEN(x), NULL, 0, what);
	if (got != want)
		fail_msg("%s: %#llx", what, (unsigned long long)got);
	if (sign_extends || (uint64_t)(int32_t)r->b != r->b)
		return;
	got = result_of(k, ARRAY_LEN(k), NULL, 0, what);
	if (got != want)
		fail_msg("%s, constant: %#llx", what, (unsigned long long)got);
}

static void arithmetic(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(alu_rows); i++) {
		check_alu(&alu_rows[i], BPF_ALU64, alu_rows[i].want64);
		check_alu(&alu_rows[i], BPF_ALU, alu_rows[i].want32);
	}
}

static void move_sign_extended_32(void **state)
{
	(void)state;
	assert_int_equal(RESULT(NULL, 0, WIDE(1, 0x180000000),
				I(MOVX, 2, 1, 32, 0), RETURN(2)),
			 0xffffffff80000000);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0,
	      I(ALU32(BPF_MOV | BPF_X), 2, 1, 32, 0), EXIT);
}

static void negation(void **state)
{
	(void)state;
	assert_int_equal(RESULT(NULL, 0, WIDE(1, MIN64),
				I(ALU64(BPF_NEG), 1, 0, 0, 0), RETURN(1)),
			 MIN64);
	assert_int_equal(RESULT(NULL, 0, WIDE(1, 5),
				I(ALU64(BPF_NEG), 1, 0, 0, 0), RETURN(1)),
			 (uint64_t)-5);
	assert_int_equal(RESULT(NULL, 0, WIDE(1, 0xff00000001),
				I(ALU32(BPF_NEG), 1, 0, 0, 0), RETURN(1)),
			 0xffffffff);
}

static void byte_order(void **state)
{
	static const struct {
		int code, bits;
		uint64_t want;
	} rows[] = {
		{ALU32(BPF_END | BPF_TO_LE), 16, 0x7788},
		{ALU32(BPF_END | BPF_TO_LE), 32, 0x55667788},
		{ALU32(BPF_END | BPF_TO_LE), 64, 0x1122334455667788},
		{ALU32(BPF_END | BPF_TO_BE), 16, 0x8877},
		{ALU32(BPF_END | BPF_TO_BE), 32, 0x88776655},
		{ALU32(BPF_END | BPF_TO_BE), 64, 0x8877665544332211},
		{ALU64(BPF_END), 16, 0x8877},
		{ALU64(BPF_END), 32, 0x88776655},
		{ALU64(BPF_END), 64, 0x8877665544332211},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(RESULT(NULL, 0, WIDE(1, 0x1122334455667788),
					I(rows[i].code, 1, 0, 0, rows[i].bits),
					RETURN(1)),
				 rows[i].want);
	FAULT(VM_FAULT_INSN, "byte swap", NULL, 0,
	      I(ALU64(BPF_END), 1, 0, 0, 8), EXIT);
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(ALU64(BPF_END | BPF_X), 1, 0, 0, 16), EXIT);
}

/* ---- jumps ------------------------------------------------------------ */

static const struct jump_row {
	int op;
	uint64_t a, b;
	bool want64, want32;
} jump_rows[] = {
	{BPF_JEQ, 5, 5, true, true},
	{BPF_JEQ, 0x100000005, 5, false, true},
	{BPF_JEQ, M1, -1, true, true},
	{BPF_JNE, 5, 5, false, false},
	{BPF_JNE, 0x100000005, 5, true, false},
	{BPF_JGT, M1, 1, true, true},
	{BPF_JGT, 1, -1, false, false},
	{BPF_JGT, 5, 5, false, false},
	{BPF_JGT, 0x100000000, 1, true, false},
	{BPF_JGE, 5, 5, true, true},
	{BPF_JGE, 4, 5, false, false},
	{BPF_JGE, 0x100000000, 5, true, false},
	{BPF_JLT, 1, -1, true, true},
	{BPF_JLT, 5, 5, false, false},
	{BPF_JLT, 0x100000000, 1, false, true},
	{BPF_JLE, 5, 5, true, true},
	{BPF_JLE, M1, 5, false, false},
	{BPF_JSGT, 1, -1, true, true},
	{BPF_JSGT, -1, 1, false, false},
	{BPF_JSGT, 0x80000000, 0, true, false},
	{BPF_JSGE, -1, -1, true, true},
	{BPF_JSGE, -2, -1, false, false},
	{BPF_JSLT, -1, 1, true, true},
	{BPF_JSLT, 0xffffffff, 0, false, true},
	{BPF_JSLT, MIN64, 0, true, false},
	{BPF_JSLE, -1, -1, true, true},
	{BPF_JSLE, 1, -1, false, false},
	{BPF_JSET, 6, 2, true, true},
	{BPF_JSET, 5, 2, false, false},
	{BPF_JSET, 0x100000000, -1, true, false},
	{BPF_JSET, 0x80000000, -0x80000000ll, true, true},
};

static void check_jump(const struct jump_row *r, int class, bool want)
{
	struct bpf_insn x[] = {
		WIDE(1, r->a),	    WIDE(2, r->b),
		I(MOV, 0, 0, 0, 1), I(class | r->op | BPF_X, 1, 2, 1, 0),
		I(MOV, 0, 0, 0, 0), EXIT};
	char what[64];

	snprintf(what, sizeof(what), "jump %#x %#llx %#llx", class | r->op,
		 (unsigned long long)r->a, (unsigned long long)r->b);
	if (result_of(x, ARRAY_LEN(x), NULL, 0, what) != want)
		fail_msg("%s", what);
	x[5] = I(class | r->op | BPF_K, 1, 0, 1, r->b);
	if ((uint64_t)(int32_t)r->b == r->b &&
	    result_of(x, ARRAY_LEN(x), NULL, 0, what) != want)
		fail_msg("%s, constant", what);
}

static void conditional_jumps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jump_rows); i++) {
		check_jump(&jump_rows[i], BPF_JMP, jump_rows[i].want64);
		check_jump(&jump_rows[i], BPF_JMP32, jump_rows[i].want32);
	}
}

static void plain_jumps(void **state)
{
	(void)state;
	assert_int_equal(RESULT(NULL, 0, I(JMP64(BPF_JA), 0, 0, 1, 0), EXIT,
				I(MOV, 0, 0, 0, 7),
				I(JMP64(BPF_JA), 0, 0, -3, 0)),
			 7);
	assert_int_equal(RESULT(NULL, 0, I(JMP32(BPF_JA), 0, 0, 0, 1), EXIT,
				I(MOV, 0, 0, 0, 7),
				I(JMP32(BPF_JA), 0, 0, 0, -3)),
			 7);
	FAULT(VM_FAULT_INSN, "out of the program", NULL, 0,
	      I(JMP64(BPF_JA), 0, 0, 1, 0), EXIT);
	FAULT(VM_FAULT_INSN, "out of the program", NULL, 0,
	      I(JMP32(BPF_JA), 0, 0, 0, -2), EXIT);
	FAULT(VM_FAULT_INSN, "half an instruction", NULL, 0,
	      I(JMP64(BPF_JA), 0, 0, 1, 0), WIDE(0, M1), EXIT);
	FAULT(VM_FAULT_INSN, "falls off", NULL, 0, I(MOV, 0, 0, 0, 0));
}

/* It may be passed only so often, and then leads out. */
static void may_goto(void **state)
{
	(void)state;
	FAULT(VM_FAULT_BUDGET, "1048576", NULL, 0, I(JCOND, 0, 0, 1, 0),
	      I(JMP64(BPF_JA), 0, 0, -2, 0), EXIT);
	assert_int_equal(RESULT(NULL, 0, I(MOV, 0, 0, 0, 3),
				I(JCOND, 0, 0, 1, 0), EXIT, I(MOV, 0, 0, 0, 4),
				EXIT),
			 3);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(JCOND, 0, 0, 0, 1), EXIT);
}

/* ---- memory ----------------------------------------------------------- */

static const int sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
static const int widths[] = {1, 2, 4, 8};

static void loads(void **state)
{
	static const uint64_t want[] = {0x88, 0x9988, 0xbbaa9988,
					0xffeeddccbbaa9988};
	unsigned char mem[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		mem[i] = (unsigned char)(i * 0x11);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			RESULT(mem, 16, I(LDX(sizes[i]), 0, 1, 8, 0), EXIT),
			want[i]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			RESULT(mem, 16, I(LDXS(sizes[i]), 0, 1, 8, 0), EXIT),
			want[i] | M1 << widths[i] * 8);
	assert_int_equal(RESULT(mem, 16, I(LDXS(BPF_B), 0, 1, 7, 0), EXIT),
			 0x77);
	/* Not aligned, same register. */
	assert_int_equal(RESULT(mem, 16, I(LDX(BPF_W), 1, 1, 1, 0), RETURN(1)),
			 0x44332211);
	FAULT(VM_FAULT_INSN, "no such instruction", mem, 16,
	      I(LDXS(BPF_DW), 0, 1, 0, 0), EXIT);
}

static void stores(void **state)
{
	unsigned char mem[16], want[16];
	uint64_t v = 0x1122334455667788;

	(void)state;
	for (int i = 0; i < 4; i++) {
		memset(mem, 0xee, sizeof(mem));
		memset(want, 0xee, sizeof(want));
		memcpy(want + 3, &v, widths[i]);
		RESULT(mem, 16, WIDE(2, v), I(STX(sizes[i]), 1, 2, 3, 0), EXIT);
		assert_memory_equal(mem, want, sizeof(mem));

		memset(mem, 0xee, sizeof(mem));
		memset(want, 0xee, sizeof(want));
		memcpy(want + 5, &(int64_t){-2}, widths[i]);
		RESULT(mem, 16, I(ST(sizes[i]), 1, 0, 5, -2), EXIT);
		assert_memory_equal(mem, want, sizeof(mem));
	}
}

static void stack(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		uint64_t want = 0x1122334455667788;

		if (i < 3)
			want &= ~(M1 << widths[i] * 8);
		assert_int_equal(RESULT(NULL, 0, WIDE(2, 0x1122334455667788),
					I(STX(sizes[i]), 10, 2, -8, 0),
					I(LDX(sizes[i]), 0, 10, -8, 0), EXIT),
				 want);
		assert_int_equal(
			RESULT(NULL, 0, I(ST(sizes[i]), 10, 0, -512, 0x11),
			       I(MOVX, 3, 10, 0, 0), I(ADD, 3, 0, 0, -512),
			       I(LDX(sizes[i]), 0, 3, 0, 0), EXIT),
			0x11);
	}
	FAULT(VM_FAULT_MEMORY, "byte 512 of a stack of 512", NULL, 0,
	      I(LDX(BPF_B), 0, 10, 0, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "byte 508 of a stack of 512", NULL, 0,
	      I(LDX(BPF_DW), 0, 10, -4, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "write of 8 bytes at byte -8 of a stack", NULL,
	      0, I(ST(BPF_DW), 10, 0, -520, 0), EXIT);
	FAULT(VM_FAULT_INSN, "frame pointer", NULL, 0, I(ADD, 10, 0, 0, 1),
	      EXIT);
	FAULT(VM_FAULT_INSN, "frame pointer", NULL, 0,
	      I(LDX(BPF_DW), 10, 10, -8, 0), EXIT);
	FAULT(VM_FAULT_INSN, "frame pointer", NULL, 0, WIDE(10, 1), EXIT);
}

static void memory_faults(void **state)
{
	unsigned char mem[16] = {0};

	(void)state;
	FAULT(VM_FAULT_NULL, "null + 8", NULL, 0, I(LDX(BPF_DW), 0, 1, 8, 0),
	      EXIT);
	FAULT(VM_FAULT_NULL, "error -22", NULL, 0, I(MOV, 1, 0, 0, -22),
	      I(LDX(BPF_B), 0, 1, 0, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "the number", NULL, 0, I(MOV, 1, 0, 0, 1 << 20),
	      I(ST(BPF_B), 1, 0, 0, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "where nothing is", NULL, 0,
	      WIDE(1, 0x7fffffff00000000), I(LDX(BPF_B), 0, 1, 0, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "where nothing is", NULL, 0, WIDE(1, MIN64),
	      I(STX(BPF_B), 1, 2, 0, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "read of 1 bytes at byte 16 of a memory of 16",
	      mem, 16, I(LDX(BPF_B), 0, 1, 16, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "read of 8 bytes at byte 9 of a memory of 16",
	      mem, 16, I(LDX(BPF_DW), 0, 1, 9, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "write of 2 bytes at byte -1 of a memory of 16",
	      mem, 16, I(STX(BPF_H), 1, 2, -1, 0), EXIT);
	FAULT(VM_FAULT_MEMORY, "byte 16", mem, 16, I(ADDX, 1, 2, 0, 0),
	      I(ST(BPF_B), 1, 0, 0, 0), EXIT);
	/* From one frame's stack into the next one's, which is not in use. */
	FAULT(VM_FAULT_MEMORY, "freed stack", NULL, 0, I(MOVX, 1, 10, 0, 0),
	      WIDE(2, 0x100000000), I(ADDX, 1, 2, 0, 0),
	      I(LDX(BPF_B), 0, 1, -1, 0), EXIT);
}

/* ---- atomic operations ------------------------------------------------ */

static const struct atomic_row {
	int op;
	uint64_t memory, operand, r0; /* before */
	uint64_t memory_after, operand_after, r0_after;
} atomic_rows[] = {
	{BPF_ADD, 10, 5, 0, 15, 5, 0},
	{BPF_ADD | BPF_FETCH, M1, 1, 0, 0, M1, 0},
	{BPF_OR, 0xf0, 0x0f, 0, 0xff, 0x0f, 0},
	{BPF_OR | BPF_FETCH, 0xf0, 0x0f, 0, 0xff, 0xf0, 0},
	{BPF_AND, 0xff, 0x3c, 0, 0x3c, 0x3c, 0},
	{BPF_AND | BPF_FETCH, 0xff, 0x3c, 0, 0x3c, 0xff, 0},
	{BPF_XOR, 0xff, 0x0f, 0, 0xf0, 0x0f, 0},
	{BPF_XOR | BPF_FETCH, 0xff, 0x0f, 0, 0xf0, 0xff, 0},
	{BPF_XCHG, 1, 2, 9, 2, 1, 9},
	{BPF_CMPXCHG, 1, 2, 1, 2, 2, 1},
	{BPF_CMPXCHG, 1, 2, 9, 1, 2, 1},
};

static void check_atomic(const struct atomic_row *r, int size)
{
	bool wide = size == BPF_DW;
	uint64_t mem[4] = {0, r->memory, 0, 0}, low = wide ? M1 : 0xffffffff;
	uint64_t high = 0x5a5a5a5a00000000;

	/* The upper halves must not matter to 32 bits, and not change. */
	if (!wide)
		mem[1] = (mem[1] & low) | high;
	RESULT(mem, sizeof(mem), WIDE(0, wide ? r->r0 : r->r0 | high),
	       WIDE(2, wide ? r->operand : r->operand | high),
	       I(ATOMIC(size), 1, 2, 8, r->op), I(STX(BPF_DW), 1, 2, 16, 0),
	       I(STX(BPF_DW), 1, 0, 24, 0), EXIT);
	assert_int_equal(mem[1] & low, r->memory_after & low);
	assert_int_equal(mem[1] & ~low, wide ? 0 : high);
	if (wide || (r->op & BPF_FETCH && r->op != BPF_CMPXCHG))
		assert_int_equal(mem[2], r->operand_after & low);
	else
		assert_int_equal(mem[2], r->operand_after | high);
	if (wide || r->op == BPF_CMPXCHG)
		assert_int_equal(mem[3], r->r0_after & low);
	else
		assert_int_equal(mem[3], r->r0_after | high);
}

static void atomics(void **state)
{
	unsigned char mem[16] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(atomic_rows); i++) {
		check_atomic(&atomic_rows[i], BPF_DW);
		check_atomic(&atomic_rows[i], BPF_W);
	}
	FAULT(VM_FAULT_MEMORY, "not a multiple", mem, 16,
	      I(ATOMIC(BPF_DW), 1, 2, 4, BPF_ADD), EXIT);
	FAULT(VM_FAULT_MEMORY, "byte 16", mem, 16,
	      I(ATOMIC(BPF_W), 1, 2, 16, BPF_ADD), EXIT);
	FAULT(VM_FAULT_INSN, "no such atomic", mem, 16,
	      I(ATOMIC(BPF_W), 1, 2, 0, BPF_SUB), EXIT);
	FAULT(VM_FAULT_INSN, "no such instruction", mem, 16,
	      I(ATOMIC(BPF_H), 1, 2, 0, BPF_ADD), EXIT);
	FAULT(VM_FAULT_INSN, "frame pointer", mem, 16,
	      I(ATOMIC(BPF_DW), 1, 10, 0, BPF_XCHG), EXIT);
}

static void acquire_and_release(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		uint64_t mem[2] = {0xf122334455667788, 0};
		uint64_t want = mem[0];

		if (i < 3)
			want &= ~(M1 << widths[i] * 8);
		assert_int_equal(
			RESULT(mem, 16, I(ATOMIC(sizes[i]), 0, 1, 0, 0x100),
			       I(ATOMIC(sizes[i]), 1, 0, 8, 0x110), EXIT),
			want);
		assert_int_equal(mem[1], want);
	}
	FAULT(VM_FAULT_MEMORY, "not a multiple", &(uint64_t){0}, 8,
	      I(ATOMIC(BPF_H), 0, 1, 1, 0x100), EXIT);
	FAULT(VM_FAULT_INSN, "frame pointer", NULL, 0,
	      I(ATOMIC(BPF_DW), 10, 10, -8, 0x100), EXIT);
}

/* ---- calls ------------------------------------------------------------ */

/* Registers 6 to 9 are the caller's again; each frame has its own stack, and
 * reaches those of its callers. */
static void local_calls(void **state)
{
	(void)state;
	assert_int_equal(
		RESULT(NULL, 0, I(MOV, 6, 0, 0, 600),
		       I(ST(BPF_DW), 10, 0, -8, 1), I(MOVX, 1, 10, 0, 0),
		       I(ADD, 1, 0, 0, -8), I(CALL, 0, BPF_PSEUDO_CALL, 0, 4),
		       I(ADDX, 0, 6, 0, 0), I(LDX(BPF_DW), 1, 10, -8, 0),
		       I(ADDX, 0, 1, 0, 0), EXIT,
		       /* the function */
		       I(MOV, 6, 0, 0, 1), I(ST(BPF_DW), 10, 0, -8, 99),
		       I(ST(BPF_DW), 1, 0, 0, 20), I(MOV, 0, 0, 0, 3), EXIT),
		623);
	FAULT(VM_FAULT_MEMORY, "freed stack", NULL, 0,
	      I(CALL, 0, BPF_PSEUDO_CALL, 0, 2), I(LDX(BPF_B), 0, 0, -1, 0),
	      EXIT, I(MOVX, 0, 10, 0, 0), EXIT);
	FAULT(VM_FAULT_STACK, "more than 8 deep", NULL, 0, I(MOV, 0, 0, 0, 0),
	      I(CALL, 0, BPF_PSEUDO_CALL, 0, -1), EXIT);
	assert_string_equal(fault.func, "function");
	FAULT(VM_FAULT_INSN, "leads nowhere", NULL, 0,
	      I(CALL, 0, BPF_PSEUDO_CALL, 0, 1), EXIT);
}

/* Seven calls below each other are eight frames. */
static void depth(void **state)
{
	(void)state;
	for (int n = 7; n <= 8; n++) {
		struct bpf_insn in[] = {
			I(MOV, 1, 0, 0, n),
			I(CALL, 0, BPF_PSEUDO_CALL, 0, 1),
			EXIT,
			I(MOVX, 0, 1, 0, 0),
			I(ADD, 1, 0, 0, -1),
			I(JMP64(BPF_JEQ), 1, 0, 1, 0),
			I(CALL, 0, BPF_PSEUDO_CALL, 0, -4),
			EXIT,
		};

		if (n == 7)
			assert_int_equal(
				result_of(in, ARRAY_LEN(in), NULL, 0, "depth"),
				1);
		else
			expect_fault(in, ARRAY_LEN(in), NULL, 0, VM_FAULT_STACK,
				     "8 deep");
	}
}

static void instructions_that_are_none(void **state)
{
	(void)state;
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0), EXIT);
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(BPF_LD | BPF_IND | BPF_B, 0, 0, 0, 0), EXIT);
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(ALU64(0xe0), 0, 0, 0, 0), EXIT);
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(JMP64(BPF_JA | BPF_X), 0, 0, 0, 0), EXIT);
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0));
	FAULT(VM_FAULT_INSN, "no such instruction", NULL, 0,
	      I(BPF_LD | BPF_IMM | BPF_DW, 0, 1, 0, 0), I(0, 0, 0, 0, 0), EXIT);
	FAULT(VM_FAULT_INSN, "no such register", NULL, 0, I(MOV, 11, 0, 0, 0),
	      EXIT);
	FAULT(VM_FAULT_INSN, "no such register", NULL, 0,
	      I(LDX(BPF_W), 0, 15, 0, 0), EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(ADDX, 0, 1, 0, 1), EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(ADD, 0, 1, 0, 1), EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(ADD, 0, 0, 1, 1), EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(ALU64(BPF_DIV), 0, 0, 2, 1),
	      EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(ALU64(BPF_NEG), 0, 1, 0, 0),
	      EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(MOVX, 0, 1, 24, 0), EXIT);
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0,
	      I(JMP64(BPF_EXIT), 0, 0, 0, 1));
	FAULT(VM_FAULT_INSN, "reserved", NULL, 0, I(JMP64(BPF_JA), 0, 0, 0, 1),
	      EXIT);
	FAULT(VM_FAULT_INSN, "without an arena", NULL, 0, I(MOVX, 0, 1, 1, 1),
	      EXIT);
	/* What is never run may be anything. */
	assert_int_equal(RESULT(NULL, 0, I(MOV, 0, 0, 0, 1), EXIT,
				I(0xff, 15, 15, -1, -1)),
			 1);
}

/* bpf_loop(4, function, frame pointer - 8, 0). */
static void helpers_call_back(void **state)
{
	(void)state;
	assert_int_equal(
		RESULT(NULL, 0, I(ST(BPF_DW), 10, 0, -8, 0), I(MOV, 1, 0, 0, 4),
		       I(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 7),
		       I(0, 0, 0, 0, 0), I(MOVX, 3, 10, 0, 0),
		       I(ADD, 3, 0, 0, -8), I(MOV, 4, 0, 0, 0),
		       I(CALL, 0, 0, 0, BPF_FUNC_loop),
		       I(LDX(BPF_DW), 0, 10, -8, 0), EXIT,
		       /* the function */
		       I(LDX(BPF_DW), 3, 2, 0, 0), I(ADDX, 3, 1, 0, 0),
		       I(STX(BPF_DW), 2, 3, 0, 0), I(MOV, 0, 0, 0, 0), EXIT),
		6);
}

static void unknown_helper(void **state)
{
	(void)state;
	FAULT(VM_FAULT_UNSUPPORTED, "helper 1000", NULL, 0,
	      I(CALL, 0, 0, 0, 1000), EXIT);
}

static void whole_instructions(void **state)
{
	uint64_t r0;

	(void)state;
	assert_int_equal(raw_run("", 0, NULL, 0, &r0, &fault), -EINVAL);
	assert_int_equal(raw_run("0123456789ab", 12, NULL, 0, &r0, &fault),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(move_sign_extended_32),
		cmocka_unit_test(negation),
		cmocka_unit_test(byte_order),
		cmocka_unit_test(conditional_jumps),
		cmocka_unit_test(plain_jumps),
		cmocka_unit_test(may_goto),
		cmocka_unit_test(loads),
		cmocka_unit_test(stores),
		cmocka_unit_test(stack),
		cmocka_unit_test(memory_faults),
		cmocka_unit_test(atomics),
		cmocka_unit_test(acquire_and_release),
		cmocka_unit_test(local_calls),
		cmocka_unit_test(depth),
		cmocka_unit_test(instructions_that_are_none),
		cmocka_unit_test(helpers_call_back),
		cmocka_unit_test(unknown_helper),
		cmocka_unit_test(whole_instructions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
