/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A draft of a language model's: what it is told, and what it has to mend. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/intents/draft_rules.h"
#include "agents/prompt/prompt.h"
#include "base/err.h"
#include "base/mem.h"

#define TURNS	    3 /* of a draft, the first counted */
#define ERROR_BYTES 1000
#define FIRST_MAX   (64u << 10)

static void add_message(struct json *list, const char *role, const char *text)
{
	struct json *m = json_add(list, json_object());

	json_set_string(m, "role", role);
	json_set_string(m, "text", text);
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
	struct buf words;
	struct role r;
	int rc = role_load("declarer", &r);

	*draft = NULL;
	buf_init(&words, FIRST_MAX);
	draft_rules_words(&words, a);
	add_message(messages, "user", words.data);
	buf_release(&words);
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
