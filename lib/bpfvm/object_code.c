/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of all sections joined into one text, and what their instructions
 * refer to.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define LD_IMM64  (BPF_LD | BPF_IMM | BPF_DW)
#define CALL	  (BPF_JMP | BPF_CALL)
#define MAX_INSNS (1u << 22)

/* ---- places ------------------------------------------------------------ */

/* The last function that begins at or before that place; -1: none. */
static int64_t func_before(const struct reader *r, uint32_t section,
			   uint64_t offset)
{
	size_t lo = 0, hi = r->o->func_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct place *p = &r->places[mid];

		if (p->section < section ||
		    (p->section == section && p->offset <= offset))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && r->places[lo - 1].section == section ? (int64_t)lo - 1
							  : -1;
}

int code_func_at(const struct reader *r, uint32_t section, uint64_t offset)
{
	int64_t f = func_before(r, section, offset);

	return f >= 0 && r->places[f].offset == offset ? (int)f : -1;
}

int64_t code_insn_at(const struct reader *r, uint32_t section, uint64_t offset)
{
	int64_t f = func_before(r, section, offset);

	if (f < 0 || offset - r->places[f].offset >= r->places[f].size)
		return -1;
	return r->o->funcs[f].first +
	       (int64_t)((offset - r->places[f].offset) / 8);
}

const char *code_where(struct reader *r, uint32_t insn)
{
	int f = object_func_of(r->o, insn);

	if (f < 0)
		return "in no function";
	return arena_printf(&r->tmp, "section '%s', offset %llu (in %s)",
			    r->o->funcs[f].section,
			    (unsigned long long)r->places[f].offset +
				    8ull * (insn - r->o->funcs[f].first),
			    r->o->funcs[f].name);
}

void code_note(struct reader *r, uint32_t insn, char *text)
{
	struct object *o = r->o;

	o->notes =
		arena_push(r->keep, o->notes, o->note_count, sizeof(*o->notes));
	o->notes[o->note_count++] =
		(struct object_note){.insn = insn, .text = text};
}

/* ---- functions --------------------------------------------------------- */

/* "struct_ops.s/init": what comes before a slash or dot is `kind`. */
static bool section_is(const char *section, const char *kind)
{
	size_t n = strlen(kind);

	return !strncmp(section, kind, n) &&
	       (!section[n] || section[n] == '/' || section[n] == '.');
}

