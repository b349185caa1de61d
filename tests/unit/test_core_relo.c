/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CO-RE: what each kind of relocation makes of each kind of instruction. */
#include "elf_fix.h"

#include <stdio.h>

#define LDX(size) (BPF_LDX | BPF_MEM | (size))
#define ST(size)  (BPF_ST | BPF_MEM | (size))
#define STX(size) (BPF_STX | BPF_MEM | (size))
#define MOV	  (BPF_ALU64 | BPF_MOV | BPF_K)
#define ADD32	  (BPF_ALU | BPF_ADD | BPF_K)
#define WIDE	  (BPF_LD | BPF_IMM | BPF_DW)
#define EXIT	  ((struct bpf_insn){.code = BPF_JMP | BPF_EXIT})
#define POISON	  1 /* for rc: fine, and a fault when it is run */

/* Types of both sides that have the same numbers. */
enum { INT = 1, U32, U64, U8, LONG, PTR, FOUR, NONE, S8, EIGHT, S };

static void add_numbers(struct btf *b)
{
	assert_int_equal(btf__add_int(b, "int", 4, BTF_INT_SIGNED), INT);
	btf__add_int(b, "unsigned int", 4, 0);
	btf__add_int(b, "unsigned long", 8, 0);
	btf__add_int(b, "unsigned char", 1, 0);
	btf__add_int(b, "long", 8, BTF_INT_SIGNED);
	btf__add_ptr(b, 0);
	btf__add_array(b, U32, U32, 4);
	btf__add_array(b, U32, U32, 0);
	btf__add_int(b, "signed char", 1, BTF_INT_SIGNED);
	assert_int_equal(btf__add_array(b, U32, U32, 8), EIGHT);
}

static void add_one(struct btf *b, const char *name, uint32_t size,
		    const char *member, int type, uint32_t bit)
{
	btf__add_struct(b, name, size);
	btf__add_field(b, member, type, bit, 0);
}

static int local_enum, local_wide, local_signed, local_old, local_absent,
	local_nameless, local_named, local_near, local_differ, local_agree;

/* What the object was compiled with. */
static struct btf *local_types(struct btf *b)
{
	int anon = S + 1, in = S + 2;

	add_numbers(b);
	assert_int_equal(btf__add_struct(b, "s", 96), S);
	btf__add_field(b, "a", U32, 0, 0);
	btf__add_field(b, "b", U64, 64, 0);
	btf__add_field(b, "c", INT, 128, 0);
	btf__add_field(b, "d", U8, 160, 0);
	btf__add_field(b, "arr", FOUR, 192, 0);
	btf__add_field(b, NULL, anon, 320, 0);
	btf__add_field(b, "p", PTR, 384, 0);
	btf__add_field(b, "in", in, 448, 0);
	btf__add_field(b, "f", U32, 512, 3);
	btf__add_field(b, "g", INT, 515, 5);
	btf__add_field(b, "h", U32, 520, 20);
	btf__add_field(b, "k", U32, 544, 20);
	btf__add_field(b, "gone", U32, 576, 0);
	btf__add_field(b, "one", U64, 640, 0);
	btf__add_field(b, "m", LONG, 704, 0);
	btf__add_field(b, "tail", NONE, 768, 0);
	add_one(b, NULL, 4, "x", U32, 0);
	btf__add_struct(b, "in", 8);
	btf__add_field(b, "p", U32, 0, 0);
	btf__add_field(b, "q", U32, 32, 0);
	local_enum = btf__add_enum(b, "e", 4);
	btf__add_enum_value(b, "E0", 0);
	btf__add_enum_value(b, "E1", 5);
	btf__add_enum_value(b, "E2", 9);
	btf__add_enum_value(b, "E3", 7);
	local_wide = btf__add_enum64(b, "w", 8, false);
	btf__add_enum64_value(b, "W", 1ull << 40 | 3);
	local_signed = btf__add_enum(b, "sg", 4);
	btf__add_enum_value(b, "MINUS", -1);
	local_old = btf__add_struct(b, "s___old", 8);
	btf__add_field(b, "a", U32, 0, 0);
	btf__add_field(b, "extra", U32, 32, 0);
	local_absent = btf__add_struct(b, "absent", 4);
	btf__add_field(b, "a", U32, 0, 0);
	local_nameless = anon;
	local_named = btf__add_typedef(b, "td", U32);
	local_near = btf__add_struct(b, "far", 3);
	btf__add_field(b, "near", U8, 0, 0);
	btf__add_field(b, "far", U8, 8, 0);
	local_differ = btf__add_struct(b, "differ", 8);
	btf__add_field(b, "a", U32, 0, 0);
	btf__add_field(b, "only", U32, 32, 0);
	local_agree = btf__add_struct(b, "agree", 4);
	btf__add_field(b, "a", U32, 0, 0);
	return b;
}

