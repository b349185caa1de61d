/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of a few instructions, made by hand, for the analysis: what no
 * compiler writes, and what one writes only now and then.  The line of an
 * instruction is its number from 1 on.
 */
#ifndef SCHEDKIT_TESTS_PROVE_FIX_H
#define SCHEDKIT_TESTS_PROVE_FIX_H

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bpfvm/object.h"
#include "prove/prove.h"

#define DSQ_GLOBAL   (1ULL << 63 | 1)
#define DSQ_LOCAL    (1ULL << 63 | 2)
#define DSQ_LOCAL_ON (3ULL << 62)
#define ENQ_HEAD     (1 << 4)
#define SHARED	     7

/* Members of the task of these types, in bytes. */
enum {
	AT_PID = 0,
	AT_TGID = 4,
	AT_PARENT = 8,
	AT_LEADER = 16,
	AT_CPUS = 24,
	AT_SLICE = 32,
	AT_VTIME = 40,
	AT_WEIGHT = 48,
	AT_OTHER = 56,
};

enum {
	K_INSERT,
	K_VTIME,
	K_ARGS,
	K_MOVE,
	K_TAKE,
	K_CREATE,
	K_KICK,
	K_SET_SLICE,
	K_SET_VTIME,
	K_TEST_CPU,
	K_DEFAULT_CPU,
	K_PICK,
	K_QUEUE_NEW,
	K_QUEUE_NEXT,
	K_QUEUE_END,
	K_NUM_NEW,
	K_NUM_NEXT,
	K_NUM_END,
	K_TASK_NEW,
	K_TASK_NEXT,
	K_CSS_NEW,
	K_CSS_NEXT,
	K_TREE_ADD,
	K_WORK,
	K_ERROR,
	K_FROM_PID,
	K_ACQUIRE,
	K_RELEASE,
	K_MASK_NEW,
	K_MASK_EMPTY,
	K_NOW,
	K_NOBODYS,   /* a call that the analysis does not know */
	K_WEAK,	     /* such a one, and no kernel has it */
	K_DISPATCH,  /* that went */
	K_VARIABLE,  /* weak, not a function, not there */
	K_VARIABLE2, /* the same, there */
	FIX_EXTERNS,
};

enum {
	M_ARRAY, /* 4 of 16 bytes */
	M_HASH,
	M_QUEUE,
	M_STACK,
	M_TABLE,  /* constant: 1 ms, 2 ms, 4 ms, 8 ms */
	M_LATER,  /* constant, 0, and set after the analysis */
	M_DATA,	  /* variables, 64 bytes */
	M_NESTED, /* maps */
	M_RING,
	M_KPTR, /* a kptr at 8 */
	FIX_MAPS,
};

#define FIX_FUNCS 4
#define FIX_INSNS 512

#define I(c, d, s, o, k)              \
	{                             \
		.i = {.code = (c),    \
		      .dst_reg = (d), \
		      .src_reg = (s), \
		      .off = (o),     \
		      .imm = (k) }    \
	}
#define LD64(d, w, a, v)                                           \
	{.i = {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = (d)}, \
	 .what = (w),                                              \
	 .arg = (a),                                               \
	 .value = (v)},                                            \
	{                                                          \
		.what = INSN_SECOND                                \
	}
#define CALL(w, a)                                                         \
	{                                                                  \
		.i = {.code = BPF_JMP | BPF_CALL}, .what = (w), .arg = (a) \
	}
