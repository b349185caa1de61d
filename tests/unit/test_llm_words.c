/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What models, programs and files say that is not quite what they should. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "llm/extract.h"
#include "llm/judge.h"
#include "llm/line.h"
#include "llm/prices.h"
#include "llm/provider.h"
#include "llm/record.h"
#include "llm/said.h"
#include "llm/secret.h"

static char path[] = "/tmp/test_llm_words.XXXXXX";

static void put(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void says(const char *words)
{
	if (!strstr(err_text(), words))
		fail_msg("'%s' does not say '%s'", err_text(), words);
}

/* ---- requests ------------------------------------------------------------ */

static void test_requests(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is taken */
	} is[] = {
		{"{}", "lacks 'messages'"},
		{"{\"messages\":{}}", "lacks 'messages'"},
		{"{\"messages\":[]}", "lacks 'messages'"},
		{"{\"messages\":[7]}", "a message is neither"},
		{"{\"messages\":[{\"role\":\"user\"}]}", "a message"},
		{"{\"messages\":[{\"role\":\"user\",\"text\":7}]}", "message"},
		{"{\"messages\":[{\"role\":\"system\",\"text\":\"\"}]}",
		 "a message"},
		{"{\"messages\":[{\"role\":\"tool\",\"text\":\"x\"}]}",
		 "a message"},
		{"{\"messages\":[{\"role\":\"tool\",\"results\":[]}]}", NULL},
		{"{\"messages\":[{\"role\":\"assistant\",\"text\":\"\"}]}",
		 NULL},
		{"{\"messages\":[{\"role\":\"user\",\"text\":\"\"}],"
		 "\"max_tokens\":0}",
		 "max_tokens"},
		{"{\"messages\":[{\"role\":\"user\",\"text\":\"\"}],"
		 "\"max_tokens\":10000001}",
		 "max_tokens"},
		{"{\"messages\":[{\"role\":\"user\",\"text\":\"\"}],"
		 "\"max_tokens\":1e7,\"tools\":[],\"schema\":[]}",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *v = json_parse(is[i].text, strlen(is[i].text));
		struct llm_request r;

		assert_non_null(v);
		assert_int_equal(line_request(v, &r), is[i].says ? -EINVAL : 0);
		if (is[i].says)
			says(is[i].says);
		/* No tools are none, and so is what is no schema. */
		if (!is[i].says) {
			assert_null(r.tools);
			assert_null(r.schema);
		}
		json_free(v);
	}
}

/* ---- programs ------------------------------------------------------------ */

static void test_programs(void **state)
{
	static const struct {
		enum said_form form;
		const char *said;
		int rc;
		const char *words; /* of the error, or the answer */
		long in, out;	   /* -1: still a guess */
	} is[] = {
		{SAID_TEXT, "hi", 0, "hi", -1, -1},
		{SAID_TEXT, "", -EBADMSG, "said nothing", -1, -1},
		{SAID_CLAUDE, "{\"result\":\"hi\"}", 0, "hi", -1, -1},
		{SAID_CLAUDE, "{\"result\":7}", -EBADMSG, "no 'result'", -1,
		 -1},
		{SAID_CLAUDE, "{\"is_error\":true}", -EIO,
		 "claude reports: an error", -1, -1},
		{SAID_CLAUDE,
		 "{\"is_error\":true,\"result\":\"no\\nroom\",\"usage\":{}}",
		 -EIO, "claude reports: no room", 0, 0},
		{SAID_CLAUDE,
		 "{\"result\":\"hi\",\"usage\":{\"input_tokens\":-5,"
		 "\"output_tokens\":1e300,\"cache_read_input_tokens\":\"7\"}}",
		 0, "hi", 0, 0},
		{SAID_OPENCODE, "", -EBADMSG, "said nothing", -1, -1},
		{SAID_OPENCODE,
		 "{\"type\":\"error\",\"error\":{\"data\":{\"message\":"
		 "\"no\\u001bkey\"}}}\n",
		 -EIO, "opencode reports: no key", -1, -1},
		{SAID_OPENCODE, "{\"type\":\"error\"}", -EIO, "an error", -1,
		 -1},
		{SAID_OPENCODE,
		 "{\"type\":\"text\",\"part\":{\"text\":\"hi\"}}\n"
		 "{\"type\":\"step_finish\"}\n{\"type\":7}\n[]\n{\"ty",
		 0, "hi", -1, -1},
		/* Several steps are paid, each. */
		{SAID_OPENCODE,
		 "{\"type\":\"text\",\"part\":{}}\n"
		 "{\"type\":\"step_finish\",\"part\":{\"tokens\":{\"input\":3,"
		 "\"output\":1,\"reasoning\":2}}}\n"
		 "{\"type\":\"text\",\"part\":{\"text\":\"hi\"}}\n"
		 "{\"type\":\"step_finish\",\"part\":{\"tokens\":{\"input\":4,"
		 "\"output\":1,\"cache\":{\"write\":10}}}}\n",
		 0, "hi", 17, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct llm_answer a = {.estimated = true,
				       .usage = {.in = 99, .out = 99}};

		assert_int_equal(said_read(is[i].form, is[i].said,
					   strlen(is[i].said), &a),
				 is[i].rc);
		if (is[i].rc)
			says(is[i].words);
		else
			assert_string_equal(a.text, is[i].words);
		assert_int_equal(a.estimated, is[i].in < 0);
		assert_int_equal(a.usage.in, is[i].in < 0 ? 99 : is[i].in);
		assert_int_equal(a.usage.out, is[i].out < 0 ? 99 : is[i].out);
		llm_answer_release(&a);
	}
}

/* ---- prices -------------------------------------------------------------- */

#define ROW(more) "{\"models\":[{\"match\":\"m\"," more "}]}"

static void test_price_lists(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "is no price list"},
		{"[", "is no price list"},
		{"{}", "lacks an array 'models'"},
		{"{\"models\":{}}", "lacks an array 'models'"},
		{"{\"models\":[7]}", "in_usd_per_mtok"},
		{ROW("\"in_usd_per_mtok\":\"1\""), "'in_usd_per_mtok' has"},
		{ROW("\"in_usd_per_mtok\":-1"), "'in_usd_per_mtok' has"},
		{ROW("\"in_usd_per_mtok\":1"), "'out_usd_per_mtok' has"},
		{ROW("\"in_usd_per_mtok\":1,\"out_usd_per_mtok\":1,"
		     "\"cached_usd_per_mtok\":null"),
		 "'cached_usd_per_mtok' has"},
		{"{\"models\":[{\"in_usd_per_mtok\":1,"
		 "\"out_usd_per_mtok\":1}]}",
		 "without 'match'"},
	};
	static const char good[] =
		"{\"models\":[{\"match\":\"big-*\",\"in_usd_per_mtok\":4,"
		"\"out_usd_per_mtok\":10,\"cached_usd_per_mtok\":1},"
		"{\"match\":\"*\",\"in_usd_per_mtok\":2,"
		"\"out_usd_per_mtok\":0}]}";
	struct prices p = {0};
	const struct price *x;

	(void)state;
	assert_int_equal(prices_read(&p, "/nonesuch"), -ENOENT);
	assert_int_equal(prices_read(&p, "/tmp"), -EISDIR);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(bad[i].text, strlen(bad[i].text));
		assert_int_equal(prices_read(&p, path), -EINVAL);
		says(bad[i].says);
		says(path);
	}
	assert_int_equal(p.files.len, 0);
	prices_release(&p);
	put(good, strlen(good));
	assert_int_equal(prices_read(&p, path), 0);
	assert_null(prices_find(&p, NULL));
	x = prices_find(&p, "BIG-2");
	/* 600000 at 4, 400000 at 1, 100000 at 10 USD for a million. */
	assert_true(price_usd(x, &(struct llm_usage){.in = 1000000,
						     .cached = 400000,
						     .out = 100000}) == 3.8);
	/* More than all cannot have been cached. */
	assert_true(price_usd(x, &(struct llm_usage){.in = 1000000,
						     .cached = 5000000}) == 1);
	x = prices_find(&p, "small");
	assert_true(price_usd(x, &(struct llm_usage){.in = 1000000,
						     .cached = 1000000}) == 2);
	prices_release(&p);
}