/* Another kernel: all is elsewhere. */
static struct btf *target_types(void)
{
	struct btf *b = btf__new_empty();
	int anon = S + 1, in = S + 2;

	add_numbers(b);
	assert_int_equal(btf__add_struct(b, "s", 136), S);
	btf__add_field(b, "c", INT, 64, 0);
	btf__add_field(b, "a", U64, 128, 0);
	btf__add_field(b, "b", U32, 192, 0);
	btf__add_field(b, "d", S8, 224, 0);
	btf__add_field(b, "arr", EIGHT, 256, 0);
	btf__add_field(b, NULL, anon, 512, 0);
	btf__add_field(b, "p", PTR, 576, 0);
	btf__add_field(b, "in", in, 640, 0);
	btf__add_field(b, "f", U32, 737, 4);
	btf__add_field(b, "g", INT, 741, 6);
	btf__add_field(b, "h", U32, 780, 20);
	btf__add_field(b, "k", U32, 850, 20);
	btf__add_field(b, "one", U64, 960, 0);
	btf__add_field(b, "m", INT, 1024, 0);
	btf__add_field(b, "tail", NONE, 1056, 0);
	btf__add_union(b, NULL, 8);
	btf__add_field(b, "x", U32, 0, 0);
	btf__add_field(b, "y", U64, 0, 0);
	btf__add_struct(b, "in", 12);
	btf__add_field(b, "z", U32, 0, 0);
	btf__add_field(b, "q", U32, 32, 0);
	btf__add_field(b, "p", U32, 64, 0);
	btf__add_enum(b, "e", 4);
	btf__add_enum_value(b, "E1", 6);
	btf__add_enum_value(b, "E0", 1);
	btf__add_enum_value(b, "E3___new", 70);
	btf__add_enum64(b, "w", 8, false);
	btf__add_enum64_value(b, "W", 1ull << 41 | 5);
	btf__add_enum(b, "sg", 4);
	btf__add_enum_value(b, "MINUS", -2);
	btf__add_typedef(b, "td", U64);
	btf__add_struct(b, "far", 40000);
	btf__add_field(b, "near", U8, 32767 * 8, 0);
	btf__add_field(b, "far", U8, 32768 * 8, 0);
	add_one(b, "differ", 8, "a", U32, 0);
	btf__add_struct(b, "differ", 8);
	btf__add_field(b, "a", U32, 32, 0);
	btf__add_field(b, "only", U32, 0, 0);
	add_one(b, "agree", 8, "a", U32, 32);
	add_one(b, "agree", 9, "a", U32, 32);
	return b;
}

/*
 * Opens an object of one instruction (and what a 64-bit load has behind it)
 * with one relocation: rc, and what became of the instruction.
 */
static int relocate(struct bpf_insn in, uint32_t high, uint32_t kind, int type,
		    const char *access, struct object_insn *out)
{
	const struct bpf_insn insns[] = {in, {.imm = (int32_t)high}, EXIT};
	const struct bpf_insn narrow[] = {in, EXIT};
	bool wide = in.code == WIDE;
	struct btf *target = target_types();
	struct object *o;
	struct elf_fix e;
	int rc;

	elf_init(&e);
	local_types(e.btf);
	elf_func(&e, "syscall", "f", wide ? insns : narrow, wide ? 3 : 2);
	elf_row(&e, EXT_CORE, "syscall", 0, (uint32_t)type,
		(uint32_t)btf__add_str(e.btf, access), kind);
	elf_types(&e);
	elf_write(&e);
	rc = elf_open(&e, target, &o);
	if (!rc) {
		out[0] = o->insns[0];
		out[1] = o->insns[1];
		rc = o->insns[0].what == INSN_POISON ? POISON : 0;
		assert_int_equal(o->note_count, rc == POISON);
	}
	object_free(o);
	btf__free(target);
	elf_release(&e);
	return rc;
}

