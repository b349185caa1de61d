/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks: those of 2025-11-25, which were tried out then, and the extension that
 * came of them.  They differ in names, and in who decides.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mcp/server_state.h"

#define PAGE 50
#define LIST "tasks"
/* So long a task is remembered at most that had ended at once. */
#define ENDED_SECONDS 300

struct json *tasks_required(void)
{
	struct json *data = json_object(), *caps, *extensions;

	caps = json_set(data, "requiredCapabilities", json_object());
	extensions = json_set(caps, "extensions", json_object());
	json_set(extensions, EXTENSION_TASKS, json_object());
	return data;
}

static bool ended(const struct mcp_task *t)
{
	return t->status != MCP_TASK_WORKING && t->status != MCP_TASK_ASKS;
}

void task_release(struct mcp_task *t)
{
	json_free(t->result);
	json_free(t->error);
	json_free(t->requests);
}

/* ---- as the wire has it ------------------------------------------------- */

static void set_time(struct json *v, const char *key, double t)
{
	char text[CLOCK_TEXT_LEN];

	clock_text((time_t)t, text);
	json_set_string(v, key, text);
}

static void add_task(struct json *v, const struct mcp_task *t, enum revision r)
{
	static const char *const names[] = {
		[MCP_TASK_WORKING] = "working",
		[MCP_TASK_COMPLETED] = "completed",
		[MCP_TASK_FAILED] = "failed",
		[MCP_TASK_CANCELLED] = "cancelled",
		[MCP_TASK_ASKS] = "input_required",
	};
	bool modern = r == REVISION_2026_07_28;
	enum mcp_task_status status = t->status;

	/* What the extension has as a completed task, with an error in it. */
	if (!modern && json_as_bool(json_get(t->result, "isError"), false))
		status = MCP_TASK_FAILED;
	if (!modern && status == MCP_TASK_ASKS)
		status = MCP_TASK_WORKING;
	json_set_string(v, "taskId", t->id);
	json_set_string(v, "status", names[status]);
	if (t->text[0])
		json_set_string(v, "statusMessage", t->text);
	set_time(v, "createdAt", t->created);
	set_time(v, "lastUpdatedAt", t->changed);
	json_set_number(v, modern ? "ttlMs" : "ttl", round(t->ttl_s * 1000));
	if (t->poll_s > 0)
		json_set_number(v, modern ? "pollIntervalMs" : "pollInterval",
				round(t->poll_s * 1000));
}

/* With how it ended. */
static void add_detail(struct json *v, const struct mcp_task *t)
{
	add_task(v, t, REVISION_2026_07_28);
	if (t->status == MCP_TASK_COMPLETED)
		json_set(v, "result",
			 t->result ? json_copy(t->result) : json_object());
	if (t->status == MCP_TASK_FAILED)
		json_set(v, "error",
			 t->error ? json_copy(t->error) : json_object());
	if (t->status == MCP_TASK_ASKS)
		json_set(v, "inputRequests",
			 t->requests ? json_copy(t->requests) : json_object());
}

static void add_related(struct json *v, const char *id)
{
	struct json *related = json_object();

	json_set_string(related, "taskId", id);
	meta_set(v, META_RELATED_TASK, related);
}

/* ---- which ones a session is told of ------------------------------------ */

static bool is_followed(const struct mcp_peer *p, const char *id)
{
	for (size_t i = 0; i < FOLLOWED; i++)
		if (!strcmp(p->followed[i], id))
			return true;
	return false;
}

static void follow(struct mcp_peer *p, const char *id)
{
	if (!p->revision || is_followed(p, id) ||
	    strlen(id) >= sizeof(p->followed[0]))
		return;
	strcpy(p->followed[p->follow], id);
	p->follow = (p->follow + 1) % FOLLOWED;
}

/* ---- calls that had ended at once --------------------------------------- */

void tasks_ended(struct origin *o, struct json *result)
{
	struct mcp_peer *p = o->peer;
	struct mcp_task *t = &p->ended[p->ends++ % ENDED];
	struct json *v = json_object();

	task_release(t);
	*t = (struct mcp_task){.status = MCP_TASK_COMPLETED,
			       .created = (double)clock_wall(),
			       .changed = (double)clock_wall(),
			       .ttl_s = ENDED_SECONDS,
			       .result = result};
	snprintf(t->id, sizeof(t->id), "ended-%zu", p->ends);
	/* Clients have been seen to look at nothing else of one that failed. */
	if (json_as_bool(json_get(result, "isError"), false))
		snprintf(t->text, sizeof(t->text), "%s",
			 json_text_at(result, "content.0.text"));
	add_task(json_set(v, "task", json_object()), t, o->revision);
	origin_result(o, v);
}

void tasks_release(struct mcp_peer *p)
{
	for (size_t i = 0; i < ENDED; i++)
		task_release(&p->ended[i]);
}

