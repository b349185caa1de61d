/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was tried before on workloads like this one: in the stream, and in the
 * history, which is read by running sched-history.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/learner/learner.h"
#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "policy/policy.h"

#define HISTORY_BYTES	(64u << 20)
#define HISTORY_SECONDS 60
/* Told of each kind, the newest first. */
#define TOLD_POLICIES 8
#define TOLD_PLANS    2
#define TOLD_DEAD     12
#define TOLD_NOTES    6
#define TOLD_LESSONS  12
#define TOLD_TEXT     800

static bool is_kind(const struct doc *d, const char *kind)
{
	return !strcmp(d->kind, kind);
}

/* ---- reading ---------------------------------------------------------- */

static const struct doc *find(const struct past *past, const char *id)
{
	for (size_t i = 0; i < past->count; i++)
		if (!strcmp(past->docs[i]->id, id))
			return past->docs[i];
	return NULL;
}

static void keep(struct past *past, const struct doc *d)
{
	past->docs =
		mem_realloc(past->docs, past->count + 1, sizeof(struct doc *));
	past->docs[past->count++] = d;
}

static void keep_lines(struct past *past, const struct buf *text)
{
	const char *line = text->data, *end;

	for (; line && *line; line = *end ? end + 1 : end) {
		struct doc *d;

		end = line + strcspn(line, "\n");
		/* The first line may be the rest of one too many. */
		if (doc_parse(line, (size_t)(end - line), &d) < 0)
			continue;
		if (find(past, d->id)) {
			doc_free(d);
			continue;
		}
		past->owned = mem_realloc(past->owned, past->owned_count + 1,
					  sizeof(struct doc *));
		past->owned[past->owned_count++] = d;
		keep(past, d);
	}
	err_clear();
}

/* The newest documents of one kind.  1: there is no history that can be read,
 * which is an empty one. */
