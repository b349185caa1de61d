/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks, as 2025-11-25 tried them, and as the extension has them. */
#include "mcp_fix.h"

#define EXTENSION    "io.modelcontextprotocol/tasks"
#define SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"

static const struct json *ext(struct fix *f, const char *id, const char *method,
			      const char *members)
{
	return fix_ask_with(f, id, method, members, FIX_TASK_CAP);
}

static void finish(struct fix *f, size_t i, enum mcp_task_status status)
{
	f->tasks[i].status = status;
	snprintf(f->tasks[i].text, sizeof(f->tasks[i].text), "over");
}

/* Tells of it as an offer does. */
static void tell(struct fix *f, size_t i)
{
	struct mcp_task t;

	fix_task_give(&f->tasks[i], &t);
	mcp_server_task_changed(f->s, &t);
	json_free(t.result);
	json_free(t.error);
}

/* ---- the extension ------------------------------------------------------ */

static void test_created(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	v = ext(&f, "1", "tools/call", "'name':'work',");
	fix_is(v, "result.resultType", "'task'");
	fix_is(v, "result.taskId", "'task-001'");
	fix_is(v, "result.status", "'working'");
	fix_is(v, "result.createdAt", "'2001-09-09T01:46:40Z'");
	fix_is(v, "result.lastUpdatedAt", "'2001-09-09T01:46:41Z'");
	fix_is(v, "result.ttlMs", "3600000");
	fix_is(v, "result.pollIntervalMs", "500");
	fix_is(v, "result.task", NULL);
	fix_is(v, "result.requestState", NULL);
	fix_is(v, "result.statusMessage", NULL);
	/* A tool that is no task stays a result. */
	v = ext(&f, "2", "tools/call",
		"'name':'echo','arguments':{'text':'x'},");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.taskId", NULL);
	fix_release(&f);
}

static void test_get(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	for (int i = 0; i < 4; i++)
		ext(&f, "1", "tools/call", "'name':'work',");
	finish(&f, 1, MCP_TASK_COMPLETED);
	finish(&f, 2, MCP_TASK_FAILED);
	finish(&f, 3, MCP_TASK_CANCELLED);
	v = ext(&f, "1", "tasks/get", "'taskId':'task-001',");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.status", "'working'");
	fix_is(v, "result.result", NULL);
	v = ext(&f, "1", "tasks/get", "'taskId':'task-002',");
	fix_is(v, "result.status", "'completed'");
	fix_is(v, "result.result.structuredContent", "{'text':'x'}");
	fix_is(v, "result.statusMessage", "'over'");
	fix_is(v, "result.error", NULL);
	v = ext(&f, "1", "tasks/get", "'taskId':'task-003',");
	fix_is(v, "result.status", "'failed'");
	fix_is(v, "result.error.message", "'bang'");
	fix_is(v, "result.result", NULL);
	v = ext(&f, "1", "tasks/get", "'taskId':'task-004',");
	fix_is(v, "result.status", "'cancelled'");
	fix_is(ext(&f, "1", "tasks/get", "'taskId':'task-005',"), "error.code",
	       "-32602");
	fix_is(ext(&f, "1", "tasks/get", "'taskId':5,"), "error.code",
	       "-32602");
	fix_release(&f);
}

static void test_update_cancel(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	ext(&f, "1", "tools/call", "'name':'work',");
	v = ext(&f, "1", "tasks/update",
		"'taskId':'task-001','inputResponses':{'x':{}},");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.status", NULL);
	fix_is(ext(&f, "1", "tasks/update", "'taskId':'task-001',"),
	       "error.code", "-32602");
	fix_is(ext(&f, "1", "tasks/update",
		   "'taskId':'none','inputResponses':{},"),
	       "error.code", "-32602");
	for (int i = 0; i < 2; i++) {
		v = ext(&f, "1", "tasks/cancel", "'taskId':'task-001',");
		fix_is(v, "result.resultType", "'complete'");
		fix_is(v, "result.taskId", NULL);
	}
	assert_int_equal(f.tasks[0].status, MCP_TASK_CANCELLED);
	fix_is(ext(&f, "1", "tasks/cancel", "'taskId':'none',"), "error.code",
	       "-32602");
	fix_release(&f);
}

