/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an object declares: maps, data, configuration, ops, special members. */
#include "elf_fix.h"

#include <stdio.h>

#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

static const struct bpf_insn one[] = {EXIT};

/* A section of types that holds variables where they are. */
struct vars {
	const char *section;
	struct {
		int var;
		uint32_t at, size;
	} row[16];
	size_t n;
};

static void vars_add(struct vars *v, struct elf_fix *e, const char *name,
		     int type, uint32_t at, uint32_t size)
{
	v->row[v->n].var =
		btf__add_var(e->btf, name, BTF_VAR_GLOBAL_ALLOCATED, type);
	v->row[v->n].at = at;
	v->row[v->n++].size = size;
}

static int vars_done(const struct vars *v, struct elf_fix *e)
{
	int id = btf__add_datasec(e->btf, v->section, 0);

	for (size_t i = 0; i < v->n; i++)
		btf__add_datasec_var_info(e->btf, v->row[i].var, v->row[i].at,
					  v->row[i].size);
	return id;
}

static int open_it(struct elf_fix *e, struct object **o)
{
	elf_types(e);
	elf_write(e);
	return elf_open(e, NULL, o);
}

static void check_words(size_t row, int rc, int want, const char *words)
{
	if (rc != want)
		fail_msg("row %zu: %d: %s", row, rc, rc ? err_text() : "");
	if (rc && words && !strstr(err_text(), words))
		fail_msg("row %zu: '%s' is not in '%s'", row, words,
			 err_text());
}

/* ---- maps -------------------------------------------------------------- */

enum how {
	NUMBER = 1, /* n: a pointer to an array of so many */
	CHOICE,	    /* an enumeration of that one value */
	SIZED,	    /* a pointer to a type of n bytes */
	PLAIN,	    /* an int */
	UNSIZED,    /* a pointer to a struct that is only declared */
	MAPS,	    /* an array of pointers to maps */
	FUNCS,	    /* an array of pointers to functions */
	INTS,	    /* an array of pointers to ints */
	DEEPER	    /* an array of pointers to maps of maps */
};

struct member {
	const char *name;
	enum how how;
	uint64_t n;
};

static int array_of_pointers(struct btf *b, int u32, int to)
{
	return btf__add_array(b, u32, btf__add_ptr(b, to), 0);
}

static int define(struct btf *b, int u32, const struct member *m, size_t n);

static int member_type(struct btf *b, int u32, const struct member *m)
{
	static const struct member inner[] = {{"type", NUMBER, 2},
					      {"key_size", NUMBER, 4},
					      {"value_size", NUMBER, 8},
					      {"max_entries", NUMBER, 7}};
	static const struct member outer[] = {{"type", NUMBER, 12},
					      {"values", MAPS, 0}};
	int id;

	switch (m->how) {
	case NUMBER:
		return btf__add_ptr(
			b, btf__add_array(b, u32, u32, (uint32_t)m->n));
	case CHOICE:
		id = btf__add_enum64(b, NULL, 8, false);
		btf__add_enum64_value(b, "N", m->n);
		return id;
	case SIZED:
		return btf__add_ptr(
			b, btf__add_struct(b, "sized", (uint32_t)m->n));
	case PLAIN:
		return u32;
	case UNSIZED:
		return btf__add_ptr(b,
				    btf__add_fwd(b, "later", BTF_FWD_STRUCT));
	case MAPS:
		return array_of_pointers(b, u32, define(b, u32, inner, 4));
	case FUNCS:
		return array_of_pointers(b, u32, btf__add_func_proto(b, 0));
	case INTS:
		return array_of_pointers(b, u32, u32);
	case DEEPER:
		return array_of_pointers(b, u32, define(b, u32, outer, 2));
	}
	return 0;
}

static int define(struct btf *b, int u32, const struct member *m, size_t n)
{
	int types[8], id;

	for (size_t i = 0; i < n; i++)
		types[i] = member_type(b, u32, &m[i]);
	id = btf__add_struct(b, NULL, (uint32_t)n * 8);
	for (size_t i = 0; i < n; i++)
		btf__add_field(b, m[i].name, types[i], (uint32_t)i * 64, 0);
	return id;
}

