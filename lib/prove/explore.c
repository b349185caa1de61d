/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every path of every callback, depth first.  Where ways meet, a state that an
 * earlier one covers is not followed again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "prove/analysis.h"
#include "prove/table.h"

#define CHUNK	    1024
#define SEARCHED    64	 /* states compared at one place */
#define ENOUGH	    256	 /* states at one place before they are widened */
#define ENOUGH_LOOP 4096 /* … in a loop that counts on its own */
#define TOO_MANY    16384
#define ROUNDS	    2 /* before values are widened */

/* ---- trails ------------------------------------------------------------ */

struct chunk {
	struct chunk *next;
	struct trail t[CHUNK];
};

struct trail *explore_trail(struct analysis *a, struct trail *up, uint32_t insn,
			    bool taken, uint32_t lookup)
{
	struct chunk *c = a->chunks;
	struct trail *t;

	if (!c || a->chunk_used == CHUNK) {
		c = mem_zalloc(1, sizeof(*c));
		c->next = a->chunks;
		a->chunks = c;
		a->chunk_used = 0;
	}
	t = &c->t[a->chunk_used++];
	*t = (struct trail){up, insn, lookup, taken};
	return t;
}

/* ---- paths and places -------------------------------------------------- */

void explore_later(struct analysis *a, const struct state *s)
{
	if (a->depth == a->cap) {
		a->cap = 2 * a->cap + 64;
		a->stack = mem_realloc(a->stack, a->cap, sizeof(*a->stack));
	}
	if (s->seen)
		s->seen->open++;
	a->stack[a->depth++] = *s;
}

static void path_end(struct state *s)
{
	struct seen *n = s->seen;

	while (n && !--n->open)
		n = n->up;
	state_release(s);
}

static struct spot *spot_of(struct analysis *a, const struct state *s)
{
	uint32_t h = s->pc * 2654435761u;
	struct spot *p;

	for (uint32_t i = 1; i < s->frames; i++)
		h = (h ^ s->f[i]->site) * 2654435761u;
	h = h >> 8 & (SPOTS - 1);
	for (p = a->spots[h]; p; p = p->next) {
		uint32_t i = 0;

		if (p->pc != s->pc || p->frames != s->frames)
			continue;
		while (i < s->frames && p->sites[i] == s->f[i]->site &&
		       p->funcs[i] == s->f[i]->func)
			i++;
		if (i == s->frames)
			return p;
	}
	p = mem_zalloc(1, sizeof(*p));
	p->pc = s->pc;
	p->frames = s->frames;
	for (uint32_t i = 0; i < s->frames; i++) {
		p->sites[i] = s->f[i]->site;
		p->funcs[i] = s->f[i]->func;
	}
	p->next = a->spots[h];
	return a->spots[h] = p;
}

static void remember(struct spot *p, struct state *s)
{
	struct seen *n = mem_zalloc(1, sizeof(*n));

	state_copy(&n->s, s);
	n->up = s->seen;
	n->open = 1; /* this path */
	n->next = p->seen;
	p->seen = n;
	p->count++;
	s->seen = n;
}

