/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever object_open() takes keeps its promises: indices in range, jumps on
 * instructions of the same function, ends that do not fall through.  First for
 * a kernel that has nothing, then for one with the object's own types.
 */
#include <bpf/btf.h>
#include <string.h>

#include "bpfvm/object.h"
#include "fuzz.h"

static int yes(void *arg, const char *name, bool is_func)
{
	(void)arg;
	(void)is_func;
	return (int)strlen(name);
}

static size_t limit(const struct object *o, enum insn_what what)
{
	switch (what) {
	case INSN_MAP:
	case INSN_MAP_VALUE:
		return o->map_count;
	case INSN_FUNC:
	case INSN_CALL_FUNC:
		return o->func_count;
	case INSN_KSYM:
	case INSN_CALL_KFUNC:
		return o->extern_count;
	case INSN_POISON:
		return o->note_count;
	default:
		return SIZE_MAX;
	}
}

static void check_insn(const struct object *o, const struct object_func *f,
		       uint32_t i)
{
	const struct object_insn *in = &o->insns[f->first + i];
	uint8_t class = BPF_CLASS(in->i.code), op = BPF_OP(in->i.code);
	int64_t to = in->i.off;

	expect(in->arg < limit(o, in->what));
	expect(in->i.dst_reg <= 10 && in->i.src_reg <= 10);
	if (in->what == INSN_CONST)
		expect(i + 1 < f->count && in[1].what == INSN_SECOND);
	if (in->what == INSN_SECOND || (class != BPF_JMP && class != BPF_JMP32))
		return;
	if (op == BPF_CALL || op == BPF_EXIT ||
	    (op == BPF_JA && BPF_SRC(in->i.code) == BPF_X))
		return;
	if (class == BPF_JMP32 && op == BPF_JA)
		to = in->i.imm;
	to += (int64_t)i + 1;
	expect(to >= 0 && to < f->count);
	expect(o->insns[f->first + to].what != INSN_SECOND);
}

static void check_maps(const struct object *o)
{
	for (size_t i = 0; i < o->map_count; i++) {
		const struct object_map *m = &o->maps[i];
		size_t sum = 0;

		expect(m->inner < (int)o->map_count);
		for (size_t j = 0; j < m->initial_count; j++)
			expect(m->initial[j] <
			       (int)(o->map_count + o->func_count));
		for (size_t j = 0; m->data && j < m->value_size; j++)
			sum += m->data[j];
		expect(sum <= 255ull * m->value_size);
		for (size_t j = 0; j < m->field_count; j++)
			expect(m->fields[j].offset < m->value_size);
	}
}

static void check(struct object *o)
{
	const struct object_line *l;
	size_t size;
	void *at;
	int map;

	for (size_t i = 0; i < o->func_count; i++) {
		const struct object_func *f = &o->funcs[i];

		expect(f->first + (size_t)f->count <= o->insn_count);
		for (uint32_t j = 0; j < f->count; j++) {
			check_insn(o, f, j);
			expect(object_func_of(o, f->first + j) == (int)i);
			l = object_line(o, f->first + j);
			expect(!l || l->insn <= f->first + j);
		}
	}
	check_maps(o);
	for (size_t i = 0; i < o->ops.count; i++)
		expect(o->ops.ops[i].func < (int)o->func_count);
	for (uint32_t id = 1; id < btf__type_cnt(o->btf); id++) {
		const struct btf_type *t = btf__type_by_id(o->btf, id);
		const char *name = btf__name_by_offset(o->btf, t->name_off);

		if (!btf_is_var(t) ||
		    object_variable(o, name, &at, &size, &map))
			continue;
		memset(at, 1, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object_target t = {.resolve = yes, .version = 6, .hz = 250};
	struct btf *none = btf__new_empty();
	struct object *o, *again;

	t.types = none;
	if (!object_open(data, size, &t, &o)) {
		check(o);
		t.types = o->btf;
		if (!object_open(data, size, &t, &again)) {
			expect(again->insn_count == o->insn_count);
			check(again);
			object_free(again);
		}
		object_free(o);
	}
	btf__free(none);
	return 0;
}