static const struct map_row {
	struct member m[6];
	int rc;
	const char *words;
	struct object_map is; /* type, sizes, entries, flags, extra */
} map_rows[] = {
	{{{"type", NUMBER, 1},
	  {"key_size", NUMBER, 4},
	  {"value_size", NUMBER, 12},
	  {"max_entries", NUMBER, 9},
	  {"map_flags", NUMBER, 5},
	  {"map_extra", NUMBER, 6}},
	 0,
	 NULL,
	 {.type = 1,
	  .key_size = 4,
	  .value_size = 12,
	  .max_entries = 9,
	  .flags = 5,
	  .extra = 6}},
	{{{"type", CHOICE, 2},
	  {"key", SIZED, 3},
	  {"value", SIZED, 40},
	  {"max_entries", CHOICE, 0xffffffff},
	  {"map_extra", CHOICE, 1ull << 40}},
	 0,
	 NULL,
	 {.type = 2,
	  .key_size = 3,
	  .value_size = 40,
	  .max_entries = 0xffffffff,
	  .extra = 1ull << 40}},
	{{{"type", NUMBER, 1}, {"key", SIZED, 4}, {"key_size", NUMBER, 4}},
	 0,
	 NULL,
	 {.type = 1, .key_size = 4}},
	{{{"type", NUMBER, 1}, {"key", SIZED, 4}, {"key_size", NUMBER, 5}},
	 -EINVAL,
	 "'key_size' and the type's size differ",
	 {0}},
	{{{"type", NUMBER, 1}, {"value_size", NUMBER, 4}, {"value", SIZED, 5}},
	 -EINVAL,
	 "'value' and the type's size differ",
	 {0}},
	{{{"type", NUMBER, 1}, {"key", UNSIZED, 0}},
	 -EINVAL,
	 "'key' is of a type without a size",
	 {0}},
	{{{"type", NUMBER, 1}, {"key", PLAIN, 0}},
	 -EINVAL,
	 "'key' is of a type without a size",
	 {0}},
	{{{"type", PLAIN, 1}}, -EINVAL, "'type' is not a number", {0}},
	{{{"type", SIZED, 1}}, -EINVAL, "'type' is not a number", {0}},
	{{{"type", NUMBER, 1}, {"max_entries", CHOICE, 1ull << 32}},
	 -EINVAL,
	 "'max_entries' is too large",
	 {0}},
	{{{"type", NUMBER, 1}, {"key_size", CHOICE, 1ull << 32}},
	 -EINVAL,
	 "differ",
	 {0}},
	{{{"type", NUMBER, 1}, {"pinning", NUMBER, 1}},
	 -EINVAL,
	 "a policy's maps are its own",
	 {0}},
	{{{"type", NUMBER, 1},
	  {"pinning", NUMBER, 0},
	  {"numa_node", NUMBER, 7}},
	 0,
	 NULL,
	 {.type = 1}},
	{{{"type", NUMBER, 1}, {"colour", NUMBER, 1}},
	 -ENOTSUP,
	 "'colour' that is unknown",
	 {0}},
	{{{"max_entries", NUMBER, 1}}, -EINVAL, "'type' is missing", {0}},
	{{{"type", NUMBER, 12}, {"values", MAPS, 0}, {"key", SIZED, 4}},
	 0,
	 NULL,
	 {.type = 12, .key_size = 4, .value_size = 4}},
	{{{"values", MAPS, 0}, {"type", NUMBER, 13}},
	 0,
	 NULL,
	 {.type = 13, .value_size = 4}},
	{{{"type", NUMBER, 3}, {"values", FUNCS, 0}},
	 0,
	 NULL,
	 {.type = 3, .value_size = 4}},
	{{{"type", NUMBER, 3}, {"values", MAPS, 0}},
	 -EINVAL,
	 "'values' holds no functions",
	 {0}},
	{{{"type", NUMBER, 12}, {"values", FUNCS, 0}},
	 -EINVAL,
	 "'values' holds no plain maps",
	 {0}},
	{{{"type", NUMBER, 12}, {"values", INTS, 0}},
	 -EINVAL,
	 "'values' holds no plain maps",
	 {0}},
	{{{"type", NUMBER, 12}, {"values", DEEPER, 0}},
	 -EINVAL,
	 "'values' holds no plain maps",
	 {0}},
	{{{"type", NUMBER, 12}, {"values", PLAIN, 0}},
	 -EINVAL,
	 "'values' is not an array of pointers",
	 {0}},
	{{{"type", NUMBER, 1}, {"values", MAPS, 0}},
	 -EINVAL,
	 "'values' is for maps of maps or programs",
	 {0}},
	{{{"type", NUMBER, 12}, {"value_size", NUMBER, 8}, {"values", MAPS, 0}},
	 -EINVAL,
	 "'values' and the type's size differ",
	 {0}},
};

