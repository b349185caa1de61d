/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents: the plan, the policies that passed, a note about each. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/mem.h"

#define TEXT_MAX    (128u << 10)
#define SUMMARY_MAX 4000

/* Beside the body: the id says what a policy is, not who thought of it. */
static void set_provenance(struct doc *d, struct json *provenance)
{
	if (d)
		json_set(d->env, "provenance", provenance);
	else
		json_free(provenance);
}

/* The most promising first; where nothing is foretold, as the planner said. */
static int by_promise(const void *a, const void *b)
{
	const struct draft *x = *(struct draft *const *)a;
	const struct draft *y = *(struct draft *const *)b;
	double rx = x->metric ? x->ratio : 0, ry = y->metric ? y->ratio : 0;

	if (rx != ry)
		return rx < ry ? 1 : -1;
	return x < y ? -1 : x > y;
}

static struct draft **accepted_of(struct proposer *p, size_t *n)
{
	struct draft **out = mem_zalloc(p->count + 1, sizeof(*out));

	*n = 0;
	for (size_t i = 0; i < p->count; i++)
		if (p->drafts[i].state == DRAFT_ACCEPTED)
			out[(*n)++] = &p->drafts[i];
	qsort(out, *n, sizeof(*out), by_promise);
	return out;
}

/* ---- the plan --------------------------------------------------------- */

static void add_failed(struct buf *b, const struct proposer *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct draft *d = &p->drafts[i];

		if (d->why)
			buf_printf(b, " Not proposed: %s (%s).",
				   d->body ? json_text_at(d->body, "title")
					   : "an experiment",
				   d->why);
	}
}

static char *plan_text(const struct proposer *p, struct draft *const *ok,
		       size_t n, const char *stopped)
{
	char *regime = features_text(&p->features);
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b, "%s", regime);
	if (p->summary)
		buf_printf(&b, " The planner (%s): %.*s", model_name(p->model),
			   SUMMARY_MAX, p->summary);
	buf_printf(&b, " Of %zu experiment%s %zu passed.", p->count,
		   p->count == 1 ? "" : "s", n);
	if (n)
		buf_puts(&b, " To be tried in this order:");
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, " %zu. %s (%s", i + 1,
			   json_text_at(ok[i]->body, "title"),
			   json_text_at(ok[i]->body, "why"));
		if (ok[i]->metric)
			buf_printf(&b, "; simulated %.2f times EEVDF",
				   ok[i]->ratio);
		buf_puts(&b, ").");
	}
	add_failed(&b, p);
	if (stopped)
		buf_printf(&b, " Ended early: %s.", stopped);
	free(regime);
	return buf_take(&b);
}

static struct json *predictions_of(struct draft *const *ok, size_t n)
{
	struct json *list = json_array();

	for (size_t i = 0; i < n; i++) {
		char id[DOC_ID_LEN];
		struct json *row;

		if (!ok[i]->metric)
			continue;
		row = json_add(list, json_object());
		doc_body_id(ok[i]->body, id);
		json_set_string(row, "policy", id);
		json_set_string(row, "metric", ok[i]->metric);
		json_set_number(row, "ratio", round(ok[i]->ratio * 1e4) / 1e4);
		json_set_number(row, "seeds", (double)ok[i]->seeds);
	}
	return list;
}

static struct doc *plan_of(const struct proposer *p, struct draft *const *ok,
			   size_t n, const char *stopped)
{
	struct json *body = json_object(), *ids = json_array();
	struct json *predictions = predictions_of(ok, n);
	char *text = plan_text(p, ok, n, stopped);

	for (size_t i = 0; i < n; i++) {
		char id[DOC_ID_LEN];

		doc_body_id(ok[i]->body, id);
		json_add(ids, json_string(id));
	}
	json_set_string(body, "profile", p->profile->id);
	json_set(body, "regime", features_regime(&p->features));
	json_set(body, "evidence", json_copy(p->features.evidence));
	json_set_string(body, "text", text);
	json_set(body, "proposals", ids);
	if (json_len(predictions))
		json_set(body, "predictions", predictions);
	else
		json_free(predictions);
	if (p->o->wish)
		json_set_string(body, "wish", p->o->wish);
	json_set_number(body, "seed", 0);
	free(text);
	return doc_new("plan", p->o->by, body, &p->profile->id, 1);
}

/* ---- notes ------------------------------------------------------------ */

static char *words_about(const struct proposer *p, const struct draft *d)
{
	if (d->state == DRAFT_ACCEPTED)
		return mem_printf("proposed by %s; passed lint, build, prove "
				  "and sim with draft %ld",
				  model_name(p->model), d->climbs);
	return mem_printf("%s: form %s, '%s': %s",
			  d->state == DRAFT_DEAD ? "dead end" : "not proposed",
			  json_text_at(d->body, "form"),
			  json_text_at(d->body, "title"), d->why);
}

