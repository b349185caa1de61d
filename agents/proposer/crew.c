/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All drafts at the same time, each developed by a process of its own.
 *
 * What becomes of one does not depend on how far the others are, so that the
 * result is the same whether they go side by side or one after the other: of
 * two that come to the same policy the one that the planner named first has
 * it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

struct crew {
	struct proposer *p;
	size_t next; /* draft to begin with */
	/* What ended the run: of the first draft in order. */
	size_t failed_at;
	int rc;
	char *text;
};

/* ---- in the hand ------------------------------------------------------- */

static struct json *result_of(const struct draft *d, int rc)
{
	struct json *v = json_object();

	json_set(v, "draft", draft_json(d));
	if (rc) {
		json_set_string(v, "errno", err_name(-rc));
		json_set_string(v, "text", err_text());
	}
	return v;
}

static void say(void *h, long done, long total, const char *words)
{
	(void)done;
	(void)total;
	hand_say(h, words);
}

/* Nothing is freed: the process ends with it. */
static struct json *work(void *arg, size_t i, struct hand *h)
{
	struct crew *c = arg;
	struct proposer *p = c->p;
	struct draft *d = &p->drafts[i];
	struct proposer_opts o = *p->o;
	struct ladder_gate gate = hand_gate(h);
	int rc;

	o.progress = o.progress ? say : NULL;
	o.progress_arg = h;
	p->o = &o;
	p->gate = &gate;
	p->model = model_through(model_name(p->model), hand_ask, h);
	model_tools_free(p->tools);
	p->tools = NULL;
	proposer_tools(p);
	rc = draft_develop(p, d);
	return result_of(d, rc);
}

/* ---- twins ------------------------------------------------------------- */

/* The first that is accepted with what `d` is. */
static const struct draft *twin_before(const struct proposer *p,
				       const struct draft *d)
{
	for (const struct draft *x = p->drafts; x < d; x++)
		if (x->state == DRAFT_ACCEPTED && *d->fingerprint &&
		    !strcmp(x->fingerprint, d->fingerprint))
			return x;
	return NULL;
}

static void drop_twin(struct draft *d, const struct draft *of)
{
	draft_end(d, DRAFT_DROPPED, "it does the same as '%s'",
		  json_text_at(of->body, "title"));
}

/* Experiments that need no code are all there from the beginning. */
static void drop_equals(struct proposer *p)
{
	char(*prints)[DIGEST_HEX_LEN] =
		mem_zalloc(p->count + 1, sizeof(*prints));

	for (size_t i = 0; i < p->count; i++) {
		if (p->drafts[i].state != DRAFT_OPEN ||
		    body_has_code(p->drafts[i].body))
			continue;
		body_fingerprint(p->drafts[i].body, prints[i]);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(prints[k], prints[i])) {
				drop_twin(&p->drafts[i], &p->drafts[k]);
				break;
			}
	}
	free(prints);
}

static size_t passed(const struct proposer *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->drafts[i].state == DRAFT_ACCEPTED &&
		     !twin_before(p, &p->drafts[i]);
	return n;
}

/* ---- what hands say ---------------------------------------------------- */

static bool is_enough(const struct proposer *p)
{
	return p->o->enough && passed(p) >= (size_t)p->o->enough;
}

/* The figures of who goes on no longer matter. */
static void stop_needless(struct crew *c)
{
	struct proposer *p = c->p;
	bool enough = is_enough(p);

	for (size_t i = 0; i < p->count; i++) {
		struct draft *d = &p->drafts[i];

		if (d->state == DRAFT_OPEN && (enough || twin_before(p, d)))
			switchboard_stop(p->board, i);
	}
}

static const char *on_enter(void *arg, size_t i, const char *mark)
{
	struct crew *c = arg;
	struct draft *d = &c->p->drafts[i];

	if (!*mark)
		return NULL;
	snprintf(d->fingerprint, sizeof(d->fingerprint), "%s", mark);
	return twin_before(c->p, d) ? "another draft came to the same" : NULL;
}

static void on_say(void *arg, size_t i, const char *words)
{
	struct crew *c = arg;
	size_t n = switchboard_hands(c->p->board);

	(void)i;
	if (n > 1)
		proposer_say(c->p, "%zu under way; %s", n, words);
	else
		proposer_say(c->p, "%s", words);
}

/* Its process says the same when it ends; unless it cannot. */
static void on_answered(void *arg, size_t i, const char *role,
			const struct json *answer)
{
	struct crew *c = arg;

	talk_account(&c->p->drafts[i].talk, role, answer);
}

