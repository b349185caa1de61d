/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to a person: by a result since 2026-07-28, by a request before. */
#include "mcp_fix.h"

#define BOTH "{'roots':{},'sampling':{}}"
#define ASK  "'name':'ask',"
#define YES \
	"'inputResponses':{'name':{'action':'accept','content':{'name':'Al'}}},"

static char *state_of(const struct json *v)
{
	fix_is(v, "result.resultType", "'input_required'");
	assert_true(json_text_at(v, "result.requestState")[0]);
	return mem_strdup(json_text_at(v, "result.requestState"));
}

/* Calls, and gives the state of what is to be asked. */
static char *asked(struct fix *f)
{
	return state_of(fix_ask_with(f, "1", "tools/call", ASK, FIX_ELICITS));
}

static const struct json *again(struct fix *f, const char *members,
				const char *state)
{
	char *all = mem_printf("%s'requestState':'%s',", members, state);
	const struct json *v =
		fix_ask_with(f, "2", "tools/call", all, FIX_ELICITS);

	free(all);
	return v;
}

static void refused(const struct json *v, const char *words)
{
	fix_is(v, "error.code", "-32602");
	fix_has(v, "error.message", words);
}

static void test_round_trip(void **state)
{
	struct fix f;
	const struct json *v;
	char *s;

	(void)state;
	fix_init(&f);
	v = fix_ask_with(&f, "1", "tools/call", ASK, FIX_ELICITS);
	fix_is(v, "result.inputRequests",
	       "{'name':{'method':'elicitation/create','params':{'message':'Who "
	       "are you?','mode':'form','requestedSchema':{'properties':{'name'"
	       ":{'type':'string'}},'required':['name'],'type':'object'}}}}");
	fix_is(v, "result.content", NULL);
	s = state_of(v);
	v = again(&f, ASK YES, s);
	fix_is(v, "result.content.0.text", "'hello Al'");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.requestState", NULL);
	assert_int_equal(f.calls, 2);
	/* It is good for once. */
	refused(again(&f, ASK YES, s), "used before");
	assert_int_equal(f.calls, 2);
	free(s);
	fix_release(&f);
}

static void test_what_was_said(void **state)
{
	static const struct {
		const char *responses, *text;
	} said[] = {
		{"'inputResponses':{'name':{'action':'decline'}},",
		 "'hello nobody'"},
		{"'inputResponses':{'name':{'action':'cancel'}},",
		 "'hello nobody'"},
		/* What nobody asked for is passed over. */
		{"'inputResponses':{'other':{'action':'accept'},'name':{"
		 "'action':'accept','content':{'name':'Bo'}}},",
		 "'hello Bo'"},
		/* No answer, and what is none: it is asked again. */
		{"", NULL},
		{"'inputResponses':{},", NULL},
		{"'inputResponses':{'other':{'action':'accept'}},", NULL},
		{"'inputResponses':{'name':{'action':'perhaps'}},", NULL},
		{"'inputResponses':{'name':{'action':'accept'}},", NULL},
		{"'inputResponses':{'name':{'action':'accept','content':{"
		 "'name':7}}},",
		 NULL},
		{"'inputResponses':{'name':{'action':'accept','content':{}}},",
		 NULL},
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		char *s = asked(&f);
		char *members = mem_printf(ASK "%s", said[i].responses);
		const struct json *v = again(&f, members, s);

		fix_is(v, "result.resultType",
		       said[i].text ? "'complete'" : "'input_required'");
		fix_is(v, "result.content.0.text", said[i].text);
		free(members);
		free(s);
	}
	fix_release(&f);
}

static void test_not_answers(void **state)
{
	static const char *const wrong[] = {
		"'inputResponses':null,",
		"'inputResponses':[],",
		"'inputResponses':'x',",
		"'inputResponses':{'name':12345},",
		"'inputResponses':{'name':null},",
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char *members = mem_printf(ASK "%s", wrong[i]);

		refused(fix_ask_with(&f, "1", "tools/call", members,
				     FIX_ELICITS),
			"inputResponses");
		free(members);
	}
	assert_int_equal(f.calls, 0);
	fix_release(&f);
}

/* Answers to what was never asked count for nothing, unless the offer says so.
 */
static void test_unasked(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	free(state_of(
		fix_ask_with(&f, "1", "tools/call", ASK YES, FIX_ELICITS)));
	assert_int_equal(f.asks, 1);
	f.offer.unasked = true;
	fix_is(fix_ask_with(&f, "1", "tools/call", ASK YES, FIX_ELICITS),
	       "result.content.0.text", "'hello Al'");
	fix_release(&f);
}

