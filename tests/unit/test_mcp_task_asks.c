/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that ask while they work, and what is taken for an answer. */
#include "mcp_fix.h"

struct asker {
	struct json *requests;
	char *got; /* the last answers */
	size_t answers;
};

static struct asker asker;

static int give(void *arg, const struct mcp_who *who, const char *id,
		struct mcp_task *out)
{
	(void)arg;
	(void)who;
	if (strcmp(id, "it") != 0)
		return -ENOENT;
	*out = (struct mcp_task){.id = "it",
				 .status = MCP_TASK_ASKS,
				 .requests = json_copy(asker.requests)};
	return 0;
}

static void take(void *arg, const struct mcp_who *who, const char *id,
		 const struct json *answers)
{
	(void)arg;
	(void)who;
	assert_string_equal(id, "it");
	free(asker.got);
	asker.got = json_canonical(answers);
	asker.answers++;
}

static void begin(struct fix *f)
{
	static const char text[] =
		"{\"sure\":{\"method\":\"elicitation/create\",\"params\":"
		"{\"message\":\"Sure?\",\"requestedSchema\":{\"type\":"
		"\"object\",\"properties\":{\"yes\":{\"type\":\"boolean\"}},"
		"\"required\":[\"yes\"]}}},\"roots\":{\"method\":"
		"\"roots/list\",\"params\":{}}}";

	fix_init(f);
	f->offer.task = give;
	f->offer.task_answer = take;
	asker = (struct asker){.requests = json_parse(text, strlen(text))};
	assert_non_null(asker.requests);
}

static void end(struct fix *f)
{
	json_free(asker.requests);
	free(asker.got);
	fix_release(f);
}

static const struct json *ext(struct fix *f, const char *method,
			      const char *members)
{
	return fix_ask_with(f, "1", method, members, FIX_TASK_CAP);
}

static void test_shown(void **state)
{
	const struct json *v;
	struct fix f;

	(void)state;
	begin(&f);
	v = ext(&f, "tasks/get", "'taskId':'it',");
	fix_is(v, "result.resultType", "'complete'");
	fix_is(v, "result.status", "'input_required'");
	fix_is(v, "result.inputRequests.sure.params.message", "'Sure?'");
	fix_is(v, "result.inputRequests.roots.method", "'roots/list'");
	fix_is(v, "result.requestState", NULL);
	fix_is(v, "result.result", NULL);
	end(&f);
	/* Before, there was no way to answer. */
	begin(&f);
	fix_begin(&f, "2025-11-25", "{}");
	v = fix_old(&f, "1", "tasks/get", "'taskId':'it'");
	fix_is(v, "result.status", "'working'");
	fix_is(v, "result.inputRequests", NULL);
	end(&f);
}

/* Nothing but an answer to what is asked gets as far as the offer. */
static void test_answered(void **state)
{
	static const char *const none[] = {
		"{}",
		"{'other':{'action':'accept','content':{'yes':true}}}",
		"{'sure':{'action':'accept'}}",
		"{'sure':{'action':'accept','content':{'yes':'yes'}}}",
		"{'sure':{'action':'maybe','content':{'yes':true}}}",
		"{'sure':true,'roots':[]}",
	};
	const struct json *v;
	struct fix f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		char *members = mem_printf("'taskId':'it',"
					   "'inputResponses':%s,",
					   none[i]);

		v = ext(&f, "tasks/update", members);
		fix_is(v, "result.resultType", "'complete'");
		fix_is(v, "result.status", NULL);
		assert_int_equal(asker.answers, 0);
		free(members);
	}
	v = ext(&f, "tasks/update",
		"'taskId':'it','inputResponses':{'other':{},'sure':"
		"{'action':'accept','content':{'yes':true}}},");
	fix_is(v, "result.taskId", NULL);
	assert_int_equal(asker.answers, 1);
	assert_string_equal(asker.got,
			    "{\"sure\":{\"action\":\"accept\",\"content\":"
			    "{\"yes\":true}}}");
	ext(&f, "tasks/update",
	    "'taskId':'it','inputResponses':{'sure':{'action':'decline'},"
	    "'roots':{'roots':[]}},");
	assert_string_equal(asker.got, "{\"roots\":{\"roots\":[]},\"sure\":"
				       "{\"action\":\"decline\"}}");
	v = ext(&f, "tasks/update", "'taskId':'it','inputResponses':[],");
	fix_is(v, "error.code", "-32602");
	v = ext(&f, "tasks/update", "'taskId':'no','inputResponses':{},");
	fix_is(v, "error.code", "-32602");
	assert_int_equal(asker.answers, 2);
	end(&f);
}

/* What a task asks is not told of where it is only looked for. */
static void test_listened_to(void **state)
{
	const struct json *v;
	struct fix f;

	(void)state;
	begin(&f);
	v = ext(&f, "subscriptions/listen",
		"'notifications':{'taskIds':['it']},");
	fix_is(v, "method", "'notifications/subscriptions/acknowledged'");
	fix_is(v, "params.notifications.taskIds.0", "'it'");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_listened_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