#define ALU(op, d, k)	   I(BPF_ALU64 | (op), d, 0, 0, k)
#define ALUX(op, d, s)	   I(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define MOV(d, k)	   ALU(BPF_MOV, d, k)
#define MOVX(d, s)	   ALUX(BPF_MOV, d, s)
#define ADD(d, k)	   ALU(BPF_ADD, d, k)
#define CONST(d, v)	   LD64(d, INSN_CONST, 0, v)
#define MAP(d, m)	   LD64(d, INSN_MAP, m, 0)
#define VALUE(d, m, at)	   LD64(d, INSN_MAP_VALUE, m, at)
#define FUNC(d, f)	   LD64(d, INSN_FUNC, f, 0)
#define SYMBOL(d, e)	   LD64(d, INSN_KSYM, e, 0)
#define LDX(size, d, s, o) I(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STX(size, d, s, o) I(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define ST(size, d, o, k)  I(BPF_ST | BPF_MEM | (size), d, 0, o, k)
#define JMP(op, d, k, o)   I(BPF_JMP | (op), d, 0, o, k)
#define JMPX(op, d, s, o)  I(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define JA(o)		   I(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define MAY_GOTO(o)	   I(BPF_JMP | 0xe0, 0, 0, o, 0)
#define KFUNC(e)	   CALL(INSN_CALL_KFUNC, e)
#define HELPER(n)	   CALL(INSN_CALL_HELPER, n)
#define SUBPROG(f)	   CALL(INSN_CALL_FUNC, f)
#define EXIT		   I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define END		   MOV(0, 0), EXIT

/* r6: the task */
#define TASK LDX(BPF_DW, 6, 1, 0)
/* 6 instructions; slices are 5 ms */
#define INSERT_INTO(dsq) \
	MOVX(1, 6), CONST(2, dsq), MOV(3, 5000000), MOV(4, 0), KFUNC(K_INSERT)
#define INSERT INSERT_INTO(DSQ_GLOBAL)
/* r0 is the value of key 1, or NULL; 7 instructions */
#define LOOKUP(m)                                                 \
	ST(BPF_W, 10, -4, 1), MOVX(2, 10), ADD(2, -4), MAP(1, m), \
		HELPER(BPF_FUNC_map_lookup_elem)

struct fix {
	struct object o;
	struct object_insn insns[FIX_INSNS];
	struct object_line lines[FIX_INSNS];
	struct object_func funcs[FIX_FUNCS];
	struct object_extern externs[FIX_EXTERNS];
	struct object_map maps[FIX_MAPS];
	struct object_field kptr;
	struct object_op ops[FIX_FUNCS];
	uint64_t table[4], later[1];
	struct btf *types;
};

/* A part of the text: an op's, or (NULL) a function's that is called. */
struct fix_func {
	const char *op;
	const struct object_insn *insns;
	size_t count;
};

#define FIX_TEXT(...)                                               \
	(const struct object_insn[]){__VA_ARGS__},                  \
		sizeof((const struct object_insn[]){__VA_ARGS__}) / \
			sizeof(struct object_insn)