static bool find_ended(const struct mcp_peer *p, const char *id,
		       struct mcp_task *out)
{
	for (size_t i = 0; i < ENDED; i++)
		if (p->ended[i].id[0] && !strcmp(p->ended[i].id, id)) {
			*out = p->ended[i];
			out->result = json_copy(out->result);
			return true;
		}
	return false;
}

/* ---- requests ----------------------------------------------------------- */

/* The task that params name; false with an error sent.  To be released. */
static bool find(struct request *r, struct mcp_task *t)
{
	const struct mcp_offer *offer = r->o.peer->server->offer;
	const char *id;

	*t = (struct mcp_task){0};
	if (!offer->task) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this server has no tasks");
		return false;
	}
	if (r->o.revision == REVISION_2026_07_28 && !r->who.tasks) {
		origin_error(&r->o, RPC_MISSING_CAPABILITY, tasks_required(),
			     "declare the extension " EXTENSION_TASKS);
		return false;
	}
	id = request_string(r, "taskId");
	if (!id)
		return false;
	if (find_ended(r->o.peer, id, t) ||
	    !offer->task(offer->arg, &r->who, id, t))
		return true;
	origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
		     "there is no task %.100s, or not any more", id);
	return false;
}

void tasks_get(struct request *r)
{
	struct mcp_task t;
	struct json *v;

	if (!find(r, &t))
		return;
	v = json_object();
	if (r->o.revision == REVISION_2026_07_28) {
		add_detail(v, &t);
	} else {
		follow(r->o.peer, t.id);
		add_task(v, &t, r->o.revision);
	}
	task_release(&t);
	origin_result(&r->o, v);
}

/* Of what comes, what is an answer to what is asked. */
static void give_answers(struct request *r, const struct mcp_task *t,
			 const struct json *responses)
{
	const struct mcp_offer *offer = r->o.peer->server->offer;
	struct json *answers = json_object();

	json_each (it, t->requests) {
		const char *key = json_key(it);
		const struct json *answer = json_get(responses, key);

		if (ask_fits(json_text_at(it, "method"),
			     json_path(it, "params.requestedSchema"), answer))
			json_set(answers, key, json_copy(answer));
	}
	if (json_len(answers) && offer->task_answer)
		offer->task_answer(offer->arg, &r->who, t->id, answers);
	json_free(answers);
}

void tasks_update(struct request *r)
{
	const struct json *responses = json_get(r->params, "inputResponses");
	struct mcp_task t;

	if (!find(r, &t))
		return;
	if (json_type(responses) != JSON_OBJECT) {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "params.inputResponses has to be an object");
	} else {
		if (t.status == MCP_TASK_ASKS)
			give_answers(r, &t, responses);
		origin_result(&r->o, json_object());
	}
	task_release(&t);
}

void tasks_cancel(struct request *r)
{
	const struct mcp_offer *offer = r->o.peer->server->offer;
	bool modern = r->o.revision == REVISION_2026_07_28;
	struct mcp_task t;
	struct json *v;

	if (!find(r, &t))
		return;
	if (!modern && ended(&t)) {
		origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
			     "the task has ended already");
		task_release(&t);
		return;
	}
	if (!ended(&t) && offer->task_cancel)
		offer->task_cancel(offer->arg, &r->who, t.id);
	v = json_object();
	if (!modern) {
		t.status = MCP_TASK_CANCELLED;
		add_task(v, &t, r->o.revision);
	}
	task_release(&t);
	origin_result(&r->o, v);
}

/* ---- tasks/result, which waits ------------------------------------------ */

static void give_result(struct mcp_call *c, const struct mcp_task *t)
{
	struct json *v;

	if (t->status == MCP_TASK_COMPLETED) {
		v = t->result ? json_copy(t->result) : json_object();
		v = shape_result(v, MCP_TOOL, c->o.revision);
		add_related(v, t->id);
		origin_result(&c->o, v);
	} else if (t->status == MCP_TASK_FAILED) {
		origin_error(&c->o,
			     (int)json_as_number(json_get(t->error, "code"),
						 RPC_INTERNAL_ERROR),
			     NULL, "%s", json_text_at(t->error, "message"));
	} else {
		origin_error(&c->o, RPC_INTERNAL_ERROR, NULL,
			     "the task was cancelled");
	}
	mcp_call_free(c);
}

void tasks_result(struct request *r)
{
	struct mcp_task t;
	struct mcp_call *c;

	if (!find(r, &t))
		return;
	c = call_new(r, CALL_TASK_RESULT);
	if (c) {
		c->name = json_text_at(json_get(c->doc, "params"), "taskId");
		if (ended(&t))
			give_result(c, &t);
	}
	task_release(&t);
}