/* ---- values ------------------------------------------------------------ */

enum {
	OFFSET,
	SIZE,
	EXISTS,
	SIGNED,
	LSHIFT,
	RSHIFT,
	ID_LOCAL,
	ID_TARGET,
	TYPE_EXISTS,
	TYPE_SIZE,
	VALUE_EXISTS,
	VALUE,
	MATCHES
};

static const struct value_row {
	uint32_t kind;
	const int *of; /* NULL: S */
	const char *access;
	uint64_t old;
	int rc;
	uint64_t new;
} value_rows[] = {
	{OFFSET, NULL, "0:0", 0, 0, 16},
	{OFFSET, NULL, "0:1", 8, 0, 24},
	{OFFSET, NULL, "0:2", 16, 0, 8},
	{OFFSET, NULL, "0:3", 20, 0, 28},
	{OFFSET, NULL, "0:4", 24, 0, 32},
	{OFFSET, NULL, "0:4:0", 24, 0, 32},
	{OFFSET, NULL, "0:4:2", 32, 0, 40},
	{OFFSET, NULL, "0:4:3", 36, 0, 44},
	{OFFSET, NULL, "0:4:4", 40, -EINVAL, 0},
	{OFFSET, NULL, "0:5:0", 40, 0, 64},
	{OFFSET, NULL, "0:6", 48, 0, 72},
	{OFFSET, NULL, "0:7", 56, 0, 80},
	{OFFSET, NULL, "0:7:0", 56, 0, 88},
	{OFFSET, NULL, "0:7:1", 60, 0, 84},
	{OFFSET, NULL, "0:7:2", 64, -EINVAL, 0},
	{OFFSET, NULL, "0:13", 80, 0, 120},
	{OFFSET, NULL, "0:15", 96, 0, 132},
	{OFFSET, NULL, "0:15:5", 116, 0, 152},
	{OFFSET, NULL, "0:16", 0, -EINVAL, 0},
	{OFFSET, NULL, "0", 0, 0, 0},
	{OFFSET, NULL, "2", 192, 0, 272},
	{OFFSET, NULL, "1:0", 96, 0, 152},
	{OFFSET, NULL, "0:12", 72, POISON, 0},
	{OFFSET, NULL, "0:0", 4, -EINVAL, 0}, /* it is at 0 */
	{OFFSET, NULL, "0:0:0", 0, -EINVAL, 0},
	{OFFSET, NULL, "", 0, -EINVAL, 0},
	{OFFSET, NULL, ":0", 0, -EINVAL, 0},
	{OFFSET, NULL, "0:", 0, -EINVAL, 0},
	{OFFSET, NULL, "0::0", 0, -EINVAL, 0},
	{OFFSET, NULL, "0:a", 0, -EINVAL, 0},
	{OFFSET, NULL, "0:0x", 0, -EINVAL, 0},
	{OFFSET, NULL, "0 0", 0, -EINVAL, 0},
	{OFFSET, NULL, "16777215", 16777215ull * 96, 0, 16777215ull * 136},
	{OFFSET, NULL, "16777216", 16777216ull * 96, -EINVAL, 0},
	{OFFSET, NULL, "0:8", 64, 0, 92},
	{OFFSET, NULL, "0:9", 64, 0, 92},
	{OFFSET, NULL, "0:10", 64, 0, 96},
	{OFFSET, NULL, "0:11", 68, 0, 104},
	{SIZE, NULL, "0", 96, 0, 136},
	{SIZE, NULL, "0:0", 4, 0, 8},
	{SIZE, NULL, "0:1", 8, 0, 4},
	{SIZE, NULL, "0:3", 1, 0, 1},
	{SIZE, NULL, "0:4", 16, 0, 32},
	{SIZE, NULL, "0:4:1", 4, 0, 4},
	{SIZE, NULL, "0:7", 8, 0, 12},
	{SIZE, NULL, "0:8", 4, 0, 4},
	{SIZE, NULL, "0:10", 4, 0, 4}, /* to its very end */
	{SIZE, NULL, "0:11", 4, 0, 8},
	{SIZE, NULL, "0:12", 4, POISON, 0},
	{EXISTS, NULL, "0:0", 1, 0, 1},
	{EXISTS, NULL, "0:12", 1, 0, 0},
	{EXISTS, NULL, "0:7:0", 1, 0, 1},
	{EXISTS, NULL, "0:0", 0, -EINVAL, 0},
	{SIGNED, NULL, "0:0", 0, 0, 0},
	{SIGNED, NULL, "0:2", 1, 0, 1},
	{SIGNED, NULL, "0:3", 0, 0, 1},
	{SIGNED, NULL, "0:9", 1, 0, 1},
	{SIGNED, NULL, "0:8", 1, -EINVAL, 0},
	{SIGNED, NULL, "0:4:1", 0, -EINVAL, 0},
	{LSHIFT, NULL, "0:2", 32, 0, 32},
	{LSHIFT, NULL, "0:0", 32, 0, 0},
	{LSHIFT, NULL, "0:3", 56, 0, 56},
	{LSHIFT, NULL, "0:8", 7, 0, 59},
	{LSHIFT, NULL, "0:9", 7, 0, 53},
	{LSHIFT, NULL, "0:10", 7, 0, 32},
	{LSHIFT, NULL, "0:11", 7, 0, 26},
	{LSHIFT, NULL, "0:4:1", 32, -EINVAL, 0},
	{RSHIFT, NULL, "0:0", 32, 0, 0},
	{RSHIFT, NULL, "0:8", 61, 0, 60},
	{RSHIFT, NULL, "0:8", 60, -EINVAL, 0},
	{RSHIFT, NULL, "0:9", 59, 0, 58},
	{RSHIFT, NULL, "0:11", 44, 0, 44},
	{ID_TARGET, NULL, "0", 7777, 0, S},
	{ID_TARGET, &local_absent, "0", 7777, 0, 0},
	{ID_TARGET, NULL, "1", 7777, -EINVAL, 0},
	{ID_TARGET, NULL, "", 7777, -EINVAL, 0},
	{ID_LOCAL, NULL, "0", 7777, 0, S},
	{TYPE_EXISTS, NULL, "0", 1, 0, 1},
	{TYPE_EXISTS, &local_absent, "0", 1, 0, 0},
	{TYPE_EXISTS, NULL, "0:0", 1, -EINVAL, 0},
	{TYPE_SIZE, NULL, "0", 96, 0, 136},
	{TYPE_SIZE, &local_named, "0", 4, 0, 8},
	{TYPE_SIZE, &local_absent, "0", 4, 0, 0},
	{TYPE_SIZE, NULL, "0", 95, -EINVAL, 0},
	{MATCHES, NULL, "0", 1, 0, 0},
	{MATCHES, &local_absent, "0", 1, 0, 0},
	{VALUE, &local_enum, "0", 0, 0, 1},
	{VALUE, &local_enum, "1", 5, 0, 6},
	{VALUE, &local_enum, "2", 9, POISON, 0},
	{VALUE, &local_enum, "3", 7, 0, 70},
	{VALUE, &local_enum, "4", 0, -EINVAL, 0},
	{VALUE, &local_enum, "1:0", 5, -EINVAL, 0},
	{VALUE, &local_enum, "-1", 0, -EINVAL, 0},
	{VALUE, &local_enum, "1", 6, -EINVAL, 0},
	{VALUE, &local_wide, "0", 1ull << 40 | 3, 0, 1ull << 41 | 5},
	{VALUE, &local_wide, "0", 3, -EINVAL, 0},
	{VALUE, &local_signed, "0", UINT64_MAX, 0, UINT64_MAX - 1},
	{VALUE, NULL, "0", 0, -EINVAL, 0},
	{VALUE_EXISTS, &local_enum, "1", 1, 0, 1},
	{VALUE_EXISTS, &local_enum, "2", 1, 0, 0},
	{VALUE_EXISTS, &local_wide, "0", 1, 0, 1},
	{OFFSET, &local_old, "0:0", 0, 0, 16},
	{EXISTS, &local_old, "0:1", 1, 0, 0},
	{EXISTS, &local_absent, "0:0", 1, 0, 0},
	{OFFSET, &local_absent, "0:0", 0, POISON, 0},
	{OFFSET, &local_near, "0:1", 1, 0, 32768},
	/* Two kinds of that name: they have to agree, if both have it. */
	{OFFSET, &local_differ, "0:0", 0, -EINVAL, 0},
	{OFFSET, &local_differ, "0:1", 4, 0, 0},
	{OFFSET, &local_agree, "0:0", 0, 0, 4},
	{TYPE_SIZE, &local_agree, "0", 4, -EINVAL, 0},
	{TYPE_EXISTS, &local_agree, "0", 1, 0, 1},
	{OFFSET, &local_nameless, "0:0", 0, -ENOTSUP, 0},
	{MATCHES + 1, NULL, "0", 0, -ENOTSUP, 0},
};

