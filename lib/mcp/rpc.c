/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mcp/rpc.h"

#include <math.h>
#include <string.h>

#define MAX_INTEGER 9007199254740991.0

bool rpc_is_id(const struct json *v)
{
	double x;

	switch (json_type(v)) {
	case JSON_STRING:
		return strlen(json_as_string(v, "")) <= RPC_MAX_ID;
	case JSON_NUMBER:
		x = json_as_number(v, 0);
		return x == floor(x) && fabs(x) <= MAX_INTEGER;
	default:
		return false;
	}
}

bool rpc_same_id(const struct json *a, const struct json *b)
{
	if (!a || json_type(a) != json_type(b))
		return false;
	if (json_type(a) == JSON_STRING)
		return !strcmp(json_as_string(a, ""), json_as_string(b, ""));
	return json_as_number(a, 0) == json_as_number(b, 1);
}

static void invalid(struct rpc_message *m, const char *why)
{
	m->kind = RPC_INVALID;
	m->why = why;
}

static void read_response(const struct json *v, struct rpc_message *m)
{
	m->result = json_get(v, "result");
	m->error = json_get(v, "error");
	m->kind = RPC_RESPONSE;
	if (!m->result == !m->error)
		invalid(m, "it has to have one of method, result and error");
	else if (m->error && json_type(m->error) != JSON_OBJECT)
		invalid(m, "error has to be an object");
	else if (m->result && !m->id)
		invalid(m, "an answer has to have the id of the request");
}

static void read_request(const struct json *v, struct rpc_message *m)
{
	const struct json *method = json_get(v, "method");
	const struct json *params = json_get(v, "params");

	m->kind = json_get(v, "id") ? RPC_REQUEST : RPC_NOTIFICATION;
	m->method = json_as_string(method, "");
	if (json_get(v, "result") || json_get(v, "error"))
		invalid(m, "it is both a request and an answer");
	else if (!m->method[0])
		invalid(m, "method has to be a string that is not empty");
	else if (params && json_type(params) != JSON_OBJECT)
		invalid(m, "params has to be an object");
	else
		m->params = params;
}

void rpc_read(const struct json *v, struct rpc_message *m)
{
	const struct json *id;

	*m = (struct rpc_message){.method = ""};
	if (json_type(v) != JSON_OBJECT) {
		invalid(m, "a message has to be an object");
		return;
	}
	id = json_get(v, "id");
	if (rpc_is_id(id))
		m->id = id;
	if (strcmp(json_as_string(json_get(v, "jsonrpc"), ""), "2.0"))
		invalid(m, "jsonrpc has to be \"2.0\"");
	else if (json_get(v, "method"))
		read_request(v, m);
	else
		read_response(v, m);
	if (m->kind != RPC_INVALID && m->kind != RPC_RESPONSE && id && !m->id)
		invalid(m, "id has to be a string or an integer");
}

static struct json *message(struct json *id)
{
	struct json *v = json_object();

	json_set_string(v, "jsonrpc", "2.0");
	json_set(v, "id", id);
	return v;
}

struct json *rpc_answer(struct json *id, struct json *result)
{
	struct json *v = message(id);

	json_set(v, "result", result);
	return v;
}

struct json *rpc_error(struct json *id, int code, const char *text,
		       struct json *data)
{
	struct json *v = message(id), *e = json_object();

	json_set_number(e, "code", code);
	json_set_string(e, "message", text);
	json_set(e, "data", data);
	json_set(v, "error", e);
	return v;
}

struct json *rpc_request(struct json *id, const char *method,
			 struct json *params)
{
	struct json *v = message(id);

	json_set_string(v, "method", method);
	json_set(v, "params", params);
	return v;
}

struct json *rpc_notification(const char *method, struct json *params)
{
	return rpc_request(NULL, method, params);
}
