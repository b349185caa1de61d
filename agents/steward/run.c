/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front's side of the hand: what was ordered, and what became of it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/steward/hand.h"
#include "agents/steward/order.h"
#include "agents/steward/parts.h"
#include "agents/steward/result.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"

#define OUT_MAX (32u << 20)
#define FULL_MS 1000
#define TELL_S	1.0

struct steward_run *steward_run_new(struct steward *s, const char *client,
				    const struct steward_tool *t)
{
	struct steward_run *r = mem_zalloc(1, sizeof(*r));

	r->client = mem_strdup(client);
	r->tool = t;
	r->began = s->now;
	r->next = s->runs;
	s->runs = r;
	return r;
}

void steward_run_drop(struct steward *s, struct steward_run *r)
{
	struct steward_run **at = &s->runs;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r->client);
	free(r);
}

/* ---- to the hand -------------------------------------------------------- */

/* The hand reads whenever it is not at work on an order, which is short. */
static int say(struct steward *s, struct json *v)
{
	char *text = json_canonical(v), *line = mem_printf("%s\n", text);
	size_t len = strlen(line), done = 0;
	int rc = len > STEWARD_MAX_ORDER ? -E2BIG : 0;

	while (!rc && done < len) {
		ssize_t n = write(s->hand, line + done, len - done);
		struct pollfd f = {s->hand, POLLOUT, 0};

		if (n > 0)
			done += (size_t)n;
		else if (errno == EAGAIN && poll(&f, 1, FULL_MS) > 0)
			continue;
		else if (errno != EINTR)
			rc = -EPIPE;
	}
	free(line);
	free(text);
	json_free(v);
	if (rc == -E2BIG)
		return err_set(E2BIG, "the arguments are too long");
	return rc ? err_set(EPIPE, "the process that runs programs is gone")
		  : 0;
}

int steward_run_order(struct steward *s, struct steward_run *r,
		      const struct steward_order *o, const struct json *args,
		      bool agreed)
{
	struct json *v = json_object();
	char name[STEWARD_JOB_LEN], *path = NULL;
	int rc = 0;

	r->n = ++s->runs_made;
	json_set_string(v, "do", "run");
	json_set_number(v, "n", (double)r->n);
	json_set_string(v, "tool", o->tool->name);
	json_set_string(v, "client", r->client);
	json_set(v, "arguments", steward_order_arguments(o, args));
	if (agreed)
		json_set_bool(v, "agreed", true);
	if (o->words.len) {
		steward_job_name(name);
		path = mem_printf("%s/%s", s->texts, name);
		json_set_string(v, "words", name);
		rc = steward_words_write(path, &o->words);
	}
	if (rc)
		json_free(v);
	else
		rc = say(s, v);
	free(path);
	return rc;
}

void steward_run_end(struct steward *s, const char *client, const char *job)
{
	struct json *v = json_object();

	snprintf(s->ending[s->ended++ % STEWARD_ENDING], STEWARD_JOB_LEN, "%s",
		 job);
	json_set_string(v, "do", "cancel");
	json_set_string(v, "client", client);
	json_set_string(v, "job", job);
	say(s, v);
}

static const char *kind_word(enum mcp_kind kind)
{
	switch (kind) {
	case MCP_TOOL:
		return "tool";
	case MCP_RESOURCE:
		return "resource";
	case MCP_PROMPT:
		return "prompt";
	case MCP_COMPLETION:
		break;
	}
	return "completion";
}

void steward_run_note(struct steward *s, const struct mcp_who *who,
		      enum mcp_kind kind, const char *name, bool allowed)
{
	struct json *v = json_object();

	json_set_string(v, "do", "note");
	json_set_string(v, "client", who->principal);
	json_set_string(v, "what", kind_word(kind));
	/* The log is no place for words of clients. */
	if (steward_is_noted(name))
		json_set_string(v, "name", name);
	json_set_bool(v, "allowed", allowed);
	say(s, v);
}

/* ---- the end of a run --------------------------------------------------- */