static void test_values(void **state)
{
	struct elf_fix e;

	(void)state;
	elf_init(&e);
	local_types(e.btf); /* the numbers of types */
	elf_release(&e);
	for (size_t i = 0; i < ARRAY_LEN(value_rows); i++) {
		const struct value_row *r = &value_rows[i];
		struct bpf_insn in = {.code = WIDE,
				      .imm = (int32_t)(uint32_t)r->old};
		struct object_insn out[2];
		int rc = relocate(in, (uint32_t)(r->old >> 32), r->kind,
				  r->of ? *r->of : S, r->access, out);

		if (rc != r->rc)
			fail_msg("row %zu (kind %u of '%s'): %d: %s", i,
				 r->kind, r->access, rc, err_text());
		if (rc)
			continue;
		if (out[0].value != r->new ||
		    (uint32_t)out[0].i.imm != (uint32_t)r->new ||
		    (uint32_t)out[1].i.imm != (uint32_t)(r->new >> 32))
			fail_msg("row %zu (kind %u of '%s'): %llu", i, r->kind,
				 r->access, (unsigned long long)out[0].value);
	}
}

/* ---- instructions ------------------------------------------------------ */

static const struct insn_row {
	struct bpf_insn in;
	const int *of;
	const char *access;
	int rc;
	struct bpf_insn out;
} insn_rows[] = {
	{{MOV, 1, 0, 0, 0}, NULL, "0:0", 0, {MOV, 1, 0, 0, 16}},
	{{ADD32, 1, 0, 0, 8}, NULL, "0:1", 0, {ADD32, 1, 0, 0, 24}},
	{{ADD32, 1, 0, 0, 9}, NULL, "0:1", -EINVAL, {0}},
	{{ADD32 | BPF_X, 1, 2, 0, 8}, NULL, "0:1", -EINVAL, {0}},
	/* Numbers without a sign, and pointers, may grow and shrink. */
	{{LDX(BPF_W), 1, 2, 0, 0}, NULL, "0:0", 0, {LDX(BPF_DW), 1, 2, 16, 0}},
	{{LDX(BPF_DW), 1, 2, 8, 0}, NULL, "0:1", 0, {LDX(BPF_W), 1, 2, 24, 0}},
	{{STX(BPF_DW), 1, 2, 8, 0}, NULL, "0:1", 0, {STX(BPF_W), 1, 2, 24, 0}},
	{{ST(BPF_W), 1, 0, 0, 5}, NULL, "0:0", 0, {ST(BPF_DW), 1, 0, 16, 5}},
	{{LDX(BPF_H), 1, 2, 0, 0}, NULL, "0:0", -EINVAL, {0}},
	{{LDX(BPF_W), 1, 2, 4, 0}, NULL, "0:0", -EINVAL, {0}},
	{{LDX(BPF_W), 1, 2, 16, 0}, NULL, "0:2", 0, {LDX(BPF_W), 1, 2, 8, 0}},
	{{LDX(BPF_B), 1, 2, 20, 0}, NULL, "0:3", 0, {LDX(BPF_B), 1, 2, 28, 0}},
	{{LDX(BPF_DW), 1, 2, 48, 0},
	 NULL,
	 "0:6",
	 0,
	 {LDX(BPF_DW), 1, 2, 72, 0}},
	/* With one they may not, and structs neither. */
	{{LDX(BPF_DW), 1, 2, 88, 0}, NULL, "0:14", POISON, {0}},
	{{LDX(BPF_DW), 1, 2, 56, 0}, NULL, "0:7", POISON, {0}},
	{{LDX(BPF_W), 1, 2, 72, 0}, NULL, "0:12", POISON, {0}},
	/* Bits: from where the compiler likes. */
	{{LDX(BPF_H), 1, 2, 66, 0}, NULL, "0:8", 0, {LDX(BPF_H), 1, 2, 92, 0}},
	{{LDX(BPF_W), 1, 2, 68, 0},
	 NULL,
	 "0:11",
	 0,
	 {LDX(BPF_W), 1, 2, 104, 0}},
	{{LDX(BPF_B), 1, 2, 0, 0},
	 &local_near,
	 "0:0",
	 0,
	 {LDX(BPF_B), 1, 2, 32767, 0}},
	{{LDX(BPF_B), 1, 2, 1, 0}, &local_near, "0:1", -EINVAL, {0}},
	{{BPF_JMP | BPF_JA, 0, 0, 0, 0}, NULL, "0:0", -EINVAL, {0}},
	{{BPF_JMP | BPF_CALL, 0, 0, 0, 1}, NULL, "0:0", -EINVAL, {0}},
	{{WIDE, 1, BPF_PSEUDO_FUNC, 0, -1}, NULL, "0:0", -EINVAL, {0}},
	{{WIDE, 1, 0, 1, 0}, NULL, "0:0", -EINVAL, {0}},
};

