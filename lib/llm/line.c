/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/line.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "llm/record.h"

struct json *line_error(int rc)
{
	struct json *e = json_object();

	json_set_string(e, "errno", err_name(-rc));
	json_set_string(e, "text", err_text());
	return e;
}

static void put_told(struct json *v, const struct llm_told *t)
{
	const struct {
		const char *key;
		double x;
	} rows[] = {
		{"requests_limit", t->requests_limit},
		{"requests_left", t->requests_left},
		{"requests_reset_s", t->requests_reset_s},
		{"in_limit", t->in_limit},
		{"in_left", t->in_left},
		{"in_reset_s", t->in_reset_s},
		{"out_limit", t->out_limit},
		{"out_left", t->out_left},
		{"out_reset_s", t->out_reset_s},
	};
	struct json *to = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].x >= 0)
			json_set_number(to, rows[i].key, rows[i].x);
	if (json_len(to))
		json_set(v, "limits", to);
	else
		json_free(to);
}

static void put_costs(struct json *v, const struct llm_answer *a)
{
	struct json *u = json_set(v, "usage", json_object());

	json_set_number(u, "in", (double)a->usage.in);
	json_set_number(u, "cached", (double)a->usage.cached);
	json_set_number(u, "out", (double)a->usage.out);
	json_set_bool(v, "estimated", a->estimated);
	json_set(v, "cost_usd",
		 a->cost_usd < 0 ? json_null() : json_number(a->cost_usd));
	json_set_number(v, "seconds", a->seconds);
	json_set_number(v, "attempts", (double)a->attempts);
	json_set_string(v, "model", a->model ? a->model : "");
	if (a->endpoint)
		json_set_string(v, "endpoint", a->endpoint);
	if (a->first_token_s >= 0)
		json_set_number(v, "first_token_s", a->first_token_s);
	put_told(v, &a->told);
	if (a->slices > 1 || a->suspended) {
		json_set_number(v, "slices", (double)a->slices);
		json_set_number(v, "restarts", (double)a->restarts);
	}
}

struct json *line_answer(const struct llm_answer *a, int rc)
{
	struct json *v = json_object();

	put_costs(v, a);
	if (a->suspended) {
		json_set(v, "suspended", json_copy(a->suspended));
		return v;
	}
	json_set_string(v, "finish", finish_name(a->finish));
	json_set_string(v, "text", a->text ? a->text : "");
	json_set(v, "value", a->value ? json_copy(a->value) : json_null());
	json_set(v, "calls", a->calls ? json_copy(a->calls) : json_array());
	if (rc) {
		json_set(v, "error", line_error(rc));
		json_set_bool(v, "again", a->again);
		json_set_number(v, "after_s", a->after_s);
	}
	return v;
}

/* One message of the three kinds. */
static bool is_message(const struct json *m)
{
	const char *role = json_as_string(json_get(m, "role"), "");

	if (!strcmp(role, "tool"))
		return json_type(json_get(m, "results")) == JSON_ARRAY;
	return (!strcmp(role, "user") || !strcmp(role, "assistant")) &&
	       json_type(json_get(m, "text")) == JSON_STRING;
}

int line_request(const struct json *v, struct llm_request *r)
{
	double most = json_as_number(json_get(v, "max_tokens"), 4096);

	*r = (struct llm_request){
		.role = json_as_string(json_get(v, "role"), "user"),
		.system = json_as_string(json_get(v, "system"), NULL),
		.messages = json_get(v, "messages"),
		.tools = json_get(v, "tools"),
		.schema = json_get(v, "schema"),
	};
	if (json_type(r->messages) != JSON_ARRAY || !json_len(r->messages))
		return err_set(EINVAL, "a request lacks 'messages'");
	json_each (it, r->messages)
		if (!is_message(it))
			return err_set(EINVAL,
				       "a message is neither a user's, an "
				       "assistant's nor a tool's");
	if (!(most >= 1 && most <= 1e7))
		return err_set(EINVAL, "'max_tokens' has to be 1 to 10000000");
	r->max_tokens = (long)most;
	if (!json_len(r->tools))
		r->tools = NULL;
	if (json_type(r->schema) != JSON_OBJECT)
		r->schema = NULL;
	return 0;
}

static void put_endpoint(struct json *to, const struct llm_endpoint *e)
{
	struct json *v = json_add(to, json_object());

	json_set_string(v, "name", e->name);
	json_set_string(v, "backend", e->backend);
	json_set_string(v, "model", e->model ? e->model : "");
	json_set_number(v, "slots", (double)e->slots);
	json_set_number(v, "order", (double)e->order);
	json_set_number(v, "requests_min", (double)e->requests_min);
	json_set_number(v, "tokens_in_min", (double)e->tokens_in_min);
	json_set_number(v, "tokens_out_min", (double)e->tokens_out_min);
	json_set_string(v, "resume", llm_resume_names[e->resume]);
}

struct json *line_hello(const struct llm *l)
{
	struct json *v = json_object(), *to;

	json_set_string(v, "name", llm_name(l));
	json_set_string(v, "backend", llm_backend(l));
	to = json_set(v, "endpoints", json_array());
	for (size_t i = 0; i < llm_endpoints(l); i++) {
		struct llm_endpoint e = llm_endpoint(l, i);

		put_endpoint(to, &e);
	}
	return v;
}
