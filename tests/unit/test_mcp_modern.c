/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Revision 2026-07-28: requests that say all that there is to know. */
#include "mcp_fix.h"

#define SERVER "io.modelcontextprotocol/serverInfo"
#define PARSED "'jsonrpc':'2.0','id':1,"

static const struct json *meta(const struct json *v, const char *key)
{
	return json_get(json_path(v, "result._meta"), key);
}

static void test_discover(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = fix_new(&f, "7", "server/discover", "");
	fix_is(v, "id", "7");
	fix_is(v, "jsonrpc", "'2.0'");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.supportedVersions", "['2026-07-28']");
	fix_is(v, "result.instructions", "'Be brief.'");
	fix_is(v, "result.ttlMs", "60000");
	fix_is(v, "result.cacheScope", "'public'");
	fix_is(v, "result.capabilities",
	       "{'completions':{},'extensions':{'io.modelcontextprotocol/tasks'"
	       ":{}},'logging':{},'prompts':{'listChanged':true},'resources':"
	       "{'listChanged':true,'subscribe':true},'tools':{'listChanged':"
	       "true}}");
	fix_is(meta(v, SERVER), "name", "'fix'");
	fix_is(meta(v, SERVER), "title", "'Fixture'");
	assert_false(mcp_peer_is_session(f.p));
	assert_string_equal(mcp_peer_revision(f.p), "");
	fix_release(&f);
}

/* What is not offered is neither declared nor known. */
static void test_bare(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	f.bare = true;
	f.offer.completes = false;
	f.offer.task = NULL;
	v = fix_new(&f, "1", "server/discover", "");
	fix_is(v, "result.capabilities",
	       "{'logging':{},'tools':{'listChanged':true}}");
	fix_is(fix_new(&f, "2", "prompts/list", ""), "error.code", "-32601");
	fix_is(fix_new(&f, "3", "resources/list", ""), "error.code", "-32601");
	fix_is(fix_new(&f, "4", "completion/complete", ""), "error.code",
	       "-32601");
	fix_is(fix_ask_with(&f, "5", "tasks/get", "'taskId':'x',",
			    FIX_TASK_CAP),
	       "error.code", "-32601");
	fix_is(fix_new(&f, "6", "prompts/get", "'name':'x',"), "error.code",
	       "-32601");
	fix_release(&f);
}

/* Each of them is refused with 400, and the id. */
static void test_envelope(void **state)
{
	static const struct {
		const char *params;
		const char *code;
	} wrong[] = {
		{"{}", "-32602"},
		{"{'_meta':{}}", "-32602"},
		{"{'_meta':[]}", "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':"
		 "'2026-07-28'}}",
		 "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':7}}",
		 "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/clientCapabilities':{}}}",
		 "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':"
		 "'2026-07-28','io.modelcontextprotocol/clientCapabilities':"
		 "[]}}",
		 "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':"
		 "'2026-07-28','io.modelcontextprotocol/clientCapabilities':"
		 "{},'io.modelcontextprotocol/clientInfo':{'name':'x'}}}",
		 "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':"
		 "'2026-07-28','io.modelcontextprotocol/clientCapabilities':"
		 "{},'io.modelcontextprotocol/logLevel':'loud'}}",
		 "-32602"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':"
		 "'2099-01-01'}}",
		 "-32022"},
		{"{'_meta':{'io.modelcontextprotocol/protocolVersion':"
		 "'2025-11-25','io.modelcontextprotocol/clientCapabilities':"
		 "{}}}",
		 "-32022"},
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char *text = mem_printf("{'jsonrpc':'2.0','id':'%zu','method':"
					"'server/discover','params':%s}",
					i, wrong[i].params);
		const struct json *v;

		assert_int_equal(fix_say(&f, text), 400);
		v = pipe_read(&f.all);
		fix_is(v, "error.code", wrong[i].code);
		assert_int_equal(atoi(json_text_at(v, "id")), (int)i);
		free(text);
	}
	assert_int_equal(fix_say(&f, "{" PARSED "'method':'server/discover'}"),
			 400);
	fix_is(pipe_read(&f.all), "error.code", "-32602");
	pipe_is_read(&f.all);
	fix_release(&f);
}