static void test_instructions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(insn_rows); i++) {
		const struct insn_row *r = &insn_rows[i];
		struct object_insn out[2];
		int rc = relocate(r->in, 0, OFFSET, r->of ? *r->of : S,
				  r->access, out);

		if (rc != r->rc)
			fail_msg("row %zu ('%s'): %d: %s", i, r->access, rc,
				 err_text());
		if (!rc && memcmp(&out[0].i, &r->out, sizeof(r->out)) != 0)
			fail_msg("row %zu ('%s'): code %#x, off %d, imm %d", i,
				 r->access, out[0].i.code, out[0].i.off,
				 out[0].i.imm);
	}
}

static void test_no_type(void **state)
{
	struct object_insn out[2];
	struct bpf_insn in = {.code = MOV};

	(void)state;
	assert_int_equal(relocate(in, 0, OFFSET, 0, "0", out), -EINVAL);
	assert_non_null(strstr(err_text(), "without a type"));
	assert_int_equal(relocate(in, 0, OFFSET, local_agree + 1, "0", out),
			 -EINVAL);
	assert_non_null(strstr(err_text(), "without a type"));
}

static void test_words(void **state)
{
	static const struct {
		uint32_t kind;
		const char *access, *words;
	} rows[] = {
		{OFFSET, "0:12",
		 "the kernel has nothing for the offset of "
		 "s.gone"},
		{SIZE, "3:12", "the size of s[3].gone"},
	};
	struct btf *target = target_types();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct bpf_insn in[] = {{.code = MOV, .imm = i ? 4 : 72},
					      EXIT};
		struct object *o;
		struct elf_fix e;

		elf_init(&e);
		local_types(e.btf);
		elf_func(&e, "syscall", "f", in, 2);
		elf_row(&e, EXT_CORE, "syscall", 0, S,
			(uint32_t)btf__add_str(e.btf, rows[i].access),
			rows[i].kind);
		elf_types(&e);
		elf_write(&e);
		assert_int_equal(elf_open(&e, target, &o), 0);
		assert_int_equal(o->note_count, 1);
		assert_int_equal(o->notes[0].insn, 0);
		if (!strstr(o->notes[0].text, rows[i].words))
			fail_msg("%s", o->notes[0].text);
		object_free(o);
		elf_release(&e);
	}
	btf__free(target);
}