static int read_kind(struct past *past, const struct proposer *p,
		     const char *kind, const char *max)
{
	char *program = path_bin("sched-history");
	const char *dir = p->o->history;
	const char *argv[] = {
		program, "--json", "log", "--kind",
		kind,	 "--max",  max,	  dir ? "--history" : NULL,
		dir,	 NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct buf out, err;
	int rc;

	buf_init(&out, HISTORY_BYTES);
	buf_init(&err, 4096);
	spec.argv = (char *const *)argv;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.err = &err;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = HISTORY_SECONDS;
	spec.cancel = p->o->cancel;
	rc = proc_run(&spec, &res);
	if (!rc && res.cancelled)
		rc = err_set(EINTR, "interrupted");
	if (!rc && res.exit_status)
		rc = 1;
	if (!rc)
		keep_lines(past, &out);
	buf_release(&out);
	buf_release(&err);
	free(program);
	return rc;
}

static void add_dead(struct past *past, const char *fingerprint,
		     const char *why)
{
	if (strlen(fingerprint) == DIGEST_HEX_LEN - 1 &&
	    !json_get(past->dead, fingerprint))
		json_set_string(past->dead, fingerprint, why);
}

static const char *workload_name(const struct doc *profile)
{
	return json_as_string(json_path(profile->body, "workload.name"), "");
}

/* A policy that fell before it was measured is broken wherever it is tried. */
static bool is_broken(const struct json *verdict)
{
	json_each (s, json_get(verdict, "stages"))
		if (!strcmp(json_text_at(s, "status"), "failed"))
			return strcmp(json_text_at(s, "name"), "run") != 0;
	return false;
}

/* Measured on this workload, or on what goes by its name. */
static bool is_of(const struct doc *verdict, const struct doc *profile)
{
	const char *name = workload_name(profile);

	return doc_has_parent(verdict, profile->id) ||
	       (*name &&
		!strcmp(json_text_at(verdict->body, "workload"), name));
}

/* Given up on this workload, or on what goes by its name. */
static bool is_given_up(const struct past *past, const struct doc *note,
			const struct doc *profile)
{
	const char *name = workload_name(profile);
	const struct json *dead = json_get(note->body, "antipattern");

	if (!is_kind(note, "note") || !dead)
		return false;
	if (*name && !strcmp(json_text_at(dead, "workload"), name))
		return true;
	for (size_t i = 0; i < doc_parent_count(note); i++) {
		const struct doc *plan = find(past, doc_parent(note, i));

		if (plan &&
		    !strcmp(json_text_at(plan->body, "profile"), profile->id))
			return true;
	}
	return false;
}

static void find_dead(struct past *past, const struct proposer *p)
{
	char fingerprint[DIGEST_HEX_LEN];

	past->dead = json_object();
	for (size_t i = 0; i < past->count; i++) {
		const struct doc *d = past->docs[i], *policy;

		if (is_given_up(past, d, p->profile))
			add_dead(past,
				 json_text_at(d->body,
					      "antipattern.fingerprint"),
				 json_text_at(d->body, "antipattern.why"));
		if (!is_kind(d, "verdict") ||
		    strcmp(json_text_at(d->body, "decision"), "rejected") ||
		    !(is_broken(d->body) || is_of(d, p->profile)))
			continue;
		policy = find(past, json_text_at(d->body, "policy"));
		if (!policy)
			continue;
		body_fingerprint(policy->body, fingerprint);
		add_dead(past, fingerprint, json_text_at(d->body, "why"));
	}
}

int proposer_past(struct past *past, const struct proposer *p)
{
	static const char *const kinds[][2] = {
		{"policy", "200"}, {"verdict", "200"}, {"plan", "100"},
		{"note", "200"},   {"lesson", "200"},
	};
	int rc = 0;

	for (size_t i = stream_count(p->stream); i-- > 0;)
		keep(past, stream_at(p->stream, i));
	for (size_t i = 0; !rc && i < ARRAY_LEN(kinds); i++)
		rc = read_kind(past, p, kinds[i][0], kinds[i][1]);
	find_dead(past, p);
	return rc < 0 ? rc : 0;
}

void past_release(struct past *past)
{
	for (size_t i = 0; i < past->owned_count; i++)
		doc_free(past->owned[i]);
	free(past->owned);
	free(past->docs);
	json_free(past->dead);
	*past = (struct past){0};
}

const char *past_is_dead(const struct past *past, const char *fingerprint)
{
	return json_as_string(json_get(past->dead, fingerprint), NULL);
}

const struct doc *past_verdict(const struct past *past, const char *policy)
{
	/* They are newest first. */
	for (size_t i = 0; i < past->count; i++)
		if (is_kind(past->docs[i], "verdict") &&
		    !strcmp(json_text_at(past->docs[i]->body, "policy"),
			    policy))
			return past->docs[i];
	return NULL;
}

/* ---- telling ---------------------------------------------------------- */

static size_t traits_shared(const struct json *a, const struct json *b)
{
	size_t n = 0;

	json_each (x, a)
		json_each (y, b)
			n += !strcmp(json_as_string(x, ""),
				     json_as_string(y, "-"));
	return n;
}

/* Workloads are alike that want the same and share half of their traits. */
static bool is_like(const struct json *a, const struct json *b)
{
	const struct json *x = json_get(a, "traits"),
			  *y = json_get(b, "traits");
	size_t shared = traits_shared(x, y);

	return !strcmp(json_text_at(a, "bound"), json_text_at(b, "bound")) &&
	       json_as_bool(json_get(a, "saturated"), false) ==
		       json_as_bool(json_get(b, "saturated"), false) &&
	       2 * shared >= json_len(x) + json_len(y) - shared;
}

static bool plan_is_like(const struct doc *plan, const struct json *regime)
{
	return is_kind(plan, "plan") &&
	       is_like(json_get(plan->body, "regime"), regime);
}

static bool policy_is_like(const struct past *past, const struct doc *policy,
			   const struct proposer *p, const struct json *regime)
{
	const struct doc *v = past_verdict(past, policy->id);

	if (doc_has_parent(policy, p->profile->id) ||
	    (v && is_of(v, p->profile)))
		return true;
	for (size_t i = 0; i < doc_parent_count(policy); i++) {
		const struct doc *d = find(past, doc_parent(policy, i));

		if (d && plan_is_like(d, regime))
			return true;
	}
	return false;
}

static void tell_policies(const struct past *past, const struct proposer *p,
			  const struct json *regime, struct buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < past->count && told < TOLD_POLICIES; i++) {
		const struct doc *d = past->docs[i];
		const struct doc *v;

		if (!is_kind(d, "policy") ||
		    !policy_is_like(past, d, p, regime))
			continue;
		if (!told++)
			buf_puts(out, "\n# Tried before on workloads like this "
				      "one, the newest first\n\n");
		prompt_policy(out, d);
		v = past_verdict(past, d->id);
		if (v)
			prompt_verdict(out, v);
	}
}

