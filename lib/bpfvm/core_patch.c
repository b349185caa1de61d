/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a path comes to, and the instruction that is to have it. */
#include <errno.h>
#include <limits.h>

#include "base/err.h"
#include "bpfvm/object_read.h"

/* ---- values -------------------------------------------------------------- */

/* The bytes that are loaded to get at a member, and its bits among them. */
struct extent {
	uint64_t byte, bit; /* of the struct */
	uint32_t bytes, bits;
	bool bitfield;
};

static int find_extent(const struct btf *btf, const struct core_path *p,
		       const struct core_step *last, struct extent *e,
		       uint32_t *type)
{
	const struct btf_type *t = types_at(btf, last->type);
	int64_t size;

	*e = (struct extent){.bit = p->bits};
	if (last->name) {
		*type = btf_members(t)[last->index].type;
		e->bits = btf_member_bitfield_size(t, last->index);
	} else {
		*type = last->type;
	}
	e->bitfield = e->bits > 0;
	size = types_skip(btf, type) ? types_size(btf, *type) : -1;
	if (size < 0 ||
	    (e->bitfield && size != 1 && size != 2 && size != 4 && size != 8))
		return -EINVAL;
	e->bytes = (uint32_t)size;
	if (!e->bitfield) {
		e->byte = e->bit / 8;
		e->bits = e->bytes * 8;
		return 0;
	}
	/* The least aligned integer that has all of it. */
	for (;; e->bytes *= 2) {
		if (e->bytes > 8)
			return -EINVAL;
		e->byte = e->bit / 8 / e->bytes * e->bytes;
		if (e->bit + e->bits <= (e->byte + e->bytes) * 8)
			return 0;
	}
}

static int field_value(const struct btf *btf, uint32_t kind,
		       const struct core_path *p, struct core_value *v)
{
	const struct core_step *last;
	struct extent e;
	uint32_t type;

	if (kind == BPF_CORE_FIELD_EXISTS) {
		v->value = p != NULL;
		return 0;
	}
	if (!p)
		return -EUCLEAN;
	last = &p->steps[p->count - 1];
	if (find_extent(btf, p, last, &e, &type) ||
	    (!last->name && kind != BPF_CORE_FIELD_BYTE_OFFSET &&
	     kind != BPF_CORE_FIELD_BYTE_SIZE))
		return -EINVAL;
	/* Compilers load bits from where they like. */
	v->exact = !e.bitfield;
	switch (kind) {
	case BPF_CORE_FIELD_BYTE_OFFSET:
		v->value = e.byte;
		v->size = e.bitfield ? 0 : e.bytes;
		v->type = type;
		return 0;
	case BPF_CORE_FIELD_BYTE_SIZE:
		v->value = e.bytes;
		return 0;
	case BPF_CORE_FIELD_SIGNED:
		v->value = types_signed(types_at(btf, type));
		v->exact = true;
		return 0;
	case BPF_CORE_FIELD_LSHIFT_U64:
		v->value = 64 - (e.bit + e.bits - e.byte * 8);
		return 0;
	default:
		v->value = 64 - (uint64_t)e.bits;
		v->exact = true;
		return 0;
	}
}

static int type_value(const struct btf *btf, uint32_t kind,
		      const struct core_path *p, struct core_value *v)
{
	int64_t size;

	switch (p ? kind : BPF_CORE_TYPE_EXISTS) {
	case BPF_CORE_TYPE_ID_LOCAL:
	case BPF_CORE_TYPE_ID_TARGET:
		v->value = p->root;
		/* Linkers number types anew. */
		v->exact = false;
		return 0;
	case BPF_CORE_TYPE_SIZE:
		size = types_size(btf, p->root);
		v->value = (uint64_t)size;
		return size < 0 ? -EINVAL : 0;
	default:
		v->value = p != NULL;
		return 0;
	}
}

