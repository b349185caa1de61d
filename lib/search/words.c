/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "search/words.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"

#define K1 1.2
#define B  0.75

#define NONE	 UINT32_MAX
#define PRIME_61 ((1ull << 61) - 1)

struct posting {
	uint32_t text, count;
};

struct term {
	size_t at, len; /* of its bytes in word_index.bytes */
	struct posting *in;
	uint32_t n, cap;
};

struct word_index {
	struct term *terms;
	uint32_t count, cap;
	uint32_t *slot; /* open addressing; NONE: free */
	uint32_t slots; /* a power of two */
	char *bytes;	/* of all terms */
	size_t bytes_len, bytes_cap;
	uint32_t *lens; /* words of each text */
	size_t texts, texts_cap;
	uint64_t words; /* of all texts */
	uint64_t key;
};

struct word_index *word_index_new(void)
{
	struct word_index *w = mem_zalloc(1, sizeof(*w));

	/* No result depends on it, so it need not be fixed. */
	if (getrandom(&w->key, sizeof(w->key), GRND_NONBLOCK) < 0)
		w->key = (uint64_t)clock_wall();
	w->key = w->key % (PRIME_61 - 256) + 256;
	return w;
}

void word_index_free(struct word_index *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->count; i++)
		free(w->terms[i].in);
	free(w->terms);
	free(w->slot);
	free(w->bytes);
	free(w->lens);
	free(w);
}

/* ---- words ------------------------------------------------------------- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Whatever is not ASCII belongs to a word. */
static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool is_joiner(char c)
{
	return c == '_' || c == '-';
}

typedef void word_fn(void *arg, const char *word, size_t len);

/* s is len letters and joiners, letters at both ends. */
static void each_part(const char *s, size_t len, word_fn *fn, void *arg)
{
	size_t from = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && !is_joiner(s[i]))
			continue;
		if (i > from)
			fn(arg, s + from, i - from);
		from = i + 1;
	}
	/* The whole, when it has more than one part. */
	for (size_t i = 0; i < len; i++) {
		if (is_joiner(s[i])) {
			fn(arg, s, len);
			return;
		}
	}
}

static void each_word(const char *s, word_fn *fn, void *arg)
{
	size_t n, end;

	for (; *s; s += n) {
		n = 1;
		if (!is_letter(*s))
			continue;
		while (is_letter(s[n]) || is_joiner(s[n]))
			n++;
		for (end = n; is_joiner(s[end - 1]); end--)
			;
		each_part(s, end, fn, arg);
	}
}

/* ---- the table --------------------------------------------------------- */