static void test_unsupported(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_say(&f, "{" PARSED "'method':'tools/list','params':{'_meta':{"
		    "'io.modelcontextprotocol/protocolVersion':'v999'}}}");
	v = pipe_read(&f.all);
	fix_is(v, "error.data",
	       "{'requested':'v999','supported':['2026-07-28']}");
	fix_release(&f);
}

/* clientInfo may be left out. */
static void test_nameless(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	assert_int_equal(
		fix_say(&f,
			"{" PARSED
			"'method':'server/discover','params':{'_meta':{"
			"'io.modelcontextprotocol/protocolVersion':'2026-07-28'"
			",'io.modelcontextprotocol/clientCapabilities':{}}}}"),
		200);
	fix_is(pipe_read(&f.all), "result.resultType", "'complete'");
	fix_release(&f);
}

static void test_methods_gone(void **state)
{
	static const char *const methods[] = {
		"initialize",
		"ping",
		"logging/setLevel",
		"resources/subscribe",
		"resources/unsubscribe",
		"tasks/list",
		"tasks/result",
		"elicitation/create",
		"unknown/method",
		"TOOLS/LIST",
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		char *text = fix_modern("500", methods[i], "", "{}");

		assert_int_equal(fix_say(&f, text), 404);
		fix_is(pipe_read(&f.all), "error.code", "-32601");
		free(text);
	}
	fix_release(&f);
}

static void test_lists(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = fix_new(&f, "1", "tools/list", "");
	fix_is(v, "result.tools.0.name", "'echo'");
	fix_is(v, "result.tools.0.execution", NULL);
	fix_is(v, "result.tools.0.outputSchema.type", "'object'");
	fix_is(v, "result.tools.0.icons.0.src", "'https://x.org/i.png'");
	fix_is(v, "result.nextCursor", NULL);
	fix_is(v, "result.ttlMs", "60000");
	fix_is(meta(v, SERVER), "version", "'1.2'");
	v = fix_new(&f, "2", "resources/list", "");
	fix_is(v, "result.resources.0.uri", "'mem://a'");
	fix_is(v, "result.cacheScope", "'public'");
	v = fix_new(&f, "3", "resources/templates/list", "");
	fix_is(v, "result.resourceTemplates.0.name", "'t'");
	v = fix_new(&f, "4", "prompts/list", "'cursor':'',");
	fix_is(v, "result.prompts.0.arguments.0.title", "'Who'");
	fix_release(&f);
}

static void turn(struct fix *f, const char *cursor, const char *code)
{
	char *members = mem_printf("'cursor':%s,", cursor);

	fix_is(fix_new(f, "9", "tools/list", members), "error.code", code);
	free(members);
}

static void test_pages(void **state)
{
	struct fix f;
	const struct json *v;
	char *members;
	size_t first, second;

	(void)state;
	fix_init(&f);
	f.many = 150;
	v = fix_new(&f, "1", "tools/list", "");
	first = json_len(json_path(v, "result.tools"));
	members = mem_printf("'cursor':'%s',",
			     json_text_at(v, "result.nextCursor"));
	fix_is(fix_new(&f, "2", "prompts/list", members), "error.code",
	       "-32602");
	v = fix_new(&f, "3", "tools/list", members);
	second = json_len(json_path(v, "result.tools"));
	assert_int_equal(first + second, 160);
	assert_int_equal(first, 100);
	fix_is(v, "result.nextCursor", NULL);
	fix_is(v, "result.tools.59.name", "'tool149'");
	/* Of a client's own making. */
	members[12] = members[12] == 'A' ? 'B' : 'A';
	fix_is(fix_new(&f, "4", "tools/list", members), "error.code", "-32602");
	turn(&f, "'abc'", "-32602");
	turn(&f, "7", "-32602");
	turn(&f, "null", "-32602");
	free(members);
	fix_release(&f);
}

