/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A draft of a language model's: what it is told, and what it has to mend. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/draft_rules.h"
#include "agents/prompt.h"
#include "agents/proposer.h"
#include "base/err.h"
#include "base/mem.h"

#define TURNS	    3 /* of a draft, the first counted */
#define CROWD_BYTES 12000
#define RULES_BYTES 8000
#define ERROR_BYTES 1000
#define FIRST_MAX   (64u << 10)

static void add_message(struct json *list, const char *role, const char *text)
{
	struct json *m = json_add(list, json_object());

	json_set_string(m, "role", role);
	json_set_string(m, "text", text);
}

static void add_rules(struct buf *b, const struct intents *now)
{
	struct buf text;

	buf_init(&text, FIRST_MAX);
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

	buf_init(&text, 1 << 20);
	crowd_text(crowd, &text);
	buf_puts(b, "\n# Tasks that run now\n\nThe most frequent first.\n");
	prompt_fence(b, "tasks", text.len ? text.data : "", CROWD_BYTES);
	buf_release(&text);
}

/* What changes from wish to wish stands last. */
static char *first_words(const struct draft_about *a)
{
	struct buf b;

	buf_init(&b, FIRST_MAX);
	add_rules(&b, a->now);
	add_crowd(&b, a->crowd);
	buf_puts(&b, "\n# Wish\n\nWhat is wanted of them, in the person's own "
		     "words:\n");
	prompt_fence(&b, "wish of the user", a->wish, PROPOSER_WISH_MAX * 2);
	return buf_take(&b);
}

static void ask_to_mend(struct json *messages, const struct json *draft,
			const char *why)
{
	char *said = json_canonical(draft);
	struct buf b;

	add_message(messages, "assistant", said);
	buf_init(&b, FIRST_MAX);
	buf_puts(&b, "# Findings\n\nThe check of your rules, each line with "
		     "LINE:COLUMN of the file that they make:\n");
	prompt_fence(&b, "findings", why, ERROR_BYTES);
	buf_puts(&b, "\n# Task\n\nMend the rules.\n");
	add_message(messages, "user", b.data);
	buf_release(&b);
	free(said);
}

static int ask_once(struct model *m, const struct role *r,
		    const struct json *messages, struct json **draft)
{
	struct model_request q = {
		.role = r->name,
		.system = r->system,
		.messages = messages,
		.schema = r->schema,
		.max_tokens = r->max_tokens,
	};
	struct json *answer = NULL;
	const struct json *v;
	int rc = model_ask(m, &q, &answer);

	v = json_get(answer, "value");
	if (!rc && json_type(v) != JSON_OBJECT)
		rc = err_set(EBADMSG, "no answer");
	if (!rc)
		*draft = json_copy(v);
	json_free(answer);
	return rc;
}

static int ask(struct model *m, const struct role *r, struct json *messages,
	       struct json **draft)
{
	int rc = 0;

	for (int turn = 0; turn < TURNS; turn++) {
		char *why;

		json_free(*draft);
		*draft = NULL;
		rc = ask_once(m, r, messages, draft);
		if (rc)
			return rc;
		rc = draft_rules_check(*draft);
		if (rc != -EINVAL)
			return rc;
		why = mem_strdup(err_text());
		ask_to_mend(messages, *draft, why);
		err_set(EBADMSG, "it was asked %d times, and still: %s", TURNS,
			why);
		free(why);
	}
	return -EBADMSG;
}

int draft_rules_ask(struct model *m, const struct draft_about *a,
		    struct json **draft)
{
	struct json *messages = json_array();
	char *words = first_words(a);
	struct role r;
	int rc = role_load("declarer", &r);

	*draft = NULL;
	add_message(messages, "user", words);
	free(words);
	if (!rc) {
		rc = ask(m, &r, messages, draft);
		if (rc)
			err_prefix(rc, "the %s", r.name);
		role_release(&r);
	}
	json_free(messages);
	if (rc && rc != -ENODATA) {
		json_free(*draft);
		*draft = NULL;
	}
	return rc;
}
