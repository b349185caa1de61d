/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .BTF and .BTF.ext: each number once one too large, and once just right. */
#include "elf_fix.h"

#include <stdio.h>

#include "bpfvm/types.h"

#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* Words of a type of each kind as below: N a name, T a type, - neither. */
static const char *const layout[] = {
	[BTF_KIND_INT] = "N---",
	[BTF_KIND_PTR] = "N-T",
	[BTF_KIND_ARRAY] = "N--TT-",
	[BTF_KIND_STRUCT] = "N--NT-NT-",
	[BTF_KIND_UNION] = "N--NT-",
	[BTF_KIND_ENUM] = "N--N-N-",
	[BTF_KIND_FWD] = "N--",
	[BTF_KIND_TYPEDEF] = "N-T",
	[BTF_KIND_VOLATILE] = "N-T",
	[BTF_KIND_CONST] = "N-T",
	[BTF_KIND_RESTRICT] = "N-T",
	[BTF_KIND_FUNC] = "N-T",
	[BTF_KIND_FUNC_PROTO] = "N-TNTNT",
	[BTF_KIND_VAR] = "N-T-",
	[BTF_KIND_DATASEC] = "N--T--",
	[BTF_KIND_FLOAT] = "N--",
	[BTF_KIND_DECL_TAG] = "N-T-",
	[BTF_KIND_TYPE_TAG] = "N-T",
	[BTF_KIND_ENUM64] = "N--N--N--",
};

static struct btf *each_kind(void)
{
	struct btf *b = btf__new_empty();
	int i, var, proto;

	btf__add_float(b, "double", 8);
	i = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	btf__add_fwd(b, "later", BTF_FWD_STRUCT);
	var = btf__add_var(b, "variable", BTF_VAR_GLOBAL_ALLOCATED, i);
	btf__add_ptr(b, i);
	btf__add_array(b, i, i, 4);
	btf__add_struct(b, "pair", 8);
	btf__add_field(b, "a", i, 0, 0);
	btf__add_field(b, "b", i, 32, 0);
	btf__add_union(b, "one", 4);
	btf__add_field(b, "c", i, 0, 0);
	btf__add_enum(b, "choice", 4);
	btf__add_enum_value(b, "X", 0);
	btf__add_enum_value(b, "Y", 1);
	btf__add_fwd(b, "later", BTF_FWD_UNION);
	btf__add_typedef(b, "number", i);
	btf__add_volatile(b, i);
	btf__add_const(b, i);
	btf__add_restrict(b, i);
	proto = btf__add_func_proto(b, i);
	btf__add_func_param(b, "x", i);
	btf__add_func_param(b, "y", i);
	btf__add_func(b, "call", BTF_FUNC_GLOBAL, proto);
	btf__add_decl_tag(b, "said", var, -1);
	btf__add_datasec(b, ".data", 4);
	btf__add_datasec_var_info(b, var, 0, 4);
	btf__add_fwd(b, "never", BTF_FWD_STRUCT);
	btf__add_var(b, "other", BTF_VAR_STATIC, i);
	btf__add_type_tag(b, "kptr", i);
	btf__add_enum64(b, "wide", 8, false);
	btf__add_enum64_value(b, "P", 1);
	btf__add_enum64_value(b, "Q", 2);
	return b;
}

struct seen {
	char text[1024];
};

static void note(void *arg, uint32_t kind, const char *name, const char *member)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%u:%s%s%s ", kind, name,
		 member ? "." : "", member ? member : "");
}

/* The types in a copy of just that size. */
static int walk(const unsigned char *bytes, size_t size, struct seen *s)
{
	void *copy = mem_zalloc(1, size);
	int rc;

	memcpy(copy, bytes, size);
	memset(s, 0, sizeof(*s));
	rc = types_each(copy, size, note, s);
	free(copy);
	return rc;
}

