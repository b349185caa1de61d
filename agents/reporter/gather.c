/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a stream of documents to workloads, each with its candidates. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/reporter/parts.h"
#include "base/err.h"
#include "base/mem.h"

/* ---- reading ----------------------------------------------------------- */

double number_at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), NAN);
}

static bool is(const struct doc *d, const char *kind)
{
	return d && !strcmp(d->kind, kind);
}

const struct doc *story_find(const struct story *s, const char *id)
{
	uint32_t at;

	if (strlen(id) != IDS_DIGITS)
		return NULL;
	at = ids_find(&s->ids, id);
	return at == IDS_NONE ? NULL : s->by_id[at];
}

void told_metric_read(const struct json *m, struct told_metric *out)
{
	const struct json *samples = json_get(m, "samples");

	*out = (struct told_metric){
		.name = json_text_at(m, "name"),
		.unit = json_text_at(m, "unit"),
		.higher = !strcmp(json_text_at(m, "better"), "higher"),
		.guard = json_as_bool(json_get(m, "guard"), false),
		.baseline = number_at(m, "baseline"),
		.candidate = number_at(m, "candidate"),
		.ratio = number_at(m, "ratio"),
		.lo = number_at(m, "ci95.0"),
		.hi = number_at(m, "ci95.1"),
		.guard_pct = number_at(m, "guard_pct"),
		.shuffled = number_at(m, "shuffled_ratio"),
		.pairs = number_at(m, "pairs"),
		.samples_base = json_get(samples, "baseline"),
		.samples_cand = json_get(samples, "candidate"),
		.samples_shuffled = json_get(m, "shuffled_samples"),
	};
	if (isnan(out->lo))
		out->lo = 0;
	if (isnan(out->hi))
		out->hi = INFINITY;
}

const char *candidate_title(const struct candidate *c)
{
	const char *t = c->policy ? json_text_at(c->policy->body, "title") : "";

	if (!*t && c->lesson)
		t = json_text_at(c->lesson->body, "tried.title");
	return *t ? t : c->id;
}

const char *candidate_decision(const struct candidate *c)
{
	return c->verdict ? json_text_at(c->verdict->body, "decision")
			  : "not measured";
}

bool candidate_accepted(const struct candidate *c)
{
	return c->measured && !strcmp(candidate_decision(c), "accepted");
}

const struct candidate *chapter_chosen(const struct chapter *c)
{
	return c->chosen == NOBODY ? NULL : &c->c[c->chosen];
}

const char *chapter_name(const struct chapter *c)
{
	return *c->workload ? c->workload : "this workload";
}

double chapter_min_effect(const struct chapter *c)
{
	for (size_t i = 0; i < c->n; i++) {
		double x = c->c[i].verdict
				   ? number_at(c->c[i].verdict->body,
					       "evidence.min_effect_pct")
				   : NAN;
		if (x > 0 && x < 1e3)
			return x;
	}
	return NAN;
}

/* ---- whose chapter it is ----------------------------------------------- */

static const char *workload_of(const struct story *s, const struct doc *d,
			       int depth)
{
	static const char *const links[] = {"verdict", "profile", "policy",
					    "about"};
	const char *name = "";

	if (!d || depth > 3)
		return "";
	if (is(d, "profile")) {
		name = json_text_at(d->body, "workload.name");
		return *name ? name : d->id;
	}
	name = json_text_at(d->body,
			    is(d, "note") ? "loop.workload" : "workload");
	if (*name)
		return name;
	for (size_t i = 0; i < ARRAY_LEN(links) && !*name; i++)
		name = workload_of(
			s, story_find(s, json_text_at(d->body, links[i])),
			depth + 1);
	for (size_t i = 0; i < doc_parent_count(d) && i < 4 && !*name; i++)
		name = workload_of(s, story_find(s, doc_parent(d, i)),
				   depth + 1);
	return name;
}

static struct chapter *chapter_of(struct story *s, const char *workload)
{
	struct chapter *c;

	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->chapters[i].workload, workload))
			return &s->chapters[i];
	/* What names none belongs to the last one. */
	if (!*workload && s->count)
		return &s->chapters[s->count - 1];
	if (s->count == STORY_CHAPTERS) {
		s->left_out++;
		return NULL;
	}
	c = &s->chapters[s->count++];
	*c = (struct chapter){.workload = workload, .chosen = NOBODY};
	ids_init(&c->known);
	return c;
}

