/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: a result that is there after a while. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"
#include "tests/external/mcp-fixture.h"

struct fixture_task {
	struct fixture *f;
	char *principal;
	struct mcp_task t;
	struct event_timer *timer;
};

static double wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void say_of(const struct fixture_task *k, struct mcp_task *out)
{
	*out = k->t;
	out->result = k->t.status == MCP_TASK_COMPLETED && k->t.result
			      ? json_copy(k->t.result)
			      : NULL;
	out->error = k->t.status == MCP_TASK_FAILED && k->t.error
			     ? json_copy(k->t.error)
			     : NULL;
	out->requests =
		k->t.status == MCP_TASK_ASKS ? json_copy(k->t.requests) : NULL;
}

static void changed(struct fixture_task *k, enum mcp_task_status status)
{
	struct mcp_task said;

	k->t.status = status;
	k->t.changed = wall();
	event_timer_free(k->timer);
	k->timer = NULL;
	say_of(k, &said);
	mcp_server_task_changed(k->f->server, &said);
	json_free(said.result);
	json_free(said.error);
	json_free(said.requests);
}

static void on_done(void *arg)
{
	struct fixture_task *k = arg;

	changed(k, k->t.result ? MCP_TASK_COMPLETED : MCP_TASK_FAILED);
}

static void forget(struct fixture_task *k)
{
	if (!k)
		return;
	event_timer_free(k->timer);
	json_free(k->t.result);
	json_free(k->t.error);
	json_free(k->t.requests);
	free(k->principal);
	free(k);
}

static struct fixture_task *make(struct fixture *f, const struct mcp_call *c)
{
	struct fixture_task *k = mem_zalloc(1, sizeof(*k));
	unsigned char raw[16];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		abort();
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(k->t.id + 2 * i, 3, "%02x", raw[i]);
	k->f = f;
	k->principal = mem_strdup(mcp_call_who(c)->principal);
	k->t.created = k->t.changed = wall();
	k->t.ttl_s = 300;
	k->t.poll_s = 0.2;
	k->timer = event_timer_new(f->events, on_done, k);
	forget(f->tasks[f->task_count % TASKS]);
	f->tasks[f->task_count++ % TASKS] = k;
	return k;
}

void task_begin(struct fixture *f, struct mcp_call *c, double seconds,
		struct json *result, struct json *error)
{
	struct fixture_task *k = make(f, c);
	struct mcp_task said;

	k->t.result = result;
	k->t.error = error;
	event_timer_set(k->timer, seconds);
	say_of(k, &said);
	mcp_call_task(c, &said);
}

void task_begin_asking(struct fixture *f, struct mcp_call *c,
		       struct json *requests, struct json *result)
{
	struct fixture_task *k = make(f, c);
	struct mcp_task said;

	k->t.status = MCP_TASK_ASKS;
	k->t.requests = requests;
	k->t.result = result;
	say_of(k, &said);
	mcp_call_task(c, &said);
	json_free(said.requests);
}

static struct fixture_task *find(struct fixture *f, const struct mcp_who *who,
				 const char *id)
{
	for (size_t i = 0; i < TASKS; i++)
		if (f->tasks[i] && !strcmp(f->tasks[i]->t.id, id) &&
		    !strcmp(f->tasks[i]->principal, who->principal))
			return f->tasks[i];
	return NULL;
}

void task_answer(void *arg, const struct mcp_who *who, const char *id,
		 const struct json *answers)
{
	struct fixture_task *k = find(arg, who, id);

	if (!k || k->t.status != MCP_TASK_ASKS)
		return;
	json_each (it, answers)
		json_remove(k->t.requests, json_key(it));
	if (json_len(k->t.requests))
		return;
	k->t.status = MCP_TASK_WORKING;
	event_timer_set(k->timer, 0.1);
}

int task_get(void *arg, const struct mcp_who *who, const char *id,
	     struct mcp_task *out)
{
	struct fixture_task *k = find(arg, who, id);

	if (!k)
		return -ENOENT;
	say_of(k, out);
	return 0;
}

size_t task_list(void *arg, const struct mcp_who *who, const char *after,
		 struct mcp_task *out, size_t max)
{
	struct fixture *f = arg;
	bool past = !after;
	size_t n = 0;

	for (size_t i = f->task_count; i && n < max; i--) {
		struct fixture_task *k = f->tasks[(i - 1) % TASKS];

		if (!k || f->task_count - i >= TASKS)
			break;
		if (strcmp(k->principal, who->principal) != 0)
			continue;
		if (past)
			say_of(k, &out[n++]);
		else
			past = !strcmp(k->t.id, after);
	}
	return n;
}

int task_stop(void *arg, const struct mcp_who *who, const char *id)
{
	struct fixture_task *k = find(arg, who, id);

	if (!k)
		return -ENOENT;
	if (k->t.status == MCP_TASK_WORKING || k->t.status == MCP_TASK_ASKS)
		changed(k, MCP_TASK_CANCELLED);
	return 0;
}

void task_forget_all(struct fixture *f)
{
	for (size_t i = 0; i < TASKS; i++)
		forget(f->tasks[i]);
}
