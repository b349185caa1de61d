/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "bpfvm/object.h"

#define VERSION 0x61200
#define HZ	1000

/* ---- a kernel that is not the one the object was compiled for ---------- */

static int resolve(void *arg, const char *name, bool is_func)
{
	(void)arg;
	if (!strcmp(name, "scx_bpf_now"))
		return is_func ? 1 : -1;
	if (!strcmp(name, "runqueues"))
		return is_func ? -1 : 2;
	return -1;
}

static int resolve_all(void *arg, const char *name, bool is_func)
{
	(void)arg;
	(void)is_func;
	return strstr(name, "___") ? -1 : 3;
}

static int resolve_none(void *arg, const char *name, bool is_func)
{
	(void)arg;
	(void)name;
	(void)is_func;
	return -1;
}

struct ids {
	int u8, u16, u32, s32, u64, chars, ptr, entity, task;
};

static void add_numbers(struct btf *b, struct ids *id)
{
	id->u8 = btf__add_int(b, "unsigned char", 1, 0);
	id->u16 = btf__add_int(b, "short", 2, BTF_INT_SIGNED);
	id->u32 = btf__add_int(b, "unsigned int", 4, 0);
	id->s32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	id->u64 = btf__add_int(b, "unsigned long long", 8, 0);
	id->chars = btf__add_array(b, id->u32, id->u8, 32);
}

static void add_enums(struct btf *b)
{
	btf__add_enum64(b, "scx_dsq_ids", 8, false);
	btf__add_enum64_value(b, "SCX_DSQ_FLAG", 1);
	btf__add_enum64_value(b, "SCX_DSQ_LOCAL", 1ULL << 63 | 2);
	btf__add_enum(b, "others", 4);
	btf__add_enum_value(b, "SCX_SMALL", 3);
	btf__add_enum64(b, "wide", 8, false);
	btf__add_enum64_value(b, "WIDE_LOW", 1);
	btf__add_enum64_value(b, "WIDE_HIGH", 1ULL << 41);
}

static void add_place(struct btf *b, const struct ids *id)
{
	btf__add_union(b, "place", 8);
	btf__add_field(b, "other", id->u8, 0, 0);
	btf__add_field(b, "raw", id->u64, 0, 0);
	btf__add_field(b, "cpu", id->u32, 0, 0);
}

/* Moved, renamed, resized. */
static void add_task(struct btf *b, struct ids *id)
{
	int deep, decoy, parents, tail;

	/* Of the right name and the wrong kind. */
	decoy = btf__add_union(b, NULL, 32);
	btf__add_field(b, "deep", id->chars, 0, 0);
	deep = btf__add_struct(b, NULL, 8);
	btf__add_field(b, "deep", id->u64, 0, 0);
	id->entity = btf__add_struct(b, "sched_ext_entity", 40);
	btf__add_field(b, "weight", id->u32, 0, 0);
	btf__add_field(b, "dsq_vtime", id->u64, 16 * 8, 0);
	btf__add_field(b, "slice", id->u64, 24 * 8, 0);
	btf__add_field(b, "more", id->u64, 32 * 8, 0);
	tail = btf__add_array(b, id->u32, id->u32, 0);
	id->ptr = btf__add_ptr(b, tail + 3);
	parents = btf__add_array(b, id->u32, id->ptr, 4);
	id->task = btf__add_struct(b, "task_struct", 504);
	assert_int_equal(id->task, tail + 3);
	btf__add_field(b, "pid", id->s32, 4 * 8, 0);
	btf__add_field(b, "on_cpu", id->u8, 9 * 8, 0);
	btf__add_field(b, "__state", id->u64, 16 * 8, 0);
	btf__add_field(b, "flags", id->u32, 100 * 8, 0);
	btf__add_field(b, "prio", id->u16, 200 * 8, 0);
	btf__add_field(b, NULL, decoy, 32 * 8, 0);
	btf__add_field(b, NULL, deep, 216 * 8, 0);
	btf__add_field(b, "in_iowait", id->u32, 232 * 8, 1);
	btf__add_field(b, "level", id->s32, 232 * 8 + 3, 5);
	btf__add_field(b, "comm", id->chars, 240 * 8, 0);
	btf__add_field(b, "scx", id->entity, 304 * 8, 0);
	btf__add_field(b, "parents", parents, 400 * 8, 0);
	btf__add_field(b, "tail", tail, 504 * 8, 0);
}

