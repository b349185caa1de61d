/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One proposal: written, reviewed, sent up the ladder, mended a bounded number
 * of times.  The ladder decides; what a model says of a draft never does.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

#define STAGES	   "lint,build,prove,sim"
#define ADVICE_MAX 4096

void draft_release(struct draft *d)
{
	json_free(d->body);
	json_free(d->findings);
	json_free(d->earlier);
	talk_release(&d->talk);
	doc_free(d->verdict);
	free(d->metric);
	free(d->advice);
	free(d->why);
	*d = (struct draft){0};
}

void draft_end(struct draft *d, enum draft_state state, const char *fmt, ...)
{
	va_list ap;
	char text[1024];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(d->why);
	d->why = mem_strdup(text);
	d->state = state;
}

static void find_more(struct draft *d, const char *rule, const char *text)
{
	struct json *list = findings_with(d->findings, rule, text);

	json_free(d->findings);
	d->findings = list;
}

/* ---- the ladder ------------------------------------------------------- */

static const char *status_of(const struct json *verdict, const char *stage)
{
	json_each (s, json_get(verdict, "stages"))
		if (!strcmp(json_text_at(s, "name"), stage))
			return json_text_at(s, "status");
	return "";
}

static bool any_failed(const struct json *verdict)
{
	json_each (s, json_get(verdict, "stages"))
		if (!strcmp(json_text_at(s, "status"), "failed"))
			return true;
	return !strcmp(json_text_at(verdict, "decision"), "rejected");
}

/*
 * As sched-verify: what prove cannot tell the simulator has to show.  Of a
 * program that others installed neither can say anything: it is for a kernel
 * to tell.
 */
static bool is_unproved(const struct draft *d, const struct json *verdict)
{
	if (body_has_code(d->body) &&
	    !strcmp(status_of(verdict, "sim"), "unknown"))
		return true;
	return strcmp(json_text_at(d->body, "form"), "external") != 0 &&
	       !strcmp(status_of(verdict, "prove"), "unknown") &&
	       strcmp(status_of(verdict, "sim"), "passed") != 0;
}

static const struct json *goal_metric(const struct proposer *p,
				      const struct json *verdict)
{
	/* Nothing of the first kind may be counted in this workload. */
	const char *const tried[] = {bound_metrics[p->features.bound], "wall"};

	for (size_t i = 0; i < ARRAY_LEN(tried); i++)
		json_each (m, json_path(verdict, "simulation.metrics"))
			if (!strcmp(json_text_at(m, "name"), tried[i]))
				return m;
	return NULL;
}

static void take_figures(const struct proposer *p, struct draft *d)
{
	const struct json *verdict = d->verdict->body;
	const struct json *m = goal_metric(p, verdict);

	free(d->metric);
	d->metric = m ? mem_strdup(json_text_at(m, "name")) : NULL;
	d->ratio = json_as_number(json_get(m, "ratio"), 0);
	d->seeds =
		(long)json_as_number(json_path(verdict, "simulation.seeds"), 0);
}

/* Passed, broken, or of no use. */
static void judge(const struct proposer *p, struct draft *d)
{
	const struct json *verdict = d->verdict->body;
	char *text;

	json_free(d->findings);
	d->findings = findings_of(verdict);
	take_figures(p, d);
	if (any_failed(verdict)) {
		if (!json_len(d->findings))
			find_more(d, "rejected", json_text_at(verdict, "why"));
	} else if (is_unproved(d, verdict)) {
		find_more(d, "unproved",
			  "it is not shown to be safe: stage sim did not pass");
	} else if (d->metric && d->ratio <= 1) {
		text = mem_printf("it is safe, but of no use: simulated %.3f "
				  "times EEVDF in %s",
				  d->ratio, d->metric);
		find_more(d, "no-gain", text);
		free(text);
	} else {
		d->state = DRAFT_ACCEPTED;
	}
}

