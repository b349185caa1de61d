/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects made by hand: sections, symbols, relocations and types of a test's
 * own, written down as a compiler would write them, so that each number in
 * them can be another one.
 */
#ifndef SCHEDKIT_TESTS_ELF_FIX_H
#define SCHEDKIT_TESTS_ELF_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define ELF_SECTIONS 24
#define ELF_SYMBOLS  64
#define ELF_RELS     32
#define ELF_ROWS     32
#define ELF_STRTAB   1 /* these two are always there */
#define ELF_SYMTAB   2

#define ELF_GLOBAL_FUNC ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
#define ELF_GLOBAL	ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT)
#define ELF_EXTERN	ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE)
#define ELF_WEAK	ELF64_ST_INFO(STB_WEAK, STT_NOTYPE)

#define ELF_CODE (SHF_ALLOC | SHF_EXECINSTR)
#define ELF_DATA (SHF_ALLOC | SHF_WRITE)

struct elf_row { /* of .BTF.ext */
	enum ext_kind kind;
	const char *section;
	uint32_t word[4];
};

struct elf_fix {
	struct {
		const char *name;
		Elf64_Shdr h;
		const void *data;
		Elf64_Rel rels[ELF_RELS];
		size_t rel_count;
	} sec[ELF_SECTIONS];
	uint32_t secs;
	Elf64_Sym syms[ELF_SYMBOLS];
	uint32_t sym_count;
	struct buf names;
	struct btf *btf;
	struct elf_row rows[ELF_ROWS];
	size_t row_count;
	struct buf file;
	/* What .BTF and .BTF.ext are made of. */
	struct buf types, ext;
	size_t headers; /* where the section table is in the file */
};

static inline uint32_t elf_name(struct elf_fix *e, const char *name)
{
	uint32_t at = (uint32_t)e->names.len;

	buf_add(&e->names, name, strlen(name) + 1);
	return at;
}

static inline uint32_t elf_add(struct elf_fix *e, const char *name,
			       uint32_t type, uint64_t flags, const void *data,
			       size_t size)
{
	assert_true(e->secs < ELF_SECTIONS);
	e->sec[e->secs].name = name;
	e->sec[e->secs].data = data;
	e->sec[e->secs].h = (Elf64_Shdr){.sh_type = type,
					 .sh_flags = flags,
					 .sh_size = size,
					 .sh_addralign = 8};
	return e->secs++;
}

static inline uint32_t elf_symbol_add(struct elf_fix *e, const char *name,
				      unsigned char info, uint32_t section,
				      uint64_t value, uint64_t size)
{
	assert_true(e->sym_count < ELF_SYMBOLS);
	e->syms[e->sym_count] = (Elf64_Sym){.st_name = elf_name(e, name),
					    .st_info = info,
					    .st_shndx = (uint16_t)section,
					    .st_value = value,
					    .st_size = size};
	return e->sym_count++;
}

static inline void elf_rel(struct elf_fix *e, uint32_t section, uint64_t offset,
			   uint32_t symbol)
{
	size_t n = e->sec[section].rel_count++;

	assert_true(n < ELF_RELS);
	e->sec[section].rels[n] = (Elf64_Rel){
		.r_offset = offset, .r_info = ELF64_R_INFO(symbol, 1)};
}

static inline void elf_row(struct elf_fix *e, enum ext_kind kind,
			   const char *section, uint32_t a, uint32_t b,
			   uint32_t c, uint32_t d)
{
	assert_true(e->row_count < ELF_ROWS);
	e->rows[e->row_count++] = (struct elf_row){kind, section, {a, b, c, d}};
}

/* With an empty section and symbol, and types that are none yet. */
static inline void elf_init(struct elf_fix *e)
{
	memset(e, 0, sizeof(*e));
	buf_init(&e->names, 1 << 20);
	buf_init(&e->file, 1 << 24);
	buf_init(&e->types, 1 << 20);
	buf_init(&e->ext, 1 << 20);
	elf_name(e, "");
	elf_add(e, "", SHT_NULL, 0, NULL, 0);
	elf_add(e, ".strtab", SHT_STRTAB, 0, NULL, 0);
	elf_add(e, ".symtab", SHT_SYMTAB, 0, NULL, 0);
	elf_symbol_add(e, "", 0, 0, 0, 0);
	e->btf = btf__new_empty();
	assert_non_null(e->btf);
}

/* A section of one global function: its symbol. */
static inline uint32_t elf_func(struct elf_fix *e, const char *section,
				const char *name, const struct bpf_insn *insns,
				size_t count)
{
	uint32_t s = elf_add(e, section, SHT_PROGBITS, ELF_CODE, insns,
			     count * sizeof(*insns));

	return elf_symbol_add(e, name, ELF_GLOBAL_FUNC, s, 0,
			      count * sizeof(*insns));
}

static inline void elf_word(struct buf *b, uint32_t word)
{
	buf_add(b, &word, 4);
}

/* Rows of one kind, those of a section that follow each other together. */
static inline void elf_part(struct elf_fix *e, enum ext_kind kind)
{
	static const uint32_t words[] = {2, 4, 4};
	const struct elf_row *of[ELF_ROWS];
	size_t n = 0, many;

	for (size_t i = 0; i < e->row_count; i++)
		if (e->rows[i].kind == kind)
			of[n++] = &e->rows[i];
	if (!n)
		return;
	elf_word(&e->ext, words[kind] * 4);
	for (size_t i = 0; i < n; i += many) {
		for (many = 1; i + many < n; many++)
			if (strcmp(of[i]->section, of[i + many]->section) != 0)
				break;
		elf_word(&e->ext,
			 (uint32_t)btf__add_str(e->btf, of[i]->section));
		elf_word(&e->ext, (uint32_t)many);
		for (size_t k = i; k < i + many; k++)
			buf_add(&e->ext, of[k]->word, words[kind] * 4);
	}
}

