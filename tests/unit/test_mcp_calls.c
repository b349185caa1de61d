/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call from its beginning to its end, in both eras, and what is hostile. */
#include "mcp_fix.h"

#define SLOW "'name':'slow',"

/* Begins a call that waits, of the era that the test is for. */
static void begin(struct fix *f, bool modern, const char *id, const char *meta)
{
	char *text;

	if (modern)
		text = mem_printf(
			"{'jsonrpc':'2.0','id':%s,'method':'tools/call',"
			"'params':{" SLOW
			"'_meta':{%s'io.modelcontextprotocol/protocolVersion':"
			"'2026-07-28','io.modelcontextprotocol/"
			"clientCapabilities':{}}}}",
			id, meta);
	else
		text = mem_printf("{'jsonrpc':'2.0','id':%s,'method':"
				  "'tools/call','params':{" SLOW
				  "'_meta':{%s'x':1}}}",
				  id, meta);
	fix_say(f, text);
	free(text);
}

static void both_eras(void (*test)(struct fix *f, bool modern))
{
	struct fix f;

	fix_init(&f);
	test(&f, true);
	pipe_is_read(&f.all);
	fix_release(&f);
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	test(&f, false);
	pipe_is_read(&f.all);
	fix_release(&f);
}

/* ---- progress ----------------------------------------------------------- */

static void progress(struct fix *f, bool modern)
{
	const struct json *v;

	begin(f, modern, "1", "'progressToken':'t',");
	mcp_call_progress(f->kept[0], 1, 4, "one");
	v = pipe_read(&f->all);
	fix_is(v, "method", "'notifications/progress'");
	fix_is(v, "params",
	       "{'message':'one','progress':1,'progressToken':'t','total':4}");
	/* It grows or is not said. */
	mcp_call_progress(f->kept[0], 1, 4, "again");
	mcp_call_progress(f->kept[0], 0.5, 4, "back");
	mcp_call_progress(f->kept[0], NAN, 4, "nowhere");
	pipe_is_read(&f->all);
	mcp_call_progress(f->kept[0], 1.5, 0, NULL);
	fix_is(pipe_read(&f->all), "params",
	       "{'progress':1.5,'progressToken':'t'}");
	mcp_call_done(f->kept[0], mcp_result(NULL, "x"));
	fix_is(pipe_read(&f->all), "id", "1");
	/* Without a token nobody asked for it. */
	begin(f, modern, "2", "");
	mcp_call_progress(f->kept[1], 1, 4, "one");
	pipe_is_read(&f->all);
	mcp_call_done(f->kept[1], mcp_result(NULL, "x"));
	pipe_read(&f->all);
	begin(f, modern, "3", "'progressToken':0,");
	mcp_call_progress(f->kept[2], 0, 0, NULL);
	fix_is(pipe_read(&f->all), "params.progressToken", "0");
	mcp_call_done(f->kept[2], mcp_result(NULL, "x"));
	pipe_read(&f->all);
	begin(f, modern, "4", "'progressToken':[1],");
	fix_is(pipe_read(&f->all), "error.code", "-32602");
}

static void test_progress(void **state)
{
	struct fix f;

	(void)state;
	both_eras(progress);
	fix_init(&f);
	fix_begin(&f, "2024-11-05", "{}");
	begin(&f, false, "1", "'progressToken':1,");
	mcp_call_progress(f.kept[0], 1, 0, "no such field yet");
	fix_is(pipe_read(&f.all), "params", "{'progress':1,'progressToken':1}");
	fix_release(&f);
}

/* ---- ids, cancelling ---------------------------------------------------- */

static void cancel(struct fix *f, const char *id, const char *more)
{
	char *text = mem_printf("{'jsonrpc':'2.0','method':"
				"'notifications/cancelled','params':{"
				"'requestId':%s%s}}",
				id, more);

	assert_int_equal(fix_say(f, text), 202);
	free(text);
}

static void cancelling(struct fix *f, bool modern)
{
	begin(f, modern, "1", "'progressToken':'t',");
	begin(f, modern, "'1'", "");
	/* What is not there. */
	cancel(f, "2", "");
	cancel(f, "null", "");
	cancel(f, "{}", "");
	cancel(f, "1.5", "");
	assert_int_equal(f->cancels, 0);
	cancel(f, "1", ",'reason':'enough'");
	assert_int_equal(f->cancels, 1);
	cancel(f, "1", "");
	assert_int_equal(f->cancels, 1);
	pipe_is_read(&f->all);
	/* The other one goes on: its id is of another type. */
	mcp_call_done(f->kept[1], mcp_result(NULL, "x"));
	fix_is(pipe_read(&f->all), "id", "'1'");
	cancel(f, "'1'", "");
	assert_int_equal(f->cancels, 1);
	/* The id is free again. */
	begin(f, modern, "1", "");
	mcp_call_done(f->kept[2], mcp_result(NULL, "x"));
	fix_is(pipe_read(&f->all), "id", "1");
}

static void test_cancel(void **state)
{
	struct fix f;

	(void)state;
	both_eras(cancelling);
	fix_init(&f);
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled'}");
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/initialized'}");
	assert_false(mcp_peer_is_session(f.p));
	pipe_is_read(&f.all);
	fix_release(&f);
}