/* ---- records ------------------------------------------------------------- */

/* One exchange with that digest, and what else the line has. */
static void put_exchange(const struct llm_request *r, const char *more)
{
	char digest[DIGEST_HEX_LEN], *line;

	record_digest(r, digest);
	line = mem_printf("{\"digest\":\"%s\",%s}\n", digest, more);
	put(line, strlen(line));
	free(line);
}

static int replay(const struct llm_request *r, int times, struct llm_answer *a)
{
	struct llm_opts o = {0};
	struct provider *p;
	int rc = replay_provider_new(path, &o, &p);

	if (rc)
		return rc;
	for (int i = 0; i < times; i++) {
		if (i)
			llm_answer_release(a);
		rc = p->ops->call(p, r, SHAPE_PLAIN, a);
	}
	p->ops->free(p);
	return rc;
}

static void test_what_was_recorded(void **state)
{
	static const char *const none[] = {
		"nonsense\n",		"[]\n",
		"{\"answer\":{}}\n",	"{\"digest\":7,\"answer\":{}}\n",
		"{\"digest\":\"x\"}\n", "{\"digest\":\"x\",\"answer\":7}\n"};
	static const char messages[] = "[{\"role\":\"user\",\"text\":\"q\"}]";
	struct json *m = json_parse(messages, strlen(messages));
	struct llm_request r = {.role = "coder", .messages = m};
	struct llm_answer a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		put(none[i], strlen(none[i]));
		assert_int_equal(replay(&r, 1, &a), -EINVAL);
		says("line 1");
	}
	/* As little as there may be. */
	put_exchange(&r, "\"answer\":{}");
	assert_int_equal(replay(&r, 1, &a), 0);
	assert_string_equal(a.text, "");
	assert_int_equal(json_len(a.calls), 0);
	assert_int_equal(a.finish, LLM_STOP);
	assert_null(a.model);
	assert_int_equal(a.usage.in, 0);
	llm_answer_release(&a);
	/* Asked once more than was recorded. */
	assert_int_equal(replay(&r, 2, &a), -ENOENT);
	says("has 1 answers");
	says("coder");
	llm_answer_release(&a);
	put_exchange(&r,
		     "\"outcome\":\"EAGAIN\",\"error\":\"slow\",\"usage\":{"
		     "\"in\":-1,\"out\":1e300,\"cached\":3},\"answer\":{"
		     "\"text\":\"t\",\"finish\":\"length\",\"model\":\"m\"}");
	assert_int_equal(replay(&r, 1, &a), -EAGAIN);
	assert_string_equal(err_text(), "slow");
	assert_int_equal(a.finish, LLM_LENGTH);
	assert_string_equal(a.model, "m");
	assert_true(a.usage.in == 0 && a.usage.out == 0 && a.usage.cached == 3);
	llm_answer_release(&a);
	/* A request of other words has no answer there. */
	r.system = "other";
	assert_int_equal(replay(&r, 1, &a), -ENOENT);
	says("has no answer");
	llm_answer_release(&a);
	unlink(path);
	assert_int_equal(replay(&r, 1, &a), -ENOENT);
	json_free(m);
}