/* Compiled to the same bytes as the last one: other words, the same policy.
 * The parameters of the other forms are not in the object. */
static bool same_object(const struct draft *d, const char *before)
{
	return !strcmp(json_text_at(d->body, "form"), "source") && *before &&
	       !strcmp(d->object, before);
}

/* -EINTR, -ECANCELED: it has no use any more, or what no draft is to blame
 * for. */
static int climb(struct proposer *p, struct draft *d)
{
	struct doc *doc = doc_new("policy", p->o->by, json_copy(d->body),
				  &p->profile->id, 1);
	char before[DIGEST_HEX_LEN];
	struct doc *verdict = NULL;
	int rc;

	if (!doc)
		return -EINVAL;
	proposer_say(p, "%s: draft %ld up the ladder",
		     json_text_at(d->body, "title"), ++d->climbs);
	body_fingerprint(d->body, d->fingerprint);
	rc = ladder_enter(p->gate, d->fingerprint);
	if (!rc) {
		rc = ladder_climb(p->profile, doc, STAGES, p->o->cancel,
				  &verdict);
		ladder_leave(p->gate);
	}
	doc_free(doc);
	if (rc == -ECANCELED)
		return rc;
	doc_free(d->verdict);
	d->verdict = verdict;
	free(d->metric);
	d->metric = NULL;
	if (!verdict) {
		if (rc == -EINTR || rc == -ENOENT || rc == -EACCES)
			return rc;
		find_more(d, "ladder", err_text());
		return 0;
	}
	strcpy(before, d->object);
	snprintf(d->object, sizeof(d->object), "%s",
		 json_text_at(verdict->body, "object_sha256"));
	judge(p, d);
	if (d->state == DRAFT_OPEN && same_object(d, before))
		find_more(d, "no-effect",
			  "the compiled policy is the same as before");
	return 0;
}

/* ---- the roles -------------------------------------------------------- */

/* The model's answer is the draft's misfortune; the rest ends the run. */
static int ask(struct proposer *p, struct draft *d, enum role_id id,
	       struct buf *message, struct json **answer)
{
	int rc = talk_ask(p, &d->talk, id, message->data, answer);

	buf_release(message);
	if (rc == -EBADMSG || rc == -EMSGSIZE) {
		draft_end(d, DRAFT_DEAD, "no usable answer: %s", err_text());
		return 0;
	}
	return rc;
}

static int write_code(struct proposer *p, struct draft *d)
{
	struct json *answer = NULL;
	struct buf b;
	int rc;

	buf_init(&b, PROMPT_MAX);
	words_for_coder(&b, p, d->body);
	rc = ask(p, d, ROLE_CODER, &b, &answer);
	if (!rc && d->state == DRAFT_OPEN &&
	    body_add_code(d->body, answer, p->profile->body) < 0)
		draft_end(d, DRAFT_DEAD, "%s", err_text());
	json_free(answer);
	return rc;
}

/* Words or objects of them, whatever a critic's schema says. */
static void add_advice(struct buf *out, const struct json *answer)
{
	buf_printf(out, "%s\n", json_text_at(answer, "verdict"));
	json_each (f, json_get(answer, "findings")) {
		double line = json_as_number(json_get(f, "line"), 0);

		buf_puts(out, "- ");
		if (line > 0)
			buf_printf(out, "line %.0f: ", line);
		buf_printf(out, "%s\n",
			   json_as_string(f, json_text_at(f, "text")));
	}
}

/* A review that fails is none: it decides nothing. */
static int review(struct proposer *p, struct draft *d)
{
	struct json *answer = NULL;
	struct buf b, advice;
	int rc;

	buf_init(&b, PROMPT_MAX);
	words_for_critic(&b, p, d->body);
	rc = talk_ask(p, &d->talk, ROLE_CRITIC, b.data, &answer);
	buf_release(&b);
	if (rc == -EBADMSG || rc == -EMSGSIZE)
		return 0;
	if (!rc && json_len(json_get(answer, "findings"))) {
		buf_init(&advice, ADVICE_MAX);
		add_advice(&advice, answer);
		d->advice = buf_take(&advice);
	}
	json_free(answer);
	return rc;
}