static void ids(struct fix *f, bool modern)
{
	begin(f, modern, "'a'", "");
	begin(f, modern, "'a'", "");
	fix_is(pipe_read(&f->all), "error.code", "-32600");
	assert_int_equal(f->keeps, 1);
	mcp_call_done(f->kept[0], mcp_result(NULL, "x"));
	fix_is(pipe_read(&f->all), "id", "'a'");
	begin(f, modern, "-9007199254740991", "");
	mcp_call_done(f->kept[1], mcp_result(NULL, "x"));
	fix_is(pipe_read(&f->all), "id", "-9007199254740991");
	begin(f, modern, "9007199254740992", "");
	fix_is(pipe_read(&f->all), "id", NULL);
	begin(f, modern, "null", "");
	fix_is(pipe_read(&f->all), "error.code", "-32600");
}

static void test_ids(void **state)
{
	(void)state;
	both_eras(ids);
}

static void too_many(struct fix *f, bool modern)
{
	char id[8];

	for (int i = 0; i < 8; i++) {
		snprintf(id, sizeof(id), "%d", i);
		begin(f, modern, id, "");
	}
	pipe_is_read(&f->all);
	begin(f, modern, "8", "");
	fix_has(pipe_read(&f->all), "error.message", "too many");
	mcp_call_done(f->kept[3], mcp_result(NULL, "x"));
	fix_is(pipe_read(&f->all), "id", "3");
	begin(f, modern, "9", "");
	assert_int_equal(f->keeps, 9);
}

static void test_too_many(void **state)
{
	struct fix f;
	char *text;

	(void)state;
	both_eras(too_many);
	fix_init_with(&f, 0, "me");
	text = fix_modern("1", "tools/call", SLOW, "{}");
	assert_int_equal(fix_say(&f, text), 429);
	free(text);
	fix_release(&f);
}

/* ---- streams ------------------------------------------------------------ */

static int post(struct fix *f, struct pipe *pipe, const char *text)
{
	char *s = fix_quoted(text);
	int status;

	pipe_open(pipe, f->p, MCP_STREAM_ANSWER);
	status = mcp_take(f->p, pipe->stream, s, strlen(s), NULL);
	free(s);
	return status;
}

static void test_stream_gone(void **state)
{
	char *text = fix_modern("1", "tools/call", SLOW, "{}");
	struct fix f;
	struct pipe pipe;

	(void)state;
	fix_init(&f);
	/* Since 2026-07-28 that is how a call is cancelled. */
	assert_int_equal(post(&f, &pipe, text), 200);
	mcp_stream_gone(pipe.stream);
	assert_int_equal(f.cancels, 1);
	/* Before it was not. */
	fix_begin(&f, "2025-06-18", "{}");
	assert_int_equal(post(&f, &pipe,
			      "{'jsonrpc':'2.0','id':1,'method':'tools/call',"
			      "'params':{'name':'slow','_meta':{"
			      "'progressToken':1}}}"),
			 200);
	mcp_call_progress(f.kept[1], 1, 0, NULL);
	fix_is(pipe_read(&pipe), "params.progress", "1");
	mcp_stream_gone(pipe.stream);
	assert_int_equal(f.cancels, 1);
	mcp_call_progress(f.kept[1], 2, 0, NULL);
	mcp_call_done(f.kept[1], mcp_result(NULL, "x"));
	assert_int_equal(pipe.count, 1);
	pipe_is_read(&f.all);
	pipe_release(&pipe);
	free(text);
	fix_release(&f);
}

static void test_post(void **state)
{
	char *text = fix_modern("1", "tools/call", SLOW, "{}");
	struct fix f;
	struct pipe pipe;

	(void)state;
	fix_init(&f);
	assert_int_equal(post(&f, &pipe, text), 200);
	assert_false(pipe.ended);
	mcp_call_done(f.kept[0], mcp_result(NULL, "x"));
	assert_true(pipe.ended);
	fix_is(pipe_read(&pipe), "id", "1");
	pipe_release(&pipe);
	/* A cancelled one ends without a word. */
	fix_begin(&f, "2025-06-18", "{}");
	post(&f, &pipe,
	     "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':"
	     "'slow'}}");
	cancel(&f, "1", "");
	assert_true(pipe.silent);
	assert_int_equal(post(&f, &pipe, "{'jsonrpc':'2.0','method':'x'}"),
			 202);
	assert_false(pipe.ended);
	free(text);
	fix_release(&f);
}

/* A peer that goes takes its calls along, and says nothing. */
static void test_peer_gone(void **state)
{
	struct fix f;
	struct pipe pipe;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	begin(&f, false, "1", "");
	post(&f, &pipe,
	     "{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':"
	     "'slow'}}");
	mcp_peer_free(f.p);
	assert_int_equal(f.cancels, 2);
	assert_int_equal(pipe.count, 0);
	pipe_is_read(&f.all);
	f.p = mcp_peer_new(f.s, "me");
	fix_release(&f);
}

/* ---- schemas ------------------------------------------------------------ */