/* ---- which types are alike --------------------------------------------- */

/*
 * Each kind of type, with what it is for each of the three questions: two are
 * alike if the texts are the same ('!': never, "e*": any enumeration).
 */
static const struct zoo_row {
	const char *field, *type, *matches;
} zoo[] = {
	{"!", "v", " 0 "},		    /* 0: void */
	{"i", "i", " 1 27 "},		    /* unsigned int */
	{"i", "i", " 2 "},		    /* int */
	{"i", "i", " 3 "},		    /* unsigned long */
	{"p", "pi", " 4 "},		    /* 4: unsigned int * */
	{"p", "pi", " 5 "},		    /* int * */
	{"p", "ps", " 6 24 31 "},	    /* struct A {a} * */
	{"[i", "[i", " 7 "},		    /* unsigned int [4] */
	{"[i", "[i", " 8 "},		    /* 8: unsigned int [5] */
	{"[i", "[i", " 9 "},		    /* unsigned long [4] */
	{"c", "s", " 10 11 32 "},	    /* struct A {a} */
	{"c", "s", " 11 32 "},		    /* struct A {a, b} */
	{"c", "s", " 12 "},		    /* 12: struct B {a} */
	{"c", "u", " 13 "},		    /* union A {a} */
	{"wA", "w", " 10 11 14 30 32 38 "}, /* struct A; */
	{"wA", "w", " 13 15 "},		    /* union A; */
	{"eE", "e", " 16 33 "},		    /* 16: enum E {X, Y} */
	{"eE", "e", " 16 17 33 "},	    /* enum E {X} */
	{"eE", "e", " 18 "},		    /* enum E: 64 {X, Y} */
	{"eF", "e", " 19 "},		    /* enum F {X, Y} */
	{"!", "(i)i", " 20 "},		    /* 20: int (int) */
	{"!", "(ii)i", " 21 "},		    /* int (int, int) */
	{"!", "(i)v", " 22 "},		    /* void (int) */
	{"f", "!", " "},		    /* double */
	{"p", "pw", " 6 24 31 "},	    /* 24: struct A; * */
	{"p", "pu", " 25 28 "},		    /* union A {a} * */
	{"p", "ppi", " 26 "},		    /* unsigned int ** */
	{"i", "i", " 1 27 "},		    /* const unsigned int */
	{"p", "pw", " 25 28 "},		    /* 28: union A; * */
	{"e*", "e", " 29 "},		    /* enum {X, Y} */
	{"c", "s", " 30 "},		    /* struct A {long a} */
	{"p", "ps", " 6 24 31 "},	    /* struct A {a, b} * */
	{"c", "s", " 11 32 "},		    /* 32: struct A {b, a} */
	{"eE", "e", " 16 33 "},		    /* enum E {Y, X} */
	{"!", "(ii)i", " 34 "},		    /* int (int, long) */
	{"!", "(ii)i", " 35 "},		    /* int (long, int) */
	{"!", "(ipv)i", " 36 "},	    /* int (int, void *) */
	{"eE", "e", " 37 "},		    /* enum E: 64 {X, Z} */
	{"c", "s", " 11 32 38 "},	    /* 38: struct A {b} */
};

