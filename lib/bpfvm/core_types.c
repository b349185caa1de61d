/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When two types, the object's and the target's, are alike. */
#include <errno.h>
#include <string.h>

#include "bpfvm/object_read.h"

#define MAX_DEPTH 32

static bool same_name(struct reader *r, uint32_t local, uint32_t target)
{
	return core_names_match(types_name(r->o->btf, local),
				types_name(r->t->types, target));
}

/* ---- compatible: enough to be the same thing ---------------------------- */

static int compatible(struct reader *r, uint32_t local, uint32_t target,
		      int depth);

static int protos_compatible(struct reader *r, const struct btf_type *l,
			     const struct btf_type *t, int depth)
{
	const struct btf_param *a = btf_params(l), *b = btf_params(t);
	int rc = btf_vlen(l) == btf_vlen(t);

	for (uint32_t i = 0; rc == 1 && i < btf_vlen(l); i++)
		rc = compatible(r, a[i].type, b[i].type, depth + 1);
	return rc == 1 ? compatible(r, l->type, t->type, depth + 1) : rc;
}

static int compatible(struct reader *r, uint32_t local, uint32_t target,
		      int depth)
{
	const struct btf_type *l = types_skip(r->o->btf, &local);
	const struct btf_type *t = types_skip(r->t->types, &target);

	if (!l || !t || depth > MAX_DEPTH || !core_spend(r, 1))
		return -EINVAL;
	if (!btf_kind_core_compat(l, t))
		return 0;
	switch (btf_kind(l)) {
	case BTF_KIND_UNKN:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FWD:
		return 1;
	case BTF_KIND_INT:
		return !btf_int_offset(l) && !btf_int_offset(t);
	case BTF_KIND_PTR:
		return compatible(r, l->type, t->type, depth + 1);
	case BTF_KIND_ARRAY:
		return compatible(r, btf_array(l)->type, btf_array(t)->type,
				  depth + 1);
	case BTF_KIND_FUNC_PROTO:
		return protos_compatible(r, l, t, depth);
	default:
		return 0;
	}
}

int core_types_compatible(struct reader *r, uint32_t local, uint32_t target)
{
	return compatible(r, local, target, 0);
}

/* ---- match: the local one is a part of the target's --------------------- */

static int match(struct reader *r, uint32_t local, uint32_t target,
		 bool behind_pointer, int depth);

static int enums_match(struct reader *r, const struct btf_type *l,
		       const struct btf_type *t)
{
	if (l->size != t->size || btf_vlen(l) > btf_vlen(t))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(l); i++) {
		bool found = false;

		for (uint32_t j = 0; !found && j < btf_vlen(t); j++) {
			if (!core_spend(r, 1))
				return -EINVAL;
			found = same_name(r, types_enumerator_name(l, i),
					  types_enumerator_name(t, j));
		}
		if (!found)
			return 0;
	}
	return 1;
}

static int members_match(struct reader *r, const struct btf_type *l,
			 const struct btf_type *t, bool behind_pointer,
			 int depth)
{
	const struct btf_member *a = btf_members(l), *b = btf_members(t);

	if (btf_vlen(l) > btf_vlen(t))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(l); i++) {
		int rc = 0;

		for (uint32_t j = 0; !rc && j < btf_vlen(t); j++) {
			if (!core_spend(r, 1))
				return -EINVAL;
			if (same_name(r, a[i].name_off, b[j].name_off))
				rc = match(r, a[i].type, b[j].type,
					   behind_pointer, depth + 1);
		}
		if (rc != 1)
			return rc;
	}
	return 1;
}

static int structs_match(struct reader *r, const struct btf_type *l,
			 const struct btf_type *t, bool behind_pointer,
			 int depth)
{
	if (!behind_pointer)
		return btf_kind(l) == btf_kind(t)
			       ? members_match(r, l, t, false, depth)
			       : 0;
	/* A declaration will do there. */
	if (btf_is_fwd(t))
		return btf_is_union(l) == btf_kflag(t);
	return btf_kind(l) == btf_kind(t);
}

static int forwards_match(const struct btf_type *l, const struct btf_type *t)
{
	if (btf_is_fwd(t))
		return btf_kflag(l) == btf_kflag(t);
	return btf_is_composite(t) && btf_is_union(t) == btf_kflag(l);
}

static int protos_match(struct reader *r, const struct btf_type *l,
			const struct btf_type *t, bool behind_pointer,
			int depth)
{
	const struct btf_param *a = btf_params(l), *b = btf_params(t);
	int rc = btf_kind(l) == btf_kind(t) && btf_vlen(l) == btf_vlen(t);

	for (uint32_t i = 0; rc == 1 && i < btf_vlen(l); i++)
		rc = match(r, a[i].type, b[i].type, behind_pointer, depth + 1);
	return rc == 1 ? match(r, l->type, t->type, behind_pointer, depth + 1)
		       : rc;
}

static int match(struct reader *r, uint32_t local, uint32_t target,
		 bool behind_pointer, int depth)
{
	const struct btf_type *l = types_skip(r->o->btf, &local);
	const struct btf_type *t = types_skip(r->t->types, &target);

	if (!l || !t || depth > MAX_DEPTH || !core_spend(r, 1))
		return -EINVAL;
	if (!same_name(r, l->name_off, t->name_off))
		return 0;
	switch (btf_kind(l)) {
	case BTF_KIND_UNKN:
		return btf_is_void(t);
	case BTF_KIND_FWD:
		return forwards_match(l, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return btf_is_any_enum(t) ? enums_match(r, l, t) : 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return structs_match(r, l, t, behind_pointer, depth);
	case BTF_KIND_INT:
		return btf_is_int(t) && l->size == t->size &&
		       types_signed(l) == types_signed(t);
	case BTF_KIND_PTR:
		return btf_is_ptr(t)
			       ? match(r, l->type, t->type, true, depth + 1)
			       : 0;
	case BTF_KIND_ARRAY:
		return btf_is_array(t) && btf_array(l)->nelems ==
						  btf_array(t)->nelems
			       ? match(r, btf_array(l)->type,
				       btf_array(t)->type, behind_pointer,
				       depth + 1)
			       : 0;
	case BTF_KIND_FUNC_PROTO:
		return protos_match(r, l, t, behind_pointer, depth);
	default:
		return 0;
	}
}

int core_types_match(struct reader *r, uint32_t local, uint32_t target)
{
	return match(r, local, target, false, 0);
}
