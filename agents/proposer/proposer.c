/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/proposer/proposer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

void proposer_say(const struct proposer *p, const char *fmt, ...)
{
	char words[160];
	long ended = 0;
	va_list ap;

	if (!p->o->progress)
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < p->count; i++)
		ended += p->drafts[i].state != DRAFT_OPEN;
	p->o->progress(p->o->progress_arg, ended, (long)p->count, words);
}

int proposer_role(struct proposer *p, enum role_id id, const struct role **out)
{
	int rc = 0;

	if (!p->roles[id].name)
		rc = role_load(role_names[id], &p->roles[id]);
	*out = &p->roles[id];
	return rc;
}

void proposer_tools(struct proposer *p)
{
	struct model_tools_opts t = {
		.profile = p->profile,
		.history = p->o->history,
		.cancel = p->o->cancel,
		.gate = p->gate,
	};

	p->tools = model_tools_new(&t);
}

static void init(struct proposer *p, struct stream *s,
		 const struct doc *profile, struct switchboard *board,
		 const struct proposer_opts *o)
{
	*p = (struct proposer){
		.stream = s, .profile = profile, .board = board, .o = o};
	if (board) {
		p->model = switchboard_model(board);
		p->gate = switchboard_gate(board);
	}
	features_read(profile->body, &p->features);
	proposer_tools(p);
}

static void release(struct proposer *p)
{
	for (size_t i = 0; i < p->count; i++)
		draft_release(&p->drafts[i]);
	free(p->drafts);
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (p->roles[i].name)
			role_release(&p->roles[i]);
	talk_release(&p->planning);
	past_release(&p->past);
	features_release(&p->features);
	model_tools_free(p->tools);
	free(p->summary);
}

/* ---- planning --------------------------------------------------------- */

/* What the past says, the caller's; shortened by a model only when it is too
 * long for the planner. */
static int tell_past(struct proposer *p, struct buf *past)
{
	struct json *answer = NULL;
	struct buf b;
	int rc;

	past_words(&p->past, p, past);
	if (past->len <= PAST_MAX)
		return 0;
	buf_init(&b, PROMPT_MAX);
	words_for_summariser(&b, past->data);
	rc = talk_ask(p, &p->planning, ROLE_SUMMARISER, b.data, &answer);
	buf_release(&b);
	if (!rc) {
		buf_reset(past);
		buf_puts(past, "# Tried before, shortened\n\n");
		prompt_fence(past, "summary",
			     json_as_string(json_get(answer, "text"),
					    json_as_string(answer, "")),
			     PAST_MAX);
	}
	json_free(answer);
	/* Without a summary the beginning, the newest, has to do. */
	if (rc == -EBADMSG || rc == -EMSGSIZE) {
		char *all = buf_take(past);

		buf_init(past, PROMPT_MAX);
		prompt_fence(past, "what was tried before", all, PAST_MAX);
		free(all);
		rc = 0;
	}
	return rc;
}

static void add_draft(struct proposer *p, const struct json *experiment)
{
	struct draft *d = &p->drafts[p->count++];
	const char *form = json_as_string(json_get(experiment, "form"), "");

	if (body_of_experiment(experiment, p->profile->body, &d->body) < 0)
		draft_end(d, DRAFT_DROPPED, "%s", err_text());
	else if (p->o->form && strcmp(form, p->o->form))
		draft_end(d, DRAFT_DROPPED,
			  "its form is %s, and only %s is wanted", form,
			  p->o->form);
}

static int plan(struct proposer *p)
{
	struct json *answer = NULL;
	struct buf past, b;
	int rc;

	buf_init(&past, PROMPT_MAX);
	buf_init(&b, PROMPT_MAX);
	rc = tell_past(p, &past);
	if (!rc) {
		words_for_planner(&b, p, past.len ? past.data : "");
		rc = talk_ask(p, &p->planning, ROLE_PLANNER, b.data, &answer);
	}
	buf_release(&past);
	buf_release(&b);
	if (rc)
		return rc;
	p->summary =
		mem_strdup(json_as_string(json_get(answer, "summary"), ""));
	p->drafts = mem_zalloc((size_t)p->o->count, sizeof(*p->drafts));
	json_each (e, json_get(answer, "experiments"))
		if (p->count < (size_t)p->o->count)
			add_draft(p, e);
	json_free(answer);
	return 0;
}