static inline void fix_externs(struct fix *f)
{
	static const struct {
		const char *name;
		bool weak, there, variable;
	} all[FIX_EXTERNS] = {
		[K_INSERT] = {"scx_bpf_dsq_insert", false, true, false},
		[K_VTIME] = {"scx_bpf_dsq_insert_vtime", false, true, false},
		[K_ARGS] = {"__scx_bpf_dsq_insert_vtime", true, true, false},
		[K_MOVE] = {"scx_bpf_dsq_move", false, true, false},
		[K_TAKE] = {"scx_bpf_dsq_move_to_local", false, true, false},
		[K_CREATE] = {"scx_bpf_create_dsq", false, true, false},
		[K_KICK] = {"scx_bpf_kick_cpu", false, true, false},
		[K_SET_SLICE] = {"scx_bpf_task_set_slice", false, true, false},
		[K_SET_VTIME] = {"scx_bpf_task_set_dsq_vtime", false, true,
				 false},
		[K_TEST_CPU] = {"bpf_cpumask_test_cpu", false, true, false},
		[K_DEFAULT_CPU] = {"scx_bpf_select_cpu_dfl", false, true,
				   false},
		[K_PICK] = {"scx_bpf_pick_any_cpu", false, true, false},
		[K_QUEUE_NEW] = {"bpf_iter_scx_dsq_new", false, true, false},
		[K_QUEUE_NEXT] = {"bpf_iter_scx_dsq_next", false, true, false},
		[K_QUEUE_END] = {"bpf_iter_scx_dsq_destroy", false, true,
				 false},
		[K_NUM_NEW] = {"bpf_iter_num_new", false, true, false},
		[K_NUM_NEXT] = {"bpf_iter_num_next", false, true, false},
		[K_NUM_END] = {"bpf_iter_num_destroy", false, true, false},
		[K_TASK_NEW] = {"bpf_iter_task_new", false, true, false},
		[K_TASK_NEXT] = {"bpf_iter_task_next", false, true, false},
		[K_CSS_NEW] = {"bpf_iter_css_new", false, true, false},
		[K_CSS_NEXT] = {"bpf_iter_css_next", false, true, false},
		[K_TREE_ADD] = {"bpf_rbtree_add_impl", false, true, false},
		[K_WORK] = {"bpf_wq_set_callback_impl", false, true, false},
		[K_ERROR] = {"scx_bpf_error_bstr", false, true, false},
		[K_FROM_PID] = {"bpf_task_from_pid", false, true, false},
		[K_ACQUIRE] = {"bpf_task_acquire", false, true, false},
		[K_RELEASE] = {"bpf_task_release", false, true, false},
		[K_MASK_NEW] = {"bpf_cpumask_create", false, true, false},
		[K_MASK_EMPTY] = {"bpf_cpumask_empty", false, true, false},
		[K_NOW] = {"scx_bpf_now", false, true, false},
		[K_NOBODYS] = {"nobody_knows", false, true, false},
		[K_WEAK] = {"nobody_has", true, false, false},
		[K_DISPATCH] = {"scx_bpf_dispatch___old", true, false, false},
		[K_VARIABLE] = {"no_variable", true, false, true},
		[K_VARIABLE2] = {"some_variable", true, true, true},
	};

	for (int i = 0; i < FIX_EXTERNS; i++)
		f->externs[i] =
			(struct object_extern){.name = all[i].name,
					       .is_func = !all[i].variable,
					       .weak = all[i].weak,
					       .index = all[i].there ? i : -1};
}

static inline void fix_maps(struct fix *f)
{
	struct object_map *m = f->maps;

	for (int i = 0; i < 4; i++)
		f->table[i] = 1000000ULL << i;
	m[M_ARRAY] = (struct object_map){.name = "array",
					 .type = BPF_MAP_TYPE_ARRAY,
					 .key_size = 4,
					 .value_size = 16,
					 .max_entries = 4};
	m[M_HASH] = (struct object_map){.name = "hash",
					.type = BPF_MAP_TYPE_HASH,
					.key_size = 4,
					.value_size = 16,
					.max_entries = 4};
	m[M_QUEUE] = (struct object_map){.name = "queue",
					 .type = BPF_MAP_TYPE_QUEUE,
					 .key_size = 0,
					 .value_size = 4,
					 .max_entries = 4};
	m[M_STACK] = (struct object_map){.name = "stack",
					 .type = BPF_MAP_TYPE_STACK,
					 .key_size = 0,
					 .value_size = 4,
					 .max_entries = 4};
	m[M_TABLE] = (struct object_map){.name = ".rodata",
					 .type = BPF_MAP_TYPE_ARRAY,
					 .key_size = 4,
					 .value_size = sizeof(f->table),
					 .max_entries = 1,
					 .data = (unsigned char *)f->table,
					 .frozen = true};
	m[M_LATER] = (struct object_map){.name = ".rodata.later",
					 .type = BPF_MAP_TYPE_ARRAY,
					 .key_size = 4,
					 .value_size = sizeof(f->later),
					 .max_entries = 1,
					 .data = (unsigned char *)f->later,
					 .frozen = true};
	m[M_DATA] = (struct object_map){.name = ".bss",
					.type = BPF_MAP_TYPE_ARRAY,
					.key_size = 4,
					.value_size = 64,
					.max_entries = 1};
	m[M_NESTED] = (struct object_map){.name = "nested",
					  .type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
					  .key_size = 4,
					  .value_size = 4,
					  .max_entries = 4};
	m[M_RING] = (struct object_map){.name = "ring",
					.type = BPF_MAP_TYPE_RINGBUF,
					.key_size = 0,
					.value_size = 0,
					.max_entries = 4096};
	m[M_KPTR] = (struct object_map){.name = "kptr",
					.type = BPF_MAP_TYPE_HASH,
					.key_size = 4,
					.value_size = 16,
					.max_entries = 4};
	f->kptr = (struct object_field){.kind = FIELD_KPTR, .offset = 8};
	m[M_KPTR].fields = &f->kptr;
	m[M_KPTR].field_count = 1;
}

