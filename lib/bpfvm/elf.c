/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sections and symbols.  Everything is checked against the file's length
 * before libelf sees it.
 */
#include <errno.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

static int check_header(const struct reader *r, Elf64_Ehdr *h)
{
	if (r->len < sizeof(*h) || memcmp(r->bytes, ELFMAG, SELFMAG))
		return err_set(EINVAL, "not an ELF file");
	memcpy(h, r->bytes, sizeof(*h));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_ident[EI_VERSION] != EV_CURRENT || h->e_machine != EM_BPF)
		return err_set(EINVAL,
			       "not a little-endian BPF object; compile it "
			       "with -target bpf");
	if (h->e_type != ET_REL)
		return err_set(EINVAL, "a linked program, not an object; "
				       "compile it with -c");
	if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum < 2 ||
	    h->e_shnum >= SHN_LORESERVE || h->e_shoff % 8 ||
	    h->e_shoff > r->len ||
	    (r->len - h->e_shoff) / sizeof(Elf64_Shdr) < h->e_shnum)
		return err_set(EINVAL,
			       "the section table at offset %llu is "
			       "not all in the file",
			       (unsigned long long)h->e_shoff);
	if (!h->e_shstrndx || h->e_shstrndx >= h->e_shnum)
		return err_set(EINVAL, "sections have no names");
	return 0;
}

static int check_sections(const struct reader *r, const Elf64_Ehdr *h)
{
	Elf64_Shdr s;

	for (size_t i = 1; i < h->e_shnum; i++) {
		memcpy(&s, r->bytes + h->e_shoff + i * sizeof(s), sizeof(s));
		if (s.sh_type != SHT_NOBITS &&
		    (s.sh_offset > r->len || s.sh_size > r->len - s.sh_offset))
			return err_set(EINVAL,
				       "section %zu at offset %llu is not all "
				       "in the file",
				       i, (unsigned long long)s.sh_offset);
		if (s.sh_type == SHT_STRTAB && s.sh_size &&
		    r->bytes[s.sh_offset + s.sh_size - 1])
			return err_set(EINVAL,
				       "section %zu: its last string does "
				       "not end",
				       i);
		if (i == h->e_shstrndx && s.sh_type != SHT_STRTAB)
			return err_set(EINVAL, "sections have no names");
	}
	return 0;
}

static int read_section(struct reader *r, Elf *elf, size_t names, size_t i)
{
	struct section *s = &r->sections[i];
	Elf_Scn *scn = elf_getscn(elf, i);
	Elf64_Shdr *h = scn ? elf64_getshdr(scn) : NULL;
	const char *name = h ? elf_strptr(elf, names, h->sh_name) : NULL;

	if (!name)
		return err_set(EINVAL, "section %zu has no name", i);
	*s = (struct section){
		.name = arena_name(r->keep, name),
		.type = h->sh_type,
		.flags = h->sh_flags,
		.size = h->sh_size,
		.link = h->sh_link,
		.info = h->sh_info,
		.map = -1,
	};
	if (s->type == SHT_NOBITS && s->size > OBJECT_MAX_BYTES)
		return err_set(EFBIG, "section '%s' of %llu bytes is too large",
			       s->name, (unsigned long long)s->size);
	if (s->type != SHT_NOBITS)
		s->data = r->bytes + h->sh_offset;
	s->code = s->type == SHT_PROGBITS && (s->flags & SHF_EXECINSTR) &&
		  s->size;
	if (s->type == SHT_SYMTAB) {
		if (r->symtab)
			return err_set(EINVAL, "two symbol tables");
		r->symtab = (uint32_t)i;
	}
	if ((s->flags & (SHF_ALLOC | SHF_COMPRESSED)) ==
	    (SHF_ALLOC | SHF_COMPRESSED))
		return err_set(EINVAL, "section '%s' is compressed", s->name);
	return 0;
}