static void tell_plans(const struct past *past, const struct json *regime,
		       struct buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < past->count && told < TOLD_PLANS; i++) {
		const struct doc *d = past->docs[i];

		if (!plan_is_like(d, regime))
			continue;
		if (!told++)
			buf_puts(out, "\n# Earlier plans for workloads like "
				      "this one\n\n");
		prompt_fence(out, "plan", json_text_at(d->body, "text"),
			     TOLD_TEXT);
	}
}

/* Of this workload, or planned for one like it. */
static bool dead_is_like(const struct past *past, const struct doc *note,
			 const struct proposer *p, const struct json *regime)
{
	if (!is_kind(note, "note") || !json_get(note->body, "antipattern"))
		return false;
	for (size_t i = 0; i < doc_parent_count(note); i++) {
		const struct doc *d = find(past, doc_parent(note, i));

		if (d && plan_is_like(d, regime))
			return true;
	}
	return is_given_up(past, note, p->profile);
}

static void tell_dead(const struct past *past, const struct proposer *p,
		      const struct json *regime, struct buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < past->count && told < TOLD_DEAD; i++) {
		const struct json *b = past->docs[i]->body;

		if (!dead_is_like(past, past->docs[i], p, regime))
			continue;
		if (!told++)
			buf_puts(out, "\n# Dead ends: do not propose these "
				      "again\n\n");
		prompt_fence(out, "dead end", json_text_at(b, "text"),
			     TOLD_TEXT);
	}
}

static void tell_notes(const struct past *past, struct buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < past->count && told < TOLD_NOTES; i++) {
		const struct json *b = past->docs[i]->body;

		/* What we said about our own work is told above. */
		if (!is_kind(past->docs[i], "note") ||
		    json_get(b, "antipattern") || json_get(b, "accounts"))
			continue;
		if (!told++)
			buf_puts(out, "\n# Notes\n\n");
		prompt_fence(out, "note", json_text_at(b, "text"), TOLD_TEXT);
	}
}

static void tell_lesson(const struct doc *d, double distance, struct buf *out)
{
	const struct json *tried = json_get(d->body, "tried");
	char *params = json_get(tried, "params") ? policy_params_text(tried)
						 : mem_strdup("other code");
	char *text = mem_printf("distance %.1f; %s: %s; %s", distance,
				json_text_at(tried, "form"), params,
				json_text_at(d->body, "text"));

	prompt_fence(out, "lesson", text, TOLD_TEXT);
	free(text);
	free(params);
}

static bool has_tag(const struct doc *d, const char *tag)
{
	json_each (t, json_get(d->body, "tags"))
		if (!strcmp(json_as_string(t, ""), tag))
			return true;
	return false;
}

/* By the newest note that says so; docs are newest first. */
static bool is_reverted(const struct past *past, const char *lesson)
{
	for (size_t i = 0; i < past->count; i++) {
		const struct doc *d = past->docs[i];

		if (!is_kind(d, "note") ||
		    strcmp(json_text_at(d->body, "about"), lesson))
			continue;
		if (has_tag(d, "reverted") || has_tag(d, "restored"))
			return has_tag(d, "reverted");
	}
	return false;
}

/* What was measured, here and on workloads like this one, in numbers. */
static void tell_lessons(const struct past *past, const struct proposer *p,
			 struct buf *out)
{
	struct json *features = learner_features(p->profile->body);
	size_t told = 0;

	for (size_t i = 0; i < past->count && told < TOLD_LESSONS; i++) {
		const struct doc *d = past->docs[i];
		double distance;

		if (!is_kind(d, "lesson") || is_reverted(past, d->id))
			continue;
		distance = learner_lesson_distance(d->body, p->profile->body,
						   features);
		if (distance > LEARNER_FAR)
			continue;
		if (!told++)
			buf_puts(out, "\n# What was measured on workloads like "
				      "this one\n\nThe smaller the distance, "
				      "the more alike.\n\n");
		tell_lesson(d, distance, out);
	}
	json_free(features);
}

void past_words(const struct past *past, const struct proposer *p,
		struct buf *out)
{
	struct json *regime = features_regime(&p->features);

	tell_lessons(past, p, out);
	tell_policies(past, p, regime, out);
	tell_plans(past, regime, out);
	tell_dead(past, p, regime, out);
	tell_notes(past, out);
	json_free(regime);
}
