/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/steward/order.h"
#include "agents/steward/parts.h"
#include "agents/steward/result.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define ASK_MAX	 4096
#define JOBS_MAX 50

#define AGREE "agree"

static void refuse(struct mcp_call *c, const char *text)
{
	mcp_call_done(c, mcp_result_error(text));
}

/* ---- asking a person through the client --------------------------------- */

/* The verdict is looked up first, so that figures can be shown. */
struct asking {
	struct steward *s;
	struct mcp_call *c;
};

static struct json *agree_schema(void)
{
	struct json *v = json_object(), *p;

	json_set_string(v, "type", "object");
	p = json_set(json_set(v, "properties", json_object()), AGREE,
		     json_object());
	json_set_string(p, "type", "boolean");
	json_set_string(p, "title", "Do it");
	json_set_string(p, "description",
			"Let this change how this machine schedules");
	json_add(json_set(v, "required", json_array()), json_string(AGREE));
	return v;
}

static void ask(struct mcp_call *c, const char *figures)
{
	const struct json *args = mcp_call_arguments(c);
	const char *canary = json_text_at(args, "canary");
	struct buf b;
	char *text;

	buf_init(&b, ASK_MAX);
	if (!strcmp(mcp_call_name(c), "rollback")) {
		buf_printf(
			&b,
			"Put back the scheduling policy of %.0f steps before "
			"on this machine?",
			json_as_number(json_get(args, "steps"), 0));
	} else {
		buf_printf(&b,
			   "Put scheduling policy %.64s to work on this "
			   "machine for %.0f s%s%.8s?\nVerdict %.64s: %s",
			   json_text_at(args, "policy"),
			   json_as_number(json_get(args, "seconds"), 0),
			   *canary ? ", first on " : "", canary,
			   json_text_at(args, "verdict"), figures);
	}
	text = buf_take(&b);
	mcp_call_ask(c, AGREE, text, agree_schema());
	free(text);
}

static void on_verdict(void *arg, const struct steward_ended *e)
{
	struct asking *a = arg;
	struct mcp_call *c = a->c;
	struct json *v = json_parse(e->out, e->out_len);
	const struct json *body = json_get(v, "body");
	struct buf b;
	char *text;

	mcp_call_set_data(c, NULL);
	free(a);
	if (strcmp(json_text_at(v, "kind"), "verdict") != 0) {
		refuse(c, "verdict: the history has no verdict of this id: "
			  "history_search with kind=verdict finds some");
		json_free(v);
		return;
	}
	buf_init(&b, ASK_MAX);
	buf_printf(&b, "%.12s, ", json_text_at(body, "decision"));
	steward_result_figure(body, &b);
	text = buf_take(&b);
	json_free(v);
	ask(c, text);
	free(text);
}

static void look_up(struct steward *s, struct mcp_call *c)
{
	struct asking *a;
	struct json *args;
	int rc;

	if (!strcmp(mcp_call_name(c), "rollback")) {
		ask(c, "");
		return;
	}
	a = mem_zalloc(1, sizeof(*a));
	*a = (struct asking){s, c};
	args = json_object();
	json_set_string(args, "id",
			json_text_at(mcp_call_arguments(c), "verdict"));
	mcp_call_set_data(c, a);
	rc = steward_ask(s, mcp_call_who(c), "history_show", args, on_verdict,
			 a);
	json_free(args);
	if (!rc)
		return;
	mcp_call_set_data(c, NULL);
	free(a);
	refuse(c, err_text());
}

/* 1: it is asked now, or was refused; 0: on with it. */
static int agreed(struct steward *s, struct mcp_call *c,
		  const struct steward_order *o, bool *yes)
{
	const struct json *answer = mcp_call_answer(c, AGREE);

	*yes = false;
	if (!o->agree || o->who->approval != STEWARD_ELICIT ||
	    !mcp_call_who(c)->elicits)
		return 0;
	if (!answer) {
		look_up(s, c);
		return 1;
	}
	*yes = !strcmp(json_text_at(answer, "action"), "accept") &&
	       json_as_bool(json_path(answer, "content." AGREE), false);
	if (*yes)
		return 0;
	refuse(c, "The person who was asked did not agree: nothing was done.  "
		  "Do not ask again unless they say so.");
	return 1;
}

/* ---- tools that run something ------------------------------------------- */

static void order(struct steward *s, struct mcp_call *c,
		  const struct steward_order *o, bool yes)
{
	const struct mcp_who *who = mcp_call_who(c);
	const struct json *args = mcp_call_arguments(c);
	bool takes_long = o->flags & STEWARD_LONG;
	struct steward_run *r = steward_run_new(s, who->principal, o->tool);

	r->call = c;
	r->background =
		takes_long && json_as_bool(json_get(args, "background"), false);
	r->as_task = takes_long && !r->background &&
		     (who->tasks || mcp_call_as_task(c));
	if (!steward_run_order(s, r, o, args, yes))
		return;
	steward_run_drop(s, r);
	refuse(c, err_text());
}