static void test_maps(void **state)
{
	static const unsigned char zero[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(map_rows); i++) {
		const struct map_row *r = &map_rows[i];
		const struct object_map *m;
		struct vars v = {.section = ".maps"};
		struct object *o;
		struct elf_fix e;
		size_t n = 0;
		int u32, rc;

		while (n < 6 && r->m[n].name)
			n++;
		elf_init(&e);
		u32 = btf__add_int(e.btf, "int", 4, 0);
		elf_func(&e, "syscall", "f", one, 1);
		vars_add(&v, &e, "m", define(e.btf, u32, r->m, n), 0,
			 (uint32_t)n * 8);
		vars_done(&v, &e);
		elf_add(&e, ".maps", SHT_PROGBITS, ELF_DATA, zero, n * 8);
		rc = open_it(&e, &o);
		check_words(i, rc, r->rc, r->words);
		if (!rc) {
			m = &o->maps[0];
			assert_string_equal(m->name, "m");
			if (m->type != r->is.type ||
			    m->key_size != r->is.key_size ||
			    m->value_size != r->is.value_size ||
			    m->max_entries != r->is.max_entries ||
			    m->flags != r->is.flags || m->extra != r->is.extra)
				fail_msg("row %zu", i);
			assert_int_equal(m->initial_count, 0);
			assert_int_equal(o->map_count, m->inner < 0 ? 1 : 2);
		}
		if (!rc && m->inner >= 0) {
			assert_string_equal(o->maps[1].name, "m.inner");
			assert_int_equal(o->maps[1].type, 2);
			assert_int_equal(o->maps[1].max_entries, 7);
		}
		object_free(o);
		elf_release(&e);
	}
}

/* Where maps may be, and what is none. */
static void test_map_places(void **state)
{
	static const struct {
		uint32_t at;
		bool is_struct, twice;
		const char *name, *words;
	} rows[] = {
		{0, true, false, ".maps", NULL},
		{16, true, false, ".maps", NULL},
		{4, true, false, ".maps", "offset 4: 'm' is not a map"},
		{24, true, false, ".maps", "offset 24: 'm' is not a map"},
		{32, true, false, ".maps", "offset 32: 'm' is not a map"},
		{0, false, false, ".maps", "offset 0: 'm' is not a map"},
		{8, true, true, ".maps", "offset 8: 'm' is not a map"},
		{0, true, false, "maps", "is of the old kind"},
		{0, true, false, ".map", NULL},
	};
	static const struct member m[] = {{"type", NUMBER, 1}};
	static const unsigned char zero[24];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vars v = {.section = ".maps"};
		struct object *o;
		struct elf_fix e;
		int u32, id, rc;

		elf_init(&e);
		u32 = btf__add_int(e.btf, "int", 4, 0);
		id = rows[i].is_struct ? define(e.btf, u32, m, 1) : u32;
		elf_func(&e, "syscall", "f", one, 1);
		vars_add(&v, &e, "m", id, rows[i].at, 8);
		/* Globals stand where the symbols say; this has none. */
		if (rows[i].twice)
			vars_add(&v, &e, "m", id, rows[i].at, 8);
		vars_done(&v, &e);
		elf_add(&e, rows[i].name, SHT_PROGBITS, ELF_DATA, zero, 24);
		rc = open_it(&e, &o);
		check_words(i, rc,
			    !rows[i].words		    ? 0
			    : !strcmp(rows[i].name, "maps") ? -ENOTSUP
							    : -EINVAL,
			    rows[i].words);
		object_free(o);
		elf_release(&e);
	}
}