/* struct task_struct with its members where the AT_* say, the scheduler's
 * behind two names of their struct. */
static inline void fix_types(struct fix *f)
{
	struct btf *b = f->types = btf__new_empty();
	int u32, u64, ptr, scx, alias;

	assert_non_null(b);
	u32 = btf__add_int(b, "unsigned int", 4, 0);
	u64 = btf__add_int(b, "unsigned long long", 8, 0);
	ptr = btf__add_ptr(b, 0);
	scx = btf__add_struct(b, "sched_ext_entity", 24);
	assert_int_equal(btf__add_field(b, "slice", u64, 0, 0), 0);
	assert_int_equal(btf__add_field(b, "dsq_vtime", u64, 64, 0), 0);
	assert_int_equal(btf__add_field(b, "weight", u32, 128, 0), 0);
	alias = btf__add_typedef(b, "entity", btf__add_const(b, scx));
	assert_true(btf__add_struct(b, "task_struct", 64) > 0);
	btf__add_field(b, "pid", u32, 8 * AT_PID, 0);
	btf__add_field(b, "tgid", u32, 8 * AT_TGID, 0);
	btf__add_field(b, "real_parent", ptr, 8 * AT_PARENT, 0);
	btf__add_field(b, "group_leader", ptr, 8 * AT_LEADER, 0);
	btf__add_field(b, "cpus_ptr", ptr, 8 * AT_CPUS, 0);
	btf__add_field(b, "scx", alias, 8 * AT_SLICE, 0);
	btf__add_field(b, "other", u64, 8 * AT_OTHER, 0);
	assert_true(btf__add_enum(b, "flags", 4) > 0);
	assert_int_equal(btf__add_enum_value(b, "SCX_ENQ_HEAD", ENQ_HEAD), 0);
}

/* The object's own: what tells which variable is set later. */
static inline void fix_own(struct fix *f)
{
	struct btf *b = f->o.btf = btf__new_empty();
	int u64, var;

	assert_non_null(b);
	u64 = btf__add_int(b, "unsigned long long", 8, 0);
	var = btf__add_var(b, "nr_cpus", BTF_VAR_GLOBAL_ALLOCATED, u64);
	assert_true(btf__add_datasec(b, ".rodata.later", 8) > 0);
	assert_int_equal(btf__add_datasec_var_info(b, var, 0, 8), 0);
}

static inline struct fix *fix_new(const struct fix_func *funcs, size_t count)
{
	struct fix *f = mem_zalloc(1, sizeof(*f));
	uint32_t at = 0;

	fix_externs(f);
	fix_maps(f);
	fix_types(f);
	fix_own(f);
	assert_true(count <= FIX_FUNCS);
	for (size_t i = 0; i < count; i++) {
		const struct fix_func *from = &funcs[i];
		struct object_func *to = &f->funcs[i];

		assert_true(at + from->count <= FIX_INSNS);
		if (from->count)
			memcpy(&f->insns[at], from->insns,
			       from->count * sizeof(*from->insns));
		to->name = from->op ? from->op : "function";
		to->section = to->attach = "";
		to->kind = from->op ? FUNC_STRUCT_OPS : FUNC_SUBPROG;
		to->first = at;
		to->count = (uint32_t)from->count;
		to->sleepable = from->op && !strcmp(from->op, "init");
		at += to->count;
		if (from->op)
			f->ops[f->o.ops.count++] =
				(struct object_op){from->op, (int)i};
	}
	for (uint32_t i = 0; i < at; i++)
		f->lines[i] = (struct object_line){i, i + 1, 1, "hand.c", ""};
	f->o.insns = f->insns;
	f->o.insn_count = f->o.line_count = at;
	f->o.lines = f->lines;
	f->o.funcs = f->funcs;
	f->o.func_count = count;
	f->o.externs = f->externs;
	f->o.extern_count = FIX_EXTERNS;
	f->o.maps = f->maps;
	f->o.map_count = FIX_MAPS;
	f->o.ops.ops = f->ops;
	f->o.ops.variable = "hand";
	f->o.ops.timeout_ms = 5000;
	f->o.has_ops = true;
	return f;
}