static int two_values(struct btf *b, const char *name, const char *x,
		      const char *y)
{
	int id = btf__add_enum(b, name, 4);

	btf__add_enum_value(b, x, 0);
	if (y)
		btf__add_enum_value(b, y, 1);
	return id;
}

static int record(struct btf *b, bool is_union, const char *name, int type,
		  const char *x, const char *y)
{
	uint32_t size = y ? 8 : 4;
	int id = is_union ? btf__add_union(b, name, size)
			  : btf__add_struct(b, name, size);

	btf__add_field(b, x, type, 0, 0);
	if (y)
		btf__add_field(b, y, type, 32, 0);
	return id;
}

static int proto(struct btf *b, int returns, int first, int second)
{
	int id = btf__add_func_proto(b, returns);

	btf__add_func_param(b, "x", first);
	if (second)
		btf__add_func_param(b, "y", second);
	return id;
}

/* Its number in a set of types that begins with add_numbers(). */
static int animal(struct btf *b, int which)
{
	int id;

	switch (which) {
	case 0:
		return 0;
	case 1:
		return U32;
	case 2:
		return INT;
	case 3:
		return U64;
	case 4:
		return btf__add_ptr(b, U32);
	case 5:
		return btf__add_ptr(b, INT);
	case 6:
		return btf__add_ptr(b, animal(b, 10));
	case 7:
		return FOUR;
	case 8:
		return btf__add_array(b, U32, U32, 5);
	case 9:
		return btf__add_array(b, U32, U64, 4);
	case 10:
		return record(b, false, "A", INT, "a", NULL);
	case 11:
		return record(b, false, "A", INT, "a", "b");
	case 12:
		return record(b, false, "B", INT, "a", NULL);
	case 13:
		return record(b, true, "A", INT, "a", NULL);
	case 14:
		return btf__add_fwd(b, "A", BTF_FWD_STRUCT);
	case 15:
		return btf__add_fwd(b, "A", BTF_FWD_UNION);
	case 16:
		return two_values(b, "E", "X", "Y");
	case 17:
		return two_values(b, "E", "X", NULL);
	case 18:
		id = btf__add_enum64(b, "E", 8, false);
		btf__add_enum64_value(b, "X", 0);
		btf__add_enum64_value(b, "Y", 1);
		return id;
	case 19:
		return two_values(b, "F", "X", "Y");
	case 20:
		return proto(b, INT, INT, 0);
	case 21:
		return proto(b, INT, INT, INT);
	case 22:
		return proto(b, 0, INT, 0);
	case 23:
		return btf__add_float(b, "double", 8);
	case 24:
		return btf__add_ptr(b, animal(b, 14));
	case 25:
		return btf__add_ptr(b, animal(b, 13));
	case 26:
		return btf__add_ptr(b, animal(b, 4));
	case 27:
		return btf__add_const(b, U32);
	case 28:
		return btf__add_ptr(b, animal(b, 15));
	case 29:
		return two_values(b, NULL, "X", "Y");
	case 30:
		return record(b, false, "A", LONG, "a", NULL);
	case 31:
		return btf__add_ptr(b, animal(b, 11));
	case 32:
		return record(b, false, "A", INT, "b", "a");
	case 33:
		return two_values(b, "E", "Y", "X");
	case 34:
		return proto(b, INT, INT, LONG);
	case 35:
		return proto(b, INT, LONG, INT);
	case 36:
		return proto(b, INT, INT, PTR);
	case 37:
		id = btf__add_enum64(b, "E", 8, false);
		btf__add_enum64_value(b, "X", 0);
		btf__add_enum64_value(b, "Z", 1);
		return id;
	default:
		return record(b, false, "A", INT, "b", NULL);
	}
}