static void classify(struct object_func *f)
{
	const char *s = f->section, *slash, *dot;

	f->attach = s;
	/* A question mark: not loaded unless somebody asks for it. */
	if (*s == '?')
		s++;
	slash = strchr(s, '/');
	dot = strstr(s, ".s");
	f->sleepable = dot && dot != s && (!dot[2] || dot[2] == '/') &&
		       (!slash || dot < slash);
	if (section_is(s, ".text")) {
		f->kind = FUNC_SUBPROG;
		f->attach = "";
	} else if (section_is(s, "struct_ops")) {
		f->kind = FUNC_STRUCT_OPS;
		f->attach = slash ? slash + 1 : "";
	} else if (section_is(s, "tp_btf") || section_is(s, "raw_tp") ||
		   section_is(s, "raw_tracepoint")) {
		f->kind = FUNC_TRACEPOINT;
		f->attach = slash ? slash + 1 : "";
	} else if (section_is(s, "syscall")) {
		f->kind = FUNC_SYSCALL;
		f->attach = "";
		f->sleepable = true;
	} else {
		f->kind = FUNC_OTHER;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct symbol *x = *(const struct symbol *const *)a;
	const struct symbol *y = *(const struct symbol *const *)b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int add_func(struct reader *r, const struct symbol *s)
{
	const struct section *sec = &r->sections[s->section];
	size_t i = r->o->func_count;
	struct place *last = i ? &r->places[i - 1] : NULL;
	struct object_func *f;

	if (s->value % 8 || s->size % 8 || !s->size ||
	    s->size > sec->size - s->value)
		return err_set(EINVAL,
			       "section '%s', offset %llu: function '%s' has "
			       "a bad size",
			       sec->name, (unsigned long long)s->value,
			       arena_name(&r->tmp, s->name));
	if (last && last->section == s->section &&
	    s->value < last->offset + last->size) {
		if (s->value == last->offset && s->size == last->size)
			return 0; /* another name for it */
		return err_set(EINVAL,
			       "section '%s', offset %llu: functions overlap",
			       sec->name, (unsigned long long)s->value);
	}
	r->places[i] = (struct place){s->section, s->value, s->size};
	f = &r->o->funcs[r->o->func_count++];
	f->name = arena_name(r->keep, s->name);
	f->section = sec->name;
	f->first = (uint32_t)r->o->insn_count;
	f->count = (uint32_t)(s->size / 8);
	r->o->insn_count += f->count;
	classify(f);
	return r->o->insn_count > MAX_INSNS
		       ? err_set(EFBIG, "more than %u instructions", MAX_INSNS)
		       : 0;
}

static int copy_insns(struct reader *r, size_t func)
{
	const struct object_func *f = &r->o->funcs[func];
	const struct place *p = &r->places[func];
	const unsigned char *from = r->sections[p->section].data + p->offset;
	struct object_insn *to = r->o->insns + f->first;

	for (uint32_t i = 0; i < f->count; i++) {
		memcpy(&to[i].i, from + 8ull * i, 8);
		if (i && to[i - 1].what == INSN_CONST) {
			to[i].what = INSN_SECOND;
			to[i - 1].value = (uint32_t)to[i - 1].i.imm |
					  (uint64_t)(uint32_t)to[i].i.imm << 32;
			if (to[i].i.code || to[i].i.dst_reg ||
			    to[i].i.src_reg || to[i].i.off)
				return err_set(EINVAL,
					       "%s: no second half of a "
					       "64-bit load",
					       code_where(r, f->first + i));
		} else if (to[i].i.code == LD_IMM64) {
			to[i].what = INSN_CONST;
		}
	}
	if (to[f->count - 1].what == INSN_CONST)
		return err_set(EINVAL, "%s: no second half of a 64-bit load",
			       code_where(r, f->first + f->count - 1));
	return 0;
}

int code_read(struct reader *r)
{
	const struct symbol **found =
		arena_alloc(&r->tmp, r->symbol_count, sizeof(*found));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 1; i < r->symbol_count; i++)
		if (r->symbols[i].type == STT_FUNC &&
		    r->sections[r->symbols[i].section].code)
			found[n++] = &r->symbols[i];
	if (!n)
		return err_set(EINVAL, "no functions; is it a policy?");
	qsort(found, n, sizeof(*found), by_place);
	r->places = arena_alloc(&r->tmp, n, sizeof(*r->places));
	r->o->funcs = arena_alloc(r->keep, n, sizeof(*r->o->funcs));
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_func(r, found[i]);
	if (rc)
		return rc;
	r->o->insns =
		arena_alloc(r->keep, r->o->insn_count, sizeof(*r->o->insns));
	for (size_t i = 0; !rc && i < r->o->func_count; i++)
		rc = copy_insns(r, i);
	return rc;
}

/* ---- what instructions refer to ---------------------------------------- */

static int find_extern(struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->o->extern_count && core_spend(r, 1); i++)
		if (!strcmp(r->o->externs[i].name, name))
			return (int)i;
	return -1;
}

static int set_func(struct reader *r, uint32_t insn, enum insn_what what,
		    uint32_t section, int64_t offset)
{
	int f = offset < 0 ? -1 : code_func_at(r, section, (uint64_t)offset);

	if (f < 0)
		return err_set(EINVAL, "%s: refers to where no function begins",
			       code_where(r, insn));
	r->o->insns[insn].what = (uint8_t)what;
	r->o->insns[insn].arg = (uint32_t)f;
	return 0;
}