static void test_every_word(void **state)
{
	struct btf *b = each_kind();
	uint32_t size, count = btf__type_cnt(b);
	const void *raw = btf__raw_data(b, &size);
	unsigned char *bytes = mem_zalloc(1, size);
	struct btf_header h;
	struct seen s;
	size_t at;

	(void)state;
	memcpy(bytes, raw, size);
	memcpy(&h, bytes, sizeof(h));
	assert_int_equal(walk(bytes, size, &s), 0);
	assert_string_equal(
		s.text,
		"16:double 1:int 7:later 14:variable 2: 3: 4:pair 4:pair.a "
		"4:pair.b 5:one 6:choice 7:later 8:number 9: 10: 11: 13: "
		"12:call 17:said 15:.data 7:never 14:other 18:kptr 19:wide ");
	at = h.hdr_len + h.type_off;
	for (uint32_t id = 1; id < count; id++) {
		const char *words = layout[btf_kind(btf__type_by_id(b, id))];

		for (; *words; words++, at += 4) {
			uint32_t was, most;

			most = *words == 'N' ? h.str_len : count;
			if (*words == '-')
				continue;
			memcpy(&was, bytes + at, 4);
			for (uint32_t v = most - 1; v <= most + 1; v++) {
				memcpy(bytes + at, &v, 4);
				if (walk(bytes, size, &s) !=
				    (v < most ? 0 : -EINVAL))
					fail_msg("type %u, byte %zu: %u of %u",
						 id, at, v, most);
			}
			memcpy(bytes + at, &was, 4);
		}
	}
	assert_int_equal(at, h.hdr_len + h.type_off + h.type_len);
	free(bytes);
	btf__free(b);
}

/* Types may end only between two of them. */
static void test_every_length(void **state)
{
	struct btf *b = each_kind();
	uint32_t size, found = 0;
	const void *raw = btf__raw_data(b, &size);
	unsigned char *bytes = mem_zalloc(1, size);
	struct btf_header h;
	struct seen s;

	(void)state;
	memcpy(bytes, raw, size);
	memcpy(&h, bytes, sizeof(h));
	for (uint32_t len = 0; len < h.type_len; len += 4) {
		struct btf_header less = h;

		/* Nothing refers forward but what comes last. */
		less.type_len = len;
		memcpy(bytes, &less, sizeof(less));
		found += walk(bytes, size, &s) == 0;
	}
	memcpy(bytes, &h, sizeof(h));
	/* The float is fine alone; then each kind that has come to its end. */
	assert_int_equal(found, btf__type_cnt(b) - 1);
	for (uint32_t n = 0; n < size; n++)
		assert_int_equal(walk(bytes, n, &s), -EINVAL);
	free(bytes);
	btf__free(b);
}

#define B(f) offsetof(struct btf_header, f), sizeof(((struct btf_header *)0)->f)
#define ROOM 0x40000000u /* added to it: bytes behind the header */

static void test_header(void **state)
{
	static const struct {
		size_t at, size;
		uint32_t value;
		const char *words;
	} rows[] = {
		{B(magic), 0xeb9e, "unknown header"},
		{B(version), 2, "unknown header"},
		{B(hdr_len), 20, "unknown header"},
		{B(hdr_len), 23, "unknown header"},
		{B(hdr_len), 25, "unknown header"},
		{B(hdr_len), 26, "unknown header"},
		{B(hdr_len), ROOM + 28, "unknown header"},
		{B(hdr_len), 28, "not all there"},
		{B(type_off), 2, "not all there"},
		{B(type_off), 4, "not all there"},
		{B(type_off), 0xfffffffc, "not all there"},
		{B(type_len), 0xfffffffc, "not all there"},
		{B(str_off), ROOM, "not all there"},
		{B(str_len), ROOM, "not all there"},
		{B(str_len), 0, "do not begin or end"},
		{B(str_len), 3, "do not begin or end"},
	};
	struct btf *b = each_kind();
	uint32_t size;
	const void *raw = btf__raw_data(b, &size);
	struct seen s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char *bytes = mem_zalloc(1, size);
		uint32_t v = rows[i].value;

		memcpy(bytes, raw, size);
		if (v >= ROOM && v < 2 * ROOM)
			v = v - ROOM + size - 24;
		memcpy(bytes + rows[i].at, &v, rows[i].size);
		if (walk(bytes, size, &s) != -EINVAL ||
		    !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %s", i, err_text());
		free(bytes);
	}
	btf__free(b);
}

