/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small offer, and a client whose words are the test's.  JSON is written with
 * ' for ", so that it can be read.
 */
#ifndef SCHEDKIT_TESTS_MCP_FIX_H
#define SCHEDKIT_TESTS_MCP_FIX_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "mcp/server.h"

#define FIX_SENT  512
#define FIX_KEPT  64
#define FIX_TASKS 128

/* One that only a test has closed is `gone`. */
struct pipe {
	struct mcp_stream *stream;
	struct json *sent[FIX_SENT];
	size_t count, read;
	bool ended;  /* with the last message, or with none */
	bool silent; /* with none */
};

struct fix {
	struct mcp_offer offer;
	struct mcp_server *s;
	struct mcp_peer *p;
	struct pipe all; /* of stdio */

	struct mcp_call *kept[FIX_KEPT];
	size_t keeps, calls, cancels, defects, refused;
	struct mcp_task tasks[FIX_TASKS];
	size_t task_count;
	char watched[512];
	bool bare;	 /* tools alone, and nothing besides */
	size_t many;	 /* so many tools more */
	size_t asks;	 /* how often a person was asked */
	bool never_sure; /* it asks whatever was answered */
	bool same_name;	 /* a resource and a prompt called "ask" ask, too */
};

/* ---- JSON --------------------------------------------------------------- */

static inline char *fix_quoted(const char *text)
{
	char *s = mem_strdup(text);

	for (char *c = s; *c; c++)
		if (*c == '\'')
			*c = '"';
	return s;
}

static inline struct json *fix_json(const char *text)
{
	char *s = fix_quoted(text);
	struct json *v = json_parse(s, strlen(s));

	if (!v)
		fail_msg("%s: %s", s, err_text());
	free(s);
	return v;
}

static inline void fix_is(const struct json *v, const char *path,
			  const char *text)
{
	const struct json *at = json_path(v, path);
	char *all = json_canonical(v);
	char *got = at ? json_canonical(at) : mem_strdup("(nothing)");
	char *want = text ? fix_quoted(text) : mem_strdup("(nothing)");

	if (strcmp(got, want))
		fail_msg("%s is %s, not %s, in %s", path, got, want, all);
	free(all);
	free(got);
	free(want);
}

static inline void fix_has(const struct json *v, const char *path,
			   const char *words)
{
	const char *text = json_text_at(v, path);
	char *all = json_canonical(v);

	if (!strstr(text, words))
		fail_msg("%s does not say '%s', in %s", path, words, all);
	free(all);
}

/* ---- the offer ---------------------------------------------------------- */

#define FIX_ECHO                                                          \
	"{'name':'echo','title':'Echo','description':'says it again',"    \
	"'icons':[{'src':'https://x.org/i.png'}],"                        \
	"'annotations':{'readOnlyHint':true},'_meta':{'a.b/c':1},"        \
	"'execution':{'taskSupport':'optional'},"                         \
	"'inputSchema':{'type':'object','properties':{"                   \
	"'text':{'type':'string','x-mcp-header':'Text'},"                 \
	"'n':{'type':'integer','x-mcp-header':'N'},"                      \
	"'deep':{'type':'object','properties':{'flag':{'type':'boolean'," \
	"'x-mcp-header':'Flag'}}}},"                                      \
	"'required':['text'],'additionalProperties':false},"              \
	"'outputSchema':{'type':'object','properties':{'text':{'type':"   \
	"'string'}},'required':['text']}}"
#define FIX_PLAIN(name) ",{'name':'" name "','inputSchema':{'type':'object'}}"

static inline struct json *fix_tools(const struct fix *f)
{
	struct json *list = fix_json(
		"[" FIX_ECHO FIX_PLAIN("slow") FIX_PLAIN("ask")
			FIX_PLAIN("both") FIX_PLAIN("odd") FIX_PLAIN("content")
				FIX_PLAIN("log") ",{'name':'liar','inputSchema'"
						 ":{'type':'object'},'"
						 "outputSchema':{'type':"
						 "'object','required':['x']}}"
						 ",{'name':'broken','"
						 "inputSchema':{'type':'object'"
						 ",'if':{}}}"
						 ",{'name':'work','execution':{"
						 "'taskSupport':'required'},"
						 "'inputSchema':{'type':"
						 "'object'}}]");

	for (size_t i = 0; i < f->many; i++) {
		struct json *v = fix_json("{'inputSchema':{'type':'object'}}");
		char name[32];

		snprintf(name, sizeof(name), "tool%zu", i);
		json_set_string(v, "name", name);
		json_add(list, v);
	}
	return list;
}