static void fail(struct crew *c, size_t i, int rc, const char *text)
{
	if (c->rc && c->failed_at < i)
		return;
	free(c->text);
	c->failed_at = i;
	c->rc = rc;
	c->text = mem_strdup(text);
}

/* What it cost by then is known here as well. */
static void keep_account(struct draft *to, const struct draft *from)
{
	json_free(to->talk.accounts);
	to->talk.accounts =
		from->talk.accounts ? json_copy(from->talk.accounts) : NULL;
}

static void take_result(struct crew *c, size_t i, const struct json *result)
{
	struct draft *d = &c->p->drafts[i], fresh;
	const char *name = json_as_string(json_get(result, "errno"), NULL);

	if (draft_take(json_get(result, "draft"), &fresh)) {
		draft_end(d, DRAFT_DROPPED, "%s", err_text());
		return;
	}
	keep_account(&fresh, d);
	draft_release(d);
	*d = fresh;
	/* Whose twin it is shows at the end. */
	if (d->state == DRAFT_OPEN && name && !twin_before(c->p, d) &&
	    !is_enough(c->p))
		fail(c, i, -err_number(name), json_text_at(result, "text"));
}

static void on_ended(void *arg, size_t i, const struct json *result)
{
	struct crew *c = arg;
	struct draft *d = &c->p->drafts[i];

	if (result)
		take_result(c, i, result);
	else
		draft_end(d, DRAFT_DROPPED, "%s", err_text());
	stop_needless(c);
}

/* ---- the whole --------------------------------------------------------- */

/* So many that the endpoints have something to do while others climb; one
 * after the other where a model answers one question at a time. */
static size_t jobs(const struct proposer *p)
{
	long slots = switchboard_slots(p->board);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (p->o->jobs)
		return (size_t)p->o->jobs;
	return slots < 2 ? 1 : (size_t)(slots + (cores < 1 ? 1 : cores));
}

static bool is_stopped(const struct crew *c)
{
	const struct proposer *p = c->p;

	return c->rc || (p->o->cancel && *p->o->cancel) || is_enough(p);
}

static int begin(struct crew *c, size_t i)
{
	static const struct hand_ops ops = {
		.enter = on_enter,
		.say = on_say,
		.answered = on_answered,
		.ended = on_ended,
	};
	char candidate[32];
	struct hand_spec spec = {
		.ops = &ops,
		.arg = c,
		.i = i,
		.candidate = candidate,
		.work = work,
	};

	snprintf(candidate, sizeof(candidate), "draft-%zu", i + 1);
	return switchboard_begin(c->p->board, &spec);
}

static void begin_some(struct crew *c)
{
	struct proposer *p = c->p;
	size_t most = jobs(p);
	int rc;

	while (c->next < p->count && !is_stopped(c) &&
	       switchboard_hands(p->board) < most) {
		size_t i = c->next++;

		if (p->drafts[i].state != DRAFT_OPEN)
			continue;
		rc = begin(c, i);
		if (rc)
			fail(c, i, rc, err_text());
	}
}

/* Of those that have not ended, and of those that are the same after all. */
static void close_all(struct crew *c)
{
	struct proposer *p = c->p;
	bool enough = is_enough(p);

	for (size_t i = 0; i < p->count; i++) {
		struct draft *d = &p->drafts[i];
		const struct draft *twin = twin_before(p, d);

		if (d->state <= DRAFT_ACCEPTED && twin)
			drop_twin(d, twin);
		else if (d->state == DRAFT_OPEN && enough)
			draft_end(d, DRAFT_DROPPED,
				  "not needed: %ld passed already",
				  p->o->enough);
		else if (d->state == DRAFT_OPEN)
			draft_end(d, DRAFT_DROPPED, "not finished");
	}
}

int crew_develop(struct proposer *p)
{
	struct crew c = {.p = p};
	int rc = 0;

	drop_equals(p);
	for (;;) {
		begin_some(&c);
		if (!switchboard_hands(p->board))
			break;
		rc = switchboard_step(p->board);
		if (rc)
			fail(&c, 0, rc, err_text());
	}
	switchboard_settle(p->board);
	if (!c.rc && p->o->cancel && *p->o->cancel && c.next < p->count)
		fail(&c, 0, -EINTR, "cancelled");
	close_all(&c);
	rc = c.rc ? err_set(-c.rc, "%s", c.text) : 0;
	free(c.text);
	return rc;
}