/* ---- the whole -------------------------------------------------------- */

int proposer_run(struct stream *s, const struct doc *profile,
		 struct switchboard *board, const struct proposer_opts *o,
		 size_t *accepted)
{
	char *stopped = NULL;
	struct proposer p;
	int rc, emitted;

	*accepted = 0;
	init(&p, s, profile, board, o);
	rc = proposer_past(&p.past, &p);
	if (!rc)
		rc = plan(&p);
	if (!rc)
		rc = crew_develop(&p);
	if (rc)
		stopped = mem_strdup(err_text());
	/* Without an answer of the planner's there is nothing to tell. */
	emitted = p.drafts ? emit_all(&p, stopped, accepted) : 0;
	/* What ended it is the message, unless nothing could be written. */
	if (rc && !emitted)
		err_set(-rc, "%s", stopped);
	free(stopped);
	release(&p);
	return emitted ? emitted : rc;
}

/* ---- showing ---------------------------------------------------------- */

/* The last policy that `role` could have been asked about. */
static const struct doc *example_for(const struct proposer *p, enum role_id id)
{
	/* The stream's stand first, the newest before the others. */
	for (size_t i = 0; i < p->past.count; i++) {
		const struct doc *d = p->past.docs[i];

		if (!strcmp(d->kind, "policy") &&
		    (id == ROLE_FIXER || body_has_code(d->body)))
			return d;
	}
	return NULL;
}

static int words_for_draft(struct proposer *p, enum role_id id, struct buf *b)
{
	const struct doc *policy = example_for(p, id), *verdict;
	struct draft d = {.turns = 1};

	if (!policy)
		return err_set(ENODATA,
			       "the stream has no policy that the %s could be "
			       "asked about",
			       role_names[id]);
	d.body = json_copy(policy->body);
	verdict = past_verdict(&p->past, policy->id);
	if (verdict)
		d.findings = findings_of(verdict->body);
	if (id == ROLE_CODER) {
		json_remove(d.body, "code");
		json_set(d.body, "uses", json_array());
		words_for_coder(b, p, d.body);
	} else if (id == ROLE_CRITIC) {
		words_for_critic(b, p, d.body);
	} else {
		words_for_fixer(b, p, &d);
	}
	draft_release(&d);
	return 0;
}

static int words_for(struct proposer *p, enum role_id id, struct buf *b)
{
	struct buf past;

	if (id != ROLE_PLANNER && id != ROLE_SUMMARISER)
		return words_for_draft(p, id, b);
	buf_init(&past, PROMPT_MAX);
	past_words(&p->past, p, &past);
	if (id == ROLE_PLANNER)
		words_for_planner(b, p, past.len ? past.data : "");
	else
		words_for_summariser(b, past.len ? past.data : "");
	buf_release(&past);
	return 0;
}

int proposer_show(struct stream *s, const struct doc *profile, const char *role,
		  const struct proposer_opts *o, struct json **request)
{
	enum role_id id = 0;
	struct proposer p;
	struct buf b;
	int rc;

	while (id < ROLE_COUNT && strcmp(role, role_names[id]))
		id++;
	if (id == ROLE_COUNT)
		return err_set(EINVAL, "there is no role '%s'", role);
	init(&p, s, profile, NULL, o);
	buf_init(&b, PROMPT_MAX);
	rc = proposer_past(&p.past, &p);
	if (!rc)
		rc = words_for(&p, id, &b);
	if (!rc)
		rc = talk_request(&p, id, b.len ? b.data : "", request);
	buf_release(&b);
	release(&p);
	return rc;
}