/* ---- a state that is not what it should be ------------------------------ */

static void test_forged(void **state)
{
	static const char *const others[] = {
		"", "x", "AAAA", "%%%%", "eyJwcmluY2lwYWwiOiJtZSJ9",
	};
	struct fix f;
	char *s, *longer;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		refused(again(&f, ASK YES, others[i]), "none of this server's");
	s = asked(&f);
	longer = mem_printf("%s-TAMPERED", s);
	refused(again(&f, ASK YES, longer), "none of this server's");
	for (size_t at = 0; at < strlen(s); at += 37) {
		char c = s[at];

		s[at] = c == 'A' ? 'B' : 'A';
		refused(again(&f, ASK YES, s), "none of this server's");
		s[at] = c;
	}
	refused(fix_ask_with(&f, "2", "tools/call", ASK YES "'requestState':7,",
			     FIX_ELICITS),
		"none of this server's");
	assert_int_equal(f.calls, 1);
	/* None of that has used it up. */
	fix_is(again(&f, ASK YES, s), "result.content.0.text", "'hello Al'");
	free(longer);
	free(s);
	fix_release(&f);
}

/* A cursor is sealed with the same key, and for something else. */
static void test_cursor_is_no_state(void **state)
{
	struct fix f;
	const struct json *v;
	char *s, *members;

	(void)state;
	fix_init(&f);
	f.many = 150;
	v = fix_new(&f, "1", "tools/list", "");
	refused(again(&f, ASK YES, json_text_at(v, "result.nextCursor")),
		"none of this server's");
	s = asked(&f);
	members = mem_printf("'cursor':'%s',", s);
	fix_is(fix_new(&f, "1", "tools/list", members), "error.code", "-32602");
	free(members);
	free(s);
	fix_release(&f);
}

static void test_of_another(void **state)
{
	struct fix f;
	struct mcp_peer *me;
	char *s, *other;

	(void)state;
	fix_init(&f);
	s = asked(&f);
	/* Another request. */
	refused(again(&f, "'name':'ask','arguments':{'x':1}," YES, s),
		"another request");
	refused(again(&f, "'name':'both'," YES, s), "another request");
	refused(fix_ask_with(&f, "3", "prompts/get",
			     "'name':'greet','arguments':{'who':'x'},"
			     "'requestState':'x',",
			     "{}"),
		"none of");
	/* One of the same name, of another kind. */
	f.same_name = true;
	refused(fix_ask_with(&f, "3", "resources/read",
			     "'uri':'ask',"
			     "'requestState':'x',",
			     FIX_ELICITS),
		"none of");
	other = mem_printf("'uri':'ask','requestState':'%s',", s);
	refused(fix_ask_with(&f, "3", "resources/read", other, FIX_ELICITS),
		"another request");
	free(other);
	/* Another principal. */
	me = f.p;
	f.p = mcp_peer_new(f.s, "her");
	refused(again(&f, ASK YES, s), "somebody else");
	mcp_peer_free(f.p);
	/* Another peer of the same, as each POST is. */
	f.p = mcp_peer_new(f.s, "me");
	fix_is(again(&f, ASK YES, s), "result.content.0.text", "'hello Al'");
	mcp_peer_free(f.p);
	f.p = me;
	free(s);
	fix_release(&f);
}

static void test_expired(void **state)
{
	struct fix f;
	char *s, *t;

	(void)state;
	fix_init(&f);
	s = asked(&f);
	t = asked(&f);
	mcp_tick(f.s, 1000 + 899);
	fix_is(again(&f, ASK YES, s), "result.content.0.text", "'hello Al'");
	mcp_tick(f.s, 1000 + 901);
	refused(again(&f, ASK YES, t), "expired");
	refused(again(&f, ASK YES, s), "expired");
	free(s);
	free(t);
	fix_release(&f);
}

static void test_key_of_another_server(void **state)
{
	struct fix f, g;
	char *s;

	(void)state;
	fix_init(&f);
	s = asked(&f);
	fix_init(&g);
	mcp_peer_free(g.p);
	mcp_server_free(g.s);
	g.s = mcp_server_new(&(struct mcp_server_opts){
		.offer = &g.offer, .max_calls = 8, .key = {1}});
	mcp_tick(g.s, 1000);
	g.p = mcp_peer_new(g.s, "me");
	pipe_open(&g.all, g.p, MCP_STREAM_ALL);
	refused(again(&g, ASK YES, s), "none of this server's");
	free(s);
	fix_release(&f);
	fix_release(&g);
}