static void test_calls(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = fix_new(&f, "'a'", "tools/call",
		    "'name':'echo','arguments':{'text':'x'},");
	fix_is(v, "id", "'a'");
	fix_is(v, "result.structuredContent", "{'text':'x'}");
	fix_is(v, "result.content.0.text", "'{\\'text\\':\\'x\\'}'");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.ttlMs", NULL);
	v = fix_new(&f, "1", "resources/read", "'uri':'mem://a',");
	fix_is(v, "result.contents.0.text", "'A'");
	fix_is(v, "result.ttlMs", "5000");
	fix_is(v, "result.cacheScope", "'private'");
	v = fix_new(&f, "2", "resources/read", "'uri':'mem://b',");
	fix_is(v, "error.code", "-32602");
	fix_is(v, "error.data", "{'uri':'mem://b'}");
	v = fix_new(&f, "3", "prompts/get",
		    "'name':'greet','arguments':{'who':'x'},");
	fix_is(v, "result.messages.0.content.text", "'hi'");
	v = fix_new(&f, "4", "completion/complete",
		    "'ref':{'type':'ref/prompt','name':'greet'},"
		    "'argument':{'name':'who','value':'pa'},");
	assert_int_equal(json_len(json_path(v, "result.completion.values")),
			 100);
	fix_is(v, "result.completion.hasMore", "true");
	fix_is(v, "result.completion.values.99", "'pa'");
	fix_release(&f);
}

static void test_bad_params(void **state)
{
	static const char *const wrong[][2] = {
		{"tools/call", ""},
		{"tools/call", "'name':7,"},
		{"tools/call", "'name':'nobody',"},
		{"tools/call", "'name':'echo','arguments':[],"},
		{"tools/call", "'name':'echo','arguments':null,"},
		{"resources/read", "'uri':{},"},
		{"prompts/get", "'name':'nobody',"},
		{"prompts/get", "'name':'greet',"},
		{"prompts/get", "'name':'greet','arguments':{'how':'x'},"},
		{"prompts/get", "'name':'greet','arguments':{'who':1},"},
		{"completion/complete", ""},
		{"completion/complete",
		 "'ref':{'type':'ref/x','name':'greet'},'argument':{'name':"
		 "'who','value':'x'},"},
		{"completion/complete",
		 "'ref':{'type':'ref/prompt','name':'greet'},'argument':{"
		 "'name':'who','value':1},"},
		{"completion/complete",
		 "'ref':{'type':'ref/prompt','name':'greet'},'argument':{"
		 "'name':'who','value':'x'},'context':{'arguments':[]},"},
		{"subscriptions/listen", ""},
		{"subscriptions/listen", "'notifications':[],"},
		{"subscriptions/listen",
		 "'notifications':{'toolsListChanged':1},"},
		{"subscriptions/listen",
		 "'notifications':{'resourceSubscriptions':'mem://a'},"},
		{"subscriptions/listen",
		 "'notifications':{'resourceSubscriptions':[1]},"},
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		fix_is(fix_new(&f, "1", wrong[i][0], wrong[i][1]), "error.code",
		       "-32602");
	assert_int_equal(f.calls, 0);
	fix_release(&f);
}

/* Log messages only for who asks for them, and from that level on. */
static void test_log(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = fix_new(&f, "1", "tools/call", "'name':'log',");
	fix_is(v, "result.content.0.text", "'ok'");
	fix_say(&f, "{" PARSED
		    "'method':'tools/call','params':{'name':'log','_meta':{"
		    "'io.modelcontextprotocol/protocolVersion':'2026-07-28',"
		    "'io.modelcontextprotocol/clientCapabilities':{},"
		    "'io.modelcontextprotocol/logLevel':'warning'}}}");
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/message'");
	fix_is(v, "params", "{'data':'high','level':'warning','logger':'fix'}");
	fix_is(pipe_read(&f.all), "result.content.0.text", "'ok'");
	pipe_is_read(&f.all);
	fix_release(&f);
}

/* ---- HTTP's headers ----------------------------------------------------- */

/* The status; the answer's code is looked at, too. */
static int post(struct fix *f, const char *text, const struct mcp_headers *h,
		const char *code)
{
	struct pipe pipe;
	char *s = fix_quoted(text);
	int status;

	pipe_open(&pipe, f->p, MCP_STREAM_ANSWER);
	status = mcp_take(f->p, pipe.stream, s, strlen(s), h);
	assert_true(pipe.ended);
	fix_is(pipe_read(&pipe), "error.code", code);
	pipe_release(&pipe);
	free(s);
	return status;
}

static void test_headers(void **state)
{
	static const struct {
		struct mcp_headers h;
		const char *code;
		int status;
	} posts[] = {
		{{"2026-07-28", "tools/call", "ask", NULL}, NULL, 200},
		{{NULL, "tools/call", "ask", NULL}, "-32020", 400},
		{{"2025-11-25", "tools/call", "ask", NULL}, "-32020", 400},
		{{"2026-07-28", NULL, "ask", NULL}, "-32020", 400},
		{{"2026-07-28", "tools/list", "ask", NULL}, "-32020", 400},
		{{"2026-07-28", "TOOLS/CALL", "ask", NULL}, "-32020", 400},
		{{"2026-07-28", "tools/call", NULL, NULL}, "-32020", 400},
		{{"2026-07-28", "tools/call", "asks", NULL}, "-32020", 400},
	};
	char *text =
		fix_modern("1", "tools/call", "'name':'ask',", FIX_ELICITS);
	struct mcp_headers h = {"2026-07-28", "server/discover", NULL, NULL};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(posts); i++)
		assert_int_equal(post(&f, text, &posts[i].h, posts[i].code),
				 posts[i].status);
	free(text);
	/* A body of no era, by a client of this one. */
	assert_int_equal(post(&f, "{" PARSED "'method':'server/discover'}", &h,
			      "-32602"),
			 400);
	/* A capability that was asked for too late. */
	text = fix_modern("1", "tools/call", "'name':'ask',", "{}");
	assert_int_equal(post(&f, text, &posts[0].h, "-32021"), 400);
	free(text);
	fix_release(&f);
}