static int relocate_call(struct reader *r, uint32_t insn,
			 const struct symbol *s)
{
	struct object_insn *in = &r->o->insns[insn];
	int e;

	if (s->section && r->sections[s->section].code)
		return set_func(r, insn, INSN_CALL_FUNC, s->section,
				(int64_t)s->value +
					8 * ((int64_t)in->i.imm + 1));
	if (s->undefined && !strcmp(s->name, TRAP_FUNC)) {
		in->what = INSN_POISON;
		in->arg = (uint32_t)r->o->note_count;
		code_note(r, insn,
			  arena_printf(r->keep, "the compiler says that this "
						"is never reached"));
		return 0;
	}
	e = s->undefined ? find_extern(r, s->name) : -1;
	if (e < 0 || !r->o->externs[e].is_func)
		return err_set(EINVAL,
			       "%s: calls '%s', which is neither defined nor "
			       "a kernel function (__ksym)",
			       code_where(r, insn),
			       arena_name(&r->tmp, s->name));
	in->what = INSN_CALL_KFUNC;
	in->arg = (uint32_t)e;
	return 0;
}

/* The symbol is in a section that is maps. */
static int relocate_map(struct reader *r, uint32_t insn, const struct symbol *s)
{
	const struct section *sec = &r->sections[s->section];
	struct object_insn *in = &r->o->insns[insn];
	uint64_t at = s->value + in->value;

	if (sec->map_at) {
		if (at % 8 || at >= sec->size || sec->map_at[at / 8] < 0)
			return err_set(EINVAL, "%s: refers to no map",
				       code_where(r, insn));
		in->what = INSN_MAP;
		in->arg = (uint32_t)sec->map_at[at / 8];
		in->value = 0;
		return 0;
	}
	if (at >= sec->size)
		return err_set(EINVAL, "%s: refers to a place outside '%s'",
			       code_where(r, insn), sec->name);
	in->what = INSN_MAP_VALUE;
	in->arg = (uint32_t)sec->map;
	in->value = at + (r->o->maps[sec->map].type == MAP_TYPE_ARENA
				  ? OBJECT_ARENA_DATA
				  : 0);
	return 0;
}

static int relocate_extern(struct reader *r, uint32_t insn,
			   const struct symbol *s)
{
	struct object_insn *in = &r->o->insns[insn];
	int e = find_extern(r, s->name);

	if (e >= 0) {
		in->what = INSN_KSYM;
		in->arg = (uint32_t)e;
		in->value = 0;
		return 0;
	}
	if (data_config_find(r, s->name, &in->arg, &in->value))
		return err_set(EINVAL,
			       "%s: refers to '%s', which is neither defined "
			       "nor the kernel's (__ksym, __kconfig)",
			       code_where(r, insn),
			       arena_name(&r->tmp, s->name));
	in->what = INSN_MAP_VALUE;
	return 0;
}

static int relocate(struct reader *r, uint32_t section,
		    const struct relocation *rel, void *arg)
{
	int64_t at = code_insn_at(r, section, rel->offset);
	const struct symbol *s = rel->symbol;
	const struct section *sec = &r->sections[s->section];
	struct object_insn *in;
	uint32_t insn;

	(void)arg;
	if (at < 0)
		return 0; /* of code that the linker dropped */
	insn = (uint32_t)at;
	in = &r->o->insns[insn];
	if (rel->offset % 8)
		return err_set(EINVAL, "%s: a relocation inside it",
			       code_where(r, insn));
	if (in->i.code == CALL && in->what == INSN_PLAIN)
		return relocate_call(r, insn, s);
	if (in->i.code != LD_IMM64 || in->what != INSN_CONST)
		return err_set(EINVAL,
			       "%s: a relocation of an instruction that can "
			       "have none",
			       code_where(r, insn));
	if (s->undefined)
		return relocate_extern(r, insn, s);
	if (sec->code)
		return set_func(r, insn, INSN_FUNC, s->section,
				(int64_t)(s->value + in->value));
	if (sec->map >= 0 || sec->map_at)
		return relocate_map(r, insn, s);
	return err_set(s->section ? ENOTSUP : EINVAL,
		       "%s: refers to section '%s', which is not known here",
		       code_where(r, insn), sec->name);
}

