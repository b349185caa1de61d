/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"
#include "llm/extract.h"

/* Of a wrong answer, what is shown to the model again. */
#define REPAIR_BYTES 24000

int judge(const struct llm_request *r, struct llm_answer *out, bool *repair)
{
	int rc;

	*repair = false;
	if (out->finish == LLM_REFUSED)
		return err_set(EBADMSG, "the model refuses: %.500s",
			       *out->text ? out->text : "it does not say why");
	if (json_len(out->calls) && !json_len(r->tools)) {
		*repair = true;
		return err_set(EBADMSG, "there are no tools to be called");
	}
	if (json_len(out->calls)) {
		out->finish = LLM_CALLS;
		return 0;
	}
	if (!r->schema && out->finish != LLM_LENGTH && !*out->text)
		return err_set(EBADMSG, "the answer is empty");
	if (!r->schema)
		return 0;
	if (out->finish == LLM_LENGTH)
		return err_set(EBADMSG,
			       "the answer was cut off at its limit of %ld "
			       "tokens",
			       r->max_tokens);
	*repair = true;
	out->value = extract_json(out->text);
	if (!out->value)
		return -EBADMSG;
	rc = json_schema_check(r->schema, out->value);
	if (!rc)
		return 0;
	json_free(out->value);
	out->value = NULL;
	return err_set(EBADMSG, "the answer is not what its schema says: %s",
		       err_text());
}

struct json *judge_repair(const struct llm_request *r, const char *wrong,
			  const char *why)
{
	struct json *messages = json_copy(r->messages);
	struct json *said = json_object(), *ask = json_object();
	size_t len = strlen(wrong);
	char *text = mem_printf("%.*s%s", REPAIR_BYTES, wrong,
				len > REPAIR_BYTES ? "\n[cut]" : "");

	json_set_string(said, "role", "assistant");
	/* No dialect takes an empty one. */
	json_set_string(said, "text", *text ? text : "(nothing)");
	free(text);
	text = mem_printf("That cannot be used: %s. Give the whole answer "
			  "again, corrected, as one JSON object and nothing "
			  "else.",
			  why);
	json_set_string(ask, "role", "user");
	json_set_string(ask, "text", text);
	free(text);
	json_add(messages, said);
	json_add(messages, ask);
	return messages;
}

void judge_add_costs(const struct llm_answer *before, struct llm_answer *sum)
{
	sum->usage.in += before->usage.in;
	sum->usage.cached += before->usage.cached;
	sum->usage.out += before->usage.out;
	sum->seconds += before->seconds;
	sum->attempts += before->attempts;
	sum->estimated |= before->estimated;
	if (before->cost_usd < 0)
		sum->cost_usd = -1;
	else if (sum->cost_usd >= 0)
		sum->cost_usd += before->cost_usd;
}