/* Kinds of which nothing is known. */
static void test_kinds(void **state)
{
	struct btf *b = btf__new_empty();
	uint32_t size;
	unsigned char *bytes;
	struct seen s;

	(void)state;
	btf__add_fwd(b, "x", BTF_FWD_STRUCT);
	bytes = (unsigned char *)btf__raw_data(b, &size);
	for (uint32_t kind = 0; kind < 32; kind++) {
		uint32_t info = kind << 24;

		memcpy(bytes + 24 + 4, &info, 4);
		/* Behind these stands more, which is not there. */
		if (walk(bytes, size, &s) !=
		    (kind == 0 || kind > BTF_KIND_ENUM64 ||
				     kind == BTF_KIND_INT ||
				     kind == BTF_KIND_ARRAY ||
				     kind == BTF_KIND_VAR ||
				     kind == BTF_KIND_DECL_TAG
			     ? -EINVAL
			     : 0))
			fail_msg("kind %u: %s", kind, err_text());
	}
	btf__free(b);
}

/* ---- .BTF.ext ---------------------------------------------------------- */

static const struct bpf_insn insns[] = {EXIT, EXIT, EXIT, EXIT};

struct made {
	struct elf_fix e;
	int func, proto;
};

/* Two functions in one section, one in another; words of 4 bytes follow. */
static void plain(struct made *m)
{
	struct elf_fix *e = &m->e;

	elf_init(e);
	elf_add(e, ".text", SHT_PROGBITS, ELF_CODE, insns, 32);
	elf_symbol_add(e, "first", ELF_GLOBAL_FUNC, 3, 0, 16);
	elf_symbol_add(e, "second", ELF_GLOBAL_FUNC, 3, 16, 16);
	m->proto = btf__add_func_proto(e->btf, 0);
	m->func = btf__add_func(e->btf, "second", BTF_FUNC_GLOBAL, m->proto);
	/* 8: size, 9: section, 10: rows, 11: byte, 12: type */
	elf_row(e, EXT_FUNC, ".text", 16, (uint32_t)m->func, 0, 0);
	/* 13: size, 14: section, 15: rows, 16 … 19: the first, 20 … 23 */
	elf_row(e, EXT_LINE, ".text", 0, 0,
		(uint32_t)btf__add_str(e->btf, "line"), 5 << 10);
	elf_row(e, EXT_LINE, ".text", 16, 0,
		(uint32_t)btf__add_str(e->btf, "line"), 6 << 10);
}

#define ALL 96 /* bytes of it */