static void tell_owner(struct steward_run *r, const struct steward_job *j)
{
	struct steward_ended e = {
		.job = j->id,
		.exit_status = j->exit_status,
		.cancelled = j->cancelled,
	};
	char *words = steward_result_words(j), *text;
	struct buf out;

	buf_init(&out, OUT_MAX);
	steward_result_output(j, &out);
	e.out_len = out.len;
	text = buf_take(&out);
	e.out = text;
	e.words = words;
	r->done(r->arg, &e);
	free(text);
	free(words);
}

static void tell_task(struct steward *s, const struct steward_job *j)
{
	struct mcp_task t;

	if (!s->opts.task_changed)
		return;
	steward_task_of(s, j, &t);
	s->opts.task_changed(s->opts.arg, &t);
	json_free(t.result);
	json_free(t.error);
}

/* The job has ended, or nobody waits any longer. */
static void finish(struct steward *s, struct steward_run *r,
		   const struct steward_job *j)
{
	struct steward_run own = *r;

	own.client = NULL;
	steward_run_drop(s, r);
	if (own.done)
		tell_owner(&own, j);
	else if (own.call)
		mcp_call_done(own.call, steward_result(j));
	else if (!own.looks)
		tell_task(s, j);
}

static void refuse(struct steward *s, struct steward_run *r, const char *text)
{
	struct steward_run own = *r;

	own.client = NULL;
	steward_run_drop(s, r);
	if (own.done) {
		struct steward_ended e = {
			.job = "", .exit_status = -1, .out = "", .words = text};

		own.done(own.arg, &e);
	} else if (own.call) {
		mcp_call_done(own.call, mcp_result_error(text));
	}
}

static void ask_to_approve(struct steward *s, struct steward_run *r,
			   const char *code)
{
	char *text = mem_printf(
		"Nothing was done yet: a person has to agree on a terminal of "
		"this machine, by\n\n    sched-mcp approve %s\n\nwhich shows "
		"what would be done.  Ask your user to; then call %s again "
		"with the same arguments.  The code is good for ten minutes.",
		code, r->tool->name);
	struct mcp_call *c = r->call;
	struct json *v = json_object(), *result;

	json_set_string(v, "outcome", "asks");
	json_set_string(v, "tool", r->tool->name);
	json_set_string(v, "next", text);
	result = mcp_result(v, text);
	json_set_bool(result, "isError", true);
	steward_run_drop(s, r);
	if (c)
		mcp_call_done(c, result);
	else
		json_free(result);
	free(text);
}

/* ---- from the hand ------------------------------------------------------ */

static void handed_over(struct steward *s, struct steward_run *r)
{
	struct mcp_call *c = r->call;
	struct steward_job j;
	struct mcp_task t;

	if (steward_job_read(s->jobs, r->job, &j)) {
		refuse(s, r, err_text());
		return;
	}
	if (c && r->as_task) {
		r->call = NULL;
		steward_task_of(s, &j, &t);
		mcp_call_task(c, &t);
		json_free(t.result);
		json_free(t.error);
	} else if (c && r->background) {
		/* As it stands now, also if that was quick. */
		r->call = NULL;
		mcp_call_done(c, steward_result(&j));
	}
	steward_job_release(&j);
}

static void answered(struct steward *s, struct steward_run *r,
		     const struct json *v)
{
	const char *job = json_text_at(v, "job"), *code;

	code = json_text_at(v, "code");
	if (steward_job_is_name(job)) {
		memcpy(r->job, job, STEWARD_JOB_LEN);
		if (r->unwanted)
			steward_run_end(s, r->client, r->job);
		handed_over(s, r);
	} else if (*code) {
		ask_to_approve(s, r, code);
	} else {
		refuse(s, r, json_text_at(v, "text"));
	}
}

/* All who wait for it. */
static void look_at(struct steward *s, const char *job)
{
	struct steward_run *r = s->runs, *next;
	struct steward_job j;

	if (steward_job_read(s->jobs, job, &j))
		return;
	for (; j.state != STEWARD_JOB_RUNS && r; r = next) {
		next = r->next;
		if (!strcmp(r->job, job)) {
			finish(s, r, &j);
			/* Whoever was told may have ordered, and dropped. */
			next = s->runs;
		}
	}
	steward_job_release(&j);
}

