/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Revisions that begin with initialize, 2024-11-05 to 2025-11-25. */
#include "mcp_fix.h"

static const char *const revisions[] = {
	"2024-11-05",
	"2025-03-26",
	"2025-06-18",
	"2025-11-25",
};

static void test_negotiation(void **state)
{
	static const char *const asked[][2] = {
		{"2024-11-05", "'2024-11-05'"}, {"2025-03-26", "'2025-03-26'"},
		{"2025-06-18", "'2025-06-18'"}, {"2025-11-25", "'2025-11-25'"},
		{"2026-07-28", "'2025-11-25'"}, {"2099-01-01", "'2025-11-25'"},
		{"1.0", "'2025-11-25'"},	{"", "'2025-11-25'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct fix f;
		const struct json *v;

		fix_init(&f);
		v = fix_begin(&f, asked[i][0], "{}");
		fix_is(v, "id", "'hello'");
		fix_is(v, "result.protocolVersion", asked[i][1]);
		fix_is(v, "result.serverInfo.name", "'fix'");
		fix_is(v, "result.instructions", "'Be brief.'");
		fix_is(v, "result.resultType", NULL);
		fix_is(v, "result._meta", NULL);
		assert_true(mcp_peer_is_session(f.p));
		fix_release(&f);
	}
}

static void test_declared(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = fix_begin(&f, "2024-11-05", "{}");
	fix_is(v, "result.capabilities",
	       "{'logging':{},'prompts':{'listChanged':true},'resources':{"
	       "'listChanged':true,'subscribe':true},'tools':{'listChanged':"
	       "true}}");
	fix_is(v, "result.serverInfo.title", NULL);
	fix_release(&f);
	fix_init(&f);
	v = fix_begin(&f, "2025-11-25", "{}");
	fix_is(v, "result.capabilities.completions", "{}");
	fix_is(v, "result.capabilities.extensions", NULL);
	fix_is(v, "result.capabilities.tasks",
	       "{'cancel':{},'list':{},'requests':{'tools':{'call':{}}}}");
	fix_is(v, "result.serverInfo.title", "'Fixture'");
	fix_release(&f);
}

static void test_initialize_params(void **state)
{
	static const char *const wrong[] = {
		"",
		"'protocolVersion':1,'capabilities':{},'clientInfo':{'name':"
		"'x','version':'1'}",
		"'protocolVersion':'2025-11-25','clientInfo':{'name':'x',"
		"'version':'1'}",
		"'protocolVersion':'2025-11-25','capabilities':[],"
		"'clientInfo':{'name':'x','version':'1'}",
		"'protocolVersion':'2025-11-25','capabilities':{}",
		"'protocolVersion':'2025-11-25','capabilities':{},"
		"'clientInfo':{'name':'x'}",
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		fix_is(fix_old(&f, "1", "initialize", wrong[i]), "error.code",
		       "-32602");
		assert_false(mcp_peer_is_session(f.p));
	}
	fix_begin(&f, "2025-11-25", "{}");
	/* Once. */
	fix_is(fix_old(&f, "1", "initialize",
		       "'protocolVersion':'2025-03-26','capabilities':{},"
		       "'clientInfo':{'name':'x','version':'1'}"),
	       "error.code", "-32600");
	assert_string_equal(mcp_peer_revision(f.p), "2025-11-25");
	fix_release(&f);
}

static void test_before(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_is(fix_old(&f, "1", "ping", ""), "result", "{}");
	fix_is(fix_old(&f, "1", "tools/list", ""), "error.code", "-32602");
	fix_has(fix_old(&f, "1", "tools/call", "'name':'log'"), "error.message",
		"initialize");
	assert_int_equal(f.calls, 0);
	fix_release(&f);
}

/* Each field from its revision on. */
static void test_tool_fields(void **state)
{
	static const struct {
		const char *path;
		int since;
	} fields[] = {
		{"result.tools.0.name", 0},
		{"result.tools.0.inputSchema.type", 0},
		{"result.tools.0.annotations", 1},
		{"result.tools.0.title", 2},
		{"result.tools.0.outputSchema", 2},
		{"result.tools.0._meta", 2},
		{"result.tools.0.icons", 3},
		{"result.tools.0.execution.taskSupport", 3},
	};

	(void)state;
	for (int r = 0; r < 4; r++) {
		struct fix f;
		const struct json *v;

		fix_init(&f);
		fix_begin(&f, revisions[r], "{}");
		v = fix_old(&f, "1", "tools/list", "");
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			if (!json_path(v, fields[i].path) !=
			    (r < fields[i].since))
				fail_msg("%s: %s", revisions[r],
					 fields[i].path);
		fix_is(v, "result.ttlMs", NULL);
		fix_is(v, "result.cacheScope", NULL);
		fix_is(v, "result.resultType", NULL);
		fix_is(v, "result._meta", NULL);
		fix_release(&f);
	}
}

static void test_other_fields(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-03-26", "{}");
	v = fix_old(&f, "1", "prompts/list", "");
	fix_is(v, "result.prompts.0",
	       "{'arguments':[{'name':'who','required':true},{'name':'how'}],"
	       "'name':'greet'}");
	v = fix_old(&f, "1", "resources/list", "");
	fix_is(v, "result.resources.0",
	       "{'annotations':{'priority':1},'mimeType':'text/plain',"
	       "'name':'a','uri':'mem://a'}");
	v = fix_old(&f, "1", "resources/read", "'uri':'mem://a'");
	fix_is(v, "result", "{'contents':[{'text':'A','uri':'mem://a'}]}");
	fix_release(&f);
}

static void test_content(void **state)
{
	static const char *const types[][2] = {
		{"'text'", "'text'"},
		{"'audio'", "'text'"},
		{"'audio'", "'resource_link'"},
		{"'audio'", "'resource_link'"},
	};

	(void)state;
	for (int r = 0; r < 4; r++) {
		struct fix f;
		const struct json *v;

		fix_init(&f);
		fix_begin(&f, revisions[r], "{}");
		v = fix_old(&f, "1", "tools/call", "'name':'content'");
		fix_is(v, "result.content.0.type", types[r][0]);
		fix_is(v, "result.content.1.type", types[r][1]);
		fix_is(v, "result.content.0._meta", r >= 2 ? "{}" : NULL);
		/* It is no object. */
		fix_is(v, "result.structuredContent", NULL);
		fix_is(v, "result.ttlMs", NULL);
		v = fix_old(&f, "1", "tools/call",
			    "'name':'echo','arguments':{'text':'x'}");
		fix_is(v, "result.structuredContent",
		       r >= 2 ? "{'text':'x'}" : NULL);
		fix_release(&f);
	}
}

static void test_codes(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	fix_is(fix_old(&f, "1", "resources/read", "'uri':'mem://b'"),
	       "error.code", "-32002");
	fix_is(fix_old(&f, "1", "tools/call", "'name':'nobody'"), "error.code",
	       "-32602");
	fix_is(fix_old(&f, "1", "server/discover",
		       "'_meta':{'io.modelcontextprotocol/protocolVersion':"
		       "'2026-07-28','io.modelcontextprotocol/"
		       "clientCapabilities':{}}"),
	       "result.supportedVersions", "['2026-07-28']");
	fix_is(fix_old(&f, "1", "subscriptions/listen", "'notifications':{}"),
	       "error.code", "-32601");
	/* Of the next revision. */
	fix_is(fix_old(&f, "1", "tasks/list", ""), "error.code", "-32601");
	fix_release(&f);
}

static void test_log_level(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	/* Who says nothing hears what matters. */
	fix_is(fix_old(&f, "1", "tools/call", "'name':'log'"), "params.data",
	       "'high'");
	fix_is(pipe_read(&f.all), "result.content.0.text", "'ok'");
	fix_is(fix_old(&f, "1", "logging/setLevel", "'level':'loud'"),
	       "error.code", "-32602");
	fix_is(fix_old(&f, "1", "logging/setLevel", "'level':'error'"),
	       "result", "{}");
	fix_is(fix_old(&f, "1", "tools/call", "'name':'log'"),
	       "result.content.0.text", "'ok'");
	fix_is(fix_old(&f, "1", "logging/setLevel", "'level':'debug'"),
	       "result", "{}");
	v = fix_old(&f, "1", "tools/call", "'name':'log'");
	fix_is(v, "params.data", "'low'");
	fix_is(pipe_read(&f.all), "params.data", "'high'");
	fix_is(pipe_read(&f.all), "result.content.0.text", "'ok'");
	fix_release(&f);
}

/* ---- batches ------------------------------------------------------------ */

#define PING(id) "{'jsonrpc':'2.0','id':" id ",'method':'ping'}"

static void test_batch(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-03-26", "{}");
	assert_int_equal(
		fix_say(&f,
			"[" PING("1") ",{'jsonrpc':'2.0','method':'x'},"
				      "{'jsonrpc':'2.0','id':2,'method':"
				      "'tools/call','params':{'name':'slow'}}"
				      ",7]"),
		200);
	pipe_is_read(&f.all);
	mcp_call_done(f.kept[0], mcp_result(NULL, "late"));
	v = pipe_read(&f.all);
	assert_int_equal(json_len(v), 3);
	fix_is(v, "0", "{'id':1,'jsonrpc':'2.0','result':{}}");
	fix_is(v, "1.error.code", "-32600");
	fix_is(v, "2.result.content.0.text", "'late'");
	fix_say(&f, "[{'jsonrpc':'2.0','id':1,'method':'server/discover'}]");
	fix_is(pipe_read(&f.all), "0.error.code", "-32600");
	/* Nothing to say to. */
	assert_int_equal(fix_say(&f, "[{'jsonrpc':'2.0','method':'x'}]"), 202);
	fix_say(&f, "[]");
	fix_is(pipe_read(&f.all), "error.code", "-32600");
	pipe_is_read(&f.all);
	fix_release(&f);
}

static void test_long_batch(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-03-26", "{}");
	for (int n = 64; n <= 65; n++) {
		struct json *batch = json_array();
		char *text;

		for (int i = 0; i < n; i++)
			json_add(batch, fix_json("{'jsonrpc':'2.0','id':1,"
						 "'method':'ping'}"));
		text = json_canonical(batch);
		fix_say(&f, text);
		if (n == 64)
			assert_int_equal(json_len(pipe_read(&f.all)), 64);
		else
			fix_is(pipe_read(&f.all), "error.code", "-32600");
		free(text);
		json_free(batch);
	}
	fix_release(&f);
}

static void test_batch_cancelled(void **state)
{
	static const char batch[] =
		"[{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{"
		"'name':'slow'}},{'jsonrpc':'2.0','id':2,'method':'tools/call',"
		"'params':{'name':'slow'}}]";
	struct fix f;
	struct pipe pipe;
	char *s = fix_quoted(batch);

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-03-26", "{}");
	pipe_open(&pipe, f.p, MCP_STREAM_ANSWER);
	assert_int_equal(mcp_take(f.p, pipe.stream, s, strlen(s), NULL), 200);
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':1}}");
	mcp_call_done(f.kept[1], mcp_result(NULL, "late"));
	assert_int_equal(json_len(pipe_read(&pipe)), 1);
	assert_true(pipe.ended);
	pipe_release(&pipe);

	pipe_open(&pipe, f.p, MCP_STREAM_ANSWER);
	mcp_take(f.p, pipe.stream, s, strlen(s), NULL);
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':1}}");
	assert_false(pipe.ended);
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':2}}");
	assert_true(pipe.silent);
	pipe_release(&pipe);

	/* And one whose client has gone. */
	pipe_open(&pipe, f.p, MCP_STREAM_ANSWER);
	mcp_take(f.p, pipe.stream, s, strlen(s), NULL);
	mcp_stream_gone(pipe.stream);
	mcp_call_done(f.kept[4], mcp_result(NULL, "late"));
	mcp_call_done(f.kept[5], mcp_result(NULL, "late"));
	assert_int_equal(pipe.count, 0);
	free(s);
	fix_release(&f);
}

static void test_no_batch(void **state)
{
	static const char *const others[] = {"2024-11-05", "2025-06-18",
					     "2025-11-25"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct fix f;

		fix_init(&f);
		assert_int_equal(fix_say(&f, "[" PING("1") "]"), 400);
		fix_is(pipe_read(&f.all), "error.code", "-32600");
		fix_begin(&f, others[i], "{}");
		assert_int_equal(fix_say(&f, "[" PING("1") "]"), 400);
		fix_is(pipe_read(&f.all), "error.code", "-32600");
		fix_release(&f);
	}
}

/* ---- HTTP --------------------------------------------------------------- */

static int post(struct fix *f, const char *text, const char *revision,
		const char *code)
{
	struct mcp_headers h = {.revision = revision};
	struct pipe pipe;
	char *s = fix_quoted(text);
	int status;

	pipe_open(&pipe, f->p, MCP_STREAM_ANSWER);
	status = mcp_take(f->p, pipe.stream, s, strlen(s), &h);
	assert_true(pipe.ended);
	fix_is(pipe_read(&pipe), "error.code", code);
	pipe_release(&pipe);
	free(s);
	return status;
}

static void test_header(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	assert_int_equal(post(&f, PING("1"), "2025-06-18", NULL), 200);
	assert_int_equal(post(&f, PING("1"), NULL, NULL), 200);
	assert_int_equal(post(&f, PING("1"), "2025-11-25", "-32600"), 400);
	assert_int_equal(post(&f, PING("1"), "x", "-32600"), 400);
	/* A method it does not know is no fault of HTTP's in a session. */
	assert_int_equal(post(&f, "{'jsonrpc':'2.0','id':1,'method':'x'}", NULL,
			      "-32601"),
			 200);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_declared),
		cmocka_unit_test(test_initialize_params),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_tool_fields),
		cmocka_unit_test(test_other_fields),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_log_level),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_long_batch),
		cmocka_unit_test(test_batch_cancelled),
		cmocka_unit_test(test_no_batch),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