static inline struct json *fix_list(void *arg, enum mcp_list what,
				    const struct mcp_who *who)
{
	const struct fix *f = arg;

	assert_non_null(who->principal);
	if (what == MCP_TOOLS)
		return fix_tools(f);
	if (f->bare)
		return NULL;
	if (what == MCP_RESOURCES)
		return fix_json("[{'uri':'mem://a','name':'a','title':'A',"
				"'mimeType':'text/plain','icons':[],"
				"'annotations':{'priority':1}}]");
	if (what == MCP_TEMPLATES)
		return fix_json("[{'uriTemplate':'mem://{x}','name':'t'}]");
	return fix_json("[{'name':'greet','title':'Greet','arguments':[{"
			"'name':'who','title':'Who','required':true},"
			"{'name':'how'}]}]");
}

static inline void fix_keep(void *arg, const char *uri, long *ttl_ms,
			    const char **scope)
{
	(void)arg;
	*ttl_ms = uri ? 5000 : 60000;
	*scope = uri ? "private" : "public";
}

static inline const char *fix_answered(struct mcp_call *c, const char *key)
{
	const struct json *v = mcp_call_answer(c, key);

	if (!v || strcmp(json_text_at(v, "action"), "accept"))
		return v ? "nobody" : NULL;
	return json_text_at(v, "content.name");
}

static inline void fix_ask(struct fix *f, struct mcp_call *c)
{
	const char *name = f->never_sure ? NULL : fix_answered(c, "name");
	char text[128];

	/* What a call was given it has not got when it is called again. */
	assert_null(mcp_call_data(c));
	mcp_call_set_data(c, f);
	if (!name) {
		f->asks++;
		mcp_call_ask(c, "name", "Who are you?",
			     fix_json("{'type':'object','properties':{'name':"
				      "{'type':'string'}},'required':["
				      "'name']}"));
		return;
	}
	snprintf(text, sizeof(text), "hello %s", name);
	mcp_call_done(c, mcp_result(NULL, text));
}

static inline void fix_both(struct fix *f, struct mcp_call *c)
{
	const struct json *roots = mcp_call_answer(c, "roots");
	const struct json *said = mcp_call_answer(c, "said");
	char text[256];

	if (!roots || !said) {
		f->asks++;
		mcp_call_ask_all(c,
				 fix_json("{'roots':{'method':'roots/list'},"
					  "'said':{'method':"
					  "'sampling/createMessage','params'"
					  ":{'messages':[],'maxTokens':9}}}"));
		return;
	}
	snprintf(text, sizeof(text), "%zu roots, %s",
		 json_len(json_get(roots, "roots")),
		 json_text_at(said, "content.text"));
	mcp_call_done(c, mcp_result(NULL, text));
}

static inline struct mcp_task *fix_task_new(struct fix *f)
{
	struct mcp_task *t = &f->tasks[f->task_count++];

	*t = (struct mcp_task){.status = MCP_TASK_WORKING,
			       .created = 1000000000,
			       .changed = 1000000001,
			       .ttl_s = 3600,
			       .poll_s = 0.5};
	snprintf(t->id, sizeof(t->id), "task-%03zu", f->task_count);
	return t;
}

static inline void fix_tool(struct fix *f, struct mcp_call *c)
{
	const char *name = mcp_call_name(c);

	if (!strcmp(name, "echo")) {
		mcp_call_done(
			c, mcp_result(json_copy(mcp_call_arguments(c)), NULL));
	} else if (!strcmp(name, "slow")) {
		f->kept[f->keeps++] = c;
	} else if (!strcmp(name, "ask")) {
		fix_ask(f, c);
	} else if (!strcmp(name, "both")) {
		fix_both(f, c);
	} else if (!strcmp(name, "odd")) {
		mcp_call_ask_all(c, fix_json("{'x':{'method':'tools/list'}}"));
	} else if (!strcmp(name, "liar")) {
		mcp_call_done(c, mcp_result(fix_json("{'y':1}"), NULL));
	} else if (!strcmp(name, "log")) {
		mcp_call_log(c, "debug", json_string("low"));
		mcp_call_log(c, "warning", json_string("high"));
		mcp_call_done(c, mcp_result(NULL, "ok"));
	} else if (!strcmp(name, "work")) {
		mcp_call_task(c, fix_task_new(f));
	} else {
		mcp_call_done(c,
			      fix_json("{'content':[{'type':'audio','data':'',"
				       "'mimeType':'audio/wav','_meta':{}},"
				       "{'type':'resource_link','uri':'mem://a'"
				       ",'name':'a'}],'structuredContent':[1],"
				       "'ttlMs':1}"));
	}
}