static void spots_release(struct analysis *a)
{
	for (size_t i = 0; i < SPOTS; i++) {
		for (struct spot *p = a->spots[i], *next; p; p = next) {
			for (struct seen *n = p->seen, *after; n; n = after) {
				after = n->next;
				state_release(&n->s);
				free(n);
			}
			next = p->next;
			free(p);
		}
		a->spots[i] = NULL;
	}
	for (struct chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
}

enum match { MATCH_NONE, MATCH_COVERED, MATCH_STUCK };

static enum match match(const struct spot *p, const struct state *s, bool round,
			bool anyway)
{
	const struct seen *n = p->seen;

	for (int i = 0; n && i < SEARCHED; n = n->next, i++) {
		if (!n->open || round || anyway || state_progressed(s, &n->s)) {
			if (state_within(s, &n->s))
				return MATCH_COVERED;
		} else if (state_stuck(s, &n->s)) {
			return MATCH_STUCK;
		}
	}
	return MATCH_NONE;
}

/* The state on this very path that went before, if there are enough. */
static const struct seen *earlier(const struct spot *p, const struct state *s,
				  bool round, uint32_t enough)
{
	const struct seen *found = NULL;
	uint32_t n = 0;

	for (const struct seen *e = p->seen; e; e = e->next) {
		if ((round && !e->open) || !facts_alike(&s->facts, &e->s.facts))
			continue;
		if (!found)
			found = e;
		if (++n >= enough)
			return found;
	}
	return NULL;
}

static void stuck(struct analysis *a, const struct state *s)
{
	report(a, s, PROVE_BOUND, PROVE_VIOLATED, s->pc,
	       "this loop comes round with nothing changed that its end "
	       "depends on; bound it: bpf_for(), bpf_loop() or a counter");
}

static void give_up(struct analysis *a, const struct state *s)
{
	a->tally.incomplete = true;
	report(a, s, PROVE_BOUND, PROVE_UNKNOWN, s->pc,
	       "too many ways lead here; what comes after was not followed "
	       "to its end");
}

bool explore_seen(struct analysis *a, struct state *s, bool round)
{
	bool loop = a->flow[s->pc].flags & FLOW_LOOP && !round;
	uint32_t enough = round ? ROUNDS : loop ? ENOUGH_LOOP : ENOUGH;
	const struct seen *before;
	enum match m;
	struct spot *p;

	state_clean(a, s);
	p = spot_of(a, s);
	m = match(p, s, round, false);
	before = m == MATCH_NONE && p->count >= enough
			 ? earlier(p, s, round, enough)
			 : NULL;
	if (before && state_widen(s, &before->s)) {
		m = match(p, s, round, loop);
		if (loop)
			report(a, s, PROVE_BOUND, PROVE_UNKNOWN, s->pc,
			       "no bound of this loop was found within %d "
			       "rounds; bpf_for() and bpf_loop() have one",
			       ENOUGH_LOOP);
	}
	if (m == MATCH_STUCK)
		stuck(a, s);
	if (m == MATCH_NONE && p->count >= TOO_MANY) {
		give_up(a, s);
		m = MATCH_COVERED;
	}
	if (m == MATCH_NONE)
		remember(p, s);
	return m == MATCH_NONE;
}

/* ---- the end of a callback --------------------------------------------- */

void explore_end(struct analysis *a, struct state *s)
{
	const struct facts *f = &s->facts;
	bool vague = f->flags & (PATH_MAYBE_KEPT | PATH_MAYBE_INSERTED);

	if (a->root->place != PLACE_ENQUEUE || f->inserted ||
	    f->flags & PATH_KEPT)
		return;
	if (vague)
		report(a, s, PROVE_CUSTODY, PROVE_UNKNOWN, report_parting(a, s),
		       "whether the task is kept on purpose cannot be told: "
		       "it is inserted into no queue from here");
	else if (f->lost_at)
		report(a, s, PROVE_CUSTODY, PROVE_VIOLATED, f->lost_at - 1,
		       "when this fails (it may be full) the task is in no "
		       "queue and never runs; look at the result and insert "
		       "the task instead");
	else
		report(a, s, PROVE_CUSTODY, PROVE_VIOLATED,
		       report_parting(a, s),
		       "from here the task is inserted into no queue and kept "
		       "nowhere: it never runs; insert it on every path");
}

/* ---- roots ------------------------------------------------------------- */

/* Such a step looks for itself whether it was there: asked before, it would
 * find what was stored for the asking. */
static bool goes_round(const struct analysis *a, const struct object_insn *in)
{
	if (in->what == INSN_CALL_KFUNC)
		return a->rows[in->arg] &&
		       a->rows[in->arg]->act == ACT_ITER_NEXT;
	return is_may_goto(&in->i);
}

static bool was_there(struct analysis *a, struct state *s)
{
	bool begun = s->begun;

	s->begun = false;
	return a->flow[s->pc].flags & FLOW_JOIN && !begun &&
	       !goes_round(a, &a->o->insns[s->pc]) &&
	       !explore_seen(a, s, false);
}

static void follow(struct analysis *a, struct state *s)
{
	for (;;) {
		const struct object_func *f = &a->o->funcs[state_top(s)->func];

		if (!a->budget || s->pc < f->first ||
		    s->pc >= f->first + f->count)
			break;
		a->budget--;
		a->out->steps++;
		if (was_there(a, s))
			break;
		if (step_insn(a, s) == STEP_END)
			break;
	}
	path_end(s);
}

static void begin(struct analysis *a, const struct root *r, struct state *s)
{
	const struct object_func *f = &a->o->funcs[r->func];

	*s = (struct state){0};
	state_push(s, (uint32_t)r->func, 0);
	s->pc = f->first;
	if (r->by_ctx) {
		state_set(s, 1,
			  (struct val){.kind = VAL_CTX, .n = num_const(0)});
		return;
	}
	for (unsigned i = 0; i < 5; i++) {
		struct val v = {.kind = VAL_ANY, .n = num_const(0)};

		if (i < strlen(r->args) && r->args[i] == 'M' && r->map >= 0)
			v.kind = VAL_MAP;
		else if (i < strlen(r->args) && r->args[i] == 'V' &&
			 r->map >= 0)
			v.kind = VAL_VALUE;
		v.which = (uint16_t)r->map;
		state_set(s, i + 1, v);
	}
}

static void explore_root(struct analysis *a, const struct root *r,
			 uint64_t budget)
{
	struct state s;

	a->root = r;
	a->budget = budget;
	a->next_id = 1; /* the task */
	begin(a, r, &s);
	explore_later(a, &s);
	while (a->depth) {
		s = a->stack[--a->depth];
		if (a->budget)
			follow(a, &s);
		else
			path_end(&s);
	}
	if (!a->budget) {
		a->tally.incomplete = true;
		for (int rule = 0; rule < PROVE_RULES; rule++)
			if (rule != PROVE_TIMEOUT)
				a->open[rule] = true;
		report(a, NULL, PROVE_BOUND, PROVE_UNKNOWN,
		       a->o->funcs[r->func].first,
		       "%s has too many paths: not all were followed", r->name);
	}
	spots_release(a);
}

void root_add(struct analysis *a, const struct root *r)
{
	if (r->func < 0 || (size_t)r->func >= a->o->func_count ||
	    !a->o->funcs[r->func].count)
		return;
	for (size_t i = 0; i < a->root_count; i++)
		if (a->roots[i].func == r->func &&
		    a->roots[i].place == r->place)
			return;
	a->roots[a->root_count++] = *r;
}

void root_callback(struct analysis *a, int func, const char *name,
		   const char *args, int map, enum place place)
{
	root_add(a, &(struct root){.func = func,
				   .name = name,
				   .args = args,
				   .map = map,
				   .regular = place == PLACE_TIMER ||
					      place == PLACE_SYSCALL ||
					      a->root->regular,
				   .sleepable = place == PLACE_SYSCALL,
				   .place = place});
}

void explore(struct analysis *a)
{
	uint64_t left =
		a->opts && a->opts->max_steps ? a->opts->max_steps : 2000000;

	a->spots = mem_zalloc(SPOTS, sizeof(*a->spots));
	/* Callbacks found on the way are added at the end. */
	for (size_t i = 0; i < a->root_count; i++) {
		uint64_t before = a->out->steps, used;

		explore_root(a, &a->roots[i],
			     left / (a->root_count - i) + left / 4);
		used = a->out->steps - before;
		left = used < left ? left - used : 0;
	}
	free(a->spots);
	free(a->stack);
}