/* Used ones are remembered until they expire, as many as there is room for. */
static void test_used(void **state)
{
	struct fix f;
	char *s = NULL;

	(void)state;
	fix_init(&f);
	for (int i = 0; i < 1025; i++) {
		/* What was sent is not looked at again. */
		pipe_release(&f.all);
		f.all.count = f.all.read = 0;
		free(s);
		s = asked(&f);
		if (i < 1024)
			fix_is(again(&f, ASK YES, s), "result.content.0.text",
			       "'hello Al'");
	}
	refused(again(&f, ASK YES, s), "too many");
	mcp_tick(f.s, 1000 + 450);
	free(s);
	s = asked(&f);
	refused(again(&f, ASK YES, s), "too many");
	mcp_tick(f.s, 1000 + 901);
	fix_is(again(&f, ASK YES, s), "result.content.0.text", "'hello Al'");
	free(s);
	fix_release(&f);
}

/* A client that never answers as it should is not asked for ever. */
static void test_rounds(void **state)
{
	struct fix f;
	const struct json *v;
	char *s;

	(void)state;
	fix_init(&f);
	f.never_sure = true;
	s = asked(&f);
	for (int i = 0; i < 20; i++) {
		v = again(&f, ASK YES, s);
		if (json_path(v, "result.isError"))
			break;
		free(s);
		s = state_of(v);
	}
	fix_is(v, "result.isError", "true");
	assert_true(f.asks < 12);
	free(s);
	fix_release(&f);
}

static void test_capabilities(void **state)
{
	struct fix f;
	const struct json *v;
	char *s;

	(void)state;
	fix_init(&f);
	v = fix_new(&f, "1", "tools/call", ASK);
	fix_is(v, "error.code", "-32021");
	fix_is(v, "error.data", "{'requiredCapabilities':{'elicitation':{}}}");
	fix_is(fix_ask_with(&f, "1", "tools/call", ASK,
			    "{'elicitation':{'url':{}}}"),
	       "error.code", "-32021");
	free(state_of(fix_ask_with(&f, "1", "tools/call", ASK,
				   "{'elicitation':{'form':{}}}")));
	v = fix_ask_with(&f, "1", "tools/call", "'name':'both',",
			 "{'roots':{}}");
	fix_is(v, "error.data", "{'requiredCapabilities':{'sampling':{}}}");
	v = fix_ask_with(&f, "1", "tools/call", "'name':'both',", BOTH);
	fix_is(v, "result.inputRequests.roots.method", "'roots/list'");
	s = state_of(v);
	free(s);
	/* What the protocol does not know is a fault of ours. */
	fix_is(fix_new(&f, "1", "tools/call", "'name':'odd',"),
	       "result.isError", "true");
	assert_int_equal(f.defects, 1);
	fix_release(&f);
}

/* Several at once, one after the other: what was answered is kept. */
static void test_several(void **state)
{
	struct fix f;
	const struct json *v;
	char *s, *all;

	(void)state;
	fix_init(&f);
	v = fix_ask_with(&f, "1", "tools/call", "'name':'both',", BOTH);
	s = state_of(v);
	all = mem_printf("'name':'both','requestState':'%s','inputResponses':{"
			 "'roots':{'roots':[{},{}]}},",
			 s);
	free(s);
	v = fix_ask_with(&f, "2", "tools/call", all, BOTH);
	free(all);
	s = state_of(v);
	all = mem_printf("'name':'both','requestState':'%s','inputResponses':{"
			 "'said':{'content':{'text':'Paris'}}},",
			 s);
	free(s);
	v = fix_ask_with(&f, "3", "tools/call", all, BOTH);
	free(all);
	fix_is(v, "result.content.0.text", "'2 roots, Paris'");
	fix_release(&f);
}

static struct mcp_call *slow(struct fix *f, const char *caps)
{
	char *text = fix_modern("1", "tools/call", "'name':'slow',", caps);

	fix_say(f, text);
	free(text);
	return f->kept[f->keeps - 1];
}

static struct json *many(int n)
{
	struct json *v = json_object();
	char key[16];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "q%d", i);
		json_set(v, key, fix_json("{'method':'roots/list'}"));
	}
	return v;
}