int core_value(const struct btf *btf, const struct core_relo *c,
	       const struct core_path *p, struct core_value *v)
{
	*v = (struct core_value){.exact = true};
	switch (c->kind) {
	case BPF_CORE_ENUMVAL_EXISTS:
		v->value = p != NULL;
		return 0;
	case BPF_CORE_ENUMVAL_VALUE:
		if (!p)
			return -EUCLEAN;
		v->value = types_enumerator(types_at(btf, p->steps[0].type),
					    p->steps[0].index);
		return 0;
	case BPF_CORE_TYPE_ID_LOCAL:
	case BPF_CORE_TYPE_ID_TARGET:
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_SIZE:
	case BPF_CORE_TYPE_MATCHES:
		return type_value(btf, c->kind, p, v);
	default:
		return field_value(btf, c->kind, p, v);
	}
}

/* ---- instructions -------------------------------------------------------- */

static const uint8_t size_codes[9] = {
	[1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW};

static uint32_t access_size(const struct bpf_insn *i)
{
	for (uint32_t n = 1; n <= 8; n *= 2)
		if (BPF_SIZE(i->code) == size_codes[n])
			return n;
	return 0;
}

static int unexpected(struct reader *r, const struct core_relo *c, uint64_t has)
{
	return err_set(EINVAL,
		       "%s: a relocation (CO-RE) that is for another "
		       "instruction: it has %llu",
		       code_where(r, c->insn), (unsigned long long)has);
}

/* Zeroes are put before pointers and unsigned numbers: these may shrink and
 * grow. */
static bool resizable(const struct reader *r, const struct core_value *old,
		      const struct core_value *new)
{
	const struct btf_type *l = types_at(r->o->btf, old->type);
	const struct btf_type *t = types_at(r->t->types, new->type);

	if (!old->size || !new->size)
		return false;
	if (btf_is_ptr(l) && btf_is_ptr(t))
		return true;
	return btf_is_int(l) && btf_is_int(t) && !types_signed(l) &&
	       !types_signed(t);
}

static int patch_access(struct reader *r, const struct core_relo *c,
			const struct core_value *old,
			const struct core_value *new)
{
	struct bpf_insn *i = &r->o->insns[c->insn].i;

	if (old->exact && (uint64_t)(int64_t)i->off != old->value)
		return unexpected(r, c, (uint64_t)(int64_t)i->off);
	if (new->value > SHRT_MAX)
		return err_set(EINVAL,
			       "%s: its place in the kernel's type, %llu, is "
			       "too far for an instruction",
			       code_where(r, c->insn),
			       (unsigned long long)new->value);
	if (old->size != new->size) {
		if (!resizable(r, old, new))
			return -EUCLEAN;
		if (access_size(i) != old->size)
			return unexpected(r, c, access_size(i));
		if (new->size > 8 || (new->size &(new->size - 1)))
			return -EUCLEAN;
		i->code = (uint8_t)((i->code & ~0x18) | size_codes[new->size]);
	}
	i->off = (int16_t) new->value;
	return 0;
}

static int patch_load(struct reader *r, const struct core_relo *c,
		      const struct core_value *old,
		      const struct core_value *new)
{
	struct object_insn *in = &r->o->insns[c->insn];

	if (in->what != INSN_CONST || in->i.src_reg || in->i.off)
		return unexpected(r, c, in->value);
	if (old->exact && in->value != old->value)
		return unexpected(r, c, in->value);
	in->value = new->value;
	in[0].i.imm = (int32_t)(uint32_t) new->value;
	in[1].i.imm = (int32_t)(uint32_t)(new->value >> 32);
	return 0;
}

/* -EUCLEAN: it would do something else there. */
int core_patch(struct reader *r, const struct core_relo *c,
	       const struct core_value *old, const struct core_value *new)
{
	struct object_insn *in = &r->o->insns[c->insn];

	if (in->what != INSN_PLAIN && in->what != INSN_CONST)
		return unexpected(r, c, in->i.code);
	switch (BPF_CLASS(in->i.code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_SRC(in->i.code) != BPF_K ||
		    (old->exact && (uint32_t)in->i.imm != (uint32_t)old->value))
			return unexpected(r, c, (uint32_t)in->i.imm);
		in->i.imm = (int32_t)(uint32_t) new->value;
		return 0;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return patch_access(r, c, old, new);
	case BPF_LD:
		return patch_load(r, c, old, new);
	default:
		return unexpected(r, c, in->i.code);
	}
}