/* Without types, or without bytes, it is no section of maps. */
static void test_map_sections(void **state)
{
	static const unsigned char zero[8];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct vars v = {.section = i & 1 ? ".maps" : ".other"};
		struct object *o;
		struct elf_fix e;

		elf_init(&e);
		elf_func(&e, "syscall", "f", one, 1);
		btf__add_int(e.btf, "int", 4, 0);
		vars_done(&v, &e);
		elf_add(&e, ".maps", i & 2 ? SHT_PROGBITS : SHT_NOBITS,
			ELF_DATA, zero, 8);
		check_words((size_t)i, open_it(&e, &o), i == 3 ? 0 : -EINVAL,
			    "section '.maps' has no types");
		object_free(o);
		elf_release(&e);
	}
}

/*
 * The outer map is at 0, with room for four values from byte 24 on; the others
 * are at 56 and 80, and the section has 104 bytes.
 */
static void test_initial_values(void **state)
{
	static const struct member funcs[] = {{"type", NUMBER, 3},
					      {"max_entries", NUMBER, 3},
					      {"key_size", NUMBER, 4},
					      {"values", FUNCS, 0}};
	static const struct member maps[] = {{"type", NUMBER, 12},
					     {"max_entries", NUMBER, 3},
					     {"key_size", NUMBER, 4},
					     {"values", MAPS, 0}};
	static const struct member inner[] = {{"type", NUMBER, 2},
					      {"max_entries", NUMBER, 1},
					      {"key_size", NUMBER, 4}};
	static const struct {
		uint32_t at, to; /* of the section, or of the text */
		bool funcs;
		const char *words; /* NULL: it is value `slot` */
		int slot, is;
	} rows[] = {
		{24, 56, false, NULL, 0, 2},
		{32, 80, false, NULL, 1, 3},
		{40, 56, false, NULL, 2, 2},
		{40, 0, false, NULL, 2, 0},
		{48, 56, false, "value 3 of map 'outer' is none or", 0, 0},
		{16, 56, false, "where no values are", 0, 0},
		{0, 56, false, "where no values are", 0, 0},
		{28, 56, false, "where no values are", 0, 0},
		{56, 56, false, "where no values are", 0, 0},
		{96, 56, false, "where no values are", 0, 0},
		{24, 64, false, "value 0 of map 'outer' is none", 0, 0},
		{24, 60, false, "is none", 0, 0},
		{24, 104, false, "is none", 0, 0},
		{24, 0, true, NULL, 0, 0},
		{32, 8, true, NULL, 1, 1},
		{32, 16, true, "value 1 of map 'outer' is none", 0, 0},
		{32, 4, true, "is none", 0, 0},
	};
	static const struct bpf_insn two[] = {EXIT, EXIT};
	static const unsigned char zero[104];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vars v = {.section = ".maps"};
		struct object *o;
		struct elf_fix e;
		uint32_t text, sec;
		int u32, id, rc;

		elf_init(&e);
		u32 = btf__add_int(e.btf, "int", 4, 0);
		text = elf_add(&e, ".text", SHT_PROGBITS, ELF_CODE, two, 16);
		elf_symbol_add(&e, "f", ELF_GLOBAL_FUNC, text, 0, 8);
		elf_symbol_add(&e, "g", ELF_GLOBAL_FUNC, text, 8, 8);
		id = define(e.btf, u32, rows[i].funcs ? funcs : maps, 4);
		vars_add(&v, &e, "outer", id, 0, 32);
		id = define(e.btf, u32, inner, 3);
		vars_add(&v, &e, "a", id, 56, 24);
		vars_add(&v, &e, "b", id, 80, 24);
		vars_done(&v, &e);
		sec = elf_add(&e, ".maps", SHT_PROGBITS, ELF_DATA, zero, 104);
		elf_rel(&e, sec, rows[i].at,
			elf_symbol_add(&e, "to", ELF_GLOBAL,
				       rows[i].funcs ? text : sec, rows[i].to,
				       0));
		rc = open_it(&e, &o);
		check_words(i, rc, rows[i].words ? -EINVAL : 0, rows[i].words);
		if (!rc) {
			const struct object_map *m = &o->maps[0];

			assert_int_equal(m->initial_count, rows[i].slot + 1);
			for (int k = 0; k < rows[i].slot; k++)
				assert_int_equal(m->initial[k], -1);
			/* An inner map's template comes before a and b. */
			assert_int_equal(m->initial[rows[i].slot], rows[i].is);
		}
		object_free(o);
		elf_release(&e);
	}
}