/* Calls and addresses that need no relocation, or lack one. */
static int resolve_rest(struct reader *r, size_t func)
{
	const struct object_func *f = &r->o->funcs[func];
	const struct place *p = &r->places[func];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < f->count; i++) {
		uint32_t insn = f->first + i;
		struct object_insn *in = &r->o->insns[insn];
		int64_t next =
			(int64_t)p->offset + 8 * ((int64_t)in->i.imm + i + 1);

		if (in->i.code == CALL && in->what == INSN_PLAIN) {
			if (in->i.src_reg == BPF_PSEUDO_CALL) {
				rc = set_func(r, insn, INSN_CALL_FUNC,
					      p->section, next);
				continue;
			}
			if (in->i.src_reg)
				return err_set(EINVAL,
					       "%s: calls something that is "
					       "not named",
					       code_where(r, insn));
			in->what = INSN_CALL_HELPER;
			in->arg = (uint32_t)in->i.imm;
		} else if (in->what == INSN_CONST && in->i.src_reg) {
			if (in->i.src_reg != BPF_PSEUDO_FUNC)
				return err_set(EINVAL,
					       "%s: loads something that is "
					       "not named",
					       code_where(r, insn));
			rc = set_func(r, insn, INSN_FUNC, p->section, next);
		}
	}
	return rc;
}

int code_relocate(struct reader *r)
{
	int rc = 0;

	for (uint32_t i = 1; !rc && i < r->section_count; i++)
		if (r->sections[i].code)
			rc = elf_each_relocation(r, i, relocate, NULL);
	for (size_t i = 0; !rc && i < r->o->func_count; i++)
		rc = resolve_rest(r, i);
	return rc;
}

/* ---- what may be relied on --------------------------------------------- */

/* Has it a jump, and how far; from the next instruction. */
static bool jumps(const struct bpf_insn *i, int64_t *by)
{
	uint8_t class = BPF_CLASS(i->code), op = BPF_OP(i->code);

	if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL ||
	    op == BPF_EXIT)
		return false;
	if (op == BPF_JA && BPF_SRC(i->code) == BPF_X)
		return false; /* to an address: there is no such thing here */
	*by = class == BPF_JMP32 && op == BPF_JA ? i->imm : i->off;
	return true;
}

/* The kernel wants this too. */
static bool ends(const struct object_insn *in)
{
	return in->i.code == (BPF_JMP | BPF_EXIT) ||
	       in->i.code == (BPF_JMP | BPF_JA) ||
	       in->i.code == (BPF_JMP32 | BPF_JA) ||
	       (in->what == INSN_POISON && in->i.code == CALL);
}

static int check_func(struct reader *r, const struct object_func *f)
{
	const struct object_insn *insns = r->o->insns + f->first;

	for (uint32_t i = 0; i < f->count; i++) {
		const struct object_insn *in = &insns[i];
		int64_t to;

		if (in->i.dst_reg > BPF_REG_10 || in->i.src_reg > BPF_REG_10)
			return err_set(EINVAL, "%s: there is no such register",
				       code_where(r, f->first + i));
		if (in->what == INSN_SECOND || !jumps(&in->i, &to))
			continue;
		to += (int64_t)i + 1;
		if (to < 0 || to >= f->count || insns[to].what == INSN_SECOND)
			return err_set(EINVAL,
				       "%s: jumps out of its function or into "
				       "an instruction",
				       code_where(r, f->first + i));
	}
	if (!ends(&insns[f->count - 1]))
		return err_set(EINVAL, "%s: runs past its function's end",
			       code_where(r, f->first + f->count - 1));
	return 0;
}

int code_check(struct reader *r)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->o->func_count; i++)
		rc = check_func(r, &r->o->funcs[i]);
	return rc;
}