static void test_too_much(void **state)
{
	struct fix f;
	struct json *v;
	char *s;

	(void)state;
	fix_init(&f);
	mcp_call_ask_all(slow(&f, BOTH), many(16));
	fix_is(pipe_read(&f.all), "result.resultType", "'input_required'");
	mcp_call_ask_all(slow(&f, BOTH), many(17));
	fix_is(pipe_read(&f.all), "result.isError", "true");
	mcp_call_ask_all(slow(&f, BOTH), many(0));
	fix_is(pipe_read(&f.all), "result.isError", "true");
	assert_int_equal(f.defects, 2);
	/* More than a client is given to keep. */
	s = mem_zalloc(70000, 1);
	memset(s, 'x', 69999);
	v = json_object();
	json_set_string(v, "description", s);
	mcp_call_ask(slow(&f, FIX_ELICITS), "k", "?", v);
	fix_is(pipe_read(&f.all), "result.isError", "true");
	free(s);
	fix_release(&f);
}

/* A question by URL is for who knows such; 2025-11-25 wants an id in it. */
static void test_url(void **state)
{
	static const char request[] =
		"{'q':{'method':'elicitation/create','params':{'mode':'url',"
		"'message':'?','url':'https://x.org/'}}}";
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	mcp_call_ask_all(slow(&f, FIX_ELICITS), fix_json(request));
	fix_is(pipe_read(&f.all), "error.code", "-32021");
	mcp_call_ask_all(slow(&f, "{'elicitation':{'url':{}}}"),
			 fix_json(request));
	v = pipe_read(&f.all);
	fix_is(v, "result.inputRequests.q.params.url", "'https://x.org/'");
	fix_is(v, "result.inputRequests.q.params.elicitationId", NULL);
	fix_begin(&f, "2025-11-25", "{'elicitation':{'url':{}}}");
	fix_say(&f, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{"
		    "'name':'slow'}}");
	mcp_call_ask_all(f.kept[f.keeps - 1], fix_json(request));
	v = pipe_read(&f.all);
	fix_is(v, "params.mode", "'url'");
	fix_is(v, "params.elicitationId", "'1'");
	fix_release(&f);
}

/* ---- sessions ----------------------------------------------------------- */

static void answer(struct fix *f, const struct json *question, const char *what)
{
	char *text =
		mem_printf("{'jsonrpc':'2.0','id':%.0f,%s}",
			   json_as_number(json_get(question, "id"), -1), what);

	assert_int_equal(fix_say(f, text), 202);
	free(text);
}

static void test_session(void **state)
{
	static const char *const revisions[] = {"2025-06-18", "2025-11-25"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(revisions); i++) {
		struct fix f;
		const struct json *q;

		fix_init(&f);
		fix_begin(&f, revisions[i], FIX_ELICITS);
		q = fix_old(&f, "1", "tools/call", "'name':'ask'");
		fix_is(q, "method", "'elicitation/create'");
		fix_is(q, "params.message", "'Who are you?'");
		fix_is(q, "params.mode", i ? "'form'" : NULL);
		fix_is(q, "params.requestedSchema.required", "['name']");
		/* Not what was asked for: once more. */
		answer(&f, q,
		       "'result':{'action':'accept','content':{'name':1}}");
		q = pipe_read(&f.all);
		fix_is(q, "method", "'elicitation/create'");
		answer(&f, q,
		       "'result':{'action':'accept','content':{'name':'Cy'}}");
		q = pipe_read(&f.all);
		fix_is(q, "id", "1");
		fix_is(q, "result.content.0.text", "'hello Cy'");
		/* Twice the same answer. */
		assert_int_equal(fix_say(&f, "{'jsonrpc':'2.0','id':2,"
					     "'result':{'action':'accept'}}"),
				 202);
		pipe_is_read(&f.all);
		fix_release(&f);
	}
}

static void test_session_no(void **state)
{
	struct fix f;
	const struct json *q;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", FIX_ELICITS);
	q = fix_old(&f, "1", "tools/call", "'name':'ask'");
	answer(&f, q, "'error':{'code':-1,'message':'no'}");
	fix_is(pipe_read(&f.all), "result.content.0.text", "'hello nobody'");
	q = fix_old(&f, "1", "tools/call", "'name':'ask'");
	answer(&f, q, "'result':{'action':'decline'}");
	fix_is(pipe_read(&f.all), "result.content.0.text", "'hello nobody'");
	fix_release(&f);
	/* Revisions that know of no such question, and clients that cannot. */
	fix_init(&f);
	fix_begin(&f, "2025-03-26", FIX_ELICITS);
	fix_is(fix_old(&f, "1", "tools/call", "'name':'ask'"), "result.isError",
	       "true");
	fix_release(&f);
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	fix_is(fix_old(&f, "1", "tools/call", "'name':'ask'"), "result.isError",
	       "true");
	fix_release(&f);
}

static void test_session_several(void **state)
{
	struct fix f;
	const struct json *a, *b, *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2024-11-05", BOTH);
	a = fix_old(&f, "1", "tools/call", "'name':'both'");
	b = pipe_read(&f.all);
	fix_is(a, "method", "'roots/list'");
	fix_is(b, "method", "'sampling/createMessage'");
	fix_is(b, "params.maxTokens", "9");
	answer(&f, b, "'result':{'content':{'text':'Rome'}}");
	pipe_is_read(&f.all);
	answer(&f, a, "'result':{'roots':[{}]}");
	v = pipe_read(&f.all);
	fix_is(v, "result.content.0.text", "'1 roots, Rome'");
	fix_release(&f);
}

/* Who cancels a call is not asked any more; nor is who takes too long. */
static void test_session_withdrawn(void **state)
{
	struct fix f;
	const struct json *q, *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", FIX_ELICITS);
	q = fix_old(&f, "1", "tools/call", "'name':'ask'");
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':1}}");
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/cancelled'");
	assert_true(json_as_number(json_path(v, "params.requestId"), -1) ==
		    json_as_number(json_get(q, "id"), -2));
	/* The offer is not waiting: it has nothing to cancel. */
	assert_int_equal(f.cancels, 0);
	answer(&f, q, "'result':{'action':'decline'}");
	pipe_is_read(&f.all);

	fix_old(&f, "2", "tools/call", "'name':'ask'");
	mcp_tick(f.s, 1000 + 899);
	pipe_is_read(&f.all);
	mcp_tick(f.s, 1000 + 901);
	fix_is(pipe_read(&f.all), "method", "'notifications/cancelled'");
	fix_is(pipe_read(&f.all), "result.content.0.text", "'hello nobody'");
	fix_release(&f);
}

/* By HTTP on the stream of the call, or on that of GET, or not at all. */
static void ask_on(struct fix *f, bool post_gone, bool get_gone,
		   struct pipe *post, struct pipe *get)
{
	char *call = fix_quoted("{'jsonrpc':'2.0','id':1,'method':"
				"'tools/call','params':{'name':'slow'}}");

	fix_init(f);
	fix_begin(f, "2025-11-25", FIX_ELICITS);
	mcp_stream_gone(f->all.stream);
	pipe_open(post, f->p, MCP_STREAM_ANSWER);
	pipe_open(get, f->p, MCP_STREAM_SERVER);
	mcp_take(f->p, post->stream, call, strlen(call), NULL);
	if (post_gone)
		mcp_stream_gone(post->stream);
	if (get_gone)
		mcp_stream_gone(get->stream);
	mcp_call_ask(f->kept[0], "name", "?", json_object());
	free(call);
}

static void test_session_streams(void **state)
{
	struct fix f;
	struct pipe post, get;

	(void)state;
	ask_on(&f, false, false, &post, &get);
	fix_is(pipe_read(&post), "method", "'elicitation/create'");
	assert_false(post.ended);
	assert_int_equal(get.count, 0);
	fix_release(&f);
	pipe_release(&post);
	pipe_release(&get);

	ask_on(&f, true, false, &post, &get);
	assert_int_equal(post.count, 0);
	fix_is(pipe_read(&get), "method", "'elicitation/create'");
	fix_release(&f);
	pipe_release(&post);
	pipe_release(&get);

	ask_on(&f, true, true, &post, &get);
	assert_int_equal(post.count + get.count, 0);
	fix_release(&f);
	pipe_release(&post);
	pipe_release(&get);

	ask_on(&f, false, true, &post, &get);
	fix_is(pipe_read(&post), "method", "'elicitation/create'");
	fix_release(&f);
	pipe_release(&post);
	pipe_release(&get);
}

/* A session asks by requests; what would be of the newer kind is not read. */
static void test_session_state(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", FIX_ELICITS);
	fix_is(fix_old(&f, "1", "tools/call",
		       "'name':'ask','requestState':'x','inputResponses':{"
		       "'name':{'action':'accept','content':{'name':'Al'}}}"),
	       "method", "'elicitation/create'");
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_what_was_said),
		cmocka_unit_test(test_not_answers),
		cmocka_unit_test(test_unasked),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_cursor_is_no_state),
		cmocka_unit_test(test_of_another),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_key_of_another_server),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_session_no),
		cmocka_unit_test(test_session_several),
		cmocka_unit_test(test_session_withdrawn),
		cmocka_unit_test(test_session_streams),
		cmocka_unit_test(test_session_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
