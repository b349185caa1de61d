/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small object whose every number is once wrong, and once just right. */
#include "elf_fix.h"

#include <stdio.h>

#define WIDE (BPF_LD | BPF_IMM | BPF_DW)
#define MOV  (BPF_ALU64 | BPF_MOV | BPF_K)
#define CALL (BPF_JMP | BPF_CALL)
#define JA   (BPF_JMP | BPF_JA)
#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* Sections, in the order of plain(). */
enum { MAIN = 3, TEXT, DATA, RODATA, REL_MAIN, BTF, EXT };

/* main: loads &word, calls sub; sub is the second of .text. */
static const struct bpf_insn main_insns[] = {
	{.code = WIDE, .dst_reg = 1},
	{0},
	{.code = CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 0},
	{.code = CALL, .imm = 5},
	EXIT,
};
static const struct bpf_insn text_insns[] = {
	{.code = MOV, .imm = 1}, EXIT, {.code = MOV, .imm = 2}, EXIT};
static const uint64_t words[] = {7, 8};

struct made {
	struct elf_fix e;
	uint32_t word, text; /* symbols */
	int var, u64, proto, func, sec;
};

static void plain(struct made *m)
{
	struct elf_fix *e = &m->e;

	elf_init(e);
	elf_func(e, "syscall", "main", main_insns, ARRAY_LEN(main_insns));
	elf_add(e, ".text", SHT_PROGBITS, ELF_CODE, text_insns,
		sizeof(text_insns));
	elf_symbol_add(e, "first", ELF_GLOBAL_FUNC, TEXT, 0, 16);
	elf_symbol_add(e, "sub", ELF_GLOBAL_FUNC, TEXT, 16, 16);
	m->text = elf_symbol_add(e, "", STT_SECTION, TEXT, 0, 0);
	elf_add(e, ".data", SHT_PROGBITS, ELF_DATA, words, sizeof(words));
	elf_add(e, ".rodata", SHT_PROGBITS, SHF_ALLOC, words, 8);
	m->word = elf_symbol_add(e, "word", ELF_GLOBAL, DATA, 8, 8);
	elf_rel(e, MAIN, 0, m->word);
	elf_rel(e, MAIN, 16, m->text);
	m->u64 = btf__add_int(e->btf, "u64", 8, 0);
	m->var = btf__add_var(e->btf, "word", BTF_VAR_GLOBAL_ALLOCATED, m->u64);
	m->sec = btf__add_datasec(e->btf, ".data", 0);
	btf__add_datasec_var_info(e->btf, m->var, 0, 8);
	m->proto = btf__add_func_proto(e->btf, m->u64);
	m->func = btf__add_func(e->btf, "sub", BTF_FUNC_GLOBAL, m->proto);
	elf_row(e, EXT_FUNC, "syscall", 0, (uint32_t)m->func, 0, 0);
	elf_row(e, EXT_FUNC, ".text", 16, (uint32_t)m->func, 0, 0);
	elf_row(e, EXT_LINE, "syscall", 0,
		(uint32_t)btf__add_str(e->btf, "a.c"),
		(uint32_t)btf__add_str(e->btf, "\t first(); \t"), 31 << 10 | 5);
	elf_row(e, EXT_LINE, "syscall", 24,
		(uint32_t)btf__add_str(e->btf, "b.c"),
		(uint32_t)btf__add_str(e->btf, "second()"), 33 << 10 | 1023);
	elf_row(e, EXT_LINE, ".text", 16, (uint32_t)btf__add_str(e->btf, "b.c"),
		(uint32_t)btf__add_str(e->btf, ""), 7 << 10);
}

/* The callee: sub, by the section's symbol and the call's own number. */
static void aim(struct bpf_insn *copy, int imm)
{
	memcpy(copy, main_insns, sizeof(main_insns));
	copy[2].imm = imm;
}

