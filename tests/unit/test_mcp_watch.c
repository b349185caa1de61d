/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is told of what changes, in both eras. */
#include "mcp_fix.h"

#define SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"
#define SERVER	     "io.modelcontextprotocol/serverInfo"

static const struct json *listen_to(struct fix *f, const char *id,
				    const char *filter)
{
	char *members = mem_printf("'notifications':%s,", filter);
	const struct json *v = fix_ask_with(f, id, "subscriptions/listen",
					    members, FIX_TASK_CAP);

	free(members);
	return v;
}

static void is_for(const struct json *v, const char *path, double id)
{
	const struct json *meta = json_path(v, path);

	assert_true(json_as_number(json_get(meta, SUBSCRIPTION), -1) == id);
}

static void test_listen(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = listen_to(&f, "5",
		      "{'toolsListChanged':true,'promptsListChanged':false,"
		      "'resourceSubscriptions':['mem://a','mem://none',"
		      "'mem://a'],'unknown':1}");
	fix_is(v, "method", "'notifications/subscriptions/acknowledged'");
	fix_is(v, "params.notifications",
	       "{'resourceSubscriptions':['mem://a'],'toolsListChanged':true}");
	is_for(v, "params._meta", 5);
	assert_string_equal(f.watched, " +mem://a@me");
	/* What was not asked for is not told. */
	mcp_server_list_changed(f.s, MCP_PROMPTS);
	mcp_server_list_changed(f.s, MCP_RESOURCES);
	mcp_server_changed(f.s, "mem://b");
	pipe_is_read(&f.all);
	mcp_server_list_changed(f.s, MCP_TOOLS);
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/tools/list_changed'");
	is_for(v, "params._meta", 5);
	mcp_server_changed(f.s, "mem://a");
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/resources/updated'");
	fix_is(v, "params.uri", "'mem://a'");
	is_for(v, "params._meta", 5);
	/* Its id is in use as long as it listens. */
	fix_is(fix_new(&f, "5", "tools/list", ""), "error.code", "-32600");
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':5}}");
	assert_string_equal(f.watched, " +mem://a@me -mem://a@me");
	mcp_server_list_changed(f.s, MCP_TOOLS);
	mcp_server_changed(f.s, "mem://a");
	pipe_is_read(&f.all);
	assert_int_equal(f.cancels, 0);
	fix_release(&f);
}

static void test_listen_two(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	listen_to(&f, "1", "{'resourcesListChanged':true}");
	listen_to(&f, "2",
		  "{'resourcesListChanged':true,'promptsListChanged':true}");
	mcp_server_list_changed(f.s, MCP_TEMPLATES);
	is_for(pipe_read(&f.all), "params._meta", 2);
	is_for(pipe_read(&f.all), "params._meta", 1);
	mcp_server_list_changed(f.s, MCP_PROMPTS);
	is_for(pipe_read(&f.all), "params._meta", 2);
	pipe_is_read(&f.all);
	/* The offer hears of the first and of the last. */
	listen_to(&f, "3", "{'resourceSubscriptions':['a']}");
	listen_to(&f, "4", "{'resourceSubscriptions':['a']}");
	assert_string_equal(f.watched, " +a@me");
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':3}}");
	assert_string_equal(f.watched, " +a@me");
	mcp_server_changed(f.s, "a");
	is_for(pipe_read(&f.all), "params._meta", 4);
	pipe_is_read(&f.all);
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':4}}");
	assert_string_equal(f.watched, " +a@me -a@me");
	fix_release(&f);
}

/* Nothing of it can be told: it ends with what a subscription ends with. */
static void test_listen_nothing(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = listen_to(&f, "1", "{'resourceSubscriptions':['mem://none']}");
	fix_is(v, "params.notifications", "{}");
	v = pipe_read(&f.all);
	fix_is(v, "id", "1");
	fix_is(v, "result.resultType", "'complete'");
	is_for(v, "result._meta", 1);
	fix_is(json_get(json_path(v, "result._meta"), SERVER), "name", "'fix'");
	fix_release(&f);
}

/* When the server goes, it says that this has ended. */
static void test_listen_end(void **state)
{
	struct fix f;
	struct pipe pipe;
	char *text = fix_modern("'s'", "subscriptions/listen",
				"'notifications':{'toolsListChanged':true,"
				"'resourceSubscriptions':['mem://a']},",
				"{}");
	char *s = fix_quoted(text);

	(void)state;
	fix_init(&f);
	pipe_open(&pipe, f.p, MCP_STREAM_ANSWER);
	assert_int_equal(mcp_take(f.p, pipe.stream, s, strlen(s), NULL), 200);
	pipe_read(&pipe);
	mcp_peer_free(f.p);
	fix_is(pipe_read(&pipe), "result.resultType", "'complete'");
	assert_true(pipe.ended);
	assert_string_equal(f.watched, " +mem://a@me -mem://a@me");
	pipe_release(&pipe);
	/* Who has closed the stream hears nothing. */
	f.p = mcp_peer_new(f.s, "me");
	pipe_open(&pipe, f.p, MCP_STREAM_ANSWER);
	mcp_take(f.p, pipe.stream, s, strlen(s), NULL);
	pipe_read(&pipe);
	mcp_stream_gone(pipe.stream);
	mcp_server_list_changed(f.s, MCP_TOOLS);
	pipe_is_read(&pipe);
	pipe_release(&pipe);
	free(s);
	free(text);
	fix_release(&f);
}