static inline void fix_free(struct fix *f)
{
	btf__free(f->types);
	btf__free(f->o.btf);
	free(f);
}

static inline struct prove_result fix_prove(const struct fix *f)
{
	static const char *const later[] = {"nr_cpus", NULL};
	struct prove_opts opts = {.types = f->types, .later = later};
	struct prove_result r;

	assert_int_equal(prove_object(&f->o, &opts, &r), 0);
	return r;
}

/* ---- rows of programs and answers ------------------------------------------
 */

#define OP(name, ...)                       \
	{                                   \
		name, FIX_TEXT(__VA_ARGS__) \
	}
#define ENQ(...) OP("enqueue", __VA_ARGS__)
#define SUB(...) OP(NULL, __VA_ARGS__)
struct row {
	const char *what;
	enum prove_rule rule;
	enum prove_answer answer;
	uint32_t line;	  /* 0: any */
	const char *says; /* a part of it */
	struct fix_func f[FIX_FUNCS];
};

#define PROVED(what, rule, ...)                            \
	{                                                  \
		what, PROVE_##rule, PROVE_PROVED, 0, NULL, \
		{                                          \
			__VA_ARGS__                        \
		}                                          \
	}
#define UNKNOWN(what, rule, says, ...)                      \
	{                                                   \
		what, PROVE_##rule, PROVE_UNKNOWN, 0, says, \
		{                                           \
			__VA_ARGS__                         \
		}                                           \
	}
#define VIOLATED(what, rule, line, says, ...)                   \
	{                                                       \
		what, PROVE_##rule, PROVE_VIOLATED, line, says, \
		{                                               \
			__VA_ARGS__                             \
		}                                               \
	}

static inline size_t count_funcs(const struct row *r)
{
	size_t n = 0;

	while (n < FIX_FUNCS && r->f[n].count)
		n++;
	return n;
}

/* What the row names, or else the first of that rule. */
static inline const struct prove_finding *find(const struct prove_result *r,
					       const struct row *row)
{
	const struct prove_finding *first = NULL;

	for (size_t i = 0; i < r->count; i++) {
		const struct prove_finding *f = &r->findings[i];

		if (f->rule != row->rule || f->answer != row->answer)
			continue;
		if (row->says && strstr(f->text, row->says))
			return f;
		first = first ? first : f;
	}
	return first;
}

static int failures;

/* Tells of each row that is wrong, not of the first one alone. */
static inline void wrong(const struct row *row, const char *what,
			 const struct prove_finding *f)
{
	print_error("%s: %s: line %u: %s\n", row->what, what, f ? f->line : 0,
		    f ? f->text : "nothing found");
	failures++;
}

static inline void judge(const struct row *row)
{
	struct fix *f = fix_new(row->f, count_funcs(row));
	struct prove_result r = fix_prove(f);
	const struct prove_finding *one = find(&r, row);

	if (r.answers[row->rule] != row->answer)
		wrong(row, "another answer", r.count ? r.findings : NULL);
	else if (row->line && (!one || one->line != row->line))
		wrong(row, "another line", one);
	else if (row->says && (!one || !strstr(one->text, row->says)))
		wrong(row, "other words", one);
	prove_result_release(&r);
	fix_free(f);
}

static inline void judge_all(const struct row *rows, size_t count)
{
	failures = 0;
	for (size_t i = 0; i < count; i++)
		judge(&rows[i]);
	assert_int_equal(failures, 0);
}

#endif