static void test_all_of_it(void **state)
{
	struct bpf_insn insns[ARRAY_LEN(main_insns)];
	const struct object_line *l;
	struct object *o;
	struct made m;
	size_t size;
	void *at;
	int map;

	(void)state;
	plain(&m);
	aim(insns, 1);
	m.e.sec[MAIN].data = insns;
	o = elf_object(&m.e);
	assert_int_equal(o->func_count, 3);
	assert_string_equal(o->funcs[0].name, "main");
	assert_int_equal(o->funcs[0].kind, FUNC_SYSCALL);
	assert_true(o->funcs[0].sleepable);
	assert_string_equal(o->funcs[1].name, "first");
	assert_int_equal(o->funcs[1].first, 5);
	assert_int_equal(o->funcs[1].count, 2);
	assert_int_equal(o->funcs[2].first, 7);
	assert_int_equal(o->funcs[2].kind, FUNC_SUBPROG);
	assert_int_equal(o->funcs[0].type, m.func);
	assert_int_equal(o->funcs[2].type, m.func);
	assert_int_equal(o->funcs[1].type, 0);
	assert_int_equal(o->insn_count, 9);
	assert_int_equal(o->insns[0].what, INSN_MAP_VALUE);
	assert_int_equal(o->insns[0].value, 8);
	assert_int_equal(o->insns[0].arg, object_map(o, ".data"));
	assert_int_equal(o->insns[1].what, INSN_SECOND);
	assert_int_equal(o->insns[2].what, INSN_CALL_FUNC);
	assert_int_equal(o->insns[2].arg, 2);
	assert_int_equal(o->insns[3].what, INSN_CALL_HELPER);
	assert_int_equal(o->insns[3].arg, 5);
	assert_int_equal(object_variable(o, "word", &at, &size, &map), 0);
	assert_int_equal(size, 8);
	assert_memory_equal(at, &words[1], 8);
	assert_int_equal(o->maps[map].flags, 0);
	assert_false(o->maps[map].frozen);
	map = object_map(o, ".rodata");
	assert_true(o->maps[map].frozen);
	assert_int_equal(o->maps[map].flags, BPF_F_RDONLY_PROG);
	assert_int_equal(o->line_count, 3);
	l = object_line(o, 2);
	assert_string_equal(l->text, "first();");
	assert_string_equal(l->file, "a.c");
	assert_int_equal(l->line, 31);
	assert_int_equal(l->column, 5);
	l = object_line(o, 4);
	assert_string_equal(l->file, "b.c");
	assert_int_equal(l->line, 33);
	assert_int_equal(l->column, 1023);
	/* No line of the function before. */
	assert_null(object_line(o, 5));
	assert_null(object_line(o, 6));
	assert_int_equal(object_line(o, 7)->line, 7);
	assert_null(object_line(o, 9));
	assert_int_equal(object_func_of(o, 4), 0);
	assert_int_equal(object_func_of(o, 5), 1);
	assert_int_equal(object_func_of(o, 8), 2);
	assert_int_equal(object_func_of(o, 9), -1);
	object_free(o);
	elf_release(&m.e);
}

/* ---- numbers of the file ----------------------------------------------- */

enum part { HEADER, SECTION, SYMBOL, RELOCATION };

/* Where the n-th of a part begins in the file. */
static size_t start(const struct elf_fix *e, enum part part, size_t n)
{
	Elf64_Shdr h;
	size_t i = part == SYMBOL ? ELF_SYMTAB : REL_MAIN;

	if (part == HEADER)
		return 0;
	if (part == SECTION)
		return e->headers + n * sizeof(h);
	memcpy(&h, e->file.data + e->headers + i * sizeof(h), sizeof(h));
	return h.sh_offset +
	       n * (part == SYMBOL ? sizeof(Elf64_Sym) : sizeof(Elf64_Rel));
}

#define E(f) offsetof(Elf64_Ehdr, f), sizeof(((Elf64_Ehdr *)0)->f)
#define H(f) offsetof(Elf64_Shdr, f), sizeof(((Elf64_Shdr *)0)->f)
#define Y(f) offsetof(Elf64_Sym, f), sizeof(((Elf64_Sym *)0)->f)
#define R(f) offsetof(Elf64_Rel, f), sizeof(((Elf64_Rel *)0)->f)
#define LEN  (1ull << 62) /* added to it: the file's length */

