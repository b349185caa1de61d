/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/neighbours.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner.h"
#include "base/mem.h"
#include "history/recall.h"

/* ---- what was reverted ------------------------------------------------ */

/* The notes with a tag, as they were recorded: sets what they are about. */
struct turned {
	struct json *last;     /* {lesson: number of the note} */
	struct json *reverted; /* {lesson: whether} */
};

static int turn(struct history *h, const struct recall *r, size_t note,
		bool reverted, struct turned *t)
{
	const char *about;
	struct doc *d;
	int rc = history_read(h, "note", recall_at(r, note)->id, &d);

	if (rc)
		return rc;
	about = json_text_at(d->body, "about");
	if (json_as_number(json_get(t->last, about), -1) < (double)note) {
		json_set_number(t->last, about, (double)note);
		json_set_bool(t->reverted, about, reverted);
	}
	doc_free(d);
	return 0;
}

static int turn_all(struct history *h, const struct recall *r, const char *tag,
		    bool reverted, struct turned *t)
{
	const struct recall_query q = {.tag = tag};
	size_t max = 64, n;
	struct recall_hit *hits = NULL;
	int rc = 0;

	do {
		max *= 2;
		hits = mem_realloc(hits, max, sizeof(*hits));
		n = recall_search(r, &q, hits, max);
	} while (n == max);
	for (size_t i = 0; i < n && !rc; i++)
		rc = turn(h, r, hits[i].note, reverted, t);
	free(hits);
	return rc;
}

/* The later of a `reverted` and a `restored` counts. */
static int read_reverted(struct history *h, struct json **out)
{
	struct turned t = {json_object(), json_object()};
	struct recall *r = recall_new(h);
	int rc = recall_refresh(r);

	if (!rc)
		rc = turn_all(h, r, "reverted", true, &t);
	if (!rc)
		rc = turn_all(h, r, "restored", false, &t);
	recall_free(r);
	json_free(t.last);
	*out = t.reverted;
	return rc;
}

/* ---- the pass --------------------------------------------------------- */

struct pass {
	const struct json *profile; /* its body */
	struct json *features;
	const char *id; /* only lessons of this profile; NULL: of any */
	struct json *reverted;
	double max_distance;
	struct neighbour *list;
	size_t n, cap;
};

static bool wanted(const struct pass *p, const struct doc *d, double *distance)
{
	*distance = 0;
	if (json_as_bool(json_get(p->reverted, d->id), false))
		return false;
	if (p->id)
		return !strcmp(json_text_at(d->body, "profile"), p->id);
	*distance = learner_lesson_distance(d->body, p->profile, p->features);
	return *distance <= p->max_distance && isfinite(*distance);
}

static int take(const struct doc *d, void *arg)
{
	struct pass *p = arg;
	struct neighbour *to;
	double distance;
	char *line;

	if (!wanted(p, d, &distance))
		return 0;
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->list = mem_realloc(p->list, p->cap, sizeof(*p->list));
	}
	to = &p->list[p->n];
	to->distance = distance;
	line = doc_line(d);
	if (!doc_parse(line, strlen(line), &to->lesson))
		p->n++;
	free(line);
	return 0;
}

static bool is_better(const struct doc *lesson)
{
	return !strcmp(json_text_at(lesson->body, "outcome"), "better");
}

static double effect(const struct doc *lesson)
{
	return json_as_number(json_path(lesson->body, "measured.ratio"), 0);
}

static int by_distance(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	if (is_better(x->lesson) != is_better(y->lesson))
		return is_better(x->lesson) ? -1 : 1;
	if (effect(x->lesson) != effect(y->lesson))
		return effect(x->lesson) > effect(y->lesson) ? -1 : 1;
	return strcmp(x->lesson->id, y->lesson->id);
}

static int run(struct history *h, struct pass *p, size_t max,
	       struct neighbour **out, size_t *n)
{
	int rc = read_reverted(h, &p->reverted);

	*out = NULL;
	*n = 0;
	if (!rc)
		rc = history_each(h, "lesson", take, p);
	if (rc) {
		neighbours_free(p->list, p->n);
	} else {
		if (p->n)
			qsort(p->list, p->n, sizeof(*p->list), by_distance);
		for (; p->n > max; p->n--)
			doc_free(p->list[p->n - 1].lesson);
		*out = p->list;
		*n = p->n;
	}
	json_free(p->reverted);
	json_free(p->features);
	return rc;
}

int neighbours_find(struct history *h, const struct json *profile,
		    const struct neighbours_opts *o, struct neighbour **out,
		    size_t *n)
{
	struct pass p = {.profile = profile,
			 .features = learner_features(profile),
			 .max_distance = o->max_distance};

	return run(h, &p, o->max, out, n);
}

int neighbours_of(struct history *h, const char *profile,
		  struct neighbour **out, size_t *n)
{
	struct pass p = {.id = profile};

	return run(h, &p, SIZE_MAX, out, n);
}

void neighbours_free(struct neighbour *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		doc_free(list[i].lesson);
	free(list);
}