static char lower(char c)
{
	return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/*
 * A polynomial at a secret point: whoever writes the texts must not be able to
 * make all words fall into one slot.
 */
static uint32_t hash(const struct word_index *w, const char *s, size_t len)
{
	uint64_t h = len + 1;

	for (size_t i = 0; i < len; i++) {
		__uint128_t x = (__uint128_t)h * w->key +
				(unsigned char)lower(s[i]) + 1u;

		h = (uint64_t)(x & PRIME_61) + (uint64_t)(x >> 61);
		if (h >= PRIME_61)
			h -= PRIME_61;
	}
	return (uint32_t)(h ^ (h >> 32));
}

static bool same(const struct word_index *w, const struct term *t,
		 const char *s, size_t len)
{
	if (t->len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (w->bytes[t->at + i] != lower(s[i]))
			return false;
	return true;
}

/* The slot that holds the word, or the free one where it belongs. */
static uint32_t *place(const struct word_index *w, const char *s, size_t len)
{
	for (uint32_t i = hash(w, s, len);; i++) {
		uint32_t *slot = &w->slot[i & (w->slots - 1)];

		if (*slot == NONE || same(w, &w->terms[*slot], s, len))
			return slot;
	}
}

static void grow(struct word_index *w)
{
	uint32_t slots = w->slots ? w->slots * 2 : 256;

	w->slot = mem_realloc(w->slot, slots, sizeof(*w->slot));
	memset(w->slot, 0xff, slots * sizeof(*w->slot));
	w->slots = slots;
	w->cap = slots / 2;
	w->terms = mem_realloc(w->terms, w->cap, sizeof(*w->terms));
	for (uint32_t i = 0; i < w->count; i++)
		*place(w, w->bytes + w->terms[i].at, w->terms[i].len) = i;
}

static void keep_bytes(struct word_index *w, const char *s, size_t len)
{
	if (w->bytes_cap - w->bytes_len < len) {
		w->bytes_cap = (w->bytes_cap + len) * 2;
		w->bytes = mem_realloc(w->bytes, w->bytes_cap, 1);
	}
	for (size_t i = 0; i < len; i++)
		w->bytes[w->bytes_len++] = lower(s[i]);
}

static struct term *term_of(struct word_index *w, const char *s, size_t len)
{
	uint32_t *slot;

	if (w->count == w->cap)
		grow(w);
	slot = place(w, s, len);
	if (*slot == NONE) {
		*slot = w->count;
		w->terms[w->count++] =
			(struct term){.at = w->bytes_len, .len = len};
		keep_bytes(w, s, len);
	}
	return &w->terms[*slot];
}

static void index_word(void *arg, const char *word, size_t len)
{
	struct word_index *w = arg;
	struct term *t = term_of(w, word, len);
	uint32_t text = (uint32_t)w->texts;

	w->lens[text]++;
	w->words++;
	if (t->n && t->in[t->n - 1].text == text) {
		t->in[t->n - 1].count++;
		return;
	}
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 2;
		t->in = mem_realloc(t->in, t->cap, sizeof(*t->in));
	}
	t->in[t->n++] = (struct posting){text, 1};
}

size_t word_index_add(struct word_index *w, const char *text)
{
	if (w->texts == w->texts_cap) {
		w->texts_cap = w->texts_cap ? w->texts_cap * 2 : 64;
		w->lens = mem_realloc(w->lens, w->texts_cap, sizeof(*w->lens));
	}
	w->lens[w->texts] = 0;
	each_word(text, index_word, w);
	return w->texts++;
}

/* ---- search ------------------------------------------------------------ */

struct query {
	const struct word_index *w;
	double *score; /* of each text */
	bool *asked;   /* of each term: it counts once */
};

static void score_term(const struct query *q, const struct term *t)
{
	const struct word_index *w = q->w;
	double mean = (double)w->words / (double)w->texts;
	double idf = log1p(((double)w->texts - t->n + 0.5) / (t->n + 0.5));

	for (uint32_t i = 0; i < t->n; i++) {
		double tf = t->in[i].count;
		double len = w->lens[t->in[i].text] / mean;

		q->score[t->in[i].text] +=
			idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * len));
	}
}

static void ask_word(void *arg, const char *word, size_t len)
{
	const struct query *q = arg;
	uint32_t n = *place(q->w, word, len);

	if (n == NONE || q->asked[n])
		return;
	q->asked[n] = true;
	score_term(q, &q->w->terms[n]);
}

static int by_score(const void *a, const void *b)
{
	const struct word_hit *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->text > y->text ? -1 : x->text < y->text;
}

size_t word_index_search(const struct word_index *w, const char *query,
			 struct word_hit *out, size_t max)
{
	struct query q = {.w = w};
	struct word_hit *hits;
	size_t n = 0;

	if (!w->count)
		return 0;
	q.score = mem_zalloc(w->texts, sizeof(*q.score));
	q.asked = mem_zalloc(w->count, sizeof(*q.asked));
	hits = mem_zalloc(w->texts, sizeof(*hits));
	each_word(query, ask_word, &q);
	for (size_t i = 0; i < w->texts; i++)
		if (q.score[i] > 0)
			hits[n++] = (struct word_hit){i, q.score[i]};
	qsort(hits, n, sizeof(*hits), by_score);
	n = n < max ? n : max;
	memcpy(out, hits, n * sizeof(*hits));
	free(hits);
	free(q.asked);
	free(q.score);
	return n;
}
