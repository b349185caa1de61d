/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/learner/neighbours.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/learner.h"
#include "base/mem.h"

struct pass {
	struct history *h;
	const struct json *profile; /* its body */
	struct json *features;
	const char *id; /* only lessons of this profile; NULL: of any */
	size_t max;
	double max_distance; /* becomes less once there are enough */
	struct neighbour *list;
	size_t n, cap;
};

#define SPARE 64 /* beyond max before the furthest are let go */

static bool is_like(const struct pass *p, const struct doc *d, double *distance)
{
	*distance = 0;
	if (p->id)
		return !strcmp(json_text_at(d->body, "profile"), p->id);
	*distance = learner_lesson_distance(d->body, p->profile, p->features);
	return *distance <= p->max_distance && isfinite(*distance);
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

static void sort(struct pass *p)
{
	if (p->n)
		qsort(p->list, p->n, sizeof(*p->list), by_distance);
	for (; p->n > p->max; p->n--)
		doc_free(p->list[p->n - 1].lesson);
	if (p->max && p->n == p->max && !p->id)
		p->max_distance = p->list[p->n - 1].distance;
}

static int take(const struct doc *d, void *arg)
{
	struct pass *p = arg;
	struct neighbour *to;
	double distance;
	int rc;

	if (!is_like(p, d, &distance))
		return 0;
	rc = history_reverted(p->h, d->id);
	if (rc)
		return rc < 0 ? rc : 0;
	if (p->n == p->cap && p->n > p->max && p->n - p->max > SPARE)
		sort(p);
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : SPARE;
		p->list = mem_realloc(p->list, p->cap, sizeof(*p->list));
	}
	to = &p->list[p->n];
	to->distance = distance;
	to->lesson = doc_copy(d);
	p->n++;
	return 0;
}

static int run(struct pass *p, struct neighbour **out, size_t *n)
{
	int rc = history_each(p->h, "lesson", take, p);

	*out = NULL;
	*n = 0;
	if (rc) {
		neighbours_free(p->list, p->n);
	} else {
		sort(p);
		*out = p->list;
		*n = p->n;
	}
	json_free(p->features);
	return rc;
}

int neighbours_find(struct history *h, const struct json *profile,
		    const struct neighbours_opts *o, struct neighbour **out,
		    size_t *n)
{
	struct pass p = {.h = h,
			 .profile = profile,
			 .features = learner_features(profile),
			 .max = o->max,
			 .max_distance = o->max_distance};

	return run(&p, out, n);
}

int neighbours_of(struct history *h, const char *profile,
		  struct neighbour **out, size_t *n)
{
	struct pass p = {.h = h, .id = profile, .max = SIZE_MAX};

	return run(&p, out, n);
}

void neighbours_free(struct neighbour *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		doc_free(list[i].lesson);
	free(list);
}