/* ---- data -------------------------------------------------------------- */

static void test_sections(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t flags;
		bool is_map, frozen;
	} rows[] = {
		{".data", SHT_PROGBITS, ELF_DATA, true, false},
		{".data.x", SHT_PROGBITS, ELF_DATA, true, false},
		{".datax", SHT_PROGBITS, ELF_DATA, false, false},
		{".bss", SHT_NOBITS, ELF_DATA, true, false},
		{".bss.x", SHT_NOBITS, ELF_DATA, true, false},
		{".rodata", SHT_PROGBITS, SHF_ALLOC, true, true},
		{".rodata.str1.1", SHT_PROGBITS, SHF_ALLOC, true, true},
		{".rodata", SHT_PROGBITS, 0, false, false},
		{".rodata", SHT_NOTE, SHF_ALLOC, false, false},
		{".data", SHT_PROGBITS, ELF_CODE, false, false},
		{".other", SHT_PROGBITS, ELF_DATA, false, false},
	};
	static const unsigned char bytes[6] = {1, 2, 3, 4, 5, 6}, none[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct object_map *m;
		struct object *o;
		struct elf_fix e;

		elf_init(&e);
		elf_func(&e, "syscall", "f", one, 1);
		elf_add(&e, rows[i].name, rows[i].type, rows[i].flags, bytes,
			6);
		o = elf_object(&e);
		if (o->map_count != rows[i].is_map)
			fail_msg("row %zu: %zu maps", i, o->map_count);
		m = o->maps;
		if (m) {
			assert_string_equal(m->name, rows[i].name);
			assert_int_equal(m->type, BPF_MAP_TYPE_ARRAY);
			assert_int_equal(m->key_size, 4);
			assert_int_equal(m->value_size, 6);
			assert_int_equal(m->max_entries, 1);
			assert_int_equal(m->frozen, rows[i].frozen);
			assert_int_equal(m->flags,
					 m->frozen ? BPF_F_RDONLY_PROG : 0);
			assert_memory_equal(
				m->data,
				rows[i].type == SHT_NOBITS ? none : bytes, 6);
		}
		object_free(o);
		elf_release(&e);
	}
}

/* Alone in .data.NAME and one long: as many as CPUs (three). */
static void test_resizable(void **state)
{
	static const struct {
		const char *section, *name, *second;
		uint32_t count;
		uint32_t size;
	} rows[] = {
		{".data.many", "many", NULL, 1, 24},
		{".data.many", "other", NULL, 1, 8},
		{".data.many", "many", "more", 1, 8},
		{".data.many", "many", NULL, 2, 8},
		{".data", "data", NULL, 1, 8},
		{".bss.many", "many", NULL, 1, 24},
	};
	static const uint64_t word = 0x1122334455667788;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vars v = {.section = rows[i].section};
		struct object *o;
		struct elf_fix e;
		int type;

		elf_init(&e);
		type = btf__add_int(e.btf, "word", 8, 0);
		type = btf__add_array(e.btf, type, type, rows[i].count);
		elf_func(&e, "syscall", "f", one, 1);
		vars_add(&v, &e, rows[i].name, type, 0, 8);
		if (rows[i].second)
			vars_add(&v, &e, rows[i].second, type, 0, 8);
		vars_done(&v, &e);
		elf_add(&e, rows[i].section, SHT_PROGBITS, ELF_DATA, &word, 8);
		o = elf_object(&e);
		if (o->maps[0].value_size != rows[i].size)
			fail_msg("row %zu: %u", i, o->maps[0].value_size);
		assert_memory_equal(o->maps[0].data, &word, 8);
		for (uint32_t k = 8; k < rows[i].size; k++)
			assert_int_equal(o->maps[0].data[k], 0);
		object_free(o);
		elf_release(&e);
	}
}

