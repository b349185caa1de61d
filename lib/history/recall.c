/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/recall.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "doc/ids.h"
#include "history/commit.h"
#include "history/copy.h"
#include "history/entry.h"
#include "history/recall_parts.h"
#include "search/near.h"
#include "search/words.h"

#define WORDS_MAX (16u << 20)
#define FUSION	  60.0

/* The copy is not written for fewer commits: to read so many costs little. */
#define WORTH 64

static const struct copy copy = {"notes.index", 2};

struct recall *recall_new(struct history *h)
{
	struct recall *r = mem_zalloc(1, sizeof(*r));

	r->h = h;
	r->index = word_index_new();
	ids_init(&r->ids);
	return r;
}

void recall_free(struct recall *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		json_free(r->kept[i]);
	free(r->kept);
	free(r->notes);
	ids_release(&r->ids);
	word_index_free(r->index);
	free(r);
}

/* ---- taking in --------------------------------------------------------- */

/* What of a note is found by its words. */
static void index_note(struct recall *r, const struct recall_note *n)
{
	struct buf b;

	buf_init(&b, WORDS_MAX);
	buf_puts(&b, n->text);
	json_each (t, n->tags) {
		buf_puts(&b, " ");
		buf_puts(&b, json_as_string(t, ""));
	}
	word_index_add(r->index, b.data);
	buf_release(&b);
}

/* How many notes there are between this one and the first of its row. */
static unsigned long turn(const struct recall *r, const struct json *kept)
{
	const char *after = json_text_at(kept, "after");
	uint32_t at = strlen(after) == DOC_ID_LEN - 1 ? ids_find(&r->ids, after)
						      : IDS_NONE;

	return at == IDS_NONE ? 0 : r->notes[at].turn + 1;
}

/* Takes kept, unless the note is there already. */
static void take(void *arg, struct json *kept)
{
	const char *id = json_text_at(kept, "id");
	struct recall *r = arg;
	struct recall_note *n;

	if (strlen(id) != DOC_ID_LEN - 1 || ids_find(&r->ids, id) != IDS_NONE) {
		json_free(kept);
		return;
	}
	ids_number(&r->ids, id);
	if (r->count == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 256;
		r->notes = mem_realloc(r->notes, r->cap, sizeof(*r->notes));
		r->kept = mem_realloc(r->kept, r->cap, sizeof(struct json *));
	}
	r->kept[r->count] = kept;
	n = &r->notes[r->count++];
	*n = (struct recall_note){
		.time = (time_t)json_as_number(json_get(kept, "time"), 0),
		.agent = json_text_at(kept, "agent"),
		.text = json_text_at(kept, "text"),
		.tags = json_get(kept, "tags"),
		.features = json_get(kept, "features"),
		.about = json_text_at(kept, "about"),
		.state = json_get(kept, "state"),
		.turn = turn(r, kept),
	};
	memcpy(n->id, id, DOC_ID_LEN - 1);
	index_note(r, n);
}

/* Of a note with its transcripts, what is searched and shown. */
static struct json *keep(const struct doc *d)
{
	static const char *const keys[] = {"agent", "text",  "tags", "features",
					   "about", "after", "state"};
	struct json *v = json_object();

	json_set_string(v, "id", d->id);
	json_set_number(v, "time", (double)commit_time(d));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *m = json_get(d->body, keys[i]);

		if (m)
			json_set(v, keys[i], json_copy(m));
	}
	return v;
}

struct walk {
	struct recall *r;
	struct strs ids; /* newest first */
};

static int collect(const struct entry *e, const git_commit *c, void *arg)
{
	struct walk *w = arg;

	(void)c;
	w->r->unsaved++;
	if (!strcmp(e->kind, "note"))
		strs_add(&w->ids, e->id);
	return 0;
}

static void save(struct recall *r)
{
	if (r->unsaved < WORTH || r->unsaved < r->count / 16)
		return;
	if (copy_save(r->h, &copy, &r->head, r->kept, r->count))
		r->unsaved = 0;
}

int recall_refresh(struct recall *r)
{
	struct walk w = {.r = r};
	struct doc *d;
	git_oid head;
	int rc = ref_read(r->h, HISTORY_BRANCH, &head);

	if (rc || git_oid_equal(&head, &r->head))
		return rc;
	if (git_oid_is_zero(&r->head))
		copy_load(r->h, &copy, &r->head, take, r);
	rc = entry_walk(r->h, &head, &r->head, collect, &w);
	rc = rc < 0 ? rc : 0;
	for (size_t i = w.ids.len; !rc && i-- > 0;) {
		rc = history_read(r->h, "note", w.ids.v[i], &d);
		/* Removed since, by hand. */
		if (rc == -ENOENT) {
			rc = 0;
			continue;
		}
		if (!rc)
			take(r, keep(d));
		doc_free(d);
	}
	strs_release(&w.ids);
	if (rc)
		return rc;
	git_oid_cpy(&r->head, &head);
	save(r);
	return 0;
}