static void run(struct steward *s, struct mcp_call *c,
		const struct steward_tool *t)
{
	struct steward_client as = *steward_client(s, mcp_call_who(c));
	struct steward_order o;
	bool yes;

	as.name = mcp_call_who(c)->principal;
	if (steward_order_make(&o, s->cfg, &as, t->name, mcp_call_arguments(c),
			       false)) {
		steward_run_note(s, mcp_call_who(c), MCP_TOOL, t->name, false);
		refuse(c, err_text());
	} else if (!agreed(s, c, &o, &yes)) {
		order(s, c, &o, yes);
	}
	steward_order_release(&o);
}

/* ---- the tool job ------------------------------------------------------- */

static void list_jobs(struct steward *s, struct mcp_call *c)
{
	struct json *v = json_object(), *list;
	struct steward_job *all;
	size_t n, shown = 0;
	struct buf b;
	char *text;

	if (steward_jobs_read(s->jobs, &all, &n)) {
		refuse(c, err_text());
		json_free(v);
		return;
	}
	buf_init(&b, 16384);
	json_set_string(v, "outcome", "done");
	list = json_set(v, "jobs", json_array());
	for (size_t i = 0; i < n; i++) {
		struct json *row;

		if (steward_job_is_long(&all[i]) &&
		    !strcmp(steward_job_client(&all[i]),
			    mcp_call_who(c)->principal) &&
		    shown++ < JOBS_MAX) {
			const char *state = steward_job_word(&all[i]);

			row = json_add(list, json_object());
			json_set_string(row, "job", all[i].id);
			json_set_string(row, "tool", steward_job_tool(&all[i]));
			json_set_string(row, "state", state);
			json_set_number(row, "exit_status", all[i].exit_status);
			buf_printf(&b, "%s %s %s\n", all[i].id,
				   steward_job_tool(&all[i]), state);
		}
		steward_job_release(&all[i]);
	}
	free(all);
	text = buf_take(&b);
	mcp_call_done(c, mcp_result(v, *text ? text : "There are no jobs."));
	free(text);
}

static void ask_job(struct steward *s, struct mcp_call *c,
		    const struct steward_tool *t)
{
	const struct json *args = mcp_call_arguments(c);
	const char *id = json_text_at(args, "job");
	const char *client = mcp_call_who(c)->principal;
	bool end = !strcmp(json_text_at(args, "action"), "cancel");
	double wait = json_as_number(json_get(args, "wait_s"), end ? 10 : 0);
	struct steward_job j;
	struct steward_run *r;

	if (!*id) {
		list_jobs(s, c);
		return;
	}
	if (steward_job_read(s->jobs, id, &j) ||
	    strcmp(steward_job_client(&j), client) != 0) {
		refuse(c,
		       "job: there is no such job of this client, or it was "
		       "forgotten; without 'job' those there are are listed");
	} else if (j.state != STEWARD_JOB_RUNS || wait <= 0) {
		mcp_call_done(c, steward_result(&j));
	} else {
		if (end)
			steward_run_end(s, client, id);
		r = steward_run_new(s, client, t);
		memcpy(r->job, j.id, STEWARD_JOB_LEN);
		r->looks = true;
		r->call = c;
		r->until = s->now + wait;
	}
	steward_job_release(&j);
}

/* ---- all ---------------------------------------------------------------- */

static void call_tool(struct steward *s, struct mcp_call *c)
{
	const struct steward_tool *t = steward_tool_find(mcp_call_name(c));

	if (!t)
		mcp_call_fail(c, -32602, "there is no such tool", NULL);
	else if (!t->program)
		ask_job(s, c, t);
	else
		run(s, c, t);
}

/* What an order is made of is in the log by that. */
static bool is_order(const struct mcp_call *c)
{
	const struct steward_tool *t = steward_tool_find(mcp_call_name(c));

	return mcp_call_kind(c) == MCP_TOOL && t && t->program;
}

void steward_call(void *arg, struct mcp_call *c)
{
	struct steward *s = arg;

	if (mcp_call_kind(c) != MCP_COMPLETION && !is_order(c))
		steward_run_note(s, mcp_call_who(c), mcp_call_kind(c),
				 mcp_call_name(c), true);
	switch (mcp_call_kind(c)) {
	case MCP_TOOL:
		call_tool(s, c);
		break;
	case MCP_RESOURCE:
		steward_resources_call(s, c);
		break;
	case MCP_PROMPT:
		steward_prompts_call(s, c);
		break;
	case MCP_COMPLETION:
		steward_complete(s, c);
		break;
	}
}

static void cancel_tool(struct steward *s, struct mcp_call *c)
{
	struct asking *a = mcp_call_data(c);

	if (a) {
		steward_forget(s, a);
		free(a);
		return;
	}
	for (struct steward_run *r = s->runs; r; r = r->next) {
		if (r->call != c)
			continue;
		r->call = NULL;
		r->until = 0;
		/* Who only looked does not end what is looked at. */
		if (r->looks) {
			steward_run_drop(s, r);
			return;
		}
		r->unwanted = true;
		if (r->job[0])
			steward_run_end(s, r->client, r->job);
	}
}

void steward_cancel(void *arg, struct mcp_call *c)
{
	struct steward *s = arg;

	if (mcp_call_kind(c) == MCP_TOOL)
		cancel_tool(s, c);
	else
		steward_resources_cancel(s, c);
}