static void echo(struct fix *f, const char *args, const char *params,
		 const char *code)
{
	char *members = mem_printf("'name':'echo','arguments':%s,", args);
	char *text = fix_modern("1", "tools/call", members, "{}");
	struct json *sent = params ? fix_json(params) : NULL;
	struct mcp_headers h = {"2026-07-28", "tools/call", "echo", sent};

	assert_int_equal(post(f, text, &h, code), code ? 400 : 200);
	json_free(sent);
	free(text);
	free(members);
}

static void test_param_headers(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	echo(&f, "{'text':'x'}", "{'text':'x'}", NULL);
	echo(&f, "{'text':'x'}", "{'text':'y'}", "-32020");
	echo(&f, "{'text':'x'}", "{}", "-32020");
	echo(&f, "{'text':'x'}", NULL, "-32020");
	echo(&f, "{'text':'x','n':42}", "{'text':'x','n':'42.0'}", NULL);
	echo(&f, "{'text':'x','n':42}", "{'text':'x','n':'43'}", "-32020");
	echo(&f, "{'text':'x','n':42}", "{'text':'x','n':'inf'}", "-32020");
	echo(&f, "{'text':'x','n':42}", "{'text':'x'}", "-32020");
	echo(&f, "{'text':'x','deep':{'flag':true}}",
	     "{'text':'x','flag':'true'}", NULL);
	echo(&f, "{'text':'x','deep':{'flag':true}}",
	     "{'text':'x','flag':'false'}", "-32020");
	echo(&f, "{'text':'x','deep':{'flag':true}}", "{'text':'x'}", "-32020");
	/* A header that nothing of the body goes with is nobody's. */
	echo(&f, "{'text':'x'}", "{'text':'x','n':'7'}", NULL);
	fix_release(&f);
}

/* Without HTTP there are no headers, and none are missed. */
static void test_no_headers(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_is(fix_new(&f, "1", "tools/call",
		       "'name':'echo','arguments':{'text':'x','n':1},"),
	       "result.structuredContent.n", "1");
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discover),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_nameless),
		cmocka_unit_test(test_methods_gone),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_bad_params),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_param_headers),
		cmocka_unit_test(test_no_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