static int read_symbols(struct reader *r)
{
	const struct section *table = &r->sections[r->symtab], *names;
	size_t n = table->size / sizeof(Elf64_Sym);
	Elf64_Sym sym;

	if (!r->symtab || table->link >= r->section_count ||
	    r->sections[table->link].type != SHT_STRTAB)
		return err_set(EINVAL, "no symbols; do not strip the object");
	names = &r->sections[table->link];
	r->symbols = arena_alloc(&r->tmp, n, sizeof(*r->symbols));
	for (size_t i = 0; i < n; i++) {
		struct symbol *s = &r->symbols[i];

		memcpy(&sym, table->data + i * sizeof(sym), sizeof(sym));
		if (sym.st_name >= names->size)
			return err_set(EINVAL, "symbol %zu has no name", i);
		s->name = (const char *)names->data + sym.st_name;
		s->type = ELF64_ST_TYPE(sym.st_info);
		s->bind = ELF64_ST_BIND(sym.st_info);
		s->value = sym.st_value;
		s->size = sym.st_size;
		s->undefined = sym.st_shndx == SHN_UNDEF && i;
		if (sym.st_shndx >= r->section_count)
			continue; /* absolute, common: in no section */
		s->section = sym.st_shndx;
		/* Into the section's end is still a place. */
		if (s->section && s->value > r->sections[s->section].size)
			return err_set(EINVAL,
				       "symbol %zu is outside section '%s'", i,
				       r->sections[s->section].name);
	}
	r->symbol_count = n;
	return 0;
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct symbol *symbols = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int c = strcmp(symbols[i].name, symbols[j].name);

	return c ? c : i < j ? -1 : i > j;
}

static void sort_symbols(struct reader *r)
{
	r->by_name = arena_alloc(&r->tmp, r->symbol_count, sizeof(uint32_t));
	for (size_t i = 1; i < r->symbol_count; i++)
		if (r->symbols[i].bind != STB_LOCAL && *r->symbols[i].name)
			r->by_name[r->by_name_count++] = (uint32_t)i;
	qsort_r(r->by_name, r->by_name_count, sizeof(uint32_t), by_name,
		r->symbols);
}

int elf_read(struct reader *r)
{
	Elf64_Ehdr h;
	int rc = check_header(r, &h);
	Elf *elf;

	if (rc || (rc = check_sections(r, &h)))
		return rc;
	if (elf_version(EV_CURRENT) == EV_NONE ||
	    !(elf = elf_memory((char *)r->bytes, r->len)))
		return err_set(EINVAL, "not an ELF file: %s", elf_errmsg(-1));
	r->section_count = h.e_shnum;
	r->sections =
		arena_alloc(&r->tmp, r->section_count, sizeof(*r->sections));
	r->sections[0] = (struct section){.name = "", .map = -1};
	for (size_t i = 1; !rc && i < r->section_count; i++)
		rc = read_section(r, elf, h.e_shstrndx, i);
	elf_end(elf);
	if (rc || (rc = read_symbols(r)))
		return rc;
	sort_symbols(r);
	return 0;
}

uint32_t elf_section(const struct reader *r, const char *name)
{
	for (size_t i = 1; i < r->section_count; i++)
		if (!strcmp(r->sections[i].name, name))
			return (uint32_t)i;
	return 0;
}

const struct symbol *elf_symbol(const struct reader *r, const char *name)
{
	size_t lo = 0, hi = r->by_name_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(r->symbols[r->by_name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == r->by_name_count ||
	    strcmp(r->symbols[r->by_name[lo]].name, name))
		return NULL;
	return &r->symbols[r->by_name[lo]];
}

static int each_in(struct reader *r, const struct section *rels,
		   uint32_t section, elf_relocate fn, void *arg)
{
	size_t n = rels->size / sizeof(Elf64_Rel);
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		struct relocation rel;
		Elf64_Rel raw;

		memcpy(&raw, rels->data + i * sizeof(raw), sizeof(raw));
		if (raw.r_offset >= r->sections[section].size ||
		    ELF64_R_SYM(raw.r_info) >= r->symbol_count)
			return err_set(EINVAL,
				       "section '%s': relocation %zu is of "
				       "no symbol or no place",
				       rels->name, i);
		rel.offset = raw.r_offset;
		rel.symbol = &r->symbols[ELF64_R_SYM(raw.r_info)];
		rc = fn(r, section, &rel, arg);
	}
	return rc;
}

int elf_each_relocation(struct reader *r, uint32_t section, elf_relocate fn,
			void *arg)
{
	int rc = 0;

	for (size_t i = 1; !rc && i < r->section_count; i++) {
		const struct section *s = &r->sections[i];

		if (!core_spend(r, 1))
			return -EINVAL;
		if (s->info != section ||
		    (s->type != SHT_REL && s->type != SHT_RELA))
			continue;
		if (s->type == SHT_RELA)
			return err_set(ENOTSUP,
				       "section '%s': relocations with "
				       "addends; BPF has none",
				       s->name);
		if (s->link != r->symtab)
			return err_set(EINVAL,
				       "section '%s' is for another symbol "
				       "table",
				       s->name);
		rc = each_in(r, s, section, fn, arg);
	}
	return rc;
}
