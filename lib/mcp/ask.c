/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to who is behind a client.  In a session they are requests of ours,
 * and the call waits.  Since 2026-07-28 they are the call's result, and the
 * client calls again with the answers and a sealed text that says what it was.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypt/digest.h"
#include "doc/json_schema.h"
#include "mcp/server_state.h"

#define STATE	  "state"
#define MAX_STATE (64u << 10)

/* ---- answers ------------------------------------------------------------ */

/* What a person filled in, if it is what was asked for.  A schema that we
 * cannot hold it against leaves that to the offer. */
static bool fills(const struct json *schema, const struct json *content)
{
	if (!schema)
		return true;
	if (json_type(content) != JSON_OBJECT)
		return false;
	return json_schema_load(schema) || !json_schema_check(schema, content);
}

bool ask_fits(const char *method, const struct json *schema,
	      const struct json *answer)
{
	const char *action = json_text_at(answer, "action");

	if (json_type(answer) != JSON_OBJECT)
		return false;
	if (strcmp(method, "elicitation/create"))
		return true;
	if (!strcmp(action, "accept"))
		return fills(schema, json_get(answer, "content"));
	return !strcmp(action, "decline") || !strcmp(action, "cancel");
}

static void take_answer(struct mcp_call *c, const char *key,
			const struct json *answer)
{
	const struct json *asked = json_get(c->asked, key);

	if (!ask_fits(json_text_at(asked, "method"), json_get(asked, "schema"),
		      answer))
		return;
	if (!c->answers)
		c->answers = json_object();
	json_set(c->answers, key, json_copy(answer));
}

/* ---- the sealed text ---------------------------------------------------- */

static void digest_arguments(const struct mcp_call *c,
			     char out[static DIGEST_HEX_LEN])
{
	char *text = json_canonical(c->arguments);

	digest_hex(text, strlen(text), out);
	free(text);
}

static char *seal(struct mcp_call *c)
{
	struct mcp_server *s = c->o.peer->server;
	struct json *v = json_object();
	char digest[DIGEST_HEX_LEN];

	digest_arguments(c, digest);
	json_set_string(v, "principal", c->who.principal);
	json_set_number(v, "kind", c->kind);
	json_set_string(v, "name", c->name);
	json_set_string(v, "arguments", digest);
	json_set_number(v, "expires", s->now + ASK_SECONDS);
	json_set_number(v, "serial", ++s->serial);
	json_set_number(v, "rounds", c->rounds + 1);
	json_set(v, "asked", json_copy(c->asked));
	if (c->answers)
		json_set(v, "answers", json_copy(c->answers));
	return seal_make(s, STATE, v);
}

/* Each is good for once; NULL: this is that time. */
static const char *use_up(struct mcp_server *s, double serial, double expires)
{
	for (size_t i = 0; i < s->used_count; i++)
		if (s->used[i].serial == serial)
			return "it was used before: send the request anew";
	if (s->used_count == USED_MAX)
		return "too many were used of late: try again in a while";
	if (!s->used)
		s->used = mem_zalloc(USED_MAX, sizeof(*s->used));
	s->used[s->used_count++] = (struct used){serial, expires};
	return NULL;
}

static const char *state_wrong(const struct mcp_call *c, const struct json *v)
{
	struct mcp_server *s = c->o.peer->server;
	double expires = json_as_number(json_get(v, "expires"), 0);
	char digest[DIGEST_HEX_LEN];

	digest_arguments(c, digest);
	if (!v)
		return "it is none of this server's";
	if (strcmp(json_text_at(v, "principal"), c->who.principal))
		return "it was made for somebody else";
	if (json_as_number(json_get(v, "kind"), -1) != c->kind ||
	    strcmp(json_text_at(v, "name"), c->name) ||
	    strcmp(json_text_at(v, "arguments"), digest))
		return "it belongs to another request";
	if (expires <= s->now)
		return "it has expired: send the request anew";
	return use_up(s, json_as_number(json_get(v, "serial"), 0), expires);
}

static int refuse(struct mcp_call *c, const char *what, const char *why)
{
	origin_error(&c->o, RPC_INVALID_PARAMS, NULL, "params.%s: %s", what,
		     why);
	mcp_call_free(c);
	return -EBADMSG;
}

