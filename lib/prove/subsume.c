/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing states: has this been looked at before? */
#include <string.h>

#include "prove/analysis.h"

#define MAX_IDS 128

/* Which id of the old state is which of the new one. */
struct ids {
	uint32_t old[MAX_IDS], now[MAX_IDS];
	size_t count;
	bool both; /* one to one */
};

static bool same_id(struct ids *ids, uint32_t old, uint32_t now)
{
	if (!old)
		return !ids->both || !now;
	if ((old | now) & ID_CONST)
		return old == now;
	for (size_t i = 0; i < ids->count; i++) {
		if (ids->old[i] == old)
			return ids->now[i] == now;
		if (ids->both && ids->now[i] == now)
			return false;
	}
	if (ids->count == MAX_IDS)
		return false;
	ids->old[ids->count] = old;
	ids->now[ids->count++] = now;
	return true;
}

static bool sym_within(const struct sym *now, const struct sym *old,
		       struct ids *ids)
{
	if (old->sort == SORT_NONE)
		return true;
	return old->sort == now->sort && old->which == now->which &&
	       old->at == now->at && old->base == now->base &&
	       same_id(ids, old->id, now->id);
}

/* Flags whose presence says less, and those that must agree. */
#define WEAKER (VAL_NULLABLE | VAL_DOUBTED | VAL_WILD)
#define EXACT  (VAL_IS_P | VAL_UNTRUSTED | VAL_LITERAL)

static bool flags_within(uint8_t now, uint8_t old)
{
	return !(now & WEAKER & ~old) && (now & EXACT) == (old & EXACT) &&
	       !(old & VAL_OF_P & ~now);
}

static bool val_within(const struct val *now, const struct val *old,
		       struct ids *ids)
{
	if (old->kind == VAL_NONE)
		return true;
	if (!flags_within(now->flags, old->flags))
		return false;
	if (old->kind == VAL_ANY)
		return now->kind != VAL_ITER && same_id(ids, old->id, now->id);
	if (old->kind != now->kind || old->time != now->time ||
	    old->origin != now->origin)
		return false;
	if (!same_id(ids, old->id, now->id) ||
	    !same_id(ids, old->test_cpu, now->test_cpu) ||
	    !same_id(ids, old->test_task, now->test_task) ||
	    !sym_within(&now->sym, &old->sym, ids))
		return false;
	if (!num_within(&now->n, &old->n))
		return false;
	if (old->kind == VAL_NUM || old->kind == VAL_ITER ||
	    old->kind == VAL_COUNT)
		return true;
	return old->which == now->which && old->size == now->size &&
	       (old->off == now->off || old->flags & VAL_WILD);
}

static const struct slot *slot_at(const struct frame *f, const struct slot *s)
{
	for (uint32_t i = 0; i < f->slot_count; i++)
		if (f->slots[i].off == s->off && f->slots[i].size == s->size)
			return &f->slots[i];
	return NULL;
}

static bool frame_within(const struct frame *now, const struct frame *old,
			 struct ids *ids)
{
	if (!val_within(&now->carry, &old->carry, ids))
		return false;
	for (int r = 0; r < FP; r++)
		if (!val_within(&now->r[r], &old->r[r], ids))
			return false;
	for (uint32_t i = 0; i < old->slot_count; i++) {
		const struct slot *s = slot_at(now, &old->slots[i]);

		if (!s || !val_within(&s->v, &old->slots[i].v, ids))
			return false;
	}
	return !ids->both || now->slot_count == old->slot_count;
}

bool facts_alike(const struct facts *a, const struct facts *b)
{
	const uint8_t flags = PATH_KEPT | PATH_MAYBE_KEPT | PATH_MAYBE_INSERTED;

	return a->inserted == b->inserted && a->present == b->present &&
	       a->absent == b->absent && !((a->flags ^ b->flags) & flags);
}