/* e->ext and e->types of what was said; both may be changed after it. */
static inline void elf_types(struct elf_fix *e)
{
	uint32_t head[8] = {BTF_MAGIC | BTF_VERSION << 16, 32}, size;
	const void *raw;

	buf_reset(&e->ext);
	buf_reset(&e->types);
	buf_add(&e->ext, head, sizeof(head));
	for (int kind = EXT_FUNC; kind <= EXT_CORE; kind++) {
		size_t from = e->ext.len;

		elf_part(e, (enum ext_kind)kind);
		head[2 + 2 * kind] = (uint32_t)from - 32;
		head[3 + 2 * kind] = (uint32_t)(e->ext.len - from);
	}
	memcpy(e->ext.data, head, sizeof(head));
	raw = btf__raw_data(e->btf, &size);
	buf_add(&e->types, raw, size);
}

static inline void elf_put(struct elf_fix *e, Elf64_Shdr *h, const void *data,
			   size_t size)
{
	while (e->file.len % 8)
		buf_add(&e->file, "", 1);
	h->sh_offset = e->file.len;
	h->sh_size = size;
	if (h->sh_type != SHT_NOBITS && size)
		buf_add(&e->file, data, size);
}

static inline Elf64_Shdr elf_header_of(const struct elf_fix *e, uint32_t i,
				       uint32_t name)
{
	Elf64_Shdr h = e->sec[i].h;

	h.sh_name = name;
	return h;
}

/* e->file of all that was said and of e->types and e->ext as they are. */
static inline void elf_write(struct elf_fix *e)
{
	Elf64_Shdr h[2 * ELF_SECTIONS + 2] = {0};
	Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64,
				       ELFDATA2LSB, EV_CURRENT},
			   .e_type = ET_REL,
			   .e_machine = EM_BPF,
			   .e_version = EV_CURRENT,
			   .e_ehsize = sizeof(head),
			   .e_shentsize = sizeof(*h),
			   .e_shstrndx = ELF_STRTAB};
	size_t n = e->secs;

	buf_reset(&e->file);
	buf_add(&e->file, &head, sizeof(head));
	for (uint32_t i = 3; i < e->secs; i++) {
		h[i] = elf_header_of(e, i, elf_name(e, e->sec[i].name));
		elf_put(e, &h[i], e->sec[i].data, h[i].sh_size);
		if (!e->sec[i].rel_count)
			continue;
		h[n] = (Elf64_Shdr){.sh_name = elf_name(e, ".rel"),
				    .sh_type = SHT_REL,
				    .sh_link = ELF_SYMTAB,
				    .sh_info = i,
				    .sh_entsize = sizeof(Elf64_Rel)};
		elf_put(e, &h[n++], e->sec[i].rels,
			e->sec[i].rel_count * sizeof(Elf64_Rel));
	}
	h[n] = (Elf64_Shdr){.sh_name = elf_name(e, ".BTF"),
			    .sh_type = SHT_PROGBITS};
	elf_put(e, &h[n++], e->types.data, e->types.len);
	h[n] = (Elf64_Shdr){.sh_name = elf_name(e, ".BTF.ext"),
			    .sh_type = SHT_PROGBITS};
	elf_put(e, &h[n++], e->ext.data, e->ext.len);
	h[ELF_SYMTAB] = elf_header_of(e, ELF_SYMTAB, elf_name(e, ".symtab"));
	h[ELF_SYMTAB].sh_link = ELF_STRTAB;
	h[ELF_SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	elf_put(e, &h[ELF_SYMTAB], e->syms, e->sym_count * sizeof(Elf64_Sym));
	h[ELF_STRTAB] = elf_header_of(e, ELF_STRTAB, elf_name(e, ".strtab"));
	elf_put(e, &h[ELF_STRTAB], e->names.data, e->names.len);
	while (e->file.len % 8)
		buf_add(&e->file, "", 1);
	e->headers = e->file.len;
	head.e_shoff = e->file.len;
	head.e_shnum = (uint16_t)n;
	memcpy(e->file.data, &head, sizeof(head));
	buf_add(&e->file, h, n * sizeof(*h));
}

static inline int elf_resolve(void *arg, const char *name, bool is_func)
{
	(void)arg;
	if (!strcmp(name, "there"))
		return is_func ? 1 : -1;
	return !strcmp(name, "thing") && !is_func ? 2 : -1;
}

/* object_open() of the file as it is, in a copy of just its size. */
static inline int elf_open(struct elf_fix *e, const struct btf *types,
			   struct object **o)
{
	struct object_target t = {.types = types ? types : e->btf,
				  .resolve = elf_resolve,
				  .version = 0x61200,
				  .hz = 250,
				  .cpus = 3};
	void *copy = mem_zalloc(1, e->file.len);
	int rc;

	memcpy(copy, e->file.data, e->file.len);
	rc = object_open(copy, e->file.len, &t, o);
	free(copy);
	assert_int_equal(!rc, *o != NULL);
	return rc;
}

/* All of it in order; it has to be an object. */
static inline struct object *elf_object(struct elf_fix *e)
{
	struct object *o;

	elf_types(e);
	elf_write(e);
	if (elf_open(e, NULL, &o))
		fail_msg("%s", err_text());
	return o;
}

static inline void elf_release(struct elf_fix *e)
{
	buf_release(&e->names);
	buf_release(&e->file);
	buf_release(&e->types);
	buf_release(&e->ext);
	btf__free(e->btf);
}

#endif