static void poll_one(struct mcp_call *c)
{
	const struct mcp_offer *offer = c->o.peer->server->offer;
	struct mcp_task t = {0};

	if (offer->task(offer->arg, &c->who, c->name, &t)) {
		origin_error(&c->o, RPC_INVALID_PARAMS, NULL,
			     "there is no task %.100s any more", c->name);
		mcp_call_free(c);
		return;
	}
	if (ended(&t))
		give_result(c, &t);
	task_release(&t);
}

void tasks_poll(struct mcp_peer *p)
{
	struct mcp_call *next;

	for (struct mcp_call *c = p->calls; c; c = next) {
		next = c->next;
		if (c->use == CALL_TASK_RESULT)
			poll_one(c);
	}
}

/* ---- tasks/list --------------------------------------------------------- */

static struct json *page_of(struct request *r, const char *after, char next[65])
{
	const struct mcp_offer *offer = r->o.peer->server->offer;
	const struct mcp_peer *p = r->o.peer;
	struct mcp_task t[PAGE + 1] = {0};
	struct json *list = json_array();
	size_t n;

	for (size_t i = 0; i < ENDED && !after; i++)
		if (p->ended[i].id[0])
			add_task(json_add(list, json_object()), &p->ended[i],
				 r->o.revision);
	n = offer->tasks(offer->arg, &r->who, after, t, PAGE + 1);
	next[0] = '\0';
	if (n > PAGE)
		strcpy(next, t[PAGE - 1].id);
	for (size_t i = 0; i < n; i++) {
		struct json *v = json_object();

		add_task(v, &t[i], r->o.revision);
		if (i < PAGE)
			json_add(list, v);
		else
			json_free(v);
		task_release(&t[i]);
	}
	return list;
}

void tasks_list(struct request *r)
{
	const struct mcp_server *s = r->o.peer->server;
	const struct json *cursor = json_get(r->params, "cursor");
	const char *text = json_as_string(cursor, "");
	struct json *v = NULL, *result;
	char next[65];

	if (!s->offer->tasks) {
		origin_error(&r->o, RPC_METHOD_NOT_FOUND, NULL,
			     "this server does not list tasks");
		return;
	}
	if (cursor && (json_type(cursor) != JSON_STRING || *text)) {
		v = seal_open(s, LIST, text);
		if (!v) {
			origin_error(&r->o, RPC_INVALID_PARAMS, NULL,
				     "params.cursor is none of this server's");
			return;
		}
	}
	result = json_object();
	json_set(result, "tasks",
		 page_of(r, v ? json_text_at(v, "after") : NULL, next));
	json_free(v);
	if (next[0]) {
		char *sealed;

		v = json_object();
		json_set_string(v, "after", next);
		sealed = seal_make(s, LIST, v);
		json_set_string(result, "nextCursor", sealed);
		free(sealed);
	}
	origin_result(&r->o, result);
}

/* ---- how they begin, and change ----------------------------------------- */

void tasks_created(struct mcp_call *c, const struct mcp_task *t)
{
	enum revision r = c->o.revision;
	struct json *v, *task;

	c->with_offer = false;
	if (!c->as_task) {
		mcp_call_fail(c,
			      r == REVISION_2026_07_28 ? RPC_MISSING_CAPABILITY
						       : RPC_INTERNAL_ERROR,
			      "this runs as a task, which the client does not "
			      "follow",
			      r == REVISION_2026_07_28 ? tasks_required()
						       : NULL);
		return;
	}
	v = json_object();
	if (r == REVISION_2026_07_28) {
		add_task(v, t, r);
		json_set_string(v, "resultType", "task");
	} else {
		task = json_set(v, "task", json_object());
		add_task(task, t, r);
		follow(c->o.peer, t->id);
	}
	origin_result(&c->o, v);
	mcp_call_free(c);
}

static bool listens(const struct mcp_call *c, const char *id)
{
	for (size_t i = 0; i < c->filter.tasks.len; i++)
		if (!strcmp(c->filter.tasks.v[i], id))
			return true;
	return false;
}

static void tell(struct mcp_call *c, const struct mcp_task *t)
{
	struct json *params = json_object();

	add_detail(params, t);
	meta_set(params, META_SUBSCRIPTION, json_copy(c->o.id));
	stream_notify(c->o.stream, "notifications/tasks", params);
}

void mcp_server_task_changed(struct mcp_server *s, const struct mcp_task *t)
{
	for (struct mcp_peer *p = s->peers; p; p = p->next) {
		struct mcp_call *next;

		if (p->revision == REVISION_2025_11_25 &&
		    is_followed(p, t->id)) {
			struct json *params = json_object();

			add_task(params, t, p->revision);
			stream_notify(peer_stream(p),
				      "notifications/tasks/status", params);
		}
		for (struct mcp_call *c = p->calls; c; c = next) {
			next = c->next;
			if (listens(c, t->id))
				tell(c, t);
			else if (c->use == CALL_TASK_RESULT && ended(t) &&
				 !strcmp(c->name, t->id))
				give_result(c, t);
		}
	}
}