/* Who did not say that it knows of tasks never sees one. */
static void test_undeclared(void **state)
{
	static const char *const calls[][2] = {
		{"tools/call", "'name':'work',"},
		{"tasks/get", "'taskId':'task-001',"},
		{"tasks/update", "'taskId':'task-001','inputResponses':{},"},
		{"tasks/cancel", "'taskId':'task-001',"},
		{"subscriptions/listen",
		 "'notifications':{'taskIds':['task-001']},"},
	};
	struct fix f;
	const struct json *v, *required;

	(void)state;
	fix_init(&f);
	ext(&f, "1", "tools/call", "'name':'work',");
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		v = fix_new(&f, "1", calls[i][0], calls[i][1]);
		fix_is(v, "error.code", "-32021");
		required = json_path(
			v, "error.data.requiredCapabilities.extensions");
		assert_non_null(json_get(required, EXTENSION));
	}
	assert_int_equal(f.task_count, 1);
	/* One that the offer makes all the same. */
	fix_new(&f, "9", "tools/list", "");
	fix_say(&f, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{"
		    "'name':'slow','_meta':{'io.modelcontextprotocol/"
		    "protocolVersion':'2026-07-28','io.modelcontextprotocol/"
		    "clientCapabilities':{}}}}");
	assert_false(mcp_call_as_task(f.kept[0]));
	mcp_call_task(f.kept[0], &f.tasks[0]);
	fix_is(pipe_read(&f.all), "error.code", "-32021");
	fix_release(&f);
}

static void test_told(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	ext(&f, "1", "tools/call", "'name':'work',");
	ext(&f, "1", "tools/call", "'name':'work',");
	v = ext(&f, "7", "subscriptions/listen",
		"'notifications':{'taskIds':['task-001','none']},");
	fix_is(v, "params.notifications", "{'taskIds':['task-001']}");
	finish(&f, 0, MCP_TASK_COMPLETED);
	tell(&f, 1);
	pipe_is_read(&f.all);
	tell(&f, 0);
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/tasks'");
	fix_is(v, "params.status", "'completed'");
	fix_is(v, "params.result.structuredContent", "{'text':'x'}");
	assert_true(json_as_number(json_get(json_path(v, "params._meta"),
					    SUBSCRIPTION),
				   -1) == 7);
	fix_is(v, "params.taskId", "'task-001'");
	fix_release(&f);
}

/* ---- of 2025-11-25 ------------------------------------------------------ */

static void test_first_created(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	v = fix_old(&f, "1", "tools/call", "'name':'work','task':{'ttl':60}");
	fix_is(v, "result.task.taskId", "'task-001'");
	fix_is(v, "result.task.ttl", "3600000");
	fix_is(v, "result.task.pollInterval", "500");
	fix_is(v, "result.task.createdAt", "'2001-09-09T01:46:40Z'");
	fix_is(v, "result.taskId", NULL);
	fix_is(v, "result.resultType", NULL);
	v = fix_old(&f, "1", "tasks/get", "'taskId':'task-001'");
	fix_is(v, "result.status", "'working'");
	fix_is(v, "result.ttlMs", NULL);
	fix_is(v, "result.ttl", "3600000");
	/* As a tool says of itself. */
	fix_is(fix_old(&f, "1", "tools/call", "'name':'work'"), "error.code",
	       "-32601");
	fix_is(fix_old(&f, "1", "tools/call", "'name':'slow','task':{}"),
	       "error.code", "-32601");
	fix_release(&f);
	/* Earlier ones do not know the word. */
	fix_init(&f);
	fix_begin(&f, "2025-06-18", "{}");
	fix_is(fix_old(&f, "1", "tools/call",
		       "'name':'echo','arguments':{'text':'x'},'task':{}"),
	       "result.content.0.type", "'text'");
	fix_is(fix_old(&f, "1", "tasks/get", "'taskId':'task-001'"),
	       "error.code", "-32601");
	fix_release(&f);
}

#define RELATED "io.modelcontextprotocol/related-task"