static const struct number_row {
	enum part part;
	size_t n, at, size;
	uint64_t value;
	int rc;
	const char *words;
} number_rows[] = {
	{HEADER, 0, 0, 1, 0x7e, -EINVAL, "not an ELF file"},
	{HEADER, 0, 3, 1, 'f', -EINVAL, "not an ELF file"},
	{HEADER, 0, EI_CLASS, 1, ELFCLASS32, -EINVAL, "little-endian BPF"},
	{HEADER, 0, EI_DATA, 1, ELFDATA2MSB, -EINVAL, "little-endian BPF"},
	{HEADER, 0, EI_VERSION, 1, 2, -EINVAL, "little-endian BPF"},
	{HEADER, 0, E(e_machine), EM_X86_64, -EINVAL, "little-endian BPF"},
	{HEADER, 0, E(e_type), ET_EXEC, -EINVAL, "a linked program"},
	{HEADER, 0, E(e_shentsize), 63, -EINVAL, "section table"},
	{HEADER, 0, E(e_shentsize), 65, -EINVAL, "section table"},
	{HEADER, 0, E(e_shnum), 0, -EINVAL, "section table"},
	{HEADER, 0, E(e_shnum), 1, -EINVAL, "section table"},
	{HEADER, 0, E(e_shnum), EXT + 2, -EINVAL, "section table"},
	{HEADER, 0, E(e_shnum), SHN_LORESERVE, -EINVAL, "section table"},
	{HEADER, 0, E(e_shnum), 2, -EINVAL, "no symbols"},
	{HEADER, 0, E(e_shnum), 3, -EINVAL, "no section '.BTF'"},
	{HEADER, 0, E(e_shoff), LEN, -EINVAL, "section table"},
	{HEADER, 0, E(e_shoff), LEN + 8, -EINVAL, "section table"},
	{HEADER, 0, E(e_shoff), LEN - 64, -EINVAL, "section table"},
	{HEADER, 0, E(e_shoff), 60, -EINVAL, "section table"},
	{HEADER, 0, E(e_shstrndx), 0, -EINVAL, "sections have no names"},
	{HEADER, 0, E(e_shstrndx), EXT + 1, -EINVAL, "sections have no names"},
	{HEADER, 0, E(e_shstrndx), DATA, -EINVAL, "sections have no names"},
	{SECTION, DATA, H(sh_offset), LEN + 1, -EINVAL, "not all in the file"},
	{SECTION, DATA, H(sh_offset), LEN - 15, -EINVAL, "not all in the file"},
	{SECTION, DATA, H(sh_offset), LEN - 16, 0, NULL},
	{SECTION, DATA, H(sh_offset), LEN, -EINVAL, "not all in the file"},
	{SECTION, DATA, H(sh_size), UINT64_MAX, -EINVAL, "not all in the file"},
	{SECTION, DATA, H(sh_size), LEN, -EINVAL, "not all in the file"},
	{SECTION, DATA, H(sh_name), 1 << 20, -EINVAL, "has no name"},
	{SECTION, DATA, H(sh_flags), ELF_DATA | SHF_COMPRESSED, -EINVAL,
	 "is compressed"},
	{SECTION, EXT, H(sh_flags), SHF_COMPRESSED, 0, NULL},
	{SECTION, DATA, H(sh_type), SHT_SYMTAB, -EINVAL, "two symbol tables"},
	{SECTION, DATA, H(sh_type), SHT_RELA, -ENOTSUP, "'.data', which"},
	{SECTION, DATA, H(sh_type), SHT_NOBITS, 0, NULL},
	{SECTION, REL_MAIN, H(sh_type), SHT_RELA, -ENOTSUP, "with addends"},
	{SECTION, REL_MAIN, H(sh_link), ELF_STRTAB, -EINVAL, "symbol table"},
	{SECTION, REL_MAIN, H(sh_info), DATA, -EINVAL, "no place"},
	{SECTION, ELF_SYMTAB, H(sh_type), SHT_PROGBITS, -EINVAL, "no symbols"},
	{SECTION, ELF_SYMTAB, H(sh_link), DATA, -EINVAL, "no symbols"},
	{SECTION, ELF_SYMTAB, H(sh_link), EXT + 1, -EINVAL, "no symbols"},
	{SECTION, ELF_STRTAB, H(sh_type), SHT_PROGBITS, -EINVAL, "no names"},
	{SECTION, MAIN, H(sh_flags), SHF_ALLOC, 0, NULL},
	{SECTION, MAIN, H(sh_type), SHT_NOTE, 0, NULL},
	{SYMBOL, 1, Y(st_name), 1 << 20, -EINVAL, "symbol 1 has no name"},
	{SYMBOL, 1, Y(st_value), 41, -EINVAL, "outside section 'syscall'"},
	{SYMBOL, 1, Y(st_value), 40, -EINVAL, "'main' has a bad size"},
	{SYMBOL, 1, Y(st_value), 8, -EINVAL, "'main' has a bad size"},
	{SYMBOL, 1, Y(st_value), 4, -EINVAL, "'main' has a bad size"},
	{SYMBOL, 1, Y(st_size), 0, -EINVAL, "'main' has a bad size"},
	{SYMBOL, 1, Y(st_size), 36, -EINVAL, "'main' has a bad size"},
	{SYMBOL, 1, Y(st_size), 48, -EINVAL, "'main' has a bad size"},
	{SYMBOL, 1, Y(st_size), 32, -EINVAL, "past its function's end"},
	{SYMBOL, 1, Y(st_shndx), SHN_ABS, 0, NULL},
	{SYMBOL, 2, Y(st_size), 24, -EINVAL, "functions overlap"},
	{SYMBOL, 2, Y(st_size), 8, -EINVAL, "past its function's end"},
	{SYMBOL, 3, Y(st_value), 0, -EINVAL, "where no function begins"},
	{SYMBOL, 3, Y(st_value), 8, -EINVAL, "functions overlap"},
	{SYMBOL, 3, Y(st_value), 24, -EINVAL, "'sub' has a bad size"},
	{SYMBOL, 5, Y(st_value), 15, 0, NULL},
	{SYMBOL, 5, Y(st_value), 16, -EINVAL, "a place outside '.data'"},
	{SYMBOL, 5, Y(st_value), 17, -EINVAL, "outside section '.data'"},
	{SYMBOL, 5, Y(st_shndx), 0, -EINVAL, "neither defined nor"},
	{SYMBOL, 5, Y(st_shndx), SHN_ABS, -EINVAL, "is not known here"},
	{SYMBOL, 5, Y(st_shndx), EXT + 1, -EINVAL, "'', which is not known"},
	{SYMBOL, 5, Y(st_shndx), BTF, -ENOTSUP, "'.BTF', which is not known"},
	{RELOCATION, 0, R(r_offset), 40, -EINVAL, "no symbol or no place"},
	{RELOCATION, 0, R(r_offset), 39, -EINVAL, "a relocation inside it"},
	{RELOCATION, 0, R(r_offset), 4, -EINVAL, "a relocation inside it"},
	{RELOCATION, 0, R(r_offset), 32, -EINVAL, "that can have none"},
	{RELOCATION, 0, R(r_offset), 8, -EINVAL, "that can have none"},
	{RELOCATION, 0, R(r_info), ELF64_R_INFO(6, 1), -EINVAL, "no symbol"},
	{RELOCATION, 0, R(r_info), ELF64_R_INFO(1, 1), 0, NULL},
	{RELOCATION, 0, R(r_info), ELF64_R_INFO(0, 1), -EINVAL, "not known"},
	{RELOCATION, 1, R(r_info), ELF64_R_INFO(3, 1), -EINVAL, "no function"},
	{RELOCATION, 1, R(r_info), ELF64_R_INFO(5, 1), -EINVAL,
	 "calls 'word', which"},
};