/* What can be set by name: all of it has to be in the section. */
static void test_variables(void **state)
{
	static const struct {
		uint32_t at, size;
		int rc;
	} rows[] = {
		{0, 16, 0},	 {8, 8, 0},	   {16, 0, 0},
		{8, 9, -ENOENT}, {17, 0, -ENOENT}, {0, 17, -ENOENT},
		{15, 1, 0},	 {15, 2, -ENOENT}, {4, 0xffffffff, -ENOENT}};
	static const unsigned char bytes[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vars v = {.section = ".data"};
		struct object *o;
		struct elf_fix e;
		size_t size = 99;
		void *at;
		int map;

		elf_init(&e);
		elf_func(&e, "syscall", "f", one, 1);
		vars_add(&v, &e, "x", btf__add_int(e.btf, "int", 4, 0),
			 rows[i].at, rows[i].size);
		vars_done(&v, &e);
		elf_add(&e, ".data", SHT_PROGBITS, ELF_DATA, bytes, 16);
		o = elf_object(&e);
		if (object_variable(o, "x", &at, &size, &map) != rows[i].rc)
			fail_msg("row %zu", i);
		if (!rows[i].rc) {
			assert_int_equal(size, rows[i].size);
			assert_ptr_equal(at, o->maps[0].data + rows[i].at);
			assert_int_equal(map, 0);
		}
		assert_int_equal(object_variable(o, "y", &at, &size, &map),
				 -ENOENT);
		object_free(o);
		elf_release(&e);
	}
}