static void schemas(struct fix *f, bool modern)
{
	static const char *const wrong[][2] = {
		{"{}", "lacks 'text'"},
		{"{'text':1}", "$.text"},
		{"{'text':'x','n':1.5}", "$.n"},
		{"{'text':'x','other':1}", "other"},
		{"{'text':'x','deep':{'flag':1}}", "$.deep.flag"},
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char *members = mem_printf("'name':'echo','arguments':%s%s",
					   wrong[i][0], modern ? "," : "");
		const struct json *v;

		v = modern ? fix_new(f, "1", "tools/call", members)
			   : fix_old(f, "1", "tools/call", members);
		fix_is(v, "result.isError", "true");
		fix_has(v, "result.content.0.text", wrong[i][1]);
		fix_has(v, "result.content.0.text", "inputSchema");
		free(members);
	}
	assert_int_equal(f->calls, 0);
	assert_int_equal(f->defects, 0);
	/* Who keeps a log hears of them, and of tools that are not there. */
	assert_int_equal(f->refused, ARRAY_LEN(wrong));
	fix_is(modern ? fix_new(f, "2", "tools/call", "'name':'none',")
		      : fix_old(f, "2", "tools/call", "'name':'none'"),
	       "error.code", "-32602");
	assert_int_equal(f->refused, ARRAY_LEN(wrong) + 1);
}

static void test_schemas(void **state)
{
	struct fix f;

	(void)state;
	both_eras(schemas);
	fix_init(&f);
	/* Our own faults are told to us, and are no results. */
	fix_is(fix_new(&f, "1", "tools/call", "'name':'liar',"), "error.code",
	       "-32603");
	assert_int_equal(f.defects, 1);
	fix_is(fix_new(&f, "1", "tools/call", "'name':'broken',"), "error.code",
	       "-32603");
	assert_int_equal(f.defects, 2);
	fix_release(&f);
}

/* ---- trace -------------------------------------------------------------- */

static void trace(struct fix *f, bool modern)
{
	begin(f, modern, "1",
	      "'traceparent':'00-0af7-00f0-01','tracestate':'a\\u0001b',"
	      "'baggage':7,'other':'x',");
	assert_string_equal(mcp_call_trace(f->kept[0], "traceparent"),
			    "00-0af7-00f0-01");
	assert_null(mcp_call_trace(f->kept[0], "tracestate"));
	assert_null(mcp_call_trace(f->kept[0], "baggage"));
	assert_null(mcp_call_trace(f->kept[0], "other"));
	assert_string_equal(mcp_call_who(f->kept[0])->principal, "me");
	assert_string_equal(mcp_call_who(f->kept[0])->revision,
			    modern ? "2026-07-28" : "2025-11-25");
	mcp_call_set_data(f->kept[0], f);
	assert_ptr_equal(mcp_call_data(f->kept[0]), f);
}

static void test_trace(void **state)
{
	(void)state;
	both_eras(trace);
}

/* ---- hostile input ------------------------------------------------------ */

static int take(struct fix *f, const char *text, size_t len, const char *code)
{
	int status = mcp_take(f->p, f->all.stream, text, len, NULL);

	fix_is(pipe_read(&f->all), "error.code", code);
	return status;
}

static void test_garbage(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"\xc3\",\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"\xed\xa0\x80\",\"method\":\"p\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"\\ud800\",\"method\":\"ping\"}",
		"\xef\xbb\xbf{}",
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(take(&f, texts[i], strlen(texts[i]), "-32700"),
				 400);
	assert_int_equal(take(&f, "{\"a\":\0}", 7, "-32700"), 400);
	fix_release(&f);
}

static void test_huge(void **state)
{
	static const char ping[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}";
	size_t len = MCP_MAX_MESSAGE + 1;
	char *text = mem_zalloc(len + 1, 1);
	struct fix f;

	(void)state;
	fix_init(&f);
	memset(text, '[', len);
	assert_int_equal(take(&f, text, len, "-32600"), 400);
	/* Deep, but short enough. */
	assert_int_equal(take(&f, text, 1000, "-32700"), 400);
	/* The longest there may be. */
	memset(text, ' ', len);
	memcpy(text, ping, strlen(ping));
	take(&f, text, len - 1, "-32602");
	free(text);
	fix_release(&f);
}

static void test_unasked(void **state)
{
	static const char *const texts[] = {
		"{'jsonrpc':'2.0','id':1,'result':{}}",
		"{'jsonrpc':'2.0','id':'x','result':{'action':'accept'}}",
		"{'jsonrpc':'2.0','id':1,'error':{'code':1,'message':''}}",
		"{'jsonrpc':'2.0','error':{'code':1,'message':''}}",
	};
	struct fix f;

	(void)state;
	fix_init(&f);
	for (int era = 0; era < 2; era++) {
		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			assert_int_equal(fix_say(&f, texts[i]), 202);
		pipe_is_read(&f.all);
		if (!era)
			fix_begin(&f, "2025-11-25", "{'elicitation':{}}");
	}
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_stream_gone),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_peer_gone),
		cmocka_unit_test(test_schemas),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
