/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/llm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"
#include "llm/address.h"
#include "llm/ask.h"
#include "llm/extract.h"
#include "llm/ledger.h"
#include "llm/provider.h"
#include "llm/record.h"

/* Of a wrong answer, what is shown to the model again. */
#define REPAIR_BYTES 24000

struct llm {
	struct provider *provider;
	const char *backend; /* for the accounts */
	struct ledger *ledger;
	struct recorder *recorder;
	bool refused[SHAPE_COUNT]; /* by the endpoint; for good */
};

/* ---- opening ---------------------------------------------------------- */

static int open_provider(const struct address *a, const struct llm_opts *o,
			 struct provider **out)
{
	const struct secret *key = NULL;
	int rc = address_key(a, &key);

	if (rc)
		return rc;
	switch (a->kind) {
	case ADDRESS_COMMAND:
		return command_provider_new(a->where, o, out);
	case ADDRESS_REPLAY:
		return replay_provider_new(a->where, o, out);
	case ADDRESS_OPENAI:
	case ADDRESS_ANTHROPIC:
		break;
	}
	return http_provider_new(a->kind == ADDRESS_ANTHROPIC, a->where,
				 key ? key->value : NULL, o, out);
}

struct llm *llm_with(struct provider *p, const char *backend,
		     struct ledger *ledger, struct recorder *recorder)
{
	struct llm *l = mem_zalloc(1, sizeof(*l));

	l->provider = p;
	l->backend = backend;
	l->ledger = ledger;
	l->recorder = recorder;
	return l;
}

int llm_open(const struct llm_opts *o, struct llm **out)
{
	struct recorder *recorder = NULL;
	struct llm_opts own = *o;
	struct provider *p;
	struct address a;
	int rc = address_read(o->backend, o->model, &a);

	if (rc)
		return secret_scrub_err(rc);
	own.model = a.model;
	if (o->record)
		rc = recorder_open(o->record, &recorder);
	if (!rc)
		rc = open_provider(&a, &own, &p);
	if (!rc)
		*out = llm_with(p, address_kind_names[a.kind], o->ledger,
				recorder);
	else
		recorder_close(recorder);
	address_release(&a);
	return rc ? secret_scrub_err(rc) : 0;
}

void llm_close(struct llm *l)
{
	if (!l)
		return;
	l->provider->ops->free(l->provider);
	recorder_close(l->recorder);
	secret_forget();
	free(l);
}

const char *llm_name(const struct llm *l)
{
	return l->provider->name;
}

const char *llm_backend(const struct llm *l)
{
	return l->backend;
}

/* ---- one call --------------------------------------------------------- */

static void call_id(char out[static 33])
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static const char *asked_model(const struct llm *l)
{
	return l->provider->model ? l->provider->model : "unnamed";
}

static size_t json_bytes(const struct json *v)
{
	char *text;
	size_t n;

	if (!v)
		return 0;
	text = json_canonical(v);
	n = strlen(text);
	free(text);
	return n;
}

/* What a call may use at most: a token has about four bytes. */
static struct llm_usage most_of(const struct llm_request *r)
{
	size_t bytes = (r->system ? strlen(r->system) : 0) +
		       json_bytes(r->messages) + json_bytes(r->tools) +
		       json_bytes(r->schema);

	return (struct llm_usage){.in = (long)(bytes / 4) + 1,
				  .out = r->max_tokens};
}

/* An answer that names no figures was not free: a budget must not be passed by
 * because a server leaves them out. */
static void estimate(const struct llm_request *r, struct llm_answer *a)
{
	size_t bytes = a->text ? strlen(a->text) : 0;

	if (json_len(a->calls))
		bytes += json_bytes(a->calls);
	if (!bytes || a->usage.in || a->usage.out)
		return;
	a->usage.in = most_of(r).in;
	a->usage.out = (long)(bytes / 4) + 1;
	a->estimated = true;
}

/* The message of a failed call must survive what is done after it. */
static int keep_first(int first, int second, const char *words)
{
	if (first)
		err_set(-first, "%s", words);
	return first ? first : second;
}

static int settle(struct llm *l, const struct llm_request *r,
		  struct llm_answer *a, int outcome)
{
	char id[33], *words;
	int rc;

	a->cost_usd = -1;
	if (!l->ledger)
		return outcome;
	words = mem_strdup(err_text());
	call_id(id);
	rc = ledger_settle(l->ledger, id, l->backend, asked_model(l), r, a,
			   outcome, &a->cost_usd);
	rc = keep_first(outcome, rc, words);
	free(words);
	return rc;
}

static int call(struct llm *l, const struct llm_request *r,
		enum llm_shape shape, struct llm_answer *out)
{
	int rc = 0;

	*out = (struct llm_answer){.cost_usd = -1};
	if (l->ledger)
		rc = ledger_allow(l->ledger, l->backend, asked_model(l),
				  most_of(r));
	if (rc)
		return rc;
	rc = l->provider->ops->call(l->provider, r, shape, out);
	if (rc == -EOPNOTSUPP)
		return rc;
	if (!rc)
		estimate(r, out);
	if (!out->model && l->provider->model)
		out->model = mem_strdup(l->provider->model);
	return settle(l, r, out, rc);
}

