/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "prove/analysis.h"

struct frame *state_top(struct state *s)
{
	return s->f[s->frames - 1];
}

static void frame_put(struct frame *f)
{
	if (--f->refs)
		return;
	free(f->slots);
	free(f);
}

struct frame *state_own(struct state *s, uint32_t frame)
{
	struct frame *f = s->f[frame], *mine;

	if (f->refs == 1)
		return f;
	mine = mem_zalloc(1, sizeof(*mine));
	*mine = *f;
	mine->refs = 1;
	mine->slots = NULL;
	mine->slot_cap = f->slot_count;
	if (f->slot_count) {
		mine->slots = mem_zalloc(f->slot_count, sizeof(*f->slots));
		memcpy(mine->slots, f->slots,
		       f->slot_count * sizeof(*f->slots));
	}
	f->refs--;
	s->f[frame] = mine;
	return mine;
}

struct val *state_reg(struct analysis *a, struct state *s, unsigned r)
{
	static _Thread_local struct val special;

	(void)a;
	if (r < FP)
		return &state_top(s)->r[r];
	special = (struct val){.kind = r == FP ? VAL_STACK : VAL_ANY,
			       .which = (uint16_t)(s->frames - 1),
			       .n = num_const(0)};
	return &special;
}

void state_set(struct state *s, unsigned r, struct val v)
{
	if (r < FP)
		state_own(s, s->frames - 1)->r[r] = v;
}

void state_copy(struct state *to, const struct state *from)
{
	*to = *from;
	for (uint32_t i = 0; i < to->frames; i++)
		to->f[i]->refs++;
}

void state_release(struct state *s)
{
	while (s->frames)
		frame_put(s->f[--s->frames]);
}

bool state_push(struct state *s, uint32_t func, uint32_t site)
{
	struct frame *f;

	if (s->frames == MAX_FRAMES)
		return false;
	f = mem_zalloc(1, sizeof(*f));
	f->refs = 1;
	f->func = func;
	f->site = site;
	s->f[s->frames++] = f;
	return true;
}

void state_pop(struct state *s)
{
	frame_put(s->f[--s->frames]);
}

void state_each(struct state *s, void (*fn)(struct val *v, void *arg),
		void *arg)
{
	for (uint32_t i = 0; i < s->frames; i++) {
		struct frame *f = state_own(s, i);

		for (int r = 0; r < FP; r++)
			fn(&f->r[r], arg);
		for (uint32_t k = 0; k < f->slot_count; k++)
			fn(&f->slots[k].v, arg);
	}
}

void state_allow(struct state *s, uint32_t cpu, uint32_t task)
{
	struct facts *f = &s->facts;

	if (!cpu || !task || state_allows(s, cpu, task))
		return;
	if (f->allowed_count == MAX_ALLOWED) {
		memmove(f->allowed, f->allowed + 1,
			(MAX_ALLOWED - 1) * sizeof(f->allowed[0]));
		f->allowed_count--;
	}
	f->allowed[f->allowed_count].cpu = cpu;
	f->allowed[f->allowed_count++].task = task;
}

bool state_allows(const struct state *s, uint32_t cpu, uint32_t task)
{
	for (int i = 0; i < s->facts.allowed_count; i++)
		if (s->facts.allowed[i].cpu == cpu &&
		    s->facts.allowed[i].task == task)
			return true;
	return false;
}

/* ---- stack slots -------------------------------------------------------- */

struct val stack_read(const struct frame *f, int64_t off, unsigned size)
{
	struct val v = val_num(num_any(size));

	for (uint32_t i = 0; i < f->slot_count; i++) {
		const struct slot *s = &f->slots[i];

		if (s->off == off && s->size == size)
			return s->v;
		/* The low half of what was written whole. */
		if (s->off == off && s->size > size && s->v.kind == VAL_NUM) {
			v = val_num(num_trunc(&s->v.n, size));
			v.flags = s->v.flags & VAL_OF_P;
			return v;
		}
		if (s->off < off + size && off < s->off + s->size)
			v.flags |= s->v.flags & VAL_OF_P;
	}
	if (size == 8)
		v.kind = VAL_ANY;
	return v;
}

static void slot_remove(struct frame *f, uint32_t i)
{
	f->slot_count--;
	memmove(f->slots + i, f->slots + i + 1,
		(f->slot_count - i) * sizeof(*f->slots));
}

void stack_clobber(struct frame *f, int64_t off, uint64_t size)
{
	int64_t end = size && size <= STACK_BYTES ? off + (int64_t)size : 0;

	for (uint32_t i = f->slot_count; i-- > 0;)
		if (f->slots[i].off < end &&
		    f->slots[i].off + f->slots[i].size > off)
			slot_remove(f, i);
}