static void test_numbers(void **state)
{
	struct bpf_insn insns[ARRAY_LEN(main_insns)];
	struct made m;

	(void)state;
	plain(&m);
	aim(insns, 1);
	m.e.sec[MAIN].data = insns;
	elf_types(&m.e);
	elf_write(&m.e);
	for (size_t i = 0; i < ARRAY_LEN(number_rows); i++) {
		const struct number_row *r = &number_rows[i];
		uint64_t v = r->value;
		unsigned char was[8];
		struct object *o;
		char *at;
		int rc;

		if (v > LEN / 2 && v < 2 * LEN)
			v = v - LEN + m.e.file.len;
		at = m.e.file.data + start(&m.e, r->part, r->n) + r->at;
		memcpy(was, at, r->size);
		memcpy(at, &v, r->size);
		rc = elf_open(&m.e, NULL, &o);
		memcpy(at, was, r->size);
		object_free(o);
		if (rc != r->rc)
			fail_msg("row %zu: %d: %s", i, rc, err_text());
		if (rc && !strstr(err_text(), r->words))
			fail_msg("row %zu: '%s' is not in '%s'", i, r->words,
				 err_text());
	}
	elf_release(&m.e);
}

/* It may end at any byte: then it is not all there. */
static void test_every_length(void **state)
{
	struct bpf_insn insns[ARRAY_LEN(main_insns)];
	struct object *o;
	struct made m;
	size_t whole;

	(void)state;
	plain(&m);
	aim(insns, 1);
	m.e.sec[MAIN].data = insns;
	elf_types(&m.e);
	elf_write(&m.e);
	whole = m.e.file.len;
	for (size_t len = 0; len <= whole; len++) {
		int rc;

		m.e.file.len = len;
		rc = elf_open(&m.e, NULL, &o);
		object_free(o);
		if (rc != (len < whole ? -EINVAL : 0))
			fail_msg("%zu of %zu bytes: %d", len, whole, rc);
	}
	elf_release(&m.e);
}