/* Is the one there, where the other is what the object has? */
static bool answer_of(uint32_t kind, int local, int target)
{
	const struct bpf_insn in[] = {{.code = MOV, .imm = 1}, EXIT};
	struct btf *t = btf__new_empty();
	struct object *o;
	struct elf_fix e;
	int type, answer;

	elf_init(&e);
	add_numbers(e.btf);
	add_numbers(t);
	if (kind == EXISTS) {
		type = animal(e.btf, local);
		type = record(e.btf, false, "z", type, "m", NULL);
		record(t, false, "z", animal(t, target), "m", NULL);
	} else {
		type = btf__add_typedef(e.btf, "z", animal(e.btf, local));
		btf__add_typedef(t, "z", animal(t, target));
	}
	elf_func(&e, "syscall", "f", in, 2);
	elf_row(&e, EXT_CORE, "syscall", 0, (uint32_t)type,
		(uint32_t)btf__add_str(e.btf, kind == EXISTS ? "0:0" : "0"),
		kind);
	elf_types(&e);
	elf_write(&e);
	if (elf_open(&e, t, &o))
		fail_msg("kind %u, %d and %d: %s", kind, local, target,
			 err_text());
	answer = o->insns[0].i.imm;
	assert_in_range(answer, 0, 1);
	object_free(o);
	btf__free(t);
	elf_release(&e);
	return answer;
}

static bool same(const char *a, const char *b)
{
	if (*a == '!' || *b == '!')
		return false;
	if (*a == 'e' && *b == 'e' && (a[1] == '*' || b[1] == '*'))
		return true;
	return !strcmp(a, b);
}

static void test_alike(void **state)
{
	(void)state;
	for (int i = 0; i < (int)ARRAY_LEN(zoo); i++)
		for (int j = 0; j < (int)ARRAY_LEN(zoo); j++) {
			char number[8];

			snprintf(number, sizeof(number), " %d ", j);
			if (*zoo[i].field != '!' && *zoo[j].field != '!' &&
			    answer_of(EXISTS, i, j) !=
				    same(zoo[i].field, zoo[j].field))
				fail_msg("members of types %d and %d", i, j);
			if (answer_of(TYPE_EXISTS, i, j) !=
			    same(zoo[i].type, zoo[j].type))
				fail_msg("types %d and %d", i, j);
			if (answer_of(MATCHES, i, j) !=
			    !!strstr(zoo[i].matches, number))
				fail_msg("types %d and %d match or not", i, j);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_no_type),
		cmocka_unit_test(test_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
