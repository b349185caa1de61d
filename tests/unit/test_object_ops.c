/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct sched_ext_ops, and members of structs that are more than bytes. */
#include "elf_fix.h"

#include <stdio.h>

#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* ---- the ops ----------------------------------------------------------- */

/* As the struct is below. */
struct ops {
	uint64_t enqueue, dispatch;
	uint64_t flags;
	uint32_t timeout_ms, dispatch_max_batch, exit_dump_len, other;
	uint64_t hotplug_seq;
	char name[128];
};

struct made {
	struct elf_fix e;
	struct ops data[2];
	uint32_t text, sec;
};

#define AT(m) (uint32_t) offsetof(struct ops, m) * 8

static int ops_type(struct btf *b, const char *name, uint32_t size)
{
	int u32 = btf__add_int(b, "int", 4, 0);
	int u64 = btf__add_int(b, "long", 8, 0), proto, call, text, id;

	proto = btf__add_func_proto(b, 0);
	call = btf__add_typedef(b, "call_t", btf__add_ptr(b, proto));
	text = btf__add_array(b, u32, btf__add_int(b, "char", 1, 0), 128);
	id = btf__add_struct(b, name, size);
	btf__add_field(b, "enqueue", call, AT(enqueue), 0);
	btf__add_field(b, "dispatch___v2", call, AT(dispatch), 0);
	btf__add_field(b, "flags", u64, AT(flags), 0);
	btf__add_field(b, "timeout_ms", u32, AT(timeout_ms), 0);
	btf__add_field(b, "dispatch_max_batch", u32, AT(dispatch_max_batch), 0);
	btf__add_field(b, "exit_dump_len", u32, AT(exit_dump_len), 0);
	btf__add_field(b, "hotplug_seq", u64, AT(hotplug_seq), 0);
	btf__add_field(b, "name", text, AT(name), 0);
	return id;
}

/* Two functions in one section, two variables in the other. */
static void plain(struct made *m, const char *section, const char *type,
		  const char *second, uint32_t at, uint32_t size)
{
	static const struct bpf_insn two[] = {EXIT, EXIT};
	int var[2], id;

	memset(m, 0, sizeof(*m));
	m->data[0] = (struct ops){.flags = 0x1122334455667788,
				  .timeout_ms = 0xfedcba98,
				  .dispatch_max_batch = 0x10203040,
				  .exit_dump_len = 77,
				  .hotplug_seq = 0x8899aabbccddeeff,
				  .name = "first"};
	m->data[1] = (struct ops){.timeout_ms = 5, .name = "second"};
	elf_init(&m->e);
	m->text = elf_add(&m->e, "struct_ops", SHT_PROGBITS, ELF_CODE, two, 16);
	elf_symbol_add(&m->e, "f", ELF_GLOBAL_FUNC, m->text, 0, 8);
	elf_symbol_add(&m->e, "g", ELF_GLOBAL_FUNC, m->text, 8, 8);
	m->sec = elf_add(&m->e, section, SHT_PROGBITS, ELF_DATA, m->data,
			 sizeof(m->data));
	var[0] = btf__add_var(m->e.btf, "one", BTF_VAR_STATIC,
			      ops_type(m->e.btf, type, size));
	var[1] = btf__add_var(m->e.btf, "two", BTF_VAR_STATIC,
			      ops_type(m->e.btf, second, sizeof(struct ops)));
	id = btf__add_datasec(m->e.btf, section, 0);
	(void)id;
	btf__add_datasec_var_info(m->e.btf, var[0], at, 0);
	btf__add_datasec_var_info(m->e.btf, var[1], sizeof(struct ops), 0);
}

static int open_it(struct made *m, struct object **o)
{
	elf_types(&m->e);
	elf_write(&m->e);
	return elf_open(&m->e, NULL, o);
}