/* A header and nothing else; as many bytes as there may be, and one more. */
static void test_lengths(void **state)
{
	struct object_target t = {.resolve = elf_resolve};
	char *bytes = mem_zalloc(OBJECT_MAX_BYTES + 1ul, 1);
	struct object *o;
	struct made m;

	(void)state;
	plain(&m);
	elf_types(&m.e);
	elf_write(&m.e);
	for (size_t len = 63; len <= 64; len++) {
		m.e.file.len = len;
		assert_int_equal(elf_open(&m.e, NULL, &o), -EINVAL);
		assert_non_null(strstr(err_text(), len == 63
							   ? "not an ELF file"
							   : "section table"));
	}
	elf_release(&m.e);
	assert_int_equal(object_open(bytes, OBJECT_MAX_BYTES, &t, &o), -EINVAL);
	assert_int_equal(object_open(bytes, OBJECT_MAX_BYTES + 1ul, &t, &o),
			 -EFBIG);
	free(bytes);
}

/* ---- instructions ------------------------------------------------------ */

#define MOST 8
#define MOV0                \
	{                   \
		.code = MOV \
	}
#define JMP(c, o)                                 \
	{                                         \
		.code = BPF_JMP | (c), .off = (o) \
	}
#define FAR(o)                                         \
	{                                              \
		.code = BPF_JMP32 | BPF_JA, .imm = (o) \
	}
#define PSEUDO(c, s, i)                                 \
	{                                               \
		.code = (c), .src_reg = (s), .imm = (i) \
	}