/* ---- looking ----------------------------------------------------------- */

const struct recall_note *recall_at(const struct recall *r, size_t i)
{
	return &r->notes[i];
}

size_t recall_count(const struct recall *r)
{
	return r->count;
}

bool recall_later(const struct recall_note *x, const struct recall_note *y)
{
	if (x->time != y->time)
		return y->time > x->time;
	if (x->turn != y->turn)
		return y->turn > x->turn;
	return strcmp(x->id, y->id) < 0;
}

size_t recall_find(const struct recall *r, const char *prefix, size_t *first)
{
	size_t n = 0, len = strlen(prefix);

	for (size_t i = 0; i < r->count; i++)
		if (!strncmp(r->notes[i].id, prefix, len) && !n++)
			*first = i;
	return n;
}

bool recall_tagged(const struct recall_note *n, const char *tag)
{
	json_each (t, n->tags)
		if (!strcmp(json_as_string(t, ""), tag))
			return true;
	return false;
}

/* The notes that may be found, in the order there is. */
struct field {
	const struct recall *r;
	const struct recall_query *q;
	size_t *note;
	size_t n;
	struct recall_hit *of; /* by note */
	double *rank;	       /* by note, fused */
};

static void choose(struct field *f)
{
	for (size_t i = 0; i < f->r->count; i++) {
		const struct recall_note *n = &f->r->notes[i];

		f->of[i] = (struct recall_hit){i, 0, -1};
		if (f->q->tag && !recall_tagged(n, f->q->tag))
			continue;
		if (f->q->visible && !f->q->visible(f->q->arg, n))
			continue;
		f->note[f->n++] = i;
		f->rank[i] = 1e-9; /* it may be found, and has no rank yet */
	}
}

static void by_words(struct field *f)
{
	struct word_hit *hit = mem_zalloc(f->r->count, sizeof(*hit));
	size_t n =
		word_index_search(f->r->index, f->q->words, hit, f->r->count);
	double place = FUSION;

	for (size_t i = 0; i < n; i++) {
		size_t note = hit[i].text;

		if (f->rank[note] <= 0)
			continue;
		f->of[note].score = hit[i].score;
		f->rank[note] += 1 / ++place;
	}
	free(hit);
}

static void by_features(struct field *f)
{
	const struct json *wanted = f->q->features;
	size_t d = json_len(wanted), c = 0, n;
	double *points = mem_zalloc(f->n * d, sizeof(*points));
	double *query = mem_zalloc(d, sizeof(*query));
	struct near_hit *hit = mem_zalloc(f->n, sizeof(*hit));

	json_each (m, wanted) {
		query[c] = json_as_number(m, NAN);
		for (size_t i = 0; i < f->n; i++)
			points[i * d + c] = json_as_number(
				json_get(f->r->notes[f->note[i]].features,
					 json_key(m)),
				NAN);
		c++;
	}
	n = near_search(points, f->n, d, query, hit, f->n);
	for (size_t i = 0; i < n; i++) {
		size_t note = f->note[hit[i].point];

		f->of[note].distance = hit[i].distance;
		f->rank[note] += 1 / (FUSION + 1 + (double)i);
	}
	free(hit);
	free(query);
	free(points);
}

struct ranked {
	size_t note;
	double rank;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return x->note > y->note ? -1 : x->note < y->note;
}

size_t recall_search(const struct recall *r, const struct recall_query *q,
		     struct recall_hit *out, size_t max)
{
	bool words = q->words && *q->words, features = json_len(q->features);
	struct field f = {.r = r, .q = q};
	struct ranked *found;
	size_t n = 0;

	if (!r->count)
		return 0;
	f.note = mem_zalloc(r->count, sizeof(*f.note));
	f.of = mem_zalloc(r->count, sizeof(*f.of));
	f.rank = mem_zalloc(r->count, sizeof(*f.rank));
	found = mem_zalloc(r->count, sizeof(*found));
	choose(&f);
	if (words)
		by_words(&f);
	if (features && f.n)
		by_features(&f);
	for (size_t i = 0; i < f.n; i++) {
		const struct recall_hit *h = &f.of[f.note[i]];

		if ((!words && !features) || h->score > 0 || h->distance >= 0)
			found[n++] =
				(struct ranked){f.note[i], f.rank[f.note[i]]};
	}
	qsort(found, n, sizeof(*found), by_rank);
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		out[i] = f.of[found[i].note];
	free(found);
	free(f.rank);
	free(f.of);
	free(f.note);
	return n;
}