static void test_values(void **state)
{
	static const struct {
		const char *section, *type, *second;
		int has; /* which one is it; -1: none */
	} rows[] = {
		{".struct_ops", "sched_ext_ops", "other", 0},
		{".struct_ops.link", "sched_ext_ops", "other", 0},
		{".struct_ops.link", "sched_ext_ops___old", "other", 0},
		{".struct_ops.link", "other", "sched_ext_ops", 1},
		{".struct_ops.link", "sched_ext_ops", "sched_ext_ops", 0},
		{".struct_ops.link", "other", "others", -1},
		{".struct_ops.x", "sched_ext_ops", "other", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct object *o;
		struct made m;

		plain(&m, rows[i].section, rows[i].type, rows[i].second, 0,
		      sizeof(struct ops));
		if (open_it(&m, &o))
			fail_msg("row %zu: %s", i, err_text());
		assert_int_equal(o->has_ops, rows[i].has >= 0);
		assert_int_equal(o->ops.map, rows[i].has);
		if (!rows[i].has) {
			assert_string_equal(o->ops.variable, "one");
			assert_string_equal(o->ops.name, "first");
			assert_true(o->ops.flags == 0x1122334455667788);
			assert_int_equal(o->ops.timeout_ms, 0xfedcba98);
			assert_int_equal(o->ops.dispatch_max_batch, 0x10203040);
			assert_int_equal(o->ops.exit_dump_len, 77);
			assert_true(o->ops.hotplug_seq == 0x8899aabbccddeeff);
		} else if (rows[i].has > 0) {
			assert_string_equal(o->ops.name, "second");
			assert_int_equal(o->ops.timeout_ms, 5);
		}
		for (size_t k = 0; k < o->map_count; k++) {
			assert_true(o->maps[k].is_struct_ops);
			assert_int_equal(o->maps[k].type, 26);
			assert_int_equal(o->maps[k].key_size, 4);
			assert_int_equal(o->maps[k].max_entries, 1);
			assert_int_equal(o->maps[k].value_size,
					 sizeof(struct ops));
			assert_memory_equal(o->maps[k].data, &m.data[k],
					    sizeof(struct ops));
		}
		object_free(o);
		elf_release(&m.e);
	}
}

/* A name without an end, as long as there is room for. */
static void test_long_name(void **state)
{
	struct object *o;
	struct made m;

	(void)state;
	plain(&m, ".struct_ops", "sched_ext_ops", "other", 0,
	      sizeof(struct ops));
	memset(m.data[0].name, 'n', 128);
	assert_int_equal(open_it(&m, &o), 0);
	assert_int_equal(strlen(o->ops.name), 127);
	object_free(o);
	elf_release(&m.e);
}

static void test_places(void **state)
{
	enum { WHOLE = sizeof(struct ops) };
	static const struct {
		uint32_t at, size;
		const char *words;
	} rows[] = {
		{0, WHOLE, NULL},
		{WHOLE, WHOLE, NULL},
		{WHOLE + 1, WHOLE, "not a struct that is all there"},
		{2 * WHOLE, WHOLE, "not a struct that is all there"},
		{2 * WHOLE, 0, "not a struct that is all there"},
		{0, 0, "not a struct that is all there"},
		{0, 2 * WHOLE, NULL},
		{0, 2 * WHOLE + 1, "not a struct that is all there"},
		/* Members that are not all in it have no value. */
		{2 * WHOLE - 24, 24, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct object *o;
		struct made m;
		int rc;

		plain(&m, ".struct_ops", "sched_ext_ops", "other", rows[i].at,
		      rows[i].size);
		rc = open_it(&m, &o);
		if (rc != (rows[i].words ? -EINVAL : 0))
			fail_msg("row %zu: %d: %s", i, rc, err_text());
		if (rc)
			assert_non_null(strstr(err_text(), rows[i].words));
		else if (rows[i].size == 24)
			assert_int_equal(o->ops.timeout_ms, 0);
		object_free(o);
		elf_release(&m.e);
	}
}

static void test_functions(void **state)
{
	enum { WHOLE = sizeof(struct ops) };
	static const struct {
		uint32_t at;
		int to; /* of the text; -1: of the data */
		uint64_t addend;
		const char *name; /* NULL: refused */
		int func;
		bool ours;
	} rows[] = {
		{0, 0, 0, "enqueue", 0, true},
		{0, 8, 0, "enqueue", 1, true},
		{0, 0, 8, "enqueue", 1, true},
		{8, 8, 0, "dispatch", 1, true},
		{WHOLE, 0, 0, "enqueue", 0, false},
		{WHOLE + 8, 0, 0, "dispatch", 0, false},
		{0, 4, 0, NULL, 0, false},
		{0, 0, 16, NULL, 0, false},
		{0, -1, 0, NULL, 0, false},
		{4, 0, 0, NULL, 0, false},
		{16, 0, 0, NULL, 0, false}, /* a number */
		{48, 0, 0, NULL, 0, false},
		{2 * WHOLE - 4, 0, 0, NULL, 0, false},
		{2 * WHOLE - 8, 0, 0, NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct object *o;
		struct made m;
		int rc;

		plain(&m, ".struct_ops", "sched_ext_ops", "other", 0, WHOLE);
		if (rows[i].addend)
			m.data[0].enqueue = rows[i].addend;
		elf_rel(&m.e, m.sec, rows[i].at,
			elf_symbol_add(
				&m.e, "to", ELF_EXTERN,
				rows[i].to < 0 ? m.sec : m.text,
				rows[i].to < 0 ? 0 : (uint64_t)rows[i].to, 0));
		rc = open_it(&m, &o);
		if (rc != (rows[i].name ? 0 : -EINVAL))
			fail_msg("row %zu: %d: %s", i, rc, err_text());
		if (rc) {
			assert_non_null(strstr(err_text(),
					       "not a function in a member"));
		} else {
			const struct object_func *f = &o->funcs[rows[i].func];

			assert_int_equal(f->kind, FUNC_STRUCT_OPS);
			assert_string_equal(f->attach, rows[i].name);
			assert_int_equal(o->ops.count, rows[i].ours);
			assert_int_equal(object_op(o, rows[i].name),
					 rows[i].ours ? rows[i].func : -1);
			assert_int_equal(object_op(o, "enq"), -1);
		}
		object_free(o);
		elf_release(&m.e);
	}
}

/* ---- special members --------------------------------------------------- */

/* Types that each struct below may use. */
struct zoo {
	int u8, u64, lock, timer, head, node, root, rb, count, kptr, percpu,
		untrusted, user, plain, to_int, item;
};

static int opaque(struct btf *b, const char *name, uint32_t size)
{
	return btf__add_struct(b, name, size);
}

static int tagged(struct btf *b, const char *tag, int to)
{
	return btf__add_ptr(b, btf__add_type_tag(b, tag, to));
}

static void add_zoo(struct btf *b, struct zoo *z)
{
	int mask;

	z->u8 = btf__add_int(b, "u8", 1, 0);
	z->u64 = btf__add_int(b, "u64", 8, 0);
	z->lock = opaque(b, "bpf_spin_lock", 4);
	z->timer = opaque(b, "bpf_timer", 16);
	z->head = opaque(b, "bpf_list_head", 16);
	z->node = opaque(b, "bpf_list_node", 24);
	z->root = opaque(b, "bpf_rb_root", 16);
	z->rb = opaque(b, "bpf_rb_node", 32);
	z->count = opaque(b, "bpf_refcount", 4);
	mask = btf__add_fwd(b, "bpf_cpumask", BTF_FWD_STRUCT);
	z->kptr = tagged(b, "kptr", btf__add_const(b, mask));
	z->percpu = tagged(b, "percpu_kptr", mask);
	z->untrusted = tagged(b, "kptr_untrusted", mask);
	z->user = tagged(b, "user", mask);
	z->plain = btf__add_ptr(b, mask);
	z->to_int = tagged(b, "kptr", z->u64);
	z->item = btf__add_struct(b, "item", 64);
	btf__add_field(b, "key", z->u64, 0, 0);
	btf__add_field(b, "list", z->node, 64, 0);
	btf__add_field(b, "tree", z->rb, 256, 0);
}

/* The fields of a struct as "kind@offset …", or the error. */
static void check_fields(struct elf_fix *e, uint32_t type, int rc,
			 const char *want)
{
	static const char *const names[] = {[FIELD_SPIN_LOCK] = "lock",
					    [FIELD_TIMER] = "timer",
					    [FIELD_KPTR] = "kptr",
					    [FIELD_LIST_HEAD] = "head",
					    [FIELD_LIST_NODE] = "node",
					    [FIELD_RB_ROOT] = "root",
					    [FIELD_RB_NODE] = "rb",
					    [FIELD_REFCOUNT] = "count",
					    [FIELD_KPTR_UNTRUSTED] =
						    "untrusted"};
	struct object o = {.btf = e->btf};
	struct object_field *f;
	char text[512] = "";
	size_t n;

	if (object_fields(&o, type, &f, &n) != rc)
		fail_msg("'%s': not %d: %s", want, rc, rc ? "" : err_text());
	if (rc) {
		assert_null(f);
		assert_int_equal(n, 0);
		if (!strstr(err_text(), want))
			fail_msg("'%s' is not in '%s'", want, err_text());
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at,
			 f[i].node_offset ? "%s%s@%u(%u)" : "%s%s@%u",
			 i ? " " : "", names[f[i].kind], f[i].offset,
			 f[i].node_offset);
	}
	assert_string_equal(text, want);
	free(f);
}

static uint32_t with(struct elf_fix *e, uint32_t size, int type, uint32_t at)
{
	int id = btf__add_struct(e->btf, "with", size);

	if (at)
		btf__add_field(e->btf, "first", 1, 0, 0);
	btf__add_field(e->btf, "member", type, at * 8, 0);
	return (uint32_t)id;
}

static void test_fields(void **state)
{
	struct elf_fix e;
	struct btf *b;
	struct zoo z;
	uint32_t id;
	int deep;

	(void)state;
	elf_init(&e);
	b = e.btf;
	add_zoo(b, &z);
	check_fields(&e, with(&e, 8, z.u64, 0), 0, "");
	check_fields(&e, with(&e, 12, z.lock, 8), 0, "lock@8");
	check_fields(&e, with(&e, 24, z.timer, 8), 0, "timer@8");
	check_fields(&e, with(&e, 32, z.node, 8), 0, "node@8");
	check_fields(&e, with(&e, 40, z.rb, 8), 0, "rb@8");
	check_fields(&e, with(&e, 12, z.count, 8), 0, "count@8");
	check_fields(&e, with(&e, 16, z.kptr, 8), 0, "kptr@8");
	check_fields(&e, with(&e, 16, z.percpu, 8), 0, "kptr@8");
	check_fields(&e, with(&e, 16, z.untrusted, 8), 0, "untrusted@8");
	check_fields(&e, with(&e, 16, z.user, 8), 0, "");
	check_fields(&e, with(&e, 16, z.plain, 8), 0, "");
	check_fields(&e, with(&e, 16, z.to_int, 8), -EINVAL,
		     "offset 8: a kptr to no struct");
	/* A tag of another kind beside it changes nothing. */
	deep = btf__add_type_tag(b, "rcu",
				 btf__add_type_tag(b, "kptr", z.item));
	check_fields(&e, with(&e, 16, btf__add_ptr(b, deep), 8), 0, "kptr@8");
	/* Not the struct's any more. */
	check_fields(&e, with(&e, 8, z.kptr, 8), 0, "");
	check_fields(&e, with(&e, 9, z.kptr, 8), 0, "kptr@8");
	/* Arrays, structs and unions in it; sorted. */
	deep = btf__add_array(b, z.u8, z.kptr, 3);
	check_fields(&e, with(&e, 32, deep, 8), 0, "kptr@8 kptr@16 kptr@24");
	check_fields(&e, with(&e, 24, deep, 8), 0, "kptr@8 kptr@16");
	deep = btf__add_array(b, z.u8, deep, 2);
	check_fields(&e, with(&e, 48, deep, 0), 0,
		     "kptr@0 kptr@8 kptr@16 kptr@24 kptr@32 kptr@40");
	deep = btf__add_array(b, z.u8, z.kptr, 0);
	check_fields(&e, with(&e, 48, deep, 0), 0, "");
	id = (uint32_t)btf__add_struct(b, "mixed", 64);
	btf__add_field(b, "c", z.timer, 320, 0);
	btf__add_field(b, "a", z.lock, 0, 0);
	btf__add_field(b, "b", z.kptr, 64, 0);
	check_fields(&e, id, 0, "lock@0 kptr@8 timer@40");
	check_fields(&e, with(&e, 80, (int)id, 8), 0,
		     "lock@8 kptr@16 timer@48");
	deep = btf__add_union(b, "either", 8);
	btf__add_field(b, "x", z.u64, 0, 0);
	btf__add_field(b, "y", z.kptr, 0, 0);
	check_fields(&e, with(&e, 16, deep, 8), 0, "kptr@8");
	/* Lists and trees: of what is said by a tag on the member. */
	check_fields(&e, with(&e, 24, z.head, 8), -EINVAL,
		     "nothing says what the list or tree contains");
	id = with(&e, 24, z.head, 8);
	btf__add_decl_tag(b, "contains:item:list", (int)id, 1);
	check_fields(&e, id, 0, "head@8(8)");
	id = with(&e, 24, z.root, 8);
	btf__add_decl_tag(b, "other:item:tree", (int)id, 1);
	btf__add_decl_tag(b, "contains:item:tree", (int)id, 0);
	btf__add_decl_tag(b, "contains:item:list", (int)id - 1, 1);
	check_fields(&e, id, -EINVAL, "offset 8: nothing says");
	btf__add_decl_tag(b, "contains:item:tree", (int)id, 1);
	check_fields(&e, id, 0, "root@8(32)");
	id = with(&e, 24, z.root, 8);
	btf__add_decl_tag(b, "contains:item:bush", (int)id, 1);
	check_fields(&e, id, -EINVAL, "nothing says");
	id = with(&e, 24, z.root, 8);
	btf__add_decl_tag(b, "contains:items:tree", (int)id, 1);
	check_fields(&e, id, -EINVAL, "nothing says");
	id = with(&e, 24, z.root, 8);
	btf__add_decl_tag(b, "contains:ite:tree", (int)id, 1);
	check_fields(&e, id, -EINVAL, "nothing says");
	/* Not of structs at all. */
	check_fields(&e, (uint32_t)z.u64, -EINVAL, "is no struct");
	check_fields(&e, 0, -EINVAL, "is no struct");
	check_fields(&e, btf__type_cnt(b), -EINVAL, "is no struct");
	elf_release(&e);
}

/* 8 structs around it are looked through, and 4096 of them are the most. */
static void test_bounds(void **state)
{
	struct elf_fix e;
	struct zoo z;
	int id, outer;

	(void)state;
	elf_init(&e);
	add_zoo(e.btf, &z);
	id = (int)with(&e, 8, z.kptr, 0);
	for (int i = 1; i < 8; i++)
		id = (int)with(&e, 8, id, 0);
	check_fields(&e, (uint32_t)id, 0, "kptr@0");
	check_fields(&e, with(&e, 8, id, 0), 0, "");
	for (uint32_t n = 4096; n <= 4097; n++) {
		struct object o = {.btf = e.btf};
		struct object_field *f;
		size_t count;

		id = btf__add_array(e.btf, z.u8, z.kptr, n);
		outer = (int)with(&e, 8 * n, id, 0);
		assert_int_equal(object_fields(&o, (uint32_t)outer, &f, &count),
				 n == 4096 ? 0 : -EFBIG);
		assert_int_equal(count, n == 4096 ? 4096 : 0);
		free(f);
	}
	elf_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_places), cmocka_unit_test(test_functions),
		cmocka_unit_test(test_fields), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