static inline void fix_call(void *arg, struct mcp_call *c)
{
	struct fix *f = arg;
	const char *name = mcp_call_name(c);

	f->calls++;
	switch (mcp_call_kind(c)) {
	case MCP_TOOL:
		fix_tool(f, c);
		break;
	case MCP_RESOURCE:
		if (f->same_name && !strcmp(name, "ask"))
			fix_ask(f, c);
		else if (strcmp(name, "mem://a"))
			mcp_call_fail(c, -32602, "no such resource", NULL);
		else
			mcp_call_done(c, fix_json("{'contents':[{'uri':"
						  "'mem://a','text':'A',"
						  "'_meta':{}}]}"));
		break;
	case MCP_PROMPT:
		mcp_call_done(c, fix_json("{'messages':[{'role':'user',"
					  "'content':{'type':'text','text':"
					  "'hi'}}]}"));
		break;
	case MCP_COMPLETION: {
		struct json *v = json_object(), *all = json_array();

		for (int i = 0; i < 150; i++)
			json_add(all, json_copy(json_get(mcp_call_arguments(c),
							 "value")));
		json_set(v, "values", all);
		mcp_call_done(c, v);
		break;
	}
	}
}

static inline void fix_cancel(void *arg, struct mcp_call *c)
{
	struct fix *f = arg;

	assert_non_null(mcp_call_name(c));
	f->cancels++;
}

static inline bool fix_may(const struct mcp_who *who)
{
	return strcmp(who->principal, "stranger");
}

static inline struct mcp_task *fix_task_find(struct fix *f, const char *id)
{
	for (size_t i = 0; i < f->task_count; i++)
		if (!strcmp(f->tasks[i].id, id))
			return &f->tasks[i];
	return NULL;
}

static inline void fix_task_give(const struct mcp_task *t, struct mcp_task *out)
{
	*out = *t;
	if (t->status == MCP_TASK_COMPLETED)
		out->result = mcp_result(fix_json("{'text':'x'}"), NULL);
	if (t->status == MCP_TASK_FAILED)
		out->error = fix_json("{'code':-32000,'message':'bang'}");
}

static inline int fix_task(void *arg, const struct mcp_who *who, const char *id,
			   struct mcp_task *out)
{
	struct mcp_task *t = fix_task_find(arg, id);

	if (!t || !fix_may(who))
		return -ENOENT;
	fix_task_give(t, out);
	return 0;
}

static inline size_t fix_list_tasks(void *arg, const struct mcp_who *who,
				    const char *after, struct mcp_task *out,
				    size_t max)
{
	struct fix *f = arg;
	size_t n = 0, i = f->task_count;

	if (!fix_may(who))
		return 0;
	while (after && i && strcmp(f->tasks[i - 1].id, after))
		i--;
	if (after && i)
		i--;
	while (i && n < max)
		fix_task_give(&f->tasks[--i], &out[n++]);
	return n;
}

static inline int fix_task_cancel(void *arg, const struct mcp_who *who,
				  const char *id)
{
	struct mcp_task *t = fix_task_find(arg, id);

	if (!t || !fix_may(who))
		return -ENOENT;
	t->status = MCP_TASK_CANCELLED;
	return 0;
}

static inline int fix_watch(void *arg, const struct mcp_who *who,
			    const char *uri, bool on)
{
	struct fix *f = arg;
	size_t len = strlen(f->watched);

	if (!strcmp(uri, "mem://none"))
		return -ENOENT;
	snprintf(f->watched + len, sizeof(f->watched) - len, " %s%s@%s",
		 on ? "+" : "-", uri, who->principal);
	return 0;
}

static inline void fix_defect(void *arg, const char *text)
{
	struct fix *f = arg;

	assert_true(text[0]);
	f->defects++;
}

static inline void fix_refused(void *arg, const struct mcp_who *who,
			       enum mcp_kind kind, const char *name)
{
	struct fix *f = arg;

	assert_string_equal(who->principal, "me");
	assert_true(kind == MCP_TOOL || kind == MCP_PROMPT);
	assert_true(name[0]);
	f->refused++;
}

/* ---- the client --------------------------------------------------------- */

static inline void fix_send(void *arg, const char *text, size_t len, bool last)
{
	struct pipe *p = arg;

	assert_false(p->ended);
	p->ended = last;
	if (!text) {
		assert_true(last);
		p->silent = true;
		return;
	}
	assert_null(memchr(text, '\n', len));
	assert_true(p->count < FIX_SENT);
	p->sent[p->count] = json_parse(text, len);
	if (!p->sent[p->count])
		fail_msg("%s: %s", text, err_text());
	p->count++;
}

static inline void pipe_open(struct pipe *pipe, struct mcp_peer *p,
			     enum mcp_stream_use use)
{
	static const struct mcp_stream_ops ops = {.send = fix_send};