static void take_line(struct steward *s, const char *line, size_t len)
{
	struct json *v = json_parse(line, len);
	long n = (long)json_as_number(json_get(v, "n"), 0);
	const char *ended = json_text_at(v, "ended");

	if (*ended)
		look_at(s, ended);
	for (struct steward_run *r = s->runs; n > 0 && r; r = r->next)
		if (r->n == n && !r->job[0]) {
			answered(s, r, v);
			break;
		}
	json_free(v);
}

static void take_lines(struct steward *s)
{
	size_t used = 0;
	char *nl;

	while (s->in.len > used &&
	       (nl = memchr(s->in.data + used, '\n', s->in.len - used))) {
		take_line(s, s->in.data + used,
			  (size_t)(nl - s->in.data) - used);
		used = (size_t)(nl - s->in.data) + 1;
	}
	if (used) {
		memmove(s->in.data, s->in.data + used, s->in.len - used);
		s->in.len -= used;
	}
}

/* No line of the hand's is nearly as long as there is room for. */
int steward_runs_take(struct steward *s)
{
	char chunk[4096];
	ssize_t got;

	while ((got = read(s->hand, chunk, sizeof(chunk))) > 0) {
		if (buf_add(&s->in, chunk, (size_t)got)) {
			s->gone = true;
			break;
		}
		take_lines(s);
	}
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		s->gone = true;
	return s->gone ? -EPIPE : 0;
}

/* ---- once a second ------------------------------------------------------ */

/* By the clock, which grows whatever the program thinks of its own end. */
static void tell_progress(struct steward *s, const struct steward_run *r,
			  const struct steward_job *j)
{
	char *far = steward_result_far(j);
	char *text = mem_printf("%s runs%s%s", steward_job_tool(j),
				*far ? ": " : "", far);

	mcp_call_progress(r->call, s->now - r->began, 0, text);
	free(text);
	free(far);
}

/* Jobs of a server that was killed have no parent that would tell of their
 * end. */
static void mind(struct steward *s, struct steward_run *r)
{
	struct steward_job j;
	int rc = steward_job_read(s->jobs, r->job, &j);

	if (rc) {
		refuse(s, r, "the job is gone");
		return;
	}
	if (j.state != STEWARD_JOB_RUNS || (r->until > 0 && s->now >= r->until))
		finish(s, r, &j);
	else if (r->call && s->now - r->began >= TELL_S)
		tell_progress(s, r, &j);
	steward_job_release(&j);
}

void steward_runs_tick(struct steward *s)
{
	long newest = 0;
	struct steward_run *r;

	/* Who is told of an end may order more: each is looked at once, the
	 * newest first, however the list changes. */
	for (r = s->runs; r; r = r->next)
		r->minded = false;
	do {
		for (r = s->runs; r && (r->minded || !r->job[0]); r = r->next)
			;
		if (r) {
			r->minded = true;
			mind(s, r);
		}
	} while (r && newest++ < 10000);
}

/* ---- for the other parts ------------------------------------------------ */

int steward_ask(struct steward *s, const struct mcp_who *who, const char *tool,
		const struct json *arguments, steward_done *done, void *arg)
{
	struct steward_order o;
	struct steward_client as = *steward_client(s, who);
	struct steward_run *r;
	int rc;

	as.name = who->principal;
	rc = steward_order_make(&o, s->cfg, &as, tool, arguments, false);
	if (!rc && !o.argv.len)
		rc = err_set(EINVAL, "'%s' runs nothing", tool);
	if (!rc) {
		r = steward_run_new(s, who->principal, o.tool);
		r->done = done;
		r->arg = arg;
		rc = steward_run_order(s, r, &o, arguments, false);
		if (rc)
			steward_run_drop(s, r);
	}
	steward_order_release(&o);
	return rc;
}

static void nobody(void *arg, const struct steward_ended *e)
{
	(void)arg;
	(void)e;
}

void steward_forget(struct steward *s, void *arg)
{
	for (struct steward_run *r = s->runs; r; r = r->next) {
		if (!r->done || r->arg != arg)
			continue;
		r->done = nobody;
		r->arg = NULL;
		r->unwanted = true;
		if (r->job[0])
			steward_run_end(s, r->client, r->job);
	}
}