/* Laid out in eights, in their order; 4096 bytes are the most of one. */
static void test_config(void **state)
{
	static const struct {
		const char *name;
		unsigned char info;
		uint32_t size;
		int rc;
		uint64_t is;
	} rows[] = {
		{"LINUX_KERNEL_VERSION", ELF_EXTERN, 4, 0, 0x61200},
		{"LINUX_KERNEL_VERSION", ELF_EXTERN, 2, 0, 0x1200},
		{"CONFIG_HZ", ELF_EXTERN, 8, 0, 250},
		{"CONFIG_HZ", ELF_WEAK, 1, 0, 250},
		{"CONFIG_HZ", ELF_EXTERN, 16, 0, 250},
		{"CONFIG_HZ", ELF_EXTERN, 4096, 0, 250},
		{"CONFIG_HZ", ELF_EXTERN, 4097, -EINVAL, 0},
		{"CONFIG_HZ", ELF_EXTERN, 0, -EINVAL, 0},
		{"CONFIG_X", ELF_WEAK, 4, 0, 0},
		{"CONFIG_X", ELF_EXTERN, 4, -ENOTSUP, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* Three of them: a byte, the one, and one behind it. */
		struct bpf_insn in[] = {
			{.code = BPF_LD | BPF_IMM | BPF_DW}, {0}, EXIT};
		uint32_t size = rows[i].size, behind = 8 + ((size + 7) & ~7u);
		const struct object_map *m;
		struct vars v = {.section = ".kconfig"};
		struct object *o;
		struct elf_fix e;
		int bool_type, type, rc;
		uint64_t got = 0;

		elf_init(&e);
		elf_func(&e, "syscall", "f", in, 3);
		bool_type = btf__add_int(e.btf, "bool", 1, 0);
		type = btf__add_struct(e.btf, "value", size);
		elf_symbol_add(&e, "CONFIG_A", ELF_WEAK, 0, 0, 0);
		elf_symbol_add(&e, "CONFIG_B", ELF_WEAK, 0, 0, 0);
		elf_rel(&e, 3, 0,
			elf_symbol_add(&e, rows[i].name, rows[i].info, 0, 0,
				       0));
		vars_add(&v, &e, "CONFIG_A", bool_type, 0, 0);
		vars_add(&v, &e, rows[i].name, type, 0, 0);
		vars_add(&v, &e, "CONFIG_B", bool_type, 0, 0);
		vars_done(&v, &e);
		rc = open_it(&e, &o);
		check_words(i, rc, rows[i].rc, "'");
		if (!rc) {
			m = &o->maps[object_map(o, ".kconfig")];
			assert_int_equal(m->value_size, behind + 1);
			assert_true(m->frozen);
			assert_int_equal(m->flags, BPF_F_RDONLY_PROG);
			memcpy(&got, m->data + 8, size < 8 ? size : 8);
			assert_int_equal(got, rows[i].is);
			for (uint32_t k = 16; k < m->value_size; k++)
				assert_int_equal(m->data[k], 0);
			assert_int_equal(o->insns[0].what, INSN_MAP_VALUE);
			assert_int_equal(o->insns[0].value, 8);
		}
		object_free(o);
		elf_release(&e);
	}
}

/* Upstream's names of enumerators: as wide as the variable is. */
static void test_enumerators(void **state)
{
	static const struct {
		const char *name, *section;
		uint32_t at, size;
		int rc;
		uint64_t is; /* of 16 bytes of 0xee, the 8 at `at` */
	} rows[] = {
		{"__SCX_BIG", ".rodata", 0, 8, 0, 0x1122334455667788},
		{"__SCX_BIG", ".rodata", 8, 8, 0, 0x1122334455667788},
		{"__SCX_BIG", ".rodata", 0, 4, 0, 0xeeeeeeee55667788},
		{"__SCX_BIG", ".rodata", 0, 1, 0, 0xeeeeeeeeeeeeee88},
		{"__SCX_BIG", ".rodata", 0, 9, -EINVAL, 0},
		{"__SCX_BIG", ".rodata", 9, 8, -EINVAL, 0},
		{"__SCX_BIG", ".rodata", 17, 0, -EINVAL, 0},
		{"__SCX_MINUS", ".rodata", 0, 8, 0, UINT64_MAX},
		{"__SCX_NONE", ".rodata", 0, 8, 0, 0xeeeeeeeeeeeeeeee},
		{"_SCX_BIG", ".rodata", 0, 8, 0, 0xeeeeeeeeeeeeeeee},
		{"__SCX_BIG", ".data", 0, 8, 0, 0xeeeeeeeeeeeeeeee},
	};
	unsigned char bytes[16];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct vars v = {.section = rows[i].section};
		struct object *o;
		struct elf_fix e;
		uint64_t got;
		int rc;

		elf_init(&e);
		elf_func(&e, "syscall", "f", one, 1);
		btf__add_enum64(e.btf, "big", 8, false);
		btf__add_enum64_value(e.btf, "SCX_OTHER", 1);
		btf__add_enum64_value(e.btf, "SCX_BIG", 0x1122334455667788);
		btf__add_enum(e.btf, "minus", 4);
		btf__add_enum_value(e.btf, "SCX_MINUS", -1);
		vars_add(&v, &e, rows[i].name, btf__add_int(e.btf, "int", 4, 0),
			 rows[i].at, rows[i].size);
		vars_done(&v, &e);
		elf_add(&e, rows[i].section, SHT_PROGBITS, SHF_ALLOC, bytes,
			16);
		rc = open_it(&e, &o);
		check_words(i, rc, rows[i].rc, "is no number");
		if (!rc) {
			memcpy(&got, o->maps[0].data + rows[i].at, 8);
			if (got != rows[i].is)
				fail_msg("row %zu: %#llx", i,
					 (unsigned long long)got);
		}
		object_free(o);
		elf_release(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_map_places),
		cmocka_unit_test(test_map_sections),
		cmocka_unit_test(test_initial_values),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_resizable),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_enumerators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
