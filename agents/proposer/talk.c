/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to a role: tools in bounded rounds, accounts, a transcript. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/proposer/state.h"
#include "base/err.h"
#include "base/mem.h"

/* ---- the question ----------------------------------------------------- */

static struct json *first_message(const char *text)
{
	struct json *list = json_array(), *m = json_object();

	json_set_string(m, "role", "user");
	json_set_string(m, "text", text);
	json_add(list, m);
	return list;
}

static const struct json *tools_of(const struct proposer *p,
				   const struct role *r)
{
	return r->tools && p->tools ? model_tools_list(p->tools) : NULL;
}

int talk_request(struct proposer *p, enum role_id id, const char *text,
		 struct json **out)
{
	const struct role *r;
	int rc = proposer_role(p, id, &r);
	struct json *q;

	if (rc)
		return rc;
	q = *out = json_object();
	json_set_string(q, "role", r->name);
	json_set_string(q, "system", r->system);
	json_set(q, "messages", first_message(text));
	if (tools_of(p, r))
		json_set(q, "tools", json_copy(tools_of(p, r)));
	if (r->schema)
		json_set(q, "schema", json_copy(r->schema));
	json_set_number(q, "max_tokens", (double)r->max_tokens);
	return 0;
}

static void add_result(struct json *results, const struct json *call,
		       const char *text, bool error)
{
	struct json *one = json_add(results, json_object());

	json_set_string(one, "id", json_as_string(json_get(call, "id"), ""));
	json_set_string(one, "name",
			json_as_string(json_get(call, "name"), ""));
	json_set_string(one, "text", text);
	json_set_bool(one, "error", error);
}

/* Every call gets a result, or the endpoint refuses what follows. */
static void run_calls(struct proposer *p, const struct json *calls, bool last,
		      struct json *messages)
{
	struct json *m = json_object(), *results = json_array();
	struct buf out;
	size_t n = 0;

	buf_init(&out, MODEL_TOOLS_OUTPUT);
	json_each (call, calls) {
		const char *name = json_as_string(json_get(call, "name"), "");
		bool fine;

		if (last || ++n > TALK_CALLS) {
			add_result(results, call,
				   "no more calls: give your answer now", true);
			continue;
		}
		proposer_say(p, "tool %s", name);
		buf_reset(&out);
		fine = model_tools_call(p->tools, name,
					json_get(call, "arguments"), &out);
		add_result(results, call, out.len ? out.data : "", !fine);
	}
	buf_release(&out);
	json_set_string(m, "role", "tool");
	json_set(m, "results", results);
	json_add(messages, m);
}

static void add_answer(struct json *messages, const struct json *answer)
{
	struct json *m = json_object();

	json_set_string(m, "role", "assistant");
	json_set_string(m, "text",
			json_as_string(json_get(answer, "text"), ""));
	json_set(m, "calls", json_copy(json_get(answer, "calls")));
	json_add(messages, m);
}

/* One answer: 0, and *answer is good or wants tools. */
static int ask_once(struct proposer *p, struct talk *t, const struct role *r,
		    const struct json *messages, size_t first,
		    struct json **answer)
{
	struct model_request q = {
		.role = r->name,
		.system = r->system,
		.messages = messages,
		.tools = tools_of(p, r),
		.schema = r->schema,
		.max_tokens = r->max_tokens,
	};
	int rc;

	*answer = NULL;
	rc = model_ask(p->model, &q, answer);
	if (*answer) {
		talk_account(t, r->name, *answer);
		talk_record(t, r->name, messages, first, *answer);
	}
	return rc;
}

/* The answer proper, when it calls for nothing more. */
static int take_value(const struct role *r, const struct json *answer,
		      struct json **value)
{
	const struct json *v = json_get(answer, "value");

	if (r->schema && json_type(v) == JSON_OBJECT) {
		*value = json_copy(v);
		return 0;
	}
	if (!r->schema && json_as_string(json_get(answer, "text"), NULL)) {
		*value = json_copy(json_get(answer, "text"));
		return 0;
	}
	return err_set(EBADMSG, "no answer");
}

static int ask_rounds(struct proposer *p, struct talk *t, const struct role *r,
		      struct json *messages, struct json **value)
{
	size_t first = 0;

	for (int round = 0; round <= TALK_ROUNDS; round++) {
		struct json *answer;
		int rc = ask_once(p, t, r, messages, first, &answer);
		const struct json *calls = json_get(answer, "calls");

		if (rc || !json_len(calls) || !tools_of(p, r)) {
			rc = rc ? rc : take_value(r, answer, value);
			json_free(answer);
			return rc;
		}
		first = json_len(messages);
		add_answer(messages, answer);
		run_calls(p, calls, round + 1 >= TALK_ROUNDS, messages);
		json_free(answer);
	}
	return err_set(EBADMSG,
		       "it called for tools %d times and gave no answer",
		       TALK_ROUNDS + 1);
}

int talk_ask(struct proposer *p, struct talk *t, enum role_id id,
	     const char *text, struct json **value)
{
	const struct role *r;
	int rc = proposer_role(p, id, &r);
	struct json *messages;

	*value = NULL;
	if (rc)
		return rc;
	proposer_say(p, "asking the %s", r->name);
	messages = first_message(text);
	rc = ask_rounds(p, t, r, messages, value);
	json_free(messages);
	return rc ? err_prefix(rc, "the %s", r->name) : 0;
}