static struct btf *other_kernel(struct ids *id)
{
	struct btf *b = btf__new_empty();

	assert_non_null(b);
	add_numbers(b, id);
	add_enums(b);
	add_place(b, id);
	add_task(b, id);
	return b;
}

/* ---- objects ----------------------------------------------------------- */

static struct buf read_object(const char *name)
{
	char *path = path_lib(name);
	struct buf b;

	buf_init(&b, OBJECT_MAX_BYTES);
	if (buf_read_file(&b, path))
		fail_msg("%s", err_text());
	free(path);
	return b;
}

static struct buf dialect(void)
{
	return read_object("../../policies/reader/dialect.bpf.o");
}

static struct object *opened(const struct buf *b, const struct btf *types,
			     int (*with)(void *, const char *, bool))
{
	struct object_target t = {
		.types = types, .resolve = with, .version = VERSION, .hz = HZ};
	struct object *o;

	if (object_open(b->data, b->len, &t, &o))
		fail_msg("%s", err_text());
	return o;
}

static const struct object_func *func(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->func_count; i++)
		if (!strcmp(o->funcs[i].name, name))
			return &o->funcs[i];
	fail_msg("no function '%s'", name);
	return NULL;
}

static const struct object_insn *insn(const struct object *o, const char *name)
{
	return &o->insns[func(o, name)->first];
}

/* The first instruction of a function that is of that kind. */
static const struct object_insn *first(const struct object *o, const char *name,
				       enum insn_what what)
{
	const struct object_func *f = func(o, name);

	for (uint32_t i = 0; i < f->count; i++)
		if (o->insns[f->first + i].what == what)
			return &o->insns[f->first + i];
	fail_msg("nothing of kind %d in '%s'", what, name);
	return NULL;
}

static const struct object_map *map(const struct object *o, const char *name)
{
	int i = object_map(o, name);

	if (i < 0)
		fail_msg("no map '%s'", name);
	return &o->maps[i];
}

static uint64_t variable(struct object *o, const char *name)
{
	uint64_t v = 0;
	size_t size;
	void *at;
	int m;

	if (object_variable(o, name, &at, &size, &m))
		fail_msg("%s", err_text());
	assert_true(size <= 8);
	memcpy(&v, at, size);
	return v;
}

/* ---- the template ------------------------------------------------------- */

static void check_ops(const struct object *o)
{
	static const char *const names[] = {
		"select_cpu", "enqueue",   "dispatch", "running", "stopping",
		"enable",     "init_task", "init",     "exit"};

	assert_true(o->has_ops);
	assert_string_equal(o->ops.variable, "policy");
	assert_string_equal(o->ops.name, "schedkit");
	assert_int_equal(o->ops.timeout_ms, 30000);
	assert_int_equal(o->ops.count, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int f = object_op(o, names[i]);

		assert_true(f >= 0);
		assert_int_equal(o->funcs[f].kind, FUNC_STRUCT_OPS);
		assert_string_equal(o->funcs[f].attach, names[i]);
		assert_int_equal(o->funcs[f].sleepable,
				 !strcmp(names[i], "init"));
	}
	assert_int_equal(object_op(o, "tick"), -1);
}

static void test_template(void **state)
{
	struct buf b = read_object("policy.bpf.o");
	char *path = path_lib("simkernel.bpf.o");
	struct btf *types = btf__parse_elf(path, NULL);
	struct object *o = opened(&b, types, resolve_all);
	size_t size;
	void *at;
	int m;

	(void)state;
	assert_int_equal(o->note_count, 0);
	assert_string_equal(o->license, "GPL");
	check_ops(o);
	assert_int_equal(func(o, "policy_exec")->kind, FUNC_TRACEPOINT);
	assert_string_equal(func(o, "policy_exec")->attach,
			    "sched_process_exec");
	assert_int_equal(map(o, "identities")->key_size, 8);
	assert_true(map(o, ".rodata")->frozen);
	assert_int_equal(object_variable(o, "params", &at, &size, &m), 0);
	assert_string_equal(o->maps[m].name, ".rodata");
	/* Places of static variables come from elsewhere than global ones'. */
	assert_int_equal(object_variable(o, "cpus", &at, &size, &m), 0);
	assert_string_equal(o->maps[m].name, ".bss");
	assert_int_equal(size % 64, 0);
	assert_int_equal(((unsigned char *)at - o->maps[m].data) % 64, 0);
	assert_int_equal(object_variable(o, "none", &at, &size, &m), -ENOENT);
	object_free(o);
	btf__free(types);
	free(path);
	buf_release(&b);
}

