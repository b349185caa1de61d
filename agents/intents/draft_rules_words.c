/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a model is told first of a wish for rules. */
#include <stdlib.h>

#include "agents/intents/draft_rules.h"
#include "agents/prompt/prompt.h"
#include "agents/proposer/proposer.h"

#define CROWD_BYTES 12000
#define RULES_BYTES 8000
#define TEXT_MAX    (1u << 20)

static void add_rules(struct buf *b, const struct intents *now)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < now->count; i++) {
		char *words = intent_words(&now->v[i]);

		buf_printf(&text, "[%s] %s\n", now->v[i].name, words);
		free(words);
	}
	buf_puts(b, "# Rules in force\n\n");
	prompt_fence(b, "rules in force", text.len ? text.data : "",
		     RULES_BYTES);
	buf_release(&text);
}

static void add_crowd(struct buf *b, const struct crowd *crowd)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	crowd_text(crowd, &text);
	buf_puts(b, "\n# Tasks that run now\n\nThe most frequent first.\n");
	prompt_fence(b, "tasks", text.len ? text.data : "", CROWD_BYTES);
	buf_release(&text);
}

void draft_rules_words(struct buf *b, const struct draft_about *a)
{
	if (a->now)
		add_rules(b, a->now);
	if (a->crowd)
		add_crowd(b, a->crowd);
	buf_puts(b, "\n# Wish\n\nWhat is wanted of them, in the person's own "
		    "words:\n");
	prompt_fence(b, "wish of the user", a->wish, PROPOSER_WISH_MAX * 2);
}