	*pipe = (struct pipe){0};
	pipe->stream = mcp_stream_open(p, use, &ops, pipe);
}

static inline void pipe_release(struct pipe *p)
{
	for (size_t i = 0; i < p->count; i++)
		json_free(p->sent[i]);
}

/* The next message; lent. */
static inline const struct json *pipe_read(struct pipe *p)
{
	if (p->read == p->count)
		fail_msg("nothing was sent");
	return p->sent[p->read++];
}

static inline void pipe_is_read(const struct pipe *p)
{
	if (p->read == p->count)
		return;
	fail_msg("sent, too: %s", json_canonical(p->sent[p->read]));
}

static inline void fix_init_with(struct fix *f, size_t max_calls,
				 const char *principal)
{
	struct mcp_server_opts o = {.max_calls = max_calls, .max_watches = 3};

	*f = (struct fix){0};
	f->offer = (struct mcp_offer){.name = "fix",
				      .title = "Fixture",
				      .version = "1.2",
				      .instructions = "Be brief.",
				      .arg = f,
				      .completes = true,
				      .list = fix_list,
				      .keep = fix_keep,
				      .call = fix_call,
				      .cancel = fix_cancel,
				      .task = fix_task,
				      .tasks = fix_list_tasks,
				      .task_cancel = fix_task_cancel,
				      .watch = fix_watch,
				      .refused = fix_refused,
				      .defect = fix_defect};
	o.offer = &f->offer;
	for (size_t i = 0; i < sizeof(o.key); i++)
		o.key[i] = (unsigned char)i;
	f->s = mcp_server_new(&o);
	mcp_tick(f->s, 1000);
	f->p = mcp_peer_new(f->s, principal);
	pipe_open(&f->all, f->p, MCP_STREAM_ALL);
}

static inline void fix_init(struct fix *f)
{
	fix_init_with(f, 8, "me");
}

static inline void fix_release(struct fix *f)
{
	mcp_peer_free(f->p);
	mcp_server_free(f->s);
	pipe_release(&f->all);
}

/* What a client of stdio writes. */
static inline int fix_say(struct fix *f, const char *text)
{
	char *s = fix_quoted(text);
	int status = mcp_take(f->p, f->all.stream, s, strlen(s), NULL);

	free(s);
	return status;
}

#define FIX_META(caps)                                                     \
	"'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28'," \
	"'io.modelcontextprotocol/clientInfo':{'name':'t','version':'0'}," \
	"'io.modelcontextprotocol/clientCapabilities':" caps "}"
#define FIX_ELICITS  "{'elicitation':{}}"
#define FIX_TASK_CAP "{'extensions':{'io.modelcontextprotocol/tasks':{}}}"

/* A request of 2026-07-28; members: of params, "" or "'name':'x',". */
static inline char *fix_modern(const char *id, const char *method,
			       const char *members, const char *caps)
{
	return mem_printf("{'jsonrpc':'2.0','id':%s,'method':'%s','params':"
			  "{%s'_meta':{'io.modelcontextprotocol/protocolVersion"
			  "':'2026-07-28','io.modelcontextprotocol/clientInfo':"
			  "{'name':'t','version':'0'},'io.modelcontextprotocol/"
			  "clientCapabilities':%s}}}",
			  id, method, members, caps);
}

/* Asks so, and gives what came next. */
static inline const struct json *fix_ask_with(struct fix *f, const char *id,
					      const char *method,
					      const char *members,
					      const char *caps)
{
	char *text = fix_modern(id, method, members, caps);

	fix_say(f, text);
	free(text);
	return pipe_read(&f->all);
}

static inline const struct json *fix_new(struct fix *f, const char *id,
					 const char *method,
					 const char *members)
{
	return fix_ask_with(f, id, method, members, "{}");
}

/* The same in a session. */
static inline const struct json *fix_old(struct fix *f, const char *id,
					 const char *method, const char *params)
{
	char *text = mem_printf("{'jsonrpc':'2.0','id':%s,'method':'%s',"
				"'params':{%s}}",
				id, method, params);

	fix_say(f, text);
	free(text);
	return pipe_read(&f->all);
}

static inline const struct json *fix_begin(struct fix *f, const char *revision,
					   const char *caps)
{
	const struct json *v;
	char *text;

	text = mem_printf("{'jsonrpc':'2.0','id':'hello','method':'initialize',"
			  "'params':{'protocolVersion':'%s','capabilities':%s,"
			  "'clientInfo':{'name':'t','version':'0'}}}",
			  revision, caps);
	fix_say(f, text);
	free(text);
	v = pipe_read(&f->all);
	assert_int_equal(fix_say(f, "{'jsonrpc':'2.0','method':"
				    "'notifications/initialized'}"),
			 202);
	return v;
}

#endif