/* All of the second function; the first one has two instructions. */
static const struct code_row {
	struct bpf_insn in[MOST];
	size_t n;
	const char *words; /* NULL: fine */
} code_rows[] = {
	{{EXIT}, 1, NULL},
	{{MOV0}, 1, "runs past its function's end"},
	{{MOV0, JMP(BPF_JA, -2)}, 2, NULL},
	{{MOV0, JMP(BPF_JA, -3)}, 2, "offset 24 (in second): jumps out"},
	{{JMP(BPF_JA, 0), EXIT}, 2, NULL},
	{{JMP(BPF_JA, 1), EXIT}, 2, "offset 16 (in second): jumps out"},
	{{JMP(BPF_JEQ, 1), MOV0, EXIT}, 3, NULL},
	{{JMP(BPF_JEQ, 2), MOV0, EXIT}, 3, "jumps out"},
	{{JMP(BPF_JEQ, -1), EXIT}, 2, NULL},
	{{JMP(BPF_JEQ, -2), EXIT}, 2, "jumps out"},
	{{MOV0, FAR(-2)}, 2, NULL},
	{{MOV0, FAR(-3)}, 2, "jumps out"},
	{{FAR(1), MOV0, EXIT}, 3, NULL},
	{{FAR(2), MOV0, EXIT}, 3, "jumps out"},
	{{{.code = BPF_JMP32 | BPF_JEQ, .off = 1, .imm = 9}, MOV0, EXIT},
	 3,
	 NULL},
	{{{.code = BPF_JMP32 | BPF_JEQ, .off = 2}, MOV0, EXIT}, 3, "jumps out"},
	/* No jump at all, whatever stands there. */
	{{{.code = BPF_JMP | BPF_JA | BPF_X, .off = 99}, EXIT}, 2, NULL},
	{{{.code = BPF_ALU64 | BPF_ADD, .off = 99}, EXIT}, 2, NULL},
	{{JMP(BPF_JEQ, 0)}, 1, "jumps out"},
	{{JMP(BPF_JEQ, -1)}, 1, "runs past"},
	{{{.code = MOV, .dst_reg = 10, .src_reg = 10}, EXIT}, 2, NULL},
	{{{.code = MOV, .dst_reg = 11}, EXIT}, 2, "no such register"},
	{{{.code = MOV, .src_reg = 11}, EXIT}, 2, "no such register"},
	{{{.code = WIDE, .imm = 5}, {.imm = 6}, EXIT}, 3, NULL},
	{{JMP(BPF_JA, 2), {.code = WIDE}, {0}, EXIT}, 4, NULL},
	{{JMP(BPF_JA, 1), {.code = WIDE}, {0}, EXIT}, 4, "into an instruction"},
	{{{.code = WIDE}, {.code = 1}, EXIT}, 3, "no second half"},
	{{{.code = WIDE}, {.dst_reg = 1}, EXIT}, 3, "no second half"},
	{{{.code = WIDE}, {.src_reg = 1}, EXIT}, 3, "no second half"},
	{{{.code = WIDE}, {.off = 1}, EXIT}, 3, "offset 24 (in second): no"},
	{{MOV0, {.code = WIDE}}, 2, "offset 24 (in second): no second half"},
	{{PSEUDO(CALL, BPF_PSEUDO_CALL, -1), EXIT}, 2, NULL},
	{{PSEUDO(CALL, BPF_PSEUDO_CALL, -3), EXIT}, 2, NULL},
	{{PSEUDO(CALL, BPF_PSEUDO_CALL, -2), EXIT}, 2, "no function begins"},
	{{PSEUDO(CALL, BPF_PSEUDO_CALL, -4), EXIT}, 2, "no function begins"},
	{{PSEUDO(CALL, BPF_PSEUDO_CALL, 0), EXIT}, 2, "no function begins"},
	{{PSEUDO(CALL, 2, 1), EXIT}, 2, "calls something that is not named"},
	{{MOV0, PSEUDO(WIDE, BPF_PSEUDO_FUNC, -2), {0}, EXIT}, 4, NULL},
	{{PSEUDO(WIDE, BPF_PSEUDO_FUNC, -2), {0}, EXIT}, 3, "no function"},
	{{PSEUDO(WIDE, BPF_PSEUDO_MAP_FD, 0), {0}, EXIT}, 3, "not named"},
};

static void test_code(void **state)
{
	static const struct bpf_insn first[] = {MOV0, EXIT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(code_rows); i++) {
		const struct code_row *r = &code_rows[i];
		struct bpf_insn text[2 + MOST];
		struct elf_fix e;
		struct object *o;
		int rc;

		memcpy(text, first, sizeof(first));
		memcpy(text + 2, r->in, r->n * sizeof(*text));
		elf_init(&e);
		elf_add(&e, ".text", SHT_PROGBITS, ELF_CODE, text,
			(2 + r->n) * 8);
		/* Not in the order of their places. */
		elf_symbol_add(&e, "second", ELF_GLOBAL_FUNC, 3, 16, r->n * 8);
		elf_symbol_add(&e, "first", ELF_GLOBAL_FUNC, 3, 0, 16);
		elf_types(&e);
		elf_write(&e);
		rc = elf_open(&e, NULL, &o);
		if (rc != (r->words ? -EINVAL : 0))
			fail_msg("row %zu: %d: %s", i, rc, err_text());
		if (rc && !strstr(err_text(), r->words))
			fail_msg("row %zu: '%s' is not in '%s'", i, r->words,
				 err_text());
		if (!rc && r->in[0].src_reg == BPF_PSEUDO_CALL)
			assert_int_equal(o->insns[2].arg, r->in[0].imm == -1);
		if (!rc && r->in[1].src_reg == BPF_PSEUDO_FUNC)
			assert_int_equal(o->insns[3].arg, 1);
		object_free(o);
		elf_release(&e);
	}
}