static int resume(struct mcp_call *c, const struct json *state,
		  const struct json *responses)
{
	struct json *v;
	const char *why;

	v = seal_open(c->o.peer->server, STATE, json_as_string(state, ""));
	why = state_wrong(c, v);
	if (why) {
		json_free(v);
		return refuse(c, "requestState", why);
	}
	c->rounds = (unsigned int)json_as_number(json_get(v, "rounds"), 0);
	c->answers = json_copy(json_get(v, "answers"));
	c->asked = json_copy(json_get(v, "asked"));
	json_each (it, c->asked)
		take_answer(c, json_key(it), json_get(responses, json_key(it)));
	json_free(c->asked);
	c->asked = NULL;
	json_free(v);
	return 0;
}

int ask_resume(struct mcp_call *c, const struct json *params)
{
	const struct json *responses = json_get(params, "inputResponses");
	const struct json *state = json_get(params, "requestState");

	if (c->o.revision != REVISION_2026_07_28)
		return 0;
	if (responses && json_type(responses) != JSON_OBJECT)
		return refuse(c, "inputResponses", "it has to be an object");
	json_each (it, responses)
		if (json_type(it) != JSON_OBJECT)
			return refuse(c, "inputResponses",
				      "each answer has to be an object");
	if (state)
		return resume(c, state, responses);
	if (responses && c->o.peer->server->offer->unasked)
		c->answers = json_copy(responses);
	return 0;
}

/* ---- whether it can be asked -------------------------------------------- */

/* The capability that a request needs; NULL: there is none such. */
static const char *needs(const struct json *request)
{
	static const char *const by[][2] = {
		{"elicitation/create", "elicitation"},
		{"sampling/createMessage", "sampling"},
		{"roots/list", "roots"},
	};
	const char *method = json_text_at(request, "method");

	for (size_t i = 0; i < ARRAY_LEN(by); i++)
		if (!strcmp(by[i][0], method))
			return by[i][1];
	return NULL;
}

static bool can(const struct mcp_call *c, const struct json *request)
{
	const char *capability = needs(request);

	if (strcmp(capability, "elicitation"))
		return json_type(json_get(c->caps, capability)) == JSON_OBJECT;
	if (!strcmp(json_text_at(request, "params.mode"), "url"))
		return c->o.revision >= REVISION_2025_11_25 &&
		       json_path(c->caps, "elicitation.url");
	return c->who.elicits;
}

static void give_up(struct mcp_call *c, const char *text)
{
	if (c->kind == MCP_TOOL)
		mcp_call_done(c, mcp_result_error(text));
	else
		mcp_call_fail(c, RPC_INTERNAL_ERROR, text, NULL);
}

/* false: it cannot be asked, and c is gone. */
static bool may_ask(struct mcp_call *c, const struct json *requests)
{
	struct json *data, *missing;
	size_t n = json_len(requests);
	bool sound = n > 0 && n <= ASK_AT_ONCE && c->kind != MCP_COMPLETION;

	json_each (it, requests)
		sound = sound && needs(it);
	if (!sound) {
		server_defect(c->o.peer->server,
			      "%s asks what the protocol does not know",
			      c->name);
		give_up(c, "this server asks what the protocol does not know");
		return false;
	}
	if (c->rounds >= ASK_ROUNDS) {
		give_up(c, "There was no usable answer, however often it was "
			   "asked.");
		return false;
	}
	missing = json_object();
	json_each (it, requests)
		if (!can(c, it))
			json_set(missing, needs(it), json_object());
	if (!json_len(missing)) {
		json_free(missing);
		return true;
	}
	if (c->o.revision != REVISION_2026_07_28) {
		json_free(missing);
		give_up(c, "This needs an answer that the client cannot give: "
			   "it did not declare the capability.");
		return false;
	}
	data = json_object();
	json_set(data, "requiredCapabilities", missing);
	mcp_call_fail(c, RPC_MISSING_CAPABILITY,
		      "the client did not declare a capability that this "
		      "needs",
		      data);
	return false;
}

/* ---- asking ------------------------------------------------------------- */

static void remember(struct mcp_call *c, const struct json *requests)
{
	json_free(c->asked);
	c->asked = json_object();
	json_each (it, requests) {
		const struct json *schema =
			json_path(it, "params.requestedSchema");
		struct json *v = json_object();

		json_set(v, "method", json_copy(json_get(it, "method")));
		if (schema)
			json_set(v, "schema", json_copy(schema));
		json_set(c->asked, json_key(it), v);
	}
}