static void test_ext(void **state)
{
	static const struct {
		uint32_t word, value;
		const char *words; /* NULL: fine */
		uint32_t type, lines;
	} rows[] = {
		{0, 0x1eb9e, "unknown header", 0, 0},
		{0, 0x2eb9f, "unknown header", 0, 0},
		{1, 20, "unknown header", 0, 0},
		{1, 23, "unknown header", 0, 0},
		{1, ALL + 1, "unknown header", 0, 0},
		{2, ALL - 32 - 19, "is not all there", 0, 0},
		{2, 0xffffffff, "is not all there", 0, 0},
		{3, 0, NULL, 0, 2},
		{3, 3, "functions, offset 0: is cut off", 0, 0},
		{3, 4, NULL, 0, 2},
		{3, 11, "functions, offset 4: is cut off", 0, 0},
		{3, 12, "functions, offset 12: is cut off", 0, 0},
		{3, 19, "functions, offset 12: is cut off", 0, 0},
		{3, 21, "functions, offset 20: is cut off", 0, 0},
		{3, ALL - 31, "is not all there", 0, 0},
		{5, 45, "lines, offset 20: is not all there", 0, 0},
		{5, 0, NULL, 1, 0},
		{7, 1, "CO-RE, offset 64: is not all there", 0, 0},
		{8, 4, "rows of a strange size", 0, 0},
		{8, 7, "rows of a strange size", 0, 0},
		{8, 10, "rows of a strange size", 0, 0},
		{8, 12, "functions, offset 12: is cut off", 0, 0},
		{8, 4096, "functions, offset 12: is cut off", 0, 0},
		{8, 4100, "rows of a strange size", 0, 0},
		{9, 0, NULL, 0, 2}, /* of no section */
		{10, 2, "functions, offset 12: is cut off", 0, 0},
		{10, 0xffffffff, "is cut off", 0, 0},
		{11, 24, NULL, 0, 2}, /* where none begins */
		{11, 32, NULL, 0, 2},
		{11, 20, "inside an instruction", 0, 0},
		{12, 0, "is not a function", 0, 0},
		{12, 1, "its type 1 is not a function", 0, 0},
		{12, 3, "its type 3 is not a function", 0, 0},
		{13, 12, "rows of a strange size", 0, 0},
		{13, 20, "lines, offset 12: is cut off", 0, 0},
		{15, 1, "lines, offset 44: is cut off", 0, 0},
		{15, 3, "lines, offset 12: is cut off", 0, 0},
		{16, 8, NULL, 1, 2},
		{16, 12, "lines, offset 12: inside an instruction", 0, 0},
		{16, 31, "inside an instruction", 0, 0},
		{16, 32, NULL, 1, 1},
		{19, 1023, NULL, 1, 1}, /* line 0 */
		{20, 0, NULL, 1, 1},	/* of the same instruction */
		{20, 24, NULL, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct object *o;
		struct made m;
		int rc;

		plain(&m);
		elf_types(&m.e);
		assert_int_equal(m.e.ext.len, ALL);
		memcpy(m.e.ext.data + 4ul * rows[i].word, &rows[i].value, 4);
		elf_write(&m.e);
		rc = elf_open(&m.e, NULL, &o);
		if (rc != (rows[i].words ? -EINVAL : 0))
			fail_msg("row %zu: %d: %s", i, rc, err_text());
		if (rc && !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: '%s' is not in '%s'", i,
				 rows[i].words, err_text());
		if (!rc) {
			assert_int_equal(o->funcs[1].type,
					 rows[i].type ? m.func : 0);
			assert_int_equal(o->funcs[0].type, 0);
			if (o->line_count != rows[i].lines)
				fail_msg("row %zu: %zu lines", i,
					 o->line_count);
		}
		object_free(o);
		elf_release(&m.e);
	}
}

static void test_ext_lengths(void **state)
{
	struct object *o;
	struct made m;

	(void)state;
	plain(&m);
	elf_types(&m.e);
	for (size_t len = 0; len <= ALL; len++) {
		int rc;

		m.e.ext.len = len;
		elf_write(&m.e);
		rc = elf_open(&m.e, NULL, &o);
		assert_int_equal(rc, len < ALL ? -EINVAL : 0);
		object_free(o);
	}
	/* A header of the old kind: no CO-RE in it. */
	elf_release(&m.e);
}

/* The first of several lines of an instruction; in order; cut to a length. */
static void test_lines(void **state)
{
	static const uint32_t at[] = {16, 0, 16, 8, 16};
	static const uint32_t line[] = {9, 5, 3, 4, 7};
	char text[600];
	struct object *o;
	struct elf_fix e;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[599] = 0;
	elf_init(&e);
	elf_func(&e, ".text", "f", insns, 4);
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		elf_row(&e, EXT_LINE, ".text", at[i],
			(uint32_t)btf__add_str(e.btf, "f.c"),
			(uint32_t)btf__add_str(e.btf,
					       text + (i < 2 ? 198 + i : 597)),
			line[i] << 10);
	o = elf_object(&e);
	assert_int_equal(o->line_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(o->lines[i].insn, i);
		assert_int_equal(o->lines[i].line, 5 - i);
		assert_string_equal(o->lines[i].file, "f.c");
	}
	assert_int_equal(strlen(o->lines[0].text), 400);
	assert_string_equal(o->lines[2].text, "xx");
	object_free(o);
	elf_release(&e);
}

/* ---- sizes and names --------------------------------------------------- */

static void test_names(void **state)
{
	static const struct {
		const char *name;
		size_t essential;
	} rows[] = {
		{"task_struct", 11}, {"task___old", 4}, {"a___b", 1},
		{"___b", 4},	     {"a___", 4},	{"a____b", 6},
		{"a__b", 4},	     {"a___b___c", 5},	{"", 0},
		{"a_b___c_d", 3},    {"_a___b", 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (types_essential(rows[i].name) != rows[i].essential)
			fail_msg("'%s': %zu", rows[i].name,
				 types_essential(rows[i].name));
	assert_true(core_names_match("a___x", "a___y"));
	assert_true(core_names_match("a", "a___y"));
	assert_false(core_names_match("ab", "a"));
	assert_false(core_names_match("a", "ab"));
	assert_false(core_names_match("a", "b"));
}

static void test_sizes(void **state)
{
	struct btf *b = btf__new_empty();
	int u16 = btf__add_int(b, "u16", 2, 0), ptr = btf__add_ptr(b, u16);
	int three = btf__add_array(b, u16, u16, 3);
	int six = btf__add_array(b, u16, three, 2);
	int many = btf__add_array(b, u16, u16, 0x7fffffff);
	int more = btf__add_array(b, u16, u16, 0x80000000u);
	int none = btf__add_array(b, u16, u16, 0);
	int var = btf__add_var(b, "v", BTF_VAR_STATIC, six);
	int fwd = btf__add_fwd(b, "f", BTF_FWD_STRUCT);
	int s = btf__add_struct(b, "s", 12);
	int first = btf__add_const(b, s), deep = first;
	uint32_t id;

	(void)state;
	assert_int_equal(types_size(b, (uint32_t)u16), 2);
	assert_int_equal(types_size(b, (uint32_t)ptr), 8);
	assert_int_equal(types_size(b, (uint32_t)three), 6);
	assert_int_equal(types_size(b, (uint32_t)six), 12);
	assert_int_equal(types_size(b, (uint32_t)none), 0);
	assert_int_equal(types_size(b, (uint32_t)many), 0xfffffffe);
	assert_int_equal(types_size(b, (uint32_t)more), -EINVAL);
	assert_int_equal(types_size(b, (uint32_t)var), 12);
	assert_int_equal(types_size(b, (uint32_t)fwd), -EINVAL);
	assert_int_equal(types_size(b, (uint32_t)s), 12);
	assert_int_equal(types_size(b, 0), -EINVAL);
	assert_int_equal(types_size(b, 1000), -EINVAL);
	/* 32 of them are looked through, no more. */
	for (int i = 1; i < 32; i++)
		deep = btf__add_const(b, deep);
	id = (uint32_t)deep;
	assert_ptr_equal(types_skip(b, &id), btf__type_by_id(b, (uint32_t)s));
	assert_int_equal(id, s);
	assert_int_equal(types_size(b, (uint32_t)deep), 12);
	deep = btf__add_const(b, deep);
	id = (uint32_t)deep;
	assert_null(types_skip(b, &id));
	assert_int_equal(types_size(b, (uint32_t)deep), -EINVAL);
	btf__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ext),
		cmocka_unit_test(test_ext_lengths),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