/* Calls without relocations are within their own section. */
static void test_two_sections(void **state)
{
	static const struct bpf_insn one[] = {EXIT};
	static const struct bpf_insn two[] = {PSEUDO(CALL, BPF_PSEUDO_CALL, -1),
					      EXIT};
	struct object *o;
	struct elf_fix e;

	(void)state;
	elf_init(&e);
	elf_func(&e, "syscall", "f", one, 1);
	elf_func(&e, ".text", "g", two, 2);
	o = elf_object(&e);
	assert_int_equal(o->insns[1].what, INSN_CALL_FUNC);
	assert_int_equal(o->insns[1].arg, 1);
	object_free(o);
	elf_release(&e);
}

/* A call of what is never reached may be the last, a relocation may not. */
static void test_last(void **state)
{
	struct btf *empty = btf__new_empty();

	(void)state;
	for (int trap = 0; trap < 2; trap++) {
		struct bpf_insn in[] = {MOV0, MOV0};
		struct object *o;
		struct elf_fix e;
		int id, rc;

		elf_init(&e);
		elf_func(&e, "syscall", "f", in, 2);
		if (trap) {
			in[1] = (struct bpf_insn)PSEUDO(CALL, 1, -1);
			elf_rel(&e, 3, 8,
				elf_symbol_add(&e, TRAP_FUNC, ELF_EXTERN, 0, 0,
					       0));
		} else {
			btf__add_int(e.btf, "int", 4, 0);
			id = btf__add_struct(e.btf, "s", 4);
			btf__add_field(e.btf, "m", 1, 0, 0);
			elf_row(&e, EXT_CORE, "syscall", 8, (uint32_t)id,
				(uint32_t)btf__add_str(e.btf, "0:0"), 0);
		}
		in[1].imm = trap ? -1 : 0;
		elf_types(&e);
		elf_write(&e);
		rc = elf_open(&e, empty, &o);
		assert_int_equal(rc, trap ? 0 : -EINVAL);
		if (trap)
			assert_int_equal(o->insns[1].what, INSN_POISON);
		else
			assert_non_null(strstr(err_text(), "runs past"));
		object_free(o);
		elf_release(&e);
	}
	btf__free(empty);
}

/* What a section's name says of its functions. */
static void test_kinds(void **state)
{
	static const struct {
		const char *section;
		enum func_kind kind;
		bool sleepable;
		const char *attach;
	} rows[] = {
		{".text", FUNC_SUBPROG, false, ""},
		{".text.hot", FUNC_SUBPROG, false, ""},
		{"struct_ops/enqueue", FUNC_STRUCT_OPS, false, "enqueue"},
		{"struct_ops.s/init", FUNC_STRUCT_OPS, true, "init"},
		{"struct_ops", FUNC_STRUCT_OPS, false, ""},
		{"?struct_ops/x", FUNC_STRUCT_OPS, false, "x"},
		{"struct_opsx/y", FUNC_OTHER, false, "struct_opsx/y"},
		{"tp_btf/sched_switch", FUNC_TRACEPOINT, false, "sched_switch"},
		{"tp_btf.s/x", FUNC_TRACEPOINT, true, "x"},
		{"raw_tp/a/b", FUNC_TRACEPOINT, false, "a/b"},
		{"raw_tracepoint/x", FUNC_TRACEPOINT, false, "x"},
		{"tp_btf", FUNC_TRACEPOINT, false, ""},
		{"syscall", FUNC_SYSCALL, true, ""},
		{"iter.s", FUNC_OTHER, true, "iter.s"},
		{"iter.sx", FUNC_OTHER, false, "iter.sx"},
		{"iter/a.s", FUNC_OTHER, false, "iter/a.s"},
		{".s/x", FUNC_OTHER, false, ".s/x"},
		{"?kprobe/x", FUNC_OTHER, false, "?kprobe/x"},
	};
	static const struct bpf_insn in[] = {EXIT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct object *o;
		struct elf_fix e;

		elf_init(&e);
		elf_func(&e, rows[i].section, "f", in, 1);
		o = elf_object(&e);
		if (o->funcs[0].kind != rows[i].kind ||
		    o->funcs[0].sleepable != rows[i].sleepable ||
		    strcmp(o->funcs[0].attach, rows[i].attach) != 0)
			fail_msg("'%s': %d, %d, '%s'", rows[i].section,
				 o->funcs[0].kind, o->funcs[0].sleepable,
				 o->funcs[0].attach);
		object_free(o);
		elf_release(&e);
	}
}