/* ---- CO-RE --------------------------------------------------------------- */

static void check_value(const struct object *o, const char *name,
			uint64_t value)
{
	const struct object_insn *in = insn(o, name);
	uint64_t got = in->what == INSN_CONST ? in->value : (uint64_t)in->i.imm;

	if (in->what != INSN_PLAIN && in->what != INSN_CONST)
		fail_msg("%s: of kind %d", name, in->what);
	if (got != value)
		fail_msg("%s: %llu instead of %llu", name,
			 (unsigned long long)got, (unsigned long long)value);
}

static void test_core_values(void **state)
{
	static const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"offset_flags", 100},
		{"offset_deep", 216},
		{"offset_slice", 304 + 24},
		{"offset_parent", 408},
		{"offset_tail", 504 + 28},
		{"size_comm", 32},
		{"signed_prio", 1},
		{"signed_flags", 0},
		{"has_pid", 1},
		{"has_gone", 0},
		{"has_old", 0},
		{"has_new", 1},
		{"bits_offset", 232},
		{"bits_size", 4},
		{"bits_signed", 1},
		{"bits_left", 64 - 8},
		{"bits_right", 64 - 5},
		{"type_there", 1},
		{"type_absent", 0},
		{"type_size", 40},
		{"type_matches", 1},
		{"type_differs", 0},
		{"union_matches", 1},
		{"enum_local", 1ULL << 63 | 2},
		{"enum_there", 1},
		{"enum_absent", 0},
		{"enum_high", 1ULL << 41},
	};
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_value(o, rows[i].name, rows[i].value);
	check_value(o, "type_kernel", (uint64_t)id.entity);
	check_value(o, "type_local",
		    (uint64_t)btf__find_by_name_kind(o->btf, "task_struct",
						     BTF_KIND_STRUCT));
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

static void check_poison(const struct object *o, const char *name,
			 const char *words)
{
	const struct object_insn *in = insn(o, name);

	assert_int_equal(in->what, INSN_POISON);
	assert_true(in->arg < o->note_count);
	assert_int_equal(o->notes[in->arg].insn, func(o, name)->first);
	if (!strstr(o->notes[in->arg].text, words))
		fail_msg("'%s' is not in '%s'", words, o->notes[in->arg].text);
}

static void test_core_access(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);
	const struct object_insn *in;

	(void)state;
	in = insn(o, "load_flags");
	assert_int_equal(in->i.code, BPF_LDX | BPF_MEM | BPF_W);
	assert_int_equal(in->i.off, 100);
	/* Four bytes became one. */
	in = insn(o, "load_on_cpu");
	assert_int_equal(in->i.code, BPF_LDX | BPF_MEM | BPF_B);
	assert_int_equal(in->i.off, 9);
	check_poison(o, "load_gone", "offset of task_struct.gone");
	/* A signed number that shrank would be read wrongly. */
	check_poison(o, "load_prio", "offset of task_struct.prio");
	check_poison(o, "enum_poison", "SCX_DSQ_ABSENT");
	in = insn(o, "store_slice");
	while (BPF_CLASS(in->i.code) != BPF_STX &&
	       BPF_CLASS(in->i.code) != BPF_ST)
		in++;
	assert_int_equal(in->i.off, 328);
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

/* ---- everything else ---------------------------------------------------- */

static void test_externs(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);
	const struct object_extern *e = o->externs;
	const struct object_insn *in;

	(void)state;
	in = first(o, "read_now", INSN_CALL_KFUNC);
	assert_string_equal(e[in->arg].name, "scx_bpf_now");
	assert_int_equal(e[in->arg].index, 1);
	assert_false(e[in->arg].weak);
	in = first(o, "read_later", INSN_KSYM);
	assert_string_equal(e[in->arg].name, "scx_bpf_later___v2");
	assert_int_equal(e[in->arg].index, -1);
	assert_true(e[in->arg].weak && e[in->arg].is_func);
	assert_int_equal(first(o, "read_later", INSN_CALL_KFUNC)->arg, in->arg);
	in = first(o, "ksym_there", INSN_KSYM);
	assert_string_equal(e[in->arg].name, "maybe_there");
	assert_false(e[in->arg].is_func);
	in = first(o, "read_runqueues", INSN_KSYM);
	assert_int_equal(e[in->arg].index, 2);
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