static void test_listen_bounds(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = listen_to(&f, "1", "{'resourceSubscriptions':['a','b','c','d']}");
	fix_has(v, "error.message", "too much");
	/* Nothing of it is left. */
	assert_string_equal(f.watched, " +a@me +b@me +c@me -a@me -b@me -c@me");
	listen_to(&f, "2", "{'resourceSubscriptions':['a','b','c']}");
	v = listen_to(&f, "3", "{'resourceSubscriptions':['a']}");
	fix_has(v, "error.message", "too much");
	fix_release(&f);
}

static void test_session(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	fix_is(fix_old(&f, "1", "resources/subscribe", "'uri':'mem://a'"),
	       "result", "{}");
	fix_is(fix_old(&f, "1", "resources/subscribe", "'uri':'mem://a'"),
	       "result", "{}");
	assert_string_equal(f.watched, " +mem://a@me");
	fix_is(fix_old(&f, "1", "resources/subscribe", "'uri':'mem://none'"),
	       "error.code", "-32002");
	fix_is(fix_old(&f, "1", "resources/subscribe", ""), "error.code",
	       "-32602");
	mcp_server_changed(f.s, "mem://a");
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/resources/updated'");
	fix_is(v, "params", "{'uri':'mem://a'}");
	fix_is(fix_old(&f, "1", "resources/unsubscribe", "'uri':'mem://a'"),
	       "result", "{}");
	fix_is(fix_old(&f, "1", "resources/unsubscribe", "'uri':'mem://a'"),
	       "result", "{}");
	assert_string_equal(f.watched, " +mem://a@me -mem://a@me");
	mcp_server_changed(f.s, "mem://a");
	pipe_is_read(&f.all);
	fix_release(&f);
}

static void test_session_bounds(void **state)
{
	struct fix f;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	fix_old(&f, "1", "resources/subscribe", "'uri':'a'");
	fix_old(&f, "1", "resources/subscribe", "'uri':'b'");
	fix_old(&f, "1", "resources/subscribe", "'uri':'c'");
	fix_has(fix_old(&f, "1", "resources/subscribe", "'uri':'d'"),
		"error.message", "too many");
	fix_old(&f, "1", "resources/unsubscribe", "'uri':'b'");
	fix_is(fix_old(&f, "1", "resources/subscribe", "'uri':'d'"), "result",
	       "{}");
	f.watched[0] = '\0';
	mcp_peer_free(f.p);
	assert_string_equal(f.watched, " -a@me -c@me -d@me");
	f.p = mcp_peer_new(f.s, "me");
	fix_release(&f);
}

/* Each principal by itself: what one may see another may not. */
static void test_principals(void **state)
{
	struct fix f;
	struct mcp_peer *me, *her;
	struct pipe pipe;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	fix_old(&f, "1", "resources/subscribe", "'uri':'a'");
	me = f.p;
	her = f.p = mcp_peer_new(f.s, "her");
	pipe_open(&pipe, her, MCP_STREAM_ALL);
	fix_begin(&f, "2025-06-18", "{}");
	fix_old(&f, "1", "resources/subscribe", "'uri':'a'");
	assert_string_equal(f.watched, " +a@me +a@her");
	mcp_server_changed(f.s, "a");
	fix_is(pipe_read(&pipe), "params.uri", "'a'");
	fix_is(pipe_read(&f.all), "params.uri", "'a'");
	mcp_peer_free(her);
	assert_string_equal(f.watched, " +a@me +a@her -a@her");
	pipe_release(&pipe);
	f.p = me;
	fix_release(&f);
}

/* Lists are told of to who has said that it is ready, where it listens. */
static void test_list_changed(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	mcp_server_list_changed(f.s, MCP_TOOLS);
	fix_old(&f, "1", "initialize",
		"'protocolVersion':'2025-06-18','capabilities':{},"
		"'clientInfo':{'name':'x','version':'1'}");
	mcp_server_list_changed(f.s, MCP_TOOLS);
	pipe_is_read(&f.all);
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/initialized'}");
	mcp_server_list_changed(f.s, MCP_PROMPTS);
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/prompts/list_changed'");
	fix_is(v, "params", NULL);
	mcp_stream_gone(f.all.stream);
	mcp_server_list_changed(f.s, MCP_PROMPTS);
	pipe_is_read(&f.all);
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_listen_two),
		cmocka_unit_test(test_listen_nothing),
		cmocka_unit_test(test_listen_end),
		cmocka_unit_test(test_listen_bounds),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_session_bounds),
		cmocka_unit_test(test_principals),
		cmocka_unit_test(test_list_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