static struct candidate *candidate_of(struct chapter *c, const char *id)
{
	uint32_t at;

	if (strlen(id) != IDS_DIGITS)
		return NULL;
	at = ids_number(&c->known, id);
	if (at < c->n)
		return &c->c[at];
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 16;
		c->c = mem_realloc(c->c, c->cap, sizeof(*c->c));
	}
	c->c[c->n] = (struct candidate){
		.id = id,
		.number = c->n + 1,
		.source = "",
		.from = "",
		.predicted = NAN,
		.loop_ratio = NAN,
		.loop_lo = NAN,
		.loop_hi = NAN,
	};
	return &c->c[c->n++];
}

/* ---- documents --------------------------------------------------------- */

static void take_profile(struct chapter *c, const struct doc *d)
{
	if (c->profile && !c->earlier)
		c->earlier = c->profile;
	c->profile = d;
}

static void take_plan(struct chapter *c, const struct doc *d)
{
	struct candidate *k;

	c->plan = d;
	json_each (v, json_get(d->body, "proposals"))
		candidate_of(c, json_as_string(v, ""));
	json_each (v, json_get(d->body, "predictions")) {
		k = candidate_of(c, json_text_at(v, "policy"));
		if (k)
			k->predicted = number_at(v, "ratio");
	}
	json_each (v, json_get(d->body, "origins")) {
		k = candidate_of(c, json_text_at(v, "policy"));
		if (!k)
			continue;
		k->source = json_text_at(v, "source");
		k->from = json_text_at(v, "from");
	}
}

static void take_verdict(struct chapter *c, const struct doc *d)
{
	struct candidate *k = candidate_of(c, json_text_at(d->body, "policy"));
	const struct json *metrics = json_get(d->body, "metrics");

	if (!k)
		return;
	k->verdict = d;
	k->measured = false;
	json_each (m, metrics) {
		if (json_as_bool(json_get(m, "guard"), false))
			continue;
		told_metric_read(m, &k->goal);
		k->measured = k->goal.ratio > 0;
		break;
	}
}

static void take_lesson(const struct story *s, struct chapter *c,
			const struct doc *d)
{
	const struct doc *verdict =
		story_find(s, json_text_at(d->body, "verdict"));
	const struct doc *profile =
		story_find(s, json_text_at(d->body, "profile"));
	struct candidate *k;

	/* Of another workload, or of an earlier time. */
	if (!verdict && !profile)
		return;
	k = candidate_of(c, json_text_at(d->body, "policy"));
	if (!k)
		return;
	k->lesson = d;
	if (!*k->source)
		k->source = json_text_at(d->body, "tried.source");
	if (!*k->from)
		k->from = json_text_at(d->body, "tried.from");
	if (isnan(k->predicted))
		k->predicted = number_at(d->body, "predicted.ratio");
}

static void take_loop(struct chapter *c, const struct doc *d)
{
	size_t round = 0;

	c->loop_doc = d;
	c->loop = json_get(d->body, "loop");
	json_each (r, json_get(c->loop, "rounds")) {
		round++;
		json_each (v, json_get(r, "candidates")) {
			struct candidate *k =
				candidate_of(c, json_text_at(v, "policy"));
			if (!k)
				continue;
			k->round = round;
			k->loop_ratio = number_at(v, "measured");
			k->loop_lo = number_at(v, "ci95.0");
			k->loop_hi = number_at(v, "ci95.1");
			if (!*k->source)
				k->source = json_text_at(v, "source");
			if (isnan(k->predicted))
				k->predicted = number_at(v, "predicted");
		}
	}
}

