/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mcp_fix.h"

#include "mcp/rpc.h"

static enum rpc_kind kind_of(const char *text)
{
	struct json *v = fix_json(text);
	struct rpc_message m;

	rpc_read(v, &m);
	if (m.kind == RPC_INVALID)
		assert_non_null(m.why);
	json_free(v);
	return m.kind;
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(kind_of("{'jsonrpc':'2.0','id':1,'method':'m'}"),
			 RPC_REQUEST);
	assert_int_equal(kind_of("{'jsonrpc':'2.0','id':'','method':'m',"
				 "'params':{}}"),
			 RPC_REQUEST);
	assert_int_equal(kind_of("{'jsonrpc':'2.0','method':'m'}"),
			 RPC_NOTIFICATION);
	assert_int_equal(kind_of("{'jsonrpc':'2.0','id':1,'result':{}}"),
			 RPC_RESPONSE);
	assert_int_equal(kind_of("{'jsonrpc':'2.0','id':1,'error':{}}"),
			 RPC_RESPONSE);
	/* Of an error nobody can say what it was about. */
	assert_int_equal(kind_of("{'jsonrpc':'2.0','id':null,'error':{}}"),
			 RPC_RESPONSE);
}

static void test_invalid(void **state)
{
	static const char *const texts[] = {
		"[]",
		"1",
		"'x'",
		"null",
		"{}",
		"{'id':1,'method':'m'}",
		"{'jsonrpc':'1.0','id':1,'method':'m'}",
		"{'jsonrpc':2.0,'id':1,'method':'m'}",
		"{'jsonrpc':'2.0','id':null,'method':'m'}",
		"{'jsonrpc':'2.0','id':1.5,'method':'m'}",
		"{'jsonrpc':'2.0','id':9007199254740993,'method':'m'}",
		"{'jsonrpc':'2.0','id':1e300,'method':'m'}",
		"{'jsonrpc':'2.0','id':[1],'method':'m'}",
		"{'jsonrpc':'2.0','id':{},'method':'m'}",
		"{'jsonrpc':'2.0','id':true,'method':'m'}",
		"{'jsonrpc':'2.0','id':1,'method':''}",
		"{'jsonrpc':'2.0','id':1,'method':7}",
		"{'jsonrpc':'2.0','id':1}",
		"{'jsonrpc':'2.0','id':1,'method':'m','params':[1]}",
		"{'jsonrpc':'2.0','id':1,'method':'m','params':null}",
		"{'jsonrpc':'2.0','id':1,'method':'m','result':{}}",
		"{'jsonrpc':'2.0','id':1,'result':{},'error':{}}",
		"{'jsonrpc':'2.0','id':1,'error':'no'}",
		"{'jsonrpc':'2.0','result':{}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (kind_of(texts[i]) != RPC_INVALID)
			fail_msg("taken: %s", texts[i]);
}

static void test_ids(void **state)
{
	struct json *one = json_number(1), *text = json_string("1");
	struct json *again = json_number(1), *two = json_number(2);
	struct json *long_text;
	char *s = mem_zalloc(RPC_MAX_ID + 2, 1);

	(void)state;
	assert_true(rpc_same_id(one, again));
	assert_false(rpc_same_id(one, two));
	assert_false(rpc_same_id(one, text));
	assert_false(rpc_same_id(text, one));
	assert_false(rpc_same_id(NULL, NULL));
	assert_false(rpc_same_id(NULL, one));
	memset(s, 'x', RPC_MAX_ID);
	long_text = json_string(s);
	assert_true(rpc_is_id(long_text));
	json_free(long_text);
	s[RPC_MAX_ID] = 'x';
	long_text = json_string(s);
	assert_false(rpc_is_id(long_text));
	json_free(long_text);
	free(s);
	json_free(one);
	json_free(text);
	json_free(again);
	json_free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