/* ---- answers ------------------------------------------------------------- */

static void test_judging(void **state)
{
	struct json *tools = json_array();
	struct llm_request r = {.max_tokens = 10};
	struct llm_answer a = {.text = (char *)"", .finish = LLM_REFUSED};
	bool repair;

	(void)state;
	assert_int_equal(judge(&r, &a, &repair), -EBADMSG);
	says("does not say why");
	assert_false(repair);
	/* Calls of tools that nobody offered, and of those that were. */
	a.finish = LLM_STOP;
	a.calls = json_array();
	json_add(a.calls, json_object());
	assert_int_equal(judge(&r, &a, &repair), -EBADMSG);
	assert_true(repair);
	r.tools = tools;
	assert_int_equal(judge(&r, &a, &repair), -EBADMSG);
	json_add(tools, json_object());
	assert_int_equal(judge(&r, &a, &repair), 0);
	assert_int_equal(a.finish, LLM_CALLS);
	json_free(a.calls);
	json_free(tools);
}

static void test_repairing(void **state)
{
	static const char messages[] = "[{\"role\":\"user\",\"text\":\"q\"}]";
	struct json *m = json_parse(messages, strlen(messages)), *v;
	const struct llm_request r = {.messages = m};
	char *wrong = mem_zalloc(24002, 1);

	(void)state;
	v = judge_repair(&r, "", "it is empty");
	assert_int_equal(json_len(v), 3);
	assert_string_equal(json_text_at(v, "1.text"), "(nothing)");
	assert_non_null(strstr(json_text_at(v, "2.text"), "it is empty"));
	json_free(v);
	for (size_t over = 0; over < 2; over++) {
		const char *shown;

		memset(wrong, 'x', 24000 + over);
		v = judge_repair(&r, wrong, "w");
		shown = json_text_at(v, "1.text");
		assert_int_equal(strspn(shown, "x"), 24000);
		assert_string_equal(shown + 24000, over ? "\n[cut]" : "");
		json_free(v);
	}
	free(wrong);
	json_free(m);
}