static void test_missing_extern(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object_target t = {.types = types, .resolve = resolve_none};
	struct object *o;

	(void)state;
	assert_int_equal(object_open(b.data, b.len, &t, &o), -ENOENT);
	assert_null(o);
	assert_non_null(strstr(err_text(), "scx_bpf_now"));
	btf__free(types);
	buf_release(&b);
}

static void test_data(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);
	const struct object_insn *in;

	(void)state;
	assert_int_equal(variable(o, "__SCX_DSQ_LOCAL"), 1ULL << 63 | 2);
	assert_int_equal(variable(o, "__SCX_SMALL"), 3);
	assert_int_equal(variable(o, "__SCX_MISSING"), 77);
	assert_int_equal(variable(o, "knob"), 5);
	assert_int_equal(variable(o, "counter"), 9);
	assert_int_equal(variable(o, "LINUX_KERNEL_VERSION"), VERSION);
	assert_int_equal(variable(o, "CONFIG_HZ"), HZ);
	assert_int_equal(variable(o, "CONFIG_ELSEWHERE"), 0);
	in = first(o, "hertz", INSN_MAP_VALUE);
	assert_string_equal(o->maps[in->arg].name, ".kconfig");
	assert_int_equal(o->maps[in->arg].data[in->value], HZ & 255);
	assert_true(o->maps[in->arg].frozen);
	in = first(o, "read_knob", INSN_MAP_VALUE);
	assert_string_equal(o->maps[in->arg].name, ".rodata");
	assert_int_equal(o->maps[in->arg].data[in->value], 5);
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

static void check_field(const struct object_map *m, size_t i,
			enum field_kind kind, uint32_t offset)
{
	assert_true(i < m->field_count);
	assert_int_equal(m->fields[i].kind, kind);
	assert_int_equal(m->fields[i].offset, offset);
}

static void test_maps(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);
	const struct object_map *m = map(o, "fifos");
	const struct object_insn *in;

	(void)state;
	assert_int_equal(m->type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	assert_int_equal(m->max_entries, 4);
	assert_string_equal(o->maps[m->inner].name, "fifos.inner");
	assert_int_equal(o->maps[m->inner].max_entries, 64);
	assert_int_equal(m->initial_count, 4);
	assert_int_equal(m->initial[0], -1);
	assert_int_equal(m->initial[1], object_map(o, "fifo1"));
	assert_int_equal(m->initial[2], -1);
	assert_int_equal(m->initial[3], object_map(o, "fifo0"));
	m = map(o, "lanes");
	assert_int_equal(m->key_size, 4);
	assert_int_equal(m->value_size, 72);
	assert_int_equal(m->field_count, 4);
	check_field(m, 0, FIELD_TIMER, 8);
	for (size_t i = 1; i < 4; i++)
		check_field(m, i, FIELD_KPTR, 8 + 16 * (uint32_t)i);
	m = map(o, ".data.gate");
	assert_int_equal(m->field_count, 2);
	check_field(m, 0, FIELD_SPIN_LOCK, 0);
	check_field(m, 1, FIELD_RB_ROOT, 8);
	assert_int_equal(m->fields[1].node_offset, 8);
	m = map(o, "pages");
	assert_int_equal(m->extra, 1ULL << 44);
	assert_int_equal(m->flags, 1u << 10);
	/* What an arena begins with. */
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->data[0], 11);
	in = first(o, "read_arena", INSN_MAP_VALUE);
	assert_ptr_equal(&o->maps[in->arg], m);
	assert_int_equal(in->value, OBJECT_ARENA_DATA);
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

static void test_calls(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);
	const struct object_insn *in;

	(void)state;
	in = first(o, "dialect_init", INSN_FUNC);
	assert_string_equal(o->funcs[in->arg].name, "each");
	in = first(o, "dialect_init", INSN_CALL_FUNC);
	assert_string_equal(o->funcs[in->arg].name, "sum");
	in = first(o, "dialect_select_cpu", INSN_CALL_FUNC);
	assert_string_equal(o->funcs[in->arg].name, "shared");
	in = first(o, "shared", INSN_CALL_FUNC);
	assert_string_equal(o->funcs[in->arg].name, "sum");
	in = first(o, "dialect_select_cpu", INSN_CALL_HELPER);
	assert_int_equal(in->arg, BPF_FUNC_map_lookup_elem);
	in = first(o, "dialect_select_cpu", INSN_MAP);
	assert_int_equal(in->arg, object_map(o, "fifos"));
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