static void remember_turn(struct draft *d, const struct json *answer)
{
	if (!d->earlier)
		d->earlier = json_array();
	json_add(d->earlier, json_string(json_text_at(answer, "diagnosis")));
}

/* True: there is a new draft, worth another climb. */
static bool take_fix(struct proposer *p, struct draft *d,
		     const struct json *answer)
{
	char fingerprint[DIGEST_HEX_LEN];
	struct json *body;
	int rc = body_fix(d->body, answer, p->profile->body, &body);

	if (rc) {
		find_more(d, rc == -EPERM ? "other-experiment" : "answer",
			  err_text());
		return false;
	}
	body_fingerprint(body, fingerprint);
	if (!strcmp(fingerprint, d->fingerprint)) {
		find_more(d, "no-effect",
			  "the last answer changed nothing that the policy "
			  "does");
		json_free(body);
		return false;
	}
	if (past_is_dead(&p->past, fingerprint)) {
		find_more(d, "dead-end", past_is_dead(&p->past, fingerprint));
		json_free(body);
		return false;
	}
	json_free(d->body);
	d->body = body;
	return true;
}

static int fix(struct proposer *p, struct draft *d, bool *again)
{
	struct json *answer = NULL;
	struct buf b;
	int rc;

	d->turns++;
	*again = false;
	buf_init(&b, PROMPT_MAX);
	words_for_fixer(&b, p, d);
	rc = ask(p, d, ROLE_FIXER, &b, &answer);
	if (rc || d->state != DRAFT_OPEN)
		goto out;
	if (json_as_bool(json_get(answer, "give_up"), false)) {
		draft_end(d, DRAFT_DEAD, "given up: %s",
			  json_text_at(answer, "diagnosis"));
		goto out;
	}
	remember_turn(d, answer);
	*again = take_fix(p, d, answer);
out:
	json_free(answer);
	return rc;
}

/* ---- the whole -------------------------------------------------------- */

/* What no fixer's answer may change has no use for a fixer. */
static bool is_fixable(const struct draft *d)
{
	return strcmp(json_text_at(d->body, "form"), "external") != 0;
}

static bool is_known(struct proposer *p, struct draft *d)
{
	char fingerprint[DIGEST_HEX_LEN];
	const char *why;

	body_fingerprint(d->body, fingerprint);
	why = past_is_dead(&p->past, fingerprint);
	if (why)
		draft_end(d, DRAFT_DROPPED, "a known dead end: %s", why);
	return why;
}

static void end_unmended(struct proposer *p, struct draft *d)
{
	const struct json *f = json_at(d->findings, 0);

	draft_end(d, DRAFT_DEAD, "%s after %ld turn%s: %s: %s",
		  d->turns < p->o->turns ? "not mended" : "still failing",
		  d->turns, d->turns == 1 ? "" : "s", json_text_at(f, "rule"),
		  json_text_at(f, "text"));
}

int draft_develop(struct proposer *p, struct draft *d)
{
	bool again = true;
	int rc = 0;

	if (body_has_code(d->body)) {
		rc = write_code(p, d);
		if (!rc && d->state == DRAFT_OPEN)
			rc = review(p, d);
	}
	if (rc || d->state != DRAFT_OPEN || is_known(p, d))
		return rc;
	for (;;) {
		if (again)
			rc = climb(p, d);
		if (rc || d->state != DRAFT_OPEN)
			return rc;
		if (d->turns >= p->o->turns || !is_fixable(d))
			break;
		rc = fix(p, d, &again);
		if (rc || d->state != DRAFT_OPEN)
			return rc;
	}
	end_unmended(p, d);
	return 0;
}
