/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first messages of the roles.  What does not change from call to call of
 * a run stands first.  What others wrote is fenced.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/mem.h"

#define TASK_TEXT 4000

static void add_body(struct buf *b, const struct proposer *p,
		     const struct json *body)
{
	struct doc *d = doc_new("policy", p->o->by, json_copy(body), NULL, 0);

	if (d)
		prompt_policy(b, d);
	doc_free(d);
	if (*json_text_at(body, "task"))
		prompt_fence(b, "task of the coder", json_text_at(body, "task"),
			     TASK_TEXT);
}

void words_for_planner(struct buf *b, const struct proposer *p,
		       const char *past)
{
	prompt_profile(b, p->profile);
	buf_puts(b, past);
	buf_printf(b,
		   "\n# Task\n\nPropose %ld experiment%s for this workload, "
		   "the most promising first.\n",
		   p->o->count, p->o->count == 1 ? "" : "s");
	if (p->o->wish) {
		buf_puts(b, "\n# Wish\n\nWhat the user wants of it, in their "
			    "own words:\n");
		prompt_fence(b, "wish of the user", p->o->wish,
			     PROPOSER_WISH_MAX * 2);
	}
	if (p->o->form)
		buf_printf(b,
			   "All of the form \"%s\"; no other form is "
			   "wanted.\n",
			   p->o->form);
}

void words_for_summariser(struct buf *b, const char *past)
{
	buf_puts(b, "\n# Task\n\nShorten what was tried before, for a planner "
		    "who must not repeat it: keep what was tried, what it "
		    "gained and why it failed.\n\n");
	prompt_fence(b, "what was tried before", past, PROMPT_MAX / 2);
}

void words_for_coder(struct buf *b, const struct proposer *p,
		     const struct json *body)
{
	prompt_profile(b, p->profile);
	if (!strcmp(json_text_at(body, "form"), "hooks"))
		prompt_params(b);
	add_body(b, p, body);
	buf_printf(b,
		   "\n# Task\n\nWrite the code of this policy, form "
		   "\"%s\".\n",
		   json_text_at(body, "form"));
}

void words_for_critic(struct buf *b, const struct proposer *p,
		      const struct json *body)
{
	add_body(b, p, body);
	buf_puts(b, "\n# Task\n\nReview this draft before it is compiled.\n");
}

/* "lint: hooks.c:12: no such kfunc" */
static void add_findings(struct buf *b, const struct json *findings)
{
	struct buf text;

	buf_init(&text, PROMPT_MAX);
	json_each (f, findings) {
		const char *file = json_text_at(f, "file");
		double line = json_as_number(json_get(f, "line"), 0);

		buf_printf(&text, "%s: ", json_text_at(f, "rule"));
		if (*file && line > 0)
			buf_printf(&text, "%s:%.0f: ", file, line);
		else if (*file)
			buf_printf(&text, "%s: ", file);
		buf_printf(&text, "%s\n", json_text_at(f, "text"));
	}
	buf_puts(b, "\n# Findings\n\nWhat lint, build, prove and sim found, or "
		    "what is wrong with the last answer:\n");
	prompt_fence(b, "findings", text.data, FINDINGS_MAX * FINDING_TEXT);
	buf_release(&text);
}

void words_for_fixer(struct buf *b, const struct proposer *p,
		     const struct draft *d)
{
	if (strcmp(json_text_at(d->body, "form"), "source"))
		prompt_params(b);
	add_body(b, p, d->body);
	add_findings(b, d->findings);
	if (d->advice) {
		buf_puts(b, "\n# Advice\n\nA reviewer's, to be weighed; it "
			    "decides nothing:\n");
		prompt_fence(b, "review", d->advice, 4000);
	}
	if (json_len(d->earlier)) {
		buf_puts(b, "\n# Earlier turns\n\n");
		json_each (e, d->earlier)
			prompt_fence(b, "diagnosis", json_as_string(e, ""),
				     FINDING_TEXT);
	}
	buf_printf(b,
		   "\n# Task\n\nMend this draft; turn %ld of %ld. The form and "
		   "the idea stay; a draft that does the same as the last one "
		   "counts as a turn.\n",
		   d->turns, p->o->turns);
}