static bool facts_within(const struct facts *now, const struct facts *old,
			 struct ids *ids)
{
	if (!facts_alike(now, old))
		return false;
	if (old->flags & (PATH_VAGUE | PATH_CORE_GUARD) & ~now->flags ||
	    now->flags & PATH_P_WRITTEN & ~old->flags)
		return false;
	for (int i = 0; i < old->allowed_count; i++) {
		bool found = false;

		for (int k = 0; k < now->allowed_count && !found; k++)
			found = same_id(ids, old->allowed[i].cpu,
					now->allowed[k].cpu) &&
				same_id(ids, old->allowed[i].task,
					now->allowed[k].task);
		if (!found)
			return false;
	}
	return true;
}

static bool within(const struct state *now, const struct state *old, bool both)
{
	struct ids ids = {.both = both};

	for (uint32_t i = 0; i < now->frames; i++)
		if (!frame_within(now->f[i], old->f[i], &ids))
			return false;
	return facts_within(&now->facts, &old->facts, &ids);
}

bool state_within(const struct state *now, const struct state *old)
{
	return within(now, old, false);
}

bool state_stuck(const struct state *now, const struct state *old)
{
	return !state_progressed(now, old) && within(now, old, true) &&
	       within(old, now, true);
}

bool state_progressed(const struct state *now, const struct state *old)
{
	if (now->facts.may_goto != old->facts.may_goto)
		return true;
	for (uint32_t i = 0; i < now->frames; i++) {
		const struct frame *n = now->f[i], *o = old->f[i];

		if (n == o)
			continue;
		if (n->round != o->round)
			return true;
		for (uint32_t k = 0; k < o->slot_count; k++) {
			const struct slot *s = slot_at(n, &o->slots[k]);

			if (s && s->v.kind == VAL_ITER &&
			    s->v.depth != o->slots[k].v.depth)
				return true;
		}
	}
	return false;
}

/* ---- widening ----------------------------------------------------------- */

static bool val_widen(struct val *now, const struct val *old)
{
	struct ids none = {0};
	struct val was = *now;

	if (old->kind == VAL_NONE || val_within(now, old, &none))
		return false;
	if (now->kind == VAL_NUM && old->kind == VAL_NUM) {
		*now = val_num(num_widen(&old->n, &was.n));
		now->flags = was.flags & old->flags & VAL_OF_P;
		if (was.sym.sort == old->sym.sort &&
		    was.sym.base == old->sym.base &&
		    was.sym.which == old->sym.which &&
		    was.sym.at == old->sym.at) {
			now->sym = was.sym;
			now->sym.id = 0;
		}
		now->origin = was.origin == old->origin ? was.origin : 0;
		now->time = was.time == old->time ? was.time : 0;
	} else if (now->kind == old->kind && now->which == old->which &&
		   !((now->flags ^ old->flags) & EXACT)) {
		now->flags |= old->flags & WEAKER;
		if (now->off != old->off || !num_within(&now->n, &old->n)) {
			now->flags |= VAL_WILD;
			now->off = old->off;
			now->n = num_any(8);
		}
	} else if (now->kind != VAL_ITER) {
		*now = (struct val){.kind = VAL_ANY};
	}
	return true;
}

bool state_widen(struct state *now, const struct state *old)
{
	bool changed = false;

	for (uint32_t i = 0; i < now->frames; i++) {
		const struct frame *o = old->f[i];
		struct frame *n;

		if (now->f[i] == o)
			continue;
		n = state_own(now, i);
		changed |= val_widen(&n->carry, &o->carry);
		for (int r = 0; r < FP; r++)
			changed |= val_widen(&n->r[r], &o->r[r]);
		for (uint32_t k = n->slot_count; k-- > 0;) {
			const struct slot *s = slot_at(o, &n->slots[k]);

			if (s)
				changed |= val_widen(&n->slots[k].v, &s->v);
		}
		/* Those the old state knew and this one does not are unknown
		 * here; those only this one knows stay. */
	}
	if (changed)
		now->facts.flags |= PATH_VAGUE;
	return changed;
}