static void test_ops(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);

	(void)state;
	assert_true(o->has_ops);
	assert_string_equal(o->ops.variable, "dialect");
	assert_string_equal(o->ops.name, "dialect");
	assert_int_equal(o->ops.flags, 0x12);
	assert_int_equal(o->ops.timeout_ms, 2500);
	assert_int_equal(o->ops.count, 2);
	assert_string_equal(o->funcs[object_op(o, "init")].name,
			    "dialect_init");
	assert_true(o->maps[o->ops.map].is_struct_ops);
	assert_string_equal(func(o, "other_run")->attach, "run");
	assert_int_equal(object_op(o, "run"), -1);
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

static void test_lines(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object *o = opened(&b, types, resolve);
	const struct object_line *l;

	(void)state;
	l = object_line(o, func(o, "load_gone")->first);
	assert_non_null(l);
	assert_string_equal(l->text, "LOAD(load_gone, gone)");
	assert_non_null(strstr(l->file, "reader/dialect.bpf.c"));
	for (size_t i = 1; i < o->line_count; i++)
		assert_true(o->lines[i - 1].insn < o->lines[i].insn);
	for (uint32_t i = 0; i < o->insn_count; i++) {
		int f = object_func_of(o, i);

		assert_true(f >= 0);
		assert_true(i - o->funcs[f].first < o->funcs[f].count);
	}
	assert_int_equal(object_func_of(o, (uint32_t)o->insn_count), -1);
	assert_null(object_line(o, UINT32_MAX));
	object_free(o);
	btf__free(types);
	buf_release(&b);
}

/* ---- refusals ------------------------------------------------------------ */

static void refuses(const struct buf *b, const char *words)
{
	struct ids id;
	struct btf *types = other_kernel(&id);
	struct object_target t = {.types = types, .resolve = resolve};
	struct object *o;
	int rc = object_open(b->data, b->len, &t, &o);

	assert_true(rc < 0);
	assert_null(o);
	if (!strstr(err_text(), words))
		fail_msg("'%s' is not in '%s'", words, err_text());
	btf__free(types);
}

/* The bytes of a section. */
static unsigned char *section(struct buf *b, const char *name, size_t *size)
{
	unsigned char *p = (unsigned char *)b->data;
	Elf64_Ehdr h;
	Elf64_Shdr s, names;

	memcpy(&h, p, sizeof(h));
	memcpy(&names, p + h.e_shoff + h.e_shstrndx * sizeof(names),
	       sizeof(names));
	for (size_t i = 1; i < h.e_shnum; i++) {
		memcpy(&s, p + h.e_shoff + i * sizeof(s), sizeof(s));
		if (strcmp((char *)p + names.sh_offset + s.sh_name, name))
			continue;
		*size = s.sh_size;
		return p + s.sh_offset;
	}
	fail_msg("no section '%s'", name);
	return NULL;
}

static void rename_section(struct buf *b, const char *name, char last)
{
	size_t len = strlen(name);

	for (size_t i = 0; i + len < b->len; i++)
		if (!memcmp(b->data + i, name, len + 1))
			b->data[i + len - 1] = last;
}

static void test_not_objects(void **state)
{
	struct buf b = dialect();

	(void)state;
	b.data[18] = EM_X86_64;
	b.data[19] = 0;
	refuses(&b, "BPF object");
	b.data[0] = 'e';
	refuses(&b, "not an ELF file");
	b.len = 0;
	refuses(&b, "not an ELF file");
	buf_release(&b);
}

static void test_lacking(void **state)
{
	struct buf b = dialect();

	(void)state;
	rename_section(&b, ".BTF", 'G');
	refuses(&b, "no section '.BTF'");
	buf_release(&b);
	b = dialect();
	rename_section(&b, ".rodata", 'z');
	refuses(&b, "refers to section '.rodatz', which is not known");
	buf_release(&b);
}