static void take(struct story *s, const struct doc *d)
{
	bool loop = is(d, "note") && json_get(d->body, "loop");
	struct candidate *k;
	struct chapter *c;

	if (is(d, "error")) {
		s->errors++;
		return;
	}
	if (is(d, "note") && !loop) {
		s->notes[s->note_count++] = d;
		return;
	}
	if (!is(d, "profile") && !is(d, "plan") && !is(d, "policy") &&
	    !is(d, "verdict") && !is(d, "lesson") && !is(d, "deployment") &&
	    !loop)
		return;
	c = chapter_of(s, workload_of(s, d, 0));
	if (!c)
		return;
	if (is(d, "profile")) {
		take_profile(c, d);
	} else if (is(d, "plan")) {
		take_plan(c, d);
	} else if (is(d, "policy")) {
		k = candidate_of(c, d->id);
		if (k)
			k->policy = d;
	} else if (is(d, "verdict")) {
		take_verdict(c, d);
	} else if (is(d, "lesson")) {
		take_lesson(s, c, d);
	} else if (is(d, "deployment")) {
		k = candidate_of(c, json_text_at(d->body, "policy"));
		if (k)
			k->deployment = d;
	} else {
		take_loop(c, d);
	}
}

/* ---- the order --------------------------------------------------------- */

struct rank {
	size_t i;
	bool measured;
	double ratio;
};

static int by_ratio(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->measured != y->measured)
		return x->measured ? -1 : 1;
	if (x->measured && x->ratio != y->ratio)
		return x->ratio < y->ratio ? 1 : -1;
	return (x->i > y->i) - (x->i < y->i);
}

static void settle(struct story *s, struct chapter *c)
{
	struct rank *r = mem_zalloc(c->n + 1, sizeof(*r));
	const char *best = json_text_at(c->loop, "best");

	c->order = mem_zalloc(c->n + 1, sizeof(*c->order));
	for (size_t i = 0; i < c->n; i++) {
		struct candidate *k = &c->c[i];

		/* A policy that came before what says whose it is. */
		if (!k->policy && is(story_find(s, k->id), "policy"))
			k->policy = story_find(s, k->id);
		r[i] = (struct rank){i, k->measured, k->goal.ratio};
		c->measured += k->measured;
		if (candidate_accepted(k) &&
		    (c->chosen == NOBODY ||
		     k->goal.lo > c->c[c->chosen].goal.lo))
			c->chosen = i;
	}
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->c[i].id, best) && candidate_accepted(&c->c[i]))
			c->chosen = i;
	/* Whatever else the stream measured, this is what the loop found. */
	if (!strcmp(json_text_at(c->loop, "status"), "none"))
		c->chosen = NOBODY;
	qsort(r, c->n, sizeof(*r), by_ratio);
	for (size_t i = 0; i < c->n; i++)
		c->order[i] = r[i].i;
	free(r);
}

/* A policy alone has no chapter of its own if others have some. */
static bool nameless(const struct doc *d, const struct story *s)
{
	return is(d, "policy") && !*workload_of(s, d, 0);
}

int story_gather(struct story *s, const struct doc *const *docs, size_t n)
{
	*s = (struct story){.docs = docs, .n = n};
	ids_init(&s->ids);
	s->by_id = mem_zalloc(n + 1, sizeof(const struct doc *));
	s->notes = mem_zalloc(n + 1, sizeof(const struct doc *));
	s->chapters = mem_zalloc(STORY_CHAPTERS, sizeof(*s->chapters));
	for (size_t i = 0; i < n; i++) {
		uint32_t at = ids_number(&s->ids, docs[i]->id);

		if (!s->by_id[at])
			s->by_id[at] = docs[i];
	}
	for (size_t i = 0; i < n; i++)
		if (!nameless(docs[i], s))
			take(s, docs[i]);
	if (!s->count)
		for (size_t i = 0; i < n; i++)
			if (nameless(docs[i], s))
				take(s, docs[i]);
	for (size_t i = 0; i < s->count; i++)
		settle(s, &s->chapters[i]);
	if (s->count || s->note_count)
		return 0;
	story_release(s);
	return err_set(ENODATA,
		       "there are no documents to report on; 'sched-observe "
		       "-- COMMAND | sched-synth | sched-verify | "
		       "sched-report' has some, and --workload NAME reads "
		       "the history");
}

void story_release(struct story *s)
{
	for (size_t i = 0; i < s->count; i++) {
		ids_release(&s->chapters[i].known);
		free(s->chapters[i].c);
		free(s->chapters[i].order);
	}
	free(s->chapters);
	free(s->by_id);
	free(s->notes);
	ids_release(&s->ids);
}