static void test_first_result(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	fix_old(&f, "1", "tools/call", "'name':'work','task':{}");
	/* It waits until there is one. */
	fix_say(&f, "{'jsonrpc':'2.0','id':2,'method':'tasks/result','params':"
		    "{'taskId':'task-001'}}");
	mcp_tick(f.s, 1001);
	tell(&f, 0);
	fix_is(pipe_read(&f.all), "method", "'notifications/tasks/status'");
	pipe_is_read(&f.all);
	finish(&f, 0, MCP_TASK_COMPLETED);
	tell(&f, 0);
	v = pipe_read(&f.all);
	fix_is(v, "method", "'notifications/tasks/status'");
	fix_is(v, "params.status", "'completed'");
	fix_is(v, "params.result", NULL);
	v = pipe_read(&f.all);
	fix_is(v, "id", "2");
	fix_is(v, "result.structuredContent", "{'text':'x'}");
	fix_is(json_get(json_path(v, "result._meta"), RELATED), "taskId",
	       "'task-001'");
	/* At once from now on. */
	fix_is(fix_old(&f, "3", "tasks/result", "'taskId':'task-001'"),
	       "result.structuredContent", "{'text':'x'}");
	fix_is(fix_old(&f, "3", "tasks/result", "'taskId':'none'"),
	       "error.code", "-32602");
	fix_release(&f);
}

static void test_first_ends(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	fix_old(&f, "1", "tools/call", "'name':'work','task':{}");
	fix_old(&f, "1", "tools/call", "'name':'work','task':{}");
	fix_say(&f, "{'jsonrpc':'2.0','id':2,'method':'tasks/result','params':"
		    "{'taskId':'task-001'}}");
	finish(&f, 0, MCP_TASK_FAILED);
	/* Nobody told of it: it is looked after. */
	mcp_tick(f.s, 1001);
	v = pipe_read(&f.all);
	fix_is(v, "error.code", "-32000");
	fix_is(v, "error.message", "'bang'");
	/* One that is forgotten meanwhile, and one that nobody waits for. */
	fix_say(&f, "{'jsonrpc':'2.0','id':2,'method':'tasks/result','params':"
		    "{'taskId':'task-002'}}");
	fix_say(&f, "{'jsonrpc':'2.0','id':3,'method':'tasks/result','params':"
		    "{'taskId':'task-002'}}");
	fix_say(&f, "{'jsonrpc':'2.0','method':'notifications/cancelled',"
		    "'params':{'requestId':3}}");
	f.task_count = 1;
	mcp_tick(f.s, 1002);
	fix_is(pipe_read(&f.all), "error.code", "-32602");
	pipe_is_read(&f.all);
	assert_int_equal(f.cancels, 0);
	fix_release(&f);
}

/* Who does not wait any more takes up no place. */
static void test_first_left(void **state)
{
	char *text = fix_quoted("{'jsonrpc':'2.0','id':2,'method':"
				"'tasks/result','params':{'taskId':"
				"'task-001'}}");
	struct fix f;
	struct pipe pipe;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	fix_old(&f, "1", "tools/call", "'name':'work','task':{}");
	for (int i = 0; i < 20; i++) {
		pipe_open(&pipe, f.p, MCP_STREAM_ANSWER);
		mcp_take(f.p, pipe.stream, text, strlen(text), NULL);
		assert_int_equal(pipe.count, 0);
		mcp_stream_gone(pipe.stream);
	}
	free(text);
	fix_release(&f);
}

static void test_first_cancel(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	fix_old(&f, "1", "tools/call", "'name':'work','task':{}");
	v = fix_old(&f, "1", "tasks/cancel", "'taskId':'task-001'");
	fix_is(v, "result.status", "'cancelled'");
	fix_is(v, "result.taskId", "'task-001'");
	fix_is(fix_old(&f, "1", "tasks/cancel", "'taskId':'task-001'"),
	       "error.code", "-32602");
	fix_is(fix_old(&f, "1", "tasks/result", "'taskId':'task-001'"),
	       "error.code", "-32603");
	fix_release(&f);
}

