/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of the notes, played in their order. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "history/mark.h"
#include "history/state_parts.h"

const char *const state_names[STATE_COUNT] = {"candidate", "canary", "trusted",
					      "previous"};

int state_of(const char *name)
{
	for (int i = 0; i < STATE_PREVIOUS; i++)
		if (!strcmp(state_names[i], name))
			return i;
	return -1;
}

struct places *board_find(const struct board *b, const char *workload)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->v[i].workload, workload))
			return &b->v[i];
	return NULL;
}

static struct places *places_for(struct board *b, const char *workload)
{
	struct places *p = board_find(b, workload);

	if (p)
		return p;
	b->v = mem_realloc(b->v, b->n + 1, sizeof(*b->v));
	p = &b->v[b->n++];
	*p = (struct places){.workload = mem_strdup(workload)};
	return p;
}

const struct placed *places_in(const struct places *p, enum state s)
{
	if (!p)
		return NULL;
	if (s == STATE_PREVIOUS)
		return p->befores ? &p->before[p->befores - 1] : NULL;
	return *p->in[s].policy ? &p->in[s] : NULL;
}

enum state places_of(const struct places *p, const char *policy)
{
	for (int s = STATE_TRUSTED; p && s >= 0; s--)
		if (!strcmp(p->in[s].policy, policy))
			return (enum state)s;
	return STATE_COUNT;
}

/* ---- playing ----------------------------------------------------------- */

static void push(struct placed **v, size_t *n, const struct placed *x)
{
	*v = mem_realloc(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] = *x;
}

/* As long as nobody was trusted, the canaries are what was in place. */
static void add_row(struct places *p, const struct placed *x, bool trusted)
{
	if (trusted && !p->trusted)
		p->rows = 0;
	p->trusted |= trusted;
	if (!p->rows || strcmp(p->row[p->rows - 1].policy, x->policy))
		push(&p->row, &p->rows, x);
}

static void leave(struct places *p, const char *policy)
{
	for (int s = 0; s < STATE_PREVIOUS; s++)
		if (!strcmp(p->in[s].policy, policy))
			p->in[s] = (struct placed){0};
}

static void promote(struct places *p, const struct placed *x, int to)
{
	struct placed old = p->in[to];

	leave(p, x->policy);
	p->in[to] = *x;
	if (to == STATE_CANARY)
		strs_add(&p->were_canary, x->policy);
	if (to == STATE_TRUSTED && *old.policy && strcmp(old.policy, x->policy))
		push(&p->before, &p->befores, &old);
	if (to == STATE_TRUSTED || (to == STATE_CANARY && !p->trusted))
		add_row(p, x, to == STATE_TRUSTED);
}

static void demote(struct places *p, const struct placed *x)
{
	bool trusted = !strcmp(p->in[STATE_TRUSTED].policy, x->policy);

	leave(p, x->policy);
	if (!trusted || !p->befores)
		return;
	p->in[STATE_TRUSTED] = p->before[--p->befores];
	p->in[STATE_TRUSTED].since = x->since;
	add_row(p, &p->in[STATE_TRUSTED], true);
}

static void play(struct board *b, const struct recall_note *n)
{
	struct places *p = places_for(b, json_text_at(n->state, "workload"));
	struct placed x = {
		.since = n->time,
		.forced = json_as_bool(json_get(n->state, "forced"), false),
	};
	int to = state_of(json_text_at(n->state, "name"));

	memcpy(x.policy, n->about, DOC_ID_LEN);
	memcpy(p->last, n->id, DOC_ID_LEN);
	if (to >= 0)
		promote(p, &x, to);
	else
		demote(p, &x);
}

static int by_turn(const void *a, const void *b)
{
	const struct recall_note *const *x = a, *const *y = b;

	return recall_later(*x, *y) ? -1 : 1;
}

static int by_workload(const void *a, const void *b)
{
	const struct places *x = a, *y = b;

	return strcmp(x->workload, y->workload);
}

static bool is_step(const struct recall_note *n, const char *workload)
{
	return n->state && !*n->agent && strlen(n->about) == DOC_ID_LEN - 1 &&
	       (!workload ||
		!strcmp(workload, json_text_at(n->state, "workload")));
}

int board_make(struct history *h, const char *workload, struct board *out)
{
	const struct recall_note **steps;
	const struct recall *r;
	size_t n = 0;
	int rc = marks_notes(h, &r);

	*out = (struct board){0};
	if (rc)
		return rc;
	steps = mem_zalloc(recall_count(r) + 1, sizeof(const void *));
	for (size_t i = 0; i < recall_count(r); i++)
		if (is_step(recall_at(r, i), workload))
			steps[n++] = recall_at(r, i);
	qsort(steps, n, sizeof(*steps), by_turn);
	for (size_t i = 0; i < n; i++)
		play(out, steps[i]);
	free(steps);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_workload);
	return 0;
}

void board_release(struct board *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->v[i].workload);
		free(b->v[i].before);
		free(b->v[i].row);
		strs_release(&b->v[i].were_canary);
	}
	free(b->v);
}