void stack_write(struct frame *f, int64_t off, unsigned size, struct val v)
{
	uint32_t at = 0;

	if (off < -STACK_BYTES || off >= 0)
		return;
	stack_clobber(f, off, size);
	while (at < f->slot_count && f->slots[at].off < off)
		at++;
	if (f->slot_count == f->slot_cap) {
		f->slot_cap = 2 * f->slot_cap + 8;
		f->slots =
			mem_realloc(f->slots, f->slot_cap, sizeof(*f->slots));
	}
	memmove(f->slots + at + 1, f->slots + at,
		(f->slot_count - at) * sizeof(*f->slots));
	f->slots[at] = (struct slot){(int16_t)off, (uint8_t)size, v};
	f->slot_count++;
}

uint8_t stack_flags(const struct frame *f, int64_t off, uint64_t size)
{
	int64_t end = size && size <= STACK_BYTES ? off + (int64_t)size : 0;
	uint8_t flags = 0;

	for (uint32_t i = 0; i < f->slot_count; i++)
		if (f->slots[i].off < end &&
		    f->slots[i].off + f->slots[i].size > off)
			flags |= f->slots[i].v.flags;
	return flags;
}

/* ---- what is dead -------------------------------------------------------- */

struct lowest {
	int64_t off[MAX_FRAMES];
};

/* Where pointers into each frame point, at the least. */
static void find_lowest(const struct val *v, struct lowest *low)
{
	if (v->kind != VAL_STACK || v->which >= MAX_FRAMES)
		return;
	if (v->flags & VAL_WILD || !num_is_const(&v->n))
		low->off[v->which] = INT64_MIN;
	else if (v->off < low->off[v->which])
		low->off[v->which] = v->off;
}

/* A constant can be had again at any time. */
static bool uses_id(const struct state *s, uint32_t id)
{
	if (id & ID_CONST)
		return true;
	for (uint32_t i = 0; i < s->frames; i++) {
		const struct frame *f = s->f[i];

		for (int r = 0; r < FP; r++)
			if (f->r[r].id == id || f->r[r].sym.id == id)
				return true;
		for (uint32_t k = 0; k < f->slot_count; k++)
			if (f->slots[k].v.id == id ||
			    f->slots[k].v.sym.id == id)
				return true;
	}
	return false;
}

static void forget_allowed(struct state *s)
{
	struct facts *f = &s->facts;

	for (int i = f->allowed_count; i-- > 0;) {
		if (uses_id(s, f->allowed[i].cpu) &&
		    uses_id(s, f->allowed[i].task))
			continue;
		f->allowed_count--;
		memmove(f->allowed + i, f->allowed + i + 1,
			(unsigned)(f->allowed_count - i) *
				sizeof(f->allowed[0]));
	}
	memset(f->allowed + f->allowed_count, 0,
	       (unsigned)(MAX_ALLOWED - f->allowed_count) *
		       sizeof(f->allowed[0]));
}

static bool slot_lives(const struct slot *s, uint64_t live, int64_t lowest)
{
	return s->v.kind == VAL_ITER || s->off + s->size > lowest ||
	       live >> ((-s->off - 1) / 8 & 63) & 1;
}

void state_clean(const struct analysis *a, struct state *s)
{
	struct lowest low;

	for (int i = 0; i < MAX_FRAMES; i++)
		low.off[i] = 0;
	for (uint32_t i = 0; i < s->frames; i++) {
		uint32_t pc =
			i + 1 == s->frames ? s->pc : s->f[i + 1]->site + 1;
		const struct flow *live = &a->flow[pc];

		for (int r = 0; r < FP; r++) {
			struct frame *f = s->f[i];

			/* The caller's R0 to R5 are gone after the call. */
			if (i + 1 < s->frames && r < 6 &&
			    f->r[r].kind != VAL_NONE)
				state_own(s, i)->r[r] = (struct val){0};
			else if (f->r[r].kind != VAL_NONE &&
				 !(live->regs >> r & 1))
				state_own(s, i)->r[r] = (struct val){0};
			find_lowest(&s->f[i]->r[r], &low);
		}
		find_lowest(&s->f[i]->carry, &low);
		for (uint32_t k = 0; k < s->f[i]->slot_count; k++)
			find_lowest(&s->f[i]->slots[k].v, &low);
	}
	for (uint32_t i = 0; i < s->frames; i++) {
		uint32_t pc =
			i + 1 == s->frames ? s->pc : s->f[i + 1]->site + 1;
		uint64_t live = a->flow[pc].slots;

		for (uint32_t k = s->f[i]->slot_count; k-- > 0;)
			if (!slot_lives(&s->f[i]->slots[k], live, low.off[i]))
				slot_remove(state_own(s, i), k);
	}
	forget_allowed(s);
}