/* A cost of which a part is not known is not known. */
static void test_costs(void **state)
{
	static const struct {
		double before, sum, want;
	} is[] = {{1, 2, 3}, {0, 2, 2}, {-1, 2, -1}, {1, -1, -1}, {-1, -1, -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct llm_answer before = {.cost_usd = is[i].before,
					    .estimated = true,
					    .attempts = 2};
		struct llm_answer sum = {.cost_usd = is[i].sum, .attempts = 1};

		judge_add_costs(&before, &sum);
		assert_true(sum.cost_usd == is[i].want);
		assert_true(sum.estimated);
		assert_int_equal(sum.attempts, 3);
	}
}

static void test_extracting(void **state)
{
	static const struct {
		const char *text, *holds; /* NULL: none, and */
		const char *says;
	} is[] = {
		{"```json\n{\"a\":1}", "{\"a\":1}", NULL},
		{"see ```", NULL, "no JSON object"},
		{"``` ``` {\"a\":1}", "{\"a\":1}", NULL},
		{"```json\n \n``` then {\"a\":1}", "{\"a\":1}", NULL},
		{"```\n{\"a\":2} \r\n\t```", "{\"a\":2}", NULL},
		{"x {\"a\":\"\\\"}\"} y", "{\"a\":\"\\\"}\"}", NULL},
		{"x {\"a\":\"\\", NULL, "no JSON object"},
		{"{\"a\":\"\\", NULL, "breaks off"},
		{"{{\"a\":1}}", "{\"a\":1}", NULL},
		{"} {\"a\":1}", "{\"a\":1}", NULL},
		{"<think>a</think><think>{\"a\":0}</think> {\"a\":1}",
		 "{\"a\":1}", NULL},
		{"</think>", NULL, "empty"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct json *v = extract_json(is[i].text);
		char *text = v ? json_canonical(v) : NULL;

		if (is[i].holds && !text)
			fail_msg("%s: %s", is[i].text, err_text());
		if (is[i].holds)
			assert_string_equal(text, is[i].holds);
		else
			says(is[i].says);
		free(text);
		json_free(v);
	}
}

/* Of many fences and braces only the first are tried. */
static void test_extracting_has_an_end(void **state)
{
	struct json *v;
	struct buf b;

	(void)state;
	for (int n = 31; n < 34; n++) {
		buf_init(&b, 1 << 16);
		for (int i = 0; i < n; i++)
			buf_puts(&b, "```c\nint x;\n```\n");
		buf_puts(&b, "```\n{\"a\":1}\n```");
		v = extract_json(b.data);
		/* It has braces, too: by those it is found. */
		assert_non_null(v);
		json_free(v);
		buf_reset(&b);
		buf_puts(&b, "x");
		for (int i = 0; i < n; i++)
			buf_puts(&b, "{x} ");
		buf_puts(&b, "{\"a\":1}");
		v = extract_json(b.data);
		assert_int_equal(v != NULL, n < 32);
		json_free(v);
		buf_release(&b);
	}
}

/* ---- keys ---------------------------------------------------------------- */

static void test_keys_that_are_none(void **state)
{
	static const char *const bad[] = {"quote\"quote", "back\\slash",
					  "del\x7f"
					  "ete-",
					  "umlaut\xc3\xa9"};
	char huge[4097];
	const struct secret *one, *two;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			secret_learn("K", bad[i], strlen(bad[i]), NULL),
			-EINVAL);
	/* The same one is one. */
	assert_int_equal(secret_learn("K", "key-one-1", 9, &one), 0);
	assert_int_equal(secret_learn("L", "key-two-2", 9, NULL), 0);
	assert_int_equal(secret_learn("M", "key-one-1", 9, &two), 0);
	assert_ptr_equal(one, two);
	/* A file that is as long is something else. */
	memset(huge, 'k', sizeof(huge));
	put(huge, 4096);
	assert_int_equal(secret_learn_file("F", path, NULL), -EINVAL);
	says("no key file");
	put(huge, 4095);
	assert_int_equal(secret_learn_file("F", path, NULL), 0);
	put("", 0);
	assert_int_equal(secret_learn_file("F", path, NULL), -EINVAL);
	secret_forget();
}

static void test_names_of_keys(void **state)
{
	(void)state;
	secret_names_in(NULL);
	secret_names_in("http://a/;key=FIRST;slots=2 http://b/;key=SECOND\n"
			"http://c/;key= http://d/;key=OPENAI_API_KEY "
			"http://e/;key=FIRST");
	assert_true(secret_is_env("FIRST", 5));
	assert_true(secret_is_env("SECOND=x", 6));
	assert_true(secret_is_env("OPENAI_API_KEY", 14));
	assert_false(secret_is_env("FIRS", 4));
	assert_false(secret_is_env("SECONDS", 7));
	assert_false(secret_is_env("", 0));
	assert_false(secret_is_env("FIRSU", 5));
	setenv("FIRST", "first-key-1", 1);
	secret_clear_env();
	assert_null(getenv("FIRST"));
	secret_forget();
	assert_false(secret_is_env("FIRST", 5));
}

/* How much of the text may be held back, a second way. */
static void test_beginnings_of_keys(void **state)
{
	static const char *const keys[] = {"abababcd", "abcabcab", "zzzzzzzz"};
	static const char text[] = "xx abab abababc zz abcabca";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(secret_learn("K", keys[i], 8, NULL), 0);
	for (size_t n = 0; n < sizeof(text); n++) {
		size_t want = n;

		for (size_t at = n; at-- > 0;)
			for (size_t i = 0; i < ARRAY_LEN(keys); i++)
				if (n - at <= 8 &&
				    !strncmp(text + at, keys[i], n - at))
					want = at;
		assert_int_equal(secret_before(text, n), want);
	}
	secret_forget();
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_price_lists),
		cmocka_unit_test(test_what_was_recorded),
		cmocka_unit_test(test_judging),
		cmocka_unit_test(test_repairing),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_extracting),
		cmocka_unit_test(test_extracting_has_an_end),
		cmocka_unit_test(test_keys_that_are_none),
		cmocka_unit_test(test_names_of_keys),
		cmocka_unit_test(test_beginnings_of_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
