/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the object reader share; nobody outside lib/bpfvm
 * includes it.
 *
 *   elf.c          sections and symbols
 *   types_raw.c    BTF as bytes: checked before libbpf sees it
 *   types.c        BTF: walks that end
 *   object_ext.c   .BTF.ext: records of functions, lines, CO-RE
 *   object_code.c  functions, instructions, what they refer to
 *   object_map.c   maps that are declared
 *   object_data.c  maps that are sections; kernel configuration
 *   object_field.c special members of values
 *   object_ops.c   struct sched_ext_ops
 *   core*.c        CO-RE
 *   object.c       all of it in order
 */
#ifndef SCHEDKIT_BPFVM_OBJECT_READ_H
#define SCHEDKIT_BPFVM_OBJECT_READ_H

#include <bpf/btf.h>
#include <linux/btf.h>

#include "bpfvm/object.h"

/* What compilers call where control must not come. */
#define TRAP_FUNC "__bpf_trap"

/* ---- memory that goes at once ------------------------------------------ */

struct arena {
	struct arena_block *blocks;
};

/* Zeroed. */
void *arena_alloc(struct arena *a, size_t count, size_t size);
/* The array with room for one more, which is zeroed; it may have moved. */
void *arena_push(struct arena *a, void *array, size_t count, size_t size);
/* A copy without control characters and broken UTF-8. */
char *arena_text(struct arena *a, const char *s, size_t len);
/* The same for names, which end somewhere. */
char *arena_name(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void arena_release(struct arena *a);

/* ---- the file ---------------------------------------------------------- */

struct section {
	const char *name;
	uint32_t type; /* SHT_* */
	uint64_t flags;
	uint64_t size;
	unsigned char *data; /* NULL: all zero */
	uint32_t link, info;
	bool code;
	int map;     /* of a section that is one; -1: none */
	int *map_at; /* .maps: by offset / 8, a map or -1 */
};

struct symbol {
	const char *name;
	uint8_t type, bind;
	uint32_t section; /* 0: undefined, or in no section */
	bool undefined;
	uint64_t value, size;
};

/* Where a function stands in the file. */
struct place {
	uint32_t section;
	uint64_t offset, size;
};

struct reader {
	struct object *o;
	const struct object_target *t;
	struct arena *keep; /* the object's */
	struct arena tmp;
	unsigned char *bytes;
	size_t len;
	struct section *sections;
	size_t section_count;
	struct symbol *symbols;
	size_t symbol_count;
	uint32_t symtab;   /* its section */
	uint32_t *by_name; /* global symbols, sorted */
	size_t by_name_count;
	struct place *places; /* of o->funcs, in order */
	size_t data_bytes;    /* of all sections that are maps */
	/* By map: offset of the member `values` in its variable. */
	uint32_t *values_at;
	/* The last file that a line was in. */
	const char *file;
	uint32_t file_offset;
	size_t text_bytes; /* of all lines' texts */
	/* Steps that walks over types may still take. */
	uint32_t budget;
	struct type_index *index; /* of the target's types */
};

/* ---- elf.c -------------------------------------------------------------- */

/* Sections and symbols of r->bytes. */
int elf_read(struct reader *r);
/* 0: no such section. */
uint32_t elf_section(const struct reader *r, const char *name);
/* A global or weak one; NULL: none. */
const struct symbol *elf_symbol(const struct reader *r, const char *name);

struct relocation {
	uint64_t offset;
	const struct symbol *symbol;
};

/* Those of one section, in the file's order; never fails to be in range. */
typedef int (*elf_relocate)(struct reader *r, uint32_t section,
			    const struct relocation *rel, void *arg);
int elf_each_relocation(struct reader *r, uint32_t section, elf_relocate fn,
			void *arg);

/* ---- types_raw.c -------------------------------------------------------- */

struct types_raw {
	struct btf_header h;
	unsigned char *types;
	const char *strings;
	uint32_t count; /* of types, void included */
};

/* What is wrong, at a byte of the types; -EINVAL. */
int types_raw_bad(size_t at, const char *what);
int types_raw_open(const struct section *s, struct types_raw *b);
/* Bytes after struct btf_type; negative: not a kind we know. */
int64_t types_raw_extra(const struct btf_type *t);
/* After types_raw_open(); after it every type is whole. */
int types_raw_count(struct types_raw *b);
/* Of one type: that what it names is there. */
int types_raw_check(const struct types_raw *b, size_t at,
		    const struct btf_type *t);

/* ---- types.c ------------------------------------------------------------ */

/* Makes o->btf of .BTF, sizes and offsets of its sections put right. */
int types_load(struct reader *r);
/* NULL: no such type. */
const struct btf_type *types_at(const struct btf *btf, uint32_t id);
/* "" for what has none. */
const char *types_name(const struct btf *btf, uint32_t offset);
/* Without modifiers and typedefs; NULL: too many. */
const struct btf_type *types_skip(const struct btf *btf, uint32_t *id);
/* Bytes; negative: it has no size. */
int64_t types_size(const struct btf *btf, uint32_t id);
/* The name without its flavour, "___old". */
size_t types_essential(const char *name);
/* 0: none. */
uint32_t types_section(const struct btf *btf, const char *name);
/* Value of an enumerator of either kind. */
uint64_t types_enumerator(const struct btf_type *t, uint32_t i);
uint32_t types_enumerator_name(const struct btf_type *t, uint32_t i);
/* Of an integer or enumeration. */
bool types_signed(const struct btf_type *t);

/* ---- object_ext.c ------------------------------------------------------- */

enum ext_kind { EXT_FUNC, EXT_LINE, EXT_CORE };

/* word[0]: byte in the section; the others as the kind has them. */
typedef int (*ext_fn)(struct reader *r, uint32_t section,
		      const uint32_t word[4]);
int ext_each(struct reader *r, enum ext_kind kind, ext_fn fn);
/* Types of functions; lines. */
int ext_read(struct reader *r);

/* ---- object_code.c ------------------------------------------------------ */

int code_read(struct reader *r);
int code_relocate(struct reader *r);
int code_check(struct reader *r);
/* The function that begins there; -1: none. */
int code_func_at(const struct reader *r, uint32_t section, uint64_t offset);
/* The instruction in the joined text; -1: in no function. */
int64_t code_insn_at(const struct reader *r, uint32_t section, uint64_t offset);
/* "section 'x', offset 24 (in foo)", lent until the next call. */
const char *code_where(struct reader *r, uint32_t insn);
void code_note(struct reader *r, uint32_t insn, char *text);

/* ---- maps --------------------------------------------------------------- */

struct object_map *map_new(struct reader *r, const char *name);
int map_read(struct reader *r);	   /* .maps */
int map_initial(struct reader *r); /* what they hold at first */
int data_read(struct reader *r);   /* sections */
int data_config(struct reader *r); /* .kconfig */
/* One of its variables, as map and offset.  -ENOENT. */
int data_config_find(struct reader *r, const char *name, uint32_t *map,
		     uint64_t *offset);
int data_enumerators(struct reader *r); /* __SCX_* */
/* The type of a value, or the section whose variables they are in. */
int field_find(struct reader *r, struct object_map *m, uint32_t type);
int ops_read(struct reader *r);
int ops_relocate(struct reader *r);

/* ---- CO-RE -------------------------------------------------------------- */

/* What a relocation stands for, in one set of types. */
#define CORE_MAX_STEPS 64
struct core_path {
	uint32_t root;
	struct core_step {
		uint32_t type, index;
		const char *name; /* NULL: an element */
	} steps[CORE_MAX_STEPS];
	uint32_t count;
	uint64_t bits;
};

struct core_relo {
	uint32_t kind, type;
	const char *access;
	uint32_t insn;
};

struct core_value {
	uint64_t value;
	uint32_t size; /* of a field that can be loaded; 0: cannot */
	uint32_t type;
	bool exact; /* compiler and we must agree on it */
};

int core_relocate(struct reader *r);
/* 1: alike, 0: not, negative: cannot be said. */
int core_types_compatible(struct reader *r, uint32_t local, uint32_t target);
int core_types_match(struct reader *r, uint32_t local, uint32_t target);
int core_path_parse(struct reader *r, const struct core_relo *c,
		    struct core_path *p);
int core_path_follow(struct reader *r, const struct core_relo *c,
		     const struct core_path *local, uint32_t target,
		     struct core_path *out);
bool core_names_match(const char *a, const char *b);
/* -EUCLEAN: the path leads nowhere and the value is needed. */
int core_value(const struct btf *btf, const struct core_relo *c,
	       const struct core_path *p, struct core_value *v);
int core_patch(struct reader *r, const struct core_relo *c,
	       const struct core_value *old, const struct core_value *new);
/* Steps of a walk; false, with a message: there were too many. */
bool core_spend(struct reader *r, uint32_t steps);

#endif