/* Takes requests. */
static void ask_by_result(struct mcp_call *c, struct json *requests)
{
	char *state = seal(c);
	struct json *v;

	if (strlen(state) > MAX_STATE) {
		free(state);
		json_free(requests);
		give_up(c, "The answers so far are too long to be kept.");
		return;
	}
	v = json_object();
	json_set_string(v, "resultType", "input_required");
	json_set(v, "inputRequests", requests);
	json_set_string(v, "requestState", state);
	free(state);
	origin_result(&c->o, v);
	mcp_call_free(c);
}

static struct mcp_stream *stream_of(const struct mcp_call *c)
{
	return c->o.stream ? c->o.stream : peer_stream(c->o.peer);
}

static void ask_one(struct mcp_call *c, const struct json *request)
{
	struct mcp_peer *p = c->o.peer;
	struct json *params = json_copy(json_get(request, "params"));
	struct question *q = mem_zalloc(1, sizeof(*q));
	const char *mode = json_text_at(params, "mode");

	*q = (struct question){.next = p->questions,
			       .id = ++p->next_question,
			       .expires = p->server->now + ASK_SECONDS,
			       .call = c,
			       .key = mem_strdup(json_key(request))};
	p->questions = q;
	c->unanswered++;
	if (!strcmp(mode, "url")) {
		char *id = mem_printf("%.0f", q->id);

		json_set_string(params, "elicitationId", id);
		free(id);
	} else if (c->o.revision < REVISION_2025_11_25 && params) {
		json_remove(params, "mode");
	}
	stream_message(stream_of(c),
		       rpc_request(json_number(q->id),
				   json_text_at(request, "method"), params),
		       false);
}

void mcp_call_ask_all(struct mcp_call *c, struct json *requests)
{
	c->with_offer = false;
	if (!may_ask(c, requests)) {
		json_free(requests);
		return;
	}
	remember(c, requests);
	if (c->o.revision == REVISION_2026_07_28) {
		ask_by_result(c, requests);
		return;
	}
	if (stream_of(c)) {
		json_each (it, requests)
			ask_one(c, it);
	} else {
		give_up(c, "There is no stream to ask the client on.");
	}
	json_free(requests);
}

void mcp_call_ask(struct mcp_call *c, const char *key, const char *text,
		  struct json *schema)
{
	struct json *requests = json_object(), *request = json_object();
	struct json *params = json_object();

	json_set_string(params, "mode", "form");
	json_set_string(params, "message", text);
	json_set(params, "requestedSchema", schema);
	json_set_string(request, "method", "elicitation/create");
	json_set(request, "params", params);
	json_set(requests, key, request);
	mcp_call_ask_all(c, requests);
}

/* ---- a session's answers ------------------------------------------------ */

static void question_free(struct question *q)
{
	struct question **at = &q->call->o.peer->questions;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	free(q->key);
	free(q);
}

static void withdraw(const struct question *q)
{
	struct json *params = json_object();

	json_set_number(params, "requestId", q->id);
	stream_notify(stream_of(q->call), "notifications/cancelled", params);
}

void ask_forget(struct mcp_call *c)
{
	struct question *next;

	for (struct question *q = c->o.peer->questions; q; q = next) {
		next = q->next;
		if (q->call != c)
			continue;
		withdraw(q);
		question_free(q);
	}
}

/* Takes answer; NULL: none that is of use.  q is gone, and maybe its call. */
static void settle(struct question *q, struct json *answer)
{
	struct mcp_call *c = q->call;

	take_answer(c, q->key, answer);
	json_free(answer);
	question_free(q);
	if (--c->unanswered)
		return;
	c->rounds++;
	call_run(c);
}

/* No answer: as if a person had closed the window. */
static struct json *no_answer(const struct question *q,
			      const struct json *error)
{
	const struct json *asked = json_get(q->call->asked, q->key);
	struct json *v = json_object();

	if (!strcmp(json_text_at(asked, "method"), "elicitation/create"))
		json_set_string(v, "action", "cancel");
	else
		json_set(v, "error", error ? json_copy(error) : json_object());
	return v;
}

void ask_answered(struct mcp_peer *p, const struct rpc_message *m)
{
	struct question *q = p->questions;

	if (json_type(m->id) != JSON_NUMBER)
		return;
	while (q && q->id != json_as_number(m->id, -1))
		q = q->next;
	if (!q)
		return;
	if (m->error)
		settle(q, no_answer(q, m->error));
	else
		settle(q, json_copy(m->result));
}

void ask_expire(struct mcp_peer *p, double now)
{
	struct question *q = p->questions;

	while (q && q->expires > now)
		q = q->next;
	if (!q)
		return;
	withdraw(q);
	settle(q, no_answer(q, NULL));
	ask_expire(p, now);
}