static void add_talk(struct json *body, const struct talk *t, bool words)
{
	if (t->accounts)
		json_set(body, "accounts", json_copy(t->accounts));
	if (t->entries && words)
		json_set(body, "transcript", talk_transcript(t));
}

/* The planning is all proposals' in common. */
static struct doc *note_about_plan(const struct proposer *p,
				   const struct doc *plan)
{
	struct json *body = json_object();
	char *words = mem_printf("planned by %s", model_name(p->model));

	json_set_string(body, "text", words);
	json_set_string(body, "about", plan->id);
	add_talk(body, &p->planning, true);
	free(words);
	return doc_new("note", p->o->by, body, &plan->id, 1);
}

static struct json *antipattern_of(const struct proposer *p,
				   const struct draft *d)
{
	const char *workload = json_text_at(p->profile->body, "workload.name");
	struct json *a = json_object();
	char fingerprint[DIGEST_HEX_LEN];

	body_fingerprint(d->body, fingerprint);
	json_set_string(a, "form", json_text_at(d->body, "form"));
	json_set_string(a, "why", d->why);
	json_set_string(a, "workload", workload);
	json_set_string(a, "fingerprint", fingerprint);
	return a;
}

static struct doc *note_about(const struct proposer *p, const struct draft *d,
			      const struct doc *plan)
{
	struct json *body = json_object();
	char *words = words_about(p, d);
	char id[DOC_ID_LEN];
	const char *parents[] = {plan->id, id};

	doc_body_id(d->body, id);
	json_set_string(body, "text", words);
	json_set_string(body, "about", id);
	if (d->state == DRAFT_DEAD)
		json_set(body, "antipattern", antipattern_of(p, d));
	add_talk(body, &d->talk, d->state == DRAFT_ACCEPTED);
	free(words);
	/* A policy that is not emitted is nobody's parent. */
	return doc_new("note", p->o->by, body, parents,
		       d->state == DRAFT_ACCEPTED ? 2 : 1);
}

/* ---- the whole -------------------------------------------------------- */

/* note: has what was said about it. */
static int emit_with(struct proposer *p, struct doc *d, const struct talk *t,
		     const struct doc *note)
{
	struct json *provenance = talk_provenance(t, model_name(p->model));

	if (note)
		json_set_string(provenance, "transcript", note->id);
	set_provenance(d, provenance);
	return stream_emit(p->stream, d);
}

static int emit_policy(struct proposer *p, const struct draft *d,
		       const struct doc *plan, const struct doc *note)
{
	const char *parents[] = {p->profile->id, plan->id};

	return emit_with(
		p, doc_new("policy", p->o->by, json_copy(d->body), parents, 2),
		&d->talk, note);
}

/* notes: of the plan, then of each policy in ok. */
static int emit_proposals(struct proposer *p, struct draft *const *ok, size_t n,
			  struct doc *plan, struct doc **notes)
{
	int rc;

	notes[0] = note_about_plan(p, plan);
	rc = emit_with(p, plan, &p->planning, notes[0]);
	for (size_t i = 0; !rc && i < n; i++) {
		notes[i + 1] = note_about(p, ok[i], plan);
		/* Of what needed no word more the planner said all. */
		rc = emit_policy(p, ok[i], plan,
				 notes[ok[i]->talk.entries ? i + 1 : 0]);
	}
	for (size_t i = 0; i <= n; i++) {
		if (!rc && notes[i])
			rc = stream_emit(p->stream, notes[i]);
		else
			doc_free(notes[i]);
	}
	return rc;
}

/* A dead end; or it was asked about, and that cost something. */
static bool is_worth_a_note(const struct draft *d)
{
	return d->state == DRAFT_DEAD ||
	       (d->state == DRAFT_DROPPED && d->talk.accounts);
}

int emit_all(struct proposer *p, const char *stopped, size_t *accepted)
{
	struct draft **ok = accepted_of(p, accepted);
	struct doc **notes = mem_zalloc(*accepted + 1, sizeof(*notes));
	struct doc *plan = plan_of(p, ok, *accepted, stopped);
	int rc = -EINVAL;

	if (plan)
		rc = emit_proposals(p, ok, *accepted, plan, notes);
	for (size_t i = 0; !rc && i < p->count; i++)
		if (is_worth_a_note(&p->drafts[i]))
			rc = stream_emit(p->stream,
					 note_about(p, &p->drafts[i], plan));
	free(notes);
	free(ok);
	return rc;
}