/* Makes a weak symbol a strong one. */
static void strengthen(struct buf *b, const char *name)
{
	size_t size, names_size;
	unsigned char *p = section(b, ".symtab", &size);
	const char *names = (char *)section(b, ".strtab", &names_size);
	Elf64_Sym s;

	for (size_t i = 0; i < size; i += sizeof(s)) {
		memcpy(&s, p + i, sizeof(s));
		if (strcmp(names + s.st_name, name))
			continue;
		s.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
		memcpy(p + i, &s, sizeof(s));
		return;
	}
	fail_msg("no symbol '%s'", name);
}

static void test_not_weak(void **state)
{
	struct buf b = dialect();

	(void)state;
	strengthen(&b, "scx_bpf_later___v2");
	refuses(&b, "the kernel has no function 'scx_bpf_later'");
	buf_release(&b);
	b = dialect();
	strengthen(&b, "CONFIG_ELSEWHERE");
	refuses(&b, "'CONFIG_ELSEWHERE' is not known here");
	buf_release(&b);
}

#define AT(b, n) (section(&(b), "tp_btf/sched_switch", &size) + (n))

static void test_code_refused(void **state)
{
	struct buf b = dialect();
	struct bpf_insn in;
	size_t size;

	(void)state;
	in = (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 1000};
	memcpy(AT(b, 0), &in, sizeof(in));
	refuses(&b, "jumps out");
	in.off = -2;
	memcpy(AT(b, 0), &in, sizeof(in));
	refuses(&b, "section 'tp_btf/sched_switch', offset 0 (in watch)");
	in = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X,
			       .dst_reg = 11};
	memcpy(AT(b, 0), &in, sizeof(in));
	refuses(&b, "no such register");
	/* The fourth and fifth are one: into its second half. */
	in = (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 2};
	memcpy(AT(b, 0), &in, sizeof(in));
	refuses(&b, "into an instruction");
	in.off = 1;
	memcpy(AT(b, 0), &in, sizeof(in));
	memset(AT(b, size - 8), 0, 8);
	*AT(b, size - 8) = BPF_ALU64 | BPF_MOV | BPF_K;
	refuses(&b, "runs past its function's end");
	buf_release(&b);
}

/* ---- corruption -------------------------------------------------------- */

static int try_open(const char *data, size_t len, const struct btf *types)
{
	struct object_target t = {.types = types, .resolve = resolve};
	char *copy = mem_zalloc(len, 1); /* of just that size */
	struct object *o;
	int rc;

	if (len)
		memcpy(copy, data, len);
	rc = object_open(copy, len, &t, &o);
	assert_int_equal(!rc, o != NULL);
	object_free(o);
	free(copy);
	return rc;
}

static void test_truncated(void **state)
{
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);

	(void)state;
	/* The section table is the last thing in it. */
	for (size_t n = 0; n < b.len; n += 97)
		assert_true(try_open(b.data, n, types) < 0);
	buf_release(&b);
	btf__free(types);
}

static void flip(struct buf *b, size_t from, size_t size, size_t stride,
		 const struct btf *types)
{
	static const unsigned char masks[] = {0xff, 0x01, 0x80, 0x10};

	for (size_t i = 0; i < size; i += stride) {
		unsigned char mask = masks[i / stride % ARRAY_LEN(masks)];

		b->data[from + i] ^= (char)mask;
		try_open(b->data, b->len, types);
		b->data[from + i] ^= (char)mask;
	}
}

static void test_flipped(void **state)
{
	static const char *const names[] = {
		".BTF",	 ".BTF.ext", ".symtab",	    ".strtab",
		".text", "syscall",  ".relsyscall", ".rel.maps"};
	struct buf b = dialect();
	struct ids id;
	struct btf *types = other_kernel(&id);
	Elf64_Ehdr h;
	size_t size;

	(void)state;
	memcpy(&h, b.data, sizeof(h));
	flip(&b, 0, sizeof(h), 1, types);
	flip(&b, h.e_shoff, h.e_shnum * sizeof(Elf64_Shdr), 3, types);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		unsigned char *p = section(&b, names[i], &size);

		flip(&b, (size_t)(p - (unsigned char *)b.data), size, 11,
		     types);
	}
	assert_int_equal(try_open(b.data, b.len, types), 0);
	buf_release(&b);
	btf__free(types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_core_values),
		cmocka_unit_test(test_core_access),
		cmocka_unit_test(test_externs),
		cmocka_unit_test(test_missing_extern),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_not_objects),
		cmocka_unit_test(test_lacking),
		cmocka_unit_test(test_not_weak),
		cmocka_unit_test(test_code_refused),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
