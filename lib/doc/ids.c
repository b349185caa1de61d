/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/ids.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"

void ids_init(struct ids *t)
{
	uint64_t seed = 0;
	struct rng r;

	*t = (struct ids){0};
	/* No order depends on it, so no result does: it need not be fixed. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		seed = (uint64_t)clock_wall();
	rng_init(&r, seed);
	for (size_t i = 0; i < ARRAY_LEN(t->key); i++)
		t->key[i] = rng_next(&r);
}

void ids_release(struct ids *t)
{
	free(t->text);
	free(t->slot);
	*t = (struct ids){0};
}

/*
 * Multilinear and keyed: parents are any digits an outsider likes, and must
 * not be able to fall into one slot.
 */
static uint32_t hash(const struct ids *t, const char *id)
{
	uint64_t h = t->key[0];

	for (size_t i = 0; i < IDS_DIGITS / 4; i++) {
		uint32_t word;

		memcpy(&word, id + 4 * i, 4);
		h += t->key[i + 1] * word;
	}
	return (uint32_t)(h >> 32);
}

/* The slot that holds id, or the free one where it belongs. */
static uint32_t *place(const struct ids *t, const char *id)
{
	uint32_t i = hash(t, id);

	for (;; i++) {
		uint32_t *s = &t->slot[i & (t->slots - 1)];

		if (*s == IDS_NONE || !memcmp(t->text[*s], id, IDS_DIGITS))
			return s;
	}
}

static void grow(struct ids *t)
{
	uint32_t slots = t->slots ? t->slots * 2 : 64;

	t->slot = mem_realloc(t->slot, slots, sizeof(*t->slot));
	memset(t->slot, 0xff, slots * sizeof(*t->slot));
	t->slots = slots;
	for (uint32_t n = 0; n < t->count; n++)
		*place(t, t->text[n]) = n;
	t->cap = slots / 2;
	t->text = mem_realloc(t->text, t->cap, sizeof(*t->text));
}

uint32_t ids_find(const struct ids *t, const char *id)
{
	return t->slots ? *place(t, id) : IDS_NONE;
}

uint32_t ids_number(struct ids *t, const char *id)
{
	uint32_t n = ids_find(t, id);

	if (n != IDS_NONE)
		return n;
	if (t->count == t->cap)
		grow(t);
	n = t->count++;
	memcpy(t->text[n], id, IDS_DIGITS);
	*place(t, id) = n;
	return n;
}