/* Down the ladder until the endpoint knows the shape. */
static int call_shaped(struct llm *l, const struct llm_request *r,
		       struct llm_answer *out)
{
	int rc = -EOPNOTSUPP;

	if (!r->schema)
		return call(l, r, SHAPE_PLAIN, out);
	for (int shape = 0; shape < SHAPE_COUNT; shape++) {
		/* The one tool that has to be called leaves no choice. */
		if (l->refused[shape] ||
		    (shape == SHAPE_CALL && json_len(r->tools)))
			continue;
		rc = call(l, r, (enum llm_shape)shape, out);
		if (rc != -EOPNOTSUPP)
			return rc;
		l->refused[shape] = true;
		llm_answer_release(out);
	}
	return err_set(EINVAL, "%s takes no request for JSON: %s", llm_name(l),
		       err_text());
}

/* Cuts keys out of what was answered, whole as it is. */
static int scrub(struct llm_answer *a)
{
	char *clean = secret_scrub(a->text ? a->text : ""), *calls;
	struct json *v;

	free(a->text);
	a->text = clean;
	if (!a->calls) {
		a->calls = json_array();
		return 0;
	}
	calls = json_canonical(a->calls);
	clean = secret_scrub(calls);
	if (strcmp(calls, clean)) {
		v = json_parse(clean, strlen(clean));
		json_free(a->calls);
		a->calls = v ? v : json_array();
	}
	free(calls);
	free(clean);
	return 0;
}

static int turn(struct llm *l, const struct llm_request *r,
		struct llm_answer *out)
{
	int rc = call_shaped(l, r, out), recorded = 0;
	char *words;

	/* A budget that is reached says nothing about the model. */
	if (rc == -EDQUOT || rc == -ENODATA)
		return rc;
	scrub(out);
	secret_scrub_err(rc);
	if (!l->recorder)
		return rc;
	words = mem_strdup(err_text());
	recorded = recorder_add(l->recorder, r, out, rc);
	rc = keep_first(rc, recorded, words);
	free(words);
	return rc;
}

/* ---- what it means ---------------------------------------------------- */

/* 0: out->value is set, or nothing is missing; *repair: it is worth to ask
 * again. */
static int judge(const struct llm_request *r, struct llm_answer *out,
		 bool *repair)
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

/* The conversation with the wrong answer, once, and what is wrong with it. */
static struct json *repair_messages(const struct llm_request *r,
				    const struct llm_answer *wrong)
{
	struct json *messages = json_copy(r->messages);
	struct json *said = json_object(), *ask = json_object();
	size_t len = strlen(wrong->text);
	char *text = mem_printf("%.*s%s", REPAIR_BYTES, wrong->text,
				len > REPAIR_BYTES ? "\n[cut]" : "");

	json_set_string(said, "role", "assistant");
	/* No dialect takes an empty one. */
	json_set_string(said, "text", *text ? text : "(nothing)");
	free(text);
	text = mem_printf("That cannot be used: %s. Give the whole answer "
			  "again, corrected, as one JSON object and nothing "
			  "else.",
			  err_text());
	json_set_string(ask, "role", "user");
	json_set_string(ask, "text", text);
	free(text);
	json_add(messages, said);
	json_add(messages, ask);
	return messages;
}

/* Adds what the first turn has cost. */
static void add_costs(const struct llm_answer *first, struct llm_answer *sum)
{
	sum->usage.in += first->usage.in;
	sum->usage.cached += first->usage.cached;
	sum->usage.out += first->usage.out;
	sum->seconds += first->seconds;
	sum->attempts += first->attempts;
	sum->estimated |= first->estimated;
	if (first->cost_usd < 0)
		sum->cost_usd = -1;
	else if (sum->cost_usd >= 0)
		sum->cost_usd += first->cost_usd;
}

static int repair(struct llm *l, const struct llm_request *r,
		  struct llm_answer *out)
{
	struct llm_answer first = *out;
	struct llm_request again = *r;
	struct json *messages = repair_messages(r, out);
	char *words = mem_strdup(err_text());
	bool more;
	int rc;

	again.messages = messages;
	rc = turn(l, &again, out);
	if (rc == -EDQUOT || rc == -ENODATA) {
		/* That it may not be asked again is why it stays wrong. */
		char *budget = mem_strdup(err_text());

		llm_answer_release(out);
		*out = first;
		rc = err_set(EDQUOT, "%s; not asked again: %s", words, budget);
		free(budget);
	} else {
		if (!rc)
			rc = judge(&again, out, &more);
		add_costs(&first, out);
		llm_answer_release(&first);
	}
	free(words);
	json_free(messages);
	return rc;
}

int llm_ask(struct llm *l, const struct llm_request *r, struct llm_answer *out)
{
	bool again;
	int rc;

	*out = (struct llm_answer){.cost_usd = -1};
	if (r->schema) {
		rc = json_schema_load(r->schema);
		if (rc)
			return err_prefix(rc, "the schema of the %s", r->role);
	}
	rc = turn(l, r, out);
	if (rc)
		return rc;
	rc = judge(r, out, &again);
	if (rc && again)
		rc = repair(l, r, out);
	return rc;
}

void llm_answer_release(struct llm_answer *a)
{
	free(a->text);
	free(a->model);
	json_free(a->value);
	json_free(a->calls);
	*a = (struct llm_answer){.cost_usd = -1};
}