static void test_first_list(void **state)
{
	struct fix f;
	const struct json *v;
	char *params;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	for (int i = 0; i < 60; i++)
		fix_task_new(&f);
	v = fix_old(&f, "1", "tasks/list", "");
	assert_int_equal(json_len(json_path(v, "result.tasks")), 50);
	fix_is(v, "result.tasks.0.taskId", "'task-060'");
	params = mem_printf("'cursor':'%s'",
			    json_text_at(v, "result.nextCursor"));
	v = fix_old(&f, "1", "tasks/list", params);
	assert_int_equal(json_len(json_path(v, "result.tasks")), 10);
	fix_is(v, "result.tasks.0.taskId", "'task-010'");
	fix_is(v, "result.nextCursor", NULL);
	fix_is(fix_old(&f, "1", "tools/list", params), "error.code", "-32602");
	fix_is(fix_old(&f, "1", "tasks/list", "'cursor':'x'"), "error.code",
	       "-32602");
	fix_is(fix_old(&f, "1", "tasks/list", "'cursor':1"), "error.code",
	       "-32602");
	fix_is(fix_old(&f, "1", "tasks/list", "'cursor':''"),
	       "result.tasks.49.taskId", "'task-011'");
	free(params);
	fix_release(&f);
}

/* Who is promised a task gets one, even where there is nothing left to do. */
static void test_first_at_once(void **state)
{
	struct fix f;
	const struct json *v;

	(void)state;
	fix_init(&f);
	fix_begin(&f, "2025-11-25", "{}");
	v = fix_old(&f, "1", "tools/call",
		    "'name':'echo','arguments':{'text':'x'},'task':{}");
	fix_is(v, "result.content", NULL);
	fix_is(v, "result.task.status", "'completed'");
	fix_is(v, "result.task.taskId", "'ended-1'");
	v = fix_old(&f, "1", "tools/call",
		    "'name':'echo','arguments':{'text':1},'task':{}");
	fix_is(v, "result.task.status", "'failed'");
	fix_has(v, "result.task.statusMessage", "inputSchema");
	fix_is(fix_old(&f, "1", "tasks/get", "'taskId':'ended-1'"),
	       "result.status", "'completed'");
	fix_is(fix_old(&f, "1", "tasks/result", "'taskId':'ended-1'"),
	       "result.structuredContent", "{'text':'x'}");
	fix_is(fix_old(&f, "1", "tasks/result", "'taskId':'ended-2'"),
	       "result.isError", "true");
	fix_is(fix_old(&f, "1", "tasks/cancel", "'taskId':'ended-1'"),
	       "error.code", "-32602");
	fix_task_new(&f);
	v = fix_old(&f, "1", "tasks/list", "");
	fix_is(v, "result.tasks.0.taskId", "'ended-1'");
	fix_is(v, "result.tasks.2.taskId", "'task-001'");
	/* They are not kept for ever. */
	for (int i = 0; i < 16; i++)
		fix_old(&f, "1", "tools/call",
			"'name':'echo','arguments':{'text':'x'},'task':{}");
	fix_is(fix_old(&f, "1", "tasks/get", "'taskId':'ended-1'"),
	       "error.code", "-32602");
	fix_is(fix_old(&f, "1", "tasks/get", "'taskId':'ended-18'"),
	       "result.taskId", "'ended-18'");
	fix_release(&f);
}

static void test_stranger(void **state)
{
	struct fix f;

	(void)state;
	fix_init_with(&f, 8, "stranger");
	fix_task_new(&f);
	fix_is(ext(&f, "1", "tasks/get", "'taskId':'task-001',"), "error.code",
	       "-32602");
	fix_is(ext(&f, "1", "tasks/cancel", "'taskId':'task-001',"),
	       "error.code", "-32602");
	assert_int_equal(f.tasks[0].status, MCP_TASK_WORKING);
	fix_is(ext(&f, "1", "subscriptions/listen",
		   "'notifications':{'taskIds':['task-001']},"),
	       "params.notifications", "{}");
	fix_is(pipe_read(&f.all), "result.resultType", "'complete'");
	tell(&f, 0);
	pipe_is_read(&f.all);
	fix_begin(&f, "2025-11-25", "{}");
	fix_is(fix_old(&f, "1", "tasks/list", ""), "result.tasks", "[]");
	fix_is(fix_old(&f, "1", "tasks/result", "'taskId':'task-001'"),
	       "error.code", "-32602");
	fix_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_created),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_update_cancel),
		cmocka_unit_test(test_undeclared),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_first_created),
		cmocka_unit_test(test_first_result),
		cmocka_unit_test(test_first_ends),
		cmocka_unit_test(test_first_left),
		cmocka_unit_test(test_first_cancel),
		cmocka_unit_test(test_first_list),
		cmocka_unit_test(test_first_at_once),
		cmocka_unit_test(test_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