/* Functions of the kernel and of nobody, weak and not. */
static void test_externs(void **state)
{
	static const struct {
		const char *name;
		unsigned char info;
		bool is_func, in_ksyms, loads;
		int rc, index;
	} rows[] = {
		{"there", ELF_EXTERN, true, true, false, 0, 1},
		{"there___new", ELF_EXTERN, true, true, false, 0, 1},
		{"thing", ELF_EXTERN, false, true, true, 0, 2},
		{"thing", ELF_EXTERN, false, true, false, -EINVAL, 0},
		{"there", ELF_EXTERN, true, false, false, -EINVAL, 0},
		{"there", ELF_EXTERN, true, false, true, -EINVAL, 0},
		{"away", ELF_EXTERN, true, true, false, -ENOENT, 0},
		{"away", ELF_WEAK, true, true, false, 0, -1},
		{"away", ELF_WEAK, false, true, true, 0, -1},
		{"thing", ELF_WEAK, true, true, false, 0, -1},
		{TRAP_FUNC, ELF_EXTERN, true, true, false, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bpf_insn in[] = {PSEUDO(CALL, BPF_PSEUDO_CALL, -1), EXIT,
					EXIT};
		struct object *o;
		struct elf_fix e;
		int rc, id;

		if (rows[i].loads) {
			in[0] = (struct bpf_insn){.code = WIDE};
			in[1] = (struct bpf_insn){0};
		}
		elf_init(&e);
		elf_func(&e, "syscall", "f", in, 3);
		elf_rel(&e, 3, 0,
			elf_symbol_add(&e, rows[i].name, rows[i].info, 0, 0,
				       0));
		id = btf__add_func_proto(e.btf, 0);
		if (rows[i].is_func)
			id = btf__add_func(e.btf, rows[i].name, BTF_FUNC_EXTERN,
					   id);
		else
			id = btf__add_var(e.btf, rows[i].name,
					  BTF_VAR_GLOBAL_EXTERN,
					  btf__add_int(e.btf, "int", 4, 0));
		btf__add_datasec(e.btf, rows[i].in_ksyms ? ".ksyms" : ".other",
				 0);
		btf__add_datasec_var_info(e.btf, id, 0, 0);
		elf_types(&e);
		elf_write(&e);
		rc = elf_open(&e, NULL, &o);
		if (rc != rows[i].rc)
			fail_msg("row %zu: %d: %s", i, rc, err_text());
		if (!rc && !strcmp(rows[i].name, TRAP_FUNC)) {
			assert_int_equal(o->insns[0].what, INSN_POISON);
			assert_int_equal(o->note_count, 1);
		} else if (!rc) {
			assert_int_equal(o->insns[0].what,
					 rows[i].loads ? INSN_KSYM
						       : INSN_CALL_KFUNC);
			assert_int_equal(o->insns[0].arg, 0);
			assert_int_equal(o->externs[0].index, rows[i].index);
			assert_int_equal(o->externs[0].weak,
					 rows[i].info == ELF_WEAK);
			assert_int_equal(o->externs[0].is_func,
					 rows[i].is_func);
		}
		object_free(o);
		elf_release(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_two_sections),
		cmocka_unit_test(test_last),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_externs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
